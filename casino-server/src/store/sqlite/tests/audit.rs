//! The books looked through, whatever the number of players looked at together.

use std::sync::Arc;

use super::{Folder, name, tick};
use crate::{
    audit::{Difference, Totals},
    quantity::{Dollars, Stocks, Tokens, UnixMillis},
    record::{AccountId, Command, Entry, Posting, Record},
    store::{Backing, Batch, Mark, sqlite::Snapshot},
};

/// Three players, of whom each trades on each of five sheets.
fn batch() -> Batch {
    let mut batch = Batch {
        ticks: vec![tick(0), tick(1)],
        ..Batch::default()
    };
    let mut records: Vec<_> = (1..=3).map(|id| Record::new(AccountId(id))).collect();
    let now = UnixMillis(0);
    for record in &mut records {
        let (after, entry) = record
            .execute(Command::Deposit(Dollars(100)), tick(1), now)
            .unwrap();
        let Entry::Payment(payment) = entry else { panic!() };
        batch.payments.push((record.id, payment));
        *record = after;
    }
    for sheet in 1..=5 {
        for record in &mut records {
            let (after, entry) = record.execute(Command::Buy(Stocks(2)), tick(1), now).unwrap();
            let Entry::Trade(trade) = entry else { panic!() };
            batch.trades.push(Posting {
                account: record.id,
                trade,
                sheet,
                previous: Some(sheet - 1),
            });
            *record = Record { sheet, ..after };
        }
    }
    // By sheet: those of one lie together.
    batch.trades.sort_by_key(|posting| posting.sheet);
    let names = ["ann", "bob", "cyd"].map(name);
    batch.records = names.into_iter().zip(records).collect();
    batch
}

/// What is told of `batch`, with so many `players` looked at together.
fn audited(batch: Batch, players: u32) -> (Totals, Vec<Difference>) {
    let folder = Folder::new();
    let mut file = folder.open();
    file.store.take_over(&[Arc::new(batch)], Mark::default()).unwrap();
    let mut told = Vec::new();
    let snapshot = Snapshot::of(&folder.ledger()).unwrap();
    let totals = snapshot
        .audit_by(players, |difference| told.push(difference))
        .unwrap();
    (totals, told)
}

#[test]
fn a_sound_ledger_is_sound_in_lots_of_any_size() {
    for players in [1, 2, 3, 4, 1_000] {
        let (totals, told) = audited(batch(), players);
        assert_eq!(told, []);
        let expected = Totals {
            players: 3,
            payments: 3,
            trades: 15,
            ticks: 2,
            dollars_in: 300,
            tokens: 3 * (500 - 10 * 10),
            stocks: 30,
            ..Totals::default()
        };
        assert_eq!(totals, expected, "{players}");
    }
}

#[test]
fn a_difference_is_found_once_in_lots_of_any_size() {
    let mut batch = batch();
    batch.records[1].1.account.tokens = Tokens(401);
    batch.trades.push(Posting {
        account: AccountId(70),
        ..batch.trades[0]
    });
    batch.trades.sort_by_key(|posting| posting.sheet);
    for players in [1, 2, 3, 1_000] {
        let (totals, mut told) = audited(batch.clone(), players);
        told.sort_by(|a, b| a.of.cmp(&b.of));
        let told: Vec<_> = told.iter().map(ToString::to_string).collect();
        let expected = [
            "account 70: trade 1: expected an account, found none",
            "bob: tokens: expected 400, found 401",
        ];
        assert_eq!(told, expected);
        assert_eq!(totals.differences, 2);
    }
}
