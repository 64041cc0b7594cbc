//! Core: whose name it is. What the casino keeps of a key, and what a key opens.
//!
//! Owns the rule of who may act for a name. It knows nothing of where claims are kept, or of the wire.

use std::fmt;

use awesomestock_proto::credentials::PlayerKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::PlayerName;
use crate::quantity::UnixMillis;

/// Bytes of a hash.
pub(crate) const HASH_BYTES: usize = 32;

/// All that the casino keeps of a key: its SHA-256.
///
/// One fast hash without salt is enough. A key is 256 random bits and no password: there is nothing to be guessed,
/// fast or slowly, and no two are alike.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct KeyHash([u8; HASH_BYTES]);

impl KeyHash {
    /// The hash of `key`.
    pub(crate) fn of(key: &PlayerKey) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    /// A hash as it was kept.
    pub(crate) fn kept(bytes: [u8; HASH_BYTES]) -> Self {
        Self(bytes)
    }

    /// The hash as it is kept.
    pub(crate) fn as_bytes(&self) -> &[u8; HASH_BYTES] {
        &self.0
    }
}

impl PartialEq for KeyHash {
    /// Takes as long whatever is compared.
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

/// That a name belongs to a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claim {
    /// The name.
    pub(crate) player: PlayerName,
    /// The hash of its key.
    pub(crate) key: KeyHash,
    /// Since when.
    pub(crate) at: UnixMillis,
}

/// On what ground somebody may act for a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// The name is nobody's yet, and no key was shown: as long as that is so.
    Open,
    /// By the name's key.
    Proven,
    /// By a key that the name is to belong to from now on.
    Claiming(KeyHash),
}

/// Decides whether somebody who shows `shown` may act for a name that belongs to `owner`, if to anybody.
///
/// # Errors
///
/// [`Denial`], when not.
pub(crate) fn access(
    owner: Option<&KeyHash>,
    shown: Option<&KeyHash>,
    key_required: bool,
) -> Result<Access, Denial> {
    match (owner, shown) {
        (Some(owner), Some(shown)) if owner == shown => Ok(Access::Proven),
        (Some(_), Some(_)) => Err(Denial::WrongKey),
        (Some(_), None) => Err(Denial::KeyMissing),
        (None, Some(shown)) => Ok(Access::Claiming(*shown)),
        (None, None) if key_required => Err(Denial::KeyRequired),
        (None, None) => Ok(Access::Open),
    }
}

/// Why somebody may not act for a name. Its words repeat neither name nor key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denial {
    /// The name is claimed, and no key was shown.
    #[error("user: this name is claimed: its key is needed (metadata authorization: Bearer KEY)")]
    KeyMissing,
    /// The name is claimed by another key.
    #[error("user: this name is claimed by another key than the one shown")]
    WrongKey,
    /// Nobody plays here without a key.
    #[error("user: this casino wants a key for every name (metadata authorization: Bearer KEY)")]
    KeyRequired,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_act_for_whom() {
        let [ann, bob] = [1, 2].map(|byte| KeyHash::of(&PlayerKey::from_bytes([byte; 32])));
        let cases = [
            (None, None, false, "Ok(Open)"),
            (None, None, true, "Err(KeyRequired)"),
            (None, Some(&ann), false, "Ok(Claiming(KeyHash(..)))"),
            (None, Some(&ann), true, "Ok(Claiming(KeyHash(..)))"),
            (Some(&ann), Some(&ann), false, "Ok(Proven)"),
            (Some(&ann), Some(&ann), true, "Ok(Proven)"),
            (Some(&ann), Some(&bob), false, "Err(WrongKey)"),
            (Some(&ann), Some(&bob), true, "Err(WrongKey)"),
            (Some(&ann), None, false, "Err(KeyMissing)"),
            (Some(&ann), None, true, "Err(KeyMissing)"),
        ];
        for (owner, shown, required, expected) in cases {
            let found = format!("{:?}", access(owner, shown, required));
            assert_eq!(found, expected, "{owner:?} {shown:?} {required}");
        }
    }

    #[test]
    fn a_hash_is_sha_256() {
        let hash = KeyHash::of(&PlayerKey::from_bytes([0; 32]));
        let start = &hash.as_bytes()[..4];
        assert_eq!(start, [0x66, 0x68, 0x7a, 0xad]);
    }
}
