//! Handles to the ledger: submit orders and wait for their commit.

use std::convert::Infallible;
use std::future::poll_fn;
use std::iter;
use std::sync::Arc;
use std::task::{Context, Poll};

use prometheus_client::registry::Registry;

use super::cluster::{ClusterLedger, TickOutcome};
use super::local::LocalLedger;
use super::metrics::LedgerGauges;
use super::order::{Blocked, LedgerOrder, Submitter};
use super::watermark::{BatchId, CommitProgress, Notifier};
use super::{ChangedRound, LedgerError};
use crate::domain::credential::KeyHash;
use crate::domain::market::Tick;
use crate::domain::order::request::OrderRequest;
use crate::domain::order::resting::DueOrder;
use crate::domain::order::{Command, Decision};
use crate::domain::player::PlayerName;
use crate::domain::round::RoundCommand;

/// Most resting orders that are executed at a time.
const DUE_MAX: usize = 1_024;

/// A cheap handle for the tasks of one runtime.
#[derive(Debug, Clone)]
pub(crate) struct LedgerHandle {
    ledger: Backend,
    notifier: Arc<Notifier>,
}

#[derive(Debug, Clone)]
pub(crate) enum Backend {
    /// Single server: orders are decided in memory, before the commit.
    Local(Arc<LocalLedger>),
    /// Several servers: orders are decided in the transaction that writes them.
    Cluster(Arc<ClusterLedger>),
}

impl Backend {
    pub(crate) fn handle(&self) -> LedgerHandle {
        LedgerHandle {
            ledger: self.clone(),
            notifier: self.progress().notifiers.register(),
        }
    }

    pub(super) fn close(&self) {
        match self {
            Self::Local(local) => local.close(),
            Self::Cluster(cluster) => cluster.close(),
        }
    }

    pub(super) fn progress(&self) -> &CommitProgress {
        match self {
            Self::Local(local) => &local.progress,
            Self::Cluster(cluster) => &cluster.progress,
        }
    }
}

impl LedgerHandle {
    /// Wakes the tasks that wait with this handle or its clones, and the committer for them. Must be polled in their
    /// runtime.
    pub(crate) async fn run_notifier(&self) -> Infallible {
        let progress = self.ledger.progress();
        loop {
            tokio::select! {
                () = self.notifier.resolved_signal.notified() => {
                    self.notifier.wake_up_to(progress.notify_up_to());
                }
                () = self.notifier.flush_signal.notified() => match &self.ledger {
                    Backend::Local(local) => local.notify_committer(),
                    Backend::Cluster(cluster) => cluster.notify_committer(),
                },
            }
        }
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        self.ledger.progress().metrics.register(registry);
    }

    pub(crate) fn gauges(&self) -> LedgerGauges {
        match &self.ledger {
            Backend::Local(local) => local.gauges(),
            Backend::Cluster(cluster) => cluster.gauges(),
        }
    }

    pub(crate) fn record_malformed(&self) {
        self.ledger.progress().metrics.rejected(1);
    }

    /// Executes a request and waits for its commit.
    pub(crate) async fn submit(
        &self,
        player: PlayerName,
        request: impl Into<OrderRequest>,
    ) -> Result<Decision, LedgerError> {
        let mut submitter = Submitter::default();
        let mut order = LedgerOrder::Queued(player, request.into());
        poll_fn(|cx| self.submit_all(&mut submitter, iter::once(&mut order), cx)).await;
        let LedgerOrder::Decided(mut decision) = order else {
            return Err(LedgerError::OutcomeUnknown);
        };
        if let Err(error) = self.committed(decision.commits_with).await {
            decision.revert(error);
        }
        decision.result().copied().map_err(LedgerError::clone)
    }

    /// Moves the price, executes the orders that it meets and waits for the commits. Returns `None` if another server
    /// leads the market.
    ///
    /// After a failure, the open orders that the current price meets are executed before it moves, at their tick. It does
    /// not wait for an order that cannot be executed, which is tried again as long as a price meets it.
    pub(crate) async fn tick(&self) -> Result<Option<Tick>, LedgerError> {
        match &self.ledger {
            Backend::Local(local) => {
                self.execute_due().await?;
                let (tick, commits_with) = local.tick()?;
                self.execute_due().await?;
                self.committed(commits_with).await?;
                Ok(Some(tick))
            }
            Backend::Cluster(cluster) => {
                let mut outcome = cluster.tick(false).await?;
                if outcome == TickOutcome::OrdersDue {
                    self.execute_due().await?;
                    outcome = cluster.tick(true).await?;
                }
                let TickOutcome::Moved(tick) = outcome else {
                    return Ok(None);
                };
                self.execute_due().await?;
                Ok(Some(tick))
            }
        }
    }

    /// Changes the round and waits for the commit.
    pub(crate) async fn change_round(&self, command: RoundCommand) -> Result<ChangedRound, LedgerError> {
        let local = match &self.ledger {
            Backend::Local(local) => local,
            Backend::Cluster(cluster) => return cluster.change_round(command).await,
        };
        let (changed, commits_with) = local.change_round(&command)?;
        if changed.is_ok() {
            self.committed(commits_with).await?;
        }
        Ok(changed)
    }

