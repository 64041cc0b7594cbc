//! Unit tests of the reducer: a state, keys and messages, and the resulting state.

mod connection;
mod documents;
mod game;
mod history;
mod lab;
mod limits;
mod money;
mod orders;
mod resting;
mod rounds;
mod tour;
mod watch;
mod wire;
