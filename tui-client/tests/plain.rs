//! Plain mode: the real binary, driven line by line over pipes.

mod support;

use std::fs;
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use rustix::process::Signal;
use support::casino::Casino;
use support::{Home, PipedGame, text_of};

/// A solo game with a fixed price.
const FIXED_PRICE: [&str; 4] = ["--user", "anna", "--tick", "1h"];

#[test]
fn a_game_with_every_command() {
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
    assert_eq!(home.output_lines(&FIXED_PRICE, script), expected);

    // The next game: the same wallet, other spellings, and the end of the input instead of `exit`.
    let lines = home.output_lines(
        &["--tick=1h"],
        "balance\nBUY-TOKENS 1\npayments\ntrades\npayment-statement\nhelp",
    );
    assert_eq!(lines[0], "485 tokens and 1 stock");
    assert_eq!(lines[1], "bought 5 tokens for 1 dollar");
    for (line, start) in lines[2..7].iter().zip([
        "payment 1: -100 dollars, ",
        "payment 2: 1 dollar, ",
        "payment 3: -1 dollar, ",
        "trade 1: bought 2 stocks at 10 tokens: 20 tokens, ",
        "trade 2: sold 1 stock at 10 tokens: 10 tokens, ",
    ]) {
        assert!(line.starts_with(start) && line.ends_with(" UTC"), "{line}");
    }
    let rest = lines[7..].join("\n");
    assert!(
        rest.contains("Player: anna") && rest.contains("FINAL BALANCE"),
        "{rest}"
    );
    for word in awesomestock::app::commands::command::COMMANDS {
        let needs_a_screen = ["alertAbove", "alertBelow", "alertsOff", "tour"].contains(&word.name);
        assert_eq!(rest.contains(word.help), !needs_a_screen, "{word:?}");
    }
}

#[test]
fn an_order_rests_and_is_cancelled() {
    let home = Home::new();
    let mut game = PipedGame::open(&home, &FIXED_PRICE);
    for line in ["buyTokens 100", "gamble", "buy 2 @ 9 rest"] {
        game.send_line(line);
    }
    let placed = game.wait_for_line("order rests: ");
    let terms = "order rests: buy 2 limit 9, until the price is 9 or less or you cancel it; its ID is ";
    let id = placed.strip_prefix(terms).unwrap();
    for (line, expected) in [
        (
            "buy 1 stop 11",
            "order rests: buy 1 stop 11, until the price is 11 or more or you cancel it; its ID is ",
        ),
        (
            "buy 1 @ 20 rest",
            "order does not rest, as the price already meets limit 20: operation executed successfully at 10 tokens; \
             you have 490 tokens and 1 stock",
        ),
        ("orders", &placed),
        (&*format!("cancel {id}"), "order cancelled: buy 2 limit 9"),
        (
            "cancel 00000000-0000-0000-0000-000000000001",
            "error: you have no order with the ID 00000000-0000-0000-0000-000000000001",
        ),
        (
            "cancel nine",
            "error: cancel needs the ID of an order, which orders prints: cancel ID",
        ),
        ("orders 2", "error: too many words; usage: orders"),
    ] {
        game.send_line(line);
        // The next line: nothing is printed twice.
        let shown = game.next_line();
        assert!(shown.starts_with(expected), "{line}: {shown}");
        if line == "orders" {
            game.wait_for_line("order rests: buy 1 stop 11");
        }
    }
    game.send_line("exit");
    assert_eq!(game.wait(), (Some(0), Vec::new()));
}

#[test]
fn an_order_that_ended_while_the_player_was_away_is_printed_once() {
    let home = Home::new();
    let placed = home.output_lines(&FIXED_PRICE, "gamble\nbuy 2 @ 9 rest\n");
    let (_, id) = placed[1].split_once("its ID is ").unwrap();
    let cancelled = home
        .game(FIXED_PRICE.iter().chain(&["cancel", id]))
        .output()
        .unwrap();
    assert!(cancelled.status.success());
    for is_news in [true, false] {
        let mut game = PipedGame::open(&home, &[&FIXED_PRICE[..], &["--wire"]].concat());
        game.send_line("gamble");
        // The casino sends it again.
        game.wait_for_line("BUY 2 limit 9 cancelled, end 1");
        game.send_line("balance");
        let lines: Vec<String> = std::iter::repeat_with(|| game.next_line())
            .filter(|line| !line.starts_with("wire ") && !line.contains("current stock price"))
            .take(if is_news { 2 } else { 1 })
            .collect();
        let expected = ["order cancelled: buy 2 limit 9", "0 tokens and 0 stocks"];
        assert_eq!(lines, expected[usize::from(!is_news)..]);
        assert_eq!(game.end().0, Some(0));
    }
}

