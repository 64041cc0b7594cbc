//! The ledger over stores that work, refuse, and break.

mod repeats;

use std::{iter, path::Path, sync::atomic::Ordering};

use futures_util::{FutureExt, StreamExt, stream::FuturesOrdered};
use proptest::prelude::*;

use super::{by_hand::ByHand, *};
use crate::{
    account::Account,
    identity::PlayerName,
    market::{Model, Tick},
    quantity::{Dollars, Price, Stocks, Tokens, UnixMillis},
    record::{Command, Decision, Entry},
    store::{
        CommitError, Logged, Reads, recover,
        scripted::{Script, Scripted, disk},
        sqlite,
    },
    surroundings::Surroundings,
    table::Table,
};

fn now() -> UnixMillis {
    UnixMillis(42)
}

fn ann() -> PlayerName {
    PlayerName::new("ann").unwrap()
}

fn market() -> Market {
    Market::open(Model::Classic, 1, Price::new(10).unwrap(), UnixMillis(0))
}

fn start(failures: impl IntoIterator<Item = CommitError>) -> (Ledger, Table, Arc<Script>) {
    let script = Arc::new(Script::default());
    script.failures.lock().unwrap().extend(failures);
    let market = market();
    let (table, announcer) = Table::new(market.current, Duration::from_secs(1));
    let store = Scripted(Arc::clone(&script));
    let reader = Reader::new(Arc::new(store.clone()));
    let ledger = Ledger::start(
        Box::new(store),
        reader,
        market,
        (announcer, Witness::default()),
        now,
    )
    .unwrap();
    (ledger, table, script)
}

/// Books that a task listens for.
fn listened(ledger: &Ledger) -> Books {
    let books = ledger.books();
    let listening = books.clone();
    tokio::spawn(async move { listening.listen().await });
    books
}

/// A ledger flushed by hand, with ann's record in memory.
fn by_hand() -> (ByHand, Table) {
    let (table, announcer) = Table::new(market().current, Duration::from_secs(1));
    let hand = ByHand::new(market(), announcer);
    hand.books().put(&ann(), None);
    (hand, table)
}

fn tokens(answer: &Result<Decision, LedgerError>) -> Tokens {
    answer.as_ref().unwrap().account.tokens
}

#[tokio::test]
async fn an_answer_is_given_when_what_it_says_is_committed() {
    let (ledger, table, script) = start([]);
    let books = listened(&ledger);
    let bought = books.execute(ann(), Command::Deposit(Dollars(10))).await;
    assert_eq!(tokens(&bought), Tokens(50));
    assert_eq!(script.batches.lock().unwrap().len(), 1);
    let tick = books.tick().await.unwrap().unwrap();
    assert_eq!((tick.number, tick.at), (1, now()));
    assert_eq!(table.current(), tick, "announced before it was answered");
    let refused = books.execute(ann(), Command::Sell(Stocks(1))).await.unwrap();
    assert!(refused.result.is_err());
    assert_eq!(
        script.batches.lock().unwrap().len(),
        2,
        "a refusal is nothing to write"
    );
    ledger.close().await.unwrap();
    assert!(script.closed.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_batch_that_was_not_written_is_answered_so_and_play_goes_on() {
    let full = CommitError::NotWritten(disk("database or disk is full"));
    let (ledger, table, _) = start([full]);
    let books = listened(&ledger);
    let refused = books
        .execute(ann(), Command::Deposit(Dollars(10)))
        .await
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "not executed: the casino could not write the ledger: database or disk is full"
    );
    let bought = books.execute(ann(), Command::Deposit(Dollars(1))).await;
    assert_eq!(
        tokens(&bought),
        Tokens(5),
        "the refused deposit has left nothing behind"
    );
    assert_eq!(table.current().number, 0);
    ledger.close().await.unwrap();
}

#[tokio::test]
async fn after_a_batch_that_was_not_written_accounts_are_read_again() {
    let (ledger, _, script) = start([]);
    let books = listened(&ledger);
    books.execute(ann(), Command::Deposit(Dollars(10))).await.unwrap();
    // The store knows better than the cache, which is why it refuses.
    script.records.lock().unwrap().clear();
    let refusal = CommitError::NotWritten(disk("constraint failed"));
    script.failures.lock().unwrap().push_back(refusal);
    books
        .execute(ann(), Command::Deposit(Dollars(10)))
        .await
        .unwrap_err();
    let bought = books.execute(ann(), Command::Deposit(Dollars(1))).await;
    assert_eq!(tokens(&bought), Tokens(5));
    ledger.close().await.unwrap();
}

#[tokio::test]
async fn a_tick_that_was_not_written_has_not_happened() {
    let (ledger, table, _) = start([CommitError::NotWritten(disk("full"))]);
    let books = listened(&ledger);
    assert!(matches!(books.tick().await, Err(LedgerError::NotExecuted { .. })));
    assert_eq!(table.current().number, 0);
    assert_eq!(books.tick().await.unwrap().unwrap().number, 1);
    ledger.close().await.unwrap();
}

#[tokio::test]
async fn accounts_that_cannot_be_read_refuse_a_batch() {
    let (ledger, _, script) = start([]);
    let books = listened(&ledger);
    script.unreadable.store(true, Ordering::SeqCst);
    let refused = books
        .execute(ann(), Command::Deposit(Dollars(10)))
        .await
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "not executed: the casino could not read the accounts: bad sector"
    );
    script.unreadable.store(false, Ordering::SeqCst);
    assert_eq!(
        tokens(&books.execute(ann(), Command::Deposit(Dollars(10))).await),
        Tokens(50)
    );
    ledger.close().await.unwrap();
}

