//! How the casino is doing, for those who run it: counters, gauges and times, as Prometheus reads them.
//!
//! Owns the names under which it is told, and the page. What happens is counted where it happens, once a batch or
//! where it is rare; what can be seen is looked at when somebody asks. It changes nothing and holds nothing up.

mod page;

use std::{fmt, sync::Arc};

use awesomestock_proto::serving::Connections;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, text},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};

use crate::{
    ledger::{self, Ledger},
    table::{Table, TableGauges},
};

/// What all names begin with.
const PREFIX: &str = "casino";

/// What an open casino tells of itself; a handle, cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Registry>);

/// What is looked at when somebody asks.
struct Sight {
    ledger: Box<dyn Fn() -> ledger::Gauges + Send + Sync>,
    table: Box<dyn Fn() -> TableGauges + Send + Sync>,
    connections: Connections,
}

impl Metrics {
    /// The metrics of a casino with these parts.
    pub(crate) fn new(ledger: &Ledger, table: &Table, connections: Connections) -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        ledger.register(&mut registry);
        registry.register_collector(Box::new(Sight {
            ledger: Box::new(ledger.gauges()),
            table: Box::new(table.gauges()),
            connections,
        }));
        Self(Arc::new(registry))
    }

    /// All of them, in the text format that Prometheus reads.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // A string takes whatever is written into it.
        let _ = text::encode(&mut text, &self.0);
        text
    }
}

impl fmt::Debug for Sight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sight").finish_non_exhaustive()
    }
}

impl Collector for Sight {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let (ledger, table) = ((self.ledger)(), (self.table)());
        for (name, help, now) in [
            (
                "queue_entries",
                "Trades, payments and ticks that are decided and not yet on disk",
                ledger.queued,
            ),
            ("seats", "Open Gamble streams", table.seats),
            (
                "connections",
                "Open connections of clients",
                self.connections.open(),
            ),
        ] {
            let gauge = ConstGauge::new(i64::try_from(now).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        for (name, help, so_far) in [
            (
                "actions_refused",
                "Buys and sells that were refused",
                ledger.refused,
            ),
            (
                "seats_lagged",
                "Seats that read too slowly and missed a price, each counted once",
                table.seats_lagged,
            ),
            (
                "prices_skipped",
                "Prices that seats have missed, all together",
                table.prices_skipped,
            ),
            (
                "seats_closed",
                "Seats closed because their client read nothing for too long",
                table.seats_closed,
            ),
        ] {
            let counter = ConstCounter::new(so_far);
            counter.encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)?;
        }
        Ok(())
    }
}
