//! Session statistics, shown after leaving.

use super::achievements::{ACHIEVEMENTS, Achievement, AchievementSpec, Fill};
use super::money::{Permille, TOKENS_PER_DOLLAR, UnixMillis};
use super::wallet::{Wallet, WalletState};
use crate::app::portfolio::alerts::Bell;
use crate::app::prices::PriceHistory;
use crate::app::{AppState, Effect, SessionInfo, Settings};

/// Minimum time between two bells or notifications, in milliseconds.
const BELL_INTERVAL_MS: i64 = 2_000;

/// Most samples of the profit. When they are reached, every other one is dropped.
const MAX_SAMPLES: usize = 120;

/// Session statistics. Profit, sales and achievements are those of the player's own account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionStats {
    pub info: SessionInfo,
    pub settings: Settings,
    pub(crate) has_other_endpoints: bool,
    pub(crate) started: UnixMillis,
    trades: u64,
    round_trades: u64,
    last_bell: Option<UnixMillis>,
    /// The last known wallet of the own account. During a round, the casino sends the wallet of the round in its place.
    own: Option<Wallet>,
    /// Own wallet and price when both were first known.
    opening: Option<(Wallet, i32)>,
    curve: ProfitCurve,
    best: Option<ClosedTrade>,
    worst: Option<ClosedTrade>,
    /// Sales with a gain in a row, or with a loss as a negative number.
    pub(crate) streak: i32,
    earned: Vec<Achievement>,
}

/// A sale and its gain against the average cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClosedTrade {
    /// Tokens, negative for a loss.
    pub gain: i64,
    pub count: i32,
    /// Tokens for one stock.
    pub price: i32,
}

/// Samples of the total profit at equal distances. Unlike the equity it does not change with payments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct ProfitCurve {
    samples: Vec<i64>,
    ticks: u64,
    /// One of 2 to the power of this many ticks is a sample.
    interval_log2: u32,
}

impl ProfitCurve {
    fn push(&mut self, pnl: i64) {
        if self.ticks.trailing_zeros() >= self.interval_log2 {
            self.samples.push(pnl);
        }
        self.ticks = self.ticks.saturating_add(1);
        if self.samples.len() >= MAX_SAMPLES {
            let mut is_odd = false;
            self.samples.retain(|_| {
                is_odd = !is_odd;
                is_odd
            });
            self.interval_log2 = self.interval_log2.saturating_add(1);
        }
    }
}

impl SessionStats {
    pub fn new(info: SessionInfo, settings: Settings, now: UnixMillis) -> Self {
        Self {
            info,
            settings,
            started: now,
            ..Self::default()
        }
    }

    /// Returns the effect that reports an event outside of the screen, unless one was reported just before.
    pub(crate) fn ring(&mut self, now: UnixMillis, text: impl FnOnce() -> String) -> Option<Effect> {
        let is_recent = |last: UnixMillis| now.since_ms(last) < BELL_INTERVAL_MS;
        if self.last_bell.is_some_and(is_recent) {
            return None;
        }
        let notification = match self.settings.bell {
            Bell::Off => return None,
            Bell::Bell => None,
            Bell::Notify => Some(text()),
        };
        self.last_bell = Some(now);
        Some(Effect::Ring(notification))
    }

    /// Sets the address in use, one of several.
    pub(crate) fn set_endpoint(&mut self, address: String) {
        self.info.server = address;
        self.has_other_endpoints = true;
    }

    pub(crate) fn record_trade(&mut self, is_in_round: bool) {
        let trades = match is_in_round {
            true => &mut self.round_trades,
            false => &mut self.trades,
        };
        *trades = trades.saturating_add(1);
    }

