//! TLS over real sockets: who is let in, what the others hear, and that nobody holds up the door.

// The allowance for tests in the lint's configuration does not reach the helpers between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{net::TcpStream, path::Path};

use awesomestock_proto::{EXECUTED_MESSAGE, casino::casino_client::CasinoClient, tls, transport};
use support::{
    ALL_FEEDS, Asks, Client, buy,
    certificates::{Authority, Signed},
    ledger_in,
    process::{self, Process},
    soon, user,
};
use tempfile::TempDir;
use tonic::Status;

/// A casino with this certificate.
fn casino(folder: &TempDir, signed: &Signed) -> Process {
    let [cert, key] = [&signed.cert, &signed.key].map(|path| path.to_str().unwrap());
    Process::start(&ledger_in(folder), &["--tls-cert", cert, "--tls-key", key])
}

fn client(url: &str, ca: Option<&Path>) -> Client {
    CasinoClient::new(tls::endpoint(url, ca).unwrap().connect_lazy())
}

/// What a call failed of, as a client of ours says it.
async fn failure(url: &str, ca: Option<&Path>) -> String {
    let status: Status = soon(client(url, ca).get_wallet(user("ann"))).await.unwrap_err();
    tls::explain(&status).unwrap_or_else(|| format!("no meaning: {status:?}"))
}

#[tokio::test]
async fn who_trusts_the_authority_plays() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let server = casino(&folder, &authority.sign());
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("https://{host}:{}", server.address.port());
        let mut client = client(&url, Some(&authority.ca()));
        client.deposit("ann", 100).await.unwrap();
        // As many connections as go round all workers.
        let mut seat = client.sit("ann", ALL_FEEDS).await;
        assert_eq!(seat.play(buy("ann", 1)).await, EXECUTED_MESSAGE);
    }
}

#[tokio::test]
async fn who_is_not_who_they_say_is_refused_in_words() {
    let authority = Authority::new();
    let untrusted = "its certificate is from an untrusted authority; trust it with --tls-ca FILE";
    let cases = [
        (authority.sign(), Authority::new(), untrusted),
        (authority.sign_expired(), authority, "its certificate has expired"),
    ];
    for (signed, trusted, words) in cases {
        let folder = tempfile::tempdir().unwrap();
        let server = casino(&folder, &signed);
        let url = format!("https://{}", server.address);
        assert_eq!(failure(&url, Some(&trusted.ca())).await, words);
    }
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let server = casino(&folder, &authority.sign_for_another());
    let url = format!("https://{}", server.address);
    let words = failure(&url, Some(&authority.ca())).await;
    assert_eq!(words, "its certificate is for another host name");
}

#[tokio::test]
async fn one_side_without_tls_is_told_so() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let secured = casino(&folder, &authority.sign());
    let words = failure(&format!("http://{}", secured.address), None).await;
    assert!(words.contains("https://"), "{words}");

    let folder = tempfile::tempdir().unwrap();
    let plain = Process::start(&ledger_in(&folder), &[]);
    let words = failure(&format!("https://{}", plain.address), Some(&authority.ca())).await;
    assert_eq!(words, "it does not use TLS; the URL must begin with http://");
    let mut client = client(&format!("http://{}", plain.address), None);
    client.deposit("ann", 1).await.unwrap();
}

#[tokio::test]
async fn who_connects_and_says_nothing_holds_up_nobody() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let server = casino(&folder, &authority.sign());
    let silent: Vec<_> = (0..64)
        .map(|_| TcpStream::connect(server.address).unwrap())
        .collect();
    let url = format!("https://{}", server.address);
    for round in 0..8 {
        let mut client = client(&url, Some(&authority.ca()));
        client.deposit(&format!("p{round}"), 1).await.unwrap();
    }
    drop(silent);
    server.terminate();
    let (status, log) = tokio::task::spawn_blocking(|| server.wait()).await.unwrap();
    assert!(status.success(), "{log}");
}

#[test]
fn files_that_are_no_certificate_are_refused_before_anybody_can_connect() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let good = authority.sign();
    let another_authority = Authority::new();
    let other = another_authority.sign();
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let missing = text(&folder.path().join("missing.pem"));
    let cases = [
        (
            text(&good.cert),
            text(&other.key),
            "are not a matching certificate and private key",
        ),
        (text(&good.key), text(&good.key), "has no PEM certificate"),
        (missing, text(&good.key), "missing.pem: No such file"),
    ];
    let store = format!("sqlite:{}", ledger_in(&folder).display());
    for (cert, key, words) in cases {
        let args = [
            "--listen",
            "127.0.0.1:0",
            "--store",
            &store,
            "--tls-cert",
            &cert,
            "--tls-key",
            &key,
        ];
        let (code, stdout, stderr) = process::run(&args);
        assert_eq!((code, stdout.as_str()), (Some(1), ""), "{stderr}");
        assert!(stderr.contains(words), "{stderr}");
    }
}

#[tokio::test]
async fn without_tls_only_this_machine_is_listened_to_unless_told() {
    let folder = tempfile::tempdir().unwrap();
    let store = ledger_in(&folder);
    let url = format!("sqlite:{}", store.display());
    let (code, stdout, stderr) = process::run(&["--listen", "0.0.0.0:0", "--store", &url]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    for word in [
        "0.0.0.0:0 can be reached from other machines",
        "--tls-cert",
        "--allow-plaintext",
    ] {
        assert!(stderr.contains(word), "{stderr}");
    }
    assert!(!store.exists());
    for allowed in [&["--allow-plaintext"][..], &["--allow-plaintext=true"]] {
        let server = Process::start_at("0.0.0.0:0", &store, allowed);
        let url = format!("http://127.0.0.1:{}", server.address.port());
        let mut client = CasinoClient::new(transport::endpoint(&url).unwrap().connect_lazy());
        client.deposit("ann", 1).await.unwrap();
        server.kill();
    }
}

#[test]
fn the_secret_is_not_sent_unencrypted() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", ledger_in(&folder).display());
    let mut command = process::command(&["--listen", "127.0.0.1:0", "--store", &store]);
    command.args(["--payments", "http://192.0.2.1:10001"]);
    let output = command
        .env("PAYMENTS_SECRET", "0123456789abcdef")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said.contains("could be read by others") && !said.contains("0123456789abcdef"),
        "{said}"
    );
    let mut command = process::command(&["--listen", "127.0.0.1:0", "--store", &store]);
    let output = command.env("PAYMENTS_SECRET", "sh0rt").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("PAYMENTS_SECRET: a secret must be one line") && !said.contains("sh0rt"),
        "{said}"
    );
}
