//! The service and its client in one process, over an in-memory pipe.

mod common;

use std::time::Duration;

use awesomestock_proto::payment_statements::payment_statements_client::PaymentStatementsClient;
use awesomestock_proto::server::{self, ServeError};
use awesomestock_proto::transport::{self, MAX_REQUEST_BYTES};
use awesomestock_proto::types::{Payment, User};
use common::{open_statement, payment, statement_of};
use payments_server::statement::{Dollars, MAX_LISTED};
use payments_server::{Limits, Options};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::Code;
use tonic::transport::Channel;

struct Server {
    channel: Channel,
    shutdown: CancellationToken,
    ended: JoinHandle<Result<(), ServeError>>,
}

fn start_server(limits: Limits) -> Server {
    let (channel, incoming) = transport::pipe();
    let shutdown = CancellationToken::new();
    let options = Options {
        limits,
        ..Options::default()
    };
    let ended = tokio::spawn(payments_server::serve(options, incoming, shutdown.clone()));
    Server {
        channel,
        shutdown,
        ended,
    }
}

#[tokio::test]
async fn payments_become_a_statement() {
    let server = start_server(Limits::default());
    let payments = vec![payment("ann", -100, 1), payment("ann", 60, 2)];
    assert_eq!(
        statement_of(&server.channel, payments).await.unwrap(),
        "\
AwesomeStock payment statement
Player: ann

NUMBER  DATE (UTC)           DOLLARS  BALANCE
------  -------------------  -------  -------
     1  2026-11-22 17:41:51     -100     -100
     2  2026-11-22 17:41:51      +60      -40
------  -------------------  -------  -------
PAID IN                                  -100
PAID OUT                                  +60
FINAL BALANCE                             -40

Dollars: - was paid in by the player, + was paid out to the player.
Balance: paid out less paid in; below 0, more went in than came out.
"
    );
}

#[tokio::test]
async fn an_empty_stream_becomes_a_statement_without_payments() {
    let server = start_server(Limits::default());
    let statement = statement_of(&server.channel, Vec::new()).await.unwrap();
    assert!(statement.contains("No payments."), "{statement}");
}

#[tokio::test]
async fn an_invalid_payment_fails_only_its_own_call() {
    let server = start_server(Limits {
        max_payments: 2,
        ..Limits::default()
    });
    let anonymous = Payment {
        user: None,
        ..payment("ann", 1, 1)
    };
    for (name, payments, code, message) in [
        (
            "no user",
            vec![anonymous],
            Code::InvalidArgument,
            "payment 1: user is missing; every payment must have its player",
        ),
        (
            "a bad name",
            vec![payment("a\u{1b}[2Jb", 1, 1)],
            Code::InvalidArgument,
            "payment 1: user.id: a name has letters, digits and _ - . only; character 2 is U+001B",
        ),
        (
            "two players",
            vec![payment("ann", 1, 1), payment("bob", 1, 1)],
            Code::InvalidArgument,
            "payment 2: user.id is not the player of payment 1; a statement has one player",
        ),
        (
            "no amount",
            vec![payment("ann", 0, 1)],
            Code::InvalidArgument,
            "payment 1: amount is 0; must be below 0 (paid in) or above 0 (paid out)",
        ),
        (
            "too many payments",
            vec![payment("ann", 1, 1), payment("ann", 1, 2), payment("ann", 1, 3)],
            Code::ResourceExhausted,
            "payment 3: too many: the limit is 2 in one statement",
        ),
    ] {
        let status = statement_of(&server.channel, payments).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (code, message), "{name}");
    }
    let good = vec![payment("ann", 1, 1), payment("ann", 1, 2)];
    statement_of(&server.channel, good).await.unwrap();
}

#[tokio::test]
async fn a_flood_over_the_limit_fails_its_call_and_keeps_the_connection() {
    let server = start_server(Limits {
        max_payments: 10,
        ..Limits::default()
    });
    let flood = (1..=20_000).map(|number| payment("ann", 1, number)).collect();
    let status = statement_of(&server.channel, flood).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    statement_of(&server.channel, vec![payment("ann", 1, 1)])
        .await
        .unwrap();
}

