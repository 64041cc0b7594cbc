//! Messages of the Gamble stream and results of calls.

use std::hash::{DefaultHasher, Hash, Hasher};

use awesomestock_proto::text::{pluralize, thousands};

use crate::app::commands::request::Request;
use crate::app::connection::{self, Connection, OpenConnection};
use crate::app::event::{OrderResult, RequestError, Response, StreamEvent};
use crate::app::overlay::trade_list::TradeList;
use crate::app::overlay::{Document, Overlay, PaymentRow, Remote};
use crate::app::portfolio::order_log::{ActionStatus, LoggedAction};
use crate::app::portfolio::rows::{NumberedTrade, TradeRow};
use crate::app::portfolio::wallet::{Wallet, WalletState};
use crate::app::prices::{PriceHistory, PricePoint};
use crate::app::update::fills::{answer_order, keep_trade, record_fill};
use crate::app::update::{orders, round as round_update};
use crate::app::{AppState, Effect, Effects};

pub(crate) fn on_stream(state: &mut AppState, event: StreamEvent) -> Effects {
    if let Some(live) = state.connection.live_mut() {
        live.last_message = state.now;
        if matches!(event, StreamEvent::Price { .. }) {
            live.last_price = state.now;
        }
    }
    match event {
        StreamEvent::Opened { extended, ids } => return on_open(state, extended, ids),
        StreamEvent::Price {
            tick,
            price,
            at,
            interval_ms,
        } => {
            let at = at.unwrap_or(state.now);
            if state.market.push(tick, price, at, interval_ms) {
                state.chart.reset();
                state.session.forget_market();
            }
            state.session.sample(&state.holdings, &state.market);
            let mut effects = trigger_alerts(state, price);
            let last_tick = state.session.settings.last_tick;
            if last_tick.is_some_and(|last| tick >= Some(last)) {
                effects.push(Effect::Quit);
            }
            return effects;
        }
        StreamEvent::Wallet(wallet) => return on_opening_wallet(state, wallet),
        StreamEvent::Endpoint(address) => state.session.set_endpoint(address),
        StreamEvent::Capabilities(capabilities) => {
            let before = state.lobby.open_round();
            state.lobby.reset(capabilities);
            round_update::on_account(state, before);
            return orders::on_capabilities(state);
        }
        StreamEvent::Tape(update) => state.lobby.apply(update),
        StreamEvent::Players(players) => state.lobby.players = players,
        StreamEvent::Leaderboard(leaderboard) => state.lobby.rank(leaderboard),
        StreamEvent::News(headline) => state.lobby.headline = Some(headline),
        StreamEvent::Round(round) => return round_update::on_round(state, &round),
        StreamEvent::Result(result) => return order_result(state, result),
        StreamEvent::Accepted { order, wallet } => return orders::on_accepted(state, order, wallet),
        StreamEvent::OrderPlaced { order, wallet } => orders::on_placed(state, order, wallet),
        StreamEvent::OrderEnded { order, wallet } => return orders::on_update(state, &order, wallet),
        StreamEvent::Closed(why) => return on_disconnect(state, why),
        // A view without a player retries: it has no key to guess.
        StreamEvent::Rejected(why) if state.session.settings.watch => return on_disconnect(state, why),
        StreamEvent::Rejected(why) => on_rejected(state, why),
    }
    Effects::new()
}

/// Replaces the wallet, as the market may be another one. If the known one has a newer version, a payment may have been
/// answered while the stream opened: asks for the current one.
fn on_opening_wallet(state: &mut AppState, wallet: Wallet) -> Effects {
    let is_older = state
        .holdings
        .wallet()
        .is_some_and(|known| known.version > wallet.version);
    state.holdings = WalletState::Known(wallet);
    match is_older {
        true => vec![Effect::Call(Request::Holdings)],
        false => Effects::new(),
    }
}

/// Triggered alerts stay in the log after their toasts have expired.
fn trigger_alerts(state: &mut AppState, price: i32) -> Effects {
    let mut effects = Effects::new();
    for alert in state.alerts.trigger(price, state.now) {
        let text = format!("price {} (alert: {alert})", thousands(price));
        effects.extend(state.session.ring(state.now, || text.clone()));
        state.log.notify(state.now, ActionStatus::Done(text));
    }
    effects
}

