//! Resting orders over the wire: accepted, executed by the tick that meets them, rejected, cancelled, listed and sent to
//! the player's sessions, also after a restart and over several casinos.

#![allow(clippy::cognitive_complexity, reason = "each assertion counts as a branch")]

mod support;

use std::time::Duration;

use awesomestock_proto::capabilities::ORDERS_SEEN_HEADER;
use awesomestock_proto::casino::{
    Action, ActionOutcome, ActionResult, CancelOrderRequest, GambleType, Order, OrderState, OrderUpdate,
    Orders, TimeInForce, Wallet,
};
use awesomestock_proto::{ACCEPTED_MESSAGE, CANCELLED_MESSAGE, EXECUTED_MESSAGE};
use casino_server::{Options, PriceModel, StoreUrl, market_prices};
use support::cluster::{Cluster, connect};
use support::{
    CasinoClientExt, Client, FIXED_PRICE_TICK, Session, TestCasino, buy, ledger_path, sell,
    unreachable_payments, user, with_timeout,
};
use tempfile::TempDir;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

const FEEDS: &str = "ticks,wallet,ids,orders";

fn resting(action: Action, id: u8) -> Action {
    Action {
        id: vec![id; 16],
        time_in_force: TimeInForce::UntilCancelled.into(),
        ..action
    }
}

/// Rests until a price of `limit_price` or better.
fn limit(action: Action, limit_price: i32, id: u8) -> Action {
    Action {
        limit_price,
        ..resting(action, id)
    }
}

/// Rests until a price of `stop_price` or worse.
fn stop(action: Action, stop_price: i32, id: u8) -> Action {
    Action {
        stop_price,
        ..resting(action, id)
    }
}

async fn cancel(client: &mut Client, id: &[u8]) -> Result<Order, Status> {
    let request = CancelOrderRequest {
        user: Some(user("ann")),
        id: id.to_vec(),
    };
    Ok(with_timeout(client.cancel_order(request)).await?.into_inner())
}

async fn orders(client: &mut Client) -> Orders {
    with_timeout(client.get_orders(user("ann")))
        .await
        .unwrap()
        .into_inner()
}

/// Opens a session of ann that has seen the ends of orders up to the number `seen`.
async fn session_after(client: &mut Client, seen: i64) -> Session {
    let mut metadata = MetadataMap::new();
    metadata.insert(ORDERS_SEEN_HEADER, seen.to_string().parse().unwrap());
    client.try_open_session("ann", FEEDS, &metadata).await.unwrap()
}

async fn execute(session: &mut Session, action: Action) -> ActionResult {
    session.send(action).await;
    session.next_result().await
}

/// Returns the next order that another session has placed or that has ended.
async fn next_order(session: &mut Session) -> OrderUpdate {
    loop {
        let info = session.next().await.unwrap().expect("an order");
        if info.r#type() == GambleType::Order {
            return info.order.unwrap();
        }
    }
}

/// Returns the next order that has ended.
async fn next_end(session: &mut Session) -> OrderUpdate {
    loop {
        let update = next_order(session).await;
        if update.order.as_ref().unwrap().state() != OrderState::OrderOpen {
            return update;
        }
    }
}

async fn next_wallet(session: &mut Session) -> Wallet {
    loop {
        let info = session.next().await.unwrap().expect("a wallet");
        if info.r#type() == GambleType::Wallet {
            return info.wallet.unwrap();
        }
    }
}

fn ids(orders: &[Order]) -> Vec<u8> {
    orders.iter().map(|order| order.id[0]).collect()
}

/// The engine of a test's ledger: SQLite, or the PostgreSQL database at a URL.
struct Engine(Option<String>);

impl Engine {
    async fn open(&self, folder: TempDir, tick: Duration) -> TestCasino {
        let set = |options: &mut Options| {
            options.tick = tick;
            options.bots = 0;
            if let Some(url) = &self.0 {
                options.store = url.parse().unwrap();
            }
        };
        TestCasino::open(folder, set, unreachable_payments()).await
    }

