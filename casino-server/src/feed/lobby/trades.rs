//! The trades between two messages of the tape: the first ones, and the number of all.

use crate::domain::money::{Price, Stocks, UnixMillis};
use crate::domain::order::page::PagedTrades;
use crate::domain::order::{AccountRecord, Side, Trade};
use crate::domain::player::PlayerName;

/// Maximum number of trades in one message.
pub(super) const ROWS_MAX: usize = 20;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TapeRow {
    pub(crate) player: PlayerName,
    pub(crate) trade: Trade,
}

/// The trades since the last message.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct TradeBatch {
    pub(crate) rows: Vec<TapeRow>,
    /// Number of all trades, with and without a row.
    pub(crate) trades: i64,
}

impl TradeBatch {
    /// Adds the trades of a ledger batch. Names are looked up only for the trades that get a row.
    pub(super) fn extend(&mut self, trades: &PagedTrades, records: &[(PlayerName, AccountRecord)]) {
        let more = i64::try_from(trades.len()).unwrap_or(i64::MAX);
        self.trades = self.trades.saturating_add(more);
        let room = ROWS_MAX.saturating_sub(self.rows.len());
        for posting in trades.iter().take(room) {
            let player = records.iter().find(|(_, record)| record.id == posting.account);
            if let Some((player, _)) = player {
                self.rows.push(TapeRow {
                    player: player.without_round(),
                    trade: posting.trade,
                });
            }
        }
    }

    /// Adds the trades of another casino.
    pub(super) fn merge(&mut self, other: Self) {
        self.trades = self.trades.saturating_add(other.trades);
        let room = ROWS_MAX.saturating_sub(self.rows.len());
        self.rows.extend(other.rows.into_iter().take(room));
    }

    /// Formats the batch for other casinos: a line `CASINO TRADES`, then a line per row.
    pub(super) fn to_text(&self, casino: &str) -> String {
        let mut text = format!("{casino} {}", self.trades);
        for TapeRow { player, trade } in &self.rows {
            let side = match trade.side {
                Side::Buy => '+',
                Side::Sell => '-',
            };
            let (count, price, at) = (trade.count.0, trade.price.get(), trade.at.0);
            let Trade { number, tick, .. } = trade;
            text.push_str(&format!("\n{player} {number} {side} {count} {price} {tick} {at}"));
        }
        text
    }

    /// Parses the casino and the batch of [`TradeBatch::to_text`]; `None` if the text is malformed.
    pub(super) fn from_text(text: &str) -> Option<(String, Self)> {
        let mut lines = text.lines();
        let (casino, trades) = lines.next()?.split_once(' ')?;
        let rows: Option<_> = lines.take(ROWS_MAX).map(parse_row).collect();
        let batch = Self {
            rows: rows?,
            trades: trades.parse().ok().filter(|trades| *trades >= 0)?,
        };
        Some((casino.to_owned(), batch))
    }

    /// Takes the batch if it has rows. The number of trades continues.
    pub(super) fn take(&mut self) -> Option<Self> {
        if self.rows.is_empty() {
            return None;
        }
        Some(Self {
            rows: std::mem::take(&mut self.rows),
            trades: self.trades,
        })
    }
}

fn parse_row(line: &str) -> Option<TapeRow> {
    let mut words = line.split(' ');
    let player = PlayerName::from_stored(words.next()?).ok()?;
    let number = words.next()?.parse().ok()?;
    let side = match words.next()? {
        "+" => Side::Buy,
        "-" => Side::Sell,
        _ => return None,
    };
    let trade = Trade {
        number,
        side,
        count: Stocks(words.next()?.parse().ok()?),
        price: Price::new(words.next()?.parse().ok()?)?,
        tick: words.next()?.parse().ok()?,
        at: UnixMillis(words.next()?.parse().ok()?),
    };
    words.next().is_none().then_some(TapeRow { player, trade })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::order::AccountId;
    use crate::domain::order::page::TradePosting;
    use crate::testkit::values;

    fn posting(account: i64, number: i64) -> TradePosting {
        TradePosting {
            account: AccountId(account),
            trade: Trade {
                number,
                side: Side::Buy,
                count: Stocks(1),
                price: Price::MIN,
                tick: 0,
                at: UnixMillis(0),
            },
            page: 1,
            previous: None,
        }
    }

    #[test]
    fn a_batch_contains_the_first_trades_and_the_number_of_all() {
        let players = ["ann", "bob"].map(values::player);
        let records: Vec<_> = (1..)
            .zip(&players)
            .map(|(id, name)| (name.clone(), AccountRecord::new(AccountId(id))))
            .collect();
        let mut batch = TradeBatch::default();
        assert_eq!(batch.take(), None);
        batch.extend(&PagedTrades::from_iter([posting(2, 1), posting(1, 1)]), &records);
        let first = batch.take().unwrap();
        let names: Vec<&str> = first.rows.iter().map(|row| row.player.as_str()).collect();
        assert_eq!((names, first.trades), (vec!["bob", "ann"], 2));
        assert_eq!(batch.take(), None, "each trade is taken once");
        let many: PagedTrades = (1..=15).map(|number| posting(1, number)).collect();
        (0..100).for_each(|_| batch.extend(&many, &records));
        let sampled = batch.take().unwrap();
        assert_eq!((sampled.rows.len(), sampled.trades), (ROWS_MAX, 1_502));
    }

    #[test]
    fn a_batch_survives_the_text_format_and_can_be_merged() {
        let name = |name| PlayerName::from_stored(name).unwrap();
        let mut collected = TradeBatch::default();
        let long = "\u{20000}".repeat(32);
        for player in [&*long, "~Momo", "Ægir"] {
            let records = [(name(player), AccountRecord::new(AccountId(1)))];
            (0..9).for_each(|number| {
                let trades = PagedTrades::from_iter([posting(1, i64::MAX - number)]);
                collected.extend(&trades, &records);
            });
        }
        let batch = std::mem::take(&mut collected);
        let text = batch.to_text("0123456789abcdef");
        assert!(text.len() < 8_000, "too long for a notification: {}", text.len());
        let parsed = TradeBatch::from_text(&text);
        assert_eq!(parsed, Some(("0123456789abcdef".to_owned(), batch.clone())));
        assert_eq!((batch.rows.len(), batch.trades), (ROWS_MAX, 27));
        let mut own = TradeBatch::default();
        own.merge(batch.clone());
        own.merge(batch);
        assert_eq!((own.rows.len(), own.trades), (ROWS_MAX, 54));
        for malformed in [
            "",
            "casino",
            "casino x",
            "casino -1",
            "casino 1\nann 1 + 1 1 1",
            "casino 1\na/b 1 + 1 1 1 1",
            "casino 1\nann 1 * 1 1 1 1",
            "casino 1\nann 1 + 1 0 1 1",
            "casino 1\nann 1 + 1 1 1 1 1",
        ] {
            assert_eq!(TradeBatch::from_text(malformed), None, "{malformed:?}");
        }
    }
}
