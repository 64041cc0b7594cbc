//! What the failure of a call means.
//!
//! Owns the one mapping from gRPC status to meaning. Whether and when to try again is decided by the game.

use std::{error::Error, fmt, time::Duration};

use tonic::{Code, Status};

use crate::text::cut;

/// Characters of a server's words that are kept.
const MAX_WORDS_CHARS: usize = 300;

/// What the failure of a call means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The casino said no, in these words: nothing has changed.
    Refused(String),
    /// No answer came; in words, why. What became of the call is not known.
    Unanswered(String),
    /// The casino does not know the call: it speaks the old contract.
    Unsupported,
}

impl Failure {
    /// No answer came within `deadline`.
    pub(super) fn overdue(deadline: Duration) -> Self {
        Self::Unanswered(format!(
            "the casino gave no answer within {} s",
            deadline.as_secs()
        ))
    }

    /// The casino answered something that cannot be.
    pub(super) fn nonsense(what: &str) -> Self {
        Self::Unanswered(format!("the casino's answer makes no sense: {what}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) | Self::Unanswered(why) => f.write_str(why),
            Self::Unsupported => f.write_str("this casino does not offer it"),
        }
    }
}

impl Error for Failure {}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        // With a source, the transport speaks and not the casino: whatever the code, that is no refusal.
        if let Some(cause) = root_cause(&status) {
            return Self::Unanswered(format!("the casino cannot be reached: {}", shortened(&cause)));
        }
        match status.code() {
            Code::Unimplemented => Self::Unsupported,
            Code::InvalidArgument
            | Code::FailedPrecondition
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::Unauthenticated => Self::Refused(words(&status)),
            _ => Self::Unanswered(words(&status)),
        }
    }
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
