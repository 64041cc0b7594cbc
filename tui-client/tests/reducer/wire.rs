//! The wire pane: its keys, its selection and its bound.

use awesomestock::app::overlay::Overlay;
use awesomestock::app::portfolio::order::Order;
use awesomestock::app::wire::{MAX_ROWS, MessageBytes, WireEvent, WireFrame, WireItem};
use awesomestock::app::{Effect, Event};
use crossterm::event::{KeyCode, KeyEventKind};

use crate::game::Game;

fn wire(at_us: i64, frame: WireFrame) -> Event {
    let missed = 0;
    Event::Wire(WireEvent { at_us, frame, missed })
}

fn price(at_us: i64) -> Event {
    // The field `info` with `price` 7.
    wire(at_us, WireFrame::Received(MessageBytes::new(b"\x12\x02\x10\x07")))
}

fn press(game: &mut Game, code: KeyCode) -> Vec<Effect> {
    game.key(code, KeyEventKind::Press)
}

/// A game with the pane open and five prices.
fn watching() -> Game {
    let mut game = Game::connected();
    assert_eq!(game.keys("W"), [Effect::CollectWire]);
    for number in 1..=5 {
        game.event(price(number * 1_000));
    }
    game
}

fn selected(game: &Game) -> Option<u64> {
    game.state.wire.view.selected
}

#[test]
fn the_pane_opens_and_closes_and_collects_once() {
    let mut game = watching();
    assert!(game.state.wire.view.is_open && game.state.wire.view.is_focused);
    assert_eq!(game.keys("W"), []);
    assert!(!game.state.wire.view.is_open);
    // It still collects, so nothing is missing when it is opened again.
    game.event(price(6_000));
    assert_eq!(game.keys("W"), []);
    assert_eq!(game.state.wire.log.rows().len(), 6);
    assert_eq!(game.keys(":wire\n"), []);
    assert!(!game.state.wire.view.is_open);
}

#[test]
fn arrows_select_in_the_pane_until_esc_and_other_keys_still_trade() {
    let mut game = watching();
    let ticket = game.state.ticket.clone();
    for (code, number) in [
        (KeyCode::Up, Some(4)),
        (KeyCode::Up, Some(3)),
        (KeyCode::Down, Some(4)),
        // The newest row is followed.
        (KeyCode::Down, None),
        (KeyCode::Home, Some(1)),
        (KeyCode::PageDown, None),
        (KeyCode::PageUp, Some(1)),
        (KeyCode::End, None),
    ] {
        press(&mut game, code);
        assert_eq!(selected(&game), number, "{code:?}");
    }
    assert_eq!(game.state.ticket, ticket);
    assert!(matches!(
        game.keys("b")[..],
        [Effect::Send(Order { count: 1, .. })]
    ));
    press(&mut game, KeyCode::Esc);
    assert!(game.state.wire.view.is_open && !game.state.wire.view.is_focused);
    press(&mut game, KeyCode::Up);
    assert_ne!(game.state.ticket, ticket);
    press(&mut game, KeyCode::Enter);
    assert!(game.state.wire.view.is_focused);
}

#[test]
fn enter_opens_a_row_that_stays_when_the_pane_forgets_it() {
    let mut game = watching();
    press(&mut game, KeyCode::Up);
    press(&mut game, KeyCode::Enter);
    let open = |game: &Game| match game.state.screen.overlays.last() {
        Some(Overlay::WireRow {
            item: WireItem::Row(row),
            ..
        }) => Some(row.number),
        _ => None,
    };
    assert_eq!(open(&game), Some(4));
    // No key of the main screen works below the window.
    assert_eq!(game.keys("b"), []);
    for (code, number) in [
        (KeyCode::Left, 3),
        (KeyCode::Right, 4),
        (KeyCode::Right, 5),
        (KeyCode::Right, 5),
    ] {
        press(&mut game, code);
        assert_eq!(open(&game), Some(number), "{code:?}");
    }
    for number in 0..2 * i64::try_from(MAX_ROWS).unwrap() {
        game.event(price(number));
    }
    assert_eq!(open(&game), Some(5));
    press(&mut game, KeyCode::Esc);
    assert!(game.state.screen.overlays.is_empty() && game.state.wire.view.is_open);
}

#[test]
fn a_window_on_a_small_screen_hides_the_ticket_and_its_keys() {
    let mut game = watching();
    game.event(Event::Resized(40, 12));
    let ticket = game.state.ticket.clone();
    assert_eq!(game.keys("b9s"), []);
    assert_eq!((game.state.log.waiting(), &game.state.ticket), (0, &ticket));
    assert_eq!(game.keys("?"), []);
    assert!(matches!(game.state.screen.overlays[..], [Overlay::Help { .. }]));
    press(&mut game, KeyCode::Esc);
    // `q` closes the window, not the game.
    assert_eq!(game.keys("q"), []);
    assert!(!game.state.wire.view.is_open);
    assert!(matches!(game.keys("b")[..], [Effect::Send(_)]));
}

#[test]
fn rows_are_bounded_and_before_the_pane_is_opened_those_of_one_session() {
    let mut game = Game::connected();
    for at_us in 0..10 {
        game.event(wire(at_us, WireFrame::Request(Vec::new())));
        game.event(wire(at_us, WireFrame::Response(Vec::new())));
    }
    assert_eq!(game.state.wire.log.rows().len(), 2);
    game.keys("W");
    for at_us in 0..1_000 {
        game.event(price(at_us));
    }
    let log = &game.state.wire.log;
    assert_eq!(log.rows().len(), MAX_ROWS);
    assert_eq!(log.rows().next_back().unwrap().number, 1_020);
    game.event(wire(0, WireFrame::Request(Vec::new())));
    assert_eq!(game.state.wire.log.rows().len(), MAX_ROWS);
}

#[test]
fn an_order_that_is_sent_again_is_joined_to_its_own_result() {
    let mut game = watching();
    let order = |number: u8| {
        let mut bytes = b"\x18\x01\x2a\x10".to_vec();
        bytes.extend([number; 16]);
        WireFrame::Sent(MessageBytes::new(&bytes))
    };
    let result = || WireFrame::Received(MessageBytes::new(b"\x08\x01"));
    for (at_us, frame) in [
        (10_000, order(1)),
        (10_100, order(2)),
        (10_500, result()),
        // The connection is lost: the second order has no result.
        (11_000, WireFrame::Broken("lost".to_owned())),
        (12_000, WireFrame::Request(Vec::new())),
        (13_000, order(2)),
        (13_400, result()),
        // A result without an order.
        (13_500, result()),
    ] {
        game.event(wire(at_us, frame));
    }
    let links: Vec<_> = game
        .state
        .wire
        .log
        .rows()
        .skip(5)
        .map(|row| {
            row.order
                .map(|order| (order.id.unwrap()[0], order.is_repeated, order.latency_us))
        })
        .collect();
    assert_eq!(
        links,
        [
            Some((1, false, Some(500))),
            Some((2, false, None)),
            Some((1, false, Some(500))),
            None,
            None,
            Some((2, true, Some(400))),
            Some((2, true, Some(400))),
            None,
        ]
    );
}
