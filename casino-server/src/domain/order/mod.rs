//! Account records, commands and the entries that executed commands create.

pub(crate) mod page;
pub(crate) mod request;
pub(crate) mod resting;

pub(crate) use awesomestock_proto::values::Side;
use serde::{Deserialize, Serialize};

use self::request::RequestId;
use self::resting::RestingTerms;
use crate::domain::account::{Account, Rejection};
use crate::domain::market::Tick;
use crate::domain::money::{Dollars, Price, Stocks, TOKENS_PER_DOLLAR, Tokens, UnixMillis};

/// A player's command. It is stored: add variants at the end only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Command {
    Deposit(Dollars),
    Withdraw(Tokens),
    Buy(Stocks),
    Sell(Stocks),
    /// Executes only at the limit price or better.
    Limited(Side, Stocks, Price),
    /// Executes as many stocks as the account allows, up to a count, at the limit price or better if there is one.
    UpTo(Side, Stocks, Option<Price>),
    /// Rests until a price meets it.
    Rest(RestingTerms),
    /// Cancels an open order.
    Cancel(RequestId),
    /// Executes an open order, if the current price meets it. Made by the casino only.
    Trigger(RequestId),
}

impl Command {
    /// Returns an order of exactly `count` stocks.
    pub(crate) fn order(side: Side, count: Stocks, limit: Option<Price>) -> Self {
        match (side, limit) {
            (side, Some(limit)) => Self::Limited(side, count, limit),
            (Side::Buy, None) => Self::Buy(count),
            (Side::Sell, None) => Self::Sell(count),
        }
    }

    /// Returns whether it is a buy or a sell.
    pub(crate) fn is_action(self) -> bool {
        matches!(
            self,
            Self::Buy(_) | Self::Sell(_) | Self::Limited(..) | Self::UpTo(..) | Self::Rest(_)
        )
    }

    /// Returns whether it applies to the player's own account, also during a round.
    pub(crate) fn is_of_own_account(self) -> bool {
        matches!(self, Self::Cancel(_) | Self::Trigger(_))
    }

