//! Committed updates that are not yet published. Bounded, and filled without waiting.

use std::borrow::Cow;
use std::collections::HashSet;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use super::leaderboard::LeaderboardDelta;
use super::trades::TradeBatch;
use crate::domain::account::Account;
use crate::domain::market::Tick;
use crate::domain::order::page::PagedTrades;
use crate::domain::player::PlayerName;
use crate::domain::round::Round;
use crate::store::{Batch, lock};

#[derive(Debug, Default)]
pub(super) struct PendingUpdates {
    tape_subscribers: AtomicUsize,
    tape: Mutex<TradeBatch>,
    /// Set when the leaderboard is first requested.
    is_ranking: AtomicBool,
    ranking_started: Notify,
    leaderboard: Mutex<LeaderboardDelta>,
    presence_changed: AtomicBool,
    filled: Notify,
    outbox: ClusterOutbox,
}

/// Local trades to be sent to other casinos.
#[derive(Debug, Default)]
struct ClusterOutbox {
    is_enabled: AtomicBool,
    trades: Mutex<TradeBatch>,
    filled: Notify,
}

/// Collects trades for the tape until it is dropped.
#[derive(Debug)]
pub(super) struct TapeSubscription(Arc<PendingUpdates>);

impl PendingUpdates {
    pub(super) fn on_batch(&self, batch: &Batch, round: &Round) {
        let mut is_new = false;
        let is_sent = self.outbox.is_enabled.load(Ordering::Acquire);
        if !batch.trades.is_empty() && (is_sent || self.has_tape_subscribers()) {
            let trades = trades_in_force(batch, round);
            if self.has_tape_subscribers() {
                lock(&self.tape).extend(&trades, &batch.records);
                is_new = true;
            }
            if is_sent {
                lock(&self.outbox.trades).extend(&trades, &batch.records);
                self.outbox.filled.notify_one();
            }
        }
        if self.is_ranking() {
            let mut leaderboard = lock(&self.leaderboard);
            for (player, record) in batch.records.iter().filter(|(_, record)| record.trades > 0) {
                leaderboard.changed(player, record.account);
            }
            is_new = true;
        }
        if is_new {
            self.filled.notify_one();
        }
    }

    pub(super) fn on_tick(&self, tick: Tick) {
        if self.is_ranking() {
            lock(&self.leaderboard).ticked(tick);
            self.filled.notify_one();
        }
    }

    /// Waits for an update.
    pub(super) async fn filled(&self) {
        self.filled.notified().await;
    }

    pub(super) fn subscribe_tape(self: &Arc<Self>) -> TapeSubscription {
        self.tape_subscribers.fetch_add(1, Ordering::AcqRel);
        TapeSubscription(Arc::clone(self))
    }

    pub(super) fn start_ranking(&self) {
        if !self.is_ranking() {
            self.is_ranking.store(true, Ordering::Release);
            self.ranking_started.notify_one();
        }
    }

    /// Waits until the leaderboard is requested.
    pub(super) async fn ranking_started(&self) {
        while !self.is_ranking() {
            self.ranking_started.notified().await;
        }
    }

    /// Adds a committed account to the leaderboard.
    pub(super) fn rank(&self, player: &PlayerName, account: Account) {
        lock(&self.leaderboard).changed(player, account);
        self.filled.notify_one();
    }

    /// Ranks the accounts of the `open` round, or the players' own ones.
    pub(super) fn set_round(&self, open: Option<i64>) {
        lock(&self.leaderboard).set_round(open);
        self.filled.notify_one();
    }

    pub(super) fn is_ranking(&self) -> bool {
        self.is_ranking.load(Ordering::Acquire)
    }

    /// Adds the top accounts of the ledger.
    pub(super) fn set_top_accounts(&self, top: Vec<(PlayerName, Account)>) {
        lock(&self.leaderboard).set_snapshot(top);
        self.filled.notify_one();
    }

    pub(super) fn has_tape_subscribers(&self) -> bool {
        self.tape_subscribers.load(Ordering::Acquire) > 0
    }

    /// Adds trades of other casinos.
    pub(super) fn add_remote_trades(&self, batches: Vec<TradeBatch>) {
        if self.has_tape_subscribers() {
            let mut tape = lock(&self.tape);
            batches.into_iter().for_each(|batch| tape.merge(batch));
            drop(tape);
            self.filled.notify_one();
        }
    }

    /// Sets whether local trades are collected for other casinos.
    pub(super) fn enable_outbox(&self, enable: bool) {
        self.outbox.is_enabled.store(enable, Ordering::Release);
    }

    pub(super) async fn outbox_filled(&self) {
        self.outbox.filled.notified().await;
    }

    pub(super) fn take_outbox(&self) -> Option<TradeBatch> {
        lock(&self.outbox.trades).take_and_reset()
    }

    pub(super) fn presence_changed(&self) {
        if !self.presence_changed.swap(true, Ordering::AcqRel) {
            self.filled.notify_one();
        }
    }

    /// Returns true if the presence changed since the last call.
    pub(super) fn take_presence_changed(&self) -> bool {
        self.presence_changed.swap(false, Ordering::AcqRel)
    }

    pub(super) fn take_tape(&self) -> Option<TradeBatch> {
        lock(&self.tape).take()
    }

    pub(super) fn take_leaderboard(&self) -> LeaderboardDelta {
        mem::take(&mut *lock(&self.leaderboard))
    }
}

/// Returns the trades on accounts in force: during a round, fills of orders of the players' own accounts are not among
/// them.
fn trades_in_force<'a>(batch: &'a Batch, round: &Round) -> Cow<'a, PagedTrades> {
    if !round.is_open() {
        return Cow::Borrowed(&batch.trades);
    }
    let in_force = batch.records.iter().filter(|(name, _)| round.is_in_force(name));
    let in_force: HashSet<_> = in_force.map(|(_, record)| record.id).collect();
    let trades = batch.trades.iter();
    let trades = trades.filter(|posting| in_force.contains(&posting.account));
    Cow::Owned(trades.collect())
}

impl Drop for TapeSubscription {
    fn drop(&mut self) {
        self.0.tape_subscribers.fetch_sub(1, Ordering::AcqRel);
    }
}
