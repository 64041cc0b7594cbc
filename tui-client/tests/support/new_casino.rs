//! A scripted casino with a newer contract than this client knows, on a real socket.
//!
//! Its messages have unknown fields, and it announces unknown capabilities, message types and outcomes, but still sends
//! everything that the current contract has.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::task::{Context, Poll};

use awesomestock_proto::{casino, types};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::codegen::{Body, BoxFuture, Service, StdError, http};
use tonic::server::{Grpc, NamedService, StreamingService, UnaryService};
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

/// The price, which never changes.
const PRICE: i32 = 10;

/// Initial tokens of every player.
const TOKENS: i32 = 500;

/// A possible future `casino.GambleInfo`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Info {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(message, optional, tag = "2")]
    stock: Option<Stock>,
    #[prost(message, optional, tag = "3")]
    outcome: Option<Outcome>,
    #[prost(message, optional, tag = "4")]
    wallet: Option<Wallet>,
    /// Unknown to the client.
    #[prost(message, optional, tag = "1000")]
    more: Option<More>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Stock {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(int32, tag = "2")]
    price: i32,
    #[prost(int64, tag = "3")]
    tick: i64,
    #[prost(message, optional, tag = "1000")]
    more: Option<More>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Outcome {
    #[prost(string, tag = "1")]
    message: String,
    #[prost(int32, tag = "2")]
    outcome: i32,
    #[prost(message, optional, tag = "4")]
    wallet: Option<Wallet>,
    #[prost(message, optional, tag = "1000")]
    more: Option<More>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Wallet {
    #[prost(int32, tag = "1")]
    tokens: i32,
    #[prost(int32, tag = "2")]
    stocks: i32,
    #[prost(int64, tag = "7")]
    version: i64,
    #[prost(message, optional, tag = "1000")]
    more: Option<More>,
}

/// Fields of every wire type.
#[derive(Clone, PartialEq, prost::Message)]
pub struct More {
    #[prost(string, repeated, tag = "1")]
    message: Vec<String>,
    #[prost(fixed64, tag = "2")]
    eight: u64,
    #[prost(float, tag = "3")]
    four: f32,
    #[prost(sint64, tag = "536870911")]
    last: i64,
}

fn more() -> Option<More> {
    Some(More {
        message: vec!["\u{1b}[2J".to_owned(), "x".repeat(300)],
        eight: u64::MAX,
        four: 1.5,
        last: i64::MIN,
    })
}

/// The casino. Stocks are counted over all players.
#[derive(Clone, Default)]
pub struct NewCasino {
    stocks: Arc<AtomicI32>,
}

impl NewCasino {
    /// Serves at `address` for the lifetime of the runtime.
    pub async fn serve_at(address: &str) -> Self {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
        let casino = Self::default();
        let server = Server::builder().add_service(casino.clone());
        tokio::spawn(server.serve_with_incoming(incoming));
        casino
    }

    /// Stocks bought so far.
    pub fn stocks(&self) -> i32 {
        self.stocks.load(Ordering::SeqCst)
    }

    fn wallet(&self) -> Option<Wallet> {
        let stocks = self.stocks();
        Some(Wallet {
            tokens: TOKENS - PRICE * stocks,
            stocks,
            version: i64::from(stocks),
            more: more(),
        })
    }

    /// The first messages of a session, mixed with unknown ones.
    fn greeting(&self) -> Vec<Info> {
        let unknown = |kind| Info {
            kind,
            more: more(),
            ..Info::default()
        };
        let wallet = Info {
            wallet: self.wallet(),
            ..unknown(casino::GambleType::Wallet.into())
        };
        let price = Info {
            stock: Some(Stock {
                name: "AwesomeStock".to_owned(),
                price: PRICE,
                tick: 7,
                more: more(),
            }),
            ..unknown(casino::GambleType::StockInfo.into())
        };
        vec![unknown(42), wallet, unknown(i32::MAX), price, unknown(-1)]
    }

    /// Executes an order. Answers with an unknown outcome and the known message.
    fn trade(&self, action: &casino::Action) -> Info {
        self.stocks.fetch_add(action.stocks_count, Ordering::SeqCst);
        Info {
            kind: casino::GambleType::ActionResult.into(),
            outcome: Some(Outcome {
                message: awesomestock_proto::EXECUTED_MESSAGE.to_owned(),
                outcome: 77,
                wallet: self.wallet(),
                more: more(),
            }),
            more: more(),
            ..Info::default()
        }
    }
}

impl NamedService for NewCasino {
    const NAME: &'static str = "casino.Casino";
}

impl<B> Service<http::Request<B>> for NewCasino
where
    B: Body + Send + 'static,
    B::Error: Into<StdError> + Send + 'static,
{
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let casino = self.clone();
        Box::pin(async move {
            match request.uri().path() {
                "/casino.Casino/Gamble" => {
                    let codec = ProstCodec::<Info, casino::Action>::default();
                    Ok(Grpc::new(codec).streaming(casino, request).await)
                }
                "/casino.Casino/GetWallet" => {
                    let codec = ProstCodec::<Wallet, types::User>::default();
                    Ok(Grpc::new(codec).unary(casino, request).await)
                }
                _ => Ok(Status::unimplemented("not in this script").into_http()),
            }
        })
    }
}

impl UnaryService<types::User> for NewCasino {
    type Response = Wallet;
    type Future = BoxFuture<Response<Wallet>, Status>;

    fn call(&mut self, _: Request<types::User>) -> Self::Future {
        let wallet = self.wallet().unwrap();
        Box::pin(async move { Ok(Response::new(wallet)) })
    }
}

impl StreamingService<casino::Action> for NewCasino {
    type Response = Info;
    type ResponseStream = ReceiverStream<Result<Info, Status>>;
    type Future = BoxFuture<Response<Self::ResponseStream>, Status>;

    fn call(&mut self, request: Request<Streaming<casino::Action>>) -> Self::Future {
        let casino = self.clone();
        Box::pin(async move {
            let mut actions = request.into_inner();
            let (sender, messages) = mpsc::channel(16);
            tokio::spawn(async move {
                for info in casino.greeting() {
                    let _ = sender.send(Ok(info)).await;
                }
                while let Some(Ok(action)) = actions.next().await {
                    let _ = sender.send(Ok(casino.trade(&action))).await;
                }
            });
            let mut response = Response::new(ReceiverStream::new(messages));
            let feeds = "ticks,wallet,futures, options,ids";
            let key = awesomestock_proto::capabilities::HEADER;
            response.metadata_mut().insert(key, feeds.parse().unwrap());
            Ok(response)
        })
    }
}
