//! The guard of the terminal, in a pseudo-terminal: this test binary runs itself in one.

use std::{env, io::Read, panic, thread};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use super::*;

/// What the process inside the terminal is to do.
const PART: &str = "AWESOMESTOCK_TEST_PART";

/// The test below that plays the parts.
const PLAYER: &str = "runtime::terminal::tests::a_part_inside_the_terminal";

/// All that a process playing `part` writes to its terminal.
fn output_of(part: &str) -> String {
    let pair = native_pty_system().openpty(PtySize::default()).unwrap();
    let mut command = CommandBuilder::new(env::current_exe().unwrap());
    command.args(["--exact", PLAYER, "--nocapture", "--test-threads=1"]);
    command.env(PART, part);
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
fn a_part_inside_the_terminal() {
    let Ok(part) = env::var(PART) else {
        return;
    };
    crate::runtime::panic_hook::install_hooks().unwrap();
    let mut screen = TerminalGuard::enter().unwrap();
    screen
        .draw(|frame| frame.render_widget("first", frame.area()))
        .unwrap();
    match part.as_str() {
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
        other => panic!("no such part: {other}"),
    }
}

/// Where `sequence` is, which must be there once.
fn once(output: &str, sequence: &str) -> usize {
    let found: Vec<usize> = output.match_indices(sequence).map(|(at, _)| at).collect();
    assert_eq!(found.len(), 1, "{sequence:?} in {output:?}");
    found[0]
}

#[test]
fn every_mode_is_undone_once_however_it_ends() {
    for part in [
        "drop",
        "twice",
        "draw after",
        "panic while drawing",
        "panic elsewhere",
    ] {
        let output = output_of(part);
        assert!(output.contains("first"), "{part}: {output:?}");
        for (set, undo) in [
            ("\u{1b}[?1049h", "\u{1b}[?1049l"),
            ("\u{1b}[?2004h", "\u{1b}[?2004l"),
            ("\u{1b}[?1003h", "\u{1b}[?1003l"),
            ("\u{1b}[?1006h", "\u{1b}[?1006l"),
        ] {
            assert!(once(&output, set) < once(&output, undo), "{part}: {output:?}");
        }
        let left = once(&output, "\u{1b}[?1049l");
        let rest = &output[left..];
        assert!(
            rest.contains("\u{1b}[?25h") && !rest.contains("\u{1b}[?25l"),
            "{part}: {output:?}"
        );
        assert!(!output.contains("second"), "{part}: {output:?}");
    }
}

#[test]
fn a_panic_is_reported_after_the_terminal_is_whole() {
    for (part, words) in [
        ("panic while drawing", "in the middle of a frame"),
        ("panic elsewhere", "in another thread"),
    ] {
        let output = output_of(part);
        assert!(
            once(&output, "\u{1b}[?1049l") < once(&output, words),
            "{part}: {output:?}"
        );
    }
}
