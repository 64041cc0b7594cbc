//! Tests of the ledger on stores that work, reject and fail.

mod repeats;

use std::iter;
use std::path::Path;
use std::sync::atomic::Ordering;

use awesomestock_proto::values::Trigger;
use futures_util::stream::FuturesOrdered;
use futures_util::{FutureExt, StreamExt};
use proptest::prelude::*;

use super::*;
use crate::config::environment::Environment;
use crate::domain::account::Account;
use crate::domain::market::{PriceModel, Tick};
use crate::domain::money::{Dollars, Price, Stocks, Tokens, UnixMillis};
use crate::domain::order::request::{OrderRequest, RequestId};
use crate::domain::order::resting::{OrderPosting, OrderState, RestingTerms};
use crate::domain::order::{Command, Decision, LedgerEntry, Side};
use crate::domain::player::PlayerName;
use crate::feed::price::PriceFeed;
use crate::store::{CommitError, Damage, StoreReads, WalStore, recover, sqlite};
use crate::testkit::manual_ledger::ManualLedger;
use crate::testkit::memory::{FakeStore, FakeStoreScript, disk};
use crate::testkit::values;

fn now() -> UnixMillis {
    UnixMillis(42)
}

fn ann() -> PlayerName {
    values::player("ann")
}

fn market() -> Market {
    Market::new(PriceModel::Classic, 1, Price::new(10).unwrap(), UnixMillis(0))
}

fn start(failures: impl IntoIterator<Item = CommitError>) -> (Ledger, PriceFeed, Arc<FakeStoreScript>) {
    let script = Arc::new(FakeStoreScript::default());
    script.failures.lock().unwrap().extend(failures);
    let market = market();
    let prices = PriceFeed::new(market.current, Duration::from_secs(1));
    let store = FakeStore(Arc::clone(&script));
    let reader = StoreReader::new(Arc::new(store.clone()));
    let ledger = Ledger::spawn_local(
        Box::new(store),
        reader,
        market.into(),
        crate::testkit::price_observer(prices.clone()),
        now,
    )
    .unwrap();
    (ledger, prices, script)
}

/// Returns a handle whose notifier runs.
fn running_handle(ledger: &Ledger) -> LedgerHandle {
    let handle = ledger.handle();
    let listening = handle.clone();
    tokio::spawn(async move { listening.run_notifier().await });
    handle
}

/// Returns a manually flushed ledger with ann's record cached.
fn manual_ledger() -> (ManualLedger, PriceFeed) {
    let prices = PriceFeed::new(market().current, Duration::from_secs(1));
    let manual = ManualLedger::new(market(), prices.clone());
    manual.handle().cache_account(&ann(), None);
    (manual, prices)
}

fn tokens(answer: &Result<Decision, LedgerError>) -> Tokens {
    answer.as_ref().unwrap().account.tokens
}

#[tokio::test]
async fn an_answer_is_sent_after_its_commit() {
    let (ledger, prices, script) = start([]);
    let handle = running_handle(&ledger);
    let bought = handle.submit(ann(), Command::Deposit(Dollars(10))).await;
    assert_eq!(tokens(&bought), Tokens(50));
    assert_eq!(script.batches.lock().unwrap().len(), 1);
    let tick = handle.tick().await.unwrap().unwrap();
    assert_eq!((tick.number, tick.at), (1, now()));
    assert_eq!(prices.current(), tick, "announced before it was answered");
    let rejected = handle.submit(ann(), Command::Sell(Stocks(1))).await.unwrap();
    assert!(rejected.result.is_err());
    assert_eq!(
        script.batches.lock().unwrap().len(),
        2,
        "a rejection is nothing to write"
    );
    ledger.close().await.unwrap();
    assert!(script.closed.load(Ordering::SeqCst));
}

/// Two orders of `player`, one of which any price but 10 meets.
async fn rest_two(handle: &LedgerHandle, player: &PlayerName) {
    for (id, trigger, price) in [(1, Trigger::Stop, 11), (2, Trigger::Limit, 9)] {
        let terms = RestingTerms {
            side: Side::Buy,
            count: Stocks(1),
            trigger,
            price: Price::new(price).unwrap(),
            up_to: false,
        };
        let request = OrderRequest {
            command: Command::Rest(terms),
            id: Some(RequestId([id; 16])),
            round: None,
        };
        let placed = handle.submit(player.clone(), request).await.unwrap();
        assert_eq!(placed.result, Ok(LedgerEntry::Accepted));
    }
}

