//! The client of a casino: its calls and its table, in the game's own words.
//!
//! Owns deadlines, and what a casino of the old contract is asked instead. The messages of the contract stop here: what
//! a server sends is checked (`wire`) before the game sees it, and what a failure means is said in one place
//! (`failure`), as are which address is asked (`addresses`), and what is asked again (`once`): payments, and nothing
//! else that could change anything. It keeps no state of the game.

mod addresses;
mod company;
mod failure;
mod once;
mod pages;
mod past;
mod seat;
#[cfg(any(test, feature = "fuzzing"))]
#[path = "../fuzz/table.rs"]
pub(crate) mod table;
mod wire;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use awesomestock_proto::{casino, credentials::PlayerKey, types};
use tokio::time::timeout;
use tonic::{Status, transport::Channel};

use uuid::Uuid;

use crate::app::{
    company::Leaderboard,
    event::{Answer, Call, TradeRow},
    money::Side,
    overlay::PaymentRow,
};
pub use addresses::Way;
use addresses::{Addresses, Casino};
pub use failure::Failure;
pub(crate) use once::NO_LIMITS;
pub use once::{Answered, RETRY_FOR};
pub use pages::{Payments, Trades};
pub use seat::{Seat, SeatEnd};

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
    addresses: Arc<Addresses>,
    player: String,
}

impl Client {
    /// The way of `player` to the casino at the other end of `channel`. Nothing is sent yet; `key` is shown with every
    /// call and every stream.
    #[must_use]
    pub fn new(channel: Channel, player: String, key: Option<&PlayerKey>) -> Self {
        let way = Way {
            name: String::new(),
            in_plaintext: false,
            channel,
        };
        Self::of(way, Vec::new(), player, key)
    }

    /// The ways of `player` to one casino that has several addresses. The first one is taken as long as it leads
    /// somewhere, and then the next.
    #[must_use]
    pub fn of(first: Way, others: Vec<Way>, player: String, key: Option<&PlayerKey>) -> Self {
        Self {
            addresses: Arc::new(Addresses::new(first, others, key)),
            player,
        }
    }

    /// Whose way it is.
    #[must_use]
    pub fn player(&self) -> &str {
        &self.player
    }

    /// Makes a call, with [`CALL_DEADLINE`] at each address. A payment that is not answered is asked for again, [for a
    /// while](RETRY_FOR), and is made once.
    ///
    /// # Errors
    ///
    /// When the casino refuses it, or no answer comes.
    pub async fn call(&self, call: Call) -> Result<Answer, Failure> {
        if let Call::BuyTokens(_) | Call::Withdraw(_) = call {
            return self.pay_once(call).await;
        }
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
    }

    /// Asks at the address played at, and where no answer comes, at the others.
    async fn ask<T, F>(&self, call: impl Fn(Casino) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Status>>,
    {
        let (_, answer) = self.addresses.ask(CALL_DEADLINE, call).await?;
        Ok(answer)
    }

    async fn buy_tokens(&self, mut casino: Casino, dollars: i32, id: Uuid) -> Result<Answer, Failure> {
        let payment = types::Payment {
            user: Some(self.user()),
            amount: dollars,
            id: id.into_bytes().to_vec(),
            ..types::Payment::default()
        };
        let bought = casino.buy_tokens(payment).await?.into_inner();
        Ok(Answer::TokensBought {
            dollars,
            tokens: bought.count,
        })
    }

    async fn withdraw(&self, mut casino: Casino, tokens: i32, id: Uuid) -> Result<Answer, Failure> {
        let request = casino::WithdrawRequest {
            user: Some(self.user()),
            tokens_cnt: tokens,
            id: id.into_bytes().to_vec(),
        };
        let paid = casino.withdraw(request).await?.into_inner();
        Ok(Answer::Withdrawn {
            tokens,
            dollars: paid.amount,
        })
    }

    async fn holdings(&self) -> Result<Answer, Failure> {
        let wallet = self.ask(|mut casino| {
            let user = self.user();
            async move { known(casino.get_wallet(user).await) }
        });
        match wallet.await? {
            Some(wallet) => wire::wallet(&wallet.into_inner())
                .map(Answer::Wallet)
                .ok_or_else(|| Failure::nonsense("a wallet below zero")),
            None => {
                let tokens = self.ask(|mut casino| {
                    let user = self.user();
                    async move { casino.get_token_balance(user).await }
                });
                Ok(Answer::Tokens(tokens.await?.into_inner().count))
            }
        }
    }

    async fn payments(&self) -> Result<Answer, Failure> {
        let read = async {
            let mut payments = self.all_payments().await?;
            let mut rows: VecDeque<PaymentRow> = VecDeque::new();
            while let Some(payment) = payments.next().await? {
                if rows.len() == MAX_PAYMENTS {
                    rows.pop_front();
                }
                rows.push_back(payment);
            }
            Ok(Answer::Payments(rows.into()))
        };
        let overdue = |_| Err(Failure::overdue(CALL_DEADLINE));
        timeout(CALL_DEADLINE, read).await.unwrap_or_else(overdue)
    }

    async fn statement(&self) -> Result<Answer, Failure> {
        let statement = self.ask(|mut casino| {
            let user = self.user();
            async move { casino.get_payment_statement(user).await }
        });
        Ok(Answer::Statement(statement.await?.into_inner().data))
    }

    async fn trades(&self) -> Result<Answer, Failure> {
        let page = self.ask(|mut casino| {
            let request = casino::TradesRequest {
                user: Some(self.user()),
                before_number: 0,
                limit: TRADES_LIMIT,
            };
            async move { known(casino.get_trades(request).await) }
        });
        let trades = page
            .await?
            .map(|page| page.into_inner().trades)
            .unwrap_or_default();
        let rows: Vec<TradeRow> = trades.iter().filter_map(wire::trade_row).collect();
        Ok(Answer::Trades(rows))
    }

    /// Who owns most, and the player's own place.
    ///
    /// # Errors
    ///
    /// When the casino does not answer, or speaks the old contract and ranks nobody.
    async fn leaderboard(&self) -> Result<Leaderboard, Failure> {
        let told = self.ask(|mut casino| {
            let user = self.user();
            async move { known(casino.get_leaderboard(user).await) }
        });
        let told = told.await?;
        told.map(|told| company::leaderboard(&told.into_inner()))
            .ok_or_else(|| Failure::Refused("this casino keeps no leaderboard".to_owned()))
    }

    fn user(&self) -> types::User {
        types::User {
            id: self.player.clone(),
        }
    }
}

/// `None` where the casino speaks the old contract and does not know the call.
fn known<T>(answer: Result<T, Status>) -> Result<Option<T>, Status> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(status) if failure::is_old_contract(&status) => Ok(None),
        Err(status) => Err(status),
    }
}
