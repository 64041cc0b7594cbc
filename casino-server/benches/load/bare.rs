//! Reference servers: the same messages with no work behind them.
//!
//! `actions`: bare tonic on `#[tokio::main]` that answers each action with a constant. `ticks`: a shared price sent
//! through a tokio broadcast channel to tonic response streams.

use std::pin::Pin;
use std::time::Duration;

use awesomestock_proto::casino::casino_server::{Casino, CasinoServer};
use awesomestock_proto::casino::{
    Action, ActionResult, CancelOrderRequest, Candles, CandlesRequest, GambleInfo, Leaderboard, Order,
    Orders, PriceHistory, PriceHistoryRequest, StockInfo, Tokens, Trades, TradesRequest, Wallet,
    WithdrawRequest,
};
use awesomestock_proto::types;
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio_stream::wrappers::{BroadcastStream, TcpListenerStream};
use tokio_stream::{Stream, StreamExt};
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

type Answers = Pin<Box<dyn Stream<Item = Result<GambleInfo, Status>> + Send>>;

/// The reference server to run.
#[derive(Clone)]
enum Bare {
    Actions,
    Ticks(broadcast::Sender<GambleInfo>),
}

/// Serves until the process is killed. Prints its address like the casino.
pub(crate) async fn serve(kind: &str, tick: Duration) {
    let bare = match kind {
        "ticks" => {
            let (sender, _) = broadcast::channel(16);
            tokio::spawn(run_ticker(sender.clone(), tick));
            Bare::Ticks(sender)
        }
        _ => Bare::Actions,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    println!(
        "bare-server listening on {}",
        listener.local_addr().expect("address")
    );
    let incoming = TcpListenerStream::new(listener)
        .map(|accepted| accepted.inspect(|socket| socket.set_nodelay(true).expect("nodelay")));
    Server::builder()
        .add_service(CasinoServer::new(bare))
        .serve_with_incoming(incoming)
        .await
        .expect("serve");
}

async fn run_ticker(sender: broadcast::Sender<GambleInfo>, tick: Duration) {
    let mut ticks = tokio::time::interval(tick);
    loop {
        ticks.tick().await;
        let _ = sender.send(price());
    }
}

fn price() -> GambleInfo {
    let info = StockInfo {
        name: "AwesomeStock".to_owned(),
        price: 10,
        ..Default::default()
    };
    GambleInfo::from(info)
}

fn result() -> GambleInfo {
    let result = ActionResult {
        msg: "operation executed successfully".to_owned(),
        ..Default::default()
    };
    GambleInfo::from(result)
}

#[tonic::async_trait]
impl Casino for Bare {
    type GambleStream = Answers;
    type GetPaymentsStream = tokio_stream::Empty<Result<types::Payment, Status>>;

    async fn gamble(&self, request: Request<Streaming<Action>>) -> Result<Response<Answers>, Status> {
        let answers: Answers = match self {
            Self::Actions => Box::pin(request.into_inner().map(|action| action.map(|_| result()))),
            Self::Ticks(sender) => {
                let ticks = BroadcastStream::new(sender.subscribe());
                Box::pin(tokio_stream::once(Ok(price())).chain(ticks.filter_map(Result::ok).map(Ok)))
            }
        };
        Ok(Response::new(answers))
    }

    async fn buy_tokens(&self, _: Request<types::Payment>) -> Result<Response<Tokens>, Status> {
        Ok(Response::new(Tokens { count: 0 }))
    }

    async fn withdraw(&self, _: Request<WithdrawRequest>) -> Result<Response<types::Payment>, Status> {
        Err(Status::unimplemented("a reference server only answers actions"))
    }

    async fn get_token_balance(&self, _: Request<types::User>) -> Result<Response<Tokens>, Status> {
        Err(Status::unimplemented("a reference server only answers actions"))
    }

    async fn get_payments(
        &self,
        _: Request<types::User>,
    ) -> Result<Response<Self::GetPaymentsStream>, Status> {
        Err(Status::unimplemented("a reference server only answers actions"))
    }

    async fn get_payment_statement(
        &self,
        _: Request<types::User>,
    ) -> Result<Response<types::PaymentStatement>, Status> {
        Err(Status::unimplemented("a reference server only answers actions"))
    }

    async fn get_wallet(&self, _: Request<types::User>) -> Result<Response<Wallet>, Status> {
        Err(Status::unimplemented("a reference server only answers actions"))
    }

    async fn get_trades(&self, _: Request<TradesRequest>) -> Result<Response<Trades>, Status> {
        Err(Status::unimplemented("a reference server only answers actions"))
    }

    async fn get_price_history(
        &self,
        _: Request<PriceHistoryRequest>,
    ) -> Result<Response<PriceHistory>, Status> {
        Err(Status::unimplemented("a reference server only answers actions"))
    }

    async fn get_leaderboard(&self, _: Request<types::User>) -> Result<Response<Leaderboard>, Status> {
        Err(Status::unimplemented("a reference server only answers actions"))
    }

    async fn get_candles(&self, _: Request<CandlesRequest>) -> Result<Response<Candles>, Status> {
        Err(Status::unimplemented("a reference server only answers actions"))
    }

    async fn get_orders(&self, _: Request<types::User>) -> Result<Response<Orders>, Status> {
        Err(Status::unimplemented("a reference server only answers actions"))
    }

    async fn cancel_order(&self, _: Request<CancelOrderRequest>) -> Result<Response<Order>, Status> {
        Err(Status::unimplemented("a reference server only answers actions"))
    }
}
