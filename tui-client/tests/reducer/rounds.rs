//! Rounds: their changes are shown, their end opens the podium, and their wallets replace each other.

use awesomestock::app::event::StreamEvent;
use awesomestock::app::lobby::round::{Round, RoundPhase};
use awesomestock::app::lobby::{Capabilities, Leaderboard, Performance, Player, Standing};
use awesomestock::app::overlay::Overlay;
use awesomestock::app::portfolio::order_log::ActionStatus;
use awesomestock::app::portfolio::wallet::Wallet;
use awesomestock::app::{Effect, Event, Settings};

use crate::game::{Game, wallet};

pub(crate) fn round(number: i64, phase: RoundPhase, announcement: &str) -> StreamEvent {
    StreamEvent::Round(Round {
        number,
        phase,
        left_ms: 60_000,
        announcement: announcement.to_owned(),
        stake: 100,
        podium: Vec::new(),
    })
}

/// The words of the log's newest entries, oldest first.
fn logged(game: &Game) -> Vec<String> {
    let entries = game.state.log.entries();
    entries.map(|entry| format!("{:?}", entry.status)).collect()
}

#[test]
fn each_change_of_a_round_is_logged_once_and_its_end_opens_the_podium() {
    use RoundPhase::{Ended, Never, Paused, Running};
    let mut game = Game::connected();
    for (number, phase, said, expected, podium) in [
        (0, Never, "at nine", &["operator: at nine"][..], false),
        (1, Running, "at nine", &["round 1: 1:00 left"], false),
        (1, Running, "at nine", &[], false),
        (
            1,
            Paused,
            "wait",
            &["round 1 is paused, 1:00 left", "operator: wait"],
            false,
        ),
        (1, Running, "", &["round 1: 1:00 left"], false),
        (1, Ended, "", &["round 1 is over"], true),
        (1, Ended, "bye", &["operator: bye"], true),
        (2, Running, "bye", &["round 2: 1:00 left"], false),
    ] {
        let before = logged(&game).len();
        game.stream(round(number, phase, said));
        // The header shows an announcement all the time.
        let toasts = format!("{:?}", game.state.alerts.toasts().collect::<Vec<_>>());
        assert!(said.is_empty() || !toasts.contains(said), "{toasts}");
        let new = logged(&game).split_off(before);
        let expected: Vec<_> = expected.iter().map(|text| format!("Done({text:?})")).collect();
        assert_eq!(new, expected, "{phase:?} {said}");
        let shown = matches!(game.state.screen.overlays[..], [Overlay::Podium { .. }]);
        assert_eq!(shown, podium, "{phase:?}");
    }
}

#[test]
fn a_round_takes_no_payment_and_lets_no_order_rest() {
    let no_payments = "no deposits and no withdrawals during a round";
    for phase in [RoundPhase::Running, RoundPhase::Paused] {
        let mut game = Game::connected();
        game.stream(StreamEvent::Capabilities(Capabilities {
            orders: true,
            rounds: true,
            ..Capabilities::default()
        }));
        game.keys("5o8");
        game.stream(round(1, phase, ""));
        for (keys, why) in [
            ("t", no_payments),
            ("w", no_payments),
            (":buyTokens 5\n", no_payments),
            (":withdraw 5\n", no_payments),
            ("o", "orders do not rest during a round"),
            (
                ":tour\n",
                "the tour begins with a deposit, which is not possible now; ? lists the keys",
            ),
        ] {
            assert_eq!(game.keys(keys), [], "{keys}");
            let expected = ActionStatus::NotSent(why.to_owned());
            assert_eq!(game.last_outcome(), expected, "{keys}");
            assert!(game.state.screen.overlays.is_empty(), "{keys}");
        }
        // The ticket still rests: it sends nothing.
        assert_eq!(game.keys("b"), []);
        game.stream(round(1, RoundPhase::Ended, ""));
        assert_eq!(game.keys("\x1b:buyTokens 5\n").len(), 1);
    }
}

fn standing(rank: i32, name: &str, profit: i64, dollars_in: i64) -> Standing {
    Standing {
        rank,
        player: Player {
            name: name.to_owned(),
            house: false,
        },
        equity: 0,
        tokens: 0,
        stocks: 0,
        performance: Some(Performance { profit, dollars_in }),
    }
}

