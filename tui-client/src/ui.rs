//! How the game looks: it draws the state and changes nothing.

use ratatui::Frame;

use crate::app::AppState;

/// Draws the whole screen.
pub fn draw(state: &AppState, frame: &mut Frame<'_>) {
    let _ = (state, frame);
}
