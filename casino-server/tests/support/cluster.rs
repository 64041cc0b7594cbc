//! A temporary PostgreSQL cluster.

use std::future::poll_fn;
use std::io::{self, Write};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Once};
use std::{fs, thread};

use tempfile::TempDir;
use tokio::sync::Notify;
use tokio_postgres::{AsyncMessage, NoTls};

/// User that runs the server if the test runs as root, which PostgreSQL rejects.
const UNPRIVILEGED_UID: u32 = 65_534;

/// Prints once that PostgreSQL is missing.
static MISSING_NOTICE: Once = Once::new();

/// Default settings: the tests kill processes, not the machine, so fsync is not needed.
const NO_FSYNC: &[&str] = &["fsync=off"];

/// A running cluster behind a private Unix socket.
pub struct Cluster {
    folder: TempDir,
    programs: PathBuf,
    /// Server settings, each `NAME=VALUE`.
    settings: &'static [&'static str],
    /// TCP port if TLS is enabled; always part of the socket's name.
    port: u16,
    tls_enabled: bool,
}

impl Cluster {
    /// Starts a cluster without fsync. Prints a line and returns `None` if PostgreSQL is not installed; the test is then
    /// skipped.
    pub fn start() -> Option<Self> {
        Self::start_with(NO_FSYNC)
    }

