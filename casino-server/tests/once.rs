//! Exactly once: what carries an id is done once, whatever way and however often it is asked.

// The allowance for tests in the lint's configuration does not reach the helpers between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use awesomestock_proto::{
    EXECUTED_MESSAGE,
    casino::{Action, ActionResult, WithdrawRequest},
    feeds,
    types::Payment,
};
use support::{Asks, Client, House, STANDING, buy, nowhere, sell, soon, user};
use tonic::{Code, Request, Status};

const FEEDS: &str = "ticks,wallet,ids";

fn with_id(action: Action, id: u8) -> Action {
    Action {
        id: vec![id; 16],
        ..action
    }
}

async fn pay_in(client: &mut Client, dollars: i32, id: &[u8]) -> Result<i32, Status> {
    let payment = Payment {
        user: Some(user("ann")),
        amount: dollars,
        id: id.to_vec(),
        ..Payment::default()
    };
    Ok(soon(client.buy_tokens(payment)).await?.into_inner().count)
}

async fn withdraw(client: &mut Client, tokens_cnt: i32, id: &[u8]) -> Result<Payment, Status> {
    let request = WithdrawRequest {
        user: Some(user("ann")),
        tokens_cnt,
        id: id.to_vec(),
    };
    Ok(soon(client.withdraw(request)).await?.into_inner())
}

/// The same casino again, after it was stopped.
async fn restarted(house: House) -> House {
    let (served, folder) = house.close().await;
    served.unwrap();
    House::open(folder, |options| options.tick = STANDING, nowhere()).await
}

/// What ann is answered on a seat of her own.
async fn play(house: &mut House, action: Action) -> ActionResult {
    let mut seat = house.client.sit("ann", FEEDS).await;
    seat.act(action).await;
    seat.result().await
}

#[tokio::test]
async fn a_payment_and_a_withdrawal_are_made_once() {
    let mut house = House::standing().await;
    let (deposit, withdrawal) = ([1; 16], [2; 16]);
    assert_eq!(pay_in(&mut house.client, 100, &deposit).await.unwrap(), 500);
    assert_eq!(pay_in(&mut house.client, 100, &deposit).await.unwrap(), 500);
    let paid = withdraw(&mut house.client, 50, &withdrawal).await.unwrap();
    assert_eq!((paid.amount, paid.number, paid.id.len()), (10, 2, 0));
    let too_much = withdraw(&mut house.client, 500, &[3; 16]).await.unwrap_err();
    pay_in(&mut house.client, 100, &[]).await.unwrap();
    let mut house = restarted(house).await;
    assert_eq!(pay_in(&mut house.client, 100, &deposit).await.unwrap(), 500);
    assert_eq!(withdraw(&mut house.client, 50, &withdrawal).await.unwrap(), paid);
    let again = withdraw(&mut house.client, 500, &[3; 16]).await.unwrap_err();
    assert_eq!(
        (again.code(), again.message()),
        (Code::FailedPrecondition, too_much.message())
    );
    assert_eq!(
        again.message(),
        "withdrawing 500 tokens takes more than you have: 450 tokens"
    );
    assert_eq!(house.client.payments_of("ann").await.len(), 3);
    assert_eq!(house.client.wallet("ann").await.tokens, 950);
}

#[tokio::test]
async fn an_action_is_a_trade_once_on_whatever_stream() {
    let mut house = House::standing().await;
    house.client.deposit("ann", 10).await.unwrap();
    let order = with_id(buy("ann", 2), 1);
    let bought = play(&mut house, order.clone()).await;
    assert_eq!(bought.msg, EXECUTED_MESSAGE);
    let short = with_id(buy("ann", 4), 2);
    let refused = play(&mut house, short.clone()).await;
    assert_eq!(
        refused.msg,
        "buying 4 stocks at 10 tokens costs 40 tokens, you have 30 tokens"
    );
    house.client.deposit("ann", 10).await.unwrap();
    for _ in 0..2 {
        assert_eq!(play(&mut house, order.clone()).await, bought);
        assert_eq!(
            play(&mut house, short.clone()).await,
            refused,
            "though it could be paid by now"
        );
        house = restarted(house).await;
    }
    assert_eq!(house.client.trades_of("ann").await, [bought.trade.unwrap()]);
    let wallet = house.client.wallet("ann").await;
    assert_eq!((wallet.tokens, wallet.stocks), (80, 2));
}

