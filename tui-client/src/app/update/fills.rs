//! What an answered order changes besides the wallet.

use crate::app::event::Kept;
use crate::app::portfolio::achievements::Fill;
use crate::app::portfolio::money::{Side, UnixMillis};
use crate::app::portfolio::order_log::{ActionStatus, LoggedAction};
use crate::app::portfolio::rows::TradeRow;
use crate::app::portfolio::wallet::Wallet;
use crate::app::{AppState, Effect, Effects};

/// Resolves the oldest pending order and returns it. Records its latency, and replaces the message of its move.
pub(super) fn answer_order(
    state: &mut AppState,
    at: UnixMillis,
    status: ActionStatus,
    traded: Option<i32>,
) -> Option<LoggedAction> {
    if let Some((id, since)) = state.log.oldest_waiting() {
        let is_accepted = !matches!(status, ActionStatus::Rejected(_));
        state.alerts.moved(id, is_accepted, state.now);
        if let Some(live) = state.connection.live_mut() {
            live.record_latency(since, state.now);
        }
    }
    state.log.answer_order(at, status, traded)
}

/// Keeps a trade of a challenge: its result is computed from them.
pub(super) fn keep_trade(state: &AppState, trade: TradeRow) -> Option<Effect> {
    let is_challenge = state.session.settings.is_challenge();
    is_challenge.then_some(Effect::Keep(Kept::Trade(trade)))
}

/// Records an executed order of the own account, and shows and keeps what it earns. `after`: the wallet then, not applied yet.
pub(super) fn record_fill(
    state: &mut AppState,
    side: Side,
    count: i32,
    price: i32,
    after: Wallet,
) -> Effects {
    let fill = Fill {
        side,
        count,
        price,
        before: state.session.own_wallet(&state.holdings),
        after,
        streak: state.session.streak,
    };
    let mut effects = Effects::new();
    for row in state.session.record_fill(fill, &state.market) {
        let text = format!("achievement: {}", row.name);
        state.alerts.toast(text, state.now);
        effects.push(Effect::Keep(Kept::Achievement(row.achievement)));
    }
    effects
}
