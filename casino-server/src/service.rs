//! The gRPC service: names and bounds checked, then the ledger or the reader, then the wire.

use std::{pin::Pin, sync::Arc};

use awesomestock_proto::{
    casino::{
        Action, Candles, CandlesRequest, GambleInfo, Leaderboard, PriceHistory, PriceHistoryRequest, Tokens,
        Trades, TradesRequest, Wallet, WithdrawRequest, casino_server::Casino,
    },
    serving::Line,
    types,
};
use futures_util::{StreamExt, stream};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use crate::{
    account::{Account, Refusal},
    company::{Company, Gallery, Neighbour, Presence},
    feeds::{self, Feeds},
    gate::{Gate, Permits},
    identity::PlayerName,
    ledger::Books,
    paging,
    quantity::{self, Dollars},
    reader::Reader,
    receipt::{RequestId, Submission},
    record::{Command, Entry, Payment},
    rest::rest,
    seat::Seat,
    statements::Statements,
    status,
    table::{Audience, Players},
    unread, wire,
};

/// The casino's side of the contract.
#[derive(Debug)]
pub(crate) struct CasinoService {
    gate: Gate,
    books: Books,
    reader: Reader,
    audience: Arc<Audience>,
    players: Arc<Players>,
    statements: Statements,
    company: (Company, Arc<Gallery>),
    stop: CancellationToken,
}

impl CasinoService {
    /// A service to those whom `gate` lets in, whose streams end at `stop`.
    pub(crate) fn new(
        gate: Gate,
        (books, reader): (Books, Reader),
        (audience, players): (Arc<Audience>, Arc<Players>),
        statements: Statements,
        company: (Company, Arc<Gallery>),
        stop: CancellationToken,
    ) -> Self {
        Self {
            gate,
            books,
            reader,
            audience,
            players,
            statements,
            company,
            stop,
        }
    }

    /// Opens a Gamble stream.
    pub(crate) async fn take_seat(
        &self,
        request: Request<Streaming<Action>>,
    ) -> Result<Response<Seat<Streaming<Action>>>, Status> {
        let feeds = Feeds::asked_for(request.metadata());
        let owner = feeds::seat_owner(request.metadata());
        let shown = Gate::shown(request.metadata())?;
        let mut seated = None;
        if let Ok(owner) = &owner {
            self.gate.admit(owner.clone(), shown).await?;
            seated = Some(self.players.sit(owner).await?);
        }
        let permits = Permits::new((self.gate.clone(), shown), (Arc::clone(&self.players), seated));
        let joining = if feeds.wallet {
            Some(self.reader.account(owner.clone()?).await?)
        } else {
            None
        };
        // Who did not say whose seat it is still gets the feeds that are the same for everybody.
        let company = self.introduce(feeds, owner.ok(), joining.as_ref()).await?;
        let table = self.audience.watcher(Line::of(request.extensions()).cloned());
        let seat = Seat::new(
            request.into_inner(),
            table,
            (&self.books, permits),
            (feeds, joining),
            company,
        );
        let mut response = Response::new(seat);
        feeds.announce(response.metadata_mut());
        Ok(response)
    }

    /// Tells the others of a seat of `player`, and the seat of the others, as far as `feeds` ask for it.
    async fn introduce(
        &self,
        feeds: Feeds,
        player: Option<PlayerName>,
        account: Option<&Account>,
    ) -> Result<(Presence, Option<Neighbour>), Status> {
        let (company, gallery) = &self.company;
        if feeds.company.leaderboard {
            match (&player, account) {
                (Some(player), Some(account)) => company.rank(player, account),
                (Some(player), None) => company.rank(player, &self.reader.account(player.clone()).await?),
                (None, _) => company.start_ranking(),
            }
        }
        let neighbour = company.neighbour(gallery, feeds.company, player.clone());
        Ok((company.enter(player), neighbour))
    }

    /// The player that a call names, if its sender may act for them: every call about a player begins with it.
    async fn player<T: wire::NamesPlayer>(&self, request: &Request<T>) -> Result<PlayerName, Status> {
        let player = wire::player(request.get_ref().user())?;
        self.gate.admit_call(request.metadata(), &player).await?;
        Ok(player)
    }

    /// Has a deposit or a withdrawal executed.
    async fn pay(&self, player: PlayerName, command: Command, id: &[u8]) -> Result<Payment, Status> {
        let id = RequestId::new(id)?;
        let decision = self.books.execute(player, Submission { command, id }).await?;
        match decision.result {
            Ok(Entry::Payment(payment)) => Ok(payment),
            Ok(Entry::Trade(_)) => Err(Status::internal("a payment was taken for a trade")),
            Err(refusal) => {
                if matches!(refusal, Refusal::TooFast { .. }) {
                    rest().await;
                }
                Err(refusal.into())
            }
        }
    }
}

#[tonic::async_trait]
impl Casino for CasinoService {
    async fn buy_tokens(&self, request: Request<types::Payment>) -> Result<Response<Tokens>, Status> {
        let player = self.player(&request).await?;
        let types::Payment { amount, id, .. } = request.into_inner();
        let payment = self.pay(player, Command::Deposit(Dollars(amount)), &id).await?;
        Ok(Response::new(Tokens {
            count: payment.tokens().0,
        }))
    }

