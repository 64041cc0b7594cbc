//! The `check` and `backup` commands: on a stopped ledger, during play, and after a kill.

// The load generator of the benchmark needs the same exemptions.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::large_futures,
    dead_code
)]

#[path = "../benches/load/histogram.rs"]
mod histogram;
#[path = "../benches/load/http2.rs"]
mod http2;
#[path = "support/load.rs"]
mod load;
mod support;

use std::fs;
use std::path::Path;

use load::{LoadPlayers, names};
use rusqlite::Connection as Sqlite;
use support::process::{CasinoProcess, run};
use support::{CasinoClientExt, ledger_path, tampering};

/// Runs `check` on the ledger at `store`. Returns exit code, stdout and stderr.
fn check(store: &Path) -> (Option<i32>, String, String) {
    run(&["check", "--store", &format!("sqlite:{}", store.display())])
}

/// Runs `backup` of the ledger at `store` to `copy`.
fn backup(store: &Path, copy: &Path) -> (Option<i32>, String, String) {
    let store = format!("sqlite:{}", store.display());
    run(&["backup", copy.to_str().unwrap(), "--store", &store])
}

/// Asserts that the ledger at `store` passes the check. Returns the printed totals.
fn assert_consistent(store: &Path) -> String {
    let (code, stdout, stderr) = check(store);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    stdout
}

/// Creates a ledger with a sample game and shuts down cleanly.
async fn create_sample(store: &Path) {
    let server = CasinoProcess::start(store, &["--seed", "3", "--tick", "10ms", "--max-actions", "0"]);
    let mut client = server.client();
    tampering::play_sample(&mut client).await;
    // Enough trades for more than one page index.
    let mut session = client.open_session("ann", "").await;
    for _ in 0..600 {
        session.send(support::buy("ann", 1)).await;
    }
    for _ in 0..600 {
        session.next_result().await;
    }
    server.terminate();
    assert_eq!(server.wait().0.code(), Some(0));
}

/// Changes of the ledger of [`create_sample`] in addition to [those of any engine](tampering::TAMPERING), and the
/// difference that `check` must report for each.
const TAMPERING: [(&str, &str); 8] = [
    (
        "UPDATE sheets SET price = price + 1 WHERE id = 3",
        "sheet 3: price of tick ",
    ),
    (
        "UPDATE sheets SET trades = replace(trades, '[[1,1,5,', '[[1,1,6,')",
        "ann: tokens: expected ",
    ),
    (
        "UPDATE sheets SET trades = replace(trades, '[[1,2,', '[[1,9,')",
        "ann: trade number: expected 2, found 9",
    ),
    (
        "UPDATE sheets SET trades = replace(trades, '[[2,2,', '[[7,2,')",
        "account 7: trade 2: expected an account, found none",
    ),
    (
        "DELETE FROM sheets WHERE id = (SELECT max(id) FROM sheets)",
        "ann: sheet: expected ",
    ),
    ("DELETE FROM bookmarks", "ann: bookmark of trade 512: expected "),
    (
        "DELETE FROM ticks WHERE number = 1",
        "tick 2: number: expected 1, found 2",
    ),
    (
        "PRAGMA foreign_keys = OFF; DELETE FROM accounts WHERE name = 'bob'",
        "account 2: payment 1: expected an account, found none",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn check_detects_tampering() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, store) = (ledger_path(&folder), folder.path().join("changed.db"));
    create_sample(&whole).await;
    assert!(assert_consistent(&whole).starts_with("2 players, 2 payments, 612 trades, "));
    for (change, expected) in tampering::TAMPERING.into_iter().chain(TAMPERING) {
        fs::copy(&whole, &store).unwrap();
        Sqlite::open(&store).unwrap().execute_batch(change).unwrap();
        let (code, stdout, stderr) = check(&store);
        assert_eq!(code, Some(1), "{change}: {stdout}");
        assert!(stdout.contains(expected), "{change}: {expected}: {stdout}");
        assert!(stderr.contains("difference"), "{stderr}");
    }
}

#[test]
fn unreadable_ledgers_are_reported_and_nothing_is_created() {
    let folder = tempfile::tempdir().unwrap();
    let (missing, diary) = (ledger_path(&folder), folder.path().join("diary"));
    fs::write(&diary, "Dear diary, ".repeat(1_000)).unwrap();
    for (store, message) in [
        (
            &missing,
            "cannot be read: it cannot be read and written: No such file",
        ),
        (&diary, "cannot be read: it is not a SQLite database"),
    ] {
        let copy = folder.path().join("copy.db");
        for (code, stdout, stderr) in [check(store), backup(store, &copy)] {
            assert_eq!((code, stdout.as_str()), (Some(1), ""));
            assert!(stderr.contains(message), "{stderr}");
        }
    }
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_during_play_passes_the_check_and_has_every_answered_action() {
    let folder = tempfile::tempdir().unwrap();
    let store = ledger_path(&folder);
    let args = ["--tick", "50ms", "--seed", "3", "--max-actions", "0"];
    let server = CasinoProcess::start(&store, &args);
    let (mut client, names) = (server.client(), names(8));
    for name in &names {
        client.deposit(name, 100_000_000).await.unwrap();
    }
    let players = LoadPlayers::play(&server.address.to_string(), &names, 16).await;
    for round in 0..4 {
        let answered = client.wallet("p0").await;
        let copy = folder.path().join(format!("copy{round}.db"));
        let (code, stdout, stderr) = backup(&store, &copy);
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        assert!(stdout.contains(" is copied to "), "{stdout}");
        assert_consistent(&store);
        assert_consistent(&copy);
        let version: i64 = Sqlite::open(&copy)
            .unwrap()
            .query_row("SELECT version FROM accounts WHERE name = 'p0'", [], |row| {
                row.get(0)
            })
            .unwrap();
        assert!(version >= answered.version, "{version} {answered:?}");
    }
    server.kill();
    players.until_disconnected().await;

    // The backup also contains what a killed casino left in its log, and can be played on.
    let (killed, copy) = (assert_consistent(&store), folder.path().join("dead.db"));
    assert_eq!(backup(&store, &copy).0, Some(0));
    let copied = assert_consistent(&copy);
    assert_eq!(killed.split(';').next(), copied.split(';').next());
    let (again, original) = (
        CasinoProcess::start(&copy, &args),
        CasinoProcess::start(&store, &args),
    );
    for name in &names {
        let (copied, expected) = (
            again.client().wallet(name).await,
            original.client().wallet(name).await,
        );
        assert_eq!(copied, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_never_overwrites_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let (store, copy) = (ledger_path(&folder), folder.path().join("copy.db"));
    create_sample(&store).await;
    fs::write(&copy, "precious").unwrap();
    let (code, _, stderr) = backup(&store, &copy);
    assert_eq!(code, Some(1));
    assert!(
        stderr.contains("exists, and a backup never overwrites a file"),
        "{stderr}"
    );
    assert_eq!(fs::read_to_string(&copy).unwrap(), "precious");

    let missing = folder.path().join("missing").join("copy.db");
    let (code, _, stderr) = backup(&store, &missing);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("cannot be written: No such file"), "{stderr}");
    let left = fs::read_dir(folder.path()).unwrap();
    assert!(
        left.flatten()
            .all(|entry| entry.path().extension().unwrap() != "part")
    );
}
