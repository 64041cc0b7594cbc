//! A PostgreSQL cluster of the test's own, thrown away with it.

use std::{
    io::{self, Write},
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Once,
};

use tempfile::TempDir;
use tokio_postgres::NoTls;

/// Who runs the server when root runs the test: PostgreSQL refuses root.
const NOBODY: u32 = 65_534;

/// That there is no PostgreSQL has been said.
static SAID: Once = Once::new();

/// A running cluster, behind a Unix socket that nobody else knows. It does without fsync: what is killed in these tests
/// is programs, never the machine.
pub struct Cluster {
    folder: TempDir,
    programs: PathBuf,
}

impl Cluster {
    /// A new one. `None` where PostgreSQL is not installed: that is said in one line, and the test is passed over.
    pub fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            SAID.call_once(|| {
                let said = "skipped: the tests over PostgreSQL, whose programs (initdb, pg_ctl, createdb) are not here";
                // Not by a macro: what a passing test prints by those, nobody sees.
                let _ = writeln!(io::stderr(), "{said}");
            });
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        if is_root() {
            chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let cluster = Self { folder, programs };
        let data = cluster.data();
        cluster.run(
            "initdb",
            &[
                "-D",
                &data,
                "-A",
                "trust",
                "-U",
                "casino",
                "-E",
                "UTF8",
                "--locale=C",
                "-N",
            ],
        );
        cluster.come_back();
        Some(cluster)
    }

    /// The URL of a new, empty database called `name`.
    pub fn database(&self, name: &str) -> String {
        self.run("createdb", &["-h", &self.socket(), "-U", "casino", name]);
        let socket = self.socket().replace('/', "%2F");
        format!("postgres://casino@{socket}/{name}")
    }

    /// The server dies as if it were killed, and comes back.
    pub fn crash_and_restart(&self) {
        self.stop();
        self.come_back();
    }

    /// The server dies as if it were killed.
    pub fn stop(&self) {
        self.run("pg_ctl", &["-D", &self.data(), "-w", "-m", "immediate", "stop"]);
    }

    /// The server comes back.
    pub fn come_back(&self) {
        let options = format!("-k {} -c listen_addresses='' -c fsync=off", self.socket());
        let log = format!("{}/log", self.socket());
        self.run(
            "pg_ctl",
            &["-D", &self.data(), "-w", "-l", &log, "-o", &options, "start"],
        );
    }

    fn socket(&self) -> String {
        self.folder.path().to_str().unwrap().to_owned()
    }

    fn data(&self) -> String {
        format!("{}/data", self.socket())
    }

    fn run(&self, program: &str, args: &[&str]) {
        let status = self.command(program, args).status().unwrap();
        assert!(status.success(), "{program} {args:?}");
    }

    fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command
            .args(args)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            // The server would hold a pipe open.
            .stderr(Stdio::null());
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self
            .command("pg_ctl", &["-D", &self.data(), "-w", "-m", "immediate", "stop"])
            .status();
    }
}

/// A session of the database at `url`.
pub async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
        .batch_execute("SET search_path TO awesomestock")
        .await
        .unwrap();
    client
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Where PostgreSQL's programs are: on the path, or where Debian puts them.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut debian: Vec<_> = debian
        .flatten()
        .map(|version| version.path().join("bin"))
        .collect();
    debian.sort();
    let newest_first = debian.into_iter().rev();
    let all = newest_first.chain(std::env::split_paths(&path));
    let has = |folder: &Path, program| folder.join(program).exists();
    all.into_iter().find(|folder| {
        ["initdb", "pg_ctl", "createdb"]
            .iter()
            .all(|program| has(folder, program))
    })
}
