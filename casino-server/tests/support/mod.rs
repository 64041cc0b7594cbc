//! What the tests of the whole casino share: a casino in this process, one as a process of its own, and players.

#![allow(dead_code, unreachable_pub, missing_docs)] // Each test file takes what it needs.

pub mod books;
pub mod certificates;
pub mod cluster;
pub mod http2;
pub mod process;
pub mod raw;

use std::{future::Future, path::PathBuf, time::Duration};

use awesomestock_proto::{
    capabilities,
    casino::{
        Action, ActionResult, ActionType, GambleInfo, GambleType, PriceHistoryRequest, StockInfo,
        TradesRequest, Wallet, casino_client::CasinoClient,
    },
    transport,
    types::{Payment, User},
};
use casino_server::{Casino, Options, ServeError};
use tempfile::TempDir;
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{
    Request, Streaming,
    metadata::{MetadataMap, MetadataValue},
    transport::Channel,
};

pub type Client = CasinoClient<Channel>;

/// A tick so long that the price stands still for as long as any test runs.
pub const STANDING: Duration = Duration::from_secs(3600);

/// The newest prices, more than any test lets pass.
const NEWEST_PRICES: PriceHistoryRequest = PriceHistoryRequest {
    before_tick: 0,
    limit: 10_000,
};

/// Both feeds.
pub const ALL_FEEDS: &str = "ticks,wallet";

/// Waits for `what`, which happens by itself; a test that would wait for ever fails instead.
pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what)
        .await
        .expect("it should have happened by itself")
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

/// A casino in this process, over a pipe.
pub struct House {
    pub client: Client,
    pub channel: Channel,
    pub folder: TempDir,
    pub shutdown: CancellationToken,
    serving: JoinHandle<Result<(), ServeError>>,
}

impl House {
    /// A new casino whose price stands still at 10.
    pub async fn standing() -> Self {
        Self::with(|options| options.tick = STANDING).await
    }

    /// A new casino with the options that `set` sets.
    pub async fn with(set: impl FnOnce(&mut Options)) -> Self {
        Self::open(tempfile::tempdir().unwrap(), set, nowhere()).await
    }

    /// A casino on the ledger in `folder`.
    pub async fn open(folder: TempDir, set: impl FnOnce(&mut Options), payments: Channel) -> Self {
        let mut options = Options::new(ledger_in(&folder));
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

    /// Stops the casino; gives the folder back for another.
    pub async fn close(self) -> (Result<(), ServeError>, TempDir) {
        self.shutdown.cancel();
        (soon(self.serving).await.unwrap(), self.folder)
    }
}

pub fn ledger_in(folder: &TempDir) -> PathBuf {
    folder.path().join("casino.db")
}

/// A channel to a payments server that is not there.
pub fn nowhere() -> Channel {
    transport::pipe().0
}

/// What a test asks of a casino, whatever carries it.
#[allow(async_fn_in_trait)] // Only tests call it.
pub trait Asks {
    async fn deposit(&mut self, name: &str, dollars: i32) -> Result<i32, tonic::Status>;
    async fn wallet(&mut self, name: &str) -> Wallet;
    async fn prices(&mut self) -> Vec<(i64, i32)>;
    async fn trades_of(&mut self, name: &str) -> Vec<awesomestock_proto::casino::Trade>;
    async fn payments_of(&mut self, name: &str) -> Vec<Payment>;
    async fn sit(&mut self, name: &str, capabilities: &str) -> Seat;
    /// The same with `shown` as metadata.
    async fn try_sit(
        &mut self,
        name: &str,
        capabilities: &str,
        shown: &MetadataMap,
    ) -> Result<Seat, tonic::Status>;
}

impl Asks for Client {
    async fn deposit(&mut self, name: &str, dollars: i32) -> Result<i32, tonic::Status> {
        let payment = Payment {
            user: Some(user(name)),
            amount: dollars,
            ..Payment::default()
        };
        Ok(soon(self.buy_tokens(payment)).await?.into_inner().count)
    }

    async fn wallet(&mut self, name: &str) -> Wallet {
        soon(self.get_wallet(user(name))).await.unwrap().into_inner()
    }

    async fn prices(&mut self) -> Vec<(i64, i32)> {
        let history = soon(self.get_price_history(NEWEST_PRICES)).await.unwrap();
        history
            .into_inner()
            .points
            .iter()
            .map(|point| (point.tick, point.price))
            .collect()
    }

