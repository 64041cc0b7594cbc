//! The methods of the contract, one after the other, with what they refuse.

// The allowance for tests in the lint's configuration does not reach the helpers between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use awesomestock_proto::{
    EXECUTED_MESSAGE, STOCK_NAME,
    casino::{ActionOutcome, ActionType, GambleType, PriceHistoryRequest, TradesRequest, WithdrawRequest},
    types::{Payment, User},
};
use support::{Asks, House, buy, sell, soon, user};
use tonic::Code;

fn withdrawal(name: &str, tokens_cnt: i32) -> WithdrawRequest {
    WithdrawRequest {
        user: Some(user(name)),
        tokens_cnt,
        ..WithdrawRequest::default()
    }
}

#[tokio::test]
async fn dollars_go_in_and_out_and_every_payment_is_kept() {
    let mut house = House::standing().await;
    let client = &mut house.client;
    assert_eq!(client.deposit("ann", 10).await.unwrap(), 50);
    assert_eq!(
        client.deposit("ann", 1).await.unwrap(),
        5,
        "the tokens of this payment, not the balance"
    );
    let paid = soon(client.withdraw(withdrawal("ann", 25)))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((paid.user, paid.amount, paid.number), (Some(user("ann")), 5, 3));
    let balance = soon(client.get_token_balance(user("ann")))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(balance.count, 30);
    let payments = client.payments_of("ann").await;
    let seen: Vec<_> = payments
        .iter()
        .map(|payment| (payment.number, payment.amount))
        .collect();
    assert_eq!(seen, [(1, -10), (2, -1), (3, 5)]);
    assert!(
        payments
            .iter()
            .all(|payment| payment.created_unix_ms > 0 && payment.user == Some(user("ann")))
    );
    let wallet = client.wallet("ann").await;
    assert_eq!(
        (wallet.dollars_in, wallet.dollars_out, wallet.version),
        (11, 5, 3)
    );
    house.close().await.0.unwrap();
}

#[tokio::test]
async fn a_player_nobody_knows_has_nothing() {
    let mut house = House::standing().await;
    let client = &mut house.client;
    assert_eq!(
        soon(client.get_token_balance(user("nobody")))
            .await
            .unwrap()
            .into_inner()
            .count,
        0
    );
    assert_eq!(
        client.wallet("nobody").await,
        awesomestock_proto::casino::Wallet::default()
    );
    assert!(client.payments_of("nobody").await.is_empty());
    assert!(client.trades_of("nobody").await.is_empty());
}

#[tokio::test]
async fn bad_payments_are_refused_in_words_and_change_nothing() {
    let mut house = House::standing().await;
    let client = &mut house.client;
    client.deposit("ann", 10).await.unwrap();
    for (dollars, code, said) in [
        (0, Code::InvalidArgument, "amount: 0 is below 1"),
        (-5, Code::InvalidArgument, "amount: -5 is below 1"),
        (
            i32::MAX,
            Code::FailedPrecondition,
            "a balance of 50 tokens plus 10,737,418,235 exceeds the maximum of 2,147,483,647",
        ),
    ] {
        let status = client.deposit("ann", dollars).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (code, said), "{dollars}");
    }
    for (tokens, code, said) in [
        (0, Code::InvalidArgument, "tokens_cnt: 0 is below 1"),
        (-5, Code::InvalidArgument, "tokens_cnt: -5 is below 1"),
        (
            12,
            Code::InvalidArgument,
            "tokens_cnt: 12 is not a multiple of 5; the nearest amounts: 10 or 15",
        ),
        (55, Code::FailedPrecondition, "you have 50 tokens, not 55"),
    ] {
        let status = soon(client.withdraw(withdrawal("ann", tokens)))
            .await
            .unwrap_err();
        assert_eq!((status.code(), status.message()), (code, said), "{tokens}");
    }
    assert_eq!(client.wallet("ann").await.version, 1);
    assert_eq!(client.payments_of("ann").await.len(), 1);
}