    /// Returns whether it depends on the player's open orders.
    pub(crate) fn needs_orders(self) -> bool {
        matches!(self, Self::Rest(_) | Self::Cancel(_) | Self::Trigger(_))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Payment {
    /// Position among the player's payments, from 1.
    pub(crate) number: i64,
    /// Negative: paid in by the player. Positive: paid out. Never 0.
    pub(crate) amount: i32,
    pub(crate) at: UnixMillis,
}

impl Payment {
    pub(crate) fn tokens(&self) -> Tokens {
        // It fits: a payment is made from or into tokens.
        Tokens(self.amount.saturating_abs().saturating_mul(TOKENS_PER_DOLLAR))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trade {
    /// Position among the player's trades, from 1.
    pub(crate) number: i64,
    pub(crate) side: Side,
    pub(crate) count: Stocks,
    pub(crate) price: Price,
    /// Number of the tick that set the price.
    pub(crate) tick: i64,
    pub(crate) at: UnixMillis,
}

/// The entry of an executed command. It is stored: add variants at the end only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LedgerEntry {
    Payment(Payment),
    Trade(Trade),
    /// An order was accepted to rest.
    Accepted,
    /// An open order was cancelled.
    Cancelled,
}

/// The result of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Decision {
    pub(crate) result: Result<LedgerEntry, Rejection>,
    /// The account afterwards.
    pub(crate) account: Account,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct AccountId(pub(crate) i64);

/// An account as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AccountRecord {
    pub(crate) id: AccountId,
    pub(crate) account: Account,
    /// Number of payments.
    pub(crate) payments: i64,
    /// Number of trades.
    pub(crate) trades: i64,
    /// Page of the newest trade, 0 if none.
    pub(crate) page: i64,
}

impl AccountRecord {
    pub(crate) fn new(id: AccountId) -> Self {
        Self {
            id,
            account: Account::default(),
            payments: 0,
            trades: 0,
            page: 0,
        }
    }

    /// Executes `command` at the price of `tick`, or changes nothing. Returns the entry. It has no open orders: commands
    /// about them are for the ledger.
    pub(crate) fn execute(
        &mut self,
        command: Command,
        tick: Tick,
        at: UnixMillis,
    ) -> Result<LedgerEntry, Rejection> {
        let price = tick.price;
        let (side, count, limit) = match command {
            Command::Deposit(dollars) => {
                let (account, _) = self.account.deposit(dollars)?;
                return self.with_payment(account, dollars.0.checked_neg(), at);
            }
            Command::Withdraw(tokens) => {
                let (account, dollars) = self.account.withdraw(tokens)?;
                return self.with_payment(account, Some(dollars.0), at);
            }
            Command::Buy(count) => (Side::Buy, count, None),
            Command::Sell(count) => (Side::Sell, count, None),
            Command::Limited(side, count, limit) => (side, count, Some(limit)),
            Command::UpTo(side, count, limit) => {
                let max = match side {
                    Side::Buy => self.account.max_buy(price),
                    Side::Sell => self.account.max_sell(price),
                };
                // At least 1, so that the rejection states price and balance.
                (side, count.min(max.max(Stocks(1))), limit)
            }
            // Never reached: the ledger handles these in `ledger/batch/resting.rs`.
            Command::Rest(_) | Command::Cancel(_) | Command::Trigger(_) => {
                return Err(Rejection::NoOpenOrder);
            }
        };
        let account = match (side, limit) {
            (Side::Buy, Some(limit)) if price > limit => return Err(Rejection::AboveLimit { price, limit }),
            (Side::Sell, Some(limit)) if price < limit => return Err(Rejection::BelowLimit { price, limit }),
            (Side::Buy, _) => self.account.buy(count, price)?,
            (Side::Sell, _) => self.account.sell(count, price)?,
        };
        let number = self.trades.checked_add(1).ok_or(Rejection::LedgerFull)?;
        self.account = account;
        self.trades = number;
        Ok(LedgerEntry::Trade(Trade {
            number,
            side,
            count,
            price,
            tick: tick.number,
            at,
        }))
    }

    fn with_payment(
        &mut self,
        account: Account,
        amount: Option<i32>,
        at: UnixMillis,
    ) -> Result<LedgerEntry, Rejection> {
        let number = self.payments.checked_add(1).ok_or(Rejection::LedgerFull)?;
        let amount = amount.ok_or(Rejection::LedgerFull)?;
        self.account = account;
        self.payments = number;
        Ok(LedgerEntry::Payment(Payment { number, amount, at }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Tick = Tick {
        number: 4,
        price: Price::MIN,
        at: UnixMillis(1_000),
    };

    #[test]
    fn entries_are_numbered_signed_and_dated() {
        let mut record = AccountRecord::new(AccountId(1));
        let steps = [
            (
                Command::Deposit(Dollars(10)),
                LedgerEntry::Payment(Payment {
                    number: 1,
                    amount: -10,
                    at: UnixMillis(0),
                }),
            ),
            (
                Command::Withdraw(Tokens(25)),
                LedgerEntry::Payment(Payment {
                    number: 2,
                    amount: 5,
                    at: UnixMillis(1),
                }),
            ),
            (Command::Buy(Stocks(3)), trade(1, Side::Buy, 3, 2)),
            (Command::Sell(Stocks(2)), trade(2, Side::Sell, 2, 3)),
        ];
        for (at, (command, expected)) in (0..).zip(steps) {
            assert_eq!(record.execute(command, TICK, UnixMillis(at)), Ok(expected));
        }
        assert_eq!(
            (record.payments, record.trades, record.account.version),
            (2, 2, 4)
        );
    }

    fn trade(number: i64, side: Side, count: i32, at: i64) -> LedgerEntry {
        let price = TICK.price;
        LedgerEntry::Trade(Trade {
            number,
            side,
            count: Stocks(count),
            price,
            tick: 4,
            at: UnixMillis(at),
        })
    }

    #[test]
    fn a_limit_order_executes_at_its_limit_or_better() {
        let mut rich = AccountRecord::new(AccountId(1));
        rich.account.tokens = Tokens(1_000);
        rich.account.stocks = Stocks(10);
        let tick = Tick {
            price: Price::new(15).unwrap(),
            ..TICK
        };
        for (side, limit, rejected) in [
            (
                Side::Buy,
                14,
                Some("buying at 15 tokens is above your limit of 14 tokens"),
            ),
            (Side::Buy, 15, None),
            (Side::Buy, i32::MAX, None),
            (
                Side::Sell,
                16,
                Some("selling at 15 tokens is below your limit of 16 tokens"),
            ),
            (Side::Sell, 15, None),
            (Side::Sell, 1, None),
        ] {
            let limited = Command::Limited(side, Stocks(2), Price::new(limit).unwrap());
            let unlimited = match side {
                Side::Buy => Command::Buy(Stocks(2)),
                Side::Sell => Command::Sell(Stocks(2)),
            };
            let (mut after, mut expected) = (rich, rich);
            let executed = after.execute(limited, tick, UnixMillis(0));
            match rejected {
                None => assert_eq!(executed, expected.execute(unlimited, tick, UnixMillis(0))),
                Some(text) => assert_eq!(executed.unwrap_err().to_string(), text),
            }
            assert_eq!(after, expected);
        }
    }

    #[test]
    fn an_order_up_to_a_count_trades_as_many_stocks_as_the_account_allows() {
        use Side::{Buy, Sell};
        const MAX: i32 = i32::MAX;
        for (tokens, stocks, price, command, expected) in [
            (25_000, 0, 10, (Buy, 2_500, None), Ok(2_500)),
            (25_000, 0, 14, (Buy, 2_500, None), Ok(1_785)),
            (25_000, 0, 14, (Buy, MAX, None), Ok(1_785)),
            (25_000, 0, 8, (Buy, MAX, None), Ok(3_125)),
            (25_000, 0, 14, (Buy, 3, None), Ok(3)),
            (14, 0, 14, (Buy, MAX, None), Ok(1)),
            (25_000, 0, 14, (Buy, MAX, Some(14)), Ok(1_785)),
            (
                25_000,
                0,
                14,
                (Buy, MAX, Some(13)),
                Err("buying at 14 tokens is above your limit of 13 tokens"),
            ),
            (
                13,
                0,
                14,
                (Buy, MAX, None),
                Err("buying 1 stock at 14 tokens costs 14 tokens, you have 13 tokens"),
            ),
            (MAX, MAX - 2, 1, (Buy, MAX, None), Ok(2)),
            (25_000, 0, 14, (Buy, 0, None), Err("stocks_count: 0 is below 1")),
            (25_000, 0, 14, (Buy, -1, None), Err("stocks_count: -1 is below 1")),
            (0, 7, 14, (Sell, MAX, None), Ok(7)),
            (0, 7, 14, (Sell, 8, None), Ok(7)),
            (0, 7, 14, (Sell, 3, None), Ok(3)),
            (0, 7, 14, (Sell, MAX, Some(14)), Ok(7)),
            (
                0,
                7,
                14,
                (Sell, MAX, Some(15)),
                Err("selling at 14 tokens is below your limit of 15 tokens"),
            ),
            (0, 0, 14, (Sell, MAX, None), Err("you have 0 stocks, not 1")),
            (MAX - 30, 7, 14, (Sell, MAX, None), Ok(2)),
            (0, 7, 14, (Sell, 0, None), Err("stocks_count: 0 is below 1")),
        ] {
            let mut record = AccountRecord::new(AccountId(1));
            record.account.tokens = Tokens(tokens);
            record.account.stocks = Stocks(stocks);
            let tick = Tick {
                price: Price::new(price).unwrap(),
                ..TICK
            };
            let (side, count, limit) = command;
            let command = Command::UpTo(side, Stocks(count), limit.and_then(Price::new));
            let before = record;
            let traded = match record.execute(command, tick, UnixMillis(0)) {
                Ok(LedgerEntry::Trade(trade)) => {
                    let (exact, mut after) = (Command::order(side, trade.count, None), before);
                    after.execute(exact, tick, UnixMillis(0)).unwrap();
                    assert_eq!(after, record);
                    Ok(trade.count.0)
                }
                Ok(entry) => panic!("{entry:?} is not a trade"),
                Err(rejection) => {
                    assert_eq!(record, before);
                    Err(rejection.to_string())
                }
            };
            assert_eq!(traded, expected.map_err(str::to_owned), "{command:?} at {price}");
        }
    }

    #[test]
    fn a_rejected_command_changes_nothing() {
        let mut record = AccountRecord::new(AccountId(1));
        for command in [Command::Sell(Stocks(1)), Command::Withdraw(Tokens(5))] {
            assert!(record.execute(command, TICK, UnixMillis(0)).is_err());
            assert_eq!(record, AccountRecord::new(AccountId(1)));
        }
    }
}
