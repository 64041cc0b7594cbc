//! The wire pane of a replay: the viewer's keys, and steps from event to event.

use crossterm::event::KeyCode;

use super::Replay;
use crate::app::overlay::Overlay;
use crate::app::overlay::screen::page;
use crate::app::update::wire;
use crate::app::wire::{PaneSide, PaneView};

impl Replay {
    /// Opens the wire pane for the viewer, with all messages so far.
    pub fn open_wire(&mut self) {
        let (played, at_ms) = (self.played, self.at_ms);
        self.viewer = Some(PaneView {
            is_open: true,
            is_focused: true,
            ..PaneView::default()
        });
        self.restart();
        self.play_events(played);
        self.at_ms = at_ms;
    }

    pub(super) fn show_viewer_pane(&mut self) {
        if let Some(view) = self.viewer {
            self.state.wire.view = view;
        }
    }

    /// Sets the highest scroll position of the open row, and the visible lines of it or of the pane, as in the last
    /// frame.
    pub fn set_scroll_range(&mut self, reach: usize, visible: usize) {
        (self.reach, self.visible) = (reach, visible);
    }

    fn page(&self) -> usize {
        page(self.visible, self.state.screen.size)
    }

    /// Handles a key of the pane, and steps; returns false for other keys.
    pub(super) fn pane_key(&mut self, code: KeyCode) -> bool {
        if self.row_is_open {
            self.row_key(code);
            return true;
        }
        let is_open = self.state.wire.view.is_open;
        match code {
            KeyCode::Char('.') => self.step(self.played.saturating_add(1)),
            KeyCode::Char(',') => self.step(self.played.saturating_sub(1)),
            KeyCode::Char('W') if !is_open => self.open_wire(),
            KeyCode::Home | KeyCode::End => return false,
            code if is_open => return self.open_pane_key(code),
            _ => return false,
        }
        true
    }

    fn open_pane_key(&mut self, code: KeyCode) -> bool {
        match code {
            KeyCode::Char('W') | KeyCode::Esc => self.state.wire.view = PaneView::default(),
            KeyCode::Char('r') => {
                let view = &mut self.state.wire.view;
                view.selected = None;
                view.side = match view.side {
                    PaneSide::Wire => PaneSide::Reducer,
                    PaneSide::Reducer => PaneSide::Wire,
                };
            }
            KeyCode::Enter => {
                (self.is_paused, self.row_is_open) = (true, true);
                wire::open_row(&mut self.state);
            }
            code => {
                let page = self.page();
                if !wire::move_key(&mut self.state.wire, code, page) {
                    return false;
                }
                self.state.wire.view.is_focused = true;
            }
        }
        self.viewer = Some(self.state.wire.view);
        true
    }

    /// Scrolls the open row, goes to the next one, or closes it.
    fn row_key(&mut self, code: KeyCode) {
        if wire::neighbour_key(&mut self.state, code) {
            self.viewer = Some(self.state.wire.view);
            return;
        }
        let (page, reach) = (self.page(), self.reach);
        let Some(Overlay::WireRow { scroll, .. }) = self.state.screen.overlays.last_mut() else {
            return;
        };
        match code {
            KeyCode::Up => scroll.up(1),
            KeyCode::Down => scroll.down(1, reach),
            KeyCode::PageUp => scroll.up(page),
            KeyCode::PageDown => scroll.down(page, reach),
            KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q' | 'W') => {
                self.row_is_open = false;
                self.state.screen.overlays.pop();
            }
            _ => {}
        }
    }

    /// Pauses, and plays exactly the first `events` events.
    fn step(&mut self, events: usize) {
        self.is_paused = true;
        self.play_events(events.min(self.recording.events.len()));
    }
}
