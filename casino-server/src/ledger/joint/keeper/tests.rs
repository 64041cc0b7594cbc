use std::num::NonZero;

use super::*;
use crate::{
    market::Model,
    quantity::{Dollars, Price, Stocks, Tokens, UnixMillis},
    receipt::{Receipt, RequestId},
    record::{Command, Entry},
    store::postgres::LoadedAccount,
};

fn market() -> Market {
    Market::open(Model::Classic, 1, Price::new(10).unwrap(), UnixMillis(0))
}

fn name(name: &str) -> PlayerName {
    PlayerName::new(name).unwrap()
}

fn ann(tokens: i32) -> LoadedAccount {
    let mut record = Record::new(AccountId(7));
    record.account.tokens = Tokens(tokens);
    LoadedAccount {
        record,
        receipts: Vec::new(),
        last_receipt: 0,
        allowance: Allowance::FULL,
    }
}

fn loaded<const N: usize>(accounts: [(&str, LoadedAccount); N]) -> Loaded {
    Loaded {
        accounts: accounts.map(|(name, account)| (name.to_owned(), account)).into(),
        tick: market().current,
        at: UnixMillis(3),
    }
}

/// Decides without a bound.
fn freely(queued: &Queued, loaded: &Loaded) -> Decided {
    decide(queued, (loaded, &HashMap::new()), market(), None)
}

#[test]
fn orders_are_decided_in_order_on_what_was_loaded() {
    let ann = ann(15);
    let queued = Queued {
        orders: vec![
            (name("ann"), Command::Buy(Stocks(1)).into()),
            (name("bob"), Command::Buy(Stocks(1)).into()),
            (name("ann"), Command::Buy(Stocks(1)).into()),
            (name("ann"), Command::Deposit(Dollars(1)).into()),
            (name("ann"), Command::Buy(Stocks(1)).into()),
        ],
        ..Queued::new(Sequence::NONE.next())
    };
    let wanted = wanted(&queued);
    assert_eq!((wanted.players, wanted.new), (vec!["ann", "bob"], vec!["ann"]));
    let decided = freely(&queued, &loaded([("ann", ann)]));
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
fn what_was_answered_is_answered_again_and_what_is_new_goes_on_with_the_numbers() {
    let submission = |id, stocks| Submission {
        command: Command::Buy(Stocks(stocks)),
        id: Some(RequestId([id; 16])),
    };
    let mut ann = ann(15);
    let answered = Receipt {
        id: RequestId([1; 16]),
        command: Command::Buy(Stocks(1)),
        decision: Decision {
            result: Err(Refusal::BooksFull),
            account: ann.record.account,
        },
    };
    (ann.receipts, ann.last_receipt) = (vec![answered], 40);
    let orders = [(1, 1), (2, 1), (1, 1), (2, 1), (1, 2), (3, 1), (4, 1)];
    let mut orders: Vec<_> = orders
        .into_iter()
        .map(|(id, stocks)| (name("ann"), submission(id, stocks)))
        .collect();
    orders.push((name("eve"), submission(1, 1)));
    let queued = Queued {
        orders,
        ..Queued::new(Sequence::NONE.next())
    };
    let wanted = wanted(&queued);
    assert_eq!((wanted.new, wanted.ids.len()), (vec!["ann", "eve"], 5));
    let eve = LoadedAccount {
        record: Record::new(AccountId(8)),
        receipts: Vec::new(),
        last_receipt: 0,
        allowance: Allowance::FULL,
    };
    let rate = NonZero::new(2);
    let decided = decide(
        &queued,
        (&loaded([("ann", ann), ("eve", eve)]), &HashMap::new()),
        market(),
        rate,
    );
    let results: Vec<_> = decided.decisions.iter().map(|decision| decision.result).collect();
    assert_eq!(results[0], Err(Refusal::BooksFull));
    assert_eq!(results[2..4], results[..2]);
    assert!(matches!(results[1], Ok(Entry::Trade(_))));
    assert_eq!(results[4], Err(Refusal::IdTaken));
    assert!(
        matches!(results[5], Err(Refusal::TooDear { .. })),
        "{:?}",
        results[5]
    );
    // Of the two a second the first took one, and the third; what had been answered took none.
    assert_eq!(results[6], Err(Refusal::TooFast { a_second: 2 }));
    let filed = &decided.batch.receipts;
    let filed: Vec<_> = filed
        .iter()
        .map(|filed| (filed.account.0, filed.number))
        .collect();
    assert_eq!(filed, [(7, 41), (7, 42), (8, 1)]);
    assert_eq!(decided.batch.trades.len(), 1);
}

#[test]
fn what_may_still_be_asked_for_goes_on_wherever_it_is_asked() {
    let buys = |player, count| {
        let order = (name(player), Command::Buy(Stocks(1)).into());
        vec![order; count]
    };
    let refused = |decided: &Decided| {
        let too_fast = |decision: &&Decision| matches!(decision.result, Err(Refusal::TooFast { .. }));
        decided.decisions.iter().filter(too_fast).count()
    };
    let rate = NonZero::new(10);
    let (mut ann, mut strangers) = (ann(20), HashMap::new());
    // Two trades are executed, the others are too dear and take as much.
    for (at, asked, too_fast, written) in [(0, 7, 0, 1), (0, 7, 4, 1), (0, 3, 3, 0), (200, 3, 1, 1)] {
        let orders = [buys("ann", asked), buys("eve", asked)].concat();
        let queued = Queued {
            orders,
            ..Queued::new(Sequence::NONE.next())
        };
        let here = Loaded {
            at: UnixMillis(at),
            ..loaded([(
                "ann",
                LoadedAccount {
                    receipts: Vec::new(),
                    ..ann
                },
            )])
        };
        let decided = decide(&queued, (&here, &strangers), market(), rate);
        assert_eq!(refused(&decided), 2 * too_fast, "{asked} at {at}");
        assert_eq!(decided.batch.records.len(), written, "{asked} at {at}");
        for (_, record) in &decided.batch.records {
            ann.record = *record;
            ann.allowance = decided.allowances[&record.id];
        }
        strangers.extend(decided.strangers);
    }
    assert_eq!(ann.record.trades, 2);
}
