//! Serves the operator service on its own address.

use std::io;

use awesomestock_proto::operator::FILE_DESCRIPTOR_SET;
use awesomestock_proto::operator::operator_server::{OperatorServer, SERVICE_NAME};
use awesomestock_proto::server::{self, ConnectionLimiter, ConnectionLimits, ServeError, ServedService};
use awesomestock_proto::tls::ServerTls;
use awesomestock_proto::transport;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::server::Connected;

use crate::grpc::operator::OperatorService;

impl OperatorService {
    /// Serves `incoming` until `shutdown`. Fails if the transport fails.
    pub async fn serve<I, IO>(
        self,
        incoming: I,
        tls: Option<ServerTls>,
        shutdown: CancellationToken,
    ) -> Result<(), ServeError>
    where
        I: Stream<Item = io::Result<IO>>,
        IO: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
    {
        let ledger = self.ledger.clone();
        let service = OperatorServer::new(self).max_decoding_message_size(transport::MAX_REQUEST_BYTES);
        let connections = ConnectionLimiter::new(ConnectionLimits::default());
        let served = ServedService {
            name: SERVICE_NAME,
            descriptors: FILE_DESCRIPTOR_SET,
        };
        let serving = server::serve(
            served,
            Routes::new(service),
            incoming,
            &connections,
            tls.as_ref(),
            shutdown,
        );
        tokio::select! {
            served = serving => served,
            never = ledger.run_notifier() => match never {},
        }
    }
}
