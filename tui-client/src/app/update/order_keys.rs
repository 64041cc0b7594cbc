//! Keys for resting orders: on the chart, and in their window.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind};

use crate::app::commands::action::Action;
use crate::app::overlay::{Overlay, Scroll};
use crate::app::update::orders::{apply_move, cancel};
use crate::app::update::wire;
use crate::app::{AppState, Effects};

/// Lines of the window above the selected order.
const LINES_ABOVE: usize = 4;

/// Handles a key of the window, or of an order that is selected on the chart; `None` if it is neither.
pub(super) fn key(state: &mut AppState, key: &KeyEvent, action: Option<Action>) -> Option<Effects> {
    match state.screen.overlays.last() {
        Some(Overlay::Orders { .. }) => Some(window_key(state, key, action)),
        None if !wire::takes_keys(state) => chart_key(state, key, action),
        _ => None,
    }
}

/// Handles a key while an order is selected on the chart; `None` if it is not for the order.
fn chart_key(state: &mut AppState, key: &KeyEvent, action: Option<Action>) -> Option<Effects> {
    let Some(selection) = state.orders.selection() else {
        return key_after_end(state, key).or_else(|| {
            let is_delete = key.code == KeyCode::Delete && action.is_none();
            is_delete.then(|| ask_for_selection(state))
        });
    };
    match key.code {
        KeyCode::Up => state.orders.nudge(1),
        KeyCode::Down => state.orders.nudge(-1),
        KeyCode::PageUp => state.orders.nudge(10),
        KeyCode::PageDown => state.orders.nudge(-10),
        KeyCode::Esc => state.orders.deselect(),
        // A held key never trades.
        KeyCode::Enter | KeyCode::Delete if key.kind != KeyEventKind::Press => {}
        KeyCode::Enter => return Some(apply_move(state)),
        KeyCode::Delete => {
            state.orders.deselect();
            return Some(cancel(state, selection.id));
        }
        _ => return None,
    }
    Some(Effects::new())
}

/// Ignores the keys of an order that ended while it was selected, until another key is pressed: they would change the ticket.
fn key_after_end(state: &mut AppState, key: &KeyEvent) -> Option<Effects> {
    if !state.orders.selected_ended() {
        return None;
    }
    match key.code {
        KeyCode::Up | KeyCode::Down | KeyCode::PageUp | KeyCode::PageDown => {}
        KeyCode::Enter | KeyCode::Delete => {}
        code => {
            state.orders.deselect();
            if code != KeyCode::Esc {
                return None;
            }
        }
    }
    Some(Effects::new())
}

/// Handles a key of the window. Only an order that is selected can be cancelled.
fn window_key(state: &mut AppState, key: &KeyEvent, action: Option<Action>) -> Effects {
    let (page, reach) = (state.screen.page(), state.screen.reach);
    let is_press = key.kind == KeyEventKind::Press;
    let Some(Overlay::Orders { scroll }) = state.screen.overlays.last_mut() else {
        return Effects::new();
    };
    match key.code {
        KeyCode::Up | KeyCode::Char('k') => select(state, -1),
        KeyCode::Down | KeyCode::Char('j') => select(state, 1),
        code if scroll.key(code, page, reach) => {}
        KeyCode::Delete | KeyCode::Char('c') if is_press => {
            let Some(selection) = state.orders.selection() else {
                return ask_for_selection(state);
            };
            let effects = cancel(state, selection.id);
            state.orders.select_other();
            return effects;
        }
        // The selected order can then be moved on the chart.
        KeyCode::Enter if is_press => _ = state.screen.overlays.pop(),
        KeyCode::Esc => close(state),
        _ if action.is_some_and(Action::closes_documents) => close(state),
        _ => {}
    }
    Effects::new()
}

/// Answers a key that cancels the selected order, if there is none.
fn ask_for_selection(state: &mut AppState) -> Effects {
    if !state.orders.open().is_empty() {
        state.alerts.toast("select an order first".to_owned(), state.now);
    }
    Effects::new()
}

/// Selects an order and scrolls to it.
fn select(state: &mut AppState, by: isize) {
    state.orders.select_by(by);
    let index = state.orders.selected_index().unwrap_or(0);
    if let Some(Overlay::Orders { scroll }) = state.screen.overlays.last_mut() {
        *scroll = Scroll::default();
        scroll.down(index.saturating_sub(LINES_ABOVE), state.screen.reach);
    }
}

fn close(state: &mut AppState) {
    state.orders.deselect();
    state.screen.overlays.pop();
}
