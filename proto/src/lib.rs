//! The gRPC protocol of AwesomeStock: messages, clients and servers generated from the `.proto` files of this
//! folder, and the transport, authentication and server code that all programs share.
//!
//! # Example
//!
//! ```
//! use awesomestock_proto::{casino::{Action, ActionType}, types::User};
//! use prost::Message;
//!
//! let user = Some(User { id: "ann".to_owned() });
//! let action = Action { user, r#type: ActionType::Sell.into(), stocks_count: 3, ..Default::default() };
//! assert_eq!(action.encode_to_vec(), b"\x0a\x05\x0a\x03ann\x10\x01\x18\x03");
//! ```

pub mod auth;
pub mod codec;
pub mod command_line;
pub mod frame;
pub mod request;
pub mod resources;
pub mod server;
pub mod text;
pub mod tls;
pub mod transport;
pub mod values;

pub use values::player;

/// Types of both servers: [`User`](types::User), [`Payment`](types::Payment),
/// [`PaymentStatement`](types::PaymentStatement).
#[allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic
)]
pub mod types {
    tonic::include_proto!("types");
}

/// The casino: its messages, [`casino_client`](casino::casino_client) and
/// [`casino_server`](casino::casino_server).
#[allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic
)]
pub mod casino {
    tonic::include_proto!("casino");

    /// The encoded `FileDescriptorSet` of the casino, for gRPC reflection.
    pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/casino.bin"));
}

/// The casino's server, whose `Gamble` sends [`GambleFrame`](frame::GambleFrame)s instead of messages.
#[allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic
)]
pub mod framed {
    tonic::include_proto!("framed/casino");
}

/// The payments server: [`payment_statements_client`](payment_statements::payment_statements_client) and
/// [`payment_statements_server`](payment_statements::payment_statements_server).
#[allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic
)]
pub mod payment_statements {
    tonic::include_proto!("payment_statements");

    /// The encoded `FileDescriptorSet` of the payments server, for gRPC reflection.
    pub const FILE_DESCRIPTOR_SET: &[u8] =
        include_bytes!(concat!(env!("OUT_DIR"), "/payment_statements.bin"));
}

/// `StockInfo.name` of the market's only stock.
pub const STOCK_NAME: &str = "AwesomeStock";

/// `ActionResult.msg` of an executed action; any other text is a rejection.
pub const EXECUTED_MESSAGE: &str = "operation executed successfully";

/// Capability negotiation of a Gamble stream.
///
/// The request metadata lists wanted feeds; the response metadata lists those that will be sent. Old servers
/// and clients send no such metadata, and use the old protocol.
pub mod capabilities {
    /// Metadata key in request and response: feed names separated by commas.
    pub const HEADER: &str = "awesomestock-feeds";
    /// Metadata key in the request: the session's player in UTF-8. Binary, as names contain any letter.
    pub const USER_HEADER: &str = "awesomestock-user-bin";
    /// Tick number, time and interval with each price.
    pub const TICKS: &str = "ticks";
    /// The wallet at the start and, with outcome and trade, in each result.
    pub const WALLET: &str = "wallet";
    /// Trades of all players.
    pub const TAPE: &str = "tape";
    /// Online players.
    pub const PLAYERS: &str = "players";
    /// Top of the leaderboard, and the player's own rank.
    pub const LEADERBOARD: &str = "leaderboard";
    /// Headlines. Confirmed only by a server whose market has them.
    pub const NEWS: &str = "news";
    /// The server supports limit orders. Adds no messages.
    pub const LIMITS: &str = "limits";
    /// The server executes a request ID once. Adds no messages.
    pub const IDS: &str = "ids";
    /// The server supports orders of up to a count. Adds no messages.
    pub const UP_TO: &str = "up-to";
}
