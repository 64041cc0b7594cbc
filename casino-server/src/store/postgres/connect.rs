//! Sessions: how they are opened, and what holds for all of them.

use std::{sync::Arc, time::Duration};

use futures_util::future::poll_fn;
use tokio::{runtime::Handle, time::timeout};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Socket};

use super::{
    ears::Ears,
    failure::Fault,
    tls::{Private, Tls, TlsError},
};
use crate::{address::Database, store::StoreError};

/// How long it may take to reach a server, log in and set the session up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the answer to what is asked at once may take. The server gives up before.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(8);

/// A peer that is gone without a word is noticed after about so long.
const KEEPALIVE: Duration = Duration::from_secs(5);

/// What holds for a session. The tables lie in a schema of their own, beside whatever else the database holds. A casino
/// that hangs in a transaction lets go of its locks; one whose answers could be lost by a crash of the server does not
/// play.
const SETUP: &str = "
SET search_path TO awesomestock;
SET statement_timeout = '5s';
SET lock_timeout = '4s';
SET idle_in_transaction_session_timeout = '5s';
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
";

/// For sessions in which whatever is asked for is found by its key. A plan that was made while a table was small would
/// read all of it.
pub(super) const BY_KEY: &str =
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off";

/// The way to sessions of one database.
#[derive(Debug, Clone)]
pub(super) struct Sessions {
    config: Arc<Config>,
    tls: Tls,
    /// Where the connections are driven, whoever asked for them.
    runtime: Handle,
}

impl Sessions {
    /// Sessions whose connections are driven by the runtime this is called in.
    ///
    /// # Errors
    ///
    /// When there is nobody whose certificate could be believed.
    pub(super) fn new(database: &Database) -> Result<Self, TlsError> {
        let mut config = database.config().clone();
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
            tls: Tls::new(database.trust())?,
            runtime: Handle::current(),
        })
    }

    /// The runtime that drives the connections.
    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// A new session.
    pub(super) async fn open(&self) -> Result<Client, Fault> {
        self.open_listening(None).await
    }

    /// A new session whose notifications `ears` hear, and its end.
    pub(super) async fn open_listening(&self, ears: Option<Arc<Ears>>) -> Result<Client, Fault> {
        let opening = async {
            let (client, connection) = self.config.connect(self.tls.clone()).await?;
            self.runtime.spawn(drive(connection, ears));
            client.batch_execute(SETUP).await?;
            Ok(client)
        };
        match timeout(CONNECT_TIMEOUT, opening).await {
            Ok(opened) => opened,
            Err(_) => Err(Fault::Overdue(CONNECT_TIMEOUT)),
        }
    }
}

/// A session, opened when it is needed, and anew after a failure.
#[derive(Debug)]
pub(super) struct Kept {
    sessions: Sessions,
    client: Option<Client>,
}

impl Kept {
    /// None yet.
    pub(super) fn new(sessions: Sessions) -> Self {
        Self {
            sessions,
            client: None,
        }
    }

    /// The session, if it is open.
    pub(super) fn client(&self) -> Option<&Client> {
        self.client.as_ref().filter(|client| !client.is_closed())
    }

    /// The session.
    pub(super) async fn open(&mut self) -> Result<&Client, Fault> {
        let kept = self.client.take().filter(|client| !client.is_closed());
        let client = match kept {
            Some(client) => client,
            None => self.sessions.open().await?,
        };
        Ok(self.client.insert(client))
    }

    /// Lets go of the session after `fault`, which is a failure of `operation`.
    pub(super) fn lost(&mut self, fault: Fault, operation: &'static str) -> StoreError {
        self.client = None;
        fault.of(operation)
    }
}

/// Moves what a session's client and its server say to each other, until either is gone.
async fn drive(mut connection: Connection<Socket, Private>, ears: Option<Arc<Ears>>) {
    while let Some(message) = poll_fn(|cx| connection.poll_message(cx)).await {
        match message {
            Ok(AsyncMessage::Notification(said)) => {
                if let Some(ears) = &ears {
                    ears.hear(said.channel(), said.payload());
                }
            }
            Ok(AsyncMessage::Notice(notice)) => tracing::debug!(%notice, "the database says"),
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a session was lost");
                break;
            }
        }
    }
    if let Some(ears) = ears {
        ears.miss();
    }
}

/// The answer to what was asked, if it comes in time. A session that is late is not to be used again.
pub(super) async fn in_time<T>(
    asked: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, Fault> {
    match timeout(ANSWER_TIMEOUT, asked).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Fault::Overdue(ANSWER_TIMEOUT)),
    }
}
