//! Keys of player names: the stored hash and the access rule.

use std::fmt;

use awesomestock_proto::auth::PlayerKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::domain::money::UnixMillis;
use crate::domain::player::PlayerName;

pub(crate) const HASH_BYTES: usize = 32;

/// SHA-256 of a player key. An unsalted fast hash is enough: a key is 256 random bits.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct KeyHash([u8; HASH_BYTES]);

impl KeyHash {
    pub(crate) fn from_key(key: &PlayerKey) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    pub(crate) fn from_bytes(bytes: [u8; HASH_BYTES]) -> Self {
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; HASH_BYTES] {
        &self.0
    }
}

impl PartialEq for KeyHash {
    /// Compares in constant time.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for KeyHash {}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(..)")
    }
}

/// A name and the key that owns it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claim {
    pub(crate) player: PlayerName,
    pub(crate) key: KeyHash,
    pub(crate) at: UnixMillis,
}

/// Why a caller may act for a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grant {
    /// The name is unclaimed and no key was presented; valid until the name is claimed.
    Unclaimed,
    KeyMatches,
    /// The name is unclaimed and will be claimed with this key.
    Claim(KeyHash),
}

/// Decides whether a caller with the key `presented` may act for a name owned by `owner`.
pub(crate) fn access(
    owner: Option<&KeyHash>,
    presented: Option<&KeyHash>,
    key_required: bool,
) -> Result<Grant, AuthDenied> {
    match (owner, presented) {
        (Some(owner), Some(presented)) if owner == presented => Ok(Grant::KeyMatches),
        (Some(_), Some(_)) => Err(AuthDenied::WrongKey),
        (Some(_), None) => Err(AuthDenied::KeyMissing),
        (None, Some(presented)) => Ok(Grant::Claim(*presented)),
        (None, None) if key_required => Err(AuthDenied::KeyRequired),
        (None, None) => Ok(Grant::Unclaimed),
    }
}

/// Why a caller may not act for a name. The text contains neither name nor key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AuthDenied {
    #[error("user: this name is claimed; send its key (metadata authorization: Bearer KEY)")]
    KeyMissing,
    #[error("user: this name belongs to another key")]
    WrongKey,
    #[error("user: this casino requires a key for every name (metadata authorization: Bearer KEY)")]
    KeyRequired,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_depends_on_owner_key_and_requirement() {
        let [ann, bob] = [1, 2].map(|byte| KeyHash::from_key(&PlayerKey::from_bytes([byte; 32])));
        let cases = [
            (None, None, false, "Ok(Unclaimed)"),
            (None, None, true, "Err(KeyRequired)"),
            (None, Some(&ann), false, "Ok(Claim(KeyHash(..)))"),
            (None, Some(&ann), true, "Ok(Claim(KeyHash(..)))"),
            (Some(&ann), Some(&ann), false, "Ok(KeyMatches)"),
            (Some(&ann), Some(&ann), true, "Ok(KeyMatches)"),
            (Some(&ann), Some(&bob), false, "Err(WrongKey)"),
            (Some(&ann), Some(&bob), true, "Err(WrongKey)"),
            (Some(&ann), None, false, "Err(KeyMissing)"),
            (Some(&ann), None, true, "Err(KeyMissing)"),
        ];
        for (owner, presented, required, expected) in cases {
            let found = format!("{:?}", access(owner, presented, required));
            assert_eq!(found, expected, "{owner:?} {presented:?} {required}");
        }
    }

    #[test]
    fn a_hash_is_sha_256() {
        let hash = KeyHash::from_key(&PlayerKey::from_bytes([0; 32]));
        let start = &hash.as_bytes()[..4];
        assert_eq!(start, [0x66, 0x68, 0x7a, 0xad]);
    }
}
