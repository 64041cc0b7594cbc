//! Idempotency: one order is one trade, wherever the connection breaks between the real game and the real casino.

mod support;

use std::fs;
use std::process::Command;

use serde_json::Value;
use support::casino::{self, Casino};
use support::proxy::Proxy;
use support::pty::Terminal;
use support::{Home, PipedGame};

const FIXED_PRICE: [&str; 2] = ["--tick", "1h"];

/// Runs a command at `url`. Returns its exit code and stderr.
fn run(home: &Home, url: &str, args: &[&str]) -> (Option<i32>, String) {
    let output = home
        .game(args.iter().copied().chain(["--user", "anna", "--casino", url]))
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// Anna's tokens and stocks, read from the casino.
fn balance_of(home: &Home, casino: &Casino) -> (i64, i64) {
    let url = casino.url();
    let args = ["balance", "--json", "--user", "anna", "--casino", &url];
    let output = home.game(args).output().unwrap();
    let wallet: Value = serde_json::from_slice(&output.stdout).unwrap();
    (
        wallet["tokens"].as_i64().unwrap(),
        wallet["stocks"].as_i64().unwrap(),
    )
}

/// Starts a proxy to `casino` with these cuts, and shares anna's key with it: for the game it is another casino.
fn start_proxy(home: &Home, casino: &Casino, cuts: Vec<usize>) -> Proxy {
    let proxy = Proxy::start(casino.address(), cuts);
    home.share_key("anna", &casino.url(), &proxy.url());
    proxy
}

/// Starts a casino with a fixed price of 10 and 5,000 tokens of anna.
fn start_casino(home: &Home) -> Casino {
    let casino = Casino::start(home.path(), "127.0.0.1:0", &FIXED_PRICE);
    let (code, stderr) = run(home, &casino.url(), &["buy-tokens", "1000"]);
    assert_eq!(code, Some(0), "{stderr}");
    casino
}

/// Asserts that a command is executed once if it succeeds, and not at all if it fails, wherever the first connection
/// breaks. `tokens` is the change of the balance.
fn assert_executed_once(args: &[&str], tokens: i64, cuts: impl Iterator<Item = usize>) {
    let home = Home::new();
    let casino = start_casino(&home);
    let (mut before, _) = balance_of(&home, &casino);
    let mut retried = 0;
    for cut in cuts {
        let proxy = start_proxy(&home, &casino, vec![cut]);
        let (code, stderr) = run(&home, &proxy.url(), args);
        let (after, _) = balance_of(&home, &casino);
        let expected = if code == Some(0) { tokens } else { 0 };
        assert_eq!(
            after - before,
            expected,
            "cut after {cut} bytes: {code:?} {stderr}"
        );
        assert!(
            !stderr.contains(" shows whether "),
            "the outcome is known: {stderr}"
        );
        before = after;
        retried += usize::from(code == Some(0) && proxy.connections() > 1);
    }
    assert!(retried > 3, "only {retried} cuts came between request and answer");
}

#[test]
fn an_order_from_a_script_is_one_trade_wherever_the_connection_breaks() {
    assert_executed_once(&["buy", "1"], -10, (0..720).step_by(8));
}

#[test]
fn a_payment_from_a_script_is_made_once_wherever_the_connection_breaks() {
    assert_executed_once(&["buy-tokens", "1"], 5, (0..300).step_by(7));
}

#[test]
fn an_order_in_plain_mode_is_one_trade_wherever_the_connection_breaks() {
    let home = Home::new();
    let casino = start_casino(&home);
    let cuts = (0..24).map(|number| 300 + number * 37).collect();
    let proxy = start_proxy(&home, &casino, cuts);
    let mut game = PipedGame::open(&home, &["--user", "anna", "--casino", &proxy.url()]);
    // A session can also be lost between two lines, so a line of output may not belong to the last line of input.
    let mut lines = Vec::new();
    while proxy.connections() <= 24 {
        game.send_line("buy 1");
        lines.push(game.next_line());
        if lines.last().is_some_and(|line| line.starts_with("error: ")) {
            game.send_line("gamble");
            lines.push(game.next_line());
        }
    }
    lines.extend(game.end().1);
    let trades = lines.iter().filter(|line| line.starts_with("operation executed"));
    let trades = i64::try_from(trades.count()).unwrap();
    assert!(trades > 3, "{lines:?}");
    assert_eq!(balance_of(&home, &casino), (5_000 - 10 * trades, trades));
}

#[test]
fn a_press_of_b_with_a_lost_answer_is_one_trade() {
    let home = Home::new();
    let casino = start_casino(&home);
    let proxy = start_proxy(&home, &casino, vec![]);
    let url = proxy.url();
    let mut game = Terminal::live(&home, &["--user", "anna", "--casino", &url]);
    game.see("tokens 5,000");
    for trades in [2, 4, 6] {
        proxy.drop_responses();
        game.type_keys("bb");
        game.see("waiting for the casino");
        // The casino has executed the orders, but the game has no answer.
        while balance_of(&home, &casino).1 < trades {}
        proxy.disconnect();
        game.see_no_more("waiting for the casino");
        game.see("● live");
        assert_eq!(balance_of(&home, &casino), (5_000 - 10 * trades, trades));
    }
    game.see("stocks 6");
    game.quit();
}

/// The order never reached the casino, and is sent again after a round has begun: it was meant for the own account.
#[test]
fn an_order_is_not_executed_in_a_round_it_was_not_typed_for() {
    let home = Home::new();
    let secret = home.path().join("operator");
    fs::write(&secret, "a-secret-of-the-operator").unwrap();
    let secret = secret.to_str().unwrap();
    let args = [&FIXED_PRICE[..], &["--stake", "100"]].concat();
    let (casino, operator) = Casino::start_with_operator(home.path(), secret, &args);
    let steer = |args: &[&str]| {
        let mut command = Command::new(casino::binary("casino-server"));
        command.arg("round").args(args);
        command.args(["--operator", &operator, "--operator-secret-file", secret]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    assert_eq!(run(&home, &casino.url(), &["buy-tokens", "1000"]).0, Some(0));
    let proxy = start_proxy(&home, &casino, vec![]);
    let mut game = Terminal::live(&home, &["--user", "anna", "--casino", &proxy.url()]);
    game.see("tokens 5,500");
    proxy.drop_requests();
    game.type_keys("b");
    game.see("waiting for the casino");
    steer(&["start", "1h"]);
    game.see("round 1: ");
    proxy.disconnect();
    game.see("round 1 began before");
    game.see("tokens 500");
    game.quit();
    assert_eq!(balance_of(&home, &casino), (500, 0));
    steer(&["end"]);
    assert_eq!(balance_of(&home, &casino), (5_500, 0));
}
