//! The open orders of all players, sorted by the price that meets them.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::ops::RangeInclusive;

use crate::domain::money::Price;
use crate::domain::order::AccountId;
use crate::domain::order::request::RequestId;
use crate::domain::order::resting::{DueOrder, OrderPosting, RestingOrder};
use crate::domain::player::PlayerName;
use crate::ledger::watermark::BatchId;

/// As decided, committed or not.
#[derive(Debug, Default)]
pub(crate) struct OrderBook {
    /// Orders that a price at or below theirs meets.
    falls: BTreeSet<(Price, i64)>,
    /// Orders that a price at or above theirs meets.
    rises: BTreeSet<(Price, i64)>,
    by_number: HashMap<i64, (PlayerName, OrderPosting)>,
    /// Numbers of the open orders, oldest first.
    by_account: HashMap<AccountId, Vec<i64>>,
    /// What undoes the changes of batches that are not committed, oldest first.
    undo: VecDeque<(BatchId, Undo)>,
}

#[derive(Debug)]
enum Undo {
    Remove(i64),
    Insert(PlayerName, OrderPosting),
}

impl OrderBook {
    pub(super) fn new(stored: impl IntoIterator<Item = (PlayerName, OrderPosting)>) -> Self {
        let mut book = Self::default();
        for (player, posting) in stored {
            book.insert(player, posting);
        }
        book
    }

    /// Returns the number of the account's open orders.
    pub(super) fn open(&self, account: AccountId) -> usize {
        self.by_account.get(&account).map_or(0, Vec::len)
    }

    pub(super) fn get(&self, account: AccountId, id: RequestId) -> Option<&OrderPosting> {
        let numbers = self.by_account.get(&account)?.iter();
        let postings = numbers.filter_map(|number| self.by_number.get(number));
        postings
            .map(|(_, posting)| posting)
            .find(|posting| posting.order.id == id)
    }

    /// Returns up to `max` orders with a number above `after` that `price` meets, oldest first.
    pub(super) fn due(&self, price: Price, after: i64, max: usize) -> Vec<DueOrder> {
        let falls = self.falls.range((price, i64::MIN)..);
        let rises = self.rises.range(up_to(price));
        let numbers = falls.chain(rises).map(|(_, number)| *number);
        let mut numbers: Vec<i64> = numbers.filter(|number| *number > after).collect();
        if numbers.len() > max {
            numbers.select_nth_unstable(max);
            numbers.truncate(max);
        }
        numbers.sort_unstable();
        let postings = numbers.iter().filter_map(|number| self.by_number.get(number));
        postings
            .map(|(player, posting)| DueOrder {
                number: posting.number,
                player: player.clone(),
                id: posting.order.id,
            })
            .collect()
    }

    /// Adds an order, as a change of `batch`.
    pub(super) fn place(&mut self, player: PlayerName, posting: OrderPosting, batch: BatchId) {
        self.undo.push_back((batch, Undo::Remove(posting.number)));
        self.insert(player, posting);
    }

    /// Removes an order that ends with `batch`.
    pub(super) fn end(&mut self, number: i64, batch: BatchId) {
        if let Some((player, posting)) = self.remove(number) {
            self.undo.push_back((batch, Undo::Insert(player, posting)));
        }
    }

    /// Forgets how to undo the batches up to `committed`.
    pub(super) fn committed(&mut self, committed: BatchId) {
        while self.undo.front().is_some_and(|(batch, _)| *batch <= committed) {
            self.undo.pop_front();
        }
    }

    /// Undoes the changes of `failed` and of all later batches.
    pub(super) fn roll_back(&mut self, failed: BatchId) {
        while let Some((batch, undo)) = self.undo.pop_back() {
            match undo {
                _ if batch < failed => {}
                Undo::Remove(number) => drop(self.remove(number)),
                Undo::Insert(player, posting) => self.insert(player, posting),
            }
        }
    }

    fn insert(&mut self, player: PlayerName, posting: OrderPosting) {
        self.side(&posting.order).insert(key(&posting));
        let numbers = self.by_account.entry(posting.account).or_default();
        let place = numbers.partition_point(|number| *number < posting.number);
        numbers.insert(place, posting.number);
        self.by_number.insert(posting.number, (player, posting));
    }

    fn remove(&mut self, number: i64) -> Option<(PlayerName, OrderPosting)> {
        let (player, posting) = self.by_number.remove(&number)?;
        self.side(&posting.order).remove(&key(&posting));
        if let Some(numbers) = self.by_account.get_mut(&posting.account) {
            numbers.retain(|other| *other != number);
            if numbers.is_empty() {
                self.by_account.remove(&posting.account);
            }
        }
        Some((player, posting))
    }

