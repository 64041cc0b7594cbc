use std::num::NonZero;

use super::*;
use crate::domain::market::PriceModel;
use crate::domain::money::{Dollars, Price, Stocks, Tokens, UnixMillis};
use crate::domain::order::request::{AnsweredRequest, RequestId};
use crate::domain::order::{Command, LedgerEntry};
use crate::domain::rate_limit::Rate;
use crate::store::cluster::LoadedAccount;
use crate::testkit::values;

fn market() -> Market {
    Market::new(PriceModel::Classic, 1, Price::new(10).unwrap(), UnixMillis(0))
}

fn ann(tokens: i32) -> LoadedAccount {
    let mut record = AccountRecord::new(AccountId(7));
    record.account.tokens = Tokens(tokens);
    LoadedAccount {
        record,
        answers: Vec::new(),
        last_answer: 0,
        orders: Vec::new(),
        bucket: TokenBucket::FULL,
    }
}

fn loaded<const N: usize>(accounts: [(&str, LoadedAccount); N]) -> LoadedAccounts {
    LoadedAccounts {
        accounts: accounts.map(|(name, account)| (name.to_owned(), account)).into(),
        tick: market().current,
        new_ticks: vec![market().current],
        round: None,
        at: UnixMillis(3),
    }
}

fn published(rate: Rate) -> MarketState {
    MarketState {
        rate,
        ..market().into()
    }
}

fn unlimited(queued: &QueuedBatch, loaded: &LoadedAccounts) -> DecidedBatch {
    decide(queued, loaded, &HashMap::new(), &published(None))
}

#[test]
fn orders_are_decided_in_order_on_what_was_loaded() {
    let ann = ann(15);
    let queued = QueuedBatch {
        orders: vec![
            (values::player("ann"), Command::Buy(Stocks(1)).into()),
            (values::player("bob"), Command::Buy(Stocks(1)).into()),
            (values::player("ann"), Command::Buy(Stocks(1)).into()),
            (values::player("ann"), Command::Deposit(Dollars(1)).into()),
            (values::player("ann"), Command::Buy(Stocks(1)).into()),
        ],
        ..QueuedBatch::new(BatchId::NONE.next())
    };
    let inputs = accounts_needed(&queued, &published(None));
    assert_eq!((inputs.players, inputs.new), (vec!["ann", "bob"], vec!["ann"]));
    let decided = unlimited(&queued, &loaded([("ann", ann)]));
    let executed: Vec<_> = decided
        .decisions
        .iter()
        .map(|decision| decision.result.is_ok())
        .collect();
    assert_eq!(executed, [true, false, false, true, true]);
    let [(player, record)] = decided.batch.records.as_slice() else {
        panic!("bob changed nothing")
    };
    assert_eq!(
        (player.as_str(), record.id, record.trades),
        ("ann", AccountId(7), 2)
    );
    assert_eq!(record.account.tokens, Tokens(0));
}

#[test]
fn repeated_requests_get_their_answer_and_new_ones_the_next_numbers() {
    let request = |id, stocks| OrderRequest {
        command: Command::Buy(Stocks(stocks)),
        id: Some(RequestId([id; 16])),
        round: None,
    };
    let mut ann = ann(15);
    let answered = AnsweredRequest {
        id: RequestId([1; 16]),
        command: Command::Buy(Stocks(1)),
        decision: Decision {
            result: Err(Rejection::LedgerFull),
            account: ann.record.account,
        },
    };
    (ann.answers, ann.last_answer) = (vec![answered], 40);
    let orders = [(1, 1), (2, 1), (1, 1), (2, 1), (1, 2), (3, 1), (4, 1)];
    let mut orders: Vec<_> = orders
        .into_iter()
        .map(|(id, stocks)| (values::player("ann"), request(id, stocks)))
        .collect();
    orders.push((values::player("eve"), request(1, 1)));
    let queued = QueuedBatch {
        orders,
        ..QueuedBatch::new(BatchId::NONE.next())
    };
    let inputs = accounts_needed(&queued, &published(None));
    assert_eq!((inputs.new, inputs.ids.len()), (vec!["ann", "eve"], 5));
    let eve = LoadedAccount {
        record: AccountRecord::new(AccountId(8)),
        answers: Vec::new(),
        last_answer: 0,
        orders: Vec::new(),
        bucket: TokenBucket::FULL,
    };
    let rate = NonZero::new(2);
    let decided = decide(
        &queued,
        &loaded([("ann", ann), ("eve", eve)]),
        &HashMap::new(),
        &published(rate),
    );
    let results: Vec<_> = decided.decisions.iter().map(|decision| decision.result).collect();
    assert_eq!(results[0], Err(Rejection::LedgerFull));
    assert_eq!(results[2..4], results[..2]);
    assert!(matches!(results[1], Ok(LedgerEntry::Trade(_))));
    assert_eq!(results[4], Err(Rejection::DuplicateId));
    assert!(
        matches!(results[5], Err(Rejection::InsufficientTokens { .. })),
        "{:?}",
        results[5]
    );
    // The limit of two a second is used up by the first and third new order; repeated ones are free.
    assert_eq!(results[6], Err(Rejection::RateLimited { per_second: 2 }));
    let stored = &decided.batch.answers;
    let stored: Vec<_> = stored
        .iter()
        .map(|stored| (stored.account.0, stored.number))
        .collect();
    assert_eq!(stored, [(7, 41), (7, 42), (8, 1)]);
    assert_eq!(decided.batch.trades.len(), 1);
}

