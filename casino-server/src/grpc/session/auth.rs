//! Authorization of the players that a session acts for, checked once per name.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::future::{BoxFuture, FutureExt};

use crate::domain::player::{LegacyNames, PlayerName};
use crate::grpc::auth::{AccessError, Auth, Authorization, Credential};
use crate::grpc::session::limit::SessionPermit;

/// The authorization of one session. A stream has one key, and may act for every name that the key authorizes.
pub(crate) struct SessionAuth {
    auth: Arc<Auth>,
    credential: Credential,
    /// Counts the session for the first authorized player. Unauthorized names are not counted, so that nobody can use up
    /// the sessions of another player.
    permit: Option<SessionPermit>,
    last: Option<(PlayerName, Authorization)>,
    pending: Option<(PlayerName, PendingAuth)>,
}

type PendingAuth = BoxFuture<'static, Result<(Authorization, Option<SessionPermit>), AccessError>>;

impl SessionAuth {
    /// Creates the authorization of a session; `permit` is set if its player is known already.
    pub(crate) fn new(auth: Arc<Auth>, credential: Credential, permit: Option<SessionPermit>) -> Self {
        Self {
            auth,
            credential,
            permit,
            last: None,
            pending: None,
        }
    }

    /// Returns the names that are valid though they break today's rule.
    pub(crate) fn names(&self) -> &LegacyNames {
        &self.auth.names
    }

    /// Returns true if the session last acted for `player` and still may. Takes no lock.
    pub(crate) fn is_known(&self, player: &PlayerName) -> bool {
        let last = self.last.as_ref();
        last.is_some_and(|(name, authorization)| name == player && authorization.is_valid())
    }

    /// Authorizes the session for `player`. One name is checked at a time.
    pub(crate) fn poll(
        &mut self,
        player: &PlayerName,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AccessError>> {
        if self.is_known(player) {
            return Poll::Ready(Ok(()));
        }
        let pending = match &mut self.pending {
            Some((name, pending)) if name == player => pending,
            other => {
                let (auth, credential, name) = (Arc::clone(&self.auth), self.credential, player.clone());
                let has_permit = self.permit.is_some();
                let pending = async move {
                    if has_permit {
                        return Ok((auth.authorize(name, credential).await?, None));
                    }
                    let (authorization, permit) = auth.open_session(name, credential).await?;
                    Ok((authorization, Some(permit)))
                };
                &mut other.insert((player.clone(), pending.boxed())).1
            }
        };
        let result = ready!(pending.poll_unpin(cx));
        self.pending = None;
        let (authorization, permit) = result?;
        self.permit = permit.or(self.permit.take());
        self.last = Some((player.clone(), authorization));
        Poll::Ready(Ok(()))
    }
}
