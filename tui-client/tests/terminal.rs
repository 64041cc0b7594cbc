//! The real binary and its terminal: taken, resized, lent to a shell, and given back whole.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{
    io::Read,
    time::{Duration, Instant},
};

use portable_pty::{PtySize, native_pty_system};
use rustix::process::Signal;
use support::{
    Home, casino,
    pty::{self, Terminal},
};

const ENTER: &str = "\r";
/// The line of words, opened.
const PALETTE: &str = "╭ Command";

const ESC: &str = "\u{1b}";
const CTRL_C: &str = "\u{3}";
const CTRL_L: &str = "\u{c}";
const CTRL_Z: &str = "\u{1a}";

/// Every signal that ends a process by default, faults excepted, and how the end by it is called.
const ENDINGS: [(Signal, &str); 14] = [
    (Signal::HUP, "Hangup"),
    (Signal::INT, "Interrupt"),
    (Signal::QUIT, "Quit"),
    (Signal::TRAP, "Trace/breakpoint trap"),
    (Signal::ABORT, "Aborted"),
    (Signal::USR1, "User defined signal 1"),
    (Signal::USR2, "User defined signal 2"),
    (Signal::ALARM, "Alarm clock"),
    (Signal::TERM, "Terminated"),
    (Signal::XCPU, "CPU time limit exceeded"),
    (Signal::XFSZ, "File size limit exceeded"),
    (Signal::VTALARM, "Virtual timer expired"),
    (Signal::PROF, "Profiling timer expired"),
    (Signal::SYS, "Bad system call"),
];

#[test]
fn signals_give_the_terminal_back_whole_and_end_the_game() {
    let home = Home::new();
    for (signal, name) in ENDINGS {
        let game = Terminal::solo(&home);
        game.see("● live");
        game.signal(signal);
        let (ended, shown) = game.end();
        assert_eq!(ended.signal(), Some(name), "{ended:?}");
        assert!(shown.contains("anna @ solo"), "{shown}");
    }
    // The library that ends the process by a signal does not know these: it ends as a shell tells of it.
    for signal in [Signal::IO, Signal::POWER, Signal::STKFLT] {
        let game = Terminal::solo(&home);
        game.see("● live");
        game.signal(signal);
        let (ended, _) = game.end();
        assert_eq!(
            ended.exit_code().cast_signed(),
            128 + signal.as_raw(),
            "{ended:?}"
        );
    }
}

/// What terminals answer, late or unasked.
const REPORTS: [&str; 13] = [
    "\u{1b}]11;rgb:1e1e/1e1e/2e2e\u{7}",
    "\u{1b}]10;rgb:ffff/ffff/ffff\u{1b}\\",
    "\u{1b}]4;1;rgb:cdcd/0000/0000\u{7}",
    "\u{1b}]52;c;YnV5IDEx\u{18}",
    "\u{1b}[?2026;2$y",
    "\u{1b}[?997;1n",
    "\u{1b}[?62;22c",
    "\u{1b}[>0;276;0c",
    "\u{1b}P>|XTerm(390)\u{1b}\\",
    "\u{1b}_Gi=31;OK bbbb\u{1b}\\",
    "\u{1b}^b\u{7}bb\u{1b}\\",
    "\u{1b}Xbbbb\u{1a}",
    "\u{1b}[24;80R",
];

#[test]
fn what_a_terminal_reports_is_no_key() {
    let home = Home::new();
    let mut game = Terminal::solo(&home);
    game.see("● live");
    game.type_keys(&format!("t7{ENTER}"));
    game.see("✓ TOKENS 7");
    game.see("1 anna (you) 35");
    // The first line says how long ago the last message came.
    let shown = |game: &Terminal| game.contents().split_once('\n').unwrap().1.to_owned();
    let before = shown(&game);
    for report in REPORTS {
        let bytes = report.chars().map(String::from);
        for pieces in [vec![report.to_owned()], bytes.collect()] {
            for piece in pieces {
                game.type_keys(&piece);
            }
            game.type_keys(":");
            game.see(PALETTE);
            game.type_keys(ESC);
            game.see_no_more(PALETTE);
            assert_eq!(shown(&game), before, "{report:?}");
        }
    }
    game.type_keys("q");
    assert!(game.end().0.success());
}

#[test]
fn a_report_that_does_not_end_holds_up_keys_for_a_moment_and_never_ctrl_c() {
    let home = Home::new();
    for unended in [
        "\u{1b}]11;rgb:1e1e",
        "\u{1b}[?2026;2",
        "\u{1b}P>|XTerm",
        "\u{1b}_Gi=31",
        "\u{1b}^b",
        "\u{1b}Xb",
        "\u{1b}]11;rgb\u{1b}",
        "\u{1b}[200~b",
    ] {
        let mut game = Terminal::solo(&home);
        game.see("● live");
        // A paste may come slowly: what is typed in its middle is part of it.
        if unended != "\u{1b}[200~b" {
            game.type_keys(unended);
            game.type_until(":", |game| game.contents().contains(PALETTE));
        }
        game.type_keys(unended);
        game.type_keys(CTRL_C);
        let pressed = Instant::now();
        game.see_given_back();
        let took = pressed.elapsed();
        assert!(took < Duration::from_secs(1), "{unended:?}: {took:?}");
        assert!(game.end().0.success());
    }
    assert_eq!(
        home.answers(&["--tick=1h", "--user=anna"], "balance"),
        ["0 tokens and 0 stocks"]
    );
}

