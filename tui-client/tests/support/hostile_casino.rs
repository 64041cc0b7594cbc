//! A casino that sends hostile text wherever the contract has text.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use awesomestock_proto::capabilities;
use awesomestock_proto::casino::casino_server::{Casino, CasinoServer};
use awesomestock_proto::casino::{
    Action, ActionResult, CancelOrderRequest, Candles, CandlesRequest, GambleInfo, Headline, Leaderboard,
    Order, Orders, Player, Players, PriceHistory, PriceHistoryRequest, Round, RoundState, Standing,
    StockInfo, Tape, TapeRow, Tokens, Trade, Trades, TradesRequest, Wallet, WithdrawRequest,
};
use awesomestock_proto::types::{Payment, PaymentStatement, User};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

/// Names in a list, the most that a client accepts.
const NAMES: usize = 20;

/// Characters of a status message; longer ones would fail the call.
const STATUS_CHARS: usize = 500;

type Messages<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The casino and its texts.
#[derive(Debug, Clone)]
pub struct HostileCasino {
    texts: Arc<Vec<String>>,
    /// Names sent so far: each list continues where the previous one ended.
    names_sent: Arc<AtomicUsize>,
}

impl HostileCasino {
    /// Serves on a free port for the lifetime of the runtime.
    pub async fn serve(texts: Vec<String>) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
        let casino = Self {
            texts: Arc::new(texts),
            names_sent: Arc::default(),
        };
        let server = Server::builder().add_service(CasinoServer::new(casino));
        tokio::spawn(server.serve_with_incoming(incoming));
        address
    }

    /// Returns a text by its number, counted from 1.
    fn text(&self, number: i32) -> String {
        let index = usize::try_from(number.max(1) - 1).unwrap();
        self.texts[index % self.texts.len()].clone()
    }

    fn rejection(&self, number: i32) -> Status {
        Status::failed_precondition(self.text(number).chars().take(STATUS_CHARS).collect::<String>())
    }

    fn names(&self) -> Vec<Player> {
        let first = self.names_sent.fetch_add(NAMES, Ordering::Relaxed);
        let texts = self.texts.iter().cycle().skip(first % self.texts.len());
        texts
            .take(NAMES)
            .map(|name| Player {
                name: name.clone(),
                house: false,
            })
            .collect()
    }

    fn leaderboard(&self) -> Leaderboard {
        let top = (1..).zip(self.names()).map(|(rank, player)| Standing {
            rank,
            player: Some(player),
            equity: 100,
            ..Standing::default()
        });
        Leaderboard {
            top: top.collect(),
            ranked: 20,
            ..Leaderboard::default()
        }
    }

    /// The first messages of a session, for a client that asks for all feeds.
    fn welcome(&self) -> Vec<GambleInfo> {
        let rows = self.names().into_iter().map(|player| TapeRow {
            player: Some(player),
            trade: Some(Trade {
                stocks_count: 1,
                price: 10,
                ..Trade::default()
            }),
        });
        vec![
            GambleInfo::from(StockInfo {
                name: self.text(1),
                price: 10,
                interval_ms: 3_600_000,
                ..StockInfo::default()
            }),
            GambleInfo::from(wallet()),
            GambleInfo::from(Tape {
                rows: rows.collect(),
                trades: 20,
            }),
            GambleInfo::from(Players {
                seated: 20,
                online: self.names(),
                unnamed: 1,
            }),
            GambleInfo::from(self.leaderboard()),
            GambleInfo::from(Headline {
                text: self.text(1),
                tick: 1,
            }),
            GambleInfo::from(Round {
                number: 1,
                state: RoundState::RoundRunning.into(),
                left_ms: 60_000,
                announcement: self.text(1),
                stake: 100,
                ..Round::default()
            }),
        ]
    }
}

fn wallet() -> Wallet {
    Wallet {
        tokens: 1_000_000,
        stocks: 1_000,
        ..Wallet::default()
    }
}

#[tonic::async_trait]
impl Casino for HostileCasino {
    type GetPaymentsStream = Messages<Payment>;
    type GambleStream = Messages<GambleInfo>;

    async fn buy_tokens(&self, request: Request<Payment>) -> Result<Response<Tokens>, Status> {
        Err(self.rejection(request.get_ref().amount))
    }

    async fn withdraw(&self, request: Request<WithdrawRequest>) -> Result<Response<Payment>, Status> {
        Err(self.rejection(request.get_ref().tokens_cnt))
    }

    async fn get_token_balance(&self, _: Request<User>) -> Result<Response<Tokens>, Status> {
        Err(self.rejection(1))
    }

    async fn get_payments(&self, _: Request<User>) -> Result<Response<Self::GetPaymentsStream>, Status> {
        Err(self.rejection(1))
    }

    async fn get_payment_statement(&self, _: Request<User>) -> Result<Response<PaymentStatement>, Status> {
        let data = self.texts.join("\n");
        Ok(Response::new(PaymentStatement { data }))
    }

    /// Answers an order for N stocks with text number N, and a half-close with text 1.
    async fn gamble(
        &self,
        request: Request<Streaming<Action>>,
    ) -> Result<Response<Self::GambleStream>, Status> {
        let mut actions = request.into_inner();
        let (sender, messages) = mpsc::channel(8);
        let casino = self.clone();
        tokio::spawn(async move {
            for info in casino.welcome() {
                let _ = sender.send(Ok(info)).await;
            }
            while let Some(Ok(action)) = actions.next().await {
                let result = ActionResult {
                    msg: casino.text(action.stocks_count),
                    wallet: Some(wallet()),
                    ..ActionResult::default()
                };
                let info = GambleInfo::from(result);
                let _ = sender.send(Ok(info)).await;
            }
            let _ = sender.send(Err(casino.rejection(1))).await;
        });
        let mut response: Response<Self::GambleStream> =
            Response::new(Box::pin(ReceiverStream::new(messages)));
        let granted = "ticks,wallet,tape,players,leaderboard,news,rounds";
        response
            .metadata_mut()
            .insert(capabilities::HEADER, granted.parse().unwrap());
        Ok(response)
    }

    async fn get_leaderboard(&self, _: Request<User>) -> Result<Response<Leaderboard>, Status> {
        Ok(Response::new(self.leaderboard()))
    }

    async fn get_wallet(&self, _: Request<User>) -> Result<Response<Wallet>, Status> {
        Ok(Response::new(wallet()))
    }

    async fn get_trades(&self, _: Request<TradesRequest>) -> Result<Response<Trades>, Status> {
        Err(self.rejection(1))
    }

    async fn get_price_history(
        &self,
        _: Request<PriceHistoryRequest>,
    ) -> Result<Response<PriceHistory>, Status> {
        Err(self.rejection(1))
    }

    async fn get_candles(&self, _: Request<CandlesRequest>) -> Result<Response<Candles>, Status> {
        Err(self.rejection(1))
    }

    async fn get_orders(&self, _: Request<User>) -> Result<Response<Orders>, Status> {
        Err(self.rejection(1))
    }

    async fn cancel_order(&self, _: Request<CancelOrderRequest>) -> Result<Response<Order>, Status> {
        Err(self.rejection(1))
    }
}
