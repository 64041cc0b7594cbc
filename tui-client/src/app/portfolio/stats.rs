//! Session statistics, shown after leaving.

use super::{
    money::UnixMillis,
    wallet::{Wallet, WalletState},
};
use crate::app::{AppState, Effect, SessionInfo, Settings, portfolio::alerts::Bell, prices::PriceHistory};

/// Minimum time between two bells or notifications, in milliseconds.
const BELL_INTERVAL_MS: i64 = 2_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionStats {
    pub info: SessionInfo,
    pub settings: Settings,
    pub(crate) has_other_endpoints: bool,
    started: UnixMillis,
    trades: u64,
    last_bell: Option<UnixMillis>,
    /// Total profit when wallet and price were first known.
    opening_pnl: Option<i64>,
}

impl SessionStats {
    pub fn new(info: SessionInfo, settings: Settings, now: UnixMillis) -> Self {
        Self {
            info,
            settings,
            has_other_endpoints: false,
            started: now,
            trades: 0,
            last_bell: None,
            opening_pnl: None,
        }
    }

    /// Returns the effect that reports an event outside of the screen, unless one was reported just before.
    pub(crate) fn ring(&mut self, now: UnixMillis, words: impl FnOnce() -> String) -> Option<Effect> {
        let is_recent = |last: UnixMillis| now.since_ms(last) < BELL_INTERVAL_MS;
        if self.settings.bell.is_off() || self.last_bell.is_some_and(is_recent) {
            return None;
        }
        self.last_bell = Some(now);
        match self.settings.bell {
            Bell::Off => None,
            Bell::Bell => Some(Effect::Ring(None)),
            Bell::Notify => Some(Effect::Ring(Some(words()))),
        }
    }

    /// Sets the address in use, one of several.
    pub(crate) fn set_endpoint(&mut self, address: String) {
        self.info.server = address;
        self.has_other_endpoints = true;
    }

    pub(crate) fn record_trade(&mut self) {
        self.trades = self.trades.saturating_add(1);
    }

    /// Saves the total profit before the first event after wallet and price are known.
    pub(crate) fn capture_baseline(&mut self, holdings: &WalletState, market: &PriceHistory) {
        if self.opening_pnl.is_none() {
            self.opening_pnl = pnl(holdings, market);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionSummary {
    /// Milliseconds from the start to the last event.
    pub played_ms: i64,
    pub trades: u64,
    /// Profit or negative loss in tokens, if known.
    pub pnl: Option<i64>,
    /// Token balance, if known.
    pub tokens: Option<i32>,
    /// Wallet and current price, if known.
    pub wallet: Option<(Wallet, i32)>,
    pub waiting: usize,
}

impl AppState {
    /// Returns the statistics so far.
    pub fn summary(&self) -> SessionSummary {
        let pnl = pnl(&self.holdings, &self.market);
        let price = self.market.last().map(|last| last.price);
        SessionSummary {
            played_ms: self.now.since_ms(self.session.started),
            trades: self.session.trades,
            pnl: pnl.map(|pnl| pnl.saturating_sub(self.session.opening_pnl.unwrap_or(pnl))),
            tokens: self.holdings.tokens(),
            wallet: self.holdings.wallet().copied().zip(price),
            waiting: self.log.waiting(),
        }
    }
}

/// Total profit: realised and unrealised.
fn pnl(holdings: &WalletState, market: &PriceHistory) -> Option<i64> {
    let (wallet, last) = holdings.wallet().zip(market.last())?;
    Some(
        wallet
            .realised_pnl
            .saturating_add(wallet.unrealised_pnl(last.price)),
    )
}
