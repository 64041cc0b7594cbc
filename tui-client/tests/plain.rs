//! The real binary, played line by line over pipes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{fs, net::TcpListener, os::unix::process::ExitStatusExt, process::Stdio};

use rustix::process::Signal;
use support::{Home, Pipes, casino::Casino, text_of};

/// A solo game whose price stays where it is.
const STILL: [&str; 4] = ["--user", "anna", "--tick", "1h"];

#[test]
fn a_whole_game_with_every_word() {
    let home = Home::new();
    let script = "buyTokens 100\ngamble\nbuy 2\nsell 1\nsell 50\nstop\nbalance\nwithdraw 5\nexit\nbalance\n";
    let expected = [
        "bought 500 tokens for 100 dollars",
        "AwesomeStock - current stock price: 10",
        "operation executed successfully at 10 tokens; you have 480 tokens and 2 stocks",
        "operation executed successfully at 10 tokens; you have 490 tokens and 1 stock",
        "you have 1 stock, not 50",
        "you left the table",
        "490 tokens and 1 stock",
        "withdrew 5 tokens: 1 dollar paid out",
    ];
    assert_eq!(home.answers(&STILL, script), expected);

    // The next game: the same wallet, the other spellings, and the end of the lines for an exit.
    let said = home.answers(
        &["--tick=1h"],
        "balance\nBUY-TOKENS 1\npayments\ntrades\npayment-statement\nhelp",
    );
    assert_eq!(said[0], "485 tokens and 1 stock");
    assert_eq!(said[1], "bought 5 tokens for 1 dollar");
    for (line, start) in said[2..7].iter().zip([
        "payment 1: -100 dollars, ",
        "payment 2: 1 dollar, ",
        "payment 3: -1 dollar, ",
        "trade 1: bought 2 stocks at 10 tokens: 20 tokens, ",
        "trade 2: sold 1 stock at 10 tokens: 10 tokens, ",
    ]) {
        assert!(line.starts_with(start) && line.ends_with(" UTC"), "{line}");
    }
    let rest = said[7..].join("\n");
    assert!(
        rest.contains("Player: anna") && rest.contains("FINAL BALANCE"),
        "{rest}"
    );
    for word in awesomestock::app::commands::command::COMMANDS {
        assert!(rest.contains(word.help), "{word:?}");
    }
}

#[test]
fn what_cannot_be_done_is_said_in_one_line_each() {
    let home = Home::new();
    let cases = [
        ("", "error: type a command, or help"),
        (
            "dance",
            "error: unknown command \"dance\"; help lists the commands",
        ),
        (
            "\u{1b}[2J",
            "error: unknown command \"\\u{1b}[2J\"; help lists the commands",
        ),
        ("buy", "error: buy needs an amount: buy STOCKS"),
        (
            "buy 0",
            "error: STOCKS must be a whole number from 1 to 2,147,483,647, not \"0\"",
        ),
        ("balance 3", "error: too many words; write: balance"),
        ("buy 2", "error: you are not at the table; gamble joins it"),
        ("stop", "error: you are not at the table; gamble joins it"),
        (
            "withdraw 7",
            "error: tokens_cnt: 7 is not a multiple of 5; the nearest amounts: 5 or 10",
        ),
        ("withdraw 5", "error: "),
        ("buyTokens 2147483647", "error: "),
        ("payments", "no payments yet"),
        ("trades", "no trades yet"),
        ("balance", "0 tokens and 0 stocks"),
    ];
    let script: String = cases.iter().map(|(line, _)| format!("{line}\n")).collect();
    let said = home.answers(&STILL, &script);
    assert_eq!(said.len(), cases.len(), "{said:#?}");
    for (line, (typed, expected)) in said.iter().zip(cases) {
        assert!(line.starts_with(expected), "{typed:?}: {line}");
    }
}

