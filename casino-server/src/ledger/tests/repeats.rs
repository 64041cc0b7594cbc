//! Whatever is repeated, whatever fails and however often the casino starts again: it is as if each had been asked once.

use std::{path::PathBuf, sync::atomic::AtomicBool};

use super::*;
use crate::{
    receipt::{RequestId, Submission},
    store::{Batch, Numbers, Store, StoreError},
};

/// A log that now and then has no room for a batch.
struct Flaky {
    log: Logged,
    full: Arc<AtomicBool>,
}

impl Store for Flaky {
    fn numbers(&mut self) -> Result<Numbers, StoreError> {
        self.log.numbers()
    }

    fn commit(&mut self, batch: &Arc<Batch>) -> Result<(), CommitError> {
        if self.full.swap(false, Ordering::SeqCst) {
            return Err(CommitError::NotWritten(disk("full")));
        }
        self.log.commit(batch)
    }

    fn close(self: Box<Self>) -> Result<(), StoreError> {
        Box::new(self.log).close()
    }
}

/// A casino's ledger, from one start to the next.
struct Life {
    ledger: Ledger,
    books: Books,
    reads: Arc<dyn Reads>,
    full: Arc<AtomicBool>,
    _table: Table,
}

impl Life {
    fn begin(path: &Path) -> Self {
        let mut file = sqlite::open(path).unwrap();
        let recovered = recover(path, &mut file.store, &Surroundings::default()).unwrap();
        let market = file.store.market().unwrap().unwrap_or(market());
        file.store.set_market(&market).unwrap();
        let (log, reads) = Logged::start(recovered, file.store, file.reads).unwrap();
        let (table, announcer) = Table::new(market.current, Duration::from_secs(1));
        let reads: Arc<dyn Reads> = Arc::new(reads);
        let full = Arc::new(AtomicBool::new(false));
        let store = Flaky {
            log,
            full: Arc::clone(&full),
        };
        let told = (announcer, Witness::default());
        let reader = Reader::new(Arc::clone(&reads));
        let ledger = Ledger::start(Box::new(store), reader, market, told, now).unwrap();
        Self {
            books: listened(&ledger),
            ledger,
            reads,
            full,
            _table: table,
        }
    }