#[test]
fn a_player_below_the_podium_has_a_rank_at_the_end() {
    let over = |podium: &[&str]| {
        let places = (1..).zip(podium);
        let podium = places.map(|(rank, name)| standing(rank, name, 50, 100)).collect();
        let StreamEvent::Round(round) = round(1, RoundPhase::Ended, "") else {
            panic!("not a round");
        };
        StreamEvent::Round(Round { podium, ..round })
    };
    let board = |own: Standing| {
        StreamEvent::Leaderboard(Leaderboard {
            top: Vec::new(),
            own: Some(own),
            ranked: 9,
        })
    };
    // The rank of the round, and the one that is shown after its end.
    for (rank, podium, shown) in [
        (7, &["bob", "cid", "dan"][..], Some(7)),
        // Overtaken at the last tick.
        (3, &["bob", "cid", "dan"], Some(4)),
        (3, &["bob", "cid", "ann"], None),
    ] {
        let mut game = Game::connected();
        game.stream(round(1, RoundPhase::Running, ""));
        game.stream(board(standing(rank, "ann", -40, 100)));
        game.stream(StreamEvent::Wallet(Wallet {
            tokens: 490,
            realised_pnl: -10,
            dollars_in: 100,
            version: 8,
            ..Wallet::default()
        }));
        // The leaderboard of the own accounts may come before the end of the round.
        game.stream(board(standing(1, "ann", 9_000, 5_000)));
        game.stream(over(podium));
        let below = game
            .state
            .lobby
            .round
            .as_ref()
            .and_then(|received| received.below());
        assert_eq!(below.map(|own| own.rank), shown, "{podium:?}");
        // That of the wallet at the end, not of the leaderboard before.
        let profit = below.and_then(|own| own.performance).map(|won| won.profit);
        assert_eq!(profit, shown.map(|_| -10));
    }
}

#[test]
fn a_session_that_opens_after_the_end_shows_neither_podium_nor_end() {
    let mut game = Game::connected();
    let before = logged(&game).len();
    game.stream(round(1, RoundPhase::Ended, ""));
    assert_eq!(logged(&game).len(), before);
    assert!(game.state.screen.overlays.is_empty());
    assert!(game.state.lobby.shown_round(game.now).is_none());
    // The announcement is still one.
    game.stream(round(1, RoundPhase::Ended, "bye"));
    let shown = game.state.lobby.shown_round(game.now).unwrap();
    assert_eq!(shown.text(game.now), None);
}

/// A round starts, or ends, before an order reaches the casino: it is sent again for the account it was typed for.
#[test]
fn an_order_names_the_account_it_was_typed_for_also_when_it_is_sent_again() {
    let accounts = |accounts| {
        StreamEvent::Capabilities(Capabilities {
            accounts,
            rounds: true,
            ..Capabilities::default()
        })
    };
    let named = |effects: &[Effect]| -> Vec<Option<i64>> {
        let round = |effect: &Effect| match effect {
            Effect::Send(order) => Some(order.round),
            _ => None,
        };
        effects.iter().filter_map(round).collect()
    };
    let mut game = Game::connected();
    game.open(true, true);
    assert_eq!(named(&game.keys("b")), [None], "an earlier casino");
    game.result(true, "done", wallet(40, 1, 2));
    game.stream(accounts(true));
    assert_eq!(named(&game.keys("b")), [Some(0)]);
    game.result(true, "done", wallet(30, 2, 3));
    // Joined during a round: the wallet comes first.
    game.stream(StreamEvent::Wallet(Wallet {
        round: Some(3),
        ..wallet(500, 0, 4)
    }));
    assert_eq!(named(&game.keys("b")), [Some(3)]);
    game.stream(round(3, RoundPhase::Running, ""));
    assert_eq!(named(&game.keys("b")), [Some(3)]);
    game.stream(StreamEvent::Closed("gone".to_owned()));
    assert_eq!(named(&game.open(true, true)), [Some(3), Some(3)]);
    game.stream(accounts(true));
    game.stream(round(3, RoundPhase::Ended, ""));
    game.keys("\x1b");
    assert_eq!(named(&game.keys("b")), [Some(0)]);
    game.stream(StreamEvent::Closed("gone".to_owned()));
    game.open(true, true);
    game.stream(accounts(true));
    game.stream(round(4, RoundPhase::Running, ""));
    game.stream(StreamEvent::Closed("gone".to_owned()));
    assert_eq!(named(&game.open(true, true)), [Some(3), Some(3), Some(0)]);
}

