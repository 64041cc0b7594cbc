//! A simulated player: sends random requests over an unreliable connection and resends unanswered ones by ID.

use std::collections::VecDeque;
use std::future::Future;
use std::time::Duration;

use awesomestock_proto::capabilities;
use awesomestock_proto::casino::{
    Action, ActionOutcome, ActionResult, ActionType, CancelOrderRequest, OrderState, TimeInForce,
    WithdrawRequest,
};
use awesomestock_proto::types::Payment;
use awesomestock_proto::values::Trigger;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataValue;
use tonic::{Code, Response as GrpcResponse, Status};

use crate::auditor::{Account, Answer, RequestKind, Response, round_of};
use crate::connection::OpenConnections;
use crate::operator::KnownRound;
use crate::support::{Client, Session, action, user};

const FEEDS: &str = "ticks,wallet,ids,limits,orders,rounds";
/// Deadline of a call. Every client needs one: hyper loses a request that is sent at the moment when its connection ends,
/// without an answer or an error, because a message that enters a channel of tokio while its receiver is dropped stays
/// there as long as a sender exists.
const CALL_DEADLINE: Duration = Duration::from_secs(20);

/// Timeout for a statement that never arrives.
const STATEMENT_WAIT: Duration = Duration::from_millis(3);

/// Most requests resent at once. A player sends a whole window before it reads an answer, so the answers must fit into
/// the receive buffers.
const MAX_RESENT: usize = 40;

/// A player during one lifetime of the casino.
pub(crate) struct Player {
    pub(crate) name: &'static str,
    pub(crate) account: Account,
    pub(crate) client: Client,
    pub(crate) connections: OpenConnections,
    pub(crate) round: KnownRound,
    pub(crate) rng: ChaCha8Rng,
}

impl Player {
    /// Sends a few random requests.
    pub(crate) async fn play(mut self) -> (&'static str, Account) {
        for _ in 0..self.rng.random_range(1..12) {
            match self.rng.random_range(0..9) {
                0 | 1 => self.pay(RequestKind::Deposit).await,
                2 => self.pay(RequestKind::Withdrawal).await,
                3 => {
                    // The payments server hangs, so the call is abandoned.
                    let call = self.client.get_payment_statement(user(self.name));
                    let _ = timeout(STATEMENT_WAIT, call).await;
                }
                4 => self.cancel().await,
                _ => self.trade().await,
            }
        }
        (self.name, self.account)
    }

    /// Adds a new request, usually with an ID.
    fn request(&mut self, kind: RequestKind) -> usize {
        // An order that rests needs an ID.
        let has_id = matches!(kind, RequestKind::Rest(..)) || self.rng.random_bool(0.8);
        let id = has_id.then(|| self.rng.random());
        self.account.request(kind, id)
    }

    /// Resends the unanswered payments of this kind and sometimes an answered one, then sends a new one.
    async fn pay(&mut self, kind: RequestKind) {
        let (mut indexes, answered) = self.account.repeatable(|other| other == kind);
        indexes.truncate(MAX_RESENT);
        indexes.extend(self.sometimes_one_of(&answered));
        let new = self.request(kind);
        indexes.push(new);
        for index in indexes {
            let pause = self.round.pause();
            let response = self.send_payment(index).await;
            if index == new {
                self.round.check(pause, &response);
            }
            self.account.record(index, response);
        }
    }

    /// Sometimes returns one of `answered`.
    fn sometimes_one_of(&mut self, answered: &[usize]) -> Option<usize> {
        let is_resent = !answered.is_empty() && self.rng.random_bool(0.3);
        is_resent.then(|| answered[self.rng.random_range(0..answered.len())])
    }

    async fn send_payment(&mut self, index: usize) -> Response {
        let request = self.account.get(index);
        let (payer, amount) = (Some(user(self.name)), request.amount());
        let id = request.id.map(Vec::from).unwrap_or_default();
        if request.kind == RequestKind::Deposit {
            let payment = Payment {
                user: payer,
                amount,
                id,
                ..Payment::default()
            };
            let answer = answer(self.client.buy_tokens(payment), &self.connections).await;
            payment_response(answer.map(|bought| Answer::Bought(bought.count)))
        } else {
            let request = WithdrawRequest {
                user: payer,
                tokens_cnt: amount,
                id,
                ..WithdrawRequest::default()
            };
            let answer = answer(self.client.withdraw(request), &self.connections).await;
            payment_response(answer.map(Answer::Paid))
        }
    }

