//! Request IDs, by which a repeated request is answered as before and not executed again.

use serde::{Deserialize, Serialize};

use crate::domain::order::{AccountId, Command, Decision};

const ID_BYTES: usize = 16;

/// Newest request IDs remembered for each player.
pub(crate) const REQUESTS_KEPT: usize = 10_000;

/// A client's ID of one request, unique for the player.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct RequestId(pub(crate) [u8; ID_BYTES]);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("id: expected {ID_BYTES} bytes, got {bytes}")]
pub(crate) struct InvalidRequestId {
    bytes: usize,
}

impl RequestId {
    /// Returns `None` for no bytes.
    pub(crate) fn new(bytes: &[u8]) -> Result<Option<Self>, InvalidRequestId> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let bytes = bytes
            .try_into()
            .map_err(|_| InvalidRequestId { bytes: bytes.len() })?;
        Ok(Some(Self(bytes)))
    }

    /// Rejects no bytes.
    pub(crate) fn required(bytes: &[u8]) -> Result<Self, InvalidRequestId> {
        Self::new(bytes)?.ok_or(InvalidRequestId { bytes: 0 })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OrderRequest {
    pub(crate) command: Command,
    /// Without an ID, each repetition is executed.
    pub(crate) id: Option<RequestId>,
    /// The round whose account it is meant for; 0: the player's own account; `None`: the account in use.
    pub(crate) round: Option<i64>,
}

impl From<Command> for OrderRequest {
    fn from(command: Command) -> Self {
        Self {
            command,
            id: None,
            round: None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AnsweredRequest {
    pub(crate) id: RequestId,
    /// A repetition with another command is rejected.
    pub(crate) command: Command,
    pub(crate) decision: Decision,
}

/// An answered request with its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredAnswer {
    pub(crate) account: AccountId,
    /// Position among the account's requests, from 1.
    pub(crate) number: i64,
    pub(crate) answer: AnsweredRequest,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_sixteen_bytes_or_is_absent() {
        assert_eq!(RequestId::new(&[]), Ok(None));
        assert_eq!(RequestId::new(&[7; 16]), Ok(Some(RequestId([7; 16]))));
        for bytes in [1, 15, 17, 4096] {
            let refused = RequestId::new(&vec![7; bytes]).unwrap_err().to_string();
            assert_eq!(refused, format!("id: expected 16 bytes, got {bytes}"));
        }
    }
}
