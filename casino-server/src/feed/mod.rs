//! Data published to sessions: the price and the lobby feeds.

pub(crate) use awesomestock_proto::capabilities;

pub(crate) mod accounts;
pub(crate) mod lobby;
pub(crate) mod price;
pub(crate) mod rounds;
pub(crate) mod sessions;
pub(crate) mod waker_set;
