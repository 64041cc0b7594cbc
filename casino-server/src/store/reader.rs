//! Async access to the blocking reads of a store, with limited concurrency.

use std::sync::Arc;
use std::time::Duration;

use awesomestock_proto::server::ConnectionHandle;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use tokio::sync::Semaphore;
use tokio::task;
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use crate::domain::credential::KeyHash;
use crate::domain::order::request::StoredAnswer;
use crate::domain::order::resting::OrderPosting;
use crate::domain::order::{AccountRecord, Payment};
use crate::domain::player::PlayerName;
use crate::store::outage::Outage;
use crate::store::{PageRequest, StoreError, StoreReads};

/// Concurrent reads of pages.
const PAGES_MAX: usize = 4;

/// Concurrent reads of rows. Separate, so that connecting players do not wait for readers of long lists.
const ROWS_MAX: usize = 4;

/// Delay after a failed read.
const RETRY: Duration = Duration::from_secs(1);

/// Payments per page when all are read.
const PAYMENTS_PAGE: u32 = 2_000;

/// Repeats `read` until it succeeds. The reader has logged the errors.
pub(crate) async fn until_read<T, F>(read: impl Fn() -> F) -> T
where
    F: Future<Output = Result<T, StoreError>>,
{
    loop {
        match read().await {
            Ok(found) => return found,
            Err(_) => sleep(RETRY).await,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct StoreReader {
    reads: Arc<dyn StoreReads>,
    pages: Arc<Semaphore>,
    rows: Arc<Semaphore>,
    /// The connection of the calls.
    connection: Option<ConnectionHandle>,
    outage: Arc<Outage>,
}

impl StoreReader {
    pub(crate) fn new(reads: Arc<dyn StoreReads>) -> Self {
        Self {
            reads,
            pages: Arc::new(Semaphore::new(PAGES_MAX)),
            rows: Arc::new(Semaphore::new(ROWS_MAX)),
            connection: None,
            outage: Arc::default(),
        }
    }

    /// Returns a reader that reads one page at a time for all calls on a connection, so that connections take
    /// turns.
    pub(crate) fn on(&self, connection: Option<&ConnectionHandle>) -> Self {
        Self {
            connection: connection.cloned(),
            ..self.clone()
        }
    }

    /// Returns `None` for an unknown player.
    pub(crate) async fn record(&self, player: PlayerName) -> Result<Option<AccountRecord>, StoreError> {
        self.read_row(move |reads| reads.account_record(&player)).await
    }

    /// Returns the record and its answers. Both are consistent only while the account cannot change, as when it is
    /// not cached.
    pub(crate) async fn account_record(
        &self,
        player: PlayerName,
    ) -> Result<Option<(AccountRecord, Vec<StoredAnswer>)>, StoreError> {
        self.read_row(move |reads| {
            let Some(record) = reads.account_record(&player)? else {
                return Ok(None);
            };
            Ok(Some((record, reads.answers(record.id)?)))
        })
        .await
    }

    pub(crate) async fn claim_owner(&self, player: PlayerName) -> Result<Option<KeyHash>, StoreError> {
        self.read_row(move |reads| reads.claim_owner(&player)).await
    }

    /// Returns the open orders, oldest first, and the newest `limit` ended ones. An order that ends meanwhile is in one
    /// of them, or in neither.
    pub(crate) async fn orders(
        &self,
        player: PlayerName,
        limit: u32,
    ) -> Result<(Vec<OrderPosting>, Vec<OrderPosting>), StoreError> {
        self.read_page(move |reads| {
            let mut open = reads.open_orders(&player)?;
            let page = PageRequest { before: None, limit };
            let ended = reads.ended_orders(&player, page)?.entries;
            open.retain(|posting| ended.iter().all(|ended| ended.number != posting.number));
            Ok((open, ended))
        })
        .await
    }

    pub(crate) async fn accounts_in_round(
        &self,
        number: i64,
    ) -> Result<Vec<(PlayerName, AccountRecord)>, StoreError> {
        self.read_page(move |reads| reads.accounts_in_round(number)).await
    }

    /// Streams all payments of `player`, oldest first, reading pages on demand.
    pub(crate) fn payments(&self, player: PlayerName) -> BoxStream<'static, Result<Payment, StoreError>> {
        let reader = self.clone();
        let pages = stream::try_unfold(0, move |after| {
            let (reader, player) = (reader.clone(), player.clone());
            async move {
                let read = move |reads: &dyn StoreReads| reads.payments(&player, after, PAYMENTS_PAGE);
                let page = reader.read_page(read).await?;
                let last = page.last().map(|payment| payment.number);
                Ok(last.map(|last| (stream::iter(page.into_iter().map(Ok)), last)))
            }
        });
        pages.try_flatten().boxed()
    }

    /// Closes idle connections.
    pub(crate) fn close(&self) {
        self.reads.close();
    }

    /// Runs a query that returns several rows.
    pub(crate) async fn read_page<T: Send + 'static>(
        &self,
        query: impl FnOnce(&dyn StoreReads) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.read(&self.pages, self.connection.clone(), query).await
    }

    /// Runs a query that returns one row, or a few.
    pub(crate) async fn read_row<T: Send + 'static>(
        &self,
        query: impl FnOnce(&dyn StoreReads) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.read(&self.rows, None, query).await
    }

    /// Runs `query` in its turn on `connection`, in a task, which ends with the caller. An unread stream is not polled, and
    /// must not keep the turn or the permit of others meanwhile.
    async fn read<T: Send + 'static>(
        &self,
        permits: &Arc<Semaphore>,
        connection: Option<ConnectionHandle>,
        query: impl FnOnce(&dyn StoreReads) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reads, outage) = (Arc::clone(&self.reads), Arc::clone(&self.outage));
        let permits = Arc::clone(permits);
        let task = task::spawn(async move {
            let _turn = match &connection {
                Some(connection) => Some(connection.turn().await),
                None => None,
            };
            let permit = permits.acquire_owned().await.map_err(failed)?;
            let read = task::spawn_blocking(move || {
                // Held until the read ends, also when the caller is gone.
                let _permit = permit;
                query(&*reads)
            });
            let read = read.await.unwrap_or_else(|error| Err(failed(error)));
            match &read {
                Ok(_) => outage.log_success("reads work again"),
                Err(error) => outage.log_failure(error, "a read failed"),
            }
            read
        });
        let read = AbortOnDropHandle::new(task).await;
        read.unwrap_or_else(|error| Err(failed(error)))
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::new("read the ledger", error)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::testkit::memory::FakeStore;
    use crate::testkit::values;

    #[tokio::test]
    async fn reads_that_are_not_polled_do_not_delay_others() {
        let reader = StoreReader::new(Arc::new(FakeStore(Arc::default())));
        let mut unpolled: Vec<_> = (0..2 * ROWS_MAX)
            .map(|_| reader.record(values::player("ann")).boxed())
            .collect();
        for read in &mut unpolled {
            assert!(futures_util::poll!(read).is_pending());
        }
        let read = reader.record(values::player("bob"));
        let read = tokio::time::timeout(Duration::from_secs(30), read).await;
        assert!(read.expect("the read ends").unwrap().is_none());
    }
}
