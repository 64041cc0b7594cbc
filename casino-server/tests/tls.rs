//! TLS over real sockets: accepted and rejected connections, and silent ones that delay no other.

mod support;

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use awesomestock_proto::casino::casino_client::CasinoClient;
use awesomestock_proto::{EXECUTED_MESSAGE, tls, transport};
use rustix::process::Signal;
use support::certificates::{Authority, SignedCert};
use support::process::{self, CasinoProcess};
use support::{ALL_FEEDS, CasinoClientExt, Client, buy, ledger_path, user, with_timeout};
use tempfile::TempDir;
use tonic::Status;

/// Starts a casino with this certificate.
fn start_casino(folder: &TempDir, signed: &SignedCert) -> CasinoProcess {
    let [cert, key] = [&signed.cert, &signed.key].map(|path| path.to_str().unwrap());
    CasinoProcess::start(&ledger_path(folder), &["--tls-cert", cert, "--tls-key", key])
}

fn client(url: &str, ca: Option<&Path>) -> Client {
    CasinoClient::new(tls::endpoint(url, ca).unwrap().connect_lazy())
}

/// Makes a call that fails, and returns the error as the client explains it.
async fn failure(url: &str, ca: Option<&Path>) -> String {
    let status: Status = with_timeout(client(url, ca).get_wallet(user("ann")))
        .await
        .unwrap_err();
    tls::explain(&status).unwrap_or_else(|| format!("no explanation: {status:?}"))
}

#[tokio::test]
async fn a_client_that_trusts_the_authority_can_play() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let server = start_casino(&folder, &authority.sign());
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("https://{host}:{}", server.address.port());
        let mut client = client(&url, Some(&authority.ca()));
        client.deposit("ann", 100).await.unwrap();
        // Enough connections for each worker to get one.
        let mut session = client.open_session("ann", ALL_FEEDS).await;
        assert_eq!(session.execute(buy("ann", 1)).await, EXECUTED_MESSAGE);
    }
}

#[tokio::test]
async fn an_invalid_certificate_is_explained() {
    let authority = Authority::new();
    let untrusted = "its certificate is from an untrusted authority; trust it with --tls-ca FILE";
    let other = Authority::new();
    let authority_used = "its certificate is that of an authority; make one with basicConstraints CA:FALSE";
    let cases = [
        (authority.sign(), Authority::new(), untrusted),
        (other.sign_authority(), other, authority_used),
        (authority.sign_expired(), authority, "its certificate has expired"),
    ];
    for (signed, trusted, message) in cases {
        let folder = tempfile::tempdir().unwrap();
        let server = start_casino(&folder, &signed);
        let url = format!("https://{}", server.address);
        assert_eq!(failure(&url, Some(&trusted.ca())).await, message);
    }
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let server = start_casino(&folder, &authority.sign_for_another());
    let url = format!("https://{}", server.address);
    let message = failure(&url, Some(&authority.ca())).await;
    assert_eq!(message, "its certificate is for another host name");
}

#[tokio::test]
async fn a_missing_tls_side_is_explained() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let secured = start_casino(&folder, &authority.sign());
    let message = failure(&format!("http://{}", secured.address), None).await;
    assert!(message.contains("https://"), "{message}");

    let folder = tempfile::tempdir().unwrap();
    let plain = CasinoProcess::start(&ledger_path(&folder), &[]);
    let message = failure(&format!("https://{}", plain.address), Some(&authority.ca())).await;
    assert_eq!(message, "it does not use TLS; the URL must begin with http://");
    let mut client = client(&format!("http://{}", plain.address), None);
    client.deposit("ann", 1).await.unwrap();
}

#[tokio::test]
async fn silent_connections_delay_no_other() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let server = start_casino(&folder, &authority.sign());
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

/// Copies a certificate and its key over those that a server uses.
fn install(signed: &SignedCert, used: &SignedCert) {
    fs::copy(&signed.cert, &used.cert).unwrap();
    fs::copy(&signed.key, &used.key).unwrap();
}

/// Plays on a new connection. Returns the explanation if that fails.
async fn play_anew(url: &str, authority: &Authority) -> Result<(), String> {
    let answer = with_timeout(client(url, Some(&authority.ca())).get_wallet(user("ann"))).await;
    answer
        .map(drop)
        .map_err(|status| tls::explain(&status).unwrap_or_else(|| status.to_string()))
}

