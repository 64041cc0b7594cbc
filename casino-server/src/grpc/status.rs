//! Maps errors to gRPC statuses.

use std::time::Duration;

use tonic::Status;

use crate::domain::account::Rejection;
use crate::domain::credential::AuthDenied;
use crate::grpc::auth::AccessError;
use crate::grpc::convert::InvalidRequest;
use crate::grpc::paging::PageError;
use crate::grpc::session::limit::SessionDenied;
use crate::ledger::LedgerError;
use crate::store::StoreError;

impl From<AccessError> for Status {
    fn from(error: AccessError) -> Self {
        let message = error.to_string();
        match error {
            AccessError::InvalidKey(_)
            | AccessError::Denied(AuthDenied::KeyMissing | AuthDenied::KeyRequired) => {
                Self::unauthenticated(message)
            }
            AccessError::Denied(AuthDenied::WrongKey) => Self::permission_denied(message),
            AccessError::Session(error) => error.into(),
            AccessError::Read(error) => error.into(),
            AccessError::Claim(error) => Self::new(Self::from(error).code(), message),
        }
    }
}

impl From<PageError> for Status {
    fn from(error: PageError) -> Self {
        Self::invalid_argument(error.to_string())
    }
}

impl From<InvalidRequest> for Status {
    fn from(error: InvalidRequest) -> Self {
        Self::invalid_argument(error.to_string())
    }
}

impl From<Rejection> for Status {
    fn from(rejection: Rejection) -> Self {
        match rejection.is_invalid() {
            true => Self::invalid_argument(rejection.to_string()),
            false => Self::failed_precondition(rejection.to_string()),
        }
    }
}

impl From<SessionDenied> for Status {
    fn from(error: SessionDenied) -> Self {
        match error {
            SessionDenied::LimitReached { .. } => Self::resource_exhausted(error.to_string()),
            SessionDenied::Unavailable => Self::unavailable(error.to_string()),
        }
    }
}

impl From<LedgerError> for Status {
    /// UNAVAILABLE means that the outcome is unknown, so a request that was not executed gets another code.
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::NotExecuted { .. } | LedgerError::Stopping => {
                Self::failed_precondition(error.to_string())
            }
            LedgerError::OutcomeUnknown => Self::unavailable(error.to_string()),
        }
    }
}

impl From<StoreError> for Status {
    /// The message omits the cause, which is the operator's concern.
    fn from(error: StoreError) -> Self {
        let message = format!("the casino {error}");
        match error.is_transient {
            true => Self::unavailable(message),
            false => Self::internal(message),
        }
    }
}

/// Returns the status of a stalled stream. The outcome of its unanswered actions is unknown, as after a lost connection.
pub(crate) fn stalled(timeout: Duration) -> Status {
    Status::unavailable(format!(
        "this stream was closed: the client read nothing for {}",
        humantime::format_duration(timeout)
    ))
}

/// Returns the status of a call about an order that was never placed.
pub(crate) fn no_such_order() -> Status {
    Status::not_found("id: you have no order with it")
}

/// Returns the status of a stream that ends because the casino stops.
pub(crate) fn shutting_down() -> Status {
    Status::unavailable("the casino is stopping")
}
