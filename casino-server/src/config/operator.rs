//! The operator service, and the command `round` that calls it.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;
use std::{fs, io};

use awesomestock_proto::auth::{BearerInterceptor, OPERATOR_SECRET_VARIABLE, SecretError, SharedSecret};
use awesomestock_proto::casino::{self, RoundState};
use awesomestock_proto::operator::operator_client::OperatorClient;
use awesomestock_proto::operator::{
    EndRequest, PauseRequest, ResultsRequest, ResumeRequest, RoundResults, SayRequest, StartRequest,
    StatusRequest,
};
use awesomestock_proto::server::health::local_url;
use awesomestock_proto::text::sanitize::sanitize;
use awesomestock_proto::{command_line, resources, tls, transport};
use tokio::time::timeout;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::config::secrets::SecurityError;
use crate::domain::money::Dollars;
use crate::domain::player::PlayerName;
use crate::domain::round::{self, RoundResult};

/// Time for connection and answer together.
const DEADLINE: Duration = Duration::from_secs(10);

const CSV_HEAD: &str = "place,player,profit,return,trades";

/// Address and secret of the operator service.
#[derive(Debug, Clone, clap::Args)]
pub struct OperatorArgs {
    /// Address of the operator service, which steers rounds; off by default. It needs a secret.
    #[arg(long, value_name = "HOST:PORT", global = true, value_parser = command_line::listen_address)]
    pub operator: Option<String>,

    /// File with the operator's secret. Without this option, `OPERATOR_SECRET` may contain the secret.
    #[arg(long, value_name = "FILE", global = true)]
    pub operator_secret_file: Option<PathBuf>,
}

/// Arguments of the command `round`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct RoundArgs {
    /// What to do.
    #[command(subcommand)]
    pub task: RoundTask,

    /// The operator service: http://HOST:PORT or https://HOST:PORT; by default the address of --operator, without TLS
    #[arg(long, value_name = "URL", global = true, value_parser = command_line::server_url)]
    pub url: Option<String>,

    /// PEM file with the certificate authority to trust; by default the system's
    #[arg(long, value_name = "FILE", global = true, alias = "tls-ca")]
    pub ca: Option<PathBuf>,
}

/// What an operator does to the round of a running casino.
#[derive(Debug, Clone, PartialEq, Eq, clap::Subcommand)]
pub enum RoundTask {
    /// Start a round: each player trades on an account of the round, which begins with the stake.
    Start {
        /// Length of the round, 1s to 7days; pauses do not count.
        #[arg(value_name = "DURATION", value_parser = |text: &str| command_line::duration(text, &round::LENGTH))]
        length: Duration,
    },
    /// Pause the round: orders are rejected, and its time stands still.
    Pause,
    /// Resume the paused round.
    Resume,
    /// End the round at the current price.
    End,
    /// Print the state of the round.
    Status,
    /// Print the results of a round.
    Results(ResultsArgs),
    /// Show an announcement on every desk; an empty TEXT removes it.
    Say {
        /// One line of at most 100 characters.
        text: String,
    },
}

/// Arguments of the command `round results`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct ResultsArgs {
    /// Number of the round, from 1; by default the newest.
    #[arg(long, value_name = "N", value_parser = |text: &str| command_line::number(text, &(1..=i64::MAX)))]
    pub round: Option<i64>,

    /// Write them as CSV to a file, which is replaced; `-` is standard output.
    #[arg(long, value_name = "FILE", value_parser = command_line::file_path)]
    pub csv: Option<PathBuf>,
}

