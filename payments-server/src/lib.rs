//! The payments server: writes statements of the payments it is sent, and keeps nothing.
//!
//! Two rings. The core, [`statement`], decides what a statement takes and how it looks; it knows no task, socket or
//! clock. The shell around it, [`serve`] and [`config`], moves payments from a stream into a statement and guards
//! what one call may cost. It knows no casino: whoever speaks the contract is answered.

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

#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
#[path = "../fuzz/checks.rs"]
pub mod checks;
pub mod config;
pub mod statement;

mod limits;
mod service;

use std::io;

use awesomestock_proto::{
    credentials::SharedSecret,
    payment_statements::payment_statements_server::{PaymentStatementsServer, SERVICE_NAME},
    serving::{self, Connections, ServeError},
    tls::ServerTls,
    transport,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::{service::Routes, transport::server::Connected};

pub use limits::Limits;
use service::Service;

/// How `PaymentStatements` is served.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What calls may cost.
    pub limits: Limits,
    /// The secret that a caller has to show as a bearer token; by default anybody is answered.
    pub secret: Option<SharedSecret>,
    /// The server's certificate; by default connections are not encrypted.
    pub tls: Option<ServerTls>,
}

impl From<Limits> for Options {
    fn from(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }
}

/// Serves `PaymentStatements`, health and reflection on `incoming` until `shutdown`.
///
/// From `shutdown` on, statements that are still being taken in end with `UNAVAILABLE`; see [`serving::serve`] for
/// the rest of how the server ends. A message of more than [`transport::MAX_REQUEST_BYTES`] ends its call with
/// `OUT_OF_RANGE`.
///
/// # Errors
///
/// When the transport fails.
pub async fn serve<I, IO>(
    options: impl Into<Options>,
    incoming: I,
    shutdown: CancellationToken,
) -> Result<(), ServeError>
where
    I: Stream<Item = io::Result<IO>>,
    IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
{
    let Options { limits, secret, tls } = options.into();
    let service = PaymentStatementsServer::new(Service::new(limits, secret, shutdown.clone()))
        .max_decoding_message_size(transport::MAX_REQUEST_BYTES);
    let connections = Connections::new(limits.connections);
    serving::serve(
        SERVICE_NAME,
        Routes::new(service),
        (incoming, (&connections, tls.as_ref())),
        shutdown,
    )
    .await
}
