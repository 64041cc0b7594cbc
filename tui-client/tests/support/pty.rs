//! The real game in a real pseudo-terminal, seen through a terminal emulator.

use std::{
    io::{Read, Write},
    num::NonZeroU16,
    sync::{Arc, Condvar, Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

use super::{DEADLINE, GAME, Home};

/// A terminal with something running in it.
pub struct Terminal {
    child: Option<Box<dyn Child + Send + Sync>>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    shown: Arc<Shown>,
    /// The terminal's modes at the start, all of them.
    modes: String,
}

#[derive(Default)]
struct Shown {
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
    /// A synchronized update has begun and not ended: what the screen shows is half of something.
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

/// A number of rows or columns, as the emulator takes it.
pub fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap()
}

/// The game as a command for a terminal.
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
        let shown = Arc::new(Shown::default());
        shown
            .state
            .lock()
            .unwrap()
            .emulator
            .screen_mut()
            .set_size(cells(rows), cells(columns));
        let mut output = pair.master.try_clone_reader().unwrap();
        let watched = Arc::clone(&shown);
        thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            loop {
                let read = output.read(&mut buffer).unwrap_or(0);
                let mut state = watched.state.lock().unwrap();
                state.emulator.process(&buffer[..read]);
                state.bytes.extend_from_slice(&buffer[..read]);
                state.ended = read == 0;
                watched.changed.notify_all();
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

    /// A solo game at 120x36 whose price stays where it is.
    pub fn solo(home: &Home) -> Self {
        Self::open(game(home, &["--user", "anna", "--tick", "1h"]), 120, 36)
    }

    /// Types.
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

    /// Waits until the screen does not show `text` any more.
    pub fn see_no_more(&self, text: &str) {
        self.wait_for(&format!("{text:?} off the screen"), |state| {
            !contents(state).contains(text)
        });
    }

    /// Waits until the screen does not show just `shown` any more.
    pub fn see_other_than(&self, shown: &str) {
        self.wait_for("a change of the screen", |state| contents(state) != shown);
    }

    /// What the screen shows.
    pub fn contents(&self) -> String {
        contents(&self.shown.state.lock().unwrap())
    }

    /// Where `words` stand: column and row, counted from 1 as a terminal's mouse does.
    pub fn place_of(&self, words: &str) -> (usize, usize) {
        self.see(words);
        let state = self.shown.state.lock().unwrap();
        let shown = state.emulator.screen().contents();
        let found = shown.lines().zip(1..).find_map(|(line, row)| {
            let before = line.get(..line.find(words)?)?;
            Some((before.chars().count() + 1, row))
        });
        found.unwrap()
    }

    /// All bytes written to the terminal so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.shown.state.lock().unwrap().bytes.clone()
    }

    /// Forgets what the screen shows: what is seen after it was drawn after it.
    pub fn wipe(&self) {
        let mut state = self.shown.state.lock().unwrap();
        state.emulator.process(b"\x1b[2J");
        state.bytes.clear();
    }

    /// Gives the terminal another size.
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

    /// Sends `signal` to what runs in it.
    pub fn signal(&self, signal: rustix::process::Signal) {
        super::send_signal(self.child.as_ref().unwrap().process_id().unwrap(), signal);
    }

    /// The process group that the terminal belongs to.
    pub fn foreground(&self) -> u32 {
        u32::try_from(self.master.process_group_leader().unwrap()).unwrap()
    }

    /// Types `keys` again and again, until `done`.
    pub fn type_until(&mut self, keys: &str, done: impl Fn(&Self) -> bool) {
        let give_up = Instant::now() + DEADLINE;
        while !done(self) {
            let shown = self.contents();
            assert!(Instant::now() < give_up, "typed {keys:?} in vain:\n{shown}");
            self.type_keys(keys);
            let state = self.shown.state.lock().unwrap();
            let moment = Duration::from_millis(100);
            drop(self.shown.changed.wait_timeout_while(state, moment, |_| true));
        }
    }

    /// Whether these words were written, in this order, since the last [`wipe`](Self::wipe).
    pub fn was_written(&self, words: &[&str]) -> bool {
        were_written(&self.shown.state.lock().unwrap(), words)
    }

    /// Waits until these words were written, in this order, since the last [`wipe`](Self::wipe).
    pub fn see_written(&self, words: &[&str]) {
        self.wait_for(&format!("{words:?}"), |state| were_written(state, words));
    }

    /// Waits until the game has given the terminal back.
    pub fn see_given_back(&self) {
        self.wait_for("the terminal given back", |state| {
            let screen = state.emulator.screen();
            !screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste()
        });
    }

    /// Waits until the game has left its screen. A shell may have set modes of its own by then.
    pub fn see_left(&self) {
        self.wait_for("the screen left", |state| {
            !state.emulator.screen().alternate_screen()
        });
    }

    /// Waits until the game has taken the terminal.
    pub fn see_taken(&self) {
        self.wait_for("the terminal taken", |state| {
            state.emulator.screen().alternate_screen()
        });
    }

    /// Lines are edited and echoed by the terminal, as a shell expects it.
    pub fn is_cooked(&self) -> bool {
        let flags = format!("{:?}", self.master.get_termios().unwrap().local_flags);
        flags.contains("ICANON") && flags.contains("ECHO")
    }

    /// Waits for the end of what runs in it, and checks that the terminal is whole.
    pub fn end(mut self) -> (ExitStatus, String) {
        self.wait_for("the end", |state| state.ended);
        let ended = exit_of(self.child.take().unwrap());
        self.see_given_back();
        let modes = format!("{:?}", self.master.get_termios().unwrap());
        assert_eq!(modes, self.modes, "the terminal's modes");
        (ended, self.contents())
    }

    fn wait_for(&self, what: &str, wanted: impl Fn(&State) -> bool) {
        let give_up = Instant::now() + DEADLINE;
        let mut state = self.shown.state.lock().unwrap();
        while state.is_in_a_frame() || !wanted(&state) {
            let left = give_up.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let shown = contents(&state);
                drop(state);
                panic!("waited in vain for {what}:\n{shown}");
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

fn were_written(state: &State, words: &[&str]) -> bool {
    let written = String::from_utf8_lossy(&state.bytes);
    let mut rest = &*written;
    words.iter().all(|words| match rest.split_once(words) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

/// Waits for the end of a process.
pub fn exit_of(mut child: Box<dyn Child + Send + Sync>) -> ExitStatus {
    let mut killer = child.clone_killer();
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait().unwrap()));
    ended.recv_timeout(DEADLINE).unwrap_or_else(|_| {
        let _ = killer.kill();
        panic!("the process does not end");
    })
}

/// The screen's lines, each run of blanks in them as one: what stands side by side is told by words, not by columns.
fn contents(state: &State) -> String {
    let shown = state.emulator.screen().contents();
    let lines = shown
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.collect::<Vec<_>>().join("\n")
}
