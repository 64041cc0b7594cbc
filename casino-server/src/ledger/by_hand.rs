//! A ledger that a test flushes by hand, so that it decides what is on disk when.

use std::{num::NonZero, sync::Arc};

use super::{
    Books, LedgerFailure,
    books::Kept,
    draft::{BATCH_MAX, Draft},
    flusher::Flusher,
    shared::Shared,
};
use crate::{
    company::Witness,
    market::Market,
    quantity::UnixMillis,
    reader::Reader,
    store::{
        Numbers,
        scripted::{Script, Scripted},
    },
    table::Announcer,
};

/// A ledger without its thread.
pub(crate) struct ByHand {
    shared: Arc<Shared>,
    books: Books,
    flusher: Flusher,
    /// What its store does.
    pub(crate) script: Arc<Script>,
}

impl ByHand {
    /// A ledger whose batches take any number of entries.
    pub(crate) fn new(market: Market, announcer: Announcer) -> Self {
        Self::with_batches_of(BATCH_MAX, market, announcer)
    }

    /// A ledger whose batches take so many entries.
    pub(crate) fn with_batches_of(batch_max: usize, market: Market, announcer: Announcer) -> Self {
        let script = Arc::new(Script::default());
        let store = Scripted(Arc::clone(&script));
        let draft = Draft::new(market, Numbers::default()).with_batches_of(batch_max);
        let shared = Shared::new(draft, Reader::new(Arc::new(store.clone())), || UnixMillis(9));
        let shared = Arc::new(shared);
        Self {
            books: Kept::Alone(Arc::clone(&shared)).books(),
            flusher: Flusher::new(
                Arc::clone(&shared),
                Box::new(store),
                market,
                announcer,
                Witness::default(),
            ),
            shared,
            script,
        }
    }

    /// The way to it.
    pub(crate) fn books(&self) -> &Books {
        &self.books
    }

    /// Writes the open batch, if there is anything in it, and tells those who wait; says how many entries it had.
    pub(crate) fn flush(&mut self) -> Result<usize, LedgerFailure> {
        let Some(taken) = self.shared.batch_if_any() else {
            return Ok(0);
        };
        let settled = self.flusher.settle(&taken);
        self.books.wake();
        settled.map(|()| taken.batch.entries())
    }

    /// From now on each player may have so many commands decided in a second; its clock stands still.
    pub(crate) fn set_rate(&self, a_second: u32) {
        self.shared.set_rate(NonZero::new(a_second));
    }

    /// The price as it was decided, on disk or not.
    pub(crate) fn price(&self) -> i32 {
        self.shared.price().get()
    }

    /// Takes no more requests.
    pub(crate) fn close(&self) {
        self.shared.close();
    }

    /// Ends as a ledger that has failed.
    pub(crate) fn end(&self) {
        self.shared.end();
        self.books.wake();
    }
}