    /// Executes the open orders that the current price meets, oldest first, each once. Logs those that cannot be executed.
    async fn execute_due(&self) -> Result<(), LedgerError> {
        let (mut after, mut failure) = (0, None);
        loop {
            let due = match &self.ledger {
                Backend::Local(local) => local.due(after, DUE_MAX)?,
                Backend::Cluster(cluster) => cluster.due(after, DUE_MAX).await?,
            };
            let Some(last) = due.last() else { break };
            after = last.number;
            failure = self.trigger(due).await?.or(failure);
        }
        let outage = &self.ledger.progress().due_orders;
        match failure {
            Some(error) => {
                outage.log_failure(
                    &error,
                    "a resting order that is due was not executed: it stays open",
                );
            }
            None => outage.log_success("resting orders that are due are executed again"),
        }
        Ok(())
    }

    /// Executes open orders in turn, if the current price meets them, and waits for the commits. Returns the error of an
    /// account that cannot be read.
    async fn trigger(&self, due: Vec<DueOrder>) -> Result<Option<LedgerError>, LedgerError> {
        let queued = due
            .into_iter()
            .map(|due| LedgerOrder::Queued(due.player, Command::Trigger(due.id).into()));
        let mut orders: Vec<LedgerOrder> = queued.collect();
        let mut submitter = Submitter::default();
        poll_fn(|cx| {
            let queued = orders.iter_mut().filter(|order| order.is_queued());
            self.submit_all(&mut submitter, queued, cx)
        })
        .await;
        let mut unreadable = None;
        for order in &mut orders {
            let LedgerOrder::Decided(decision) = order else {
                continue;
            };
            poll_fn(|cx| self.poll_committed(&mut submitter, decision.commits_with, cx)).await?;
            match decision.result() {
                Ok(_) => {}
                Err(error @ LedgerError::NotExecuted { .. }) => unreadable = Some(error.clone()),
                Err(error) => return Err(error.clone()),
            }
        }
        Ok(unreadable)
    }

    /// Returns whether other servers may change the ledger.
    pub(crate) fn is_clustered(&self) -> bool {
        matches!(self.ledger, Backend::Cluster(_))
    }

    /// Claims an unclaimed name for `key` and waits for the commit. The caller serializes claims of a name.
    pub(crate) async fn claim(&self, player: PlayerName, key: KeyHash) -> Result<(), LedgerError> {
        match &self.ledger {
            Backend::Local(local) => self.committed(local.claim(player, key)?).await,
            Backend::Cluster(cluster) => cluster.claim(player, key).await,
        }
    }

    /// Waits for the commit of `batch`.
    async fn committed(&self, batch: BatchId) -> Result<(), LedgerError> {
        let mut submitter = Submitter::default();
        poll_fn(|cx| self.poll_committed(&mut submitter, batch, cx)).await
    }

    /// Decides `orders` in turn; ready when all are decided. Wakes the task of `cx` after an account was loaded or a full
    /// batch committed, when more can be decided.
    pub(crate) fn submit_all<'a>(
        &self,
        submitter: &mut Submitter,
        mut orders: impl Iterator<Item = &'a mut LedgerOrder>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let Some(mut order) = orders.next() else {
            return Poll::Ready(());
        };
        loop {
            match submitter.poll_account(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => {
                    order.fail(error);
                    match orders.next() {
                        Some(next) => order = next,
                        None => return Poll::Ready(()),
                    }
                }
            }
            let (blocked, flush) = match &self.ledger {
                Backend::Local(local) => local.decide(submitter, &mut order, &mut orders),
                Backend::Cluster(cluster) => (cluster.queue(&mut order, &mut orders), true),
            };
            if flush {
                // Orders of other tasks that are ready join the batch first.
                self.notifier.flush_signal.notify_one();
            }
            match blocked {
                Blocked::None => return Poll::Ready(()),
                Blocked::AccountNotLoaded(loading) => submitter.loading = Some(loading),
                Blocked::BatchFull(batch) => {
                    if self.poll_committed(submitter, batch, cx).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
        }
    }

    /// Waits for the outcome of `batch`. A submitter is woken for the earliest batch it waits for.
    pub(crate) fn poll_committed(
        &self,
        submitter: &mut Submitter,
        batch: BatchId,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), LedgerError>> {
        if submitter.committed == Some(batch) {
            return Poll::Ready(Ok(()));
        }
        let progress = self.ledger.progress();
        if let Some(outcome) = progress.status(batch) {
            if outcome.is_ok() {
                submitter.committed = Some(batch);
            }
            return Poll::Ready(outcome);
        }
        if !submitter.will_be_woken(batch, progress.resolved(), cx.waker()) {
            self.notifier.wait(batch, cx.waker());
            submitter.wait_for(batch, cx.waker());
        }
        // It may have been resolved before the waker was registered.
        progress.status(batch).map_or(Poll::Pending, Poll::Ready)
    }

    #[cfg(test)]
    pub(crate) fn cache_account(
        &self,
        player: &PlayerName,
        record: Option<crate::domain::order::AccountRecord>,
    ) {
        let Backend::Local(local) = &self.ledger else {
            return;
        };
        let stored = record.map(|record| (record, Vec::new()));
        local.insert_loaded(player.clone(), Ok(stored)).unwrap();
    }

    #[cfg(test)]
    pub(crate) fn wake(&self) {
        self.notifier.wake_up_to(self.ledger.progress().notify_up_to());
    }
}
