//! Whose names they are.

use super::*;

#[test]
fn a_name_that_is_released_is_nobodys() {
    let folder = Folder::new();
    let mut opened = folder.open();
    let batch = Batch {
        claims: vec![claim("ann")],
        ..Batch::default()
    };
    opened.store.commit(&batch).unwrap();
    assert_eq!(opened.reads.owner(&name("ann")).unwrap(), Some(claim("ann").key));
    let releases = ["ann", "ann", "bob"].map(|player| opened.store.release(&name(player)).unwrap());
    assert_eq!(releases, [true, false, false]);
    assert_eq!(opened.reads.owner(&name("ann")).unwrap(), None);
}

#[test]
fn a_ledger_from_before_claims_is_taken_over() {
    let folder = Folder::new();
    let older = rusqlite::Connection::open(folder.ledger()).unwrap();
    older.execute_batch(migrations::VERSION_1).unwrap();
    older
        .pragma_update(None, "application_id", migrations::APPLICATION_ID)
        .unwrap();
    older.pragma_update(None, "user_version", 1).unwrap();
    drop(older);
    let opened = folder.open();
    assert_eq!(opened.reads.owner(&name("ann")).unwrap(), None);
}
