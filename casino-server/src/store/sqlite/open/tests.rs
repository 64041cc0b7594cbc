//! Which files are taken for a ledger, and that those which are not stay as they were.

use std::fs;

use super::*;
use crate::{
    account::Account,
    identity::PlayerName,
    store::{
        Reads,
        sqlite::tests::{Folder, close},
    },
};

#[test]
fn a_second_casino_on_the_file_is_refused_until_the_first_is_gone() {
    let folder = Folder::new();
    let first = folder.open();
    assert!(matches!(folder.refusal(), FileError::InUse));
    // By another name of the same file too.
    let alias = folder.0.path().join("alias.db");
    std::os::unix::fs::symlink(folder.ledger(), &alias).unwrap();
    assert!(matches!(open(&alias).unwrap_err(), FileError::InUse));
    drop(first);
    folder.open();
}

#[test]
fn a_file_of_another_program_is_refused_and_left_alone() {
    let folder = Folder::new();
    let theirs = Connection::open(folder.ledger()).unwrap();
    theirs.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(theirs);
    let before = fs::read(folder.ledger()).unwrap();
    let refusal = folder.refusal();
    assert_eq!(refusal.to_string(), "it is a database of another program");
    assert_eq!(fs::read(folder.ledger()).unwrap(), before);
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = Folder::new();
    let text = "Dear diary, ".repeat(1_000);
    fs::write(folder.ledger(), &text).unwrap();
    assert_eq!(folder.refusal().to_string(), "it is not a SQLite database");
    assert_eq!(fs::read(folder.ledger()).unwrap(), text.as_bytes());
}

#[test]
fn an_empty_file_becomes_a_ledger() {
    let folder = Folder::new();
    fs::write(folder.ledger(), "").unwrap();
    close(folder.open());
}

#[test]
fn a_file_of_a_newer_version_is_refused_in_words() {
    let folder = Folder::new();
    close(folder.open());
    let newer = Connection::open(folder.ledger()).unwrap();
    newer.pragma_update(None, "user_version", 1_000).unwrap();
    drop(newer);
    let newest = newest();
    assert_eq!(
        folder.refusal().to_string(),
        format!("it has format version 1000, newer than {newest}, the newest that this casino knows")
    );
}

#[test]
fn a_path_that_cannot_be_opened_is_refused_in_words() {
    let folder = Folder::new();
    let nowhere = folder.0.path().join("no such folder").join("casino.db");
    assert!(matches!(open(&nowhere).unwrap_err(), FileError::Inaccessible(_)));
    fs::create_dir(folder.ledger()).unwrap();
    assert_eq!(folder.refusal().to_string(), "it cannot be read and written");
}

#[test]
fn the_log_of_a_foreign_file_is_left_alone_too() {
    let theirs = Folder::new();
    let connection = Connection::open(theirs.ledger()).unwrap();
    connection
        .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE theirs (x);")
        .unwrap();
    // What a program that died leaves behind.
    let folder = Folder::new();
    let files = |folder: &Folder| ["casino.db", "casino.db-wal"].map(|name| folder.0.path().join(name));
    for (from, to) in files(&theirs).iter().zip(files(&folder)) {
        fs::copy(from, to).unwrap();
    }
    let read = || files(&folder).map(|path| fs::read(path).unwrap());
    let before = read();
    assert!(!before[1].is_empty());
    assert!(matches!(folder.refusal(), FileError::Foreign));
    assert_eq!(read(), before);
}

#[test]
fn a_new_ledger_is_marked_and_empty() {
    let folder = Folder::new();
    let mut opened = folder.open();
    assert_eq!(opened.store.market().unwrap(), None);
    assert_eq!(
        opened.reads.account(&PlayerName::new("ann").unwrap()).unwrap(),
        Account::default()
    );
    close(opened);
    let plain = Connection::open(folder.ledger()).unwrap();
    let number = |pragma| {
        plain
            .pragma_query_value(None, pragma, |row| row.get::<_, i64>(0))
            .unwrap()
    };
    assert_eq!(number("application_id"), i64::from(APPLICATION_ID));
    assert_eq!(number("user_version"), i64::try_from(newest()).unwrap());
}
