//! One table, many seats: one price for everybody, results in order, an end that everybody hears of.

// The allowance for tests in the lint's configuration does not reach the helpers between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{collections::BTreeMap, time::Duration};

use awesomestock_proto::{EXECUTED_MESSAGE, capabilities, text::thousands};
use prost::Message;
use support::{ALL_FEEDS, Asks, House, Seat, buy, raw, sell, soon};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

/// Moves fast enough for a test to see a few.
fn fast(options: &mut casino_server::Options) {
    options.tick = Duration::from_millis(10);
}

/// The prices that a seat hears of, by tick, until it has heard of `last`.
async fn prices_until(seat: &mut Seat, last: i64) -> BTreeMap<i64, i32> {
    let mut prices = BTreeMap::new();
    loop {
        let price = seat.price().await;
        let newest = prices.last_key_value().map(|(tick, _)| *tick);
        assert!(newest < Some(price.tick), "{newest:?} then {}", price.tick);
        prices.insert(price.tick, price.price);
        if price.tick >= last {
            return prices;
        }
    }
}

#[tokio::test]
async fn everybody_sees_the_same_prices_and_each_tick_is_kept() {
    let mut house = House::with(fast).await;
    let mut ann = house.client.sit("ann", capabilities::TICKS).await;
    let mut bob = house.client.sit("bob", capabilities::TICKS).await;
    let (ann, bob) = tokio::join!(prices_until(&mut ann, 20), prices_until(&mut bob, 20));
    let history: BTreeMap<i64, i32> = house.client.prices().await.into_iter().collect();
    for (tick, price) in ann.iter().chain(&bob) {
        assert_eq!(history.get(tick), Some(price), "tick {tick}");
    }
    let numbers: Vec<i64> = history.keys().copied().collect();
    assert_eq!(
        numbers,
        (0..).take(numbers.len()).collect::<Vec<_>>(),
        "no tick left out"
    );
}

#[tokio::test]
async fn seats_do_not_move_the_price() {
    let mut house = House::standing().await;
    let mut seats = Vec::new();
    for number in 0..20 {
        let name = format!("p{number}");
        house.client.deposit(&name, 10).await.unwrap();
        let mut seat = house.client.sit(&name, capabilities::TICKS).await;
        assert_eq!(seat.price().await.tick, 0);
        seats.push((name, seat));
    }
    for _ in 0..3 {
        for (name, seat) in &mut seats {
            assert_eq!(seat.play(buy(name, 1)).await, EXECUTED_MESSAGE);
        }
    }
    for (name, mut seat) in seats {
        seat.act(sell(&name, 1)).await;
        seat.half_close();
        // Nothing but the result: not one price since the one on joining.
        let result = seat.next().await.unwrap().unwrap();
        assert_eq!(result.result.unwrap().msg, EXECUTED_MESSAGE);
        assert_eq!(seat.next().await.unwrap(), None);
    }
    assert_eq!(house.client.prices().await, [(0, 10)]);
}

#[tokio::test]
async fn an_order_is_executed_at_its_limit_or_better_or_not_at_all() {
    let mut house = House::standing().await;
    house.client.deposit("ann", 100).await.unwrap();
    let mut seat = house.client.sit("ann", capabilities::LIMITS).await;
    assert_eq!(seat.capabilities.as_deref(), Some(capabilities::LIMITS));
    let above = "buying at 10 tokens is above your limit of 9 tokens";
    let below = "selling at 10 tokens is below your limit of 11 tokens";
    for (action, limit_price, said) in [
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
        assert_eq!(seat.play(action).await, said);
    }
    assert_eq!(house.client.wallet("ann").await.stocks, 1);
}

#[tokio::test]
async fn an_order_up_to_a_count_is_executed_as_far_as_the_account_allows() {
    let mut house = House::standing().await;
    house.client.deposit("ann", 11).await.unwrap();
    let mut seat = house.client.sit("ann", capabilities::UP_TO).await;
    assert_eq!(seat.capabilities.as_deref(), Some(capabilities::UP_TO));
    let too_many = "buying 90 stocks at 10 tokens costs 900 tokens, you have 55 tokens";
    let not_one = "buying 1 stock at 10 tokens costs 10 tokens, you have 5 tokens";
    for (action, up_to, said, (tokens, stocks)) in [
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
        assert_eq!(seat.play(action).await, said);
        let wallet = house.client.wallet("ann").await;
        assert_eq!((wallet.tokens, wallet.stocks), (tokens, stocks), "{said}");
    }
}

