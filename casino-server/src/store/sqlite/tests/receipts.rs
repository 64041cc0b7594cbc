//! Receipts: read back as they were given, and forgotten when there are enough.

use super::*;
use crate::receipt::{Filed, REMEMBERED, Receipt, RequestId};

fn filed(account: i64, number: i64) -> Filed {
    let id = i128::from(account) << 64 | i128::from(number);
    Filed {
        account: AccountId(account),
        number,
        receipt: Receipt {
            id: RequestId(id.to_be_bytes()),
            command: Command::Withdraw(Tokens(5)),
            decision: crate::record::Decision {
                result: Ok(Entry::Payment(payment(number))),
                account: Account::default(),
            },
        },
    }
}

/// A batch with the receipts of the two accounts of these numbers.
fn batch(numbers: std::ops::RangeInclusive<i64>) -> Arc<Batch> {
    let both = numbers.flat_map(|number| [filed(1, number), filed(2, number)]);
    Arc::new(Batch {
        records: vec![(name("ann"), new_record(1)), (name("bob"), new_record(2))],
        receipts: both.collect(),
        ..Batch::default()
    })
}

fn rows(opened: &Opened) -> i64 {
    let count = "SELECT count(*) FROM receipts";
    opened
        .store
        .connection()
        .query_row(count, [], |row| row.get(0))
        .unwrap()
}

#[test]
fn receipts_are_read_back_in_order_and_batches_share_rows() {
    let folder = Folder::new();
    let mut opened = folder.open();
    assert_eq!(opened.reads.receipts(AccountId(1)).unwrap(), []);
    let batches = [batch(1..=1), batch(2..=4), batch(5..=5)];
    opened.store.take_over(&batches, Mark::default()).unwrap();
    assert_eq!(rows(&opened), 2, "a row an account");
    opened.store.commit(&batch(6..=6)).unwrap();
    for account in [1, 2] {
        let expected: Vec<_> = (1..=6).map(|number| filed(account, number)).collect();
        assert_eq!(opened.reads.receipts(AccountId(account)).unwrap(), expected);
    }
    assert_eq!(opened.reads.receipts(AccountId(3)).unwrap(), []);
    close(opened);
}

#[test]
fn the_newest_stay_and_the_oldest_go_row_by_row() {
    let folder = Folder::new();
    let mut opened = folder.open();
    let most = i64::try_from(REMEMBERED).unwrap();
    let mut last = 0;
    for _ in 0..25 {
        let next = last + most / 10;
        opened.store.commit(&batch(last + 1..=next)).unwrap();
        last = next;
        let kept = opened.reads.receipts(AccountId(1)).unwrap();
        let first = (last - most).max(0) + 1;
        assert!(kept.iter().map(|filed| filed.number).eq(first..=last), "{last}");
    }
    assert_eq!(rows(&opened), 20);
    // More at once than is remembered.
    opened.store.commit(&batch(last + 1..=last + 2 * most)).unwrap();
    last += 2 * most;
    let kept = opened.reads.receipts(AccountId(2)).unwrap();
    assert!(kept.iter().map(|filed| filed.number).eq(last - most + 1..=last));
    assert_eq!(rows(&opened), 2);
    close(opened);
}
