//! A full disk: what cannot be stored is rejected, nothing is damaged, and play resumes when there is room.
//!
//! The disk is a small tmpfs mounted for the test. Where mounting is not permitted the test prints a notice and passes;
//! the store's unit tests limit SQLite's pages instead.

#![cfg(target_os = "linux")]
// The load generator of the benchmark needs the same exemptions.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::large_futures,
    dead_code,
    clippy::print_stderr
)]

#[path = "../benches/load/histogram.rs"]
mod histogram;
#[path = "../benches/load/http2.rs"]
mod http2;
#[path = "support/load.rs"]
mod load;
mod support;

use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use casino_server::StoreUrl;
use load::{LoadPlayers, PlayerTotals, names};
use rusqlite::Connection as Sqlite;
use support::{CasinoClientExt, Client, buy};
use tempfile::TempDir;

/// Mounts a disk of 128 MB on the folder `$1`, runs the server `$2` on it, and executes commands from standard input:
/// `fill` the disk, `free` it, `start` another casino there, and `stop`, which copies the ledger to the folder `$3`.
/// Kills the server at the end of the input.
const DISK: &str = r#"
mount -t tmpfs -o size=128m tmpfs "$1" || exit 77
"$2" --listen 127.0.0.1:0 --tick 50ms --seed 3 --store "sqlite:$1/casino.db" 2>"$3/stderr" &
server=$!
while read -r word; do
    case $word in
    fill) dd if=/dev/zero of="$1/ballast" bs=4k 2>/dev/null; echo filled ;;
    free) rm "$1/ballast"; echo freed ;;
    start) "$2" --listen 127.0.0.1:0 --store "sqlite:$1/other.db" 2>&1; rm -f "$1"/other.db*; echo ended ;;
    stop)
        kill -TERM $server
        wait $server
        code=$?
        cp "$1"/casino.db* "$3"
        echo "stopped $code"
        ;;
    esac
done
kill -KILL $server 2>/dev/null
"#;

/// A casino on its own disk.
struct Disk {
    shell: Child,
    /// Standard input of the script; `None` when the disk is being dropped.
    commands: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    address: String,
}

impl Disk {
    /// Starts a casino on a new disk at `mount`, whose ledger is finally copied to `copies`. `None` if mounting is not
    /// permitted.
    fn new(mount: &Path, copies: &Path) -> Option<Self> {
        for unshare in [&["unshare", "-rm"][..], &["sudo", "-n", "unshare", "-m"]] {
            let (program, args) = unshare.split_first().unwrap();
            let started = Command::new(program)
                .args(args)
                .args(["sh", "-c", DISK, "sh"])
                .args([
                    mount.as_os_str(),
                    env!("CARGO_BIN_EXE_casino-server").as_ref(),
                    copies.as_os_str(),
                ])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn();
            let Ok(mut shell) = started else { continue };
            let (commands, output) = (shell.stdin.take().unwrap(), shell.stdout.take().unwrap());
            let mut output = BufReader::new(output).lines();
            let Some(ready) = output.next() else {
                shell.wait().unwrap();
                continue;
            };
            let ready = ready.unwrap();
            let address = ready
                .strip_prefix("casino-server listening on ")
                .unwrap()
                .to_owned();
            return Some(Self {
                shell,
                commands: Some(commands),
                output,
                address,
            });
        }
        None
    }

    /// Sends `command` to the script and returns its answer.
    fn run(&mut self, command: &str) -> String {
        writeln!(self.commands.as_ref().unwrap(), "{command}").unwrap();
        self.output.next().unwrap().unwrap()
    }

    fn client(&self) -> Client {
        let endpoint = awesomestock_proto::transport::endpoint(&format!("http://{}", self.address));
        Client::new(endpoint.unwrap().connect_lazy())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(self.commands.take());
        let _ = self.shell.wait();
    }
}

/// Starts a casino on its own disk and returns it with the folder of its copies. Prints a notice and returns `None` if
/// mounting is not permitted.
fn disk() -> Option<(TempDir, PathBuf, Disk)> {
    let folder = tempfile::tempdir().unwrap();
    let (mount, copies) = (folder.path().join("disk"), folder.path().join("copies"));
    for path in [&mount, &copies] {
        fs::create_dir(path).unwrap();
    }
    let disk = Disk::new(&mount, &copies);
    if disk.is_none() {
        eprintln!("skipped: mounting a disk is not permitted");
    }
    Some((folder, copies, disk?))
}