#[tokio::test]
async fn the_same_seed_is_the_same_game() {
    let game = async |seed| {
        let mut house = House::with(|options| {
            fast(options);
            options.seed = Some(seed);
        })
        .await;
        prices_until(&mut house.client.sit("ann", capabilities::TICKS).await, 10).await;
        let prices = house.client.prices().await;
        house.close().await.0.unwrap();
        prices.into_iter().take(11).collect::<Vec<_>>()
    };
    let first = game(1).await;
    assert_eq!(game(1).await, first);
    assert_ne!(game(2).await, first);
}

#[tokio::test]
async fn a_restarted_market_goes_on_with_the_price_and_the_seed_it_had() {
    let house = House::with(|options| {
        fast(options);
        options.seed = Some(5);
    })
    .await;
    let mut client = house.client.clone();
    prices_until(&mut client.sit("ann", capabilities::TICKS).await, 8).await;
    let (closed, folder) = house.close().await;
    closed.unwrap();

    let again = |options: &mut casino_server::Options| {
        fast(options);
        options.seed = None;
        options.initial_price = 999;
    };
    let mut house = House::open(folder, again, support::nowhere()).await;
    prices_until(&mut house.client.sit("ann", capabilities::TICKS).await, 16).await;
    let whole = house.client.prices().await;

    let mut unstopped = House::with(|options| {
        fast(options);
        options.seed = Some(5);
    })
    .await;
    prices_until(&mut unstopped.client.sit("ann", capabilities::TICKS).await, 16).await;
    assert_eq!(whole[..17], unstopped.client.prices().await[..17]);
}

#[tokio::test]
async fn five_thousand_actions_sent_before_anything_is_read_are_answered_in_order() {
    let mut house = House::standing().await;
    house.client.deposit("ann", 100).await.unwrap();
    let mut seat = house.client.sit("ann", ALL_FEEDS).await;
    // Each of its own size, so that an answer tells which action it is for.
    for count in 1..=5_000 {
        seat.act(sell("ann", count)).await;
    }
    seat.half_close();
    for count in 1..=5_000 {
        let expected = format!("you have 0 stocks, not {}", thousands(count));
        assert_eq!(seat.result().await.msg, expected);
    }
    assert_eq!(seat.next().await.unwrap(), None);
}

#[tokio::test]
async fn small_frames_left_unread_do_not_end_the_connection() {
    let mut house = House::with(fast).await;
    house.client.deposit("ann", 10).await.unwrap();
    let mut slow = Vec::new();
    for _ in 0..4 {
        let seat = house.client.sit("ann", "").await;
        slow.push(seat);
    }
    // A frame for each action: the sender is polled again only after the frame before went out.
    for _ in 0..1_000 {
        for seat in &slow {
            seat.act(sell("ann", 1)).await;
            tokio::task::yield_now().await;
        }
    }
    let mut other = house.client.sit("bob", "").await;
    assert!(other.play(buy("bob", 1)).await.starts_with("buying 1 stock"));
    for mut seat in slow {
        seat.half_close();
        let mut results = 0;
        while let Some(info) = seat.next().await.unwrap() {
            results += usize::from(info.result.is_some());
        }
        assert_eq!(results, 1_000);
    }
}

#[tokio::test]
async fn a_player_may_leave_in_the_middle_of_an_action() {
    let mut house = House::standing().await;
    house.client.deposit("ann", 1_000).await.unwrap();
    let seat = house.client.sit("ann", "").await;
    for _ in 0..100 {
        seat.act(buy("ann", 1)).await;
    }
    drop(seat);
    let mut again = house.client.sit("ann", "").await;
    assert_eq!(again.play(buy("ann", 1)).await, EXECUTED_MESSAGE);
    let wallet = house.client.wallet("ann").await;
    let trades = house.client.trades_of("ann").await;
    assert_eq!(trades.len(), usize::try_from(wallet.stocks).unwrap());
    assert_eq!(wallet.tokens, 5_000 - 10 * wallet.stocks);
    house.close().await.0.unwrap();
}

