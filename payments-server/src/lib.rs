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

pub mod config;
pub mod statement;

mod limits;
mod service;

use std::io;

use awesomestock_proto::{
    payment_statements::payment_statements_server::{PaymentStatementsServer, SERVICE_NAME},
    serving::{self, Connections, ServeError},
    transport,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::{service::Routes, transport::server::Connected};

pub use limits::Limits;
use service::Service;

/// Serves `PaymentStatements`, health and reflection on `incoming` until `shutdown`.
///
/// From `shutdown` on, statements that are still being taken in end with `UNAVAILABLE`; see [`serving::serve`] for
/// the rest of how the server ends. A message of more than [`transport::MAX_REQUEST_BYTES`] ends its call with
/// `OUT_OF_RANGE`.
///
/// # Errors
///
/// When the transport fails.
pub async fn serve<I, IO>(limits: Limits, incoming: I, shutdown: CancellationToken) -> Result<(), ServeError>
where
    I: Stream<Item = io::Result<IO>>,
    IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
{
    let service = PaymentStatementsServer::new(Service::new(limits, shutdown.clone()))
        .max_decoding_message_size(transport::MAX_REQUEST_BYTES);
    let connections = Connections::new(limits.connections);
    serving::serve(
        SERVICE_NAME,
        Routes::new(service),
        (incoming, &connections),
        shutdown,
    )
    .await
}