#[test]
fn bytes_that_are_no_text_and_lines_without_end_are_survived() {
    let home = Home::new();
    let mut game = home.game(STILL);
    let mut child = game.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let bytes = [
        &[0xff, 0xfe, 0x00, b'\n'][..],
        &vec![b'x'; 1_000_000],
        b"\nbalance\n",
    ]
    .concat();
    std::io::Write::write_all(&mut stdin, &bytes).unwrap();
    drop(stdin);
    let said = text_of(child.stdout.take().unwrap());
    assert!(child.wait().unwrap().success());
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("error: unknown command"), "{said}");
    assert_eq!(
        lines[1..],
        ["error: the line is too long", "0 tokens and 0 stocks"]
    );
    assert!(
        said.chars().all(|char| char == '\n' || !char.is_control()),
        "{said:?}"
    );
}

#[test]
fn prices_come_by_themselves_at_the_table() {
    let home = Home::new();
    let mut game = Pipes::open(&home, &["--tick", "20ms", "--seed", "7"]);
    game.say("gamble");
    for _ in 0..6 {
        let line = game.hear();
        let price = line.strip_prefix("AwesomeStock - current stock price: ").unwrap();
        assert!(price.parse::<i32>().unwrap() >= 1);
    }
    game.say("stop");
    game.hear_about("you left the table");
    game.say("gamble");
    game.hear_about("current stock price");
    // At the table still: leaving is part of the end.
    assert_eq!(game.end().0, Some(0));
}

#[test]
fn a_second_solo_game_on_the_same_ledger_is_told_so() {
    let home = Home::new();
    let mut first = Pipes::open(&home, &STILL);
    first.say("balance");
    first.hear();

    let second = home.play_lines(&STILL, "balance\n");
    let words = String::from_utf8(second.stderr).unwrap();
    assert_eq!(
        (second.status.code(), second.stdout.len()),
        (Some(1), 0),
        "{words}"
    );
    assert!(
        words.contains("another solo game is open") && words.lines().count() == 1,
        "{words}"
    );

    let elsewhere = home.path().join("elsewhere");
    let arguments = [&STILL[..], &["--data-dir", elsewhere.to_str().unwrap()]].concat();
    assert_eq!(home.answers(&arguments, "balance"), ["0 tokens and 0 stocks"]);
    assert_eq!(first.end().0, Some(0));
}

#[test]
fn a_ledger_that_is_none_is_said_in_words() {
    let home = Home::new();
    let folder = home.path().join("data/awesomestock");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("solo.db"), "Dear diary, ".repeat(1000)).unwrap();
    let game = home.play_lines(&STILL, "balance\n");
    let words = String::from_utf8(game.stderr).unwrap();
    assert_eq!(game.status.code(), Some(1));
    assert!(
        words.starts_with("awesomestock: cannot open the ledger of the solo game: "),
        "{words}"
    );
}

#[test]
fn wrong_usage_is_exit_code_2_and_names_the_option() {
    let home = Home::new();
    let cases: [(&[&str], &str); 8] = [
        (&["--dance"], "--dance"),
        (&["--initial-price", "ten"], "--initial-price"),
        (
            &["--initial-price", "0"],
            "initial-price: must be 1 to 2147483647",
        ),
        (&["--tick", "1ms"], "tick: expected a duration from 10ms to 1h"),
        (&["--casino", "nowhere"], "casino: must be http://HOST:PORT"),
        (
            &["--casino", "http://127.0.0.1:1", "--seed", "1"],
            "seed: only for a solo game",
        ),
        (&["--theme", "pink"], "theme: "),
        (&["--user", "\u{1b}[31m"], "user: must be"),
    ];
    for (arguments, expected) in cases {
        let game = home.play_lines(arguments, "");
        let words = String::from_utf8(game.stderr).unwrap();
        assert_eq!(game.status.code(), Some(2), "{arguments:?}: {words}");
        assert!(words.contains(expected), "{arguments:?}: {words}");
        assert!(game.stdout.is_empty() && !words.contains('\u{1b}'), "{words:?}");
    }
    fs::write(home.config_file(), "tick = '1h'\ncolour = 1\n").unwrap();
    let game = home.play_lines(&[], "");
    let words = String::from_utf8(game.stderr).unwrap();
    assert_eq!(game.status.code(), Some(2));
    assert!(
        words.contains("config.toml line 2: unknown field `colour`"),
        "{words}"
    );
}

