//! Checks the accounts of one chunk of players against their entries.

use std::collections::HashMap;
use std::fmt;

use super::orders::OrderReplay;
use super::rounds::RoundReplay;
use super::{AccountReplay, AuditTotals, Difference, Mismatch};
use crate::domain::market::Tick;
use crate::domain::order::page::TradePosting;
use crate::domain::order::resting::OrderPosting;
use crate::domain::order::{AccountId, AccountRecord, Payment};
use crate::domain::player::PlayerName;
use crate::domain::round::Round;

/// Players per chunk; bounds the memory of an audit.
pub(crate) const CHUNK_PLAYERS: u32 = 200_000;

#[derive(Debug)]
struct AuditedAccount {
    name: String,
    found: AccountRecord,
    replay: AccountReplay,
    orders: OrderReplay,
}

/// Accounts with IDs in `(lower, upper]`.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) lower: i64,
    pub(crate) upper: i64,
    players: HashMap<i64, AuditedAccount>,
}

impl Chunk {
    /// Builds the chunk of the accounts above `lower`. Fewer than `limit` accounts mean that it is the last chunk.
    pub(crate) fn new(lower: i64, limit: u32, found: Vec<(String, AccountRecord)>) -> Self {
        let is_last = found.len() < usize::try_from(limit).unwrap_or(usize::MAX);
        let last = found.last().map(|(_, record)| record.id.0);
        let mut chunk = Self {
            lower,
            upper: last.filter(|_| !is_last).unwrap_or(i64::MAX),
            players: HashMap::new(),
        };
        for (name, record) in found {
            chunk.insert(name, record);
        }
        chunk
    }

    /// Adds or replaces an account, if its ID is in range.
    pub(crate) fn insert(&mut self, name: String, found: AccountRecord) {
        if self.contains(found.id.0) {
            let account = AuditedAccount {
                name,
                found,
                replay: AccountReplay::default(),
                orders: OrderReplay::default(),
            };
            self.players.insert(found.id.0, account);
        }
    }

    /// Returns the lower bound of the next chunk, `None` after the last.
    pub(crate) fn next_start(&self) -> Option<i64> {
        (self.upper < i64::MAX).then_some(self.upper)
    }

    pub(crate) fn is_first(&self) -> bool {
        self.lower == i64::MIN
    }

    pub(crate) fn contains(&self, account: i64) -> bool {
        self.lower < account && account <= self.upper
    }

    pub(crate) fn name(&self, account: i64) -> Option<&str> {
        self.players.get(&account).map(|player| player.name.as_str())
    }
}

/// Totals and mismatches of an audit.
#[derive(Debug)]
pub(crate) struct AuditReport<F> {
    totals: AuditTotals,
    rounds: RoundReplay,
    on_mismatch: F,
}

impl<F: FnMut(Mismatch)> AuditReport<F> {
    /// Creates a report that passes each mismatch to `on_mismatch`. `in_log` counts batches that are only in the
    /// write-ahead log.
    pub(crate) fn new(in_log: usize, on_mismatch: F) -> Self {
        let totals = AuditTotals {
            in_log: u64::try_from(in_log).unwrap_or(u64::MAX),
            ..AuditTotals::default()
        };
        Self {
            totals,
            rounds: RoundReplay::default(),
            on_mismatch,
        }
    }

    pub(crate) fn totals(self) -> AuditTotals {
        AuditTotals {
            results: self.rounds.results(),
            ..self.totals
        }
    }

    /// Adds a round. Rounds come before the accounts.
    pub(crate) fn round(&mut self, round: Round) {
        self.rounds.insert(round);
    }

    pub(crate) fn mismatch(&mut self, difference: Mismatch) {
        self.totals.differences = self.totals.differences.saturating_add(1);
        (self.on_mismatch)(difference);
    }

    /// Checks the number of a candle's first tick. Returns the expected number of the next tick.
    pub(crate) fn candle(&mut self, first: i64, ticks: i64, expected: i64) -> i64 {
        self.check_number("candle", first, expected);
        self.totals.ticks = self.totals.ticks.saturating_add(ticks.unsigned_abs());
        first.saturating_add(ticks)
    }

    /// Checks the number of a tick. Returns the expected number of the next one.
    pub(crate) fn tick(&mut self, tick: &Tick, expected: i64) -> i64 {
        self.totals.ticks = self.totals.ticks.saturating_add(1);
        self.check_number("tick", tick.number, expected);
        tick.number.saturating_add(1)
    }

