//! A player: asks for this and that over a connection that breaks, and sends again by its id what had no answer.

use std::{collections::VecDeque, time::Duration};

use awesomestock_proto::{
    capabilities,
    casino::{Action, ActionOutcome, ActionResult, ActionType, WithdrawRequest},
    types::Payment,
};
use rand::{RngExt, rngs::ChaCha8Rng};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, metadata::MetadataValue};

use crate::{
    auditor::{Account, Answer, Said, Wanted},
    support::{Client, Seat, action, soon, user},
};

const FEEDS: &str = "ticks,wallet,ids,limits";
/// How long a statement is waited for that never comes.
const STATEMENT_WAIT: Duration = Duration::from_millis(3);

/// Requests sent again in one go: a player sends all of a window before it reads an answer, and the answers to it have to
/// fit what may be on the way unread.
const REPEATED_MAX: usize = 40;

/// A player in one life of the casino.
pub(crate) struct Player {
    pub(crate) name: &'static str,
    pub(crate) account: Account,
    pub(crate) client: Client,
    pub(crate) chance: ChaCha8Rng,
}

impl Player {
    /// A few requests, whatever becomes of them.
    pub(crate) async fn play(mut self) -> (&'static str, Account) {
        for _ in 0..self.chance.random_range(1..12) {
            match self.chance.random_range(0..8) {
                0 | 1 => self.pay(Wanted::Deposit).await,
                2 => self.pay(Wanted::Withdrawal).await,
                3 => {
                    // The payments server hangs; whoever asks goes away again.
                    let asked = self.client.get_payment_statement(user(self.name));
                    let _ = timeout(STATEMENT_WAIT, asked).await;
                }
                _ => self.trade().await,
            }
        }
        (self.name, self.account)
    }

    /// A new request, mostly with an id.
    fn request(&mut self, wanted: Wanted) -> usize {
        let id = self.chance.random_bool(0.8).then(|| self.chance.random());
        self.account.request(wanted, id)
    }

    /// Makes payments of this kind: those again that had no answer, now and then one that had, and a new one.
    async fn pay(&mut self, wanted: Wanted) {
        let (mut places, answered) = self.account.repeatable(|other| other == wanted);
        places.truncate(REPEATED_MAX);
        places.extend(self.some_of(&answered));
        places.push(self.request(wanted));
        for place in places {
            let said = self.send_payment(place).await;
            self.account.hear(place, said);
        }
    }

    /// One of `answered`, now and then.
    fn some_of(&mut self, answered: &[usize]) -> Option<usize> {
        let is_wanted = !answered.is_empty() && self.chance.random_bool(0.3);
        is_wanted.then(|| answered[self.chance.random_range(0..answered.len())])
    }

    async fn send_payment(&mut self, place: usize) -> Said {
        let request = self.account.at(place);
        let (who, amount) = (Some(user(self.name)), request.amount());
        let id = request.id.map(Vec::from).unwrap_or_default();
        if request.wanted == Wanted::Deposit {
            let payment = Payment {
                user: who,
                amount,
                id,
                ..Payment::default()
            };
            let answer = soon(self.client.buy_tokens(payment)).await;
            said_to_payment(answer.map(|bought| Answer::Bought(bought.into_inner().count)))
        } else {
            let request = WithdrawRequest {
                user: who,
                tokens_cnt: amount,
                id,
            };
            let answer = soon(self.client.withdraw(request)).await;
            said_to_payment(answer.map(|paid| Answer::Paid(paid.into_inner())))
        }
    }

    /// Takes a seat and sends a window of actions, those first that had no answer before.
    async fn trade(&mut self) {
        let Some(mut seat) = self.try_sit().await else {
            return;
        };
        let is_trade = |wanted| matches!(wanted, Wanted::Trade(..));
        let (mut places, answered) = self.account.repeatable(is_trade);
        places.truncate(REPEATED_MAX);
        places.extend(self.some_of(&answered));
        for _ in 0..self.chance.random_range(1..20) {
            let side = if self.chance.random_bool(0.6) {
                ActionType::Buy
            } else {
                ActionType::Sell
            };
            let limit = [0, 0, self.chance.random_range(1..60)][self.chance.random_range(0..3_usize)];
            places.push(self.request(Wanted::Trade(side, limit)));
        }
        let mut waiting = VecDeque::new();
        for place in places {
            let action = self.action(place);
            if seat.actions.as_ref().unwrap().send(action).await.is_err() {
                break;
            }
            waiting.push_back(place);
        }
        if self.chance.random_bool(0.5) {
            seat.half_close();
        }
        while let Some(&place) = waiting.front() {
            let Ok(Some(info)) = seat.next().await else { break };
            let Some(result) = info.result else { continue };
            waiting.pop_front();
            if let Some(wallet) = result.wallet {
                self.account.hear_wallet(wallet);
            }
            self.account.hear(place, said_to_action(&result));
        }
        for place in waiting {
            self.account.hear(place, Said::Nothing);
        }
    }

    fn action(&self, place: usize) -> Action {
        let request = self.account.at(place);
        let Wanted::Trade(side, limit_price) = request.wanted else {
            panic!("{request:?} is no action")
        };
        Action {
            limit_price,
            id: request.id.map(Vec::from).unwrap_or_default(),
            ..action(self.name, side, request.amount())
        }
    }

    /// A seat, unless the connection breaks before there is one.
    async fn try_sit(&mut self) -> Option<Seat> {
        let (actions, outbound) = mpsc::channel(64);
        let mut request = tonic::Request::new(ReceiverStream::new(outbound));
        let metadata = request.metadata_mut();
        metadata.insert(capabilities::HEADER, FEEDS.parse().unwrap());
        metadata.insert_bin(
            capabilities::USER_HEADER,
            MetadataValue::from_bytes(self.name.as_bytes()),
        );
        let response = soon(self.client.gamble(request)).await.ok()?;
        Some(Seat {
            actions: Some(actions),
            infos: response.into_inner(),
            capabilities: None,
        })
    }
}

fn said_to_payment(answer: Result<Answer, Status>) -> Said {
    match answer {
        Ok(answer) => Said::Answer(answer),
        Err(status) if matches!(status.code(), Code::FailedPrecondition | Code::InvalidArgument) => {
            refusal(status.message())
        }
        Err(_) => Said::Nothing,
    }
}

fn said_to_action(result: &ActionResult) -> Said {
    match result.outcome() {
        ActionOutcome::OutcomeExecuted => Said::Answer(Answer::Traded(result.trade.unwrap())),
        ActionOutcome::OutcomeRefused => refusal(&result.msg),
        ActionOutcome::OutcomeUnspecified => panic!("{result:?} says nothing"),
    }
}

/// What a refusal in `words` says: for good, or for now.
fn refusal(words: &str) -> Said {
    if words == "not executed: the casino is stopping" {
        Said::NotDoneAndStopping
    } else if words.starts_with("not executed") || words.starts_with("rate limit") {
        Said::NotDone
    } else {
        Said::Answer(Answer::Refused(words.to_owned()))
    }
}
