//! Retries, failures and restarts: the result is as if each order had been submitted once.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use awesomestock_proto::values::Trigger;

use super::*;
use crate::domain::order::request::{OrderRequest, RequestId};
use crate::domain::order::resting::RestingTerms;
use crate::store::sqlite::Snapshot;
use crate::store::{Batch, Damage, StartState, Store, StoreError};
use crate::testkit::values;

/// A log that sometimes has no room for a batch.
struct FlakyStore {
    log: WalStore,
    full: Arc<AtomicBool>,
}

impl Store for FlakyStore {
    fn take_start(&mut self) -> StartState {
        self.log.take_start()
    }

    fn commit(&mut self, batch: &Arc<Batch>) -> Result<(), CommitError> {
        if self.full.swap(false, Ordering::SeqCst) {
            return Err(CommitError::Rejected(disk("full")));
        }
        self.log.commit(batch)
    }

    fn close(self: Box<Self>) -> Result<(), StoreError> {
        Box::new(self.log).close()
    }
}

/// One run of the server.
struct ServerRun {
    ledger: Ledger,
    handle: LedgerHandle,
    reads: Arc<dyn StoreReads>,
    full: Arc<AtomicBool>,
    _table: PriceFeed,
}

impl ServerRun {
    fn begin(path: &Path) -> Self {
        let mut file = sqlite::open(path).unwrap();
        let recovered = recover(path, &mut file.store, &Environment::default(), Damage::Refuse).unwrap();
        let market = file.store.load_market().unwrap().unwrap_or(market());
        file.store.set_market(&market).unwrap();
        let (log, reads) = WalStore::start(recovered, file.store, file.reads).unwrap();
        let prices = PriceFeed::new(market.current, Duration::from_secs(1));
        let reads: Arc<dyn StoreReads> = Arc::new(reads);
        let full = Arc::new(AtomicBool::new(false));
        let store = FlakyStore {
            log,
            full: Arc::clone(&full),
        };
        let observer = crate::testkit::price_observer(prices.clone());
        let reader = StoreReader::new(Arc::clone(&reads));
        let ledger = Ledger::spawn_local(Box::new(store), reader, market.into(), observer, now).unwrap();
        Self {
            handle: running_handle(&ledger),
            ledger,
            reads,
            full,
            _table: prices,
        }
    }

