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
    use crate::domain::market::{Market, PriceModel};
    let market = Market {
        model: PriceModel::Classic,
        seed: 0,
        current: prices.current(),
    };
    let lobby = crate::feed::lobby::FeedHub::new(market);
    Box::new(crate::server::observer::FeedObserver {
        prices,
        lobby,
        accounts: crate::feed::accounts::AccountFeed::default(),
        rounds: crate::feed::rounds::RoundFeed::default(),
    })
}
