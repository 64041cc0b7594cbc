//! Panels of the main screen, one file each.

pub(crate) mod connection;
pub(crate) mod footer;
pub(crate) mod header;
pub(crate) mod lab;
pub(crate) mod lobby;
pub(crate) mod log;
pub(crate) mod ticket;
pub(crate) mod ticks;
pub(crate) mod toast;
pub(crate) mod wallet;
pub(crate) mod wire;
