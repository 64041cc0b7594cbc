//! Access to the server: its secret, its certificate, and its listen address.

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Output, Stdio};

use awesomestock_proto::auth::{BearerInterceptor, SharedSecret};
use awesomestock_proto::payment_statements::payment_statements_client::PaymentStatementsClient;
use awesomestock_proto::{tls, transport};
use common::{health, payment, statement_of};
use rcgen::generate_simple_self_signed;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_health::pb::health_check_response::ServingStatus;

const SECRET: &str = "0123456789abcdefghij";

fn command(options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_payments-server"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PAYMENTS_")) {
        command.env_remove(name);
    }
    command.args(options).stdin(Stdio::null());
    command
}

fn run(options: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command(options).output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

/// A running server, killed when it is dropped.
struct Server(Child, SocketAddr);

impl Server {
    fn start(mut command: Command) -> Self {
        let mut process = command
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        let stdout = process.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut ready).unwrap();
        let address = ready.trim().rsplit(' ').next().unwrap().parse().unwrap();
        Self(process, address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn statement_with_secret(channel: &Channel, secret: &str) -> Result<String, Status> {
    let secret = SharedSecret::parse(secret).unwrap();
    let mut client =
        PaymentStatementsClient::with_interceptor(channel.clone(), BearerInterceptor::secret(Some(&secret)));
    let payments = tokio_stream::iter([payment("ann", -1, 1)]);
    let statement = client.create_statement(payments).await?;
    Ok(statement.into_inner().data)
}

#[tokio::test]
async fn with_a_secret_only_its_holders_get_a_statement() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    fs::write(&file, format!("{SECRET}\n")).unwrap();
    let from_file = command(&["--secret-file", file.to_str().unwrap()]);
    let mut from_variable = command(&[]);
    from_variable.env("PAYMENTS_SECRET", SECRET);
    for command in [from_file, from_variable] {
        let server = Server::start(command);
        let channel = transport::endpoint(&format!("http://{}", server.1))
            .unwrap()
            .connect_lazy();
        let rejected = statement_of(&channel, vec![payment("ann", -1, 1)]).await;
        assert_eq!(rejected.unwrap_err().code(), Code::Unauthenticated);
        let rejected = statement_with_secret(&channel, "0123456789abcdefghik").await;
        assert_eq!(rejected.unwrap_err().code(), Code::PermissionDenied);
        let statement = statement_with_secret(&channel, SECRET).await.unwrap();
        assert!(statement.contains("Player: ann"), "{statement}");
        assert_eq!(
            health(&channel).await.unwrap(),
            ServingStatus::Serving,
            "health checks need no secret"
        );
    }
}

#[tokio::test]
async fn without_a_secret_a_sent_one_is_ignored() {
    let server = Server::start(command(&[]));
    let channel = transport::endpoint(&format!("http://{}", server.1))
        .unwrap()
        .connect_lazy();
    statement_with_secret(&channel, SECRET).await.unwrap();
}

#[tokio::test]
async fn a_client_that_trusts_the_certificate_gets_a_statement() {
    let folder = tempfile::tempdir().unwrap();
    let generated = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
    fs::write(&cert, generated.cert.pem()).unwrap();
    fs::write(&key, generated.signing_key.serialize_pem()).unwrap();
    let [cert_path, key_path] = [&cert, &key].map(|path| path.to_str().unwrap());
    let server = Server::start(command(&["--tls-cert", cert_path, "--tls-key", key_path]));
    let url = format!("https://localhost:{}", server.1.port());
    let trusting = tls::endpoint(&url, Some(&cert)).unwrap().connect_lazy();
    statement_of(&trusting, vec![payment("ann", -1, 1)])
        .await
        .unwrap();
}

#[tokio::test]
async fn a_new_certificate_is_used_for_new_connections() {
    let folder = tempfile::tempdir().unwrap();
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| folder.path().join(name));
    let install = || {
        let generated = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        fs::write(&cert, generated.cert.pem()).unwrap();
        fs::write(&key, generated.signing_key.serialize_pem()).unwrap();
    };
    install();
    let [cert_path, key_path] = [&cert, &key].map(|path| path.to_str().unwrap());
    let mut command = command(&["--tls-cert", cert_path, "--tls-key", key_path]);
    command.stderr(Stdio::piped());
    let mut server = Server::start(command);
    let mut log = BufReader::new(server.0.stderr.take().unwrap()).lines();
    let url = format!("https://localhost:{}", server.1.port());
    let connect = || tls::endpoint(&url, Some(&cert)).unwrap().connect_lazy();
    let before = connect();
    statement_of(&before, vec![payment("ann", -1, 1)]).await.unwrap();
    install();
    assert!(log.any(|line| line.unwrap().contains("new connections get the certificate in")));
    for channel in [&connect(), &before] {
        statement_of(channel, vec![payment("ann", -1, 1)]).await.unwrap();
    }
}

#[test]
fn unsafe_or_invalid_options_are_rejected_at_startup() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    fs::write(&file, "sh0rt").unwrap();
    let missing = folder.path().join("missing");
    let [file, missing] = [&file, &missing].map(|path| path.to_str().unwrap());
    for (options, code, message) in [
        (
            &["--listen", "0.0.0.0:0"][..],
            1,
            "can be reached from other machines",
        ),
        (&["--secret-file", missing], 1, "cannot read the secret file"),
        (
            &["--secret-file", file],
            1,
            "a secret must be one line of 16 to 512",
        ),
        (&["--tls-cert", file], 2, "--tls-cert is given without --tls-key"),
        (
            &["--tls-cert", file, "--tls-key", file],
            1,
            "has no PEM certificate",
        ),
    ] {
        let (ended, stderr) = run(options);
        assert_eq!(ended, Some(code), "{stderr}");
        assert!(stderr.contains(message) && !stderr.contains("sh0rt"), "{stderr}");
        let mut lines = stderr.lines();
        assert!(lines.all(|line| !line.trim().contains("  ")), "{stderr}");
    }
}
