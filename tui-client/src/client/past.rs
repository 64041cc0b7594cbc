//! The past of the price: the newest part one by one, the older one as candles.
//!
//! Owns how large a page is. Which page comes next is the game's to say.

use awesomestock_proto::casino;

use super::{Client, Failure, known, wire};
use crate::app::event::Answer;

/// Prices of the newest page, the one that joining waits for: what the widest screen shows, several times over.
const NEWEST_LIMIT: i32 = 2_000;

/// Prices or candles of an older page: few calls on the way back, and a tenth of what gRPC takes in a message.
const OLDER_LIMIT: i32 = 5_000;

impl Client {
    /// A page of prices below the tick `before`, or the newest ones; a casino of the old contract keeps none.
    pub(super) async fn history(&self, before: Option<i64>) -> Result<Answer, Failure> {
        let request = casino::PriceHistoryRequest {
            before_tick: before.unwrap_or(0),
            limit: before.map_or(NEWEST_LIMIT, |_| OLDER_LIMIT),
        };
        let page = self.ask(|mut casino| async move { known(casino.get_price_history(request).await) });
        let page = page.await?.map(tonic::Response::into_inner);
        let casino::PriceHistory { points, more } = page.unwrap_or_default();
        Ok(Answer::History {
            before,
            prices: points.iter().filter_map(wire::price_point).collect(),
            more,
        })
    }

    /// A page of candles that begin below the tick `before`.
    pub(super) async fn candles(&self, before: i64) -> Result<Answer, Failure> {
        let request = casino::CandlesRequest {
            before_tick: before,
            limit: OLDER_LIMIT,
        };
        let page = self.ask(|mut casino| async move { known(casino.get_candles(request).await) });
        let page = page
            .await?
            .ok_or_else(|| Failure::Refused("this casino keeps no older prices".to_owned()))?;
        let casino::Candles { candles, more } = page.into_inner();
        Ok(Answer::Candles {
            before,
            candles: candles.iter().filter_map(wire::candle).collect(),
            more,
        })
    }
}
