//! Reads for the async side: the store's blocking reads, a few at a time, off the async threads.
//!
//! Owns how many reads run at once, and the walking of long lists page by page. It never goes through the ledger.

use std::sync::Arc;

use futures_util::{
    Stream, StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use tokio::{sync::Semaphore, task};

use crate::{
    account::Account,
    history::Candle,
    identity::{KeyHash, PlayerName},
    market::Tick,
    receipt::Filed,
    record::{Payment, Record, Trade},
    store::{Page, PageRequest, Reads, StoreError},
};

/// Reads of pages that run at once; more wait for one to end.
const PAGES_MAX: usize = 4;

/// Reads of one account that run at once. They have places of their own: a player who sits down does not wait behind
/// those who leaf through long lists.
const ACCOUNTS_MAX: usize = 4;

/// Payments that a walk over all of a player's holds in memory.
const PAYMENTS_PAGE: u32 = 2_000;

/// Reads what is on disk.
#[derive(Clone)]
pub(crate) struct Reader {
    reads: Arc<dyn Reads>,
    pages: Arc<Semaphore>,
    accounts: Arc<Semaphore>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("pages", &self.pages)
            .field("accounts", &self.accounts)
            .finish_non_exhaustive()
    }
}

impl Reader {
    pub(crate) fn new(reads: Arc<dyn Reads>) -> Self {
        Self {
            reads,
            pages: Arc::new(Semaphore::new(PAGES_MAX)),
            accounts: Arc::new(Semaphore::new(ACCOUNTS_MAX)),
        }
    }

    /// The player's account; an empty one for a player nobody knows.
    pub(crate) async fn account(&self, player: PlayerName) -> Result<Account, StoreError> {
        self.read(&self.accounts, move |reads| reads.account(&player))
            .await
    }

    /// The player's record and receipts; `None` for a player nobody knows. They belong together only as long as nobody
    /// changes them: the ledger reads them while the player is not in its memory.
    pub(crate) async fn record(
        &self,
        player: PlayerName,
    ) -> Result<Option<(Record, Vec<Filed>)>, StoreError> {
        self.read(&self.accounts, move |reads| {
            let Some(record) = reads.record(&player)? else {
                return Ok(None);
            };
            Ok(Some((record, reads.receipts(record.id)?)))
        })
        .await
    }

    /// The key that the name belongs to; `None` while it is nobody's.
    pub(crate) async fn owner(&self, player: PlayerName) -> Result<Option<KeyHash>, StoreError> {
        self.read(&self.accounts, move |reads| reads.owner(&player)).await
    }

    /// A page of the player's trades.
    pub(crate) async fn trades(
        &self,
        player: PlayerName,
        page: PageRequest,
    ) -> Result<Page<Trade>, StoreError> {
        self.read(&self.pages, move |reads| reads.trades(&player, page))
            .await
    }

    /// A page of the ticks.
    pub(crate) async fn ticks(&self, page: PageRequest) -> Result<Page<Tick>, StoreError> {
        self.read(&self.pages, move |reads| reads.ticks(page)).await
    }

    /// A page of the candles.
    pub(crate) async fn candles(&self, page: PageRequest) -> Result<Page<Candle>, StoreError> {
        self.read(&self.pages, move |reads| reads.candles(page)).await
    }

    /// All payments of `player`, oldest first, read page by page as they are taken.
    pub(crate) fn payments(&self, player: PlayerName) -> BoxStream<'static, Result<Payment, StoreError>> {
        self.payment_pages(player)
            .map_ok(|page| stream::iter(page.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    /// Lets go of what is open.
    pub(crate) fn close(&self) {
        self.reads.close();
    }

    fn payment_pages(
        &self,
        player: PlayerName,
    ) -> impl Stream<Item = Result<Vec<Payment>, StoreError>> + use<> {
        let reader = self.clone();
        stream::try_unfold(0, move |after| {
            let (reader, player) = (reader.clone(), player.clone());
            async move {
                let page = reader
                    .read(&reader.pages, move |reads| {
                        reads.payments(&player, after, PAYMENTS_PAGE)
                    })
                    .await?;
                let last = page.last().map(|payment| payment.number);
                Ok(last.map(|last| (page, last)))
            }
        })
    }

    async fn read<T: Send + 'static>(
        &self,
        places: &Arc<Semaphore>,
        query: impl FnOnce(&dyn Reads) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let failed = "read the ledger";
        let permit = Arc::clone(places)
            .acquire_owned()
            .await
            .map_err(|error| StoreError::new(failed, error))?;
        let reads = Arc::clone(&self.reads);
        let read = task::spawn_blocking(move || {
            // Held until the read has ended, even when nobody waits for it any more.
            let _permit = permit;
            query(&*reads)
        });
        read.await.map_err(|error| StoreError::new(failed, error))?
    }
}
