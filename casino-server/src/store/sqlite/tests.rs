//! What is written and read back, what survives, and what happens when the disk is full.

mod audit;
mod candles;
mod claims;
mod receipts;
mod trades;

use std::{path::PathBuf, sync::Arc};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::{
    account::Account,
    identity::{Claim, HASH_BYTES, KeyHash, PlayerName},
    market::{Market, Model, Tick},
    quantity::{Dollars, Price, Stocks, Tokens, UnixMillis},
    record::{AccountId, Command, Entry, Payment, Posting, Record, Side, Trade},
    store::{Backing, Batch, CommitError, Mark, Numbers, Page, PageRequest, Reads},
};

/// A folder with room for a ledger.
pub(super) struct Folder(pub(super) TempDir);

impl Folder {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn ledger(&self) -> PathBuf {
        self.0.path().join("casino.db")
    }

    pub(super) fn open(&self) -> Opened {
        open(&self.ledger()).unwrap()
    }

    pub(super) fn refusal(&self) -> FileError {
        open(&self.ledger()).unwrap_err()
    }
}

fn name(name: &str) -> PlayerName {
    PlayerName::new(name).unwrap()
}

fn tick(number: i64) -> Tick {
    Tick {
        number,
        price: Price::new(10).unwrap(),
        at: UnixMillis(1_000 + number),
    }
}

fn claim(player: &str) -> Claim {
    Claim {
        player: name(player),
        key: KeyHash::kept([7; HASH_BYTES]),
        at: UnixMillis(1),
    }
}

fn payment(number: i64) -> Payment {
    Payment {
        number,
        amount: -10,
        at: UnixMillis(number),
    }
}

fn trade(number: i64) -> Trade {
    Trade {
        number,
        side: if number % 2 == 0 { Side::Sell } else { Side::Buy },
        count: Stocks(3),
        price: Price::new(15).unwrap(),
        tick: 4,
        at: UnixMillis(number),
    }
}

/// Trade `number` of `account`, each on a sheet of its own.
fn posting(account: AccountId, number: i64) -> Posting {
    Posting {
        account,
        trade: trade(number),
        sheet: number,
        previous: Some(number - 1),
    }
}

/// A new record, as the ledger would make it.
fn new_record(number: i64) -> Record {
    Record::new(AccountId(number))
}

/// The player's record as it is on disk.
fn stored(opened: &Opened, player: &PlayerName) -> Record {
    opened.reads.record(player).unwrap().unwrap()
}

pub(super) fn close(opened: Opened) {
    opened.reads.close();
    Box::new(opened.store).close().unwrap();
}

#[test]
fn the_writer_syncs_each_commit() {
    let folder = Folder::new();
    let opened = folder.open();
    let pragma = |name| {
        let value = opened
            .store
            .connection()
            .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0));
        format!("{:?}", value.unwrap())
    };
    assert_eq!(pragma("journal_mode"), r#"Text("wal")"#);
    assert_eq!(pragma("synchronous"), "Integer(2)");
    assert_eq!(pragma("foreign_keys"), "Integer(1)");
}

