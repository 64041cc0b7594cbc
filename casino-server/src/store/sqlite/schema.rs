//! The file format and its migrations. Released migrations never change; add new ones at the end.

use rusqlite::{Connection, TransactionBehavior};

/// `AwSt`, the file's `application_id`.
pub(super) const APPLICATION_ID: i32 = 0x4177_5374;

pub(super) const MIGRATIONS: [&str; 8] = [
    include_str!("../../../migrations/sqlite/1.sql"),
    include_str!("../../../migrations/sqlite/2.sql"),
    include_str!("../../../migrations/sqlite/3.sql"),
    include_str!("../../../migrations/sqlite/4.sql"),
    include_str!("../../../migrations/sqlite/5.sql"),
    include_str!("../../../migrations/sqlite/6.sql"),
    include_str!("../../../migrations/sqlite/7.sql"),
    include_str!("../../../migrations/sqlite/8.sql"),
];

pub(super) fn newest() -> usize {
    MIGRATIONS.len()
}

/// Migrates the file to the newest version atomically.
pub(super) fn migrate(connection: &mut Connection, version: usize) -> rusqlite::Result<()> {
    if version == newest() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for migration in MIGRATIONS.iter().skip(version) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", i64::try_from(newest()).unwrap_or(i64::MAX))?;
    transaction.commit()
}
