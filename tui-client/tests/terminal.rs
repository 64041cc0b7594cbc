//! The real binary in a terminal: input, signals, job control, resizing, and the modes restored at the end.

mod support;

use std::io::Read;
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{PtySize, native_pty_system};
use rustix::process::Signal;
use support::pty::{self, Terminal};
use support::{Home, casino};

const ENTER: &str = "\r";
/// The open command palette.
const PALETTE: &str = "╭ Command";

const ESC: &str = "\u{1b}";
const CTRL_C: &str = "\u{3}";
const CTRL_L: &str = "\u{c}";
const CTRL_Z: &str = "\u{1a}";

/// Every signal that ends a process by default, faults excepted, and its description.
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
fn signals_restore_the_terminal_and_end_the_game() {
    let home = Home::new();
    for (signal, name) in ENDINGS {
        let game = Terminal::solo(&home);
        game.signal(signal);
        let (ended, shown) = game.end();
        assert_eq!(ended.signal(), Some(name), "{ended:?}");
        assert!(shown.contains("anna @ solo"), "{shown}");
    }
    // The library that ends the process by a signal does not support these: the exit code is that of a shell.
    for signal in [Signal::IO, Signal::POWER, Signal::STKFLT] {
        let game = Terminal::solo(&home);
        game.signal(signal);
        let (ended, _) = game.end();
        assert_eq!(
            ended.exit_code().cast_signed(),
            128 + signal.as_raw(),
            "{ended:?}"
        );
    }
}

/// Reports of terminals, late or unrequested, and strings that programs pass through tmux.
const REPORTS: [&str; 17] = [
    "\u{1b}]11;rgb:b\u{1b}bb\u{1b}[Ab\u{7}",
    "\u{1b}P>|b\u{1b}]11;b\u{7}b\u{1b}\\",
    "\u{1b}Ptmux;\u{1b}\u{1b}]11;rgb:1e1e/1e1e/2e2e\u{7}\u{1b}\\",
    "\u{1b}Ptmux;\u{1b}\u{1b}]11;b\u{1b}\u{1b}\\b\u{1b}\u{1b}[Bb\u{1b}\\",
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
fn reports_of_a_terminal_are_not_keys() {
    let home = Home::new();
    let mut game = Terminal::solo(&home);
    game.type_keys(&format!("t7{ENTER}"));
    game.see("✓ TOKENS 7");
    game.see("equity 35");
    game.see("no ranked players yet");
    // The first line shows the age of the last message.
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
    game.quit();
}

/// As over a slow serial line.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the pauses between the bytes are what is tested"
)]
fn a_report_that_comes_byte_by_byte_is_not_typed() {
    let home = Home::new();
    let mut game = Terminal::solo(&home);
    for report in ["\u{1b}]11;rgb:1e1e/1e1e/2e2e\u{7}", "\u{1b}[?2026;2$y"] {
        for byte in report.chars() {
            game.type_keys(&byte.to_string());
            thread::sleep(Duration::from_millis(150));
        }
        game.type_keys("?");
        game.see("KEYS");
        game.type_keys("q");
        game.see_no_more("KEYS");
        game.see("BUY 1");
    }
    game.quit();
}

#[test]
fn a_pasted_ctrl_c_is_text() {
    let home = Home::new();
    let mut game = Terminal::solo(&home);
    // Without a text field, a paste is ignored.
    game.type_keys("\u{1b}[200~b\u{3}\u{1b}[201~:");
    game.see(PALETTE);
    game.type_keys("\u{1b}[200~bal\u{3}ance\u{1b}[201~");
    game.see(": balance");
    game.type_keys(CTRL_C);
    assert!(game.end().0.success());
}

#[test]
fn a_report_without_an_end_delays_keys_for_a_moment_and_never_ctrl_c() {
    let home = Home::new();
    for unfinished in [
        "\u{1b}]11;rgb:1e1e",
        "\u{1b}[?2026;2",
        "\u{1b}P>|XTerm",
        "\u{1b}_Gi=31",
        "\u{1b}^b",
        "\u{1b}Xb",
        "\u{1b}]11;rgb\u{1b}",
        "\u{1b}]11;rgb\u{1b}[Ab",
        "\u{1b}Ptmux;\u{1b}\u{1b}]11;b\u{7}",
        "\u{1b}[200~b",
    ] {
        let mut game = Terminal::solo(&home);
        // Keys typed meanwhile do not prolong it.
        if ["\u{1b}]11;rgb:1e1e", "\u{1b}[?2026;2"].contains(&unfinished) {
            game.type_keys(unfinished);
            game.type_until(":", |game| game.contents().contains(PALETTE));
        }
        game.type_keys(unfinished);
        game.type_keys(CTRL_C);
        let pressed = Instant::now();
        game.see_restored();
        let took = pressed.elapsed();
        assert!(took < Duration::from_secs(1), "{unfinished:?}: {took:?}");
        assert!(game.end().0.success());
    }
    assert_eq!(
        home.output_lines(&["--tick=1h", "--user=anna"], "balance"),
        ["0 tokens and 0 stocks"]
    );
}

