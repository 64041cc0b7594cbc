//! Sessions: all see the same prices, results arrive in order, and every session ends with a status.

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use awesomestock_proto::text::thousands;
use awesomestock_proto::{EXECUTED_MESSAGE, capabilities};
use prost::Message;
use support::{ALL_FEEDS, CasinoClientExt, Session, TestCasino, buy, raw, sell, with_timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

/// Sets a tick fast enough for a test.
fn fast(options: &mut casino_server::Options) {
    options.tick = Duration::from_millis(10);
}

/// Returns the received prices by tick, up to tick `last`.
async fn prices_until(session: &mut Session, last: i64) -> BTreeMap<i64, i32> {
    let mut prices = BTreeMap::new();
    loop {
        let price = session.next_price().await;
        let newest = prices.last_key_value().map(|(tick, _)| *tick);
        assert!(newest < Some(price.tick), "{newest:?} then {}", price.tick);
        prices.insert(price.tick, price.price);
        if price.tick >= last {
            return prices;
        }
    }
}

#[tokio::test]
async fn all_sessions_see_the_same_prices_and_each_tick_is_stored() {
    let mut casino = TestCasino::with_options(fast).await;
    let mut ann = casino.client.open_session("ann", "ticks").await;
    let mut bob = casino.client.open_session("bob", "ticks").await;
    let (ann, bob) = tokio::join!(prices_until(&mut ann, 20), prices_until(&mut bob, 20));
    let history: BTreeMap<i64, i32> = casino.client.prices().await.into_iter().collect();
    for (tick, price) in ann.iter().chain(&bob) {
        assert_eq!(history.get(tick), Some(price), "tick {tick}");
    }
    let numbers: Vec<i64> = history.keys().copied().collect();
    assert_eq!(
        numbers,
        (0..).take(numbers.len()).collect::<Vec<_>>(),
        "every tick is stored"
    );
}

#[tokio::test]
async fn players_do_not_move_the_price() {
    let mut casino = TestCasino::with_fixed_price().await;
    let mut sessions = Vec::new();
    for number in 0..20 {
        let name = format!("p{number}");
        casino.client.deposit(&name, 10).await.unwrap();
        let mut session = casino.client.open_session(&name, "ticks").await;
        assert_eq!(session.next_price().await.tick, 0);
        sessions.push((name, session));
    }
    for _ in 0..3 {
        for (name, session) in &mut sessions {
            assert_eq!(session.execute(buy(name, 1)).await, EXECUTED_MESSAGE);
        }
    }
    for (name, mut session) in sessions {
        session.send(sell(&name, 1)).await;
        session.half_close();
        // Only the result: no price after the first one.
        let result = session.next().await.unwrap().unwrap();
        assert_eq!(result.result.unwrap().msg, EXECUTED_MESSAGE);
        assert_eq!(session.next().await.unwrap(), None);
    }
    assert_eq!(casino.client.prices().await, [(0, 10)]);
}

#[tokio::test]
async fn an_order_is_executed_at_its_limit_or_better_or_not_at_all() {
    let mut casino = TestCasino::with_fixed_price().await;
    casino.client.deposit("ann", 100).await.unwrap();
    let mut session = casino.client.open_session("ann", "limits").await;
    assert_eq!(session.capabilities.as_deref(), Some("limits"));
    let above = "buying at 10 tokens is above your limit of 9 tokens";
    let below = "selling at 10 tokens is below your limit of 11 tokens";
    for (action, limit_price, message) in [
        (buy("ann", 3), 9, above),
        (buy("ann", 3), 10, EXECUTED_MESSAGE),
        (sell("ann", 1), 11, below),
        (sell("ann", 1), 10, EXECUTED_MESSAGE),
        (sell("ann", 1), 0, EXECUTED_MESSAGE),
        (buy("ann", 1), -5, "limit_price: -5 is below 0; 0 is no limit"),
    ] {
        let action = awesomestock_proto::casino::Action {
            limit_price,
            ..action
        };
        assert_eq!(session.execute(action).await, message);
    }
    assert_eq!(casino.client.wallet("ann").await.stocks, 1);
}

#[tokio::test]
async fn an_up_to_order_is_executed_as_far_as_the_account_allows() {
    let mut casino = TestCasino::with_fixed_price().await;
    casino.client.deposit("ann", 11).await.unwrap();
    let mut session = casino.client.open_session("ann", "up-to").await;
    assert_eq!(session.capabilities.as_deref(), Some("up-to"));
    let too_many = "buying 90 stocks at 10 tokens costs 900 tokens, you have 55 tokens";
    let not_one = "buying 1 stock at 10 tokens costs 10 tokens, you have 5 tokens";
    for (action, up_to, message, (tokens, stocks)) in [
        (buy("ann", 90), false, too_many, (55, 0)),
        (buy("ann", 90), true, EXECUTED_MESSAGE, (5, 5)),
        (buy("ann", 90), true, not_one, (5, 5)),
        (sell("ann", 90), false, "you have 5 stocks, not 90", (5, 5)),
        (sell("ann", 2), true, EXECUTED_MESSAGE, (25, 3)),
        (sell("ann", i32::MAX), true, EXECUTED_MESSAGE, (55, 0)),
        (sell("ann", 1), true, "you have 0 stocks, not 1", (55, 0)),
        (buy("ann", 0), true, "stocks_count: 0 is below 1", (55, 0)),
    ] {
        let action = awesomestock_proto::casino::Action { up_to, ..action };
        assert_eq!(session.execute(action).await, message);
        let wallet = casino.client.wallet("ann").await;
        assert_eq!((wallet.tokens, wallet.stocks), (tokens, stocks), "{message}");
    }
}

#[tokio::test]
async fn the_same_seed_produces_the_same_prices() {
    let prices_of = async |seed| {
        let mut casino = TestCasino::with_options(|options| {
            fast(options);
            options.seed = Some(seed);
        })
        .await;
        prices_until(&mut casino.client.open_session("ann", "ticks").await, 10).await;
        let prices = casino.client.prices().await;
        casino.close().await.0.unwrap();
        prices.into_iter().take(11).collect::<Vec<_>>()
    };
    let first = prices_of(1).await;
    assert_eq!(prices_of(1).await, first);
    assert_ne!(prices_of(2).await, first);
}

#[tokio::test]
async fn a_restarted_market_continues_with_its_price_and_seed() {
    let casino = TestCasino::with_options(|options| {
        fast(options);
        options.seed = Some(5);
    })
    .await;
    let mut client = casino.client.clone();
    prices_until(&mut client.open_session("ann", "ticks").await, 8).await;
    let (closed, folder) = casino.close().await;
    closed.unwrap();

    let reopen = |options: &mut casino_server::Options| {
        fast(options);
        options.seed = None;
        options.initial_price = Some(999);
    };
    let mut casino = TestCasino::open(folder, reopen, support::unreachable_payments()).await;
    prices_until(&mut casino.client.open_session("ann", "ticks").await, 16).await;
    let interrupted = casino.client.prices().await;

    let mut uninterrupted = TestCasino::with_options(|options| {
        fast(options);
        options.seed = Some(5);
    })
    .await;
    prices_until(&mut uninterrupted.client.open_session("ann", "ticks").await, 16).await;
    assert_eq!(interrupted[..17], uninterrupted.client.prices().await[..17]);
}

#[tokio::test]
async fn five_thousand_actions_sent_before_reading_are_answered_in_order() {
    let mut casino = TestCasino::with_fixed_price().await;
    casino.client.deposit("ann", 100).await.unwrap();
    let mut session = casino.client.open_session("ann", ALL_FEEDS).await;
    // Each has its own size, which identifies its answer.
    for count in 1..=5_000 {
        session.send(sell("ann", count)).await;
    }
    session.half_close();
    for count in 1..=5_000 {
        let expected = format!("you have 0 stocks, not {}", thousands(count));
        assert_eq!(session.next_result().await.msg, expected);
    }
    assert_eq!(session.next().await.unwrap(), None);
}

#[tokio::test]
async fn unread_small_frames_do_not_end_the_connection() {
    let mut casino = TestCasino::with_options(fast).await;
    casino.client.deposit("ann", 10).await.unwrap();
    let mut slow = Vec::new();
    for _ in 0..4 {
        let session = casino.client.open_session("ann", "").await;
        slow.push(session);
    }
    // One frame per action: the sender is polled again only after the previous frame was sent.
    for _ in 0..1_000 {
        for session in &slow {
            session.send(sell("ann", 1)).await;
            tokio::task::yield_now().await;
        }
    }
    let mut other = casino.client.open_session("bob", "").await;
    assert!(other.execute(buy("bob", 1)).await.starts_with("buying 1 stock"));
    for mut session in slow {
        session.half_close();
        let mut results = 0;
        while let Some(info) = session.next().await.unwrap() {
            results += usize::from(info.result.is_some());
        }
        assert_eq!(results, 1_000);
    }
}

#[tokio::test]
async fn a_player_may_disconnect_during_an_action() {
    let mut casino = TestCasino::with_fixed_price().await;
    casino.client.deposit("ann", 1_000).await.unwrap();
    let session = casino.client.open_session("ann", "").await;
    for _ in 0..100 {
        session.send(buy("ann", 1)).await;
    }
    drop(session);
    let mut again = casino.client.open_session("ann", "").await;
    assert_eq!(again.execute(buy("ann", 1)).await, EXECUTED_MESSAGE);
    let wallet = casino.client.wallet("ann").await;
    let trades = casino.client.trades_of("ann").await;
    assert_eq!(trades.len(), usize::try_from(wallet.stocks).unwrap());
    assert_eq!(wallet.tokens, 5_000 - 10 * wallet.stocks);
    casino.close().await.0.unwrap();
}

#[tokio::test]
async fn a_shutdown_ends_all_sessions_as_unavailable_and_closes_the_ledger() {
    let mut casino = TestCasino::with_fixed_price().await;
    casino.client.deposit("ann", 100).await.unwrap();
    let mut sessions = Vec::new();
    for _ in 0..50 {
        let mut session = casino.client.open_session("ann", ALL_FEEDS).await;
        session.next_price().await;
        sessions.push(session);
    }
    let wallet = casino.client.wallet("ann").await;
    let closing = tokio::spawn(casino.close());
    for mut session in sessions {
        let status = session.try_next_result().await.unwrap_err();
        assert_eq!(
            (status.code(), status.message()),
            (Code::Unavailable, "the casino is stopping")
        );
    }
    let (closed, folder) = with_timeout(closing).await.unwrap();
    closed.unwrap();
    assert!(
        !folder.path().join("casino.db-wal").exists(),
        "the ledger is a single file without a WAL"
    );
    let mut casino = TestCasino::open(
        folder,
        |options| options.tick = support::FIXED_PRICE_TICK,
        support::unreachable_payments(),
    )
    .await;
    assert_eq!(casino.client.wallet("ann").await, wallet);
}

#[tokio::test]
async fn a_second_casino_on_the_ledger_is_rejected() {
    let casino = TestCasino::with_fixed_price().await;
    let path = support::ledger_path(&casino.folder);
    let rejected = casino_server::Casino::open(
        casino_server::Options::new(&path),
        support::unreachable_payments(),
    )
    .await;
    let expected = format!(
        "the ledger {} is in use by another casino: stop it first",
        path.display()
    );
    assert_eq!(rejected.unwrap_err().to_string(), expected);
}

#[tokio::test]
async fn options_out_of_bounds_are_rejected_before_anything_is_created() {
    let folder = tempfile::tempdir().unwrap();
    let options = casino_server::Options::new(support::ledger_path(&folder));
    let slow = casino_server::Options {
        tick: Duration::from_secs(3_601),
        ..options.clone()
    };
    let free = casino_server::Options {
        initial_price: Some(0),
        ..options
    };
    for (options, message) in [
        (slow, "tick: 3601s is not between 10ms and 1h"),
        (free, "initial price: 0 is below 1"),
    ] {
        let rejected = casino_server::Casino::open(options, support::unreachable_payments()).await;
        assert_eq!(rejected.unwrap_err().to_string(), message);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

/// The bytes that an old client receives, written by hand so that nothing new can be added unnoticed.
#[tokio::test]
async fn an_old_client_receives_the_old_messages_and_nothing_else() {
    let mut casino = TestCasino::with_fixed_price().await;
    casino.client.deposit("ann", 2).await.unwrap();
    let (actions, outbound) = tokio::sync::mpsc::channel(4);
    let response = with_timeout(raw::gamble(casino.channel.clone(), ReceiverStream::new(outbound)))
        .await
        .unwrap();
    assert!(response.metadata().get(capabilities::HEADER).is_none());
    let mut messages = response.into_inner();
    let price = with_timeout(messages.message()).await.unwrap().unwrap();
    assert_eq!(price, b"\x12\x10\x0a\x0cAwesomeStock\x10\x0a");
    actions.send(buy("ann", 1).encode_to_vec()).await.unwrap();
    let executed = with_timeout(messages.message()).await.unwrap().unwrap();
    assert_eq!(
        executed,
        b"\x08\x01\x1a\x21\x0a\x1foperation executed successfully"
    );
    actions.send(sell("ann", 2).encode_to_vec()).await.unwrap();
    let rejected = with_timeout(messages.message()).await.unwrap().unwrap();
    let message = b"you have 1 stock, not 2";
    let lengths = [message.len() + 2, message.len()].map(|length| u8::try_from(length).unwrap());
    let expected = [b"\x08\x01\x1a", &lengths[..1], b"\x0a", &lengths[1..], message].concat();
    assert_eq!(rejected, expected);
    // An invalid message ends the stream, like any call.
    actions.send(b"\xff\xff".to_vec()).await.unwrap();
    assert_eq!(
        with_timeout(messages.message()).await.unwrap_err().code(),
        Code::Internal
    );
}
