//! Statements, by a scripted payments server on loopback.

// The allowance for tests in the lint's configuration does not reach the helpers between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::net::SocketAddr;

use awesomestock_proto::{
    payment_statements::payment_statements_server::{PaymentStatements, PaymentStatementsServer},
    transport,
    types::{Payment, PaymentStatement},
};
use casino_server::Options;
use support::{Asks, House, soon, user};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_stream::{StreamExt, wrappers::TcpListenerStream};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status, Streaming};

/// Writes down how many payments came, and what they come to; or refuses.
struct Scripted {
    refusal: Option<Code>,
}

#[tonic::async_trait]
impl PaymentStatements for Scripted {
    async fn create_statement(
        &self,
        request: Request<Streaming<Payment>>,
    ) -> Result<Response<PaymentStatement>, Status> {
        if let Some(code) = self.refusal {
            return Err(Status::new(code, "scripted"));
        }
        let mut payments = request.into_inner();
        let (mut count, mut sum, mut names) = (0, 0, Vec::new());
        while let Some(payment) = payments.next().await {
            let payment = payment?;
            count += 1;
            assert_eq!(payment.number, count, "oldest first, none left out");
            sum += payment.amount;
            names.push(payment.user.unwrap().id);
        }
        names.dedup();
        let data = format!("{count} payments of {names:?}: {sum}");
        Ok(Response::new(PaymentStatement { data }))
    }
}

/// A payments server that is up; it goes down when it is stopped.
struct Up {
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Up {
    async fn at(address: SocketAddr, refusal: Option<Code>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let service = PaymentStatementsServer::new(Scripted { refusal });
        let serving = tokio::spawn(async move {
            let incoming = TcpListenerStream::new(listener);
            let server = transport::server().add_service(service);
            server
                .serve_with_incoming_shutdown(incoming, stopped)
                .await
                .unwrap();
        });
        Self { stop, serving }
    }

    async fn down(self) {
        self.stop.cancel();
        soon(self.serving).await.unwrap();
    }
}

/// A free address, and a casino that looks for its payments server there.
async fn house() -> (House, SocketAddr) {
    let address = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let payments = transport::endpoint(&format!("http://{address}"))
        .unwrap()
        .connect_lazy();
    let standing = |options: &mut Options| options.tick = support::STANDING;
    (
        House::open(tempfile::tempdir().unwrap(), standing, payments).await,
        address,
    )
}

async fn statement(house: &mut House, name: &str) -> Result<String, Status> {
    let statement = soon(house.client.get_payment_statement(user(name))).await?;
    Ok(statement.into_inner().data)
}

/// Asks until a server that is up has been found again.
async fn statement_when_up(house: &mut House, name: &str) -> String {
    soon(async {
        loop {
            match statement(house, name).await {
                Ok(statement) => return statement,
                Err(status) => assert_eq!(status.code(), Code::Unavailable, "{status}"),
            }
        }
    })
    .await
}

#[tokio::test]
async fn statements_are_unavailable_while_the_payments_server_is_down_and_play_goes_on() {
    let (mut house, address) = house().await;
    house.client.deposit("ann", 10).await.unwrap();
    let status = statement(&mut house, "ann").await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.message(), "the payments server cannot be reached");
    house.client.deposit("ann", 5).await.unwrap();

    let up = Up::at(address, None).await;
    assert_eq!(
        statement_when_up(&mut house, "ann").await,
        r#"2 payments of ["ann"]: -15"#
    );
    up.down().await;
    let status = statement(&mut house, "ann").await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    let _up = Up::at(address, None).await;
    assert_eq!(
        statement_when_up(&mut house, "ann").await,
        r#"2 payments of ["ann"]: -15"#
    );
}

#[tokio::test]
async fn a_statement_has_all_payments_of_its_player_and_of_nobody_else() {
    let (mut house, address) = house().await;
    let _up = Up::at(address, None).await;
    // More than the casino reads at once.
    let deposits = (0..1_201).map(|_| {
        let mut client = house.client.clone();
        async move { client.deposit("ann", 1).await.unwrap() }
    });
    futures_util::future::join_all(deposits).await;
    house.client.deposit("bob", 3).await.unwrap();
    assert_eq!(
        statement(&mut house, "ann").await.unwrap(),
        r#"1201 payments of ["ann"]: -1201"#
    );
    assert_eq!(
        statement(&mut house, "bob").await.unwrap(),
        r#"1 payments of ["bob"]: -3"#
    );
    assert_eq!(statement(&mut house, "new").await.unwrap(), "0 payments of []: 0");
    assert_eq!(house.client.payments_of("ann").await.len(), 1_201);
}

#[tokio::test]
async fn a_refusal_of_the_payments_server_is_not_the_players_fault() {
    for (refusal, code, said) in [
        (
            Code::InvalidArgument,
            Code::Internal,
            "the payments server rejected the payments",
        ),
        (
            Code::PermissionDenied,
            Code::Unavailable,
            "the payments server rejected this casino's secret",
        ),
        (
            Code::ResourceExhausted,
            Code::ResourceExhausted,
            "there are too many payments for one statement",
        ),
        (
            Code::Unavailable,
            Code::Unavailable,
            "the payments server is busy or stopping: try again",
        ),
    ] {
        let (mut house, address) = house().await;
        house.client.deposit("ann", 1).await.unwrap();
        let _up = Up::at(address, Some(refusal)).await;
        let status = statement(&mut house, "ann").await.unwrap_err();
        assert_eq!((status.code(), status.message()), (code, said));
    }
}

/// Gives the only player of the ledger in `folder` a history of `payments`.
fn fill(folder: &tempfile::TempDir, payments: i64) {
    let store = rusqlite::Connection::open(support::ledger_in(folder)).unwrap();
    store
        .execute(
            "INSERT INTO payments WITH RECURSIVE n(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
             SELECT accounts.id, n, -1, n FROM n, accounts",
            [payments],
        )
        .unwrap();
    store
        .execute("UPDATE accounts SET payments = ?1", [payments])
        .unwrap();
}

#[tokio::test]
async fn a_very_long_history_is_told_whole() {
    const PAYMENTS: i64 = 100_000;
    let mut house = House::standing().await;
    house.client.deposit("ann", 1).await.unwrap();
    let (closed, folder) = house.close().await;
    closed.unwrap();
    fill(&folder, PAYMENTS);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let payments = transport::endpoint(&format!("http://{address}")).unwrap();
    let standing = |options: &mut Options| options.tick = support::STANDING;
    let mut house = House::open(folder, standing, payments.connect_lazy()).await;
    let told = house.client.payments_of("ann").await;
    let numbers = told.iter().map(|payment| payment.number);
    assert!(numbers.eq(1..=PAYMENTS), "oldest first, none left out");
    let _up = Up::at(address, None).await;
    assert_eq!(
        statement_when_up(&mut house, "ann").await,
        r#"100000 payments of ["ann"]: -100000"#
    );
}