    fn check_number(&mut self, kind: &str, found: i64, expected: i64) {
        if found != expected {
            self.mismatch(Mismatch::new(
                format!("{kind} {found}"),
                "number",
                expected,
                found,
            ));
        }
    }

    /// Checks a payment, if its account belongs to `chunk`.
    pub(crate) fn payment(&mut self, chunk: &mut Chunk, AccountId(account): AccountId, payment: &Payment) {
        if !chunk.contains(account) {
            return;
        }
        self.totals.payments = self.totals.payments.saturating_add(1);
        let Some(player) = chunk.players.get_mut(&account) else {
            self.mismatch(orphan_entry(account, "payment", payment.number));
            return;
        };
        let wrong = player.replay.pay(payment);
        self.mismatches(&player.name, wrong);
    }

    /// Checks a resting order, if its account belongs to `chunk`. Orders come before the trades.
    pub(crate) fn order(&mut self, chunk: &mut Chunk, posting: &OrderPosting) {
        let account = posting.account.0;
        if !chunk.contains(account) {
            return;
        }
        self.totals.orders = self.totals.orders.saturating_add(1);
        let Some(player) = chunk.players.get_mut(&account) else {
            self.mismatch(orphan_entry(account, "order", posting.number));
            return;
        };
        let wrong = player.orders.order(posting);
        self.mismatches(&player.name, wrong);
    }

    fn mismatches<N: fmt::Display, V: fmt::Display>(
        &mut self,
        name: &str,
        wrong: impl IntoIterator<Item = Difference<N, V>>,
    ) {
        for (field, expected, found) in wrong {
            self.mismatch(Mismatch::new(name.escape_debug(), field, expected, found));
        }
    }

    /// Checks a trade, if its account belongs to `chunk`.
    pub(crate) fn trade(&mut self, chunk: &mut Chunk, posting: &TradePosting) {
        let (account, number) = (posting.account.0, posting.trade.number);
        if !chunk.contains(account) {
            return;
        }
        self.totals.trades = self.totals.trades.saturating_add(1);
        let Some(player) = chunk.players.get_mut(&account) else {
            self.mismatch(orphan_entry(account, "trade", number));
            return;
        };
        let fill = player.orders.trade(&posting.trade);
        match player.replay.trade(posting) {
            Ok(wrong) => self.mismatches(&player.name, wrong),
            Err(rejection) => {
                let field = format!("trade {number}");
                self.mismatches(
                    &player.name,
                    [(field, "one that can be executed", rejection.as_str())],
                );
            }
        }
        self.mismatches(&player.name, fill);
    }

    /// Compares the stored accounts with their replayed entries.
    pub(crate) fn compare(&mut self, chunk: Chunk) {
        let mut players: Vec<_> = chunk.players.into_values().collect();
        players.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        for player in players {
            let (name, found) = (&player.name, &player.found);
            self.mismatches(name, player.orders.missing());
            self.mismatches(name, player.replay.differences(found));
            let wrong = self.rounds.account(name, found, &player.replay);
            self.mismatches(name, wrong);
            let account = &found.account;
            let totals = &mut self.totals;
            let is_in_round = PlayerName::from_stored(name).is_ok_and(|name| name.round().is_some());
            let accounts = match is_in_round {
                true => &mut totals.round_accounts,
                false => &mut totals.players,
            };
            *accounts = accounts.saturating_add(1);
            totals.dollars_in = totals.dollars_in.saturating_add(account.dollars_in);
            totals.dollars_out = totals.dollars_out.saturating_add(account.dollars_out);
            totals.tokens = totals.tokens.saturating_add(account.tokens.wide());
            totals.stocks = totals.stocks.saturating_add(account.stocks.wide());
        }
    }
}

/// Returns the expected price as text if `found` is outside the stored `(low, high)` range of its tick.
pub(crate) fn price_mismatch(range: Option<(i64, i64)>, found: i64) -> Option<String> {
    match range {
        Some((low, high)) if (low..=high).contains(&found) => None,
        Some((low, high)) if low == high => Some(low.to_string()),
        Some((low, high)) => Some(format!("{low} to {high}")),
        None => Some("none".to_owned()),
    }
}

fn orphan_entry(account: i64, entry: impl fmt::Display, number: i64) -> Mismatch {
    let field = format!("{entry} {number}");
    Mismatch::new(format!("account {account}"), field, "an account", "none")
}