#[tokio::test]
async fn at_the_word_to_stop_every_seat_ends_unavailable_and_the_ledger_is_closed() {
    let mut house = House::standing().await;
    house.client.deposit("ann", 100).await.unwrap();
    let mut seats = Vec::new();
    for _ in 0..50 {
        let mut seat = house.client.sit("ann", ALL_FEEDS).await;
        seat.price().await;
        seats.push(seat);
    }
    let wallet = house.client.wallet("ann").await;
    let closing = tokio::spawn(house.close());
    for mut seat in seats {
        let status = seat.try_result().await.unwrap_err();
        assert_eq!(
            (status.code(), status.message()),
            (Code::Unavailable, "the casino is stopping")
        );
    }
    let (closed, folder) = soon(closing).await.unwrap();
    closed.unwrap();
    assert!(
        !folder.path().join("casino.db-wal").exists(),
        "any tool can read the one file"
    );
    let mut house = House::open(
        folder,
        |options| options.tick = support::STANDING,
        support::nowhere(),
    )
    .await;
    assert_eq!(house.client.wallet("ann").await, wallet);
}

#[tokio::test]
async fn a_second_casino_on_the_ledger_is_rejected() {
    let house = House::standing().await;
    let path = support::ledger_in(&house.folder);
    let refused = casino_server::Casino::open(casino_server::Options::new(&path), support::nowhere()).await;
    let expected = format!(
        "the ledger {} is in use by another casino: stop it first",
        path.display()
    );
    assert_eq!(refused.unwrap_err().to_string(), expected);
}

#[tokio::test]
async fn options_out_of_bounds_open_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let options = casino_server::Options::new(support::ledger_in(&folder));
    let slow = casino_server::Options {
        tick: Duration::from_secs(3_601),
        ..options.clone()
    };
    let free = casino_server::Options {
        initial_price: 0,
        ..options
    };
    for (options, said) in [
        (slow, "tick: 3601s is not between 10ms and 1h"),
        (free, "initial price: 0 is below 1"),
    ] {
        let refused = casino_server::Casino::open(options, support::nowhere()).await;
        assert_eq!(refused.unwrap_err().to_string(), said);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

/// What an old client gets, byte for byte: written by hand, so that nothing new can slip in.
#[tokio::test]
async fn an_old_client_receives_the_old_messages_and_nothing_else() {
    let mut house = House::standing().await;
    house.client.deposit("ann", 2).await.unwrap();
    let (actions, outbound) = tokio::sync::mpsc::channel(4);
    let response = soon(raw::gamble(house.channel.clone(), ReceiverStream::new(outbound)))
        .await
        .unwrap();
    assert!(response.metadata().get(capabilities::HEADER).is_none());
    let mut messages = response.into_inner();
    let price = soon(messages.message()).await.unwrap().unwrap();
    assert_eq!(price, b"\x12\x10\x0a\x0cAwesomeStock\x10\x0a");
    actions.send(buy("ann", 1).encode_to_vec()).await.unwrap();
    let executed = soon(messages.message()).await.unwrap().unwrap();
    assert_eq!(
        executed,
        b"\x08\x01\x1a\x21\x0a\x1foperation executed successfully"
    );
    actions.send(sell("ann", 2).encode_to_vec()).await.unwrap();
    let refused = soon(messages.message()).await.unwrap().unwrap();
    let words = b"you have 1 stock, not 2";
    let lengths = [words.len() + 2, words.len()].map(|length| u8::try_from(length).unwrap());
    let expected = [b"\x08\x01\x1a", &lengths[..1], b"\x0a", &lengths[1..], words].concat();
    assert_eq!(refused, expected);
    // Bytes that are no message end the stream, as they would any call.
    actions.send(b"\xff\xff".to_vec()).await.unwrap();
    assert_eq!(soon(messages.message()).await.unwrap_err().code(), Code::Internal);
}
