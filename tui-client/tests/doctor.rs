//! `awesomestock doctor`: its findings and exit code, and that it changes nothing.

mod support;

use std::fs;

use support::casino::Casino;
use support::old_casino::OldCasino;
use support::pty::Terminal;
use support::{Home, PipedGame, pty};

/// Runs the doctor and returns its lines and the exit code.
fn run_doctor(home: &Home, arguments: &[&str]) -> (Vec<String>, Option<i32>) {
    let output = home.game(["doctor"].iter().chain(arguments)).output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    let stdout = String::from_utf8(output.stdout).unwrap();
    (stdout.lines().map(str::to_owned).collect(), output.status.code())
}

fn line_for<'a>(lines: &'a [String], topic: &str) -> &'a str {
    let line = lines
        .iter()
        .find(|line| line.split_whitespace().nth(1) == Some(topic));
    line.unwrap_or_else(|| panic!("nothing about {topic}: {lines:?}"))
}

#[test]
fn a_healthy_terminal_has_no_findings() {
    let home = Home::new();
    home.output_lines(&["--user", "anna", "--tick", "1h"], "buyTokens 5");
    let doctor = Terminal::open(pty::game(&home, &["doctor"]), 120, 36);
    let (status, screen) = doctor.end();
    assert!(status.success(), "{screen}");
    let lines: Vec<&str> = screen.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), 10, "{screen}");
    assert!(lines.iter().all(|line| line.starts_with("ok ")), "{screen}");
    for part in [
        "size 120x36",
        "TERM xterm-256color",
        "locale C.UTF-8",
        "ledger is intact and not in use",
        "colours 256",
    ] {
        assert!(screen.contains(part), "{part}: {screen}");
    }
    // The ledger is unchanged.
    assert_eq!(
        home.output_lines(&["--user", "anna", "--tick", "1h"], "balance"),
        ["25 tokens and 0 stocks"]
    );
}

#[test]
fn the_doctor_creates_nothing() {
    let home = Home::new();
    let data = home.path().join("data/awesomestock");
    let (lines, code) = run_doctor(&home, &[]);
    assert_eq!(code, Some(0), "{lines:?}");
    assert!(line_for(&lines, "terminal").starts_with("warn"), "{lines:?}");
    assert!(line_for(&lines, "data").ends_with("not created yet"), "{lines:?}");
    assert!(
        line_for(&lines, "casino").contains("the first game creates the ledger"),
        "{lines:?}"
    );
    assert!(!data.exists());
}

#[test]
fn problems_fail() {
    let home = Home::new();
    let mut game = PipedGame::open(&home, &["--user", "anna", "--tick", "1h"]);
    game.send_line("balance");
    game.wait_for_line("0 tokens");
    let (lines, code) = run_doctor(&home, &[]);
    assert_eq!(code, Some(1));
    let casino = line_for(&lines, "casino");
    assert!(
        casino.starts_with("fail") && casino.contains("another solo game is open"),
        "{casino}"
    );
    assert_eq!(game.end().0, Some(0));

    let (lines, code) = run_doctor(&home, &["--casino", "http://127.0.0.1:1"]);
    assert_eq!(code, Some(1));
    let casino = line_for(&lines, "casino");
    assert!(
        casino.starts_with("fail  casino    http://127.0.0.1:1: "),
        "{casino}"
    );

    fs::write(home.path().join("file"), "").unwrap();
    let below = home.path().join("file/data");
    let (lines, code) = run_doctor(&home, &["--data-dir", below.to_str().unwrap()]);
    assert_eq!(code, Some(1));
    assert!(line_for(&lines, "data").starts_with("fail"), "{lines:?}");

    fs::write(home.config_file(), "tick = '1s'\nprize = 1\n").unwrap();
    let (lines, code) = run_doctor(&home, &[]);
    assert_eq!(code, Some(1));
    let config = line_for(&lines, "config");
    assert!(
        config.starts_with("fail") && config.contains("config.toml line 2"),
        "{config}"
    );
    assert_eq!(
        line_for(&lines, "casino"),
        "warn  casino    not checked: the configuration is invalid"
    );
}

#[test]
fn the_capabilities_of_a_casino_are_shown() {
    let (home, folder) = (Home::new(), tempfile::tempdir().unwrap());
    let casino = Casino::start(folder.path(), "127.0.0.1:0", &["--tick", "1h"]);
    let (lines, code) = run_doctor(&home, &["--casino", &casino.url()]);
    assert_eq!(code, Some(0), "{lines:?}");
    assert!(
        line_for(&lines, "casino").contains("and supports all features"),
        "{lines:?}"
    );
    assert!(
        line_for(&lines, "clock").contains("agrees with the casino's"),
        "{lines:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_version_is_recognized() {
    let old = OldCasino::serve().await;
    let earlier = OldCasino::serve_with("ticks,wallet,limits,ids,tape,players,leaderboard").await;
    tokio::task::spawn_blocking(move || {
        let home = Home::new();
        for (address, found) in [
            (old, "with the old protocol"),
            (
                earlier,
                "an earlier version without orders of up to a count, resting orders, orders that name their \
                 account, rounds",
            ),
        ] {
            let (lines, code) = run_doctor(&home, &["--casino", &format!("http://{address}")]);
            assert_eq!(code, Some(0), "{lines:?}");
            assert!(line_for(&lines, "casino").contains(found), "{lines:?}");
            assert!(line_for(&lines, "clock").starts_with("warn"), "{lines:?}");
        }
    })
    .await
    .unwrap();
}
