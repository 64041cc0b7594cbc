//! The price as a message: encoded once for all sessions, not once a session.

use std::sync::Arc;
use std::time::Duration;

use awesomestock_proto::STOCK_NAME;
use awesomestock_proto::capabilities::Capabilities;
use awesomestock_proto::casino::{GambleInfo, StockInfo};
use awesomestock_proto::frame::{GambleFrame, SharedEncoding};
use prost::Message;

use crate::domain::market::Tick;

/// A price, encoded once for all sessions.
#[derive(Debug, Clone)]
pub(crate) struct EncodedPrice {
    plain: SharedEncoding,
    with_tick: SharedEncoding,
}

impl EncodedPrice {
    /// Returns the frame for a session with these `capabilities`.
    pub(crate) fn for_session(self, capabilities: Capabilities) -> GambleFrame {
        GambleFrame::Encoded(if capabilities.ticks {
            self.with_tick
        } else {
            self.plain
        })
    }
}

pub(crate) fn encode_price(tick: Tick, interval: Duration) -> EncodedPrice {
    let encoded = |ticks| Arc::new(price(tick, interval, ticks).encode_to_vec());
    EncodedPrice {
        plain: encoded(false),
        with_tick: encoded(true),
    }
}

fn price(tick: Tick, interval: Duration, with_tick: bool) -> GambleInfo {
    let mut info = StockInfo {
        name: STOCK_NAME.to_owned(),
        price: tick.price.get(),
        ..StockInfo::default()
    };
    if with_tick {
        info.tick = tick.number;
        info.at_unix_ms = tick.at.0;
        info.interval_ms = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX);
    }
    GambleInfo::from(info)
}