#[tokio::test]
async fn a_new_certificate_is_used_without_losing_a_session() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (Authority::new(), Authority::new());
    let [first, second, other] = [old.sign(), new.sign(), new.sign_for_another()];
    let used = SignedCert {
        cert: folder.path().join("cert.pem"),
        key: folder.path().join("key.pem"),
    };
    install(&first, &used);
    let server = start_casino(&folder, &used);
    let url = format!("https://localhost:{}", server.address.port());
    let mut sessions = Vec::new();
    for number in 0..50 {
        let (name, mut client) = (format!("p{number}"), client(&url, Some(&old.ca())));
        client.deposit(&name, 100).await.unwrap();
        sessions.push((client.open_session(&name, ALL_FEEDS).await, name));
    }
    let untrusted = "its certificate is from an untrusted authority; trust it with --tls-ca FILE";

    install(&second, &used);
    server.wait_for_log("new connections get the certificate in");
    assert_eq!(play_anew(&url, &new).await, Ok(()));
    assert_eq!(play_anew(&url, &old).await, Err(untrusted.to_owned()));

    // The key of another certificate.
    fs::copy(&other.key, &used.key).unwrap();
    let log = server.wait_for_log("the old certificate stays in use: ");
    assert!(
        log.contains("are not a matching certificate and private key"),
        "{log}"
    );
    assert_eq!(play_anew(&url, &new).await, Ok(()));

    install(&first, &used);
    // Without it, the change is seen a second later.
    server.signal(Signal::HUP);
    server.wait_for_log("new connections get the certificate in");
    assert_eq!(play_anew(&url, &old).await, Ok(()));

    for (session, name) in &mut sessions {
        assert_eq!(session.execute(buy(name, 1)).await, EXECUTED_MESSAGE, "{name}");
    }
    drop(sessions);
    server.terminate();
    let (status, log) = tokio::task::spawn_blocking(|| server.wait()).await.unwrap();
    assert!(status.success(), "{log}");
    assert_eq!(log.matches("stays in use").count(), 1, "logged once: {log}");
}

#[tokio::test]
async fn a_certificate_can_be_made_for_a_class() {
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("class").join("tls");
    let text = made.to_str().unwrap();
    let (code, stdout, stderr) =
        process::run(&["cert", "--host", "casino.example", "--host", "192.0.2.1", text]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains("--tls-ca ca.pem"), "{stdout}");
    let files = ["ca.pem", "cert.pem", "key.pem"].map(|name| made.join(name));
    let contents = || files.each_ref().map(|file| fs::read(file).unwrap());
    for file in &files {
        assert_eq!(
            file.metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{}",
            file.display()
        );
    }
    let before = contents();
    let (code, _, stderr) = process::run(&["cert", text]);
    assert_eq!(code, Some(1));
    assert!(
        stderr.contains("ca.pem exists and is not overwritten"),
        "{stderr}"
    );
    assert_eq!(contents(), before);
    for host in ["casino:10000", "https://casino", "", "a b", "ü.example"] {
        let (code, _, stderr) = process::run(&["cert", text, "--host", host]);
        assert_eq!(code, Some(2), "{host}: {stderr}");
        assert!(
            stderr.contains("--host") && stderr.contains("without a port"),
            "{host}: {stderr}"
        );
    }

    let [ca, cert, key] = files;
    let server = start_casino(&folder, &SignedCert { cert, key });
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("https://{host}:{}", server.address.port());
        client(&url, Some(&ca)).deposit("ann", 1).await.unwrap();
    }
}

#[test]
fn invalid_certificate_files_are_rejected_at_startup() {
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
            "--tls-cert, --tls-key: ",
            "are not a matching certificate and private key",
        ),
        (
            text(&good.key),
            text(&good.key),
            "--tls-cert: ",
            "has no PEM certificate",
        ),
        (
            missing.clone(),
            text(&good.key),
            "--tls-cert: cannot read ",
            "missing.pem: No such file",
        ),
        (
            text(&good.cert),
            missing,
            "--tls-key: cannot read ",
            "missing.pem: No such file",
        ),
    ];
    let store = format!("sqlite:{}", ledger_path(&folder).display());
    for (cert, key, option, message) in cases {
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
        assert!(stderr.contains(option) && stderr.contains(message), "{stderr}");
    }
}

#[tokio::test]
async fn plaintext_on_all_interfaces_needs_an_explicit_option() {
    let folder = tempfile::tempdir().unwrap();
    let store = ledger_path(&folder);
    let url = format!("sqlite:{}", store.display());
    let (code, stdout, stderr) = process::run(&["--listen", "0.0.0.0:0", "--store", &url]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    for text in [
        "0.0.0.0:0 can be reached from other machines",
        "--tls-cert",
        "--allow-plaintext",
    ] {
        assert!(stderr.contains(text), "{stderr}");
    }
    assert!(!store.exists());
    for allowed in [&["--allow-plaintext"][..], &["--allow-plaintext=true"]] {
        let server = CasinoProcess::start_at("0.0.0.0:0", &store, allowed);
        let url = format!("http://127.0.0.1:{}", server.address.port());
        let mut client = CasinoClient::new(transport::endpoint(&url).unwrap().connect_lazy());
        client.deposit("ann", 1).await.unwrap();
        server.kill();
    }
}

#[test]
fn the_secret_is_not_sent_unencrypted() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", ledger_path(&folder).display());
    let mut command = process::command(&["--listen", "127.0.0.1:0", "--store", &store]);
    command.args(["--payments", "http://192.0.2.1:10001"]);
    let output = command
        .env("PAYMENTS_SECRET", "0123456789abcdef")
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr.contains("could be read by others") && !stderr.contains("0123456789abcdef"),
        "{stderr}"
    );
    let mut command = process::command(&["--listen", "127.0.0.1:0", "--store", &store]);
    let output = command.env("PAYMENTS_SECRET", "sh0rt").output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("PAYMENTS_SECRET: a secret must be one line") && !stderr.contains("sh0rt"),
        "{stderr}"
    );
}
