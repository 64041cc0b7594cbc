//! Shared test support: a casino in this process or in its own, and a client for players.

#![allow(dead_code, unreachable_pub, missing_docs)] // Each test binary uses a part of this.

pub mod certificates;
pub mod cluster;
pub mod http2;
pub mod order_load;
pub mod process;
pub mod raw;
pub mod tampering;

use std::future::Future;
use std::panic::Location;
use std::path::PathBuf;
use std::time::Duration;

use awesomestock_proto::casino::casino_client::CasinoClient;
use awesomestock_proto::casino::{
    Action, ActionResult, ActionType, GambleInfo, GambleType, PriceHistoryRequest, StockInfo, TradesRequest,
    Wallet,
};
use awesomestock_proto::types::{Payment, User};
use awesomestock_proto::{capabilities, transport};
use casino_server::{Casino, Options, ServeError};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::transport::Channel;
use tonic::{Request, Streaming};

pub type Client = CasinoClient<Channel>;

/// A tick interval so long that the price never changes during a test.
pub const FIXED_PRICE_TICK: Duration = Duration::from_secs(3600);

/// Both basic feeds.
pub const ALL_FEEDS: &str = "ticks,wallet";

/// Waits for `future`. Fails the test after 60 seconds, and names the waiting line.
#[track_caller]
pub fn with_timeout<T>(future: impl Future<Output = T>) -> impl Future<Output = T> {
    let caller = Location::caller();
    async move {
        let ended = tokio::time::timeout(Duration::from_secs(60), future).await;
        ended.unwrap_or_else(|_| panic!("timed out at {caller}"))
    }
}

/// Returns the answer to a call, which is given up after 20 seconds: rarely, the channel neither sends nor ends a call to a
/// casino that is killed.
pub async fn within_deadline<T>(
    call: impl Future<Output = Result<T, tonic::Status>>,
) -> Result<T, tonic::Status> {
    let answer = tokio::time::timeout(Duration::from_secs(20), call).await;
    answer.unwrap_or_else(|_| Err(tonic::Status::deadline_exceeded("no answer")))
}

pub fn user(name: &str) -> User {
    User { id: name.to_owned() }
}

pub fn action(name: &str, r#type: ActionType, stocks_count: i32) -> Action {
    Action {
        user: Some(user(name)),
        r#type: r#type.into(),
        stocks_count,
        ..Action::default()
    }
}

pub fn buy(name: &str, count: i32) -> Action {
    action(name, ActionType::Buy, count)
}

pub fn sell(name: &str, count: i32) -> Action {
    action(name, ActionType::Sell, count)
}

/// A casino in this process, connected over a pipe.
pub struct TestCasino {
    pub client: Client,
    pub channel: Channel,
    pub folder: TempDir,
    pub shutdown: CancellationToken,
    serving: JoinHandle<Result<(), ServeError>>,
}

impl TestCasino {
    /// Opens a new casino with a fixed price of 10.
    pub async fn with_fixed_price() -> Self {
        Self::with_options(|options| options.tick = FIXED_PRICE_TICK).await
    }

    /// Opens a new casino with the options that `set` sets.
    pub async fn with_options(set: impl FnOnce(&mut Options)) -> Self {
        Self::open(tempfile::tempdir().unwrap(), set, unreachable_payments()).await
    }

    /// Opens a casino on the ledger in `folder`.
    pub async fn open(folder: TempDir, set: impl FnOnce(&mut Options), payments: Channel) -> Self {
        let mut options = Options::new(ledger_path(&folder));
        options.seed = Some(7);
        set(&mut options);
        let casino = Casino::open(options, payments).await.unwrap();
        let (channel, incoming) = transport::pipe();
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(casino.serve(incoming, shutdown.clone()));
        Self {
            client: CasinoClient::new(channel.clone()),
            channel,
            folder,
            shutdown,
            serving,
        }
    }

    /// Shuts the casino down. Returns its folder for another one.
    pub async fn close(self) -> (Result<(), ServeError>, TempDir) {
        self.shutdown.cancel();
        (with_timeout(self.serving).await.unwrap(), self.folder)
    }
}

pub fn ledger_path(folder: &TempDir) -> PathBuf {
    folder.path().join("casino.db")
}

/// A channel to a payments server that does not exist.
pub fn unreachable_payments() -> Channel {
    transport::pipe().0
}

/// Calls of the casino that the tests share.
#[allow(async_fn_in_trait)] // Only called by tests.
pub trait CasinoClientExt {
    async fn deposit(&mut self, name: &str, dollars: i32) -> Result<i32, tonic::Status>;
    async fn wallet(&mut self, name: &str) -> Wallet;
    async fn prices(&mut self) -> Vec<(i64, i32)>;
    async fn trades_of(&mut self, name: &str) -> Vec<awesomestock_proto::casino::Trade>;
    async fn payments_of(&mut self, name: &str) -> Vec<Payment>;
    async fn open_session(&mut self, name: &str, capabilities: &str) -> Session;
    /// Like [`open_session`](Self::open_session), with the additional `metadata`.
    async fn try_open_session(
        &mut self,
        name: &str,
        capabilities: &str,
        metadata: &MetadataMap,
    ) -> Result<Session, tonic::Status>;
}

impl CasinoClientExt for Client {
    async fn deposit(&mut self, name: &str, dollars: i32) -> Result<i32, tonic::Status> {
        let payment = Payment {
            user: Some(user(name)),
            amount: dollars,
            ..Payment::default()
        };
        Ok(with_timeout(self.buy_tokens(payment)).await?.into_inner().count)
    }

