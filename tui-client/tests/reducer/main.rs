//! Journeys through the reducer: what was before, which keys and messages came, what is afterwards.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod connection;
mod game;
mod limits;
mod money;
mod orders;
mod past;
mod reading;
