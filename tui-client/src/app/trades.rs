//! The player's trades as a list to read: the newest first, older ones fetched page by page as its reader gets there.
//!
//! Owns which page is wanted next, and the bound. It knows nothing of how the list looks.

use super::{
    event::NumberedTrade,
    money::Side,
    sheet::{Lines, utc},
};

/// Trades kept: further back, the one-shot command tells them all.
pub const MAX_TRADES: usize = 10_000;

/// Trades as far as they have been fetched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TradeList {
    /// The newest first.
    rows: Vec<NumberedTrade>,
    /// The casino has older ones.
    more: bool,
    /// The next page is under way.
    asked: bool,
}

impl TradeList {
    /// The newest page, oldest first as the casino tells it. `more`: there are older ones.
    #[must_use]
    pub fn of(page: Vec<NumberedTrade>, more: bool) -> Self {
        let mut list = Self::default();
        list.take_older(page, more);
        list
    }

    /// The trades, the newest first.
    #[must_use]
    pub fn rows(&self) -> &[NumberedTrade] {
        &self.rows
    }

    /// There are older ones that can be fetched.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.more
    }

    /// Takes a page of older trades, oldest first. What is not older than those kept is passed over; a page that brings
    /// nothing is the last one.
    pub fn take_older(&mut self, page: Vec<NumberedTrade>, more: bool) {
        self.asked = false;
        let before = self.rows.len();
        for (number, row) in page.into_iter().rev() {
            let is_older = self.rows.last().is_none_or(|(oldest, _)| number < *oldest);
            if is_older && self.rows.len() < MAX_TRADES {
                self.rows.push((number, row));
            }
        }
        self.more = more && self.rows.len() > before && self.rows.len() < MAX_TRADES;
    }

    /// The number below which trades are wanted, if they can be had and have not been asked for. From then on they count
    /// as asked for.
    pub fn wants_older(&mut self) -> Option<i64> {
        let (oldest, _) = self.rows.last().filter(|_| self.more && !self.asked)?;
        self.asked = true;
        Some(*oldest)
    }

    /// The page could not be had: it may be asked for again.
    pub fn older_failed(&mut self) {
        self.asked = false;
    }
}

/// `buy` or `sell`.
fn word(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

impl Lines for TradeList {
    const CSV_HEADING: Option<&'static str> = Some("number,date_utc,side,stocks,price,tokens");
    const TEXT_HEADING: Option<&'static str> =
        Some("number  date (UTC)           side      stocks       price           tokens");

    fn csv(&self) -> Vec<String> {
        let line = |(number, row): &NumberedTrade| {
            let at = utc(Some(row.at));
            let (side, total) = (word(row.side), row.tokens());
            format!("{number},{at},{side},{},{},{total}", row.count, row.price)
        };
        self.rows.iter().map(line).collect()
    }

    fn text(&self) -> Vec<String> {
        let line = |(number, row): &NumberedTrade| {
            let at = utc(Some(row.at));
            let (side, total) = (word(row.side), row.tokens());
            format!(
                "{number:>6}  {at:<19}  {side:<4}  {:>10}  {:>10}  {total:>+15}",
                row.count, row.price
            )
        };
        self.rows.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{event::TradeRow, money::UnixMs};

    fn page(numbers: std::ops::RangeInclusive<i64>) -> Vec<NumberedTrade> {
        let row = TradeRow {
            tick: 1,
            at: UnixMs(1_700_000_000_000),
            side: Side::Buy,
            count: 3,
            price: 12,
        };
        numbers.map(|number| (number, row)).collect()
    }

    fn numbers(list: &TradeList) -> Vec<i64> {
        list.rows().iter().map(|(number, _)| *number).collect()
    }

    #[test]
    fn pages_are_asked_for_once_each_until_there_are_no_more() {
        let mut list = TradeList::of(page(5..=7), true);
        assert_eq!(list.wants_older(), Some(5));
        assert_eq!(list.wants_older(), None, "it is under way");
        list.older_failed();
        assert_eq!(list.wants_older(), Some(5));
        list.take_older(page(3..=5), true);
        assert_eq!(numbers(&list), [7, 6, 5, 4, 3]);
        assert_eq!(list.wants_older(), Some(3));
        list.take_older(page(1..=2), false);
        assert_eq!((numbers(&list).len(), list.wants_older()), (7, None));
    }

    #[test]
    fn a_casino_that_never_ends_its_list_is_not_asked_for_ever() {
        let mut list = TradeList::of(page(5..=7), true);
        list.take_older(page(5..=7), true);
        assert_eq!((list.has_more(), list.wants_older()), (false, None));
        let full = TradeList::of(page(1..=20_000), true);
        assert_eq!((full.rows().len(), full.has_more()), (MAX_TRADES, false));
        assert!(!TradeList::of(Vec::new(), true).has_more());
    }

    #[test]
    fn trades_are_lines_of_csv_and_of_text() {
        let list = TradeList::of(page(7..=7), false);
        assert_eq!(list.csv(), ["7,2023-11-14 22:13:20,buy,3,12,-36"]);
        let heading = TradeList::TEXT_HEADING.unwrap();
        assert_eq!(
            list.text(),
            ["     7  2023-11-14 22:13:20  buy            3          12              -36"]
        );
        assert_eq!(list.text()[0].len(), heading.len());
    }
}
