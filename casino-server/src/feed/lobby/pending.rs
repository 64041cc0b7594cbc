//! Collects committed updates until they are published. Bounded, and never waits.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Notify, SetOnce};

use super::FeedHub;
use super::leaderboard::LeaderboardDelta;
use super::trades::TradeBatch;
use crate::domain::order::AccountRecord;
use crate::domain::order::page::PagedTrades;
use crate::domain::player::PlayerName;
use crate::domain::round::Round;
use crate::store::{Batch, lock};

#[derive(Debug, Default)]
pub(super) struct PendingUpdates {
    pub(super) tape: Mutex<TradeBatch>,
    /// Set when the leaderboard is first requested.
    pub(super) ranking: SetOnce<()>,
    pub(super) leaderboard: Mutex<LeaderboardDelta>,
    pub(super) presence_changed: AtomicBool,
    pub(super) filled: Notify,
    /// Local trades to be sent to other casinos, if one of them `has_remote_watcher`.
    pub(super) outbox: Mutex<TradeBatch>,
    pub(super) outbox_filled: Notify,
    pub(super) has_remote_watcher: AtomicBool,
}

impl FeedHub {
    /// Adds a batch that was committed during `round`. Does nothing without subscribers.
    pub(crate) fn on_batch(&self, batch: &Batch, round: &Round) {
        let mut is_filled = false;
        let is_shown = self.has_tape_subscribers();
        let is_sent = self.pending.has_remote_watcher.load(Ordering::Acquire);
        if !batch.trades.is_empty() && (is_shown || is_sent) {
            let trades = trades_in_force(batch, round);
            if is_shown {
                lock(&self.pending.tape).extend(&trades, &batch.records);
                is_filled = true;
            }
            if is_sent {
                lock(&self.pending.outbox).extend(&trades, &batch.records);
                self.pending.outbox_filled.notify_one();
            }
        }
        if self.is_ranking() {
            let mut leaderboard = lock(&self.pending.leaderboard);
            for (player, record) in batch.records.iter().filter(|(_, record)| record.trades > 0) {
                leaderboard.changed(player, record.account);
                is_filled = true;
            }
        }
        // Once, so that both are published together.
        if is_filled {
            self.pending.filled.notify_one();
        }
    }

    /// Starts the leaderboard.
    pub(crate) fn start_ranking(&self) {
        // Set already, or now.
        let _ = self.pending.ranking.set(());
    }

    pub(super) fn is_ranking(&self) -> bool {
        self.pending.ranking.initialized()
    }

    /// Starts the leaderboard and adds the committed account, if it has traded.
    pub(crate) fn track(&self, player: &PlayerName, record: Option<&AccountRecord>) {
        self.start_ranking();
        if let Some(record) = record.filter(|record| record.trades > 0) {
            self.change_leaderboard(|leaderboard| leaderboard.changed(player, record.account));
        }
    }

    /// Ranks the accounts of the `open` round, or the players' own ones.
    pub(crate) fn set_round(&self, open: Option<i64>) {
        self.start_ranking();
        self.change_leaderboard(|leaderboard| leaderboard.round = Some(open));
    }

    pub(super) fn change_leaderboard(&self, change: impl FnOnce(&mut LeaderboardDelta)) {
        change(&mut lock(&self.pending.leaderboard));
        self.pending.filled.notify_one();
    }

    pub(super) fn has_tape_subscribers(&self) -> bool {
        self.board.tape.receiver_count() > 0
    }

    /// Adds trades of other casinos.
    pub(super) fn add_remote_trades(&self, batches: Vec<TradeBatch>) {
        if self.has_tape_subscribers() {
            let mut tape = lock(&self.pending.tape);
            batches.into_iter().for_each(|batch| tape.merge(batch));
            drop(tape);
            self.pending.filled.notify_one();
        }
    }

    pub(super) fn presence_changed(&self) {
        if !self.pending.presence_changed.swap(true, Ordering::AcqRel) {
            self.pending.filled.notify_one();
        }
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
