//! Resting orders: what their answers and updates change, and how they are cancelled and moved.

use awesomestock_proto::text::thousands;
use uuid::Uuid;

use super::fills::{answer_order, keep_trade, record_fill};
use super::send::{disconnected, not_sent, send_moved};
use crate::app::commands::action::Action;
use crate::app::commands::request::Request;
use crate::app::event::RequestError;
use crate::app::portfolio::alerts::{self, ToastKind};
use crate::app::portfolio::open_orders::{EndReason, OrderEnd, RestingOrder};
use crate::app::portfolio::order::{Condition, Terms};
use crate::app::portfolio::order_log::{ActionStatus, LogEntry, LoggedAction};
use crate::app::portfolio::wallet::Wallet;
use crate::app::{AppState, Effect, Effects};

/// Resends orders that waited for the capabilities, and requests the open orders.
pub(super) fn on_capabilities(state: &mut AppState) -> Effects {
    let is_supported = state.lobby.capabilities.orders;
    let mut effects = Effects::new();
    if std::mem::take(&mut state.log.is_resend_due) {
        match is_supported {
            true => effects.extend(state.log.resend_pending(state.now).map(Effect::Send)),
            // It would execute a resting order at once.
            false => state.log.abandon_pending(),
        }
    }
    match is_supported {
        true => effects.extend(request(state)),
        false => state.orders.clear_open(),
    }
    effects
}

/// Requests the list, unless a request is on its way.
pub(super) fn request(state: &mut AppState) -> Effects {
    let call = Effect::Call(Request::Orders);
    Effects::from_iter(state.orders.request().then_some(call))
}

/// Handles the answer to an order that was accepted to rest. A repeated order may have ended since.
pub(super) fn on_accepted(state: &mut AppState, order: RestingOrder, wallet: Option<Wallet>) -> Effects {
    let status = ActionStatus::Done("rests until cancelled".to_owned());
    answer_order(state, state.now, status, None);
    if order.end.is_some() {
        return on_end(state, &order, wallet, true);
    }
    on_placed(state, order, wallet);
    Effects::new()
}

/// Adds an open order, which another session may have placed.
pub(super) fn on_placed(state: &mut AppState, order: RestingOrder, wallet: Option<Wallet>) {
    state.holdings.apply(wallet);
    state.orders.add(order);
}

/// Handles an order that has ended.
pub(super) fn on_update(state: &mut AppState, order: &RestingOrder, wallet: Option<Wallet>) -> Effects {
    let is_news = state.orders.is_news(order);
    if let Some(end) = &order.end {
        state.orders.record_seen(end.number);
    }
    on_end(state, order, wallet, is_news)
}

/// Merges the list of orders.
pub(super) fn on_list(state: &mut AppState, open: Vec<RestingOrder>, ended: Vec<RestingOrder>) -> Effects {
    let Some(news) = state.orders.merge(open, ended) else {
        return request(state);
    };
    let mut effects = Effects::new();
    for order in news {
        effects.extend(report(state, &order, None));
        give_up_move(state, &order);
    }
    effects
}

/// Ends a failed request of the list: the next session or the window repeats it.
pub(super) fn on_list_failed(state: &mut AppState) -> Effects {
    match state.orders.request_failed() {
        true => request(state),
        false => Effects::new(),
    }
}

/// Handles the answer to a cancellation: the order as it ended. Continues its move.
pub(super) fn on_cancelled(state: &mut AppState, order: RestingOrder, by_call: Option<bool>) -> Effects {
    if order.end.is_some() {
        let mut effects = on_end(state, &order, None, true);
        effects.extend(finish_move(state, &order, by_call));
        if let Some(cancellation) = state.log.cancellation(order.id) {
            // The log has the end already, in another entry.
            let is_cancelled = order.end.is_some_and(|end| end.reason == EndReason::Cancelled);
            cancellation.status = match is_cancelled && by_call != Some(false) {
                true => ActionStatus::Done("cancelled".to_owned()),
                false => ActionStatus::Rejected("the order had ended before".to_owned()),
            };
        }
        return effects;
    }
    state.orders.take_move(order.id);
    let reason = "the order is still open".to_owned();
    let text = format!("{order} is still open");
    report_uncancelled(state, order.id, ActionStatus::Rejected, reason, text);
    state.orders.add(order);
    Effects::new()
}

