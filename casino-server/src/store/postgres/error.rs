//! Errors of the database and their classification.

use std::{io, time::Duration};

use tokio_postgres::error::{DbError, Severity, SqlState};

use crate::store::StoreError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum PgError {
    #[error("{}", describe(.0))]
    Database(tokio_postgres::Error),
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// An invalid or missing row.
    #[error("{0}")]
    Row(&'static str),
}

impl From<tokio_postgres::Error> for PgError {
    /// Not a `source`: its text is part of this error's text.
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error)
    }
}

impl PgError {
    /// Returns whether the server rejected the statement, and with it the transaction.
    ///
    /// A server that closes the connection leaves the outcome of a COMMIT unknown.
    pub(super) fn is_rejected(&self) -> bool {
        match self {
            Self::Database(error) => error
                .as_db_error()
                .is_some_and(|error| error.parsed_severity() == Some(Severity::Error)),
            Self::Timeout(_) => false,
            Self::Row(_) => true,
        }
    }

    /// Returns whether a retry may succeed.
    pub(super) fn is_transient(&self) -> bool {
        let error = match self {
            Self::Database(error) => error,
            Self::Timeout(_) => return true,
            Self::Row(_) => return false,
        };
        match error.code() {
            // Without a code, only a broken connection is transient.
            None => {
                let source = std::error::Error::source(error);
                error.is_closed() || source.is_some_and(<dyn std::error::Error>::is::<io::Error>)
            }
            Some(code) => TRANSIENT_CODES.contains(code) || code.code().starts_with("08"),
        }
    }

    /// Converts to the error of `operation`, which continues "could not".
    pub(super) fn into_store_error(self, operation: &'static str) -> StoreError {
        let is_transient = self.is_transient();
        StoreError {
            is_transient,
            ..StoreError::new(operation, self)
        }
    }
}

/// Conflicts, and a server that starts or stops.
const TRANSIENT_CODES: [SqlState; 9] = [
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

fn describe(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(payload), _) if repeats_parameters(payload) => format!(
            "it rejects the parameter `options` of the URL, which is not shown, as it may hold a secret (SQLSTATE {})",
            payload.code().code()
        ),
        (Some(payload), _) => payload.message().to_owned(),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}

/// Returns whether the database ends the connection because of its parameters, of which its message repeats one.
fn repeats_parameters(error: &DbError) -> bool {
    let is_about_a_value = ["22", "42", "55"].contains(&error.code().code().get(..2).unwrap_or_default());
    error.parsed_severity() == Some(Severity::Fatal) && is_about_a_value
}
