//! Runs the `sh` blocks of a guide in a folder that looks like a clone of the repository, with the programs that are
//! built already.
//!
//! A comment before a block says how:
//!
//! - `terminals`: each line in a terminal of its own. A line ends, or serves until the next such block or the end of the
//!   guide. `export NAME=VALUE` is for the lines after it.
//! - `stop servers`: stops them first.
//! - `needs: TOOL`: skips the block without the tool.
//! - `not run: REASON`: skips it always.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Once, mpsc};
use std::time::Duration;
use std::{env, thread};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::cluster::Cluster;
use crate::markdown::{Block, root};

const GAME: &str = env!("CARGO_BIN_EXE_awesomestock");
const SERVERS: [&str; 2] = ["casino-server", "payments-server"];

/// Far longer than a line takes until it ends or serves.
const DEADLINE: Duration = Duration::from_secs(120);

/// Stands in for cargo: runs what is built.
const CARGO: &str = r#"#!/bin/sh
[ "$1" = build ] && exit 0
[ "$1" = run ] || { echo "cargo $1: not in this test" >&2; exit 2; }
shift
program=awesomestock
while [ $# -gt 0 ]; do
    case "$1" in
        --release | --locked) shift ;;
        -p) program=$2; shift 2 ;;
        --) shift; break ;;
        *) echo "cargo run: unexpected $1" >&2; exit 2 ;;
    esac
done
exec "$program" "$@"
"#;

/// Ports in the guides, replaced by free ones.
const PORTS: [&str; 4] = ["10000", "10001", "10002", "9100"];

/// The database in the guides, replaced by one of the test's own.
const DATABASE: &str = "postgres://casino:PASSWORD@127.0.0.1:5432/casino";

/// How a block is run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Directive {
    pub(crate) terminals: bool,
    stop_servers: bool,
    needs: Option<String>,
    pub(crate) not_run: Option<String>,
}

impl Directive {
    pub(crate) fn new(block: &Block) -> Self {
        let mut directive = Self::default();
        for part in block.comment.iter().flat_map(|comment| comment.split("; ")) {
            match part.split_once(": ") {
                None if part == "terminals" => directive.terminals = true,
                None if part == "stop servers" => directive.stop_servers = true,
                Some(("needs", tool)) => directive.needs = Some(tool.to_owned()),
                Some(("not run", reason)) => directive.not_run = Some(reason.to_owned()),
                _ => panic!("line {}: unknown comment {part:?}", block.line),
            }
        }
        directive
    }
}

/// A built program.
pub(crate) fn program(name: &str) -> PathBuf {
    static BUILT: Once = Once::new();
    let folder = Path::new(GAME).parent().unwrap();
    // The tests of the whole workspace build them anyway.
    BUILT.call_once(|| {
        if SERVERS.iter().all(|server| folder.join(server).exists()) {
            return;
        }
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .args(["build", "--locked", "-p", SERVERS[0], "-p", SERVERS[1]])
            .current_dir(root());
        if folder.ends_with("release") {
            cargo.arg("--release");
        }
        assert!(cargo.status().unwrap().success(), "cannot build the servers");
    });
    folder.join(name)
}

/// A folder that looks like a clone of the repository.
pub(crate) struct Checkout {
    folder: TempDir,
    path: OsString,
    ports: [u16; PORTS.len()],
    servers: Vec<Server>,
    /// Started for the first block that needs it.
    cluster: Option<Cluster>,
}

struct Server {
    line: String,
    child: Child,
}

