//! Each method of the contract and its rejections.

mod support;

use awesomestock_proto::casino::{
    ActionOutcome, ActionType, GambleType, PriceHistoryRequest, TradesRequest, WithdrawRequest,
};
use awesomestock_proto::types::{Payment, User};
use awesomestock_proto::{EXECUTED_MESSAGE, STOCK_NAME};
use support::{CasinoClientExt, TestCasino, buy, sell, user, with_timeout};
use tonic::Code;

fn withdrawal(name: &str, tokens_cnt: i32) -> WithdrawRequest {
    WithdrawRequest {
        user: Some(user(name)),
        tokens_cnt,
        ..WithdrawRequest::default()
    }
}

#[tokio::test]
async fn deposits_and_withdrawals_are_recorded_as_payments() {
    let mut casino = TestCasino::with_fixed_price().await;
    let client = &mut casino.client;
    assert_eq!(client.deposit("ann", 10).await.unwrap(), 50);
    assert_eq!(
        client.deposit("ann", 1).await.unwrap(),
        5,
        "the tokens of this payment, not the balance"
    );
    let paid = with_timeout(client.withdraw(withdrawal("ann", 25)))
        .await
        .unwrap()
        .into_inner();
    assert_eq!((paid.user, paid.amount, paid.number), (Some(user("ann")), 5, 3));
    let balance = with_timeout(client.get_token_balance(user("ann")))
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
    casino.close().await.0.unwrap();
}

#[tokio::test]
async fn an_unknown_player_has_nothing() {
    let mut casino = TestCasino::with_fixed_price().await;
    let client = &mut casino.client;
    assert_eq!(
        with_timeout(client.get_token_balance(user("unknown")))
            .await
            .unwrap()
            .into_inner()
            .count,
        0
    );
    assert_eq!(
        client.wallet("unknown").await,
        awesomestock_proto::casino::Wallet::default()
    );
    assert!(client.payments_of("unknown").await.is_empty());
    assert!(client.trades_of("unknown").await.is_empty());
}

#[tokio::test]
async fn invalid_payments_are_rejected_and_change_nothing() {
    let mut casino = TestCasino::with_fixed_price().await;
    let client = &mut casino.client;
    client.deposit("ann", 10).await.unwrap();
    for (dollars, code, message) in [
        (0, Code::InvalidArgument, "amount: 0 is below 1"),
        (-5, Code::InvalidArgument, "amount: -5 is below 1"),
        (
            i32::MAX,
            Code::FailedPrecondition,
            "a balance of 50 tokens plus 10,737,418,235 exceeds the maximum of 2,147,483,647",
        ),
    ] {
        let status = client.deposit("ann", dollars).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (code, message), "{dollars}");
    }
    for (tokens, code, message) in [
        (0, Code::InvalidArgument, "tokens_cnt: 0 is below 1"),
        (-5, Code::InvalidArgument, "tokens_cnt: -5 is below 1"),
        (
            12,
            Code::InvalidArgument,
            "tokens_cnt: 12 is not a multiple of 5; the nearest amounts: 10 or 15",
        ),
        (55, Code::FailedPrecondition, "you have 50 tokens, not 55"),
    ] {
        let status = with_timeout(client.withdraw(withdrawal("ann", tokens)))
            .await
            .unwrap_err();
        assert_eq!((status.code(), status.message()), (code, message), "{tokens}");
    }
    assert_eq!(client.wallet("ann").await.version, 1);
    assert_eq!(client.payments_of("ann").await.len(), 1);
}