    /// Records an executed order. Returns the achievements that it is the first to earn.
    pub(crate) fn record_fill(&mut self, fill: Fill, market: &PriceHistory) -> Vec<&'static AchievementSpec> {
        let (count, price) = (fill.count, fill.price);
        if let Some(trade) = fill.gain().map(|gain| ClosedTrade { gain, count, price }) {
            self.best = self.best.filter(|best| best.gain >= trade.gain).or(Some(trade));
            self.worst = self
                .worst
                .filter(|worst| worst.gain <= trade.gain)
                .or(Some(trade));
            self.streak = match trade.gain {
                1.. => self.streak.max(0).saturating_add(1),
                0 => 0,
                ..0 => self.streak.min(0).saturating_sub(1),
            };
        }
        if self.settings.achievements.is_none() {
            return Vec::new();
        }
        let new: Vec<_> = ACHIEVEMENTS
            .iter()
            .filter(|row| !self.has_earned(row.achievement) && (row.is_earned)(&fill, market))
            .collect();
        self.earned.extend(new.iter().map(|row| row.achievement));
        new
    }

    /// Returns whether the achievement was earned, in this session or before.
    pub(crate) fn has_earned(&self, achievement: Achievement) -> bool {
        let before = self.settings.achievements.iter().flatten();
        before.chain(&self.earned).any(|earned| *earned == achievement)
    }

    /// Saves wallet and price before the first event after both are known.
    pub(crate) fn capture_baseline(&mut self, holdings: &WalletState, market: &PriceHistory) {
        self.own = self.own_wallet(holdings);
        self.opening = self.opening.or_else(|| known(self.own, market));
    }

    /// Records a wallet of the own account that arrives during a round.
    pub(crate) fn record_own(&mut self, wallet: Wallet) {
        if wallet.is_own() && self.own.is_none_or(|own| own.version <= wallet.version) {
            self.own = Some(wallet);
        }
    }

    /// Returns the newest wallet of the own account.
    pub(crate) fn own_wallet(&self, holdings: &WalletState) -> Option<Wallet> {
        match holdings.wallet() {
            Some(wallet) if !wallet.is_own() => self.own,
            known => known.copied(),
        }
    }

    pub(crate) fn sample(&mut self, holdings: &WalletState, market: &PriceHistory) {
        if let Some((wallet, price)) = known(self.own_wallet(holdings), market) {
            self.curve.push(wallet.performance(price).profit);
        }
    }

    /// Forgets the figures of another market.
    pub(crate) fn forget_market(&mut self) {
        self.opening = None;
        self.curve = ProfitCurve::default();
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSummary {
    /// Milliseconds from the start to the last event.
    pub played_ms: i64,
    /// Trades of the own account.
    pub trades: u64,
    /// Trades in rounds, which the other figures leave out.
    pub round_trades: u64,
    /// Profit or negative loss in tokens, if known.
    pub pnl: Option<i64>,
    /// The profit relative to the equity at the start and what was paid in since.
    pub return_permille: Option<Permille>,
    /// The change of the price meanwhile: the return of buying first and selling last.
    pub held: Option<Permille>,
    /// The sales with the highest and the lowest gain.
    pub best: Option<ClosedTrade>,
    pub worst: Option<ClosedTrade>,
    /// The equity over time, without payments and from any zero.
    pub equity: Vec<i64>,
    /// What was earned in this session.
    pub earned: Vec<Achievement>,
    pub tokens: Option<i32>,
    /// Wallet and current price, if known.
    pub wallet: Option<(Wallet, i32)>,
    pub waiting: usize,
}

impl AppState {
    pub fn summary(&self) -> SessionSummary {
        let session = &self.session;
        let own = session.own_wallet(&self.holdings);
        let wallet = known(own, &self.market);
        // Before the second event, the session has just begun.
        let span = session.opening.or(wallet).zip(wallet);
        let pnl = span.map(|((first, first_price), (last, price))| {
            let before = first.performance(first_price).profit;
            last.performance(price).profit.saturating_sub(before)
        });
        let invested = span.map(|((first, price), (last, _))| {
            let dollars = last.dollars_in.saturating_sub(first.dollars_in);
            let tokens = dollars.saturating_mul(TOKENS_PER_DOLLAR);
            first.equity(price).saturating_add(tokens)
        });
        let prices = span.map(|((_, first), (_, last))| (i64::from(first), i64::from(last)));
        SessionSummary {
            played_ms: self.now.since_ms(session.started),
            trades: session.trades,
            round_trades: session.round_trades,
            pnl,
            return_permille: pnl
                .zip(invested)
                .and_then(|(pnl, invested)| Permille::from_change(pnl, invested)),
            held: prices.and_then(|(first, last)| Permille::from_change(last.saturating_sub(first), first)),
            best: session.best,
            worst: session.worst,
            equity: session.curve.samples.clone(),
            earned: session.earned.clone(),
            tokens: match self.holdings {
                WalletState::Known(_) => own.map(|own| own.tokens),
                WalletState::TokensOnly(_) | WalletState::Unknown => self.holdings.tokens(),
            },
            wallet,
            waiting: self.log.waiting().saturating_add(self.orders.moving()),
        }
    }
}

/// Returns wallet and current price, if both are known.
fn known(wallet: Option<Wallet>, market: &PriceHistory) -> Option<(Wallet, i32)> {
    wallet.zip(market.price())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profit_curve_keeps_even_samples_of_any_session() {
        for ticks in [1, 119, 120, 121, 5_000, 1_000_000] {
            let mut curve = ProfitCurve::default();
            (0..ticks).for_each(|tick| curve.push(tick));
            let step = 1 << curve.interval_log2;
            let expected: Vec<i64> = (0..ticks).step_by(step).collect();
            assert_eq!(curve.samples, expected, "{ticks}");
            assert!(curve.samples.len() >= MAX_SAMPLES / 2 || ticks < 120, "{ticks}");
        }
    }
}