/// Handles a cancellation that failed. The order may have ended nevertheless, but it is not placed again.
pub(super) fn on_cancel_failed(state: &mut AppState, id: Uuid, error: &RequestError) -> Effects {
    let moved_to = state.orders.take_move(id);
    let ended = state.orders.ended().find(|order| order.id == id).cloned();
    if let Some((order, price)) = ended.zip(moved_to) {
        return report_unmoved(state, &order, price);
    }
    let order = state.orders.get(id).map(ToString::to_string);
    let what = order.unwrap_or_else(|| "the order".to_owned());
    let (status, reason): (fn(String) -> ActionStatus, _) = match error {
        RequestError::Rejected(why) => (ActionStatus::Rejected, why.clone()),
        RequestError::NotSent(why) => (ActionStatus::NotSent, why.clone()),
        RequestError::Unanswered(why) => (ActionStatus::Rejected, format!("no answer: {why}")),
    };
    let text = match error {
        RequestError::Unanswered(_) => format!("{what}: {reason}"),
        RequestError::Rejected(_) | RequestError::NotSent(_) => format!("{what} not cancelled: {reason}"),
    };
    report_uncancelled(state, id, status, reason, text);
    request(state)
}

/// Resolves the cancellation of an order that has not ended by it: with `reason` in its line of the log, which names the
/// order, and with `text` elsewhere.
fn report_uncancelled(
    state: &mut AppState,
    id: Uuid,
    status: fn(String) -> ActionStatus,
    reason: String,
    text: String,
) {
    match state.log.cancellation(id) {
        Some(cancellation) => (cancellation.at, cancellation.status) = (state.now, status(reason)),
        None => state.log.notify(state.now, status(text.clone())),
    }
    state.alerts.toast(text, state.now);
}

/// Removes an order that has ended, and reports it once if it is news.
fn on_end(state: &mut AppState, order: &RestingOrder, wallet: Option<Wallet>, is_news: bool) -> Effects {
    let is_new = state.orders.end(order.clone());
    let effects = match is_new && is_news {
        true => report(state, order, wallet),
        false => Effects::new(),
    };
    state.holdings.apply(wallet);
    give_up_move(state, order);
    effects
}

/// Shows how an order ended: in the log, as a toast, by the bell, and a trade on the chart. An order that was cancelled while
/// it is moved is reported with the answer to the cancellation, which says whether this game did it.
fn report(state: &mut AppState, order: &RestingOrder, wallet: Option<Wallet>) -> Effects {
    let (Some(end), Some(text)) = (&order.end, order.outcome()) else {
        return Effects::new();
    };
    if end.reason == EndReason::Cancelled && state.orders.moves_to(order.id).is_some() {
        return Effects::new();
    }
    let is_in_round = state.lobby.is_in_round();
    let text = match is_in_round {
        true => format!("own account: {text}"),
        false => text,
    };
    let entry = end_entry(order, end, is_in_round.then_some(&text));
    let mut effects = Effects::new();
    match &end.reason {
        EndReason::Filled(trade) => {
            // The list of trades may have had it already.
            if state.log.count_of(trade) < state.orders.fills_like(trade) {
                // The chart of a round shows the trades of the round.
                if !is_in_round {
                    state.chart.markers.push(*trade);
                }
                state.log.end_order(order.id, entry);
            }
            effects.extend(keep_trade(state, *trade));
            // An order filled while the player was away is not a trade of this session.
            let is_of_session = end.at >= state.session.started;
            if is_of_session {
                state.session.record_trade(false);
            }
            match wallet {
                Some(_) if !is_of_session => {}
                Some(wallet) => {
                    let earned = record_fill(state, trade.side, trade.count, trade.price, wallet);
                    effects.extend(earned);
                }
                None => effects.push(Effect::Call(Request::Holdings)),
            }
        }
        EndReason::Cancelled | EndReason::Rejected(_) => state.log.end_order(order.id, entry),
    }
    if let Some(wallet) = wallet {
        state.session.record_own(wallet);
    }
    effects.extend(state.session.ring(state.now, || text.clone()));
    state.alerts.toast(text, state.now);
    effects
}

/// Returns the log entry of an end. `notice`: the text of an order that is not one of the account in use.
fn end_entry(order: &RestingOrder, end: &OrderEnd, notice: Option<&String>) -> LogEntry {
    let placed = order_at(order, order.condition.price);
    let (action, status) = match (&end.reason, notice) {
        (EndReason::Filled(trade), None) => {
            let filled = LoggedAction::Order(trade.side, trade.count, Terms::Rest(order.condition));
            let price = Some(trade.price);
            (filled, ActionStatus::Traded { price })
        }
        (EndReason::Cancelled, None) => (placed, ActionStatus::Done("cancelled".to_owned())),
        (EndReason::Rejected(why), None) => (placed, ActionStatus::Rejected(why.clone())),
        (EndReason::Rejected(why), Some(_)) => {
            let text = format!("own account: {order}: {why}");
            (LoggedAction::Notice, ActionStatus::Rejected(text))
        }
        (_, Some(text)) => (LoggedAction::Notice, ActionStatus::Done(text.clone())),
    };
    let at = end.at;
    LogEntry { at, action, status }
}

