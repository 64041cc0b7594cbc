//! The gRPC client of a casino. Only payments and orders with a request ID are ever sent twice.

pub(crate) mod convert;
mod endpoints;
mod error;
mod orders;
mod paging;
mod retry;
mod session;
mod wire;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use awesomestock_proto::auth::PlayerKey;
use awesomestock_proto::capabilities::Capabilities;
use awesomestock_proto::{casino, types};
pub(crate) use endpoints::Endpoint;
use endpoints::{Casino, Endpoints};
pub(crate) use error::RequestError;
pub(crate) use retry::OrderAnswer;
pub use session::{GambleSession, SessionEnd};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::Status;
use tonic::transport::Channel;
use uuid::Uuid;

use crate::app::commands::request::Request;
use crate::app::event::Response;
use crate::app::lobby::Leaderboard;
use crate::app::overlay::PaymentRow;
pub use crate::app::portfolio::order::{Order, Terms};
use crate::app::wire::WireEvent;

pub(crate) const CALL_DEADLINE: Duration = Duration::from_secs(10);

/// Timeout for opening a session. Old casinos send nothing before the next tick.
pub(crate) const JOIN_DEADLINE: Duration = Duration::from_secs(30);

/// Most payments kept of an answer: the newest.
const MAX_PAYMENTS: usize = 10_000;

/// Trades requested for log and chart.
const TRADES_LIMIT: i32 = 100;

type WalletAnswer = tonic::Response<casino::Wallet>;

/// A player's connection to a casino.
#[derive(Debug, Clone)]
pub struct Client {
    endpoints: Arc<Endpoints>,
    player: String,
    /// Number of the newest end of a resting order that the player has seen.
    orders_seen: Arc<AtomicI64>,
}

impl Client {
    /// Returns a client for the casino at the other end of `channel`. Connects lazily. `key` is sent with every call. An
    /// empty `player` opens sessions without a player.
    pub fn new(channel: Channel, player: String, key: Option<&PlayerKey>) -> Self {
        let endpoint = Endpoint {
            name: String::new(),
            in_plaintext: false,
            channel,
        };
        Self::with_endpoints(endpoint, Vec::new(), player, key)
    }

    /// Returns a client for a casino with several endpoints, used in this order.
    pub(crate) fn with_endpoints(
        first: Endpoint,
        others: Vec<Endpoint>,
        player: String,
        key: Option<&PlayerKey>,
    ) -> Self {
        Self {
            endpoints: Arc::new(Endpoints::new(first, others, key)),
            player,
            orders_seen: Arc::default(),
        }
    }

    /// Sets the number of the newest end of a resting order that the player has seen. The next session sends the later ones.
    pub fn set_orders_seen(&self, number: i64) {
        self.orders_seen.store(number, Ordering::Relaxed);
    }

    /// Reports the Gamble streams: headers, orders, results and the ends. Only the first call returns events. `clock`
    /// returns microseconds since the Unix epoch.
    pub fn watch_wire(&self, clock: fn() -> i64) -> mpsc::Receiver<WireEvent> {
        self.endpoints.tap().start(clock)
    }

    /// Reports all messages from now on, to the receiver of [`watch_wire`](Self::watch_wire).
    pub fn collect_wire(&self) {
        self.endpoints.tap().report_all();
    }

    pub fn player(&self) -> &str {
        &self.player
    }

    /// Makes a call, with `CALL_DEADLINE` at each address. An unanswered payment is repeated for `RETRY_FOR`, and
    /// executed once. Fails if the casino rejects the call or does not answer.
    pub async fn call(&self, call: Request) -> Result<Response, RequestError> {
        match call {
            Request::BuyTokens(_) | Request::Withdraw(_) => self.submit_payment(call).await,
            Request::Holdings => self.holdings().await,
            Request::Payments => self.payments().await,
            Request::Statement => self.statement().await,
            Request::History { before } => self.history(before).await,
            Request::Candles { before } => self.candles(before).await,
            Request::Trades => self.trades().await,
            Request::TradePage { before } => self.trade_page(before).await,
            Request::Leaderboard => self.leaderboard().await.map(Response::Leaderboard),
            Request::Orders => self.orders().await,
            Request::CancelOrder(id) => self.cancel_order(id).await,
        }
    }

    /// Makes a call with `request` at each address, up to the first answer.
    async fn ask<R, T, F>(&self, request: R, call: impl Fn(Casino, R) -> F) -> Result<T, RequestError>
    where
        R: Clone,
        F: Future<Output = Result<tonic::Response<T>, Status>>,
    {
        let call = |casino| call(casino, request.clone());
        let (_, answer) = self.endpoints.call(CALL_DEADLINE, call).await?;
        Ok(answer.into_inner())
    }

