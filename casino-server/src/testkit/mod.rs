//! Builders, fakes and checks shared by tests, benchmarks and fuzz targets.

#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
#[cfg(test)]
pub(crate) mod manual_ledger;
#[cfg(test)]
pub(crate) mod memory;
pub mod unwired;
#[cfg(test)]
pub(crate) mod values;

/// Returns an observer that publishes prices, and a lobby without subscribers.
#[cfg(test)]
pub(crate) fn price_observer(
    prices: crate::feed::price::PriceFeed,
) -> Box<dyn crate::ledger::CommitObserver> {
    use std::sync::Arc;
    use std::time::Duration;

    use crate::domain::market::{Market, PriceModel};
    use crate::server::feeds::Feeds;
    let market = Market {
        model: PriceModel::Classic,
        seed: 0,
        current: prices.current(),
    };
    let feeds = Feeds::new(market, Arc::default(), Duration::ZERO);
    Box::new(Feeds { prices, ..feeds })
}
