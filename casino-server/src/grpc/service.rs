//! The casino's gRPC service: each method checks names and bounds, asks the ledger or the reader, and converts the answer.

use std::pin::Pin;
use std::sync::Arc;

use awesomestock_proto::capabilities::Capabilities;
use awesomestock_proto::casino::{
    Action, CancelOrderRequest, Candles, CandlesRequest, Leaderboard, Order, Orders, PriceHistory,
    PriceHistoryRequest, Tokens, Trades, TradesRequest, Wallet, WithdrawRequest,
};
use awesomestock_proto::framed::casino_server::Casino;
use awesomestock_proto::player::InvalidName;
use awesomestock_proto::server::{ConnectionHandle, DetectsStall};
use awesomestock_proto::types;
use awesomestock_proto::values::ENDED_ORDERS_MAX;
use futures_util::{StreamExt, stream};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use crate::domain::account::Rejection;
use crate::domain::money::{self, Dollars};
use crate::domain::order::request::RequestId;
use crate::domain::order::{Command, LedgerEntry, Payment};
use crate::domain::player::PlayerName;
use crate::feed::accounts::AccountFeed;
use crate::feed::lobby::{FeedHub, encode};
use crate::feed::price::relay::WorkerRelay;
use crate::feed::wakers::WakerGroup;
use crate::grpc::account_reader::AccountReader;
use crate::grpc::auth::Auth;
use crate::grpc::convert::InvalidRequest;
use crate::grpc::payments_client::PaymentsClient;
use crate::grpc::session::auth::SessionAuth;
use crate::grpc::session::backoff::backoff;
use crate::grpc::session::orders::OrderUpdates;
use crate::grpc::session::wallet::WalletUpdates;
use crate::grpc::session::{Session, SessionFeeds, SessionParts};
use crate::grpc::{convert, paging, status};
use crate::ledger::LedgerHandle;
use crate::store::reader::StoreReader;

/// The casino's gRPC service: one for each worker.
#[derive(Debug)]
pub(crate) struct CasinoService {
    pub(crate) auth: Arc<Auth>,
    pub(crate) ledger: LedgerHandle,
    pub(crate) accounts: AccountReader,
    pub(crate) relay: Arc<WorkerRelay>,
    pub(crate) payments: PaymentsClient,
    pub(crate) lobby: Arc<FeedHub>,
    pub(crate) account_feed: AccountFeed,
    pub(crate) subscribers: Arc<WakerGroup>,
    /// Ends the streams.
    pub(crate) shutdown: CancellationToken,
}

impl CasinoService {
    /// Subscribes a session to the feeds of its `capabilities`, and lists it as online. A session without a player still gets
    /// the feeds that are the same for all, but not a wallet.
    async fn subscribe<T>(
        &self,
        request: &Request<T>,
        player: Result<&PlayerName, InvalidName>,
        capabilities: Capabilities,
    ) -> Result<SessionFeeds, Status> {
        let Capabilities {
            wallet,
            orders,
            lobby,
            ..
        } = capabilities;
        let player = match player {
            Err(error) if wallet || orders => return Err(error.into()),
            player => player.ok(),
        };
        let (mut feeds, mut read) = (SessionFeeds::default(), None);
        if let Some(player) = player {
            // Before the account is read, so that no change is missed.
            let changes = (wallet && orders).then(|| self.account_feed.accounts.subscribe(player.clone()));
            if wallet || lobby.leaderboard {
                read = Some(self.accounts.read(player).await?);
            }
            feeds.wallet = read
                .as_ref()
                .filter(|_| wallet)
                .map(|read| Box::new(read.account));
            if let Some(account) = &feeds.wallet
                && (orders || lobby.rounds)
            {
                let accounts = self.accounts.clone();
                let updates = WalletUpdates::new(accounts, player.clone(), changes, account.version);
                feeds.wallet_updates = Some(Box::new(updates));
            }
            if orders {
                let changes = self.account_feed.orders.subscribe(player.clone());
                let seen = convert::orders_seen(request.metadata())?;
                let accounts = self.accounts_for(request);
                let updates = OrderUpdates::new(accounts, player.clone(), changes, seen);
                feeds.orders = Some(Box::new(updates));
            }
        }
        if lobby.leaderboard {
            match &read {
                Some(read) => self.lobby.track(&read.name, read.record.as_ref()),
                None => self.lobby.start_ranking(),
            }
        }
        let round = read.and_then(|read| Some(read.name.round()?.0));
        let lobby = self
            .lobby
            .subscribe(&self.subscribers, lobby, player.cloned(), round);
        feeds.lobby = lobby.map(Box::new);
        feeds.presence = Some(self.lobby.join(player.cloned()));
        Ok(feeds)
    }

