use awesomestock_proto::auth::SharedSecret;
use tonic::transport::Channel;

/// A connection to the payments server.
#[derive(Debug, Clone)]
pub struct PaymentsEndpoint {
    /// Connects again by itself.
    pub channel: Channel,
    /// The secret that the server requires, if any.
    pub secret: Option<SharedSecret>,
}

impl From<Channel> for PaymentsEndpoint {
    /// Creates an endpoint without a secret.
    fn from(channel: Channel) -> Self {
        Self {
            channel,
            secret: None,
        }
    }
}
