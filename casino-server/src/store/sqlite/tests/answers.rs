//! Stored answers.

use super::*;
use crate::domain::order::request::{AnsweredRequest, REQUESTS_KEPT, RequestId, StoredAnswer};

fn stored_answer(account: i64, number: i64) -> StoredAnswer {
    let id = i128::from(account) << 64 | i128::from(number);
    StoredAnswer {
        account: AccountId(account),
        number,
        answer: AnsweredRequest {
            id: RequestId(id.to_be_bytes()),
            command: Command::Withdraw(Tokens(5)),
            decision: crate::domain::order::Decision {
                result: Ok(LedgerEntry::Payment(payment(number))),
                account: Account::default(),
            },
        },
    }
}

/// Answers of two accounts.
fn batch(numbers: std::ops::RangeInclusive<i64>) -> Arc<Batch> {
    let both = numbers.flat_map(|number| [stored_answer(1, number), stored_answer(2, number)]);
    Arc::new(Batch {
        records: vec![
            (values::player("ann"), new_record(1)),
            (values::player("bob"), new_record(2)),
        ],
        answers: both.collect(),
        ..Batch::default()
    })
}

fn rows(ledger: &SqliteLedger) -> i64 {
    let count = "SELECT count(*) FROM receipts";
    ledger
        .store
        .connection()
        .query_row(count, [], |row| row.get(0))
        .unwrap()
}

#[test]
fn answers_are_read_back_in_order_and_batches_share_rows() {
    let folder = Folder::new();
    let mut ledger = folder.open();
    assert_eq!(ledger.reads.answers(AccountId(1)).unwrap(), []);
    let batches = [batch(1..=1), batch(2..=4), batch(5..=5)];
    ledger.store.apply(&batches, WalPosition::default()).unwrap();
    assert_eq!(rows(&ledger), 2, "a row an account");
    ledger.store.commit(&batch(6..=6)).unwrap();
    for account in [1, 2] {
        let expected: Vec<_> = (1..=6).map(|number| stored_answer(account, number)).collect();
        assert_eq!(ledger.reads.answers(AccountId(account)).unwrap(), expected);
    }
    assert_eq!(ledger.reads.answers(AccountId(3)).unwrap(), []);
    close(ledger);
}

#[test]
fn the_oldest_answers_are_deleted_row_by_row() {
    let folder = Folder::new();
    let mut ledger = folder.open();
    let most = i64::try_from(REQUESTS_KEPT).unwrap();
    let mut last = 0;
    for _ in 0..25 {
        let next = last + most / 10;
        ledger.store.commit(&batch(last + 1..=next)).unwrap();
        last = next;
        let kept = ledger.reads.answers(AccountId(1)).unwrap();
        let first = (last - most).max(0) + 1;
        assert!(
            kept.iter()
                .map(|stored_answer| stored_answer.number)
                .eq(first..=last),
            "{last}"
        );
    }
    assert_eq!(rows(&ledger), 20);
    // More at once than are remembered.
    ledger.store.commit(&batch(last + 1..=last + 2 * most)).unwrap();
    last += 2 * most;
    let kept = ledger.reads.answers(AccountId(2)).unwrap();
    assert!(
        kept.iter()
            .map(|stored_answer| stored_answer.number)
            .eq(last - most + 1..=last)
    );
    assert_eq!(rows(&ledger), 2);
    close(ledger);
}
