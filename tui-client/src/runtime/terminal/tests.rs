//! The terminal guard in a pseudo-terminal, in which this test binary runs itself.

use std::io::Read;
use std::{env, panic, thread};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use super::*;

/// Environment variable that names the scenario of the child process.
const SCENARIO: &str = "AWESOMESTOCK_TEST_PART";

/// The test below that runs the scenarios.
const SCENARIO_TEST: &str = "runtime::terminal::tests::scenario_in_a_child_process";

/// Runs a scenario in a child process and returns everything it writes to its terminal.
fn output_of(scenario: &str) -> String {
    let pair = native_pty_system().openpty(PtySize::default()).unwrap();
    let mut command = CommandBuilder::new(env::current_exe().unwrap());
    command.args(["--exact", SCENARIO_TEST, "--nocapture", "--test-threads=1"]);
    command.env(SCENARIO, scenario);
    command.env("TERM", "xterm-256color");
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let mut bytes = Vec::new();
    // A pseudo-terminal ends with an error where a pipe ends with nothing.
    let _ = pair.master.try_clone_reader().unwrap().read_to_end(&mut bytes);
    child.wait().unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn scenario_in_a_child_process() {
    let Ok(scenario) = env::var(SCENARIO) else {
        return;
    };
    crate::runtime::report::install_panic_hook();
    let mut screen = TerminalGuard::enter().unwrap();
    screen
        .draw(|frame| frame.render_widget("first", frame.area()))
        .unwrap();
    match scenario.as_str() {
        "drop" => drop(screen),
        "twice" => {
            restore();
            restore();
            drop(screen);
        }
        "draw after" => {
            restore();
            screen
                .draw(|frame| frame.render_widget("second", frame.area()))
                .unwrap();
        }
        "panic while drawing" => {
            let _ = panic::catch_unwind(panic::AssertUnwindSafe(|| {
                screen.draw(|frame| {
                    frame.render_widget("second", frame.area());
                    panic!("in the middle of a frame");
                })
            }));
        }
        "panic elsewhere" => {
            let _ = thread::spawn(|| panic!("in another thread")).join();
            screen
                .draw(|frame| frame.render_widget("second", frame.area()))
                .unwrap();
        }
        other => panic!("no such scenario: {other}"),
    }
}

/// Where `sequence` is, which must be there once.
fn once(output: &str, sequence: &str) -> usize {
    let found: Vec<usize> = output.match_indices(sequence).map(|(at, _)| at).collect();
    assert_eq!(found.len(), 1, "{sequence:?} in {output:?}");
    found[0]
}

#[test]
fn every_mode_is_restored_once_on_every_exit() {
    for scenario in [
        "drop",
        "twice",
        "draw after",
        "panic while drawing",
        "panic elsewhere",
    ] {
        let output = output_of(scenario);
        assert!(output.contains("first"), "{scenario}: {output:?}");
        for (set, undo) in [
            ("\u{1b}[?1049h", "\u{1b}[?1049l"),
            ("\u{1b}[?2004h", "\u{1b}[?2004l"),
            ("\u{1b}[?1003h", "\u{1b}[?1003l"),
            ("\u{1b}[?1006h", "\u{1b}[?1006l"),
        ] {
            assert!(once(&output, set) < once(&output, undo), "{scenario}: {output:?}");
        }
        let left = once(&output, "\u{1b}[?1049l");
        let rest = &output[left..];
        assert!(
            rest.contains("\u{1b}[?25h") && !rest.contains("\u{1b}[?25l"),
            "{scenario}: {output:?}"
        );
        assert!(!output.contains("second"), "{scenario}: {output:?}");
    }
}

#[test]
fn a_panic_is_reported_after_the_terminal_is_restored() {
    for (scenario, text) in [
        ("panic while drawing", "in the middle of a frame"),
        ("panic elsewhere", "in another thread"),
    ] {
        let output = output_of(scenario);
        assert!(
            once(&output, "\u{1b}[?1049l") < once(&output, text),
            "{scenario}: {output:?}"
        );
    }
}

#[test]
fn a_notification_suits_the_terminal() {
    for (term, vte, tmux, expected) in [
        ("xterm-256color", "", "", "\x1b]9;AwesomeStock: filled, 1\x07"),
        (
            "xterm-256color",
            "7600",
            "",
            "\x1b]777;notify;AwesomeStock;filled, 1\x07",
        ),
        ("foot", "", "", "\x1b]777;notify;AwesomeStock;filled, 1\x07"),
        ("linux", "", "", "\x07"),
        (
            "tmux-256color",
            "",
            "/tmp/tmux",
            "\x1bPtmux;\x1b\x1b]9;AwesomeStock: filled, 1\x07\x1b\\\x07",
        ),
    ] {
        let variable = |name: &str| {
            let value = match name {
                "TERM" => term,
                "VTE_VERSION" => vte,
                _ => tmux,
            };
            Some(value.to_owned()).filter(|value| !value.is_empty())
        };
        assert_eq!(
            notification("filled; 1", variable),
            expected,
            "{term} {vte} {tmux}"
        );
    }
}