#[test]
fn what_was_committed_is_read_back() {
    let folder = Folder::new();
    let mut opened = folder.open();
    let market = Market {
        model: Model::Classic,
        seed: u64::MAX - 1,
        current: tick(0),
    };
    opened.store.set_market(&market).unwrap();
    let players = [name("ann"), name("Ægir")];
    assert_eq!(opened.store.numbers().unwrap(), Numbers::default());
    let account = Account {
        tokens: Tokens(i32::MAX),
        stocks: Stocks(7),
        cost_basis: i64::MAX,
        realised_pnl: i64::MIN,
        dollars_in: 5,
        dollars_out: 6,
        version: 9,
    };
    let ann = Record {
        account,
        payments: 1,
        trades: 2,
        sheet: 2,
        ..new_record(1)
    };
    let batch = Batch {
        records: vec![(players[0].clone(), ann)],
        payments: vec![(ann.id, payment(1))],
        trades: vec![posting(ann.id, 1), posting(ann.id, 2)],
        ticks: vec![tick(1), tick(2)],
        claims: vec![claim("Ægir")],
        receipts: Vec::new(),
    };
    opened.store.commit(&batch).unwrap();

    let check = |opened: &mut Opened| {
        assert_eq!(
            opened.store.market().unwrap(),
            Some(Market {
                current: tick(2),
                ..market
            })
        );
        assert_eq!(stored(opened, &players[0]), ann);
        assert_eq!(opened.reads.record(&players[1]).unwrap(), None);
        let owners = players
            .each_ref()
            .map(|player| opened.reads.owner(player).unwrap());
        assert_eq!(owners, [None, Some(claim("Ægir").key)]);
        assert_eq!(opened.store.numbers().unwrap(), Numbers { account: 1, sheet: 2 });
        assert_eq!(opened.reads.account(&players[0]).unwrap(), account);
        assert_eq!(opened.reads.account(&players[1]).unwrap(), Account::default());
        assert_eq!(opened.reads.payments(&players[0], 0, 10).unwrap(), [payment(1)]);
        let page = PageRequest {
            before: None,
            limit: 10,
        };
        let trades = opened.reads.trades(&players[0], page).unwrap().entries;
        assert_eq!(trades, [trade(1), trade(2)]);
        let ticks = opened.reads.ticks(page).unwrap().entries;
        assert_eq!(ticks, [tick(0), tick(1), tick(2)]);
    };
    check(&mut opened);
    close(opened);
    assert!(
        !folder.0.path().join("casino.db-wal").exists(),
        "one file after a clean stop"
    );
    check(&mut folder.open());
}

#[test]
fn pages_are_the_newest_below_a_number_and_say_whether_there_is_more() {
    let folder = Folder::new();
    let mut opened = folder.open();
    let ann = Record {
        trades: 5,
        sheet: 5,
        ..new_record(1)
    };
    let batch = Batch {
        records: vec![(name("ann"), ann)],
        payments: (1..=5).map(|number| (ann.id, payment(number))).collect(),
        trades: (1..=5).map(|number| posting(ann.id, number)).collect(),
        ticks: (0..5).map(tick).collect(),
        ..Batch::default()
    };
    opened.store.commit(&batch).unwrap();
    let cases: [(Option<i64>, u32, &[i64], bool); 6] = [
        (None, 2, &[4, 5], true),
        (Some(4), 2, &[2, 3], true),
        (Some(3), 2, &[1, 2], false),
        (Some(1), 2, &[], false),
        (None, 5, &[1, 2, 3, 4, 5], false),
        (Some(99), 4, &[2, 3, 4, 5], true),
    ];
    for (before, limit, numbers, more) in cases {
        let page = PageRequest { before, limit };
        let expected = Page {
            entries: numbers.iter().copied().map(trade).collect(),
            more,
        };
        assert_eq!(
            opened.reads.trades(&name("ann"), page).unwrap(),
            expected,
            "{page:?}"
        );
        let page = PageRequest {
            before: before.map(|before| before - 1),
            limit,
        };
        let expected = Page {
            entries: numbers.iter().map(|number| tick(number - 1)).collect(),
            more,
        };
        assert_eq!(opened.reads.ticks(page).unwrap(), expected, "{page:?}");
    }
    let payments = |after, limit| opened.reads.payments(&name("ann"), after, limit).unwrap();
    assert_eq!(payments(0, 2), [payment(1), payment(2)]);
    assert_eq!(payments(3, 9), [payment(4), payment(5)]);
    assert_eq!(payments(5, 9), []);
}

#[test]
fn a_batch_is_written_whole_or_not_at_all() {
    let folder = Folder::new();
    let mut opened = folder.open();
    let ann = new_record(1);
    let good = Batch {
        records: vec![(name("ann"), ann)],
        payments: vec![(ann.id, payment(1))],
        ..Batch::default()
    };
    opened.store.commit(&good).unwrap();
    let bad = Batch {
        records: vec![(name("ann"), Record { payments: 2, ..ann })],
        payments: vec![(ann.id, payment(2)), (ann.id, payment(1))],
        ..Batch::default()
    };
    let error = opened.store.commit(&bad).unwrap_err();
    assert!(matches!(error, CommitError::NotWritten(_)), "{error}");
    assert_eq!(opened.reads.payments(&name("ann"), 0, 9).unwrap(), [payment(1)]);
    assert_eq!(stored(&opened, &name("ann")), ann);
}