/// Why the command `round` failed.
#[derive(Debug, thiserror::Error)]
pub enum RoundCallError {
    /// No address is configured.
    #[error("which casino? give --operator HOST:PORT, or --url")]
    NoAddress,
    /// No secret is configured.
    #[error(
        "the operator service needs a secret: give --operator-secret-file, or set {OPERATOR_SECRET_VARIABLE}"
    )]
    NoSecret,
    /// The secret cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The URL or the certificate authority is not valid, or the secret would be sent unencrypted.
    #[error(transparent)]
    Security(#[from] SecurityError),
    /// The casino rejected the call, or does not answer.
    #[error("{}", explain(url, status))]
    Call {
        /// The operator service.
        url: String,
        /// The rejection, or why there is no answer.
        status: Status,
    },
    /// No answer in time.
    #[error("{0} does not answer within {DEADLINE:?}")]
    Deadline(String),
    /// There are no results before the first round.
    #[error("no round yet")]
    NoRound,
    /// An earlier casino, which knows the results of the newest round only.
    #[error(
        "this casino has the results of the newest round only, round {0}; `check` prints those of all rounds"
    )]
    NewestOnly(i64),
    /// The results cannot be written.
    #[error("cannot write {}", .0.display())]
    Write(PathBuf, #[source] io::Error),
    /// The call could not be started.
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
}

impl RoundCallError {
    /// Returns whether an argument or a variable is missing or not valid, also if only the casino knows.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        match self {
            Self::NoAddress | Self::NoSecret => true,
            Self::Secret(error) => error.is_from_variable(),
            Self::Call { status, .. } => matches!(status.code(), Code::InvalidArgument | Code::OutOfRange),
            _ => false,
        }
    }
}

fn explain(url: &str, status: &Status) -> String {
    if let Some(explained) = tls::explain(status) {
        return format!("{url} does not answer: {explained}");
    }
    match (status.code(), sanitize(status.message())) {
        (Code::Unimplemented, _) => format!("{url} is not the operator service of a casino"),
        (code, message) if message.is_empty() => format!("{url} answered: {code}"),
        // Only a server that answers has no source.
        (_, message) if status.source().is_some() => format!("{url} does not answer: {message}"),
        (_, message) => message.into_owned(),
    }
}

type Client = OperatorClient<InterceptedService<Channel, BearerInterceptor>>;

impl OperatorArgs {
    /// Reads the secret, if it is configured.
    pub fn secret(&self) -> Result<Option<SharedSecret>, SecretError> {
        let file = self.operator_secret_file.as_deref();
        SharedSecret::read(file, "--operator-secret-file", OPERATOR_SECRET_VARIABLE)
    }

    /// Returns the address to serve on and the secret, if an address is configured.
    pub fn service(&self) -> Result<Option<(&str, SharedSecret)>, RoundCallError> {
        let secret = self.secret()?;
        let service = |address| Ok((address, secret.ok_or(RoundCallError::NoSecret)?));
        self.operator.as_deref().map(service).transpose()
    }
}

impl RoundArgs {
    /// Calls the operator service. Returns the text to print.
    pub fn run(&self, operator: &OperatorArgs, allow_plaintext: bool) -> Result<String, RoundCallError> {
        let local = || operator.operator.as_deref().map(local_url);
        let url = self.url.clone().or_else(local).ok_or(RoundCallError::NoAddress)?;
        let secret = operator.secret()?.ok_or(RoundCallError::NoSecret)?;
        let runtime = resources::runtime().map_err(RoundCallError::Runtime)?;
        runtime.block_on(async {
            let endpoint = tls::endpoint(&url, self.ca.as_deref());
            let endpoint = endpoint.map_err(|error| SecurityError::from(error.in_option("--ca")))?;
            if !allow_plaintext && transport::is_plaintext_remote(endpoint.uri()) {
                return Err(SecurityError::SecretInPlaintext(url).into());
            }
            let secret = BearerInterceptor::secret(Some(&secret));
            let client = OperatorClient::with_interceptor(endpoint.connect_lazy(), secret);
            let call = timeout(DEADLINE, self.task.call(client)).await;
            match call.map_err(|_| RoundCallError::Deadline(url.clone()))? {
                Ok(answer) => answer,
                Err(status) => Err(RoundCallError::Call { url, status }),
            }
        })
    }
}

impl RoundTask {
    /// Calls the operator service. Returns the text to print, or why the results cannot be written.
    async fn call(&self, mut client: Client) -> Result<Result<String, RoundCallError>, Status> {
        let round = match self {
            Self::Start { length } => {
                let length_ms = i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
                client.start(StartRequest { length_ms }).await
            }
            Self::Pause => client.pause(PauseRequest {}).await,
            Self::Resume => client.resume(ResumeRequest {}).await,
            Self::End => client.end(EndRequest {}).await,
            Self::Status => client.status(StatusRequest {}).await,
            Self::Say { text } => client.say(SayRequest { text: text.clone() }).await,
            Self::Results(args) => {
                let round = args.round.unwrap_or(0);
                let results = client.results(ResultsRequest { round }).await?;
                return Ok(args.write(results.get_ref()));
            }
        };
        Ok(Ok(describe(round?.get_ref())))
    }
}

