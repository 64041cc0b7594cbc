//! What the tests of the real binary share: a home of its own for each game, and games played over pipes.

// Each test binary uses its part; the allowance for tests in the lint's configuration does not reach helpers.
#![allow(dead_code, unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod balancer;
pub mod casino;
pub mod cutter;
pub mod nasty_casino;
pub mod new_casino;
pub mod old_casino;
pub mod pty;

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use tempfile::TempDir;

/// The real binary.
pub const GAME: &str = env!("CARGO_BIN_EXE_awesomestock");

/// How long anything may take before a test gives up: far longer than it does.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// A user's folders, gone with the test.
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

    /// The variables of a process that lives here.
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

    /// The game, started from here.
    pub fn game<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(GAME);
        command.env_clear().envs(self.variables()).args(arguments);
        command
    }

    /// Has the key that `player` has at the casino at `from` known at `to`, which is another way to the same casino.
    pub fn share_key(&self, player: &str, from: &str, to: &str) {
        self.share_key_of(self, player, from, to);
    }

    /// The same with a key that is kept in another `home`, in the place of any other.
    pub fn share_key_of(&self, home: &Self, player: &str, from: &str, to: &str) {
        let key = |home: &Self, words: &[&str], url: &str, input: &[u8]| {
            let with = ["--user", player, "--casino", url];
            let mut command = home.game(["key"].iter().chain(words).chain(&with));
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut running = command.spawn().unwrap();
            running.stdin.take().unwrap().write_all(input).unwrap();
            let output = running.wait_with_output().unwrap();
            assert!(output.status.success(), "key {words:?}");
            output.stdout
        };
        let exported = key(home, &["export"], from, &[]);
        key(self, &["import", "--replace"], to, &exported);
    }

    /// A game of these lines, from its start to its end.
    pub fn play_lines(&self, arguments: &[&str], lines: &str) -> Output {
        let mut game = self.game(arguments);
        game.stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut game = game.spawn().unwrap();
        let mut stdin = game.stdin.take().unwrap();
        // A game that ends without reading its lines is seen by what it says.
        let _ = stdin.write_all(lines.as_bytes());
        drop(stdin);
        game.wait_with_output().unwrap()
    }

    /// What a game of these lines says, which must end well.
    pub fn answers(&self, arguments: &[&str], lines: &str) -> Vec<String> {
        let output = self.play_lines(arguments, lines);
        let said = String::from_utf8(output.stdout).unwrap();
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*complaints), (Some(0), ""), "{said}");
        said.lines().map(str::to_owned).collect()
    }
}

/// A game over pipes that goes on.
pub struct Pipes {
    pub child: Child,
    stdin: Option<ChildStdin>,
    said: mpsc::Receiver<String>,
}

impl Pipes {
    pub fn open(home: &Home, arguments: &[&str]) -> Self {
        let mut game = home.game(arguments);
        game.stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let mut child = game.spawn().unwrap();
        let (sender, said) = mpsc::channel();
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
            said,
        }
    }

    /// Sends a line.
    pub fn say(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// The next line the game says.
    pub fn hear(&self) -> String {
        self.said.recv_timeout(DEADLINE).expect("the game says nothing")
    }

    /// The next line that has `text` in it; others are passed over.
    pub fn hear_about(&self, text: &str) -> String {
        loop {
            let line = self.hear();
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Ends the lines, and waits for the game to end: its exit code, and what it still said.
    pub fn end(mut self) -> (Option<i32>, Vec<String>) {
        drop(self.stdin.take());
        self.wait()
    }

    /// Waits for the game to end, its lines still open.
    pub fn wait(mut self) -> (Option<i32>, Vec<String>) {
        let mut rest = Vec::new();
        loop {
            match self.said.recv_timeout(DEADLINE) {
                Ok(line) => rest.push(line),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("the game does not end: {rest:?}"),
            }
        }
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for Pipes {
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

/// All of a stream, as text.
pub fn text_of(mut stream: impl Read) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}