#[tokio::test]
async fn a_stream_of_repetitions_is_answered_one_by_one_in_order() {
    let mut house = House::standing().await;
    house.client.deposit("ann", 100).await.unwrap();
    let mut seat = house.client.sit("ann", FEEDS).await;
    let ids = [1, 2, 1, 3, 2, 2, 1, 4];
    for id in ids {
        seat.act(with_id(buy("ann", i32::from(id)), id)).await;
    }
    seat.act(buy("ann", 1)).await;
    let mut numbers = Vec::new();
    for _ in 0..=ids.len() {
        numbers.push(seat.result().await.trade.unwrap().number);
    }
    assert_eq!(numbers, [1, 2, 1, 3, 2, 2, 1, 4, 5]);
    assert_eq!(house.client.trades_of("ann").await.len(), 5);
}

#[tokio::test]
async fn an_id_stands_for_one_request_of_one_player() {
    let mut house = House::standing().await;
    pay_in(&mut house.client, 10, &[1; 16]).await.unwrap();
    house.client.deposit("bob", 10).await.unwrap();
    let words = "id: it was sent before with another request, and stands for that one";
    for refused in [
        pay_in(&mut house.client, 11, &[1; 16]).await.map(drop),
        withdraw(&mut house.client, 10, &[1; 16]).await.map(drop),
    ] {
        let status = refused.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::InvalidArgument, words));
    }
    assert_eq!(play(&mut house, with_id(buy("ann", 1), 1)).await.msg, words);
    assert_eq!(
        play(&mut house, with_id(buy("bob", 1), 1)).await.msg,
        EXECUTED_MESSAGE
    );
    assert_eq!(house.client.wallet("ann").await.tokens, 50);
}

#[tokio::test]
async fn an_id_has_sixteen_bytes() {
    let mut house = House::standing().await;
    house.client.deposit("ann", 10).await.unwrap();
    for bytes in [1, 15, 17, 1000] {
        let words = format!("id: an id has 16 bytes, this one has {bytes}");
        let id = vec![7; bytes];
        let status = pay_in(&mut house.client, 1, &id).await.unwrap_err();
        assert_eq!(
            (status.code(), status.message()),
            (Code::InvalidArgument, &*words)
        );
        let status = withdraw(&mut house.client, 5, &id).await.unwrap_err();
        assert_eq!(
            (status.code(), status.message()),
            (Code::InvalidArgument, &*words)
        );
        let action = Action { id, ..sell("ann", 1) };
        assert_eq!(play(&mut house, action).await.msg, words);
    }
    assert_eq!(house.client.wallet("ann").await.version, 1);
}

#[tokio::test]
async fn who_asks_is_told_that_ids_are_kept_to() {
    let mut house = House::standing().await;
    let seat = house.client.sit("ann", FEEDS).await;
    assert_eq!(seat.feeds.as_deref(), Some(FEEDS));
    let mut request = Request::new(user("ann"));
    request.metadata_mut().insert(feeds::KEY, FEEDS.parse().unwrap());
    let asked = soon(house.client.get_wallet(request)).await.unwrap();
    assert_eq!(asked.metadata().get(feeds::KEY).unwrap(), feeds::IDS);
    let unasked = soon(house.client.get_wallet(user("ann"))).await.unwrap();
    assert!(unasked.metadata().get(feeds::KEY).is_none());
}
