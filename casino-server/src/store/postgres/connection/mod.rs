//! Opens and configures database connections.

pub(crate) mod tls;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::poll_fn;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use self::tls::TlsError;
use super::error::PgError;
use crate::config::store_url::postgres::DatabaseUrl;
use crate::store::StoreError;
use crate::store::notifications::Notifications;

/// Time to connect, log in and set up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Time for an answer; longer than the server's own limits.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(8);

const KEEPALIVE: Duration = Duration::from_secs(5);

/// Tables are in their own schema. Transactions are limited in time, and commits are durable.
const SETUP: &str = "
SET search_path TO awesomestock;
SET statement_timeout = '5s';
SET lock_timeout = '4s';
SET idle_in_transaction_session_timeout = '5s';
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
";

const LISTEN: &str = "LISTEN awesomestock_ticks; LISTEN awesomestock_claims; LISTEN awesomestock_tape; \
                      LISTEN awesomestock_orders";

/// Forces index access: plans made for small tables would scan them when they are large.
pub(super) const BY_KEY: &str =
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off";

#[derive(Clone)]
pub(super) struct ConnectionFactory {
    config: Arc<Config>,
    tls: MakeRustlsConnect,
    /// Runs the connections, independent of the caller's runtime.
    pub(super) runtime: Handle,
}

impl fmt::Debug for ConnectionFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionFactory").finish_non_exhaustive()
    }
}

impl ConnectionFactory {
    /// Must be called in the runtime that will run the connections.
    ///
    /// # Errors
    ///
    /// Fails if no certificate authority is available.
    pub(super) fn new(database: &DatabaseUrl) -> Result<Self, TlsError> {
        let mut config = (*database.config).clone();
        config
            .connect_timeout(CONNECT_TIMEOUT)
            .keepalives_idle(KEEPALIVE)
            .keepalives_interval(KEEPALIVE)
            .keepalives_retries(2)
            .tcp_user_timeout(ANSWER_TIMEOUT);
        if config.get_application_name().is_none() {
            config.application_name("casino-server");
        }
        Ok(Self {
            config: Arc::new(config),
            tls: tls::connector(&database.verify)?,
            runtime: Handle::current(),
        })
    }

    pub(super) async fn open(&self) -> Result<Client, PgError> {
        self.open_listening(None).await
    }

    /// Opens a connection whose notifications go to `notifications`.
    pub(super) async fn open_listening(
        &self,
        notifications: Option<Arc<Notifications>>,
    ) -> Result<Client, PgError> {
        let opening = async {
            let (client, connection) = self.config.connect(self.tls.clone()).await?;
            self.runtime
                .spawn(drive_connection(connection, notifications.clone()));
            client.batch_execute(SETUP).await?;
            if let Some(notifications) = notifications {
                client.batch_execute(LISTEN).await?;
                // Notifications sent before `LISTEN` are lost.
                notifications.resync();
            }
            Ok(client)
        };
        let opened = timeout(CONNECT_TIMEOUT, opening).await;
        opened.unwrap_or(Err(PgError::Timeout(CONNECT_TIMEOUT)))
    }
}

/// A connection opened on demand, and again after a failure.
#[derive(Debug)]
pub(super) struct LazyConnection {
    connections: ConnectionFactory,
    /// Receives the notifications of the database.
    notifications: Option<Arc<Notifications>>,
    client: Mutex<Option<Client>>,
}

impl LazyConnection {
    pub(super) fn new(connections: ConnectionFactory, notifications: Option<Arc<Notifications>>) -> Self {
        Self {
            connections,
            notifications,
            client: Mutex::default(),
        }
    }

    pub(super) async fn is_open(&self) -> bool {
        self.client
            .lock()
            .await
            .as_ref()
            .is_some_and(|client| !client.is_closed())
    }

    /// Runs `query`, and drops the connection after an error. `operation` continues "could not".
    pub(super) async fn run<T>(
        &self,
        operation: &'static str,
        query: impl AsyncFnOnce(&Client) -> Result<T, PgError>,
    ) -> Result<T, StoreError> {
        let mut client = self.client.lock().await;
        let result = async {
            let open = match client.take().filter(|client| !client.is_closed()) {
                Some(open) => open,
                None => {
                    self.connections
                        .open_listening(self.notifications.clone())
                        .await?
                }
            };
            query(client.insert(open)).await
        };
        let result = result.await;
        result.map_err(|error| {
            *client = None;
            error.into_store_error(operation)
        })
    }

    /// Runs `query` as [`run`](Self::run) does, but on the same connection as the last query.
    pub(super) async fn run_if_open<T>(
        &self,
        operation: &'static str,
        query: impl AsyncFnOnce(&Client) -> Result<T, PgError>,
    ) -> Result<T, StoreError> {
        let mut client = self.client.lock().await;
        let result = match client.as_ref().filter(|client| !client.is_closed()) {
            Some(open) => query(open).await,
            None => Err(PgError::Row("the connection is lost")),
        };
        result.map_err(|error| {
            *client = None;
            error.into_store_error(operation)
        })
    }
}

/// Runs a connection until it ends.
async fn drive_connection(
    mut connection: Connection<Socket, impl AsyncRead + AsyncWrite + Unpin>,
    notifications: Option<Arc<Notifications>>,
) {
    while let Some(message) = poll_fn(|cx| connection.poll_message(cx)).await {
        match message {
            Ok(AsyncMessage::Notification(payload)) => {
                if let Some(notifications) = &notifications {
                    match payload.channel() {
                        "awesomestock_ticks" => notifications.add_tick(),
                        "awesomestock_claims" => notifications.add_claim(payload.payload()),
                        "awesomestock_orders" => notifications.add_changed_account(payload.payload()),
                        "awesomestock_tape" => notifications.add_trades(payload.payload().to_owned()),
                        _ => {}
                    }
                }
            }
            Ok(AsyncMessage::Notice(notice)) => tracing::debug!(%notice, "notice from the database"),
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "lost a database connection"
                );
                break;
            }
        }
    }
    if let Some(notifications) = notifications {
        notifications.resync();
    }
}

/// A connection that timed out must not be used again.
pub(super) async fn with_timeout<T>(
    asked: impl Future<Output = Result<T, impl Into<PgError>>>,
) -> Result<T, PgError> {
    match timeout(ANSWER_TIMEOUT, asked).await {
        Ok(answer) => answer.map_err(Into::into),
        Err(_) => Err(PgError::Timeout(ANSWER_TIMEOUT)),
    }
}
