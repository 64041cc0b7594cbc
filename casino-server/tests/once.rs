//! Exactly once: what carries an id is done once, whatever way and however often it is asked, and at whichever casino.

// The allowance for tests in the lint's configuration does not reach the helpers between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use awesomestock_proto::{
    EXECUTED_MESSAGE, capabilities,
    casino::{Action, ActionResult, WithdrawRequest},
    types::Payment,
};
use casino_server::Options;
use support::{
    Asks, Client, House, STANDING, buy,
    cluster::{Cluster, connect},
    nowhere, sell, soon, user,
};
use tempfile::TempDir;
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

/// What the casinos of a test keep their ledger in: a file, or the database at a URL.
struct Engine(Option<String>);

impl Engine {
    /// A casino on the ledger, whose price stands still at 10.
    async fn open(&self) -> House {
        self.open_in(tempfile::tempdir().unwrap()).await
    }

    /// The same casino again, after it was stopped.
    async fn restarted(&self, house: House) -> House {
        let (served, folder) = house.close().await;
        served.unwrap();
        self.open_in(folder).await
    }

    async fn open_in(&self, folder: TempDir) -> House {
        let set = |options: &mut Options| {
            options.tick = STANDING;
            if let Some(url) = &self.0 {
                options.store = url.parse().unwrap();
            }
        };
        House::open(folder, set, nowhere()).await
    }
}

/// What ann is answered on a seat of her own.
async fn play(house: &mut House, action: Action) -> ActionResult {
    let mut seat = house.client.sit("ann", FEEDS).await;
    seat.act(action).await;
    seat.result().await
}

async fn payments_once(engine: &Engine) {
    let mut house = engine.open().await;
    let (deposit, withdrawal) = ([1; 16], [2; 16]);
    assert_eq!(pay_in(&mut house.client, 100, &deposit).await.unwrap(), 500);
    assert_eq!(pay_in(&mut house.client, 100, &deposit).await.unwrap(), 500);
    let paid = withdraw(&mut house.client, 50, &withdrawal).await.unwrap();
    assert_eq!((paid.amount, paid.number, paid.id.len()), (10, 2, 0));
    let too_much = withdraw(&mut house.client, 500, &[3; 16]).await.unwrap_err();
    pay_in(&mut house.client, 100, &[]).await.unwrap();
    let mut house = engine.restarted(house).await;
    assert_eq!(pay_in(&mut house.client, 100, &deposit).await.unwrap(), 500);
    assert_eq!(withdraw(&mut house.client, 50, &withdrawal).await.unwrap(), paid);
    let again = withdraw(&mut house.client, 500, &[3; 16]).await.unwrap_err();
    assert_eq!(
        (again.code(), again.message()),
        (Code::FailedPrecondition, too_much.message())
    );
    assert_eq!(again.message(), "you have 450 tokens, not 500");
    assert_eq!(house.client.payments_of("ann").await.len(), 3);
    assert_eq!(house.client.wallet("ann").await.tokens, 950);
}

async fn trades_once(engine: &Engine) {
    let mut house = engine.open().await;
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
    let all = Action {
        up_to: true,
        ..with_id(buy("ann", 100), 3)
    };
    let bought_all = play(&mut house, all.clone()).await;
    assert_eq!(bought_all.msg, EXECUTED_MESSAGE);
    house.client.deposit("ann", 10).await.unwrap();
    for _ in 0..2 {
        assert_eq!(play(&mut house, all.clone()).await, bought_all);
        assert_eq!(play(&mut house, order.clone()).await, bought);
        assert_eq!(
            play(&mut house, short.clone()).await,
            refused,
            "though it could be paid by now"
        );
        house = engine.restarted(house).await;
    }
    let trades = [bought.trade.unwrap(), bought_all.trade.unwrap()];
    assert_eq!(house.client.trades_of("ann").await, trades);
    let wallet = house.client.wallet("ann").await;
    assert_eq!((wallet.tokens, wallet.stocks), (50, 10));
}

