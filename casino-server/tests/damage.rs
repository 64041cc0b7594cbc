//! Damaged, truncated, missing, swapped and outdated ledger files: the casino loses nothing silently, or refuses to
//! start.

mod support;

use std::fs;
use std::path::Path;

use rusqlite::Connection as Sqlite;
use support::CasinoClientExt;
use support::process::{CasinoProcess, run};
use tempfile::TempDir;
use tokio::task::spawn_blocking;

const ARGS: [&str; 4] = ["--tick", "1h", "--seed", "3"];
const LEDGER: &str = "casino.db";
const WAL: &str = "casino.db-wal";
const LOG: &str = "casino.db-log";

/// Copies of one ledger in several states, and one of another ledger.
struct Fixture {
    /// After a clean shutdown: 50 tokens.
    older: TempDir,
    /// Killed later: `answered` tokens, some of them only in the log.
    killed: TempDir,
    /// The killed ledger after a start and a clean shutdown.
    clean: TempDir,
    /// Another ledger, killed.
    other: TempDir,
    /// Ann's tokens according to the answers of the killed casino.
    answered: i32,
    /// Offset of the first log frame that is not applied to the ledger.
    pending: usize,
}

impl Fixture {
    async fn create() -> Self {
        let older = tempfile::tempdir().unwrap();
        let server = start(older.path()).unwrap();
        server.client().deposit("ann", 10).await.unwrap();
        stop(server).await;
        let (killed, answered) = loop {
            let killed = copy(older.path());
            let answered = 50 + deposit_and_kill(killed.path()).await;
            // Several batches must be only in the log: a single one could be taken for a torn write.
            if answered - stored(killed.path(), "SELECT tokens FROM accounts") >= 25 {
                break (killed, answered);
            }
        };
        let clean = copy(killed.path());
        stop(start(clean.path()).unwrap()).await;
        let other = tempfile::tempdir().unwrap();
        deposit_and_kill(other.path()).await;
        let pending = stored(killed.path(), "SELECT position FROM log");
        Self {
            older,
            killed,
            clean,
            other,
            answered,
            pending: usize::try_from(pending).unwrap(),
        }
    }
}

/// Deposits until some answers are only in the log, then kills the casino. Returns the answered tokens.
async fn deposit_and_kill(folder: &Path) -> i32 {
    let server = start(folder).unwrap();
    let mut client = server.client();
    let mut answered = 0;
    loop {
        for _ in 0..20 {
            client.deposit("ann", 1).await.unwrap();
            answered += 5;
        }
        // The engine applies batches after 50 ms: kill right after the answers.
        if answered >= 500 {
            server.kill();
            return answered;
        }
    }
}

fn start(folder: &Path) -> Result<CasinoProcess, String> {
    let store = format!("sqlite:{}", folder.join(LEDGER).display());
    CasinoProcess::try_start_on(&store, &ARGS)
}

async fn stop(server: CasinoProcess) {
    let stopping = spawn_blocking(move || {
        server.terminate();
        server.wait()
    });
    let (status, stderr) = stopping.await.unwrap();
    assert!(status.success(), "{stderr}");
}

/// Copies the ledger's files without the lock files.
fn copy(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in [LEDGER, WAL, LOG] {
        if folder.join(file).exists() {
            fs::copy(folder.join(file), copy.path().join(file)).unwrap();
        }
    }
    copy
}

