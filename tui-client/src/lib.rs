//! AwesomeStock, the terminal client.
//!
//! Three rings, each in its place:
//! - [`app`] decides: state, events, effects and the reducer between them. Pure.
//! - [`ui`] shows: it draws the state and changes nothing.
//! - [`shell`] moves: terminal, stream, calls and the loop that joins them. It decides nothing.
//!
//! [`client`] speaks the contract for [`shell`], for [`plain`], the game without a screen, and for [`oneshot`], which
//! does one thing; [`keyring`] keeps the keys to the player's names; [`solo`] holds the servers of a game alone; [`recording`] keeps a session in a file. [`cli`] and
//! [`config`] say what is done, [`run`] does it; [`doctor`] says what is in the way.

#[cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::float_arithmetic))]
pub mod app;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
#[path = "../fuzz/checks.rs"]
pub mod checks;
pub mod cli;
pub mod client;
pub mod config;
pub mod doctor;
pub mod journal;
pub mod key;
pub mod keyring;
pub mod oneshot;
pub mod plain;
pub mod recording;
pub mod report;
pub mod run;
pub mod shell;
pub mod solo;
pub mod text;
pub mod ui;

// The checks are taken by tests outside this crate too, and name it as those do.
#[cfg(any(test, feature = "fuzzing"))]
extern crate self as awesomestock;