impl ResultsArgs {
    /// Writes `results` to the file, or returns them.
    fn write(&self, results: &RoundResults) -> Result<String, RoundCallError> {
        let round = results.round.as_ref();
        let round = round.filter(|round| round.state() != RoundState::RoundNone);
        let number = round.ok_or(RoundCallError::NoRound)?.number;
        if self.round.is_some_and(|asked| asked != number) {
            return Err(RoundCallError::NewestOnly(number));
        }
        let text = to_csv(results);
        let Some(file) = self.csv.as_ref().filter(|file| file.as_os_str() != "-") else {
            return Ok(text);
        };
        fs::write(file, text).map_err(|error| RoundCallError::Write(file.clone(), error))?;
        Ok(format!("the results are in {}\n", file.display()))
    }
}

fn to_csv(results: &RoundResults) -> String {
    let stake = Dollars(results.round.as_ref().map_or(0, |round| round.stake));
    let rows = results.results.iter().filter_map(|result| {
        let player = PlayerName::from_stored(&result.player.as_ref()?.name).ok()?;
        let row = RoundResult {
            place: usize::try_from(result.place).ok()?,
            player,
            profit: result.profit,
            trades: result.trades,
        };
        Some(row.csv_row(stake))
    });
    let lines = [CSV_HEAD.to_owned()].into_iter().chain(rows);
    lines.map(|line| line + "\n").collect()
}

fn describe(round: &casino::Round) -> String {
    // Rounded up: right after its start, all of the time is left.
    let left = Duration::from_secs(round.left_ms.unsigned_abs().div_ceil(1_000));
    let left = humantime::format_duration(left);
    let state = match round.state() {
        RoundState::RoundNone => "no round yet".to_owned(),
        RoundState::RoundRunning if round.left_ms == 0 => {
            format!("round {}: ends with the next tick", round.number)
        }
        RoundState::RoundRunning => format!("round {}: {left} left", round.number),
        RoundState::RoundPaused => format!("round {}: paused, {left} left", round.number),
        RoundState::RoundEnded => format!("round {}: ended", round.number),
    };
    let announcement = match round.announcement.as_str() {
        "" => String::new(),
        text => format!("; announcement: {}", sanitize(text)),
    };
    let warning = match round.warning.as_str() {
        "" => String::new(),
        text => format!("note: {}\n", sanitize(text)),
    };
    format!("{state}{announcement}\n{warning}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_rounded_up_to_seconds() {
        for (left_ms, expected) in [
            (600_000, "10m left"),
            (599_001, "10m left"),
            (599_000, "9m 59s left"),
            (1, "1s left"),
            (0, "ends with the next tick"),
        ] {
            let mut round = casino::Round {
                number: 1,
                left_ms,
                ..casino::Round::default()
            };
            round.set_state(RoundState::RoundRunning);
            assert_eq!(describe(&round), format!("round 1: {expected}\n"));
        }
    }

    #[test]
    fn an_earlier_casino_has_the_results_of_the_newest_round_only() {
        let mut newest = casino::Round {
            number: 2,
            ..casino::Round::default()
        };
        newest.set_state(RoundState::RoundEnded);
        let results = RoundResults {
            round: Some(newest),
            results: Vec::new(),
        };
        let head = format!("{CSV_HEAD}\n");
        let earlier = "this casino has the results of the newest round only, round 2; `check` prints those of all rounds";
        for (round, expected) in [
            (None, Ok(head.clone())),
            (Some(2), Ok(head)),
            (Some(1), Err(earlier.to_owned())),
        ] {
            let args = ResultsArgs { round, csv: None };
            assert_eq!(
                args.write(&results).map_err(|error| error.to_string()),
                expected,
                "{round:?}"
            );
        }
    }
}