    async fn end(self) {
        self.reads.close();
        self.ledger.close().await.unwrap();
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// A player's command; at first the disk may be full; then others that were asked before are asked again.
    Ask {
        player: usize,
        command: Command,
        full: bool,
        again: Vec<prop::sample::Index>,
    },
    Tick,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let again = prop::collection::vec(any::<prop::sample::Index>(), 0..4);
    let ask = (0..3_usize, command(), prop::bool::weighted(0.2), again);
    prop_oneof![
        12 => ask.prop_map(|(player, command, full, again)| Step::Ask { player, command, full, again }),
        2 => Just(Step::Tick),
        1 => Just(Step::Restart),
    ]
}

fn player(number: usize) -> PlayerName {
    PlayerName::new(&format!("p{number}")).unwrap()
}

/// What the commands of `steps` are answered when each is asked once, of a disk with room, in one life.
async fn once(path: PathBuf, steps: &[Step]) -> Vec<Decision> {
    let life = Life::begin(&path);
    let mut decisions = Vec::new();
    for step in steps {
        match step {
            Step::Ask {
                player: of, command, ..
            } => {
                decisions.push(life.books.execute(player(*of), *command).await.unwrap());
            }
            Step::Tick => drop(life.books.tick().await.unwrap()),
            Step::Restart => {}
        }
    }
    life.end().await;
    decisions
}

/// What they are answered first when they are repeated; each repetition is answered the same.
async fn repeated(path: PathBuf, steps: &[Step]) -> Vec<Decision> {
    let mut life = Life::begin(&path);
    let mut asked: Vec<(PlayerName, Submission, Decision)> = Vec::new();
    for step in steps {
        match step {
            Step::Tick => drop(life.books.tick().await.unwrap()),
            Step::Restart => {
                life.end().await;
                life = Life::begin(&path);
            }
            Step::Ask {
                player: of,
                command,
                full,
                again,
            } => {
                let name = player(*of);
                let number = u128::try_from(asked.len()).unwrap();
                let submission = Submission {
                    command: *command,
                    id: Some(RequestId(number.to_be_bytes())),
                };
                let ask = || life.books.execute(name.clone(), submission);
                if *full {
                    life.full.store(true, Ordering::SeqCst);
                    let refused = ask().await.unwrap_err();
                    assert!(matches!(refused, LedgerError::NotExecuted { .. }));
                }
                // On two streams at once.
                let (first, second) = futures_util::future::join(ask(), ask()).await;
                assert_eq!(first, second);
                asked.push((name.clone(), submission, first.unwrap()));
                for index in again {
                    let (name, submission, decision) = &asked[index.index(asked.len())];
                    let again = life.books.execute(name.clone(), *submission).await;
                    assert_eq!(again.as_ref(), Ok(decision));
                }
            }
        }
    }
    life.end().await;
    asked.into_iter().map(|(_, _, decision)| decision).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_repeated_is_done_once(steps in prop::collection::vec(step(), 1..60)) {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let expected = runtime.block_on(once(folder.path().join("once.db"), &steps));
        let found = runtime.block_on(repeated(folder.path().join("repeated.db"), &steps));
        prop_assert_eq!(found, expected);
    }
}

/// A batch that fails takes the id with it, for all who wait for it: who then asks again is the first to ask.
#[tokio::test]
async fn a_repetition_is_settled_with_what_it_repeats() {
    let (mut hand, _table) = by_hand();
    let books = hand.books().clone();
    let deposit = Submission {
        command: Command::Deposit(Dollars(10)),
        id: Some(RequestId([1; 16])),
    };
    let mut first = Box::pin(books.execute(ann(), deposit));
    assert!((&mut first).now_or_never().is_none());
    let mut again = Box::pin(books.execute(ann(), deposit));
    assert!((&mut again).now_or_never().is_none(), "not before the first");
    let full = CommitError::NotWritten(disk("full"));
    hand.script.failures.lock().unwrap().push_back(full);
    hand.flush().unwrap();
    assert!(matches!(first.await, Err(LedgerError::NotExecuted { .. })));
    assert!(matches!(again.await, Err(LedgerError::NotExecuted { .. })));

    hand.books().put(&ann(), None);
    let mut first = Box::pin(books.execute(ann(), deposit));
    assert!((&mut first).now_or_never().is_none());
    hand.flush().unwrap();
    let paid = first.await.unwrap();
    assert_eq!(paid.account.tokens, Tokens(50));
    // What waits now does not keep what is on disk waiting.
    let mut later = Box::pin(books.execute(ann(), Command::Deposit(Dollars(1))));
    assert!((&mut later).now_or_never().is_none());
    let again = books.execute(ann(), deposit).now_or_never();
    assert_eq!(again, Some(Ok(paid)));
}

/// It may have been done when it was asked before; who hears that it was not would do it again.
#[tokio::test]
async fn what_carries_an_id_is_not_called_undone_for_want_of_a_look() {
    let (ledger, _table, script) = start([]);
    let books = listened(&ledger);
    let ask = |id: Option<u8>| {
        books.execute(
            ann(),
            Submission {
                command: Command::Deposit(Dollars(10)),
                id: id.map(|id| RequestId([id; 16])),
            },
        )
    };
    script.unreadable.store(true, Ordering::SeqCst);
    assert!(matches!(ask(None).await, Err(LedgerError::NotExecuted { .. })));
    assert_eq!(ask(Some(1)).await, Err(LedgerError::Unanswered));
    script.unreadable.store(false, Ordering::SeqCst);
    ask(Some(1)).await.unwrap();
    ledger.close().await.unwrap();
    assert_eq!(ask(None).await, Err(LedgerError::Stopping));
    assert_eq!(ask(Some(1)).await, Err(LedgerError::Unanswered));
}
