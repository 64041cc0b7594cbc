//! What lies over the desk, drawn from the bottom of the stack to its top.
//!
//! Owns the window all overlays stand in, scrolling and the stack's look: the desk recedes under a window. What is in
//! an overlay, the state says; what its keys do, the reducer.
//!
//! ```text
//! ╭ Title ──────────────────────╮
//! │ …                           ┃
//! │ …                           │
//! ╰ Esc closes ───── 3–5 of 20 ─╯
//! ```

mod amount;
mod company;
mod confirm;
mod help;
mod hint;
mod palette;
mod payments;
mod splash;
mod statement;
mod trades;

use ratatui::{
    buffer::Buffer,
    layout::{Alignment, Margin, Rect},
    style::{Color, Modifier},
    text::Line,
    widgets::{Block, BorderType, Clear, Widget},
};

use super::{
    Top, View,
    layout::{Desk, Size},
    panel, text,
};
use crate::app::{
    AppState,
    key::Key,
    overlay::{Fetched, Overlay, Scroll, Sheet},
    screen::Button,
};
use hint::{CLOSES, Hint, Hints};

/// What one can do in a window that scrolls.
fn scroll_hints() -> Vec<Hints> {
    let scroll = Hint::words("arrows scroll");
    vec![[CLOSES, scroll].into(), [CLOSES].into()]
}

/// What one can do with a sheet, from the wordiest wording on.
fn sheet_hints<T>(sheet: &Sheet<T>) -> Vec<Hints> {
    let search = &sheet.search;
    let words = text::harmless(search.words());
    let looked_for = |after: &str| Hint::words(format!("/{words}{after}"));
    match (search.is_typing(), search.found()) {
        (true, _) => vec![
            [looked_for("█"), Hint::new("Enter finds", Key::ENTER)].into(),
            [looked_for("█")].into(),
        ],
        (false, Some(_)) => vec![
            [
                looked_for(":"),
                Hint::new("n the next", Key::char('n')),
                Hint::new("N the one before", Key::char('N')),
            ]
            .into(),
            [looked_for("")].into(),
        ],
        (false, None) if !search.words().is_empty() => vec![[looked_for(": not found")].into()],
        (false, None) => [
            ["Esc closes", "/ finds", "y copies", "e CSV", "E text"],
            ["Esc", "/ finds", "y copies", "e CSV", "E text"],
            ["Esc", "/ find", "y copy", "e CSV", "E text"],
            ["Esc", "/", "y", "e", "E"],
        ]
        .map(|[closes, finds, copies, csv, text]| {
            Hints::from([
                Hint::new(closes, Key::ESC),
                Hint::new(finds, Key::char('/')),
                Hint::new(copies, Key::char('y')),
                Hint::new(csv, Key::char('e')),
                Hint::new(text, Key::char('E')),
            ])
        })
        .into(),
    }
}

/// Rows of the desk that stay in sight above and below a window, where there is room; columns four times as many.
const MARGIN: u16 = 1;

/// Draws all overlays; gives back what there is to know of the top one.
pub(super) fn draw(view: &View, state: &AppState, desk: &Desk, buf: &mut Buffer) -> Top {
    let mut top = Top::default();
    for overlay in &state.screen.overlays {
        if !matches!(overlay, Overlay::Palette(_) | Overlay::Splash { .. }) {
            recede(view, desk.area, buf);
        }
        top = match overlay {
            Overlay::Splash { .. } => splash::draw(view, state, desk, buf),
            Overlay::Help { scroll } => help::draw(view, state, *scroll, desk, buf),
            Overlay::Company { scroll } => company::draw(view, state, *scroll, desk, buf),
            Overlay::Payments(sheet) => payments::draw(view, sheet, desk, buf),
            Overlay::Trades(sheet) => trades::draw(view, sheet, desk, buf),
            Overlay::Statement(sheet) => statement::draw(view, sheet, desk, buf),
            Overlay::Palette(palette) => palette::draw(view, state, palette, desk, buf),
            Overlay::Confirm(asked) => confirm::draw(view, asked, desk, buf),
            Overlay::Amount(entry) => amount::draw(view, state, entry, desk, buf),
        };
    }
    top
}