    async fn wallet(&mut self, name: &str) -> Wallet {
        with_timeout(self.get_wallet(user(name)))
            .await
            .unwrap()
            .into_inner()
    }

    /// All prices by tick, page by page, oldest first.
    async fn prices(&mut self) -> Vec<(i64, i32)> {
        let mut all = Vec::new();
        let mut before_tick = 0;
        loop {
            let request = PriceHistoryRequest {
                before_tick,
                limit: 10_000,
            };
            let page = with_timeout(self.get_price_history(request)).await.unwrap();
            let page = page.into_inner();
            before_tick = page.points.first().map_or(0, |point| point.tick);
            let points = page.points.iter().map(|point| (point.tick, point.price));
            all.splice(..0, points);
            if !page.more {
                return all;
            }
        }
    }

    /// All trades, page by page, oldest first.
    async fn trades_of(&mut self, name: &str) -> Vec<awesomestock_proto::casino::Trade> {
        let mut all = Vec::new();
        let mut before_number = 0;
        loop {
            let request = TradesRequest {
                user: Some(user(name)),
                before_number,
                limit: 1_000,
            };
            let mut page = with_timeout(self.get_trades(request)).await.unwrap().into_inner();
            before_number = page.trades.first().map_or(0, |trade| trade.number);
            page.trades.append(&mut all);
            all = page.trades;
            if !page.more {
                return all;
            }
        }
    }

    async fn payments_of(&mut self, name: &str) -> Vec<Payment> {
        let mut payments = with_timeout(self.get_payments(user(name)))
            .await
            .unwrap()
            .into_inner();
        let mut all = Vec::new();
        while let Some(payment) = with_timeout(payments.message()).await.unwrap() {
            all.push(payment);
        }
        all
    }

    /// Opens a session for `name` with the comma-separated `capabilities`, which may be empty.
    async fn open_session(&mut self, name: &str, capabilities: &str) -> Session {
        self.try_open_session(name, capabilities, &MetadataMap::new())
            .await
            .unwrap()
    }

    async fn try_open_session(
        &mut self,
        name: &str,
        capabilities: &str,
        metadata: &MetadataMap,
    ) -> Result<Session, tonic::Status> {
        let (actions, outbound) = mpsc::channel(10_000);
        let mut request = Request::new(ReceiverStream::new(outbound));
        *request.metadata_mut() = metadata.clone();
        if !capabilities.is_empty() {
            request
                .metadata_mut()
                .insert(capabilities::HEADER, capabilities.parse().unwrap());
            let user = MetadataValue::from_bytes(name.as_bytes());
            request.metadata_mut().insert_bin(capabilities::USER_HEADER, user);
        }
        let response = within_deadline(self.gamble(request)).await?;
        let capabilities = response
            .metadata()
            .get(capabilities::HEADER)
            .map(|value| value.to_str().unwrap().to_owned());
        Ok(Session {
            actions: Some(actions),
            infos: response.into_inner(),
            capabilities,
        })
    }
}

/// The player's side of a session.
pub struct Session {
    /// Sends actions; `None` after the half-close.
    pub actions: Option<mpsc::Sender<Action>>,
    pub infos: Streaming<GambleInfo>,
    /// The capabilities that the casino accepted.
    pub capabilities: Option<String>,
}

impl Session {
    pub async fn send(&self, action: Action) {
        self.actions.as_ref().unwrap().send(action).await.unwrap();
    }

    /// Sends an action. Does nothing if the stream has ended.
    pub async fn try_send(&self, action: Action) {
        let _ = self.actions.as_ref().unwrap().send(action).await;
    }

    pub fn half_close(&mut self) {
        self.actions = None;
    }

    pub async fn next(&mut self) -> Result<Option<GambleInfo>, tonic::Status> {
        with_timeout(self.infos.message()).await
    }

    /// Returns the next price and skips other messages before it.
    pub async fn next_price(&mut self) -> StockInfo {
        loop {
            let info = self.next().await.unwrap().expect("a price");
            if info.r#type() == GambleType::StockInfo {
                return info.info.unwrap();
            }
        }
    }

    /// Returns the next result and skips prices before it.
    pub async fn next_result(&mut self) -> ActionResult {
        self.try_next_result().await.unwrap()
    }

    /// Returns the next result, or the error of the stream.
    pub async fn try_next_result(&mut self) -> Result<ActionResult, tonic::Status> {
        loop {
            let info = self.next().await?.expect("a result");
            if info.r#type() == GambleType::ActionResult {
                return Ok(info.result.unwrap());
            }
        }
    }

    /// Returns the next result, `None` at the end of the stream, or the stream's error.
    pub async fn result_or_end(&mut self) -> Result<Option<ActionResult>, tonic::Status> {
        while let Some(info) = self.next().await? {
            if info.r#type() == GambleType::ActionResult {
                return Ok(info.result);
            }
        }
        Ok(None)
    }

    /// Sends an action and returns its trade.
    pub async fn trade(&mut self, action: Action) -> awesomestock_proto::casino::Trade {
        self.send(action).await;
        self.next_result().await.trade.unwrap()
    }

    /// Sends an action and returns the message of its result.
    pub async fn execute(&mut self, action: Action) -> String {
        self.send(action).await;
        self.next_result().await.msg
    }
}
