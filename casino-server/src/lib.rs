//! The casino server: one market and one ledger for many players, over gRPC.
//!
//! Dependencies point one way: `server` → `grpc` → `ledger`, `feed` → `store` → `domain`.
//!
//! An action is read by its session (`grpc`), checked, executed in memory under the ledger's lock and added to the open
//! batch. The session sends the answer after the batch is committed. A tick goes through the same batches and is
//! published to all sessions after its commit. Reads bypass the ledger and see committed data only.
//!
//! # Example
//!
//! Serves a casino on a listener:
//!
//! ```
//! use awesomestock_proto::{casino::casino_client::CasinoClient, server, transport, types};
//! use casino_server::{Casino, Options};
//! use tokio::net::TcpListener;
//! use tokio_util::sync::CancellationToken;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> anyhow::Result<()> {
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! let url = format!("http://{}", listener.local_addr()?);
//! let folder = tempfile::tempdir()?;
//! // Only statements need the payments server.
//! let payments = transport::endpoint("http://127.0.0.1:10001")?.connect_lazy();
//! let casino = Casino::open(Options::new(folder.path().join("casino.db")), payments).await?;
//! let shutdown = CancellationToken::new();
//! let serving = tokio::spawn(casino.serve(server::incoming(listener), shutdown.clone()));
//!
//! let mut client = CasinoClient::new(transport::endpoint(&url)?.connect_lazy());
//! let user = Some(types::User { id: "ann".to_owned() });
//! let payment = types::Payment { user, amount: 10, ..Default::default() };
//! assert_eq!(client.buy_tokens(payment).await?.into_inner().count, 50);
//!
//! shutdown.cancel();
//! Ok(serving.await??)
//! # }
//! ```

// No code path may panic, except in tests.
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
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
#![cfg_attr(
    not(feature = "postgres"),
    allow(
        dead_code,
        reason = "only casinos that share a database use ledger::cluster and its feeds"
    )
)]

pub(crate) mod admin;
pub mod config;
mod domain;
mod feed;
mod grpc;
mod ledger;
mod server;
mod store;
#[doc(hidden)]
pub mod testkit;

pub use self::admin::release::{ReleaseOutcome, accept_loss, release};
pub use self::admin::{AdminError, backup, check};
pub use self::config::clock::Clock;
pub use self::config::environment::{Disk, Environment};
pub use self::config::limits::Limits;
pub use self::config::options::{
    BOTS_MAX, OptionError, Options, STAKE_MAX, TICK, TICK_DEFAULT, validate_tick,
};
pub use self::config::payments_endpoint::PaymentsEndpoint;
pub use self::config::store_url::{StoreUrl, StoreUrlError};
pub use self::domain::audit::{AuditTotals, Mismatch};
pub use self::domain::market::{PriceModel, UnknownModel, market_prices};
pub use self::grpc::operator::OperatorService;
pub use self::ledger::LedgerFailure;
pub use self::server::metrics::Metrics;
pub use self::server::workers::Workers;
pub use self::server::{Casino, OpenError, ServeError};
