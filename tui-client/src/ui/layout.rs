//! Panel areas for each terminal size.
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
//! Below the header, the newest headline and the round have a line each, if there are any.
//!
//! Adjacent bordered panels share a line: their areas overlap by one cell.

use ratatui::layout::Constraint::{Fill, Length};
use ratatui::layout::{Layout, Rect};

use crate::app::overlay::screen::{MIN_COLUMNS, MIN_ROWS};
use crate::app::wire::MIN_PANE_SCREEN;

/// Most rows of the log in the small layout.
const MAX_SMALL_LOG_ROWS: u16 = 12;

/// Columns for a whole headline and its margins.
const NEWS_COLUMNS: u16 = 64;

/// Spacing of bordered panels: they share a line.
const SHARED_BORDER: i32 = -1;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LayoutSize {
    /// Without borders.
    Small,
    /// Panels side by side.
    Medium,
    /// With a big price and the tick list.
    Large,
    /// Large, with extra spacing.
    Huge,
}

impl LayoutSize {
    /// Returns `None` if `area` is too small.
    pub(super) fn for_area(area: Rect) -> Option<Self> {
        match (area.width, area.height) {
            (160.., 48..) => Some(Self::Huge),
            (108.., 32..) => Some(Self::Large),
            (columns, rows) if columns >= MIN_PANE_SCREEN.0 && rows >= MIN_PANE_SCREEN.1 => {
                Some(Self::Medium)
            }
            (MIN_COLUMNS.., MIN_ROWS..) => Some(Self::Small),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MainLayout {
    pub(super) size: LayoutSize,
    pub(super) area: Rect,
    pub(super) header: Rect,
    /// Empty on a market without headlines.
    pub(super) news: Rect,
    /// Empty without a round.
    pub(super) round: Rect,
    /// All panels between header and footer.
    pub(super) body: Rect,
    pub(super) chart: Rect,
    pub(super) wallet: Rect,
    pub(super) ticket: Rect,
    /// Empty where there is no room.
    pub(super) ticks: Rect,
    pub(super) log: Rect,
    pub(super) footer: Rect,
}

impl MainLayout {
    pub(super) fn new(size: LayoutSize, area: Rect, has_news: bool, has_round: bool) -> Self {
        let header_rows = match size {
            LayoutSize::Small => 2,
            LayoutSize::Medium => 1,
            LayoutSize::Large => 3,
            LayoutSize::Huge => 5,
        };
        let news_rows = match size {
            LayoutSize::Small if area.width < NEWS_COLUMNS && area.height >= 12 => 2,
            _ => 1,
        };
        // On a small screen, there is room for one of them.
        let has_news = has_news && !(has_round && size == LayoutSize::Small);
        let news_rows = if has_news { news_rows } else { 0 };
        let rows = [
            Length(header_rows),
            Length(news_rows),
            Length(u16::from(has_round)),
            Fill(1),
            Length(1),
        ];
        let [header, news, round, body, footer] = area.layout(&Layout::vertical(rows));
        let [chart, wallet, ticket, ticks, log] = match size {
            LayoutSize::Small => small(body),
            LayoutSize::Medium => medium(body),
            LayoutSize::Large => large(body, 44, [12, 8], 10),
            LayoutSize::Huge => large(body, 52, [15, 9], 16),
        };
        Self {
            size,
            area,
            header,
            news,
            round,
            body,
            chart,
            wallet,
            ticket,
            ticks,
            log,
            footer,
        }
    }

    /// Extends the chart by rows of the headline and the round above it.
    pub(super) fn extend_chart_up(&mut self, rows: u16) {
        let mut left = rows;
        for strip in [&mut self.round, &mut self.news] {
            let taken = left.min(strip.height);
            strip.height -= taken;
            left -= taken;
        }
        let taken = rows - left;
        for area in [&mut self.chart, &mut self.body] {
            area.y -= taken;
            area.height += taken;
        }
    }
}

/// Returns the areas of chart, wallet, ticket, ticks and log.
fn small(body: Rect) -> [Rect; 5] {
    let log_rows = (body.height.saturating_sub(7) / 2 + 1).min(MAX_SMALL_LOG_ROWS);
    let rows = Layout::vertical([Fill(1), Length(2), Length(2), Length(log_rows)]);
    let [chart, wallet, ticket, log] = body.layout(&rows);
    [chart, wallet, ticket, Rect::ZERO, log]
}

fn medium(body: Rect) -> [Rect; 5] {
    let log_rows = body.height.saturating_sub(16) / 2 + 4;
    let [upper, log] = split_rows(body, log_rows);
    let [chart, side] = split_columns(upper, body.width.saturating_mul(2) / 5);
    let [wallet, ticket] = split_rows(side, 7);
    [chart, wallet, ticket, Rect::ZERO, log]
}

fn large(body: Rect, side_columns: u16, side_rows: [u16; 2], log_rows: u16) -> [Rect; 5] {
    let [wallet, ticket] = side_rows;
    let [main, side] = split_columns(body, side_columns);
    let panels = Layout::vertical([Length(wallet), Length(ticket), Fill(1)]).spacing(SHARED_BORDER);
    let [wallet, ticket, ticks] = side.layout(&panels);
    let [chart, log] = split_rows(main, log_rows);
    [chart, wallet, ticket, ticks, log]
}

/// Cuts off `rows` at the bottom; both parts share a line.
pub(super) fn split_rows(area: Rect, rows: u16) -> [Rect; 2] {
    area.layout(&Layout::vertical([Fill(1), Length(rows)]).spacing(SHARED_BORDER))
}

/// Cuts off `columns` on the right; both parts share a line.
pub(super) fn split_columns(area: Rect, columns: u16) -> [Rect; 2] {
    area.layout(&Layout::horizontal([Fill(1), Length(columns)]).spacing(SHARED_BORDER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_depends_on_the_terminal_size() {
        let cases = [
            (37, 10, None),
            (38, 9, None),
            (40, 12, Some(LayoutSize::Small)),
            (200, 17, Some(LayoutSize::Small)),
            (75, 60, Some(LayoutSize::Small)),
            (80, 24, Some(LayoutSize::Medium)),
            (120, 36, Some(LayoutSize::Large)),
            (200, 60, Some(LayoutSize::Huge)),
        ];
        for (columns, rows, size) in cases {
            assert_eq!(
                LayoutSize::for_area(Rect::new(0, 0, columns, rows)),
                size,
                "{columns}x{rows}"
            );
        }
    }

    #[test]
    fn panels_are_inside_the_screen_and_share_only_borders() {
        for (columns, rows) in
            (MIN_COLUMNS..230).flat_map(|columns| (MIN_ROWS..80).map(move |rows| (columns, rows)))
        {
            let area = Rect::new(3, 2, columns, rows);
            let Some(size) = LayoutSize::for_area(area) else {
                continue;
            };
            let layout = MainLayout::new(size, area, columns % 2 == 0, columns % 3 == 0);
            let panels = [
                layout.header,
                layout.news,
                layout.round,
                layout.chart,
                layout.wallet,
                layout.ticket,
                layout.ticks,
                layout.log,
                layout.footer,
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
                layout.header,
                layout.chart,
                layout.wallet,
                layout.ticket,
                layout.log,
                layout.footer,
            ];
            assert!(
                needed.iter().all(|panel| !panel.is_empty()),
                "{columns}x{rows}: {layout:?}"
            );
        }
    }
}
