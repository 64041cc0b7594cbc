//! Where each panel lies, for each size of terminal.
//!
//! Owns the rectangles and the sizes at which the desk changes shape. It knows nothing of what is in a panel.
//!
//! ```text
//! small, from 38x10        medium, from 76x18              large, from 108x32
//! header                   header                          header, big price
//! chart as a sparkline     +- chart -----+- wallet -+      +- chart ------------+- wallet -+
//! wallet                   |             |          |      |                    +- order --+
//! order                    |             +- order --+      |                    |          |
//! log                      +- log -------+----------+      +- log --------------+- ticks --+
//! footer                   footer                          footer
//! ```
//!
//! Neighbours with borders share the line between them: their rectangles overlap by one cell.

use ratatui::layout::Rect;

/// Fewest columns the desk is drawn in.
pub const MIN_COLUMNS: u16 = 38;

/// Fewest rows the desk is drawn in.
pub const MIN_ROWS: u16 = 10;

/// Most rows of the log in the small shape: the rest is the chart's.
const MAX_SMALL_LOG_ROWS: u16 = 12;

/// The shapes of the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Size {
    /// Lines without borders.
    Small,
    /// Panels side by side.
    Medium,
    /// Panels with room for a big price and the list of ticks.
    Large,
    /// The same, with air.
    Huge,
}

impl Size {
    /// The shape for `area`; `None` where the desk does not fit.
    pub(super) fn of(area: Rect) -> Option<Self> {
        let fits = |columns, rows| area.width >= columns && area.height >= rows;
        [
            (Self::Huge, 160, 48),
            (Self::Large, 108, 32),
            (Self::Medium, 76, 18),
            (Self::Small, MIN_COLUMNS, MIN_ROWS),
        ]
        .into_iter()
        .find(|(_, columns, rows)| fits(*columns, *rows))
        .map(|(size, ..)| size)
    }
}

/// The desk, laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Desk {
    /// Its shape.
    pub(super) size: Size,
    /// All of it.
    pub(super) area: Rect,
    /// Name, price, player, connection.
    pub(super) header: Rect,
    /// The price over time.
    pub(super) chart: Rect,
    /// What the player owns.
    pub(super) wallet: Rect,
    /// The next order.
    pub(super) order: Rect,
    /// The newest moves of the price; empty where there is no room.
    pub(super) ticks: Rect,
    /// What was done.
    pub(super) log: Rect,
    /// The keys.
    pub(super) footer: Rect,
}

impl Desk {
    /// The desk of shape `size` in `area`.
    pub(super) fn of(size: Size, area: Rect) -> Self {
        match size {
            Size::Small => Self::small(area),
            Size::Medium => Self::medium(area),
            Size::Large => Self::large(area, size, 44, 10),
            Size::Huge => Self::large(area, size, 52, 16),
        }
    }

    /// What lies between header and footer.
    pub(super) fn framed(&self) -> Rect {
        let gone = self.header.height.saturating_add(self.footer.height);
        Rect {
            y: self.header.bottom(),
            height: self.area.height.saturating_sub(gone),
            ..self.area
        }
    }

    fn small(area: Rect) -> Self {
        let mut stack = Stack(area);
        let header = stack.top(2);
        let footer = stack.bottom(1);
        let spare = stack.0.height.saturating_sub(7);
        let log = stack.bottom((spare / 2).saturating_add(1).min(MAX_SMALL_LOG_ROWS));
        let order = stack.bottom(2);
        let wallet = stack.bottom(2);
        Self {
            size: Size::Small,
            area,
            header,
            chart: stack.0,
            wallet,
            order,
            ticks: Rect::ZERO,
            log,
            footer,
        }
    }

    fn medium(area: Rect) -> Self {
        let mut stack = Stack(area);
        let header = stack.top(1);
        let footer = stack.bottom(1);
        let spare = stack.0.height.saturating_sub(16);
        let log = stack.bottom_sharing((spare / 2).saturating_add(4));
        let mut side = stack.right_sharing(area.width.saturating_mul(2) / 5);
        let order = side.bottom_sharing(7);
        Self {
            size: Size::Medium,
            area,
            header,
            chart: stack.0,
            wallet: side.0,
            order,
            ticks: Rect::ZERO,
            log,
            footer,
        }
    }

