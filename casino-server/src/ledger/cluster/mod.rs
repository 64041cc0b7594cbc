//! Ledger shared by several servers.
//!
//! Orders cannot be decided in memory, since other servers change the accounts. They are queued, and one task
//! decides all queued orders in the next transaction.

mod committer;
mod leader;

use std::mem;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use awesomestock_proto::request::request;
use tokio::sync::{Notify, mpsc, oneshot};

use self::committer::ClusterCommitter;
use self::leader::Leader;
use super::committer::Published;
use super::metrics::LedgerGauges;
use super::order::{BatchAnswers, Blocked, LedgerOrder, PendingDecision};
use super::watermark::{BatchId, CommitProgress};
use super::{ChangedRound, LedgerError};
use crate::config::clock::Clock;
use crate::domain::credential::KeyHash;
use crate::domain::market::Tick;
use crate::domain::order::request::OrderRequest;
use crate::domain::order::resting::DueOrder;
use crate::domain::player::PlayerName;
use crate::domain::round::RoundCommand;
use crate::store::cluster::ClusterStore;
use crate::store::lock;
use crate::store::outage::Outage;

/// Maximum orders of a batch. Their accounts stay locked during the transaction.
const BATCH_MAX: usize = 4 * 1024;

const CONTROL_REQUESTS_MAX: usize = 64;

/// State shared between handles and the committer.
#[derive(Debug)]
pub(crate) struct ClusterLedger {
    queue: Mutex<Queue>,
    /// Wakes the committer.
    work: Notify,
    pub(super) progress: CommitProgress,
    requests: mpsc::Sender<ControlRequest>,
}

/// A request outside the batches, with its reply channel.
#[derive(Debug)]
pub(super) enum ControlRequest {
    Tick {
        /// The price moves although it meets open orders, which cannot be executed.
        skip_due: bool,
        reply: oneshot::Sender<Result<TickOutcome, LedgerError>>,
    },
    /// Open orders with a number above `after` that the current price meets.
    DueOrders {
        after: i64,
        max: usize,
        reply: oneshot::Sender<Result<Vec<DueOrder>, LedgerError>>,
    },
    Claim(PlayerName, KeyHash, oneshot::Sender<Result<(), LedgerError>>),
    ChangeRound(RoundCommand, oneshot::Sender<Result<ChangedRound, LedgerError>>),
}

/// The outcome of a request to move the price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TickOutcome {
    Moved(Tick),
    /// Orders that the current price meets must be executed first.
    OrdersDue,
    /// Another server leads the market.
    NotLeader,
}

#[derive(Debug)]
struct Queue {
    accepting: bool,
    batch: QueuedBatch,
}

#[derive(Debug)]
pub(super) struct QueuedBatch {
    pub(super) sequence: BatchId,
    pub(super) orders: Vec<(PlayerName, OrderRequest)>,
    pub(super) answers: BatchAnswers,
}

impl QueuedBatch {
    fn new(sequence: BatchId) -> Self {
        Self {
            sequence,
            orders: Vec::new(),
            answers: BatchAnswers::default(),
        }
    }
}

impl ClusterLedger {
    pub(super) fn new() -> (Self, mpsc::Receiver<ControlRequest>) {
        let (requests, receiver) = mpsc::channel(CONTROL_REQUESTS_MAX);
        let ledger = Self {
            queue: Mutex::new(Queue {
                accepting: true,
                batch: QueuedBatch::new(BatchId::NONE.next()),
            }),
            work: Notify::new(),
            progress: CommitProgress::default(),
            requests,
        };
        (ledger, receiver)
    }

    /// Runs until the ledger is closed and all queued orders are answered. `interval` is the time between ticks.
    pub(super) async fn run(
        &self,
        store: &impl ClusterStore,
        published: &Published,
        requests: mpsc::Receiver<ControlRequest>,
        interval: Duration,
        clock: Clock,
    ) {
        let committer = ClusterCommitter::new(self, store, published);
        let leader = Leader {
            store,
            published,
            metrics: &self.progress.metrics,
            interval,
            clock,
            claims: Outage::default(),
        };
        tokio::select! {
            () = committer.run() => {}
            never = leader.run(requests) => match never {},
        }
    }

    pub(super) fn gauges(&self) -> LedgerGauges {
        let waiting = lock(&self.queue).batch.orders.len();
        self.progress.metrics.gauges(waiting, 0)
    }

