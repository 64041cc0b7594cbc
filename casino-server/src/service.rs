//! The gRPC service: names and bounds checked, then the ledger or the reader, then the wire.

use std::pin::Pin;

use awesomestock_proto::{
    casino::{
        Action, PriceHistory, PriceHistoryRequest, Tokens, Trades, TradesRequest, Wallet, WithdrawRequest,
        casino_server::Casino,
    },
    types,
};
use futures_util::{StreamExt, stream};
use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use crate::{
    feeds::{self, Feeds},
    identity::PlayerName,
    ledger::Queue,
    quantity::{self, Dollars},
    reader::Reader,
    record::{Command, Entry, Payment},
    seat::Seat,
    statements::Statements,
    status,
    store::PageRequest,
    table::Table,
    wire,
};

/// Trades in a page: at most, and when the request does not say.
const TRADES: PageBounds = PageBounds {
    number: "before_number",
    max: 1_000,
    default: 100,
};

/// Prices in a page: at most, and when the request does not say.
const PRICES: PageBounds = PageBounds {
    number: "before_tick",
    max: 10_000,
    default: 1_000,
};

/// The casino's side of the contract.
#[derive(Debug)]
pub(crate) struct CasinoService {
    queue: Queue,
    reader: Reader,
    table: Table,
    statements: Statements,
    stop: CancellationToken,
}

impl CasinoService {
    /// A service whose streams end at `stop`.
    pub(crate) fn new(
        queue: Queue,
        reader: Reader,
        table: Table,
        statements: Statements,
        stop: CancellationToken,
    ) -> Self {
        Self {
            queue,
            reader,
            table,
            statements,
            stop,
        }
    }

    /// Has a deposit or a withdrawal executed.
    async fn pay(&self, player: PlayerName, command: Command) -> Result<Payment, Status> {
        match self.queue.execute(player, command).await?.result? {
            Entry::Payment(payment) => Ok(payment),
            Entry::Trade(_) => Err(Status::internal("a payment was taken for a trade")),
        }
    }
}

#[tonic::async_trait]
impl Casino for CasinoService {
    async fn buy_tokens(&self, request: Request<types::Payment>) -> Result<Response<Tokens>, Status> {
        let request = request.into_inner();
        let player = wire::player(request.user.as_ref())?;
        let payment = self
            .pay(player, Command::Deposit(Dollars(request.amount)))
            .await?;
        Ok(Response::new(Tokens {
            count: payment.tokens().0,
        }))
    }

    async fn withdraw(&self, request: Request<WithdrawRequest>) -> Result<Response<types::Payment>, Status> {
        let request = request.into_inner();
        let player = wire::player(request.user.as_ref())?;
        let tokens = quantity::Tokens(request.tokens_cnt);
        let payment = self.pay(player.clone(), Command::Withdraw(tokens)).await?;
        Ok(Response::new(wire::payment(&player, payment)))
    }

    async fn get_token_balance(&self, request: Request<types::User>) -> Result<Response<Tokens>, Status> {
        let player = wire::player(Some(request.get_ref()))?;
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
        let player = wire::player(Some(request.get_ref()))?;
        let payments = self.reader.payments(player.clone());
        let payments = payments.map(move |payment| Ok(wire::payment(&player, payment?)));
        // Cut off, the list must not look as if it were whole.
        let stop = self.stop.clone();
        let cut_off = stream::once(async move { stop.is_cancelled() })
            .filter_map(async |stopped| stopped.then(|| Err(status::stopping())));
        let payments = payments
            .take_until(self.stop.clone().cancelled_owned())
            .chain(cut_off);
        Ok(Response::new(payments.boxed()))
    }

    async fn get_payment_statement(
        &self,
        request: Request<types::User>,
    ) -> Result<Response<types::PaymentStatement>, Status> {
        let player = wire::player(Some(request.get_ref()))?;
        tokio::select! {
            statement = self.statements.statement(player) => Ok(Response::new(statement?)),
            () = self.stop.cancelled() => Err(status::stopping()),
        }
    }

    type GambleStream = Seat<Streaming<Action>>;

