//! The summary of a session: its figures and the printed text.

use awesomestock::app::event::{OrderResult, Response, StreamEvent};
use awesomestock::app::lobby::Capabilities;
use awesomestock::app::lobby::round::{Round, RoundPhase};
use awesomestock::app::portfolio::achievements::Achievement;
use awesomestock::app::portfolio::money::UnixMillis;
use awesomestock::app::portfolio::wallet::Wallet;
use awesomestock::app::{AppState, Effect, Event, SessionInfo, update};
use awesomestock::ui::screens::summary::summary;
use crossterm::event::{KeyCode, KeyEvent};

const START: UnixMillis = UnixMillis(1_700_000_000_000);

fn new(player: &str) -> AppState {
    let info = SessionInfo::new(player, "solo");
    AppState::new(info, (80, 24), START).0
}

fn dispatch(state: &mut AppState, after_ms: i64, event: StreamEvent) -> Vec<Effect> {
    update(state, START.plus_ms(after_ms), Event::Stream(event))
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

fn result(state: &mut AppState, after_ms: i64, executed: bool, wallet: Wallet) -> Vec<Effect> {
    let event = OrderResult {
        executed,
        message: "words".to_owned(),
        price: Some(10),
        wallet: Some(wallet),
        ..OrderResult::default()
    };
    dispatch(state, after_ms, StreamEvent::Result(event))
}

fn press(state: &mut AppState, after_ms: i64, key: char) {
    let key = Event::Key(KeyEvent::from(KeyCode::Char(key)));
    update(state, START.plus_ms(after_ms), key);
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
    press(&mut state, 1_000, 'b');
    result(&mut state, 1_000, true, bought);
    press(&mut state, 2_000, 'b');
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
    press(&mut state, 3_000, 's');
    result(&mut state, 240_000, true, sold);
    let end = state.summary();
    // It started 10 below the cost of 2 stocks and ends with 7 realised and 13 above the cost.
    assert_eq!((end.trades, end.pnl, end.played_ms), (2, Some(30), 240_000));
    assert_eq!(
        summary(&state),
        [
            "AwesomeStock  ann @ solo",
            "played        4 min",
            "trades        2; sale: 1 at 10, gain 7 tokens",
            "P&L           ▲ +30 tokens, +2.0 %; buy and hold +100.0 %",
            "equity        ▁█",
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

/// Sells a stock at 10, with this gain.
fn sell(state: &mut AppState, after_ms: i64, wallet: &mut Wallet, gain: i64) -> Vec<Effect> {
    price(state, after_ms, after_ms, 10);
    press(state, after_ms, 's');
    wallet.version += 1;
    wallet.realised_pnl += gain;
    result(state, after_ms, true, *wallet)
}

/// The words of a row, if there is one.
fn row(state: &AppState, name: &str) -> Option<String> {
    let lines = summary(state);
    let line = lines.iter().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().to_owned())
}

#[test]
fn the_best_and_the_worst_sale_are_named() {
    let (mut state, mut wallet) = connected("ann");
    sell(&mut state, 1_000, &mut wallet, 0);
    assert_eq!(
        row(&state, "trades"),
        Some("1; sale: 1 at 10, no gain".to_owned())
    );
    for (after_ms, gain) in [(2_000, -4), (3_000, 12), (4_000, 12), (5_000, -1)] {
        sell(&mut state, after_ms, &mut wallet, gain);
    }
    assert_eq!(
        row(&state, "trades"),
        Some("5; best: 1 at 10, gain 12 tokens; worst: 1 at 10, loss 4 tokens".to_owned())
    );
}

#[test]
fn tokens_that_are_bought_meanwhile_are_no_gain_and_count_as_paid_in() {
    let (mut state, mut wallet) = connected("ann");
    // 1,500 tokens at the start.
    wallet.dollars_in += 300;
    wallet.tokens += 1_500;
    wallet.version += 1;
    update(
        &mut state,
        START.plus_ms(8),
        Event::Answered(Response::Wallet(wallet)),
    );
    price(&mut state, 9, 2, 25);
    price(&mut state, 10, 3, 13);
    assert_eq!(
        row(&state, "P&L"),
        Some("▲ +6 tokens, +0.2 %; buy and hold +30.0 %".to_owned())
    );
    assert_eq!(row(&state, "equity"), Some("▁█▂".to_owned()));
}

#[test]
fn another_market_starts_the_figures_again() {
    let (mut state, wallet) = connected("ann");
    price(&mut state, 8, 500, 40);
    price(&mut state, 9, 1, 99);
    dispatch(&mut state, 10, StreamEvent::Wallet(wallet));
    price(&mut state, 11, 2, 99);
    assert_eq!(
        row(&state, "P&L"),
        Some("= 0 tokens, 0.0 %; buy and hold 0.0 %".to_owned())
    );
}

fn round(state: &mut AppState, after_ms: i64, phase: RoundPhase) {
    let round = Round {
        number: 1,
        phase,
        left_ms: 60_000,
        announcement: String::new(),
        stake: 100,
        podium: Vec::new(),
    };
    dispatch(state, after_ms, StreamEvent::Round(round));
}

fn with_rounds(state: &mut AppState, after_ms: i64) {
    let capabilities = Capabilities {
        rounds: true,
        ..Capabilities::default()
    };
    dispatch(state, after_ms, StreamEvent::Capabilities(capabilities));
}

/// The wallet of a round at its start.
fn stake(version: i64) -> Wallet {
    Wallet {
        tokens: 500,
        dollars_in: 100,
        version,
        round: Some(1),
        ..Wallet::default()
    }
}

#[test]
fn a_round_counts_apart_from_the_own_account() {
    let (mut state, wallet) = connected("ann");
    state.session.settings.achievements = Some(Vec::new());
    price(&mut state, 2_000, 2, 11);
    round(&mut state, 2_000, RoundPhase::Running);
    // The wallet of the round comes after its start, and that of the own account after its end.
    price(&mut state, 2_500, 3, 12);
    let mut in_round = stake(1_000);
    dispatch(&mut state, 3_000, StreamEvent::Wallet(in_round));
    for after_ms in [4_000, 5_000, 6_000] {
        assert_eq!(sell(&mut state, after_ms, &mut in_round, 15).len(), 0);
    }
    let own = [
        "AwesomeStock  ann @ solo",
        "played        6 s",
        "trades        0",
        "in rounds     3 trades",
        "P&L           = 0 tokens, 0.0 %; buy and hold 0.0 %",
        "equity        ▁▄█▁▁▁",
        "wallet        1,480 tokens, 2 stocks: 20 tokens at 10",
    ];
    assert_eq!(summary(&state), own);
    // An order that was sent in the round is answered after its end.
    press(&mut state, 6_000, 's');
    round(&mut state, 6_000, RoundPhase::Ended);
    in_round.version += 1;
    in_round.realised_pnl += 15;
    let effects = result(&mut state, 6_100, true, in_round);
    assert_eq!(effects, []);
    price(&mut state, 6_200, 6_001, 10);
    let back = Wallet {
        version: 2_000,
        ..wallet
    };
    dispatch(&mut state, 6_300, StreamEvent::Wallet(back));
    assert_eq!(row(&state, "trades"), Some("0".to_owned()));
    assert_eq!(row(&state, "in rounds"), Some("4 trades".to_owned()));
    assert_eq!(row(&state, "equity"), Some("▁▄█▁▁▁▁".to_owned()));
    assert_eq!(
        row(&state, "wallet"),
        own[6].strip_prefix("wallet").map(|row| row.trim().to_owned())
    );
    // Trades of the own account count again.
    let mut wallet = back;
    state.screen.overlays.clear();
    assert_eq!(sell(&mut state, 7_000, &mut wallet, 3).len(), 1);
    assert_eq!(
        row(&state, "trades"),
        Some("1; sale: 1 at 10, gain 3 tokens".to_owned())
    );
    assert_eq!(row(&state, "earned"), Some("first profit".to_owned()));
}

/// A session that opens is sent the wallet of the round before the round.
#[test]
fn the_wallet_of_a_round_that_is_joined_is_not_the_own_one() {
    let mut state = new("ann");
    with_rounds(&mut state, 5);
    price(&mut state, 6, 1, 10);
    dispatch(&mut state, 6, StreamEvent::Wallet(stake(1_000)));
    round(&mut state, 7, RoundPhase::Running);
    price(&mut state, 2_000, 2, 20);
    assert_eq!((state.summary().pnl, state.summary().tokens), (None, None));
    round(&mut state, 3_000, RoundPhase::Ended);
    let own = Wallet {
        tokens: 50,
        realised_pnl: -450,
        round: Some(0),
        ..stake(2_000)
    };
    dispatch(&mut state, 3_001, StreamEvent::Wallet(own));
    price(&mut state, 4_000, 3, 30);
    assert_eq!((state.summary().pnl, state.summary().tokens), (Some(0), Some(50)));
    assert_eq!(row(&state, "wallet"), Some("50 tokens".to_owned()));
}

/// A round starts, or ends, while the connection is lost.
#[test]
fn the_own_account_is_known_again_after_a_reconnect() {
    let (mut state, own) = connected("ann");
    for (phase, wallet, tokens) in [
        (RoundPhase::Running, stake(1_000), 500),
        (
            RoundPhase::Ended,
            Wallet {
                version: 2_000,
                ..own
            },
            1_480,
        ),
    ] {
        let after_ms = wallet.version * 10;
        dispatch(&mut state, after_ms, StreamEvent::Closed("gone".to_owned()));
        let opened = StreamEvent::Opened {
            extended: true,
            ids: false,
        };
        dispatch(&mut state, after_ms, opened);
        with_rounds(&mut state, after_ms);
        dispatch(&mut state, after_ms, StreamEvent::Wallet(wallet));
        round(&mut state, after_ms, phase);
        price(&mut state, after_ms + 2_000, wallet.version, 10);
        assert_eq!(state.holdings.tokens(), Some(tokens));
        let summary = state.summary();
        assert_eq!((summary.pnl, summary.tokens), (Some(0), Some(1_480)), "{phase:?}");
    }
}

#[test]
fn an_achievement_is_earned_once_and_named() {
    for (before, earned) in [
        (Some(vec![]), Some("first profit, three in a row")),
        (Some(vec![Achievement::FirstProfit]), Some("three in a row")),
        (None, None),
    ] {
        let (mut state, mut wallet) = connected("ann");
        state.session.settings.achievements = before;
        let (mut toasts, mut kept) = (0, 0);
        for after_ms in [1_000, 2_000, 3_000, 4_000] {
            kept += sell(&mut state, after_ms, &mut wallet, 1).len();
            toasts = state.alerts.toasts().count().max(toasts);
        }
        assert_eq!(row(&state, "earned").as_deref(), earned);
        assert_eq!([toasts, kept], [state.summary().earned.len(); 2]);
    }
}

#[test]
fn the_largest_figures_fit_80_columns() {
    let (mut state, wallet) = connected(&"n".repeat(32));
    state.session.settings.achievements = Some(Vec::new());
    state.session.info.server = format!("http://{}.example.org:10000", "casino".repeat(12));
    let mut wallet = Wallet {
        tokens: i32::MAX,
        stocks: i32::MAX,
        cost_basis: 0,
        ..wallet
    };
    for (after_ms, gain) in [
        (1_000, i64::MAX / 2),
        (2_000, -i64::MAX / 2),
        (3_000, i64::MAX / 2),
    ] {
        sell(&mut state, after_ms, &mut wallet, gain);
        price(&mut state, after_ms + 1, after_ms + 1, i32::MAX);
    }
    for tick in 3_002..3_200 {
        price(&mut state, tick, tick, 1 + i32::try_from(tick % 9).unwrap());
    }
    press(&mut state, 3_200, 'b');
    assert!(row(&state, "unanswered").is_some());
    for (width, most) in [(0, 80), (40, 40), (66, 66), (200, 80)] {
        state.screen.size = (width, 24);
        let lines = summary(&state);
        let mut widths = lines.iter().map(|line| line.chars().count());
        assert!(widths.all(|columns| columns <= most), "{width}: {lines:#?}");
    }
    state.screen.size = (0, 0);
    let lines = summary(&state);
    assert!(row(&state, "equity").unwrap().chars().count() <= 60, "{lines:#?}");
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
