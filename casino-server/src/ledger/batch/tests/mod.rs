mod orders;
mod rounds;

use super::*;
use crate::domain::market::PriceModel;
use crate::domain::money::{Dollars, Price, Stocks, Tokens};
use crate::domain::order::request::RequestId;
use crate::domain::order::{Side, Trade};
use crate::testkit::values;

fn open_batch() -> OpenBatch {
    let market = Market::new(PriceModel::Classic, 1, Price::new(10).unwrap(), UnixMillis(0));
    OpenBatch::new(market.into(), IdCounters::default(), [])
}

fn insert(open: &mut OpenBatch, name: &str) -> Slot {
    let player = values::player(name);
    open.insert(player.clone(), None, BatchId::NONE).unwrap();
    open.lookup(&player).unwrap()
}

fn trade(decided: &Decided) -> Trade {
    let Ok(LedgerEntry::Trade(trade)) = decided.decision.result else {
        panic!("{decided:?}")
    };
    trade
}

#[test]
fn a_command_sees_earlier_decisions_and_the_current_price() {
    let mut open = open_batch();
    let (ann, bob) = (insert(&mut open, "ann"), insert(&mut open, "bob"));
    let market = open.market;
    let mut decide = |slot, command: Command| open.decide(slot, &command.into(), UnixMillis(5)).unwrap();
    let rejected = decide(ann, Command::Buy(Stocks(1)));
    assert!(rejected.decision.result.is_err());
    assert_eq!(
        rejected.commits_with,
        BatchId::NONE,
        "it says nothing that is new"
    );
    assert!(
        decide(ann, Command::Deposit(Dollars(100)))
            .decision
            .result
            .is_ok()
    );
    let before = decide(ann, Command::Buy(Stocks(1)));
    assert!(decide(bob, Command::Sell(Stocks(1))).decision.result.is_err());
    let tick = open.tick(UnixMillis(6)).unwrap();
    let after = open
        .decide(ann, &Command::Buy(Stocks(1)).into(), UnixMillis(7))
        .unwrap();
    let (before, bought) = (trade(&before), trade(&after));
    assert_eq!((before.price, before.tick), (market.current.price, 0));
    assert_eq!((bought.price, bought.tick), (tick.price, 1));

    let sealed = open.seal();
    assert_eq!(sealed.batch.ticks, [tick]);
    let posted: Vec<_> = sealed.batch.trades.iter().map(|posting| posting.trade).collect();
    assert_eq!(posted, [before, bought]);
    assert_eq!(sealed.batch.payments.len(), 1);
    let [(name, record)] = sealed.batch.records.as_slice() else {
        panic!("bob changed nothing")
    };
    assert_eq!((name.as_str(), record.account), ("ann", after.decision.account));
}

#[test]
fn rejected_buys_and_sells_are_counted_but_not_payments() {
    let mut open = open_batch();
    let ann = insert(&mut open, "ann");
    let price = open.price();
    for (command, counted) in [
        (Command::Buy(Stocks(1)), 1),
        (Command::Sell(Stocks(1)), 2),
        (Command::Limited(Side::Buy, Stocks(1), Price::MIN), 3),
        (Command::Limited(Side::Sell, Stocks(1), price), 4),
        (Command::UpTo(Side::Sell, Stocks(1), None), 5),
        (Command::Withdraw(Tokens(5)), 5),
        (Command::Deposit(Dollars(0)), 5),
    ] {
        let decided = open.decide(ann, &command.into(), UnixMillis(0)).unwrap();
        assert!(decided.decision.result.is_err(), "{command:?}");
        assert_eq!(open.rejected, counted, "{command:?}");
    }
}

#[test]
fn a_rejection_commits_with_the_balance_and_price_it_contains() {
    let mut open = open_batch();
    let (ann, bob) = (insert(&mut open, "ann"), insert(&mut open, "bob"));
    open.decide(ann, &Command::Deposit(Dollars(1)).into(), UnixMillis(0))
        .unwrap();
    let paid_in = open.seal().sequence;
    open.decide(bob, &Command::Deposit(Dollars(1)).into(), UnixMillis(0))
        .unwrap();
    let rejected = |open: &mut OpenBatch, slot| {
        let decided = open
            .decide(slot, &Command::Buy(Stocks(9)).into(), UnixMillis(0))
            .unwrap();
        assert!(decided.decision.result.is_err());
        decided.commits_with
    };
    assert_eq!(rejected(&mut open, ann), paid_in);
    assert_eq!(rejected(&mut open, bob), open.sequence());
    open.tick(UnixMillis(0)).unwrap();
    assert_eq!(rejected(&mut open, ann), open.sequence());
}

fn with_id(id: u8, command: Command) -> OrderRequest {
    OrderRequest {
        command,
        id: Some(RequestId([id; 16])),
        round: None,
    }
}

