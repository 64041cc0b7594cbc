//! The real game in a pseudo-terminal, with a terminal emulator that reads the screen.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

use super::{DEADLINE, GAME, Home};

/// A terminal with a running program.
pub struct Terminal {
    child: Option<Box<dyn Child + Send + Sync>>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    shown: Arc<SharedScreen>,
    /// The terminal's modes before the program started.
    modes: String,
}

#[derive(Default)]
struct SharedScreen {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    emulator: vt100::Parser,
    bytes: Vec<u8>,
    ended: bool,
}

impl State {
    /// Whether a synchronized update is incomplete, so that the screen shows half a frame.
    fn is_in_a_frame(&self) -> bool {
        let last = |sequence: &[u8]| {
            self.bytes
                .windows(sequence.len())
                .rposition(|bytes| bytes == sequence)
        };
        last(b"\x1b[?2026h") > last(b"\x1b[?2026l")
    }
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols: columns,
        pixel_width: 0,
        pixel_height: 0,
    }
}

/// Converts a number of rows or columns for the emulator.
pub fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap()
}

/// The game's command for a terminal.
pub fn game(home: &Home, arguments: &[&str]) -> CommandBuilder {
    command(home, GAME, arguments)
}

/// A command for a terminal.
pub fn command(home: &Home, program: &str, arguments: &[&str]) -> CommandBuilder {
    let mut command = CommandBuilder::new(program);
    command.args(arguments);
    command.env_clear();
    for (name, value) in home.variables() {
        command.env(name, value);
    }
    command.cwd(home.path());
    command
}

