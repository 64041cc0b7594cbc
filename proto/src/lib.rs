//! The gRPC protocol of AwesomeStock: messages, clients and servers generated from the `.proto` files of this
//! folder, and the transport, authentication and server code that all programs share.
//!
//! # Example
//!
//! ```
//! use awesomestock_proto::casino::{Action, ActionType};
//! use awesomestock_proto::types::User;
//! use prost::Message;
//!
//! let user = Some(User { id: "ann".to_owned() });
//! let action = Action { user, r#type: ActionType::Sell.into(), stocks_count: 3, ..Default::default() };
//! assert_eq!(action.encode_to_vec(), b"\x0a\x05\x0a\x03ann\x10\x01\x18\x03");
//! ```

// No code path may panic, except in tests.
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

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

pub use generated::{casino, framed, operator, payment_statements, types};
pub use values::{capabilities, player};

#[allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic
)]
mod generated {
    /// Types of both servers: [`User`](types::User), [`Payment`](types::Payment),
    /// [`PaymentStatement`](types::PaymentStatement).
    pub mod types {
        tonic::include_proto!("types");
    }

    /// The casino: its messages, [`casino_client`](casino::casino_client) and
    /// [`casino_server`](casino::casino_server).
    pub mod casino {
        tonic::include_proto!("casino");

        /// The encoded `FileDescriptorSet` of the casino, for gRPC reflection.
        pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/casino.bin"));
    }

    /// The casino's server, whose `Gamble` sends [`GambleFrame`](crate::frame::GambleFrame)s instead of messages.
    pub mod framed {
        tonic::include_proto!("framed/casino");
    }

    /// The casino's operator service: [`operator_client`](operator::operator_client) and
    /// [`operator_server`](operator::operator_server).
    pub mod operator {
        tonic::include_proto!("operator");

        /// The encoded `FileDescriptorSet` of the operator service, for gRPC reflection.
        pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/operator.bin"));
    }

    /// The payments server: [`payment_statements_client`](payment_statements::payment_statements_client) and
    /// [`payment_statements_server`](payment_statements::payment_statements_server).
    pub mod payment_statements {
        tonic::include_proto!("payment_statements");

        /// The encoded `FileDescriptorSet` of the payments server, for gRPC reflection.
        pub const FILE_DESCRIPTOR_SET: &[u8] =
            include_bytes!(concat!(env!("OUT_DIR"), "/payment_statements.bin"));
    }
}

/// The version of all programs, with the commit: `0.1.0 (d9cc67ab1)`.
pub const VERSION: &str = env!("AWESOMESTOCK_VERSION");

/// `StockInfo.name` of the market's only stock.
pub const STOCK_NAME: &str = "AwesomeStock";

/// `ActionResult.msg` of an executed action; any other text about an immediate action is a rejection.
pub const EXECUTED_MESSAGE: &str = "operation executed successfully";

/// `ActionResult.msg` of an action until cancelled that rests.
pub const ACCEPTED_MESSAGE: &str = "order accepted";

/// `ActionResult.msg` of a repeated action whose order was cancelled.
pub const CANCELLED_MESSAGE: &str = "order cancelled";