    /// Makes a call like [`ask`](Self::ask); `None` if the casino does not know it.
    async fn ask_if_known<R, T, F>(
        &self,
        request: R,
        call: impl Fn(Casino, R) -> F,
    ) -> Result<Option<T>, RequestError>
    where
        R: Clone,
        F: Future<Output = Result<tonic::Response<T>, Status>>,
    {
        let call = |casino| {
            let answer = call(casino, request.clone());
            async { supported(answer.await) }
        };
        let (_, answer) = self.endpoints.call(CALL_DEADLINE, call).await?;
        Ok(answer.map(tonic::Response::into_inner))
    }

    async fn buy_tokens(
        &self,
        mut casino: Casino,
        dollars: i32,
        id: Uuid,
        round: Option<i64>,
    ) -> Result<Response, RequestError> {
        let payment = types::Payment {
            user: Some(self.user()),
            amount: dollars,
            id: id.into_bytes().to_vec(),
            round,
            ..types::Payment::default()
        };
        let bought = casino.buy_tokens(payment).await?.into_inner();
        convert::exchanged(dollars, bought.count)?;
        Ok(Response::TokensBought {
            dollars,
            tokens: bought.count,
        })
    }

    async fn withdraw(
        &self,
        mut casino: Casino,
        tokens: i32,
        id: Uuid,
        round: Option<i64>,
    ) -> Result<Response, RequestError> {
        let request = casino::WithdrawRequest {
            user: Some(self.user()),
            tokens_cnt: tokens,
            id: id.into_bytes().to_vec(),
            round,
        };
        let paid = casino.withdraw(request).await?.into_inner();
        convert::exchanged(paid.amount, tokens)?;
        Ok(Response::Withdrawn {
            tokens,
            dollars: paid.amount,
        })
    }

    /// Asks for the wallet, and for its account too. Returns the position of the address that answered, and its casino. There
    /// is no wallet if the casino does not know the call.
    async fn wallet(&self) -> Result<(usize, (Casino, Option<WalletAnswer>)), RequestError> {
        let get_wallet = |mut casino: Casino| {
            let mut request = tonic::Request::new(self.user());
            let capabilities = Capabilities::ALL.unary_only();
            capabilities.write_metadata(request.metadata_mut());
            async move {
                let wallet = supported(casino.get_wallet(request).await)?;
                Ok((casino, wallet))
            }
        };
        self.endpoints.call(CALL_DEADLINE, get_wallet).await
    }

    async fn holdings(&self) -> Result<Response, RequestError> {
        let (_, (_, Some(wallet))) = self.wallet().await? else {
            let get_tokens = async |mut casino: Casino, user| casino.get_token_balance(user).await;
            let tokens = self.ask(self.user(), get_tokens).await?;
            return convert::tokens(&tokens).map(Response::Tokens);
        };
        convert::wallet(wallet.get_ref())
            .map(Response::Wallet)
            .ok_or_else(|| RequestError::invalid_response("a wallet below zero"))
    }

    /// Returns true if the player trades on the account of a round, false also if that is not known. An earlier casino does
    /// not say so.
    pub(crate) async fn is_in_round(&self) -> bool {
        matches!(self.holdings().await, Ok(Response::Wallet(wallet)) if !wallet.is_own())
    }

    async fn payments(&self) -> Result<Response, RequestError> {
        let read = async {
            let mut payments = self.all_payments().await?;
            let mut rows: VecDeque<PaymentRow> = VecDeque::new();
            while let Some(payment) = payments.next().await? {
                if rows.len() == MAX_PAYMENTS {
                    rows.pop_front();
                }
                rows.push_back(payment);
            }
            Ok(Response::Payments(rows.into()))
        };
        within(CALL_DEADLINE, read).await
    }

    async fn statement(&self) -> Result<Response, RequestError> {
        let get_statement = async |mut casino: Casino, user| casino.get_payment_statement(user).await;
        let statement = self.ask(self.user(), get_statement).await?;
        Ok(Response::Statement(statement.data))
    }

    async fn trades(&self) -> Result<Response, RequestError> {
        let page = self.request_trades(0, TRADES_LIMIT).await?.unwrap_or_default();
        Ok(Response::Trades(
            page.trades.iter().filter_map(convert::trade_row).collect(),
        ))
    }

    async fn leaderboard(&self) -> Result<Leaderboard, RequestError> {
        let get_leaderboard = async |mut casino: Casino, user| casino.get_leaderboard(user).await;
        let answer = self.ask_if_known(self.user(), get_leaderboard).await?;
        answer
            .map(|answer| convert::leaderboard(&answer))
            .ok_or_else(|| RequestError::Rejected("this casino has no leaderboard".to_owned()))
    }

    fn user(&self) -> types::User {
        types::User {
            id: self.player.clone(),
        }
    }
}

/// Returns the answer, or an error after `deadline`.
pub(crate) async fn within<T, E: From<RequestError>>(
    deadline: Duration,
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let answered = timeout(deadline, answer).await;
    answered.unwrap_or_else(|_| Err(RequestError::timeout(deadline).into()))
}

/// Returns `None` if the casino does not know the call.
fn supported<T>(answer: Result<T, Status>) -> Result<Option<T>, Status> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(status) if error::is_old_contract(&status) => Ok(None),
        Err(status) => Err(status),
    }
}