#[tokio::test]
async fn a_statement_of_a_long_history_fits_the_default_message_size() {
    const PAYMENTS: i64 = 200_000;
    let server = start_server(Limits::default());
    let payments =
        tokio_stream::iter((1..=PAYMENTS).map(|number| payment("ann", i32::MIN, i64::MAX - number)));
    let statement = PaymentStatementsClient::new(server.channel)
        .create_statement(payments)
        .await
        .unwrap()
        .into_inner()
        .data;
    let older = PAYMENTS - i64::try_from(MAX_LISTED).unwrap();
    assert!(statement.contains(&format!(" {older}\n")), "no older payments");
    assert!(statement.lines().count() > MAX_LISTED);
    let balance = Dollars::from(i64::from(i32::MIN) * PAYMENTS).to_string();
    let last = statement.lines().find(|line| line.starts_with("FINAL BALANCE"));
    assert!(last.unwrap().ends_with(&balance), "{last:?}");
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_never_finishes_hits_the_total_timeout() {
    let server = start_server(Limits {
        idle: Duration::from_secs(7),
        max_time: Duration::from_secs(60),
        ..Limits::default()
    });
    let mut open = open_statement(&server.channel).await;
    let mut interval = tokio::time::interval(Duration::from_secs(5));
    let status = loop {
        tokio::select! {
            answer = &mut open.answer => break answer.unwrap().unwrap_err(),
            _ = interval.tick() => {
                // After the end of the call the payment is dropped.
                let _ = open.payments.try_send(payment("ann", -1, 4));
            }
        }
    };
    assert_eq!(
        (status.code(), status.message()),
        (Code::DeadlineExceeded, "did not receive all payments within 1m")
    );
}

#[tokio::test]
async fn an_oversized_message_fails_its_call() {
    let server = start_server(Limits::default());
    let huge = Payment {
        user: Some(User {
            id: "x".repeat(MAX_REQUEST_BYTES),
        }),
        ..payment("", 1, 1)
    };
    let status = statement_of(&server.channel, vec![huge]).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange, "{status}");
    assert!(
        status.message().contains(&MAX_REQUEST_BYTES.to_string()),
        "{status}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_idle_sender_hits_the_idle_timeout() {
    let server = start_server(Limits {
        idle: Duration::from_secs(7),
        ..Limits::default()
    });
    let open = open_statement(&server.channel).await;
    let idle_since = Instant::now();
    let status = open.answer.await.unwrap().unwrap_err();
    // Time is paused and advances only to the next timer that a task waits for.
    assert_eq!(idle_since.elapsed().as_secs(), 7);
    assert_eq!(
        (status.code(), status.message()),
        (
            Code::DeadlineExceeded,
            "received no payment and no end of the stream for 7s"
        )
    );
}

#[tokio::test(start_paused = true)]
async fn a_slow_sender_that_is_never_idle_gets_its_statement() {
    let server = start_server(Limits {
        idle: Duration::from_secs(7),
        ..Limits::default()
    });
    let open = open_statement(&server.channel).await;
    for number in 4..=20 {
        tokio::time::advance(Duration::from_secs(5)).await;
        open.payments.send(payment("ann", -1, number)).await.unwrap();
        // This answer arrives on the same connection, so the server has also read the payment.
        common::health(&server.channel).await.unwrap();
    }
    drop(open.payments);
    let statement = open.answer.await.unwrap().unwrap();
    assert!(statement.contains("\n    20  "), "{statement}");
}

#[tokio::test]
async fn too_many_open_statements_are_rejected_as_unavailable() {
    let server = start_server(Limits {
        max_open: 1,
        ..Limits::default()
    });
    let open = open_statement(&server.channel).await;
    let status = statement_of(&server.channel, vec![payment("bob", 1, 1)])
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (
            Code::Unavailable,
            "too many open statements: the limit is 1; try again"
        )
    );

    drop(open.payments);
    open.answer.await.unwrap().unwrap();
    statement_of(&server.channel, vec![payment("bob", 1, 1)])
        .await
        .unwrap();
}

#[tokio::test]
async fn an_unread_statement_counts_as_open_until_its_connection_is_closed() {
    let mut options = Options::default();
    options.limits.max_open = 1;
    options.limits.connections.stall = Duration::from_secs(2);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let incoming = server::incoming(listener);
    let _ended = tokio::spawn(payments_server::serve(
        options,
        incoming,
        CancellationToken::new(),
    ));
    let endpoint = transport::endpoint(&format!("http://{address}")).unwrap();
    let unread_channel = endpoint.clone().initial_stream_window_size(0).connect_lazy();
    let unread = tokio::spawn(async move {
        // Retry until the only slot is free.
        loop {
            let status = statement_of(&unread_channel, vec![payment("ann", 1, 1)])
                .await
                .unwrap_err();
            if !status.message().starts_with("too many") {
                break;
            }
        }
    });
    let channel = endpoint.connect_lazy();
    let request = async || statement_of(&channel, vec![payment("bob", 1, 1)]).await;
    tokio::time::timeout(Duration::from_secs(60), async {
        // The unread answer occupies the only slot much longer than writing it takes.
        let mut rejected = 0;
        while rejected < 20 {
            rejected = match request().await {
                Ok(_) => 0,
                Err(status) => {
                    assert_eq!(status.code(), Code::Unavailable, "{status}");
                    rejected + 1
                }
            };
        }
        unread.await.unwrap();
        while request().await.is_err() {}
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_cancelled_call_frees_its_slot() {
    let server = start_server(Limits {
        max_open: 1,
        ..Limits::default()
    });
    let open = open_statement(&server.channel).await;
    open.answer.abort();
    assert!(open.answer.await.unwrap_err().is_cancelled());
    // The cancellation arrives before the next call on this connection, but a task of the server frees the slot: retry
    // until it has run.
    loop {
        match statement_of(&server.channel, vec![payment("bob", 1, 1)]).await {
            Ok(_) => break,
            Err(status) => assert_eq!(status.code(), Code::Unavailable, "{status}"),
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_open_statements_and_then_the_server() {
    let server = start_server(Limits::default());
    let mut open = Vec::new();
    for _ in 0..50 {
        open.push(open_statement(&server.channel).await);
    }
    server.shutdown.cancel();
    for statement in open {
        let status = statement.answer.await.unwrap().unwrap_err();
        assert_eq!(
            (status.code(), status.message()),
            (Code::Unavailable, "the payments server is shutting down")
        );
    }
    server.ended.await.unwrap().unwrap();
}
