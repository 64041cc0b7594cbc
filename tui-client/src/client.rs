//! The client of a casino: its calls and its table, in the game's own words.
//!
//! Owns deadlines, and what a casino of the old contract is asked instead. The messages of the contract stop here: what
//! a server sends is checked (`wire`) before the game sees it, and what a failure means is said in one place
//! (`failure`), as is what is asked again (`once`): payments, and nothing else that could change anything. It keeps no
//! state of the game.

mod company;
mod failure;
mod once;
mod pages;
mod past;
#[cfg(any(test, feature = "fuzzing"))]
#[path = "../fuzz/table.rs"]
pub(crate) mod table;
mod wire;

use std::{collections::VecDeque, time::Duration};

use awesomestock_proto::{
    casino::{self, GambleInfo, casino_client::CasinoClient},
    credentials::{PlayerKey, Shows},
    feeds, types,
};
use tokio::sync::mpsc;
use tokio_stream::{StreamExt, wrappers::ReceiverStream};
use tonic::{
    Request, Status, Streaming,
    metadata::{MetadataMap, MetadataValue},
    service::interceptor::InterceptedService,
    transport::Channel,
};

use uuid::Uuid;

use crate::app::{
    company::{Leaderboard, Told},
    event::{Answer, Call, StreamEvent, TradeRow},
    money::Side,
    overlay::PaymentRow,
};
pub use failure::Failure;
pub(crate) use once::NO_LIMITS;
pub use once::{Answered, RETRY_FOR};
pub use pages::{Payments, Trades};
use wire::Feeds;

/// How long a call may take.
pub const CALL_DEADLINE: Duration = Duration::from_secs(10);

/// How long sitting down may take. More than a call: an old casino may say its first word with the next price only.
pub const JOIN_DEADLINE: Duration = Duration::from_secs(30);

/// Payments that are kept of an answer; of more, the newest.
const MAX_PAYMENTS: usize = 10_000;

/// Trades asked for.
const TRADES_LIMIT: i32 = 100;

/// An order for the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// Buy or sell.
    pub side: Side,
    /// Stocks.
    pub count: i32,
    /// The worst price at which it is to be executed; only for a casino that [keeps to it](Seat::keeps_limits).
    pub limit: Option<i32>,
    /// By what the casino knows it again.
    pub id: Uuid,
}

impl Order {
    /// An order like no other, without a limit.
    #[must_use]
    pub fn new(side: Side, count: i32) -> Self {
        Self {
            side,
            count,
            limit: None,
            id: Uuid::now_v7(),
        }
    }
}

/// A player's way to a casino.
#[derive(Debug, Clone)]
pub struct Client {
    casino: CasinoClient<InterceptedService<Channel, Shows>>,
    player: String,
}

impl Client {
    /// The way of `player` to the casino at the other end of `channel`. Nothing is sent yet; `key` is shown with every
    /// call and every stream.
    #[must_use]
    pub fn new(channel: Channel, player: String, key: Option<&PlayerKey>) -> Self {
        Self {
            casino: CasinoClient::with_interceptor(channel, Shows::key(key)),
            player,
        }
    }

    /// Whose way it is.
    #[must_use]
    pub fn player(&self) -> &str {
        &self.player
    }

    /// Makes a call, with [`CALL_DEADLINE`]. A payment that is not answered is asked for again, [for a
    /// while](RETRY_FOR), and is made once.
    ///
    /// # Errors
    ///
    /// When the casino refuses it, or no answer comes.
    pub async fn call(&self, call: Call) -> Result<Answer, Failure> {
        if let Call::BuyTokens(_) | Call::Withdraw(_) = call {
            return self.pay_once(call).await;
        }
        let answer = async {
            match call {
                // Above.
                Call::BuyTokens(_) | Call::Withdraw(_) => Err(Failure::nonsense("a payment")),
                Call::Holdings => self.holdings().await,
                Call::Payments => self.payments().await,
                Call::Statement => self.statement().await,
                Call::History { before } => self.history(before).await,
                Call::Candles { before } => self.candles(before).await,
                Call::Trades => self.trades().await,
                Call::TradePage { before } => self.trade_page(before).await,
                Call::Leaderboard => self.leaderboard().await.map(Answer::Leaderboard),
            }
        };
        tokio::time::timeout(CALL_DEADLINE, answer)
            .await
            .unwrap_or(Err(Failure::overdue(CALL_DEADLINE)))
    }

    /// Sits down at the table, with [`JOIN_DEADLINE`]. Each of `orders` is sent as it comes; when they end, the stream
    /// is half-closed.
    ///
    /// # Errors
    ///
    /// When the casino refuses the seat or cannot be reached.
    pub async fn sit_down(&self, orders: mpsc::Receiver<Order>) -> Result<Seat, Failure> {
        let player = self.player.clone();
        let actions = ReceiverStream::new(orders).map(move |order| wire::action(&player, order));
        let mut request = Request::new(actions);
        ask_for_feeds(request.metadata_mut(), &self.player);
        let mut casino = self.casino.clone();
        let response = tokio::time::timeout(JOIN_DEADLINE, casino.gamble(request))
            .await
            .map_err(|_| Failure::overdue(JOIN_DEADLINE))??;
        Ok(Seat {
            feeds: Feeds::granted(response.metadata()),
            inbound: response.into_inner(),
        })
    }

    async fn buy_tokens(&self, dollars: i32, id: Uuid) -> Result<Answer, Failure> {
        let payment = types::Payment {
            user: Some(self.user()),
            amount: dollars,
            id: id.into_bytes().to_vec(),
            ..types::Payment::default()
        };
        let bought = self.casino.clone().buy_tokens(payment).await?.into_inner();
        Ok(Answer::TokensBought {
            dollars,
            tokens: bought.count,
        })
    }

