//! The one-shot commands of the real binary: alone, at a shared table, and at one of the old contract.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[cfg(target_os = "linux")]
#[path = "../../proto/tests/support/limited.rs"]
mod limited;
mod support;

use std::process::Stdio;

use serde_json::Value;
use support::{Home, Pipes, casino::Casino, old_casino::OldCasino};

/// What a command prints, and how it ends.
fn run(home: &Home, place: &[&str], command: &str) -> (Option<i32>, String, String) {
    let words: Vec<&str> = command.split_whitespace().chain(place.iter().copied()).collect();
    let output = home.game(words).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// What a command prints, which must end well and without complaint.
fn done(home: &Home, place: &[&str], command: &str) -> String {
    let (code, said, complaints) = run(home, place, command);
    assert_eq!((code, &*complaints), (Some(0), ""), "{command}: {said}");
    said
}

fn json(home: &Home, place: &[&str], command: &str) -> Value {
    let said = done(home, place, &format!("{command} --json"));
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{command}: {error}: {said}"))
}

/// The rows of the CSV that a command prints, headers first.
fn csv(home: &Home, place: &[&str], command: &str) -> Vec<Vec<String>> {
    let said = done(home, place, &format!("{command} --csv"));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(said.as_bytes());
    let rows = reader
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect());
    rows.collect()
}

#[cfg(target_os = "linux")]
#[test]
fn without_memory_or_threads_it_ends_in_words() {
    let home = Home::new();
    limited::check_limits(|command| {
        command.args([support::GAME, "price"]).envs(home.variables());
    });
}

/// A day at a table whose price stays at 10.
fn story(home: &Home, place: &[&str]) {
    let cases = [
        ("price", "AwesomeStock - current stock price: 10"),
        ("balance", "0 tokens and 0 stocks"),
        ("trades", "no trades yet"),
        ("leaderboard", "no ranked players yet"),
        ("payments", "no payments yet"),
        ("buy-tokens 20", "bought 100 tokens for 20 dollars"),
        (
            "buy 3",
            "operation executed successfully at 10 tokens; you have 70 tokens and 3 stocks",
        ),
        (
            "sell 1",
            "operation executed successfully at 10 tokens; you have 80 tokens and 2 stocks",
        ),
        ("withdraw 30", "withdrew 30 tokens: 6 dollars paid out"),
        ("balance", "50 tokens and 2 stocks"),
    ];
    for (command, said) in cases {
        assert_eq!(done(home, place, command).trim_end(), said, "{command}");
    }
    for (command, begins, lines) in [
        ("trades", "trade 1: bought 3 stocks", 2),
        ("payments", "payment 1: -20 dollars", 2),
    ] {
        let said = done(home, place, command);
        assert!(said.starts_with(begins), "{said}");
        assert_eq!(said.lines().count(), lines, "{said}");
    }
    refusals(home, place);
    for_programs(home, place);
}

/// What the casino refuses changes nothing, and is a failure with its words.
fn refusals(home: &Home, place: &[&str]) {
    let cases = [
        (
            "buy 6",
            "buying 6 stocks at 10 tokens costs 60 tokens, you have 50 tokens",
        ),
        ("sell 3", "you have 2 stocks, not 3"),
        (
            "buy 1 --limit 9",
            "buying at 10 tokens is above your limit of 9 tokens",
        ),
        (
            "sell 1 --limit 11",
            "selling at 10 tokens is below your limit of 11 tokens",
        ),
        ("withdraw 7", "the nearest amounts: 5 or 10"),
        ("withdraw 1000", "you have 50 tokens, not 1,000"),
        ("buy-tokens 2147483647", "awesomestock: "),
    ];
    for (command, why) in cases {
        let (code, said, complaint) = run(home, place, command);
        assert_eq!((code, &*said), (Some(1), ""), "{command}: {complaint}");
        assert!(complaint.contains(why), "{command}: {complaint}");
        assert_eq!(complaint.lines().count(), 1, "{command}: {complaint}");
    }
}

