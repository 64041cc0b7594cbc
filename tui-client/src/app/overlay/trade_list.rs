//! The player's trades, newest first. Older pages are loaded on scrolling.

use super::csv::{self, ColumnSet};
use super::document::{DocumentLines, utc};
use crate::app::portfolio::rows::NumberedTrade;

/// Most trades kept; the one-shot command `trades` lists all.
pub(crate) const MAX_TRADES: usize = 10_000;

/// Trades loaded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TradeList {
    /// Newest first.
    rows: Vec<NumberedTrade>,
    more: bool,
    /// The next page is being loaded.
    loading: bool,
}

impl TradeList {
    /// Returns a list of the newest page, given oldest first. `more`: older trades exist.
    pub fn new(page: Vec<NumberedTrade>, more: bool) -> Self {
        let mut list = Self::default();
        list.take_older(page, more);
        list
    }

    /// Returns the trades, newest first.
    pub fn rows(&self) -> &[NumberedTrade] {
        &self.rows
    }

    pub(crate) fn has_more(&self) -> bool {
        self.more
    }

    /// Adds a page of older trades, given oldest first. A page without new trades ends the list.
    pub(crate) fn take_older(&mut self, page: Vec<NumberedTrade>, more: bool) {
        self.loading = false;
        let before = self.rows.len();
        for (number, row) in page.into_iter().rev() {
            let is_older = self.rows.last().is_none_or(|(oldest, _)| number < *oldest);
            if is_older && self.rows.len() < MAX_TRADES {
                self.rows.push((number, row));
            }
        }
        self.more = more && self.rows.len() > before && self.rows.len() < MAX_TRADES;
    }

    /// Returns the trade number below which to load, unless that is in progress or nothing is left.
    pub(crate) fn wants_older(&mut self) -> Option<i64> {
        let (oldest, _) = self.rows.last().filter(|_| self.more && !self.loading)?;
        self.loading = true;
        Some(*oldest)
    }

    /// Allows another attempt after a failure.
    pub(crate) fn older_failed(&mut self) {
        self.loading = false;
    }
}

impl DocumentLines for TradeList {
    const CSV_COLUMNS: Option<ColumnSet> = Some(csv::TRADES);
    const TEXT_HEADING: Option<&'static str> =
        Some("number  date (UTC)           side      stocks       price           tokens");

    fn csv(&self) -> Vec<String> {
        let line = |row| csv::line(csv::TRADES, &csv::trade(row));
        self.rows.iter().rev().map(line).collect()
    }

    fn text(&self) -> Vec<String> {
        let line = |(number, row): &NumberedTrade| {
            let at = utc(Some(row.at));
            let (side, total) = (row.side.word(), row.tokens());
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
    use crate::app::portfolio::money::{Side, UnixMillis};
    use crate::app::portfolio::rows::TradeRow;

    fn page(numbers: std::ops::RangeInclusive<i64>) -> Vec<NumberedTrade> {
        let row = TradeRow {
            tick: 1,
            at: UnixMillis(1_700_000_000_000),
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
    fn pages_are_requested_once_each_until_the_list_ends() {
        let mut list = TradeList::new(page(5..=7), true);
        assert_eq!(list.wants_older(), Some(5));
        assert_eq!(list.wants_older(), None, "in progress");
        list.older_failed();
        assert_eq!(list.wants_older(), Some(5));
        list.take_older(page(3..=5), true);
        assert_eq!(numbers(&list), [7, 6, 5, 4, 3]);
        assert_eq!(list.wants_older(), Some(3));
        list.take_older(page(1..=2), false);
        assert_eq!((numbers(&list).len(), list.wants_older()), (7, None));
    }

    #[test]
    fn an_endless_list_of_a_casino_is_cut_off() {
        let mut list = TradeList::new(page(5..=7), true);
        list.take_older(page(5..=7), true);
        assert_eq!((list.has_more(), list.wants_older()), (false, None));
        let full = TradeList::new(page(1..=20_000), true);
        assert_eq!((full.rows().len(), full.has_more()), (MAX_TRADES, false));
        assert!(!TradeList::new(Vec::new(), true).has_more());
    }

    #[test]
    fn trades_are_lines_of_csv_and_of_text() {
        let list = TradeList::new(page(7..=7), false);
        assert_eq!(list.csv(), ["7,2023-11-14T22:13:20.000Z,buy,3,12,36"]);
        let heading = TradeList::TEXT_HEADING.unwrap();
        assert_eq!(
            list.text(),
            ["     7  2023-11-14 22:13:20  buy            3          12              -36"]
        );
        assert_eq!(list.text()[0].len(), heading.len());
    }
}
