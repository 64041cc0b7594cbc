//! Claims.

use super::*;

#[test]
fn a_released_name_is_unclaimed() {
    let folder = Folder::new();
    let mut ledger = folder.open();
    let batch = Batch {
        claims: vec![claim("ann")],
        ..Batch::default()
    };
    ledger.store.commit(&batch).unwrap();
    assert_eq!(
        ledger.reads.claim_owner(&values::player("ann")).unwrap(),
        Some(claim("ann").key)
    );
    let releases =
        ["ann", "ann", "bob"].map(|player| ledger.store.release_claim(&values::player(player)).unwrap());
    assert_eq!(releases, [true, false, false]);
    assert_eq!(ledger.reads.claim_owner(&values::player("ann")).unwrap(), None);
}

#[test]
fn a_ledger_without_claims_is_migrated() {
    let folder = Folder::new();
    let older = Connection::open(folder.ledger()).unwrap();
    older.execute_batch(schema::MIGRATIONS[0]).unwrap();
    older
        .pragma_update(None, "application_id", APPLICATION_ID)
        .unwrap();
    older.pragma_update(None, "user_version", 1).unwrap();
    drop(older);
    let ledger = folder.open();
    assert_eq!(ledger.reads.claim_owner(&values::player("ann")).unwrap(), None);
}
