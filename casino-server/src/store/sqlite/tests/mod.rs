//! Writing, reading back, crashes and full disks.

mod answers;
mod audit;
mod candles;
mod claims;
mod trades;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::domain::account::Account;
use crate::domain::credential::{Claim, HASH_BYTES, KeyHash};
use crate::domain::market::{Market, PriceModel, Tick};
use crate::domain::money::{Dollars, Price, Stocks, Tokens, UnixMillis};
use crate::domain::order::page::{PagedTrades, TradePosting};
use crate::domain::order::{AccountId, AccountRecord, Command, LedgerEntry, Payment, Side, Trade};
use crate::domain::player::PlayerName;
use crate::store::{Batch, CommitError, IdCounters, Page, PageRequest, StoreReads, WalPosition, WalTarget};
use crate::testkit::values;

pub(super) struct Folder(pub(super) TempDir);

impl Folder {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn ledger(&self) -> PathBuf {
        self.0.path().join("casino.db")
    }

    pub(super) fn open(&self) -> SqliteLedger {
        open(&self.ledger()).unwrap()
    }

    pub(super) fn rejection(&self) -> FileError {
        open(&self.ledger()).unwrap_err()
    }
}

fn tick(number: i64) -> Tick {
    values::tick(number, 10, 1_000 + number)
}

fn claim(player: &str) -> Claim {
    Claim {
        player: values::player(player),
        key: KeyHash::from_bytes([7; HASH_BYTES]),
        at: UnixMillis(1),
    }
}

