//! What comes in from the casino, on the stream and by calls, and what it does to the state.
//!
//! Owns how answers find what they belong to, when a lost stream is tried again, and what is sent on it again then.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::{
    AppState, Effect, Effects,
    alerts::Alert,
    chart::Mark,
    connection::{self, Connection, Live},
    event::{Answer, Call, Failure, NumberedTrade, OrderResult, StreamEvent, TradeRow},
    log::{Deed, Outcome},
    market::{Market, PricePoint},
    overlay::{Fetched, Overlay, PaymentRow, Sheet},
    trades::TradeList,
};

/// Takes something that came of the Gamble stream.
pub(super) fn stream(state: &mut AppState, event: StreamEvent) -> Effects {
    match event {
        StreamEvent::Lost(why) => lost(state, why),
        StreamEvent::Barred(why) => {
            barred(state, why);
            Effects::new()
        }
        event => told(state, event),
    }
}

/// Takes what was told on the open stream.
fn told(state: &mut AppState, event: StreamEvent) -> Effects {
    if let Some(live) = state.connection.live_mut() {
        live.last_message = state.now;
        if matches!(event, StreamEvent::Price { .. }) {
            live.last_price = state.now;
        }
    }
    match event {
        StreamEvent::Joined { extended, ids } => return joined(state, extended, ids),
        StreamEvent::Price {
            tick,
            price,
            at,
            interval_ms,
        } => {
            let at = at.unwrap_or(state.now);
            if state.market.take(tick, price, at, interval_ms) {
                state.chart.forget_market();
            }
            ring(state, price);
        }
        StreamEvent::Wallet(wallet) => state.holdings.replace(wallet),
        StreamEvent::At(address) => state.session.sit_at(address),
        StreamEvent::Tells(told) => state.company.join(told),
        StreamEvent::Tape(news) => state.company.take(news),
        StreamEvent::Players(players) => state.company.players = players,
        StreamEvent::Leaderboard(leaderboard) => state.company.leaderboard = leaderboard,
        StreamEvent::Result(result) => return order_result(state, result),
        // They end the stream.
        StreamEvent::Lost(_) | StreamEvent::Barred(_) => {}
    }
    Effects::new()
}

/// What an alert has to tell stays in the log after its toast has gone.
fn ring(state: &mut AppState, price: i32) {
    for alert in state.alerts.ring(price, state.now) {
        let words = match alert {
            Alert::Above(bound) => format!("alert: price {price}, at or above {bound}"),
            Alert::Below(bound) => format!("alert: price {price}, at or below {bound}"),
        };
        state.log.notice(state.now, Outcome::Done(words));
    }
}

/// What has no answer is sent again before anything else, to a casino that executes it once; another would execute it
/// twice.
fn joined(state: &mut AppState, extended: bool, ids: bool) -> Effects {
    if state.connection == Connection::Left {
        return vec![Effect::Leave];
    }
    let mut live = Live::new(extended, state.now);
    live.ids = ids;
    state.connection = Connection::Live(live);
    if !ids {
        state.log.lose_waiting();
    }
    let again = state.log.send_again(state.now);
    let mut effects: Effects = again.map(Effect::from).collect();
    if !extended {
        effects.push(Effect::Call(Call::Holdings));
        return effects;
    }
    effects.push(Effect::Call(Call::History { before: None }));
    if state.log.entries().len() == 0 {
        effects.push(Effect::Call(Call::Trades));
    }
    effects
}

fn lost(state: &mut AppState, why: String) -> Effects {
    settle_waiting(state);
    if state.connection == Connection::Left {
        return Effects::new();
    }
    let attempt = state.connection.next_attempt();
    // Somewhere else there may be a seat at once. A seat that never held was no better there.
    let after_ms = if state.session.several_addresses && state.connection.is_settled(state.now) {
        0
    } else {
        connection::retry_after_ms(attempt, jitter(state, attempt))
    };
    state.connection = Connection::Waiting {
        attempt,
        retry_at: state.now.plus_ms(after_ms),
        why,
    };
    vec![Effect::Connect { after_ms }]
}

/// A refusal is no accident: the same again would be refused again, and whoever guesses keys asks again and again. So
/// nothing is tried until the player says so.
fn barred(state: &mut AppState, why: String) {
    settle_waiting(state);
    if state.connection == Connection::Left {
        return;
    }
    state
        .log
        .notice(state.now, Outcome::Refused(format!("no seat: {why}")));
    state.connection = Connection::Barred { why };
}