#[test]
fn each_error_is_one_line() {
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
        ("balance 3", "error: too many words; usage: balance"),
        ("buy 2", "error: you are not at the table; gamble joins it"),
        ("stop", "error: you are not at the table; gamble joins it"),
        (
            "withdraw 7",
            "error: 7 is not a multiple of 5; the nearest amounts: 5 or 10",
        ),
        ("withdraw 5", "error: "),
        ("buyTokens 2147483647", "error: "),
        ("payments", "no payments yet"),
        ("trades", "no trades yet"),
        ("balance", "0 tokens and 0 stocks"),
    ];
    // Some programs write a byte order mark first.
    let script: String = ["\u{feff}".to_owned()]
        .into_iter()
        .chain(cases.iter().map(|(line, _)| format!("{line}\n")))
        .collect();
    let lines = home.output_lines(&FIXED_PRICE, &script);
    assert_eq!(lines.len(), cases.len(), "{lines:#?}");
    for (line, (typed, expected)) in lines.iter().zip(cases) {
        assert!(line.starts_with(expected), "{typed:?}: {line}");
    }
}

#[test]
fn invalid_utf8_and_endless_lines_are_survived() {
    let home = Home::new();
    let mut game = home.game(FIXED_PRICE);
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
    let output = text_of(child.stdout.take().unwrap());
    assert!(child.wait().unwrap().success());
    let lines: Vec<&str> = output.lines().collect();
    assert!(lines[0].starts_with("error: unknown command"), "{output}");
    assert_eq!(
        lines[1..],
        ["error: the line is too long", "0 tokens and 0 stocks"]
    );
    assert!(
        output.chars().all(|char| char == '\n' || !char.is_control()),
        "{output:?}"
    );
}

#[test]
fn prices_arrive_by_themselves_in_a_session() {
    let home = Home::new();
    let mut game = PipedGame::open(&home, &["--tick", "20ms", "--seed", "7"]);
    game.send_line("gamble");
    for _ in 0..6 {
        let line = game.next_line();
        let price = line.strip_prefix("AwesomeStock - current stock price: ").unwrap();
        assert!(price.parse::<i32>().unwrap() >= 1);
    }
    game.send_line("stop");
    game.wait_for_line("you left the table");
    game.send_line("gamble");
    game.wait_for_line("current stock price");
    // Ending the input also leaves the session.
    assert_eq!(game.end().0, Some(0));
}

#[test]
fn headlines_are_printed_on_the_market_that_has_them() {
    let home = Home::new();
    let mut game = PipedGame::open(&home, &["--tick", "10ms", "--seed", "7", "--market", "news"]);
    game.send_line("gamble");
    game.wait_for_line("AwesomeStock - news: ");
    game.send_line("stop");
    game.wait_for_line("you left the table");
    assert_eq!(game.end().0, Some(0));
}

#[test]
fn a_second_solo_game_on_the_same_ledger_is_an_error() {
    let home = Home::new();
    let mut first = PipedGame::open(&home, &FIXED_PRICE);
    first.send_line("balance");
    first.next_line();

    let second = home.run_script(&FIXED_PRICE, "balance\n");
    let stderr = String::from_utf8(second.stderr).unwrap();
    assert_eq!(
        (second.status.code(), second.stdout.len()),
        (Some(1), 0),
        "{stderr}"
    );
    assert!(
        stderr.contains("another solo game is open") && stderr.lines().count() == 1,
        "{stderr}"
    );

    let other_folder = home.path().join("elsewhere");
    let arguments = [&FIXED_PRICE[..], &["--data-dir", other_folder.to_str().unwrap()]].concat();
    assert_eq!(
        home.output_lines(&arguments, "balance"),
        ["0 tokens and 0 stocks"]
    );
    assert_eq!(first.end().0, Some(0));
}

