//! A scripted casino with the old contract, on a real socket.
//!
//! It ignores metadata, fills in only the old fields, does not implement the newer methods, and ends a session after
//! the half-close with UNKNOWN "EOF".

use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use awesomestock_proto::capabilities;
use awesomestock_proto::casino::casino_server::{Casino, CasinoServer};
use awesomestock_proto::casino::{
    Action, ActionResult, ActionType, CancelOrderRequest, Candles, CandlesRequest, GambleInfo, Leaderboard,
    Order, Orders, PriceHistory, PriceHistoryRequest, StockInfo, Tokens, Trades, TradesRequest, Wallet,
    WithdrawRequest,
};
use awesomestock_proto::types::{Payment, PaymentStatement, User};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::metadata::MetadataValue;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

/// The price, which never changes.
const PRICE: i32 = 10;

/// A message with an escape sequence, a line break and a bidirectional override.
pub const HOSTILE_MESSAGE: &str = "not enough \u{1b}[2Jtokens\r\n\u{202E}!";

type Messages<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[derive(Debug, Default)]
struct Accounts {
    tokens: HashMap<String, i32>,
    stocks: HashMap<String, i32>,
    payments: HashMap<String, Vec<i32>>,
}

/// The casino.
#[derive(Debug, Default, Clone)]
pub struct OldCasino {
    accounts: Arc<Mutex<Accounts>>,
    /// Those that a session confirms; with any, there are wallets too.
    capabilities: &'static str,
}

impl OldCasino {
    /// Serves on a free port for the lifetime of the runtime.
    pub async fn serve() -> SocketAddr {
        Self::serve_at("127.0.0.1:0").await
    }

    /// Serves at `address` for the lifetime of the runtime.
    pub async fn serve_at(address: &str) -> SocketAddr {
        Self::default().listen(address).await
    }

    /// Serves a later version, which confirms these capabilities, for the lifetime of the runtime.
    pub async fn serve_with(capabilities: &'static str) -> SocketAddr {
        let casino = Self {
            capabilities,
            ..Self::default()
        };
        casino.listen("127.0.0.1:0").await
    }

    async fn listen(self, address: &str) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
        let service = CasinoServer::new(self);
        tokio::spawn(
            Server::builder()
                .add_service(service)
                .serve_with_incoming(incoming),
        );
        address
    }

    fn trade(&self, action: &Action) -> &'static str {
        let mut accounts = self.accounts.lock().unwrap();
        let user = name(action.user.as_ref());
        let total = PRICE * action.stocks_count;
        let (tokens, stocks) = match action.r#type() {
            ActionType::Buy => (-total, action.stocks_count),
            ActionType::Sell => (total, -action.stocks_count),
        };
        let tokens = accounts.tokens.get(&user).unwrap_or(&0) + tokens;
        let stocks = accounts.stocks.get(&user).unwrap_or(&0) + stocks;
        if tokens < 0 || stocks < 0 {
            return HOSTILE_MESSAGE;
        }
        accounts.tokens.insert(user.clone(), tokens);
        accounts.stocks.insert(user, stocks);
        "operation executed successfully"
    }
}

fn name(user: Option<&User>) -> String {
    user.map(|user| user.id.clone()).unwrap_or_default()
}

fn price() -> GambleInfo {
    GambleInfo::from(StockInfo {
        name: "AwesomeStock".to_owned(),
        price: PRICE,
        ..StockInfo::default()
    })
}

fn result(message: &str) -> GambleInfo {
    GambleInfo::from(ActionResult {
        msg: message.to_owned(),
        ..ActionResult::default()
    })
}

#[tonic::async_trait]
impl Casino for OldCasino {
    type GetPaymentsStream = Messages<Payment>;
    type GambleStream = Messages<GambleInfo>;

    async fn buy_tokens(&self, request: Request<Payment>) -> Result<Response<Tokens>, Status> {
        let payment = request.into_inner();
        let mut accounts = self.accounts.lock().unwrap();
        let user = name(payment.user.as_ref());
        let count = payment.amount * 5;
        *accounts.tokens.entry(user.clone()).or_default() += count;
        accounts.payments.entry(user).or_default().push(-payment.amount);
        Ok(Response::new(Tokens { count }))
    }