impl Checkout {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(root()).unwrap() {
            let name = entry.unwrap().file_name();
            if name != "target" && name != ".git" {
                symlink(root().join(&name), folder.path().join(&name)).unwrap();
            }
        }
        let bin = folder.path().join("bin");
        let release = folder.path().join("target/release");
        fs::create_dir(&bin).unwrap();
        fs::create_dir_all(&release).unwrap();
        for name in SERVERS.into_iter().chain(["awesomestock"]) {
            symlink(program(name), bin.join(name)).unwrap();
            symlink(program(name), release.join(name)).unwrap();
        }
        write_script(&bin.join("cargo"), CARGO);
        if let Some(python) = python() {
            write_script(
                &bin.join("python3"),
                &format!("#!/bin/sh\nexec '{}' \"$@\"\n", python.display()),
            );
        }
        let old = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths([bin].into_iter().chain(env::split_paths(&old))).unwrap();
        Self {
            folder,
            path,
            ports: PORTS.map(|_| free_port()),
            servers: Vec::new(),
            cluster: None,
        }
    }

    /// Runs a block. Returns what it printed, or why it was not run.
    pub(crate) fn run(&mut self, block: &Block) -> Result<String, String> {
        let directive = Directive::new(block);
        if let Some(reason) = directive.not_run {
            return Err(reason);
        }
        if let Some(tool) = directive.needs.filter(|tool| !self.has(tool)) {
            return Err(format!("{tool} is not installed"));
        }
        let mut text = self.with_own_ports(&block.text);
        if let Some(cluster) = &self.cluster
            && text.contains(DATABASE)
        {
            text = text.replace(DATABASE, &cluster.database("guides"));
        }
        if directive.terminals || directive.stop_servers {
            self.stop_servers();
        }
        if !directive.terminals {
            return Ok(self.run_script(&text));
        }
        let (mut printed, mut exported) = (String::new(), Vec::new());
        for line in text.replace("\\\n", " ").lines() {
            match line.strip_prefix("export ").and_then(|set| set.split_once('=')) {
                Some(variable) => exported.push(variable),
                None => printed.push_str(&self.run_in_terminal(line, &exported)),
            }
        }
        Ok(printed)
    }

    fn with_own_ports(&self, text: &str) -> String {
        let pairs = PORTS.iter().zip(self.ports);
        pairs.fold(text.to_owned(), |text, (given, own)| {
            text.replace(&format!(":{given}"), &format!(":{own}"))
        })
    }

    fn has(&mut self, tool: &str) -> bool {
        match tool {
            "grpcio" => python().is_some(),
            "postgresql" => {
                self.cluster = self.cluster.take().or_else(Cluster::start);
                self.cluster.is_some()
            }
            tool => env::split_paths(&self.path).any(|folder| folder.join(tool).is_file()),
        }
    }

    fn shell(&self, script: &str) -> Command {
        let home = self.folder.path().join("home");
        let [casino, payments, ..] = self.ports;
        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-eu", "-c", script])
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", &self.path)
            .env("HOME", &home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_DATA_HOME", home.join("data"))
            .env("XDG_STATE_HOME", home.join("state"))
            .envs([
                ("USER", "tester"),
                ("TERM", "xterm-256color"),
                ("LANG", "C.UTF-8"),
            ])
            .env("CASINO_LISTEN", format!("127.0.0.1:{casino}"))
            .env("CASINO_PAYMENTS", format!("http://127.0.0.1:{payments}"))
            .env("PAYMENTS_LISTEN", format!("127.0.0.1:{payments}"))
            .stdin(Stdio::null());
        shell
    }

    fn run_script(&self, script: &str) -> String {
        let output = self.shell(script).output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}\n{printed}\n{errors}");
        printed
    }

    /// Runs a line until it ends, or until it serves.
    fn run_in_terminal(&mut self, line: &str, variables: &[(&str, &str)]) -> String {
        let log = self.folder.path().join(format!("stderr-{}", self.servers.len()));
        let mut child = self
            .shell(&format!("exec {line}"))
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                // The receiver is gone when the line serves.
                let _ = sender.send(line);
            }
        });
        let mut printed = String::new();
        loop {
            match lines.recv_timeout(DEADLINE) {
                Ok(ready) if ready.contains(" listening on ") => {
                    let line = line.to_owned();
                    self.servers.push(Server { line, child });
                    return printed;
                }
                Ok(text) => {
                    printed.push_str(&text);
                    printed.push('\n');
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    child.kill().unwrap();
                    panic!("{line}: neither serves nor ends\n{printed}");
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
        let status = child.wait().unwrap();
        let errors = fs::read_to_string(log).unwrap();
        assert!(status.success(), "{line}: {status}\n{printed}\n{errors}");
        printed
    }

    /// Stops the servers; each must end well.
    pub(crate) fn stop_servers(&mut self) {
        // The casino before the payments server.
        while let Some(mut server) = self.servers.pop() {
            kill_process(Pid::from_child(&server.child), Signal::TERM).unwrap();
            let status = server.child.wait().unwrap();
            assert!(status.success(), "{}: {status}", server.line);
        }
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        for server in &mut self.servers {
            // It may be gone already.
            let _ = server.child.kill();
            let _ = server.child.wait();
        }
    }
}

fn write_script(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A Python that can compile `.proto` files and call a server: the system's, or the one that `.ci/run` installs.
fn python() -> Option<PathBuf> {
    let installed = root().join("target/ci-tools/python/bin/python3");
    [installed, PathBuf::from("python3")]
        .into_iter()
        .find_map(|python| {
            let imported = Command::new(python)
                .args(["-c", "import grpc, grpc_tools, sys; print(sys.executable)"])
                .stdin(Stdio::null())
                .stderr(Stdio::null())
                .output()
                .ok()?;
            let path = String::from_utf8(imported.stdout).ok()?;
            imported.status.success().then(|| PathBuf::from(path.trim_end()))
        })
}

/// A port that nobody listens on, below those that the system gives to connections.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 1_900).unwrap() * 10;
    loop {
        let port = 12_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
