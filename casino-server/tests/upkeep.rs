//! The books looked through and copied, by the real commands: at rest, while everybody plays, and after a kill.

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
    dead_code
)]

#[path = "../benches/load/histogram.rs"]
mod histogram;
#[path = "../benches/load/http2.rs"]
mod http2;
#[path = "support/load.rs"]
mod load;
mod support;

use std::{fs, path::Path};

use load::{Crowd, names};
use rusqlite::Connection as Tool;
use support::{
    Asks, books, ledger_in,
    process::{Process, run},
};

/// Runs `check` on the ledger at `store`: exit code, and what it says on both streams.
fn check(store: &Path) -> (Option<i32>, String, String) {
    run(&["check", "--store", &format!("sqlite:{}", store.display())])
}

/// Runs `backup` of the ledger at `store` to `copy`.
fn backup(store: &Path, copy: &Path) -> (Option<i32>, String, String) {
    let store = format!("sqlite:{}", store.display());
    run(&["backup", copy.to_str().unwrap(), "--store", &store])
}

/// That the ledger at `store` is in order; its totals.
fn sound(store: &Path) -> String {
    let (code, stdout, stderr) = check(store);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    stdout
}

/// A ledger with some play in it, left in order.
async fn played(store: &Path) {
    let server = Process::start(store, &["--seed", "3", "--tick", "10ms", "--max-actions", "0"]);
    let mut client = server.client();
    books::play(&mut client).await;
    // More than one bookmark's way.
    let mut seat = client.sit("ann", "").await;
    for _ in 0..600 {
        seat.act(support::buy("ann", 1)).await;
    }
    for _ in 0..600 {
        seat.result().await;
    }
    server.terminate();
    assert_eq!(server.wait().0.code(), Some(0));
}

/// Changes of the books as [`played`] leaves them, beside [those of any ledger](books::CHANGES), and what has to be told
/// of each.
const CHANGES: [(&str, &str); 8] = [
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
async fn whatever_is_changed_in_the_books_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, store) = (ledger_in(&folder), folder.path().join("changed.db"));
    played(&whole).await;
    assert!(sound(&whole).starts_with("2 players, 2 payments, 612 trades, "));
    for (change, told) in books::CHANGES.into_iter().chain(CHANGES) {
        fs::copy(&whole, &store).unwrap();
        Tool::open(&store).unwrap().execute_batch(change).unwrap();
        let (code, stdout, stderr) = check(&store);
        assert_eq!(code, Some(1), "{change}: {stdout}");
        assert!(stdout.contains(told), "{change}: {told}: {stdout}");
        assert!(stderr.contains("differences in "), "{stderr}");
    }
}

#[test]
fn what_cannot_be_read_is_said_in_words_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let (missing, diary) = (ledger_in(&folder), folder.path().join("diary"));
    fs::write(&diary, "Dear diary, ".repeat(1_000)).unwrap();
    for (store, said) in [
        (
            &missing,
            "cannot be read: it cannot be read and written: No such file",
        ),
        (&diary, "cannot be read: it is not a SQLite database"),
    ] {
        let copy = folder.path().join("copy.db");
        for (code, stdout, stderr) in [check(store), backup(store, &copy)] {
            assert_eq!((code, stdout.as_str()), (Some(1), ""));
            assert!(stderr.contains(said), "{stderr}");
        }
    }
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_made_in_the_middle_of_play_is_a_sound_ledger_with_all_that_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let store = ledger_in(&folder);
    let args = ["--tick", "50ms", "--seed", "3", "--max-actions", "0"];
    let server = Process::start(&store, &args);
    let (mut client, names) = (server.client(), names(8));
    for name in &names {
        client.deposit(name, 100_000_000).await.unwrap();
    }
    let crowd = Crowd::play(&server.address.to_string(), &names, 16).await;
    for round in 0..4 {
        let answered = client.wallet("p0").await;
        let copy = folder.path().join(format!("copy{round}.db"));
        let (code, stdout, stderr) = backup(&store, &copy);
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        assert!(stdout.contains(" is copied to "), "{stdout}");
        sound(&store);
        sound(&copy);
        let version: i64 = Tool::open(&copy)
            .unwrap()
            .query_row("SELECT version FROM accounts WHERE name = 'p0'", [], |row| {
                row.get(0)
            })
            .unwrap();
        assert!(version >= answered.version, "{version} {answered:?}");
    }
    server.kill();
    crowd.gone().await;

    // What a killed casino has left in its log is in the copy too, and the copy can be played on.
    let (dead, copy) = (sound(&store), folder.path().join("dead.db"));
    assert_eq!(backup(&store, &copy).0, Some(0));
    let copied = sound(&copy);
    assert_eq!(dead.split(';').next(), copied.split(';').next());
    let (again, original) = (Process::start(&copy, &args), Process::start(&store, &args));
    for name in &names {
        let (copied, kept) = (
            again.client().wallet(name).await,
            original.client().wallet(name).await,
        );
        assert_eq!(copied, kept);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_never_written_over_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let (store, copy) = (ledger_in(&folder), folder.path().join("copy.db"));
    played(&store).await;
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