    async fn withdraw(&self, request: Request<WithdrawRequest>) -> Result<Response<Payment>, Status> {
        let request = request.into_inner();
        let mut accounts = self.accounts.lock().unwrap();
        let user = name(request.user.as_ref());
        let amount = request.tokens_cnt / 5;
        *accounts.tokens.entry(user.clone()).or_default() -= request.tokens_cnt;
        accounts.payments.entry(user).or_default().push(amount);
        Ok(Response::new(Payment {
            user: request.user,
            amount,
            ..Payment::default()
        }))
    }

    async fn get_token_balance(&self, request: Request<User>) -> Result<Response<Tokens>, Status> {
        let accounts = self.accounts.lock().unwrap();
        let count = *accounts.tokens.get(&request.get_ref().id).unwrap_or(&0);
        Ok(Response::new(Tokens { count }))
    }

    async fn get_payments(
        &self,
        request: Request<User>,
    ) -> Result<Response<Self::GetPaymentsStream>, Status> {
        let user = request.into_inner();
        let amounts = self
            .accounts
            .lock()
            .unwrap()
            .payments
            .get(&user.id)
            .cloned()
            .unwrap_or_default();
        let payments = amounts.into_iter().map(move |amount| {
            Ok(Payment {
                user: Some(user.clone()),
                amount,
                ..Payment::default()
            })
        });
        Ok(Response::new(Box::pin(tokio_stream::iter(payments))))
    }

    async fn get_payment_statement(&self, _: Request<User>) -> Result<Response<PaymentStatement>, Status> {
        Ok(Response::new(PaymentStatement {
            data: "Statement\nFINAL BALANCE \u{1b}]0;x\u{7}0\n".to_owned(),
        }))
    }

    async fn gamble(
        &self,
        request: Request<Streaming<Action>>,
    ) -> Result<Response<Self::GambleStream>, Status> {
        let mut actions = request.into_inner();
        let (sender, messages) = mpsc::channel(8);
        let casino = self.clone();
        tokio::spawn(async move {
            let _ = sender.send(Ok(price())).await;
            while let Some(Ok(action)) = actions.next().await {
                let message = casino.trade(&action);
                let _ = sender.send(Ok(result(message))).await;
            }
            let _ = sender.send(Err(Status::unknown("EOF"))).await;
        });
        let messages: Self::GambleStream = Box::pin(ReceiverStream::new(messages));
        let mut response = Response::new(messages);
        if !self.capabilities.is_empty() {
            let confirmed = MetadataValue::from_static(self.capabilities);
            response.metadata_mut().insert(capabilities::HEADER, confirmed);
        }
        Ok(response)
    }

    async fn get_leaderboard(&self, _: Request<User>) -> Result<Response<Leaderboard>, Status> {
        Err(Status::unimplemented("unknown method GetLeaderboard"))
    }

    async fn get_wallet(&self, _: Request<User>) -> Result<Response<Wallet>, Status> {
        match self.capabilities {
            "" => Err(Status::unimplemented("unknown method GetWallet")),
            _ => Ok(Response::new(Wallet::default())),
        }
    }

    async fn get_trades(&self, _: Request<TradesRequest>) -> Result<Response<Trades>, Status> {
        Err(Status::unimplemented("unknown method GetTrades"))
    }

    async fn get_price_history(
        &self,
        _: Request<PriceHistoryRequest>,
    ) -> Result<Response<PriceHistory>, Status> {
        Err(Status::unimplemented("unknown method GetPriceHistory"))
    }

    async fn get_candles(&self, _: Request<CandlesRequest>) -> Result<Response<Candles>, Status> {
        Err(Status::unimplemented("unknown method GetCandles"))
    }

    async fn get_orders(&self, _: Request<User>) -> Result<Response<Orders>, Status> {
        Err(Status::unimplemented("unknown method GetOrders"))
    }

    async fn cancel_order(&self, _: Request<CancelOrderRequest>) -> Result<Response<Order>, Status> {
        Err(Status::unimplemented("unknown method CancelOrder"))
    }
}
