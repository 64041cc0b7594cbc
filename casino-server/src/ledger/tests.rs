//! The writer over stores that work, refuse, and break.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
};

use proptest::prelude::*;

use super::*;
use crate::{
    account::Account,
    market::Model,
    quantity::{Dollars, Price, Stocks, Tokens, UnixMillis},
    record::Entry,
    store::{
        CommitError, Reads,
        scripted::{Script, Scripted, disk},
        sqlite,
    },
    table::Table,
};

fn now() -> UnixMillis {
    UnixMillis(42)
}

fn ann() -> PlayerName {
    PlayerName::new("ann").unwrap()
}

fn start(failures: impl IntoIterator<Item = CommitError>) -> (Ledger, Table, Arc<Script>) {
    let script = Arc::new(Script::default());
    script.failures.lock().unwrap().extend(failures);
    let market = Market::open(Model::Classic, 1, Price::new(10).unwrap(), UnixMillis(0));
    let (table, announcer) = Table::new(market.current, Duration::from_secs(1));
    let ledger = Ledger::start(Box::new(Scripted(Arc::clone(&script))), market, announcer, now).unwrap();
    (ledger, table, script)
}

fn tokens(answer: &Result<Decision, LedgerError>) -> Tokens {
    answer.as_ref().unwrap().account.tokens
}

#[tokio::test]
async fn an_answer_is_given_when_what_it_says_is_committed() {
    let (ledger, table, script) = start([]);
    let queue = ledger.queue();
    let bought = queue.execute(ann(), Command::Deposit(Dollars(10))).await;
    assert_eq!(tokens(&bought), Tokens(50));
    assert_eq!(script.batches.lock().unwrap().len(), 1);
    let tick = queue.tick().await.unwrap();
    assert_eq!((tick.number, tick.at), (1, now()));
    assert_eq!(table.current(), tick, "announced before it was answered");
    let refused = queue.execute(ann(), Command::Sell(Stocks(1))).await.unwrap();
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
    let queue = ledger.queue();
    let refused = queue
        .execute(ann(), Command::Deposit(Dollars(10)))
        .await
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "not executed: the casino could not write the ledger: database or disk is full"
    );
    let bought = queue.execute(ann(), Command::Deposit(Dollars(1))).await;
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
    let queue = ledger.queue();
    queue.execute(ann(), Command::Deposit(Dollars(10))).await.unwrap();
    // The store knows better than the cache, which is why it refuses.
    script.records.lock().unwrap().clear();
    let refusal = CommitError::NotWritten(disk("constraint failed"));
    script.failures.lock().unwrap().push_back(refusal);
    queue
        .execute(ann(), Command::Deposit(Dollars(10)))
        .await
        .unwrap_err();
    let bought = queue.execute(ann(), Command::Deposit(Dollars(1))).await;
    assert_eq!(tokens(&bought), Tokens(5));
    ledger.close().await.unwrap();
}

#[tokio::test]
async fn a_tick_that_was_not_written_has_not_happened() {
    let (ledger, table, _) = start([CommitError::NotWritten(disk("full"))]);
    let queue = ledger.queue();
    assert!(matches!(queue.tick().await, Err(LedgerError::NotExecuted { .. })));
    assert_eq!(table.current().number, 0);
    assert_eq!(queue.tick().await.unwrap().number, 1);
    ledger.close().await.unwrap();
}

#[tokio::test]
async fn accounts_that_cannot_be_read_refuse_a_batch() {
    let (ledger, _, script) = start([]);
    let queue = ledger.queue();
    script.unreadable.store(true, Ordering::SeqCst);
    let refused = queue
        .execute(ann(), Command::Deposit(Dollars(10)))
        .await
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "not executed: the casino could not read the accounts: bad sector"
    );
    script.unreadable.store(false, Ordering::SeqCst);
    assert_eq!(
        tokens(&queue.execute(ann(), Command::Deposit(Dollars(10))).await),
        Tokens(50)
    );
    ledger.close().await.unwrap();
}

#[tokio::test]
async fn a_commit_of_unknown_outcome_ends_the_ledger_without_an_answer() {
    let (mut ledger, _, _) = start([CommitError::Unknown(disk("disk I/O error"))]);
    let queue = ledger.queue();
    let unanswered = queue.execute(ann(), Command::Deposit(Dollars(10))).await;
    assert_eq!(unanswered, Err(LedgerError::Unanswered));
    let failure = ledger.failed().await;
    assert!(matches!(failure, LedgerFailure::Unknown(_)), "{failure}");
    let refused = queue.execute(ann(), Command::Deposit(Dollars(10))).await;
    assert_eq!(refused, Err(LedgerError::Stopping));
}

#[tokio::test]
async fn what_is_queued_before_the_closing_is_executed() {
    let (ledger, _, script) = start([]);
    let queue = ledger.queue();
    let asked: Vec<_> = (0..3_000)
        .map(|_| {
            let (reply, answer) = oneshot::channel();
            let (player, command) = (ann(), Command::Deposit(Dollars(1)));
            queue
                .sender()
                .try_send(Request::Command {
                    player,
                    command,
                    reply,
                })
                .unwrap();
            answer
        })
        .collect();
    ledger.close().await.unwrap();
    for (number, answer) in (1..).zip(asked) {
        let decision = answer.await.unwrap().unwrap();
        let Ok(Entry::Payment(payment)) = decision.result else {
            panic!()
        };
        assert_eq!(
            (payment.number, decision.account.tokens),
            (number, Tokens(5 * i32::try_from(number).unwrap()))
        );
    }
    let batches = script.batches.lock().unwrap().len();
    assert!((3..3_000).contains(&batches), "{batches} transactions");
    let late = queue.execute(ann(), Command::Deposit(Dollars(1))).await;
    assert_eq!(late, Err(LedgerError::Stopping));
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
    let mut opened = sqlite::open(path).unwrap();
    let new = Market::open(Model::Classic, 1, Price::new(10).unwrap(), UnixMillis(0));
    let market = opened.store.market().unwrap().unwrap_or(new);
    opened.store.set_market(&market).unwrap();
    let (table, announcer) = Table::new(market.current, Duration::from_secs(1));
    let ledger = Ledger::start(Box::new(opened.store), market, announcer, now).unwrap();
    let queue = ledger.queue();
    for (player, command) in steps {
        let Some(command) = command else {
            queue.tick().await.unwrap();
            continue;
        };
        let name = PlayerName::new(&format!("p{player}")).unwrap();
        let decision = queue.execute(name.clone(), *command).await.unwrap();
        assert_eq!(
            decision.result.is_err(),
            decision.account == told[*player],
            "a refusal changes nothing"
        );
        told[*player] = decision.account;
        assert_eq!(
            opened.reads.account(&name).unwrap(),
            decision.account,
            "on disk when it is answered"
        );
    }
    opened.reads.close();
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
            let mut again = sqlite::open(&path).unwrap();
            prop_assert_eq!(again.store.market().unwrap().unwrap().current, last);
            for (player, told) in told.iter().enumerate() {
                let name = PlayerName::new(&format!("p{player}")).unwrap();
                prop_assert_eq!(&again.store.load(&[name]).unwrap()[0].account, told);
            }
        }
    }
}
