//! How the game looks: it draws the state and changes nothing.
//!
//! Owns layout, words on the screen, number formats and colours. It decides nothing about the game and knows no
//! terminal, stream or clock: what it shows comes from [`AppState`], the time of day from a zone it is given.
//!
//! ```text
//! header    name, price, move         player @ table, connection
//! chart                                               | wallet
//!                                                     | order
//! log                                                 | ticks
//! footer    keys
//! ```

mod ascii;
mod big;
mod chart;
mod company;
mod footer;
pub mod format;
mod header;
mod layout;
mod log;
mod markers;
mod order;
mod overlay;
mod panel;
mod replay;
mod status;
mod summary;
pub mod text;
pub mod theme;
mod ticks;
mod toast;
mod wallet;

use jiff::tz::TimeZone;
use ratatui::{
    Frame,
    buffer::Buffer,
    layout::{Alignment, Position, Rect},
    style::Style,
    widgets::{Paragraph, Widget, Wrap},
};

use crate::app::{
    AppState,
    action::Action,
    chart::{Area, Sight},
    key::Key,
    screen::{Button, Does},
};
use layout::{Desk, Size};
pub use layout::{MIN_COLUMNS, MIN_ROWS};
pub use markers::{Markers, UnknownMarkers};
pub use summary::summary;
pub use theme::{Theme, UnknownTheme};

/// What the view needs to know besides the state.
#[derive(Debug, Clone)]
pub struct View {
    /// The looks.
    pub theme: Theme,
    /// What the chart is painted with.
    pub markers: Markers,
    /// Where the player's clock is: times of day are shown in this zone.
    pub zone: TimeZone,
}

/// What only drawing tells of the whole screen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// Lines by which what lies on top can be scrolled down.
    pub reach: usize,
    /// Where the prices of the chart stand.
    pub sight: Sight,
    /// What can be clicked.
    pub buttons: Vec<Button>,
}

/// What only drawing tells of what lies on top.
#[derive(Debug, Clone, Default)]
struct Top {
    /// Where the cursor is, while something is being typed.
    cursor: Option<Position>,
    /// Lines by which it can be scrolled down.
    reach: usize,
    /// What can be clicked.
    buttons: Vec<Button>,
}

impl Top {
    /// Something that is typed into, and not scrolled.
    fn typed(cursor: Option<Position>, buttons: Vec<Button>) -> Self {
        Self {
            cursor,
            reach: 0,
            buttons,
        }
    }

    /// Something that is scrolled, and not typed into.
    fn scrolled(reach: usize, buttons: Vec<Button>) -> Self {
        Self {
            cursor: None,
            reach,
            buttons,
        }
    }
}

/// A button for `action` in `area`.
fn button(action: Action, area: Rect) -> Button {
    clickable(Does::Act(action), area)
}

/// A button in `area` that presses `key`.
fn key_button(key: Key, area: Rect) -> Button {
    clickable(Does::Press(key), area)
}

fn clickable(does: Does, area: Rect) -> Button {
    let Rect { x, y, width, height } = area;
    let area = Area { x, y, width, height };
    Button { area, does }
}

impl View {
    /// Draws the whole screen; gives back what only drawing tells.
    pub fn draw(&self, state: &AppState, frame: &mut Frame<'_>) -> Seen {
        let (top, seen) = self.draw_into(state, frame.area(), frame.buffer_mut());
        if let Some(position) = top.cursor {
            frame.set_cursor_position(position);
        }
        if self.markers == Markers::Ascii {
            ascii::replace(frame.buffer_mut());
        }
        seen
    }

    /// Draws the whole screen into `buf`.
    fn draw_into(&self, state: &AppState, area: Rect, buf: &mut Buffer) -> (Top, Seen) {
        let area = area.intersection(buf.area);
        buf.set_style(area, self.theme.text);
        let Some(size) = Size::of(area) else {
            self.draw_too_small(area, buf);
            return Default::default();
        };
        let (desk, places) = company::make_room(state, Desk::of(size, area));
        header::draw(self, state, &desk, buf);
        let sight = chart::draw(self, state, &desk, buf);
        wallet::draw(self, state, &desk, buf);
        let mut buttons = order::draw(self, state, &desk, buf);
        ticks::draw(self, state, &desk, buf);
        log::draw(self, state, &desk, buf);
        company::draw(self, state, &places, buf);
        panel::round_corners(desk.framed(), buf);
        buttons.extend(footer::draw(self, state, &desk, buf));
        toast::draw(self, state, &desk, buf);
        let top = overlay::draw(self, state, &desk, buf);
        let is_covered = !state.screen.overlays.is_empty();
        let seen = Seen {
            reach: top.reach,
            sight,
            buttons: if is_covered { top.buttons.clone() } else { buttons },
        };
        (top, seen)
    }

    /// Says how much room the game needs, in as much as fits.
    fn draw_too_small(&self, area: Rect, buf: &mut Buffer) {
        let words = text::fit(
            &[
                &format!(
                    "AwesomeStock needs {}x{}; this terminal is {}x{}",
                    MIN_COLUMNS, MIN_ROWS, area.width, area.height
                ),
                &format!("needs {MIN_COLUMNS}x{MIN_ROWS}"),
                &format!("{MIN_COLUMNS}x{MIN_ROWS}"),
            ],
            usize::from(area.width).saturating_mul(usize::from(area.height.min(3))),
        )
        .into_owned();
        Paragraph::new(words)
            .style(Style::new().patch(self.theme.strong))
            .wrap(Wrap { trim: true })
            .alignment(Alignment::Center)
            .render(area, buf);
    }
}