fn payment(number: i64) -> Payment {
    values::payment(number, -10, number)
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

/// Each trade is on its own page.
fn posting(account: AccountId, number: i64) -> TradePosting {
    TradePosting {
        account,
        trade: trade(number),
        page: number,
        previous: Some(number - 1),
    }
}

fn new_record(number: i64) -> AccountRecord {
    AccountRecord::new(AccountId(number))
}

fn stored(ledger: &SqliteLedger, player: &PlayerName) -> AccountRecord {
    ledger.reads.account_record(player).unwrap().unwrap()
}

pub(super) fn close(ledger: SqliteLedger) {
    ledger.reads.close();
    Box::new(ledger.store).close().unwrap();
}

#[test]
fn the_writer_syncs_each_commit() {
    let folder = Folder::new();
    let ledger = folder.open();
    let pragma = |name| {
        let value = ledger
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
#[allow(clippy::too_many_lines, reason = "one batch, read back field by field")]
fn a_committed_batch_is_read_back() {
    let folder = Folder::new();
    let mut ledger = folder.open();
    let market = Market {
        model: PriceModel::Classic,
        seed: u64::MAX - 1,
        current: tick(0),
    };
    ledger.store.set_market(&market).unwrap();
    let players = [values::player("ann"), values::player("Ægir")];
    assert_eq!(ledger.store.start_state().unwrap().ids, IdCounters::default());
    let account = Account {
        tokens: Tokens(i32::MAX),
        stocks: Stocks(7),
        cost_basis: i64::MAX,
        realised_pnl: i64::MIN,
        dollars_in: 5,
        dollars_out: 6,
        version: 9,
    };
    let ann = AccountRecord {
        account,
        payments: 1,
        trades: 2,
        page: 2,
        ..new_record(1)
    };
    let batch = Batch {
        records: vec![(players[0].clone(), ann)],
        payments: vec![(ann.id, payment(1))],
        trades: PagedTrades::from_iter([posting(ann.id, 1), posting(ann.id, 2)]),
        ticks: vec![tick(1), tick(2)],
        claims: vec![claim("Ægir")],
        ..Batch::default()
    };
    ledger.store.commit(&batch).unwrap();

    let check = |ledger: &mut SqliteLedger| {
        assert_eq!(
            ledger.store.load_market().unwrap(),
            Some(Market {
                current: tick(2),
                ..market
            })
        );
        assert_eq!(stored(ledger, &players[0]), ann);
        assert_eq!(ledger.reads.account_record(&players[1]).unwrap(), None);
        let owners = players
            .each_ref()
            .map(|player| ledger.reads.claim_owner(player).unwrap());
        assert_eq!(owners, [None, Some(claim("Ægir").key)]);
        assert_eq!(
            ledger.store.start_state().unwrap().ids,
            IdCounters {
                account: 1,
                page: 2,
                ..IdCounters::default()
            }
        );
        assert_eq!(ledger.reads.account(&players[0]).unwrap(), account);
        assert_eq!(ledger.reads.account(&players[1]).unwrap(), Account::default());
        assert_eq!(ledger.reads.payments(&players[0], 0, 10).unwrap(), [payment(1)]);
        let page = PageRequest {
            before: None,
            limit: 10,
        };
        let trades = ledger.reads.trades(&players[0], page).unwrap().entries;
        assert_eq!(trades, [trade(1), trade(2)]);
        let ticks = ledger.reads.ticks(page).unwrap().entries;
        assert_eq!(ticks, [tick(0), tick(1), tick(2)]);
    };
    check(&mut ledger);
    close(ledger);
    assert!(
        !folder.0.path().join("casino.db-wal").exists(),
        "one file after a clean stop"
    );
    check(&mut folder.open());
}

#[test]
fn pages_hold_the_newest_entries_below_a_number() {
    let folder = Folder::new();
    let mut ledger = folder.open();
    let ann = AccountRecord {
        trades: 5,
        page: 5,
        ..new_record(1)
    };
    let batch = Batch {
        records: vec![(values::player("ann"), ann)],
        payments: (1..=5).map(|number| (ann.id, payment(number))).collect(),
        trades: (1..=5).map(|number| posting(ann.id, number)).collect(),
        ticks: (0..5).map(tick).collect(),
        ..Batch::default()
    };
    ledger.store.commit(&batch).unwrap();
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
            ledger.reads.trades(&values::player("ann"), page).unwrap(),
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
        assert_eq!(ledger.reads.ticks(page).unwrap(), expected, "{page:?}");
    }
    let payments = |after, limit| {
        ledger
            .reads
            .payments(&values::player("ann"), after, limit)
            .unwrap()
    };
    assert_eq!(payments(0, 2), [payment(1), payment(2)]);
    assert_eq!(payments(3, 9), [payment(4), payment(5)]);
    assert_eq!(payments(5, 9), []);
}

#[test]
fn a_batch_is_written_atomically() {
    let folder = Folder::new();
    let mut ledger = folder.open();
    let ann = new_record(1);
    let good = Batch {
        records: vec![(values::player("ann"), ann)],
        payments: vec![(ann.id, payment(1))],
        ..Batch::default()
    };
    ledger.store.commit(&good).unwrap();
    let bad = Batch {
        records: vec![(values::player("ann"), AccountRecord { payments: 2, ..ann })],
        payments: vec![(ann.id, payment(2)), (ann.id, payment(1))],
        ..Batch::default()
    };
    let error = ledger.store.commit(&bad).unwrap_err();
    assert!(matches!(error, CommitError::Rejected(_)), "{error}");
    assert_eq!(
        ledger.reads.payments(&values::player("ann"), 0, 9).unwrap(),
        [payment(1)]
    );
    assert_eq!(stored(&ledger, &values::player("ann")), ann);
}

#[test]
fn a_full_disk_rejects_a_batch_until_there_is_space() {
    let folder = Folder::new();
    let mut ledger = folder.open();
    let ann = new_record(1);
    let batch = Batch {
        records: vec![(values::player("ann"), ann)],
        payments: (1..=2_000).map(|number| (ann.id, payment(number))).collect(),
        ..Batch::default()
    };
    let pages = |ledger: &SqliteLedger, most: i64| {
        ledger
            .store
            .connection()
            .pragma_update_and_check(None, "max_page_count", most, |row| row.get::<_, i64>(0))
            .unwrap()
    };
    let now = pages(&ledger, 1);
    let error = ledger.store.commit(&batch).unwrap_err();
    let CommitError::Rejected(error) = error else {
        panic!("{error}")
    };
    assert_eq!(error.to_string(), "could not write the ledger");
    assert!(error.source.to_string().contains("full"), "{}", error.source);
    assert_eq!(ledger.reads.payments(&values::player("ann"), 0, 9).unwrap(), []);
    pages(&ledger, now + 1_000);
    ledger.store.commit(&batch).unwrap();
    assert_eq!(
        ledger.reads.payments(&values::player("ann"), 1_998, 9).unwrap(),
        [payment(1_999), payment(2_000)]
    );
}

#[test]
fn a_new_seed_replaces_the_stored_one_and_changes_no_tick() {
    let folder = Folder::new();
    let mut store = folder.open().store;
    let market = Market {
        model: PriceModel::Classic,
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
    assert_eq!(store.load_market().unwrap(), Some(Market { seed: 2, ..market }));
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        (-1..100).prop_map(|dollars| Command::Deposit(Dollars(dollars))),
        (-1..20).prop_map(|dollars| Command::Withdraw(Tokens(dollars * 5))),
        (-1..9).prop_map(|count| Command::Buy(Stocks(count))),
        (-1..9).prop_map(|count| Command::Sell(Stocks(count))),
        (any::<bool>(), -1..90, prop::option::of(1..20)).prop_map(|(is_buy, count, limit)| {
            let side = if is_buy { Side::Buy } else { Side::Sell };
            Command::UpTo(side, Stocks(count), limit.and_then(Price::new))
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn reopening_returns_everything_executed(
        steps in prop::collection::vec((0..3_usize, command()), 1..80),
        at_once in 1..20_usize,
    ) {
        let folder = Folder::new();
        let mut ledger = folder.open();
        let players = [values::player("ann"), values::player("bob"), values::player("cyd")];
        let mut records = [1, 2, 3].map(new_record);
        let mut payments = vec![Vec::new(); 3];
        let mut trades = vec![Vec::new(); 3];
        for (page, batch_of) in (1..).zip(steps.chunks(at_once)) {
            let mut batch = Batch::default();
            for (player, command) in batch_of {
                let shared = Tick { at: UnixMillis(page), ..tick(page) };
                let after = &mut records[*player];
                let Ok(entry) = after.execute(*command, shared, shared.at) else {
                    continue;
                };
                match entry {
                    LedgerEntry::Payment(payment) => {
                        batch.payments.push((after.id, payment));
                        payments[*player].push(payment);
                    }
                    LedgerEntry::Trade(trade) => {
                        let previous = (after.page != page).then_some(after.page);
                        after.page = page;
                        batch.trades.push(TradePosting { account: after.id, trade, page, previous });
                        trades[*player].push(trade);
                    }
                    LedgerEntry::Accepted | LedgerEntry::Cancelled => panic!("no order rests"),
                }
            }
            batch.records = players.iter().cloned().zip(records).collect();
            ledger.store.commit(&batch).unwrap();
        }
        // After a kill, then after a clean stop.
        drop(ledger);
        for clean in [false, true] {
            let ledger = folder.open();
            for (index, player) in players.iter().enumerate() {
                prop_assert_eq!(stored(&ledger, player), records[index]);
                prop_assert_eq!(&ledger.reads.account(player).unwrap(), &records[index].account);
                prop_assert_eq!(&ledger.reads.payments(player, 0, 1_000).unwrap(), &payments[index]);
                let page = PageRequest { before: None, limit: 1_000 };
                prop_assert_eq!(&ledger.reads.trades(player, page).unwrap().entries, &trades[index]);
            }
            if clean {
                close(ledger);
            }
        }
        prop_assert_eq!(folder.open().store.start_state().unwrap().ids.account, 3, "new keys follow the used ones");
    }
}

#[test]
fn a_second_server_on_the_file_is_rejected() {
    let folder = Folder::new();
    let first = folder.open();
    assert!(matches!(folder.rejection(), FileError::InUse));
    // Also through another path.
    let alias = folder.0.path().join("alias.db");
    std::os::unix::fs::symlink(folder.ledger(), &alias).unwrap();
    assert!(matches!(open(&alias).unwrap_err(), FileError::InUse));
    drop(first);
    folder.open();
}

#[test]
fn a_copied_descriptor_does_not_keep_the_lock() {
    let folder = Folder::new();
    drop(folder.open());
    let held = lock(&folder.ledger()).unwrap();
    // As a child has them between `fork` and `exec`.
    let _copies = [&held._file, &held._beside].map(|file| file.0.try_clone().unwrap());
    drop(held);
    folder.open();
    let idle = try_idle(&folder.ledger()).flatten().unwrap();
    let _copy = idle.0.try_clone().unwrap();
    drop(idle);
    folder.open();
}

#[test]
fn a_file_of_another_program_is_rejected_and_unchanged() {
    let folder = Folder::new();
    let theirs = Connection::open(folder.ledger()).unwrap();
    theirs.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(theirs);
    let before = fs::read(folder.ledger()).unwrap();
    let rejection = folder.rejection();
    assert_eq!(rejection.to_string(), "it is a database of another program");
    assert_eq!(fs::read(folder.ledger()).unwrap(), before);
}

#[test]
fn a_file_that_is_not_a_database_is_rejected_and_unchanged() {
    let folder = Folder::new();
    let text = "Dear diary, ".repeat(1_000);
    fs::write(folder.ledger(), &text).unwrap();
    assert_eq!(folder.rejection().to_string(), "it is not a SQLite database");
    assert_eq!(fs::read(folder.ledger()).unwrap(), text.as_bytes());
}

#[test]
fn an_empty_file_becomes_a_ledger() {
    let folder = Folder::new();
    fs::write(folder.ledger(), "").unwrap();
    close(folder.open());
}

#[test]
fn a_file_of_a_newer_version_is_rejected() {
    let folder = Folder::new();
    close(folder.open());
    let newer = Connection::open(folder.ledger()).unwrap();
    newer.pragma_update(None, "user_version", 1_000).unwrap();
    drop(newer);
    let newest = newest();
    assert_eq!(
        folder.rejection().to_string(),
        format!("it has format version 1000, newer than {newest}, the newest that this casino knows")
    );
}

#[test]
fn a_path_that_cannot_be_opened_is_rejected() {
    let folder = Folder::new();
    let nowhere = folder.0.path().join("no such folder").join("casino.db");
    assert!(matches!(open(&nowhere).unwrap_err(), FileError::Inaccessible(_)));
    fs::create_dir(folder.ledger()).unwrap();
    assert_eq!(folder.rejection().to_string(), "it cannot be read and written");
}

#[test]
fn the_wal_of_another_programs_file_is_unchanged() {
    let theirs = Folder::new();
    let connection = Connection::open(theirs.ledger()).unwrap();
    connection
        .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE theirs (x);")
        .unwrap();
    // As a killed program leaves it.
    let folder = Folder::new();
    let files = |folder: &Folder| ["casino.db", "casino.db-wal"].map(|name| folder.0.path().join(name));
    for (from, to) in files(&theirs).iter().zip(files(&folder)) {
        fs::copy(from, to).unwrap();
    }
    let read = || files(&folder).map(|path| fs::read(path).unwrap());
    let before = read();
    assert!(!before[1].is_empty());
    assert!(matches!(folder.rejection(), FileError::NotOurs));
    assert_eq!(read(), before);
}

#[test]
fn a_new_ledger_is_empty_and_has_our_application_id() {
    let folder = Folder::new();
    let mut ledger = folder.open();
    assert_eq!(ledger.store.load_market().unwrap(), None);
    assert_eq!(
        ledger.reads.account(&values::player("ann")).unwrap(),
        Account::default()
    );
    close(ledger);
    let plain = Connection::open(folder.ledger()).unwrap();
    let number = |pragma| {
        plain
            .pragma_query_value(None, pragma, |row| row.get::<_, i64>(0))
            .unwrap()
    };
    assert_eq!(number("application_id"), i64::from(APPLICATION_ID));
    assert_eq!(number("user_version"), i64::try_from(newest()).unwrap());
}
