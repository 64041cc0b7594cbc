//! Lists of any length, read page by page with bounds.

use awesomestock_proto::{casino, types};
use tonic::Streaming;

use super::{CALL_DEADLINE, Casino, Client, RequestError, convert, within};
use crate::app::event::Response;
use crate::app::overlay::PaymentRow;
use crate::app::portfolio::rows::NumberedTrade;

const READ_PAGE: i32 = 100;

/// Most payments read: as many as a statement may have.
const MAX_PAYMENTS: i64 = 10_000_000;

/// Most trades read: months of trading without a break.
const MAX_TRADES: i64 = 1_000_000_000;

/// Trades of a page: the maximum of the contract.
const PAGE: i32 = 1000;

/// Prices of the newest page: several screens.
const NEWEST_LIMIT: i32 = 2_000;

/// Entries of an older page: a tenth of the message size limit of gRPC.
const OLDER_LIMIT: i32 = 5_000;

impl Client {
    /// Streams all payments. Fails if the casino rejects the call or does not answer.
    pub(crate) async fn all_payments(&self) -> Result<Payments, RequestError> {
        let get_payments = async |mut casino: Casino, user| casino.get_payments(user).await;
        Ok(Payments {
            inbound: self.ask(self.user(), get_payments).await?,
            position: 0,
        })
    }

    /// Reads all trades made so far, page by page. Fails if the casino does not answer or has no trade list.
    pub(crate) async fn all_trades(&self) -> Result<Trades, RequestError> {
        let (newest, _) = self.page_of_trades(0, 1).await?;
        Ok(Trades {
            client: self.clone(),
            newest: newest.last().map_or(0, |(number, _)| *number),
            last: 0,
        })
    }

    pub(super) async fn trade_page(&self, before: Option<i64>) -> Result<Response, RequestError> {
        let (rows, more) = self.page_of_trades(before.unwrap_or(0), READ_PAGE).await?;
        Ok(Response::TradePage { before, rows, more })
    }

    /// Returns up to `limit` trades below `before_number` (0: the newest), oldest first, and whether older ones exist.
    async fn page_of_trades(
        &self,
        before_number: i64,
        limit: i32,
    ) -> Result<(Vec<NumberedTrade>, bool), RequestError> {
        let page = self.request_trades(before_number, limit).await?;
        let casino::Trades { trades, more } =
            page.ok_or_else(|| RequestError::Rejected("this casino has no trade list".to_owned()))?;
        let numbered = trades
            .iter()
            .filter_map(|trade| Some((trade.number, convert::trade_row(trade)?)));
        Ok((numbered.collect(), more))
    }

    /// Returns `None` if the casino keeps no trades.
    pub(super) async fn request_trades(
        &self,
        before_number: i64,
        limit: i32,
    ) -> Result<Option<casino::Trades>, RequestError> {
        let request = casino::TradesRequest {
            user: Some(self.user()),
            before_number,
            limit,
        };
        let get_trades = async |mut casino: Casino, request| casino.get_trades(request).await;
        self.ask_if_known(request, get_trades).await
    }

    /// Returns prices below the tick `before`, or the newest ones; none if the casino keeps no history.
    pub(super) async fn history(&self, before: Option<i64>) -> Result<Response, RequestError> {
        let request = casino::PriceHistoryRequest {
            before_tick: before.unwrap_or(0),
            limit: before.map_or(NEWEST_LIMIT, |_| OLDER_LIMIT),
        };
        let get_history = async |mut casino: Casino, request| casino.get_price_history(request).await;
        let page = self.ask_if_known(request, get_history).await?;
        let casino::PriceHistory { points, more } = page.unwrap_or_default();
        Ok(Response::History {
            before,
            prices: points.iter().filter_map(convert::price_point).collect(),
            more,
        })
    }

    /// Returns candles that begin below the tick `before`.
    pub(super) async fn candles(&self, before: i64) -> Result<Response, RequestError> {
        let request = casino::CandlesRequest {
            before_tick: before,
            limit: OLDER_LIMIT,
        };
        let get_candles = async |mut casino: Casino, request| casino.get_candles(request).await;
        let page = self.ask_if_known(request, get_candles).await?;
        let casino::Candles { candles, more } =
            page.ok_or_else(|| RequestError::Rejected("this casino has no price history".to_owned()))?;
        Ok(Response::Candles {
            before,
            candles: candles.iter().filter_map(convert::candle).collect(),
            more,
        })
    }
}

#[derive(Debug)]
pub(crate) struct Payments {
    inbound: Streaming<types::Payment>,
    position: i64,
}

impl Payments {
    /// Returns the next payment; `None` at the end. Fails if the stream fails.
    pub(crate) async fn next(&mut self) -> Result<Option<PaymentRow>, RequestError> {
        let read = async { self.inbound.message().await.map_err(RequestError::from) };
        let Some(payment) = within(CALL_DEADLINE, read).await? else {
            return Ok(None);
        };
        self.position = within_bound(self.position, 1, MAX_PAYMENTS)?;
        convert::payment_row(&payment, self.position).map(Some)
    }
}

/// Pages of trades, without those made meanwhile.
#[derive(Debug)]
pub(crate) struct Trades {
    client: Client,
    newest: i64,
    /// Number of the last trade returned.
    last: i64,
}

impl Trades {
    /// Returns the next page; `None` at the end. Fails if the call fails.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<NumberedTrade>>, RequestError> {
        if self.last >= self.newest {
            return Ok(None);
        }
        // Numbers have no gaps, so the next page ends here.
        let end = self.last.saturating_add(i64::from(PAGE));
        let (mut page, _) = self.client.page_of_trades(end.saturating_add(1), PAGE).await?;
        page.retain(|(number, _)| (self.last.saturating_add(1)..=end.min(self.newest)).contains(number));
        self.last = within_bound(self.last, PAGE, MAX_TRADES)?;
        // An empty page ends the list: the casino may claim trades that it does not have.
        Ok(Some(page).filter(|page| !page.is_empty()))
    }
}

/// Returns the sum, or an error above `max`.
fn within_bound(entries: i64, more: i32, max: i64) -> Result<i64, RequestError> {
    let sum = entries.saturating_add(i64::from(more));
    match sum <= max {
        true => Ok(sum),
        false => Err(RequestError::invalid_response("an endless list")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_ends_at_its_bound() {
        assert_eq!(within_bound(0, 1, 2).ok(), Some(1));
        assert_eq!(within_bound(1, 1, 2).ok(), Some(2));
        for (entries, more) in [(2, 1), (i64::MAX, 1), (1, i32::MAX)] {
            let ended = within_bound(entries, more, 2);
            assert!(matches!(ended, Err(RequestError::Unanswered(why)) if why.contains("endless list")));
        }
    }
}
