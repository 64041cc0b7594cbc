use super::*;
use crate::{
    market::Model,
    quantity::{Dollars, Price, Stocks, Tokens},
    record::Side,
};

fn draft() -> Draft {
    let market = Market::open(Model::Classic, 1, Price::new(10).unwrap(), UnixMillis(0));
    Draft::new(market, Numbers::default())
}

fn seated(draft: &mut Draft, name: &str) -> Place {
    let player = PlayerName::new(name).unwrap();
    draft.put(player.clone(), None, Sequence::NONE).unwrap();
    draft.find(&player).unwrap()
}

fn trade(decided: &Decided) -> Trade {
    let Ok(Entry::Trade(trade)) = decided.decision.result else {
        panic!("{decided:?}")
    };
    trade
}

#[test]
fn a_command_is_decided_on_top_of_those_before_it_and_at_the_price_then_in_force() {
    let mut draft = draft();
    let (ann, bob) = (seated(&mut draft, "ann"), seated(&mut draft, "bob"));
    let market = draft.market;
    let mut decide = |place, command| draft.decide(place, command, UnixMillis(5)).unwrap();
    let refused = decide(ann, Command::Buy(Stocks(1)));
    assert!(refused.decision.result.is_err());
    assert_eq!(
        refused.settled_with,
        Sequence::NONE,
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
    let tick = draft.tick(UnixMillis(6)).unwrap();
    let after = draft.decide(ann, Command::Buy(Stocks(1)), UnixMillis(7)).unwrap();
    let (before, bought) = (trade(&before), trade(&after));
    assert_eq!((before.price, before.tick), (market.current.price, 0));
    assert_eq!((bought.price, bought.tick), (tick.price, 1));

    let taken = draft.take();
    assert_eq!(taken.market.current, tick);
    assert_eq!(taken.batch.ticks, [tick]);
    let posted: Vec<_> = taken.batch.trades.iter().map(|posting| posting.trade).collect();
    assert_eq!(posted, [before, bought]);
    assert_eq!(taken.batch.payments.len(), 1);
    let [(name, record)] = taken.batch.records.as_slice() else {
        panic!("bob changed nothing")
    };
    assert_eq!((name.as_str(), record.account), ("ann", after.decision.account));
}

#[test]
fn refused_buys_and_sells_are_counted_and_refused_payments_are_not() {
    let mut draft = draft();
    let ann = seated(&mut draft, "ann");
    let price = draft.price();
    for (command, counted) in [
        (Command::Buy(Stocks(1)), 1),
        (Command::Sell(Stocks(1)), 2),
        (Command::Limited(Side::Buy, Stocks(1), Price::MIN), 3),
        (Command::Limited(Side::Sell, Stocks(1), price), 4),
        (Command::Withdraw(Tokens(5)), 4),
        (Command::Deposit(Dollars(0)), 4),
    ] {
        let decided = draft.decide(ann, command, UnixMillis(0)).unwrap();
        assert!(decided.decision.result.is_err(), "{command:?}");
        assert_eq!(draft.refused(), counted, "{command:?}");
    }
}

#[test]
fn a_refusal_is_settled_with_what_it_speaks_of() {
    let mut draft = draft();
    let (ann, bob) = (seated(&mut draft, "ann"), seated(&mut draft, "bob"));
    draft
        .decide(ann, Command::Deposit(Dollars(1)), UnixMillis(0))
        .unwrap();
    let paid_in = draft.take().sequence;
    draft
        .decide(bob, Command::Deposit(Dollars(1)), UnixMillis(0))
        .unwrap();
    let refused = |draft: &mut Draft, place| {
        let decided = draft
            .decide(place, Command::Buy(Stocks(9)), UnixMillis(0))
            .unwrap();
        assert!(decided.decision.result.is_err());
        decided.settled_with
    };
    assert_eq!(refused(&mut draft, ann), paid_in);
    assert_eq!(refused(&mut draft, bob), draft.sequence());
    draft.tick(UnixMillis(0)).unwrap();
    assert_eq!(refused(&mut draft, ann), draft.sequence());
}

fn with_id(id: u8, command: Command) -> Submission {
    Submission {
        command,
        id: Some(RequestId([id; 16])),
    }
}

#[test]
fn the_same_id_is_answered_as_before_and_settled_with_the_first() {
    let mut draft = draft();
    let ann = seated(&mut draft, "ann");
    let decide = |draft: &mut Draft, submission: Submission, at| {
        draft.decide(ann, submission, UnixMillis(at)).unwrap()
    };
    let deposit = with_id(1, Command::Deposit(Dollars(10)));
    let refused = with_id(2, Command::Buy(Stocks(9)));
    let (paid, no) = (decide(&mut draft, deposit, 1), decide(&mut draft, refused, 2));
    assert!(paid.decision.result.is_ok() && no.decision.result.is_err());
    assert_eq!(decide(&mut draft, deposit, 3), paid);
    let first = draft.take();
    assert_eq!((first.batch.payments.len(), first.batch.receipts.len()), (1, 2));

    // By now it could be executed; but it has been answered.
    decide(&mut draft, Command::Deposit(Dollars(100)).into(), 4);
    assert_eq!(decide(&mut draft, refused, 5), no);
    assert_eq!(decide(&mut draft, deposit, 6), paid);
    assert_eq!(paid.settled_with, first.sequence);
    let second = draft.take().batch;
    assert_eq!((second.payments.len(), second.receipts.len()), (1, 0));
}

#[test]
fn a_refusal_with_an_id_is_written_with_the_record_it_belongs_to() {
    let mut draft = draft();
    let ann = seated(&mut draft, "ann");
    let refused = with_id(1, Command::Sell(Stocks(1)));
    let decided = draft.decide(ann, refused, UnixMillis(0)).unwrap();
    assert_eq!(decided.settled_with, draft.sequence());
    assert!(!draft.is_empty());
    let batch = draft.take().batch;
    assert_eq!(
        (batch.records.len(), batch.receipts.len(), batch.entries()),
        (1, 1, 1)
    );
}

#[test]
fn an_id_stands_for_one_request() {
    let mut draft = draft();
    let (ann, bob) = (seated(&mut draft, "ann"), seated(&mut draft, "bob"));
    let deposit = Command::Deposit(Dollars(10));
    draft.decide(ann, with_id(1, deposit), UnixMillis(0)).unwrap();
    let before = draft.batch.clone();
    for other in [
        Command::Deposit(Dollars(11)),
        Command::Withdraw(Tokens(10)),
        Command::Buy(Stocks(1)),
    ] {
        let refused = draft.decide(ann, with_id(1, other), UnixMillis(0)).unwrap();
        assert_eq!(refused.decision.result, Err(Refusal::IdTaken));
        assert_eq!(refused.decision.account.tokens, Tokens(50));
    }
    assert_eq!(draft.batch, before, "nothing has changed");
    let anothers = draft.decide(bob, with_id(1, deposit), UnixMillis(0)).unwrap();
    assert!(
        anothers.decision.result.is_ok(),
        "each player has ids of their own"
    );
}

#[test]
fn what_is_rolled_back_is_asked_for_the_first_time_again() {
    let mut draft = draft();
    let market = draft.market;
    let ann = seated(&mut draft, "ann");
    let deposit = with_id(1, Command::Deposit(Dollars(10)));
    draft.decide(ann, deposit, UnixMillis(0)).unwrap();
    draft.take();
    draft.roll_back(market);
    let ann = seated(&mut draft, "ann");
    draft.decide(ann, deposit, UnixMillis(0)).unwrap();
    let batch = draft.take().batch;
    assert_eq!((batch.payments.len(), batch.receipts.len()), (1, 1));
}

#[test]
fn a_batch_of_refusals_has_nothing_to_write() {
    let mut draft = draft();
    let ann = seated(&mut draft, "ann");
    draft.decide(ann, Command::Buy(Stocks(1)), UnixMillis(0)).unwrap();
    assert!(draft.is_empty() && draft.take().batch.records.is_empty());
}

#[test]
fn a_sheet_holds_the_trades_of_one_batch_tick_and_moment_and_leads_back() {
    let mut draft = draft();
    let (ann, bob) = (seated(&mut draft, "ann"), seated(&mut draft, "bob"));
    let mut sheets = Vec::new();
    let mut buy = |draft: &mut Draft, place, at| {
        draft
            .decide(place, Command::Buy(Stocks(1)), UnixMillis(at))
            .unwrap();
        let posting = *draft.batch.trades.last().unwrap();
        sheets.push((posting.sheet, posting.previous));
    };
    for place in [ann, bob] {
        draft
            .decide(place, Command::Deposit(Dollars(100)), UnixMillis(0))
            .unwrap();
    }
    buy(&mut draft, ann, 1);
    buy(&mut draft, ann, 1);
    buy(&mut draft, ann, 2);
    draft.tick(UnixMillis(2)).unwrap();
    buy(&mut draft, bob, 2);
    draft.take();
    buy(&mut draft, ann, 2);
    buy(&mut draft, bob, 2);
    let expected = [
        (1, Some(0)),
        (1, None),
        (2, Some(1)),
        (3, Some(0)),
        (4, Some(2)),
        (4, Some(3)),
    ];
    assert_eq!(sheets, expected);
}

#[test]
fn what_is_rolled_back_has_not_happened() {
    let mut draft = draft();
    let market = draft.market;
    let ann = seated(&mut draft, "ann");
    draft
        .decide(ann, Command::Deposit(Dollars(1)), UnixMillis(0))
        .unwrap();
    draft.take();
    draft.tick(UnixMillis(0)).unwrap();
    let open = draft.sequence();
    assert_eq!(draft.roll_back(market), open);
    assert!(draft.is_empty() && draft.sequence() > open);
    assert_eq!(draft.market, market);
    assert_eq!(draft.decide(ann, Command::Buy(Stocks(1)), UnixMillis(0)), None);
    let again = seated(&mut draft, "ann");
    let bought = draft
        .decide(again, Command::Buy(Stocks(1)), UnixMillis(0))
        .unwrap();
    assert!(bought.decision.result.is_err());
}
