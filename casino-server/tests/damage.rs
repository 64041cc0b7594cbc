//! Damaged, cut, missing, swapped and aged files of a ledger: nothing is lost, or the casino refuses and says what.

// The allowance for tests in the lint's configuration does not reach the helpers between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{fs, path::Path};

use rusqlite::Connection as Tool;
use support::{
    Asks,
    process::{Process, run},
};
use tempfile::TempDir;
use tokio::task::spawn_blocking;

const ARGS: [&str; 4] = ["--tick", "1h", "--seed", "3"];
const LEDGER: &str = "casino.db";
const WAL: &str = "casino.db-wal";
const LOG: &str = "casino.db-log";

/// The folders of one ledger at several moments, and one of another ledger.
struct Scene {
    /// After the first stop in order: 50 tokens.
    older: TempDir,
    /// Killed after that: `answered` tokens, some of them in the log only.
    killed: TempDir,
    /// The killed one, opened and stopped in order.
    clean: TempDir,
    /// Another ledger, killed.
    other: TempDir,
    /// Tokens in answers of the killed casino.
    answered: i32,
    /// Where in the killed log the frames begin that its ledger does not hold.
    pending: usize,
}

impl Scene {
    async fn play() -> Self {
        let older = tempfile::tempdir().unwrap();
        let server = start(older.path()).unwrap();
        server.client().deposit("ann", 10).await.unwrap();
        stop(server).await;
        let (killed, answered) = loop {
            let killed = copy(older.path());
            let answered = 50 + deposit_and_kill(killed.path()).await;
            // Several batches have to be in the log only: the last one alone could be a torn write.
            if answered - kept(killed.path(), "SELECT tokens FROM accounts") >= 25 {
                break (killed, answered);
            }
        };
        let clean = copy(killed.path());
        stop(start(clean.path()).unwrap()).await;
        let other = tempfile::tempdir().unwrap();
        deposit_and_kill(other.path()).await;
        let pending = kept(killed.path(), "SELECT position FROM log");
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

/// Pays in until some answers are in the log only, and kills the casino: how many tokens were answered.
async fn deposit_and_kill(folder: &Path) -> i32 {
    let server = start(folder).unwrap();
    let mut client = server.client();
    let mut answered = 0;
    loop {
        for _ in 0..20 {
            client.deposit("ann", 1).await.unwrap();
            answered += 5;
        }
        // The engine takes over what has waited for 50 ms: kill right behind the answers.
        if answered >= 500 {
            server.kill();
            return answered;
        }
    }
}

fn start(folder: &Path) -> Result<Process, String> {
    let store = format!("sqlite:{}", folder.join(LEDGER).display());
    Process::try_start_on(&store, &ARGS)
}

async fn stop(server: Process) {
    let stopping = spawn_blocking(move || {
        server.terminate();
        server.wait()
    });
    let (status, stderr) = stopping.await.unwrap();
    assert!(status.success(), "{stderr}");
}

/// A copy of the folder; the locks are not part of it.
fn copy(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in [LEDGER, WAL, LOG] {
        if folder.join(file).exists() {
            fs::copy(folder.join(file), copy.path().join(file)).unwrap();
        }
    }
    copy
}

/// A number that the ledger itself holds, without its log.
fn kept(folder: &Path, sql: &str) -> i32 {
    let looked_at = copy(folder);
    let tool = Tool::open(looked_at.path().join(LEDGER)).unwrap();
    tool.query_row(sql, [], |row| row.get(0)).unwrap()
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

fn noise(file: &Path) {
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

/// One way to damage a ledger's folder, where it applies.
type Damage = (&'static str, fn(&Path, &Scene));

const LOG_DAMAGE: [Damage; 15] = [
    ("log: a bit of the first pending frame", |folder, scene| {
        flip(&folder.join(LOG), scene.pending + 30);
    }),
    ("log: a bit of its checksum", |folder, scene| {
        flip(&folder.join(LOG), scene.pending);
    }),
    ("log: a bit of its length", |folder, scene| {
        flip(&folder.join(LOG), scene.pending + 5);
    }),
    ("log: a bit of its batch number", |folder, scene| {
        flip(&folder.join(LOG), scene.pending + 17);
    }),
    ("log: the first pending frame zeroed", |folder, scene| {
        zero(&folder.join(LOG), scene.pending, 40);
    }),
    ("log: cut at the first pending frame", |folder, scene| {
        cut(&folder.join(LOG), scene.pending);
    }),
    ("log: cut within it", |folder, scene| {
        cut(&folder.join(LOG), scene.pending + 50);
    }),
    ("log: cut to nothing", |folder, _| cut(&folder.join(LOG), 0)),
    ("log: cut to half", |folder, _| cut(&folder.join(LOG), 8 << 20)),
    ("log: deleted", |folder, _| remove(&folder.join(LOG))),
    ("log: zeroed", |folder, _| {
        zero(&folder.join(LOG), 0, usize::MAX >> 1);
    }),
    ("log: noise", |folder, _| noise(&folder.join(LOG))),
    ("log: an older one", |folder, scene| {
        replace(LOG, folder, &scene.older);
    }),
    ("log: another ledger's", |folder, scene| {
        replace(LOG, folder, &scene.other);
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
    ("ledger: noise", |folder, _| noise(&folder.join(LEDGER))),
    ("ledger: zeroed", |folder, _| {
        zero(&folder.join(LEDGER), 0, usize::MAX >> 1);
    }),
    ("ledger: an older one", |folder, scene| {
        replace(LEDGER, folder, &scene.older);
    }),
    ("ledger: another one", |folder, scene| {
        replace(LEDGER, folder, &scene.other);
        replace(WAL, folder, &scene.other);
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
    ("wal: another ledger's", |folder, scene| {
        replace(WAL, folder, &scene.other);
    }),
];

/// What a casino makes of the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    /// It starts: ann's tokens, and what it logged.
    Started(i32, String),
    /// It refuses, and says why.
    Refused(String),
}

async fn found(folder: &Path) -> Found {
    match start(folder) {
        Ok(server) => {
            let tokens = server.client().wallet("ann").await.tokens;
            // The connection of the client has to be closed meanwhile.
            let stopping = spawn_blocking(move || {
                server.terminate();
                server.wait().1
            });
            Found::Started(tokens, stopping.await.unwrap())
        }
        Err(said) => Found::Refused(said),
    }
}

fn check(folder: &Path) -> (Option<i32>, String) {
    let store = format!("sqlite:{}", folder.join(LEDGER).display());
    let (code, _, stderr) = run(&["check", "--store", &store]);
    (code, stderr)
}

#[tokio::test]
async fn whatever_happens_to_the_files_nothing_is_lost_in_silence() {
    let scene = Scene::play().await;
    let sound = found(copy(scene.killed.path()).path()).await;
    assert!(
        matches!(sound, Found::Started(tokens, _) if tokens == scene.answered),
        "{sound:?}"
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
            scene.clean.path()
        } else {
            scene.killed.path()
        });
        damage(folder.path(), &scene);
        let (checked, complaint) = check(folder.path());
        match found(folder.path()).await {
            Found::Started(tokens, logged) if tokens != scene.answered => {
                let warned = logged.contains("the commit log beside the ledger belongs to another ledger");
                assert!(
                    warned,
                    "{name}: {tokens} of {} tokens, logged: {logged}",
                    scene.answered
                );
            }
            Found::Started(..) => assert_eq!(checked, Some(0), "{name}: {complaint}"),
            Found::Refused(said) => {
                assert_ne!(checked, Some(0), "{name}: {said}");
                assert!(said.contains("casino-server: "), "{name}: {said}");
                assert!(!said.contains("panicked"), "{name}: {said}");
                if name.starts_with("log") {
                    let expected = if is_clean {
                        "belongs to another ledger"
                    } else {
                        "lost"
                    };
                    assert!(said.contains(expected), "{name}: {said}");
                    accept_loss(folder.path(), scene.answered, &name).await;
                }
            }
        }
    }
}

/// After the loss was accepted, the casino starts with what is left.
async fn accept_loss(folder: &Path, answered: i32, name: &str) {
    let store = format!("sqlite:{}", folder.join(LEDGER).display());
    let (code, _, stderr) = run(&["accept-loss", "--store", &store]);
    assert_eq!(code, Some(0), "{name}: {stderr}");
    assert_eq!(check(folder), (Some(0), String::new()), "{name}");
    match found(folder).await {
        Found::Started(tokens, _) => assert!((50..=answered).contains(&tokens), "{name}: {tokens}"),
        Found::Refused(said) => panic!("{name}: {said}"),
    }
}

#[tokio::test]
async fn a_backup_restored_twice_does_not_take_the_log_of_the_discarded_game() {
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
    let Found::Refused(said) = found(folder.path()).await else {
        panic!("the log of a game that was not closed is passed over");
    };
    assert!(
        said.contains("belongs to another ledger, or to another state"),
        "{said}"
    );
    remove(&folder.path().join(LOG));
    deposit_and_kill(folder.path()).await;
    restore(folder.path());
    remove(&folder.path().join(LOG));
    let Found::Started(tokens, _) = found(folder.path()).await else {
        panic!("it is a ledger by itself");
    };
    assert_eq!(tokens, 50);
}

#[tokio::test]
async fn a_hard_link_is_the_same_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).unwrap();
    let elsewhere = tempfile::tempdir_in(folder.path()).unwrap();
    let ledger = folder.path().join(LEDGER);
    let [hard, symbolic] = ["hard", "symbolic"].map(|name| elsewhere.path().join(name));
    fs::hard_link(&ledger, &hard).unwrap();
    std::os::unix::fs::symlink(&ledger, &symbolic).unwrap();
    for link in [hard, symbolic] {
        let store = format!("sqlite:{}", link.display());
        let said = Process::try_start_on(&store, &ARGS).err().expect(&store);
        assert!(said.contains("another casino"), "{said}");
    }
    stop(server).await;
}
