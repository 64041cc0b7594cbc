//! A game without a player: nothing that needs one is sent.

use awesomestock::app::chart::Area;
use awesomestock::app::commands::action::BINDINGS;
use awesomestock::app::commands::command::COMMANDS;
use awesomestock::app::event::{FrameChange, Request, StreamEvent};
use awesomestock::app::lobby::round::RoundPhase;
use awesomestock::app::overlay::Overlay;
use awesomestock::app::overlay::screen::{ClickAction, ClickTarget};
use awesomestock::app::portfolio::wallet::Wallet;
use awesomestock::app::{AppState, Effect, Event, SessionInfo, Settings};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use crate::game::{Game, START};
use crate::rounds::round;

/// Connected at price 10. A wallet, which no casino sends to it, changes nothing.
fn watching() -> Game {
    let info = SessionInfo::new("", "solo");
    let settings = Settings {
        watch: true,
        ..Settings::default()
    };
    let (state, effects) = AppState::with_settings(settings, info, (80, 24), START);
    assert_eq!(effects, [Effect::Connect { after_ms: 0 }]);
    let mut game = Game { state, now: START };
    let opened = StreamEvent::Opened {
        extended: false,
        ids: true,
    };
    assert_eq!(
        game.stream(opened),
        [Effect::Call(Request::History { before: None })]
    );
    game.stream(StreamEvent::Wallet(Wallet {
        tokens: 500,
        stocks: 5,
        ..Wallet::default()
    }));
    game.price(0, 10);
    game
}

/// Whether no player is needed for the effect.
fn is_harmless(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::Quit
            | Effect::Repaint
            | Effect::Suspend
            | Effect::Call(Request::History { .. } | Request::Candles { .. })
    )
}

#[test]
fn no_key_sends_anything_for_a_player() {
    let letters = (' '..='~').map(KeyCode::Char);
    let others = [
        KeyCode::Enter,
        KeyCode::Tab,
        KeyCode::Backspace,
        KeyCode::Up,
        KeyCode::Home,
    ];
    let codes: Vec<KeyCode> = letters.chain(others).chain((1..13).map(KeyCode::F)).collect();
    for modifiers in [KeyModifiers::NONE, KeyModifiers::CONTROL, KeyModifiers::ALT] {
        for code in &codes {
            let mut game = watching();
            let mut effects = game.event(Event::Key(KeyEvent::new(*code, modifiers)));
            effects.extend(game.keys("2\n5\ny\n"));
            assert!(effects.iter().all(is_harmless), "{code:?}: {effects:?}");
            assert_eq!(game.log(), [], "{code:?}");
        }
    }
}

#[test]
fn no_command_can_be_typed() {
    for word in COMMANDS {
        let mut game = watching();
        let effects = game.keys(&format!(":{} 2\n", word.name));
        assert!(effects.iter().all(is_harmless), "{}: {effects:?}", word.name);
        assert_eq!(game.log(), [], "{}", word.name);
    }
}

#[test]
fn no_click_performs_an_action_of_a_player() {
    for row in BINDINGS {
        let mut game = watching();
        let area = Area {
            width: 9,
            height: 9,
            ..Area::default()
        };
        let target = ClickTarget {
            area,
            action: ClickAction::Act(row.action),
        };
        game.event(Event::Rendered(FrameChange {
            buttons: Some(vec![target]),
            ..FrameChange::default()
        }));
        let effects = game.event(Event::Mouse(MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column: 1,
            row: 1,
            modifiers: KeyModifiers::NONE,
        }));
        assert!(effects.iter().all(is_harmless), "{}: {effects:?}", row.name);
        let opened = game.state.screen.overlays.last();
        let is_read_only = |overlay: &Overlay| {
            matches!(
                overlay,
                Overlay::Help { .. } | Overlay::Lobby { .. } | Overlay::Podium { .. }
            )
        };
        assert!(opened.is_none_or(is_read_only), "{}", row.name);
    }
}