#[test]
fn a_damaged_ledger_is_reported() {
    let home = Home::new();
    let folder = home.path().join("data/awesomestock");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("solo.db"), "Dear diary, ".repeat(1000)).unwrap();
    let game = home.run_script(&FIXED_PRICE, "balance\n");
    let stderr = String::from_utf8(game.stderr).unwrap();
    assert_eq!(game.status.code(), Some(1));
    assert!(
        stderr.starts_with("awesomestock: cannot open the ledger of the solo game: "),
        "{stderr}"
    );
}

#[test]
fn usage_errors_have_exit_code_2_and_name_the_option() {
    let home = Home::new();
    let cases: [(&[&str], &str); 8] = [
        (&["--dance"], "--dance"),
        (&["--initial-price", "ten"], "--initial-price"),
        (
            &["--initial-price", "0"],
            "expected a whole number from 1 to 2,147,483,647",
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
        let game = home.run_script(arguments, "");
        let stderr = String::from_utf8(game.stderr).unwrap();
        assert_eq!(game.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(expected), "{arguments:?}: {stderr}");
        assert!(game.stdout.is_empty() && !stderr.contains('\u{1b}'), "{stderr:?}");
    }
    fs::write(home.config_file(), "tick = '1h'\ncolour = 1\n").unwrap();
    let game = home.run_script(&[], "");
    let stderr = String::from_utf8(game.stderr).unwrap();
    assert_eq!(game.status.code(), Some(2));
    assert!(
        stderr.contains("config.toml line 2: unknown field `colour`"),
        "{stderr}"
    );
}

#[test]
fn the_command_line_overrides_the_environment_and_the_file() {
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
        let output = text_of(child.stdout.take().unwrap());
        assert!(child.wait().unwrap().success());
        assert!(output.contains("price: 77"), "{output}");
        let player = output
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
fn the_version_and_the_help_are_printed() {
    let home = Home::new();
    let version = home.output_lines(&["--version"], "");
    assert_eq!(version, [format!("awesomestock {}", awesomestock_proto::VERSION)]);
    let help = home.output_lines(&["--help"], "").join("\n");
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
fn an_unreachable_casino_is_reported_and_can_be_retried() {
    let home = Home::new();
    // A port that was free a moment ago, so nothing listens on it.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{address}");
    let lines = home.output_lines(&["--casino", &url], "balance\ngamble\nbuyTokens 5\nbuy 1\n");
    assert_eq!(lines.len(), 4, "{lines:?}");
    for line in &lines[..3] {
        assert!(line.starts_with("error: cannot reach the casino: "), "{line}");
    }
    assert!(lines[2].ends_with("; nothing was paid"), "{}", lines[2]);
    assert_eq!(lines[3], "error: you are not at the table; gamble joins it");
}

#[test]
fn a_killed_casino_is_reported_and_the_next_gamble_reconnects() {
    let home = Home::new();
    let casino = Casino::start(home.path(), "127.0.0.1:0", &["--tick", "1h"]);
    let mut game = PipedGame::open(&home, &["--casino", &casino.url()]);
    game.send_line("buyTokens 2");
    game.send_line("gamble");
    game.wait_for_line("current stock price: 10");
    let address = casino.kill();
    let lost = game.next_line();
    assert!(lost.starts_with("error: connection lost: "), "{lost}");
    game.send_line("buy 1");
    assert_eq!(
        game.next_line(),
        "error: you are not at the table; gamble joins it"
    );
    let _casino = Casino::start(home.path(), &address, &["--tick", "1h"]);
    game.send_line("gamble");
    game.wait_for_line("current stock price: 10");
    game.send_line("balance");
    assert_eq!(game.next_line(), "10 tokens and 0 stocks");
    assert_eq!(game.end().0, Some(0));
}

#[test]
fn signals_end_the_game_cleanly_with_the_input_open() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT] {
        let home = Home::new();
        let mut game = PipedGame::open(&home, &FIXED_PRICE);
        game.send_line("buyTokens 3");
        game.send_line("gamble");
        game.wait_for_line("current stock price");
        support::send_signal(game.child.id(), signal);
        assert_eq!(game.child.wait().unwrap().signal(), Some(signal.as_raw()));
        assert_eq!(
            home.output_lines(&["--tick=1h"], "balance"),
            ["15 tokens and 0 stocks"]
        );
    }
}

#[test]
fn a_closed_output_ends_the_game_cleanly() {
    let home = Home::new();
    let mut game = home.game(["--tick", "10ms"]);
    let mut child = game.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), b"gamble\n").unwrap();
    assert!(child.wait().unwrap().success());
}
