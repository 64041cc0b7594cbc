//! Shared test support: a home folder for each test, and games over pipes and pseudo-terminals.

// Each test binary uses a part of this.
#![allow(dead_code, unreachable_pub)]

pub mod balancer;
pub mod casino;
pub mod desk;
pub mod hostile_casino;
pub mod new_casino;
pub mod old_casino;
pub mod proxy;
pub mod pty;

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// The path of the game's binary.
pub const GAME: &str = env!("CARGO_BIN_EXE_awesomestock");

/// Timeout of a test, far longer than any wait should take.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// A temporary home folder.
pub struct Home(TempDir);

impl Home {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The configuration file.
    pub fn config_file(&self) -> PathBuf {
        let folder = self.path().join("config/awesomestock");
        std::fs::create_dir_all(&folder).unwrap();
        folder.join("config.toml")
    }

    /// The environment variables of a process with this home.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let folder = |name: &str| self.path().join(name).to_str().unwrap().to_owned();
        vec![
            ("HOME", folder("")),
            ("XDG_CONFIG_HOME", folder("config")),
            ("XDG_DATA_HOME", folder("data")),
            ("XDG_STATE_HOME", folder("state")),
            ("PATH", std::env::var("PATH").unwrap()),
            ("USER", "tester".to_owned()),
            ("TERM", "xterm-256color".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            ("TZ", "UTC".to_owned()),
            ("AWESOMESTOCK_NO_SPLASH", "true".to_owned()),
        ]
    }

    /// The game's command with this home.
    pub fn game<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(GAME);
        command.env_clear().envs(self.variables()).args(arguments);
        command
    }

    /// Copies `player`'s key at the URL `from` to the URL `to` of the same casino.
    pub fn share_key(&self, player: &str, from: &str, to: &str) {
        self.share_key_of(self, player, from, to);
    }

    /// Like [`share_key`](Self::share_key), with the key of another `home`; replaces an existing key.
    pub fn share_key_of(&self, home: &Self, player: &str, from: &str, to: &str) {
        let key = |home: &Self, subcommand: &[&str], url: &str, input: &[u8]| {
            let with = ["--user", player, "--casino", url];
            let mut command = home.game(["key"].iter().chain(subcommand).chain(&with));
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut running = command.spawn().unwrap();
            running.stdin.take().unwrap().write_all(input).unwrap();
            let output = running.wait_with_output().unwrap();
            assert!(output.status.success(), "key {subcommand:?}");
            output.stdout
        };
        let exported = key(home, &["export"], from, &[]);
        key(self, &["import", "--replace"], to, &exported);
    }

    /// Runs a game with these lines as its input.
    pub fn run_script(&self, arguments: &[&str], lines: &str) -> Output {
        let mut game = self.game(arguments);
        game.stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut game = game.spawn().unwrap();
        let mut stdin = game.stdin.take().unwrap();
        // A game that exits before it reads its input is detected by its output.
        let _ = stdin.write_all(lines.as_bytes());
        drop(stdin);
        game.wait_with_output().unwrap()
    }

    /// Runs a game with these lines, which must succeed. Returns the lines of its output.
    pub fn output_lines(&self, arguments: &[&str], lines: &str) -> Vec<String> {
        let output = self.run_script(arguments, lines);
        let stdout = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*stderr), (Some(0), ""), "{stdout}");
        stdout.lines().map(str::to_owned).collect()
    }
}

/// A running game over pipes.
pub struct PipedGame {
    pub child: Child,
    stdin: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
}

impl PipedGame {
    pub fn open(home: &Home, arguments: &[&str]) -> Self {
        let mut game = home.game(arguments);
        game.stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let mut child = game.spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self {
            stdin: child.stdin.take(),
            child,
            lines,
        }
    }

    /// Sends a line.
    pub fn send_line(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Returns the next line of output.
    pub fn next_line(&self) -> String {
        self.lines
            .recv_timeout(DEADLINE)
            .expect("the game prints nothing")
    }

    /// Returns the next line that contains `text` and skips lines before it.
    pub fn wait_for_line(&self, text: &str) -> String {
        loop {
            let line = self.next_line();
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Closes the input and waits for the end. Returns the exit code and the remaining output.
    pub fn end(mut self) -> (Option<i32>, Vec<String>) {
        drop(self.stdin.take());
        self.wait()
    }

    /// Waits for the end with the input still open.
    pub fn wait(mut self) -> (Option<i32>, Vec<String>) {
        let mut rest = Vec::new();
        loop {
            match self.lines.recv_timeout(DEADLINE) {
                Ok(line) => rest.push(line),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("the game does not end: {rest:?}"),
            }
        }
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for PipedGame {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends `signal` to the process.
pub fn send_signal(process_id: u32, signal: rustix::process::Signal) {
    let id = rustix::process::Pid::from_raw(i32::try_from(process_id).unwrap()).unwrap();
    rustix::process::kill_process(id, signal).unwrap();
}

/// Reads a stream to its end.
pub fn text_of(mut stream: impl Read) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}
