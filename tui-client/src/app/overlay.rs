//! What lies over the desk: help, lists, texts, the palette and the entry of an amount. A stack; the top one sees keys first.
//!
//! Owns the data of each overlay. Which keys do what in it is `input`'s to say, how it looks the view's.

use serde::{Deserialize, Serialize};

use super::{
    command::Command,
    money::{TOKENS_PER_DOLLAR, UnixMs},
    trades::TradeList,
};

pub use super::palette::Palette;
pub use super::sheet::{Fetched, Scroll, Sheet};

/// Digits an amount may have: more would not fit the contract's int32.
pub const MAX_AMOUNT_DIGITS: usize = 10;

/// One overlay.
#[derive(Debug, Clone)]
pub enum Overlay {
    /// The start screen.
    Splash {
        /// It stays until then, until the first price has come, or until a key.
        until: UnixMs,
    },
    /// The keys and the words.
    Help {
        /// How far down it is read.
        scroll: Scroll,
    },
    /// The others at the table.
    Company {
        /// How far down it is read.
        scroll: Scroll,
    },
    /// The player's payments.
    Payments(Sheet<Vec<PaymentRow>>),
    /// The player's trades.
    Trades(Sheet<TradeList>),
    /// The player's statement.
    Statement(Sheet<Vec<String>>),
    /// A line of words.
    Palette(Palette),
    /// An amount for buying tokens or withdrawing.
    Amount(AmountEntry),
    /// Something large that is asked once before it is done.
    Confirm(Confirm),
}

/// Something large, about to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirm {
    /// What is done if the player says so.
    pub command: Command,
    /// Tokens that it moves, at the price when it was asked.
    pub tokens: i64,
    /// Tokens the player has.
    pub held: i32,
}

/// One payment of the player.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentRow {
    /// Position, 1 for the first.
    pub number: i64,
    /// When it was recorded, where the casino tells it.
    pub at: Option<UnixMs>,
    /// Dollars: negative = paid in by the player, positive = paid out.
    pub dollars: i32,
}

/// What an amount is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AmountKind {
    /// Dollars, for tokens.
    BuyTokens,
    /// Tokens, for dollars.
    Withdraw,
}

/// An amount being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmountEntry {
    /// What it is for.
    pub kind: AmountKind,
    /// Digits typed so far, at most [`MAX_AMOUNT_DIGITS`].
    pub digits: String,
    /// In words, what is wrong with the amount that was entered last.
    pub error: Option<String>,
}

impl AmountEntry {
    /// An empty entry.
    #[must_use]
    pub fn new(kind: AmountKind) -> Self {
        Self {
            kind,
            digits: String::new(),
            error: None,
        }
    }

    /// Types a character: digits are taken, everything else is passed over.
    pub fn type_char(&mut self, letter: char) {
        if letter.is_ascii_digit() && self.digits.len() < MAX_AMOUNT_DIGITS {
            self.digits.push(letter);
            self.error = None;
        }
    }

    /// Takes the last digit back.
    pub fn erase(&mut self) {
        self.digits.pop();
        self.error = None;
    }

    /// Fills in as much as can be withdrawn of `tokens`, where that is known.
    pub fn fill_max(&mut self, tokens: Option<i32>) {
        let whole = |tokens: i64| {
            tokens
                .checked_rem(TOKENS_PER_DOLLAR)
                .map(|rest| tokens.saturating_sub(rest))
        };
        if let Some(most) = tokens.and_then(|tokens| whole(i64::from(tokens))) {
            let something = most > 0;
            self.digits = if something {
                most.to_string()
            } else {
                String::new()
            };
            self.error =
                (!something).then(|| format!("fewer than {TOKENS_PER_DOLLAR} tokens: nothing to withdraw"));
        }
    }

    /// The amount typed so far; `None` where there is none, or it does not fit int32.
    #[must_use]
    pub fn amount(&self) -> Option<i32> {
        self.digits.parse().ok()
    }

    /// The amount, if the casino would take it for what it is.
    ///
    /// # Errors
    ///
    /// In words, what is wrong with it.
    pub fn checked(&self) -> Result<i32, String> {
        if self.digits.is_empty() {
            return Err("type an amount".to_owned());
        }
        let amount = self.amount().filter(|amount| *amount >= 1);
        let amount = amount.ok_or_else(|| format!("a whole number from 1 to {}", i32::MAX))?;
        let rest = i64::from(amount).checked_rem(TOKENS_PER_DOLLAR).unwrap_or(0);
        match self.kind {
            AmountKind::Withdraw if rest != 0 => {
                let below = i64::from(amount).saturating_sub(rest);
                let above = below.saturating_add(TOKENS_PER_DOLLAR);
                Err(match below {
                    0 => format!("a multiple of {TOKENS_PER_DOLLAR}: {above}, for instance"),
                    _ => format!("a multiple of {TOKENS_PER_DOLLAR}: {below} or {above}"),
                })
            }
            AmountKind::Withdraw | AmountKind::BuyTokens => Ok(amount),
        }
    }
}
