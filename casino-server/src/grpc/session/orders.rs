//! The ended orders of a session's player, read from the ledger.

use std::{
    collections::VecDeque,
    task::{Context, Poll, ready},
};

use awesomestock_proto::{frame::GambleFrame, values::ENDED_ORDERS_MAX};
use futures_util::{FutureExt, future::BoxFuture};

use crate::{
    domain::{account::Account, order::resting::OrderPosting, player::PlayerName},
    feed::{capabilities::Capabilities, orders::OrderSubscription},
    grpc::{accounts::Accounts, convert},
    store::{PageRequest, StoreError, reader::until_read},
};

/// Each order that ended after the last one seen is sent once, in the order in which they ended.
pub(crate) struct OrderUpdates {
    accounts: Accounts,
    player: PlayerName,
    subscription: OrderSubscription,
    /// The last end that was read.
    seen: i64,
    /// Set after the first read, which skips all but the newest ends.
    is_following: bool,
    reading: Option<BoxFuture<'static, EndedOrders>>,
    unsent: VecDeque<OrderPosting>,
    /// The account at the last read.
    account: Account,
}

/// Orders that ended, and the account afterwards.
type EndedOrders = (Vec<OrderPosting>, Account);

impl OrderUpdates {
    /// Creates the updates of a session whose client has seen the ends up to the number `seen`.
    pub(crate) fn new(
        accounts: Accounts,
        player: PlayerName,
        subscription: OrderSubscription,
        seen: i64,
    ) -> Self {
        Self {
            accounts,
            player,
            subscription,
            seen,
            is_following: false,
            reading: None,
            unsent: VecDeque::new(),
            account: Account::default(),
        }
    }

    /// Ready when [`pop`](Self::pop) returns an update.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.unsent.is_empty() {
            if let Some(reading) = &mut self.reading {
                let (ended, account) = ready!(reading.poll_unpin(cx));
                self.reading = None;
                self.is_following = true;
                let last = ended.last().and_then(|posting| posting.ended);
                self.seen = last.unwrap_or(self.seen);
                self.account = account;
                self.unsent = ended.into();
            } else {
                ready!(self.subscription.poll_ended(cx));
                let (accounts, player) = (self.accounts.clone(), self.player.clone());
                let (seen, all) = (self.seen, self.is_following);
                let reading = async move { until_read(|| read(&accounts, &player, seen, all)).await };
                self.reading = Some(reading.boxed());
            }
        }
        Poll::Ready(())
    }

    pub(super) fn pop(&mut self, capabilities: Capabilities) -> Option<GambleFrame> {
        let posting = self.unsent.pop_front()?;
        let account = capabilities.wallet.then_some(&self.account);
        Some(convert::order_update(&posting, account))
    }
}

/// Reads the orders that ended after `seen`; only the newest ones unless `all` is set.
async fn read(
    accounts: &Accounts,
    player: &PlayerName,
    seen: i64,
    all: bool,
) -> Result<EndedOrders, StoreError> {
    let mut ended = VecDeque::new();
    let mut before = None;
    loop {
        let page = PageRequest {
            before,
            limit: ENDED_ORDERS_MAX,
        };
        let page = accounts.reader.ended_orders(player.clone(), page).await?;
        let is_new = |posting: &OrderPosting| posting.ended.is_some_and(|ended| ended > seen);
        let oldest = page.entries.first().copied();
        for posting in page.entries.into_iter().rev().filter(is_new) {
            ended.push_front(posting);
        }
        before = oldest
            .filter(|_| page.more)
            .filter(is_new)
            .and_then(|posting| posting.ended);
        if before.is_none() || !all {
            break;
        }
    }
    let account = match ended.is_empty() {
        true => Account::default(),
        false => accounts.own_account(player.clone()).await?,
    };
    Ok((ended.into(), account))
}
