//! Revocation of an authorization that was granted without a key.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_util::future::{BoxFuture, FutureExt};

use crate::domain::credential::access;
use crate::grpc::auth::AccessError;
use crate::grpc::claims::ClaimEntry;

/// Waits until a name that is used without a key is claimed.
pub(crate) struct Revocation {
    entry: Arc<ClaimEntry>,
    claimed: BoxFuture<'static, ()>,
    /// The registered waker, so that `claimed` is not polled again for each message.
    waker: Option<Waker>,
}

impl Revocation {
    pub(crate) fn new(entry: Arc<ClaimEntry>) -> Self {
        Self {
            claimed: Arc::clone(&entry).claimed().boxed(),
            entry,
            waker: None,
        }
    }

    /// Returns the reason to end the session once the name is claimed. Takes no lock.
    pub(crate) fn reason(&self) -> Option<AccessError> {
        let owner = self.entry.owner()?;
        access(Some(owner), None, false).err().map(AccessError::Denied)
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self
            .waker
            .as_ref()
            .is_some_and(|waker| waker.will_wake(cx.waker()))
        {
            return match self.entry.owner() {
                Some(_) => Poll::Ready(()),
                None => Poll::Pending,
            };
        }
        self.waker = Some(cx.waker().clone());
        self.claimed.poll_unpin(cx)
    }
}