async fn repetitions_in_order(engine: &Engine) {
    let mut house = engine.open().await;
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

async fn one_request_an_id(engine: &Engine) {
    let mut house = engine.open().await;
    pay_in(&mut house.client, 10, &[1; 16]).await.unwrap();
    house.client.deposit("bob", 10).await.unwrap();
    let words = "id: already used for a different request";
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
async fn a_payment_and_a_withdrawal_are_made_once() {
    payments_once(&Engine(None)).await;
}

#[tokio::test]
async fn an_action_is_a_trade_once_on_whatever_stream() {
    trades_once(&Engine(None)).await;
}

#[tokio::test]
async fn a_stream_of_repetitions_is_answered_one_by_one_in_order() {
    repetitions_in_order(&Engine(None)).await;
}

#[tokio::test]
async fn an_id_stands_for_one_request_of_one_player() {
    one_request_an_id(&Engine(None)).await;
}

#[tokio::test]
async fn the_same_holds_where_casinos_share_a_ledger() {
    let Some(cluster) = Cluster::start() else { return };
    let engine = |name| Engine(Some(cluster.database(name)));
    payments_once(&engine("payments")).await;
    trades_once(&engine("trades")).await;
    repetitions_in_order(&engine("repetitions")).await;
    one_request_an_id(&engine("requests")).await;
}

#[tokio::test]
async fn what_one_casino_has_answered_another_answers_alike() {
    let Some(cluster) = Cluster::start() else { return };
    let engine = Engine(Some(cluster.database("both")));
    let (mut here, mut there) = (engine.open().await, engine.open().await);
    let id = [1; 16];
    assert_eq!(pay_in(&mut here.client, 100, &id).await.unwrap(), 500);
    assert_eq!(pay_in(&mut there.client, 100, &id).await.unwrap(), 500);
    let order = with_id(buy("ann", 2), 2);
    let bought = play(&mut here, order.clone()).await;
    assert_eq!(play(&mut there, order).await, bought);
    // At the same moment, time and again: whoever is first decides, and the other repeats it.
    for nth in 3..30 {
        let order = with_id(buy("ann", 1), nth);
        let (one, other) = tokio::join!(play(&mut here, order.clone()), play(&mut there, order));
        assert_eq!(one, other);
        assert_eq!(one.msg, EXECUTED_MESSAGE);
    }
    // Nobody's order is an account's first, at both at once.
    let orders = (buy("eve", 1), buy("eve", 1));
    let orders = (with_id(orders.0, 1), with_id(orders.1, 1));
    let (one, other) = tokio::join!(play(&mut here, orders.0), play(&mut there, orders.1));
    assert_eq!(one, other);
    let wallet = there.client.wallet("ann").await;
    assert_eq!((wallet.tokens, wallet.stocks), (500 - 29 * 10, 29));
    assert_eq!(here.client.trades_of("ann").await.len(), 28);
    for house in [here, there] {
        house.close().await.0.unwrap();
    }
}

#[tokio::test]
async fn of_a_players_ids_the_newest_are_remembered_where_casinos_share_a_ledger() {
    const SENT: i32 = 10_100;
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("newest");
    let mut house = Engine(Some(url.clone())).open().await;
    house.client.deposit("ann", 1).await.unwrap();
    let numbered = |number: i32| Action {
        id: i128::from(number).to_be_bytes().to_vec(),
        ..sell("ann", 1)
    };
    let mut seat = house.client.sit("ann", FEEDS).await;
    for first in (1..=SENT).step_by(1_000) {
        let last = SENT.min(first + 999);
        for number in first..=last {
            seat.act(numbered(number)).await;
        }
        for _ in first..=last {
            assert!(seat.result().await.msg.starts_with("you have 0 stocks"));
        }
    }
    let kept = "SELECT count(*), min(number), max(number) FROM receipts";
    let kept = connect(&url).await.query_one(kept, &[]).await.unwrap();
    let kept: (i64, i64, i64) = (kept.get(0), kept.get(1), kept.get(2));
    assert_eq!(kept, (10_000, i64::from(SENT) - 9_999, i64::from(SENT)));
    house.client.deposit("ann", 10).await.unwrap();
    assert_eq!(seat.play(buy("ann", 1)).await, EXECUTED_MESSAGE);
    // What is forgotten is asked for the first time again.
    for (number, msg) in [
        (SENT, "you have 0 stocks, not 1"),
        (SENT - 9_999, "you have 0 stocks, not 1"),
        (SENT - 10_000, EXECUTED_MESSAGE),
    ] {
        assert_eq!(seat.play(numbered(number)).await, msg, "{number}");
    }
    house.close().await.0.unwrap();
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
    assert_eq!(seat.capabilities.as_deref(), Some(FEEDS));
    let mut request = Request::new(user("ann"));
    request
        .metadata_mut()
        .insert(capabilities::HEADER, FEEDS.parse().unwrap());
    let asked = soon(house.client.get_wallet(request)).await.unwrap();
    assert_eq!(
        asked.metadata().get(capabilities::HEADER).unwrap(),
        capabilities::IDS
    );
    let unasked = soon(house.client.get_wallet(user("ann"))).await.unwrap();
    assert!(unasked.metadata().get(capabilities::HEADER).is_none());
}
