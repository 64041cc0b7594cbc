//! The one-shot commands of the real binary: solo, at a shared casino, and at an old casino.

#[cfg(target_os = "linux")]
#[path = "../../proto/tests/support/limited.rs"]
mod limited;
mod support;

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;
use support::casino::{self, Casino};
use support::old_casino::OldCasino;
use support::{Home, PipedGame};

/// Runs a command. Returns exit code, stdout and stderr.
fn run(home: &Home, server: &[&str], command: &str) -> (Option<i32>, String, String) {
    let args: Vec<&str> = command.split_whitespace().chain(server.iter().copied()).collect();
    let output = home.game(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Runs a command that must succeed with an empty stderr. Returns its output.
fn run_ok(home: &Home, server: &[&str], command: &str) -> String {
    let (code, stdout, stderr) = run(home, server, command);
    assert_eq!((code, &*stderr), (Some(0), ""), "{command}: {stdout}");
    stdout
}

fn json(home: &Home, server: &[&str], command: &str) -> Value {
    let stdout = run_ok(home, server, &format!("{command} --json"));
    serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{command}: {error}: {stdout}"))
}

/// Runs a command with `--csv` and returns its rows, the header first.
fn csv(home: &Home, server: &[&str], command: &str) -> Vec<Vec<String>> {
    let stdout = run_ok(home, server, &format!("{command} --csv"));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(stdout.as_bytes());
    let rows = reader
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect());
    rows.collect()
}

#[cfg(target_os = "linux")]
#[test]
fn errors_are_reported_without_memory_or_threads() {
    let home = Home::new();
    limited::check_limits(|command| {
        command.args([support::GAME, "price"]).envs(home.variables());
    });
}

/// Plays with every command at a fixed price of 10.
fn play_game(home: &Home, server: &[&str]) {
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
    for (command, expected) in cases {
        assert_eq!(run_ok(home, server, command).trim_end(), expected, "{command}");
    }
    for (command, start, lines) in [
        ("trades", "trade 1: bought 3 stocks", 2),
        ("payments", "payment 1: -20 dollars", 2),
    ] {
        let stdout = run_ok(home, server, command);
        assert!(stdout.starts_with(start), "{stdout}");
        assert_eq!(stdout.lines().count(), lines, "{stdout}");
    }
    check_rejections(home, server);
    check_formats(home, server);
}

/// Rejected commands change nothing, fail, and print the casino's message.
fn check_rejections(home: &Home, server: &[&str]) {
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
    for (command, expected) in cases {
        let (code, stdout, stderr) = run(home, server, command);
        assert_eq!((code, &*stdout), (Some(1), ""), "{command}: {stderr}");
        assert!(stderr.contains(expected), "{command}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{command}: {stderr}");
    }
}

fn check_formats(home: &Home, server: &[&str]) {
    assert_eq!(json(home, server, "price")["price"], 10);
    let wallet = json(home, server, "balance");
    assert_eq!(
        (
            &wallet["player"],
            &wallet["tokens"],
            &wallet["stocks"],
            &wallet["dollars_in"]
        ),
        (&"anna".into(), &50.into(), &2.into(), &20.into())
    );
    let trades = json(home, server, "trades");
    let sides: Vec<&str> = trades
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["side"].as_str().unwrap())
        .collect();
    assert_eq!(sides, ["buy", "sell"]);
    assert_eq!(json(home, server, "payments")[1]["dollars"], 6);
    let bought = json(home, server, "buy 1");
    assert_eq!((&bought["count"], &bought["tokens"]), (&1.into(), &40.into()));
    assert_eq!(json(home, server, "sell 1")["side"], "sell");
    assert_eq!(json(home, server, "buy-tokens 1")["tokens"], 5);
    assert_eq!(json(home, server, "withdraw 5")["dollars"], 1);
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
        let table = csv(home, server, command);
        assert_eq!(table[0], columns, "{command}");
        assert_eq!(table.len(), rows, "{command}");
    }
    assert_eq!(
        csv(home, server, "balance")[1],
        ["anna", "50", "2", "20", "0", "22", "8"]
    );
}

