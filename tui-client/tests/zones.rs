//! The times on the screen and in printed text equal those of `date` in the same environment.

mod support;

use std::io::Write;
use std::process::{Command, Stdio};

use support::Home;
use support::pty::{self, Terminal};

/// Runs `date` and returns its output.
fn date(zone: Option<&str>, arguments: &[&str]) -> String {
    let mut command = Command::new("date");
    command.env_remove("TZ").envs(zone.map(|zone| ("TZ", zone)));
    let printed = command.args(arguments).output().unwrap();
    assert!(printed.status.success(), "{printed:?}");
    String::from_utf8(printed.stdout).unwrap().trim_end().to_owned()
}

/// Returns the seconds since the Unix epoch.
fn now() -> u64 {
    date(None, &["+%s"]).parse().unwrap()
}

/// Returns each second from `before` until now, in the format.
fn times_since(before: u64, zone: Option<&str>, format: &str) -> Vec<String> {
    let time = |second| date(zone, &["-d", &format!("@{second}"), format]);
    (before..=now()).map(time).collect()
}

#[test]
fn times_use_the_zone_of_the_environment() {
    for zone in [
        None,
        Some(""),
        Some("UTC"),
        Some("UTC0"),
        Some("America/New_York"),
        Some(":America/New_York"),
        Some("Asia/Kathmandu"),
        Some("Australia/Lord_Howe"),
        Some("Pacific/Chatham"),
        Some("EST5EDT"),
        Some("EST5EDT,M3.2.0,M11.1.0"),
        Some("CET-1CEST,M3.5.0,M10.5.0/3"),
        Some("NZST-12NZDT,M9.5.0,M4.1.0/3"),
        Some("<+0330>-3:30"),
        Some("<-03>3"),
        Some("JST-9"),
        Some("/usr/share/zoneinfo/Europe/Berlin"),
        Some(":/usr/share/zoneinfo/Asia/Tokyo"),
        Some("Nowhere/Atlantis"),
        Some("posix/Europe/Berlin"),
        Some("right/Europe/Berlin"),
        Some("europe/berlin"),
        Some("Europe/Berlin/"),
        Some("CET-1CEST"),
        Some("ABC3:60"),
        Some("ABC-25"),
        Some("AB3"),
        Some(":JST-9"),
    ] {
        let home = Home::new();
        let mut command = pty::game(&home, &["--user", "anna", "--tick", "1h"]);
        match zone {
            Some(zone) => command.env("TZ", zone),
            None => command.env_remove("TZ"),
        }
        let mut game = Terminal::open(command, 120, 36);
        game.see("● live");
        game.see("tokens 0");
        let before = now();
        game.type_keys(":balance\r");
        game.see("✓ balance: 0 tokens");
        let times = times_since(before, zone, "+%H:%M:%S");
        let shown = game.contents();
        let line = shown
            .lines()
            .find(|line| line.contains("✓ balance: 0 tokens"))
            .unwrap();
        assert!(
            times.iter().any(|time| line.contains(time)),
            "TZ={zone:?}: {line:?} is not at one of {times:?}"
        );
        game.quit();
    }
}

#[test]
fn printed_times_use_the_zone_of_the_environment() {
    for zone in [
        None,
        Some("America/New_York"),
        Some("Asia/Kathmandu"),
        Some("<-03>3"),
        Some("right/Europe/Berlin"),
        Some("ABC3:60"),
        Some("foo"),
        Some("Nonsense/Zone"),
        Some("CET-1cest,nonsense"),
    ] {
        let home = Home::new();
        let printed = |command: &[&str]| {
            let mut game = home.game(["--user=anna"].iter().chain(command));
            match zone {
                Some(zone) => game.env("TZ", zone),
                None => game.env_remove("TZ"),
            };
            String::from_utf8(game.output().unwrap().stdout).unwrap()
        };
        let before = now();
        printed(&["buy-tokens", "5"]);
        let times = times_since(before, zone, "+%F %T %Z");
        let payments = printed(&["payments"]);
        assert!(
            times.iter().any(|time| payments.contains(time)),
            "TZ={zone:?}: {payments:?} is not at one of {times:?}"
        );
        let before = now();
        let mut game = home.game(["--user=anna", "--plain", "--wire"]);
        match zone {
            Some(zone) => game.env("TZ", zone),
            None => game.env_remove("TZ"),
        };
        let mut game = game.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        game.stdin.take().unwrap().write_all(b"gamble\n").unwrap();
        let rows = String::from_utf8(game.wait_with_output().unwrap().stdout).unwrap();
        let times = times_since(before, zone, "+wire %H:%M:%S.");
        assert!(
            times.iter().any(|time| rows.starts_with(time)),
            "TZ={zone:?}: {rows:?} does not start at one of {times:?}"
        );
    }
}