/// Returns the accounts of the orders that were filled, and their ticks.
fn fills(script: &FakeStoreScript) -> Vec<(i64, i64)> {
    let batches = script.batches.lock().unwrap();
    let orders = batches.iter().flat_map(|batch| &batch.orders);
    let fill = |posting: &OrderPosting| match posting.order.state {
        OrderState::Filled(trade) => Some((posting.account.0, trade.tick)),
        _ => None,
    };
    orders.filter_map(fill).collect()
}

#[tokio::test]
async fn an_order_whose_account_cannot_be_read_stays_open_and_the_market_goes_on() {
    let (ledger, _, script) = start([]);
    let handle = running_handle(&ledger);
    let players = [ann(), PlayerName::new("bob").unwrap()];
    for player in &players {
        handle
            .submit(player.clone(), Command::Deposit(Dollars(100)))
            .await
            .unwrap();
        rest_two(&handle, player).await;
    }
    // A failed batch empties the cache. Then only bob's account is read again.
    let full = CommitError::Rejected(disk("disk is full"));
    script.failures.lock().unwrap().push_back(full);
    for expected in [false, true] {
        let deposited = handle
            .submit(players[1].clone(), Command::Deposit(Dollars(1)))
            .await;
        assert_eq!(deposited.is_ok(), expected);
    }
    script.unreadable.store(true, Ordering::SeqCst);
    let mut last = handle.tick().await.unwrap().unwrap();
    while fills(&script).is_empty() {
        last = handle.tick().await.unwrap().unwrap();
    }
    let bob = (2, last.number);
    assert_eq!(fills(&script), [bob]);
    script.unreadable.store(false, Ordering::SeqCst);
    while fills(&script).iter().all(|(account, _)| *account == 2) {
        last = handle.tick().await.unwrap().unwrap();
    }
    // It is tried before the price moves.
    let ann = fills(&script)
        .into_iter()
        .find(|(account, _)| *account == 1)
        .unwrap();
    assert!(ann.1 >= bob.1 && ann.1 <= last.number, "{ann:?}");
    ledger.close().await.unwrap();
}

#[tokio::test]
async fn a_failed_batch_is_reported_and_the_ledger_continues() {
    let full = CommitError::Rejected(disk("database or disk is full"));
    let (ledger, prices, _) = start([full]);
    let handle = running_handle(&ledger);
    let rejected = handle
        .submit(ann(), Command::Deposit(Dollars(10)))
        .await
        .unwrap_err();
    assert_eq!(
        rejected.to_string(),
        "not executed: the casino could not write the ledger: database or disk is full"
    );
    let bought = handle.submit(ann(), Command::Deposit(Dollars(1))).await;
    assert_eq!(
        tokens(&bought),
        Tokens(5),
        "the refused deposit has left nothing behind"
    );
    assert_eq!(prices.current().number, 0);
    ledger.close().await.unwrap();
}

#[tokio::test]
async fn accounts_are_reloaded_after_a_failed_batch() {
    let (ledger, _, script) = start([]);
    let handle = running_handle(&ledger);
    handle.submit(ann(), Command::Deposit(Dollars(10))).await.unwrap();
    // The stored record differs from the cached one.
    script.records.lock().unwrap().clear();
    let rejection = CommitError::Rejected(disk("constraint failed"));
    script.failures.lock().unwrap().push_back(rejection);
    handle
        .submit(ann(), Command::Deposit(Dollars(10)))
        .await
        .unwrap_err();
    let bought = handle.submit(ann(), Command::Deposit(Dollars(1))).await;
    assert_eq!(tokens(&bought), Tokens(5));
    ledger.close().await.unwrap();
}

