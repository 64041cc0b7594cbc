//! Maps gRPC statuses to request errors.

use std::error::Error;
use std::time::Duration;

use awesomestock_proto::text::cut;
use awesomestock_proto::tls;
use tonic::{Code, Status};

pub(crate) use crate::app::event::RequestError;

/// Advice for a name that belongs to another key.
const NOT_YOURS: &str = "use another --user, or run `awesomestock key import --replace` and start again";

/// Fields of requests, at the start of the casino's messages.
const FIELDS: [&str; 7] = [
    "user",
    "amount",
    "tokens_cnt",
    "stocks_count",
    "limit_price",
    "type",
    "id",
];

/// Longest text kept from a server, in characters.
const MAX_WORDS_CHARS: usize = 300;

impl RequestError {
    pub(crate) fn timeout(deadline: Duration) -> Self {
        Self::Unanswered(format!(
            "the casino did not answer within {}",
            humantime::format_duration(deadline)
        ))
    }

    /// Maps the failure of a first call: the address or TLS may be wrong.
    pub(super) fn on_connect(status: Status) -> Self {
        match tls::explain(&status) {
            Some(why) => unreachable(&why),
            None => status.into(),
        }
    }

    pub(super) fn invalid_response(what: &str) -> Self {
        Self::Unanswered(format!("the casino sent an invalid answer: {what}"))
    }
}

impl From<Status> for RequestError {
    fn from(status: Status) -> Self {
        // A status with a source comes from the transport, not from the casino, so it is never a rejection.
        if let Some(cause) = root_cause(&status) {
            return unreachable(&tls::tls_cause(&status).unwrap_or(cause));
        }
        match status.code() {
            Code::Unimplemented => Self::Rejected("this casino does not support it".to_owned()),
            Code::InvalidArgument | Code::FailedPrecondition | Code::NotFound | Code::AlreadyExists => {
                Self::Rejected(status_message(&status))
            }
            Code::PermissionDenied | Code::Unauthenticated => {
                Self::Rejected(format!("{}; {NOT_YOURS}", status_message(&status)))
            }
            _ => Self::Unanswered(status_message(&status)),
        }
    }
}

fn unreachable(why: &str) -> RequestError {
    RequestError::Unanswered(format!("cannot reach the casino: {}", ellipsize(why)))
}

pub(super) fn is_of_transport(status: &Status) -> bool {
    status.source().is_some()
}

pub(super) fn is_old_contract(status: &Status) -> bool {
    status.code() == Code::Unimplemented && status.source().is_none()
}

/// Returns true if the stream ended as on old casinos after a player has left.
pub(super) fn is_legacy_eof(status: &Status) -> bool {
    status.code() == Code::Unknown && status.message() == "EOF" && status.source().is_none()
}

fn root_cause(status: &Status) -> Option<String> {
    status.source().map(deepest)
}

/// Returns the text of the error's first cause.
pub(super) fn deepest(mut cause: &dyn Error) -> String {
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// Returns the message, or the description of the code if it is empty.
fn status_message(status: &Status) -> String {
    match status.message().trim() {
        "" => status.code().description().to_owned(),
        message => ellipsize(without_field(message)),
    }
}

/// Removes the name of a protocol field, which players do not know, from the start of a message.
pub(super) fn without_field(message: &str) -> &str {
    match message.split_once(": ") {
        Some((field, rest)) if FIELDS.contains(&field) => rest,
        _ => message,
    }
}

pub(super) fn ellipsize(text: &str) -> String {
    cut(text, MAX_WORDS_CHARS).into_owned()
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn from_transport(error: io::Error) -> Status {
        Status::from_error(Box::new(error))
    }

    #[test]
    fn only_answers_of_the_casino_are_rejections() {
        let refusals = [
            Status::invalid_argument("7 tokens are no multiple of 5"),
            Status::failed_precondition("you have 5 tokens"),
            Status::permission_denied("not your name"),
            Status::unimplemented("unknown method"),
        ];
        for status in refusals {
            let shown = status.to_string();
            assert!(
                matches!(RequestError::from(status), RequestError::Rejected(_)),
                "{shown}"
            );
        }
    }

    #[test]
    fn other_statuses_leave_the_outcome_unknown() {
        let unanswered = [
            Status::unavailable("the payments server cannot be reached"),
            Status::unknown("EOF"),
            Status::cancelled(""),
            Status::resource_exhausted("too many streams"),
            Status::internal("undecodable"),
            Status::out_of_range("too large"),
            Status::deadline_exceeded(""),
            from_transport(io::Error::from(io::ErrorKind::InvalidInput)),
            from_transport(io::Error::from(io::ErrorKind::ConnectionReset)),
        ];
        for status in unanswered {
            let shown = status.to_string();
            assert!(
                matches!(RequestError::from(status), RequestError::Unanswered(_)),
                "{shown}"
            );
        }
    }

    #[test]
    fn messages_are_never_empty_and_always_bounded() {
        assert_eq!(
            RequestError::from(Status::invalid_argument(" ")).to_string(),
            Code::InvalidArgument.description()
        );
        let long = RequestError::from(Status::invalid_argument("x".repeat(100_000))).to_string();
        assert_eq!(long.chars().count(), MAX_WORDS_CHARS + 1);
    }

    #[test]
    fn no_field_of_the_protocol_is_shown() {
        for (message, shown) in [
            ("tokens_cnt: 7 is not a multiple of 5", "7 is not a multiple of 5"),
            ("stocks_count: 0 is below 1", "0 is below 1"),
            ("selling: 2 is not 3", "selling: 2 is not 3"),
            ("user:", "user:"),
        ] {
            let error = RequestError::from(Status::invalid_argument(message));
            assert_eq!(error.to_string(), shown);
        }
        let denied = RequestError::from(Status::permission_denied("user: not yours"));
        assert_eq!(denied.to_string(), format!("not yours; {NOT_YOURS}"));
    }

    #[test]
    fn an_old_session_ends_with_eof_and_a_broken_one_does_not() {
        assert!(is_legacy_eof(&Status::unknown("EOF")));
        assert!(!is_legacy_eof(&Status::unknown("transport error")));
        assert!(!is_legacy_eof(&Status::unavailable("EOF")));
        assert!(!is_legacy_eof(&from_transport(io::Error::other("EOF"))));
    }
}
