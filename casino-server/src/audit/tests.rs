use proptest::prelude::*;

use super::*;
use crate::{
    market::Tick,
    quantity::{Dollars, Price, Stocks, UnixMillis},
    record::{AccountId, Command, Entry},
};

/// What a player does at a price.
fn step() -> impl Strategy<Value = (Command, i32)> {
    let command = prop_oneof![
        (1..2_000_i32).prop_map(|dollars| Command::Deposit(Dollars(dollars))),
        (1..200_i32).prop_map(|dollars| Command::Withdraw(Tokens(dollars * 5))),
        (1..40_i32).prop_map(|count| Command::Buy(Stocks(count))),
        (1..40_i32).prop_map(|count| Command::Sell(Stocks(count))),
    ];
    (command, 1..60_i32)
}

/// The record that `steps` lead to, and the entries that they left.
fn played(steps: &[(Command, i32)]) -> (Record, Vec<Entry>) {
    let mut record = Record::new(AccountId(1));
    let mut entries = Vec::new();
    for (command, price) in steps {
        let tick = Tick {
            number: 1,
            price: Price::new(*price).unwrap(),
            at: UnixMillis(0),
        };
        if let Ok((after, entry)) = record.execute(*command, tick, UnixMillis(0)) {
            record = after;
            entries.push(entry);
        }
    }
    (record, entries)
}

/// The tally of `entries`: payments first, as a store reads them. All trades are on sheet 0, as if never entered.
fn tallied(entries: &[Entry]) -> Tally {
    let mut tally = Tally::default();
    for entry in entries {
        if let Entry::Payment(payment) = entry {
            assert_eq!(tally.pay(payment), None);
        }
    }
    for entry in entries {
        if let Entry::Trade(trade) = entry {
            assert_eq!(tally.trade(trade, (0, None)), Ok(Vec::new()));
        }
    }
    tally
}

proptest! {
    #[test]
    fn an_account_is_what_its_entries_add_up_to(steps in prop::collection::vec(step(), 0..120)) {
        let (record, entries) = played(&steps);
        prop_assert_eq!(tallied(&entries).differences(&record), []);
    }

    #[test]
    fn an_entry_that_is_missing_is_found(steps in prop::collection::vec(step(), 1..60), lost: prop::sample::Index) {
        let (record, mut entries) = played(&steps);
        prop_assume!(!entries.is_empty());
        entries.remove(lost.index(entries.len()));
        let mut tally = Tally::default();
        let mut found = 0;
        for entry in &entries {
            found += match entry {
                Entry::Payment(payment) => usize::from(tally.pay(payment).is_some()),
                Entry::Trade(trade) => tally.trade(trade, (0, None)).map_or(1, |wrong| wrong.len()),
            };
        }
        prop_assert!(found + tally.differences(&record).len() > 0);
    }
}

fn trade(number: i64, side: Side, count: i32, price: i32) -> Trade {
    Trade {
        number,
        side,
        count: Stocks(count),
        price: Price::new(price).unwrap(),
        tick: 0,
        at: UnixMillis(0),
    }
}

#[test]
fn each_figure_that_differs_is_named() {
    let mut record = Record::new(AccountId(1));
    record.account = Account {
        tokens: Tokens(1),
        stocks: Stocks(2),
        cost_basis: 3,
        realised_pnl: 4,
        dollars_in: 5,
        dollars_out: 6,
        version: 7,
    };
    (record.payments, record.trades, record.sheet) = (8, 9, 10);
    let differences = Tally::default().differences(&record);
    let expected: Vec<_> = [
        "tokens",
        "stocks",
        "cost basis",
        "realised P&L",
        "dollars in",
        "dollars out",
        "version",
        "payments",
        "trades",
        "sheet",
    ]
    .into_iter()
    .zip(1..)
    .map(|(field, found)| (field, 0, found))
    .collect();
    assert_eq!(differences, expected);
}

#[test]
fn a_gap_is_told_once_and_a_broken_way_back_too() {
    let mut tally = Tally::default();
    let payment = |number| Payment {
        number,
        amount: -1,
        at: UnixMillis(0),
    };
    assert_eq!(tally.pay(&payment(2)), Some(("payment number".to_owned(), 1, 2)));
    assert_eq!(tally.pay(&payment(3)), None);
    let buy = |number| trade(number, Side::Buy, 1, 10);
    assert_eq!(tally.trade(&buy(1), (4, Some(0))), Ok(vec![]));
    assert_eq!(tally.trade(&buy(2), (4, None)), Ok(vec![]));
    let gap = ("trade number".to_owned(), 3, 4);
    let back = ("sheet before that of trade 4".to_owned(), 4, 3);
    assert_eq!(tally.trade(&buy(4), (9, Some(3))), Ok(vec![gap, back]));
    let unmarked = ("sheet before that of trade 5".to_owned(), 9, 11);
    assert_eq!(tally.trade(&buy(5), (11, None)), Ok(vec![unmarked]));
}

#[test]
fn a_trade_that_nobody_could_have_made_is_told_in_the_accounts_own_words() {
    let mut tally = Tally::default();
    let sold = tally.trade(&trade(1, Side::Sell, 1, 10), (1, Some(0)));
    assert_eq!(
        sold,
        Err("selling 1 stock takes more than you have: 0 stocks".to_owned())
    );
    let bought = tally.trade(&trade(2, Side::Buy, i32::MAX, i32::MAX), (1, None));
    assert!(bought.unwrap_err().contains("costs"), "more than any balance");
}

#[test]
fn a_difference_reads_as_a_sentence() {
    let difference = Difference::new("ann", "tokens", 35, 36);
    assert_eq!(difference.to_string(), "ann: tokens: expected 35, found 36");
}
