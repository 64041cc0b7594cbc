//! The payments server: renders a statement from a stream of payments, and stores nothing. [`statement`] is
//! pure; [`serve`] connects it to gRPC and limits the cost of a call.
//!
//! # Example
//!
//! ```
//! use awesomestock_proto::types::{Payment, User};
//! use payments_server::statement::Statement;
//!
//! let mut statement = Statement::new(100);
//! let user = Some(User { id: "ann".to_owned() });
//! statement.push(Payment { user, amount: -10, number: 1, ..Payment::default() })?;
//! assert!(statement.render().contains("FINAL BALANCE"));
//! # Ok::<(), payments_server::statement::InvalidPayment>(())
//! ```

// No code path may panic, except in tests.
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(
    not(test),
    warn(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::cast_lossless,
        clippy::cast_precision_loss,
        clippy::float_arithmetic,
        clippy::indexing_slicing,
        clippy::string_slice
    )
)]

pub mod config;
mod limits;
mod service;
pub mod statement;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod testkit;

use std::io;

use awesomestock_proto::auth::SharedSecret;
use awesomestock_proto::payment_statements::FILE_DESCRIPTOR_SET;
use awesomestock_proto::payment_statements::payment_statements_server::{
    PaymentStatementsServer, SERVICE_NAME,
};
use awesomestock_proto::server::{self, ConnectionLimiter, ConnectionLimits, ServeError, ServedService};
use awesomestock_proto::tls::ServerTls;
use awesomestock_proto::transport;
pub use limits::Limits;
use service::Service;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::server::Connected;

/// Options of the server.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Limits of calls and connections.
    pub limits: Limits,
    /// The bearer token that callers must send; by default none is required.
    pub secret: Option<SharedSecret>,
    /// The server's certificate; by default connections are not encrypted.
    pub tls: Option<ServerTls>,
}

/// Serves `PaymentStatements`, health and reflection on `incoming` until `shutdown`.
///
/// At `shutdown`, calls that are still receiving payments end with `UNAVAILABLE`; see [`server::serve`] for
/// the rest. A message larger than [`transport::MAX_REQUEST_BYTES`] ends its call with `OUT_OF_RANGE`.
///
/// # Errors
///
/// The transport fails.
pub async fn serve<I, IO>(
    options: Options,
    incoming: I,
    shutdown: CancellationToken,
) -> Result<(), ServeError>
where
    I: Stream<Item = io::Result<IO>>,
    IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
{
    let Options { limits, secret, tls } = options;
    let routes = PaymentStatementsServer::new(Service::new(limits, secret, shutdown.clone()))
        .max_decoding_message_size(transport::MAX_REQUEST_BYTES);
    let connections = ConnectionLimiter::new(ConnectionLimits {
        // The call's own limits apply first.
        idle: limits.connections.idle.max(limits.max_time.saturating_mul(2)),
        ..limits.connections
    });
    let service = ServedService {
        name: SERVICE_NAME,
        descriptors: FILE_DESCRIPTOR_SET,
    };
    server::serve(
        service,
        Routes::new(routes),
        incoming,
        &connections,
        tls.as_ref(),
        shutdown,
    )
    .await
}
