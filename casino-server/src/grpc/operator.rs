//! The operator service: steers the rounds of a running casino.

use std::sync::Arc;

use awesomestock_proto::auth::SharedSecret;
use awesomestock_proto::casino;
use awesomestock_proto::operator::operator_server::Operator;
use awesomestock_proto::operator::{
    EndRequest, PauseRequest, ResultsRequest, ResumeRequest, RoundResults, SayRequest, StartRequest,
    StatusRequest,
};
use tonic::{Code, Request, Response, Status};

use crate::config::clock::Clock;
use crate::domain::money::Dollars;
use crate::domain::round::{Round, RoundCommand, RoundError, RoundPhase, small_stake};
use crate::feed::lobby::encode;
use crate::feed::price::PriceFeed;
use crate::feed::rounds::{self, RoundFeed};
use crate::ledger::LedgerHandle;
use crate::store::reader::StoreReader;

/// The operator service of an open casino.
#[derive(Debug)]
pub struct OperatorService {
    pub(crate) secret: SharedSecret,
    pub(crate) ledger: LedgerHandle,
    pub(crate) reader: StoreReader,
    pub(crate) rounds: RoundFeed,
    pub(crate) prices: PriceFeed,
    pub(crate) stake: Option<Dollars>,
    pub(crate) clock: Clock,
}

impl OperatorService {
    /// Rejects callers without the secret.
    fn authenticate<T>(&self, request: Request<T>) -> Result<T, Status> {
        self.secret.check(request.metadata(), Code::Unauthenticated)?;
        Ok(request.into_inner())
    }

    async fn change(&self, command: RoundCommand) -> Result<Response<casino::Round>, Status> {
        match self.ledger.change_round(command).await? {
            Ok(round) => Ok(Response::new(encode::round(&round, &[], self.clock.now()))),
            Err(error) if error.is_invalid() => Err(Status::invalid_argument(error.to_string())),
            Err(error) => Err(Status::failed_precondition(error.to_string())),
        }
    }

    /// Returns the round `number`, or the newest one for 0.
    async fn round(&self, number: i64) -> Result<Arc<Round>, Status> {
        let newest = self.rounds.current();
        if [0, newest.number].contains(&number) {
            return Ok(newest);
        }
        let round = self.reader.read_row(move |reads| reads.round(number)).await?;
        let unknown = || Status::out_of_range(RoundError::unknown(number, &newest).to_string());
        round.map(Arc::new).ok_or_else(unknown)
    }
}

#[tonic::async_trait]
impl Operator for OperatorService {
    async fn start(&self, request: Request<StartRequest>) -> Result<Response<casino::Round>, Status> {
        let StartRequest { length_ms } = self.authenticate(request)?;
        let mut answer = self.change(RoundCommand::Start(length_ms, self.stake)).await?;
        let price = self.prices.current().price;
        let small = self.stake.and_then(|stake| small_stake(stake, price));
        answer.get_mut().warning = small.unwrap_or_default();
        Ok(answer)
    }

    async fn pause(&self, request: Request<PauseRequest>) -> Result<Response<casino::Round>, Status> {
        self.authenticate(request)?;
        self.change(RoundCommand::Pause).await
    }

    async fn resume(&self, request: Request<ResumeRequest>) -> Result<Response<casino::Round>, Status> {
        self.authenticate(request)?;
        self.change(RoundCommand::Resume).await
    }

    async fn end(&self, request: Request<EndRequest>) -> Result<Response<casino::Round>, Status> {
        self.authenticate(request)?;
        self.change(RoundCommand::End).await
    }

    async fn status(&self, request: Request<StatusRequest>) -> Result<Response<casino::Round>, Status> {
        self.authenticate(request)?;
        let round = self.rounds.current();
        Ok(Response::new(encode::round(&round, &[], self.clock.now())))
    }

    async fn say(&self, request: Request<SayRequest>) -> Result<Response<casino::Round>, Status> {
        let SayRequest { text } = self.authenticate(request)?;
        self.change(RoundCommand::Say(text)).await
    }

    async fn results(&self, request: Request<ResultsRequest>) -> Result<Response<RoundResults>, Status> {
        let ResultsRequest { round } = self.authenticate(request)?;
        let round = self.round(round).await?;
        let price = match round.phase {
            RoundPhase::Ended(tick) => tick.price,
            _ => self.prices.current().price,
        };
        let results = rounds::results(&self.reader, &round, price).await?;
        Ok(Response::new(RoundResults {
            round: Some(encode::round(&round, &[], self.clock.now())),
            results: results.iter().map(encode::round_result).collect(),
        }))
    }
}
