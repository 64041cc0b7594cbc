//! The binary as a process: exit codes, real sockets and signals.

mod common;
#[cfg(target_os = "linux")]
#[path = "../../proto/tests/support/limited.rs"]
mod limited;

use std::collections::BTreeSet;
use std::future;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};

use awesomestock_proto::transport;
use clap::CommandFactory;
use common::{OpenStatement, SERVICE, health, open_statement, payment, statement_of};
use payments_server::config::Config;
use rustix::process::{Pid, Signal, kill_process};
use tokio_stream::StreamExt;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::transport::Channel;
use tonic::{Code, Request};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_payments-server"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PAYMENTS_")) {
        command.env_remove(name);
    }
    command
}

/// A running server, killed when it is dropped.
struct Server {
    process: Child,
    stdout: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Server {
    /// Starts a server on a free port and waits until it is ready.
    fn start(options: &[&str]) -> Self {
        Self::spawn(command().args(["--listen", "127.0.0.1:0"]).args(options))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut ready = String::new();
        stdout.read_line(&mut ready).unwrap();
        let address = ready
            .strip_prefix("payments-server listening on ")
            .and_then(|address| address.strip_suffix('\n'))
            .unwrap_or_else(|| panic!("no ready line: {ready:?}"))
            .parse()
            .unwrap();
        Self {
            process,
            stdout,
            address,
        }
    }

    async fn connect(&self) -> Channel {
        transport::endpoint(&format!("http://{}", self.address))
            .unwrap()
            .connect()
            .await
            .unwrap()
    }

    fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(i32::try_from(self.process.id()).unwrap()).unwrap();
        kill_process(id, signal).unwrap();
    }

    /// Waits for the end. Returns the exit status and stdout after the ready line.
    fn wait(mut self) -> (ExitStatus, String) {
        let status = self.process.wait().unwrap();
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (status, rest)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Has no effect on a process that was waited for.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.stdin(Stdio::null()).output().unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    // A run of spaces reveals a badly joined string literal.
    for message in stderr.lines() {
        assert!(!message.trim().contains("  "), "a run of spaces: {message}");
    }
    (status.code(), String::from_utf8(stdout).unwrap(), stderr)
}

#[tokio::test]
async fn statements_health_and_reflection_work_over_a_real_socket() {
    let server = Server::start(&[]);
    assert_ne!(server.address.port(), 0);
    let channel = server.connect().await;

    let statement = statement_of(&channel, vec![payment("株太郎", -100, 1)])
        .await
        .unwrap();
    assert!(statement.contains("Player: 株太郎\n"), "{statement}");
    assert!(
        statement.contains("\nFINAL BALANCE                            -100\n"),
        "{statement}"
    );

    assert_eq!(health(&channel).await.unwrap(), ServingStatus::Serving);

    let list = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers = ServerReflectionClient::new(channel)
        .server_reflection_info(Request::new(tokio_stream::once(list)))
        .await
        .unwrap()
        .into_inner();
    let answer = answers.next().await.unwrap().unwrap().message_response;
    let Some(MessageResponse::ListServicesResponse(services)) = answer else {
        panic!("no list of services: {answer:?}");
    };
    let listed: BTreeSet<_> = services
        .service
        .iter()
        .map(|service| service.name.as_str())
        .collect();
    assert_eq!(
        listed,
        BTreeSet::from([
            SERVICE,
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection"
        ])
    );
}

#[tokio::test]
async fn requests_that_are_not_grpc_get_an_http_status() {
    let server = Server::start(&[]);
    let mut channel = server.connect().await;
    let path = format!("/{SERVICE}/CreateStatement");
    for (method, path, content_type, expected) in [
        ("GET", "/", None, 405),
        ("GET", path.as_str(), None, 405),
        ("PUT", &path, Some("application/grpc"), 405),
        ("POST", &path, Some("application/json"), 415),
        ("POST", &path, Some("text/plain"), 415),
        ("POST", &path, None, 415),
        ("POST", "/nowhere", Some("application/json"), 415),
        ("POST", &path, Some("application/grpc"), 200),
        ("POST", &path, Some("application/grpc+proto"), 200),
    ] {
        let mut request = http::Request::builder().method(method).uri(path);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        future::poll_fn(|cx| channel.poll_ready(cx)).await.unwrap();
        let response = channel.call(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), expected, "{method} {path} {content_type:?}");
        let is_grpc = response.headers().contains_key("grpc-status");
        assert!(expected == 200 || !is_grpc, "{method} {path} {content_type:?}");
    }
}

