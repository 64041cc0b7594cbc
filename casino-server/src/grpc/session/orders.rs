//! The orders of a session's player that another session has placed or that have ended, read from the ledger.

use std::{
    collections::{HashSet, VecDeque},
    task::{Context, Poll, ready},
};

use awesomestock_proto::{frame::GambleFrame, values::ENDED_ORDERS_MAX};
use futures_util::{FutureExt, future::BoxFuture};

use crate::{
    domain::{account::Account, order::resting::OrderPosting, player::PlayerName},
    feed::{accounts::Subscription, capabilities::Capabilities},
    grpc::{account_reader::AccountReader, convert},
    store::{
        PageRequest, StoreError,
        reader::{StoreReader, until_read},
    },
};

/// Each order that ended after the last one seen is sent once, in the order in which they ended. So is each order that was
/// placed since the session opened, unless an answer of the session has it.
pub(crate) struct OrderUpdates {
    accounts: AccountReader,
    player: PlayerName,
    subscription: Subscription<()>,
    position: Position,
    /// Orders of answers that were sent since the last read began.
    answered: Vec<i64>,
    reading: Option<BoxFuture<'static, ReadOrders>>,
    unsent: VecDeque<OrderPosting>,
    /// The account at the last read.
    account: Account,
}

/// What the client has received.
#[derive(Debug, Clone, Default)]
struct Position {
    /// The last end.
    seen: i64,
    /// Set after the first read, which skips all but the newest ends, and the orders that are open already.
    is_following: bool,
    /// Numbers of open orders.
    open: HashSet<i64>,
}

#[derive(Debug)]
struct ReadOrders {
    open: Vec<OrderPosting>,
    /// Those to send, in the order in which they ended.
    ended: VecDeque<OrderPosting>,
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
            unsent: VecDeque::new(),
            account: Account::default(),
        }
    }

    pub(super) fn reader(&self) -> &StoreReader {
        &self.accounts.reader
    }

    /// Records that an answer has the order with this number.
    pub(super) fn acknowledge(&mut self, number: i64) {
        self.position.open.insert(number);
        self.answered.push(number);
    }

    /// Ready when [`pop`](Self::pop) returns an update.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let position = &self.position;
            while self.unsent.front().is_some_and(|posting| position.knows(posting)) {
                self.unsent.pop_front();
            }
            if !self.unsent.is_empty() {
                return Poll::Ready(());
            }
            if let Some(reading) = &mut self.reading {
                let read = ready!(reading.poll_unpin(cx));
                self.reading = None;
                self.apply(read);
            } else {
                ready!(self.subscription.poll_newest(cx));
                self.answered.clear();
                let (accounts, player) = (self.accounts.clone(), self.player.clone());
                let position = self.position.clone();
                let reading = async move { until_read(|| read(&accounts, &player, &position)).await };
                self.reading = Some(reading.boxed());
            }
        }
    }

    fn apply(&mut self, read: ReadOrders) {
        let ReadOrders { open, ended, account } = read;
        let position = &mut self.position;
        let last = ended.back().and_then(|posting| posting.ended);
        position.seen = last.unwrap_or(position.seen);
        let numbers: HashSet<i64> = open.iter().map(|posting| posting.number).collect();
        if position.is_following {
            position.open.retain(|number| numbers.contains(number));
            position.open.extend(&self.answered);
            self.unsent.extend(open);
        } else {
            position.is_following = true;
            position.open.extend(numbers);
        }
        self.unsent.extend(ended);
        self.account = account;
    }

    pub(super) fn pop(&mut self, capabilities: Capabilities) -> Option<GambleFrame> {
        let posting = self.unsent.pop_front()?;
        if posting.ended.is_none() {
            self.position.open.insert(posting.number);
        }
        Some(convert::order_update(&posting, &self.account, capabilities))
    }
}

impl Position {
    /// Returns whether the order is open and the client knows it.
    fn knows(&self, posting: &OrderPosting) -> bool {
        posting.ended.is_none() && self.open.contains(&posting.number)
    }

    fn has_new(&self, open: &[OrderPosting]) -> bool {
        self.is_following && open.iter().any(|posting| !self.knows(posting))
    }
}

/// Reads the open orders, and those that ended after the last one seen.
async fn read(
    accounts: &AccountReader,
    player: &PlayerName,
    position: &Position,
) -> Result<ReadOrders, StoreError> {
    let (open, mut page) = accounts.reader.orders(player.clone(), ENDED_ORDERS_MAX).await?;
    let is_new = |posting: &OrderPosting| posting.ended.is_some_and(|ended| ended > position.seen);
    let mut ended = VecDeque::new();
    loop {
        let is_full = page.len() >= usize::try_from(ENDED_ORDERS_MAX).unwrap_or(usize::MAX);
        let oldest = page.first().copied().filter(is_new);
        for posting in page.into_iter().rev().filter(is_new) {
            ended.push_front(posting);
        }
        // There may be older ones that are new.
        let Some(before) = oldest.filter(|_| is_full && position.is_following) else {
            break;
        };
        let older = PageRequest {
            before: before.ended,
            limit: ENDED_ORDERS_MAX,
        };
        page = accounts.reader.ended_orders(player.clone(), older).await?.entries;
    }
    let account = match ended.is_empty() && !position.has_new(&open) {
        true => Account::default(),
        false => accounts.own_account(player.clone()).await?,
    };
    Ok(ReadOrders { open, ended, account })
}
