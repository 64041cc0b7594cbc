//! A PostgreSQL cluster of the test's own, thrown away with it.

use std::{
    fs,
    future::poll_fn,
    io::{self, Write},
    net::TcpListener,
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Once},
    thread,
};

use tempfile::TempDir;
use tokio::sync::Notify;
use tokio_postgres::{AsyncMessage, NoTls};

/// Who runs the server when root runs the test: PostgreSQL refuses root.
const NOBODY: u32 = 65_534;

/// That there is no PostgreSQL has been said.
static SAID: Once = Once::new();

/// What a cluster of the tests is set to: what is killed in them is programs, never the machine.
const WITHOUT_FSYNC: &[&str] = &["fsync=off"];

/// A running cluster, behind a Unix socket that nobody else knows.
pub struct Cluster {
    folder: TempDir,
    programs: PathBuf,
    /// `NAME=VALUE` each, as the server is started with.
    settings: &'static [&'static str],
    /// Where it can be reached by TCP with TLS, if it can; and what names the socket.
    port: u16,
    speaks_tls: bool,
}

impl Cluster {
    /// A new one, which does without fsync. `None` where PostgreSQL is not installed: that is said in one line, and the
    /// test is passed over.
    pub fn start() -> Option<Self> {
        Self::start_with(WITHOUT_FSYNC)
    }

    /// The same with `settings`, which are PostgreSQL's own where they are not set.
    pub fn start_with(settings: &'static [&'static str]) -> Option<Self> {
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
        let cluster = Self {
            folder,
            programs,
            settings,
            port: 5432,
            speaks_tls: false,
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
        cluster.come_back();
        Some(cluster)
    }

    /// The URL of a new, empty database called `name`.
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

    /// The URL of a new database called `name`, a copy of the one called `of`, which nobody uses.
    pub fn copy(&self, of: &str, name: &str) -> String {
        let port = self.port.to_string();
        let socket = self.socket();
        let args = ["-h", &socket, "-p", &port, "-U", "casino", "-T", of, name];
        self.run("createdb", &args);
        self.url(name)
    }

    /// From now on it can be reached on this machine's own address too, with TLS only, by the certificate `cert`; gives the
    /// port.
    pub fn speak_tls(&mut self, cert: &Path, key: &Path) -> u16 {
        self.stop();
        let data = PathBuf::from(self.data());
        for (from, name) in [(cert, "server.crt"), (key, "server.key")] {
            let to = data.join(name);
            fs::copy(from, &to).unwrap();
            fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).unwrap();
            if is_root() {
                chown(&to, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        let rules = "local all all trust\nhostssl all all 127.0.0.1/32 trust\n";
        fs::write(data.join("pg_hba.conf"), rules).unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        self.port = free.local_addr().unwrap().port();
        drop(free);
        self.speaks_tls = true;
        self.come_back();
        self.port
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
        let mut options = format!("-k {} -p {}", self.socket(), self.port);
        options.push_str(match self.speaks_tls {
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

    /// What one of PostgreSQL's programs prints, run on the database `name`.
    pub fn output(&self, program: &str, args: &[&str], name: &str) -> io::Result<String> {
        let socket = self.socket();
        let port = self.port.to_string();
        let args = [&["-h", &socket, "-p", &port, "-U", "casino"], args, &[name]].concat();
        let output = self.command(program, &args).stdout(Stdio::piped()).output()?;
        String::from_utf8(output.stdout).map_err(io::Error::other)
    }

    /// The server's process id; its sessions are its children.
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
    pub fn behind_pgbouncer(&self, name: &str, settings: &str) -> Option<(String, Child)> {
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
            command.uid(NOBODY).gid(NOBODY);
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

/// The same, and what is notified of each tick.
pub async fn listen(url: &str) -> (tokio_postgres::Client, Arc<Notify>) {
    let (client, mut connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let ticked = Arc::new(Notify::new());
    let heard = Arc::clone(&ticked);
    tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
            if let AsyncMessage::Notification(_) = message {
                heard.notify_one();
            }
        }
    });
    let set_up = "SET search_path TO awesomestock; LISTEN awesomestock_ticks";
    client.batch_execute(set_up).await.unwrap();
    (client, ticked)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Where PostgreSQL's programs are: on the path, or where Debian puts them.
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
