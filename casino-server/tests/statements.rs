//! Statements from a scripted payments server on loopback.

mod support;

use std::net::SocketAddr;

use awesomestock_proto::payment_statements::payment_statements_server::{
    PaymentStatements, PaymentStatementsServer,
};
use awesomestock_proto::transport;
use awesomestock_proto::types::{Payment, PaymentStatement};
use casino_server::Options;
use support::{CasinoClientExt, TestCasino, user, with_timeout};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status, Streaming};

/// Reports the number and the sum of the received payments, or rejects them.
struct ScriptedStatements {
    rejection: Option<Code>,
}

#[tonic::async_trait]
impl PaymentStatements for ScriptedStatements {
    async fn create_statement(
        &self,
        request: Request<Streaming<Payment>>,
    ) -> Result<Response<PaymentStatement>, Status> {
        if let Some(code) = self.rejection {
            return Err(Status::new(code, "scripted"));
        }
        let mut payments = request.into_inner();
        let (mut count, mut sum, mut names) = (0, 0, Vec::new());
        while let Some(payment) = payments.next().await {
            let payment = payment?;
            count += 1;
            assert_eq!(payment.number, count, "oldest first without a gap");
            sum += payment.amount;
            names.push(payment.user.unwrap().id);
        }
        names.dedup();
        let data = format!("{count} payments of {names:?}: {sum}");
        Ok(Response::new(PaymentStatement { data }))
    }
}

/// A running scripted payments server.
struct PaymentsServer {
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl PaymentsServer {
    async fn start(address: SocketAddr, rejection: Option<Code>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let service = PaymentStatementsServer::new(ScriptedStatements { rejection });
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

    async fn stop(self) {
        self.stop.cancel();
        with_timeout(self.serving).await.unwrap();
    }
}

/// Opens a casino with the address of its payments server, where nothing listens yet.
async fn open_casino() -> (TestCasino, SocketAddr) {
    let address = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let payments = transport::endpoint(&format!("http://{address}"))
        .unwrap()
        .connect_lazy();
    let fixed_price = |options: &mut Options| options.tick = support::FIXED_PRICE_TICK;
    (
        TestCasino::open(tempfile::tempdir().unwrap(), fixed_price, payments).await,
        address,
    )
}

async fn statement(casino: &mut TestCasino, name: &str) -> Result<String, Status> {
    let statement = with_timeout(casino.client.get_payment_statement(user(name))).await?;
    Ok(statement.into_inner().data)
}

/// Retries until the casino has reconnected to the payments server.
async fn statement_when_up(casino: &mut TestCasino, name: &str) -> String {
    with_timeout(async {
        loop {
            match statement(casino, name).await {
                Ok(statement) => return statement,
                Err(status) => assert_eq!(status.code(), Code::Unavailable, "{status}"),
            }
        }
    })
    .await
}

#[tokio::test]
async fn statements_are_unavailable_while_the_payments_server_is_down_and_play_continues() {
    let (mut casino, address) = open_casino().await;
    casino.client.deposit("ann", 10).await.unwrap();
    let status = statement(&mut casino, "ann").await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.message(), "the payments server cannot be reached");
    casino.client.deposit("ann", 5).await.unwrap();

    let server = PaymentsServer::start(address, None).await;
    assert_eq!(
        statement_when_up(&mut casino, "ann").await,
        r#"2 payments of ["ann"]: -15"#
    );
    server.stop().await;
    let status = statement(&mut casino, "ann").await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    let _server = PaymentsServer::start(address, None).await;
    assert_eq!(
        statement_when_up(&mut casino, "ann").await,
        r#"2 payments of ["ann"]: -15"#
    );
}

#[tokio::test]
async fn a_statement_has_all_payments_of_its_player_only() {
    let (mut casino, address) = open_casino().await;
    let _server = PaymentsServer::start(address, None).await;
    // More than the casino reads at once.
    let deposits = (0..1_201).map(|_| {
        let mut client = casino.client.clone();
        async move { client.deposit("ann", 1).await.unwrap() }
    });
    futures_util::future::join_all(deposits).await;
    casino.client.deposit("bob", 3).await.unwrap();
    assert_eq!(
        statement(&mut casino, "ann").await.unwrap(),
        r#"1201 payments of ["ann"]: -1201"#
    );
    assert_eq!(
        statement(&mut casino, "bob").await.unwrap(),
        r#"1 payments of ["bob"]: -3"#
    );
    assert_eq!(
        statement(&mut casino, "new").await.unwrap(),
        "0 payments of []: 0"
    );
    assert_eq!(casino.client.payments_of("ann").await.len(), 1_201);
}

#[tokio::test]
async fn errors_of_the_payments_server_are_mapped_to_status_codes() {
    for (rejection, code, message) in [
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
        let (mut casino, address) = open_casino().await;
        casino.client.deposit("ann", 1).await.unwrap();
        let _server = PaymentsServer::start(address, Some(rejection)).await;
        let status = statement(&mut casino, "ann").await.unwrap_err();
        assert_eq!((status.code(), status.message()), (code, message));
    }
}

/// Gives the only player of the ledger in `folder` a history of `payments`.
fn fill(folder: &tempfile::TempDir, payments: i64) {
    let store = rusqlite::Connection::open(support::ledger_path(folder)).unwrap();
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
async fn a_very_long_history_is_returned_completely() {
    const PAYMENTS: i64 = 100_000;
    let mut casino = TestCasino::with_fixed_price().await;
    casino.client.deposit("ann", 1).await.unwrap();
    let (closed, folder) = casino.close().await;
    closed.unwrap();
    fill(&folder, PAYMENTS);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let payments = transport::endpoint(&format!("http://{address}")).unwrap();
    let fixed_price = |options: &mut Options| options.tick = support::FIXED_PRICE_TICK;
    let mut casino = TestCasino::open(folder, fixed_price, payments.connect_lazy()).await;
    let received = casino.client.payments_of("ann").await;
    let numbers = received.iter().map(|payment| payment.number);
    assert!(numbers.eq(1..=PAYMENTS), "oldest first without a gap");
    let _server = PaymentsServer::start(address, None).await;
    assert_eq!(
        statement_when_up(&mut casino, "ann").await,
        r#"100000 payments of ["ann"]: -100000"#
    );
}
