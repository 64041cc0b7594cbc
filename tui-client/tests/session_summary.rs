//! The summary of a session: its figures and the printed text.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use awesomestock::{
    app::{
        AppState, Event, SessionInfo,
        event::{OrderResult, StreamEvent},
        portfolio::{money::UnixMillis, wallet::Wallet},
        update,
    },
    ui::screens::summary::summary,
};

const START: UnixMillis = UnixMillis(1_700_000_000_000);

fn new(player: &str) -> AppState {
    let info = SessionInfo {
        player: player.to_owned(),
        server: "solo".to_owned(),
    };
    AppState::new(info, (80, 24), START).0
}

fn dispatch(state: &mut AppState, after_ms: i64, event: StreamEvent) {
    update(state, START.plus_ms(after_ms), Event::Stream(event));
}

fn price(state: &mut AppState, after_ms: i64, tick: i64, price: i32) {
    let event = StreamEvent::Price {
        tick: Some(tick),
        price,
        at: None,
        interval_ms: Some(1000),
    };
    dispatch(state, after_ms, event);
}

fn result(state: &mut AppState, after_ms: i64, executed: bool, wallet: Wallet) {
    let event = OrderResult {
        tick: None,
        executed,
        message: "words".to_owned(),
        price: Some(10),
        count: None,
        at: None,
        wallet: Some(wallet),
    };
    dispatch(state, after_ms, StreamEvent::Result(event));
}

/// Connects with 2 stocks and an earlier loss, at a price of 10.
fn connected(player: &str) -> (AppState, Wallet) {
    let mut state = new(player);
    let wallet = Wallet {
        tokens: 1_480,
        stocks: 2,
        cost_basis: 30,
        realised_pnl: -100,
        version: 7,
        ..Wallet::default()
    };
    dispatch(
        &mut state,
        5,
        StreamEvent::Opened {
            extended: true,
            ids: false,
        },
    );
    dispatch(&mut state, 6, StreamEvent::Wallet(wallet));
    price(&mut state, 7, 1, 10);
    (state, wallet)
}

#[test]
fn the_profit_is_that_of_the_session_only() {
    let (mut state, wallet) = connected("ann");
    assert_eq!((state.summary().trades, state.summary().pnl), (0, Some(0)));
    let bought = Wallet {
        tokens: 1_470,
        stocks: 3,
        cost_basis: 40,
        version: 8,
        ..wallet
    };
    result(&mut state, 1_000, true, bought);
    result(&mut state, 2_000, false, bought);
    price(&mut state, 3_000, 2, 20);
    let sold = Wallet {
        tokens: 1_490,
        stocks: 2,
        cost_basis: 27,
        realised_pnl: -93,
        version: 9,
        ..wallet
    };
    result(&mut state, 240_000, true, sold);
    let end = state.summary();
    // It started 10 below the cost of 2 stocks and ends with 7 realised and 13 above the cost.
    assert_eq!((end.trades, end.pnl, end.played_ms), (2, Some(30), 240_000));
    assert_eq!(
        summary(&state),
        [
            "AwesomeStock  ann @ solo",
            "played        4 min",
            "trades        2",
            "P&L           ▲ +30 tokens",
            "wallet        1,490 tokens, 2 stocks: 40 tokens at 20",
        ]
    );
}

#[test]
fn unknown_figures_are_omitted() {
    assert_eq!(
        summary(&new("ann")),
        ["AwesomeStock  ann @ solo", "played        0 s", "trades        0"]
    );
}

#[test]
fn hostile_names_are_printed_safely() {
    let (mut state, _) = connected("\u{1b}[2Jann\r\n");
    state.session.info.server = "\u{202E}casino".to_owned();
    let text = summary(&state).join("\n");
    assert!(
        text.chars().all(|char| char == '\n' || !char.is_control()) && !text.contains('\u{202E}'),
        "{text:?}"
    );
}
