//! Keys of the wire pane. What a key does never depends on the rows, so that a replay, which may have other rows, stays
//! the same game.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind};

use crate::app::commands::action::Action;
use crate::app::overlay::{Overlay, Scroll};
use crate::app::wire::{MIN_PANE_SCREEN, PaneSide, PaneView, WirePane};
use crate::app::{AppState, Effect, Effects};

/// Opens the pane, with the newest row selected, or closes it.
pub(crate) fn toggle(state: &mut AppState) -> Effects {
    let pane = &mut state.wire;
    pane.view = PaneView {
        is_open: !pane.view.is_open,
        is_focused: !pane.view.is_open,
        selected: None,
        side: PaneSide::Wire,
    };
    match pane.collects {
        true => Effects::new(),
        false => {
            pane.collects = true;
            vec![Effect::CollectWire]
        }
    }
}

/// Handles a key without an overlay; `None` if it is not for the pane. Returns the action that the key still performs.
pub(super) fn key(state: &mut AppState, key: &KeyEvent, action: Option<Action>) -> Option<Option<Action>> {
    if !state.wire.view.is_open {
        return None;
    }
    let is_window = !has_room(state.screen.size);
    if !state.wire.view.is_focused && !is_window {
        let is_enter = key.code == KeyCode::Enter && key.kind == KeyEventKind::Press && action.is_none();
        state.wire.view.is_focused = is_enter;
        return is_enter.then_some(None);
    }
    if move_key(&mut state.wire, key.code, state.screen.page()) {
        return Some(None);
    }
    match (key.code, action) {
        (KeyCode::Enter, _) => open_row(state),
        (KeyCode::Esc, _) => {
            state.wire.view.is_focused = false;
            state.wire.view.is_open = !is_window;
        }
        (_, _) if !is_window => return None,
        (_, Some(Action::Quit)) => state.wire.view.is_open = false,
        (_, Some(Action::Wire | Action::Help | Action::Palette)) => return Some(action),
        // The ticket is not visible: no order, and no change of it.
        _ => {}
    }
    Some(None)
}

/// Returns true if the pane has the focus, or covers the screen.
pub(super) fn takes_keys(state: &AppState) -> bool {
    state.wire.view.is_open && (state.wire.view.is_focused || !has_room(state.screen.size))
}

fn has_room(size: (u16, u16)) -> bool {
    size.0 >= MIN_PANE_SCREEN.0 && size.1 >= MIN_PANE_SCREEN.1
}

/// Moves the selection. Returns false for other keys.
pub(crate) fn move_key(pane: &mut WirePane, code: KeyCode, page: usize) -> bool {
    let page = isize::try_from(page).unwrap_or(isize::MAX);
    let rows = match code {
        KeyCode::Up => -1,
        KeyCode::Down => 1,
        KeyCode::PageUp => page.saturating_neg(),
        KeyCode::PageDown => page,
        KeyCode::Home => isize::MIN,
        KeyCode::End => isize::MAX,
        _ => return false,
    };
    pane.move_selection(rows);
    true
}

/// Opens the selected row in a window.
pub(crate) fn open_row(state: &mut AppState) {
    state.screen.overlays.push(Overlay::WireRow {
        item: state.wire.selected_item(),
        scroll: Scroll::default(),
    });
}

/// Shows the row before or after the open one. Returns false for other keys.
pub(crate) fn neighbour_key(state: &mut AppState, code: KeyCode) -> bool {
    let rows = match code {
        KeyCode::Left => -1,
        KeyCode::Right => 1,
        _ => return false,
    };
    if let Some(Overlay::WireRow { item, scroll }) = state.screen.overlays.last_mut() {
        *scroll = Scroll::default();
        if let Some(next) = state.wire.step_from(item, rows) {
            *item = next;
        }
    }
    true
}