#[tokio::test]
async fn a_failed_tick_is_not_published() {
    let (ledger, prices, _) = start([CommitError::Rejected(disk("full"))]);
    let handle = running_handle(&ledger);
    assert!(matches!(
        handle.tick().await,
        Err(LedgerError::NotExecuted { .. })
    ));
    assert_eq!(prices.current().number, 0);
    assert_eq!(handle.tick().await.unwrap().unwrap().number, 1);
    ledger.close().await.unwrap();
}

#[tokio::test]
async fn an_account_that_cannot_be_read_fails_the_order() {
    let (ledger, _, script) = start([]);
    let handle = running_handle(&ledger);
    script.unreadable.store(true, Ordering::SeqCst);
    let rejected = handle
        .submit(ann(), Command::Deposit(Dollars(10)))
        .await
        .unwrap_err();
    assert_eq!(
        rejected.to_string(),
        "not executed: the casino could not read the accounts: bad sector"
    );
    script.unreadable.store(false, Ordering::SeqCst);
    assert_eq!(
        tokens(&handle.submit(ann(), Command::Deposit(Dollars(10))).await),
        Tokens(50)
    );
    ledger.close().await.unwrap();
}

#[tokio::test]
async fn orders_decided_before_closing_are_committed() {
    let (ledger, _, script) = start([]);
    let handle = running_handle(&ledger);
    handle.cache_account(&ann(), None);
    let mut pending: FuturesOrdered<_> = (0..3_000)
        .map(|_| handle.submit(ann(), Command::Deposit(Dollars(1))))
        .collect();
    // Polled once, which decides it.
    let mut decisions: Vec<_> = iter::from_fn(|| pending.next().now_or_never().flatten()).collect();
    ledger.close().await.unwrap();
    decisions.extend(pending.collect::<Vec<_>>().await);
    assert_eq!(decisions.len(), 3_000);
    for (number, decision) in (1..).zip(decisions) {
        let decision = decision.unwrap();
        let Ok(LedgerEntry::Payment(payment)) = decision.result else {
            panic!()
        };
        assert_eq!(
            (payment.number, decision.account.tokens),
            (number, Tokens(5 * i32::try_from(number).unwrap()))
        );
    }
    assert!(script.closed.load(Ordering::SeqCst));
    let late = handle.submit(ann(), Command::Deposit(Dollars(1))).await;
    assert_eq!(late, Err(LedgerError::Stopping));
}

#[tokio::test]
async fn orders_decided_during_a_commit_form_the_next_batch() {
    let (mut manual, _) = manual_ledger();
    let handle = manual.handle().clone();
    let deposit = || handle.submit(ann(), Command::Deposit(Dollars(1)));
    let mut pending: FuturesOrdered<_> = (0..100).map(|_| deposit()).collect();
    assert!(pending.next().now_or_never().is_none(), "nothing is on disk yet");
    assert_eq!(manual.flush().unwrap(), 100, "one transaction");
    assert_eq!(manual.flush().unwrap(), 0);
    for number in 1..=100 {
        let decision = pending.next().now_or_never().unwrap().unwrap().unwrap();
        assert_eq!(decision.account.version, number);
    }
}

#[tokio::test]
async fn orders_wait_while_the_batch_is_full() {
    let prices = PriceFeed::new(market().current, Duration::from_secs(1));
    let mut manual = ManualLedger::with_batch_size(7, market(), prices);
    manual.handle().cache_account(&ann(), None);
    let handle = manual.handle().clone();
    let deposit = || handle.submit(ann(), Command::Deposit(Dollars(1)));
    let mut pending: FuturesOrdered<_> = (0..100).map(|_| deposit()).collect();
    let (mut answered, mut batches) = (0, 0);
    while answered < 100 {
        while let Some(Some(decision)) = pending.next().now_or_never() {
            answered += 1;
            decision.unwrap();
        }
        let entries = manual.flush().unwrap();
        assert!(entries <= 7, "{entries}");
        batches += 1;
    }
    assert!(batches >= 15, "{batches}");
}

