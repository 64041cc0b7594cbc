//! Limits the sessions per player, over all runtimes and over all casinos that share a ledger.

mod cluster;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

pub(crate) use self::cluster::ClusterSessionLimit;
use self::cluster::SessionCounter;
use crate::domain::player::SessionOwner;
use crate::store::lock;

#[derive(Debug)]
pub(crate) struct SessionLimit {
    sessions: Mutex<HashMap<SessionOwner, usize>>,
    max: usize,
    /// Set if other casinos count too.
    cluster: Option<Arc<SessionCounter>>,
}

/// A counted session of a player, until it is dropped.
#[derive(Debug)]
pub(crate) struct SessionPermit {
    limit: Arc<SessionLimit>,
    owner: SessionOwner,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SessionDenied {
    #[error("this player has {max} open sessions, the maximum: close one first")]
    LimitReached { max: usize },
    /// The sessions at other casinos could not be counted.
    #[error("the casino could not count the sessions of this player; try again")]
    Unavailable,
}

impl SessionLimit {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            sessions: Mutex::default(),
            max,
            cluster: None,
        })
    }

    /// Creates a limit for all casinos of a cluster, and the task that counts.
    pub(crate) fn clustered(max: usize) -> (Arc<Self>, ClusterSessionLimit) {
        let (counter, requests) = SessionCounter::new();
        let limit = Arc::new(Self {
            sessions: Mutex::default(),
            max,
            cluster: Some(Arc::clone(&counter)),
        });
        let cluster = ClusterSessionLimit {
            limit: Arc::clone(&limit),
            counter,
            requests,
        };
        (limit, cluster)
    }

    pub(crate) async fn acquire(
        self: &Arc<Self>,
        owner: SessionOwner,
    ) -> Result<SessionPermit, SessionDenied> {
        match &self.cluster {
            Some(counter) if self.local_sessions(&owner) < self.max => counter.acquire(owner).await,
            Some(_) => Err(SessionDenied::LimitReached { max: self.max }),
            None => self.acquire_local(owner),
        }
    }

    /// Counts one more session of `owner` at this casino.
    fn acquire_local(self: &Arc<Self>, owner: SessionOwner) -> Result<SessionPermit, SessionDenied> {
        let mut sessions = lock(&self.sessions);
        let count = sessions.get(&owner).copied().unwrap_or(0);
        if count >= self.max {
            return Err(SessionDenied::LimitReached { max: self.max });
        }
        sessions.insert(owner.clone(), count.saturating_add(1));
        drop(sessions);
        Ok(SessionPermit {
            limit: Arc::clone(self),
            owner,
        })
    }

    fn local_sessions(&self, owner: &SessionOwner) -> usize {
        lock(&self.sessions).get(owner).copied().unwrap_or(0)
    }
}

impl Drop for SessionPermit {
    fn drop(&mut self) {
        let mut sessions = lock(&self.limit.sessions);
        match sessions.get_mut(&self.owner) {
            Some(count) if *count > 1 => *count = count.saturating_sub(1),
            _ => {
                sessions.remove(&self.owner);
            }
        }
        drop(sessions);
        if let Some(counter) = &self.limit.cluster {
            counter.changed(&self.owner);
        }
    }
}