    /// Queues `order` and then `orders`; stops with `order` at the first one that does not fit.
    pub(super) fn queue<'a>(
        &self,
        order: &mut &'a mut LedgerOrder,
        orders: &mut impl Iterator<Item = &'a mut LedgerOrder>,
    ) -> Blocked {
        let mut queue = lock(&self.queue);
        loop {
            if let LedgerOrder::Queued(player, request) = &**order {
                if !queue.accepting {
                    order.fail(LedgerError::Stopping);
                } else if queue.batch.orders.len() < BATCH_MAX {
                    let batch = &mut queue.batch;
                    let index = batch.orders.len();
                    batch.orders.push((player.clone(), *request));
                    let decision =
                        PendingDecision::deferred(batch.sequence, Arc::clone(&batch.answers), index);
                    **order = LedgerOrder::Decided(decision);
                } else {
                    return Blocked::BatchFull(queue.batch.sequence);
                }
            }
            match orders.next() {
                Some(next) => *order = next,
                None => return Blocked::None,
            }
        }
    }

    pub(super) fn notify_committer(&self) {
        self.work.notify_one();
    }

    /// Moves the price if this server leads the market; while it meets open orders, only if `skip_due` is set. Returns after
    /// the commit.
    pub(super) async fn tick(&self, skip_due: bool) -> Result<TickOutcome, LedgerError> {
        let request = |reply| ControlRequest::Tick { skip_due, reply };
        self.request(request, LedgerError::Stopping).await
    }

    pub(super) async fn due(&self, after: i64, max: usize) -> Result<Vec<DueOrder>, LedgerError> {
        let request = |reply| ControlRequest::DueOrders { after, max, reply };
        self.request(request, LedgerError::Stopping).await
    }

    pub(super) async fn claim(&self, player: PlayerName, key: KeyHash) -> Result<(), LedgerError> {
        let request = |reply| ControlRequest::Claim(player, key, reply);
        self.request(request, LedgerError::OutcomeUnknown).await
    }

    pub(super) async fn change_round(&self, command: RoundCommand) -> Result<ChangedRound, LedgerError> {
        let request = |reply| ControlRequest::ChangeRound(command, reply);
        self.request(request, LedgerError::OutcomeUnknown).await
    }

    /// Returns `lost` if the ledger ended without a reply.
    async fn request<A>(
        &self,
        build: impl FnOnce(oneshot::Sender<Result<A, LedgerError>>) -> ControlRequest,
        lost: LedgerError,
    ) -> Result<A, LedgerError> {
        if !lock(&self.queue).accepting {
            return Err(LedgerError::Stopping);
        }
        request(&self.requests, build).await.unwrap_or(Err(lost))
    }

    /// Returns `None` when the ledger is closed and the queue is empty.
    async fn next_batch(&self) -> Option<QueuedBatch> {
        loop {
            {
                let mut queue = lock(&self.queue);
                if !queue.batch.orders.is_empty() {
                    let next = QueuedBatch::new(queue.batch.sequence.next());
                    return Some(mem::replace(&mut queue.batch, next));
                }
                if !queue.accepting {
                    return None;
                }
            }
            self.work.notified().await;
        }
    }

    /// Rejects new orders; queued ones are still decided.
    pub(super) fn close(&self) {
        lock(&self.queue).accepting = false;
        self.work.notify_one();
    }

    /// Ends all waiting.
    fn shut_down(&self) {
        lock(&self.queue).accepting = false;
        self.progress.close();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::domain::money::Stocks;
    use crate::domain::order::Command;
    use crate::domain::order::request::RequestId;
    use crate::testkit::values;

    fn order() -> LedgerOrder {
        LedgerOrder::Queued(values::player("ann"), Command::Buy(Stocks(1)).into())
    }

    fn order_with_id() -> LedgerOrder {
        let request = OrderRequest {
            command: Command::Buy(Stocks(1)),
            id: Some(RequestId([1; 16])),
            round: None,
        };
        LedgerOrder::Queued(values::player("ann"), request)
    }

    fn queue(ledger: &ClusterLedger, orders: &mut [LedgerOrder]) -> Blocked {
        let mut orders = orders.iter_mut();
        let mut order = orders.next().unwrap();
        ledger.queue(&mut order, &mut orders)
    }

    #[test]
    fn orders_queued_during_a_commit_form_the_next_batch() {
        let (ledger, _requests) = ClusterLedger::new();
        assert!(ledger.next_batch().now_or_never().is_none());
        assert!(matches!(queue(&ledger, &mut [order(), order()]), Blocked::None));
        let first = ledger.next_batch().now_or_never().unwrap().unwrap();
        assert!(matches!(queue(&ledger, &mut [order()]), Blocked::None));
        let second = ledger.next_batch().now_or_never().unwrap().unwrap();
        assert_eq!((first.orders.len(), second.orders.len()), (2, 1));
        assert!(first.sequence < second.sequence);
    }

    #[test]
    fn the_queue_is_bounded_and_drained_after_closing() {
        let (ledger, _requests) = ClusterLedger::new();
        let mut orders: Vec<_> = (0..=BATCH_MAX).map(|_| order()).collect();
        let Blocked::BatchFull(full) = queue(&ledger, &mut orders) else {
            panic!("no bound")
        };
        assert!(matches!(orders.last(), Some(LedgerOrder::Queued(..))));
        ledger.close();
        let batch = ledger.next_batch().now_or_never().unwrap().unwrap();
        assert_eq!((batch.sequence, batch.orders.len()), (full, BATCH_MAX));
        assert!(ledger.next_batch().now_or_never().unwrap().is_none());
        let mut late = [order(), order_with_id()];
        queue(&ledger, &mut late);
        let results = late.map(|order| match order {
            LedgerOrder::Decided(decision) => decision.result().cloned().map_err(LedgerError::clone),
            LedgerOrder::Queued(..) => panic!("it waits for ever"),
        });
        // An earlier attempt may have been executed.
        assert_eq!(
            results,
            [Err(LedgerError::Stopping), Err(LedgerError::OutcomeUnknown)]
        );
    }
}
