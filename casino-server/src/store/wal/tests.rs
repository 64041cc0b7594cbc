//! The log with a file, and with engines that reject and fail.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use proptest::prelude::*;

use super::*;
use crate::domain::account::Account;
use crate::domain::credential::{Claim, KeyHash};
use crate::domain::market::Tick;
use crate::domain::money::{Dollars, Price, Stocks, UnixMillis};
use crate::domain::order::page::{PagedTrades, TradePosting};
use crate::domain::order::request::{AnsweredRequest, RequestId, StoredAnswer};
use crate::domain::order::{AccountId, AccountRecord, Command, Decision, LedgerEntry, Side, Trade};
use crate::domain::player::PlayerName;
use crate::domain::round::{Round, RoundPhase};
use crate::store::sqlite::{self, SqliteReads};
use crate::store::{Page, PageRequest};
use crate::testkit::values;

fn opened(path: &Path) -> (WalStore, OverlayReads<SqliteReads>) {
    let mut file = sqlite::open(path).unwrap();
    let recovered = recover(path, &mut file.store, &Environment::default(), Damage::Refuse).unwrap();
    WalStore::start(recovered, file.store, file.reads).unwrap()
}

fn player(number: i64) -> PlayerName {
    values::player(&format!("p{number}"))
}

fn tick(number: i64) -> Tick {
    let (price, at) = (Price::MIN, UnixMillis(number));
    Tick { number, price, at }
}

fn stored_answer(account: i64, number: i64) -> StoredAnswer {
    let payment = values::payment(number, -1, number);
    StoredAnswer {
        account: AccountId(account),
        number,
        answer: AnsweredRequest {
            id: RequestId((i128::from(account) << 64 | i128::from(number)).to_be_bytes()),
            command: Command::Deposit(Dollars(1)),
            decision: Decision {
                result: Ok(LedgerEntry::Payment(payment)),
                account: Account::default(),
            },
        },
    }
}

/// A round of two batches.
fn round(number: i64) -> Round {
    Round {
        number: (number + 1) / 2,
        stake: Dollars(5),
        phase: match number.rem_euclid(2) {
            0 => RoundPhase::Ended(tick(number)),
            _ => RoundPhase::Paused(number),
        },
        announcement: String::new(),
    }
}

/// Two players; each batch has a payment, a trade, a tick, a claim, an answer and a change of a round.
fn batch(number: i64) -> Arc<Batch> {
    let account = number.rem_euclid(2) + 1;
    let nth = (number + 1) / 2;
    let trade = Trade {
        number: nth,
        side: Side::Buy,
        count: Stocks(1),
        price: Price::MIN,
        tick: number,
        at: UnixMillis(number),
    };
    let payment = values::payment(nth, -1, number);
    let mut record = AccountRecord::new(AccountId(account));
    (record.payments, record.trades, record.page) = (nth, nth, number);
    record.account.version = 2 * nth;
    Arc::new(Batch {
        records: vec![(player(account), record)],
        payments: vec![(AccountId(account), payment)],
        trades: PagedTrades::from_iter([TradePosting {
            account: AccountId(account),
            trade,
            page: number,
            previous: Some((number - 2).max(0)),
        }]),
        ticks: vec![tick(number)],
        claims: vec![Claim {
            player: claimed_in(number),
            key: KeyHash::from_bytes([7; 32]),
            at: UnixMillis(number),
        }],
        answers: vec![stored_answer(account, nth)],
        rounds: vec![round(number)],
        ..Batch::default()
    })
}

fn claimed_in(number: i64) -> PlayerName {
    values::player(&format!("claimed{number}"))
}

/// Checks everything readable after the batches up to `last`.
fn check(reads: &impl StoreReads, last: i64) {
    for number in 1..=last {
        let owner = reads.claim_owner(&claimed_in(number)).unwrap();
        assert_eq!(
            owner,
            Some(KeyHash::from_bytes([7; 32])),
            "claimed in batch {number}"
        );
        let changed = round(last.min(number + number.rem_euclid(2)));
        assert_eq!(reads.round(round(number).number).unwrap(), Some(changed));
    }
    assert_eq!(reads.round(round(last + 2).number).unwrap(), None);
    assert_eq!(reads.claim_owner(&claimed_in(last + 1)).unwrap(), None);
    for account in [1, 2] {
        let own: Vec<i64> = (1..=last)
            .filter(|number| number.rem_euclid(2) + 1 == account)
            .collect();
        let player = player(account);
        let count = i64::try_from(own.len()).unwrap();
        let record = reads.account_record(&player).unwrap();
        assert_eq!(record.map_or(0, |record| record.trades), count);
        assert_eq!(reads.account(&player).unwrap().version, 2 * count);
        let answers: Vec<_> = (1..=count).map(|number| stored_answer(account, number)).collect();
        assert_eq!(reads.answers(AccountId(account)).unwrap(), answers);
        for after in [0, count / 2, count] {
            for limit in [1, 3, 1000] {
                let found = reads.payments(&player, after, limit).unwrap();
                let expected = (after + 1..=count).take(usize::try_from(limit).unwrap());
                assert!(found.iter().map(|payment| payment.number).eq(expected));
            }
        }
        pages(count, 1, |page| reads.trades(&player, page), |trade| trade.number);
    }
    pages(last, 1, |page| reads.ticks(page), |tick| tick.number);
}

