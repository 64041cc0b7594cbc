//! A casino whose disk breaks.

use std::{error::Error, time::Duration};

use awesomestock_proto::{
    casino::{Action, casino_client::CasinoClient},
    transport::pipe,
    types::{Payment, User},
};
use tokio_stream::StreamExt;
use tonic::Code;

use super::*;
use crate::{
    company::Witness,
    market::{Market, Model},
    quantity::{Price, UnixMillis},
    store::{
        CommitError,
        scripted::{Script, Scripted, disk},
    },
};

/// A casino on a store that fails so at its next commits.
async fn casino(failures: impl IntoIterator<Item = CommitError>) -> Casino {
    let script = Script::default();
    script.failures.lock().unwrap().extend(failures);
    let store = Scripted(Arc::new(script));
    let market = Market::open(Model::Classic, 1, Price::MIN, UnixMillis(0));
    let (table, announcer) = Table::new(market.current, Duration::from_secs(3600));
    let reader = Reader::new(Arc::new(store.clone()));
    let clock = || UnixMillis(1);
    let ledger = Ledger::start(
        Box::new(store),
        reader.clone(),
        market,
        (announcer, Witness::default()),
        clock,
    )
    .unwrap();
    let statements = Statements::new(pipe().0.into(), reader.clone());
    let company = Company::new(market.current);
    let house = House::sit_down(0, 1, &reader, &company).await.unwrap();
    Casino {
        ledger,
        reader,
        company,
        house,
        table,
        statements,
        connections: Connections::new(serving::ConnectionLimits::default()),
        patience: table::PATIENCE,
        players: Players::new(1),
        register: Arc::default(),
        others: None,
        key_required: false,
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
async fn a_casino_that_does_not_know_what_it_has_written_says_nothing_and_ends() {
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
    assert_eq!(status.code(), Code::Unavailable, "its fate is open: {status}");
    assert_eq!(idle.next().await.unwrap().unwrap_err().code(), Code::Unavailable);
    let failure = serving.await.unwrap().unwrap_err();
    assert!(
        matches!(failure, ServeError::Ledger(LedgerFailure::Unknown(_))),
        "{failure}"
    );
    let mut words = Vec::new();
    let mut next: Option<&dyn Error> = Some(&failure);
    while let Some(error) = next {
        words.push(error.to_string());
        next = error.source();
    }
    assert_eq!(words.last().unwrap(), "disk I/O error");
}

#[tokio::test]
async fn a_casino_whose_disk_is_full_refuses_in_words_and_plays_on_when_there_is_room() {
    let (channel, incoming) = pipe();
    let full = || CommitError::NotWritten(disk("database or disk is full"));
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn(casino([full(), full()]).await.serve(incoming, shutdown.clone()));
    let mut client = CasinoClient::new(channel);
    let status = client.buy_tokens(deposit()).await.unwrap_err();
    let words = "not executed: the casino could not write the ledger: database or disk is full";
    assert_eq!(
        (status.code(), status.message()),
        (Code::FailedPrecondition, words)
    );
    let status = client.buy_tokens(deposit()).await.unwrap_err();
    assert_eq!(status.message(), words);
    assert_eq!(client.buy_tokens(deposit()).await.unwrap().into_inner().count, 5);
    let balance = client.get_token_balance(ann().unwrap()).await.unwrap();
    assert_eq!(balance.into_inner().count, 5);
    shutdown.cancel();
    serving.await.unwrap().unwrap();
}