impl Terminal {
    /// Runs `command` in a terminal of this size.
    pub fn open(command: CommandBuilder, columns: u16, rows: u16) -> Self {
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let modes = format!("{:?}", pair.master.get_termios().unwrap());
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let shown = Arc::new(SharedScreen::default());
        shown
            .state
            .lock()
            .unwrap()
            .emulator
            .screen_mut()
            .set_size(cells(rows), cells(columns));
        let mut output = pair.master.try_clone_reader().unwrap();
        let screen = Arc::clone(&shown);
        thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            loop {
                let read = output.read(&mut buffer).unwrap_or(0);
                let mut state = screen.state.lock().unwrap();
                state.emulator.process(&buffer[..read]);
                state.bytes.extend_from_slice(&buffer[..read]);
                state.ended = read == 0;
                screen.changed.notify_all();
                if read == 0 {
                    return;
                }
            }
        });
        Self {
            keys: pair.master.take_writer().unwrap(),
            child: Some(child),
            master: pair.master,
            shown,
            modes,
        }
    }

    /// Opens anna's solo game at 120x36 with a fixed price, and waits until it is live.
    pub fn solo(home: &Home) -> Self {
        Self::live(home, &["--user", "anna", "--tick", "1h"])
    }

    /// Opens a game at 120x36, and waits until it is live.
    pub fn live(home: &Home, arguments: &[&str]) -> Self {
        let live = Self::open(game(home, arguments), 120, 36);
        live.see("● live");
        live
    }

    /// Buys 500 tokens for 100 dollars.
    pub fn buy_500_tokens(&mut self) {
        self.type_keys("t100\r");
        // The wallet may come before the answer.
        self.see("✓ TOKENS 100 $");
        self.see("tokens 500");
    }

    /// Quits by `q`, which must succeed. Returns what is left on the screen.
    pub fn quit(mut self) -> String {
        self.type_keys("q");
        let (status, left) = self.end();
        assert!(status.success(), "{status:?} {left}");
        left
    }

    /// Sends keys.
    pub fn type_keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits until the screen shows `text`.
    pub fn see(&self, text: &str) {
        self.wait_for(&format!("{text:?} on the screen"), |state| {
            contents(state).contains(text)
        });
    }

    /// Waits until the screen no longer shows `text`.
    pub fn see_no_more(&self, text: &str) {
        self.wait_for(&format!("{text:?} off the screen"), |state| {
            !contents(state).contains(text)
        });
    }

    /// Waits until the screen differs from `shown`.
    pub fn see_change_from(&self, shown: &str) {
        self.wait_for("a change of the screen", |state| contents(state) != shown);
    }

    /// The text of the screen.
    pub fn contents(&self) -> String {
        contents(&self.shown.state.lock().unwrap())
    }

    /// Returns column and row of `text`, counted from 1 like a terminal's mouse events.
    pub fn position_of(&self, text: &str) -> (usize, usize) {
        self.see(text);
        let state = self.shown.state.lock().unwrap();
        let shown = state.emulator.screen().contents();
        let found = shown.lines().zip(1..).find_map(|(line, row)| {
            let before = line.get(..line.find(text)?)?;
            Some((before.chars().count() + 1, row))
        });
        found.unwrap()
    }

    /// All bytes written to the terminal since the last [`clear`](Self::clear).
    pub fn bytes(&self) -> Vec<u8> {
        self.shown.state.lock().unwrap().bytes.clone()
    }

    /// Clears the emulator's screen, so that only later output is found.
    pub fn clear(&self) {
        let mut state = self.shown.state.lock().unwrap();
        state.emulator.process(b"\x1b[2J");
        state.bytes.clear();
    }

    /// Resizes the terminal.
    pub fn resize(&self, columns: u16, rows: u16) {
        self.shown
            .state
            .lock()
            .unwrap()
            .emulator
            .screen_mut()
            .set_size(cells(rows), cells(columns));
        self.master.resize(size(columns, rows)).unwrap();
    }

    /// Sends `signal` to the program.
    pub fn signal(&self, signal: rustix::process::Signal) {
        super::send_signal(self.child.as_ref().unwrap().process_id().unwrap(), signal);
    }

    /// The terminal's foreground process group.
    pub fn foreground(&self) -> u32 {
        u32::try_from(self.master.process_group_leader().unwrap()).unwrap()
    }

    /// Sends `keys` repeatedly until `done` returns true.
    pub fn type_until(&mut self, keys: &str, done: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !done(self) {
            let shown = self.contents();
            assert!(
                Instant::now() < deadline,
                "typed {keys:?} without effect:\n{shown}"
            );
            self.type_keys(keys);
            let state = self.shown.state.lock().unwrap();
            let moment = Duration::from_millis(100);
            drop(self.shown.changed.wait_timeout_while(state, moment, |_| true));
        }
    }

    /// Whether `texts` were written in this order since the last [`clear`](Self::clear).
    pub fn was_written(&self, texts: &[&str]) -> bool {
        were_written(&self.shown.state.lock().unwrap(), texts)
    }

    /// Waits until `texts` were written in this order since the last [`clear`](Self::clear).
    pub fn see_written(&self, texts: &[&str]) {
        self.wait_for(&format!("{texts:?}"), |state| were_written(state, texts));
    }

    /// Waits until the game has restored the terminal.
    pub fn see_restored(&self) {
        self.wait_for("the terminal restored", |state| {
            let screen = state.emulator.screen();
            !screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste()
        });
    }

    /// Waits until the game has left the alternate screen. A shell may have set its own modes by then.
    pub fn see_main_screen(&self) {
        self.wait_for("the screen left", |state| {
            !state.emulator.screen().alternate_screen()
        });
    }

    /// Waits until the game has entered the alternate screen.
    pub fn see_alternate_screen(&self) {
        self.wait_for("the alternate screen", |state| {
            state.emulator.screen().alternate_screen()
        });
    }

    /// Whether the terminal is in canonical mode with echo, as a shell expects.
    pub fn is_canonical(&self) -> bool {
        let flags = format!("{:?}", self.master.get_termios().unwrap().local_flags);
        flags.contains("ICANON") && flags.contains("ECHO")
    }

    /// Waits for the program to end and checks that the terminal's modes are restored.
    pub fn end(mut self) -> (ExitStatus, String) {
        self.wait_for("the end", |state| state.ended);
        let ended = exit_of(self.child.take().unwrap());
        self.see_restored();
        let modes = format!("{:?}", self.master.get_termios().unwrap());
        assert_eq!(modes, self.modes, "the terminal's modes");
        (ended, self.contents())
    }

    fn wait_for(&self, what: &str, wanted: impl Fn(&State) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        let mut state = self.shown.state.lock().unwrap();
        while state.is_in_a_frame() || !wanted(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let shown = contents(&state);
                drop(state);
                panic!("timed out waiting for {what}:\n{shown}");
            }
            (state, _) = self.shown.changed.wait_timeout(state, left).unwrap();
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn were_written(state: &State, texts: &[&str]) -> bool {
    let written = String::from_utf8_lossy(&state.bytes);
    let mut rest = &*written;
    texts.iter().all(|text| match rest.split_once(text) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

/// Waits for a process to end.
pub fn exit_of(mut child: Box<dyn Child + Send + Sync>) -> ExitStatus {
    let mut killer = child.clone_killer();
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait().unwrap()));
    ended.recv_timeout(DEADLINE).unwrap_or_else(|_| {
        let _ = killer.kill();
        panic!("the process does not end");
    })
}

/// The screen's lines with runs of blanks collapsed, so that tests match words and not columns.
fn contents(state: &State) -> String {
    let shown = state.emulator.screen().contents();
    let lines = shown
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.collect::<Vec<_>>().join("\n")
}
