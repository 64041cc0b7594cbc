//! Overlays: a stack above the main screen. The top one receives keys first.

pub(crate) mod csv;
pub(crate) mod document;
pub(crate) mod palette;
pub mod screen;
pub mod tour;
pub mod trade_list;

use awesomestock_proto::text::thousands;
use serde::{Deserialize, Serialize};

pub use self::document::{Document, Remote, Scroll};
pub use self::palette::Palette;
use self::trade_list::TradeList;
use crate::app::commands::command::Command;
use crate::app::portfolio::money::{TOKENS_PER_DOLLAR, UnixMillis};
use crate::app::wire::WireItem;

/// Longest amount, in digits: those of an int32.
pub(crate) const MAX_AMOUNT_DIGITS: usize = 10;

#[derive(Debug, Clone)]
pub enum Overlay {
    /// The start screen. It ends at `until` or later, with the first price, and closes on any key.
    Splash {
        until: UnixMillis,
    },
    /// Keys and commands.
    Help {
        scroll: Scroll,
    },
    /// The other players.
    Lobby {
        scroll: Scroll,
    },
    /// The podium of the round that has ended.
    Podium {
        scroll: Scroll,
    },
    /// The resting orders. The selection is that of the chart.
    Orders {
        scroll: Scroll,
    },
    Payments(Document<Vec<PaymentRow>>),
    Trades(Document<TradeList>),
    Statement(Document<Vec<String>>),
    Palette(Palette),
    /// Amount entry for buying tokens or withdrawing.
    Amount(AmountEntry),
    /// A row of the wire pane. `item` is a copy: the pane keeps only the newest rows.
    WireRow {
        item: WireItem,
        scroll: Scroll,
    },
    /// Confirmation of a large order or withdrawal.
    Confirm(Command),
}

impl Overlay {
    /// Returns the scroll position of a window that scrolls.
    pub(crate) fn scroll_mut(&mut self) -> Option<&mut Scroll> {
        match self {
            Self::Help { scroll }
            | Self::Lobby { scroll }
            | Self::Podium { scroll }
            | Self::Orders { scroll }
            | Self::WireRow { scroll, .. } => Some(scroll),
            Self::Payments(document) => Some(&mut document.scroll),
            Self::Trades(document) => Some(&mut document.scroll),
            Self::Statement(document) => Some(&mut document.scroll),
            Self::Splash { .. } | Self::Palette(_) | Self::Amount(_) | Self::Confirm(_) => None,
        }
    }
}

/// One payment of the player.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentRow {
    /// Number, from 1.
    pub number: i64,
    /// Time of the payment, if known.
    pub at: Option<UnixMillis>,
    /// Dollars: negative = paid in by the player, positive = paid out.
    pub dollars: i32,
}

/// Purpose of an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AmountKind {
    /// Dollars to buy tokens for.
    BuyTokens,
    /// Tokens to convert to dollars.
    Withdraw,
}

/// An amount being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmountEntry {
    pub kind: AmountKind,
    /// Digits typed so far, at most `MAX_AMOUNT_DIGITS`.
    pub digits: String,
    /// Error of the last Enter.
    pub error: Option<String>,
}

impl AmountEntry {
    pub fn new(kind: AmountKind) -> Self {
        Self {
            kind,
            digits: String::new(),
            error: None,
        }
    }

    /// Types a character; anything but digits is ignored.
    pub fn type_char(&mut self, letter: char) {
        if letter.is_ascii_digit() && self.digits.len() < MAX_AMOUNT_DIGITS {
            self.digits.push(letter);
            self.error = None;
        }
    }

    pub(crate) fn erase(&mut self) {
        self.digits.pop();
        self.error = None;
    }

    /// Fills in the most that can be withdrawn from `tokens`.
    pub(crate) fn fill_max(&mut self, tokens: Option<i32>) {
        let whole = |tokens: i64| tokens.checked_sub(tokens.checked_rem(TOKENS_PER_DOLLAR)?);
        let Some(most) = tokens.and_then(|tokens| whole(i64::from(tokens))) else {
            return;
        };
        self.digits = if most > 0 { most.to_string() } else { String::new() };
        self.error = (most <= 0)
            .then(|| format!("you have fewer than {TOKENS_PER_DOLLAR} tokens: nothing to withdraw"));
    }

    /// Returns the amount typed; `None` if empty or out of range.
    pub fn amount(&self) -> Option<i32> {
        self.digits.parse().ok()
    }

    /// Returns the amount, or a description of the violated rule.
    pub(crate) fn checked(&self) -> Result<i32, String> {
        if self.digits.is_empty() {
            return Err("type an amount".to_owned());
        }
        let amount = self.amount().filter(|amount| *amount >= 1);
        let amount =
            amount.ok_or_else(|| format!("must be a whole number from 1 to {}", thousands(i32::MAX)))?;
        let rest = i64::from(amount).checked_rem(TOKENS_PER_DOLLAR).unwrap_or(0);
        if self.kind == AmountKind::BuyTokens || rest == 0 {
            return Ok(amount);
        }
        let below = i64::from(amount).saturating_sub(rest);
        let above = thousands(below.saturating_add(TOKENS_PER_DOLLAR));
        let nearest = match below {
            0 => format!(", such as {above}"),
            below => format!(": {} or {above}", thousands(below)),
        };
        Err(format!("must be a multiple of {TOKENS_PER_DOLLAR}{nearest}"))
    }
}