    /// Returns the reader for one call: the calls of a connection read one at a time.
    fn reader_for<T>(&self, request: &Request<T>) -> StoreReader {
        self.accounts
            .reader
            .on(ConnectionHandle::from_extensions(request.extensions()))
    }

    /// Returns the reader of accounts for one call.
    fn accounts_for<T>(&self, request: &Request<T>) -> AccountReader {
        AccountReader {
            reader: self.reader_for(request),
            ..self.accounts.clone()
        }
    }

    /// Returns the player that a call's `user` names, if the caller may act for them.
    async fn player<T>(
        &self,
        request: &Request<T>,
        user: Option<&types::User>,
    ) -> Result<PlayerName, Status> {
        let player = convert::parse_player(&self.auth.names, user)?;
        let credential = Auth::credential(request.metadata())?;
        self.auth.authorize(player.clone(), credential).await?;
        Ok(player)
    }

    /// Executes a deposit or a withdrawal.
    async fn execute_payment(
        &self,
        player: PlayerName,
        command: Command,
        id: &[u8],
        round: Option<i64>,
    ) -> Result<Payment, Status> {
        let request = convert::parse_request(command, id, round)?;
        let decision = self.ledger.submit(player, request).await?;
        match decision.result {
            Ok(LedgerEntry::Payment(payment)) => Ok(payment),
            Ok(_) => Err(Status::internal(
                "the ledger answered a payment with another entry",
            )),
            Err(rejection) => Err(rejected(rejection).await),
        }
    }
}

#[tonic::async_trait]
impl Casino for CasinoService {
    async fn buy_tokens(&self, request: Request<types::Payment>) -> Result<Response<Tokens>, Status> {
        let player = self.player(&request, request.get_ref().user.as_ref()).await?;
        let types::Payment {
            amount, id, round, ..
        } = request.into_inner();
        let deposit = Command::Deposit(Dollars(amount));
        let payment = self.execute_payment(player, deposit, &id, round).await?;
        Ok(Response::new(Tokens {
            count: payment.tokens().0,
        }))
    }

    async fn withdraw(&self, request: Request<WithdrawRequest>) -> Result<Response<types::Payment>, Status> {
        let player = self.player(&request, request.get_ref().user.as_ref()).await?;
        let WithdrawRequest {
            tokens_cnt,
            id,
            round,
            ..
        } = request.into_inner();
        let withdrawal = Command::Withdraw(money::Tokens(tokens_cnt));
        let payment = self
            .execute_payment(player.clone(), withdrawal, &id, round)
            .await?;
        Ok(Response::new(convert::payment(&player, payment)))
    }

    async fn get_token_balance(&self, request: Request<types::User>) -> Result<Response<Tokens>, Status> {
        let player = self.player(&request, Some(request.get_ref())).await?;
        let account = self.accounts.read(&player).await?.account;
        Ok(Response::new(Tokens {
            count: account.tokens.0,
        }))
    }

    type GetPaymentsStream = Pin<Box<dyn Stream<Item = Result<types::Payment, Status>> + Send>>;

