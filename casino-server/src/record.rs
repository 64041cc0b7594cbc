//! Core: an account as the ledger keeps it, and the entries that each change of it leaves behind.
//!
//! Owns the numbering of entries and what is written down of a command. What a command does is decided by
//! [`account`](crate::account); where entries are kept is the store's business.

use serde::{Deserialize, Serialize};

use crate::{
    account::{Account, Refusal},
    market::Tick,
    quantity::{Dollars, Price, Stocks, TOKENS_PER_DOLLAR, Tokens, UnixMillis},
};

/// What a player asks of the ledger. Receipts keep it on disk: variants are added at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Command {
    /// Dollars in, tokens out.
    Deposit(Dollars),
    /// Tokens back, dollars out.
    Withdraw(Tokens),
    /// Buy stocks at the price in force.
    Buy(Stocks),
    /// Sell stocks at the price in force.
    Sell(Stocks),
    /// Buy or sell stocks at the price in force, if it is not worse than a limit.
    Limited(Side, Stocks, Price),
}

impl Command {
    /// It is a buy or a sell, not a payment.
    pub(crate) fn is_action(self) -> bool {
        match self {
            Self::Buy(_) | Self::Sell(_) | Self::Limited(..) => true,
            Self::Deposit(_) | Self::Withdraw(_) => false,
        }
    }

    /// Whether it can be executed for a player who has no account yet, and so gives them one.
    pub(crate) fn opens_account(self) -> bool {
        matches!(self, Self::Deposit(_))
    }
}

/// Which way a trade went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Side {
    /// Stocks for tokens.
    Buy,
    /// Tokens for stocks.
    Sell,
}

/// Dollars that went in or out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Payment {
    /// Position among this player's payments, 1 for the first.
    pub(crate) number: i64,
    /// Dollars, seen from the player: negative = paid in by the player, positive = paid out. Never 0.
    pub(crate) amount: i32,
    /// When it was executed.
    pub(crate) at: UnixMillis,
}

impl Payment {
    /// What was paid in or out, in tokens.
    pub(crate) fn tokens(&self) -> Tokens {
        // A payment was made of tokens, or made into them, so its tokens fit.
        Tokens(self.amount.saturating_abs().saturating_mul(TOKENS_PER_DOLLAR))
    }
}

/// An executed action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trade {
    /// Position among this player's trades, 1 for the first.
    pub(crate) number: i64,
    /// Buy or sell.
    pub(crate) side: Side,
    /// How many stocks.
    pub(crate) count: Stocks,
    /// Tokens for one of them.
    pub(crate) price: Price,
    /// The tick whose price it was.
    pub(crate) tick: i64,
    /// When it was executed.
    pub(crate) at: UnixMillis,
}

/// A trade as it is entered in the book of trades.
///
/// Trades are written by the sheet, those of one batch, one tick and one moment together, and each account has a way
/// from its newest sheet back to its first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Posting {
    /// Whose trade.
    pub(crate) account: AccountId,
    /// The trade.
    pub(crate) trade: Trade,
    /// The sheet it is written on.
    pub(crate) sheet: i64,
    /// With the account's first trade on the sheet: its sheet before this one, 0 if there is none.
    pub(crate) previous: Option<i64>,
}

/// What an executed command leaves in the books. Receipts keep it on disk: variants are added at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Entry {
    /// A deposit or a withdrawal.
    Payment(Payment),
    /// A buy or a sell.
    Trade(Trade),
}

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Decision {
    /// The entry it left, or why it was refused.
    pub(crate) result: Result<Entry, Refusal>,
    /// The account after it.
    pub(crate) account: Account,
}

/// The account's key in the store, given out by the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct AccountId(pub(crate) i64);

/// An account as the ledger keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Its key in the store.
    pub(crate) id: AccountId,
    /// What the player owns.
    pub(crate) account: Account,
    /// How many payments there are.
    pub(crate) payments: i64,
    /// How many trades there are.
    pub(crate) trades: i64,
    /// The sheet that holds the newest of them; 0 if there is none.
    pub(crate) sheet: i64,
}

impl Record {
    /// The record of a player who has done nothing yet.
    pub(crate) fn new(id: AccountId) -> Self {
        Self {
            id,
            account: Account::default(),
            payments: 0,
            trades: 0,
            sheet: 0,
        }
    }