fn for_programs(home: &Home, place: &[&str]) {
    assert_eq!(json(home, place, "price")["price"], 10);
    let wallet = json(home, place, "balance");
    assert_eq!(
        (
            &wallet["player"],
            &wallet["tokens"],
            &wallet["stocks"],
            &wallet["dollars_in"]
        ),
        (&"anna".into(), &50.into(), &2.into(), &20.into())
    );
    let trades = json(home, place, "trades");
    let sides: Vec<&str> = trades
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["side"].as_str().unwrap())
        .collect();
    assert_eq!(sides, ["buy", "sell"]);
    assert_eq!(json(home, place, "payments")[1]["dollars"], 6);
    let bought = json(home, place, "buy 1");
    assert_eq!((&bought["count"], &bought["tokens"]), (&1.into(), &40.into()));
    assert_eq!(json(home, place, "sell 1")["side"], "sell");
    assert_eq!(json(home, place, "buy-tokens 1")["tokens"], 5);
    assert_eq!(json(home, place, "withdraw 5")["dollars"], 1);
    let heads = [
        ("price", vec!["stock", "price", "tick", "at"], 2),
        (
            "buy 1",
            vec!["side", "count", "price", "at", "tokens", "stocks", "message"],
            2,
        ),
        (
            "sell 1",
            vec!["side", "count", "price", "at", "tokens", "stocks", "message"],
            2,
        ),
        ("buy-tokens 1", vec!["dollars", "tokens"], 2),
        ("withdraw 5", vec!["dollars", "tokens"], 2),
        (
            "trades",
            vec!["number", "at", "side", "count", "price", "total"],
            7,
        ),
        ("payments", vec!["number", "at", "dollars"], 7),
    ];
    for (command, columns, rows) in heads {
        let table = csv(home, place, command);
        assert_eq!(table[0], columns, "{command}");
        assert_eq!(table.len(), rows, "{command}");
    }
    assert_eq!(
        csv(home, place, "balance")[1],
        ["anna", "50", "2", "20", "0", "22", "8"]
    );
}

#[test]
fn a_day_alone() {
    let home = Home::new();
    let place = ["--user", "anna", "--tick", "1h"];
    story(&home, &place);
    let said = done(&home, &place, "statement");
    assert!(said.starts_with("AwesomeStock payment statement\n") && said.contains("FINAL BALANCE"));
    let statement = json(&home, &place, "statement");
    assert_eq!(statement["statement"].as_str().unwrap(), said.trim_end());
    let table = csv(&home, &place, "statement");
    assert_eq!(table[1], ["anna", said.trim_end()]);
}

#[test]
fn a_day_at_a_shared_table() {
    let (home, folder) = (Home::new(), tempfile::tempdir().unwrap());
    // Of the payments server nobody is there.
    let casino = Casino::start(
        folder.path(),
        "127.0.0.1:0",
        &["--tick", "1h", "--payments", "http://127.0.0.1:1"],
    );
    let url = casino.url();
    let place = ["--user", "anna", "--casino", &url];
    story(&home, &place);
    let (code, _, complaint) = run(&home, &place, "statement");
    assert_eq!(code, Some(1), "{complaint}");
    assert_eq!(
        done(&home, &["--user", "bert", "--casino", &url], "balance").trim_end(),
        "0 tokens and 0 stocks"
    );
    drop(casino);
    let (code, said, complaint) = run(&home, &place, "balance");
    assert_eq!((code, &*said), (Some(1), ""));
    assert!(complaint.contains("cannot reach the casino"), "{complaint}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_casino_of_the_old_contract() {
    let url = format!("http://{}", OldCasino::serve().await);
    tokio::task::spawn_blocking(move || {
        let home = Home::new();
        let place = ["--user", "anna", "--casino", &url];
        assert_eq!(
            done(&home, &place, "buy-tokens 4").trim_end(),
            "bought 20 tokens for 4 dollars"
        );
        assert_eq!(
            done(&home, &place, "buy 1").trim_end(),
            "operation executed successfully"
        );
        let (code, _, complaint) = run(&home, &place, "buy 2");
        assert_eq!(code, Some(1));
        // What it says cannot move the cursor or begin a line of its own.
        assert!(complaint.starts_with("awesomestock: not enough"), "{complaint}");
        assert!(
            complaint.trim_end().chars().all(|char| !char.is_control()),
            "{complaint:?}"
        );
        let price = json(&home, &place, "price");
        assert_eq!(
            (&price["price"], &price["tick"], &price["at"]),
            (&10.into(), &Value::Null, &Value::Null)
        );
        let wallet = json(&home, &place, "balance");
        assert_eq!((&wallet["tokens"], &wallet["stocks"]), (&10.into(), &Value::Null));
        assert_eq!(csv(&home, &place, "payments")[1], ["1", "", "-4"]);
        let statement = done(&home, &place, "statement --json");
        assert!(
            !statement.contains('\u{1b}') && statement.contains("FINAL BALANCE"),
            "{statement:?}"
        );
        let (code, _, complaint) = run(&home, &place, "trades");
        assert_eq!(code, Some(1));
        assert!(complaint.contains("has no trade list"), "{complaint}");
    })
    .await
    .unwrap();
}

#[test]
fn pages_are_followed_to_the_end() {
    let home = Home::new();
    let place = ["--user", "anna", "--tick", "1h"];
    let trades = 2_345;
    let mut lines = "buyTokens 100000\ngamble\n".to_owned();
    lines.push_str(&"buy 1\n".repeat(trades));
    home.answers(&place, &lines);
    let listed = json(&home, &place, "trades");
    let numbers: Vec<i64> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["number"].as_i64().unwrap())
        .collect();
    let all: Vec<i64> = (1..).take(trades).collect();
    assert_eq!(numbers, all);

    // A reader that has seen enough is no failure: `trades | head`.
    let mut command = home.game(["trades"].iter().chain(&place));
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]));
}

