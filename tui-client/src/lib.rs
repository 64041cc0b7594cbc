//! AwesomeStock, the terminal client.
//!
//! - [`app`]: state, events, effects and the pure reducer.
//! - [`ui`]: draws the state.
//! - [`runtime`]: event loop, terminal, tasks and the connection.
//! - [`client`]: the gRPC client.
//! - [`headless`]: line mode, one-shot commands, challenges, and casts of recordings.
//! - [`storage`]: keys, recordings, casts and the log file.
//! - [`cli`], [`run`] and [`solo`]: configuration, start, and the servers of a solo game.
//!
//! # Example
//!
//! Opens a session in memory and plays one order:
//!
//! ```
//! use std::time::Duration;
//!
//! use awesomestock::{
//!     app::{commands::request::Request, event::StreamEvent, portfolio::money::Side},
//!     client::{Client, Order, Terms},
//!     solo::{self, SoloOptions},
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> anyhow::Result<()> {
//! let options = SoloOptions { tick: Duration::from_secs(1), initial_price: None, seed: Some(1), market: None, house: 0 };
//! let folder = tempfile::tempdir()?;
//! let (casino, servers) = solo::open(options, folder.path()).await?;
//! let client = Client::new(casino, "ann".to_owned(), None);
//! client.call(Request::BuyTokens(10)).await.unwrap();
//!
//! let (mut session, orders) = client.open_session().await.unwrap();
//! orders.send(Order::new(Side::Buy, 2, Terms::Market)).await?;
//! let result = loop {
//!     if let StreamEvent::Result(result) = session.next().await.unwrap() {
//!         break result;
//!     }
//! };
//! assert!(result.executed);
//! servers.close().await
//! # }
//! ```

// No code path may panic, except in tests.
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// Only the programs and tests of this workspace use the library.
#![allow(missing_docs)]

#[cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::float_arithmetic))]
pub mod app;
pub mod cli;
pub mod client;
pub mod headless;
pub mod run;
pub mod runtime;
pub mod solo;
pub mod storage;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod testkit;
pub mod ui;

// Tests outside this crate share the checks, and refer to the crate by name.
#[cfg(any(test, feature = "fuzzing"))]
extern crate self as awesomestock;
