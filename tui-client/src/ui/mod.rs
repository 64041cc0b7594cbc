//! The view: draws [`AppState`] and never changes it.
//!
//! # Example
//!
//! Draws a frame to a buffer:
//!
//! ```
//! use awesomestock::{
//!     app::{AppState, SessionInfo, portfolio::money::UnixMillis},
//!     ui::{Markers, Renderer, Theme},
//! };
//! use jiff::tz::TimeZone;
//! use ratatui::{Terminal, backend::TestBackend};
//!
//! let info = SessionInfo::new("ann", "solo");
//! let (state, _) = AppState::new(info, (80, 24), UnixMillis(1_700_000_000_000));
//! let renderer = Renderer { theme: Theme::default(), markers: Markers::default(), zone: TimeZone::UTC };
//! let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
//! terminal.draw(|frame| drop(renderer.draw(&state, frame))).unwrap();
//! assert!(terminal.backend().to_string().contains("ann @ solo"));
//! ```

pub(crate) mod cast;
mod chart;
pub(crate) mod frame_limiter;
mod layout;
pub mod overlay;
pub mod panels;
pub mod screens;
pub mod text;
pub mod theme;
pub mod widgets;

use jiff::tz::TimeZone;
use layout::{LayoutSize, MainLayout};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::widgets::{Paragraph, Widget, Wrap};
pub use theme::Theme;

pub use self::screens::summary::summary;
pub use self::theme::markers::Markers;
use crate::app::chart::{Area, HitMap};
use crate::app::event::FrameChange;
use crate::app::overlay::screen::{ClickAction, ClickTarget};
pub use crate::app::overlay::screen::{MIN_COLUMNS, MIN_ROWS};
use crate::app::{AppState, Event};
use crate::ui::panels::{footer, header, lab, lobby, log, ticket, ticks, wallet, wire};
use crate::ui::screens::watch;
use crate::ui::theme::ascii;
use crate::ui::widgets::panel;
use crate::ui::widgets::window::Viewport;

/// Display settings that are not part of the state.
#[derive(Debug, Clone)]
pub struct Renderer {
    pub theme: Theme,
    /// Characters of the chart.
    pub markers: Markers,
    /// Time zone of all displayed times.
    pub zone: TimeZone,
}

/// Facts about the screen, or about its top overlay, that are known after drawing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FrameInfo {
    /// Text cursor, if the top overlay has an input.
    pub cursor: Option<Position>,
    /// Largest scroll offset of the top overlay, in lines.
    pub reach: usize,
    /// Visible lines of the top overlay or the wire pane, if it scrolls.
    pub visible: usize,
    /// Positions of the chart's prices.
    pub hit_map: HitMap,
    pub buttons: Vec<ClickTarget>,
}

impl FrameInfo {
    fn typed(cursor: Option<Position>, buttons: Vec<ClickTarget>) -> Self {
        Self {
            cursor,
            buttons,
            ..Self::default()
        }
    }

    fn scrolled(viewport: &Viewport, buttons: Vec<ClickTarget>) -> Self {
        Self {
            reach: viewport.reach(),
            visible: viewport.lines().len(),
            buttons,
            ..Self::default()
        }
    }

    /// Returns what differs from the last frame that `state` knows; `None` if nothing does.
    pub fn change(&self, state: &AppState) -> Option<Event> {
        let screen = &state.screen;
        let change = FrameChange {
            reach: (self.reach != screen.reach).then_some(self.reach),
            visible: (self.visible != screen.visible).then_some(self.visible),
            buttons: (self.buttons != screen.buttons).then(|| self.buttons.clone()),
            hit_map: (self.hit_map != state.chart.hit_map).then(|| self.hit_map.clone()),
        };
        (change != FrameChange::default()).then_some(Event::Rendered(change))
    }
}

fn clickable(action: ClickAction, area: Rect) -> ClickTarget {
    let area = area.into();
    ClickTarget { area, action }
}

impl From<Rect> for Area {
    fn from(Rect { x, y, width, height }: Rect) -> Self {
        Self { x, y, width, height }
    }
}

impl Renderer {
    pub fn draw(&self, state: &AppState, frame: &mut Frame<'_>) -> FrameInfo {
        let info = self.draw_to(state, frame.buffer_mut());
        if let Some(position) = info.cursor {
            frame.set_cursor_position(position);
        }
        info
    }

    /// Draws the whole screen into `buf`, without a terminal.
    pub fn draw_to(&self, state: &AppState, buf: &mut Buffer) -> FrameInfo {
        buf.set_style(buf.area, self.theme.text);
        let [area, lab_area] = lab::reserve(state, buf.area);
        if let Some(lab) = &state.lab {
            lab::draw(self, lab, lab_area, buf);
        }
        let info = match LayoutSize::for_area(area) {
            None => {
                self.draw_too_small(area, buf);
                FrameInfo::default()
            }
            Some(size) => {
                let has_round = state.lobby.shown_round(state.now).is_some();
                let mut layout = MainLayout::new(size, area, state.lobby.capabilities.news, has_round);
                let main = match state.session.settings.watch {
                    true => watch::draw(self, state, &mut layout, buf),
                    false => self.draw_game(state, &mut layout, buf),
                };
                let overlay = overlay::draw(self, state, &layout, buf);
                match state.screen.overlays.is_empty() {
                    true => main,
                    false => FrameInfo {
                        hit_map: main.hit_map,
                        ..overlay
                    },
                }
            }
        };
        if self.markers == Markers::Ascii {
            ascii::replace(buf);
        }
        info
    }

    /// Draws the main screen of a player. Nothing can be clicked if a window covers it.
    fn draw_game(&self, state: &AppState, layout: &mut MainLayout, buf: &mut Buffer) -> FrameInfo {
        log::reserve_space(self, state, layout);
        let lobby_layout = lobby::reserve_space(state, layout);
        let wire_area = wire::reserve_space(state, layout);
        header::draw(self, state, layout, buf);
        let hit_map = chart::draw(self, state, layout, buf);
        wallet::draw(self, state, layout, buf);
        let mut buttons = ticket::draw(self, state, layout, buf);
        ticks::draw(self, state, layout, buf);
        // The title of the log is on the lower border of the pane.
        let wire_rows = wire::draw(self, state, wire_area, buf);
        if !layout.log.is_empty() {
            log::draw(self, state, layout, buf);
        }
        lobby::draw(self, state, &lobby_layout, buf);
        wire_rows.iter().for_each(|rows| rows.bar(self, wire_area, buf));
        panel::round_corners(layout.body, buf);
        buttons.extend(footer::draw(self, state, layout, buf));
        let window_rows = wire::draw_window(self, state, layout, buf);
        let visible = window_rows.or(wire_rows).map_or(0, |rows| rows.lines().len());
        let mut info = FrameInfo {
            visible,
            ..FrameInfo::default()
        };
        if window_rows.is_none() {
            (info.hit_map, info.buttons) = (hit_map, buttons);
        }
        info
    }

    /// Shows the required terminal size, as long as it fits.
    fn draw_too_small(&self, area: Rect, buf: &mut Buffer) {
        let needed = format!("{MIN_COLUMNS}x{MIN_ROWS}");
        let (columns, rows) = (area.width, area.height);
        let variants = [
            format!("AwesomeStock needs {needed}; this terminal is {columns}x{rows}"),
            format!("needs {needed}"),
            needed,
        ];
        let text = text::fit(&variants, usize::from(columns) * usize::from(rows.min(3)));
        Paragraph::new(text)
            .style(self.theme.strong)
            .wrap(Wrap { trim: true })
            .centered()
            .render(area, buf);
    }
}
