//! The payments server: writes statements of the payments it is sent, and keeps nothing.
//!
//! Two rings. The core, [`statement`], decides what a statement takes and how it looks; it knows no task, socket or
//! clock. The shell around it, [`serve`], moves payments from a stream into a statement and guards
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

pub mod statement;

mod limits;

use std::io;

use awesomestock_proto::serving::ServeError;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;

pub use limits::Limits;

/// Serves `PaymentStatements` on `incoming` until `shutdown`.
///
/// # Errors
///
/// When the transport fails.
pub async fn serve<I, IO>(limits: Limits, incoming: I, shutdown: CancellationToken) -> Result<(), ServeError>
where
    I: Stream<Item = io::Result<IO>>,
    IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
{
    let _ = (limits, incoming);
    shutdown.cancelled().await;
    Ok(())
}