#[tokio::test]
async fn what_is_decided_before_the_closing_is_executed() {
    let (ledger, _, script) = start([]);
    let books = listened(&ledger);
    books.put(&ann(), None);
    let mut asked: FuturesOrdered<_> = (0..3_000)
        .map(|_| books.execute(ann(), Command::Deposit(Dollars(1))))
        .collect();
    // Each is looked at once, which decides it.
    let mut decisions: Vec<_> = iter::from_fn(|| asked.next().now_or_never().flatten()).collect();
    ledger.close().await.unwrap();
    decisions.extend(asked.collect::<Vec<_>>().await);
    assert_eq!(decisions.len(), 3_000);
    for (number, decision) in (1..).zip(decisions) {
        let decision = decision.unwrap();
        let Ok(Entry::Payment(payment)) = decision.result else {
            panic!()
        };
        assert_eq!(
            (payment.number, decision.account.tokens),
            (number, Tokens(5 * i32::try_from(number).unwrap()))
        );
    }
    assert!(script.closed.load(Ordering::SeqCst));
    let late = books.execute(ann(), Command::Deposit(Dollars(1))).await;
    assert_eq!(late, Err(LedgerError::Stopping));
}

#[tokio::test]
async fn what_is_decided_while_a_batch_is_written_is_the_next_batch() {
    let (mut hand, _) = by_hand();
    let books = hand.books().clone();
    let deposit = || books.execute(ann(), Command::Deposit(Dollars(1)));
    let mut asked: FuturesOrdered<_> = (0..100).map(|_| deposit()).collect();
    assert!(asked.next().now_or_never().is_none(), "nothing is on disk yet");
    assert_eq!(hand.flush().unwrap(), 100, "one transaction");
    assert_eq!(hand.flush().unwrap(), 0);
    for number in 1..=100 {
        let decision = asked.next().now_or_never().unwrap().unwrap().unwrap();
        assert_eq!(decision.account.version, number);
    }
}

#[tokio::test]
async fn a_full_batch_takes_no_more_and_loses_nothing() {
    let (_, announcer) = Table::new(market().current, Duration::from_secs(1));
    let mut hand = ByHand::with_batches_of(7, market(), announcer);
    hand.books().put(&ann(), None);
    let books = hand.books().clone();
    let deposit = || books.execute(ann(), Command::Deposit(Dollars(1)));
    let mut asked: FuturesOrdered<_> = (0..100).map(|_| deposit()).collect();
    let (mut answered, mut batches) = (0, 0);
    while answered < 100 {
        while let Some(Some(decision)) = asked.next().now_or_never() {
            answered += 1;
            decision.unwrap();
        }
        let entries = hand.flush().unwrap();
        assert!(entries <= 7, "{entries}");
        batches += 1;
    }
    assert!(batches >= 15, "{batches}");
}

