//! The permits of one seat: for which name it may act, asked once.

use std::task::{Context, Poll, ready};

use futures_util::future::{BoxFuture, FutureExt};

use super::{AccessError, Gate, Permit, Shown};
use crate::{identity::PlayerName, table::Chair};

/// What one seat may do. A stream has one key, and may act for every name that it opens.
pub(crate) struct Permits {
    gate: Gate,
    shown: Shown,
    /// Whose seat it is: taken only by who may act for them, so that nobody fills up the seats of another.
    chair: Chair,
    /// For whom the seat acted last.
    known: Option<(PlayerName, Permit)>,
    asking: Option<(PlayerName, Asking)>,
}

type Asking = BoxFuture<'static, Result<Permit, AccessError>>;

impl Permits {
    /// For a seat whose stream showed `shown`; `chair` is that of who is named already, or free.
    pub(crate) fn new(gate: Gate, shown: Shown, chair: Chair) -> Self {
        Self {
            gate,
            shown,
            chair,
            known: None,
            asking: None,
        }
    }

    /// Whether it is known already that the seat may act for `player`: no lock, no hash.
    pub(crate) fn is_known(&self, player: &PlayerName) -> bool {
        let known = self.known.as_ref();
        known.is_some_and(|(known, permit)| known == player && permit.holds())
    }

    /// Waits until it is known whether the seat may act for `player`. One name is asked about at a time.
    pub(crate) fn poll(
        &mut self,
        player: &PlayerName,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AccessError>> {
        if self.is_known(player) {
            return Poll::Ready(Ok(()));
        }
        let asking = match &mut self.asking {
            Some((asked, asking)) if asked == player => asking,
            other => {
                let (gate, shown, name) = (self.gate.clone(), self.shown, player.clone());
                let asking = async move { gate.admit(name, shown).await }.boxed();
                &mut other.insert((player.clone(), asking)).1
            }
        };
        let permit = ready!(asking.poll_unpin(cx));
        self.asking = None;
        let permit = permit?;
        self.chair.take(Some(player))?;
        self.known = Some((player.clone(), permit));
        Poll::Ready(Ok(()))
    }
}