#[tokio::test]
async fn decisions_on_top_of_a_failed_batch_fail_with_it() {
    let (mut manual, prices) = manual_ledger();
    let handle = manual.handle().clone();
    let full = || CommitError::Rejected(disk("database or disk is full"));
    manual.script.failures.lock().unwrap().push_back(full());
    let mut deposit = Box::pin(handle.submit(ann(), Command::Deposit(Dollars(10))));
    let mut tick = Box::pin(handle.tick());
    let mut rejected = Box::pin(handle.submit(ann(), Command::Buy(Stocks(100))));
    assert!((&mut deposit).now_or_never().is_none() && (&mut tick).now_or_never().is_none());
    assert!(
        (&mut rejected).now_or_never().is_none(),
        "its balance is not committed"
    );
    manual.flush().unwrap();
    let text = "not executed: the casino could not write the ledger: database or disk is full";
    assert_eq!(deposit.await.unwrap_err().to_string(), text);
    assert_eq!(rejected.await.unwrap_err().to_string(), text);
    assert_eq!(tick.await.unwrap_err().to_string(), text);
    assert_eq!(prices.current().number, 0);

    // The account is loaded again, as if nothing had been submitted.
    let mut balance = Box::pin(handle.submit(ann(), Command::Withdraw(Tokens(5))));
    let answer = with_timeout(&mut balance).await;
    let rejection = answer.unwrap().result.unwrap_err().to_string();
    assert_eq!(rejection, "you have 0 tokens, not 5");
}

#[tokio::test]
async fn an_account_is_loaded_once_for_all_waiting_orders() {
    let (manual, _) = manual_ledger();
    let bob = values::player("bob");
    let rejected = (0..50).map(|_| manual.handle().submit(bob.clone(), Command::Sell(Stocks(1))));
    let answers = with_timeout(futures_util::future::join_all(rejected)).await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.as_ref().unwrap().result.is_err())
    );
    assert_eq!(manual.script.read.load(Ordering::SeqCst), 1);
}

/// Fails the test instead of waiting forever.
async fn with_timeout<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), future).await.unwrap()
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

/// Executes `steps` on the ledger at `path`; `None` is a tick. Updates the last account received by each player.
async fn play(path: &Path, steps: &[(usize, Option<Command>)], received: &mut [Account; 3]) -> Tick {
    let mut file = sqlite::open(path).unwrap();
    let recovered = recover(path, &mut file.store, &Environment::default(), Damage::Refuse).unwrap();
    let new = Market::new(PriceModel::Classic, 1, Price::new(10).unwrap(), UnixMillis(0));
    let market = file.store.load_market().unwrap().unwrap_or(new);
    file.store.set_market(&market).unwrap();
    let (store, reads) = WalStore::start(recovered, file.store, file.reads).unwrap();
    let prices = PriceFeed::new(market.current, Duration::from_secs(1));
    let reads: Arc<dyn StoreReads> = Arc::new(reads);
    let reader = StoreReader::new(Arc::clone(&reads));
    let observer = crate::testkit::price_observer(prices.clone());
    let ledger = Ledger::spawn_local(Box::new(store), reader, market.into(), observer, now).unwrap();
    let handle = running_handle(&ledger);
    for (player, command) in steps {
        let Some(command) = command else {
            handle.tick().await.unwrap();
            continue;
        };
        let name = values::player(&format!("p{player}"));
        let decision = handle.submit(name.clone(), *command).await.unwrap();
        assert_eq!(
            decision.result.is_err(),
            decision.account == received[*player],
            "a rejection changes nothing"
        );
        received[*player] = decision.account;
        assert_eq!(
            reads.account(&name).unwrap(),
            decision.account,
            "on disk when it is answered"
        );
    }
    reads.close();
    ledger.close().await.unwrap();
    prices.current()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_restart_keeps_everything_answered(
        lives in prop::collection::vec(
            prop::collection::vec((0..3_usize, prop::option::weighted(0.9, command())), 1..40),
            1..4,
        ),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("casino.db");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut received = [Account::default(); 3];
        for steps in lives {
            let last = runtime.block_on(play(&path, &steps, &mut received));
            // After a clean close, the SQLite file is complete without its log.
            let mut again = sqlite::open(&path).unwrap();
            prop_assert_eq!(again.store.load_market().unwrap().unwrap().current, last);
            for (player, account) in received.iter().enumerate() {
                let name = values::player(&format!("p{player}"));
                prop_assert_eq!(&again.reads.account(&name).unwrap(), account);
            }
        }
    }
}