/// Resends unanswered orders first, but only to a casino that deduplicates by request ID. If one of them rests, they wait
/// for the capabilities.
fn on_open(state: &mut AppState, extended: bool, ids: bool) -> Effects {
    if state.connection == Connection::Disconnected {
        return vec![Effect::Leave];
    }
    let mut live = OpenConnection::new(extended, state.now);
    live.ids = ids;
    state.connection = Connection::Open(live);
    if !ids {
        state.log.abandon_pending();
    }
    // The capabilities follow.
    state.log.is_resend_due = state.log.has_resting();
    let mut effects = Effects::new();
    if !state.log.is_resend_due {
        effects.extend(state.log.resend_pending(state.now).map(Effect::Send));
    }
    if let Some(lab) = &mut state.lab {
        lab.on_open(state.log.waiting(), state.now);
    }
    if !extended && !state.session.settings.watch {
        effects.push(Effect::Call(Request::Holdings));
        return effects;
    }
    effects.push(Effect::Call(Request::History { before: None }));
    if state.log.entries().len() == 0 {
        effects.push(Effect::Call(Request::Trades));
    }
    effects
}

fn on_disconnect(state: &mut AppState, why: String) -> Effects {
    resolve_pending(state);
    if state.connection == Connection::Disconnected {
        return Effects::new();
    }
    if let Some(lab) = &mut state.lab {
        lab.on_disconnect(state.log.waiting(), state.now);
    }
    let attempt = state.connection.next_attempt();
    // Another endpoint may accept at once, unless the stream failed right after opening.
    let after_ms = if state.session.has_other_endpoints && state.connection.is_established(state.now) {
        0
    } else {
        connection::retry_after_ms(attempt, jitter(state, attempt))
    };
    let mut effects = vec![Effect::Connect { after_ms }];
    // Once for each loss, not for each attempt.
    if attempt == 1 {
        let text = || format!("connection lost: {why}");
        effects.extend(state.session.ring(state.now, text));
    }
    state.connection = Connection::Backoff {
        attempt,
        retry_at: state.now.plus_ms(after_ms),
        why,
    };
    effects
}

/// A rejection would repeat, and retrying looks like guessing keys. So only the player retries.
fn on_rejected(state: &mut AppState, why: String) {
    resolve_pending(state);
    if state.connection == Connection::Disconnected {
        return;
    }
    state.log.notify(state.now, ActionStatus::Rejected(why.clone()));
    state.connection = Connection::Rejected { why };
}

/// Marks pending orders as unanswered, unless they can be resent.
fn resolve_pending(state: &mut AppState) {
    let is_final = match &state.connection {
        Connection::Open(live) => !live.ids,
        Connection::Disconnected => true,
        Connection::Connecting { .. } | Connection::Backoff { .. } | Connection::Rejected { .. } => false,
    };
    if is_final {
        state.log.abandon_pending();
    }
}

/// Returns a number that differs by player and attempt, to spread reconnects.
fn jitter(state: &AppState, attempt: u32) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&state.session.info.player, attempt, state.now).hash(&mut hasher);
    hasher.finish()
}

fn order_result(state: &mut AppState, result: OrderResult) -> Effects {
    let is_own = result.wallet.is_none_or(|wallet| wallet.is_own());
    let status = if result.executed {
        state.session.record_trade(!is_own);
        ActionStatus::Traded { price: result.price }
    } else {
        ActionStatus::Rejected(result.message)
    };
    let at = result.at.unwrap_or(state.now);
    let answered = answer_order(state, at, status, result.count);
    let order = answered.and_then(|action| action.order());
    let mut effects = Effects::new();
    if let (Some((side, count)), Some(tick), Some(price)) = (order, result.tick, result.price) {
        let trade = TradeRow {
            tick,
            at,
            side,
            count,
            price,
        };
        state.chart.markers.push(trade);
        effects.extend(keep_trade(state, trade).filter(|_| result.executed));
    }
    let filled = order.zip(result.price).filter(|_| result.executed);
    if let (Some(((side, count), price)), Some(wallet)) = (filled, result.wallet.filter(Wallet::is_own)) {
        effects.extend(record_fill(state, side, count, price, wallet));
    }
    match result.wallet {
        Some(_) => state.holdings.apply(result.wallet),
        None => effects.push(Effect::Call(Request::Holdings)),
    }
    if let Some(((side, count), price)) = filled {
        let text = || format!("{} {} at {}", side.word(), thousands(count), thousands(price));
        effects.extend(state.session.ring(state.now, text));
    }
    effects
}