/// The stream is no more. What was sent to a casino that keeps to ids goes on waiting: it is sent again on the next one.
fn settle_waiting(state: &mut AppState) {
    let is_final = match &state.connection {
        Connection::Live(live) => !live.ids,
        Connection::Left => true,
        Connection::Connecting { .. } | Connection::Waiting { .. } | Connection::Barred { .. } => false,
    };
    if is_final {
        state.log.lose_waiting();
    }
}

/// A number that differs from player to player and from try to try, so that they do not all come back at once.
fn jitter(state: &AppState, attempt: u32) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&state.session.seat.player, attempt, state.now).hash(&mut hasher);
    hasher.finish()
}

fn order_result(state: &mut AppState, result: OrderResult) -> Effects {
    if let Some((live, since)) = state.connection.live_mut().zip(state.log.waiting_since()) {
        live.note_latency(since, state.now);
    }
    let outcome = if result.executed {
        state.session.note_trade();
        Outcome::Traded { price: result.price }
    } else {
        Outcome::Refused(result.message)
    };
    let answered = state.log.answer_order(result.at.unwrap_or(state.now), outcome);
    let order = answered.and_then(|deed| deed.order());
    if let (Some((side, count)), Some(tick), Some(price)) = (order, result.tick, result.price) {
        let mark = Mark {
            tick,
            side,
            count,
            price,
        };
        state.chart.marks.push(mark);
    }
    match result.wallet {
        Some(wallet) => {
            state.holdings.take(wallet);
            Effects::new()
        }
        None => vec![Effect::Call(Call::Holdings)],
    }
}

/// Takes the answer to a call.
pub(super) fn answered(state: &mut AppState, answer: Answer) -> Effects {
    if let Some(live) = state.connection.live_mut() {
        live.note_answer(answer.call(), state.now);
    }
    match answer {
        Answer::TokensBought { dollars, tokens } => {
            let outcome = Outcome::Done(format!("{tokens} tokens"));
            state
                .log
                .answer_payment(state.now, &Deed::BuyTokens(dollars), outcome);
            return vec![Effect::Call(Call::Holdings)];
        }
        Answer::Withdrawn { tokens, dollars } => {
            let outcome = Outcome::Done(format!("${dollars} paid out"));
            state
                .log
                .answer_payment(state.now, &Deed::Withdraw(tokens), outcome);
            return vec![Effect::Call(Call::Holdings)];
        }
        Answer::Wallet(wallet) => state.holdings.take(wallet),
        Answer::Tokens(tokens) => state.holdings.take_tokens(tokens),
        Answer::Payments(rows) => fill(payments_sheet(state), Fetched::Ready(rows)),
        Answer::Statement(text) => {
            let lines = text.lines().map(str::to_owned).collect();
            fill(statement_sheet(state), Fetched::Ready(lines));
        }
        Answer::History { before, prices, more } => return history(state, before, &prices, more),
        Answer::Candles {
            before,
            candles,
            more,
        } => {
            return older(state, before, more, |market| market.take_candles(&candles));
        }
        Answer::TradePage { before, rows, more } => trade_page(state, before, rows, more),
        Answer::Leaderboard(leaderboard) => state.company.leaderboard = leaderboard,
        Answer::Trades(mut rows) => {
            // What was answered on the stream meanwhile is known already.
            rows.retain(|row| !state.log.knows(row));
            state.chart.marks.take_earlier(rows.iter().map(TradeRow::mark));
            state.log.take_trades(&rows);
        }
    }
    Effects::new()
}

/// A page of prices: the newest one, or the next older one.
fn history(state: &mut AppState, before: Option<i64>, prices: &[PricePoint], more: bool) -> Effects {
    if let Some(before) = before {
        return older(state, before, more, |market| market.take_history(prices));
    }
    state.market.take_history(prices);
    let oldest = prices.first().map(|oldest| oldest.tick);
    if !more && oldest.is_some() && state.market.oldest_tick() == oldest {
        state.chart.prices_end();
    }
    Effects::new()
}

/// An older page, if it is still awaited: after a loss, the prices may be another market's.
fn older(state: &mut AppState, before: i64, more: bool, take: impl FnOnce(&mut Market)) -> Effects {
    if !state.chart.awaits_older(before) {
        return Effects::new();
    }
    take(&mut state.market);
    let next = state.chart.older_told(&state.market, more);
    next.map(Effect::Call).into_iter().collect()
}

