//! Wakes the sessions of a player when an account or an order of the player changes. They read the change from the ledger.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use futures_util::StreamExt;
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;

use crate::domain::player::PlayerName;
use crate::domain::round::Round;
use crate::store::notifications::{ChangedNames, Notifications};
use crate::store::{Batch, lock};

/// Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct AccountFeed {
    pub(crate) accounts: PlayerTopic<AccountChange>,
    /// Orders that were placed or have ended.
    pub(crate) orders: PlayerTopic<()>,
}

/// The changes of a player's accounts so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct AccountChange {
    /// The highest version for clients of those that this server has committed.
    pub(crate) version: i64,
    /// Number of changes that another server may have committed.
    pub(crate) elsewhere: u64,
}

/// The players with sessions that are subscribed, each with the newest value.
#[derive(Debug, Clone, Default)]
pub(crate) struct PlayerTopic<T>(Arc<Mutex<HashMap<PlayerName, watch::Sender<T>>>>);

/// A session's subscription.
#[derive(Debug)]
pub(crate) struct Subscription<T> {
    topic: PlayerTopic<T>,
    player: PlayerName,
    /// Set until it is dropped.
    values: Option<WatchStream<T>>,
}

impl AccountFeed {
    /// Wakes the sessions of the players whose accounts or orders changed with a committed batch, during `round`.
    pub(crate) fn on_batch(&self, batch: &Batch, round: &Round) {
        if !self.accounts.is_empty() {
            for (name, record) in &batch.records {
                let version = round.versioned(name, record.account).version;
                self.accounts.update(&name.without_round(), |change| {
                    change.version = change.version.max(version);
                });
            }
        }
        if batch.orders.is_empty() || self.orders.is_empty() {
            return;
        }
        let accounts: HashSet<_> = batch.orders.iter().map(|posting| posting.account).collect();
        let players = batch
            .records
            .iter()
            .filter(|(_, record)| accounts.contains(&record.id));
        for (player, _) in players {
            self.orders.update(player, |()| ());
        }
    }

    /// Wakes the sessions of `player`: another server has changed the account or an order.
    pub(crate) fn changed_elsewhere(&self, player: &PlayerName) {
        self.accounts.update(player, AccountChange::set_elsewhere);
        self.orders.update(player, |()| ());
    }

    /// Wakes all sessions: any account may have changed.
    fn any_changed_elsewhere(&self) {
        self.accounts.update_all(AccountChange::set_elsewhere);
        self.orders.update_all(|()| ());
    }
}

impl AccountChange {
    fn set_elsewhere(&mut self) {
        self.elsewhere = self.elsewhere.wrapping_add(1);
    }
}

/// Wakes the sessions whose accounts or orders were changed by other servers.
pub(crate) async fn follow(feed: &AccountFeed, notifications: &Notifications) -> Infallible {
    loop {
        match notifications.changed_accounts().await {
            ChangedNames::Some(names) => names.iter().for_each(|player| feed.changed_elsewhere(player)),
            ChangedNames::Any => feed.any_changed_elsewhere(),
        }
    }
}

impl<T: Clone + Default + Send + Sync + 'static> PlayerTopic<T> {
    /// Subscribes to the player's values, also to the newest one before.
    pub(crate) fn subscribe(&self, player: PlayerName) -> Subscription<T> {
        let mut players = lock(&self.0);
        let sender = players.entry(player.clone()).or_default();
        Subscription {
            topic: self.clone(),
            player,
            values: Some(WatchStream::new(sender.subscribe())),
        }
    }

    fn is_empty(&self) -> bool {
        lock(&self.0).is_empty()
    }

    fn update(&self, player: &PlayerName, update: impl FnOnce(&mut T)) {
        if let Some(sender) = lock(&self.0).get(player) {
            sender.send_modify(update);
        }
    }

    fn update_all(&self, update: impl Fn(&mut T)) {
        for sender in lock(&self.0).values() {
            sender.send_modify(&update);
        }
    }
}

