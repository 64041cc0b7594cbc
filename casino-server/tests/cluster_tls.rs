//! TLS to PostgreSQL, with a server that rejects everything else over TCP.

mod support;

use awesomestock_proto::casino::ActionOutcome;
use support::certificates::Authority;
use support::cluster::{Cluster, connect};
use support::process::{CasinoProcess, run};
use support::{ALL_FEEDS, CasinoClientExt, buy};
use tokio_postgres::Client;

/// Returns the number of the casino's connections, and how many of them use TLS.
async fn connections(database: &Client) -> (i64, i64) {
    let counts = "SELECT count(*), count(*) FILTER (WHERE s.ssl) FROM pg_stat_activity AS a
                  JOIN pg_stat_ssl AS s USING (pid) WHERE a.application_name = 'casino-server'";
    let counts = database.query_one(counts, &[]).await.unwrap();
    (counts.get(0), counts.get(1))
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_use_tls_as_the_url_requires() {
    let Some(mut cluster) = Cluster::start() else {
        return;
    };
    let (authority, other) = (Authority::new(), Authority::new());
    let signed = authority.sign();
    let port = cluster.enable_tls(&signed.cert, &signed.key);
    let socket = cluster.database("tls");
    let url = |host: &str, options: &str| match options.contains("channel_binding") {
        true => format!("postgres://bound:password@{host}:{port}/tls?{options}"),
        false => format!("postgres://casino@{host}:{port}/tls?{options}"),
    };
    let verified = |by: &Authority| format!("sslmode=verify-full&sslrootcert={}", by.ca().display());
    let database = connect(&socket).await;
    database
        .batch_execute("CREATE ROLE bound SUPERUSER LOGIN PASSWORD 'password'")
        .await
        .unwrap();
    for (host, options) in [
        ("localhost", "sslmode=prefer".to_owned()),
        ("localhost", "sslmode=require".to_owned()),
        ("localhost", "sslmode=require&channel_binding=require".to_owned()),
        ("localhost", verified(&authority)),
        ("127.0.0.1", verified(&authority)),
    ] {
        let server = CasinoProcess::start_on(&url(host, &options), &["--seed", "7"]);
        let mut client = server.client();
        client.deposit("ann", 100).await.unwrap();
        let mut session = client.open_session("ann", ALL_FEEDS).await;
        session.send(buy("ann", 1)).await;
        assert_eq!(
            session.next_result().await.outcome(),
            ActionOutcome::OutcomeExecuted
        );
        let (all, private) = connections(&database).await;
        assert!(
            all >= 2 && all == private,
            "{options}: {private} of {all} use TLS"
        );
    }
    for (host, options, expected) in [
        ("127.0.0.1", "sslmode=disable".to_owned(), "no pg_hba.conf entry"),
        (
            "localhost",
            verified(&other),
            "invalid peer certificate: BadSignature",
        ),
        (
            "localhost",
            "sslmode=verify-full".to_owned(),
            "invalid peer certificate: UnknownIssuer",
        ),
        (
            "localhost",
            "sslmode=verify-full&sslrootcert=missing.pem".to_owned(),
            "cannot read the certificate authorities in missing.pem",
        ),
    ] {
        let (code, _, stderr) = run(&["--listen", "127.0.0.1:0", "--store", &url(host, &options)]);
        assert_eq!(code, Some(1), "{options}: {stderr}");
        assert!(stderr.contains(expected), "{options}: {stderr}");
    }
    let signed = authority.sign_for_another();
    let port = cluster.enable_tls(&signed.cert, &signed.key);
    let expected = "certificate not valid for name";
    let url = format!("postgres://casino@localhost:{port}/tls?{}", verified(&authority));
    let (code, _, stderr) = run(&["--listen", "127.0.0.1:0", "--store", &url]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains(expected), "{stderr}");
}
