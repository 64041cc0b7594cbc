//! The wire contract of AwesomeStock: messages, clients and servers made from the `.proto` files of this folder.
//!
//! Owns what crosses the wire and its names. It knows no rule of the game: which amounts are allowed, what a trade
//! does and how a statement looks is decided by those who speak the contract. Wire types stop at the border of each
//! crate; its core has types of its own. What they say in text is made fit to be shown by [`text`].

pub mod credentials;
pub mod names;
pub mod serving;
pub mod text;
pub mod tls;
pub mod transport;

/// Words shared by both servers: [`User`](types::User), [`Payment`](types::Payment),
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
}

/// The encoded `FileDescriptorSet` of the contract, for gRPC reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// The one stock of the market, as `StockInfo.name` spells it.
pub const STOCK_NAME: &str = "AwesomeStock";

/// `ActionResult.msg` of an executed action, to the letter; everything else is a refusal.
pub const EXECUTED_MESSAGE: &str = "operation executed successfully";

/// How a client asks for more than the old contract when it opens a Gamble stream.
///
/// The request metadata names feeds; the response metadata names those that will be sent. An old server sends no such
/// metadata, an old client neither, and both get the old contract.
pub mod feeds {
    /// Metadata key, in request and response: feed names separated by commas.
    pub const KEY: &str = "awesomestock-feeds";
    /// Metadata key, in the request: the player whose seat it is, UTF-8. Binary, because names hold any letter.
    pub const USER_KEY: &str = "awesomestock-user-bin";
    /// Tick number, time and interval with each price.
    pub const TICKS: &str = "ticks";
    /// The wallet on joining and, with outcome and trade, in each result.
    pub const WALLET: &str = "wallet";
    /// Trades of everybody.
    pub const TAPE: &str = "tape";
    /// Who is seated.
    pub const PLAYERS: &str = "players";
    /// Who owns most, and the player's own place.
    pub const LEADERBOARD: &str = "leaderboard";
    /// Nothing more is sent, but the casino keeps to the limit of an action. One that does not say so does not.
    pub const LIMITS: &str = "limits";
    /// Nothing more is sent, but the casino executes what has the same id once. One that does not say so does not.
    pub const IDS: &str = "ids";
}