#[tokio::test]
async fn a_sender_with_the_old_contract_gets_a_statement() {
    /// `types.Payment` of the first contract.
    #[derive(Clone, PartialEq, prost::Message)]
    struct OldPayment {
        #[prost(message, optional, tag = "1")]
        user: Option<OldUser>,
        #[prost(int32, tag = "2")]
        amount: i32,
    }
    /// `types.User` of the first contract.
    #[derive(Clone, PartialEq, prost::Message)]
    struct OldUser {
        #[prost(string, tag = "1")]
        id: String,
    }
    /// `types.PaymentStatement` of the first contract.
    #[derive(Clone, PartialEq, prost::Message)]
    struct OldStatement {
        #[prost(string, tag = "1")]
        data: String,
    }

    let server = Server::start(&[]);
    let payments = [-20, 4].map(|amount| OldPayment {
        user: Some(OldUser { id: "ann".to_owned() }),
        amount,
    });
    let mut client = tonic::client::Grpc::new(server.connect().await);
    client.ready().await.unwrap();
    let statement: OldStatement = client
        .client_streaming(
            Request::new(tokio_stream::iter(payments)),
            "/payment_statements.PaymentStatements/CreateStatement"
                .parse()
                .unwrap(),
            tonic_prost::ProstCodec::<OldPayment, OldStatement>::default(),
        )
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        statement.data,
        "\
AwesomeStock payment statement
Player: ann

NUMBER  DATE (UTC)  DOLLARS  BALANCE
------  ----------  -------  -------
     1  -               -20      -20
     2  -                +4      -16
------  ----------  -------  -------
PAID IN                          -20
PAID OUT                          +4
FINAL BALANCE                    -16

Dollars: - was paid in by the player, + was paid out to the player.
Balance: paid out less paid in; below 0, more went in than came out.
"
    );
}

#[tokio::test]
async fn limits_come_from_the_command_line_and_the_environment() {
    let by_option = Server::start(&["--max-payments", "1"]);
    let by_variable = Server::spawn(
        command()
            .env("PAYMENTS_LISTEN", "127.0.0.1:0")
            .env("PAYMENTS_MAX_PAYMENTS", "1"),
    );
    for server in [by_option, by_variable] {
        let payments = vec![payment("ann", -1, 1), payment("ann", -1, 2)];
        let status = statement_of(&server.connect().await, payments).await.unwrap_err();
        assert_eq!(
            (status.code(), status.message()),
            (
                Code::ResourceExhausted,
                "payment 2: too many: the limit is 1 in one statement"
            )
        );
    }
}

#[tokio::test]
async fn a_signal_ends_open_statements_and_shuts_down_cleanly() {
    for (ignored, signal) in [
        (None, Signal::TERM),
        (None, Signal::INT),
        (None, Signal::QUIT),
        (Some(Signal::HUP), Signal::TERM),
        (Some(Signal::USR1), Signal::TERM),
        (Some(Signal::USR2), Signal::TERM),
        (Some(Signal::ALARM), Signal::TERM),
    ] {
        let server = Server::start(&[]);
        let channel = server.connect().await;
        let OpenStatement { payments, answer } = open_statement(&channel).await;
        for signal in ignored.into_iter().chain([signal]) {
            server.signal(signal);
        }
        let status = answer.await.unwrap().unwrap_err();
        assert_eq!(
            (status.code(), status.message()),
            (Code::Unavailable, "the payments server is shutting down")
        );
        // In another thread, because the server waits for the client to close the connection.
        let (status, rest) = tokio::task::spawn_blocking(|| server.wait()).await.unwrap();
        assert_eq!(status.code(), Some(0), "{ignored:?} {signal:?}: {status}");
        assert_eq!(rest, "", "stdout has only the ready line");
        // Kept open until here: the sender never half-closed.
        drop(payments);
    }
}

#[test]
fn a_port_in_use_is_reported() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, stdout, stderr) = run(command().args(["--listen", &address]));
    assert_eq!(code, Some(1));
    assert_eq!(stdout, "");
    assert!(
        stderr.starts_with(&format!(
            "payments-server: cannot listen on {address}: Address already in use"
        )),
        "{stderr}"
    );
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[cfg(target_os = "linux")]
#[test]
fn errors_are_reported_without_memory_or_threads() {
    let server = env!("CARGO_BIN_EXE_payments-server");
    limited::check_limits(|command| {
        command.args([server, "--listen", "127.0.0.1:0"]);
    });
}

#[test]
fn usage_errors_exit_with_2_and_name_the_limit() {
    for (options, expected) in [
        (["--listen", "nowhere"], "expected HOST:PORT"),
        (
            ["--max-payments", "0"],
            "expected a whole number from 1 to 10,000,000",
        ),
        (["--max-open", "-1"], "expected a whole number from 1 to 100,000"),
        (["--idle", "never"], "expected a duration from 10ms to 1h"),
        (["--log", "=="], "--log"),
        (["--nothing", "x"], "unexpected argument"),
    ] {
        let (code, stdout, stderr) = run(command().args(options));
        assert_eq!(code, Some(2), "{options:?}: {stderr}");
        assert_eq!(stdout, "", "{options:?}");
        assert!(stderr.contains(expected), "{options:?}: {stderr}");
    }
}

#[test]
fn help_texts_have_no_runs_of_spaces() {
    for option in Config::command().get_arguments() {
        let help = [option.get_help(), option.get_long_help()];
        for text in help.into_iter().flatten().map(ToString::to_string) {
            assert!(!text.contains("  "), "{text}");
        }
    }
}

#[test]
fn version_and_help_are_printed() {
    let (code, stdout, _) = run(command().arg("--version"));
    let expected = format!("payments-server {}\n", awesomestock_proto::VERSION);
    assert_eq!((code, stdout), (Some(0), expected));
    let (code, stdout, _) = run(command().arg("--help"));
    assert_eq!(code, Some(0));
    for name in ["LISTEN", "MAX_PAYMENTS", "MAX_OPEN", "IDLE", "LOG"] {
        assert!(stdout.contains(&format!("[env: PAYMENTS_{name}=]")), "{stdout}");
    }
}