    async fn gamble(
        &self,
        request: Request<Streaming<Action>>,
    ) -> Result<Response<Self::GambleStream>, Status> {
        let feeds = Feeds::asked_for(request.metadata());
        let joining = if feeds.wallet {
            Some(
                self.reader
                    .account(feeds::seat_owner(request.metadata())?)
                    .await?,
            )
        } else {
            None
        };
        let inbound = request.into_inner();
        let seat = Seat::new(
            inbound,
            (&self.table, &self.queue),
            (feeds, joining),
            self.stop.clone(),
        );
        let mut response = Response::new(seat);
        feeds.announce(response.metadata_mut());
        Ok(response)
    }

    async fn get_wallet(&self, request: Request<types::User>) -> Result<Response<Wallet>, Status> {
        let player = wire::player(Some(request.get_ref()))?;
        Ok(Response::new(wire::wallet(&self.reader.account(player).await?)))
    }

    async fn get_trades(&self, request: Request<TradesRequest>) -> Result<Response<Trades>, Status> {
        let request = request.into_inner();
        let player = wire::player(request.user.as_ref())?;
        let page = TRADES.page(request.before_number, request.limit)?;
        Ok(Response::new(wire::trades(
            &self.reader.trades(player, page).await?,
        )))
    }

    async fn get_price_history(
        &self,
        request: Request<PriceHistoryRequest>,
    ) -> Result<Response<PriceHistory>, Status> {
        let request = request.into_inner();
        let page = PRICES.page(request.before_tick, request.limit)?;
        Ok(Response::new(wire::prices(&self.reader.ticks(page).await?)))
    }
}

/// The bounds of a paged request.
#[derive(Debug, Clone, Copy)]
struct PageBounds {
    /// The field that says below which number.
    number: &'static str,
    /// The most entries of a page.
    max: u32,
    /// The entries of a page when the request does not say.
    default: u32,
}

impl PageBounds {
    /// The page that a request asks for by its two numbers, in which 0 means that it does not say.
    fn page(self, before: i64, limit: i32) -> Result<PageRequest, BadPage> {
        let before = match before {
            ..0 => {
                return Err(BadPage::Number {
                    field: self.number,
                    given: before,
                });
            }
            0 => None,
            before => Some(before),
        };
        let limit = match u32::try_from(limit) {
            Ok(0) => self.default,
            Ok(within) if within <= self.max => within,
            _ => {
                return Err(BadPage::Limit {
                    given: limit,
                    max: self.max,
                });
            }
        };
        Ok(PageRequest { before, limit })
    }
}

/// A page that cannot be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadPage {
    /// A negative number.
    #[error("{field}: {given} is below 0")]
    Number {
        /// The field.
        field: &'static str,
        /// What was sent.
        given: i64,
    },
    /// A negative limit, or a larger page than there is.
    #[error("limit: {given} is not between 0 and {max}")]
    Limit {
        /// What was sent.
        given: i32,
        /// The most entries of a page.
        max: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_bounds() {
        let page = |before, limit| Ok(PageRequest { before, limit });
        let cases = [
            (TRADES, 0, 0, page(None, 100)),
            (TRADES, 7, 1_000, page(Some(7), 1_000)),
            (
                TRADES,
                0,
                1_001,
                Err(BadPage::Limit {
                    given: 1_001,
                    max: 1_000,
                }),
            ),
            (
                TRADES,
                0,
                -1,
                Err(BadPage::Limit {
                    given: -1,
                    max: 1_000,
                }),
            ),
            (
                TRADES,
                -1,
                0,
                Err(BadPage::Number {
                    field: "before_number",
                    given: -1,
                }),
            ),
            (PRICES, i64::MAX, 10_000, page(Some(i64::MAX), 10_000)),
            (
                PRICES,
                0,
                10_001,
                Err(BadPage::Limit {
                    given: 10_001,
                    max: 10_000,
                }),
            ),
            (
                PRICES,
                i64::MIN,
                0,
                Err(BadPage::Number {
                    field: "before_tick",
                    given: i64::MIN,
                }),
            ),
        ];
        for (bounds, before, limit, expected) in cases {
            assert_eq!(bounds.page(before, limit), expected, "{before} {limit}");
        }
        let error = PRICES.page(0, -5).unwrap_err();
        assert_eq!(error.to_string(), "limit: -5 is not between 0 and 10000");
    }
}