    async fn get_payments(
        &self,
        request: Request<types::User>,
    ) -> Result<Response<Self::GetPaymentsStream>, Status> {
        let player = self.player(&request, Some(request.get_ref())).await?;
        let payments = self.accounts_for(&request).payments(player.clone());
        let payments = payments.map(move |payment| Ok(convert::payment(&player, payment?)));
        let payments = until_shutdown(self.shutdown.clone(), payments);
        Ok(Response::new(payments.boxed()))
    }

    async fn get_payment_statement(
        &self,
        request: Request<types::User>,
    ) -> Result<Response<types::PaymentStatement>, Status> {
        let player = self.player(&request, Some(request.get_ref())).await?;
        let payments = self.accounts.payments(player.clone());
        tokio::select! {
            statement = self.payments.statement(player, payments) => Ok(Response::new(statement?)),
            () = self.shutdown.cancelled() => Err(status::shutting_down()),
        }
    }

    type GambleStream = Session<Streaming<Action>>;

    /// Opens a session: prices and other feeds go out, orders come in, results are sent in order.
    async fn gamble(
        &self,
        request: Request<Streaming<Action>>,
    ) -> Result<Response<Self::GambleStream>, Status> {
        let mut capabilities = Capabilities::from_metadata(request.metadata());
        capabilities.lobby = self.lobby.available(capabilities.lobby);
        let player = convert::session_player(&self.auth.names, request.metadata());
        let credential = Auth::credential(request.metadata())?;
        let (mut permit, mut revocation) = (None, None);
        if let Ok(player) = &player {
            let (authorization, acquired) = self.auth.open_session(player.clone(), credential).await?;
            revocation = authorization.revocation();
            permit = Some(acquired);
        }
        let auth = SessionAuth::new(Arc::clone(&self.auth), credential, permit);
        let known = player.as_ref().map_err(|error| *error);
        let feeds = self.subscribe(&request, known, capabilities).await?;
        let prices = self
            .relay
            .subscribe(ConnectionHandle::from_extensions(request.extensions()).cloned());
        let session = Session::new(SessionParts {
            inbound: request.into_inner(),
            prices,
            ledger: self.ledger.clone(),
            auth,
            player: player.ok(),
            revocation,
            capabilities,
            feeds,
        });
        let mut response = Response::new(session);
        // The session itself detects a client that reads nothing, and reports it in its final status.
        response.extensions_mut().insert(DetectsStall);
        capabilities.write_metadata(response.metadata_mut());
        Ok(response)
    }

    async fn get_wallet(&self, request: Request<types::User>) -> Result<Response<Wallet>, Status> {
        let player = self.player(&request, Some(request.get_ref())).await?;
        let capabilities = Capabilities::from_metadata(request.metadata()).unary_only();
        let account = self.accounts.read(&player).await?.account;
        let mut response = Response::new(convert::wallet(&account, capabilities));
        capabilities.write_metadata(response.metadata_mut());
        Ok(response)
    }

    async fn get_leaderboard(&self, request: Request<types::User>) -> Result<Response<Leaderboard>, Status> {
        let player = self.player(&request, Some(request.get_ref())).await?;
        let read = self.accounts.read(&player).await?;
        self.lobby.track(&read.name, read.record.as_ref());
        let leaderboard = encode::leaderboard(&self.lobby.ranking(), Some(&player));
        Ok(Response::new(leaderboard))
    }

    async fn get_trades(&self, request: Request<TradesRequest>) -> Result<Response<Trades>, Status> {
        let player = self.player(&request, request.get_ref().user.as_ref()).await?;
        let reader = self.reader_for(&request);
        let request = request.into_inner();
        let page = paging::TRADES.parse(request.before_number, request.limit)?;
        let account = self.accounts.rounds.current().account_of(&player);
        let trades = reader.read_page(move |reads| reads.trades(&account, page));
        Ok(Response::new(convert::trades(&trades.await?)))
    }