/// Reads a number from the ledger file itself, without its log.
fn stored(folder: &Path, sql: &str) -> i32 {
    let copied = copy(folder);
    let sqlite = Sqlite::open(copied.path().join(LEDGER)).unwrap();
    sqlite.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Changes the bytes of a file.
fn edit(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(file).unwrap();
    change(&mut bytes);
    fs::write(file, bytes).unwrap();
}

fn flip(file: &Path, at: usize) {
    edit(file, |bytes| bytes[at] ^= 0x10);
}

fn cut(file: &Path, length: usize) {
    edit(file, |bytes| bytes.truncate(length));
}

fn zero(file: &Path, from: usize, length: usize) {
    edit(file, |bytes| {
        let end = bytes.len().min(from + length);
        bytes[from..end].fill(0);
    });
}

fn randomize(file: &Path) {
    edit(file, |bytes| {
        let mut state = 1_u32;
        for byte in bytes {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = u8::try_from(state >> 24).unwrap();
        }
    });
}

fn replace(file: &str, folder: &Path, from: &TempDir) {
    fs::copy(from.path().join(file), folder.join(file)).unwrap();
}

fn remove(file: &Path) {
    fs::remove_file(file).unwrap();
}

/// A named way to damage the files of a ledger.
type Damage = (&'static str, fn(&Path, &Fixture));

const LOG_DAMAGE: [Damage; 15] = [
    ("log: a bit of the first pending frame", |folder, fixture| {
        flip(&folder.join(LOG), fixture.pending + 30);
    }),
    ("log: a bit of its checksum", |folder, fixture| {
        flip(&folder.join(LOG), fixture.pending);
    }),
    ("log: a bit of its length", |folder, fixture| {
        flip(&folder.join(LOG), fixture.pending + 5);
    }),
    ("log: a bit of its batch number", |folder, fixture| {
        flip(&folder.join(LOG), fixture.pending + 17);
    }),
    ("log: the first pending frame zeroed", |folder, fixture| {
        zero(&folder.join(LOG), fixture.pending, 40);
    }),
    ("log: cut at the first pending frame", |folder, fixture| {
        cut(&folder.join(LOG), fixture.pending);
    }),
    ("log: cut within it", |folder, fixture| {
        cut(&folder.join(LOG), fixture.pending + 50);
    }),
    ("log: cut to nothing", |folder, _| cut(&folder.join(LOG), 0)),
    ("log: cut to half", |folder, _| cut(&folder.join(LOG), 8 << 20)),
    ("log: deleted", |folder, _| remove(&folder.join(LOG))),
    ("log: zeroed", |folder, _| {
        zero(&folder.join(LOG), 0, usize::MAX >> 1);
    }),
    ("log: noise", |folder, _| randomize(&folder.join(LOG))),
    ("log: an older one", |folder, fixture| {
        replace(LOG, folder, &fixture.older);
    }),
    ("log: another ledger's", |folder, fixture| {
        replace(LOG, folder, &fixture.other);
    }),
    ("log: a bit of its header", |folder, _| {
        flip(&folder.join(LOG), 10);
    }),
];

const LEDGER_DAMAGE: [Damage; 9] = [
    ("ledger: deleted", |folder, _| remove(&folder.join(LEDGER))),
    ("ledger: cut to nothing", |folder, _| cut(&folder.join(LEDGER), 0)),
    ("ledger: cut to its first page", |folder, _| {
        cut(&folder.join(LEDGER), 4096);
    }),
    ("ledger: cut within its first page", |folder, _| {
        cut(&folder.join(LEDGER), 50);
    }),
    ("ledger: its magic flipped", |folder, _| {
        flip(&folder.join(LEDGER), 3);
    }),
    ("ledger: noise", |folder, _| randomize(&folder.join(LEDGER))),
    ("ledger: zeroed", |folder, _| {
        zero(&folder.join(LEDGER), 0, usize::MAX >> 1);
    }),
    ("ledger: an older one", |folder, fixture| {
        replace(LEDGER, folder, &fixture.older);
    }),
    ("ledger: another one", |folder, fixture| {
        replace(LEDGER, folder, &fixture.other);
        replace(WAL, folder, &fixture.other);
    }),
];

const WAL_DAMAGE: [Damage; 6] = [
    ("wal: deleted", |folder, _| remove(&folder.join(WAL))),
    ("wal: cut to nothing", |folder, _| cut(&folder.join(WAL), 0)),
    ("wal: cut to half", |folder, _| {
        edit(&folder.join(WAL), |bytes| bytes.truncate(bytes.len() / 2));
    }),
    ("wal: a bit in the middle", |folder, _| {
        edit(&folder.join(WAL), |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        });
    }),
    ("wal: zeroed", |folder, _| {
        zero(&folder.join(WAL), 0, usize::MAX >> 1);
    }),
    ("wal: another ledger's", |folder, fixture| {
        replace(WAL, folder, &fixture.other);
    }),
];

/// Result of starting a casino on the files.
#[derive(Debug, Clone, PartialEq, Eq)]
enum StartResult {
    /// It starts: ann's tokens and the log.
    Started(i32, String),
    /// It refuses to start: its stderr.
    Rejected(String),
}

async fn try_start(folder: &Path) -> StartResult {
    match start(folder) {
        Ok(server) => {
            let tokens = server.client().wallet("ann").await.tokens;
            // The client's connection must be closed at the same time.
            let stopping = spawn_blocking(move || {
                server.terminate();
                server.wait().1
            });
            StartResult::Started(tokens, stopping.await.unwrap())
        }
        Err(stderr) => StartResult::Rejected(stderr),
    }
}

fn check(folder: &Path) -> (Option<i32>, String) {
    let store = format!("sqlite:{}", folder.join(LEDGER).display());
    let (code, _, stderr) = run(&["check", "--store", &store]);
    (code, stderr)
}

#[tokio::test]
async fn damaged_files_lose_nothing_silently() {
    let fixture = Fixture::create().await;
    let undamaged = try_start(copy(fixture.killed.path()).path()).await;
    assert!(
        matches!(undamaged, StartResult::Started(tokens, _) if tokens == fixture.answered),
        "{undamaged:?}"
    );
    let on_killed = LOG_DAMAGE.iter().chain(&LEDGER_DAMAGE).chain(&WAL_DAMAGE);
    let on_killed = on_killed.map(|damage| ("killed", damage));
    let on_clean = LOG_DAMAGE
        .iter()
        .chain(&LEDGER_DAMAGE)
        .map(|damage| ("clean", damage));
    for (state, (name, damage)) in on_killed.chain(on_clean) {
        let is_clean = state == "clean";
        let name = format!("{name}, {state}");
        let folder = copy(if is_clean {
            fixture.clean.path()
        } else {
            fixture.killed.path()
        });
        damage(folder.path(), &fixture);
        let (checked, check_stderr) = check(folder.path());
        match try_start(folder.path()).await {
            StartResult::Started(tokens, logged) if tokens != fixture.answered => {
                let warned = logged.contains("the commit log beside the ledger belongs to another ledger");
                assert!(
                    warned,
                    "{name}: {tokens} of {} tokens, logged: {logged}",
                    fixture.answered
                );
            }
            StartResult::Started(..) => assert_eq!(checked, Some(0), "{name}: {check_stderr}"),
            StartResult::Rejected(stderr) => {
                assert_ne!(checked, Some(0), "{name}: {stderr}");
                assert!(stderr.contains("casino-server: "), "{name}: {stderr}");
                assert!(!stderr.contains("panicked"), "{name}: {stderr}");
                if name.starts_with("log") {
                    let expected = if is_clean {
                        "belongs to another ledger"
                    } else {
                        "lost"
                    };
                    assert!(stderr.contains(expected), "{name}: {stderr}");
                    assert_loss_can_be_accepted(folder.path(), fixture.answered, &name).await;
                }
            }
        }
    }
}

/// Accepts the loss; the casino must then start with the remaining tokens.
async fn assert_loss_can_be_accepted(folder: &Path, answered: i32, name: &str) {
    let store = format!("sqlite:{}", folder.join(LEDGER).display());
    for outcome in ["are lost", "nothing was lost"] {
        let (code, stdout, stderr) = run(&["accept-loss", "--store", &store]);
        assert_eq!(code, Some(0), "{name}: {stderr}");
        assert!(stdout.contains(outcome), "{name}: {stdout}");
    }
    assert_eq!(check(folder), (Some(0), String::new()), "{name}");
    match try_start(folder).await {
        StartResult::Started(tokens, _) => assert!((50..=answered).contains(&tokens), "{name}: {tokens}"),
        StartResult::Rejected(stderr) => panic!("{name}: {stderr}"),
    }
}

#[tokio::test]
async fn a_backup_restored_twice_does_not_apply_the_log_of_the_discarded_game() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).unwrap();
    server.client().deposit("ann", 10).await.unwrap();
    stop(server).await;
    let backup = folder.path().join("backup.db");
    let store = format!("sqlite:{}", folder.path().join(LEDGER).display());
    let (code, _, stderr) = run(&["backup", backup.to_str().unwrap(), "--store", &store]);
    assert_eq!(code, Some(0), "{stderr}");
    let restore = |folder: &Path| {
        let _ = fs::remove_file(folder.join(WAL));
        let _ = fs::remove_file(folder.join("casino.db-shm"));
        fs::copy(&backup, folder.join(LEDGER)).unwrap();
    };
    restore(folder.path());
    deposit_and_kill(folder.path()).await;
    restore(folder.path());
    let StartResult::Rejected(stderr) = try_start(folder.path()).await else {
        panic!("the log of a game without a clean shutdown is ignored");
    };
    assert!(
        stderr.contains("belongs to another ledger, or to another state"),
        "{stderr}"
    );
    remove(&folder.path().join(LOG));
    deposit_and_kill(folder.path()).await;
    restore(folder.path());
    remove(&folder.path().join(LOG));
    let StartResult::Started(tokens, _) = try_start(folder.path()).await else {
        panic!("the backup alone is a valid ledger");
    };
    assert_eq!(tokens, 50);
}

#[tokio::test]
async fn a_hard_link_is_the_same_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).unwrap();
    let other_folder = tempfile::tempdir_in(folder.path()).unwrap();
    let ledger = folder.path().join(LEDGER);
    let [hard, symbolic] = ["hard", "symbolic"].map(|name| other_folder.path().join(name));
    fs::hard_link(&ledger, &hard).unwrap();
    std::os::unix::fs::symlink(&ledger, &symbolic).unwrap();
    for link in [hard, symbolic] {
        let store = format!("sqlite:{}", link.display());
        let stderr = CasinoProcess::try_start_on(&store, &ARGS).err().expect(&store);
        assert!(stderr.contains("another casino"), "{stderr}");
    }
    stop(server).await;
}
