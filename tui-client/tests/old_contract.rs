//! Our client with a casino that speaks only the old contract.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use awesomestock::{
    app::{
        event::{OrderResult, Request, Response, StreamEvent},
        lobby::Capabilities,
        portfolio::money::Side,
    },
    client::{Client, Order, SessionEnd},
};
use awesomestock_proto::transport;
use support::{
    Home,
    old_casino::{NASTY_WORDS, OldCasino},
};

async fn client() -> Client {
    let address = OldCasino::serve().await;
    let endpoint = transport::endpoint(&format!("http://{address}")).unwrap();
    Client::new(endpoint.connect_lazy(), "anna".to_owned(), None)
}

#[tokio::test]
async fn what_it_does_not_know_is_not_asked_of_it() {
    let client = client().await;
    let bought = Response::TokensBought {
        dollars: 100,
        tokens: 500,
    };
    assert_eq!(client.call(Request::BuyTokens(100)).await.unwrap(), bought);
    assert_eq!(
        client.call(Request::Holdings).await.unwrap(),
        Response::Tokens(500)
    );
    assert_eq!(
        client.call(Request::History { before: None }).await.unwrap(),
        Response::History {
            before: None,
            prices: Vec::new(),
            more: false
        }
    );
    assert_eq!(
        client.call(Request::Trades).await.unwrap(),
        Response::Trades(Vec::new())
    );
    let Response::Payments(rows) = client.call(Request::Payments).await.unwrap() else {
        panic!("payments are payments");
    };
    let rows: Vec<_> = rows.iter().map(|row| (row.number, row.at, row.dollars)).collect();
    assert_eq!(rows, [(1, None, -100)]);
}

#[tokio::test]
async fn its_table_tells_prices_and_results_and_ends_well() {
    let client = client().await;
    client.call(Request::BuyTokens(10)).await.unwrap();
    let (mut seat, orders) = client.open_session().await.unwrap();
    assert!(!seat.is_extended());
    let StreamEvent::Price {
        tick: None,
        price: 10,
        at: None,
        interval_ms: None,
    } = seat.next().await.unwrap()
    else {
        panic!("a price comes first, and nothing is made up");
    };
    assert_eq!(seat.capabilities(), Capabilities::default());
    for (count, executed, message) in [
        (2, true, "operation executed successfully"),
        (50, false, NASTY_WORDS),
    ] {
        orders.try_send(Order::new(Side::Buy, count)).unwrap();
        let StreamEvent::Result(result) = seat.next().await.unwrap() else {
            panic!("each order has its result");
        };
        let told = OrderResult {
            executed,
            message: message.to_owned(),
            price: None,
            count: None,
            tick: None,
            at: None,
            wallet: None,
        };
        assert_eq!(result, told);
    }
    drop(orders);
    assert_eq!(seat.next().await.unwrap_err(), SessionEnd::Closed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_whole_plain_game_at_it() {
    let address = OldCasino::serve().await;
    let url = format!("http://{address}");
    let script = "buyTokens 100\ngamble\nbuy 2\nsell 1\nsell 50\nstop\nbalance\nwithdraw 5\npayments\n\
                  paymentStatement\nexit\n";
    let said = tokio::task::spawn_blocking(move || {
        Home::new().answers(&["--user", "anna", "--casino", &url], script)
    });
    let expected = [
        "bought 500 tokens for 100 dollars",
        "AwesomeStock - current stock price: 10",
        "operation executed successfully",
        "operation executed successfully",
        "not enough \u{FFFD}[2Jtokens\u{FFFD}\u{FFFD}\u{FFFD}!",
        "you left the table",
        "490 tokens",
        "withdrew 5 tokens: 1 dollar paid out",
        "payment 1: -100 dollars",
        "payment 2: 1 dollar",
        "Statement",
        "FINAL BALANCE \u{FFFD}]0;x\u{FFFD}0",
    ];
    assert_eq!(said.await.unwrap(), expected);
}