    /// Executes `command` at `at` with the price of `tick`: the record after it and the entry it leaves.
    pub(crate) fn execute(
        self,
        command: Command,
        tick: Tick,
        at: UnixMillis,
    ) -> Result<(Self, Entry), Refusal> {
        match command {
            Command::Deposit(dollars) => {
                let (account, _) = self.account.deposit(dollars)?;
                self.with_payment(account, dollars.0.checked_neg(), at)
            }
            Command::Withdraw(tokens) => {
                let (account, dollars) = self.account.withdraw(tokens)?;
                self.with_payment(account, Some(dollars.0), at)
            }
            Command::Buy(count) => {
                let account = self.account.buy(count, tick.price)?;
                self.with_trade(account, (Side::Buy, count), tick, at)
            }
            Command::Sell(count) => {
                let account = self.account.sell(count, tick.price)?;
                self.with_trade(account, (Side::Sell, count), tick, at)
            }
            Command::Limited(side, count, limit) => {
                let command = match side {
                    Side::Buy if tick.price > limit => {
                        return Err(Refusal::AboveLimit {
                            price: tick.price,
                            limit,
                        });
                    }
                    Side::Sell if tick.price < limit => {
                        return Err(Refusal::BelowLimit {
                            price: tick.price,
                            limit,
                        });
                    }
                    Side::Buy => Command::Buy(count),
                    Side::Sell => Command::Sell(count),
                };
                self.execute(command, tick, at)
            }
        }
    }

    /// The record with its next payment.
    fn with_payment(
        self,
        account: Account,
        amount: Option<i32>,
        at: UnixMillis,
    ) -> Result<(Self, Entry), Refusal> {
        let number = self.payments.checked_add(1).ok_or(Refusal::BooksFull)?;
        let amount = amount.ok_or(Refusal::BooksFull)?;
        let record = Self {
            account,
            payments: number,
            ..self
        };
        Ok((record, Entry::Payment(Payment { number, amount, at })))
    }

    /// The record with its next trade.
    fn with_trade(
        self,
        account: Account,
        (side, count): (Side, Stocks),
        tick: Tick,
        at: UnixMillis,
    ) -> Result<(Self, Entry), Refusal> {
        let number = self.trades.checked_add(1).ok_or(Refusal::BooksFull)?;
        let record = Self {
            account,
            trades: number,
            ..self
        };
        let trade = Trade {
            number,
            side,
            count,
            price: tick.price,
            tick: tick.number,
            at,
        };
        Ok((record, Entry::Trade(trade)))
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
        let mut record = Record::new(AccountId(1));
        let steps = [
            (
                Command::Deposit(Dollars(10)),
                Entry::Payment(Payment {
                    number: 1,
                    amount: -10,
                    at: UnixMillis(0),
                }),
            ),
            (
                Command::Withdraw(Tokens(25)),
                Entry::Payment(Payment {
                    number: 2,
                    amount: 5,
                    at: UnixMillis(1),
                }),
            ),
            (Command::Buy(Stocks(3)), trade(1, Side::Buy, 3, 2)),
            (Command::Sell(Stocks(2)), trade(2, Side::Sell, 2, 3)),
        ];
        for (at, (command, expected)) in (0..).zip(steps) {
            let (after, entry) = record.execute(command, TICK, UnixMillis(at)).unwrap();
            assert_eq!(entry, expected);
            record = after;
        }
        assert_eq!(
            (record.payments, record.trades, record.account.version),
            (2, 2, 4)
        );
    }

    fn trade(number: i64, side: Side, count: i32, at: i64) -> Entry {
        let price = TICK.price;
        Entry::Trade(Trade {
            number,
            side,
            count: Stocks(count),
            price,
            tick: 4,
            at: UnixMillis(at),
        })
    }

    #[test]
    fn a_limit_is_kept_to_and_named_with_the_price() {
        let mut rich = Record::new(AccountId(1));
        rich.account.tokens = Tokens(1_000);
        rich.account.stocks = Stocks(10);
        let tick = Tick {
            price: Price::new(15).unwrap(),
            ..TICK
        };
        for (side, limit, refused) in [
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
            let decided = rich.execute(limited, tick, UnixMillis(0));
            match refused {
                None => assert_eq!(decided, rich.execute(unlimited, tick, UnixMillis(0))),
                Some(words) => assert_eq!(decided.unwrap_err().to_string(), words),
            }
        }
    }

    #[test]
    fn a_refused_command_leaves_no_entry() {
        let record = Record::new(AccountId(1));
        assert!(
            record
                .execute(Command::Sell(Stocks(1)), TICK, UnixMillis(0))
                .is_err()
        );
        assert!(
            record
                .execute(Command::Withdraw(Tokens(5)), TICK, UnixMillis(0))
                .is_err()
        );
    }
}