#[test]
fn wrong_usage_is_told_from_failure() {
    let home = Home::new();
    let cases = [
        "buy",
        "buy 0",
        "buy 1 --limit 0",
        "buy -1",
        "buy two",
        "buy 2147483648",
        "sell 1 2",
        "price 1",
        "price --json --csv",
        "--json",
        "leaderboard 3",
        "balance --user=two/words",
        "completions tcsh",
        "price --casino nowhere",
    ];
    for command in cases {
        let (code, said, complaint) = run(&home, &[], command);
        assert_eq!((code, &*said), (Some(2), ""), "{command}");
        assert!(!complaint.is_empty(), "{command}");
    }
}

#[test]
fn an_option_means_the_same_before_and_after_the_command_and_wins_over_its_variable() {
    let home = Home::new();
    for arguments in [
        ["--user", "bert", "balance", "--json"],
        ["balance", "--json", "--user", "bert"],
    ] {
        let output = home
            .game(arguments)
            .env("AWESOMESTOCK_USER", "carl")
            .output()
            .unwrap();
        let wallet: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(wallet["player"], "bert", "{arguments:?}");
    }
    let output = home
        .game(["balance", "--json"])
        .env("AWESOMESTOCK_USER", "carl")
        .output()
        .unwrap();
    let wallet: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(wallet["player"], "carl");
    // Nobody has played, so nobody is remembered.
    assert_ne!(json(&home, &[], "balance")["player"], "carl");
}

#[test]
fn beside_an_open_solo_game_a_command_fails_in_words() {
    let home = Home::new();
    let mut game = Pipes::open(&home, &["--user", "anna", "--tick", "1h"]);
    game.say("balance");
    game.hear_about("0 tokens");
    let (code, said, complaint) = run(&home, &[], "buy-tokens 5");
    assert_eq!((code, &*said), (Some(1), ""));
    assert!(complaint.contains("another solo game is open"), "{complaint}");
    game.say("exit");
    assert_eq!(game.wait().0, Some(0));
}

#[test]
fn completions_the_manual_and_the_version_need_nothing_that_works() {
    let home = Home::new();
    std::fs::write(home.config_file(), "this is no configuration").unwrap();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = done(&home, &[], &format!("completions {shell}"));
        assert!(
            script.contains("buy-tokens") && script.contains("data-dir"),
            "{shell}"
        );
    }
    let manual = done(&home, &[], "man");
    assert!(
        manual.contains(".TH awesomestock 1")
            && manual.contains("buy\\-tokens")
            && manual.contains("AWESOMESTOCK_SEED"),
        "{manual}"
    );
    let version = done(&home, &[], "--version");
    assert!(
        version.starts_with(concat!("awesomestock ", env!("CARGO_PKG_VERSION"))),
        "{version}"
    );
}

/// A casino that accepts connections and says nothing keeps no command waiting.
#[test]
fn a_casino_that_does_not_answer_is_waited_for_by_the_timeout() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let casino = format!("http://{}", silent.local_addr().unwrap());
    for command in [
        "balance",
        "price",
        "buy 1",
        "buy-tokens 1",
        "trades",
        "payments --csv",
        "leaderboard",
        "statement",
    ] {
        let home = Home::new();
        let mut args: Vec<&str> = command.split(' ').collect();
        args.extend(["--casino", &casino, "--user", "ann", "--timeout", "300ms"]);
        let output = home.game(&args).output().unwrap();
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{command}: {complaint}");
        assert!(
            complaint.contains("did not answer within 300ms"),
            "{command}: {complaint}"
        );
    }
}
