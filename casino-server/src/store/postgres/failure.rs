//! What goes wrong with a database, and what follows from it.

use std::{io, time::Duration};

use tokio_postgres::error::{Severity, SqlState};

use crate::store::StoreError;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The session or the server failed.
    #[error("{}", in_words(.0))]
    Database(tokio_postgres::Error),
    /// No answer came in time.
    #[error("no answer within {0:?}")]
    Overdue(Duration),
    /// A row holds what the game knows no meaning of, or is not there.
    #[error("{0}")]
    Row(&'static str),
}

impl From<tokio_postgres::Error> for Fault {
    /// Not as a source: its words are all in the fault's own.
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error)
    }
}

impl Fault {
    /// The server has answered that it refused the statement: with it goes the transaction.
    ///
    /// A server that ends the session says so as well, and that leaves open what became of a COMMIT.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            Self::Database(error) => error
                .as_db_error()
                .is_some_and(|error| error.parsed_severity() == Some(Severity::Error)),
            Self::Overdue(_) => false,
            Self::Row(_) => true,
        }
    }

    /// The same transaction may well succeed when it is tried again.
    pub(super) fn is_passing(&self) -> bool {
        let error = match self {
            Self::Database(error) => error,
            Self::Overdue(_) => return true,
            Self::Row(_) => return false,
        };
        match error.code() {
            // The connection failed, or could not be made; or what was asked made no sense, and never will.
            None => {
                let source = std::error::Error::source(error);
                error.is_closed() || source.is_some_and(<dyn std::error::Error>::is::<io::Error>)
            }
            Some(code) => PASSING.contains(code) || code.code().starts_with("08"),
        }
    }

    /// A failure of `operation`, as in "could not ...".
    pub(super) fn of(self, operation: &'static str) -> StoreError {
        let is_passing = self.is_passing();
        StoreError {
            is_passing,
            ..StoreError::new(operation, self)
        }
    }
}

/// What the server says when others were in the way, or when it comes or goes.
const PASSING: [SqlState; 9] = [
    SqlState::T_R_SERIALIZATION_FAILURE,
    SqlState::T_R_DEADLOCK_DETECTED,
    SqlState::LOCK_NOT_AVAILABLE,
    SqlState::QUERY_CANCELED,
    SqlState::ADMIN_SHUTDOWN,
    SqlState::CRASH_SHUTDOWN,
    SqlState::CANNOT_CONNECT_NOW,
    SqlState::TOO_MANY_CONNECTIONS,
    SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
];

/// What the server said, or why it could not be asked.
fn in_words(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(said), _) => said.message().to_owned(),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}
