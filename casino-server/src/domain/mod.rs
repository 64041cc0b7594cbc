//! The rules of the game, without clock, disk or network.

pub(crate) mod account;
pub(crate) mod audit;
pub(crate) mod bot;
pub(crate) mod candles;
pub(crate) mod credential;
pub(crate) mod market;
pub(crate) mod money;
pub(crate) mod order;
pub(crate) mod player;
pub(crate) mod rate_limit;
pub(crate) mod round;
