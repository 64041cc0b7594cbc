//! What the failure of a call means.
//!
//! Owns the one mapping from gRPC status to meaning. Whether and when to try again is decided by the game.

use std::{error::Error, fmt, time::Duration};

use awesomestock_proto::tls;
use tonic::{Code, Status};

pub use crate::app::event::Failure;
use crate::text::cut;

/// What helps a player whose name is another's.
const NOT_YOURS: &str =
    "another --user is another name, and `awesomestock key import` brings the key from another machine";

/// Characters of a server's words that are kept.
const MAX_WORDS_CHARS: usize = 300;

impl Failure {
    /// No answer came within `deadline`.
    pub(super) fn overdue(deadline: Duration) -> Self {
        Self::Unanswered(format!(
            "the casino gave no answer within {} s",
            deadline.as_secs()
        ))
    }

    /// What a call failed of that was the first one on its way: that way itself may be a wrong one.
    pub(super) fn at_first(status: Status) -> Self {
        match root_cause(&status).and_then(|_| tls::meaning(&status)) {
            Some(why) => unreached(&why),
            None => status.into(),
        }
    }

    /// The casino answered something that cannot be.
    pub(super) fn nonsense(what: &str) -> Self {
        Self::Unanswered(format!("the casino's answer makes no sense: {what}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) | Self::NotSent(why) | Self::Unanswered(why) => f.write_str(why),
        }
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        // With a source, the transport speaks and not the casino: whatever the code, that is no refusal.
        if let Some(cause) = root_cause(&status) {
            return unreached(&tls::complaint(&status).unwrap_or(cause));
        }
        match status.code() {
            Code::Unimplemented => Self::Refused("this casino does not offer it".to_owned()),
            Code::InvalidArgument | Code::FailedPrecondition | Code::NotFound | Code::AlreadyExists => {
                Self::Refused(words(&status))
            }
            Code::PermissionDenied | Code::Unauthenticated => {
                Self::Refused(format!("{}; {NOT_YOURS}", words(&status)))
            }
            _ => Self::Unanswered(words(&status)),
        }
    }
}

fn unreached(why: &str) -> Failure {
    Failure::Unanswered(format!("the casino cannot be reached: {}", shortened(why)))
}

/// Whether the transport speaks, and not the casino.
pub(super) fn is_of_transport(status: &Status) -> bool {
    status.source().is_some()
}

/// Whether the casino does not know the call, because it speaks the old contract.
pub(super) fn is_old_contract(status: &Status) -> bool {
    status.code() == Code::Unimplemented && status.source().is_none()
}

/// Whether a table ended as the old casinos end it after a player has left.
pub(super) fn is_end_of_old_table(status: &Status) -> bool {
    status.code() == Code::Unknown && status.message() == "EOF" && status.source().is_none()
}

/// What the transport says is at the bottom of it, if the transport speaks.
fn root_cause(status: &Status) -> Option<String> {
    let mut cause = status.source()?;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    Some(cause.to_string())
}

/// The casino's words, or the code's where it found none.
fn words(status: &Status) -> String {
    match status.message().trim() {
        "" => status.code().description().to_owned(),
        message => shortened(message),
    }
}

/// A server's words, at a length that can be shown.
pub(super) fn shortened(words: &str) -> String {
    cut(words, MAX_WORDS_CHARS).into_owned()
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn from_transport(error: io::Error) -> Status {
        Status::from_error(Box::new(error))
    }

    #[test]
    fn only_the_casinos_own_word_is_a_refusal() {
        let refusals = [
            Status::invalid_argument("7 tokens are no multiple of 5"),
            Status::failed_precondition("you have 5 tokens"),
            Status::permission_denied("not your name"),
            Status::unimplemented("unknown method"),
        ];
        for status in refusals {
            let shown = status.to_string();
            assert!(matches!(Failure::from(status), Failure::Refused(_)), "{shown}");
        }
    }

    #[test]
    fn of_everything_else_the_outcome_is_not_known() {
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
            assert!(matches!(Failure::from(status), Failure::Unanswered(_)), "{shown}");
        }
    }

    #[test]
    fn words_are_never_missing_and_never_without_end() {
        assert_eq!(
            Failure::from(Status::invalid_argument(" ")).to_string(),
            Code::InvalidArgument.description()
        );
        let long = Failure::from(Status::invalid_argument("x".repeat(100_000))).to_string();
        assert_eq!(long.chars().count(), MAX_WORDS_CHARS + 1);
    }

    #[test]
    fn an_old_table_ends_with_eof_and_a_broken_one_does_not() {
        assert!(is_end_of_old_table(&Status::unknown("EOF")));
        assert!(!is_end_of_old_table(&Status::unknown("transport error")));
        assert!(!is_end_of_old_table(&Status::unavailable("EOF")));
        assert!(!is_end_of_old_table(&from_transport(io::Error::other("EOF"))));
    }
}
