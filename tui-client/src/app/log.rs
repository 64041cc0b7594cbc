//! The action log: what the player did and what became of it, newest last.
//!
//! Owns the kept entries, their bound, and which orders still wait for their answer. Results come in the order the
//! orders were sent, so the oldest waiting order is the one an answer belongs to; sent again, they keep that order.

use std::collections::VecDeque;

use super::{
    event::TradeRow,
    money::{Side, UnixMs},
};

/// Entries kept.
pub const MAX_ENTRIES: usize = 500;

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When it was done; for an answered order, when the casino executed it.
    pub at: UnixMs,
    /// What was done.
    pub deed: Deed,
    /// What became of it.
    pub outcome: Outcome,
}

impl Entry {
    /// The line of an executed trade.
    fn of(trade: &TradeRow) -> Self {
        Self {
            at: trade.at,
            deed: Deed::Order(trade.side, trade.count),
            outcome: Outcome::Traded {
                price: Some(trade.price),
            },
        }
    }
}

/// Something the player did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// An order of so many stocks.
    Order(Side, i32),
    /// An order of so many stocks, at a limit or better.
    Limited(Side, i32, i32),
    /// Tokens for so many dollars.
    BuyTokens(i32),
    /// Dollars for so many tokens.
    Withdraw(i32),
    /// Something the game has to say.
    Notice,
}

impl Deed {
    /// An order of `count` stocks, with or without a limit.
    #[must_use]
    pub fn ordered(side: Side, count: i32, limit: Option<i32>) -> Self {
        limit.map_or(Self::Order(side, count), |limit| {
            Self::Limited(side, count, limit)
        })
    }

    /// Of an order, the side and how many stocks; `None`: it is none.
    #[must_use]
    pub fn order(&self) -> Option<(Side, i32)> {
        match self {
            Self::Order(side, count) | Self::Limited(side, count, _) => Some((*side, *count)),
            Self::BuyTokens(_) | Self::Withdraw(_) | Self::Notice => None,
        }
    }

    /// Of an order with a limit, the limit.
    #[must_use]
    pub fn limit(&self) -> Option<i32> {
        match self {
            Self::Limited(_, _, limit) => Some(*limit),
            Self::Order(..) | Self::BuyTokens(_) | Self::Withdraw(_) | Self::Notice => None,
        }
    }
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Sent, and not answered yet.
    Pending,
    /// A trade at this price.
    Traded {
        /// Tokens for one stock, where the casino tells it.
        price: Option<i32>,
    },
    /// Done; in words what.
    Done(String),
    /// Refused; in words why.
    Refused(String),
    /// Held back by the client: the casino never heard of it; in words why.
    NotSent(String),
    /// The casino was lost before its answer came: the wallet tells what is true.
    Unanswered,
}

/// What tells an order from all others of the session: an id can be made of it, the same each time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Slip {
    /// Counts the orders of the session.
    pub number: u32,
    /// When it was made.
    pub at: UnixMs,
}

/// An order that waits for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Which it is.
    pub slip: Slip,
    /// Buy or sell.
    pub side: Side,
    /// Stocks.
    pub count: i32,
    /// The worst price at which it is to be executed.
    pub limit: Option<i32>,
    /// When it was sent last.
    since: UnixMs,
}

/// The action log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActionLog {
    entries: VecDeque<Entry>,
    /// The orders among them that wait, oldest first.
    sent: VecDeque<Sent>,
    /// The number of the order made last.
    last: u32,
}

impl ActionLog {
    /// The kept entries, oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> + ExactSizeIterator {
        self.entries.iter()
    }

    /// Adds an entry; the oldest answered one makes room.
    pub fn push(&mut self, entry: Entry) {
        if let (Some((side, count)), Outcome::Pending) = (entry.deed.order(), &entry.outcome) {
            self.last = self.last.wrapping_add(1);
            let slip = Slip {
                number: self.last,
                at: entry.at,
            };
            self.sent.push_back(Sent {
                slip,
                side,
                count,
                limit: entry.deed.limit(),
                since: entry.at,
            });
        }
        self.entries.push_back(entry);
        if self.entries.len() > MAX_ENTRIES {
            let answered = self
                .entries
                .iter()
                .position(|entry| entry.outcome != Outcome::Pending);
            self.entries.remove(answered.unwrap_or(0));
        }
    }

    /// Adds a line in words, about no order or payment.
    pub fn notice(&mut self, at: UnixMs, outcome: Outcome) {
        self.push(Entry {
            at,
            deed: Deed::Notice,
            outcome,
        });
    }

    /// Whether a trade is in the log.
    #[must_use]
    pub fn knows(&self, trade: &TradeRow) -> bool {
        let Entry { at, outcome, .. } = Entry::of(trade);
        let order = Some((trade.side, trade.count));
        self.entries
            .iter()
            .any(|entry| entry.at == at && entry.outcome == outcome && entry.deed.order() == order)
    }

    /// Puts earlier trades, oldest first, before everything that is kept.
    pub fn take_trades(&mut self, trades: &[TradeRow]) {
        let room = MAX_ENTRIES.saturating_sub(self.entries.len());
        for trade in trades.iter().rev().take(room) {
            self.entries.push_front(Entry::of(trade));
        }
    }

    /// Orders that wait for their answer.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.sent.len()
    }

    /// Adds an order that is sent at `at`, and gives it back.
    pub fn send(&mut self, at: UnixMs, (side, count): (Side, i32), limit: Option<i32>) -> Option<Sent> {
        self.push(Entry {
            at,
            deed: Deed::ordered(side, count, limit),
            outcome: Outcome::Pending,
        });
        self.sent.back().copied()
    }

    /// When the oldest waiting order was sent last.
    #[must_use]
    pub fn waiting_since(&self) -> Option<UnixMs> {
        self.sent.front().map(|sent| sent.since)
    }

    /// The waiting orders, oldest first, which are sent again at `now`.
    pub fn send_again(&mut self, now: UnixMs) -> impl Iterator<Item = Sent> + '_ {
        self.sent.iter_mut().map(move |sent| {
            sent.since = now;
            *sent
        })
    }

    /// The answer to the oldest waiting order, which is given back; without one, a line of its own.
    pub fn answer_order(&mut self, at: UnixMs, outcome: Outcome) -> Option<Deed> {
        self.sent.pop_front();
        self.settle(at, outcome, is_waiting_order)
    }

    /// The answer to the oldest waiting payment of this kind and amount; without one, a line of its own.
    pub fn answer_payment(&mut self, at: UnixMs, deed: &Deed, outcome: Outcome) {
        self.settle(at, outcome, |entry| {
            entry.deed == *deed && entry.outcome == Outcome::Pending
        });
    }

    /// No waiting order will be answered: of each it is not known whether it was executed.
    pub fn lose_waiting(&mut self) {
        self.sent.clear();
        for entry in self.entries.iter_mut().filter(|entry| is_waiting_order(entry)) {
            entry.outcome = Outcome::Unanswered;
        }
    }

    fn settle(&mut self, at: UnixMs, outcome: Outcome, waits: impl Fn(&Entry) -> bool) -> Option<Deed> {
        let Some(entry) = self.entries.iter_mut().find(|entry| waits(entry)) else {
            self.notice(at, outcome);
            return None;
        };
        entry.at = at;
        entry.outcome = outcome;
        Some(entry.deed.clone())
    }
}

fn is_waiting_order(entry: &Entry) -> bool {
    entry.deed.order().is_some() && entry.outcome == Outcome::Pending
}
