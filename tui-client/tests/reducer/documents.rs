//! Documents, the palette, the start screen and alerts.

use awesomestock::app::commands::action::Action;
use awesomestock::app::commands::key::Key;
use awesomestock::app::commands::keymap::Keymap;
use awesomestock::app::event::{Kept, Request, RequestError, Response, StreamEvent, TradeRow};
use awesomestock::app::overlay::{Overlay, PaymentRow, Remote};
use awesomestock::app::portfolio::alerts::Bell;
use awesomestock::app::portfolio::money::Side;
use awesomestock::app::portfolio::order_log::ActionStatus;
use awesomestock::app::portfolio::wallet::Wallet;
use awesomestock::app::{Effect, Event, Settings};
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::game::{Game, START, send, wallet};

#[test]
fn documents_are_loaded_scrolled_and_closed() {
    let mut game = Game::connected();
    assert_eq!(game.keys("p"), [Effect::Call(Request::Payments)]);
    let row = |number| PaymentRow {
        number,
        at: None,
        dollars: -1,
    };
    game.event(Event::Answered(Response::Payments((1..=100).map(row).collect())));
    game.set_reach(82);
    let top = |game: &Game| match game.state.screen.overlays.last() {
        Some(Overlay::Payments(document)) => document.scroll.top(),
        other => panic!("{other:?}"),
    };
    for (key, expected) in [
        (KeyCode::Down, 1),
        (KeyCode::PageDown, 13),
        (KeyCode::End, 82),
        (KeyCode::Down, 82),
        (KeyCode::Up, 81),
        (KeyCode::Home, 0),
        (KeyCode::Up, 0),
    ] {
        game.key(key, KeyEventKind::Press);
        assert_eq!(top(&game), expected, "{key:?}");
    }
    assert_eq!(game.keys("b"), [], "the overlay receives the keys");
    game.keys("\x1b");
    assert!(game.state.screen.overlays.is_empty());
    game.event(Event::Answered(Response::Payments(vec![])));
    assert!(
        game.state.screen.overlays.is_empty(),
        "the answer to an abandoned request is ignored"
    );

    assert_eq!(game.keys("S"), [Effect::Call(Request::Statement)]);
    game.event(Event::Failed(
        Request::Statement,
        RequestError::Unanswered("no payments server".to_owned()),
    ));
    match game.state.screen.overlays.last() {
        Some(Overlay::Statement(document)) => {
            assert_eq!(document.content, Remote::Failed("no payments server".to_owned()));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_document_is_searched_copied_and_exported() {
    let mut game = Game::connected();
    game.keys("p");
    assert_eq!(game.keys("ye"), [], "nothing is loaded yet");
    let row = |number, dollars| PaymentRow {
        number,
        at: Some(START),
        dollars,
    };
    game.event(Event::Answered(Response::Payments(vec![
        row(1, -100),
        row(2, 60),
    ])));
    game.set_reach(1);
    assert_eq!(game.keys("/b60\n"), [], "letters are search text, not orders");
    assert_eq!(game.keys("/60\n"), []);
    let Some(Overlay::Payments(document)) = game.state.screen.overlays.last() else {
        panic!("closed")
    };
    assert_eq!((document.search.found(), document.scroll.top()), (Some(1), 1));

    let rows = "1,2023-11-14T22:13:20.000Z,-100\n2,2023-11-14T22:13:20.000Z,60\n";
    assert_eq!(game.keys("y"), [Effect::Copy(rows.to_owned())]);
    let file_name = "awesomestock-payments-ann-1700000000000.csv".to_owned();
    let text = format!("number,at,dollars\n{rows}").replace('\n', "\r\n");
    assert_eq!(game.keys("e"), [Effect::Export { file_name, text }]);
    game.event(Event::Exported(Ok("/tmp/x.csv".to_owned())));
    assert_eq!(
        game.last_outcome(),
        ActionStatus::Done("exported to /tmp/x.csv".to_owned())
    );
    game.event(Event::Exported(Err("no space".to_owned())));
    assert_eq!(
        game.last_outcome(),
        ActionStatus::Rejected("export failed: no space".to_owned())
    );
    game.keys("/\x1b\x1b");
    assert!(game.state.screen.overlays.is_empty());
}

#[test]
fn older_trades_are_loaded_page_by_page_while_scrolling() {
    let page = |numbers: std::ops::RangeInclusive<i64>| -> Vec<(i64, TradeRow)> {
        let row = TradeRow {
            tick: 1,
            at: START,
            side: Side::Buy,
            count: 3,
            price: 12,
        };
        numbers.map(|number| (number, row)).collect()
    };
    let page_event = |before, rows, more| Event::Answered(Response::TradePage { before, rows, more });
    let requested = |before| vec![Effect::Call(Request::TradePage { before })];
    let mut game = Game::connected();
    assert_eq!(game.keys("T"), requested(None));
    game.event(page_event(None, page(101..=200), true));
    // 20 of 100 rows are visible.
    game.set_reach(80);
    assert_eq!(game.keys("jjj"), []);
    assert_eq!(game.keys("G"), requested(Some(101)));
    assert_eq!(game.keys("kGG"), [], "once");
    let call = Request::TradePage { before: Some(101) };
    game.event(Event::Failed(call, RequestError::Unanswered("no".to_owned())));
    assert_eq!(game.keys("G"), requested(Some(101)), "it may be requested again");
    game.event(page_event(Some(101), page(1..=100), false));
    game.set_reach(180);
    assert_eq!(game.keys("G"), [], "no older trades");
    let Some(Overlay::Trades(document)) = game.state.screen.overlays.last() else {
        panic!("closed")
    };
    assert_eq!(document.ready().map(|trades| trades.rows().len()), Some(200));
    let [Effect::Export { file_name, text }] = &game.keys("E")[..] else {
        panic!("not exported")
    };
    assert_eq!(file_name, "awesomestock-trades-ann-1700000000000.txt");
    assert!(text.starts_with("number  date (UTC)") && text.lines().count() == 201);
    assert_eq!(game.keys("T"), []);
    assert!(game.state.screen.overlays.is_empty(), "its key closes it");
    // A page for a closed overlay is ignored.
    game.event(page_event(Some(101), page(1..=9), true));
    let mut old = Game::connected();
    old.keys("T");
    let reason = "this casino has no trade list".to_owned();
    old.event(Event::Failed(
        Request::TradePage { before: None },
        RequestError::Rejected(reason.clone()),
    ));
    let Some(Overlay::Trades(document)) = old.state.screen.overlays.last() else {
        panic!("closed")
    };
    assert_eq!(document.content, Remote::Failed(reason));
}

#[test]
fn the_palette_accepts_every_command() {
    for (keys, expected) in [
        (":buy 2\n", send(Side::Buy, 2)),
        (":sell 1\n", send(Side::Sell, 1)),
        (":buyTokens 100\n", vec![Effect::Call(Request::BuyTokens(100))]),
        (":buy-tokens 100\n", vec![Effect::Call(Request::BuyTokens(100))]),
        (":withdraw 5\n", vec![Effect::Call(Request::Withdraw(5))]),
        (":balance\n", vec![Effect::Call(Request::Holdings)]),
        (":payments\n", vec![Effect::Call(Request::Payments)]),
        (":paymentStatement\n", vec![Effect::Call(Request::Statement)]),
        (":payment-statement\n", vec![Effect::Call(Request::Statement)]),
        (":stop\n", vec![Effect::Leave]),
        (
            ":stop\n:gamble\n",
            vec![Effect::Leave, Effect::Connect { after_ms: 0 }],
        ),
        (":gamble\n", vec![]),
        (":exit\n", vec![Effect::Quit]),
        (":wit\t10\n", vec![Effect::Call(Request::Withdraw(10))]),
        (":\x08b", send(Side::Buy, 1)),
        (":\n", vec![]),
        ("q", vec![Effect::Quit]),
    ] {
        assert_eq!(Game::connected().keys(keys), expected, "{keys:?}");
    }
    for (line, expected) in [
        ("bye 2", "unknown command"),
        ("buy", "buy STOCKS"),
        ("buy x", "whole number"),
        ("buy -1", "whole number"),
        ("buy +1", "whole number"),
        ("buy 0", "whole number"),
        ("buy 99999999999", "whole number"),
        ("buy 1 2", "too many words"),
        ("stop now", "too many words"),
    ] {
        let mut game = Game::connected();
        assert_eq!(game.keys(&format!(":{line}\n")), []);
        match game.state.screen.overlays.last() {
            Some(Overlay::Palette(palette)) => {
                let error = palette.error.as_deref().unwrap_or_default();
                assert!(error.contains(expected), "{line}: {error}");
            }
            other => panic!("{line}: {other:?}"),
        }
    }
}

#[test]
fn key_bindings_do_not_affect_text_entry() {
    let changes: Vec<(Action, Vec<Key>)> = [("repaint", "r"), ("suspend", "f2"), ("quit", "enter")]
        .map(|(action, key)| (Action::by_name(action).unwrap(), vec![key.parse().unwrap()]))
        .into();
    let settings = Settings {
        keys: Keymap::with_overrides(&changes).unwrap(),
        ..Settings::default()
    };
    let mut game = Game::with_settings(settings);
    assert_eq!(game.keys("r"), [Effect::Repaint]);
    assert_eq!(game.keys(":r"), []);
    let Some(Overlay::Palette(palette)) = game.state.screen.overlays.last() else {
        panic!("closed")
    };
    assert_eq!(palette.input.value(), "r");
    assert_eq!(game.key(KeyCode::F(2), KeyEventKind::Press), [Effect::Suspend]);
    assert_eq!(game.keys("\x08?\n"), [], "Enter does not quit here");
    let ctrl_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(game.event(Event::Key(ctrl_c)), [Effect::Quit]);
    game.keys("\x1b\x1b");
    assert_eq!(game.keys("\n"), [Effect::Quit]);
}

#[test]
fn the_start_screen_stays_for_a_moment_and_until_a_price_or_a_key() {
    let start = || {
        Game::with_settings(Settings {
            splash: true,
            ..Settings::default()
        })
    };
    let shown = |game: &Game| matches!(game.state.screen.overlays.first(), Some(Overlay::Splash { .. }));
    let mut untouched = start();
    untouched.open(true, false);
    untouched.price(0, 10);
    assert!(shown(&untouched), "a price alone does not close it at once");
    untouched.now = untouched.state.next_wake().unwrap();
    untouched.event(Event::Timer);
    assert!(!shown(&untouched));
    let mut waiting = start();
    waiting.now = START.plus_ms(60_000);
    waiting.event(Event::Timer);
    assert!(shown(&waiting), "nothing to show yet");
    waiting.open(true, false);
    waiting.price(0, 10);
    assert!(!shown(&waiting));

    for (keys, effects, overlays) in [
        ("\x1b", vec![], 0),
        ("t", vec![], 1),
        ("b", vec![], 0),
        ("s", vec![], 0),
        ("bb", send(Side::Buy, 1), 0),
        ("q", vec![Effect::Quit], 0),
        ("25b", send(Side::Buy, 25), 0),
    ] {
        let mut game = start();
        game.open(true, false);
        game.price(0, 10);
        assert_eq!(game.keys(keys), effects, "{keys:?}");
        assert!(!shown(&game), "{keys:?}");
        assert_eq!(game.state.screen.overlays.len(), overlays, "{keys:?}");
    }
}

#[test]
fn an_alert_triggers_once_is_shown_for_a_while_and_stays_in_the_log() {
    let mut game = Game::connected();
    game.keys(":alertAbove 12\n:alert-below 3\n:alertAbove 9\n:alertAbove 12\n");
    let outcomes: Vec<_> = game.log().into_iter().map(|(_, outcome)| outcome).collect();
    let expected = [
        ActionStatus::Done("alert set: 12 or more".to_owned()),
        ActionStatus::Done("alert set: 3 or less".to_owned()),
        ActionStatus::Rejected("alert not set: the price is already 10".to_owned()),
        ActionStatus::Rejected("this alert is already set".to_owned()),
    ];
    assert_eq!(outcomes, expected);
    game.price(1, 11);
    assert_eq!(game.state.alerts.toasts().len(), 0);
    game.price(2, 12);
    assert_eq!(
        game.last_outcome(),
        ActionStatus::Done("price 12 (alert: 12 or more)".to_owned())
    );
    assert_eq!(game.state.alerts.toasts().len(), 1);
    game.price(3, 13);
    assert_eq!(game.state.alerts.toasts().len(), 1, "an alert triggers once");
    assert_eq!(
        game.keys("1b"),
        send(Side::Buy, 1),
        "a toast does not receive keys"
    );

    game.now = game.state.alerts.next_change().unwrap();
    game.event(Event::Timer);
    assert_eq!(game.state.alerts.toasts().len(), 0);
    game.keys(":alertsOff\n");
    game.price(4, 1);
    assert_eq!(
        game.last_outcome(),
        ActionStatus::Done("alerts removed: 1".to_owned())
    );
}

#[test]
fn a_shutdown_ends_the_game_under_any_overlay() {
    let mut game = Game::connected();
    game.keys("?:");
    assert_eq!(game.event(Event::Shutdown), [Effect::Quit]);
    let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(game.event(Event::Key(interrupt)), [Effect::Quit]);
}

#[test]
fn fills_alerts_and_a_lost_connection_ring_at_most_every_two_seconds() {
    let mut game = Game::connected();
    game.keys(":alertAbove 12\n:alertAbove 13\nb");
    assert_eq!(game.effects_of_price(1, 12), [], "off by default");
    game.state.session.settings.bell = Bell::Notify;
    let alert = Effect::Ring(Some("price 13 (alert: 13 or more)".to_owned()));
    assert_eq!(game.effects_of_price(2, 13), [alert]);
    let wallet = Wallet::default();
    assert_eq!(game.result(true, "", wallet), [], "just after another one");
    game.now = game.now.plus_ms(2_000);
    game.keys("b");
    assert_eq!(
        game.result(true, "", wallet),
        [Effect::Ring(Some("buy 1 at 10".to_owned()))]
    );
    game.now = game.now.plus_ms(2_000);
    game.state.session.settings.bell = Bell::Bell;
    game.keys("b");
    assert_eq!(game.result(false, "no", wallet), [], "a rejection");
    let lost = game.stream(StreamEvent::Closed("reset".to_owned()));
    assert!(
        matches!(lost[..], [Effect::Connect { .. }, Effect::Ring(None)]),
        "{lost:?}"
    );
    game.now = game.now.plus_ms(60_000);
    let again = game.stream(StreamEvent::Closed("refused".to_owned()));
    assert!(
        matches!(again[..], [Effect::Connect { .. }]),
        "once for each loss: {again:?}"
    );
}

#[test]
fn a_challenge_ends_at_its_last_tick_without_payments_and_breaks() {
    let mut game = Game::connected();
    game.state.session.settings.last_tick = Some(3);
    let no_payments = "a challenge has its own 100 $: no deposits, no withdrawals";
    for (keys, why) in [
        (":buyTokens 5\n", no_payments),
        (":withdraw 5\n", no_payments),
        ("t", no_payments),
        ("w", no_payments),
        (":stop\n", "a challenge runs to its last tick; exit ends it now"),
        (
            ":tour\n",
            "the tour begins with a deposit, which is not possible now; ? lists the keys",
        ),
    ] {
        assert_eq!(game.keys(keys), [], "{keys}");
        assert_eq!(
            game.last_outcome(),
            ActionStatus::NotSent(why.to_owned()),
            "{keys}"
        );
        assert!(game.state.screen.overlays.is_empty(), "{keys}");
    }
    // Its ticks would wait for a suspended process.
    let suspend = KeyEvent::new(KeyCode::Char('z'), KeyModifiers::CONTROL);
    assert_eq!(game.event(Event::Key(suspend)), []);
    let why = "a challenge runs to its last tick; exit ends it now".to_owned();
    assert_eq!(game.last_outcome(), ActionStatus::NotSent(why));
    assert_eq!(game.effects_of_price(2, 11), []);
    assert_eq!(game.effects_of_price(3, 12), [Effect::Quit]);
}

#[test]
fn the_only_game_that_counts_asks_once_before_it_ends() {
    for (keys, quits) in [
        ("q", false),
        (":exit\n", false),
        ("qn", false),
        ("q\x1b", false),
        ("q\n", true),
        ("qy", true),
        (":exit\n\n", true),
        ("?q", false),
    ] {
        let mut game = Game::connected();
        game.state.session.settings.confirm_quit = true;
        let expected = if quits { vec![Effect::Quit] } else { vec![] };
        assert_eq!(game.keys(keys), expected, "{keys:?}");
        let mut other = Game::connected();
        let quits = other.keys(keys.get(..1).unwrap_or_default()) == [Effect::Quit];
        assert_eq!(quits, keys.starts_with('q'), "other games do not ask");
    }
    // Ctrl-C never asks, and neither does a signal.
    let mut game = Game::connected();
    game.state.session.settings.confirm_quit = true;
    game.keys("q");
    let ctrl_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(game.event(Event::Key(ctrl_c)), [Effect::Quit]);
    assert_eq!(game.event(Event::Shutdown), [Effect::Quit]);
}

#[test]
fn a_trade_of_a_challenge_is_kept_at_once() {
    for last_tick in [None, Some(120)] {
        let mut game = Game::connected();
        game.state.session.settings.last_tick = last_tick;
        game.keys("3b");
        let wallet = wallet(470, 3, 2);
        let trade = TradeRow {
            tick: 0,
            at: game.now,
            side: Side::Buy,
            count: 3,
            price: 10,
        };
        let kept = last_tick.map(|_| Effect::Keep(Kept::Trade(trade)));
        assert_eq!(game.result(true, "words", wallet), Vec::from_iter(kept));
        game.keys("9s");
        assert_eq!(game.result(false, "words", wallet), []);
    }
}