    /// Opens a session and sends a window of actions, unanswered ones first.
    async fn trade(&mut self) {
        let Some(mut session) = self.try_open_session().await else {
            return;
        };
        let (mut indexes, answered) = self.account.repeatable(RequestKind::is_action);
        indexes.truncate(MAX_RESENT);
        indexes.extend(self.sometimes_one_of(&answered));
        let resent = indexes.len();
        let pause = self.round.pause();
        for _ in 0..self.rng.random_range(1..20) {
            let side = if self.rng.random_bool(0.6) {
                ActionType::Buy
            } else {
                ActionType::Sell
            };
            let limit = [0, 0, self.rng.random_range(1..60)][self.rng.random_range(0..3_usize)];
            let kind = match self.rng.random_range(0..8) {
                0 => RequestKind::Rest(side, Trigger::Limit, self.rng.random_range(1..60)),
                1 => RequestKind::Rest(side, Trigger::Stop, self.rng.random_range(1..60)),
                _ => RequestKind::Trade(side, limit),
            };
            indexes.push(self.request(kind));
        }
        let mut pending = VecDeque::new();
        for (place, index) in indexes.into_iter().enumerate() {
            let action = self.action(index);
            if session.actions.as_ref().unwrap().send(action).await.is_err() {
                break;
            }
            let is_new = place >= resent;
            pending.push_back((index, is_new));
        }
        if self.rng.random_bool(0.5) {
            session.half_close();
        }
        while let Some(&(index, is_new)) = pending.front() {
            let Ok(Some(info)) = session.next().await else {
                break;
            };
            if let Some(update) = info.order {
                let order = update.order.unwrap();
                match order.state() {
                    OrderState::OrderOpen => self.account.check_placed(&order),
                    _ => self.account.record_end(order),
                }
                self.account.record_wallet(update.wallet.unwrap());
            }
            if let Some(wallet) = info.wallet {
                self.account.record_wallet(wallet);
            }
            let Some(result) = info.result else { continue };
            pending.pop_front();
            if let Some(wallet) = result.wallet {
                self.account.record_wallet(wallet);
            }
            let response = action_response(&result);
            if is_new {
                self.round.check(pause, &response);
            }
            self.account.record(index, response);
        }
        for (index, _) in pending {
            self.account.record(index, Response::Unknown);
        }
    }

    fn action(&self, index: usize) -> Action {
        let request = self.account.get(index);
        let id = request.id.map(Vec::from).unwrap_or_default();
        let rests = |side, limit_price, stop_price| Action {
            limit_price,
            stop_price,
            time_in_force: TimeInForce::UntilCancelled.into(),
            id: id.clone(),
            ..action(self.name, side, request.amount())
        };
        match request.kind {
            RequestKind::Trade(side, limit_price) => Action {
                limit_price,
                id,
                ..action(self.name, side, request.amount())
            },
            RequestKind::Rest(side, Trigger::Limit, price) => rests(side, price, 0),
            RequestKind::Rest(side, Trigger::Stop, price) => rests(side, 0, price),
            RequestKind::Deposit | RequestKind::Withdrawal => panic!("{request:?} is not an action"),
        }
    }

    /// Tries to cancel one of the orders that may rest.
    async fn cancel(&mut self) {
        let resting = self.account.resting();
        if resting.is_empty() {
            return;
        }
        let index = resting[self.rng.random_range(0..resting.len())];
        self.account.cancel(index);
        let request = CancelOrderRequest {
            user: Some(user(self.name)),
            id: self.account.get(index).id.map(Vec::from).unwrap_or_default(),
        };
        if let Ok(order) = answer(self.client.cancel_order(request), &self.connections).await {
            self.account.record_end(order);
        }
    }

    /// Opens a session; `None` if the connection breaks first.
    async fn try_open_session(&mut self) -> Option<Session> {
        let (actions, outbound) = mpsc::channel(64);
        let mut request = tonic::Request::new(ReceiverStream::new(outbound));
        let metadata = request.metadata_mut();
        metadata.insert(capabilities::HEADER, FEEDS.parse().unwrap());
        metadata.insert_bin(
            capabilities::USER_HEADER,
            MetadataValue::from_bytes(self.name.as_bytes()),
        );
        let infos = answer(self.client.gamble(request), &self.connections)
            .await
            .ok()?;
        Some(Session {
            actions: Some(actions),
            infos,
            capabilities: None,
        })
    }
}

/// Waits for the answer to `call` until [`CALL_DEADLINE`]. It may be missing only if the connection is gone.
pub(crate) async fn answer<T>(
    call: impl Future<Output = Result<GrpcResponse<T>, Status>>,
    connections: &OpenConnections,
) -> Result<T, Status> {
    match timeout(CALL_DEADLINE, call).await {
        Ok(answer) => answer.map(GrpcResponse::into_inner),
        Err(_) => {
            assert_eq!(connections.count(), 0, "no answer on an open connection");
            Err(Status::deadline_exceeded("the connection is gone"))
        }
    }
}

fn payment_response(answer: Result<Answer, Status>) -> Response {
    match answer {
        Ok(answer) => Response::Answer(answer),
        Err(status) if matches!(status.code(), Code::FailedPrecondition | Code::InvalidArgument) => {
            rejection(status.message())
        }
        Err(_) => Response::Unknown,
    }
}

fn action_response(result: &ActionResult) -> Response {
    match result.outcome() {
        ActionOutcome::OutcomeExecuted => {
            // An order that rested was executed on the player's own account.
            let round = result
                .order
                .is_none()
                .then(|| round_of(result.wallet.unwrap().version));
            Response::Answer(Answer::Traded(round.flatten(), result.trade.unwrap()))
        }
        ActionOutcome::OutcomeRefused => rejection(&result.msg),
        ActionOutcome::OutcomeAccepted => Response::Answer(Answer::Accepted),
        ActionOutcome::OutcomeCancelled => Response::Answer(Answer::Cancelled),
        ActionOutcome::OutcomeUnspecified => panic!("{result:?} has no outcome"),
    }
}

/// Classifies a rejection by its message: final or temporary.
fn rejection(message: &str) -> Response {
    if message == "not executed: the casino is stopping" {
        Response::NotExecutedShuttingDown
    } else if message.starts_with("not executed") || message.starts_with("rate limit") {
        Response::NotExecuted
    } else {
        Response::Answer(Answer::Rejected(message.to_owned()))
    }
}