pub(crate) fn on_response(state: &mut AppState, answer: Response) -> Effects {
    if let Some(live) = state.connection.live_mut() {
        live.record_answer(answer.call(), state.now);
    }
    match answer {
        Response::TokensBought { dollars, tokens } => {
            return paid(
                state,
                &LoggedAction::BuyTokens(dollars),
                pluralize(tokens, "token"),
            );
        }
        Response::Withdrawn { tokens, dollars } => {
            let text = format!("{} $ paid out", thousands(dollars));
            return paid(state, &LoggedAction::Withdraw(tokens), text);
        }
        Response::Wallet(wallet) => state.holdings.apply(Some(wallet)),
        Response::Tokens(tokens) => state.holdings = WalletState::TokensOnly(tokens),
        Response::Payments(rows) => fill(payments_document(state), Remote::Ready(rows)),
        Response::Statement(text) => {
            let lines = text.lines().map(str::to_owned).collect();
            fill(statement_document(state), Remote::Ready(lines));
        }
        Response::History { before, prices, more } => return history(state, before, &prices, more),
        Response::Candles {
            before,
            candles,
            more,
        } => {
            return older(state, before, more, |market| market.insert_candles(&candles));
        }
        Response::TradePage { before, rows, more } => trade_page(state, before, rows, more),
        Response::Leaderboard(leaderboard) => state.lobby.rank(leaderboard),
        Response::Orders { open, ended } => return orders::on_list(state, open, ended),
        Response::Cancelled { order, by_call } => return orders::on_cancelled(state, order, by_call),
        Response::Trades(rows) => {
            // Results of the stream are in the log already.
            let rows = state.log.missing(&rows);
            state.chart.markers.take_earlier(&rows);
            state.log.take_trades(&rows);
        }
    }
    Effects::new()
}

fn paid(state: &mut AppState, action: &LoggedAction, text: String) -> Effects {
    state
        .log
        .answer_payment(state.now, action, ActionStatus::Done(text));
    vec![Effect::Call(Request::Holdings)]
}

fn history(state: &mut AppState, before: Option<i64>, prices: &[PricePoint], more: bool) -> Effects {
    if let Some(before) = before {
        return older(state, before, more, |market| market.insert_page(prices));
    }
    state.market.insert_page(prices);
    let oldest = prices.first().map(|oldest| oldest.tick);
    if !more && oldest.is_some() && state.market.oldest_tick() == oldest {
        state.chart.backfill.prices_exhausted();
    }
    Effects::new()
}

/// Adds an older page unless the chart was reset: then it may belong to another market.
fn older(state: &mut AppState, before: i64, more: bool, take: impl FnOnce(&mut PriceHistory)) -> Effects {
    if !state.chart.backfill.is_pending(before) {
        return Effects::new();
    }
    take(&mut state.market);
    let oldest = state.market.oldest_tick();
    let next = oldest.and_then(|oldest| state.chart.backfill.on_page(oldest, more));
    next.map(Effect::Call).into_iter().collect()
}

/// Reports a failed older page. A rejected one is not requested again.
fn older_failed(state: &mut AppState, before: i64, failure: RequestError) {
    if !state.chart.backfill.is_pending(before) {
        return;
    }
    let (text, for_good) = match failure {
        RequestError::Rejected(why) => (why, true),
        RequestError::NotSent(why) | RequestError::Unanswered(why) => {
            (format!("cannot load older prices: {why}"), false)
        }
    };
    state.chart.backfill.on_error(for_good);
    state.alerts.toast(text, state.now);
}

