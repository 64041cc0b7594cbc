use proptest::prelude::*;

use super::*;
use crate::domain::money::{Dollars, Price, Stocks, UnixMillis};
use crate::domain::order::{AccountId, Command, LedgerEntry, Trade};
use crate::domain::player::PlayerName;
use crate::domain::round::Round;
use crate::testkit::values;

fn step() -> impl Strategy<Value = (Command, i32)> {
    let command = prop_oneof![
        (1..2_000_i32).prop_map(|dollars| Command::Deposit(Dollars(dollars))),
        (1..200_i32).prop_map(|dollars| Command::Withdraw(Tokens(dollars * 5))),
        (1..40_i32).prop_map(|count| Command::Buy(Stocks(count))),
        (1..40_i32).prop_map(|count| Command::Sell(Stocks(count))),
    ];
    (command, 1..60_i32)
}

fn played(steps: &[(Command, i32)]) -> (AccountRecord, Vec<LedgerEntry>) {
    let mut record = AccountRecord::new(AccountId(1));
    let mut entries = Vec::new();
    for (command, price) in steps {
        let tick = values::tick(1, *price, 0);
        entries.extend(record.execute(*command, tick, UnixMillis(0)));
    }
    (record, entries)
}

/// Replays payments first, as a store reads them. All trades are on page 0.
fn replayed(entries: &[LedgerEntry]) -> AccountReplay {
    let mut replay = AccountReplay::default();
    for entry in entries {
        if let LedgerEntry::Payment(payment) = entry {
            assert_eq!(replay.pay(payment), None);
        }
    }
    for entry in entries {
        if let LedgerEntry::Trade(trade) = entry {
            assert_eq!(replay.trade(&posting(*trade, 0, None)), Ok(Vec::new()));
        }
    }
    replay
}

proptest! {
    #[test]
    fn an_account_is_what_its_entries_add_up_to(steps in prop::collection::vec(step(), 0..120)) {
        let (record, entries) = played(&steps);
        prop_assert_eq!(replayed(&entries).differences(&record), []);
    }

    #[test]
    fn an_entry_that_is_missing_is_found(steps in prop::collection::vec(step(), 1..60), lost: prop::sample::Index) {
        let (record, mut entries) = played(&steps);
        prop_assume!(!entries.is_empty());
        entries.remove(lost.index(entries.len()));
        let mut replay = AccountReplay::default();
        let mut found = 0;
        for entry in &entries {
            found += match entry {
                LedgerEntry::Payment(payment) => usize::from(replay.pay(payment).is_some()),
                LedgerEntry::Trade(trade) => {
                    let wrong = replay.trade(&posting(*trade, 0, None));
                    wrong.map_or(1, |wrong| wrong.len())
                }
                LedgerEntry::Accepted | LedgerEntry::Cancelled => 0,
            };
        }
        prop_assert!(found + replay.differences(&record).len() > 0);
    }
}

fn posting(trade: Trade, page: i64, previous: Option<i64>) -> TradePosting {
    TradePosting {
        account: AccountId(1),
        trade,
        page,
        previous,
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
    let mut record = AccountRecord::new(AccountId(1));
    record.account = Account {
        tokens: Tokens(1),
        stocks: Stocks(2),
        cost_basis: 3,
        realised_pnl: 4,
        dollars_in: 5,
        dollars_out: 6,
        version: 7,
    };
    (record.payments, record.trades, record.page) = (8, 9, 10);
    let differences = AccountReplay::default().differences(&record);
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
fn a_gap_or_broken_page_link_is_reported_once() {
    let mut replay = AccountReplay::default();
    let payment = |number| values::payment(number, -1, 0);
    assert_eq!(replay.pay(&payment(2)), Some(("payment number".to_owned(), 1, 2)));
    assert_eq!(replay.pay(&payment(3)), None);
    let mut buy =
        |number, page, previous| replay.trade(&posting(trade(number, Side::Buy, 1, 10), page, previous));
    assert_eq!(buy(1, 4, Some(0)), Ok(vec![]));
    assert_eq!(buy(2, 4, None), Ok(vec![]));
    let gap = ("trade number".to_owned(), 3, 4);
    let link = ("sheet before that of trade 4".to_owned(), 4, 3);
    assert_eq!(buy(4, 9, Some(3)), Ok(vec![gap, link]));
    let missing_link = ("sheet before that of trade 5".to_owned(), 9, 11);
    assert_eq!(buy(5, 11, None), Ok(vec![missing_link]));
}

#[test]
fn an_impossible_trade_is_reported_with_the_rejection() {
    let mut replay = AccountReplay::default();
    let sold = replay.trade(&posting(trade(1, Side::Sell, 1, 10), 1, Some(0)));
    assert_eq!(sold, Err("you have 0 stocks, not 1".to_owned()));
    let bought = replay.trade(&posting(trade(2, Side::Buy, i32::MAX, i32::MAX), 1, None));
    assert!(bought.unwrap_err().contains("costs"), "more than any balance");
}

#[test]
fn a_mismatch_is_displayed_with_both_values() {
    let difference = Mismatch::new("ann", "tokens", 35, 36);
    assert_eq!(difference.to_string(), "ann: tokens: expected 35, found 36");
}

#[test]
fn totals_have_separators_and_plurals() {
    let totals = AuditTotals {
        players: 1,
        payments: 1_000,
        trades: 2,
        in_log: 1,
        ..AuditTotals::default()
    };
    let text = "1 player, 1,000 payments, 2 trades, 0 ticks; 0 dollars in, 0 dollars out; 0 tokens and 0 stocks held; \
                1 batch from the commit log";
    assert_eq!(totals.to_string(), text);
    let totals = AuditTotals {
        orders: 1,
        round_accounts: 2_000,
        ..totals
    };
    let text = format!("{text}; 1 resting order; 2,000 round accounts");
    assert_eq!(totals.to_string(), text);
}

#[test]
fn accounts_in_rounds_are_no_players() {
    let ann = PlayerName::new("ann").unwrap();
    let names = [ann.clone(), ann.in_round(1), ann.in_round(2)];
    let accounts = (1..)
        .zip(names)
        .map(|(id, name)| (name.as_str().to_owned(), AccountRecord::new(AccountId(id))));
    let mut report = AuditReport::new(0, |_| {});
    for number in [1, 2] {
        report.round(Round {
            number,
            ..Round::default()
        });
    }
    report.compare(Chunk::new(0, 100, accounts.collect()));
    let totals = report.totals();
    assert_eq!((totals.players, totals.round_accounts), (1, 2));
    assert_eq!(totals.differences, 0);
}