    /// Opens a new casino with a fixed price of 10.
    async fn open_new(&self) -> TestCasino {
        self.open(tempfile::tempdir().unwrap(), FIXED_PRICE_TICK).await
    }

    async fn restart(&self, casino: TestCasino, tick: Duration) -> TestCasino {
        let (served, folder) = casino.close().await;
        served.unwrap();
        self.open(folder, tick).await
    }

    /// Stops the casino and checks its ledger.
    async fn check(&self, casino: TestCasino) {
        let (served, folder) = casino.close().await;
        served.unwrap();
        let store = match &self.0 {
            Some(url) => url.parse().unwrap(),
            None => StoreUrl::Sqlite(ledger_path(&folder)),
        };
        let checked = tokio::task::spawn_blocking(move || {
            let mut differences = Vec::new();
            let totals = casino_server::check(&store, |difference| differences.push(difference.to_string()));
            (differences, totals.unwrap().orders)
        });
        let (differences, orders) = checked.await.unwrap();
        assert_eq!(differences, Vec::<String>::new());
        assert!(orders > 0);
    }
}

/// Orders that are rejected, with the reasons. Order 1 of ann buys 5 stocks at 9.
fn invalid_orders() -> Vec<(Action, &'static str)> {
    vec![
        (
            limit(buy("ann", 6), 9, 1),
            "id: already used for a different request",
        ),
        (limit(buy("ann", 0), 9, 4), "stocks_count: 0 is below 1"),
        (
            limit(buy("ann", 1), -1, 4),
            "limit_price: -1 is below 0; 0 is no limit",
        ),
        (
            stop(buy("ann", 1), -1, 4),
            "stop_price: -1 is below 0; 0 is no stop",
        ),
        (
            resting(buy("ann", 1), 4),
            "limit_price, stop_price: an order until cancelled needs one of them",
        ),
        (
            stop(limit(buy("ann", 1), 9, 4), 11, 4),
            "limit_price, stop_price: an order until cancelled needs one of them",
        ),
        (
            Action {
                stop_price: 11,
                ..buy("ann", 1)
            },
            "stop_price: only an order until cancelled has one",
        ),
        (
            Action {
                time_in_force: 7,
                ..buy("ann", 1)
            },
            "time_in_force: 7 is not one: 0 is IMMEDIATE, 1 is UNTIL_CANCELLED",
        ),
        (
            Action {
                id: Vec::new(),
                ..limit(buy("ann", 1), 9, 0)
            },
            "id: an order that rests needs one",
        ),
        (
            Action {
                id: Vec::new(),
                ..limit(buy("ann", 1), 10, 0)
            },
            "id: an order that rests needs one",
        ),
    ]
}

async fn check_acceptance(engine: &Engine) {
    let mut casino = engine.open_new().await;
    casino.client.deposit("ann", 100).await.unwrap();
    let mut session = casino.client.open_session("ann", FEEDS).await;
    assert_eq!(session.capabilities.as_deref(), Some("ticks,wallet,ids,orders"));
    let order = limit(buy("ann", 5), 9, 1);
    let accepted = execute(&mut session, order.clone()).await;
    assert_eq!(
        (accepted.msg.as_str(), accepted.outcome(), accepted.trade),
        (ACCEPTED_MESSAGE, ActionOutcome::OutcomeAccepted, None)
    );
    let rests = accepted.order.clone().unwrap();
    assert_eq!(
        (
            rests.state(),
            rests.stocks_count,
            rests.limit_price,
            rests.stop_price
        ),
        (OrderState::OrderOpen, 5, 9, 0)
    );
    assert_eq!(
        (rests.id, rests.end_number, rests.ended_unix_ms),
        (vec![1; 16], 0, 0)
    );
    assert_eq!(accepted.wallet.unwrap().tokens, 500, "nothing is reserved");
    assert_eq!(
        execute(&mut session, order.clone()).await,
        accepted,
        "it is repeated"
    );
    // The current price meets it, so it executes at once.
    let bought = execute(&mut session, limit(buy("ann", 5), 10, 2)).await;
    assert_eq!((bought.msg.as_str(), bought.order), (EXECUTED_MESSAGE, None));
    assert_eq!(bought.trade.unwrap().price, 10);
    let rejected = execute(&mut session, stop(sell("ann", 50), 10, 3)).await;
    assert_eq!(
        (rejected.msg.as_str(), rejected.order),
        ("you have 5 stocks, not 50", None)
    );
    for (action, message) in invalid_orders() {
        assert_eq!(session.execute(action).await, message);
    }
    for id in 10..41 {
        assert_eq!(
            session.execute(limit(buy("ann", 1), 9, id)).await,
            ACCEPTED_MESSAGE
        );
    }
    assert_eq!(
        session.execute(limit(buy("ann", 1), 9, 41)).await,
        "you have 32 open orders, the maximum: cancel one first"
    );
    assert_eq!(orders(&mut casino.client).await.open.len(), 32);
    engine.check(casino).await;
}

