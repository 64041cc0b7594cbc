//! A casino of our own as a real process, that can be killed and started again.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use super::GAME;

/// The casino's binary. It belongs to another package, so cargo is asked to have it built as this test was.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let folder = Path::new(GAME).parent().unwrap();
        let mut build = Command::new(env!("CARGO"));
        build.args([
            "build",
            "--quiet",
            "--locked",
            "--package",
            "casino-server",
            "--bin",
            "casino-server",
        ]);
        build.arg("--target-dir").arg(folder.parent().unwrap());
        if folder.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "casino-server cannot be built");
        folder.join("casino-server")
    })
}

/// A running casino.
pub struct Casino {
    process: Child,
    address: String,
}

impl Casino {
    /// Starts a casino with a ledger in `folder`, at `address` (port 0: any), and waits until it is ready.
    pub fn start(folder: &Path, address: &str, arguments: &[&str]) -> Self {
        let store = format!("sqlite:{}", folder.join("casino.db").display());
        let mut process = Command::new(binary())
            .args(["--listen", address, "--store", &store])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut ready)
            .unwrap();
        let address = ready.trim().strip_prefix("casino-server listening on ");
        Self {
            address: address
                .unwrap_or_else(|| panic!("not ready: {ready:?}"))
                .to_owned(),
            process,
        }
    }

    /// HOST:PORT.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// As `--casino` wants it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sends it `signal`.
    pub fn signal(&self, signal: rustix::process::Signal) {
        super::send_signal(self.process.id(), signal);
    }

    /// `kill -9`; gives back the address, to start again at.
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
