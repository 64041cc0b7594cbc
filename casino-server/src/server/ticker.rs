//! Moves the price at every interval, for as long as the ledger takes ticks.

use std::pin::pin;

use tokio_stream::{Stream, StreamExt};

use crate::domain::market::Tick;
use crate::ledger::{LedgerError, LedgerHandle};

/// Commits a tick for each item of `ticks`, and passes those that this server committed to `on_tick`, which must not
/// block. Ends when the ledger stops.
pub(crate) async fn run_ticker(ledger: &LedgerHandle, ticks: impl Stream<Item = ()>, on_tick: impl Fn(Tick)) {
    let mut ticks = pin!(ticks);
    while ticks.next().await.is_some() {
        match ledger.tick().await {
            Ok(Some(tick)) => {
                tracing::debug!(tick = tick.number, price = tick.price.get(), "tick");
                on_tick(tick);
            }
            // Another casino leads the market.
            Ok(None) => {}
            Err(error @ LedgerError::NotExecuted { .. }) => {
                tracing::warn!(%error, "the price did not move");
            }
            Err(LedgerError::Stopping | LedgerError::OutcomeUnknown) => return,
        }
    }
}