#[tokio::test]
async fn invalid_names_are_rejected_by_every_method_and_never_echoed() {
    let mut casino = TestCasino::with_fixed_price().await;
    let client = &mut casino.client;
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
        let rejected = [
            with_timeout(client.buy_tokens(payment)).await.unwrap_err(),
            with_timeout(client.withdraw(withdraw)).await.unwrap_err(),
            with_timeout(client.get_token_balance(named.clone()))
                .await
                .unwrap_err(),
            with_timeout(client.get_payments(named.clone()))
                .await
                .unwrap_err(),
            with_timeout(client.get_payment_statement(named.clone()))
                .await
                .unwrap_err(),
            with_timeout(client.get_wallet(named)).await.unwrap_err(),
            with_timeout(client.get_trades(trades)).await.unwrap_err(),
        ];
        for status in rejected {
            assert_eq!(status.code(), Code::InvalidArgument, "{name:?}");
            assert!(
                status.message().starts_with("user: a name "),
                "{}",
                status.message()
            );
            assert!(!status.message().contains('\u{1b}'));
        }
    }
    let unnamed = Payment {
        user: None,
        amount: 1,
        ..Payment::default()
    };
    let status = with_timeout(client.buy_tokens(unnamed)).await.unwrap_err();
    assert_eq!(status.message(), "user: a name is needed, 1 to 32 characters");
}

#[tokio::test]
async fn the_first_example_of_the_rules() {
    let mut casino = TestCasino::with_options(|options| {
        options.tick = support::FIXED_PRICE_TICK;
        options.initial_price = Some(15);
    })
    .await;
    casino.client.deposit("ann", 10).await.unwrap();
    let mut session = casino.client.open_session("ann", "").await;
    let price = session.next_price().await;
    assert_eq!((price.name.as_str(), price.price), (STOCK_NAME, 15));
    assert_eq!(session.execute(buy("ann", 3)).await, EXECUTED_MESSAGE);
    let wallet = casino.client.wallet("ann").await;
    assert_eq!((wallet.tokens, wallet.stocks, wallet.cost_basis), (5, 3, 45));
    let rejected = session.execute(buy("ann", 1)).await;
    assert_eq!(
        rejected,
        "buying 1 stock at 15 tokens costs 15 tokens, you have 5 tokens"
    );
    assert_eq!(
        casino.client.wallet("ann").await,
        wallet,
        "a rejected action changes nothing"
    );
}

#[tokio::test]
async fn the_second_example_of_the_rules() {
    let mut casino = TestCasino::with_fixed_price().await;
    casino.client.deposit("ann", 9).await.unwrap();
    let mut session = casino.client.open_session("ann", "").await;
    assert_eq!(session.execute(buy("ann", 3)).await, EXECUTED_MESSAGE);
    assert_eq!(casino.client.wallet("ann").await.tokens, 15);
    assert_eq!(session.execute(sell("ann", 2)).await, EXECUTED_MESSAGE);
    let wallet = casino.client.wallet("ann").await;
    assert_eq!((wallet.tokens, wallet.stocks), (35, 1));
    assert_eq!(session.execute(sell("ann", 50)).await, "you have 1 stock, not 50");
}

#[tokio::test]
async fn invalid_actions_are_rejected_and_the_stream_continues() {
    let mut casino = TestCasino::with_fixed_price().await;
    casino.client.deposit("ann", 10).await.unwrap();
    let mut session = casino.client.open_session("ann", "").await;
    let mut unknown = buy("ann", 1);
    unknown.r#type = 2;
    let mut unnamed = buy("ann", 1);
    unnamed.user = None;
    for (action, message) in [
        (unknown, "type: 2 is not an action type: 0 is BUY, 1 is SELL"),
        (unnamed, "user: a name is needed, 1 to 32 characters"),
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
        assert_eq!(session.execute(action).await, message);
    }
    assert_eq!(session.execute(buy("ann", 1)).await, EXECUTED_MESSAGE);
    session.half_close();
    assert_eq!(session.next().await.unwrap(), None);
}

