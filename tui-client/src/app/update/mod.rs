//! Applies events to the state: input, commands, server messages, documents.

pub(crate) mod command;
pub(crate) mod document;
mod fills;
pub(crate) mod input;
mod order_keys;
mod orders;
pub(crate) mod round;
pub(crate) mod send;
pub(crate) mod server;
pub(crate) mod wire;
