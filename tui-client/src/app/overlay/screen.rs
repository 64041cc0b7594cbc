//! Terminal size, overlay stack, and what the last frame reports: click targets and scroll range.

use serde::{Deserialize, Serialize};

use crate::app::chart::Area;
use crate::app::commands::action::{Action, MouseGesture};
use crate::app::commands::key::Key;
use crate::app::overlay::Overlay;
use crate::app::portfolio::money::UnixMillis;

/// Fewest columns in which the game is drawn.
pub const MIN_COLUMNS: u16 = 38;

/// Fewest rows in which the game is drawn.
pub const MIN_ROWS: u16 = 10;

/// Shortest time for the start screen, in milliseconds.
const SPLASH_MS: i64 = 800;

/// An area that can be clicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClickTarget {
    pub area: Area,
    #[serde(rename = "does")]
    pub action: ClickAction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClickAction {
    /// On the main screen: performs this action.
    Act(Action),
    /// In an overlay: presses this key.
    Press(Key),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Drag {
    /// Column up to which the chart has followed.
    column: u16,
    /// Prices to scroll by next.
    prices: Option<usize>,
}

/// Terminal size and overlay stack.
#[derive(Debug, Clone, Default)]
pub struct Screen {
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// Open overlays; the last one is on top.
    pub overlays: Vec<Overlay>,
    /// Highest scroll position of the top overlay, in lines.
    pub reach: usize,
    /// Visible lines of the top overlay or the wire pane; 0 if unknown.
    pub visible: usize,
    /// Click targets of the last frame.
    pub buttons: Vec<ClickTarget>,
    drag: Option<Drag>,
}

impl Screen {
    pub(crate) fn new(size: (u16, u16)) -> Self {
        Self {
            size,
            ..Self::default()
        }
    }

    /// Returns true if the game is not drawn for lack of room.
    pub(crate) fn is_too_small(&self) -> bool {
        let (columns, rows) = self.size;
        let is_known = columns > 0;
        is_known && (columns < MIN_COLUMNS || rows < MIN_ROWS)
    }

    /// Returns the action of a click on a cell.
    pub fn clicked(&self, column: u16, row: u16) -> Option<ClickAction> {
        let mut buttons = self.buttons.iter();
        let button = buttons.find(|button| button.area.contains(column, row))?;
        Some(button.action)
    }

    pub(crate) fn begin_drag(&mut self, column: u16) {
        self.drag = Some(Drag { column, prices: None });
    }

    pub(crate) fn end_drag(&mut self) {
        self.drag = None;
    }

    /// Moves a drag to `column`, where `visible` prices take `columns` columns. Returns the scroll direction once it
    /// amounts to a price.
    pub(crate) fn drag(&mut self, column: u16, visible: usize, columns: u16) -> Option<MouseGesture> {
        let drag = self.drag.as_mut()?;
        let moved = usize::from(drag.column.abs_diff(column));
        let prices = moved.saturating_mul(visible).checked_div(usize::from(columns))?;
        if prices == 0 {
            return None;
        }
        let to_the_right = column > drag.column;
        *drag = Drag {
            column,
            prices: Some(prices),
        };
        Some(if to_the_right {
            MouseGesture::DragRight
        } else {
            MouseGesture::DragLeft
        })
    }

    /// Takes the number of prices to scroll by; `None` if no drag caused the scrolling.
    pub(crate) fn take_drag(&mut self) -> Option<usize> {
        self.drag.as_mut()?.prices.take()
    }

    pub(crate) fn begin(&mut self, now: UnixMillis) {
        let until = now.plus_ms(SPLASH_MS);
        self.overlays.push(Overlay::Splash { until });
    }

    pub(crate) fn splash_until(&self) -> Option<UnixMillis> {
        match self.overlays.first() {
            Some(Overlay::Splash { until }) => Some(*until),
            _ => None,
        }
    }

    /// Closes the start screen once its time has passed and a price is known.
    pub(crate) fn end_splash(&mut self, now: UnixMillis, has_price: bool) {
        if has_price && self.splash_until().is_some_and(|until| now >= until) {
            self.overlays.remove(0);
        }
    }

    /// Returns the lines to scroll by for a page: all that are visible but one.
    pub fn page(&self) -> usize {
        page(self.visible, self.size)
    }
}

/// Returns the lines to scroll by for a page of `visible` lines. If they are unknown, half of the screen.
pub(crate) fn page(visible: usize, size: (u16, u16)) -> usize {
    let lines = match visible {
        0 => usize::from(size.1.saturating_div(2)),
        visible => visible.saturating_sub(1),
    };
    lines.max(1)
}