#[tokio::test]
async fn a_client_receives_the_feeds_it_asked_for_and_their_names() {
    let mut casino = TestCasino::with_fixed_price().await;
    casino.client.deposit("Ægir", 10).await.unwrap();
    let mut session = casino.client.open_session("Ægir", "futures,ticks,wallet").await;
    assert_eq!(session.capabilities.as_deref(), Some("ticks,wallet"));
    let price = session.next_price().await;
    assert_eq!((price.tick, price.interval_ms), (0, 3_600_000));
    assert!(price.at_unix_ms > 0);
    let joining = session.next().await.unwrap().unwrap();
    assert_eq!(joining.r#type(), GambleType::Wallet);
    assert_eq!(joining.wallet.unwrap(), casino.client.wallet("Ægir").await);

    session.send(buy("Ægir", 2)).await;
    let bought = session.next_result().await;
    assert_eq!(bought.outcome(), ActionOutcome::OutcomeExecuted);
    let trade = bought.trade.unwrap();
    let received = (
        trade.number,
        trade.r#type(),
        trade.stocks_count,
        trade.price,
        trade.tick,
    );
    assert_eq!(received, (1, ActionType::Buy, 2, 10, 0));
    assert_eq!(bought.wallet.unwrap(), casino.client.wallet("Ægir").await);
    assert_eq!(casino.client.trades_of("Ægir").await, [trade]);

    session.send(sell("Ægir", 3)).await;
    let rejected = session.next_result().await;
    assert_eq!(
        (rejected.outcome(), rejected.trade),
        (ActionOutcome::OutcomeRefused, None)
    );
    assert_eq!(rejected.wallet, bought.wallet);
}

#[tokio::test]
async fn a_session_with_the_wallet_feed_needs_a_name() {
    let mut casino = TestCasino::with_fixed_price().await;
    let mut request = tonic::Request::new(tokio_stream::pending());
    request.metadata_mut().insert(
        awesomestock_proto::capabilities::HEADER,
        "wallet".parse().unwrap(),
    );
    let status = with_timeout(casino.client.gamble(request)).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.message(), "user: a name is needed, 1 to 32 characters");
}

#[tokio::test]
async fn trades_and_prices_are_paged() {
    let mut casino = TestCasino::with_fixed_price().await;
    casino.client.deposit("ann", 100).await.unwrap();
    let mut session = casino.client.open_session("ann", "").await;
    for _ in 0..5 {
        assert_eq!(session.execute(buy("ann", 1)).await, EXECUTED_MESSAGE);
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
        let page = with_timeout(casino.client.get_trades(request))
            .await
            .unwrap()
            .into_inner();
        let seen: Vec<_> = page.trades.iter().map(|trade| trade.number).collect();
        assert_eq!((seen, page.more), (numbers, more));
    }
    assert_eq!(casino.client.prices().await, [(0, 10)]);
    for (before_number, limit, message) in [
        (0, 1_001, "limit: 1001 is not between 0 and 1000"),
        (0, -1, "limit: -1 is not between 0 and 1000"),
        (-1, 1, "before_number: -1 is below 0"),
    ] {
        let request = TradesRequest {
            user: Some(user("ann")),
            before_number,
            limit,
        };
        let status = with_timeout(casino.client.get_trades(request)).await.unwrap_err();
        assert_eq!(
            (status.code(), status.message()),
            (Code::InvalidArgument, message)
        );
    }
    for (before_tick, limit, message) in [
        (0, 10_001, "limit: 10001 is not between 0 and 10000"),
        (-1, 1, "before_tick: -1 is below 0"),
    ] {
        let request = PriceHistoryRequest { before_tick, limit };
        let status = with_timeout(casino.client.get_price_history(request))
            .await
            .unwrap_err();
        assert_eq!(
            (status.code(), status.message()),
            (Code::InvalidArgument, message)
        );
    }
}

#[tokio::test]
async fn an_oversized_message_is_out_of_range_and_affects_no_other_session() {
    let mut casino = TestCasino::with_fixed_price().await;
    let mut other = casino.client.open_session("bob", "").await;
    let huge = "x".repeat(70_000);
    let status = casino.client.deposit(&huge, 1).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange);
    let mut session = casino.client.open_session("ann", "").await;
    session.send(buy("ann", 1)).await;
    session.send(buy(&huge, 1)).await;
    assert!(session.next_result().await.msg.starts_with("buying 1 stock"));
    assert_eq!(
        session.try_next_result().await.unwrap_err().code(),
        Code::OutOfRange
    );
    assert!(other.execute(buy("bob", 1)).await.starts_with("buying 1 stock"));
}