    /// All of them, page by page, oldest first.
    async fn trades_of(&mut self, name: &str) -> Vec<awesomestock_proto::casino::Trade> {
        let mut all = Vec::new();
        let mut before_number = 0;
        loop {
            let request = TradesRequest {
                user: Some(user(name)),
                before_number,
                limit: 1_000,
            };
            let mut page = soon(self.get_trades(request)).await.unwrap().into_inner();
            before_number = page.trades.first().map_or(0, |trade| trade.number);
            page.trades.append(&mut all);
            all = page.trades;
            if !page.more {
                return all;
            }
        }
    }

    async fn payments_of(&mut self, name: &str) -> Vec<Payment> {
        let mut payments = soon(self.get_payments(user(name))).await.unwrap().into_inner();
        let mut all = Vec::new();
        while let Some(payment) = soon(payments.message()).await.unwrap() {
            all.push(payment);
        }
        all
    }

    /// Takes a seat for `name` with `capabilities`, which may be none.
    async fn sit(&mut self, name: &str, capabilities: &str) -> Seat {
        self.try_sit(name, capabilities, &MetadataMap::new())
            .await
            .unwrap()
    }

    async fn try_sit(
        &mut self,
        name: &str,
        capabilities: &str,
        shown: &MetadataMap,
    ) -> Result<Seat, tonic::Status> {
        let (actions, outbound) = mpsc::channel(10_000);
        let mut request = Request::new(ReceiverStream::new(outbound));
        *request.metadata_mut() = shown.clone();
        if !capabilities.is_empty() {
            request
                .metadata_mut()
                .insert(capabilities::HEADER, capabilities.parse().unwrap());
            let user = MetadataValue::from_bytes(name.as_bytes());
            request.metadata_mut().insert_bin(capabilities::USER_HEADER, user);
        }
        let response = soon(self.gamble(request)).await?;
        let capabilities = response
            .metadata()
            .get(capabilities::HEADER)
            .map(|value| value.to_str().unwrap().to_owned());
        Ok(Seat {
            actions: Some(actions),
            infos: response.into_inner(),
            capabilities,
        })
    }
}

/// A seat from the player's side.
pub struct Seat {
    /// Where actions go; `None` after the half-close.
    pub actions: Option<mpsc::Sender<Action>>,
    pub infos: Streaming<GambleInfo>,
    /// The feeds that the casino said it serves.
    pub capabilities: Option<String>,
}

impl Seat {
    pub async fn act(&self, action: Action) {
        self.actions.as_ref().unwrap().send(action).await.unwrap();
    }

    /// Acts, unless the stream is gone.
    pub async fn try_act(&self, action: Action) {
        let _ = self.actions.as_ref().unwrap().send(action).await;
    }

    pub fn half_close(&mut self) {
        self.actions = None;
    }

    pub async fn next(&mut self) -> Result<Option<GambleInfo>, tonic::Status> {
        soon(self.infos.message()).await
    }

    /// The next price; what else comes before it is passed over.
    pub async fn price(&mut self) -> StockInfo {
        loop {
            let info = self.next().await.unwrap().expect("a price");
            if info.r#type() == GambleType::StockInfo {
                return info.info.unwrap();
            }
        }
    }

    /// The next result; prices before it are passed over.
    pub async fn result(&mut self) -> ActionResult {
        self.try_result().await.unwrap()
    }

    /// The next result, or how the stream failed.
    pub async fn try_result(&mut self) -> Result<ActionResult, tonic::Status> {
        loop {
            let info = self.next().await?.expect("a result");
            if info.r#type() == GambleType::ActionResult {
                return Ok(info.result.unwrap());
            }
        }
    }

    /// The next result, `None` at the end of the stream, or how it failed.
    pub async fn next_result(&mut self) -> Result<Option<ActionResult>, tonic::Status> {
        while let Some(info) = self.next().await? {
            if info.r#type() == GambleType::ActionResult {
                return Ok(info.result);
            }
        }
        Ok(None)
    }

    /// Acts, and gives the trade that came of it.
    pub async fn trade(&mut self, action: Action) -> awesomestock_proto::casino::Trade {
        self.act(action).await;
        self.result().await.trade.unwrap()
    }

    /// Acts, and says what came of it.
    pub async fn play(&mut self, action: Action) -> String {
        self.act(action).await;
        self.result().await.msg
    }
}
