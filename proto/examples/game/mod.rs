//! What the lessons share, so that each shows only what is new: the rules of the game and its messages here, the calls
//! of earlier steps in [methods.rs](methods.rs), and the two sides of a program in [run.rs](run.rs).
//!
//! The casino keeps rules and gRPC apart too: in
//! [casino-server/src/domain/account/mod.rs](../../../casino-server/src/domain/account/mod.rs) `buy` decides.

#![allow(dead_code, unused_macros, unused_imports, reason = "each lesson uses a part")]

#[macro_use]
mod methods;
mod run;
mod statements;

use std::collections::HashMap;
use std::error::Error;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use awesomestock_proto::casino::{
    Action, ActionResult, ActionType, GambleInfo, GambleType, StockInfo, Tokens, WithdrawRequest,
};
use awesomestock_proto::types::{Payment, PaymentStatement, User};
use awesomestock_proto::{EXECUTED_MESSAGE, STOCK_NAME};
use tokio_stream::Stream;
use tonic::{Response, Status};

pub(crate) use self::run::{every, run, run_until, transcript, transcript_until};
pub(crate) use self::statements::statements;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What a handler returns.
pub(crate) type Reply<T> = std::result::Result<Response<T>, Status>;

/// A stream of messages, as a handler returns it.
pub(crate) type Messages<T> = Pin<Box<dyn Stream<Item = std::result::Result<T, Status>> + Send>>;

const TOKENS_PER_DOLLAR: i32 = 5;
pub(crate) const FIRST_PRICE: i32 = 10;

/// The moves of the price, repeated for ever. Their sum is 0, so that the price stays near the first.
const STEPS: [i32; 8] = [3, -5, 7, 2, -9, 4, 1, -3];

/// Why a request is rejected. A rejected request changes nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// Wrong for every account.
    Invalid(String),
    /// Wrong for this account now.
    Unfunded(String),
}

/// Lets a handler use `?`. [casino-server/src/grpc/status.rs](../../../casino-server/src/grpc/status.rs) does the same.
impl From<Rejection> for Status {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Invalid(why) => Self::invalid_argument(why),
            Rejection::Unfunded(why) => Self::failed_precondition(why),
        }
    }
}

#[derive(Debug, Default)]
struct Account {
    tokens: i32,
    stocks: i32,
    payments: Vec<i32>,
}

/// One market and the accounts of its players. Clones are handles to the same table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    price: i32,
    tick: usize,
    accounts: HashMap<String, Account>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            price: FIRST_PRICE,
            tick: 0,
            accounts: HashMap::new(),
        }
    }
}

impl Table {
    /// Locks the table. No lesson holds the lock while it waits.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn price(&self) -> i32 {
        self.state().price
    }

    /// Moves the price and returns it.
    pub(crate) fn advance(&self) -> i32 {
        let mut state = self.state();
        state.price = state.price.saturating_add(STEPS[state.tick]).max(1);
        state.tick = (state.tick + 1) % STEPS.len();
        state.price
    }

    pub(crate) fn buy_tokens(&self, payment: &Payment) -> std::result::Result<Tokens, Rejection> {
        self.state().buy_tokens(payment)
    }

    pub(crate) fn withdraw(&self, request: &WithdrawRequest) -> std::result::Result<Payment, Rejection> {
        self.state().withdraw(request)
    }

    /// Returns the tokens of `user`; 0 for an unknown one.
    pub(crate) fn balance(&self, user: &User) -> Tokens {
        let state = self.state();
        let account = state.accounts.get(&user.id);
        Tokens {
            count: account.map_or(0, |account| account.tokens),
        }
    }

    /// Returns the payments of `user`, oldest first.
    pub(crate) fn payments(&self, user: &User) -> Vec<Payment> {
        let state = self.state();
        let account = state.accounts.get(&user.id);
        let amounts = account.map_or(&[][..], |account| &account.payments);
        amounts.iter().map(|amount| payment(&user.id, *amount)).collect()
    }

    /// Executes `action` at the current price. Returns the text of its result.
    pub(crate) fn act(&self, action: &Action) -> String {
        match self.state().trade(action) {
            Ok(()) => EXECUTED_MESSAGE.to_owned(),
            Err(Rejection::Invalid(why) | Rejection::Unfunded(why)) => why,
        }
    }
}

