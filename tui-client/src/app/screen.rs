//! What the player has before them: the size of the terminal, and what lies over the desk.
//!
//! Owns what only who draws can tell of the last frame, because a key or a click is meant for what its player saw.

use super::overlay::Overlay;

/// What the player has before them.
#[derive(Debug, Clone)]
pub struct Screen {
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// What lies over the desk; the last one is on top.
    pub overlays: Vec<Overlay>,
    /// Lines by which what lies on top can be scrolled down; only who draws it knows how it is wrapped.
    pub reach: usize,
}

impl Screen {
    /// An empty one of this size.
    #[must_use]
    pub fn new(size: (u16, u16)) -> Self {
        Self {
            size,
            overlays: Vec::new(),
            reach: 0,
        }
    }

    /// Lines by which a page goes on.
    #[must_use]
    pub fn page(&self) -> usize {
        usize::from(self.size.1.saturating_div(2).max(1))
    }
}
