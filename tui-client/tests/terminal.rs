//! The real binary and its terminal: taken, resized, lent to a shell, and given back whole.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::io::Read;

use portable_pty::{PtySize, native_pty_system};
use rustix::process::Signal;
use support::{
    Home, casino,
    pty::{self, Terminal},
};

const ENTER: &str = "\r";
const CTRL_L: &str = "\u{c}";
const CTRL_Z: &str = "\u{1a}";

#[test]
fn signals_give_the_terminal_back_whole() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let home = Home::new();
        let game = Terminal::solo(&home);
        game.see("● live");
        game.signal(signal);
        let (ended, _) = game.end();
        assert!(ended.success(), "{signal:?}: {ended:?}");
    }
}

/// The ledger is another game's, so that the second one fails to open it: after its first frame.
#[test]
fn the_start_screen_comes_before_the_ledger_and_goes_if_it_cannot_be_opened() {
    let home = Home::new();
    let first = Terminal::solo(&home);
    first.see("● live");
    for arguments in [&[][..], &["--no-splash"]] {
        let second = Terminal::open(pty::game(&home, arguments), 120, 36);
        second.see("another solo game is open");
        let told = String::from_utf8(second.bytes()).unwrap();
        assert_eq!(second.end().0.exit_code(), 1);
        let (drawn, words) = told.split_once("\u{1b}[?1049l").unwrap();
        assert!(drawn.contains("\u{1b}[?2026h"), "nothing was drawn: {told:?}");
        assert!(!drawn.contains("another solo game"), "{drawn:?}");
        assert!(words.contains("another solo game is open"), "{words:?}");
    }
    first.signal(Signal::TERM);
    assert!(first.end().0.success());
}

#[test]
fn what_was_set_is_taken_back_to_the_letter() {
    let home = Home::new();
    let mut game = Terminal::solo(&home);
    game.see("● live");
    assert!(!game.is_cooked());
    let taken = String::from_utf8(game.bytes()).unwrap();
    game.wipe();
    game.type_keys("q");
    game.see_given_back();
    let given_back = String::from_utf8(game.bytes()).unwrap();
    for (set, reset) in [
        ("\u{1b}[?1049h", "\u{1b}[?1049l"),
        ("\u{1b}[?25l", "\u{1b}[?25h"),
        ("\u{1b}[?2004h", "\u{1b}[?2004l"),
        ("\u{1b}[?1000h", "\u{1b}[?1000l"),
        ("\u{1b}[?1003h", "\u{1b}[?1003l"),
        ("\u{1b}[?1006h", "\u{1b}[?1006l"),
        ("\u{1b}[?2026h", "\u{1b}[?2026l"),
    ] {
        assert!(taken.contains(set), "{set:?} is never sent");
        let last_reset = given_back
            .rfind(reset)
            .unwrap_or_else(|| panic!("{reset:?} is never sent"));
        assert!(
            given_back.rfind(set).is_none_or(|last_set| last_set < last_reset),
            "{set:?} stays"
        );
    }
    game.end();
}

#[test]
fn a_terminal_that_hangs_up_ends_the_game_and_the_ledger_is_whole() {
    let home = Home::new();
    let size = PtySize {
        rows: 36,
        cols: 120,
        ..PtySize::default()
    };
    let pair = native_pty_system().openpty(size).unwrap();
    let child = pair
        .slave
        .spawn_command(pty::game(&home, &["--user", "anna", "--tick", "10ms"]))
        .unwrap();
    drop(pair.slave);
    let mut reader = pair.master.try_clone_reader().unwrap();
    let mut keys = pair.master.take_writer().unwrap();
    let mut emulator = vt100::Parser::default();
    emulator
        .screen_mut()
        .set_size(pty::cells(size.rows), pty::cells(size.cols));
    let mut read_until = |wanted: &str| {
        let mut buffer = [0; 4096];
        while !emulator.screen().contents().contains(wanted) {
            let read = reader.read(&mut buffer).unwrap();
            assert_ne!(read, 0, "the game has ended");
            emulator.process(&buffer[..read]);
        }
    };
    read_until("● live");
    keys.write_all(format!("t7{ENTER}").as_bytes()).unwrap();
    read_until("✓ TOKENS 7");
    drop((reader, keys, pair.master));
    assert_eq!(pty::exit_of(child).exit_code(), 0);
    assert_eq!(
        home.answers(&["--tick=1h"], "balance"),
        ["35 tokens and 0 stocks"]
    );
}

