//! Lists that may be longer than memory is meant to be: told piece by piece, oldest first.
//!
//! Owns how pages are followed to the end of a list, and that what a casino answers never makes that endless.

use awesomestock_proto::{casino, types};
use tonic::Streaming;

use super::{CALL_DEADLINE, Client, Failure, known, wire};
use crate::app::{
    event::{Answer, NumberedTrade},
    overlay::PaymentRow,
};

/// Trades of one page that is read on the screen.
const READ_PAGE: i32 = 100;

/// Trades of one page: the most that the contract gives.
const PAGE: i32 = 1000;

impl Client {
    /// All payments of the player, one after the other.
    ///
    /// # Errors
    ///
    /// When the casino refuses, or does not answer.
    pub async fn all_payments(&self) -> Result<Payments, Failure> {
        let answer = self.ask(|mut casino| {
            let user = self.user();
            async move { casino.get_payments(user).await }
        });
        Ok(Payments {
            inbound: answer.await?.into_inner(),
            position: 0,
        })
    }

    /// All trades that the player has made by now, page by page.
    ///
    /// # Errors
    ///
    /// When the casino does not answer, or speaks the old contract and keeps no trades.
    pub async fn all_trades(&self) -> Result<Trades, Failure> {
        let (newest, _) = self.page_of_trades(0, 1).await?;
        Ok(Trades {
            client: self.clone(),
            newest: newest.last().map_or(0, |(number, _)| *number),
            told: 0,
        })
    }

    /// A page of trades to be read: those below `before`, or the newest ones.
    pub(super) async fn trade_page(&self, before: Option<i64>) -> Result<Answer, Failure> {
        let (rows, more) = self.page_of_trades(before.unwrap_or(0), READ_PAGE).await?;
        Ok(Answer::TradePage { before, rows, more })
    }

    /// At most `limit` trades below `before_number` (0: the newest ones), oldest first; and whether there are older ones.
    async fn page_of_trades(
        &self,
        before_number: i64,
        limit: i32,
    ) -> Result<(Vec<NumberedTrade>, bool), Failure> {
        let page = self.ask(|mut casino| {
            let request = casino::TradesRequest {
                user: Some(self.user()),
                before_number,
                limit,
            };
            async move { known(casino.get_trades(request).await) }
        });
        let page = page
            .await?
            .ok_or_else(|| Failure::Refused("this casino does not tell its trades".to_owned()))?;
        let casino::Trades { trades, more } = page.into_inner();
        let numbered = trades
            .iter()
            .filter_map(|trade| Some((trade.number, wire::trade_row(trade)?)));
        Ok((numbered.collect(), more))
    }
}

/// Payments as they come.
#[derive(Debug)]
pub struct Payments {
    inbound: Streaming<types::Payment>,
    position: i64,
}

impl Payments {
    /// The next payment; `None` after the last one.
    ///
    /// # Errors
    ///
    /// When the casino breaks off.
    pub async fn next(&mut self) -> Result<Option<PaymentRow>, Failure> {
        let inbound = &mut self.inbound;
        let payment = within_deadline(async move { Ok(inbound.message().await?) }).await?;
        self.position = self.position.saturating_add(1);
        Ok(payment.map(|payment| wire::payment_row(&payment, self.position)))
    }
}

/// Trades, a page at a time. Trades that are made meanwhile are not among them.
#[derive(Debug)]
pub struct Trades {
    client: Client,
    newest: i64,
    /// Every trade up to this number has been told.
    told: i64,
}

impl Trades {
    /// The next page; `None` after the last one.
    ///
    /// # Errors
    ///
    /// When the casino breaks off.
    pub async fn next(&mut self) -> Result<Option<Vec<NumberedTrade>>, Failure> {
        if self.told >= self.newest {
            return Ok(None);
        }
        // Trades are numbered without a gap, so the oldest page is the one below this number.
        let end = self.told.saturating_add(i64::from(PAGE));
        let (mut page, _) = self.client.page_of_trades(end.saturating_add(1), PAGE).await?;
        page.retain(|(number, _)| (self.told.saturating_add(1)..=end.min(self.newest)).contains(number));
        self.told = end;
        // A casino that tells of a newest trade and has no older ones would be asked for ever.
        Ok(Some(page).filter(|page| !page.is_empty()))
    }
}

async fn within_deadline<T>(answer: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let answered = tokio::time::timeout(CALL_DEADLINE, answer).await;
    answered.unwrap_or(Err(Failure::overdue(CALL_DEADLINE)))
}
