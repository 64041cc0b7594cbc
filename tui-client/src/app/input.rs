//! From a key or the mouse to what it does: the top overlay sees it first, then the desk.
//!
//! Owns who gets a key and what keys do inside overlays. What an action does to the game is `deeds`' to say.

use crossterm::event::{
    KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use tui_input::InputRequest;

use super::{
    AppState, Effects,
    action::{self, Action, Gesture},
    command, deeds,
    key::Key,
    overlay::{AmountEntry, AmountKind, Confirm, Overlay, Palette, Scroll, Sheet},
    palette::{Entered, Meaning},
    reading::{self, Form},
    screen::Does,
    sheet::Lines,
};

/// Lines that one step of the mouse wheel scrolls an overlay by.
const WHEEL_LINES: usize = 3;

/// What the top overlay makes of a key.
enum Verdict {
    /// Nothing more is to be done.
    Kept,
    /// The overlay closes.
    Close,
    /// Its text is copied.
    Copy,
    /// Its text is exported.
    Export(Form),
    /// The overlay closes, and this command is run.
    Run(command::Command),
    /// The overlay closes, and this is done as by its key.
    Act(Action),
    /// The overlay closes, and this command is run without a question.
    RunConfirmed(command::Command),
}

/// Takes a key.
pub(super) fn key(state: &mut AppState, key: &KeyEvent) -> Effects {
    if key.kind == KeyEventKind::Release {
        return Effects::new();
    }
    let action = state.session.settings.keys.action(key);
    let goes_through = Key::of(key).is_some_and(|key| key.is_global());
    if let Some(Action::Repaint | Action::Suspend | Action::Quit) = action
        && goes_through
    {
        return act(state, action);
    }
    if let Some(Overlay::Splash { .. }) = state.screen.overlays.last() {
        return begin(state, key, action);
    }
    let page = state.screen.page();
    let Some(top) = state.screen.overlays.last_mut() else {
        return desk(state, key, action);
    };
    let verdict = match top {
        Overlay::Splash { .. } => Verdict::Close,
        Overlay::Help { scroll } | Overlay::Company { scroll } => {
            reader(key, action, scroll, page, state.screen.reach)
        }
        Overlay::Payments(sheet) => sheet_key(key, action, sheet, (page, state.screen.reach)),
        Overlay::Trades(sheet) => sheet_key(key, action, sheet, (page, state.screen.reach)),
        Overlay::Statement(sheet) => sheet_key(key, action, sheet, (page, state.screen.reach)),
        Overlay::Palette(palette) => palette_key(palette, key),
        Overlay::Confirm(confirm) => confirm_key(confirm, key),
        Overlay::Amount(entry) => amount_key(entry, key, state.holdings.tokens()),
    };
    match verdict {
        Verdict::Kept => reading::read_on(state),
        Verdict::Copy => reading::copy(state),
        Verdict::Export(form) => reading::export(state, form),
        Verdict::Close => {
            state.screen.overlays.pop();
            Effects::new()
        }
        Verdict::Run(command) => {
            state.screen.overlays.pop();
            deeds::run(state, command)
        }
        Verdict::Act(action) => {
            state.screen.overlays.pop();
            deeds::act(state, action)
        }
        Verdict::RunConfirmed(command) => {
            state.screen.overlays.pop();
            deeds::run_confirmed(state, command)
        }
    }
}

/// A key on the start screen: the game begins, and the key does what it does there. An order is not sent, though: its
/// player has not seen the price yet.
fn begin(state: &mut AppState, key: &KeyEvent, action: Option<Action>) -> Effects {
    if key.kind != KeyEventKind::Press {
        return Effects::new();
    }
    state.screen.overlays.pop();
    match action {
        Some(Action::Buy | Action::Sell) => Effects::new(),
        action => desk(state, key, action),
    }
}

/// Whether pasted text would be typed.
pub(super) fn takes_paste(state: &AppState) -> bool {
    matches!(
        state.screen.overlays.last(),
        Some(Overlay::Palette(_) | Overlay::Amount(_))
    )
}

/// Takes pasted text. It is typed where text is typed, without Enter, and nowhere else: a paste never trades.
pub(super) fn paste(state: &mut AppState, text: &str) {
    match state.screen.overlays.last_mut() {
        Some(Overlay::Palette(palette)) => text.chars().for_each(|c| palette.type_char(c)),
        Some(Overlay::Amount(entry)) => text.chars().for_each(|c| entry.type_char(c)),
        _ => {}
    }
}

/// Takes what the mouse did: a click on a hint or a button does what its key does, the wheel scrolls what lies on top,
/// and over the chart the mouse looks at the prices.
pub(super) fn mouse(state: &mut AppState, mouse: MouseEvent) -> Effects {
    if !state.screen.overlays.is_empty() {
        if mouse.kind == MouseEventKind::Down(MouseButton::Left) {
            return click_top(state, mouse);
        }
        scroll_top(state, mouse.kind);
        return reading::read_on(state);
    }
    let (column, row) = (mouse.column, mouse.row);
    let over_chart = state.chart.sight.area.contains(column, row);
    let gesture = match mouse.kind {
        MouseEventKind::Moved => {
            state.screen.let_go();
            state.chart.hover(column, row);
            None
        }
        MouseEventKind::Down(MouseButton::Left) if over_chart => {
            state.screen.take_hold(column);
            state.chart.click(column, row);
            None
        }
        MouseEventKind::Down(MouseButton::Left) => {
            return match state.screen.clicked(column, row) {
                Some(Does::Act(action)) => deeds::act(state, action),
                // It was seen in something that has closed meanwhile.
                Some(Does::Press(_)) | None => Effects::new(),
            };
        }
        MouseEventKind::Drag(MouseButton::Left) => pull(state, column),
        MouseEventKind::ScrollUp if over_chart => Some(Gesture::WheelUp),
        MouseEventKind::ScrollDown if over_chart => Some(Gesture::WheelDown),
        _ => None,
    };
    act(state, gesture.and_then(action::meant_by))
}

/// What a click does to something that lies on top: it presses the key that stands there. What is clicked beside the
/// start screen's keys begins the game.
fn click_top(state: &mut AppState, mouse: MouseEvent) -> Effects {
    match state.screen.clicked(mouse.column, mouse.row) {
        Some(Does::Press(pressed)) => return key(state, &pressed.press()),
        Some(Does::Act(_)) | None => {}
    }
    if let Some(Overlay::Splash { .. }) = state.screen.overlays.last() {
        state.screen.overlays.pop();
    }
    Effects::new()
}

/// What the wheel does to something that lies on top.
fn scroll_top(state: &mut AppState, kind: MouseEventKind) {
    let reach = state.screen.reach;
    let scroll = match state.screen.overlays.last_mut() {
        Some(Overlay::Help { scroll } | Overlay::Company { scroll }) => scroll,
        Some(Overlay::Payments(sheet)) => &mut sheet.scroll,
        Some(Overlay::Trades(sheet)) => &mut sheet.scroll,
        Some(Overlay::Statement(sheet)) => &mut sheet.scroll,
        _ => return,
    };
    match kind {
        MouseEventKind::ScrollUp => scroll.up(WHEEL_LINES),
        MouseEventKind::ScrollDown => scroll.down(WHEEL_LINES, reach),
        _ => {}
    }
}

/// Pulls the chart after the mouse. It is not a price that is read off then.
fn pull(state: &mut AppState, column: u16) -> Option<Gesture> {
    let in_sight = state.chart.in_sight(&state.market);
    let columns = state.chart.sight.area.width;
    let gesture = state.screen.pull(column, in_sight, columns)?;
    state.chart.crosshair = None;
    Some(gesture)
}

fn desk(state: &mut AppState, key: &KeyEvent, action: Option<Action>) -> Effects {
    match key.code {
        KeyCode::Char(letter) if is_typed(key) && state.ticket.type_char(letter) => Effects::new(),
        // A key that is held down repeats: it may move the ticket, but it never means money twice.
        _ if key.kind == KeyEventKind::Repeat && !action.is_some_and(Action::may_repeat) => Effects::new(),
        _ => act(state, action),
    }
}

/// A letter as it is typed: with Shift at most.
fn is_typed(key: &KeyEvent) -> bool {
    key.modifiers.difference(KeyModifiers::SHIFT).is_empty()
}

fn act(state: &mut AppState, action: Option<Action>) -> Effects {
    match action {
        None => Effects::new(),
        Some(action) => deeds::act(state, action),
    }
}

/// Only a key that means yes does it, and only when it is pressed, not held since the question came.
fn confirm_key(confirm: &Confirm, key: &KeyEvent) -> Verdict {
    match key.code {
        KeyCode::Enter | KeyCode::Char('y') if key.kind == KeyEventKind::Press => {
            Verdict::RunConfirmed(confirm.command)
        }
        KeyCode::Esc | KeyCode::Char('n' | 'q') => Verdict::Close,
        _ => Verdict::Kept,
    }
}

/// What can be read can also be searched, copied and exported.
fn sheet_key<T: Lines>(
    key: &KeyEvent,
    action: Option<Action>,
    sheet: &mut Sheet<T>,
    (page, reach): (usize, usize),
) -> Verdict {
    if sheet.search.is_typing() {
        match key.code {
            KeyCode::Esc => sheet.search.end(),
            KeyCode::Enter => sheet.find(reach),
            KeyCode::Backspace => sheet.search.erase(),
            KeyCode::Char(letter) => sheet.search.type_char(letter),
            _ => {}
        }
        return Verdict::Kept;
    }
    match key.code {
        KeyCode::Char('/') => sheet.search.begin(),
        KeyCode::Char('n') => sheet.find(reach),
        KeyCode::Char('N') => sheet.find_back(reach),
        KeyCode::Char('y') if key.kind == KeyEventKind::Press => return Verdict::Copy,
        KeyCode::Char('e') if key.kind == KeyEventKind::Press => return Verdict::Export(Form::Csv),
        KeyCode::Char('E') if key.kind == KeyEventKind::Press => return Verdict::Export(Form::Text),
        _ => return reader(key, action, &mut sheet.scroll, page, reach),
    }
    Verdict::Kept
}

/// Keys that opened something to read, or leave the game, close it too.
fn reader(key: &KeyEvent, action: Option<Action>, scroll: &mut Scroll, page: usize, reach: usize) -> Verdict {
    match key.code {
        KeyCode::Esc | KeyCode::Enter => return Verdict::Close,
        KeyCode::Up | KeyCode::Char('k') => scroll.up(1),
        KeyCode::Down | KeyCode::Char('j') => scroll.down(1, reach),
        KeyCode::PageUp => scroll.up(page),
        KeyCode::PageDown | KeyCode::Char(' ') => scroll.down(page, reach),
        KeyCode::Home | KeyCode::Char('g') => scroll.up(usize::MAX),
        KeyCode::End | KeyCode::Char('G') => scroll.down(usize::MAX, reach),
        _ if action.is_some_and(Action::closes_what_is_read) => return Verdict::Close,
        _ => {}
    }
    Verdict::Kept
}

fn palette_key(palette: &mut Palette, key: &KeyEvent) -> Verdict {
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    let request = match key.code {
        KeyCode::Esc => return Verdict::Close,
        KeyCode::Backspace if palette.input.value().is_empty() => return Verdict::Close,
        KeyCode::Enter if key.kind == KeyEventKind::Repeat => return Verdict::Kept,
        KeyCode::Enter => {
            return match palette.enter() {
                Entered::Done(Meaning::Command(command)) => Verdict::Run(command),
                Entered::Done(Meaning::Action(action)) => Verdict::Act(action),
                Entered::Nothing => Verdict::Close,
                Entered::Typing => Verdict::Kept,
            };
        }
        KeyCode::Tab => {
            palette.complete();
            return Verdict::Kept;
        }
        KeyCode::Up | KeyCode::Down => {
            palette.choose(key.code == KeyCode::Down);
            return Verdict::Kept;
        }
        KeyCode::Char('a') if ctrl => InputRequest::GoToStart,
        KeyCode::Char('e') if ctrl => InputRequest::GoToEnd,
        KeyCode::Char('u') if ctrl => InputRequest::DeleteLine,
        KeyCode::Char('w') if ctrl => InputRequest::DeletePrevWord,
        KeyCode::Char(letter) if !ctrl => {
            palette.type_char(letter);
            return Verdict::Kept;
        }
        KeyCode::Backspace => InputRequest::DeletePrevChar,
        KeyCode::Delete => InputRequest::DeleteNextChar,
        KeyCode::Left => InputRequest::GoToPrevChar,
        KeyCode::Right => InputRequest::GoToNextChar,
        KeyCode::Home => InputRequest::GoToStart,
        KeyCode::End => InputRequest::GoToEnd,
        _ => return Verdict::Kept,
    };
    palette.edit(request);
    Verdict::Kept
}

fn amount_key(entry: &mut AmountEntry, key: &KeyEvent, tokens: Option<i32>) -> Verdict {
    match key.code {
        KeyCode::Esc | KeyCode::Char('q') => return Verdict::Close,
        KeyCode::Enter if key.kind == KeyEventKind::Press => match (entry.checked(), entry.kind) {
            (Ok(dollars), AmountKind::BuyTokens) => {
                return Verdict::Run(command::Command::BuyTokens(dollars));
            }
            (Ok(tokens), AmountKind::Withdraw) => return Verdict::Run(command::Command::Withdraw(tokens)),
            (Err(error), _) => entry.error = Some(error),
        },
        KeyCode::Backspace => entry.erase(),
        KeyCode::Char('m') if entry.kind == AmountKind::Withdraw => entry.fill_max(tokens),
        KeyCode::Char(letter) => entry.type_char(letter),
        _ => {}
    }
    Verdict::Kept
}