/// Returns `order` as it was placed, but at this price.
fn order_at(order: &RestingOrder, price: i32) -> LoggedAction {
    let trigger = order.condition.trigger;
    let terms = Terms::Rest(Condition { trigger, price });
    LoggedAction::Order(order.side, order.count, terms)
}

/// Ends the move of an order that has ended in another way.
fn give_up_move(state: &mut AppState, order: &RestingOrder) {
    let is_cancelled = |end: &OrderEnd| end.reason == EndReason::Cancelled;
    if order.end.as_ref().is_none_or(is_cancelled) || state.orders.take_move(order.id).is_none() {
        return;
    }
    let text = format!("{order} ended before it could be moved; no new order was placed");
    state.log.notify(state.now, ActionStatus::Rejected(text));
}

/// Places a cancelled order again at its new price, if this call cancelled it to be moved. Otherwise another session may have
/// placed it again already. A casino that does not say who cancelled it does not say so to other sessions either.
fn finish_move(state: &mut AppState, order: &RestingOrder, by_call: Option<bool>) -> Effects {
    let (Some(price), Some(end)) = (state.orders.take_move(order.id), &order.end) else {
        return Effects::new();
    };
    if by_call == Some(false) {
        return report_unmoved(state, order, price);
    }
    let to = thousands(price);
    let entry = LogEntry {
        at: end.at,
        action: order_at(order, order.condition.price),
        status: ActionStatus::Done(format!("cancelled, moves to {to}")),
    };
    state.log.end_order(order.id, entry);
    let up_to = order.up_to.then_some(order.count);
    let Some((id, sent)) = send_moved(state, order_at(order, price), up_to) else {
        state.alerts.toast(alerts::not_placed_again(order), state.now);
        return Effects::new();
    };
    let moving = ToastKind::Moving(id, format!("{order} to {to}"));
    state.alerts.show(moving, state.now);
    sent.into_iter().collect()
}

/// Reports that an order to be moved was cancelled by another session, or by an attempt without an answer: which of them, the
/// casino does not say.
fn report_unmoved(state: &mut AppState, order: &RestingOrder, price: i32) -> Effects {
    let why = format!(
        "{order} was cancelled, perhaps by another session; place this order again if no open order replaces it"
    );
    let entry = LogEntry {
        at: order.end.as_ref().map_or(state.now, |end| end.at),
        action: order_at(order, price),
        status: ActionStatus::NotSent(why),
    };
    state.log.end_order(order.id, entry);
    let text = alerts::not_placed_again(order);
    let rung = state.session.ring(state.now, || text.clone());
    state.alerts.toast(text, state.now);
    rung.into_iter().collect()
}

/// Cancels an open order, and does not place it again if it is being moved.
pub(super) fn cancel(state: &mut AppState, id: Uuid) -> Effects {
    let Some(order) = state.orders.get(id).cloned() else {
        return Effects::new();
    };
    if let Some(reason) = disconnected(state) {
        let text = format!("order not cancelled: {reason}");
        state.alerts.toast(text, state.now);
        let status = ActionStatus::NotSent(reason.to_owned());
        state.log.push(state.now, LoggedAction::Cancel(order), status);
        return Effects::new();
    }
    state.orders.take_move(id);
    let text = format!("{order} is being cancelled");
    let effects = request_cancellation(state, order);
    if effects.is_empty() {
        state.alerts.toast(text, state.now);
    }
    effects
}

/// Sends the cancellation of an order, unless one is on its way.
fn request_cancellation(state: &mut AppState, order: RestingOrder) -> Effects {
    let id = order.id;
    if state.log.cancellation(id).is_some() {
        return Effects::new();
    }
    let action = LoggedAction::Cancel(order);
    state.log.push(state.now, action, ActionStatus::Pending);
    vec![Effect::Call(Request::CancelOrder(id))]
}

/// Moves the selected order to its next price: cancels it, and places it again once that is confirmed.
pub(super) fn apply_move(state: &mut AppState) -> Effects {
    let Some((order, price)) = state.orders.selected() else {
        return Effects::new();
    };
    if price == order.condition.price {
        state.orders.deselect();
        return Effects::new();
    }
    let order = order.clone();
    let reason = not_sent(state, order.count);
    let reason = reason.or_else(|| state.not_offered(Action::Rest));
    let reason = reason.or_else(|| {
        let trigger = order.condition.trigger;
        let condition = Condition { trigger, price };
        let last = state.market.price();
        let met = last.filter(|last| condition.is_met(order.side, *last))?;
        Some(format!(
            "{condition} would execute at once: the price is {}",
            thousands(met)
        ))
    });
    if let Some(reason) = reason {
        let text = format!("order not moved: {reason}");
        state.alerts.toast(text, state.now);
        let status = ActionStatus::NotSent(reason);
        state.log.push(state.now, order_at(&order, price), status);
        return Effects::new();
    }
    state.orders.begin_move(order.id, price);
    request_cancellation(state, order)
}
