//! One order is one trade, wherever the wire is cut: the real game, the real casino, and a wire between them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use serde_json::Value;
use support::{
    Home, Pipes,
    casino::Casino,
    cutter::Cutter,
    pty::{self, Terminal},
};

const STANDING: [&str; 2] = ["--tick", "1h"];

/// Does one thing at `url`: how it ended, and its complaint.
fn run(home: &Home, url: &str, words: &[&str]) -> (Option<i32>, String) {
    let output = home
        .game(words.iter().copied().chain(["--user", "anna", "--casino", url]))
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// Anna's tokens and stocks as the casino has them.
fn owned(home: &Home, casino: &Casino) -> (i64, i64) {
    let url = casino.url();
    let words = ["balance", "--json", "--user", "anna", "--casino", &url];
    let output = home.game(words).output().unwrap();
    let wallet: Value = serde_json::from_slice(&output.stdout).unwrap();
    (
        wallet["tokens"].as_i64().unwrap(),
        wallet["stocks"].as_i64().unwrap(),
    )
}

/// A wire to `casino`, with these cuts, that knows anna: to her game it is a casino of its own, with a key of its own.
fn wire(home: &Home, casino: &Casino, cuts: Vec<usize>) -> Cutter {
    let cutter = Cutter::start(casino.address(), cuts);
    home.share_key("anna", &casino.url(), &cutter.url());
    cutter
}

/// A casino whose price stands at 10, where anna has 5,000 tokens.
fn casino(home: &Home) -> Casino {
    let casino = Casino::start(home.path(), "127.0.0.1:0", &STANDING);
    let (code, complaint) = run(home, &casino.url(), &["buy-tokens", "1000"]);
    assert_eq!(code, Some(0), "{complaint}");
    casino
}

/// A command is done once if it ends well, and not at all if not, wherever the first connection is cut; what it comes to
/// is counted in tokens.
fn is_done_once(words: &[&str], tokens: i64, cuts: impl Iterator<Item = usize>) {
    let home = Home::new();
    let casino = casino(&home);
    let (mut before, _) = owned(&home, &casino);
    let mut asked_again = 0;
    for cut in cuts {
        let cutter = wire(&home, &casino, vec![cut]);
        let (code, complaint) = run(&home, &cutter.url(), words);
        let (after, _) = owned(&home, &casino);
        let done = if code == Some(0) { tokens } else { 0 };
        assert_eq!(
            after - before,
            done,
            "cut after {cut} bytes: {code:?} {complaint}"
        );
        assert!(!complaint.contains(" tells "), "its fate is known: {complaint}");
        before = after;
        asked_again += usize::from(code == Some(0) && cutter.connections() > 1);
    }
    assert!(
        asked_again > 3,
        "{asked_again} cuts came between request and answer"
    );
}

#[test]
fn an_order_from_a_script_is_one_trade_wherever_the_wire_is_cut() {
    is_done_once(&["buy", "1"], -10, (0..720).step_by(8));
}

#[test]
fn a_payment_from_a_script_is_made_once_wherever_the_wire_is_cut() {
    is_done_once(&["buy-tokens", "1"], 5, (0..300).step_by(7));
}

#[test]
fn an_order_in_plain_mode_is_one_trade_wherever_the_wire_is_cut() {
    let home = Home::new();
    let casino = casino(&home);
    let cuts = (0..24).map(|number| 300 + number * 37).collect();
    let cutter = wire(&home, &casino, cuts);
    let mut game = Pipes::open(&home, &["--user", "anna", "--casino", &cutter.url()]);
    // A table may be lost between two lines too, so what is said is no answer to what was said last.
    let mut said = Vec::new();
    while cutter.connections() <= 24 {
        game.say("buy 1");
        said.push(game.hear());
        if said.last().is_some_and(|said| said.starts_with("error: ")) {
            game.say("gamble");
            said.push(game.hear());
        }
    }
    said.extend(game.end().1);
    let trades = said.iter().filter(|said| said.starts_with("operation executed"));
    let trades = i64::try_from(trades.count()).unwrap();
    assert!(trades > 3, "{said:?}");
    assert_eq!(owned(&home, &casino), (5_000 - 10 * trades, trades));
}

#[test]
fn a_press_of_b_whose_answer_is_lost_is_one_trade() {
    let home = Home::new();
    let casino = casino(&home);
    let cutter = wire(&home, &casino, vec![]);
    let url = cutter.url();
    let mut game = Terminal::open(pty::game(&home, &["--user", "anna", "--casino", &url]), 120, 36);
    game.see("● live");
    game.see("tokens 5,000");
    for trades in [2, 4, 6] {
        cutter.deafen();
        game.type_keys("bb");
        game.see("waiting for the casino");
        // The casino has traded, and the game does not know.
        while owned(&home, &casino).1 < trades {}
        cutter.cut();
        game.see_no_more("waiting for the casino");
        game.see("● live");
        assert_eq!(owned(&home, &casino), (5_000 - 10 * trades, trades));
    }
    game.see("stocks 6");
    game.type_keys("q");
    assert!(game.end().0.success());
}