async fn check_cancellation(engine: &Engine) {
    let mut casino = engine.open_new().await;
    casino.client.deposit("ann", 100).await.unwrap();
    let mut sessions = [
        casino.client.open_session("ann", FEEDS).await,
        casino.client.open_session("ann", FEEDS).await,
        casino.client.open_session("ann", "ticks,wallet").await,
    ];
    let order = stop(buy("ann", 5), 11, 1);
    for action in [order.clone(), limit(sell("ann", 5), 11, 2)] {
        assert_eq!(sessions[0].execute(action).await, ACCEPTED_MESSAGE);
    }
    assert_eq!(ids(&orders(&mut casino.client).await.open), [1, 2]);
    let mut cancelled = cancel(&mut casino.client, &[1; 16]).await.unwrap();
    assert_eq!(cancelled.state(), OrderState::OrderCancelled);
    assert!(cancelled.end_number > 0 && cancelled.ended_unix_ms >= cancelled.placed_unix_ms);
    assert_eq!(cancelled.cancelled_by_call.take(), Some(true));
    let mut again = cancel(&mut casino.client, &[1; 16]).await.unwrap();
    assert_eq!(again.cancelled_by_call.take(), Some(false));
    assert_eq!(again, cancelled);
    for session in &mut sessions[..2] {
        let update = next_end(session).await;
        assert_eq!(update.order, Some(cancelled.clone()));
        assert_eq!(update.wallet.unwrap().tokens, 500);
    }
    let listed = orders(&mut casino.client).await;
    assert_eq!(
        (ids(&listed.open), listed.ended),
        (vec![2], vec![cancelled.clone()])
    );
    let repeated = execute(&mut sessions[0], order).await;
    assert_eq!(
        (repeated.msg.as_str(), repeated.outcome()),
        (CANCELLED_MESSAGE, ActionOutcome::OutcomeCancelled)
    );
    assert_eq!(repeated.order, Some(cancelled));
    for (id, code, message) in [
        (&[9; 16][..], Code::NotFound, "id: you have no order with it"),
        (&[], Code::InvalidArgument, "id: expected 16 bytes, got 0"),
        (&[1; 3], Code::InvalidArgument, "id: expected 16 bytes, got 3"),
    ] {
        let status = cancel(&mut casino.client, id).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (code, message));
    }
    // A session without the capability gets nothing but what it asked for.
    let mut other = sessions.into_iter().next_back().unwrap();
    other.half_close();
    while let Some(info) = other.next().await.unwrap() {
        assert!(
            info.order.is_none() && info.r#type() != GambleType::Order,
            "{info:?}"
        );
    }
    engine.check(casino).await;
}