/// Dims what has been drawn, blocks of colour too: they would outshine the window.
fn recede(view: &View, area: Rect, buf: &mut Buffer) {
    let ground = view.theme.text.bg.unwrap_or(Color::Reset);
    let letters = view.theme.text.fg.unwrap_or(Color::Reset);
    for position in area.positions() {
        let Some(cell) = buf.cell_mut(position) else {
            continue;
        };
        if cell.bg != ground {
            cell.set_fg(letters).set_bg(ground);
        }
        cell.modifier.remove(Modifier::REVERSED);
        cell.set_style(view.theme.under);
    }
}

/// A window in the middle of the desk.
struct Window<'a> {
    title: &'a str,
    /// Which keys do what here, from the wordiest wording on.
    hints: &'a [Hints],
    /// Room wanted inside, columns and rows.
    wanted: (usize, usize),
}

/// A window's places on the screen.
struct Placed {
    outer: Rect,
    inner: Rect,
}

impl Window<'_> {
    /// Where the window goes: in the middle, as large as wanted and possible.
    fn place(&self, desk: &Desk) -> Placed {
        let margin = if desk.size == Size::Small { 0 } else { MARGIN };
        let room = desk.area.inner(Margin::new(margin.saturating_mul(4), margin));
        let (columns, rows) = self.wanted;
        let most = |wanted: usize, border: u16, room: u16| {
            u16::try_from(wanted)
                .unwrap_or(u16::MAX)
                .saturating_add(border)
                .min(room)
        };
        let (width, height) = (most(columns, 4, room.width), most(rows, 2, room.height));
        let outer = Rect {
            x: room.x.saturating_add(room.width.saturating_sub(width) / 2),
            y: room.y.saturating_add(room.height.saturating_sub(height) / 2),
            width,
            height,
        };
        let inner = outer.inner(Margin::new(2, 1));
        Placed { outer, inner }
    }

    /// Draws the window, empty; gives back where its hints can be clicked. `position`: how far it is scrolled, in words.
    fn draw(&self, view: &View, placed: &Placed, position: Option<String>, buf: &mut Buffer) -> Vec<Button> {
        clear(placed.outer, buf);
        buf.set_style(placed.outer, view.theme.text);
        let columns = usize::from(placed.outer.width).saturating_sub(4);
        let position = position.map(|words| format!(" {words} ")).unwrap_or_default();
        let room = columns.saturating_sub(text::width(&position).saturating_add(1));
        let hints = Hints::fitting(self.hints, room);
        let mut block = Block::bordered()
            .border_type(BorderType::Rounded)
            .border_style(view.theme.accent.remove_modifier(Modifier::BOLD))
            .title_top(panel::styled(format!(" {} ", self.title), view.theme.title))
            .title_bottom(panel::styled(format!(" {} ", hints.line()), view.theme.dim));
        if !position.is_empty() {
            let line = panel::styled(position, view.theme.dim);
            block = block.title_bottom(line.alignment(Alignment::Right));
        }
        block.render(placed.outer, buf);
        let last_row = placed.outer.bottom().saturating_sub(1);
        hints.buttons(placed.outer.x.saturating_add(2), last_row)
    }
}

/// Empties an area, also of the half of a wide letter that stands left of it.
fn clear(area: Rect, buf: &mut Buffer) {
    Clear.render(area, buf);
    let Some(left) = area.x.checked_sub(1) else {
        return;
    };
    for y in area.top()..area.bottom() {
        if let Some(cell) = buf
            .cell_mut((left, y))
            .filter(|cell| text::width(cell.symbol()) > 1)
        {
            cell.set_symbol(" ");
        }
    }
}

