//! The ledger that several casinos keep together: what is asked waits here for the next transaction.
//!
//! Nobody can decide in memory what another casino may have changed by now. So orders are queued, and one task takes
//! what has gathered while the transaction before was under way: batches grow with the load without a timer here too.
//! An order knows its batch from the beginning on, and waits for it as it would for one that is decided.

mod keeper;
mod prices;

use std::{
    mem,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::{Notify, mpsc, oneshot};

pub(super) use self::{
    keeper::Keeper,
    prices::{Heard, Prices},
};
use super::{
    LedgerError,
    bell::{Bell, Bells},
    books::{Order, Verdict},
    fate::{Fates, Sequence},
    meter::{Gauges, Meter},
    shared::Stopped,
};
use crate::{
    allowance::Rate,
    identity::{KeyHash, PlayerName},
    market::Tick,
    receipt::Submission,
    record::Decision,
};

/// Orders that one batch takes; its accounts stay locked while they are decided.
const BATCH_MAX: usize = 4 * 1024;

/// Errands that wait; who has another waits to send it.
const ERRANDS_MAX: usize = 64;

/// What all ways to the ledger share with its keeper.
#[derive(Debug)]
pub(super) struct Joint {
    queue: Mutex<Queue>,
    /// Tells the keeper that there is a batch, or that the ledger closes.
    work: Notify,
    fates: Fates,
    bells: Bells,
    errands: mpsc::Sender<Errand>,
    meter: Meter,
    /// Actions refused since the beginning.
    refused: AtomicU64,
}

/// What is done beside the batches, and where to tell what became of it.
#[derive(Debug)]
pub(super) enum Errand {
    /// It is time for a tick.
    Tick(oneshot::Sender<Result<Option<Tick>, LedgerError>>),
    /// A name that is nobody's is to belong to a key.
    Claim(PlayerName, KeyHash, oneshot::Sender<Result<(), LedgerError>>),
}

#[derive(Debug)]
struct Queue {
    /// Requests are taken.
    taking: bool,
    rate: Rate,
    batch: Queued,
}

/// The orders of a batch.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) sequence: Sequence,
    /// Who asks what, in order.
    pub(super) orders: Vec<(PlayerName, Submission)>,
    pub(super) answers: Answers,
}

/// The decisions on the orders of a batch, in order; there before its fate is.
pub(super) type Answers = Arc<OnceLock<Vec<Decision>>>;

impl Queued {
    fn new(sequence: Sequence) -> Self {
        Self {
            sequence,
            orders: Vec::new(),
            answers: Answers::default(),
        }
    }
}

impl Joint {
    /// A ledger that takes requests, and the errands it is sent on.
    pub(super) fn new() -> (Self, mpsc::Receiver<Errand>) {
        let (errands, asked) = mpsc::channel(ERRANDS_MAX);
        let joint = Self {
            queue: Mutex::new(Queue {
                taking: true,
                rate: None,
                batch: Queued::new(Sequence::NONE.next()),
            }),
            work: Notify::new(),
            fates: Fates::default(),
            bells: Bells::default(),
            errands,
            meter: Meter::default(),
            refused: AtomicU64::new(0),
        };
        (joint, asked)
    }

    /// How many commands of one player are decided in a second by this casino.
    pub(super) fn set_rate(&self, rate: Rate) {
        self.lock().rate = rate;
    }

    /// What is counted once a batch.
    pub(super) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// What can be seen now.
    pub(super) fn gauges(&self) -> Gauges {
        let waiting = self.lock().batch.orders.len();
        self.meter.gauges(waiting, self.refused.load(Ordering::Relaxed))
    }

    /// A bell for the tasks of one runtime.
    pub(super) fn bell(&self) -> Arc<Bell> {
        self.bells.hang()
    }

    /// What became of the batches.
    pub(super) fn fates(&self) -> &Fates {
        &self.fates
    }

