//! A disk that is full, and has room again: what cannot be kept is refused in words, and nothing is damaged.
//!
//! The disk is a small file system in memory, mounted for the test alone. Where the system lets nobody mount one, the
//! test says so and ends; the store's own tests have SQLite run out of pages everywhere.

#![cfg(target_os = "linux")]
// The allowance for tests in the lint's configuration does not reach the helpers between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// The load generator is the bench's own, with the bench's allowances.
#![allow(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::arithmetic_side_effects,
    clippy::large_futures,
    clippy::print_stderr,
    dead_code
)]

#[path = "../benches/load/histogram.rs"]
mod histogram;
#[path = "../benches/load/http2.rs"]
mod http2;
#[path = "support/load.rs"]
mod load;
mod support;

use std::{
    fs,
    io::{BufRead, BufReader, Lines, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use casino_server::StoreUrl;
use load::{Crowd, Played, names};
use rusqlite::Connection as Tool;
use support::{Asks, Client, buy};
use tempfile::TempDir;

/// Mounts a disk of 128 MB on the folder `$1`, plays on it with the server `$2`, and does what it is told: `fill` the disk
/// to its last byte, `free` it again, `start` another casino there, and `stop`, which leaves the ledger in the folder `$3`.
/// With nobody there to tell it anything it leaves nothing that runs.
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

/// A casino on a disk of its own.
struct Disk {
    shell: Child,
    /// `None` once there is nothing more to say.
    words: Option<ChildStdin>,
    said: Lines<BufReader<ChildStdout>>,
    address: String,
}

impl Disk {
    /// A casino on a new disk at `mount`; it leaves what it has in `left`. `None` if nobody may mount one.
    fn new(mount: &Path, left: &Path) -> Option<Self> {
        for unshare in [&["unshare", "-rm"][..], &["sudo", "-n", "unshare", "-m"]] {
            let (program, args) = unshare.split_first().unwrap();
            let started = Command::new(program)
                .args(args)
                .args(["sh", "-c", DISK, "sh"])
                .args([
                    mount.as_os_str(),
                    env!("CARGO_BIN_EXE_casino-server").as_ref(),
                    left.as_os_str(),
                ])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn();
            let Ok(mut shell) = started else { continue };
            let (words, said) = (shell.stdin.take().unwrap(), shell.stdout.take().unwrap());
            let mut said = BufReader::new(said).lines();
            let Some(ready) = said.next() else {
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
                words: Some(words),
                said,
                address,
            });
        }
        None
    }

    /// Says `word`, and hears what is said to it.
    fn say(&mut self, word: &str) -> String {
        writeln!(self.words.as_ref().unwrap(), "{word}").unwrap();
        self.said.next().unwrap().unwrap()
    }

    fn client(&self) -> Client {
        let endpoint = awesomestock_proto::transport::endpoint(&format!("http://{}", self.address));
        Client::new(endpoint.unwrap().connect_lazy())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(self.words.take());
        let _ = self.shell.wait();
    }
}

/// A casino on a disk of its own, and the folder where it leaves what it has; `None`, and words, if nobody may mount one.
fn disk() -> Option<(TempDir, PathBuf, Disk)> {
    let folder = tempfile::tempdir().unwrap();
    let (mount, left) = (folder.path().join("disk"), folder.path().join("left"));
    for path in [&mount, &left] {
        fs::create_dir(path).unwrap();
    }
    let disk = Disk::new(&mount, &left);
    if disk.is_none() {
        eprintln!("not tested: the system lets nobody mount a disk");
    }
    Some((folder, left, disk?))
}

/// Plays until an answer holds `words`.
async fn play_until(seat: &mut support::Seat, words: &str) -> String {
    loop {
        let said = seat.play(buy("ann", 1)).await;
        if said.contains(words) {
            return said;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_in_words_and_play_resumes_with_room_and_every_answer_was_true() {
    let Some((_folder, left, mut disk)) = disk() else {
        return;
    };
    let (mut client, names) = (disk.client(), names(16));
    for name in names.iter().map(String::as_str).chain(["ann"]) {
        client.deposit(name, 100_000_000).await.unwrap();
    }
    let crowd = Crowd::play(&disk.address, &names, 16).await;
    let mut seat = client.sit("ann", "").await;
    let mut payments = 1;
    play_until(&mut seat, "successfully").await;
    assert_eq!(disk.say("fill"), "filled");

    // The commit log has its room already, and is filled first.
    let said = play_until(&mut seat, "not executed").await;
    assert!(
        said.contains("its log is full, and the casino could not write the ledger: "),
        "{said}"
    );
    assert!(said.contains("full"), "{said}");
    let refused = loop {
        // A small batch may still find room in the log where a large one did not.
        match client.deposit("ann", 1).await {
            Ok(_) => payments += 1,
            Err(refused) => break refused,
        }
    };
    let said = refused.message();
    assert!(
        said.contains("not executed: the casino could not write the ledger"),
        "{said}"
    );

    // Reads go on, and say nothing that is not kept.
    let wallet = client.wallet("ann").await;
    assert_eq!(client.trades_of("ann").await.len(), wallet.stocks as usize);
    assert_eq!(client.payments_of("ann").await.len(), payments);
    assert!(!client.prices().await.is_empty());
    assert_eq!(client.wallet("ann").await, wallet);

    assert_eq!(disk.say("free"), "freed");
    play_until(&mut seat, "successfully").await;
    let wallet = client.wallet("ann").await;
    let ended = disk.say("stop");
    let log = fs::read_to_string(left.join("stderr")).unwrap();
    // SQLite may find room for it in what it has already.
    if ended != "stopped 0" {
        assert_eq!(ended, "stopped 1", "{log}");
        let words = "casino-server: the ledger was not closed in order: ";
        assert!(log.contains(words), "{log}");
    }
    assert!(
        log.lines().count() < 500,
        "a failure that lasts does not flood the log: {log}"
    );
    true_answers(&left, i64::from(wallet.stocks), crowd.gone().await);
}

/// That the ledger in `left`, with its log, is sound, has all that the crowd was told, and of ann just what she has.
fn true_answers(left: &Path, stocks: i64, played: Vec<Played>) {
    let ledger = left.join("casino.db");
    let mut told = Vec::new();
    casino_server::check(&StoreUrl::Sqlite(ledger.clone()), |difference| {
        told.push(difference.to_string());
    })
    .unwrap();
    assert_eq!(told, Vec::<String>::new());
    let copy = left.join("copy.db");
    casino_server::backup(&ledger, &copy).unwrap();
    let tool = Tool::open(&copy).unwrap();
    let trades = |name: &str| -> i64 {
        let sql = "SELECT trades FROM accounts WHERE name = ?";
        tool.query_row(sql, [name], |row| row.get(0)).unwrap()
    };
    assert_eq!(trades("ann"), stocks, "ann bought one at a time");
    for Played {
        name,
        acknowledged,
        sent,
    } in played
    {
        let kept = trades(&name);
        assert!(
            acknowledged <= kept && kept <= sent,
            "{name}: {acknowledged} <= {kept} <= {sent}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_casino_that_has_no_room_to_begin_with_says_so() {
    let Some((_folder, _, mut disk)) = disk() else {
        return;
    };
    disk.say("fill");
    let mut said = disk.say("start");
    while let Some(Ok(line)) = disk.said.next() {
        if line == "ended" {
            break;
        }
        said.push_str(&line);
    }
    assert!(said.contains("cannot be opened: "), "{said}");
    assert!(said.contains("full") || said.contains("No space left"), "{said}");
}
