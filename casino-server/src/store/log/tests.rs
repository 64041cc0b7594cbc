//! A log over a file, and over engines that refuse and break.

use std::{
    path::Path,
    sync::{
        Mutex,
        mpsc::{Receiver, Sender, channel},
    },
};

use proptest::prelude::*;

use super::*;
use crate::{
    account::Account,
    identity::{Claim, KeyHash, PlayerName},
    market::Tick,
    quantity::{Dollars, Price, Stocks, UnixMillis},
    receipt::{Filed, Receipt, RequestId},
    record::{AccountId, Command, Decision, Entry, Payment, Posting, Record, Side, Trade},
    store::{
        Page, PageRequest,
        sqlite::{self, SqliteReads},
    },
};

fn opened(path: &Path) -> (Logged, Layered<SqliteReads>) {
    let mut file = sqlite::open(path).unwrap();
    let recovered = recover(path, &mut file.store, &Surroundings::default()).unwrap();
    Logged::start(recovered, file.store, file.reads).unwrap()
}

fn player(number: i64) -> PlayerName {
    PlayerName::new(&format!("p{number}")).unwrap()
}

fn tick(number: i64) -> Tick {
    let (price, at) = (Price::MIN, UnixMillis(number));
    Tick { number, price, at }
}

/// Receipt `number` of an account.
fn filed(account: i64, number: i64) -> Filed {
    let payment = Payment {
        number,
        amount: -1,
        at: UnixMillis(number),
    };
    Filed {
        account: AccountId(account),
        number,
        receipt: Receipt {
            id: RequestId((i128::from(account) << 64 | i128::from(number)).to_be_bytes()),
            command: Command::Deposit(Dollars(1)),
            decision: Decision {
                result: Ok(Entry::Payment(payment)),
                account: Account::default(),
            },
        },
    }
}

/// Batch `number` of a ledger with two players: each batch has a payment, a trade, a tick and a receipt.
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
    let payment = Payment {
        number: nth,
        amount: -1,
        at: UnixMillis(number),
    };
    let mut record = Record::new(AccountId(account));
    (record.payments, record.trades, record.sheet) = (nth, nth, number);
    record.account.version = 2 * nth;
    Arc::new(Batch {
        records: vec![(player(account), record)],
        payments: vec![(AccountId(account), payment)],
        trades: vec![Posting {
            account: AccountId(account),
            trade,
            sheet: number,
            previous: Some((number - 2).max(0)),
        }],
        ticks: vec![tick(number)],
        claims: vec![Claim {
            player: claimed_in(number),
            key: KeyHash::kept([7; 32]),
            at: UnixMillis(number),
        }],
        receipts: vec![filed(account, nth)],
    })
}

/// The name that is claimed in a batch.
fn claimed_in(number: i64) -> PlayerName {
    PlayerName::new(&format!("claimed{number}")).unwrap()
}