/// The ledger is in use by another game, so the second one fails to open it, after its first frame.
#[test]
fn the_start_screen_is_drawn_before_the_ledger_is_open_and_removed_if_that_fails() {
    let home = Home::new();
    let first = Terminal::solo(&home);
    for arguments in [&[][..], &["--no-splash"]] {
        let second = Terminal::open(pty::game(&home, arguments), 120, 36);
        second.see("another solo game is open");
        let output = String::from_utf8(second.bytes()).unwrap();
        assert_eq!(second.end().0.exit_code(), 1);
        let (drawn, message) = output.split_once("\u{1b}[?1049l").unwrap();
        assert!(drawn.contains("\u{1b}[?2026h"), "nothing was drawn: {output:?}");
        assert!(!drawn.contains("another solo game"), "{drawn:?}");
        assert!(message.contains("another solo game is open"), "{message:?}");
    }
    first.quit();
}

#[test]
fn every_mode_that_is_set_is_reset() {
    let home = Home::new();
    let mut game = Terminal::solo(&home);
    assert!(!game.is_canonical());
    let before = String::from_utf8(game.bytes()).unwrap();
    game.clear();
    game.type_keys("q");
    game.see_restored();
    let after = String::from_utf8(game.bytes()).unwrap();
    for (set, reset) in [
        ("\u{1b}[?1049h", "\u{1b}[?1049l"),
        ("\u{1b}[?25l", "\u{1b}[?25h"),
        ("\u{1b}[?2004h", "\u{1b}[?2004l"),
        ("\u{1b}[?1000h", "\u{1b}[?1000l"),
        ("\u{1b}[?1003h", "\u{1b}[?1003l"),
        ("\u{1b}[?1006h", "\u{1b}[?1006l"),
        ("\u{1b}[?2026h", "\u{1b}[?2026l"),
    ] {
        assert!(before.contains(set), "{set:?} is never sent");
        let last_reset = after
            .rfind(reset)
            .unwrap_or_else(|| panic!("{reset:?} is never sent"));
        assert!(
            after.rfind(set).is_none_or(|last_set| last_set < last_reset),
            "{set:?} stays"
        );
    }
    game.end();
}

#[test]
fn a_hang_up_of_the_terminal_ends_the_game_and_the_ledger_is_intact() {
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
        home.output_lines(&["--tick=1h"], "balance"),
        ["35 tokens and 0 stocks"]
    );
}

#[test]
fn ctrl_z_suspends_to_the_shell_and_fg_repaints() {
    let home = Home::new();
    let mut command = pty::command(&home, "sh", &["-i"]);
    command.env("PS1", "ready> ");
    let mut shell = Terminal::open(command, 120, 36);
    shell.see("ready>");
    shell.type_keys(&format!("{} --tick 1h --user anna\n", support::GAME));
    shell.see("● live");
    shell.type_keys(CTRL_Z);
    shell.see_restored();
    shell.see("Stopped");
    assert!(shell.is_canonical());
    shell.resize(100, 30);
    shell.clear();
    shell.type_keys("fg\n");
    shell.see_alternate_screen();
    for text in ["● live", "anna @ solo", "Wallet", "q quit"] {
        shell.see(text);
    }
    shell.type_keys(&format!("t1{ENTER}"));
    shell.see("✓ TOKENS 1 $");
    shell.type_keys("q");
    shell.see_restored();
    // The prompt after the session's summary: the one before it was printed too early.
    shell.see("wallet 5 tokens\nready>");
    shell.type_keys("exit\n");
    assert!(shell.end().0.success());
}

#[test]
fn ctrl_z_without_a_shell_repaints() {
    let home = Home::new();
    let mut game = Terminal::solo(&home);
    game.clear();
    game.type_keys(CTRL_Z);
    game.see("q quit");
    let output = String::from_utf8(game.bytes()).unwrap();
    assert!(
        output.find("\u{1b}[?1049l") < output.find("\u{1b}[?1049h"),
        "{output:?}"
    );
    game.quit();
}

#[test]
fn after_a_stop_from_outside_everything_is_repainted() {
    let home = Home::new();
    let game = Terminal::solo(&home);
    game.signal(Signal::STOP);
    game.clear();
    game.signal(Signal::CONT);
    game.see("● live");
    game.see("q quit");
    game.quit();
}

