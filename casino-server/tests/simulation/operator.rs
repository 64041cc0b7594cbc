//! A simulated operator: starts, pauses, resumes and ends rounds at random, over an unreliable connection.

use std::sync::{Arc, Mutex};

use awesomestock_proto::auth::{BearerInterceptor, SharedSecret};
use awesomestock_proto::casino::{Round, RoundState};
use awesomestock_proto::operator::operator_client::OperatorClient;
use awesomestock_proto::operator::{
    EndRequest, PauseRequest, ResultsRequest, ResumeRequest, RoundResults, SayRequest, StartRequest,
    StatusRequest,
};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Response, Status};

use crate::auditor::{self, Answer};
use crate::connection::OpenConnections;
use crate::players::answer;

type Client = OperatorClient<InterceptedService<Channel, BearerInterceptor>>;

/// What is known of the round, shared by the operator and the players.
#[derive(Debug, Clone, Default)]
pub(crate) struct KnownRound(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// The number of the pause, while the round is certainly paused.
    pause: Option<u64>,
    pauses: u64,
    /// A command that may end the pause has no answer: it may be executed until the end of the casino's lifetime.
    is_uncertain: bool,
    /// The highest number of a round that was answered.
    number: i64,
    /// Requests that were rejected during a pause.
    rejected: usize,
}

impl KnownRound {
    /// Returns the number of the present pause, if the round is certainly paused.
    pub(crate) fn pause(&self) -> Option<u64> {
        self.0.lock().unwrap().pause
    }

    /// Checks the response to a new request that was sent during `pause`: nothing is executed until its end.
    pub(crate) fn check(&self, pause: Option<u64>, response: &auditor::Response) {
        let mut state = self.0.lock().unwrap();
        if pause.is_none() || pause != state.pause {
            return;
        }
        match response {
            auditor::Response::Answer(Answer::Rejected(_)) => state.rejected += 1,
            auditor::Response::Answer(_) => panic!("{response:?} during a pause"),
            _ => {}
        }
    }

    /// Returns the number of requests that were rejected during a pause.
    pub(crate) fn rejected(&self) -> usize {
        self.0.lock().unwrap().rejected
    }

    /// Records that a command is sent which may end a pause.
    fn begin(&self) {
        self.0.lock().unwrap().pause = None;
    }

    /// Records the answer to a command. `may_resume`: it may end a pause.
    fn record(&self, may_resume: bool, answered: &Result<Round, Status>) {
        let mut state = self.0.lock().unwrap();
        match answered {
            Ok(round) => {
                assert!(round.number >= state.number, "{round:?} after {}", state.number);
                state.number = round.number;
                if round.state() == RoundState::RoundPaused && !state.is_uncertain && state.pause.is_none() {
                    state.pauses += 1;
                    state.pause = Some(state.pauses);
                }
            }
            Err(status) if [Code::FailedPrecondition, Code::InvalidArgument].contains(&status.code()) => {}
            Err(_) => state.is_uncertain |= may_resume,
        }
    }

    /// Ends the casino's lifetime: nothing is executed any more without a new command.
    pub(crate) fn end_lifetime(&self) {
        self.0.lock().unwrap().is_uncertain = false;
    }
}

/// The operator during one lifetime of the casino.
pub(crate) struct SimulatedOperator {
    pub(crate) client: Client,
    pub(crate) connections: OpenConnections,
    pub(crate) round: KnownRound,
    pub(crate) rng: ChaCha8Rng,
}

impl SimulatedOperator {
    /// Returns a client with the secret.
    pub(crate) fn client(channel: Channel) -> Client {
        OperatorClient::with_interceptor(channel, BearerInterceptor::secret(Some(&secret())))
    }

    /// Sends a few random commands.
    pub(crate) async fn play(mut self) {
        for _ in 0..self.rng.random_range(0..12) {
            self.act().await;
        }
    }

    async fn act(&mut self) {
        let (client, connections) = (&mut self.client, &self.connections);
        let kind = self.rng.random_range(0..10);
        let may_resume = kind < 5;
        if may_resume {
            self.round.begin();
        }
        let answered = match kind {
            0 | 1 => {
                // Some end by themselves.
                let length_ms = [1_000, 60_000, 3_600_000][self.rng.random_range(0..3_usize)];
                answer(client.start(StartRequest { length_ms }), connections).await
            }
            2 | 3 => answer(client.resume(ResumeRequest {}), connections).await,
            4 => answer(client.end(EndRequest {}), connections).await,
            5 => {
                let text = ["", "Hello"][self.rng.random_range(0..2_usize)].to_owned();
                answer(client.say(SayRequest { text }), connections).await
            }
            6..9 => answer(client.pause(PauseRequest {}), connections).await,
            _ => answer(client.status(StatusRequest {}), connections).await,
        };
        self.round.record(may_resume, &answered);
    }
}

/// Returns the operator's secret.
pub(crate) fn secret() -> SharedSecret {
    SharedSecret::parse("a-secret-of-the-operator").unwrap()
}

/// Ends the open round, if any, and returns the results of the newest one.
pub(crate) async fn end_round(client: &mut Client) -> RoundResults {
    match client.end(EndRequest {}).await {
        Ok(_) => {}
        Err(status) => assert_eq!(status.message(), "no round is open"),
    }
    let results = client.results(ResultsRequest::default()).await;
    results.map(Response::into_inner).unwrap()
}