/// An older page could not be had. A casino that has none is not asked again.
fn older_failed(state: &mut AppState, before: i64, failure: Failure) {
    if !state.chart.awaits_older(before) {
        return;
    }
    let (words, for_good) = match failure {
        Failure::Refused(why) => (why, true),
        Failure::NotSent(why) | Failure::Unanswered(why) => (format!("no older prices: {why}"), false),
    };
    state.chart.older_failed(for_good);
    state.alerts.tell(words, state.now);
}

/// Takes what became of an export: where it lies, or in words why it does not.
pub(super) fn exported(state: &mut AppState, exported: Result<String, String>) {
    let (words, outcome): (String, fn(String) -> Outcome) = match exported {
        Ok(path) => (format!("exported to {path}"), Outcome::Done),
        Err(why) => (format!("not exported: {why}"), Outcome::Refused),
    };
    state.alerts.tell(words.clone(), state.now);
    state.log.notice(state.now, outcome(words));
}

/// Takes the failure of a call.
pub(super) fn failed(state: &mut AppState, call: Call, failure: Failure) -> Effects {
    match call {
        Call::BuyTokens(dollars) => payment_failed(state, &Deed::BuyTokens(dollars), failure),
        Call::Withdraw(tokens) => payment_failed(state, &Deed::Withdraw(tokens), failure),
        Call::Payments => {
            fill(payments_sheet(state), Fetched::Failed(failure.into_words()));
            Effects::new()
        }
        Call::Statement => {
            fill(statement_sheet(state), Fetched::Failed(failure.into_words()));
            Effects::new()
        }
        Call::TradePage { before: None } => {
            fill(trades_sheet(state), Fetched::Failed(failure.into_words()));
            Effects::new()
        }
        Call::TradePage { before: Some(_) } => {
            if let Some(Fetched::Ready(trades)) = trades_sheet(state).map(|sheet| &mut sheet.content) {
                trades.older_failed();
            }
            let why = failure.into_words();
            state.alerts.tell(format!("no older trades: {why}"), state.now);
            Effects::new()
        }
        Call::History { before: Some(before) } | Call::Candles { before } => {
            older_failed(state, before, failure);
            Effects::new()
        }
        // The screen does without them: the next price, result or joining brings what is missing.
        Call::Holdings | Call::History { before: None } | Call::Trades | Call::Leaderboard => Effects::new(),
    }
}

/// Of a payment that was not answered it is not known whether it was made: the wallet is asked.
fn payment_failed(state: &mut AppState, deed: &Deed, failure: Failure) -> Effects {
    let (outcome, effects) = match failure {
        Failure::Refused(why) => (Outcome::Refused(why), Effects::new()),
        Failure::NotSent(why) => (Outcome::NotSent(why), Effects::new()),
        Failure::Unanswered(_) => (Outcome::Unanswered, vec![Effect::Call(Call::Holdings)]),
    };
    state.log.answer_payment(state.now, deed, outcome);
    effects
}

fn payments_sheet(state: &mut AppState) -> Option<&mut Sheet<Vec<PaymentRow>>> {
    state
        .screen
        .overlays
        .iter_mut()
        .rev()
        .find_map(|overlay| match overlay {
            Overlay::Payments(sheet) => Some(sheet),
            _ => None,
        })
}

fn trades_sheet(state: &mut AppState) -> Option<&mut Sheet<TradeList>> {
    state
        .screen
        .overlays
        .iter_mut()
        .rev()
        .find_map(|overlay| match overlay {
            Overlay::Trades(sheet) => Some(sheet),
            _ => None,
        })
}

/// A page of trades: the newest one begins the list that is open, others go on with it.
fn trade_page(state: &mut AppState, before: Option<i64>, rows: Vec<NumberedTrade>, more: bool) {
    let sheet = trades_sheet(state);
    match (before, sheet) {
        (None, sheet) => fill(sheet, Fetched::Ready(TradeList::of(rows, more))),
        (
            Some(_),
            Some(Sheet {
                content: Fetched::Ready(trades),
                ..
            }),
        ) => trades.take_older(rows, more),
        (Some(_), _) => {}
    }
}

fn statement_sheet(state: &mut AppState) -> Option<&mut Sheet<Vec<String>>> {
    state
        .screen
        .overlays
        .iter_mut()
        .rev()
        .find_map(|overlay| match overlay {
            Overlay::Statement(sheet) => Some(sheet),
            _ => None,
        })
}

/// Puts content into a sheet, if it is still open.
fn fill<T>(sheet: Option<&mut Sheet<T>>, content: Fetched<T>) {
    if let Some(sheet) = sheet {
        *sheet = Sheet::of(content);
    }
}