#[test]
fn the_rate_limit_of_a_player_continues_from_batch_to_batch() {
    let buys = |player, count| {
        let order = (values::player(player), Command::Buy(Stocks(1)).into());
        vec![order; count]
    };
    let rejected = |decided: &DecidedBatch| {
        let too_fast = |decision: &&Decision| matches!(decision.result, Err(Rejection::RateLimited { .. }));
        decided.decisions.iter().filter(too_fast).count()
    };
    let rate = NonZero::new(10);
    let (mut ann, mut unregistered) = (ann(20), HashMap::new());
    // Two trades are executed; rejected ones use up the limit as well.
    for (at, ids_seen, too_fast, written) in [(0, 7, 0, 1), (0, 7, 4, 1), (0, 3, 3, 0), (200, 3, 1, 1)] {
        let orders = [buys("ann", ids_seen), buys("eve", ids_seen)].concat();
        let queued = QueuedBatch {
            orders,
            ..QueuedBatch::new(BatchId::NONE.next())
        };
        let here = LoadedAccounts {
            at: UnixMillis(at),
            ..loaded([(
                "ann",
                LoadedAccount {
                    answers: Vec::new(),
                    orders: Vec::new(),
                    ..ann
                },
            )])
        };
        let decided = decide(&queued, &here, &unregistered, &published(rate));
        assert_eq!(rejected(&decided), 2 * too_fast, "{ids_seen} at {at}");
        assert_eq!(decided.batch.records.len(), written, "{ids_seen} at {at}");
        for (_, record) in &decided.batch.records {
            ann.record = *record;
            ann.bucket = decided.buckets[&record.id];
        }
        unregistered.extend(decided.unregistered);
    }
    assert_eq!(ann.record.trades, 2);
}

/// A repeated request must not be reported as not executed: its first attempt may have been.
#[test]
fn only_new_requests_of_an_unwritten_batch_are_reported_as_not_executed() {
    let request = |id: Option<u8>| OrderRequest {
        command: Command::Buy(Stocks(1)),
        id: id.map(|id| RequestId([id; 16])),
        round: None,
    };
    let mut ann = ann(15);
    ann.answers.push(AnsweredRequest {
        id: RequestId([1; 16]),
        command: Command::Buy(Stocks(1)),
        decision: Decision {
            result: Err(Rejection::LedgerFull),
            account: ann.record.account,
        },
    });
    let orders = [Some(1), Some(2), None].map(|id| (values::player("ann"), request(id)));
    let queued = QueuedBatch {
        orders: orders.into(),
        ..QueuedBatch::new(BatchId::NONE.next())
    };
    let not_executed = LedgerError::NotExecuted {
        reason: "the disk is full".to_owned(),
    };
    let answers = |decided| {
        unwritten(&queued, &decided, &not_executed)
            .into_iter()
            .map(Result::unwrap_err)
            .collect::<Vec<_>>()
    };
    let unknown = LedgerError::OutcomeUnknown;
    assert_eq!(
        answers(unlimited(&queued, &loaded([("ann", ann)]))),
        [unknown.clone(), not_executed.clone(), not_executed.clone()]
    );
    // The accounts could not be read.
    assert_eq!(
        answers(DecidedBatch::default()),
        [unknown.clone(), unknown, not_executed.clone()]
    );
}

#[test]
fn rejected_buys_and_sells_are_counted_once() {
    let mut ann = ann(15);
    let repeated = OrderRequest {
        command: Command::Buy(Stocks(1)),
        id: Some(RequestId([1; 16])),
        round: None,
    };
    let answered = AnsweredRequest {
        id: RequestId([1; 16]),
        command: repeated.command,
        decision: Decision {
            result: Err(Rejection::LedgerFull),
            account: ann.record.account,
        },
    };
    (ann.answers, ann.last_answer) = (vec![answered], 1);
    let requests = [
        repeated,
        Command::Buy(Stocks(100)).into(),
        Command::Sell(Stocks(1)).into(),
        Command::Withdraw(Tokens(100)).into(),
        Command::Cancel(RequestId([2; 16])).into(),
    ];
    let queued = QueuedBatch {
        orders: requests.map(|request| (values::player("ann"), request)).into(),
        ..QueuedBatch::new(BatchId::NONE.next())
    };
    let loaded = loaded([("ann", ann)]);
    let decided = unlimited(&queued, &loaded);
    assert!(decided.decisions.iter().all(|decision| decision.result.is_err()));
    assert_eq!(decided.rejected, 2);
    let round_started = LoadedAccounts {
        round: Some(Round {
            number: 1,
            phase: RoundPhase::Running(UnixMillis(9)),
            ..Round::default()
        }),
        ..loaded
    };
    let decided = unlimited(&queued, &round_started);
    assert_eq!(decided.decisions[1].result, Err(Rejection::RoundStarted));
    assert_eq!(decided.rejected, 2);
}
