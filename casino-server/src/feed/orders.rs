//! Wakes the sessions of a player when one of the player's orders ends. They read the order from the ledger.

use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use futures_util::StreamExt;
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;

use crate::{
    domain::player::PlayerName,
    store::{
        Batch, lock,
        notifications::{ChangedNames, Notifications},
    },
};

/// The players with sessions that are subscribed; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct OrderFeed(Arc<Mutex<HashMap<PlayerName, watch::Sender<()>>>>);

/// A session's subscription.
#[derive(Debug)]
pub(crate) struct OrderSubscription {
    feed: OrderFeed,
    player: PlayerName,
    /// Set until it is dropped.
    ended: Option<WatchStream<()>>,
}

impl OrderFeed {
    /// Subscribes to the ends of the player's orders; those before count as one.
    pub(crate) fn subscribe(&self, player: PlayerName) -> OrderSubscription {
        let mut players = lock(&self.0);
        let sender = players.entry(player.clone()).or_default();
        OrderSubscription {
            feed: self.clone(),
            player,
            ended: Some(WatchStream::new(sender.subscribe())),
        }
    }

    /// Wakes the sessions of the players whose orders ended with a committed batch.
    pub(crate) fn on_batch(&self, batch: &Batch) {
        if batch.orders.is_empty() {
            return;
        }
        let ended = batch.orders.iter().filter(|posting| posting.ended.is_some());
        let accounts: HashSet<_> = ended.map(|posting| posting.account).collect();
        let players = batch
            .records
            .iter()
            .filter(|(_, record)| accounts.contains(&record.id));
        for (player, _) in players {
            self.ended(player);
        }
    }

    /// Wakes the sessions of `player`.
    pub(crate) fn ended(&self, player: &PlayerName) {
        if let Some(sender) = lock(&self.0).get(player) {
            sender.send_replace(());
        }
    }

    /// Wakes all sessions: any order may have ended.
    fn any_ended(&self) {
        for sender in lock(&self.0).values() {
            sender.send_replace(());
        }
    }
}

/// Wakes the sessions whose orders were ended by other servers.
pub(crate) async fn follow(feed: &OrderFeed, notifications: &Notifications) -> Infallible {
    loop {
        match notifications.ended_orders().await {
            ChangedNames::Some(names) => names.iter().for_each(|player| feed.ended(player)),
            ChangedNames::Any => feed.any_ended(),
        }
    }
}

impl OrderSubscription {
    /// Ready at first, and when an order has ended since the last call. Wakes the task of `cx` otherwise.
    pub(crate) fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.ended {
            Some(ended) => ended.poll_next_unpin(cx).map(drop),
            None => Poll::Pending,
        }
    }
}

impl Drop for OrderSubscription {
    fn drop(&mut self) {
        let mut players = lock(&self.feed.0);
        self.ended = None;
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
    use crate::domain::{
        market::Tick,
        money::{Price, Stocks, UnixMillis},
        order::{
            AccountId, AccountRecord, Side,
            request::RequestId,
            resting::{OrderPosting, RestingOrder, RestingTerms},
        },
    };

    fn batch(player: &PlayerName, ended: Option<i64>) -> Batch {
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
            records: vec![(player.clone(), AccountRecord::new(AccountId(1)))],
            orders: vec![OrderPosting {
                account: AccountId(1),
                number: 1,
                ended,
                order: RestingOrder::new(RequestId([1; 16]), terms, tick, UnixMillis(0)),
            }],
            ..Batch::default()
        }
    }

    #[test]
    fn each_session_of_the_player_is_woken_and_nobody_else() {
        let feed = OrderFeed::default();
        let [ann, bob] = ["ann", "bob"].map(|name| PlayerName::new(name).unwrap());
        let mut sessions = [&ann, &ann, &bob].map(|player| feed.subscribe(player.clone()));
        let mut ended = || {
            sessions
                .each_mut()
                .map(|session| poll_fn(|cx| session.poll_ended(cx)).now_or_never().is_some())
        };
        assert_eq!(ended(), [true, true, true], "earlier ends");
        feed.on_batch(&batch(&ann, None));
        assert_eq!(ended(), [false, false, false], "it was placed");
        feed.on_batch(&batch(&ann, Some(1)));
        assert_eq!(ended(), [true, true, false]);
        assert_eq!(ended(), [false, false, false]);
        feed.any_ended();
        assert_eq!(ended(), [true, true, true]);
        drop(sessions);
        assert!(lock(&feed.0).is_empty());
    }
}