/// More orders end while the player is away than are listed.
async fn check_many_ends(engine: &Engine) {
    const ENDS: u8 = 210;
    let mut casino = engine.open_new().await;
    casino.client.deposit("ann", 100).await.unwrap();
    let mut session = casino.client.open_session("ann", "ticks,wallet,ids").await;
    let mut numbers = Vec::new();
    for id in 1..=ENDS {
        assert_eq!(
            session.execute(limit(buy("ann", 5), 9, id)).await,
            ACCEPTED_MESSAGE
        );
        numbers.push(cancel(&mut casino.client, &[id; 16]).await.unwrap().end_number);
    }
    let (newest, listed) = (*numbers.last().unwrap(), orders(&mut casino.client).await.ended);
    let listed: Vec<i64> = listed.iter().map(|order| order.end_number).collect();
    assert_eq!(listed, numbers[numbers.len() - 100..]);
    for (seen, expected) in [(0, listed.as_slice()), (numbers[0], &numbers[1..]), (newest, &[])] {
        let mut session = session_after(&mut casino.client, seen).await;
        let mut received = Vec::new();
        while received.len() < expected.len() {
            received.push(next_end(&mut session).await.order.unwrap().end_number);
        }
        assert_eq!(received, expected, "after {seen}");
        session.half_close();
        while let Some(info) = session.next().await.unwrap() {
            assert_ne!(info.r#type(), GambleType::Order, "after {seen}: {info:?}");
        }
    }
    engine.check(casino).await;
}

/// A cancel may overtake the order, which then comes to rest after it or is unknown.
async fn check_overtaking_cancel(engine: &Engine) {
    let mut casino = engine.open_new().await;
    casino.client.deposit("ann", 100).await.unwrap();
    let mut session = casino.client.open_session("ann", "ticks,wallet,ids").await;
    for id in 1..=100 {
        session.send(limit(buy("ann", 5), 9, id)).await;
        match cancel(&mut casino.client, &[id; 16]).await {
            Ok(order) => assert_eq!(order.state(), OrderState::OrderCancelled),
            Err(status) => {
                assert_eq!(status.code(), Code::NotFound);
                session.next_result().await;
                cancel(&mut casino.client, &[id; 16]).await.unwrap();
                continue;
            }
        }
        session.next_result().await;
    }
    engine.check(casino).await;
}

/// Returns the tick that meets an order which `is_met`, by the market's prices, and its price.
fn first_tick(is_met: impl Fn(i32) -> bool) -> (i64, i32) {
    let mut ticks = (0..).zip(market_prices(PriceModel::Classic, 7, 10)).skip(1);
    ticks.find(|(_, price)| is_met(*price)).unwrap()
}

async fn check_execution(engine: &Engine) {
    let mut casino = engine.open_new().await;
    casino.client.deposit("ann", 100).await.unwrap();
    let mut session = casino.client.open_session("ann", FEEDS).await;
    assert_eq!(session.execute(buy("ann", 20)).await, EXECUTED_MESSAGE);
    let up_to = |action| Action {
        up_to: true,
        ..action
    };
    for action in [
        limit(sell("ann", 5), 11, 1),
        limit(sell("ann", 16), 11, 2),
        up_to(stop(sell("ann", 100), 9, 3)),
        stop(buy("ann", 1), 11, 4),
        limit(buy("ann", 1), 8, 5),
        limit(buy("ann", 2), 1, 6),
    ] {
        assert_eq!(session.execute(action).await, ACCEPTED_MESSAGE);
    }
    // The player is away, and the casino stops before a tick.
    drop(session);
    let mut casino = engine.restart(casino, Duration::from_millis(10)).await;
    assert!(orders(&mut casino.client).await.open.len() <= 6);
    let mut session = session_after(&mut casino.client, 0).await;
    let mut ended = Vec::new();
    while ended.len() < 5 {
        ended.push(next_end(&mut session).await.order.unwrap());
    }
    assert!(ended.iter().map(|order| order.end_number).is_sorted());
    let (rise, fall) = (first_tick(|price| price >= 11), first_tick(|price| price <= 9));
    let low = first_tick(|price| price <= 8);
    for (id, stocks, tick) in [(1, 5, rise), (4, 1, rise), (3, 16, fall), (5, 1, low)] {
        let order = ended.iter().find(|order| order.id == [id; 16]).unwrap();
        let trade = order.trade.unwrap();
        assert_eq!(order.state(), OrderState::OrderFilled);
        assert_eq!(
            (trade.stocks_count, (trade.tick, trade.price)),
            (stocks, tick),
            "order {id}"
        );
    }
    // Oldest first: the first sale left 15 stocks.
    assert_eq!(ids(&ended)[..3], [1, 2, 4]);
    assert_eq!(ended[1].state(), OrderState::OrderRefused);
    assert_eq!(ended[1].msg, "you have 15 stocks, not 16");
    let mut lost = cancel(&mut casino.client, &[1; 16]).await.unwrap();
    assert_eq!(lost.cancelled_by_call.take(), Some(false));
    assert_eq!(lost, ended[0], "the fill came first");
    let repeated = execute(&mut session, limit(sell("ann", 5), 11, 1)).await;
    assert_eq!(
        (repeated.outcome(), repeated.trade, repeated.order),
        (
            ActionOutcome::OutcomeExecuted,
            ended[0].trade,
            Some(ended[0].clone())
        )
    );
    // Each session gets the ends that its client has not seen.
    let mut later = session_after(&mut casino.client, ended[2].end_number).await;
    for expected in &ended[3..] {
        assert_eq!(next_end(&mut later).await.order.as_ref(), Some(expected));
    }
    let listed = orders(&mut casino.client).await;
    assert_eq!(listed.ended[..5], ended[..]);
    drop((session, later));
    engine.check(casino).await;
}

/// Sessions of ann, at casinos that may be different, get what calls and the other session have changed, and what they have
/// changed themselves in their answers only.
async fn check_other_session([here, there]: [&mut Client; 2]) {
    here.deposit("ann", 100).await.unwrap();
    let mut sessions = [
        here.open_session("ann", FEEDS).await,
        there.open_session("ann", FEEDS).await,
    ];
    for session in &mut sessions {
        assert_eq!(next_wallet(session).await.tokens, 500);
    }
    here.deposit("ann", 10).await.unwrap();
    for session in &mut sessions {
        assert_eq!(next_wallet(session).await.tokens, 550);
    }
    let [mut first, mut second] = sessions;
    assert_eq!(first.execute(buy("ann", 1)).await, EXECUTED_MESSAGE);
    here.deposit("ann", 20).await.unwrap();
    assert_eq!(
        next_wallet(&mut first).await.tokens,
        640,
        "not after its own trade"
    );
    while next_wallet(&mut second).await.tokens != 640 {}

    for id in [1, 2] {
        let (session, other) = match id {
            1 => (&mut first, &mut second),
            _ => (&mut second, &mut first),
        };
        let accepted = session.execute(limit(buy("ann", 5), 9, id)).await;
        assert_eq!(accepted, ACCEPTED_MESSAGE);
        let placed = next_order(other).await;
        let order = placed.order.unwrap();
        assert_eq!((order.state(), order.id), (OrderState::OrderOpen, vec![id; 16]));
        assert_eq!(placed.wallet.unwrap().tokens, 640);
    }
    let mut cancelled = cancel(there, &[1; 16]).await.unwrap();
    assert_eq!(cancelled.cancelled_by_call.take(), Some(true));
    for session in [&mut first, &mut second] {
        assert_eq!(next_order(session).await.order.as_ref(), Some(&cancelled));
    }
    // A session that opens later gets no order that the list has.
    let mut later = session_after(there, cancelled.end_number).await;
    cancel(here, &[2; 16]).await.unwrap();
    assert_eq!(next_order(&mut later).await.order.unwrap().id, [2; 16]);
    // An old client asked for the wallet at the start only.
    let mut old = here.open_session("ann", "ticks,wallet").await;
    here.deposit("ann", 1).await.unwrap();
    assert_eq!(next_wallet(&mut old).await.tokens, 640);
    old.half_close();
    while let Some(info) = old.next().await.unwrap() {
        assert_eq!(info.r#type(), GambleType::StockInfo);
    }
}

#[tokio::test]
async fn a_session_gets_what_another_one_has_changed() {
    let casino = Engine(None).open_new().await;
    let [mut here, mut there] = [casino.client.clone(), casino.client.clone()];
    check_other_session([&mut here, &mut there]).await;
    Engine(None).check(casino).await;
    let Some(cluster) = Cluster::start() else { return };
    let engine = Engine(Some(cluster.database("sessions")));
    let mut casinos = [engine.open_new().await, engine.open_new().await];
    check_other_session(casinos.each_mut().map(|casino| &mut casino.client)).await;
    for casino in casinos {
        casino.close().await.0.unwrap();
    }
}

#[tokio::test]
async fn an_order_that_no_price_meets_yet_is_accepted() {
    check_acceptance(&Engine(None)).await;
}

#[tokio::test]
async fn a_cancelled_order_is_sent_to_each_session_of_the_player() {
    check_cancellation(&Engine(None)).await;
}

#[tokio::test]
async fn a_session_gets_all_ends_that_the_player_has_not_seen() {
    check_many_ends(&Engine(None)).await;
}

#[tokio::test]
async fn a_cancel_never_answers_an_open_order() {
    check_overtaking_cancel(&Engine(None)).await;
    let Some(cluster) = Cluster::start() else { return };
    check_overtaking_cancel(&Engine(Some(cluster.database("overtaken")))).await;
}

#[tokio::test]
async fn the_first_tick_that_meets_an_order_executes_it_after_a_restart_too() {
    check_execution(&Engine(None)).await;
}

#[tokio::test]
async fn orders_rest_on_a_shared_ledger() {
    let Some(cluster) = Cluster::start() else { return };
    let engine = |name| Engine(Some(cluster.database(name)));
    check_acceptance(&engine("acceptance")).await;
    check_cancellation(&engine("cancellation")).await;
    check_many_ends(&engine("ends")).await;
    check_execution(&engine("execution")).await;
}

#[tokio::test]
async fn an_order_that_cannot_be_executed_does_not_stop_a_shared_market() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("stuck");
    let engine = Engine(Some(url.clone()));
    let mut casino = engine.open_new().await;
    casino.client.deposit("ann", 100).await.unwrap();
    let mut session = casino.client.open_session("ann", FEEDS).await;
    assert_eq!(
        session.execute(limit(buy("ann", 5), 1, 1)).await,
        ACCEPTED_MESSAGE
    );
    drop(session);
    // Every price meets the order in the index, but hardly one its terms.
    let ledger = connect(&url).await;
    ledger
        .execute("UPDATE orders SET price = 2147483647", &[])
        .await
        .unwrap();
    let casino = engine.restart(casino, Duration::from_millis(10)).await;
    let mut session = casino.client.clone().open_session("ann", FEEDS).await;
    while session.next_price().await.tick < 3 {}
    drop(session);
    casino.close().await.0.unwrap();
}

#[tokio::test]
async fn an_end_reaches_the_sessions_at_every_casino() {
    let Some(cluster) = Cluster::start() else { return };
    let engine = Engine(Some(cluster.database("three")));
    let mut casinos = [
        engine.open_new().await,
        engine.open_new().await,
        engine.open_new().await,
    ];
    casinos[0].client.deposit("ann", 100).await.unwrap();
    let mut sessions = Vec::new();
    for casino in &mut casinos {
        sessions.push(casino.client.open_session("ann", FEEDS).await);
    }
    assert_eq!(
        sessions[0].execute(limit(buy("ann", 5), 9, 1)).await,
        ACCEPTED_MESSAGE
    );
    let mut cancelled = cancel(&mut casinos[1].client, &[1; 16]).await.unwrap();
    assert_eq!(cancelled.cancelled_by_call.take(), Some(true));
    for session in &mut sessions {
        assert_eq!(next_end(session).await.order, Some(cancelled.clone()));
    }
    for casino in casinos {
        casino.close().await.0.unwrap();
    }
}

#[tokio::test]
async fn a_session_for_orders_needs_a_player_and_a_number() {
    let mut casino = TestCasino::with_fixed_price().await;
    let mut metadata = MetadataMap::new();
    metadata.insert(ORDERS_SEEN_HEADER, "many".parse().unwrap());
    for (name, metadata, message) in [
        ("", MetadataMap::new(), "the name is missing"),
        (
            "ann",
            metadata,
            "awesomestock-orders-seen: expected a number from 0 to 9223372036854775807",
        ),
    ] {
        let opened = casino.client.try_open_session(name, "orders", &metadata).await;
        let status = opened.err().unwrap();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(
            status.message().contains(message) || name.is_empty(),
            "{}",
            status.message()
        );
    }
}