#[test]
fn keys_of_the_view_still_work() {
    let mut game = watching();
    game.keys("c");
    assert!(game.state.chart.kind.is_some());
    // Digits are not for a ticket, so the key after them keeps its action.
    game.keys("5%");
    assert!(game.state.chart.percent);
    game.keys("?");
    assert!(matches!(game.state.screen.overlays[..], [Overlay::Help { .. }]));
    game.keys("q");
    assert!(game.state.screen.overlays.is_empty());
    assert_eq!(game.keys("q"), [Effect::Quit]);
}

#[test]
fn a_lost_connection_is_opened_again() {
    for event in [StreamEvent::Closed, StreamEvent::Rejected] {
        let effects = watching().stream(event("gone".to_owned()));
        assert!(matches!(effects[..], [Effect::Connect { .. }]), "{effects:?}");
    }
}

/// Receives a price of a market with a tick every 10 seconds.
fn receive(game: &mut Game, tick: i64, price: i32, began_ms: i64) {
    game.stream(StreamEvent::Price {
        tick: Some(tick),
        price,
        at: Some(START.plus_ms(began_ms)),
        interval_ms: Some(10_000),
    });
}

#[test]
fn the_next_tick_is_counted_down() {
    let mut game = watching();
    assert_eq!(game.state.next_price_ms(), None, "ticks of a second are too fast");
    // The first price of a stream is four seconds old.
    receive(&mut game, 1, 11, -4_000);
    assert_eq!(game.state.next_price_ms(), Some(6_000));
    assert_eq!(game.state.next_wake(), Some(START.plus_ms(1_000)));
    game.now = START.plus_ms(2_400);
    game.event(Event::Timer);
    assert_eq!(game.state.next_price_ms(), Some(3_600));
    assert_eq!(game.state.next_wake(), Some(START.plus_ms(3_000)));
    // Later prices arrive with their tick, whatever the clock of the casino says.
    game.now = START.plus_ms(6_000);
    receive(&mut game, 2, 12, 999_000);
    assert_eq!(game.state.next_price_ms(), Some(10_000));
    game.now = START.plus_ms(17_000);
    game.event(Event::Timer);
    assert_eq!(game.state.next_price_ms(), Some(0));
    game.stream(StreamEvent::Closed("gone".to_owned()));
    assert_eq!(game.state.next_price_ms(), None);
}

#[test]
fn the_podium_closes_by_itself_after_a_minute() {
    let mut game = watching();
    game.stream(round(1, RoundPhase::Running, ""));
    game.stream(round(1, RoundPhase::Ended, ""));
    let has_podium = |game: &Game| matches!(game.state.screen.overlays[..], [Overlay::Podium { .. }]);
    for (after_ms, expected) in [(59_999, true), (60_000, false)] {
        game.now = START.plus_ms(after_ms);
        game.event(Event::Timer);
        assert_eq!(has_podium(&game), expected, "{after_ms}");
        let shown = game.state.lobby.shown_round(game.now).is_some();
        assert_eq!(shown, expected, "{after_ms}");
        let wakes = game.state.next_wake() == Some(START.plus_ms(60_000));
        assert_eq!(wakes, expected, "{after_ms}");
    }
}

#[test]
fn the_change_counts_from_the_first_price_of_the_market() {
    let change = |game: &Game| {
        let (change, at) = game.state.market.since_opening().unwrap();
        (change.tokens, at)
    };
    let mut game = watching();
    assert_eq!(change(&game), (0, START));
    receive(&mut game, 1, 14, 500);
    assert_eq!(change(&game), (4, START));
    game.stream(StreamEvent::Closed("gone".to_owned()));
    receive(&mut game, 5, 7, 900);
    assert_eq!(change(&game), (-3, START));
    // A lower tick with another price: another market.
    receive(&mut game, 2, 50, 1_000);
    receive(&mut game, 3, 51, 2_000);
    assert_eq!(change(&game), (1, START.plus_ms(1_000)));
}