#[tokio::test]
async fn what_was_decided_on_top_of_a_failed_batch_fails_with_it() {
    let (mut hand, table) = by_hand();
    let books = hand.books().clone();
    let full = || CommitError::NotWritten(disk("database or disk is full"));
    hand.script.failures.lock().unwrap().push_back(full());
    let mut deposit = Box::pin(books.execute(ann(), Command::Deposit(Dollars(10))));
    let mut tick = Box::pin(books.tick());
    let mut refused = Box::pin(books.execute(ann(), Command::Buy(Stocks(100))));
    assert!((&mut deposit).now_or_never().is_none() && (&mut tick).now_or_never().is_none());
    assert!(
        (&mut refused).now_or_never().is_none(),
        "it would tell of a balance that is not on disk"
    );
    hand.flush().unwrap();
    let words = "not executed: the casino could not write the ledger: database or disk is full";
    assert_eq!(deposit.await.unwrap_err().to_string(), words);
    assert_eq!(refused.await.unwrap_err().to_string(), words);
    assert_eq!(tick.await.unwrap_err().to_string(), words);
    assert_eq!(table.current().number, 0);

    // What is there is read again, and it is as if nothing had been asked.
    let mut balance = Box::pin(books.execute(ann(), Command::Withdraw(Tokens(5))));
    let answer = soon(&mut balance).await;
    let refusal = answer.unwrap().result.unwrap_err().to_string();
    assert_eq!(refusal, "withdrawing 5 tokens takes more than you have: 0 tokens");
}

#[tokio::test]
async fn an_account_is_read_once_whoever_waits_for_it() {
    let (hand, _) = by_hand();
    let bob = PlayerName::new("bob").unwrap();
    let refused = (0..50).map(|_| hand.books().execute(bob.clone(), Command::Sell(Stocks(1))));
    let answers = soon(futures_util::future::join_all(refused)).await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.as_ref().unwrap().result.is_err())
    );
    assert_eq!(hand.script.read.load(Ordering::SeqCst), 1);
}

/// Waits for `what`; a test that would wait for ever fails instead.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), what).await.unwrap()
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        (-1..100).prop_map(|dollars| Command::Deposit(Dollars(dollars))),
        (-1..20).prop_map(|dollars| Command::Withdraw(Tokens(dollars * 5))),
        (-1..9).prop_map(|count| Command::Buy(Stocks(count))),
        (-1..9).prop_map(|count| Command::Sell(Stocks(count))),
    ]
}

/// Has `steps` executed on the ledger in `path`, `None` being a tick: the account each player was last told of.
async fn play(path: &Path, steps: &[(usize, Option<Command>)], told: &mut [Account; 3]) -> Tick {
    let mut file = sqlite::open(path).unwrap();
    let recovered = recover(path, &mut file.store, &Surroundings::default()).unwrap();
    let new = Market::open(Model::Classic, 1, Price::new(10).unwrap(), UnixMillis(0));
    let market = file.store.market().unwrap().unwrap_or(new);
    file.store.set_market(&market).unwrap();
    let (store, reads) = Logged::start(recovered, file.store, file.reads).unwrap();
    let (table, announcer) = Table::new(market.current, Duration::from_secs(1));
    let reads: Arc<dyn Reads> = Arc::new(reads);
    let reader = Reader::new(Arc::clone(&reads));
    let told_to = (announcer, Witness::default());
    let ledger = Ledger::start(Box::new(store), reader, market, told_to, now).unwrap();
    let books = listened(&ledger);
    for (player, command) in steps {
        let Some(command) = command else {
            books.tick().await.unwrap();
            continue;
        };
        let name = PlayerName::new(&format!("p{player}")).unwrap();
        let decision = books.execute(name.clone(), *command).await.unwrap();
        assert_eq!(
            decision.result.is_err(),
            decision.account == told[*player],
            "a refusal changes nothing"
        );
        told[*player] = decision.account;
        assert_eq!(
            reads.account(&name).unwrap(),
            decision.account,
            "on disk when it is answered"
        );
    }
    reads.close();
    ledger.close().await.unwrap();
    table.current()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn after_a_restart_everything_is_as_it_was_answered(
        lives in prop::collection::vec(
            prop::collection::vec((0..3_usize, prop::option::weighted(0.9, command())), 1..40),
            1..4,
        ),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("casino.db");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut told = [Account::default(); 3];
        for steps in lives {
            let last = runtime.block_on(play(&path, &steps, &mut told));
            // Closed in order, the file has everything without its log.
            let mut again = sqlite::open(&path).unwrap();
            prop_assert_eq!(again.store.market().unwrap().unwrap().current, last);
            for (player, told) in told.iter().enumerate() {
                let name = PlayerName::new(&format!("p{player}")).unwrap();
                prop_assert_eq!(&again.reads.account(&name).unwrap(), told);
            }
        }
    }
}