    fn side(&mut self, order: &RestingOrder) -> &mut BTreeSet<(Price, i64)> {
        match order.terms.waits_for_fall() {
            true => &mut self.falls,
            false => &mut self.rises,
        }
    }
}

fn key(posting: &OrderPosting) -> (Price, i64) {
    (posting.order.terms.price, posting.number)
}

fn up_to(price: Price) -> RangeInclusive<(Price, i64)> {
    (Price::MIN, i64::MIN)..=(price, i64::MAX)
}

#[cfg(test)]
mod tests {
    use awesomestock_proto::values::Trigger;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::market::Tick;
    use crate::domain::money::{Stocks, UnixMillis};
    use crate::domain::order::Side;
    use crate::domain::order::resting::RestingTerms;

    fn posting(number: i64, account: i64, terms: RestingTerms) -> OrderPosting {
        let tick = Tick {
            number: 0,
            price: Price::MIN,
            at: UnixMillis(0),
        };
        let id = RequestId(u128::try_from(number).unwrap().to_be_bytes());
        OrderPosting {
            account: AccountId(account),
            number,
            ended: None,
            order: RestingOrder::new(id, terms, tick, UnixMillis(0)),
        }
    }

    fn terms() -> impl Strategy<Value = RestingTerms> {
        (any::<[bool; 2]>(), 1..20).prop_map(|([buys, limits], price)| RestingTerms {
            side: if buys { Side::Buy } else { Side::Sell },
            count: Stocks(1),
            trigger: if limits { Trigger::Limit } else { Trigger::Stop },
            price: Price::new(price).unwrap(),
            up_to: false,
        })
    }

    fn numbers(book: &OrderBook, price: i32) -> Vec<i64> {
        let (mut after, mut numbers) = (0, Vec::new());
        // In parts.
        loop {
            let due = book.due(Price::new(price).unwrap(), after, 3);
            let Some(last) = due.last() else { return numbers };
            after = last.number;
            let number = |due: &DueOrder| i64::try_from(u128::from_be_bytes(due.id.0)).unwrap();
            numbers.extend(due.iter().map(number));
        }
    }

    fn player() -> PlayerName {
        PlayerName::new("ann").unwrap()
    }

    proptest! {
        /// The book finds what a scan of all orders finds, oldest first, also after a rollback.
        #[test]
        fn due_orders_are_those_that_the_price_meets(
            orders in prop::collection::vec((terms(), any::<bool>(), any::<bool>()), 0..40),
            price in 1..20,
        ) {
            let mut book = OrderBook::default();
            let (first, second) = (BatchId::NONE.next(), BatchId::NONE.next().next());
            let mut kept = Vec::new();
            for (number, (terms, is_ended, is_later)) in (1..).zip(orders) {
                let posting = posting(number, number % 3, terms);
                book.place(player(), posting, if is_later { second } else { first });
                if is_ended {
                    book.end(number, second);
                }
                if !is_later {
                    kept.push(posting);
                }
            }
            let scan = |postings: &[OrderPosting]| -> Vec<i64> {
                let price = Price::new(price).unwrap();
                let met = postings.iter().filter(|posting| posting.order.terms.is_met(price));
                met.map(|posting| posting.number).collect()
            };
            let open: Vec<OrderPosting> = book.by_number.values().map(|(_, posting)| *posting).collect();
            let mut met = scan(&open);
            met.sort_unstable();
            prop_assert_eq!(numbers(&book, price), met);
            // Changes of the second batch come last in a ledger; here they are undone in any order.
            book.undo.make_contiguous().sort_by_key(|(batch, _)| *batch);
            book.roll_back(second);
            prop_assert_eq!(numbers(&book, price), scan(&kept));
            prop_assert_eq!(book.by_number.len(), kept.len());
            prop_assert_eq!(book.by_account.values().map(Vec::len).sum::<usize>(), kept.len());
        }
    }

    #[test]
    fn an_order_is_found_by_its_account_and_id() {
        let terms = RestingTerms {
            side: Side::Buy,
            count: Stocks(1),
            trigger: Trigger::Limit,
            price: Price::MIN,
            up_to: false,
        };
        let mut book = OrderBook::new([(player(), posting(7, 1, terms)), (player(), posting(9, 1, terms))]);
        let id = posting(9, 1, terms).order.id;
        assert_eq!(book.get(AccountId(1), id), Some(&posting(9, 1, terms)));
        assert_eq!(book.get(AccountId(2), id), None);
        assert_eq!((book.open(AccountId(1)), book.open(AccountId(2))), (2, 0));
        let batch = BatchId::NONE.next();
        book.end(9, batch);
        assert_eq!((book.get(AccountId(1), id), book.open(AccountId(1))), (None, 1));
        book.committed(batch);
        book.roll_back(batch.next());
        assert_eq!(book.open(AccountId(1)), 1);
    }
}