#[test]
fn a_solo_game() {
    let home = Home::new();
    let server = ["--user", "anna", "--tick", "1h"];
    play_game(&home, &server);
    let stdout = run_ok(&home, &server, "statement");
    assert!(stdout.starts_with("AwesomeStock payment statement\n") && stdout.contains("FINAL BALANCE"));
    let statement = json(&home, &server, "statement");
    assert_eq!(statement["statement"].as_str().unwrap(), stdout.trim_end());
    let table = csv(&home, &server, "statement");
    assert_eq!(table[1], ["anna", stdout.trim_end()]);
}

#[test]
fn a_game_at_a_shared_casino() {
    let (home, folder) = (Home::new(), tempfile::tempdir().unwrap());
    // Nothing listens at the address of the payments server.
    let casino = Casino::start(
        folder.path(),
        "127.0.0.1:0",
        &["--tick", "1h", "--payments", "http://127.0.0.1:1"],
    );
    let url = casino.url();
    let server = ["--user", "anna", "--casino", &url];
    play_game(&home, &server);
    let (code, _, stderr) = run(&home, &server, "statement");
    assert_eq!(code, Some(1), "{stderr}");
    assert_eq!(
        run_ok(&home, &["--user", "bert", "--casino", &url], "balance").trim_end(),
        "0 tokens and 0 stocks"
    );
    drop(casino);
    let (code, stdout, stderr) = run(&home, &server, "balance");
    assert_eq!((code, &*stdout), (Some(1), ""));
    assert!(stderr.contains("cannot reach the casino"), "{stderr}");
}

#[test]
fn an_order_rests_until_it_is_cancelled() {
    let home = Home::new();
    let server = ["--user", "anna", "--tick", "1h"];
    assert_eq!(
        run_ok(&home, &server, "orders").trim_end(),
        "no open orders, and none that have ended"
    );
    run_ok(&home, &server, "buy-tokens 100");
    let placed = json(&home, &server, "buy 5 --limit 9 --rest");
    assert_eq!(
        (
            &placed["side"],
            &placed["count"],
            &placed["trigger"],
            &placed["trigger_price"]
        ),
        (&"buy".into(), &5.into(), &"limit".into(), &9.into())
    );
    assert_eq!(
        (&placed["state"], &placed["ended"]),
        (&"open".into(), &Value::Null)
    );
    let stdout = run_ok(&home, &server, "buy 2 --stop 11");
    assert!(
        stdout.starts_with(
            "order rests: buy 2 stop 11, until the price is 11 or more or you cancel it; its ID is "
        ),
        "{stdout}"
    );
    let id = placed["id"].as_str().unwrap();
    assert_eq!(
        run_ok(&home, &server, &format!("cancel {id}")).trim_end(),
        "order cancelled: buy 5 limit 9"
    );
    assert_eq!(
        json(&home, &server, &format!("cancel {id}"))["state"],
        "cancelled"
    );
    let listed = json(&home, &server, "orders");
    let states: Vec<&Value> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["state"])
        .collect();
    assert_eq!(states, ["open", "cancelled"]);
    assert_eq!(csv(&home, &server, "orders")[2][..4], [id, "buy", "5", "0"]);
    // The price meets it already.
    let (code, _, stderr) = run(&home, &server, "sell 5 --stop 80");
    assert_eq!(code, Some(1));
    assert!(stderr.contains("you have 0 stocks, not 5"), "{stderr}");
    let (code, _, stderr) = run(&home, &server, "cancel 00000000-0000-0000-0000-000000000001");
    assert_eq!(code, Some(1));
    assert!(
        stderr.contains("you have no order with the ID 00000000-0000-0000-0000-000000000001"),
        "{stderr}"
    );
}

