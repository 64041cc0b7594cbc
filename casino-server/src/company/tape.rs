//! Core: the tape between two messages: the first trades of it, and how many there were.

use crate::{
    identity::PlayerName,
    quantity::{Price, Stocks, UnixMillis},
    record::{Posting, Record, Side, Trade},
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

    /// Takes in the trades of another table, as far as there is room for them.
    pub(super) fn hear(&mut self, other: Self) {
        self.trades = self.trades.saturating_add(other.trades);
        let room = ROWS_MAX.saturating_sub(self.rows.len());
        self.rows.extend(other.rows.into_iter().take(room));
    }

    /// The window as it is, if it has rows; the next one is begun, and counts from 0.
    pub(super) fn take_new(&mut self) -> Option<Self> {
        let taken = self.take();
        self.trades = 0;
        taken
    }

    /// As text, for other casinos: the casino and the count of trades, then a line a row.
    pub(super) fn to_text(&self, casino: &str) -> String {
        let mut text = format!("{casino} {}", self.trades);
        for Row { player, trade } in &self.rows {
            let (side, count, price) = (side_mark(trade.side), trade.count.0, trade.price.get());
            let Trade { number, tick, at, .. } = trade;
            let line = format!("\n{player} {number} {side} {count} {price} {tick} {}", at.0);
            text.push_str(&line);
        }
        text
    }

    /// The casino and the window of [`Window::to_text`]; `None` for anything else.
    pub(super) fn from_text(text: &str) -> Option<(String, Self)> {
        let mut lines = text.lines();
        let (casino, trades) = lines.next()?.split_once(' ')?;
        let rows: Option<_> = lines.take(ROWS_MAX).map(row).collect();
        let window = Self {
            rows: rows?,
            trades: trades.parse().ok().filter(|trades| *trades >= 0)?,
        };
        Some((casino.to_owned(), window))
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

fn side_mark(side: Side) -> char {
    match side {
        Side::Buy => '+',
        Side::Sell => '-',
    }
}

/// A row of the text.
fn row(line: &str) -> Option<Row> {
    let mut words = line.split(' ');
    let player = PlayerName::kept(words.next()?).ok()?;
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
    words.next().is_none().then_some(Row { player, trade })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::AccountId;

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

    #[test]
    fn what_is_told_to_another_casino_is_read_there_and_joins_its_own() {
        let name = |name| PlayerName::kept(name).unwrap();
        let mut told = Window::default();
        let long = "\u{20000}".repeat(32);
        for player in [&*long, "~Momo", "Ægir"] {
            let records = [(name(player), Record::new(AccountId(1)))];
            (0..9).for_each(|number| told.add(&[posting(1, i64::MAX - number)], &records));
        }
        let window = told.take_new().unwrap();
        let text = window.to_text("0123456789abcdef");
        assert!(
            text.len() < 8_000,
            "a notification has no room for {}",
            text.len()
        );
        let heard = Window::from_text(&text);
        assert_eq!(heard, Some(("0123456789abcdef".to_owned(), window.clone())));
        assert_eq!((window.rows.len(), window.trades), (ROWS_MAX, 27));
        assert_eq!(told, Window::default(), "counts anew");
        let mut own = Window::default();
        own.hear(window.clone());
        own.hear(window);
        assert_eq!((own.rows.len(), own.trades), (ROWS_MAX, 54));
        for no_window in [
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
            assert_eq!(Window::from_text(no_window), None, "{no_window:?}");
        }
    }
}
