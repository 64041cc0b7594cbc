//! The orders of a session's player that another session has placed or that have ended, read from the ledger.

use std::collections::{HashSet, VecDeque};
use std::task::{Context, Poll, ready};

use awesomestock_proto::capabilities::Capabilities;
use awesomestock_proto::frame::GambleFrame;
use awesomestock_proto::values::ENDED_ORDERS_MAX;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::domain::account::Account;
use crate::domain::order::resting::OrderPosting;
use crate::domain::player::PlayerName;
use crate::feed::accounts::Subscription;
use crate::grpc::account_reader::AccountReader;
use crate::grpc::convert;
use crate::store::StoreError;
use crate::store::reader::until_read;

/// Each order that ended after the last one seen is sent once, in the order in which they ended: for a client that has seen
/// none, from the newest [`ENDED_ORDERS_MAX`] on. So is each order that was placed since the session opened, unless an answer
/// of the session has it.
pub(crate) struct OrderUpdates {
    pub(super) accounts: AccountReader,
    player: PlayerName,
    subscription: Subscription<()>,
    position: Position,
    /// Orders of answers that were sent since the last read began.
    answered: Vec<i64>,
    reading: Option<BoxFuture<'static, ReadOrders>>,
    last_read: ReadOrders,
}

/// What the client has received.
#[derive(Debug, Clone, Default)]
struct Position {
    /// The last end.
    seen: i64,
    /// Set after the first read, which skips the orders that are open already.
    is_following: bool,
    /// Numbers of open orders.
    open: HashSet<i64>,
}

#[derive(Debug, Default)]
struct ReadOrders {
    /// The orders to send: first the open ones, then at most [`ENDED_ORDERS_MAX`] others in the order in which they ended.
    unsent: VecDeque<OrderPosting>,
    /// Later ends were left out.
    has_more: bool,
    /// Set if an order is to be sent.
    account: Account,
}

impl OrderUpdates {
    /// Creates the updates of a session whose client has seen the ends up to the number `seen`.
    pub(crate) fn new(
        accounts: AccountReader,
        player: PlayerName,
        subscription: Subscription<()>,
        seen: i64,
    ) -> Self {
        Self {
            accounts,
            player,
            subscription,
            position: Position {
                seen,
                ..Position::default()
            },
            answered: Vec::new(),
            reading: None,
            last_read: ReadOrders::default(),
        }
    }

    /// Records that an answer has the order with this number.
    pub(super) fn acknowledge(&mut self, number: i64) {
        self.position.open.insert(number);
        self.answered.push(number);
    }

    /// Ready when [`pop`](Self::pop) returns an update.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let unsent = &mut self.last_read.unsent;
            while let Some(posting) = unsent.front() {
                if !self.position.knows(posting) {
                    return Poll::Ready(());
                }
                unsent.pop_front();
            }
            if let Some(reading) = &mut self.reading {
                let read = ready!(reading.poll_unpin(cx));
                self.reading = None;
                self.apply(read);
            } else {
                if !self.last_read.has_more {
                    ready!(self.subscription.poll_newest(cx));
                }
                self.answered.clear();
                let (accounts, player) = (self.accounts.clone(), self.player.clone());
                let position = self.position.clone();
                let reading = async move { until_read(|| read(&accounts, &player, &position)).await };
                self.reading = Some(reading.boxed());
            }
        }
    }

    fn apply(&mut self, read: ReadOrders) {
        let position = &mut self.position;
        let last = read.unsent.back().and_then(|posting| posting.ended);
        position.seen = last.unwrap_or(position.seen);
        let open = read.unsent.iter().filter(|posting| posting.ended.is_none());
        let open: HashSet<i64> = open.map(|posting| posting.number).collect();
        if position.is_following {
            position.open.retain(|number| open.contains(number));
            position.open.extend(&self.answered);
        } else {
            position.is_following = true;
            position.open.extend(open);
        }
        self.last_read = read;
    }

    pub(super) fn pop(&mut self, capabilities: Capabilities) -> Option<GambleFrame> {
        let posting = self.last_read.unsent.pop_front()?;
        if posting.ended.is_none() {
            self.position.open.insert(posting.number);
        }
        Some(convert::order_update(
            &posting,
            &self.last_read.account,
            capabilities,
        ))
    }
}

impl Position {
    /// Returns whether the order is open and the client knows it.
    fn knows(&self, posting: &OrderPosting) -> bool {
        posting.ended.is_none() && self.open.contains(&posting.number)
    }
}

/// Reads the open orders, and the first ones that ended after the last one seen.
async fn read(
    accounts: &AccountReader,
    player: &PlayerName,
    position: &Position,
) -> Result<ReadOrders, StoreError> {
    const PAGE: usize = ENDED_ORDERS_MAX as usize;
    let (open, mut ended) = accounts.reader.orders(player.clone(), ENDED_ORDERS_MAX).await?;
    ended.retain(|posting| posting.ended > Some(position.seen));
    // There may be earlier ones.
    let has_more = ended.len() == PAGE && (position.is_following || position.seen > 0);
    if has_more {
        let (player, seen) = (player.clone(), position.seen);
        let after = accounts
            .reader
            .read_page(move |reads| reads.orders_ended_after(&player, seen, ENDED_ORDERS_MAX));
        ended = after.await?;
    }
    let has_new = position.is_following && open.iter().any(|posting| !position.knows(posting));
    let account = match has_new || !ended.is_empty() {
        true => accounts.own_account(player.clone()).await?,
        false => Account::default(),
    };
    Ok(ReadOrders {
        unsent: open.into_iter().chain(ended).collect(),
        has_more,
        account,
    })
}