impl<T: Clone + Send + Sync + 'static> Subscription<T> {
    /// Ready with the newest value at first, and when there is a newer one since the last call. Wakes the task of `cx`
    /// otherwise.
    pub(crate) fn poll_newest(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        match self.values.as_mut().map(|values| values.poll_next_unpin(cx)) {
            Some(Poll::Ready(Some(value))) => Poll::Ready(value),
            // The sender is dropped with the last subscription.
            Some(Poll::Ready(None) | Poll::Pending) | None => Poll::Pending,
        }
    }
}

impl<T> Drop for Subscription<T> {
    fn drop(&mut self) {
        let mut players = lock(&self.topic.0);
        self.values = None;
        if players
            .get(&self.player)
            .is_some_and(|sender| sender.receiver_count() == 0)
        {
            players.remove(&self.player);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use awesomestock_proto::values::Trigger;
    use futures_util::FutureExt;

    use super::*;
    use crate::domain::market::Tick;
    use crate::domain::money::{Price, Stocks, UnixMillis};
    use crate::domain::order::request::RequestId;
    use crate::domain::order::resting::{OrderPosting, RestingOrder, RestingTerms};
    use crate::domain::order::{AccountId, AccountRecord, Side};
    use crate::domain::round::RoundPhase;

    fn batch(player: &PlayerName, version: i64) -> Batch {
        let mut record = AccountRecord::new(AccountId(1));
        record.account.version = version;
        Batch {
            records: vec![(player.clone(), record)],
            ..Batch::default()
        }
    }

    fn with_order(player: &PlayerName, ended: Option<i64>) -> Batch {
        let terms = RestingTerms {
            side: Side::Buy,
            count: Stocks(1),
            trigger: Trigger::Limit,
            price: Price::MIN,
            up_to: false,
        };
        let tick = Tick {
            number: 0,
            price: Price::MIN,
            at: UnixMillis(0),
        };
        Batch {
            orders: vec![OrderPosting {
                account: AccountId(1),
                number: 1,
                ended,
                order: RestingOrder::new(RequestId([1; 16]), terms, tick, UnixMillis(0)),
            }],
            ..batch(player, 1)
        }
    }

    fn newest<T: Clone + Send + Sync + 'static>(subscription: &mut Subscription<T>) -> Option<T> {
        poll_fn(|cx| subscription.poll_newest(cx)).now_or_never()
    }

    #[test]
    fn each_session_of_the_player_is_woken_by_an_order_and_no_other() {
        let (feed, round) = (AccountFeed::default(), Round::default());
        let [ann, bob] = ["ann", "bob"].map(|name| PlayerName::new(name).unwrap());
        let mut sessions = [&ann, &ann, &bob].map(|player| feed.orders.subscribe(player.clone()));
        let mut woken = || sessions.each_mut().map(|session| newest(session).is_some());
        assert_eq!(woken(), [true, true, true], "earlier changes");
        feed.on_batch(&batch(&ann, 1), &round);
        assert_eq!(woken(), [false, false, false], "no order");
        for ended in [None, Some(1)] {
            feed.on_batch(&with_order(&ann, ended), &round);
            assert_eq!(woken(), [true, true, false]);
            assert_eq!(woken(), [false, false, false]);
        }
        feed.changed_elsewhere(&bob);
        assert_eq!(woken(), [false, false, true]);
        feed.any_changed_elsewhere();
        assert_eq!(woken(), [true, true, true]);
        drop(sessions);
        assert!(feed.orders.is_empty());
    }

    #[test]
    fn a_session_gets_the_version_of_the_account_in_force() {
        let feed = AccountFeed::default();
        let ann = PlayerName::new("ann").unwrap();
        let mut session = feed.accounts.subscribe(ann.clone());
        assert_eq!(newest(&mut session), Some(AccountChange::default()));
        assert_eq!(newest(&mut session), None);
        let round = Round {
            number: 1,
            phase: RoundPhase::Paused(1),
            ..Round::default()
        };
        let own = AccountRecord::new(AccountId(1)).account;
        let in_round = round.versioned(&ann.in_round(1), own).version;
        // An order of the own account is filled during the round.
        for (name, version) in [(ann.in_round(1), 3), (ann, 900)] {
            feed.on_batch(&batch(&name, version), &round);
        }
        let change = AccountChange {
            version: in_round + 3,
            elsewhere: 0,
        };
        assert_eq!(newest(&mut session), Some(change));
    }
}