    /// Queues `order` and then `orders`, in one hold of the lock; `order` is left at the first that finds no room.
    pub(super) fn queue<'a>(
        &self,
        order: &mut &'a mut Order,
        orders: &mut impl Iterator<Item = &'a mut Order>,
    ) -> Stopped {
        let mut queue = self.lock();
        loop {
            if let Order::Asked(player, submission) = &**order {
                if !queue.taking {
                    **order = Order::Decided(Verdict::none(LedgerError::Stopping));
                } else if queue.batch.orders.len() < BATCH_MAX {
                    let batch = &mut queue.batch;
                    let place = batch.orders.len();
                    batch.orders.push((player.clone(), *submission));
                    let verdict = Verdict::in_batch(batch.sequence, (Arc::clone(&batch.answers), place));
                    **order = Order::Decided(verdict);
                } else {
                    return Stopped::Full(queue.batch.sequence);
                }
            }
            match orders.next() {
                Some(next) => *order = next,
                None => return Stopped::Done,
            }
        }
    }

    /// Tells the keeper that there may be a batch.
    pub(super) fn tell_of_batch(&self) {
        self.work.notify_one();
    }

    /// Has the price move, if it is for this casino to move it. The tick is on disk and announced.
    pub(super) async fn tick(&self) -> Result<Option<Tick>, LedgerError> {
        let (told, moved) = oneshot::channel();
        self.send(Errand::Tick(told)).await?;
        moved.await.unwrap_or(Err(LedgerError::Stopping))
    }

    /// Has a name that is nobody's belong to `key`, and waits until that is on disk.
    pub(super) async fn claim(&self, player: PlayerName, key: KeyHash) -> Result<(), LedgerError> {
        let (told, claimed) = oneshot::channel();
        self.send(Errand::Claim(player, key, told)).await?;
        claimed.await.unwrap_or(Err(LedgerError::Unanswered))
    }

    async fn send(&self, errand: Errand) -> Result<(), LedgerError> {
        if !self.lock().taking {
            return Err(LedgerError::Stopping);
        }
        let sent = self.errands.send(errand).await;
        sent.map_err(|_| LedgerError::Stopping)
    }

    /// Waits for a batch; `None` when the ledger has been closed and everything is taken.
    async fn next_batch(&self) -> Option<(Queued, Rate)> {
        loop {
            {
                let mut queue = self.lock();
                if !queue.batch.orders.is_empty() {
                    let next = Queued::new(queue.batch.sequence.next());
                    return Some((mem::replace(&mut queue.batch, next), queue.rate));
                }
                if !queue.taking {
                    return None;
                }
            }
            self.work.notified().await;
        }
    }

    /// The batch is on disk, and the price at which it was decided is announced.
    fn succeed(&self, batch: Sequence) {
        self.meter.settled();
        self.fates.succeed(batch);
        self.bells.ring();
    }

    /// The batch is not on disk, or nobody knows.
    fn fail(&self, batch: Sequence, error: &LedgerError) {
        self.meter.failed();
        self.fates.fail(batch, batch, error);
        self.bells.ring();
    }

    /// Takes no more requests; what was queued is still decided.
    pub(super) fn close(&self) {
        self.lock().taking = false;
        self.work.notify_one();
    }

    /// Nothing is settled any more. Whoever waits hears so.
    fn end(&self) {
        self.lock().taking = false;
        self.fates.end();
        self.bells.ring();
    }

    /// Orders are queued whole or not at all, so the queue is sound whatever happened to a thread that held it.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::{quantity::Stocks, record::Command};

    fn asked() -> Order {
        Order::Asked(PlayerName::new("ann").unwrap(), Command::Buy(Stocks(1)).into())
    }

    fn queue(joint: &Joint, orders: &mut [Order]) -> Stopped {
        let mut orders = orders.iter_mut();
        let mut order = orders.next().unwrap();
        joint.queue(&mut order, &mut orders)
    }

    #[test]
    fn a_batch_is_what_gathered_while_the_one_before_was_under_way() {
        let (joint, _asked) = Joint::new();
        assert!(joint.next_batch().now_or_never().is_none());
        assert!(matches!(queue(&joint, &mut [asked(), asked()]), Stopped::Done));
        let (first, _) = joint.next_batch().now_or_never().unwrap().unwrap();
        assert!(matches!(queue(&joint, &mut [asked()]), Stopped::Done));
        let (second, _) = joint.next_batch().now_or_never().unwrap().unwrap();
        assert_eq!((first.orders.len(), second.orders.len()), (2, 1));
        assert!(first.sequence < second.sequence);
    }

    #[test]
    fn the_queue_is_bounded_and_a_closed_one_is_emptied_and_takes_no_more() {
        let (joint, _asked) = Joint::new();
        let mut orders: Vec<_> = (0..=BATCH_MAX).map(|_| asked()).collect();
        let Stopped::Full(full) = queue(&joint, &mut orders) else {
            panic!("no bound")
        };
        assert!(matches!(orders.last(), Some(Order::Asked(..))));
        joint.close();
        let (batch, _) = joint.next_batch().now_or_never().unwrap().unwrap();
        assert_eq!((batch.sequence, batch.orders.len()), (full, BATCH_MAX));
        assert!(joint.next_batch().now_or_never().unwrap().is_none());
        let mut late = [asked()];
        queue(&joint, &mut late);
        let [Order::Decided(verdict)] = late else {
            panic!("it waits for ever")
        };
        assert_eq!(verdict.result(), Err(&LedgerError::Stopping));
    }
}
