//! Errors of the database and their classification.

use std::io;
use std::time::Duration;

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

    /// Returns whether the error is about the protocol and comes from the other end: that of a pooler about a command that
    /// PostgreSQL understands.
    pub(super) fn is_from_pooler(&self) -> bool {
        let Self::Database(error) = self else { return false };
        let code = error.as_db_error().map(|error| error.code().code());
        code.is_some_and(|code| code.starts_with("08"))
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
        (Some(payload), _) if payload.code().code().starts_with("28") => without_user(payload.message()),
        (Some(payload), _) => payload.message().to_owned(),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}

/// Removes the user from the message of a failed login, as it may be a password that was written alone before the `@`.
fn without_user(message: &str) -> String {
    for before in ["user \"", "role \""] {
        if let Some((start, named)) = message.split_once(before)
            && let Some((_, rest)) = named.split_once('"')
        {
            return format!("{start}{before}…\"{rest}");
        }
    }
    message.to_owned()
}

/// Returns whether the database ends the connection because of its parameters, of which its message repeats one.
fn repeats_parameters(error: &DbError) -> bool {
    let is_about_a_value = ["22", "42", "55"].contains(&error.code().code().get(..2).unwrap_or_default());
    error.parsed_severity() == Some(Severity::Fatal) && is_about_a_value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_login_does_not_name_the_user() {
        for (message, shown) in [
            (
                "password authentication failed for user \"s3cr3t\"",
                "password authentication failed for user \"…\"",
            ),
            ("role \"s3cr3t\" does not exist", "role \"…\" does not exist"),
            (
                "no pg_hba.conf entry for host \"::1\", user \"s3cr3t\", database \"d\", no encryption",
                "no pg_hba.conf entry for host \"::1\", user \"…\", database \"d\", no encryption",
            ),
            ("authentication failed", "authentication failed"),
        ] {
            assert_eq!(without_user(message), shown);
        }
    }
}
