//! Prometheus metrics. Events are counted where they happen, at most once per batch; gauges are read on each scrape.

#[cfg(feature = "server")]
mod page;

use std::fmt;
use std::sync::Arc;

use awesomestock_proto::server::ConnectionLimiter;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::feed::price::PriceFeed;
use crate::ledger::LedgerHandle;

const PREFIX: &str = "casino";

/// The metrics of an open casino; cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Registry>);

/// Values that are read on each scrape.
#[derive(Debug)]
struct MetricsSources {
    ledger: LedgerHandle,
    prices: PriceFeed,
    connections: ConnectionLimiter,
}

impl Metrics {
    pub(crate) fn new(ledger: LedgerHandle, prices: PriceFeed, connections: ConnectionLimiter) -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        ledger.register(&mut registry);
        prices.register(&mut registry);
        registry.register_collector(Box::new(MetricsSources {
            ledger,
            prices,
            connections,
        }));
        Self(Arc::new(registry))
    }

    /// Returns all metrics in the `OpenMetrics` text format.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = text::encode(&mut text, &self.0);
        text
    }
}

impl Collector for MetricsSources {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let ledger = self.ledger.gauges();
        for (name, help, value) in [
            (
                "queue_entries",
                "Trades, payments and ticks that are not committed yet",
                ledger.queued,
            ),
            ("seats", "Open Gamble streams", self.prices.sessions()),
            (
                "connections",
                "Open connections of clients",
                self.connections.open(),
            ),
        ] {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        let (name, help) = ("actions_refused", "Rejected buys and sells");
        let counter = ConstCounter::new(ledger.rejected);
        counter.encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)
    }
}
