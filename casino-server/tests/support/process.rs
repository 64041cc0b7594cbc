//! The real `casino-server` binary as a child process.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use awesomestock_proto::casino::casino_client::CasinoClient;
use awesomestock_proto::transport;
use rustix::process::{Pid, Signal, kill_process};
use tonic::transport::Channel;

/// A running server, killed when it is dropped.
pub struct CasinoProcess {
    child: Child,
    pub address: SocketAddr,
    stderr: Option<JoinHandle<String>>,
    log_lines: mpsc::Receiver<String>,
}

/// The server's command with `args`, without variables of the test's environment that affect it.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_casino-server"));
    command.args(args).env_remove("RUST_LOG").stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CASINO_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs the command to its end. Returns exit code, stdout and stderr.
pub fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let output = command(args).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_owned()).unwrap();
    let stderr = text(&output.stderr);
    // A run of spaces reveals a badly joined string literal. Log lines begin with a date.
    let messages = stderr.lines().filter(|line| !line.starts_with("20"));
    for message in messages {
        assert!(!message.trim().contains("  "), "a run of spaces: {message}");
    }
    (output.status.code(), text(&output.stdout), stderr)
}

impl CasinoProcess {
    /// Starts a server on the ledger at `store`, on a free port, and waits for its ready line.
    pub fn start(store: &Path, args: &[&str]) -> Self {
        Self::start_at("127.0.0.1:0", store, args)
    }

    /// Like [`start`](Self::start), listening on `address`.
    pub fn start_at(address: &str, store: &Path, args: &[&str]) -> Self {
        Self::start_with(address, &format!("sqlite:{}", store.display()), args)
    }

    /// Starts a server on the ledger at the URL `store`, on a free port, and waits for its ready line.
    pub fn start_on(store: &str, args: &[&str]) -> Self {
        Self::start_with("127.0.0.1:0", store, args)
    }

    fn start_with(address: &str, store: &str, args: &[&str]) -> Self {
        Self::try_start(address, store, args).unwrap_or_else(|stderr| panic!("{stderr}"))
    }

    /// Starts a server on the ledger at the URL `store`. Returns its stderr if it exits without a ready line.
    pub fn try_start_on(store: &str, args: &[&str]) -> Result<Self, String> {
        Self::try_start("127.0.0.1:0", store, args)
    }

    /// Like [`try_start_on`](Self::try_start_on), listening on `address`.
    pub fn try_start(address: &str, store: &str, args: &[&str]) -> Result<Self, String> {
        let args = [&["--listen", address, "--store", store], args].concat();
        let mut child = command(&args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (log_sender, log_lines) = mpsc::channel();
        let stderr = thread::spawn(move || {
            let mut text = String::new();
            for line in stderr.lines().map(Result::unwrap) {
                text.push_str(&line);
                text.push('\n');
                // Most tests do not read the log while the server runs.
                let _ = log_sender.send(line);
            }
            text
        });
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let Some(address) = line.strip_prefix("casino-server listening on ") else {
            assert_eq!(child.wait().unwrap().code(), Some(1), "{line:?}");
            return Err(stderr.join().unwrap());
        };
        let address = address.trim_end().parse().unwrap();
        Ok(Self {
            child,
            address,
            stderr: Some(stderr),
            log_lines,
        })
    }

    /// Waits for a log line that contains `text` and returns the rest of the line.
    pub fn wait_for_log(&self, text: &str) -> String {
        loop {
            let line = self.log_lines.recv().expect("the log goes on");
            if let Some((_, rest)) = line.split_once(text) {
                return rest.to_owned();
            }
        }
    }

    pub fn channel(&self) -> Channel {
        transport::endpoint(&format!("http://{}", self.address))
            .unwrap()
            .connect_lazy()
    }

    pub fn client(&self) -> CasinoClient<Channel> {
        CasinoClient::new(self.channel())
    }

    /// Sends SIGKILL and waits for the end.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The process ID.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end. Returns the exit status and the log.
    pub fn wait(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        (status, self.stderr.take().unwrap().join().unwrap())
    }
}

impl Drop for CasinoProcess {
    fn drop(&mut self) {
        // It may already be gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