    fn large(area: Rect, size: Size, side_columns: u16, log_rows: u16) -> Self {
        let air = u16::from(size == Size::Huge);
        let mut stack = Stack(area);
        let header = stack.top(air.saturating_mul(2).saturating_add(3));
        let footer = stack.bottom(1);
        let mut side = stack.right_sharing(side_columns);
        let wallet = side.top_sharing(air.saturating_mul(3).saturating_add(12));
        let order = side.top_sharing(air.saturating_add(8));
        let log = stack.bottom_sharing(log_rows);
        Self {
            size,
            area,
            header,
            chart: stack.0,
            wallet,
            order,
            ticks: side.0,
            log,
            footer,
        }
    }
}

/// An area that pieces are cut off from.
struct Stack(Rect);

impl Stack {
    fn top(&mut self, rows: u16) -> Rect {
        let rows = rows.min(self.0.height);
        let piece = Rect {
            height: rows,
            ..self.0
        };
        self.0.y = self.0.y.saturating_add(rows);
        self.0.height = self.0.height.saturating_sub(rows);
        piece
    }

    fn bottom(&mut self, rows: u16) -> Rect {
        let rows = rows.min(self.0.height);
        self.0.height = self.0.height.saturating_sub(rows);
        Rect {
            y: self.0.bottom(),
            height: rows,
            ..self.0
        }
    }

    /// Cuts a piece off whose last row stays the first row of the rest.
    fn top_sharing(&mut self, rows: u16) -> Rect {
        let piece = self.top(rows);
        self.0.y = self.0.y.saturating_sub(1);
        self.0.height = self.0.height.saturating_add(1);
        piece
    }

    /// Cuts a piece off whose first row stays the last row of the rest.
    fn bottom_sharing(&mut self, rows: u16) -> Rect {
        let piece = self.bottom(rows);
        self.0.height = self.0.height.saturating_add(1);
        piece
    }

    /// Cuts a piece off whose first column stays the last column of the rest.
    fn right_sharing(&mut self, columns: u16) -> Self {
        let columns = columns.min(self.0.width);
        self.0.width = self.0.width.saturating_sub(columns);
        let piece = Rect {
            x: self.0.right(),
            width: columns,
            ..self.0
        };
        self.0.width = self
            .0
            .width
            .saturating_add(1)
            .min(piece.right().saturating_sub(self.0.x));
        Self(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_follows_the_size() {
        let cases = [
            (37, 10, None),
            (38, 9, None),
            (40, 12, Some(Size::Small)),
            (200, 17, Some(Size::Small)),
            (75, 60, Some(Size::Small)),
            (80, 24, Some(Size::Medium)),
            (120, 36, Some(Size::Large)),
            (200, 60, Some(Size::Huge)),
        ];
        for (columns, rows, size) in cases {
            assert_eq!(Size::of(Rect::new(0, 0, columns, rows)), size, "{columns}x{rows}");
        }
    }

    #[test]
    fn panels_lie_inside_and_only_share_lines() {
        for (columns, rows) in
            (MIN_COLUMNS..230).flat_map(|columns| (MIN_ROWS..80).map(move |rows| (columns, rows)))
        {
            let area = Rect::new(3, 2, columns, rows);
            let Some(size) = Size::of(area) else {
                continue;
            };
            let desk = Desk::of(size, area);
            let panels = [
                desk.header,
                desk.chart,
                desk.wallet,
                desk.order,
                desk.ticks,
                desk.log,
                desk.footer,
            ];
            for (index, panel) in panels.iter().enumerate() {
                assert_eq!(
                    panel.intersection(area).area(),
                    panel.area(),
                    "{columns}x{rows}: {panel:?}"
                );
                for other in panels.iter().skip(index + 1) {
                    let shared = panel.intersection(*other);
                    assert!(
                        shared.width.min(shared.height) <= 1,
                        "{columns}x{rows}: {panel:?} {other:?}"
                    );
                }
            }
            let needed = [
                desk.header,
                desk.chart,
                desk.wallet,
                desk.order,
                desk.log,
                desk.footer,
            ];
            assert!(
                needed.iter().all(|panel| !panel.is_empty()),
                "{columns}x{rows}: {desk:?}"
            );
        }
    }
}