/// Checks all pages of the entries `first` to `last`.
fn pages<T>(
    last: i64,
    first: i64,
    read: impl Fn(PageRequest) -> Result<Page<T>, StoreError>,
    number: impl Fn(&T) -> i64,
) {
    for before in [None, Some(last), Some(last / 2), Some(first)] {
        for limit in [1, 2, 7, 1000] {
            let page = read(PageRequest { before, limit }).unwrap();
            let end = before.unwrap_or(i64::MAX).min(last + 1).max(first);
            let begin = (end - i64::from(limit)).max(first);
            let found: Vec<_> = page.entries.iter().map(&number).collect();
            assert_eq!(found, (begin..end).collect::<Vec<_>>(), "{before:?} {limit}");
            assert_eq!(page.more, begin > first, "{before:?} {limit}");
        }
    }
}

#[test]
fn committed_batches_are_readable_before_and_after_they_are_applied() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, reads) = opened(&folder.path().join("casino.db"));
    for number in 1..=40 {
        store.commit(&batch(number)).unwrap();
        check(&reads, number);
    }
    reads.close();
    Box::new(store).close().unwrap();
}

#[test]
fn after_a_clean_stop_the_log_is_not_needed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("casino.db");
    for run in 0..4 {
        let (mut store, reads) = opened(&path);
        check(&reads, run * 5);
        for number in run * 5 + 1..=run * 5 + 5 {
            store.commit(&batch(number)).unwrap();
        }
        reads.close();
        Box::new(store).close().unwrap();
        check(&sqlite::open(&path).unwrap().reads, run * 5 + 5);
        if run % 2 == 1 {
            fs::remove_file(path_of(&path)).unwrap();
        }
    }
}

#[test]
fn only_the_header_of_a_closed_log_is_read() {
    const TEBIBYTE: u64 = 1 << 40;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("casino.db");
    let (mut store, reads) = opened(&path);
    store.commit(&batch(1)).unwrap();
    reads.close();
    Box::new(store).close().unwrap();
    let log = File::options().write(true).open(path_of(&path)).unwrap();
    log.set_len(TEBIBYTE).unwrap();
    let position = sqlite::open(&path).unwrap().store.position().unwrap();
    let recovered = uncheckpointed(&path, position, Damage::Refuse).unwrap().batches;
    assert!(recovered.is_empty());
}

type StoredBatches = Arc<Mutex<Vec<Arc<Batch>>>>;

/// An engine whose results are set by the test.
#[derive(Debug)]
struct Engine {
    stored: StoredBatches,
    position: WalPosition,
    log: PathBuf,
    results: Receiver<Result<(), CommitError>>,
}

impl Engine {
    fn new() -> (Self, Sender<Result<(), CommitError>>, StoredBatches) {
        let (result, results) = channel();
        let stored = StoredBatches::default();
        let engine = Self {
            stored: Arc::clone(&stored),
            position: WalPosition::default(),
            log: PathBuf::new(),
            results,
        };
        (engine, result, stored)
    }
}

impl WalTarget for Engine {
    fn start_state(&mut self) -> Result<StartState, StoreError> {
        Ok(StartState::default())
    }

    fn position(&mut self) -> Result<WalPosition, StoreError> {
        Ok(self.position)
    }

    fn apply(&mut self, batches: &[Arc<Batch>], position: WalPosition) -> Result<(), CommitError> {
        // Succeeds when the sender is gone.
        self.results.recv().unwrap_or(Ok(()))?;
        self.stored.lock().unwrap().extend(batches.iter().cloned());
        self.position = position;
        Ok(())
    }

    /// Lets the ledger go: another casino may open it and write its own header.
    fn close(self: Box<Self>) -> Result<(), StoreError> {
        let header = WalHeader::from_bytes(&fs::read(&self.log).unwrap());
        assert!(header.is_some_and(|header| header.closed), "{header:?}");
        Ok(())
    }
}

fn rejection() -> CommitError {
    CommitError::Rejected(StoreError::new("write the ledger", "disk is full"))
}