    /// Like [`start`](Self::start) with `settings`; all others keep PostgreSQL's defaults.
    pub fn start_with(settings: &'static [&'static str]) -> Option<Self> {
        let Some(programs) = programs() else {
            MISSING_NOTICE.call_once(|| {
                    let notice = "skipped: the tests over PostgreSQL, whose programs (initdb, pg_ctl, createdb) are not here";
                    // The print macros are captured in passing tests.
                    let _ = writeln!(io::stderr(), "{notice}");
            });
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        if is_root() {
            chown(folder.path(), Some(UNPRIVILEGED_UID), Some(UNPRIVILEGED_UID)).unwrap();
        }
        let cluster = Self {
            folder,
            programs,
            settings,
            port: 5432,
            tls_enabled: false,
        };
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
        cluster.restart();
        Some(cluster)
    }

    /// Creates an empty database called `name` and returns its URL.
    pub fn database(&self, name: &str) -> String {
        let port = self.port.to_string();
        let args = ["-h", &self.socket(), "-p", &port, "-U", "casino", name];
        self.run("createdb", &args);
        self.url(name)
    }

    fn url(&self, name: &str) -> String {
        let (socket, port) = (self.socket().replace('/', "%2F"), self.port);
        format!("postgres://casino@{socket}:{port}/{name}")
    }

    /// Creates a copy of the database `of` called `name` and returns its URL. `of` must not be in use.
    pub fn copy(&self, of: &str, name: &str) -> String {
        let port = self.port.to_string();
        let socket = self.socket();
        let args = ["-h", &socket, "-p", &port, "-U", "casino", "-T", of, name];
        self.run("createdb", &args);
        self.url(name)
    }

    /// Enables TLS on 127.0.0.1, where connections without TLS are rejected, with the certificate `cert`. The user
    /// `bound` needs a password there. Returns the port.
    pub fn enable_tls(&mut self, cert: &Path, key: &Path) -> u16 {
        self.stop();
        let data = PathBuf::from(self.data());
        for (from, name) in [(cert, "server.crt"), (key, "server.key")] {
            let to = data.join(name);
            fs::copy(from, &to).unwrap();
            fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).unwrap();
            if is_root() {
                chown(&to, Some(UNPRIVILEGED_UID), Some(UNPRIVILEGED_UID)).unwrap();
            }
        }
        let rules = "local all all trust\n\
                     hostssl all bound 127.0.0.1/32 scram-sha-256\n\
                     hostssl all all 127.0.0.1/32 trust\n";
        fs::write(data.join("pg_hba.conf"), rules).unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        self.port = free.local_addr().unwrap().port();
        drop(free);
        self.tls_enabled = true;
        self.restart();
        self.port
    }

    /// Stops the server without a shutdown and starts it again.
    pub fn crash_and_restart(&self) {
        self.stop();
        self.restart();
    }

    /// Stops the server without a shutdown.
    pub fn stop(&self) {
        self.run("pg_ctl", &["-D", &self.data(), "-w", "-m", "immediate", "stop"]);
    }

    /// Starts the server again.
    pub fn restart(&self) {
        let mut options = format!("-k {} -p {}", self.socket(), self.port);
        options.push_str(match self.tls_enabled {
            true => " -c listen_addresses=127.0.0.1 -c ssl=on",
            false => " -c listen_addresses=''",
        });
        for setting in self.settings {
            options.push_str(&format!(" -c {setting}"));
        }
        let log = format!("{}/log", self.socket());
        self.run(
            "pg_ctl",
            &["-D", &self.data(), "-w", "-l", &log, "-o", &options, "start"],
        );
    }

    /// Runs one of PostgreSQL's programs on the database `name` and returns its standard output.
    pub fn output(&self, program: &str, args: &[&str], name: &str) -> io::Result<String> {
        let socket = self.socket();
        let port = self.port.to_string();
        let args = [&["-h", &socket, "-p", &port, "-U", "casino"], args, &[name]].concat();
        let output = self.command(program, &args).stdout(Stdio::piped()).output()?;
        String::from_utf8(output.stdout).map_err(io::Error::other)
    }

    /// Process ID of the server; its sessions are child processes.
    pub fn process_id(&self) -> io::Result<u32> {
        let file = fs::read_to_string(format!("{}/postmaster.pid", self.data()))?;
        let first = file.lines().next().unwrap_or_default();
        first.parse().map_err(io::Error::other)
    }

    /// The lines of the server's log that report an error.
    pub fn errors(&self) -> io::Result<Vec<String>> {
        let log = fs::read_to_string(format!("{}/log", self.socket()))?;
        let errors = log.lines().filter(|line| line.contains("ERROR:"));
        Ok(errors.map(str::to_owned).collect())
    }

    /// Starts a pgbouncer in front of the database `name`. Returns its URL and its process, which the test must kill.
    /// `None` if pgbouncer is not installed.
    pub fn start_pgbouncer(&self, name: &str, settings: &str) -> Option<(String, Child)> {
        let socket = self.socket();
        let file = self.folder.path().join("pgbouncer.ini");
        let port = self.port + 1;
        let text = format!(
            "[databases]\n{name} = host={socket} port={} user=casino\n[pgbouncer]\nauth_type = any\nlisten_addr =\n\
             listen_port = {port}\nunix_socket_dir = {socket}\n{settings}\n",
            self.port
        );
        fs::write(&file, text).unwrap();
        let listening = self.folder.path().join(format!(".s.PGSQL.{port}"));
        // A killed pgbouncer leaves its socket behind.
        let _ = fs::remove_file(&listening);
        let mut command = Command::new("pgbouncer");
        command
            .arg("-q")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if is_root() {
            command.uid(UNPRIVILEGED_UID).gid(UNPRIVILEGED_UID);
        }
        let path = std::env::var("PATH").unwrap_or_default();
        let mut pooler = command.env("PATH", format!("{path}:/usr/sbin")).spawn().ok()?;
        while !listening.exists() {
            assert_eq!(pooler.try_wait().unwrap(), None, "pgbouncer ended");
            thread::yield_now();
        }
        let url = self.url(name);
        let url = url.replace(&format!(":{}/", self.port), &format!(":{port}/"));
        Some((url, pooler))
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
            // The server would keep a pipe open.
            .stderr(Stdio::null());
        if is_root() {
            command.uid(UNPRIVILEGED_UID).gid(UNPRIVILEGED_UID);
        }
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // It may already be stopped.
        let _ = self
            .command("pg_ctl", &["-D", &self.data(), "-w", "-m", "immediate", "stop"])
            .status();
    }
}

/// Opens a session of the database at `url`.
pub async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
        .batch_execute("SET search_path TO awesomestock")
        .await
        .unwrap();
    client
}

/// Like [`connect`], with a `Notify` that fires for each tick notification.
pub async fn listen(url: &str) -> (tokio_postgres::Client, Arc<Notify>) {
    let (client, mut connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let ticked = Arc::new(Notify::new());
    let notify = Arc::clone(&ticked);
    tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
            if let AsyncMessage::Notification(_) = message {
                notify.notify_one();
            }
        }
    });
    let subscribe = "SET search_path TO awesomestock; LISTEN awesomestock_ticks";
    client.batch_execute(subscribe).await.unwrap();
    (client, ticked)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Finds PostgreSQL's programs in Debian's folders or in `PATH`.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
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
