//! `awesomestock doctor`, the real one: what it finds, how it ends, and that it leaves everything as it was.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs;

use support::{Home, Pipes, casino::Casino, old_casino::OldCasino, pty, pty::Terminal};

/// The verdicts and words of each topic, and the exit code.
fn examine(home: &Home, arguments: &[&str]) -> (Vec<String>, Option<i32>) {
    let output = home.game(["doctor"].iter().chain(arguments)).output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    let said = String::from_utf8(output.stdout).unwrap();
    (said.lines().map(str::to_owned).collect(), output.status.code())
}

fn line_about<'a>(lines: &'a [String], topic: &str) -> &'a str {
    let line = lines
        .iter()
        .find(|line| line.split_whitespace().nth(1) == Some(topic));
    line.unwrap_or_else(|| panic!("nothing about {topic}: {lines:?}"))
}

#[test]
fn of_a_healthy_terminal_nothing_is_to_be_said() {
    let home = Home::new();
    home.answers(&["--user", "anna", "--tick", "1h"], "buyTokens 5");
    let doctor = Terminal::open(pty::game(&home, &["doctor"]), 120, 36);
    let (ended, said) = doctor.end();
    assert!(ended.success(), "{said}");
    let lines: Vec<&str> = said.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), 10, "{said}");
    assert!(lines.iter().all(|line| line.starts_with("ok ")), "{said}");
    for part in [
        "size 120x36",
        "TERM xterm-256color",
        "locale C.UTF-8",
        "ledger is intact and not in use",
        "colours 256",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    // The ledger is as it was.
    assert_eq!(
        home.answers(&["--user", "anna", "--tick", "1h"], "balance"),
        ["25 tokens and 0 stocks"]
    );
}

#[test]
fn nothing_is_made_by_looking() {
    let home = Home::new();
    let data = home.path().join("data/awesomestock");
    let (lines, code) = examine(&home, &[]);
    assert_eq!(code, Some(0), "{lines:?}");
    assert!(line_about(&lines, "terminal").starts_with("warn"), "{lines:?}");
    assert!(
        line_about(&lines, "data").ends_with("not created yet"),
        "{lines:?}"
    );
    assert!(
        line_about(&lines, "casino").contains("the first game creates the ledger"),
        "{lines:?}"
    );
    assert!(!data.exists());
}

#[test]
fn what_would_not_go_fails() {
    let home = Home::new();
    let mut game = Pipes::open(&home, &["--user", "anna", "--tick", "1h"]);
    game.say("balance");
    game.hear_about("0 tokens");
    let (lines, code) = examine(&home, &[]);
    assert_eq!(code, Some(1));
    let casino = line_about(&lines, "casino");
    assert!(
        casino.starts_with("fail") && casino.contains("another solo game is open"),
        "{casino}"
    );
    assert_eq!(game.end().0, Some(0));

    let (lines, code) = examine(&home, &["--casino", "http://127.0.0.1:1"]);
    assert_eq!(code, Some(1));
    assert!(line_about(&lines, "casino").starts_with("fail"), "{lines:?}");

    fs::write(home.path().join("file"), "").unwrap();
    let below = home.path().join("file/data");
    let (lines, code) = examine(&home, &["--data-dir", below.to_str().unwrap()]);
    assert_eq!(code, Some(1));
    assert!(line_about(&lines, "data").starts_with("fail"), "{lines:?}");

    fs::write(home.config_file(), "tick = '1s'\nprize = 1\n").unwrap();
    let (lines, code) = examine(&home, &[]);
    assert_eq!(code, Some(1));
    let config = line_about(&lines, "config");
    assert!(
        config.starts_with("fail") && config.contains("config.toml line 2"),
        "{config}"
    );
    assert!(line_about(&lines, "casino").starts_with("warn"), "{lines:?}");
}

#[test]
fn a_casino_is_asked_what_it_tells() {
    let (home, folder) = (Home::new(), tempfile::tempdir().unwrap());
    let casino = Casino::start(folder.path(), "127.0.0.1:0", &["--tick", "1h"]);
    let (lines, code) = examine(&home, &["--casino", &casino.url()]);
    assert_eq!(code, Some(0), "{lines:?}");
    assert!(
        line_about(&lines, "casino").contains("and supports all features"),
        "{lines:?}"
    );
    assert!(
        line_about(&lines, "clock").contains("agrees with the casino's"),
        "{lines:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_casino_of_the_old_contract_is_known_for_one() {
    let url = format!("http://{}", OldCasino::serve().await);
    tokio::task::spawn_blocking(move || {
        let home = Home::new();
        let (lines, code) = examine(&home, &["--casino", &url]);
        assert_eq!(code, Some(0), "{lines:?}");
        assert!(
            line_about(&lines, "casino").contains("with the old protocol"),
            "{lines:?}"
        );
        assert!(line_about(&lines, "clock").starts_with("warn"), "{lines:?}");
    })
    .await
    .unwrap();
}