/// As the window of the screen does.
#[test]
fn orders_listed_during_a_round_are_named_as_those_of_the_own_account() {
    let (home, folder) = (Home::new(), tempfile::tempdir().unwrap());
    let secret = home.path().join("operator");
    fs::write(&secret, "a-secret-of-the-operator").unwrap();
    let secret = secret.to_str().unwrap();
    let args = ["--tick", "1h", "--stake", "100"];
    let (casino, operator) = Casino::start_with_operator(folder.path(), secret, &args);
    let steer = |args: &[&str]| {
        let mut command = Command::new(casino::binary("casino-server"));
        command.arg("round").args(args);
        command.args(["--operator", &operator, "--operator-secret-file", secret]);
        assert!(command.status().unwrap().success());
    };
    let url = casino.url();
    let server = ["--user", "anna", "--casino", &url];
    let typed = || {
        let mut game = PipedGame::open(&home, &[&server[..], &["--plain"]].concat());
        game.send_line("orders");
        let (code, lines) = game.end();
        assert_eq!(code, Some(0));
        lines.iter().map(|line| format!("{line}\n")).collect::<String>()
    };
    let none = "no open orders, and none that have ended";
    let title = "Open orders of your own account";
    assert_eq!(run_ok(&home, &server, "orders"), format!("{none}\n"));
    steer(&["start", "1h"]);
    assert_eq!(run_ok(&home, &server, "orders"), format!("{title}\n{none}\n"));
    steer(&["end"]);
    run_ok(&home, &server, "buy 1 --limit 9 --rest");
    let own = run_ok(&home, &server, "orders");
    assert!(own.starts_with("order rests: buy 1 limit 9"), "{own}");
    assert_eq!(typed(), own);
    steer(&["start", "1h"]);
    assert_eq!(run_ok(&home, &server, "orders"), format!("{title}\n{own}"));
    assert_eq!(typed(), format!("{title}\n{own}"));
    // Not a row.
    assert_eq!(csv(&home, &server, "orders").len(), 2);
    assert_eq!(json(&home, &server, "orders").as_array().unwrap().len(), 1);
}