pub(crate) fn exported(state: &mut AppState, exported: Result<String, String>) {
    let (text, status): (_, fn(String) -> ActionStatus) = match exported {
        Ok(path) => (format!("exported to {path}"), ActionStatus::Done),
        Err(why) => (format!("export failed: {why}"), ActionStatus::Rejected),
    };
    state.alerts.toast(text.clone(), state.now);
    state.log.notify(state.now, status(text));
}

pub(crate) fn on_error(state: &mut AppState, request: Request, error: RequestError) -> Effects {
    // A call that failed has no latency.
    if let Some(live) = state.connection.live_mut() {
        live.end_call(request);
    }
    match request {
        Request::BuyTokens(dollars) => {
            return payment_failed(state, &LoggedAction::BuyTokens(dollars), error);
        }
        Request::Withdraw(tokens) => return payment_failed(state, &LoggedAction::Withdraw(tokens), error),
        Request::Payments => fill(payments_document(state), Remote::Failed(error.to_string())),
        Request::Statement => fill(statement_document(state), Remote::Failed(error.to_string())),
        Request::TradePage { before: None } => {
            fill(trades_document(state), Remote::Failed(error.to_string()));
        }
        Request::TradePage { before: Some(_) } => {
            if let Some(trades) = loaded_trades(state) {
                trades.older_failed();
            }
            let text = format!("cannot load older trades: {error}");
            state.alerts.toast(text, state.now);
        }
        Request::History { before: Some(before) } | Request::Candles { before } => {
            older_failed(state, before, error);
        }
        Request::Orders => return orders::on_list_failed(state),
        Request::CancelOrder(id) => return orders::on_cancel_failed(state, id, &error),
        // Not needed: the next price, result or session brings the data.
        Request::Holdings | Request::History { before: None } | Request::Trades | Request::Leaderboard => {}
    }
    Effects::new()
}

/// After an unanswered payment, reloads the wallet to show the outcome.
fn payment_failed(state: &mut AppState, action: &LoggedAction, failure: RequestError) -> Effects {
    let (status, effects) = match failure {
        RequestError::Rejected(why) => (ActionStatus::Rejected(why), Effects::new()),
        RequestError::NotSent(why) => (ActionStatus::NotSent(why), Effects::new()),
        RequestError::Unanswered(_) => (ActionStatus::Unanswered, vec![Effect::Call(Request::Holdings)]),
    };
    state.log.answer_payment(state.now, action, status);
    effects
}

/// Returns the topmost overlay of a kind.
fn topmost<T>(state: &mut AppState, pick: fn(&mut Overlay) -> Option<&mut T>) -> Option<&mut T> {
    state.screen.overlays.iter_mut().rev().find_map(pick)
}

fn payments_document(state: &mut AppState) -> Option<&mut Document<Vec<PaymentRow>>> {
    topmost(state, |overlay| match overlay {
        Overlay::Payments(document) => Some(document),
        _ => None,
    })
}

fn statement_document(state: &mut AppState) -> Option<&mut Document<Vec<String>>> {
    topmost(state, |overlay| match overlay {
        Overlay::Statement(document) => Some(document),
        _ => None,
    })
}

fn trades_document(state: &mut AppState) -> Option<&mut Document<TradeList>> {
    topmost(state, |overlay| match overlay {
        Overlay::Trades(document) => Some(document),
        _ => None,
    })
}

fn loaded_trades(state: &mut AppState) -> Option<&mut TradeList> {
    match &mut trades_document(state)?.content {
        Remote::Ready(trades) => Some(trades),
        Remote::Loading | Remote::Failed(_) => None,
    }
}

/// Starts the open trade list with the newest page, or extends it.
fn trade_page(state: &mut AppState, before: Option<i64>, rows: Vec<NumberedTrade>, more: bool) {
    if before.is_none() {
        fill(trades_document(state), Remote::Ready(TradeList::new(rows, more)));
    } else if let Some(trades) = loaded_trades(state) {
        trades.take_older(rows, more);
    }
}

fn fill<T>(document: Option<&mut Document<T>>, content: Remote<T>) {
    if let Some(document) = document {
        *document = Document::new(content);
    }
}
