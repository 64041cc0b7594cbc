//! The format of the file, version by version.
//!
//! `PRAGMA user_version` counts the migrations a file has had. A migration that has been released is never changed;
//! the format changes by a new one at the end.

use rusqlite::{Connection, TransactionBehavior};

/// "AwSt": marks a file as ours, in `PRAGMA application_id`.
pub(super) const APPLICATION_ID: i32 = 0x4177_5374;

/// What brings a file from version n to n + 1.
const MIGRATIONS: [&str; 5] = [VERSION_1, VERSION_2, VERSION_3, VERSION_4, VERSION_5];

/// The version this build writes.
pub(super) fn newest() -> usize {
    MIGRATIONS.len()
}

/// Accounts, their entries, the market and its ticks.
///
/// Dollars and tokens are whole numbers; `at_unix_ms` is milliseconds since the Unix epoch, UTC; a market's seed is
/// its 64 bits as a signed number; a trade's side is 0 for a buy and 1 for a sell. Payments lie beside the other
/// payments of their account, in order, because that is how they are read. Trades are too many for that: they are
/// written by the sheet, as JSON, and `accounts.sheet` leads to an account's newest sheet, which leads to the one
/// before. `bookmarks` lead to some sheets in between. The view `trades` shows each trade as a row.
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

/// Up to where the commit log beside the file has been taken over into it.
const VERSION_2: &str = "
CREATE TABLE log (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL,
    batch INTEGER NOT NULL,
    position INTEGER NOT NULL
) STRICT;
INSERT INTO log VALUES (1, 0, 0, 0);
";

/// Candles, for the old part of the price's past.
///
/// A candle stands for `ticks` ticks from `first` on, which are then no longer in `ticks`; `size` says which kind it
/// is of, and orders the two kinds apart.
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

/// Whose names they are: the SHA-256 of each claimed name's key. A name needs no account to be claimed.
const VERSION_4: &str = "
CREATE TABLE claims (
    name TEXT PRIMARY KEY,
    key_sha256 BLOB NOT NULL CHECK (length(key_sha256) = 32),
    at_unix_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// What requests with ids were answered, by the row: those of an account that came together, as bytes. A row's number
/// is that of its last receipt among those of the account.
const VERSION_5: &str = "
CREATE TABLE receipts (
    account INTEGER NOT NULL REFERENCES accounts (id),
    number INTEGER NOT NULL CHECK (number >= 1),
    receipts BLOB NOT NULL,
    PRIMARY KEY (account, number)
) STRICT, WITHOUT ROWID;
";

/// Brings a file of `version` to the newest, all the way or not at all.
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
