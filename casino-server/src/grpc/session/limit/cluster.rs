//! Counts sessions across casinos: one task reserves them in the database before they are granted.
//!
//! Requests that arrive during a write are written together. A closed session counts until its removal is written, so
//! the limit is never exceeded.

use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;
use std::mem;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use awesomestock_proto::request::request;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval};

use super::{SessionDenied, SessionLimit, SessionPermit};
use crate::domain::player::SessionOwner;
use crate::store::cluster::{ClusterStore, LocalSessions};
use crate::store::lock;

/// Maximum number of queued requests; more wait to be queued.
const REQUESTS_MAX: usize = 1_024;

/// Maximum number of players per write. Each takes a lock, and a database has 6,400 of them by default.
const CHUNK_MAX: usize = 128;

/// Interval of checking the database connection and of retrying failed writes.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct AcquireRequest {
    owner: SessionOwner,
    reply: oneshot::Sender<Result<SessionPermit, SessionDenied>>,
}

/// The queue of the counting task.
#[derive(Debug)]
pub(super) struct SessionCounter {
    requests: mpsc::Sender<AcquireRequest>,
    /// Players whose number of sessions changed since the last write.
    changed: Mutex<HashSet<SessionOwner>>,
    notify: Notify,
}

/// The task that counts the sessions.
#[derive(Debug)]
pub(crate) struct ClusterSessionLimit {
    pub(super) limit: Arc<SessionLimit>,
    pub(super) counter: Arc<SessionCounter>,
    pub(super) requests: mpsc::Receiver<AcquireRequest>,
}

impl SessionCounter {
    pub(super) fn new() -> (Arc<Self>, mpsc::Receiver<AcquireRequest>) {
        let (requests, receiver) = mpsc::channel(REQUESTS_MAX);
        let counter = Self {
            requests,
            changed: Mutex::default(),
            notify: Notify::new(),
        };
        (Arc::new(counter), receiver)
    }

    pub(super) async fn acquire(&self, owner: SessionOwner) -> Result<SessionPermit, SessionDenied> {
        let reply = request(&self.requests, |reply| AcquireRequest { owner, reply }).await;
        reply.unwrap_or(Err(SessionDenied::Unavailable))
    }

    /// Schedules a write of `owner`'s number of sessions.
    pub(super) fn changed(&self, owner: &SessionOwner) {
        lock(&self.changed).insert(owner.clone());
        self.notify.notify_one();
    }

    /// Takes up to [`CHUNK_MAX`] changed players.
    fn take_changed(&self) -> Vec<SessionOwner> {
        let mut changed = lock(&self.changed);
        changed.extract_if(|_| true).take(CHUNK_MAX).collect()
    }
}

impl ClusterSessionLimit {
    /// Counts the sessions in `store`.
    pub(crate) async fn run(&mut self, store: &impl ClusterStore) -> Infallible {
        let mut retry = interval(RETRY_INTERVAL);
        retry.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut requests = Vec::new();
        loop {
            tokio::select! {
                _ = self.requests.recv_many(&mut requests, CHUNK_MAX) => {}
                () = self.counter.notify.notified() => {}
                _ = retry.tick() => {}
            }
            self.write(store, mem::take(&mut requests)).await;
        }
    }

    /// Writes changed numbers of sessions and answers the `waiting` requests.
    async fn write(&self, store: &impl ClusterStore, mut waiting: Vec<AcquireRequest>) {
        match store.open_sessions().await {
            Ok(false) => {}
            // After a reconnect the database may have lost the counts: all are written before any session is granted.
            Ok(true) => lock(&self.counter.changed).extend(lock(&self.limit.sessions).keys().cloned()),
            Err(error) => return deny(waiting, &error),
        }
        loop {
            let changed = self.counter.take_changed();
            let requests = match changed.len() < CHUNK_MAX {
                true => mem::take(&mut waiting),
                false => Vec::new(),
            };
            if changed.is_empty() && requests.is_empty() {
                return;
            }
            let chunk = self.chunk(&changed, &requests);
            match store.reserve_sessions(&chunk, self.limit.max).await {
                Ok(granted) => self.grant(
                    requests,
                    chunk.iter().map(|local| &local.owner).zip(granted).collect(),
                ),
                Err(error) => {
                    // Retried at the next interval.
                    lock(&self.counter.changed).extend(changed);
                    deny(waiting, &error);
                    return deny(requests, &error);
                }
            }
        }
    }

    /// Returns the numbers to write for the `changed` players and the `requests`.
    fn chunk(&self, changed: &[SessionOwner], requests: &[AcquireRequest]) -> Vec<LocalSessions> {
        let mut requested: BTreeMap<&SessionOwner, usize> = changed.iter().map(|owner| (owner, 0)).collect();
        for request in requests {
            let count = requested.entry(&request.owner).or_default();
            *count = count.saturating_add(1);
        }
        let sessions = lock(&self.limit.sessions);
        let chunk = requested.into_iter().map(|(owner, more)| LocalSessions {
            owner: owner.clone(),
            held: sessions.get(owner).copied().unwrap_or(0),
            more,
        });
        chunk.collect()
    }

    /// Answers `requests` in order until the `granted` sessions of each player are used up.
    fn grant(&self, requests: Vec<AcquireRequest>, mut granted: BTreeMap<&SessionOwner, usize>) {
        for AcquireRequest { owner, reply } in requests {
            let permit = match granted.get_mut(&owner) {
                Some(left @ 1..) => {
                    *left = left.saturating_sub(1);
                    self.limit.acquire_local(owner)
                }
                Some(0) | None => Err(SessionDenied::LimitReached { max: self.limit.max }),
            };
            // If the receiver is gone, dropping the permit schedules another write.
            let _ = reply.send(permit);
        }
    }
}

fn deny(requests: Vec<AcquireRequest>, error: &(dyn std::error::Error + 'static)) {
    tracing::debug!(error, "cannot count sessions");
    for request in requests {
        let _ = request.reply.send(Err(SessionDenied::Unavailable));
    }
}
