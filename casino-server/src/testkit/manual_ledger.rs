//! A ledger that commits only when the test calls `flush`.

use std::num::NonZero;
use std::sync::Arc;

use crate::domain::market::Market;
use crate::domain::money::UnixMillis;
use crate::feed::price::PriceFeed;
use crate::ledger::batch::{BATCH_MAX, OpenBatch};
use crate::ledger::committer::{Committer, Published};
use crate::ledger::handle::Backend;
use crate::ledger::local::LocalLedger;
use crate::ledger::{LedgerFailure, LedgerHandle};
use crate::store::IdCounters;
use crate::store::reader::StoreReader;
use crate::testkit::memory::{FakeStore, FakeStoreScript};

pub(crate) struct ManualLedger {
    ledger: Arc<LocalLedger>,
    handle: LedgerHandle,
    committer: Committer,
    pub(crate) script: Arc<FakeStoreScript>,
}

impl ManualLedger {
    pub(crate) fn new(market: Market, prices: PriceFeed) -> Self {
        Self::with_batch_size(BATCH_MAX, market, prices)
    }

    pub(crate) fn with_batch_size(batch_max: usize, market: Market, prices: PriceFeed) -> Self {
        let script = Arc::new(FakeStoreScript::default());
        let store = FakeStore(Arc::clone(&script));
        let batch = OpenBatch::new(market.into(), IdCounters::default(), []).with_batch_size(batch_max);
        let ledger = LocalLedger::new(batch, StoreReader::new(Arc::new(store.clone())), || UnixMillis(9));
        let ledger = Arc::new(ledger);
        Self {
            handle: Backend::Local(Arc::clone(&ledger)).handle(),
            committer: Committer::new(
                Arc::clone(&ledger),
                Box::new(store),
                Published::new(market.into(), super::price_observer(prices)),
            ),
            ledger,
            script,
        }
    }

    pub(crate) fn handle(&self) -> &LedgerHandle {
        &self.handle
    }

    /// Commits the open batch and wakes the waiting tasks. Returns the number of entries.
    pub(crate) fn flush(&mut self) -> Result<usize, LedgerFailure> {
        let Some(sealed) = self.ledger.batch_if_any() else {
            return Ok(0);
        };
        let committed = self.committer.commit(&sealed);
        self.handle.wake();
        committed.map(|()| sealed.batch.entries())
    }

    /// The clock stands still.
    pub(crate) fn set_rate(&self, per_second: u32) {
        self.ledger.set_rate(NonZero::new(per_second));
    }

    pub(crate) fn price(&self) -> i32 {
        self.ledger.price().get()
    }

    pub(crate) fn close(&self) {
        self.ledger.close();
    }

    /// Ends like a failed ledger.
    pub(crate) fn end(&self) {
        self.ledger.shut_down();
        self.handle.wake();
    }
}