    async fn withdraw(&self, tokens: i32, id: Uuid) -> Result<Answer, Failure> {
        let request = casino::WithdrawRequest {
            user: Some(self.user()),
            tokens_cnt: tokens,
            id: id.into_bytes().to_vec(),
        };
        let paid = self.casino.clone().withdraw(request).await?.into_inner();
        Ok(Answer::Withdrawn {
            tokens,
            dollars: paid.amount,
        })
    }

    async fn holdings(&self) -> Result<Answer, Failure> {
        match known(self.casino.clone().get_wallet(self.user()).await)? {
            Some(wallet) => wire::wallet(&wallet.into_inner())
                .map(Answer::Wallet)
                .ok_or_else(|| Failure::nonsense("a wallet below zero")),
            None => {
                let tokens = self.casino.clone().get_token_balance(self.user()).await?;
                Ok(Answer::Tokens(tokens.into_inner().count))
            }
        }
    }

    async fn payments(&self) -> Result<Answer, Failure> {
        let mut payments = self.all_payments().await?;
        let mut rows: VecDeque<PaymentRow> = VecDeque::new();
        while let Some(payment) = payments.next().await? {
            if rows.len() == MAX_PAYMENTS {
                rows.pop_front();
            }
            rows.push_back(payment);
        }
        Ok(Answer::Payments(rows.into()))
    }

    async fn statement(&self) -> Result<Answer, Failure> {
        let statement = self.casino.clone().get_payment_statement(self.user()).await?;
        Ok(Answer::Statement(statement.into_inner().data))
    }

    async fn trades(&self) -> Result<Answer, Failure> {
        let request = casino::TradesRequest {
            user: Some(self.user()),
            before_number: 0,
            limit: TRADES_LIMIT,
        };
        let page = known(self.casino.clone().get_trades(request).await)?;
        let trades = page.map(|page| page.into_inner().trades).unwrap_or_default();
        let rows: Vec<TradeRow> = trades.iter().filter_map(wire::trade_row).collect();
        Ok(Answer::Trades(rows))
    }

    /// Who owns most, and the player's own place.
    ///
    /// # Errors
    ///
    /// When the casino does not answer, or speaks the old contract and ranks nobody.
    async fn leaderboard(&self) -> Result<Leaderboard, Failure> {
        let told = known(self.casino.clone().get_leaderboard(self.user()).await)?;
        told.map(|told| company::leaderboard(&told.into_inner()))
            .ok_or_else(|| Failure::Refused("this casino keeps no leaderboard".to_owned()))
    }

    fn user(&self) -> types::User {
        types::User {
            id: self.player.clone(),
        }
    }
}

/// A seat at the table: what the casino sends.
#[derive(Debug)]
pub struct Seat {
    feeds: Feeds,
    inbound: Streaming<GambleInfo>,
}

/// How a seat ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SeatEnd {
    /// The casino closed it in order: what was outstanding is answered, if the player had left.
    Closed,
    /// It broke; in words, why.
    Lost(String),
}

impl Seat {
    /// The casino tells ticks, wallet and outcome.
    #[must_use]
    pub fn is_extended(&self) -> bool {
        self.feeds.ticks && self.feeds.wallet
    }

    /// The casino executes an order with a limit at that price or better, or not at all.
    #[must_use]
    pub fn keeps_limits(&self) -> bool {
        self.feeds.others.limits
    }

    /// What the casino tells of the others.
    #[must_use]
    pub fn told_of_others(&self) -> Told {
        self.feeds.others
    }

    /// The casino executes what carries the same id once.
    #[must_use]
    pub fn keeps_to_ids(&self) -> bool {
        self.feeds.ids
    }

    /// The next thing the casino tells. What means nothing to this client is passed over. Can be cancelled: nothing is
    /// lost.
    ///
    /// # Errors
    ///
    /// When nothing more comes.
    pub async fn next(&mut self) -> Result<StreamEvent, SeatEnd> {
        loop {
            match self.inbound.message().await {
                Ok(Some(info)) => match wire::stream_event(info, self.feeds) {
                    Some(event) => return Ok(event),
                    None => tracing::debug!("a message of the table means nothing here"),
                },
                Ok(None) => return Err(SeatEnd::Closed),
                Err(status) if failure::is_end_of_old_table(&status) => return Err(SeatEnd::Closed),
                Err(status) => return Err(SeatEnd::Lost(Failure::from(status).to_string())),
            }
        }
    }
}

/// `None` where the casino speaks the old contract and does not know the call.
fn known<T>(answer: Result<T, Status>) -> Result<Option<T>, Failure> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(status) if failure::is_old_contract(&status) => Ok(None),
        Err(status) => Err(status.into()),
    }
}

/// Asks for more than the old contract, in the name of the player: an old casino passes over it.
fn ask_for_feeds(metadata: &mut MetadataMap, player: &str) {
    let names = [
        feeds::TICKS,
        feeds::WALLET,
        feeds::IDS,
        feeds::TAPE,
        feeds::PLAYERS,
        feeds::LEADERBOARD,
        feeds::LIMITS,
    ];
    match names.join(",").parse() {
        Ok(names) => {
            metadata.insert(feeds::KEY, names);
        }
        Err(error) => tracing::error!(%error, "the feeds' names are no metadata"),
    }
    metadata.insert_bin(feeds::USER_KEY, MetadataValue::from_bytes(player.as_bytes()));
}
