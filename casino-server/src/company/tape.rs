//! Core: the tape between two messages: the first trades of it, and how many there were.

use crate::{
    identity::PlayerName,
    record::{Posting, Record, Trade},
};

/// Trades told in one message.
pub(super) const ROWS_MAX: usize = 20;

/// A trade, and whose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// Whose.
    pub(crate) player: PlayerName,
    /// The trade.
    pub(crate) trade: Trade,
}

/// The trades since the last message, as far as there is room for them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Window {
    /// At most [`ROWS_MAX`], in the order they were made.
    pub(crate) rows: Vec<Row>,
    /// Counts all trades of the table, with or without a row.
    pub(crate) trades: i64,
}

impl Window {
    /// Takes in the trades of a batch and the records that they changed.
    ///
    /// Names are looked for only while there is room: a handful of times in a window, however many trades it has.
    pub(super) fn add(&mut self, trades: &[Posting], records: &[(PlayerName, Record)]) {
        let more = i64::try_from(trades.len()).unwrap_or(i64::MAX);
        self.trades = self.trades.saturating_add(more);
        let room = ROWS_MAX.saturating_sub(self.rows.len());
        for posting in trades.iter().take(room) {
            let player = records.iter().find(|(_, record)| record.id == posting.account);
            if let Some((player, _)) = player {
                self.rows.push(Row {
                    player: player.clone(),
                    trade: posting.trade,
                });
            }
        }
    }

    /// The window as it is, if it has rows; the next one is begun.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        quantity::{Price, Stocks, UnixMillis},
        record::{AccountId, Side},
    };

    fn posting(account: i64, number: i64) -> Posting {
        Posting {
            account: AccountId(account),
            trade: Trade {
                number,
                side: Side::Buy,
                count: Stocks(1),
                price: Price::MIN,
                tick: 0,
                at: UnixMillis(0),
            },
            sheet: 1,
            previous: None,
        }
    }

    #[test]
    fn a_window_holds_the_first_trades_and_counts_all() {
        let names = ["ann", "bob"].map(|name| PlayerName::new(name).unwrap());
        let records: Vec<_> = (1..)
            .zip(&names)
            .map(|(id, name)| (name.clone(), Record::new(AccountId(id))))
            .collect();
        let mut window = Window::default();
        assert_eq!(window.take(), None);
        window.add(&[posting(2, 1), posting(1, 1)], &records);
        let first = window.take().unwrap();
        let told: Vec<&str> = first.rows.iter().map(|row| row.player.as_str()).collect();
        assert_eq!((told, first.trades), (vec!["bob", "ann"], 2));
        assert_eq!(window.take(), None, "a trade is told once");
        let many: Vec<Posting> = (1..=15).map(|number| posting(1, number)).collect();
        (0..100).for_each(|_| window.add(&many, &records));
        let sampled = window.take().unwrap();
        assert_eq!((sampled.rows.len(), sampled.trades), (ROWS_MAX, 1_502));
    }
}