#[test]
fn the_end_is_shown_for_a_minute_and_not_again_after_a_reconnect() {
    let mut game = Game::connected();
    game.stream(round(1, RoundPhase::Running, ""));
    let ended = game.now.plus_ms(5_000);
    game.now = ended;
    game.stream(round(1, RoundPhase::Ended, ""));
    let shown = |game: &Game| game.state.lobby.shown_round(game.now).is_some();
    for (after_ms, expected) in [(0, true), (59_999, true), (60_000, false), (90_000, false)] {
        game.now = ended.plus_ms(after_ms);
        game.event(Event::Timer);
        assert_eq!(shown(&game), expected, "{after_ms}");
        let wake = game.state.next_wake();
        assert!(!expected || wake <= Some(ended.plus_ms(60_000)), "{wake:?}");
        if after_ms == 0 {
            game.stream(StreamEvent::Closed("gone".to_owned()));
            game.open(true, false);
        }
        game.stream(round(1, RoundPhase::Ended, ""));
        assert_eq!(shown(&game), expected, "{after_ms}");
    }
    // A player keeps the podium until a key closes it.
    assert!(matches!(game.state.screen.overlays[..], [Overlay::Podium { .. }]));
}

/// What is typed for one account is never sent for another.
#[test]
fn a_window_about_money_closes_when_the_account_changes() {
    use RoundPhase::{Ended, Never, Paused, Running};
    let not_sent = |why: &str| format!("{:?}", ActionStatus::NotSent(format!("{why}: enter it again")));
    for (before, after, why) in [
        ((0, Never), (1, Running), Some("round 1 has begun")),
        ((1, Ended), (2, Running), Some("round 2 has begun")),
        ((1, Running), (1, Ended), Some("round 1 is over")),
        ((1, Paused), (1, Ended), Some("round 1 is over")),
        ((1, Running), (2, Running), Some("round 2 has begun")),
        ((1, Running), (1, Paused), None),
        ((0, Never), (1, Ended), None),
    ] {
        // The order of 50, the withdrawal and the amounts are only possible outside of a round.
        let in_round = matches!(before.1, Running | Paused);
        for keys in ["50b", "mb", "w500\n", "w50", "t5"] {
            if in_round && (keys.starts_with('w') || keys.starts_with('t')) {
                continue;
            }
            let mut game = Game::connected();
            game.stream(round(before.0, before.1, ""));
            assert_eq!(game.keys(keys), [], "{keys}");
            assert_eq!(game.state.screen.overlays.len(), 1, "{keys}");
            assert_eq!(game.stream(round(after.0, after.1, "")), [], "{keys}");
            let windows = game.state.screen.overlays.iter();
            let about_money = windows
                .filter(|window| matches!(window, Overlay::Confirm(_) | Overlay::Amount(_)))
                .count();
            let Some(why) = why else {
                assert_eq!(about_money, 1, "{keys} {before:?} {after:?}");
                continue;
            };
            assert_eq!(about_money, 0, "{keys} {before:?} {after:?}");
            assert_eq!(logged(&game).last(), Some(&not_sent(why)), "{keys}");
            assert_eq!(game.keys("\n"), [], "{keys}");
        }
    }
}

#[test]
fn other_windows_stay_open_when_the_account_changes() {
    let settings = Settings {
        confirm_quit: true,
        ..Settings::default()
    };
    for keys in ["q", ":buy 5", "?"] {
        let mut game = Game::with_settings(settings.clone());
        game.open(true, false);
        game.price(0, 10);
        game.keys(keys);
        let before = logged(&game).len();
        game.stream(round(1, RoundPhase::Running, ""));
        assert_eq!(game.state.screen.overlays.len(), 1, "{keys}");
        assert_eq!(logged(&game).len(), before + 1, "{keys}");
    }
}

#[test]
fn a_window_closes_if_another_casino_has_no_rounds() {
    let mut game = Game::connected();
    game.stream(round(1, RoundPhase::Running, ""));
    game.keys("mb");
    game.stream(StreamEvent::Capabilities(Capabilities::default()));
    assert!(game.state.screen.overlays.is_empty());
}

#[test]
fn the_wallet_of_a_round_replaces_the_own_one_and_is_replaced_by_it() {
    let mut game = Game::connected();
    let wallet = |tokens, version| Wallet {
        tokens,
        version,
        ..Wallet::default()
    };
    let (own, in_round, back) = (wallet(50, 900), wallet(500, 2 << 39), wallet(50, (3 << 39) + 900));
    for held in [own, in_round, back] {
        game.stream(StreamEvent::Wallet(held));
        assert_eq!(game.state.holdings.wallet(), Some(&held));
    }
}
