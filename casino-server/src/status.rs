//! The one mapping from what the casino refuses or cannot do to gRPC statuses.

use std::time::Duration;

use tonic::Status;

use crate::{
    account::{Refusal, RefusalKind},
    gate::AccessError,
    identity::{Denial, NameError},
    ledger::LedgerError,
    paging::BadPage,
    receipt::BadId,
    statements::StatementError,
    store::StoreError,
    table::NoSeat,
};

impl From<NameError> for Status {
    fn from(error: NameError) -> Self {
        Self::invalid_argument(error.to_string())
    }
}

impl From<AccessError> for Status {
    fn from(error: AccessError) -> Self {
        let words = error.to_string();
        match error {
            AccessError::Bad(_) | AccessError::Denied(Denial::KeyMissing | Denial::KeyRequired) => {
                Self::unauthenticated(words)
            }
            AccessError::Denied(Denial::WrongKey) => Self::permission_denied(words),
            AccessError::Seats(error) => error.into(),
            AccessError::Read(error) => error.into(),
            AccessError::Keep(error) => Self::new(Self::from(error).code(), words),
        }
    }
}

impl From<BadPage> for Status {
    fn from(error: BadPage) -> Self {
        Self::invalid_argument(error.to_string())
    }
}

impl From<BadId> for Status {
    fn from(error: BadId) -> Self {
        Self::invalid_argument(error.to_string())
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        match refusal.kind() {
            RefusalKind::Invalid => Self::invalid_argument(refusal.to_string()),
            RefusalKind::Unmet => Self::failed_precondition(refusal.to_string()),
        }
    }
}

impl From<NoSeat> for Status {
    fn from(error: NoSeat) -> Self {
        let words = error.to_string();
        match error {
            NoSeat::TooMany { .. } => Self::resource_exhausted(words),
            NoSeat::Uncounted => Self::unavailable(words),
        }
    }
}

impl From<LedgerError> for Status {
    /// UNAVAILABLE says that the fate of a request is open, so what was certainly not executed is not called so.
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::NotExecuted { .. } | LedgerError::Stopping => {
                Self::failed_precondition(error.to_string())
            }
            LedgerError::Unanswered => Self::unavailable(error.to_string()),
        }
    }
}

impl From<StoreError> for Status {
    /// Details of the disk are for those who run the casino. An engine that is away may be back soon.
    fn from(error: StoreError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "a read failed");
        let words = format!("the casino {error}");
        match error.is_passing {
            true => Self::unavailable(words),
            false => Self::internal(words),
        }
    }
}

impl From<StatementError> for Status {
    fn from(error: StatementError) -> Self {
        match error {
            StatementError::Read(error) => error.into(),
            StatementError::Unreachable | StatementError::Busy | StatementError::Unwelcome => {
                Self::unavailable(error.to_string())
            }
            StatementError::Overdue { .. } => Self::deadline_exceeded(error.to_string()),
            StatementError::TooLong => Self::resource_exhausted(error.to_string()),
            StatementError::Refused => Self::internal(error.to_string()),
        }
    }
}

/// What a stream ends with after its client has read nothing for `unread`. What became of the actions that were not
/// answered is open, as after any lost stream.
pub(crate) fn unread(unread: Duration) -> Status {
    Status::unavailable(format!(
        "this stream was closed: nothing of it was read for {}",
        humantime::format_duration(unread)
    ))
}

/// What a stream ends with when the casino stops.
pub(crate) fn stopping() -> Status {
    Status::unavailable("the casino is stopping")
}
