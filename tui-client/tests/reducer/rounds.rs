//! Rounds: their changes are shown, their end opens the podium, and their wallets replace each other.

use awesomestock::app::{
    event::StreamEvent,
    lobby::round::{Round, RoundPhase},
    overlay::Overlay,
    portfolio::wallet::Wallet,
};

use crate::game::Game;

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
        (0, Never, "at nine", &["at nine"][..], false),
        (1, Running, "at nine", &["round 1: 1:00 left"], false),
        (1, Running, "at nine", &[], false),
        (
            1,
            Paused,
            "wait",
            &["round 1 is paused, 1:00 left", "wait"],
            false,
        ),
        (1, Running, "", &["round 1: 1:00 left"], false),
        (1, Ended, "", &["round 1 is over"], true),
        (1, Ended, "bye", &["bye"], true),
        (2, Running, "bye", &["round 2: 1:00 left"], false),
    ] {
        let before = logged(&game).len();
        game.stream(round(number, phase, said));
        let new = logged(&game).split_off(before);
        let expected: Vec<_> = expected.iter().map(|text| format!("Done({text:?})")).collect();
        assert_eq!(new, expected, "{phase:?} {said}");
        let shown = matches!(game.state.screen.overlays[..], [Overlay::Podium { .. }]);
        assert_eq!(shown, podium, "{phase:?}");
    }
}

#[test]
fn a_session_that_opens_after_the_end_shows_no_podium() {
    let mut game = Game::connected();
    let before = logged(&game).len();
    game.stream(round(1, RoundPhase::Ended, ""));
    assert_eq!(logged(&game).len(), before);
    assert!(game.state.screen.overlays.is_empty());
    assert!(game.state.lobby.shown_round().is_some());
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
