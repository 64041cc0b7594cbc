//! Resting orders in the open batch.

use awesomestock_proto::values::Trigger;

use super::*;
use crate::domain::money::{Dollars, Price, Stocks, Tokens};
use crate::domain::order::Side;
use crate::domain::order::resting::{OrderState, RestingTerms};

fn rest(side: Side, trigger: Trigger, count: i32, price: i32) -> Command {
    Command::Rest(RestingTerms {
        side,
        count: Stocks(count),
        trigger,
        price: Price::new(price).unwrap(),
        up_to: false,
    })
}

/// A batch with ann, who has 500 tokens. The price is 10, and 19 after the next tick but one.
fn with_ann() -> (OpenBatch, Slot) {
    let mut open = open_batch();
    let ann = insert(&mut open, "ann");
    decide(&mut open, ann, Command::Deposit(Dollars(100)).into()).unwrap();
    open.seal();
    (open, ann)
}

fn decide(open: &mut OpenBatch, slot: Slot, request: OrderRequest) -> Result<LedgerEntry, Rejection> {
    open.decide(slot, &request, UnixMillis(7))
        .unwrap()
        .decision
        .result
}

/// Moves the price to `price` and executes what is due. Returns the IDs in the order of execution.
fn tick_to(open: &mut OpenBatch, slot: Slot, price: i32) -> Vec<u8> {
    open.tick(UnixMillis(8)).unwrap();
    open.market.current.price = Price::new(price).unwrap();
    let due = open.due(0, usize::MAX);
    for order in &due {
        let ended = decide(open, slot, Command::Trigger(order.id).into());
        assert_ne!(ended, Err(Rejection::NoOpenOrder));
    }
    assert_eq!(open.due(0, usize::MAX), []);
    due.iter().map(|order| order.id.0[0]).collect()
}

fn states(sealed: &SealedBatch) -> Vec<(u8, OrderState)> {
    let orders = sealed.batch.orders.iter();
    orders
        .map(|posting| (posting.order.id.0[0], posting.order.state))
        .collect()
}

#[test]
fn the_first_tick_that_meets_an_order_executes_it_at_its_price() {
    use Side::{Buy, Sell};
    for (side, trigger, price, later, met) in [
        (Buy, Trigger::Limit, 9, 11, 8),
        (Buy, Trigger::Stop, 11, 9, 12),
        (Sell, Trigger::Limit, 11, 9, 12),
        (Sell, Trigger::Stop, 9, 11, 8),
    ] {
        let (mut open, ann) = with_ann();
        decide(&mut open, ann, Command::Buy(Stocks(5)).into()).unwrap();
        let placed = decide(&mut open, ann, with_id(1, rest(side, trigger, 5, price)));
        assert_eq!(placed, Ok(LedgerEntry::Accepted));
        assert_eq!(tick_to(&mut open, ann, later), [0_u8; 0]);
        assert_eq!(tick_to(&mut open, ann, met), [1]);
        let sealed = open.seal();
        let [(1, OrderState::Open), (1, OrderState::Filled(trade))] = states(&sealed)[..] else {
            panic!("{sealed:?}")
        };
        assert_eq!(
            (trade.side, trade.count, trade.price.get(), trade.tick),
            (side, Stocks(5), met, 2)
        );
        assert_eq!(sealed.batch.trades.iter().last().unwrap().trade, trade);
        assert_eq!(tick_to(&mut open, ann, met), [0_u8; 0], "it is executed once");
    }
}

#[test]
fn due_orders_execute_oldest_first_and_what_is_not_covered_is_rejected() {
    let (mut open, ann) = with_ann();
    for (id, count) in [(3, 30), (1, 40), (2, 20)] {
        decide(
            &mut open,
            ann,
            with_id(id, rest(Side::Buy, Trigger::Limit, count, 9)),
        )
        .unwrap();
    }
    open.seal();
    assert_eq!(tick_to(&mut open, ann, 9), [3, 1, 2]);
    let sealed = open.seal();
    let states = states(&sealed);
    assert!(matches!(
        states[..],
        [
            (3, OrderState::Filled(_)),
            (
                1,
                OrderState::Rejected(Rejection::InsufficientTokens { .. }, UnixMillis(7))
            ),
            (2, OrderState::Filled(_)),
        ]
    ));
    let ends: Vec<_> = sealed.batch.orders.iter().map(|posting| posting.ended).collect();
    assert_eq!(ends, [Some(1), Some(2), Some(3)]);
    assert_eq!(open.account(ann).unwrap().tokens, Tokens(500 - 50 * 9));
}

#[test]
fn an_order_is_cancelled_or_executed_whichever_comes_first() {
    let (mut open, ann) = with_ann();
    for id in [1, 2] {
        decide(&mut open, ann, with_id(id, rest(Side::Buy, Trigger::Limit, 1, 9))).unwrap();
    }
    let cancel = |id| Command::Cancel(RequestId([id; 16])).into();
    assert_eq!(decide(&mut open, ann, cancel(1)), Ok(LedgerEntry::Cancelled));
    assert_eq!(decide(&mut open, ann, cancel(1)), Err(Rejection::NoOpenOrder));
    assert_eq!(tick_to(&mut open, ann, 9), [2]);
    let late = open.decide(ann, &cancel(2), UnixMillis(9)).unwrap();
    assert_eq!(late.decision.result, Err(Rejection::NoOpenOrder));
    assert_eq!(
        late.commits_with,
        open.sequence(),
        "the answer waits for the fill"
    );
    let bob = insert(&mut open, "bob");
    decide(&mut open, ann, with_id(3, rest(Side::Buy, Trigger::Limit, 1, 8))).unwrap();
    assert_eq!(decide(&mut open, bob, cancel(3)), Err(Rejection::NoOpenOrder));
}

#[test]
fn an_order_that_rests_is_not_placed_again_though_its_answer_is_forgotten() {
    let (mut open, ann) = with_ann();
    let order = with_id(1, rest(Side::Buy, Trigger::Limit, 1, 9));
    assert_eq!(decide(&mut open, ann, order), Ok(LedgerEntry::Accepted));
    let again = |open: &mut OpenBatch, price| {
        let Command::Rest(terms) = rest(Side::Buy, Trigger::Limit, 1, price) else {
            panic!("not an order that rests")
        };
        open.rest(ann, terms, Some(RequestId([1; 16])), UnixMillis(7))
    };
    assert_eq!(again(&mut open, 9), Ok(LedgerEntry::Accepted));
    assert_eq!(again(&mut open, 8), Err(Rejection::DuplicateId));
    assert_eq!(open.seal().batch.orders.len(), 1);
}

#[test]
fn a_rollback_opens_ended_orders_and_removes_placed_ones() {
    let (mut open, ann) = with_ann();
    let market = open.market;
    decide(&mut open, ann, with_id(1, rest(Side::Buy, Trigger::Limit, 1, 9))).unwrap();
    let committed = open.seal();
    open.evict(committed.sequence);
    let stored = committed.batch.records[0].1;
    decide(&mut open, ann, with_id(2, rest(Side::Buy, Trigger::Limit, 1, 9))).unwrap();
    assert_eq!(tick_to(&mut open, ann, 9), [1, 2]);
    let failed = open.seal().sequence;
    open.roll_back(failed, market, Arc::default());
    let player = PlayerName::new("ann").unwrap();
    open.insert(player.clone(), Some((stored, RecentRequests::default())), failed)
        .unwrap();
    let ann = open.lookup(&player).unwrap();
    assert_eq!(tick_to(&mut open, ann, 9), [1]);
}
