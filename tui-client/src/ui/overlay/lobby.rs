//! Leaderboard, online players and tape in one window, for all screen sizes.
//!
//! ```text
//! ╭ Lobby (you: 2 of 14) ─────────────╮
//! │ LEADERBOARD                       │
//! │  1  bob             +1,204 +8.1 % │
//! │                                   │
//! │ ONLINE                            │
//! │ ann (you)                         │
//! │                                   │
//! │ TAPE                              │
//! │ 14:03:22  bob    BUY    2 at   37 │
//! ╰ Esc closes  arrows scroll ────────╯
//! ```

use ratatui::text::Line;

use crate::app::AppState;
use crate::ui::Renderer;
use crate::ui::layout::MainLayout;
use crate::ui::panels::lobby;
use crate::ui::widgets::panel;
use crate::ui::widgets::window::{Popup, TextWindow, scroll_hints, text_columns};

const MAX_COLUMNS: usize = 52;

pub(crate) fn window(view: &Renderer, state: &AppState, layout: &MainLayout) -> TextWindow {
    let columns = text_columns(layout, MAX_COLUMNS);
    let heading = |text: &'static str| panel::styled(text, view.theme.title);
    let mut lines = vec![heading("LEADERBOARD")];
    lines.extend(lobby::leaderboard_lines(view, state, columns, usize::MAX));
    lines.extend([Line::default(), heading("ONLINE")]);
    lines.extend(lobby::players_lines(view, state, columns));
    lines.extend([Line::default(), heading("TAPE")]);
    lines.extend(lobby::tape_lines(view, state, columns));
    let room = columns.saturating_sub("Lobby ()".len());
    let rank = lobby::own_rank(state, room).map(|rank| format!(" ({rank})"));
    let title = format!("Lobby{}", rank.unwrap_or_default());
    let popup = Popup::new(title, scroll_hints(), columns);
    TextWindow { popup, lines }
}
