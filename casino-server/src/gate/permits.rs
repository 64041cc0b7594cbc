//! The permits of one seat: for which name it may act, asked once.

use std::{
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_util::future::{BoxFuture, FutureExt};

use super::{AccessError, Gate, Permit, Shown};
use crate::{
    identity::PlayerName,
    table::{Players, Seated},
};

/// What one seat may do. A stream has one key, and may act for every name that it opens.
pub(crate) struct Permits {
    gate: Gate,
    shown: Shown,
    players: Arc<Players>,
    /// That it counts as a player's, from the first on who is named: only for who may act for them, so that nobody fills
    /// up the seats of another.
    seated: Option<Seated>,
    /// For whom the seat acted last.
    known: Option<(PlayerName, Permit)>,
    asking: Option<(PlayerName, Asking)>,
}

type Asking = BoxFuture<'static, Result<(Permit, Option<Seated>), AccessError>>;

impl Permits {
    /// For a seat among those of `players` whose stream showed `shown`; `seated` if somebody is named already.
    pub(crate) fn new(
        (gate, shown): (Gate, Shown),
        (players, seated): (Arc<Players>, Option<Seated>),
    ) -> Self {
        Self {
            gate,
            shown,
            players,
            seated,
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
                let players = self.seated.is_none().then(|| Arc::clone(&self.players));
                let asking = async move {
                    let permit = gate.admit(name.clone(), shown).await?;
                    let seated = match players {
                        Some(players) => Some(players.sit(&name).await?),
                        None => None,
                    };
                    Ok((permit, seated))
                };
                let asking = asking.boxed();
                &mut other.insert((player.clone(), asking)).1
            }
        };
        let asked = ready!(asking.poll_unpin(cx));
        self.asking = None;
        let (permit, seated) = asked?;
        self.seated = seated.or(self.seated.take());
        self.known = Some((player.clone(), permit));
        Poll::Ready(Ok(()))
    }
}