#[test]
fn an_order_that_rests_at_a_shared_casino_is_filled_while_the_player_is_away() {
    let (home, folder) = (Home::new(), tempfile::tempdir().unwrap());
    // The first tick of this game is 1.
    let casino = Casino::start(folder.path(), "127.0.0.1:0", &["--tick", "1h", "--seed", "3"]);
    let url = casino.url();
    let server = ["--user", "anna", "--casino", &url];
    run_ok(&home, &server, "buy-tokens 100");
    let limit = 9;
    let placed = json(&home, &server, &format!("buy 1 --limit {limit} --rest"));
    assert_eq!(placed["state"], "open");
    let address = casino.kill();
    let _casino = Casino::start(folder.path(), &address, &["--tick", "20ms", "--seed", "3"]);
    let filled = loop {
        let listed = json(&home, &server, "orders");
        if listed[0]["state"] == "filled" {
            break listed[0].clone();
        }
    };
    assert_eq!(filled["id"], placed["id"]);
    assert!(filled["price"].as_i64().unwrap() <= limit);
    let command = format!("cancel {}", filled["id"].as_str().unwrap());
    let (code, _, stderr) = run(&home, &server, &command);
    assert_eq!(code, Some(1));
    assert!(
        stderr.contains("not cancelled: order filled: buy 1 limit 9, at "),
        "{stderr}"
    );
    assert_eq!(json(&home, &server, "balance")["stocks"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_game_at_an_old_casino() {
    let url = format!("http://{}", OldCasino::serve().await);
    tokio::task::spawn_blocking(move || {
        let home = Home::new();
        let server = ["--user", "anna", "--casino", &url];
        assert_eq!(
            run_ok(&home, &server, "buy-tokens 4").trim_end(),
            "bought 20 tokens for 4 dollars"
        );
        assert_eq!(
            run_ok(&home, &server, "buy 1").trim_end(),
            "operation executed successfully"
        );
        let (code, _, stderr) = run(&home, &server, "buy 2");
        assert_eq!(code, Some(1));
        // The message of the casino cannot move the cursor or start another line.
        assert!(stderr.starts_with("awesomestock: not enough"), "{stderr}");
        assert!(
            stderr.trim_end().chars().all(|char| !char.is_control()),
            "{stderr:?}"
        );
        let price = json(&home, &server, "price");
        assert_eq!(
            (&price["price"], &price["tick"], &price["at"]),
            (&10.into(), &Value::Null, &Value::Null)
        );
        let wallet = json(&home, &server, "balance");
        assert_eq!((&wallet["tokens"], &wallet["stocks"]), (&10.into(), &Value::Null));
        assert_eq!(csv(&home, &server, "payments")[1], ["1", "", "-4"]);
        let statement = run_ok(&home, &server, "statement --json");
        assert!(
            !statement.contains('\u{1b}') && statement.contains("FINAL BALANCE"),
            "{statement:?}"
        );
        let (code, _, stderr) = run(&home, &server, "trades");
        assert_eq!(code, Some(1));
        assert!(stderr.contains("has no trade list"), "{stderr}");
        for (command, expected) in [
            ("orders", "this casino does not support it"),
            (
                "cancel 00000000-0000-0000-0000-000000000001",
                "this casino does not support it",
            ),
            (
                "buy 1 --stop 11",
                "orders cannot rest at this casino; nothing was sent",
            ),
        ] {
            let (code, _, stderr) = run(&home, &server, command);
            assert_eq!(code, Some(1), "{command}");
            assert!(stderr.contains(expected), "{command}: {stderr}");
        }
    })
    .await
    .unwrap();
}

#[test]
fn pages_are_followed_to_the_end() {
    let home = Home::new();
    let server = ["--user", "anna", "--tick", "1h"];
    let trades = 2_345;
    let mut lines = "buyTokens 100000\ngamble\n".to_owned();
    lines.push_str(&"buy 1\n".repeat(trades));
    home.output_lines(&server, &lines);
    let listed = json(&home, &server, "trades");
    let numbers: Vec<i64> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["number"].as_i64().unwrap())
        .collect();
    let all: Vec<i64> = (1..).take(trades).collect();
    assert_eq!(numbers, all);

    // A reader that closes early is not a failure: `trades | head`.
    let mut command = home.game(["trades"].iter().chain(&server));
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
fn usage_errors_have_another_exit_code_than_failures() {
    let home = Home::new();
    let cases = [
        "buy",
        "buy 0",
        "buy 1 --limit 0",
        "buy 1 --rest",
        "buy 1 --stop 0",
        "buy 1 --limit 9 --stop 11",
        "cancel",
        "cancel nine",
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
        let (code, stdout, stderr) = run(&home, &[], command);
        assert_eq!((code, &*stdout), (Some(2), ""), "{command}");
        assert!(!stderr.is_empty(), "{command}");
    }
}

#[test]
fn options_work_before_and_after_the_command_and_override_variables() {
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
    // No game was played, so no name is stored.
    assert_ne!(json(&home, &[], "balance")["player"], "carl");
}

#[test]
fn a_command_fails_while_a_solo_game_is_open() {
    let home = Home::new();
    let mut game = PipedGame::open(&home, &["--user", "anna", "--tick", "1h"]);
    game.send_line("balance");
    game.wait_for_line("0 tokens");
    let (code, stdout, stderr) = run(&home, &[], "buy-tokens 5");
    assert_eq!((code, &*stdout), (Some(1), ""));
    assert!(stderr.contains("another solo game is open"), "{stderr}");
    game.send_line("exit");
    assert_eq!(game.wait().0, Some(0));
}

#[test]
fn completions_the_manual_and_the_version_work_with_a_broken_configuration() {
    let home = Home::new();
    fs::write(home.config_file(), "this is no configuration").unwrap();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = run_ok(&home, &[], &format!("completions {shell}"));
        assert!(
            script.contains("buy-tokens") && script.contains("data-dir"),
            "{shell}"
        );
    }
    let manual = run_ok(&home, &[], "man");
    assert!(
        manual.contains(".TH awesomestock 1")
            && manual.contains("buy\\-tokens")
            && manual.contains("AWESOMESTOCK_SEED"),
        "{manual}"
    );
    let version = run_ok(&home, &[], "--version");
    assert!(
        version.starts_with(concat!("awesomestock ", env!("CARGO_PKG_VERSION"))),
        "{version}"
    );
}

/// A casino that accepts connections but never answers does not block a command for longer than the timeout.
#[test]
fn a_casino_that_does_not_answer_is_limited_by_the_timeout() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let casino = format!("http://{}", silent.local_addr().unwrap());
    for command in [
        "balance",
        "price",
        "buy 1",
        "buy 1 --stop 11",
        "buy-tokens 1",
        "orders",
        "trades",
        "payments --csv",
        "leaderboard",
        "statement",
    ] {
        let home = Home::new();
        let mut args: Vec<&str> = command.split(' ').collect();
        args.extend(["--casino", &casino, "--user", "ann", "--timeout", "300ms"]);
        let output = home.game(&args).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{command}: {stderr}");
        assert!(
            stderr.contains("did not answer within 300ms"),
            "{command}: {stderr}"
        );
    }
}