/// Everything that can be read of the batches up to `last`, as it should be.
fn check(reads: &impl Reads, last: i64) {
    for number in 1..=last {
        let owner = reads.owner(&claimed_in(number)).unwrap();
        assert_eq!(owner, Some(KeyHash::kept([7; 32])), "claimed in batch {number}");
    }
    assert_eq!(reads.owner(&claimed_in(last + 1)).unwrap(), None);
    for account in [1, 2] {
        let own: Vec<i64> = (1..=last)
            .filter(|number| number.rem_euclid(2) + 1 == account)
            .collect();
        let player = player(account);
        let count = i64::try_from(own.len()).unwrap();
        let record = reads.record(&player).unwrap();
        assert_eq!(record.map_or(0, |record| record.trades), count);
        assert_eq!(reads.account(&player).unwrap().version, 2 * count);
        let receipts: Vec<_> = (1..=count).map(|number| filed(account, number)).collect();
        assert_eq!(reads.receipts(AccountId(account)).unwrap(), receipts);
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

/// Every page of the entries `first` to `last` is as it should be.
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
fn what_is_committed_is_read_at_once_whether_it_was_taken_over_or_not() {
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
fn after_a_clean_stop_the_file_has_everything_and_the_log_may_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("casino.db");
    for life in 0..4 {
        let (mut store, reads) = opened(&path);
        check(&reads, life * 5);
        for number in life * 5 + 1..=life * 5 + 5 {
            store.commit(&batch(number)).unwrap();
        }
        reads.close();
        Box::new(store).close().unwrap();
        check(&sqlite::open(&path).unwrap().reads, life * 5 + 5);
        if life % 2 == 1 {
            std::fs::remove_file(path_of(&path)).unwrap();
        }
    }
}

/// What an engine keeps, for a test to look at.
type Kept = Arc<Mutex<Vec<Arc<Batch>>>>;

/// An engine that keeps what it is given, when it is told to.
#[derive(Debug)]
struct Engine {
    kept: Kept,
    mark: Mark,
    answers: Receiver<Result<(), CommitError>>,
}

impl Engine {
    /// An engine, the answers it will give, and what it keeps.
    fn new() -> (Self, Sender<Result<(), CommitError>>, Kept) {
        let (answer, answers) = channel();
        let kept = Kept::default();
        let engine = Self {
            kept: Arc::clone(&kept),
            mark: Mark::default(),
            answers,
        };
        (engine, answer, kept)
    }
}

impl Backing for Engine {
    fn numbers(&mut self) -> Result<Numbers, StoreError> {
        Ok(Numbers::default())
    }

    fn mark(&mut self) -> Result<Mark, StoreError> {
        Ok(self.mark)
    }

    fn take_over(&mut self, batches: &[Arc<Batch>], mark: Mark) -> Result<(), CommitError> {
        // Nobody is left to answer: it works.
        self.answers.recv().unwrap_or(Ok(()))?;
        self.kept.lock().unwrap().extend(batches.iter().cloned());
        self.mark = mark;
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<(), StoreError> {
        Ok(())
    }
}

fn refusal() -> CommitError {
    CommitError::NotWritten(StoreError::new("write the ledger", "disk is full"))
}

/// A batch of about a megabyte.
fn large(number: i64) -> Arc<Batch> {
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

/// A log over `engine`, which has been asked about the log once.
fn over(engine: Engine, folder: &Path) -> Logged {
    let surroundings = Surroundings::default();
    let file = LogFile::open(&folder.join("log"), &surroundings).unwrap();
    let mark = Mark {
        epoch: 1,
        ..Mark::default()
    };
    let reads = crate::store::scripted::Scripted(Arc::default());
    let recovered = Recovered {
        file,
        mark,
        surroundings,
    };
    Logged::start(recovered, engine, reads).unwrap().0
}

#[test]
fn an_engine_that_refuses_is_asked_again_and_a_full_log_refuses_in_its_words() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, answer, kept) = Engine::new();
    let mut store = over(engine, folder.path());
    answer.send(Err(refusal())).unwrap();
    let mut committed = 0;
    let error = loop {
        match store.commit(&large(committed)) {
            Ok(()) => committed += 1,
            Err(error) => break error,
        }
    };
    let CommitError::NotWritten(error) = error else {
        panic!("{error:?}")
    };
    assert_eq!(
        error.source.to_string(),
        "its log is full, and the casino could not write the ledger: disk is full"
    );
    assert!(committed >= 10, "{committed}");
    drop(answer);
    Box::new(store).close().unwrap();
    let expected: Vec<_> = (0..committed).map(large).collect();
    assert!(*kept.lock().unwrap() == expected, "each once, in order");
}

#[test]
fn a_log_waits_for_an_engine_that_is_slow_and_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, answer, kept) = Engine::new();
    let mut store = over(engine, folder.path());
    let slow = thread::spawn(move || {
        for _ in 0..8 {
            answer.send(Ok(())).unwrap();
        }
    });
    for number in 0..100 {
        store.commit(&large(number)).unwrap();
    }
    slow.join().unwrap();
    Box::new(store).close().unwrap();
    assert_eq!(kept.lock().unwrap().len(), 100);
}

#[test]
fn an_engine_that_is_lost_ends_the_log_and_the_next_opening_has_it_all() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, answer, kept) = Engine::new();
    let mut store = over(engine, folder.path());
    answer
        .send(Err(CommitError::Unknown(StoreError::new(
            "write the ledger",
            "I/O error",
        ))))
        .unwrap();
    let mut committed = 0;
    while store.commit(&large(committed)).is_ok() {
        committed += 1;
    }
    assert!(matches!(
        store.commit(&large(committed)),
        Err(CommitError::Unknown(_))
    ));
    drop(store);
    assert!(kept.lock().unwrap().is_empty());
    let mut file = LogFile::open(&folder.path().join("log"), &Surroundings::default()).unwrap();
    let mark = Mark {
        epoch: 1,
        ..Mark::default()
    };
    let left: Vec<_> = file.after(mark).unwrap().into_iter().map(Arc::new).collect();
    assert!(left == (0..committed).map(large).collect::<Vec<_>>());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_log_cut_anywhere_gives_what_was_whole_and_nothing_twice(
        taken_over in 0_i64..6, committed in 0_i64..6, cut: prop::sample::Index,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("casino.db");
        let mut file = sqlite::open(&path).unwrap();
        let Recovered { file: mut log, mark: Mark { epoch, .. }, .. } = recover(&path, &mut file.store, &Surroundings::default()).unwrap();
        let (mut end, mut ends, mut bytes) = (0, vec![0], Vec::new());
        for number in 1..=taken_over + committed {
            let stamp = Stamp { epoch, batch: number.cast_unsigned() };
            frame::write(stamp, &batch(number), &mut bytes).unwrap();
            log.write(end, &bytes).unwrap();
            end += u64::try_from(bytes.len()).unwrap();
            ends.push(end);
            if number <= taken_over {
                let mark = Mark { epoch, batch: stamp.batch, position: end };
                file.store.take_over(&[batch(number)], mark).unwrap();
            }
        }
        // The end of the last write did not reach the disk.
        let last = ends[ends.len().saturating_sub(2)];
        let torn = cut.index(2 + usize::try_from(end - last).unwrap());
        if torn > 0 && committed > 0 {
            let from = (end - u64::try_from(torn - 1).unwrap()).max(last);
            log.write(from, &vec![0x55; usize::try_from(end - from).unwrap()]).unwrap();
        }
        let whole = if torn > 1 && committed > 0 { taken_over + committed - 1 } else { taken_over + committed };
        drop((log, file));
        for _ in 0..2 {
            let (store, reads) = opened(&path);
            check(&reads, whole);
            reads.close();
            // As if it were killed: dropped without having been closed.
            drop(store);
        }
    }
}
