//! A casino with a failing disk.

use std::error::Error;
use std::time::Duration;

use awesomestock_proto::casino::Action;
use awesomestock_proto::casino::casino_client::CasinoClient;
use awesomestock_proto::transport::pipe;
use awesomestock_proto::types::{Payment, User};
use tokio_stream::StreamExt;
use tonic::Code;

use super::*;
use crate::domain::market::{Market, PriceModel};
use crate::domain::money::{Price, UnixMillis};
use crate::grpc::session::limit::SessionLimit;
use crate::ledger::Ledger;
use crate::store::CommitError;
use crate::store::reader::StoreReader;
use crate::testkit::memory::{FakeStore, FakeStoreScript, disk};

/// Returns a casino whose next commits fail with `failures`.
async fn casino(failures: impl IntoIterator<Item = CommitError>) -> Casino {
    let script = FakeStoreScript::default();
    script.failures.lock().unwrap().extend(failures);
    let store = FakeStore(Arc::new(script));
    let market = Market::new(PriceModel::Classic, 1, Price::MIN, UnixMillis(0));
    let feeds = Feeds::new(market, Arc::default(), Duration::from_secs(3600));
    let reader = StoreReader::new(Arc::new(store.clone()));
    let clock = || UnixMillis(1);
    let ledger = Ledger::spawn_local(
        Box::new(store),
        reader.clone(),
        market.into(),
        Box::new(feeds.clone()),
        clock,
    )
    .unwrap();
    let payments = PaymentsClient::new(pipe().0.into());
    let bots = Bots::load(0, &reader, &feeds.lobby).await.unwrap();
    Casino {
        opened: OpenLedger {
            ledger,
            reader,
            feeds,
            clock: clock.into(),
            sessions: SessionLimit::new(1),
            cluster: None,
        },
        names: LegacyNames::default(),
        bots,
        payments,
        connections: ConnectionLimiter::new(server::ConnectionLimits::default()),
        stall_timeout: StallTimeout::DEFAULT,
        claims: Arc::default(),
        key_required: false,
        stake: None,
    }
}

fn ann() -> Option<User> {
    Some(User { id: "ann".to_owned() })
}

fn deposit() -> Payment {
    Payment {
        user: ann(),
        amount: 1,
        ..Payment::default()
    }
}

#[tokio::test]
async fn an_unknown_commit_outcome_answers_unavailable_and_stops_the_casino() {
    let (channel, incoming) = pipe();
    let casino = casino([CommitError::Unknown(disk("disk I/O error"))]).await;
    let serving = tokio::spawn(casino.serve(incoming, CancellationToken::new()));
    let mut client = CasinoClient::new(channel);
    let mut idle = client
        .gamble(tokio_stream::pending::<Action>())
        .await
        .unwrap()
        .into_inner();
    idle.message().await.unwrap().expect("the price");

    let status = client.buy_tokens(deposit()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    assert_eq!(idle.next().await.unwrap().unwrap_err().code(), Code::Unavailable);
    let failure = serving.await.unwrap().unwrap_err();
    assert!(
        matches!(failure, ServeError::Ledger(LedgerFailure::CommitUnknown(_))),
        "{failure}"
    );
    let mut text = Vec::new();
    let mut next: Option<&dyn Error> = Some(&failure);
    while let Some(error) = next {
        text.push(error.to_string());
        next = error.source();
    }
    assert_eq!(text.last().unwrap(), "disk I/O error");
}

#[tokio::test]
async fn a_full_disk_rejects_payments_until_there_is_space() {
    let (channel, incoming) = pipe();
    let full = || CommitError::Rejected(disk("database or disk is full"));
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn(casino([full(), full()]).await.serve(incoming, shutdown.clone()));
    let mut client = CasinoClient::new(channel);
    let status = client.buy_tokens(deposit()).await.unwrap_err();
    let text = "not executed: the casino could not write the ledger: database or disk is full";
    assert_eq!(
        (status.code(), status.message()),
        (Code::FailedPrecondition, text)
    );
    let status = client.buy_tokens(deposit()).await.unwrap_err();
    assert_eq!(status.message(), text);
    assert_eq!(client.buy_tokens(deposit()).await.unwrap().into_inner().count, 5);
    let balance = client.get_token_balance(ann().unwrap()).await.unwrap();
    assert_eq!(balance.into_inner().count, 5);
    shutdown.cancel();
    serving.await.unwrap().unwrap();
}