    async fn get_price_history(
        &self,
        request: Request<PriceHistoryRequest>,
    ) -> Result<Response<PriceHistory>, Status> {
        let reader = self.reader_for(&request);
        let request = request.into_inner();
        let page = paging::PRICES.parse(request.before_tick, request.limit)?;
        let ticks = reader.read_page(move |reads| reads.ticks(page));
        Ok(Response::new(convert::prices(&ticks.await?)))
    }

    async fn get_candles(&self, request: Request<CandlesRequest>) -> Result<Response<Candles>, Status> {
        let reader = self.reader_for(&request);
        let request = request.into_inner();
        let page = paging::CANDLES.parse(request.before_tick, request.limit)?;
        let candles = reader.read_page(move |reads| reads.candles(page));
        Ok(Response::new(convert::candles(&candles.await?)))
    }

    async fn get_orders(&self, request: Request<types::User>) -> Result<Response<Orders>, Status> {
        let player = self.player(&request, Some(request.get_ref())).await?;
        let reader = self.reader_for(&request);
        let (open, ended) = reader.orders(player, ENDED_ORDERS_MAX).await?;
        Ok(Response::new(Orders {
            open: open.iter().map(convert::order).collect(),
            ended: ended.iter().map(convert::order).collect(),
        }))
    }

    async fn cancel_order(&self, request: Request<CancelOrderRequest>) -> Result<Response<Order>, Status> {
        let player = self.player(&request, request.get_ref().user.as_ref()).await?;
        let id = RequestId::required(&request.get_ref().id).map_err(InvalidRequest::Id)?;
        loop {
            let cancelled = self.ledger.submit(player.clone(), Command::Cancel(id)).await?;
            let by_call = match cancelled.result {
                Ok(_) => true,
                // Not open: the stored order has its end.
                Err(Rejection::NoOpenOrder) => false,
                Err(rejection) => return Err(rejected(rejection).await),
            };
            let of = player.clone();
            let posting = self
                .accounts
                .reader
                .read_row(move |reads| reads.order(&of, id))
                .await?;
            let posting = posting.ok_or_else(status::no_such_order)?;
            // It may have been placed between the two, and is cancelled then.
            if posting.ended.is_some() {
                return Ok(Response::new(Order {
                    cancelled_by_call: Some(by_call),
                    ..convert::order(&posting)
                }));
            }
        }
    }
}

/// Returns the status of a rejected call. One that exceeds the rate limit waits first.
async fn rejected(rejection: Rejection) -> Status {
    if matches!(rejection, Rejection::RateLimited { .. }) {
        backoff().await;
    }
    rejection.into()
}

/// Ends `messages` at `stop` with an error, so that a list that was cut short does not look complete.
fn until_shutdown<T: Send + 'static>(
    stop: CancellationToken,
    messages: impl Stream<Item = Result<T, Status>> + Send + 'static,
) -> impl Stream<Item = Result<T, Status>> + Send + 'static {
    let stopped = stop.clone();
    let cut_off = stream::once(async move { stopped.is_cancelled() })
        .filter_map(async |stopped| stopped.then(|| Err(status::shutting_down())));
    messages.take_until(stop.cancelled_owned()).chain(cut_off)
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    #[tokio::test]
    async fn a_list_that_is_cut_short_does_not_look_complete() {
        let stop = CancellationToken::new();
        let whole: Vec<_> = until_shutdown(stop.clone(), stream::iter([Ok(1), Ok(2)]))
            .collect()
            .await;
        assert!(matches!(whole.as_slice(), [Ok(1), Ok(2)]));
        let mut cut = Box::pin(until_shutdown(
            stop.clone(),
            stream::iter([Ok(1)]).chain(stream::pending()),
        ));
        assert!(matches!(cut.next().await, Some(Ok(1))));
        stop.cancel();
        assert_eq!(cut.next().await.unwrap().unwrap_err().code(), Code::Unavailable);
        assert!(cut.next().await.is_none());
    }
}