#[test]
fn a_full_disk_refuses_a_batch_and_takes_it_when_there_is_room() {
    let folder = Folder::new();
    let mut opened = folder.open();
    let ann = new_record(1);
    let batch = Batch {
        records: vec![(name("ann"), ann)],
        payments: (1..=2_000).map(|number| (ann.id, payment(number))).collect(),
        ..Batch::default()
    };
    let pages = |opened: &Opened, most: i64| {
        opened
            .store
            .connection()
            .pragma_update_and_check(None, "max_page_count", most, |row| row.get::<_, i64>(0))
            .unwrap()
    };
    let now = pages(&opened, 1);
    let error = opened.store.commit(&batch).unwrap_err();
    let CommitError::NotWritten(error) = error else {
        panic!("{error}")
    };
    assert_eq!(error.to_string(), "could not write the ledger");
    assert!(error.source.to_string().contains("full"), "{}", error.source);
    assert_eq!(opened.reads.payments(&name("ann"), 0, 9).unwrap(), []);
    pages(&opened, now + 1_000);
    opened.store.commit(&batch).unwrap();
    assert_eq!(
        opened.reads.payments(&name("ann"), 1_998, 9).unwrap(),
        [payment(1_999), payment(2_000)]
    );
}

#[test]
fn another_seed_takes_the_place_of_the_ledgers_and_no_tick_is_changed() {
    let folder = Folder::new();
    let mut store = folder.open().store;
    let market = Market {
        model: Model::Classic,
        seed: 1,
        current: tick(0),
    };
    store.set_market(&market).unwrap();
    let dearer = Tick {
        price: Price::new(99).unwrap(),
        ..tick(0)
    };
    store
        .set_market(&Market {
            seed: 2,
            current: dearer,
            ..market
        })
        .unwrap();
    assert_eq!(store.market().unwrap(), Some(Market { seed: 2, ..market }));
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        (-1..100).prop_map(|dollars| Command::Deposit(Dollars(dollars))),
        (-1..20).prop_map(|dollars| Command::Withdraw(Tokens(dollars * 5))),
        (-1..9).prop_map(|count| Command::Buy(Stocks(count))),
        (-1..9).prop_map(|count| Command::Sell(Stocks(count))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_is_read_back_after_reopening_is_what_was_executed(
        steps in prop::collection::vec((0..3_usize, command()), 1..80),
        at_once in 1..20_usize,
    ) {
        let folder = Folder::new();
        let mut opened = folder.open();
        let players = [name("ann"), name("bob"), name("cyd")];
        let mut records = [1, 2, 3].map(new_record);
        let mut payments = vec![Vec::new(); 3];
        let mut trades = vec![Vec::new(); 3];
        for (sheet, batch_of) in (1..).zip(steps.chunks(at_once)) {
            let mut batch = Batch::default();
            for (player, command) in batch_of {
                let shared = Tick { at: UnixMillis(sheet), ..tick(sheet) };
                let Ok((mut after, entry)) = records[*player].execute(*command, shared, shared.at) else {
                    continue;
                };
                match entry {
                    Entry::Payment(payment) => {
                        batch.payments.push((after.id, payment));
                        payments[*player].push(payment);
                    }
                    Entry::Trade(trade) => {
                        let previous = (after.sheet != sheet).then_some(after.sheet);
                        after.sheet = sheet;
                        batch.trades.push(Posting { account: after.id, trade, sheet, previous });
                        trades[*player].push(trade);
                    }
                }
                records[*player] = after;
            }
            batch.records = players.iter().cloned().zip(records).collect();
            opened.store.commit(&batch).unwrap();
        }
        // As kill -9 would leave it, and as a clean stop does.
        drop(opened);
        for clean in [false, true] {
            let opened = folder.open();
            for (index, player) in players.iter().enumerate() {
                prop_assert_eq!(stored(&opened, player), records[index]);
                prop_assert_eq!(&opened.reads.account(player).unwrap(), &records[index].account);
                prop_assert_eq!(&opened.reads.payments(player, 0, 1_000).unwrap(), &payments[index]);
                let page = PageRequest { before: None, limit: 1_000 };
                prop_assert_eq!(&opened.reads.trades(player, page).unwrap().entries, &trades[index]);
            }
            if clean {
                close(opened);
            }
        }
        prop_assert_eq!(folder.open().store.numbers().unwrap().account, 3, "keys go on after those that are taken");
    }
}
