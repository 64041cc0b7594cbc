//! Core: requests that carry an id of the client's making, and what each of them was answered.
//!
//! Owns what is written down of an answer so that the same id again gets it again. Which ids are remembered is the
//! ledger's business, and where they are kept the store's.

use serde::{Deserialize, Serialize};

use crate::record::{AccountId, Command, Decision};

/// Bytes of an id.
const ID_BYTES: usize = 16;

/// The newest ids of a player that are remembered.
pub(crate) const REMEMBERED: usize = 10_000;

/// An id that a client gave to one request of a player, and to no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct RequestId(pub(crate) [u8; ID_BYTES]);

/// An id of another length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("id: an id has {ID_BYTES} bytes, this one has {bytes}")]
pub(crate) struct BadId {
    bytes: usize,
}

impl RequestId {
    /// The id of these bytes; `None` if there are none.
    ///
    /// # Errors
    ///
    /// [`BadId`] for another length than that of an id.
    pub(crate) fn new(bytes: &[u8]) -> Result<Option<Self>, BadId> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let bytes = bytes.try_into().map_err(|_| BadId { bytes: bytes.len() })?;
        Ok(Some(Self(bytes)))
    }
}

/// A command as a player hands it in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Submission {
    /// What is to be done.
    pub(crate) command: Command,
    /// By what it is known if it is handed in again; without one it is done each time.
    pub(crate) id: Option<RequestId>,
}

impl From<Command> for Submission {
    fn from(command: Command) -> Self {
        Self { command, id: None }
    }
}

/// What a command with an id was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Receipt {
    /// The id.
    pub(crate) id: RequestId,
    /// What was asked: the same id with anything else is a mistake of the client.
    pub(crate) command: Command,
    /// The answer.
    pub(crate) decision: Decision,
}

/// A receipt in its place among those of its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Filed {
    /// Whose.
    pub(crate) account: AccountId,
    /// Position among the receipts of the account, 1 for the first.
    pub(crate) number: i64,
    /// The receipt.
    pub(crate) receipt: Receipt,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_sixteen_bytes_or_is_not_there() {
        assert_eq!(RequestId::new(&[]), Ok(None));
        assert_eq!(RequestId::new(&[7; 16]), Ok(Some(RequestId([7; 16]))));
        for bytes in [1, 15, 17, 4096] {
            let refused = RequestId::new(&vec![7; bytes]).unwrap_err().to_string();
            assert_eq!(refused, format!("id: an id has 16 bytes, this one has {bytes}"));
        }
    }
}