#[test]
fn file_environment_and_command_line_are_layers() {
    let home = Home::new();
    fs::write(
        home.config_file(),
        "tick = '1h'\nuser = 'file'\ninitial-price = 77\n",
    )
    .unwrap();
    let player = |environment: &[(&str, &str)], arguments: &[&str]| {
        let mut game = home.game(arguments);
        game.envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = game.spawn().unwrap();
        std::io::Write::write_all(
            &mut child.stdin.take().unwrap(),
            b"buyTokens 1\ngamble\npaymentStatement\n",
        )
        .unwrap();
        let said = text_of(child.stdout.take().unwrap());
        assert!(child.wait().unwrap().success());
        assert!(said.contains("price: 77"), "{said}");
        let player = said
            .lines()
            .find_map(|line| line.strip_prefix("Player: "))
            .unwrap();
        player.to_owned()
    };
    let environment = [("AWESOMESTOCK_USER", "environment")];
    assert_eq!(player(&[], &[]), "file");
    assert_eq!(player(&environment, &[]), "environment");
    assert_eq!(player(&environment, &["--user", "line"]), "line");
}

#[test]
fn the_version_and_the_help_are_told() {
    let home = Home::new();
    let version = home.answers(&["--version"], "");
    assert_eq!(
        version,
        [format!("awesomestock {}", awesomestock::cli::args::VERSION)]
    );
    let help = home.answers(&["--help"], "").join("\n");
    for option in [
        "--casino",
        "--user",
        "--tick",
        "--initial-price",
        "--seed",
        "--plain",
        "--theme",
        "--data-dir",
    ] {
        assert!(help.contains(option), "{option}: {help}");
    }
}

#[test]
fn a_casino_that_is_not_there_is_said_and_can_be_tried_again() {
    let home = Home::new();
    // A port that was just free, and that nobody listens at.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{address}");
    let said = home.answers(&["--casino", &url], "balance\ngamble\nbuyTokens 5\nbuy 1\n");
    assert_eq!(said.len(), 4, "{said:?}");
    for line in &said[..3] {
        assert!(line.starts_with("error: cannot reach the casino: "), "{line}");
    }
    assert!(said[2].ends_with("; nothing was paid"), "{}", said[2]);
    assert_eq!(said[3], "error: you are not at the table; gamble joins it");
}

#[test]
fn a_casino_that_is_killed_is_said_and_the_next_gamble_finds_the_new_one() {
    let home = Home::new();
    let casino = Casino::start(home.path(), "127.0.0.1:0", &["--tick", "1h"]);
    let mut game = Pipes::open(&home, &["--casino", &casino.url()]);
    game.say("buyTokens 2");
    game.say("gamble");
    game.hear_about("current stock price: 10");
    let address = casino.kill();
    let lost = game.hear();
    assert!(lost.starts_with("error: connection lost: "), "{lost}");
    game.say("buy 1");
    assert_eq!(game.hear(), "error: you are not at the table; gamble joins it");
    let _casino = Casino::start(home.path(), &address, &["--tick", "1h"]);
    game.say("gamble");
    game.hear_about("current stock price: 10");
    game.say("balance");
    assert_eq!(game.hear(), "10 tokens and 0 stocks");
    assert_eq!(game.end().0, Some(0));
}

#[test]
fn signals_end_the_game_in_order_although_the_lines_are_open() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT] {
        let home = Home::new();
        let mut game = Pipes::open(&home, &STILL);
        game.say("buyTokens 3");
        game.say("gamble");
        game.hear_about("current stock price");
        support::send_signal(game.child.id(), signal);
        assert_eq!(game.child.wait().unwrap().signal(), Some(signal.as_raw()));
        assert_eq!(
            home.answers(&["--tick=1h"], "balance"),
            ["15 tokens and 0 stocks"]
        );
    }
}

#[test]
fn a_reader_that_has_gone_ends_the_game_well() {
    let home = Home::new();
    let mut game = home.game(["--tick", "10ms"]);
    let mut child = game.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), b"gamble\n").unwrap();
    assert!(child.wait().unwrap().success());
}
