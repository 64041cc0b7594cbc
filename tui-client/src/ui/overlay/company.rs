//! The others at the table, whatever the size of the screen: who owns most, who is here, what they trade.
//!
//! Owns the order of the three lists; their lines are those of the panels.
//!
//! ```text
//! ╭ The others ───────────────────────╮
//! │ LEADERBOARD                       │
//! │  1  bob                     1,204 │
//! │                                   │
//! │ HERE                              │
//! │ ann (you)                         │
//! │                                   │
//! │ TAPE                              │
//! │ 14:03:22  bob    BUY    2 at   37 │
//! ╰ Esc closes  arrows scroll ────────╯
//! ```

use ratatui::{buffer::Buffer, text::Line};

use super::{Window, scroll_hints, scrolled, text_columns};
use crate::{
    app::{AppState, overlay::Scroll},
    ui::{Top, View, company, layout::Desk, panel},
};

/// Most columns of a line.
const MAX_COLUMNS: usize = 52;

/// Draws the others.
pub(super) fn draw(view: &View, state: &AppState, scroll: Scroll, desk: &Desk, buf: &mut Buffer) -> Top {
    let columns = text_columns(desk, MAX_COLUMNS);
    let heading = |words: &'static str| panel::styled(words, view.theme.title);
    let mut lines = vec![heading("LEADERBOARD")];
    lines.extend(company::board_lines(view, state, columns));
    lines.extend([Line::default(), heading("HERE")]);
    lines.extend(company::players_lines(view, state, columns));
    lines.extend([Line::default(), heading("TAPE")]);
    lines.extend(company::tape_lines(view, state, columns));
    let window = Window {
        title: "The others",
        hints: &scroll_hints(),
        wanted: (columns, lines.len()),
    };
    scrolled(view, &window, lines, scroll, desk, buf)
}