/// Sends orders until an answer contains `text`.
async fn play_until(session: &mut support::Session, text: &str) -> String {
    loop {
        let message = session.execute(buy("ann", 1)).await;
        if message.contains(text) {
            return message;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_rejects_orders_until_there_is_room_and_loses_no_answer() {
    let Some((_folder, copies, mut disk)) = disk() else {
        return;
    };
    let (mut client, names) = (disk.client(), names(16));
    for name in names.iter().map(String::as_str).chain(["ann"]) {
        client.deposit(name, 100_000_000).await.unwrap();
    }
    let players = LoadPlayers::play(&disk.address, &names, 16).await;
    let mut session = client.open_session("ann", "").await;
    let mut payments = 1;
    play_until(&mut session, "successfully").await;
    assert_eq!(disk.run("fill"), "filled");

    // The space of the commit log is preallocated, and is used up first.
    let message = play_until(&mut session, "not executed").await;
    assert!(
        message.contains("its log is full, and the casino could not write the ledger: "),
        "{message}"
    );
    assert!(message.contains("full"), "{message}");
    let rejected = loop {
        // A small batch may still fit into the log where a large one did not.
        match client.deposit("ann", 1).await {
            Ok(_) => payments += 1,
            Err(rejected) => break rejected,
        }
    };
    let message = rejected.message();
    assert!(
        message.contains("not executed: the casino could not write the ledger"),
        "{message}"
    );

    // Reads continue and return only what is stored.
    let wallet = client.wallet("ann").await;
    assert_eq!(client.trades_of("ann").await.len(), wallet.stocks as usize);
    assert_eq!(client.payments_of("ann").await.len(), payments);
    assert!(!client.prices().await.is_empty());
    assert_eq!(client.wallet("ann").await, wallet);

    assert_eq!(disk.run("free"), "freed");
    play_until(&mut session, "successfully").await;
    let wallet = client.wallet("ann").await;
    let ended = disk.run("stop");
    let log = fs::read_to_string(copies.join("stderr")).unwrap();
    // SQLite may still find room for closing the ledger.
    if ended != "stopped 0" {
        assert_eq!(ended, "stopped 1", "{log}");
        let text = "casino-server: the ledger was not closed cleanly: ";
        assert!(log.contains(text), "{log}");
    }
    assert!(
        log.lines().count() < 500,
        "a lasting failure does not flood the log: {log}"
    );
    check_answers(
        &copies,
        i64::from(wallet.stocks),
        players.until_disconnected().await,
    );
}

/// Checks that the ledger in `copies` passes the check, has every answered action, and has exactly `stocks` trades of
/// ann.
fn check_answers(copies: &Path, stocks: i64, players: Vec<PlayerTotals>) {
    let ledger = copies.join("casino.db");
    let mut differences = Vec::new();
    casino_server::check(&StoreUrl::Sqlite(ledger.clone()), |difference| {
        differences.push(difference.to_string());
    })
    .unwrap();
    assert_eq!(differences, Vec::<String>::new());
    let copy = copies.join("copy.db");
    casino_server::backup(&ledger, &copy).unwrap();
    let sqlite = Sqlite::open(&copy).unwrap();
    let trades = |name: &str| -> i64 {
        let sql = "SELECT trades FROM accounts WHERE name = ?";
        sqlite.query_row(sql, [name], |row| row.get(0)).unwrap()
    };
    assert_eq!(trades("ann"), stocks, "ann bought one at a time");
    for PlayerTotals {
        name,
        acknowledged,
        sent,
    } in players
    {
        let stored = trades(&name);
        assert!(
            acknowledged <= stored && stored <= sent,
            "{name}: {acknowledged} <= {stored} <= {sent}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_casino_reports_a_disk_too_full_to_start() {
    let Some((_folder, _, mut disk)) = disk() else {
        return;
    };
    disk.run("fill");
    let mut message = disk.run("start");
    while let Some(Ok(line)) = disk.output.next() {
        if line == "ended" {
            break;
        }
        message.push_str(&line);
    }
    assert!(message.contains("cannot be opened: "), "{message}");
    assert!(
        message.contains("full") || message.contains("No space left"),
        "{message}"
    );
}
