//! The gate: who comes in under which name.
//!
//! Owns what is known of names while somebody acts for them, so that a key is looked at once a seat and name, and that
//! a claim is on disk before it counts. Who may act for whom is decided by [`identity`](crate::identity).

mod permits;
mod standing;

#[cfg(test)]
mod tests;

use std::{convert::Infallible, sync::Arc, time::Duration};

use awesomestock_proto::credentials::{BadCredential, PlayerKey};
use tokio::time::sleep;
use tonic::metadata::MetadataMap;

pub(crate) use self::permits::Permits;
pub(crate) use self::standing::{Register, Standing};
use crate::{
    identity::{Access, Denial, KeyHash, PlayerName, access},
    ledger::{Books, LedgerError},
    reader::Reader,
    store::{
        StoreError,
        postgres::{Claimed, Ears},
    },
    table::NoSeat,
};

/// How long after a read that failed whose name it is is read again.
const READ_AGAIN: Duration = Duration::from_secs(1);

/// The way in for the tasks of one runtime. All ways in share one register.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    register: Arc<Register>,
    reader: Reader,
    books: Books,
    key_required: bool,
}

/// The hash of the key that a call shows, if it shows one.
pub(crate) type Shown = Option<KeyHash>;

/// Why somebody does not come in. Its words repeat neither name nor key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccessError {
    /// What was shown is no key.
    #[error(transparent)]
    Bad(#[from] BadCredential),
    /// The name is not theirs.
    #[error(transparent)]
    Denied(#[from] Denial),
    /// The player is given no seat.
    #[error(transparent)]
    Seats(#[from] NoSeat),
    /// Whose name it is could not be read.
    #[error("the casino {0}")]
    Read(#[from] StoreError),
    /// The claim could not be kept, so it does not count.
    #[error("the name was not claimed: {0}")]
    Keep(#[from] LedgerError),
}

impl AccessError {
    /// It is the casino that could not find out, whoever asked; asked again it may.
    pub(crate) fn is_the_casinos(&self) -> bool {
        matches!(
            self,
            Self::Read(_) | Self::Keep(_) | Self::Seats(NoSeat::Uncounted)
        )
    }
}

/// That somebody may act for a name, as long as it [holds](Permit::holds).
#[derive(Debug, Clone)]
pub(crate) struct Permit {
    standing: Arc<Standing>,
    proven: bool,
}

impl Permit {
    /// Whether it still holds: one without a key ends when the name is claimed. Takes no lock.
    pub(crate) fn holds(&self) -> bool {
        self.proven || self.standing.owner().is_none()
    }
}

impl Gate {
    /// A gate; with `key_required` nobody acts for a name without a key.
    pub(crate) fn new(register: Arc<Register>, reader: Reader, books: Books, key_required: bool) -> Self {
        Self {
            register,
            reader,
            books,
            key_required,
        }
    }

    /// The key that `metadata` shows, as its hash.
    pub(crate) fn shown(metadata: &MetadataMap) -> Result<Shown, AccessError> {
        Ok(PlayerKey::shown_in(metadata)?.map(|key| KeyHash::of(&key)))
    }

    /// Lets the sender of a call with `metadata` act for `player`.
    pub(crate) async fn admit_call(
        &self,
        metadata: &MetadataMap,
        player: &PlayerName,
    ) -> Result<(), AccessError> {
        let shown = Self::shown(metadata)?;
        self.admit(player.clone(), shown).await.map(drop)
    }

    /// Lets somebody who shows `shown` act for `player`; a name that is nobody's is claimed by the key.
    pub(crate) async fn admit(&self, player: PlayerName, shown: Shown) -> Result<Permit, AccessError> {
        let standing = self.register.standing(&player);
        standing
            .read_once(async || self.reader.owner(player.clone()).await)
            .await?;
        if standing.owner().is_none()
            && self.books.are_shared()
            && let Some(owner) = self.reader.owner(player.clone()).await?
        {
            // Claimed at another casino since it was read here.
            standing.belongs_to(owner);
        }
        let proven = match access(standing.owner(), shown.as_ref(), self.key_required)? {
            Access::Open => false,
            Access::Proven => true,
            Access::Claiming(key) => {
                self.claim(player, key, Arc::clone(&standing)).await?;
                true
            }
        };
        Ok(Permit { standing, proven })
    }

    /// Has the name belong to the key, on disk first. Done by a task of its own: who asks may go away in the middle,
    /// and what is on disk would not be known here.
    async fn claim(
        &self,
        player: PlayerName,
        key: KeyHash,
        standing: Arc<Standing>,
    ) -> Result<(), AccessError> {
        let books = self.books.clone();
        let claiming = tokio::spawn(async move {
            let _one_at_a_time = standing.claiming().await;
            match access(standing.owner(), Some(&key), true)? {
                Access::Claiming(_) => {
                    books.claim(player, key).await?;
                    standing.belongs_to(key);
                    Ok(())
                }
                // Another seat of the same player was faster.
                Access::Proven | Access::Open => Ok(()),
            }
        });
        claiming
            .await
            .unwrap_or(Err(AccessError::Keep(LedgerError::Unanswered)))
    }
}

/// Keeps up with the names that are claimed or released elsewhere, as `ears` hear of them.
pub(crate) async fn follow(register: &Register, reader: &Reader, ears: &Ears) -> Infallible {
    loop {
        let mut names: Vec<_> = match ears.claims().await {
            Claimed::Of(names) => names.into_iter().collect(),
            Claimed::Any => register.names(),
        };
        while let Some(player) = names.last() {
            match register.look_again(player, reader).await {
                Ok(()) => drop(names.pop()),
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "whose names they are is not known"
                    );
                    sleep(READ_AGAIN).await;
                }
            }
        }
    }
}

#[cfg(test)]
impl Gate {
    /// A gate that knows of `names` that they are nobody's, so that it waits for no disk.
    pub(crate) fn knowing(names: &[&str], reader: Reader, books: Books) -> Self {
        let register = Arc::new(Register::default());
        for name in names {
            register.put_unclaimed(&PlayerName::new(name).unwrap());
        }
        Self::new(register, reader, books, false)
    }
}
