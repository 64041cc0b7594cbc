//! The casino: one market, one ledger, many seats, over gRPC.
//!
//! Three rings. The core decides and is pure: `quantity`, `identity`, `market`, `history`, `account`, `record`,
//! `receipt`, `audit`, and the ledger's draft. The store keeps what was decided, behind the traits of `store`; the time
//! and the disk are those of the `surroundings`. The shell moves values about: the `workers`, the `gate`, the `ledger`'s
//! books and its flusher's thread, the `table`'s clock, the `seat`s, the `service`.
//!
//! An action: seat -> name and bounds checked -> decided in memory under the ledger's lock -> the open batch -> one
//! transaction -> the answer, from the seat that has kept it. A tick: the table's clock -> the same batch -> stored ->
//! announced to every seat. Reads go beside the ledger and see only what is on disk. `metrics` tells how all that goes.

#![warn(
    clippy::arithmetic_side_effects,
    clippy::cast_lossless,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::float_arithmetic
)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

mod account;
mod address;
mod allowance;
mod audit;
mod casino;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
#[path = "../fuzz/checks.rs"]
pub mod checks;
mod clock;
mod company;
pub mod config;
mod feeds;
mod front;
mod gate;
mod history;
mod house;
mod identity;
mod ledger;
mod limits;
mod market;
mod metrics;
mod operator;
mod options;
mod paging;
mod quantity;
mod reader;
mod receipt;
mod record;
mod rest;
mod seat;
mod service;
mod statements;
mod status;
mod store;
mod surroundings;
mod table;
mod unread;
#[doc(hidden)]
pub mod unwired;
mod upkeep;
mod watching;
mod wire;
mod workers;

pub use address::{Address, BadAddress, Database};
pub use audit::{Difference, Totals};
pub use casino::{Casino, OpenError, ServeError};
pub use clock::Clock;
pub use ledger::LedgerFailure;
pub use limits::Limits;
pub use market::{Model, UnknownModel};
pub use metrics::Metrics;
pub use operator::{Release, ReleaseError, release};
pub use options::{
    HOUSE_MAX, INITIAL_PRICE_DEFAULT, Options, OutOfBounds, TICK_DEFAULT, TICK_MAX, TICK_MIN, checked_tick,
};
pub use statements::PaymentsServer;
pub use surroundings::{Disk, Surroundings};
pub use upkeep::{UpkeepError, backup, check, check_database};
pub use workers::Workers;
