//! Who plays, and what has become of the session so far: for the words after leaving.
//!
//! Owns what is counted, and from where profit is reckoned. It knows no words.

use super::{
    AppState, Seat, Settings,
    market::Market,
    money::UnixMs,
    wallet::{Holdings, Wallet},
};

/// Who plays, and what is counted from the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Who plays, and where.
    pub seat: Seat,
    /// How they want the game.
    pub settings: Settings,
    /// The casino has other addresses as well.
    pub(super) several_addresses: bool,
    started: UnixMs,
    trades: u64,
    /// Profit of all time, as it stood when wallet and price were known first.
    opening_pnl: Option<i64>,
}

impl Session {
    /// A session that begins at `now`.
    #[must_use]
    pub fn new(seat: Seat, settings: Settings, now: UnixMs) -> Self {
        Self {
            seat,
            settings,
            several_addresses: false,
            started: now,
            trades: 0,
            opening_pnl: None,
        }
    }

    /// The seat is at this one of the casino's addresses.
    pub(super) fn sit_at(&mut self, address: String) {
        self.seat.table = address;
        self.several_addresses = true;
    }

    /// Counts an order that was executed.
    pub(super) fn note_trade(&mut self) {
        self.trades = self.trades.saturating_add(1);
    }

    /// Looks at how things stand before an event, until it knows where the session began.
    pub(super) fn look(&mut self, holdings: &Holdings, market: &Market) {
        if self.opening_pnl.is_none() {
            self.opening_pnl = pnl(holdings, market);
        }
    }
}

/// What there is to say after leaving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Milliseconds from the start to the last event.
    pub played_ms: i64,
    /// Orders that were executed.
    pub trades: u64,
    /// Profit, or negative loss, of the session in tokens; `None` where the casino tells no wallet.
    pub pnl: Option<i64>,
    /// Tokens, where known.
    pub tokens: Option<i32>,
    /// The whole wallet and the price, where known.
    pub wallet: Option<(Wallet, i32)>,
    /// Orders that were under way at the end.
    pub waiting: usize,
}

impl AppState {
    /// What has become of the session so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let pnl = pnl(&self.holdings, &self.market);
        let price = self.market.last().map(|last| last.price);
        Summary {
            played_ms: self.now.since_ms(self.session.started),
            trades: self.session.trades,
            pnl: pnl.map(|pnl| pnl.saturating_sub(self.session.opening_pnl.unwrap_or(pnl))),
            tokens: self.holdings.tokens(),
            wallet: self.holdings.wallet().copied().zip(price),
            waiting: self.log.waiting(),
        }
    }
}

/// Profit of all time: realised, and what selling everything now would add.
fn pnl(holdings: &Holdings, market: &Market) -> Option<i64> {
    let (wallet, last) = holdings.wallet().zip(market.last())?;
    Some(
        wallet
            .realised_pnl
            .saturating_add(wallet.unrealised_pnl(last.price)),
    )
}
