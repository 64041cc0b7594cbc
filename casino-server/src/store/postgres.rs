//! The ledger in PostgreSQL: one database, any number of casinos that write it.
//!
//! Owns the tables, the sessions, and what may be tried again after a failure. Nobody has the ledger for himself, so what
//! a batch is decided on is read and locked in the transaction that writes it. A transaction is on disk when COMMIT
//! returns: a session that finds `synchronous_commit` off turns it on.

mod audit;
mod claims;
mod company;
mod connect;
mod ears;
mod failure;
mod market;
mod migrations;
mod open;
mod reads;
mod rollup;
mod rows;
mod seats;
mod tls;
mod transact;

pub(crate) use self::{
    audit::audit,
    claims::release,
    company::{PostgresCompany, PostgresRanks},
    ears::{Claimed, Ears},
    market::{Led, PostgresMarket},
    open::{Opened, open},
    seats::{PostgresSeats, SeatsHere},
    transact::{Allowances, Loaded, LoadedAccount, PostgresStore, Wanted},
};
