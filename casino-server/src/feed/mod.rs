//! Data sent to sessions: prices, lobby feeds, rounds and account changes.

pub(crate) mod accounts;
pub(crate) mod lobby;
pub(crate) mod price;
pub(crate) mod rounds;
pub(crate) mod wakers;