#[tokio::test]
async fn bad_names_are_refused_by_every_method_and_never_repeated() {
    let mut house = House::standing().await;
    let client = &mut house.client;
    let long = "x".repeat(33);
    for name in ["", "a b", "a\u{1b}[31mb", &long] {
        let named = User { id: name.to_owned() };
        let user = Some(named.clone());
        let payment = Payment {
            user: user.clone(),
            amount: 1,
            ..Payment::default()
        };
        let withdraw = WithdrawRequest {
            user: user.clone(),
            tokens_cnt: 5,
            ..WithdrawRequest::default()
        };
        let trades = TradesRequest {
            user,
            ..TradesRequest::default()
        };
        let refused = [
            soon(client.buy_tokens(payment)).await.unwrap_err(),
            soon(client.withdraw(withdraw)).await.unwrap_err(),
            soon(client.get_token_balance(named.clone())).await.unwrap_err(),
            soon(client.get_payments(named.clone())).await.unwrap_err(),
            soon(client.get_payment_statement(named.clone()))
                .await
                .unwrap_err(),
            soon(client.get_wallet(named)).await.unwrap_err(),
            soon(client.get_trades(trades)).await.unwrap_err(),
        ];
        for status in refused {
            assert_eq!(status.code(), Code::InvalidArgument, "{name:?}");
            assert!(
                status.message().starts_with("user: a name "),
                "{}",
                status.message()
            );
            assert!(!status.message().contains('\u{1b}'));
        }
    }
    let nobody = Payment {
        user: None,
        amount: 1,
        ..Payment::default()
    };
    let status = soon(client.buy_tokens(nobody)).await.unwrap_err();
    assert_eq!(status.message(), "user: a name is needed, 1 to 32 characters");
}

#[tokio::test]
async fn the_first_example_of_the_rules() {
    let mut house = House::with(|options| {
        options.tick = support::STANDING;
        options.initial_price = 15;
    })
    .await;
    house.client.deposit("ann", 10).await.unwrap();
    let mut seat = house.client.sit("ann", "").await;
    let price = seat.price().await;
    assert_eq!((price.name.as_str(), price.price), (STOCK_NAME, 15));
    assert_eq!(seat.play(buy("ann", 3)).await, EXECUTED_MESSAGE);
    let wallet = house.client.wallet("ann").await;
    assert_eq!((wallet.tokens, wallet.stocks, wallet.cost_basis), (5, 3, 45));
    let refused = seat.play(buy("ann", 1)).await;
    assert_eq!(
        refused,
        "buying 1 stock at 15 tokens costs 15 tokens, you have 5 tokens"
    );
    assert_eq!(
        house.client.wallet("ann").await,
        wallet,
        "a refused action changes nothing"
    );
}

#[tokio::test]
async fn the_second_example_of_the_rules() {
    let mut house = House::standing().await;
    house.client.deposit("ann", 9).await.unwrap();
    let mut seat = house.client.sit("ann", "").await;
    assert_eq!(seat.play(buy("ann", 3)).await, EXECUTED_MESSAGE);
    assert_eq!(house.client.wallet("ann").await.tokens, 15);
    assert_eq!(seat.play(sell("ann", 2)).await, EXECUTED_MESSAGE);
    let wallet = house.client.wallet("ann").await;
    assert_eq!((wallet.tokens, wallet.stocks), (35, 1));
    assert_eq!(seat.play(sell("ann", 50)).await, "you have 1 stock, not 50");
}

#[tokio::test]
async fn bad_actions_are_refused_in_words_and_the_stream_goes_on() {
    let mut house = House::standing().await;
    house.client.deposit("ann", 10).await.unwrap();
    let mut seat = house.client.sit("ann", "").await;
    let mut unknown = buy("ann", 1);
    unknown.r#type = 2;
    let mut nobody = buy("ann", 1);
    nobody.user = None;
    for (action, said) in [
        (unknown, "type: 2 is no type of action; 0 is BUY, 1 is SELL"),
        (nobody, "user: a name is needed, 1 to 32 characters"),
        (
            buy("a\u{7}", 1),
            "user: a name has letters, digits and _ - . only; character 2 is U+0007",
        ),
        (buy("ann", 0), "stocks_count: 0 is below 1"),
        (sell("ann", -1), "stocks_count: -1 is below 1"),
        (
            buy("ann", i32::MAX),
            "buying 2,147,483,647 stocks at 10 tokens costs 21,474,836,470 tokens, you have 50 tokens",
        ),
        (sell("ann", i32::MAX), "you have 0 stocks, not 2,147,483,647"),
    ] {
        assert_eq!(seat.play(action).await, said);
    }
    assert_eq!(seat.play(buy("ann", 1)).await, EXECUTED_MESSAGE);
    seat.half_close();
    assert_eq!(seat.next().await.unwrap(), None);
}