#[test]
fn a_repeated_id_gets_the_first_answer_and_its_batch() {
    let mut open = open_batch();
    let ann = insert(&mut open, "ann");
    let decide =
        |open: &mut OpenBatch, request: OrderRequest, at| open.decide(ann, &request, UnixMillis(at)).unwrap();
    let deposit = with_id(1, Command::Deposit(Dollars(10)));
    let rejected = with_id(2, Command::Buy(Stocks(9)));
    let (paid, no) = (decide(&mut open, deposit, 1), decide(&mut open, rejected, 2));
    assert!(paid.decision.result.is_ok() && no.decision.result.is_err());
    assert_eq!(decide(&mut open, deposit, 3), paid);
    let first = open.seal();
    assert_eq!((first.batch.payments.len(), first.batch.answers.len()), (1, 2));

    // It could be executed now, but has been answered already.
    decide(&mut open, Command::Deposit(Dollars(100)).into(), 4);
    assert_eq!(decide(&mut open, rejected, 5), no);
    assert_eq!(decide(&mut open, deposit, 6), paid);
    assert_eq!(paid.commits_with, first.sequence);
    let second = open.seal().batch;
    assert_eq!((second.payments.len(), second.answers.len()), (1, 0));
}

#[test]
fn a_rejection_with_an_id_is_written_with_its_record() {
    let mut open = open_batch();
    let ann = insert(&mut open, "ann");
    let rejected = with_id(1, Command::Sell(Stocks(1)));
    let decided = open.decide(ann, &rejected, UnixMillis(0)).unwrap();
    assert_eq!(decided.commits_with, open.sequence());
    assert!(!open.is_empty());
    let batch = open.seal().batch;
    assert_eq!(
        (batch.records.len(), batch.answers.len(), batch.entries()),
        (1, 1, 1)
    );
}

#[test]
fn an_id_belongs_to_one_request() {
    let mut open = open_batch();
    let (ann, bob) = (insert(&mut open, "ann"), insert(&mut open, "bob"));
    let deposit = Command::Deposit(Dollars(10));
    open.decide(ann, &with_id(1, deposit), UnixMillis(0)).unwrap();
    let before = open.batch.clone();
    for other in [
        Command::Deposit(Dollars(11)),
        Command::Withdraw(Tokens(10)),
        Command::Buy(Stocks(1)),
    ] {
        let rejected = open.decide(ann, &with_id(1, other), UnixMillis(0)).unwrap();
        assert_eq!(rejected.decision.result, Err(Rejection::DuplicateId));
        assert_eq!(rejected.decision.account.tokens, Tokens(50));
    }
    assert_eq!(open.batch, before, "nothing has changed");
    let anothers = open.decide(bob, &with_id(1, deposit), UnixMillis(0)).unwrap();
    assert!(
        anothers.decision.result.is_ok(),
        "each player has ids of their own"
    );
}

#[test]
fn a_rolled_back_request_id_can_be_used_again() {
    let mut open = open_batch();
    let market = open.market;
    let ann = insert(&mut open, "ann");
    let deposit = with_id(1, Command::Deposit(Dollars(10)));
    open.decide(ann, &deposit, UnixMillis(0)).unwrap();
    let failed = open.seal().sequence;
    open.roll_back(failed, market, Arc::default());
    let ann = insert(&mut open, "ann");
    open.decide(ann, &deposit, UnixMillis(0)).unwrap();
    let batch = open.seal().batch;
    assert_eq!((batch.payments.len(), batch.answers.len()), (1, 1));
}

#[test]
fn a_batch_of_rejections_is_empty() {
    let mut open = open_batch();
    let ann = insert(&mut open, "ann");
    open.decide(ann, &Command::Buy(Stocks(1)).into(), UnixMillis(0))
        .unwrap();
    assert!(open.is_empty() && open.seal().batch.records.is_empty());
}

#[test]
fn a_page_holds_the_trades_of_one_batch_tick_and_time() {
    let mut open = open_batch();
    let (ann, bob) = (insert(&mut open, "ann"), insert(&mut open, "bob"));
    let mut pages = Vec::new();
    let mut buy = |open: &mut OpenBatch, slot, at| {
        open.decide(slot, &Command::Buy(Stocks(1)).into(), UnixMillis(at))
            .unwrap();
        let posting = open.batch.trades.iter().last().unwrap();
        pages.push((posting.page, posting.previous));
    };
    for slot in [ann, bob] {
        open.decide(slot, &Command::Deposit(Dollars(100)).into(), UnixMillis(0))
            .unwrap();
    }
    buy(&mut open, ann, 1);
    buy(&mut open, ann, 1);
    buy(&mut open, ann, 2);
    open.tick(UnixMillis(2)).unwrap();
    buy(&mut open, bob, 2);
    open.seal();
    buy(&mut open, ann, 2);
    buy(&mut open, bob, 2);
    let expected = [
        (1, Some(0)),
        (1, None),
        (2, Some(1)),
        (3, Some(0)),
        (4, Some(2)),
        (4, Some(3)),
    ];
    assert_eq!(pages, expected);
}

#[test]
fn a_rollback_discards_all_decisions() {
    let mut open = open_batch();
    let market = open.market;
    let ann = insert(&mut open, "ann");
    open.decide(ann, &Command::Deposit(Dollars(1)).into(), UnixMillis(0))
        .unwrap();
    open.seal();
    open.tick(UnixMillis(0)).unwrap();
    let discarded = open.sequence();
    assert_eq!(open.roll_back(discarded, market, Arc::default()), discarded);
    assert!(open.is_empty() && open.sequence() > discarded);
    assert_eq!(open.market, market);
    assert_eq!(
        open.decide(ann, &Command::Buy(Stocks(1)).into(), UnixMillis(0)),
        None
    );
    let again = insert(&mut open, "ann");
    let bought = open
        .decide(again, &Command::Buy(Stocks(1)).into(), UnixMillis(0))
        .unwrap();
    assert!(bought.decision.result.is_err());
}
