//! Authorizes calls and sessions to act for a name, and claims names. The rules are in [`access`].

mod revocation;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::sync::Arc;

use awesomestock_proto::auth::{CredentialError, PlayerKey};
use tonic::metadata::MetadataMap;

pub(crate) use self::revocation::Revocation;
use crate::domain::credential::{AuthDenied, Grant, KeyHash, access};
use crate::domain::player::{LegacyNames, PlayerName, SessionOwner};
use crate::grpc::claims::{ClaimCache, ClaimEntry};
use crate::grpc::session::limit::{SessionDenied, SessionLimit, SessionPermit};
use crate::ledger::{LedgerError, LedgerHandle};
use crate::store::StoreError;
use crate::store::notifications::{ChangedNames, Notifications};
use crate::store::reader::{StoreReader, until_read};

/// Authorizes calls.
#[derive(Debug)]
pub(crate) struct Auth {
    pub(crate) claims: Arc<ClaimCache>,
    pub(crate) reader: StoreReader,
    pub(crate) ledger: LedgerHandle,
    /// Accepted though they break today's rule.
    pub(crate) names: LegacyNames,
    /// Unclaimed names need a key too.
    pub(crate) key_required: bool,
    pub(crate) sessions: Arc<SessionLimit>,
}

/// The hash of a call's key, if it has one.
pub(crate) type Credential = Option<KeyHash>;

/// Why access is denied. The messages contain neither name nor key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccessError {
    #[error(transparent)]
    InvalidKey(#[from] CredentialError),
    #[error(transparent)]
    Denied(#[from] AuthDenied),
    #[error(transparent)]
    Session(#[from] SessionDenied),
    #[error("the casino {0}")]
    Read(#[from] StoreError),
    #[error("the name was not claimed: {0}")]
    Claim(#[from] LedgerError),
}

impl AccessError {
    /// Returns true if the casino failed and a retry may succeed.
    pub(crate) fn is_server_fault(&self) -> bool {
        matches!(
            self,
            Self::Read(_) | Self::Claim(_) | Self::Session(SessionDenied::Unavailable)
        )
    }
}

/// Permission to act for a name while it [is valid](Self::is_valid).
#[derive(Debug, Clone)]
pub(crate) struct Authorization {
    entry: Arc<ClaimEntry>,
    /// Granted by a key.
    has_key: bool,
}

impl Authorization {
    /// Returns the revocation of an authorization without a key. One with a key is never revoked.
    pub(crate) fn revocation(&self) -> Option<Revocation> {
        (!self.has_key).then(|| Revocation::new(Arc::clone(&self.entry)))
    }

    /// Returns false once a name used without a key is claimed. Takes no lock.
    pub(crate) fn is_valid(&self) -> bool {
        self.has_key || self.entry.owner().is_none()
    }
}

impl Auth {
    pub(crate) fn credential(metadata: &MetadataMap) -> Result<Credential, AccessError> {
        Ok(PlayerKey::from_metadata(metadata)?.map(|key| KeyHash::from_key(&key)))
    }

    /// Authorizes the holder of `credential` to act for `player`. A key claims an unclaimed name.
    pub(crate) async fn authorize(
        &self,
        player: PlayerName,
        credential: Credential,
    ) -> Result<Authorization, AccessError> {
        let entry = self.claims.entry(&player);
        entry.load_once(&player, &self.reader).await?;
        if entry.owner().is_none()
            && self.ledger.is_clustered()
            && let Some(owner) = self.reader.claim_owner(player.clone()).await?
        {
            // Claimed at another casino since it was loaded.
            entry.set_owner(owner);
        }
        let has_key = match access(entry.owner(), credential.as_ref(), self.key_required)? {
            Grant::Unclaimed => false,
            Grant::KeyMatches => true,
            Grant::Claim(key) => {
                self.claim(player, key, Arc::clone(&entry)).await?;
                true
            }
        };
        Ok(Authorization { entry, has_key })
    }

    /// Authorizes the holder of `credential` to act for `player`, and counts a session.
    pub(crate) async fn open_session(
        &self,
        player: PlayerName,
        credential: Credential,
    ) -> Result<(Authorization, SessionPermit), AccessError> {
        let authorization = self.authorize(player.clone(), credential).await?;
        let has_key = authorization.has_key;
        let permit = self.sessions.acquire(SessionOwner { player, has_key }).await?;
        Ok((authorization, permit))
    }

    /// Commits a claim and then updates its entry. Runs in its own task, so that the entry is updated even if the caller is
    /// cancelled after the commit.
    async fn claim(
        &self,
        player: PlayerName,
        key: KeyHash,
        entry: Arc<ClaimEntry>,
    ) -> Result<(), AccessError> {
        let ledger = self.ledger.clone();
        let task = tokio::spawn(async move {
            let _lock = entry.claim_lock.lock().await;
            match access(entry.owner(), Some(&key), true)? {
                Grant::Claim(_) => {
                    ledger.claim(player, key).await?;
                    entry.set_owner(key);
                    Ok(())
                }
                // Claimed meanwhile by the same key.
                Grant::KeyMatches | Grant::Unclaimed => Ok(()),
            }
        });
        task.await
            .unwrap_or(Err(AccessError::Claim(LedgerError::OutcomeUnknown)))
    }
}

/// Reloads cached names that are claimed or released at other casinos.
pub(crate) async fn follow(
    claims: &ClaimCache,
    reader: &StoreReader,
    notifications: &Notifications,
) -> Infallible {
    loop {
        let names: Vec<_> = match notifications.claims().await {
            ChangedNames::Some(names) => names.into_iter().collect(),
            ChangedNames::Any => claims.names(),
        };
        for player in names {
            until_read(|| claims.refresh(&player, reader)).await;
        }
    }
}

#[cfg(test)]
impl Auth {
    /// Creates an `Auth` that has `names` cached as unclaimed.
    pub(crate) fn for_tests(names: &[&str], reader: StoreReader, ledger: LedgerHandle) -> Self {
        let claims = Arc::new(ClaimCache::default());
        for name in names {
            claims.put_unclaimed(&PlayerName::new(name).unwrap());
        }
        Self {
            claims,
            reader,
            ledger,
            names: LegacyNames::default(),
            key_required: false,
            sessions: SessionLimit::new(1),
        }
    }
}
