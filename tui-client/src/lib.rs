//! AwesomeStock, the terminal client.
//!
//! - [`app`]: state, events, effects and the pure reducer.
//! - [`ui`]: draws the state.
//! - [`runtime`]: event loop, terminal, tasks and the connection.
//! - [`client`]: the gRPC client.
//! - [`headless`]: line mode and one-shot commands.
//! - [`storage`]: keys, recordings and the log file.
//! - [`cli`], [`run`] and [`solo`]: configuration, start, and the servers of a solo game.

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
