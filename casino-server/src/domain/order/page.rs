//! Trades in pages, as they are committed and stored.

use serde::{Deserialize, Serialize};

use crate::domain::money::{Price, Stocks, UnixMillis};
use crate::domain::order::{AccountId, Side, Trade};

/// A trade on its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TradePosting {
    pub(crate) account: AccountId,
    pub(crate) trade: Trade,
    pub(crate) page: i64,
    /// On the account's first trade of the page: its previous page, 0 if none.
    pub(crate) previous: Option<i64>,
}

/// The trades of one batch, tick and time.
///
/// Each account's pages form a list from the newest to the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TradePage {
    pub(crate) number: i64,
    /// Number of the tick that set the price.
    pub(crate) tick: i64,
    pub(crate) price: Price,
    pub(crate) at: UnixMillis,
    pub(crate) lines: Vec<TradeLine>,
}

/// A trade without what the trades of its page share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TradeLine {
    pub(crate) account: AccountId,
    /// Position among the player's trades, from 1.
    pub(crate) number: i64,
    pub(crate) side: Side,
    pub(crate) count: Stocks,
    /// On the account's first trade of the page: its previous page, 0 if none.
    pub(crate) previous: Option<i64>,
}

/// Trades in order; those of one page are adjacent.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PagedTrades {
    pages: Vec<TradePage>,
    /// Number of trades on all pages, which the ledger needs before each order.
    len: usize,
}

impl TradePage {
    /// Returns the page of `posting`, without it.
    fn empty(posting: &TradePosting) -> Self {
        Self {
            number: posting.page,
            tick: posting.trade.tick,
            price: posting.trade.price,
            at: posting.trade.at,
            lines: Vec::new(),
        }
    }

    pub(crate) fn postings(&self) -> impl DoubleEndedIterator<Item = TradePosting> {
        self.lines.iter().map(|line| self.posting(line))
    }

    fn posting(&self, line: &TradeLine) -> TradePosting {
        TradePosting {
            account: line.account,
            trade: Trade {
                number: line.number,
                side: line.side,
                count: line.count,
                price: self.price,
                tick: self.tick,
                at: self.at,
            },
            page: self.number,
            previous: line.previous,
        }
    }
}

impl From<&TradePosting> for TradeLine {
    fn from(posting: &TradePosting) -> Self {
        Self {
            account: posting.account,
            number: posting.trade.number,
            side: posting.trade.side,
            count: posting.trade.count,
            previous: posting.previous,
        }
    }
}

impl PagedTrades {
    // Inlined for the ledger, which would wait for a posting in memory.
    #[inline]
    pub(crate) fn push(&mut self, posting: TradePosting) {
        if self.pages.last().is_none_or(|last| last.number != posting.page) {
            self.pages.push(TradePage::empty(&posting));
        }
        if let Some(page) = self.pages.last_mut() {
            page.lines.push(TradeLine::from(&posting));
            self.len = self.len.saturating_add(1);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn pages(&self) -> &[TradePage] {
        &self.pages
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = TradePosting> {
        self.pages.iter().flat_map(TradePage::postings)
    }
}

impl FromIterator<TradePosting> for PagedTrades {
    fn from_iter<I: IntoIterator<Item = TradePosting>>(postings: I) -> Self {
        let mut trades = Self::default();
        postings.into_iter().for_each(|posting| trades.push(posting));
        trades
    }
}
