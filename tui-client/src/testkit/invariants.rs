//! Invariants of the game and its screen, for fuzz targets, property tests and integration tests (by `#[path]`).

#![allow(dead_code, reason = "not every user draws")]
#![allow(clippy::expect_used, clippy::panic, reason = "a check fails by a panic")]

use awesomestock::app::commands::request::Request;
use awesomestock::app::connection::ConnectionStatus;
use awesomestock::app::event::{Response, StreamEvent};
use awesomestock::app::overlay::Overlay;
use awesomestock::app::portfolio::money::UnixMillis;
use awesomestock::app::portfolio::order::{ClientOrderId, Terms};
use awesomestock::app::portfolio::order_log::MAX_ENTRIES;
use awesomestock::app::prices::{Candle, MAX_PRICES};
use awesomestock::app::wire::{WireItem, WirePane};
use awesomestock::app::{AppState, Effect, Effects, Event, MAX_WAITING_ORDERS, SessionInfo, update};
use awesomestock_proto::text::sanitize;
use crossterm::event::{MouseButton, MouseEventKind};
use ratatui::buffer::Buffer;
use unicode_width::UnicodeWidthStr;

/// A game whose invariants are checked after each event.
pub(crate) struct CheckedGame {
    pub(crate) state: AppState,
    /// IDs of orders sent.
    sent: Vec<(u32, UnixMillis)>,
}

fn key(order_id: &ClientOrderId) -> (u32, UnixMillis) {
    (order_id.number, order_id.at)
}

impl CheckedGame {
    pub(crate) fn new() -> Self {
        let info = SessionInfo::new("ann", "solo");
        let (state, _) = AppState::new(info, (80, 24), UnixMillis(0));
        Self {
            state,
            sent: Vec::new(),
        }
    }

    /// Dispatches `event` and checks the invariants.
    pub(crate) fn dispatch(&mut self, now: UnixMillis, event: &Event) -> Effects {
        let interval_ms = self.state.market.interval_ms();
        let status = self.state.connection.status(now, interval_ms);
        let effects = update(&mut self.state, now, event.clone());
        self.check_bounds();
        self.check_orders(&effects, event, status);
        for effect in &effects {
            if let Effect::Call(Request::BuyTokens(amount) | Request::Withdraw(amount)) = effect {
                assert!(*amount >= 1, "{effect:?}");
            }
        }
        effects
    }

    fn check_bounds(&self) {
        let state = &self.state;
        assert!(state.log.entries().len() <= MAX_ENTRIES);
        assert!(state.log.waiting() <= MAX_WAITING_ORDERS);
        assert!(state.market.prices().len() <= MAX_PRICES);
        let kept: Vec<Candle> = (0..state.market.kept())
            .filter_map(|index| state.market.at(index))
            .collect();
        assert!(
            kept.is_sorted_by(|earlier, later| earlier.last_tick < later.first_tick),
            "{kept:?}"
        );
        if let Some(wake) = state.next_wake() {
            assert!(
                wake > state.now,
                "the next wake is not in the future: {wake:?} at {:?}",
                state.now
            );
        }
    }

    fn check_orders(&mut self, effects: &[Effect], event: &Event, status: ConnectionStatus) {
        let mut order_ids = Vec::new();
        for effect in effects {
            if let Effect::Send(order) = effect {
                let price = order.terms.price();
                let is_valid = order.count >= 1 && price.is_none_or(|price| price >= 1);
                assert!(is_valid, "{effect:?}");
                let supported = &self.state.lobby.capabilities;
                let are_terms = match order.terms {
                    Terms::Market => true,
                    Terms::Limit(_) => supported.limits,
                    Terms::Rest(_) => supported.orders,
                };
                let is_supported = are_terms && (!order.up_to || supported.up_to);
                assert!(
                    is_supported || self.sent.contains(&key(&order.id)),
                    "an order was sent to a casino that does not support it: {effect:?}"
                );
                order_ids.push(key(&order.id));
            }
        }
        let (again, new): (Vec<_>, Vec<_>) = order_ids
            .into_iter()
            .partition(|order_id| self.sent.contains(order_id));
        let may_resend = matches!(
            event,
            Event::Stream(StreamEvent::Opened { ids: true, .. } | StreamEvent::Capabilities(_))
        );
        assert!(
            again.is_empty() || may_resend,
            "orders are resent only on a new stream of a casino that deduplicates, not at {event:?}"
        );
        assert!(again.is_sorted(), "resent out of order: {again:?}");
        let orders = new.len();
        self.sent.extend(new);
        let is_list = matches!(event, Event::Answered(Response::Orders { .. }));
        assert!(orders <= 1 || is_list, "one key sends at most one order");
        assert!(
            orders == 0 || status == ConnectionStatus::Live,
            "an order was sent while the connection was not live"
        );
        assert!(
            orders == 0 || is_pressed(event) || ends_orders(event),
            "only a key or a click sends orders, or the cancellation of a moved one, not {event:?}"
        );
    }
}

fn is_pressed(event: &Event) -> bool {
    match event {
        Event::Key(_) => true,
        Event::Mouse(mouse) => mouse.kind == MouseEventKind::Down(MouseButton::Left),
        _ => false,
    }
}

/// Returns true if the event may confirm that an order was cancelled, which is then placed at another price.
fn ends_orders(event: &Event) -> bool {
    matches!(event, Event::Answered(Response::Cancelled { .. }))
}

/// Checks that no cell holds terminal control characters and no line is too wide.
pub(crate) fn check_screen(buffer: &Buffer) {
    let columns = usize::from(buffer.area.width);
    for row in buffer.content.chunks(columns.max(1)) {
        let mut column: usize = 0;
        while let Some(cell) = row.get(column) {
            let symbol = cell.symbol();
            assert!(!symbol.contains(sanitize::is_unsafe), "{symbol:?} on the screen");
            column = column.saturating_add(symbol.width().max(1));
        }
        assert_eq!(column, columns, "a line is wider than the screen");
    }
}

/// Formats a state without the rows of the wire pane: a recording has none, and a replay makes its own.
pub(crate) fn without_wire(state: &AppState) -> String {
    let mut state = state.clone();
    state.wire = WirePane::default();
    for overlay in &mut state.screen.overlays {
        if let Overlay::WireRow { item, .. } = overlay {
            *item = WireItem::Nothing;
        }
    }
    format!("{state:?}")
}
