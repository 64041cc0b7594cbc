//! Audits with chunks of any size.

use std::sync::Arc;

use super::{Folder, tick, values};
use crate::domain::audit::{AuditTotals, Mismatch};
use crate::domain::money::{Dollars, Stocks, Tokens, UnixMillis};
use crate::domain::order::page::TradePosting;
use crate::domain::order::{AccountId, AccountRecord, Command, LedgerEntry};
use crate::store::sqlite::Snapshot;
use crate::store::{Batch, WalPosition, WalTarget};

/// Three players, each with a trade on each of five pages.
fn batch() -> Batch {
    let mut batch = Batch {
        ticks: vec![tick(0), tick(1)],
        ..Batch::default()
    };
    let mut records: Vec<_> = (1..=3).map(|id| AccountRecord::new(AccountId(id))).collect();
    let now = UnixMillis(0);
    for record in &mut records {
        let entry = record.execute(Command::Deposit(Dollars(100)), tick(1), now);
        let Ok(LedgerEntry::Payment(payment)) = entry else {
            panic!("{entry:?}")
        };
        batch.payments.push((record.id, payment));
    }
    for page in 1..=5 {
        for record in &mut records {
            let entry = record.execute(Command::Buy(Stocks(2)), tick(1), now);
            let Ok(LedgerEntry::Trade(trade)) = entry else {
                panic!("{entry:?}")
            };
            record.page = page;
            batch.trades.push(TradePosting {
                account: record.id,
                trade,
                page,
                previous: Some(page - 1),
            });
        }
    }
    let names = ["ann", "bob", "cyd"].map(values::player);
    batch.records = names.into_iter().zip(records).collect();
    batch
}

fn audited(batch: Batch, players: u32) -> (AuditTotals, Vec<Mismatch>) {
    let folder = Folder::new();
    let mut file = folder.open();
    file.store
        .apply(&[Arc::new(batch)], WalPosition::default())
        .unwrap();
    let mut mismatches = Vec::new();
    let snapshot = Snapshot::open(&folder.ledger()).unwrap();
    let totals = snapshot
        .check_with(players, |difference| mismatches.push(difference))
        .unwrap();
    (totals, mismatches)
}

#[test]
fn a_valid_ledger_passes_with_any_chunk_size() {
    for players in [1, 2, 3, 4, 1_000] {
        let (totals, mismatches) = audited(batch(), players);
        assert_eq!(mismatches, []);
        let expected = AuditTotals {
            players: 3,
            payments: 3,
            trades: 15,
            ticks: 2,
            dollars_in: 300,
            tokens: 3 * (500 - 10 * 10),
            stocks: 30,
            ..AuditTotals::default()
        };
        assert_eq!(totals, expected, "{players}");
    }
}

#[test]
fn a_mismatch_is_reported_once_with_any_chunk_size() {
    let mut batch = batch();
    batch.records[1].1.account.tokens = Tokens(401);
    let mut postings: Vec<_> = batch.trades.iter().collect();
    postings.insert(
        1,
        TradePosting {
            account: AccountId(70),
            ..postings[0]
        },
    );
    batch.trades = postings.into_iter().collect();
    for players in [1, 2, 3, 1_000] {
        let (totals, mut mismatches) = audited(batch.clone(), players);
        mismatches.sort_by(|a, b| a.of.cmp(&b.of));
        let mismatches: Vec<_> = mismatches.iter().map(ToString::to_string).collect();
        let expected = [
            "account 70: trade 1: expected an account, found none",
            "bob: tokens: expected 400, found 401",
        ];
        assert_eq!(mismatches, expected);
        assert_eq!(totals.differences, 2);
    }
}
