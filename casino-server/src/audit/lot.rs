//! Players looked at together, and what is found wrong with them: entries come in, and at the end the records are compared.

use std::{collections::HashMap, fmt};

use super::{Difference, Tally, Totals};
use crate::{
    market::Tick,
    record::{Payment, Record, Trade},
};

/// Players looked at together: so many bound the memory, whatever the number of entries.
pub(crate) const PLAYERS: u32 = 200_000;

/// A player, as kept and as recomputed.
#[derive(Debug)]
struct Player {
    name: String,
    found: Record,
    tally: Tally,
}

/// The accounts whose keys are above one and up to another.
#[derive(Debug)]
pub(crate) struct Lot {
    above: i64,
    up_to: i64,
    players: HashMap<i64, Player>,
}

impl Lot {
    /// The first `players` accounts above the key `above`, as `found` in the order of their keys; fewer are all that are
    /// left.
    pub(crate) fn of(above: i64, players: u32, found: Vec<(String, Record)>) -> Self {
        let is_last = found.len() < usize::try_from(players).unwrap_or(usize::MAX);
        let last = found.last().map(|(_, record)| record.id.0);
        let mut lot = Self {
            above,
            up_to: last.filter(|_| !is_last).unwrap_or(i64::MAX),
            players: HashMap::new(),
        };
        for (name, record) in found {
            lot.put(name, record);
        }
        lot
    }

    /// Puts an account in the place of the one before, if it belongs here.
    pub(crate) fn put(&mut self, name: String, found: Record) {
        if self.covers(found.id.0) {
            let tally = Tally::default();
            self.players.insert(found.id.0, Player { name, found, tally });
        }
    }

    /// The key below its accounts.
    pub(crate) fn above(&self) -> i64 {
        self.above
    }

    /// The last key that belongs to it.
    pub(crate) fn up_to(&self) -> i64 {
        self.up_to
    }

    /// The key that the next lot begins above; `None` after the last one.
    pub(crate) fn next(&self) -> Option<i64> {
        (self.up_to < i64::MAX).then_some(self.up_to)
    }

    /// No lot came before it.
    pub(crate) fn is_first(&self) -> bool {
        self.above == i64::MIN
    }

    /// Whether the account belongs to it, if there is one.
    pub(crate) fn covers(&self, account: i64) -> bool {
        self.above < account && account <= self.up_to
    }

    /// The name of the account's player.
    pub(crate) fn name(&self, account: i64) -> Option<&str> {
        self.players.get(&account).map(|player| player.name.as_str())
    }
}

/// What a look through the books has found so far.
#[derive(Debug)]
pub(crate) struct Findings<F> {
    totals: Totals,
    tell: F,
}

impl<F: FnMut(Difference)> Findings<F> {
    /// Nothing yet; differences will be told to `tell`. So many batches are only `in_log`.
    pub(crate) fn new(in_log: usize, tell: F) -> Self {
        let totals = Totals {
            in_log: u64::try_from(in_log).unwrap_or(u64::MAX),
            ..Totals::default()
        };
        Self { totals, tell }
    }

    /// What was looked at.
    pub(crate) fn totals(self) -> Totals {
        self.totals
    }

    /// There is a difference.
    pub(crate) fn differ(&mut self, difference: Difference) {
        self.totals.differences = self.totals.differences.saturating_add(1);
        (self.tell)(difference);
    }

    /// Looks at a candle from its `first` tick, which should be the one `expected`, over so many that it `held`; gives
    /// the number of the next tick.
    pub(crate) fn candle(&mut self, (first, held): (i64, i64), expected: i64) -> i64 {
        self.numbered("candle", first, expected);
        self.totals.ticks = self.totals.ticks.saturating_add(held.unsigned_abs());
        first.saturating_add(held)
    }

    /// Looks at a tick that should have the number `expected`; gives the next number.
    pub(crate) fn tick(&mut self, tick: &Tick, expected: i64) -> i64 {
        self.totals.ticks = self.totals.ticks.saturating_add(1);
        self.numbered("tick", tick.number, expected);
        tick.number.saturating_add(1)
    }

    fn numbered(&mut self, what: &str, found: i64, expected: i64) {
        if found != expected {
            let of = format!("{what} {found}");
            self.differ(Difference::new(of, "number", expected, found));
        }
    }

    /// Looks at a payment, if its account belongs to `lot`.
    pub(crate) fn payment(&mut self, lot: &mut Lot, account: i64, payment: &Payment) {
        if !lot.covers(account) {
            return;
        }
        self.totals.payments = self.totals.payments.saturating_add(1);
        let Some(player) = lot.players.get_mut(&account) else {
            self.differ(nobodys(account, "payment", payment.number));
            return;
        };
        if let Some((field, expected, found)) = player.tally.pay(payment) {
            let difference = Difference::new(player.name.escape_debug(), field, expected, found);
            self.differ(difference);
        }
    }

    /// Looks at a trade, if its account belongs to `lot`; `way` is as [`Tally::trade`] takes it.
    pub(crate) fn trade(&mut self, lot: &mut Lot, account: i64, trade: &Trade, way: (i64, Option<i64>)) {
        if !lot.covers(account) {
            return;
        }
        self.totals.trades = self.totals.trades.saturating_add(1);
        let Some(player) = lot.players.get_mut(&account) else {
            self.differ(nobodys(account, "trade", trade.number));
            return;
        };
        let name = player.name.escape_debug().to_string();
        match player.tally.trade(trade, way) {
            Ok(wrong) => {
                for (field, expected, found) in wrong {
                    self.differ(Difference::new(&name, field, expected, found));
                }
            }
            Err(refusal) => {
                let field = format!("trade {}", trade.number);
                self.differ(Difference::new(name, field, "one that can be executed", refusal));
            }
        }
    }

    /// Compares the accounts of `lot` with what their entries came to.
    pub(crate) fn compare(&mut self, lot: Lot) {
        let mut players: Vec<_> = lot.players.into_values().collect();
        players.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        for Player { name, found, tally } in players {
            for (field, expected, found) in tally.differences(&found) {
                self.differ(Difference::new(name.escape_debug(), field, expected, found));
            }
            let account = &found.account;
            let totals = &mut self.totals;
            totals.players = totals.players.saturating_add(1);
            totals.dollars_in = totals.dollars_in.saturating_add(account.dollars_in);
            totals.dollars_out = totals.dollars_out.saturating_add(account.dollars_out);
            totals.tokens = totals.tokens.saturating_add(account.tokens.wide());
            totals.stocks = totals.stocks.saturating_add(account.stocks.wide());
        }
    }
}

/// What a price should have been, if the one `found` lies outside the `range` that is kept of its tick: the lowest and the
/// highest price that it can have been, or nothing.
pub(crate) fn price_missed(range: Option<(i64, i64)>, found: i64) -> Option<String> {
    match range {
        Some((low, high)) if (low..=high).contains(&found) => None,
        Some((low, high)) if low == high => Some(low.to_string()),
        Some((low, high)) => Some(format!("{low} to {high}")),
        None => Some("none".to_owned()),
    }
}

/// An entry of an account that is not there.
fn nobodys(account: i64, entry: impl fmt::Display, number: i64) -> Difference {
    let of = format!("account {account}");
    Difference::new(of, format!("{entry} {number}"), "an account", "none")
}