#[test]
fn ctrl_z_gives_the_terminal_to_the_shell_and_fg_repaints() {
    let home = Home::new();
    let mut command = pty::command(&home, "sh", &["-i"]);
    command.env("PS1", "ready> ");
    let mut shell = Terminal::open(command, 120, 36);
    shell.see("ready>");
    shell.type_keys(&format!("{} --tick 1h --user anna\n", support::GAME));
    shell.see("● live");
    shell.type_keys(CTRL_Z);
    shell.see_given_back();
    shell.see("Stopped");
    assert!(shell.is_cooked());
    shell.resize(100, 30);
    shell.wipe();
    shell.type_keys("fg\n");
    shell.see_taken();
    for text in ["● live", "anna @ solo", "Wallet", "q quit"] {
        shell.see(text);
    }
    shell.type_keys(&format!("t1{ENTER}"));
    shell.see("✓ TOKENS 1 $");
    shell.type_keys("q");
    shell.see_given_back();
    // The prompt after the session's summary: one that stood there before is no sign that the shell reads again.
    shell.see("wallet 5 tokens\nready>");
    shell.type_keys("exit\n");
    assert!(shell.end().0.success());
}

#[test]
fn ctrl_z_without_a_shell_to_come_back_from_goes_on() {
    let home = Home::new();
    let mut game = Terminal::solo(&home);
    game.see("● live");
    game.type_keys(CTRL_Z);
    game.see_given_back();
    game.see_taken();
    game.see("● live");
    game.type_keys("q");
    assert!(game.end().0.success());
}

#[test]
fn a_stop_from_outside_is_followed_by_a_whole_repaint() {
    let home = Home::new();
    let mut game = Terminal::solo(&home);
    game.see("● live");
    game.signal(Signal::STOP);
    game.wipe();
    game.signal(Signal::CONT);
    game.see("● live");
    game.see("q quit");
    game.type_keys("q");
    assert!(game.end().0.success());
}

#[test]
fn ctrl_l_repaints_everything() {
    let home = Home::new();
    let mut game = Terminal::solo(&home);
    game.see("● live");
    game.wipe();
    game.type_keys(CTRL_L);
    for text in ["● live", "anna @ solo", "Wallet", "q quit"] {
        game.see(text);
    }
}

#[test]
fn every_size_is_followed() {
    let home = Home::new();
    let mut game = Terminal::open(pty::game(&home, &["--user", "anna", "--tick", "1h"]), 40, 12);
    game.see("● live");
    game.see("q quit");
    game.type_keys(&format!("t100{ENTER}"));
    game.see("500 tokens");
    for (columns, rows, seen) in [
        (120, 36, "Wallet"),
        (200, 60, "Wallet"),
        (10, 3, "needs"),
        (1, 1, ""),
        (80, 24, "Wallet"),
    ] {
        game.resize(columns, rows);
        game.see(seen);
    }
    for step in 0..200 {
        game.resize(1 + step % 180, 1 + step % 50);
    }
    game.resize(40, 12);
    game.see("500 tokens");
    game.see("q quit");
    game.type_keys("q");
    assert!(game.end().0.success());
}

#[test]
fn no_color_gives_bold_and_reverse_and_no_colour() {
    let home = Home::new();
    let mut command = pty::game(&home, &["--user", "anna", "--tick", "1h"]);
    command.env("NO_COLOR", "1");
    let mut game = Terminal::open(command, 120, 36);
    game.see("● live");
    game.type_keys(&format!("t100{ENTER}"));
    game.see("tokens 500");
    let bytes = String::from_utf8(game.bytes()).unwrap();
    let attributes: Vec<u16> = bytes
        .split("\u{1b}[")
        .filter_map(|sequence| sequence.split_once('m'))
        .flat_map(|(numbers, _)| numbers.split(';').map(str::parse).collect::<Vec<_>>())
        .filter_map(Result::ok)
        .collect();
    let colour = attributes
        .iter()
        .find(|code| matches!(code, 30..=38 | 40..=48 | 90..=97 | 100..=107));
    assert_eq!(colour, None);
    assert!(
        attributes.contains(&1) && attributes.contains(&7),
        "{attributes:?}"
    );
}

/// Servers are started in a terminal by whoever tries them first.
#[test]
fn a_server_says_in_a_terminal_that_it_is_ready_and_nothing_before() {
    for package in ["payments-server", "casino-server"] {
        let home = Home::new();
        let server = casino::binary(package);
        let listen = ["--listen", "127.0.0.1:0"];
        let command = pty::command(&home, server.to_str().unwrap(), &listen);
        let terminal = Terminal::open(command, 120, 36);
        terminal.see("listening on 127.0.0.1:");
        terminal.signal(Signal::TERM);
        let (ended, told) = terminal.end();
        assert!(ended.success(), "{ended:?}: {told}");
        assert!(told.starts_with(package), "{told}");
    }
}
