//! The player's side of the state: wallet, orders, ticket, alerts.

pub mod achievements;
pub mod alerts;
pub mod money;
pub mod open_orders;
pub mod order;
pub mod order_log;
pub mod quantity;
pub mod rows;
pub(crate) mod stats;
pub(crate) mod ticket;
pub mod wallet;
