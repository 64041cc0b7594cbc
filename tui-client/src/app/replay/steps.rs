//! Describes the steps of the reducer for the wire pane: each event, what it changed, and its effects.

use awesomestock_proto::text::{cut, pluralize, thousands};

use super::words;
use crate::app::commands::key::Key;
use crate::app::event::{FrameChange, Kept, RequestError, Response, StreamEvent};
use crate::app::overlay::tour::Tour;
use crate::app::{AppState, Effect, Event};

/// Most characters of a value, and of an event in full.
const MAX_CHARS: usize = 120;
const MAX_EVENT_CHARS: usize = 600;

/// Names of the parts of a state, and their values in words.
pub(super) type Facts = [(&'static str, String); 15];

/// Describes a state.
pub(super) fn facts(state: &AppState) -> Facts {
    let last = state.market.last();
    let price = last.map(|last| format!("{}, tick {}", thousands(last.price), thousands(last.tick)));
    let wallet = state.holdings.wallet().map(words::wallet);
    let tokens = state.holdings.tokens().map(|tokens| pluralize(tokens, "token"));
    let entry = state.log.entries().next_back().map(words::log_entry);
    let limit = state.ticket.limit().map(|limit| match limit.rest {
        None => format!(", limit {}", thousands(limit.price)),
        Some(trigger) => format!(", {} {} rests", trigger.word(), thousands(limit.price)),
    });
    let ticket = words::quantity(state.ticket.quantity()) + &limit.unwrap_or_default();
    let chart = &state.chart;
    let chart = [
        chart.kind.map(|kind| words::chart_kind(kind).to_owned()),
        chart.zoom.map(|prices| pluralize(prices, "price")),
        chart
            .crosshair
            .map(|cross| format!("crosshair at tick {}", thousands(cross.tick))),
    ];
    let chart: Vec<String> = chart.into_iter().flatten().collect();
    let open_orders: Vec<String> = state.orders.open().iter().map(ToString::to_string).collect();
    let toasts = state.alerts.toasts().map(|toast| words::toast(&toast.kind));
    let alerts = state.alerts.active().iter().map(|alert| format!("price {alert}"));
    let alerts: Vec<String> = alerts.chain(toasts).collect();
    let windows: Vec<&str> = state.screen.overlays.iter().map(words::window).collect();
    let own = state.lobby.leaderboard.own.as_ref();
    let own_rank = own.map(|own| thousands(own.rank));
    let tape = state.lobby.tape().next_back().map(words::tape_line);
    let (columns, rows) = state.screen.size;
    let facts = [
        ("connection", words::connection(&state.connection)),
        ("price", price.unwrap_or_default()),
        ("wallet", wallet.or(tokens).unwrap_or_default()),
        ("ticket", ticket),
        ("waiting orders", state.log.waiting().to_string()),
        ("open orders", open_orders.join(", ")),
        ("log", entry.unwrap_or_default()),
        ("tape", tape.unwrap_or_default()),
        ("online", thousands(state.lobby.players.seated)),
        ("own rank", own_rank.unwrap_or_default()),
        ("chart", chart.join(", ")),
        ("alerts", alerts.join(", ")),
        ("windows", windows.join(", ")),
        ("tour", state.tour.map(Tour::title).unwrap_or_default()),
        ("screen", format!("{columns} columns, {rows} rows")),
    ];
    facts.map(|(name, text)| (name, cut(&text, MAX_CHARS).into_owned()))
}

/// Returns the parts that differ: name, before, after.
pub(super) fn changes(before: Facts, after: Facts) -> Vec<(&'static str, String, String)> {
    let shown = |text: String| match text.is_empty() {
        true => "none".to_owned(),
        false => text,
    };
    let pairs = before.into_iter().zip(after);
    let changed = pairs.filter(|((_, before), (_, after))| before != after);
    changed
        .map(|((name, before), (_, after))| (name, shown(before), shown(after)))
        .collect()
}

/// Describes an event in a few words, and in full.
pub(super) fn describe_event(event: &Event) -> (String, String) {
    let (short, more) = match event {
        Event::Stream(event) => stream_event(event),
        Event::Answered(response) => {
            let short = format!("answer: {}", words::request(response.call()));
            (short, answer(response))
        }
        Event::Failed(request, error) => {
            let short = format!("failed: {}", words::request(*request));
            let kind = match error {
                RequestError::Rejected(_) => "rejected",
                RequestError::NotSent(_) => "not sent",
                RequestError::Unanswered(_) => "no answer",
            };
            (short, format!("{kind}: {error}"))
        }
        event => local_event(event),
    };
    let full = match more.is_empty() {
        true => short.clone(),
        false => format!("{short}: {more}"),
    };
    (short, cut(&full, MAX_EVENT_CHARS).into_owned())
}

/// Describes an event of the terminal or the game itself: in a few words, and what there is more to say.
fn local_event(event: &Event) -> (String, String) {
    let (short, more) = match event {
        Event::Key(key) => {
            let name = Key::from_event(key).map_or_else(|| key.code.to_string(), |key| key.label());
            return (format!("key {name}"), String::new());
        }
        Event::Mouse(mouse) => {
            let (column, row) = (mouse.column, mouse.row);
            ("mouse", format!("column {column}, row {row}"))
        }
        Event::Paste(text) => ("pasted text", text.clone()),
        Event::Resized(columns, rows) => ("new size", format!("{columns} columns, {rows} rows")),
        Event::Rendered(change) => ("frame", frame_change(change)),
        Event::Exported(Ok(path)) => ("export", path.clone()),
        Event::Exported(Err(why)) => ("export failed", why.clone()),
        Event::Notice(text) => ("message", text.clone()),
        Event::Timer => ("timer", String::new()),
        Event::Shutdown => ("shutdown", String::new()),
        Event::Wire(_) | Event::Stream(_) | Event::Answered(_) | Event::Failed(..) => {
            ("stream", String::new())
        }
    };
    (short.to_owned(), more)
}

fn frame_change(change: &FrameChange) -> String {
    let parts = [
        change.hit_map.as_ref().map(|_| "chart".to_owned()),
        change
            .buttons
            .as_ref()
            .map(|buttons| pluralize(buttons.len(), "button")),
        change.visible.map(|lines| pluralize(lines, "visible line")),
        change.reach.map(|lines| format!("scrolling by {lines} at most")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn stream_event(event: &StreamEvent) -> (String, String) {
    let (short, more) = match event {
        StreamEvent::Opened { ids, .. } => {
            let again = if *ids { "may" } else { "may not" };
            ("stream open", format!("orders {again} be sent again"))
        }
        StreamEvent::Endpoint(address) => ("address", address.clone()),
        StreamEvent::Price { tick, price, .. } => {
            let tick = tick.map(|tick| format!("tick {}", thousands(tick)));
            return (format!("price {}", thousands(*price)), tick.unwrap_or_default());
        }
        StreamEvent::Wallet(wallet) => ("wallet", words::wallet(wallet)),
        StreamEvent::Capabilities(_) => ("capabilities", String::new()),
        StreamEvent::Tape(update) => {
            let rows: Vec<String> = update.rows.iter().map(|row| words::trade(&row.trade)).collect();
            ("trades", rows.join(", "))
        }
        StreamEvent::Players(players) => ("players", words::players(&players.online)),
        StreamEvent::Leaderboard(board) => ("leaderboard", words::standings(board.rows())),
        StreamEvent::News(news) => ("headline", news.text.clone()),
        StreamEvent::Round(round) => {
            let said = Some(round.announcement.clone()).filter(|said| !said.is_empty());
            let parts: Vec<String> = round.text(round.left_ms).into_iter().chain(said).collect();
            ("round", parts.join("; "))
        }
        StreamEvent::Result(result) => ("result", words::result(result)),
        StreamEvent::Accepted { order, .. } => ("order accepted", order.to_string()),
        StreamEvent::OrderPlaced { order, .. } => ("order placed", order.to_string()),
        StreamEvent::OrderEnded { order, .. } => ("order ended", order.outcome().unwrap_or_default()),
        StreamEvent::Closed(why) => ("stream lost", why.clone()),
        StreamEvent::Rejected(why) => ("session rejected", why.clone()),
    };
    (short.to_owned(), more)
}

/// Describes the answer to a call.
fn answer(response: &Response) -> String {
    let rows = |rows: usize| pluralize(rows, "row");
    match response {
        Response::TokensBought { dollars, tokens } => {
            format!("{} for {} $", pluralize(*tokens, "token"), thousands(*dollars))
        }
        Response::Withdrawn { tokens, dollars } => {
            format!("{} $ for {}", thousands(*dollars), pluralize(*tokens, "token"))
        }
        Response::Wallet(wallet) => words::wallet(wallet),
        Response::Tokens(tokens) => pluralize(*tokens, "token"),
        Response::Payments(payments) => rows(payments.len()),
        Response::Statement(text) => pluralize(text.lines().count(), "line"),
        Response::History { prices, .. } => rows(prices.len()),
        Response::Candles { candles, .. } => rows(candles.len()),
        Response::Trades(trades) => rows(trades.len()),
        Response::TradePage { rows: trades, .. } => rows(trades.len()),
        Response::Leaderboard(board) => words::standings(board.rows()),
        Response::Orders { open, ended } => {
            let (open, ended) = (open.len(), ended.len());
            format!("{open} open, {ended} ended")
        }
        Response::Cancelled { order, .. } => order.outcome().unwrap_or_else(|| order.to_string()),
    }
}

pub(super) fn describe_effects(effects: &[Effect]) -> Vec<String> {
    let describe = |effect: &Effect| cut(&describe_effect(effect), MAX_CHARS).into_owned();
    effects.iter().map(describe).collect()
}

fn describe_effect(effect: &Effect) -> String {
    match effect {
        Effect::Connect { after_ms: 0 } => "connect".to_owned(),
        Effect::Connect { after_ms } => format!("connect in {} ms", thousands(*after_ms)),
        Effect::Send(order) => format!("send {}", words::order(order.side, order.count, order.terms)),
        Effect::CollectWire => "report every message".to_owned(),
        Effect::Leave => "half-close the stream".to_owned(),
        Effect::Call(request) => format!("call: {}", words::request(*request)),
        Effect::Copy(_) => "copy to the clipboard".to_owned(),
        Effect::Ring(None) => "ring the bell".to_owned(),
        Effect::Ring(Some(text)) => format!("notify: {text}"),
        Effect::Export { file_name, .. } => format!("write {file_name}"),
        Effect::Keep(Kept::Achievement(_)) => "keep an achievement".to_owned(),
        Effect::Keep(Kept::Trade(_)) => "keep a trade".to_owned(),
        Effect::Inject(_) => "inject faults".to_owned(),
        Effect::Repaint => "draw the whole screen".to_owned(),
        Effect::Suspend => "suspend the process".to_owned(),
        Effect::Quit => "end the game".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    use super::*;
    use crate::app::commands::request::Request;
    use crate::app::event::OrderResult;
    use crate::app::portfolio::money::UnixMillis;
    use crate::app::portfolio::wallet::Wallet;
    use crate::app::{SessionInfo, update};

    /// An event, its words, what it changes, and its effects, or how they begin.
    type Case = (Event, &'static str, &'static str, &'static str);

    /// Applies the events in turn and compares what they say, change and cause.
    fn check(state: &mut AppState, cases: impl IntoIterator<Item = Case>) {
        for (event, words, expected_changes, expected_effects) in cases {
            let (_, full) = describe_event(&event);
            assert_eq!(full, words);
            let before = facts(state);
            let effects = describe_effects(&update(state, UnixMillis(1), event)).join("; ");
            let changes: Vec<_> = changes(before, facts(state))
                .into_iter()
                .map(|(name, before, after)| format!("{name}: {before} -> {after}"))
                .collect();
            assert_eq!(changes.join("; "), expected_changes, "{words}");
            assert!(effects.starts_with(expected_effects), "{words}: {effects}");
        }
    }

    fn key(letter: char) -> Event {
        Event::Key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE))
    }

    fn game() -> AppState {
        let info = SessionInfo::new("ann", "solo");
        let (state, effects) = AppState::new(info, (80, 24), UnixMillis(0));
        assert_eq!(describe_effects(&effects), ["connect"]);
        state
    }

    #[test]
    fn the_steps_of_an_order_have_plain_words() {
        let wallet = Wallet {
            tokens: 1_500,
            stocks: 1,
            version: 1,
            ..Wallet::default()
        };
        let opened = StreamEvent::Opened {
            extended: true,
            ids: true,
        };
        let price = StreamEvent::Price {
            tick: Some(7),
            price: 10,
            at: None,
            interval_ms: None,
        };
        let result = StreamEvent::Result(OrderResult {
            message: "the round is paused".to_owned(),
            ..OrderResult::default()
        });
        let cases: [Case; 5] = [
            (
                Event::Stream(opened),
                "stream open: orders may be sent again",
                "connection: connecting, attempt 1 -> open",
                "call: prices; call: trades",
            ),
            (
                Event::Stream(StreamEvent::Wallet(wallet)),
                "wallet: 1,500 tokens, 1 stock",
                "wallet: none -> 1,500 tokens, 1 stock",
                "",
            ),
            (
                Event::Stream(price),
                "price 10: tick 7",
                "price: none -> 10, tick 7",
                "",
            ),
            (
                key('b'),
                "key b",
                "waiting orders: 0 -> 1; log: none -> BUY 1, sent",
                "send BUY 1",
            ),
            (
                Event::Stream(result),
                "result: rejected: the round is paused",
                "waiting orders: 1 -> 0; log: BUY 1, sent -> BUY 1, rejected: the round is paused",
                "call: wallet",
            ),
        ];
        check(&mut game(), cases);
    }

    #[test]
    fn other_steps_have_plain_words() {
        let failure = RequestError::Unanswered("gone".to_owned());
        let cases: [Case; 4] = [
            (
                Event::Failed(Request::Holdings, failure),
                "failed: wallet: no answer: gone",
                "",
                "",
            ),
            (key('?'), "key ?", "windows: none -> help", ""),
            (
                Event::Notice("recording stopped".to_owned()),
                "message: recording stopped",
                "alerts: none -> recording stopped",
                "",
            ),
            (
                Event::Stream(StreamEvent::Closed("gone".to_owned())),
                "stream lost: gone",
                "connection: connecting, attempt 1 -> lost: gone; attempt 2 follows",
                "connect in",
            ),
        ];
        check(&mut game(), cases);
    }
}
