//! What lies over the desk: help, lists, texts, the palette and the entry of an amount. A stack; the top one sees keys first.
//!
//! Owns the data of each overlay. Which keys do what in it is `input`'s to say, how it looks the view's.

use tui_input::Input;

use super::money::UnixMs;

/// Digits an amount may have: more would not fit the contract's int32.
pub const MAX_AMOUNT_DIGITS: usize = 10;

/// Characters the palette takes.
pub const MAX_PALETTE_CHARS: usize = 120;

/// One overlay.
#[derive(Debug, Clone)]
pub enum Overlay {
    /// The keys and the words.
    Help {
        /// Lines scrolled down.
        scroll: usize,
    },
    /// The player's payments.
    Payments(Sheet<Vec<PaymentRow>>),
    /// The player's statement.
    Statement(Sheet<Vec<String>>),
    /// A line of words.
    Palette(Palette),
    /// An amount for buying tokens or withdrawing.
    Amount(AmountEntry),
}

/// Something that is fetched, then scrolled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet<T> {
    /// What there is to read.
    pub content: Fetched<T>,
    /// Lines scrolled down.
    pub scroll: usize,
}

impl<T> Default for Sheet<T> {
    fn default() -> Self {
        Self {
            content: Fetched::Loading,
            scroll: 0,
        }
    }
}

/// Something that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched<T> {
    /// No answer yet.
    Loading,
    /// Here it is.
    Ready(T),
    /// In words, why it is not to be had.
    Failed(String),
}

/// One payment of the player.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaymentRow {
    /// Position, 1 for the first.
    pub number: i64,
    /// When it was recorded, where the casino tells it.
    pub at: Option<UnixMs>,
    /// Dollars: negative = paid in by the player, positive = paid out.
    pub dollars: i32,
}

/// A line of words being typed.
#[derive(Debug, Clone, Default)]
pub struct Palette {
    /// The line.
    pub input: Input,
    /// In words, what is wrong with the line that was entered last.
    pub error: Option<String>,
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

    /// The amount typed so far; `None` where there is none, or it does not fit int32.
    #[must_use]
    pub fn amount(&self) -> Option<i32> {
        self.digits.parse().ok()
    }
}
