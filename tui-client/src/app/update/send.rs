//! Sends orders, and says why one is not sent, or an action is not offered.

use awesomestock_proto::text::thousands;

use crate::app::commands::action::Action;
use crate::app::connection::{Connection, ConnectionStatus};
use crate::app::portfolio::order::{ClientOrderId, Terms};
use crate::app::portfolio::order_log::{ActionStatus, LoggedAction};
use crate::app::{AppState, Effect, Effects};

/// Most orders that may wait for answers.
pub const MAX_WAITING_ORDERS: usize = 64;

pub(crate) const NO_PAUSE: &str = "a challenge runs to its last tick; exit ends it now";

const NO_LIMITS: &str = "this casino does not support limit orders";

const CONNECTING: &str = "still connecting to the table";

const NO_RESTING_ORDERS: &str = "orders cannot rest at this casino";

impl AppState {
    /// Returns why an action is not offered now; `None` if it is. Footer, help and ticket leave out what is not offered.
    pub(crate) fn not_offered(&self, action: Action) -> Option<String> {
        let settings = &self.session.settings;
        let is_payment = matches!(action, Action::BuyTokens | Action::Withdraw);
        let reason = match action {
            action if settings.watch && action.needs_player() => "this view has no player",
            _ if is_payment && settings.is_challenge() => {
                "a challenge has its own 100 $: no deposits, no withdrawals"
            }
            Action::Suspend if settings.is_challenge() => NO_PAUSE,
            _ if is_payment && self.lobby.is_in_round() => "no deposits and no withdrawals during a round",
            action if action.needs_resting_orders() && !self.lobby.capabilities.orders => {
                return not_sent(self, 1).or_else(|| Some(NO_RESTING_ORDERS.to_owned()));
            }
            Action::Rest => cannot_rest(self)?,
            _ => return None,
        };
        Some(reason.to_owned())
    }
}

/// Returns the account that an order is meant for: that of the round on the screen, or 0 for the own account. `None` if the
/// casino does not check it.
fn account_shown(state: &AppState) -> Option<i64> {
    let lobby = &state.lobby;
    let shown = lobby.round.as_ref().map(|_| lobby.open_round().unwrap_or(0));
    // The first wallet arrives before the round.
    let shown = shown.or_else(|| state.holdings.wallet()?.round);
    lobby.capabilities.accounts.then(|| shown.unwrap_or(0))
}

/// Returns why no order can rest now.
pub(super) fn cannot_rest(state: &AppState) -> Option<&'static str> {
    if !state.lobby.capabilities.orders {
        return Some(NO_RESTING_ORDERS);
    }
    let is_in_round = state.lobby.is_in_round();
    is_in_round.then_some("orders do not rest during a round")
}

/// Sends an order unless it is blocked. `up_to`: the casino trades as many stocks as possible, at most these.
pub(super) fn send_order(state: &mut AppState, action: LoggedAction, up_to: Option<i32>) -> Effects {
    let LoggedAction::Order(_, count, terms) = action else {
        return Effects::new();
    };
    let reason = not_sent(state, count).or_else(|| match terms {
        Terms::Limit(_) if !state.lobby.capabilities.limits => Some(NO_LIMITS.to_owned()),
        Terms::Rest(_) => cannot_rest(state).map(str::to_owned),
        Terms::Market | Terms::Limit(_) => None,
    });
    if let Some(reason) = reason {
        state.log.push(state.now, action, ActionStatus::NotSent(reason));
        return Effects::new();
    }
    let order = state.log.send(state.now, action, up_to, account_shown(state));
    order.map(Effect::Send).into_iter().collect()
}

/// Sends an order that takes the place of a cancelled one, unless it is blocked: returns its ID. While the connection is lost,
/// it waits with the orders that are resent, as the cancelled one is gone already.
pub(super) fn send_moved(
    state: &mut AppState,
    action: LoggedAction,
    up_to: Option<i32>,
) -> Option<(ClientOrderId, Option<Effect>)> {
    let is_sent_later = match &state.connection {
        Connection::Open(_) => state.log.is_resend_due,
        Connection::Connecting { .. } | Connection::Backoff { .. } => true,
        Connection::Rejected { .. } | Connection::Disconnected => false,
    };
    let reason = disconnected(state).filter(|_| !is_sent_later);
    let reason = reason.or_else(|| cannot_rest(state)).map(str::to_owned);
    if let Some(reason) = reason.or_else(|| too_many(state)) {
        state.log.push(state.now, action, ActionStatus::NotSent(reason));
        return None;
    }
    let order = state.log.send(state.now, action, up_to, account_shown(state))?;
    Some((order.id, (!is_sent_later).then_some(Effect::Send(order))))
}

pub(super) fn not_sent(state: &AppState, count: i32) -> Option<String> {
    if let Some(reason) = disconnected(state) {
        return Some(reason.to_owned());
    }
    let status = state.connection.status(state.now, state.market.interval_ms());
    if let ConnectionStatus::Stale { age_ms } = status {
        let seconds = thousands(age_ms.checked_div(1000).unwrap_or(0));
        return Some(format!(
            "no price for {seconds} s; orders resume with the next one"
        ));
    }
    if count < 1 {
        return Some("the quantity is 0".to_owned());
    }
    if state.log.is_resend_due {
        return Some(CONNECTING.to_owned());
    }
    too_many(state)
}

/// Returns why there is no stream.
pub(super) fn disconnected(state: &AppState) -> Option<&'static str> {
    match state.connection.status(state.now, state.market.interval_ms()) {
        ConnectionStatus::Live | ConnectionStatus::Stale { .. } => None,
        ConnectionStatus::Connecting => Some(CONNECTING),
        ConnectionStatus::Reconnecting { .. } => Some("connection lost, reconnecting"),
        ConnectionStatus::Rejected => Some("the casino rejected the session; :gamble retries"),
        ConnectionStatus::Disconnected => Some("you left the table; :gamble rejoins"),
    }
}

fn too_many(state: &AppState) -> Option<String> {
    (state.log.waiting() >= MAX_WAITING_ORDERS)
        .then(|| format!("{MAX_WAITING_ORDERS} orders are already waiting for an answer"))
}
