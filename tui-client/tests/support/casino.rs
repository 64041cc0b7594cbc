//! The real casino as a child process that can be killed and restarted.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use super::GAME;

/// Path of a server's binary. Another package contains it, so cargo builds it with this test's profile.
pub fn binary(package: &str) -> PathBuf {
    static BUILD_LOCK: Mutex<()> = Mutex::new(());
    let _guard = BUILD_LOCK.lock();
    let folder = Path::new(GAME).parent().unwrap();
    let mut build = Command::new(env!("CARGO"));
    build.args([
        "build",
        "--quiet",
        "--locked",
        "--package",
        package,
        "--bin",
        package,
    ]);
    build.arg("--target-dir").arg(folder.parent().unwrap());
    if folder.ends_with("release") {
        build.arg("--release");
    }
    // Build scripts that depend on these variables would run again, here and in the next run of the tests.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name == "OUT_DIR" || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            build.env_remove(&*name);
        }
    }
    assert!(build.status().unwrap().success(), "{package} cannot be built");
    folder.join(package)
}

/// The casino's binary.
fn casino_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| binary("casino-server"))
}

/// A running casino.
pub struct Casino {
    process: Child,
    address: String,
}

impl Casino {
    /// Starts a casino with a ledger in `folder` at `address` (port 0: any port), and waits until it is ready.
    pub fn start(folder: &Path, address: &str, arguments: &[&str]) -> Self {
        let store = format!("sqlite:{}", folder.join("casino.db").display());
        Self::start_on(&store, address, arguments)
    }

    /// Like [`start`](Self::start), on the ledger at the URL `store`.
    pub fn start_on(store: &str, address: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(casino_binary());
        command
            .args(["--listen", address, "--store", store])
            .args(arguments)
            .stderr(Stdio::null());
        Self::wait_until_ready(command)
    }

    /// Starts a casino with a ledger in `folder` and an operator service with the secret in `secret`. Also returns the
    /// service's address.
    pub fn start_with_operator(folder: &Path, secret: &str, arguments: &[&str]) -> (Self, String) {
        let log = folder.join("casino.log");
        let store = format!("sqlite:{}", folder.join("casino.db").display());
        let mut command = Command::new(casino_binary());
        command
            .args(["--listen", "127.0.0.1:0", "--store", &store])
            .args(["--operator", "127.0.0.1:0", "--operator-secret-file", secret])
            .args(arguments)
            .stderr(File::create(&log).unwrap());
        let casino = Self::wait_until_ready(command);
        // Written before the ready line.
        let log = fs::read_to_string(log).unwrap();
        let (_, address) = log.split_once("serving the operator on ").unwrap();
        let address = address.split_whitespace().next().unwrap().to_owned();
        (casino, address)
    }

    /// Starts a payments server, which is controlled in the same way.
    pub fn start_payments(arguments: &[&str]) -> Self {
        let mut command = Command::new(binary("payments-server"));
        command
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            .stderr(Stdio::null());
        Self::wait_until_ready(command)
    }

    /// Waits for the ready line.
    fn wait_until_ready(mut command: Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut ready)
            .unwrap();
        let address = ready.trim().split_once(" listening on ");
        Self {
            address: address
                .unwrap_or_else(|| panic!("not ready: {ready:?}"))
                .1
                .to_owned(),
            process,
        }
    }

    /// HOST:PORT.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The URL for `--casino`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sends `signal` to the process.
    pub fn signal(&self, signal: rustix::process::Signal) {
        super::send_signal(self.process.id(), signal);
    }

    /// Shuts down and waits for the end.
    pub fn end(mut self) {
        self.signal(rustix::process::Signal::TERM);
        self.process.wait().unwrap();
    }

    /// Sends SIGKILL. Returns the address for a restart.
    pub fn kill(mut self) -> String {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.address.clone()
    }
}

impl Drop for Casino {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