#[tokio::test]
async fn a_client_that_asks_for_feeds_gets_them_and_is_told_which() {
    let mut house = House::standing().await;
    house.client.deposit("Ægir", 10).await.unwrap();
    let mut seat = house.client.sit("Ægir", "futures,ticks,wallet").await;
    assert_eq!(seat.capabilities.as_deref(), Some("ticks,wallet"));
    let price = seat.price().await;
    assert_eq!((price.tick, price.interval_ms), (0, 3_600_000));
    assert!(price.at_unix_ms > 0);
    let joining = seat.next().await.unwrap().unwrap();
    assert_eq!(joining.r#type(), GambleType::Wallet);
    assert_eq!(joining.wallet.unwrap(), house.client.wallet("Ægir").await);

    seat.act(buy("Ægir", 2)).await;
    let bought = seat.result().await;
    assert_eq!(bought.outcome(), ActionOutcome::OutcomeExecuted);
    let trade = bought.trade.unwrap();
    let told = (
        trade.number,
        trade.r#type(),
        trade.stocks_count,
        trade.price,
        trade.tick,
    );
    assert_eq!(told, (1, ActionType::Buy, 2, 10, 0));
    assert_eq!(bought.wallet.unwrap(), house.client.wallet("Ægir").await);
    assert_eq!(house.client.trades_of("Ægir").await, [trade]);

    seat.act(sell("Ægir", 3)).await;
    let refused = seat.result().await;
    assert_eq!(
        (refused.outcome(), refused.trade),
        (ActionOutcome::OutcomeRefused, None)
    );
    assert_eq!(refused.wallet, bought.wallet);
}

#[tokio::test]
async fn a_seat_with_the_wallet_feed_needs_a_name() {
    let mut house = House::standing().await;
    let mut request = tonic::Request::new(tokio_stream::pending());
    request.metadata_mut().insert(
        awesomestock_proto::capabilities::HEADER,
        "wallet".parse().unwrap(),
    );
    let status = soon(house.client.gamble(request)).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.message(), "user: a name is needed, 1 to 32 characters");
}

#[tokio::test]
async fn pages_of_trades_and_prices() {
    let mut house = House::standing().await;
    house.client.deposit("ann", 100).await.unwrap();
    let mut seat = house.client.sit("ann", "").await;
    for _ in 0..5 {
        assert_eq!(seat.play(buy("ann", 1)).await, EXECUTED_MESSAGE);
    }
    for (before_number, limit, numbers, more) in [
        (0, 0, vec![1, 2, 3, 4, 5], false),
        (0, 2, vec![4, 5], true),
        (4, 3, vec![1, 2, 3], false),
        (1, 3, vec![], false),
    ] {
        let request = TradesRequest {
            user: Some(user("ann")),
            before_number,
            limit,
        };
        let page = soon(house.client.get_trades(request)).await.unwrap().into_inner();
        let seen: Vec<_> = page.trades.iter().map(|trade| trade.number).collect();
        assert_eq!((seen, page.more), (numbers, more));
    }
    assert_eq!(house.client.prices().await, [(0, 10)]);
    for (before_number, limit, said) in [
        (0, 1_001, "limit: 1001 is not between 0 and 1000"),
        (0, -1, "limit: -1 is not between 0 and 1000"),
        (-1, 1, "before_number: -1 is below 0"),
    ] {
        let request = TradesRequest {
            user: Some(user("ann")),
            before_number,
            limit,
        };
        let status = soon(house.client.get_trades(request)).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::InvalidArgument, said));
    }
    for (before_tick, limit, said) in [
        (0, 10_001, "limit: 10001 is not between 0 and 10000"),
        (-1, 1, "before_tick: -1 is below 0"),
    ] {
        let request = PriceHistoryRequest { before_tick, limit };
        let status = soon(house.client.get_price_history(request)).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::InvalidArgument, said));
    }
}

#[tokio::test]
async fn a_message_over_the_bound_is_out_of_range_and_hurts_nobody_else() {
    let mut house = House::standing().await;
    let mut other = house.client.sit("bob", "").await;
    let huge = "x".repeat(70_000);
    let status = house.client.deposit(&huge, 1).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange);
    let mut seat = house.client.sit("ann", "").await;
    seat.act(buy("ann", 1)).await;
    seat.act(buy(&huge, 1)).await;
    assert!(seat.result().await.msg.starts_with("buying 1 stock"));
    assert_eq!(seat.try_result().await.unwrap_err().code(), Code::OutOfRange);
    assert!(other.play(buy("bob", 1)).await.starts_with("buying 1 stock"));
}