/// The ledger is another game's, so that the second one fails to open it: after its first frame.
#[test]
fn the_start_screen_comes_before_the_ledger_and_goes_if_it_cannot_be_opened() {
    let home = Home::new();
    let mut first = Terminal::solo(&home);
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
    first.type_keys("q");
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
    assert_eq!(pty::exit_of(child).signal(), Some("Hangup"));
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
    game.wipe();
    game.type_keys(CTRL_Z);
    game.see("q quit");
    let told = String::from_utf8(game.bytes()).unwrap();
    assert!(
        told.find("\u{1b}[?1049l") < told.find("\u{1b}[?1049h"),
        "{told:?}"
    );
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
fn a_stop_from_outside_is_as_good_as_ctrl_z_in_every_shell() {
    let shells = [
        ("bash", &["--norc", "-i"][..], "Stopped"),
        ("zsh", &["-f", "-i"], "suspended"),
        ("dash", &["-i"], "Stopped"),
    ];
    for (name, arguments, stopped) in shells {
        if name == "zsh"
            && std::process::Command::new(name)
                .arg("--version")
                .output()
                .is_err()
        {
            eprintln!("zsh is not installed");
            continue;
        }
        let home = Home::new();
        let mut command = pty::command(&home, name, arguments);
        command.env("PS1", "ready> ");
        let mut shell = Terminal::open(command, 120, 36);
        shell.see("ready>");
        shell.type_keys(&format!("{} --tick 1h --user anna\n", support::GAME));
        shell.see("● live");
        let game = shell.foreground();
        for (signal, tokens) in [(Signal::STOP, 1), (Signal::TSTP, 2), (Signal::STOP, 3)] {
            stop(&shell, game, signal, stopped);
            if signal == Signal::TSTP {
                shell.see_left();
            }
            resume(&mut shell, tokens);
        }
        for (signal, tokens) in [(Signal::STOP, 4), (Signal::TSTP, 5)] {
            stop(&shell, game, signal, stopped);
            shell.wipe();
            shell.type_keys("bg\n");
            // In the background it stops again, and the shell tells of it before its next prompt.
            shell.type_until("\n", |shell| shell.was_written(&[stopped, "ready>"]));
            let told = String::from_utf8(shell.bytes()).unwrap();
            // What the shell says itself has other sequences in it.
            for drawn in ["\u{1b}[?1049", "\u{1b}[?1003", "\u{1b}[?2026", "Wallet"] {
                assert!(!told.contains(drawn), "{name}: {told:?}");
            }
            resume(&mut shell, tokens);
        }
        shell.wipe();
        shell.type_keys("q");
        // The prompt after the session's summary: others stood there before.
        shell.see_written(&["75 tokens", "ready>"]);
        shell.type_keys("exit\n");
        assert!(shell.end().0.success(), "{name}");
    }
}

/// Stops the game from outside, and waits for the shell to say so and to read again.
fn stop(shell: &Terminal, game: u32, signal: Signal, stopped: &str) {
    shell.wipe();
    support::send_signal(game, signal);
    shell.see_written(&[stopped, "ready>"]);
}

/// Has the shell continue the game, and plays on.
fn resume(shell: &mut Terminal, tokens: u32) {
    shell.wipe();
    shell.type_keys("fg\n");
    shell.see("● live");
    shell.see("q quit");
    assert!(!shell.is_cooked());
    shell.type_keys(&format!("t{tokens}{ENTER}"));
    shell.see(&format!("✓ TOKENS {tokens} $"));
}

#[test]
fn a_stopped_game_is_ended_by_its_shell() {
    let home = Home::new();
    let mut command = pty::command(&home, "bash", &["--norc", "-i"]);
    command.env("PS1", "ready> ");
    let mut shell = Terminal::open(command, 120, 36);
    shell.see("ready>");
    for signal in [Signal::STOP, Signal::TSTP] {
        shell.type_keys(&format!("{} --tick 1h --user anna\n", support::GAME));
        shell.see("● live");
        let game = shell.foreground();
        stop(&shell, game, signal, "Stopped");
        shell.wipe();
        shell.type_keys("kill %1\n");
        // bash tells of it before a prompt that comes after it.
        shell.type_until("\n", |shell| shell.was_written(&["Terminated", "ready>"]));
        shell.see_left();
    }
    shell.type_keys("exit\n");
    shell.end();
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
fn a_terminal_that_says_it_has_no_screen_gets_lines() {
    for term in [None, Some(""), Some("dumb")] {
        let home = Home::new();
        let mut command = pty::game(&home, &["--user", "anna", "--tick", "1h"]);
        let mut doctor = pty::game(&home, &["doctor"]);
        for command in [&mut command, &mut doctor] {
            match term {
                None => command.env_remove("TERM"),
                Some(term) => command.env("TERM", term),
            }
        }
        let mut game = Terminal::open(command, 120, 36);
        game.type_keys("buyTokens 3\nbalance\n");
        game.see("15 tokens and 0 stocks");
        assert!(!game.bytes().contains(&0x1b), "{term:?}");
        game.type_keys("exit\n");
        assert!(game.end().0.success(), "{term:?}");
        let (ended, said) = Terminal::open(doctor, 120, 36).end();
        assert!(ended.success(), "{said}");
        assert!(said.contains("the game plays line by line"), "{said}");
    }
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