    async fn withdraw(&self, request: Request<WithdrawRequest>) -> Result<Response<types::Payment>, Status> {
        let player = self.player(&request).await?;
        let WithdrawRequest { tokens_cnt, id, .. } = request.into_inner();
        let withdrawal = Command::Withdraw(quantity::Tokens(tokens_cnt));
        let payment = self.pay(player.clone(), withdrawal, &id).await?;
        Ok(Response::new(wire::payment(&player, payment)))
    }

    async fn get_token_balance(&self, request: Request<types::User>) -> Result<Response<Tokens>, Status> {
        let player = self.player(&request).await?;
        let account = self.reader.account(player).await?;
        Ok(Response::new(Tokens {
            count: account.tokens.0,
        }))
    }

    type GetPaymentsStream = Pin<Box<dyn Stream<Item = Result<types::Payment, Status>> + Send>>;

    async fn get_payments(
        &self,
        request: Request<types::User>,
    ) -> Result<Response<Self::GetPaymentsStream>, Status> {
        let player = self.player(&request).await?;
        let line = Line::of(request.extensions()).cloned();
        let payments = self.reader.payments(player.clone());
        let payments = payments.map(move |payment| Ok(wire::payment(&player, payment?)));
        let payments = unread::watched(payments, line, self.audience.patience());
        let payments = cut_off_at(self.stop.clone(), payments);
        Ok(Response::new(payments.boxed()))
    }

    async fn get_payment_statement(
        &self,
        request: Request<types::User>,
    ) -> Result<Response<types::PaymentStatement>, Status> {
        let player = self.player(&request).await?;
        tokio::select! {
            statement = self.statements.statement(player) => Ok(Response::new(statement?)),
            () = self.stop.cancelled() => Err(status::stopping()),
        }
    }

    type GambleStream = Pin<Box<dyn Stream<Item = Result<GambleInfo, Status>> + Send>>;

    /// Never called: the [front](crate::front) answers `Gamble` before it gets here.
    async fn gamble(&self, _: Request<Streaming<Action>>) -> Result<Response<Self::GambleStream>, Status> {
        Err(Status::unimplemented("seats are taken at the front"))
    }

    async fn get_wallet(&self, request: Request<types::User>) -> Result<Response<Wallet>, Status> {
        let player = self.player(&request).await?;
        let feeds = Feeds::asked_for(request.metadata());
        let mut response = Response::new(wire::wallet(&self.reader.account(player).await?));
        feeds.without_stream().announce(response.metadata_mut());
        Ok(response)
    }

    async fn get_leaderboard(&self, request: Request<types::User>) -> Result<Response<Leaderboard>, Status> {
        let player = self.player(&request).await?;
        let (company, _) = &self.company;
        company.rank(&player, &self.reader.account(player.clone()).await?);
        let leaderboard = wire::leaderboard(&company.ranking(), Some(&player));
        Ok(Response::new(leaderboard))
    }

    async fn get_trades(&self, request: Request<TradesRequest>) -> Result<Response<Trades>, Status> {
        let player = self.player(&request).await?;
        let request = request.into_inner();
        let page = paging::TRADES.page(request.before_number, request.limit)?;
        Ok(Response::new(wire::trades(
            &self.reader.trades(player, page).await?,
        )))
    }

    async fn get_price_history(
        &self,
        request: Request<PriceHistoryRequest>,
    ) -> Result<Response<PriceHistory>, Status> {
        let request = request.into_inner();
        let page = paging::PRICES.page(request.before_tick, request.limit)?;
        Ok(Response::new(wire::prices(&self.reader.ticks(page).await?)))
    }

    async fn get_candles(&self, request: Request<CandlesRequest>) -> Result<Response<Candles>, Status> {
        let request = request.into_inner();
        let page = paging::CANDLES.page(request.before_tick, request.limit)?;
        Ok(Response::new(wire::candles(&self.reader.candles(page).await?)))
    }
}

/// `messages` until `stop`; cut off, they end with an error, so that they do not look as if they were all.
fn cut_off_at<T: Send + 'static>(
    stop: CancellationToken,
    messages: impl Stream<Item = Result<T, Status>> + Send + 'static,
) -> impl Stream<Item = Result<T, Status>> + Send + 'static {
    let stopped = stop.clone();
    let cut_off = stream::once(async move { stopped.is_cancelled() })
        .filter_map(async |stopped| stopped.then(|| Err(status::stopping())));
    messages.take_until(stop.cancelled_owned()).chain(cut_off)
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    #[tokio::test]
    async fn a_list_that_is_cut_off_does_not_look_whole() {
        let stop = CancellationToken::new();
        let whole: Vec<_> = cut_off_at(stop.clone(), stream::iter([Ok(1), Ok(2)]))
            .collect()
            .await;
        assert!(matches!(whole.as_slice(), [Ok(1), Ok(2)]));
        let mut cut = Box::pin(cut_off_at(
            stop.clone(),
            stream::iter([Ok(1)]).chain(stream::pending()),
        ));
        assert!(matches!(cut.next().await, Some(Ok(1))));
        stop.cancel();
        assert_eq!(cut.next().await.unwrap().unwrap_err().code(), Code::Unavailable);
        assert!(cut.next().await.is_none());
    }
}
