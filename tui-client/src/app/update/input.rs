//! Keys and mouse: the top overlay sees them first, then the main screen.

use crossterm::event::{
    KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use tui_input::InputRequest;

use crate::app::commands::action::{self, Action, MouseGesture};
use crate::app::commands::command;
use crate::app::commands::key::Key;
use crate::app::commands::lab::Fault;
use crate::app::overlay::document::DocumentLines;
use crate::app::overlay::palette::{EnterResult, Parsed};
use crate::app::overlay::screen::ClickAction;
use crate::app::overlay::{AmountEntry, AmountKind, Document, Overlay, Palette, Scroll};
use crate::app::update::document::ExportFormat;
use crate::app::update::{
    command as command_update, document as document_update, order_keys, orders, wire as wire_update,
};
use crate::app::{AppState, Effect, Effects};

/// Lines scrolled by one step of the mouse wheel.
const WHEEL_LINES: usize = 3;

enum KeyOutcome {
    Kept,
    Close,
    Copy,
    Export(ExportFormat),
    /// Closes the overlay and runs what was typed.
    Run(Parsed),
    /// Closes the overlay and runs the command without confirmation.
    RunConfirmed(command::Command),
}

pub(crate) fn key(state: &mut AppState, key: &KeyEvent) -> Effects {
    if key.kind == KeyEventKind::Release {
        return Effects::new();
    }
    let pressed = Key::from_event(key);
    let action = pressed.and_then(|pressed| state.session.settings.keys.action(pressed));
    let is_global = pressed.is_some_and(|pressed| pressed.is_global());
    if action == Some(Action::Quit) && key.code == KeyCode::Char('c') && is_global {
        return vec![Effect::Quit];
    }
    if let Some(action @ (Action::Repaint | Action::Suspend | Action::Quit)) = action
        && is_global
    {
        return command_update::perform(state, action);
    }
    if state.screen.is_too_small() {
        // Nobody sees what a key would do.
        return match (action, state.screen.overlays.last()) {
            (Some(Action::Quit), None | Some(Overlay::Splash { .. })) => {
                command_update::perform(state, Action::Quit)
            }
            _ => Effects::new(),
        };
    }
    if state.lab.is_some()
        && key.kind == KeyEventKind::Press
        && let Some(fault) = pressed.and_then(Fault::by_key)
    {
        return command_update::inject(state, fault);
    }
    if let Some(Overlay::Splash { .. }) = state.screen.overlays.last() {
        return splash_key(state, key, action);
    }
    let page = state.screen.page();
    if let Some(Overlay::WireRow { .. }) = state.screen.overlays.last()
        && wire_update::neighbour_key(state, key.code)
    {
        return Effects::new();
    }
    if let Some(effects) = order_keys::key(state, key, action) {
        return effects;
    }
    let Some(top) = state.screen.overlays.last_mut() else {
        return match wire_update::key(state, key, action) {
            Some(Some(action)) => command_update::perform(state, action),
            Some(None) => Effects::new(),
            None if key.code == KeyCode::Esc && state.tour.take().is_some() => Effects::new(),
            None => main_key(state, key, action),
        };
    };
    let outcome = match top {
        Overlay::Splash { .. } | Overlay::Orders { .. } => KeyOutcome::Close,
        Overlay::Help { scroll }
        | Overlay::Lobby { scroll }
        | Overlay::Podium { scroll }
        | Overlay::WireRow { scroll, .. } => scroll_key(key, action, scroll, page, state.screen.reach),
        Overlay::Payments(document) => document_key(key, action, document, page, state.screen.reach),
        Overlay::Trades(document) => document_key(key, action, document, page, state.screen.reach),
        Overlay::Statement(document) => document_key(key, action, document, page, state.screen.reach),
        Overlay::Palette(palette) => palette_key(palette, key),
        Overlay::Confirm(command) => confirm_key(*command, key),
        Overlay::Amount(entry) => amount_key(entry, key, state.holdings.tokens()),
    };
    apply(state, &outcome)
}

fn apply(state: &mut AppState, outcome: &KeyOutcome) -> Effects {
    if !matches!(
        outcome,
        KeyOutcome::Kept | KeyOutcome::Copy | KeyOutcome::Export(_)
    ) {
        state.screen.overlays.pop();
    }
    match outcome {
        KeyOutcome::Kept => document_update::load_more(state),
        KeyOutcome::Copy => document_update::copy(state),
        KeyOutcome::Export(format) => document_update::export(state, *format),
        KeyOutcome::Close => Effects::new(),
        KeyOutcome::Run(Parsed::Command(command)) => command_update::execute(state, *command),
        KeyOutcome::Run(Parsed::Action(action)) => command_update::perform(state, *action),
        KeyOutcome::Run(Parsed::Fault(fault)) => command_update::inject(state, *fault),
        KeyOutcome::RunConfirmed(command) => command_update::run_confirmed(state, *command),
    }
}

/// Closes the start screen and handles the key there, except orders: the player has not seen the price yet.
fn splash_key(state: &mut AppState, key: &KeyEvent, action: Option<Action>) -> Effects {
    if key.kind != KeyEventKind::Press {
        return Effects::new();
    }
    state.screen.overlays.pop();
    match action {
        Some(Action::Buy | Action::Sell) => Effects::new(),
        action => main_key(state, key, action),
    }
}

pub(crate) fn takes_paste(state: &AppState) -> bool {
    matches!(
        state.screen.overlays.last(),
        Some(Overlay::Palette(_) | Overlay::Amount(_))
    )
}

/// Types pasted text where text is typed, without Enter: a paste never trades. Lines become words of a command, since one of
/// them alone may be another order. An amount is one line.
pub(crate) fn paste(state: &mut AppState, text: &str) {
    let mut lines = text.split(['\r', '\n']).filter(|line| !line.trim().is_empty());
    match state.screen.overlays.last_mut() {
        Some(Overlay::Palette(palette)) => {
            let line = lines.collect::<Vec<_>>().join(" ").replace('\t', " ");
            line.chars().for_each(|c| palette.type_char(c));
        }
        Some(Overlay::Amount(entry)) => {
            let amount = lines.next().unwrap_or_default();
            amount.chars().for_each(|c| entry.type_char(c));
        }
        _ => {}
    }
}

/// Clicks work like the key of their target, the wheel scrolls the overlay, and the chart handles the rest.
pub(crate) fn mouse(state: &mut AppState, mouse: MouseEvent) -> Effects {
    if state.screen.is_too_small() {
        state.screen.end_drag();
        state.orders.end_drag();
        return Effects::new();
    }
    if !state.screen.overlays.is_empty() {
        if mouse.kind == MouseEventKind::Down(MouseButton::Left) {
            return click_top(state, mouse);
        }
        scroll_top(state, mouse.kind);
        return document_update::load_more(state);
    }
    let (column, row) = (mouse.column, mouse.row);
    if let Some(effects) = drag_order(state, mouse) {
        return effects;
    }
    let over_chart = state.chart.hit_map.area.contains(column, row);
    let gesture = match mouse.kind {
        MouseEventKind::Moved => {
            state.screen.end_drag();
            state.chart.hover(column, row);
            None
        }
        MouseEventKind::Down(MouseButton::Left) if over_chart => {
            state.screen.begin_drag(column);
            state.chart.click(column, row);
            None
        }
        MouseEventKind::Down(MouseButton::Left) => {
            return match state.screen.clicked(column, row) {
                Some(ClickAction::Act(action)) => command_update::perform(state, action),
                // The target belongs to an overlay that has closed.
                Some(ClickAction::Press(_)) | None => Effects::new(),
            };
        }
        MouseEventKind::Drag(MouseButton::Left) => drag(state, column),
        MouseEventKind::ScrollUp if over_chart => Some(MouseGesture::WheelUp),
        MouseEventKind::ScrollDown if over_chart => Some(MouseGesture::WheelDown),
        _ => None,
    };
    match gesture.and_then(action::for_gesture) {
        Some(action) => command_update::perform(state, action),
        None => Effects::new(),
    }
}

/// Presses the key of the target. Any other click closes the start screen.
fn click_top(state: &mut AppState, mouse: MouseEvent) -> Effects {
    match state.screen.clicked(mouse.column, mouse.row) {
        Some(ClickAction::Press(pressed)) => return key(state, &pressed.press()),
        Some(ClickAction::Act(_)) | None => {}
    }
    if let Some(Overlay::Splash { .. }) = state.screen.overlays.last() {
        state.screen.overlays.pop();
    }
    Effects::new()
}

fn scroll_top(state: &mut AppState, kind: MouseEventKind) {
    let reach = state.screen.reach;
    let scroll = state.screen.overlays.last_mut().and_then(Overlay::scroll_mut);
    match (scroll, kind) {
        (Some(scroll), MouseEventKind::ScrollUp) => scroll.up(WHEEL_LINES),
        (Some(scroll), MouseEventKind::ScrollDown) => scroll.down(WHEEL_LINES, reach),
        _ => {}
    }
}

/// Takes, drags and drops the label of an order on the chart; `None` if the gesture is another one. Dropping it moves the
/// order.
fn drag_order(state: &mut AppState, mouse: MouseEvent) -> Option<Effects> {
    match mouse.kind {
        MouseEventKind::Down(MouseButton::Left) => {
            let id = state.chart.hit_map.order_at(mouse.column, mouse.row)?;
            state.screen.end_drag();
            state.orders.select(id, true);
        }
        MouseEventKind::Drag(MouseButton::Left) => {
            let price = state.chart.hit_map.price_at(mouse.row);
            return state.orders.drag_to(price).then(Effects::new);
        }
        MouseEventKind::Up(MouseButton::Left) if state.orders.end_drag() => {
            let (order, price) = state.orders.selected()?;
            // A click selects the order.
            if price != order.condition.price {
                return Some(orders::apply_move(state));
            }
        }
        MouseEventKind::Moved => {
            state.orders.end_drag();
            return None;
        }
        _ => return None,
    }
    Some(Effects::new())
}

fn drag(state: &mut AppState, column: u16) -> Option<MouseGesture> {
    let visible = state.chart.visible_range(&state.market);
    let columns = state.chart.hit_map.area.width;
    let gesture = state.screen.drag(column, visible, columns)?;
    state.chart.crosshair = None;
    Some(gesture)
}

fn main_key(state: &mut AppState, key: &KeyEvent, action: Option<Action>) -> Effects {
    let has_ticket = !state.session.settings.watch;
    if let KeyCode::Char(letter) = key.code
        && has_ticket
        && is_typed(key)
        && state.ticket.type_char(letter)
    {
        return Effects::new();
    }
    match action {
        // Held keys may change the ticket, but never trade twice.
        Some(action) if key.kind == KeyEventKind::Press || action.may_repeat() => {
            command_update::perform(state, action)
        }
        _ => Effects::new(),
    }
}

fn is_typed(key: &KeyEvent) -> bool {
    key.modifiers.difference(KeyModifiers::SHIFT).is_empty()
}

/// Confirms on a fresh press only, not on a key held since before the dialog.
fn confirm_key(command: command::Command, key: &KeyEvent) -> KeyOutcome {
    match key.code {
        KeyCode::Enter | KeyCode::Char('y') if key.kind == KeyEventKind::Press => {
            KeyOutcome::RunConfirmed(command)
        }
        KeyCode::Esc | KeyCode::Char('n' | 'q') => KeyOutcome::Close,
        _ => KeyOutcome::Kept,
    }
}

fn document_key<T: DocumentLines>(
    key: &KeyEvent,
    action: Option<Action>,
    document: &mut Document<T>,
    page: usize,
    reach: usize,
) -> KeyOutcome {
    if document.search.is_typing() {
        match key.code {
            KeyCode::Esc => document.search.end(),
            KeyCode::Enter => document.find(reach),
            KeyCode::Backspace => document.search.erase(),
            KeyCode::Char(letter) => document.search.type_char(letter),
            _ => {}
        }
        return KeyOutcome::Kept;
    }
    match key.code {
        KeyCode::Char('/') => document.search.begin(),
        KeyCode::Char('n') => document.find(reach),
        KeyCode::Char('N') => document.find_back(reach),
        KeyCode::Char('y') if key.kind == KeyEventKind::Press => return KeyOutcome::Copy,
        KeyCode::Char('e') if key.kind == KeyEventKind::Press => {
            return KeyOutcome::Export(ExportFormat::Csv);
        }
        KeyCode::Char('E') if key.kind == KeyEventKind::Press => {
            return KeyOutcome::Export(ExportFormat::Text);
        }
        _ => return scroll_key(key, action, &mut document.scroll, page, reach),
    }
    KeyOutcome::Kept
}

/// Handles scrolling; the keys that open documents or quit also close them.
fn scroll_key(
    key: &KeyEvent,
    action: Option<Action>,
    scroll: &mut Scroll,
    page: usize,
    reach: usize,
) -> KeyOutcome {
    match key.code {
        KeyCode::Esc | KeyCode::Enter => KeyOutcome::Close,
        code if scroll.key(code, page, reach) => KeyOutcome::Kept,
        _ if action.is_some_and(Action::closes_documents) => KeyOutcome::Close,
        _ => KeyOutcome::Kept,
    }
}

fn palette_key(palette: &mut Palette, key: &KeyEvent) -> KeyOutcome {
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    let request = match key.code {
        KeyCode::Esc => return KeyOutcome::Close,
        KeyCode::Backspace if palette.input.value().is_empty() => return KeyOutcome::Close,
        KeyCode::Enter if key.kind == KeyEventKind::Repeat => return KeyOutcome::Kept,
        KeyCode::Enter => {
            return match palette.enter() {
                EnterResult::Done(parsed) => KeyOutcome::Run(parsed),
                EnterResult::Nothing => KeyOutcome::Close,
                EnterResult::Typing => KeyOutcome::Kept,
            };
        }
        KeyCode::Tab => {
            palette.complete();
            return KeyOutcome::Kept;
        }
        KeyCode::Up | KeyCode::Down => {
            palette.choose(key.code == KeyCode::Down);
            return KeyOutcome::Kept;
        }
        KeyCode::Char('a') if ctrl => InputRequest::GoToStart,
        KeyCode::Char('e') if ctrl => InputRequest::GoToEnd,
        KeyCode::Char('u') if ctrl => InputRequest::DeleteLine,
        KeyCode::Char('w') if ctrl => InputRequest::DeletePrevWord,
        KeyCode::Char(letter) if !ctrl => {
            palette.type_char(letter);
            return KeyOutcome::Kept;
        }
        KeyCode::Backspace => InputRequest::DeletePrevChar,
        KeyCode::Delete => InputRequest::DeleteNextChar,
        KeyCode::Left => InputRequest::GoToPrevChar,
        KeyCode::Right => InputRequest::GoToNextChar,
        KeyCode::Home => InputRequest::GoToStart,
        KeyCode::End => InputRequest::GoToEnd,
        _ => return KeyOutcome::Kept,
    };
    palette.edit(request);
    KeyOutcome::Kept
}

fn amount_key(entry: &mut AmountEntry, key: &KeyEvent, tokens: Option<i32>) -> KeyOutcome {
    let run = |command| KeyOutcome::Run(Parsed::Command(command));
    match key.code {
        KeyCode::Esc | KeyCode::Char('q') => return KeyOutcome::Close,
        KeyCode::Enter if key.kind == KeyEventKind::Press => match (entry.checked(), entry.kind) {
            (Ok(dollars), AmountKind::BuyTokens) => return run(command::Command::BuyTokens(dollars)),
            (Ok(tokens), AmountKind::Withdraw) => return run(command::Command::Withdraw(tokens)),
            (Err(error), _) => entry.error = Some(error),
        },
        KeyCode::Backspace => entry.erase(),
        KeyCode::Char('m') if entry.kind == AmountKind::Withdraw => entry.fill_max(tokens),
        KeyCode::Char(letter) => entry.type_char(letter),
        _ => {}
    }
    KeyOutcome::Kept
}