#[test]
fn a_stop_from_outside_works_like_ctrl_z_in_every_shell() {
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
                shell.see_main_screen();
            }
            resume(&mut shell, tokens);
        }
        for (signal, tokens) in [(Signal::STOP, 4), (Signal::TSTP, 5)] {
            stop(&shell, game, signal, stopped);
            shell.clear();
            shell.type_keys("bg\n");
            // In the background it stops again, and the shell reports that before its next prompt.
            shell.type_until("\n", |shell| shell.was_written(&[stopped, "ready>"]));
            let output = String::from_utf8(shell.bytes()).unwrap();
            // The output of the shell contains other sequences.
            for drawn in ["\u{1b}[?1049", "\u{1b}[?1003", "\u{1b}[?2026", "Wallet"] {
                assert!(!output.contains(drawn), "{name}: {output:?}");
            }
            resume(&mut shell, tokens);
        }
        // Continued from outside, and taken to the foreground before it stops again, or after.
        stop(&shell, game, Signal::STOP, stopped);
        support::send_signal(game, Signal::CONT);
        resume(&mut shell, 6);
        shell.clear();
        shell.type_keys("q");
        // The prompt after the session's summary, not an earlier one.
        shell.see_written(&["105 tokens", "ready>"]);
        shell.type_keys("exit\n");
        assert!(shell.end().0.success(), "{name}");
    }
}

/// Stops the game from outside, and waits for the report and the prompt of the shell.
fn stop(shell: &Terminal, game: u32, signal: Signal, stopped: &str) {
    shell.clear();
    support::send_signal(game, signal);
    shell.see_written(&[stopped, "ready>"]);
}

/// Continues the game in the foreground, and plays on.
fn resume(shell: &mut Terminal, tokens: u32) {
    shell.clear();
    shell.type_keys("fg\n");
    shell.see("● live");
    shell.see("q quit");
    assert!(!shell.is_canonical());
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
        shell.clear();
        shell.type_keys("kill %1\n");
        // bash reports it before its next prompt.
        shell.type_until("\n", |shell| shell.was_written(&["Terminated", "ready>"]));
        shell.see_main_screen();
    }
    shell.type_keys("exit\n");
    shell.end();
}

#[test]
fn ctrl_l_repaints_everything() {
    let home = Home::new();
    let mut game = Terminal::solo(&home);
    game.clear();
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
    game.quit();
}

#[test]
fn a_terminal_without_a_screen_gets_line_mode() {
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
        game.see("line by line: type a command");
        game.type_keys("buyTokens 3\nbalance\n");
        game.see("15 tokens and 0 stocks");
        assert!(!game.bytes().contains(&0x1b), "{term:?}");
        game.type_keys("exit\n");
        assert!(game.end().0.success(), "{term:?}");
        let (ended, output) = Terminal::open(doctor, 120, 36).end();
        assert!(ended.success(), "{output}");
        assert!(output.contains("the game plays line by line"), "{output}");
    }
}

#[test]
fn help_and_usage_errors_have_colours_where_a_terminal_has_them() {
    for (term, has_colours) in [
        (None, false),
        (Some(""), false),
        (Some("dumb"), false),
        (Some("xterm-256color"), true),
    ] {
        for arguments in [
            &["--help"][..],
            &["balance", "--help"],
            &["--bet"],
            &["--watch", "--user", "ann"],
        ] {
            let home = Home::new();
            let mut command = pty::game(&home, arguments);
            match term {
                None => command.env_remove("TERM"),
                Some(term) => command.env("TERM", term),
            }
            let terminal = Terminal::open(command, 120, 36);
            terminal.see_written(&["Usage:"]);
            assert_eq!(
                terminal.bytes().contains(&0x1b),
                has_colours,
                "{term:?} {arguments:?}"
            );
            terminal.end();
        }
    }
}

#[test]
fn no_color_gives_bold_and_reverse_and_no_colour() {
    let home = Home::new();
    let mut command = pty::game(&home, &["--user", "anna", "--tick", "1h"]);
    command.env("NO_COLOR", "1");
    let mut game = Terminal::open(command, 120, 36);
    game.see("● live");
    game.buy_500_tokens();
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

#[test]
fn a_server_in_a_terminal_prints_that_it_is_ready_and_nothing_before() {
    for package in ["payments-server", "casino-server"] {
        let home = Home::new();
        let server = casino::binary(package);
        let listen = ["--listen", "127.0.0.1:0"];
        let command = pty::command(&home, server.to_str().unwrap(), &listen);
        let terminal = Terminal::open(command, 120, 36);
        terminal.see("listening on 127.0.0.1:");
        terminal.signal(Signal::TERM);
        let (ended, output) = terminal.end();
        assert!(ended.success(), "{ended:?}: {output}");
        assert!(output.starts_with(package), "{output}");
    }
}