impl State {
    fn account(&mut self, user: Option<&User>) -> std::result::Result<&mut Account, Rejection> {
        let name = user.map(|user| user.id.as_str()).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| Rejection::Invalid("the user has no name".to_owned()))?;
        Ok(self.accounts.entry(name.to_owned()).or_default())
    }

    fn buy_tokens(&mut self, payment: &Payment) -> std::result::Result<Tokens, Rejection> {
        let account = self.account(payment.user.as_ref())?;
        if payment.amount < 1 {
            return Err(Rejection::Invalid(format!(
                "amount: {} is below 1",
                payment.amount
            )));
        }
        let count = payment.amount.checked_mul(TOKENS_PER_DOLLAR);
        let credited = count.and_then(|count| Some((count, account.tokens.checked_add(count)?)));
        let (count, tokens) =
            credited.ok_or_else(|| Rejection::Unfunded("the balance would be too large".to_owned()))?;
        account.tokens = tokens;
        account.payments.push(-payment.amount);
        Ok(Tokens { count })
    }

    fn withdraw(&mut self, request: &WithdrawRequest) -> std::result::Result<Payment, Rejection> {
        let (tokens, user) = (request.tokens_cnt, request.user.clone());
        let account = self.account(user.as_ref())?;
        if tokens < 1 || tokens % TOKENS_PER_DOLLAR != 0 {
            let why = format!("tokens_cnt: {tokens} is not a multiple of {TOKENS_PER_DOLLAR} above 0");
            return Err(Rejection::Invalid(why));
        }
        if tokens > account.tokens {
            let why = format!("you have {} tokens, not {tokens}", account.tokens);
            return Err(Rejection::Unfunded(why));
        }
        let amount = tokens / TOKENS_PER_DOLLAR;
        account.tokens -= tokens;
        account.payments.push(amount);
        Ok(Payment {
            user,
            amount,
            ..Payment::default()
        })
    }

    fn trade(&mut self, action: &Action) -> std::result::Result<(), Rejection> {
        let (price, count) = (self.price, action.stocks_count);
        let account = self.account(action.user.as_ref())?;
        if count < 1 {
            return Err(Rejection::Invalid(format!("stocks_count: {count} is below 1")));
        }
        let unfunded = || Rejection::Unfunded("the account cannot pay for it or hold it".to_owned());
        let total = price.checked_mul(count).ok_or_else(unfunded)?;
        let (tokens, stocks) = match ActionType::try_from(action.r#type) {
            Ok(ActionType::Buy) if total > account.tokens => {
                let have = account.tokens;
                let why = format!("buying {count} at {price} costs {total} tokens, you have {have}");
                return Err(Rejection::Unfunded(why));
            }
            Ok(ActionType::Sell) if count > account.stocks => {
                let why = format!("you have {} stocks, not {count}", account.stocks);
                return Err(Rejection::Unfunded(why));
            }
            Ok(ActionType::Buy) => (Some(account.tokens - total), account.stocks.checked_add(count)),
            Ok(ActionType::Sell) => (account.tokens.checked_add(total), Some(account.stocks - count)),
            Err(_) => return Err(Rejection::Invalid("type: unknown".to_owned())),
        };
        (account.tokens, account.stocks) = tokens.zip(stocks).ok_or_else(unfunded)?;
        Ok(())
    }
}

/// Writes a statement of `payments`.
pub(crate) fn statement(payments: &[Payment]) -> PaymentStatement {
    let rows: String = payments
        .iter()
        .map(|payment| format!("{:+} dollars\n", payment.amount))
        .collect();
    let balance: i64 = payments.iter().map(|payment| i64::from(payment.amount)).sum();
    PaymentStatement {
        data: format!("{rows}FINAL BALANCE {balance:+} dollars\n"),
    }
}

pub(crate) fn user(name: &str) -> User {
    User { id: name.to_owned() }
}

pub(crate) fn payment(name: &str, dollars: i32) -> Payment {
    Payment {
        user: Some(user(name)),
        amount: dollars,
        ..Payment::default()
    }
}

pub(crate) fn withdrawal(name: &str, tokens: i32) -> WithdrawRequest {
    WithdrawRequest {
        user: Some(user(name)),
        tokens_cnt: tokens,
        ..WithdrawRequest::default()
    }
}

pub(crate) fn action(name: &str, kind: ActionType, count: i32) -> Action {
    Action {
        user: Some(user(name)),
        r#type: kind.into(),
        stocks_count: count,
        ..Action::default()
    }
}

pub(crate) fn price_info(price: i32) -> GambleInfo {
    GambleInfo {
        r#type: GambleType::StockInfo.into(),
        info: Some(StockInfo {
            name: STOCK_NAME.to_owned(),
            price,
            ..StockInfo::default()
        }),
        ..GambleInfo::default()
    }
}

pub(crate) fn result_info(msg: String) -> GambleInfo {
    GambleInfo {
        r#type: GambleType::ActionResult.into(),
        result: Some(ActionResult {
            msg,
            ..ActionResult::default()
        }),
        ..GambleInfo::default()
    }
}

/// Returns what a player reads.
pub(crate) fn describe(info: &GambleInfo) -> String {
    match (&info.info, &info.result) {
        (Some(stock), _) => format!("{} - current stock price: {}", stock.name, stock.price),
        (None, Some(result)) => result.msg.clone(),
        (None, None) => "a message of a newer casino".to_owned(),
    }
}
