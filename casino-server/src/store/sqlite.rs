//! The ledger in SQLite: one file in WAL mode, one writing connection, a few reading ones.
//!
//! Owns the file, its lock and its format. A transaction syncs the log (`synchronous=FULL`) before it returns, and readers
//! see a transaction only after that sync.

mod audit;
mod checkpoint;
mod copy;
mod migrations;
mod open;
mod reads;
mod receipts;
mod rollup;
mod rows;
mod sheet;
mod writes;

#[cfg(test)]
mod tests;

pub(crate) use copy::Snapshot;
pub(crate) use open::{FileError, Opened, open};
pub(crate) use reads::SqliteReads;
