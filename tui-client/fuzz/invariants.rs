//! What always holds of the game and of its screen, whatever happens: for the fuzz targets, and for the properties and
//! tests on stable. Taken by `#[path]`.

#![allow(dead_code, reason = "not every taker draws")]
#![allow(clippy::expect_used, clippy::panic, reason = "a check fails by a panic")]

use awesomestock::app::{
    AppState, Effect, Effects, Event, MAX_WAITING_ORDERS, Seat,
    connection::Liveness,
    event::{Call, StreamEvent},
    log::{MAX_ENTRIES, Slip},
    market::{Candle, MAX_PRICES},
    money::UnixMs,
    update,
};
use awesomestock_proto::text;
use crossterm::event::{MouseButton, MouseEventKind};
use ratatui::buffer::Buffer;
use unicode_width::UnicodeWidthStr;

/// A game of which is checked, after each event, what always holds.
pub(crate) struct Watched {
    pub(crate) state: AppState,
    /// Which orders were sent.
    sent: Vec<(u32, UnixMs)>,
}

/// What tells one order from another.
fn slip_of(slip: &Slip) -> (u32, UnixMs) {
    (slip.number, slip.at)
}

impl Watched {
    /// A game that begins.
    pub(crate) fn new() -> Self {
        let seat = Seat {
            player: "ann".to_owned(),
            table: "solo".to_owned(),
        };
        let (state, _) = AppState::new(seat, (80, 24), UnixMs(0));
        Self {
            state,
            sent: Vec::new(),
        }
    }

    /// Tells the game of `event`.
    pub(crate) fn tell(&mut self, now: UnixMs, event: &Event) -> Effects {
        let interval_ms = self.state.market.interval_ms();
        let liveness = self.state.connection.liveness(now, interval_ms);
        let effects = update(&mut self.state, now, event.clone());
        self.check_bounds();
        self.check_orders(&effects, event, liveness);
        for effect in &effects {
            if let Effect::Call(Call::BuyTokens(amount) | Call::Withdraw(amount)) = effect {
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
                "a wake in the past would spin: {wake:?} at {:?}",
                state.now
            );
        }
    }

    fn check_orders(&mut self, effects: &[Effect], event: &Event, liveness: Liveness) {
        let mut slips = Vec::new();
        for effect in effects {
            if let Effect::Send {
                count, limit, slip, ..
            } = effect
            {
                assert!(*count >= 1 && limit.is_none_or(|limit| limit >= 1), "{effect:?}");
                let is_kept = limit.is_none() || self.state.company.told.limits;
                assert!(
                    is_kept || self.sent.contains(&slip_of(slip)),
                    "a limit was sent to a casino that passes over it: {effect:?}"
                );
                slips.push(slip_of(slip));
            }
        }
        let (again, new): (Vec<_>, Vec<_>) = slips.into_iter().partition(|slip| self.sent.contains(slip));
        assert!(
            again.is_empty() || matches!(event, Event::Stream(StreamEvent::Joined { ids: true, .. })),
            "only a new stream of a casino that keeps to ids is sent anything again, not at {event:?}"
        );
        assert!(again.is_sorted(), "in their order: {again:?}");
        let orders = new.len();
        self.sent.extend(new);
        assert!(orders <= 1, "one key, one order");
        assert!(
            orders == 0 || liveness == Liveness::Live,
            "an order was sent while the table was not live"
        );
        assert!(
            orders == 0 || is_pressed(event),
            "only a key or a click trades, not {event:?}"
        );
    }
}

/// A key that was pressed, or a click.
fn is_pressed(event: &Event) -> bool {
    match event {
        Event::Key(_) => true,
        Event::Mouse(mouse) => mouse.kind == MouseEventKind::Down(MouseButton::Left),
        _ => false,
    }
}

/// Nothing on the screen acts on the terminal, and no line is wider than the screen.
pub(crate) fn check_screen(buffer: &Buffer) {
    let columns = usize::from(buffer.area.width);
    for row in buffer.content.chunks(columns.max(1)) {
        let mut column: usize = 0;
        while let Some(cell) = row.get(column) {
            let symbol = cell.symbol();
            assert!(!symbol.contains(text::acts), "{symbol:?} on the screen");
            column = column.saturating_add(symbol.width().max(1));
        }
        assert_eq!(column, columns, "a line is wider than the screen");
    }
}
