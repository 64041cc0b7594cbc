//! The file format and its migrations. Released migrations never change; add new ones at the end.

use rusqlite::{Connection, TransactionBehavior};

/// `AwSt`, the file's `application_id`.
pub(super) const APPLICATION_ID: i32 = 0x4177_5374;

const MIGRATIONS: [&str; 6] = [VERSION_1, VERSION_2, VERSION_3, VERSION_4, VERSION_5, VERSION_6];

pub(super) fn newest() -> usize {
    MIGRATIONS.len()
}

/// `at_unix_ms` is in UTC; a seed is stored as a signed number; a side is 0 for a buy and 1 for a sell. `sheets`
/// holds pages of trades as JSON, linked from an account's newest page (`accounts.sheet`) to its first; `bookmarks`
/// index some pages. The view `trades` shows each trade as a row.
pub(super) const VERSION_1: &str = "
CREATE TABLE market (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    model TEXT NOT NULL,
    seed INTEGER NOT NULL
) STRICT;
CREATE TABLE ticks (
    number INTEGER PRIMARY KEY CHECK (number >= 0),
    price INTEGER NOT NULL CHECK (price BETWEEN 1 AND 2147483647),
    at_unix_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE accounts (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    tokens INTEGER NOT NULL CHECK (tokens BETWEEN 0 AND 2147483647),
    stocks INTEGER NOT NULL CHECK (stocks BETWEEN 0 AND 2147483647),
    cost_basis INTEGER NOT NULL CHECK (cost_basis >= 0),
    realised_pnl INTEGER NOT NULL,
    dollars_in INTEGER NOT NULL CHECK (dollars_in >= 0),
    dollars_out INTEGER NOT NULL CHECK (dollars_out >= 0),
    version INTEGER NOT NULL,
    payments INTEGER NOT NULL,
    trades INTEGER NOT NULL,
    sheet INTEGER NOT NULL
) STRICT;
CREATE TABLE payments (
    account INTEGER NOT NULL REFERENCES accounts (id),
    number INTEGER NOT NULL CHECK (number >= 1),
    amount INTEGER NOT NULL CHECK (amount <> 0),
    at_unix_ms INTEGER NOT NULL,
    PRIMARY KEY (account, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE sheets (
    id INTEGER PRIMARY KEY,
    tick INTEGER NOT NULL,
    price INTEGER NOT NULL CHECK (price >= 1),
    at_unix_ms INTEGER NOT NULL,
    trades TEXT NOT NULL
) STRICT;
CREATE TABLE bookmarks (
    account INTEGER NOT NULL,
    number INTEGER NOT NULL,
    sheet INTEGER NOT NULL,
    PRIMARY KEY (account, number)
) STRICT, WITHOUT ROWID;
CREATE VIEW trades (account, number, side, stocks, price, tick, at_unix_ms, sheet) AS
    SELECT trade.value ->> 0, trade.value ->> 1, (trade.value ->> 2) < 0, abs(trade.value ->> 2), sheets.price,
        sheets.tick, sheets.at_unix_ms, sheets.id
    FROM sheets, json_each(sheets.trades) AS trade;
";

/// Position up to which the commit log is applied.
const VERSION_2: &str = "
CREATE TABLE log (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL,
    batch INTEGER NOT NULL,
    position INTEGER NOT NULL
) STRICT;
INSERT INTO log VALUES (1, 0, 0, 0);
";

/// A candle replaces `ticks` ticks from `first` on. `size` is the kind of the candle.
const VERSION_3: &str = "
CREATE TABLE candles (
    size INTEGER NOT NULL,
    first INTEGER NOT NULL CHECK (first >= 0),
    ticks INTEGER NOT NULL CHECK (ticks BETWEEN 1 AND size),
    open INTEGER NOT NULL CHECK (open BETWEEN low AND high),
    high INTEGER NOT NULL CHECK (high <= 2147483647),
    low INTEGER NOT NULL CHECK (low >= 1),
    close INTEGER NOT NULL CHECK (close BETWEEN low AND high),
    since_unix_ms INTEGER NOT NULL,
    until_unix_ms INTEGER NOT NULL,
    PRIMARY KEY (size, first)
) STRICT, WITHOUT ROWID;
";

/// Claimed names. A claim needs no account.
const VERSION_4: &str = "
CREATE TABLE claims (
    name TEXT PRIMARY KEY,
    key_sha256 BLOB NOT NULL CHECK (length(key_sha256) = 32),
    at_unix_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// Answers to requests with IDs, as bytes. The number is that of the row's last answer.
const VERSION_5: &str = "
CREATE TABLE receipts (
    account INTEGER NOT NULL REFERENCES accounts (id),
    number INTEGER NOT NULL CHECK (number >= 1),
    receipts BLOB NOT NULL,
    PRIMARY KEY (account, number)
) STRICT, WITHOUT ROWID;
";

/// Whether the file holds everything without its log: 1 after a clean stop, 0 while open, null if unknown.
const VERSION_6: &str = "
ALTER TABLE log ADD COLUMN closed INTEGER CHECK (closed IN (0, 1));
";

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