    async fn end(self) {
        self.reads.close();
        self.ledger.close().await.unwrap();
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// Submits a command, if `full` after a rejected attempt; then repeats earlier requests.
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
    let command = prop_oneof![
        5 => command(),
        3 => resting(),
        1 => (0..40_u128).prop_map(|number| Command::Cancel(RequestId(number.to_be_bytes()))),
    ];
    let ask = (0..3_usize, command, prop::bool::weighted(0.2), again);
    prop_oneof![
        12 => ask.prop_map(|(player, command, full, again)| Step::Ask { player, command, full, again }),
        3 => Just(Step::Tick),
        1 => Just(Step::Restart),
    ]
}

fn resting() -> impl Strategy<Value = Command> {
    (any::<[bool; 3]>(), 0..9, 1..30).prop_map(|([is_buy, is_limit, up_to], count, price)| {
        Command::Rest(RestingTerms {
            side: if is_buy { Side::Buy } else { Side::Sell },
            count: Stocks(count),
            trigger: if is_limit { Trigger::Limit } else { Trigger::Stop },
            price: Price::new(price).unwrap(),
            up_to,
        })
    })
}

/// Returns a request with an ID that follows from its number.
fn request(command: Command, number: usize) -> OrderRequest {
    let number = u128::try_from(number).unwrap();
    OrderRequest {
        command,
        id: Some(RequestId(number.to_be_bytes())),
        round: None,
    }
}

fn player(number: usize) -> PlayerName {
    values::player(&format!("p{number}"))
}

/// Returns the decisions when each command is submitted once, without failures and restarts.
async fn once(path: PathBuf, steps: &[Step]) -> Vec<Decision> {
    let run = ServerRun::begin(&path);
    let mut decisions = Vec::new();
    for step in steps {
        match step {
            Step::Ask {
                player: of, command, ..
            } => {
                let request = request(*command, decisions.len());
                decisions.push(run.handle.submit(player(*of), request).await.unwrap());
            }
            Step::Tick => drop(run.handle.tick().await.unwrap()),
            Step::Restart => {}
        }
    }
    run.end().await;
    decisions
}

/// Returns the first answers with retries, failures and restarts. Each repetition must get the same answer.
async fn repeated(path: PathBuf, steps: &[Step]) -> Vec<Decision> {
    let mut run = ServerRun::begin(&path);
    let mut pending: Vec<(PlayerName, OrderRequest, Decision)> = Vec::new();
    for step in steps {
        match step {
            Step::Tick => drop(run.handle.tick().await.unwrap()),
            Step::Restart => {
                run.end().await;
                run = ServerRun::begin(&path);
            }
            Step::Ask {
                player: of,
                command,
                full,
                again,
            } => {
                let name = player(*of);
                let request = request(*command, pending.len());
                let ask = || run.handle.submit(name.clone(), request);
                if *full {
                    run.full.store(true, Ordering::SeqCst);
                    let rejected = ask().await.unwrap_err();
                    assert!(matches!(rejected, LedgerError::NotExecuted { .. }));
                }
                // Two streams at once.
                let (first, second) = futures_util::future::join(ask(), ask()).await;
                assert_eq!(first, second);
                pending.push((name.clone(), request, first.unwrap()));
                for index in again {
                    let (name, request, decision) = &pending[index.index(pending.len())];
                    let again = run.handle.submit(name.clone(), *request).await;
                    assert_eq!(again.as_ref(), Ok(decision));
                }
            }
        }
    }
    run.end().await;
    pending.into_iter().map(|(_, _, decision)| decision).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn repeated_requests_are_executed_once(steps in prop::collection::vec(step(), 1..60)) {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let expected = runtime.block_on(once(folder.path().join("once.db"), &steps));
        let found = runtime.block_on(repeated(folder.path().join("repeated.db"), &steps));
        prop_assert_eq!(found, expected);
        let mut mismatches = Vec::new();
        let snapshot = Snapshot::open(&folder.path().join("repeated.db")).unwrap();
        snapshot.check(|mismatch| mismatches.push(mismatch)).unwrap();
        prop_assert_eq!(mismatches, []);
    }
}

/// A failed batch discards the ID for all who wait for it.
#[tokio::test]
async fn a_repetition_commits_with_the_first_request() {
    let (mut manual, _table) = manual_ledger();
    let handle = manual.handle().clone();
    let deposit = OrderRequest {
        command: Command::Deposit(Dollars(10)),
        id: Some(RequestId([1; 16])),
        round: None,
    };
    let mut first = Box::pin(handle.submit(ann(), deposit));
    assert!((&mut first).now_or_never().is_none());
    let mut again = Box::pin(handle.submit(ann(), deposit));
    assert!((&mut again).now_or_never().is_none(), "not before the first");
    let full = CommitError::Rejected(disk("full"));
    manual.script.failures.lock().unwrap().push_back(full);
    manual.flush().unwrap();
    assert!(matches!(first.await, Err(LedgerError::NotExecuted { .. })));
    assert!(matches!(again.await, Err(LedgerError::NotExecuted { .. })));

    manual.handle().cache_account(&ann(), None);
    let mut first = Box::pin(handle.submit(ann(), deposit));
    assert!((&mut first).now_or_never().is_none());
    manual.flush().unwrap();
    let paid = first.await.unwrap();
    assert_eq!(paid.account.tokens, Tokens(50));
    // Pending decisions do not delay an answer that is committed.
    let mut later = Box::pin(handle.submit(ann(), Command::Deposit(Dollars(1))));
    assert!((&mut later).now_or_never().is_none());
    let again = handle.submit(ann(), deposit).now_or_never();
    assert_eq!(again, Some(Ok(paid)));
}

/// An order that may have been executed must not be reported as not executed.
#[tokio::test]
async fn a_request_with_an_id_that_cannot_be_looked_up_has_an_unknown_outcome() {
    let (ledger, _table, script) = start([]);
    let handle = running_handle(&ledger);
    let ask = |id: Option<u8>| {
        handle.submit(
            ann(),
            OrderRequest {
                command: Command::Deposit(Dollars(10)),
                id: id.map(|id| RequestId([id; 16])),
                round: None,
            },
        )
    };
    script.unreadable.store(true, Ordering::SeqCst);
    assert!(matches!(ask(None).await, Err(LedgerError::NotExecuted { .. })));
    assert_eq!(ask(Some(1)).await, Err(LedgerError::OutcomeUnknown));
    script.unreadable.store(false, Ordering::SeqCst);
    ask(Some(1)).await.unwrap();
    ledger.close().await.unwrap();
    assert_eq!(ask(None).await, Err(LedgerError::Stopping));
    assert_eq!(ask(Some(1)).await, Err(LedgerError::OutcomeUnknown));
}
