//! Idempotency: a request with an ID is executed once, however often and at whichever casino it is sent.

mod support;

use awesomestock_proto::casino::{Action, ActionResult, WithdrawRequest};
use awesomestock_proto::types::Payment;
use awesomestock_proto::{EXECUTED_MESSAGE, capabilities};
use casino_server::Options;
use support::cluster::{Cluster, connect};
use support::{
    CasinoClientExt, Client, FIXED_PRICE_TICK, TestCasino, buy, sell, unreachable_payments, user,
    with_timeout,
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

async fn deposit(client: &mut Client, dollars: i32, id: &[u8]) -> Result<i32, Status> {
    let payment = Payment {
        user: Some(user("ann")),
        amount: dollars,
        id: id.to_vec(),
        ..Payment::default()
    };
    Ok(with_timeout(client.buy_tokens(payment)).await?.into_inner().count)
}

async fn withdraw(client: &mut Client, tokens_cnt: i32, id: &[u8]) -> Result<Payment, Status> {
    let request = WithdrawRequest {
        user: Some(user("ann")),
        tokens_cnt,
        id: id.to_vec(),
        ..WithdrawRequest::default()
    };
    Ok(with_timeout(client.withdraw(request)).await?.into_inner())
}

/// The engine of a test's ledger: SQLite, or the PostgreSQL database at a URL.
struct Engine(Option<String>);

impl Engine {
    /// Opens a casino on the ledger, with a fixed price of 10.
    async fn open(&self) -> TestCasino {
        self.open_in(tempfile::tempdir().unwrap()).await
    }

    /// Stops the casino and opens it again.
    async fn restart(&self, casino: TestCasino) -> TestCasino {
        let (served, folder) = casino.close().await;
        served.unwrap();
        self.open_in(folder).await
    }

    async fn open_in(&self, folder: TempDir) -> TestCasino {
        let set = |options: &mut Options| {
            options.tick = FIXED_PRICE_TICK;
            if let Some(url) = &self.0 {
                options.store = url.parse().unwrap();
            }
        };
        TestCasino::open(folder, set, unreachable_payments()).await
    }
}

/// Executes an action of ann on a new session.
async fn execute(casino: &mut TestCasino, action: Action) -> ActionResult {
    let mut session = casino.client.open_session("ann", FEEDS).await;
    session.send(action).await;
    session.next_result().await
}

async fn check_payments(engine: &Engine) {
    let mut casino = engine.open().await;
    let (deposit_id, withdrawal_id) = ([1; 16], [2; 16]);
    assert_eq!(deposit(&mut casino.client, 100, &deposit_id).await.unwrap(), 500);
    assert_eq!(deposit(&mut casino.client, 100, &deposit_id).await.unwrap(), 500);
    let paid = withdraw(&mut casino.client, 50, &withdrawal_id).await.unwrap();
    assert_eq!((paid.amount, paid.number, paid.id.len()), (10, 2, 0));
    let too_much = withdraw(&mut casino.client, 500, &[3; 16]).await.unwrap_err();
    deposit(&mut casino.client, 100, &[]).await.unwrap();
    let mut casino = engine.restart(casino).await;
    assert_eq!(deposit(&mut casino.client, 100, &deposit_id).await.unwrap(), 500);
    assert_eq!(
        withdraw(&mut casino.client, 50, &withdrawal_id).await.unwrap(),
        paid
    );
    let again = withdraw(&mut casino.client, 500, &[3; 16]).await.unwrap_err();
    assert_eq!(
        (again.code(), again.message()),
        (Code::FailedPrecondition, too_much.message())
    );
    assert_eq!(again.message(), "you have 450 tokens, not 500");
    assert_eq!(casino.client.payments_of("ann").await.len(), 3);
    assert_eq!(casino.client.wallet("ann").await.tokens, 950);
}

async fn check_trades(engine: &Engine) {
    let mut casino = engine.open().await;
    casino.client.deposit("ann", 10).await.unwrap();
    let order = with_id(buy("ann", 2), 1);
    let bought = execute(&mut casino, order.clone()).await;
    assert_eq!(bought.msg, EXECUTED_MESSAGE);
    let unaffordable = with_id(buy("ann", 4), 2);
    let rejected = execute(&mut casino, unaffordable.clone()).await;
    assert_eq!(
        rejected.msg,
        "buying 4 stocks at 10 tokens costs 40 tokens, you have 30 tokens"
    );
    casino.client.deposit("ann", 10).await.unwrap();
    let all = Action {
        up_to: true,
        ..with_id(buy("ann", 100), 3)
    };
    let bought_all = execute(&mut casino, all.clone()).await;
    assert_eq!(bought_all.msg, EXECUTED_MESSAGE);
    casino.client.deposit("ann", 10).await.unwrap();
    for _ in 0..2 {
        assert_eq!(execute(&mut casino, all.clone()).await, bought_all);
        assert_eq!(execute(&mut casino, order.clone()).await, bought);
        assert_eq!(
            execute(&mut casino, unaffordable.clone()).await,
            rejected,
            "although it is affordable now"
        );
        casino = engine.restart(casino).await;
    }
    let trades = [bought.trade.unwrap(), bought_all.trade.unwrap()];
    assert_eq!(casino.client.trades_of("ann").await, trades);
    let wallet = casino.client.wallet("ann").await;
    assert_eq!((wallet.tokens, wallet.stocks), (50, 10));
}

async fn check_order_of_answers(engine: &Engine) {
    let mut casino = engine.open().await;
    casino.client.deposit("ann", 100).await.unwrap();
    let mut session = casino.client.open_session("ann", FEEDS).await;
    let ids = [1, 2, 1, 3, 2, 2, 1, 4];
    for id in ids {
        session.send(with_id(buy("ann", i32::from(id)), id)).await;
    }
    session.send(buy("ann", 1)).await;
    let mut numbers = Vec::new();
    for _ in 0..=ids.len() {
        numbers.push(session.next_result().await.trade.unwrap().number);
    }
    assert_eq!(numbers, [1, 2, 1, 3, 2, 2, 1, 4, 5]);
    assert_eq!(casino.client.trades_of("ann").await.len(), 5);
}

async fn check_reused_ids(engine: &Engine) {
    let mut casino = engine.open().await;
    deposit(&mut casino.client, 10, &[1; 16]).await.unwrap();
    casino.client.deposit("bob", 10).await.unwrap();
    let message = "id: already used for a different request";
    for rejected in [
        deposit(&mut casino.client, 11, &[1; 16]).await.map(drop),
        withdraw(&mut casino.client, 10, &[1; 16]).await.map(drop),
    ] {
        let status = rejected.unwrap_err();
        assert_eq!(
            (status.code(), status.message()),
            (Code::InvalidArgument, message)
        );
    }
    assert_eq!(execute(&mut casino, with_id(buy("ann", 1), 1)).await.msg, message);
    assert_eq!(
        execute(&mut casino, with_id(buy("bob", 1), 1)).await.msg,
        EXECUTED_MESSAGE
    );
    assert_eq!(casino.client.wallet("ann").await.tokens, 50);
}

#[tokio::test]
async fn a_payment_and_a_withdrawal_are_executed_once() {
    check_payments(&Engine(None)).await;
}

#[tokio::test]
async fn an_action_is_executed_once_on_any_stream() {
    check_trades(&Engine(None)).await;
}

#[tokio::test]
async fn repeated_actions_of_a_stream_are_answered_in_order() {
    check_order_of_answers(&Engine(None)).await;
}

#[tokio::test]
async fn an_id_identifies_one_request_of_one_player() {
    check_reused_ids(&Engine(None)).await;
}

#[tokio::test]
async fn casinos_on_a_shared_ledger_execute_a_request_once() {
    let Some(cluster) = Cluster::start() else { return };
    let engine = |name| Engine(Some(cluster.database(name)));
    check_payments(&engine("payments")).await;
    check_trades(&engine("trades")).await;
    check_order_of_answers(&engine("repetitions")).await;
    check_reused_ids(&engine("requests")).await;
}

#[tokio::test]
async fn a_request_answered_at_one_casino_gets_the_same_answer_at_another() {
    let Some(cluster) = Cluster::start() else { return };
    let engine = Engine(Some(cluster.database("both")));
    let (mut here, mut there) = (engine.open().await, engine.open().await);
    let id = [1; 16];
    assert_eq!(deposit(&mut here.client, 100, &id).await.unwrap(), 500);
    assert_eq!(deposit(&mut there.client, 100, &id).await.unwrap(), 500);
    let order = with_id(buy("ann", 2), 2);
    let bought = execute(&mut here, order.clone()).await;
    assert_eq!(execute(&mut there, order).await, bought);
    // Concurrently and repeatedly: the first casino decides, and the other repeats the answer.
    for nth in 3..30 {
        let order = with_id(buy("ann", 1), nth);
        let (one, other) = tokio::join!(execute(&mut here, order.clone()), execute(&mut there, order));
        assert_eq!(one, other);
        assert_eq!(one.msg, EXECUTED_MESSAGE);
    }
    // The first order of an unknown player, at both casinos concurrently.
    let orders = (buy("eve", 1), buy("eve", 1));
    let orders = (with_id(orders.0, 1), with_id(orders.1, 1));
    let (one, other) = tokio::join!(execute(&mut here, orders.0), execute(&mut there, orders.1));
    assert_eq!(one, other);
    let wallet = there.client.wallet("ann").await;
    assert_eq!((wallet.tokens, wallet.stocks), (500 - 29 * 10, 29));
    assert_eq!(here.client.trades_of("ann").await.len(), 28);
    for casino in [here, there] {
        casino.close().await.0.unwrap();
    }
}

#[tokio::test]
async fn a_shared_ledger_keeps_the_newest_ids_of_a_player() {
    const SENT: i32 = 10_100;
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("newest");
    let mut casino = Engine(Some(url.clone())).open().await;
    casino.client.deposit("ann", 1).await.unwrap();
    let numbered = |number: i32| Action {
        id: i128::from(number).to_be_bytes().to_vec(),
        ..sell("ann", 1)
    };
    let mut session = casino.client.open_session("ann", FEEDS).await;
    for first in (1..=SENT).step_by(1_000) {
        let last = SENT.min(first + 999);
        for number in first..=last {
            session.send(numbered(number)).await;
        }
        for _ in first..=last {
            assert!(session.next_result().await.msg.starts_with("you have 0 stocks"));
        }
    }
    let stored = "SELECT count(*), min(number), max(number) FROM receipts";
    let stored = connect(&url).await.query_one(stored, &[]).await.unwrap();
    let stored: (i64, i64, i64) = (stored.get(0), stored.get(1), stored.get(2));
    assert_eq!(stored, (10_000, i64::from(SENT) - 9_999, i64::from(SENT)));
    casino.client.deposit("ann", 10).await.unwrap();
    assert_eq!(session.execute(buy("ann", 1)).await, EXECUTED_MESSAGE);
    // An expired ID is executed again.
    for (number, msg) in [
        (SENT, "you have 0 stocks, not 1"),
        (SENT - 9_999, "you have 0 stocks, not 1"),
        (SENT - 10_000, EXECUTED_MESSAGE),
    ] {
        assert_eq!(session.execute(numbered(number)).await, msg, "{number}");
    }
    casino.close().await.0.unwrap();
}

#[tokio::test]
async fn an_id_must_have_sixteen_bytes() {
    let mut casino = TestCasino::with_fixed_price().await;
    casino.client.deposit("ann", 10).await.unwrap();
    for bytes in [1, 15, 17, 1000] {
        let message = format!("id: expected 16 bytes, got {bytes}");
        let id = vec![7; bytes];
        let status = deposit(&mut casino.client, 1, &id).await.unwrap_err();
        assert_eq!(
            (status.code(), status.message()),
            (Code::InvalidArgument, &*message)
        );
        let status = withdraw(&mut casino.client, 5, &id).await.unwrap_err();
        assert_eq!(
            (status.code(), status.message()),
            (Code::InvalidArgument, &*message)
        );
        let action = Action { id, ..sell("ann", 1) };
        assert_eq!(execute(&mut casino, action).await.msg, message);
    }
    assert_eq!(casino.client.wallet("ann").await.version, 1);
}

#[tokio::test]
async fn support_for_ids_is_announced_to_clients_that_ask() {
    let mut casino = TestCasino::with_fixed_price().await;
    let session = casino.client.open_session("ann", FEEDS).await;
    assert_eq!(session.capabilities.as_deref(), Some(FEEDS));
    let mut request = Request::new(user("ann"));
    request
        .metadata_mut()
        .insert(capabilities::HEADER, FEEDS.parse().unwrap());
    let with_header = with_timeout(casino.client.get_wallet(request)).await.unwrap();
    assert_eq!(with_header.metadata().get(capabilities::HEADER).unwrap(), "ids");
    let without_header = with_timeout(casino.client.get_wallet(user("ann"))).await.unwrap();
    assert!(without_header.metadata().get(capabilities::HEADER).is_none());
}