/// A window of lines, scrolled no further than to the last one.
fn scrolled(
    view: &View,
    window: &Window<'_>,
    lines: Vec<Line<'_>>,
    scroll: Scroll,
    desk: &Desk,
    buf: &mut Buffer,
) -> Top {
    let placed = window.place(desk);
    let part = Part::of(lines.len(), usize::from(placed.inner.height), scroll.top());
    let buttons = window.draw(view, &placed, part.position(), buf);
    part.bar(view, placed.outer, buf);
    for (line, index) in lines.into_iter().skip(part.first).zip(0..placed.inner.height) {
        line.render(panel::row(placed.inner, index), buf);
    }
    Top::scrolled(part.reach(), buttons)
}

/// The part of some lines that is in sight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    first: usize,
    rows: usize,
    total: usize,
}

impl Part {
    /// `rows` of `total` lines from line `scroll` on, or the last ones.
    fn of(total: usize, rows: usize, scroll: usize) -> Self {
        Self {
            first: scroll.min(total.saturating_sub(rows)),
            rows: rows.min(total),
            total,
        }
    }

    /// Lines that are not in sight.
    fn reach(&self) -> usize {
        self.total.saturating_sub(self.rows)
    }

    /// In words, when not all is in sight.
    fn position(&self) -> Option<String> {
        let last = self.first.saturating_add(self.rows);
        (self.rows < self.total).then(|| format!("{}–{last} of {}", self.first.saturating_add(1), self.total))
    }

    /// A bar on the right border of `outer`, when not all is in sight.
    fn bar(&self, view: &View, outer: Rect, buf: &mut Buffer) {
        let track = usize::from(outer.height.saturating_sub(2));
        if self.rows >= self.total || track == 0 {
            return;
        }
        let length = self
            .rows
            .saturating_mul(track)
            .checked_div(self.total)
            .unwrap_or(track)
            .max(1);
        let hidden = self.reach();
        let start = self
            .first
            .saturating_mul(track.saturating_sub(length))
            .checked_div(hidden)
            .unwrap_or(0);
        let x = outer.right().saturating_sub(1);
        for y in (outer.top().saturating_add(1)..).skip(start).take(length) {
            if let Some(cell) = buf.cell_mut((x, y)) {
                cell.set_symbol("┃").set_style(view.theme.strong);
            }
        }
    }
}

/// What stands in a sheet whose content is not there: being fetched, or not to be had.
fn absence<T>(view: &View, content: &Fetched<T>, what: &str, columns: usize) -> Vec<Line<'static>> {
    match content {
        Fetched::Ready(_) => Vec::new(),
        Fetched::Loading => vec![panel::styled(format!("asking for {what} …"), view.theme.dim)],
        Fetched::Failed(why) => {
            let words = format!("✗ {what} could not be had: {}", text::harmless(why));
            text::wrap(&words, columns, 2)
                .into_iter()
                .map(|line| panel::styled(line, view.theme.warning))
                .collect()
        }
    }
}

/// Columns a window of text may have inside.
fn text_columns(desk: &Desk, most: usize) -> usize {
    let frame = if desk.size == Size::Small { 4 } else { 12 };
    usize::from(desk.area.width).saturating_sub(frame).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrolling_ends_at_the_last_line() {
        let cases = [
            (0, 5, 0, 0, None),
            (3, 5, 9, 0, None),
            (20, 5, 0, 0, Some("1–5 of 20")),
            (20, 5, 3, 3, Some("4–8 of 20")),
            (20, 5, usize::MAX, 15, Some("16–20 of 20")),
            (20, 0, 3, 3, Some("4–3 of 20")),
        ];
        for (total, rows, scroll, first, position) in cases {
            let part = Part::of(total, rows, scroll);
            assert_eq!(part.first, first);
            assert_eq!(part.position().as_deref(), position);
        }
    }
}
