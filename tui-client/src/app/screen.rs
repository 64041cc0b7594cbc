//! What the player has before them: the size of the terminal, and what lies over the desk.
//!
//! Owns what only who draws can tell of the last frame, because a key or a click is meant for what its player saw.

use serde::{Deserialize, Serialize};

use super::{
    action::{Action, Gesture},
    chart::Area,
    key::Key,
    money::UnixMs,
    overlay::Overlay,
};

/// How long the start screen is shown at least, in milliseconds, unless a key is pressed: long enough to be seen, and the
/// first price stands on the screen within a second.
const SPLASH_MS: i64 = 800;

/// A place on the screen that can be clicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// Where it is.
    pub area: Area,
    /// What it does.
    pub does: Does,
}

/// What a click does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Does {
    /// On the desk: the same as the keys of this action.
    Act(Action),
    /// In what lies over the desk: the same as this key there.
    Press(Key),
}

/// The hand that pulls the chart through time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Grab {
    /// The column in which the chart has followed it so far.
    column: u16,
    /// Prices by which the chart is to follow it now.
    prices: Option<usize>,
}

/// What the player has before them.
#[derive(Debug, Clone)]
pub struct Screen {
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// What lies over the desk; the last one is on top.
    pub overlays: Vec<Overlay>,
    /// Lines by which what lies on top can be scrolled down; only who draws it knows how it is wrapped.
    pub reach: usize,
    /// What can be clicked.
    pub buttons: Vec<Button>,
    grab: Option<Grab>,
}

impl Screen {
    /// An empty one of this size.
    #[must_use]
    pub fn new(size: (u16, u16)) -> Self {
        Self {
            size,
            overlays: Vec::new(),
            reach: 0,
            buttons: Vec::new(),
            grab: None,
        }
    }

    /// What a click on a cell does.
    #[must_use]
    pub fn clicked(&self, column: u16, row: u16) -> Option<Does> {
        let button = self
            .buttons
            .iter()
            .find(|button| button.area.contains(column, row));
        button.map(|button| button.does)
    }

    /// The mouse takes hold of the chart.
    pub(super) fn take_hold(&mut self, column: u16) {
        self.grab = Some(Grab { column, prices: None });
    }

    /// The mouse lets the chart go.
    pub(super) fn let_go(&mut self) {
        self.grab = None;
    }

    /// The mouse, holding the chart, is over another column. `in_sight` prices stand in `columns` columns. Gives back
    /// which way the chart follows, once it is by one price at least.
    pub(super) fn pull(&mut self, column: u16, in_sight: usize, columns: u16) -> Option<Gesture> {
        let grab = self.grab.as_mut()?;
        let moved = usize::from(grab.column.abs_diff(column));
        let prices = moved.saturating_mul(in_sight).checked_div(usize::from(columns))?;
        if prices == 0 {
            return None;
        }
        let to_the_right = column > grab.column;
        *grab = Grab {
            column,
            prices: Some(prices),
        };
        Some(if to_the_right {
            Gesture::DragRight
        } else {
            Gesture::DragLeft
        })
    }

    /// Prices by which the chart is to follow the mouse, once; `None`: it is not the mouse that moves it.
    pub(super) fn pulled(&mut self) -> Option<usize> {
        self.grab.as_mut()?.prices.take()
    }

    /// Shows the start screen.
    pub(super) fn begin(&mut self, now: UnixMs) {
        let until = now.plus_ms(SPLASH_MS);
        self.overlays.push(Overlay::Splash { until });
    }

    /// Until when the start screen is shown at least.
    pub(super) fn splash_until(&self) -> Option<UnixMs> {
        match self.overlays.first() {
            Some(Overlay::Splash { until }) => Some(*until),
            _ => None,
        }
    }

    /// Takes the start screen away, where it has been there for long enough and there is a price to show.
    pub(super) fn end_splash(&mut self, now: UnixMs, has_price: bool) {
        if has_price && self.splash_until().is_some_and(|until| now >= until) {
            self.overlays.remove(0);
        }
    }

    /// Lines by which a page goes on.
    #[must_use]
    pub fn page(&self) -> usize {
        usize::from(self.size.1.saturating_div(2).max(1))
    }
}