/// About one megabyte.
fn large_batch(number: i64) -> Arc<Batch> {
    Arc::new(Batch {
        ticks: vec![
            Tick {
                at: UnixMillis(i64::MAX),
                ..tick(number)
            };
            64 * 1024
        ],
        ..Batch::default()
    })
}

fn store_on(mut engine: Engine, folder: &Path) -> WalStore {
    let environment = Environment::default();
    engine.log = folder.join("log");
    let file = WalFile::open(&engine.log, &environment).unwrap();
    let position = WalPosition {
        epoch: 1,
        ..WalPosition::default()
    };
    let reads = crate::testkit::memory::FakeStore(Arc::default());
    let recovered = RecoveredWal {
        file,
        position,
        environment,
        has_lost: false,
    };
    WalStore::start(recovered, engine, reads).unwrap().0
}

#[test]
fn a_rejecting_engine_is_retried_and_a_full_log_reports_its_error() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, result, stored) = Engine::new();
    let mut store = store_on(engine, folder.path());
    result.send(Err(rejection())).unwrap();
    let mut committed = 0;
    let error = loop {
        match store.commit(&large_batch(committed)) {
            Ok(()) => committed += 1,
            Err(error) => break error,
        }
    };
    let CommitError::Rejected(error) = error else {
        panic!("{error:?}")
    };
    assert_eq!(
        error.source.to_string(),
        "its log is full, and the casino could not write the ledger: disk is full"
    );
    assert!(committed >= 10, "{committed}");
    drop(result);
    Box::new(store).close().unwrap();
    let expected: Vec<_> = (0..committed).map(large_batch).collect();
    assert!(*stored.lock().unwrap() == expected, "each once, in order");
}

#[test]
fn a_full_log_waits_for_a_slow_engine() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, result, stored) = Engine::new();
    let mut store = store_on(engine, folder.path());
    let slow = thread::spawn(move || {
        for _ in 0..8 {
            result.send(Ok(())).unwrap();
        }
    });
    for number in 0..100 {
        store.commit(&large_batch(number)).unwrap();
    }
    slow.join().unwrap();
    Box::new(store).close().unwrap();
    assert_eq!(stored.lock().unwrap().len(), 100);
}

#[test]
fn after_an_engine_failure_the_log_holds_every_batch() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, result, stored) = Engine::new();
    let mut store = store_on(engine, folder.path());
    result
        .send(Err(CommitError::Unknown(StoreError::new(
            "write the ledger",
            "I/O error",
        ))))
        .unwrap();
    let mut committed = 0;
    while store.commit(&large_batch(committed)).is_ok() {
        committed += 1;
    }
    assert!(matches!(
        store.commit(&large_batch(committed)),
        Err(CommitError::Unknown(_))
    ));
    drop(store);
    assert!(stored.lock().unwrap().is_empty());
    let position = WalPosition {
        epoch: 1,
        ..WalPosition::default()
    };
    let log = fs::read(folder.path().join("log")).unwrap();
    let recovered: Vec<_> = recovery::after(&log, position)
        .unwrap()
        .into_iter()
        .map(Arc::new)
        .collect();
    assert!(recovered == (0..committed).map(large_batch).collect::<Vec<_>>());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_torn_log_recovers_every_complete_batch_once(
        applied in 0_i64..6, committed in 0_i64..6, cut: prop::sample::Index,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("casino.db");
        let mut file = sqlite::open(&path).unwrap();
        let RecoveredWal { file: mut log, position: WalPosition { epoch, .. }, .. } = recover(&path, &mut file.store, &Environment::default(), Damage::Refuse).unwrap();
        let (mut end, mut ends, mut bytes) = (FRAMES, vec![FRAMES], Vec::new());
        for number in 1..=applied + committed {
            let id = FrameId { epoch, batch: number.cast_unsigned() };
            frame::write(id, &batch(number), &mut bytes).unwrap();
            log.write(end, &bytes).unwrap();
            end += u64::try_from(bytes.len()).unwrap();
            ends.push(end);
            if number <= applied {
                let position = WalPosition { epoch, batch: id.batch, offset: end, closed: Some(false) };
                file.store.apply(&[batch(number)], position).unwrap();
            }
        }
        // The last write is torn.
        let last = ends[ends.len().saturating_sub(2)];
        let torn = cut.index(2 + usize::try_from(end - last).unwrap());
        if torn > 0 && committed > 0 {
            let from = (end - u64::try_from(torn - 1).unwrap()).max(last);
            log.write(from, &vec![0x55; usize::try_from(end - from).unwrap()]).unwrap();
        }
        let whole = if torn > 1 && committed > 0 { applied + committed - 1 } else { applied + committed };
        drop((log, file));
        for _ in 0..2 {
            let (store, reads) = opened(&path);
            check(&reads, whole);
            reads.close();
            // As after a kill.
            drop(store);
        }
    }
}
