//! The client at a casino with the old contract.

mod support;

use awesomestock::app::event::{OrderResult, Request, Response, StreamEvent};
use awesomestock::app::lobby::Capabilities;
use awesomestock::app::portfolio::money::Side;
use awesomestock::client::{Client, Order, SessionEnd, Terms};
use awesomestock_proto::transport;
use support::Home;
use support::old_casino::{HOSTILE_MESSAGE, OldCasino};

async fn client() -> Client {
    let address = OldCasino::serve().await;
    let endpoint = transport::endpoint(&format!("http://{address}")).unwrap();
    Client::new(endpoint.connect_lazy(), "anna".to_owned(), None)
}

#[tokio::test]
async fn unsupported_requests_are_not_sent() {
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
        panic!("expected payments");
    };
    let rows: Vec<_> = rows.iter().map(|row| (row.number, row.at, row.dollars)).collect();
    assert_eq!(rows, [(1, None, -100)]);
}

#[tokio::test]
async fn a_session_has_prices_and_results_and_ends_cleanly() {
    let client = client().await;
    client.call(Request::BuyTokens(10)).await.unwrap();
    let (mut session, orders) = client.open_session().await.unwrap();
    assert!(!session.is_extended());
    let StreamEvent::Price {
        tick: None,
        price: 10,
        at: None,
        interval_ms: None,
    } = session.next().await.unwrap()
    else {
        panic!("expected a price without invented values");
    };
    assert_eq!(session.capabilities(), Capabilities::default());
    for (count, executed, message) in [
        (2, true, "operation executed successfully"),
        (50, false, HOSTILE_MESSAGE),
    ] {
        orders
            .try_send(Order::new(Side::Buy, count, Terms::Market))
            .unwrap();
        let StreamEvent::Result(result) = session.next().await.unwrap() else {
            panic!("expected a result");
        };
        let expected = OrderResult {
            executed,
            message: message.to_owned(),
            ..OrderResult::default()
        };
        assert_eq!(result, expected);
    }
    drop(orders);
    assert_eq!(session.next().await.unwrap_err(), SessionEnd::Closed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_game_in_plain_mode() {
    let address = OldCasino::serve().await;
    let url = format!("http://{address}");
    let script = "buyTokens 100\ngamble\nbuy 2\nsell 1\nsell 50\nstop\nbalance\nwithdraw 5\npayments\n\
                  paymentStatement\nexit\n";
    let lines = tokio::task::spawn_blocking(move || {
        Home::new().output_lines(&["--user", "anna", "--casino", &url], script)
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
    assert_eq!(lines.await.unwrap(), expected);
}
