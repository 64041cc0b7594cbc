//! Scrollable windows over the dimmed main screen.
//!
//! ```text
//! ╭ Title ──────────────────────╮
//! │ …                           ┃
//! │ …                           │
//! ╰ Esc closes ───── 3–5 of 20 ─╯
//! ```

use std::borrow::Cow;
use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Text};
use ratatui::widgets::{
    Block, BorderType, Clear, Scrollbar, ScrollbarOrientation, ScrollbarState, StatefulWidget, Widget,
};

use super::panel;
use crate::app::commands::key::Key;
use crate::app::overlay::screen::ClickTarget;
use crate::app::overlay::{Document, Remote, Scroll};
use crate::ui::layout::{LayoutSize, MainLayout};
use crate::ui::text::{self, format};
use crate::ui::widgets::hint::{self, CLOSES, Hint, Hints};
use crate::ui::{FrameInfo, Renderer};

pub(crate) fn scroll_hints() -> Vec<Hints> {
    let scroll = Hint::without_key("arrows scroll");
    vec![[CLOSES, scroll].into(), [CLOSES].into()]
}

/// Fewest columns in which a message can be read.
const MIN_MESSAGE_COLUMNS: usize = 8;

/// Creates the window of a document, with a message on its border: the window may cover the places of messages.
pub(crate) fn document_popup<T>(
    title: &'static str,
    message: Option<String>,
    document: &Document<T>,
    columns: usize,
) -> Popup {
    Popup::new(title, document_hints(document), columns).with_message(message)
}

/// Returns the hints of a document window, longest first.
fn document_hints<T>(document: &Document<T>) -> Vec<Hints> {
    let search = &document.search;
    let text = text::sanitize(search.text());
    let looked_for = |after: &str| Hint::without_key(format!("/{text}{after}"));
    if search.is_typing() {
        let finds = Hint::new("Enter finds", Key::ENTER);
        return vec![[looked_for("█"), finds].into(), [looked_for("█")].into()];
    }
    if search.found().is_some() {
        let next = Hint::new("n next", Key::char('n'));
        let previous = Hint::new("N previous", Key::char('N'));
        return vec![[looked_for(":"), next, previous].into(), [looked_for("")].into()];
    }
    if !search.text().is_empty() {
        return vec![[looked_for(": not found")].into()];
    }
    let keys = || std::iter::once(Key::ESC).chain(['/', 'y', 'e', 'E'].map(Key::char));
    let variants = [
        ["Esc closes", "/ finds", "y copies", "e CSV", "E text"],
        ["Esc", "/ finds", "y copies", "e CSV", "E text"],
        ["Esc", "/ find", "y copy", "e CSV", "E text"],
        ["Esc", "/", "y", "e", "E"],
    ];
    let hint = |(text, key)| Hint::new(text, key);
    let hints = |texts: [&'static str; 5]| texts.into_iter().zip(keys()).map(hint).collect();
    variants.map(hints).into()
}

/// Dims everything drawn so far, and removes color blocks.
pub(crate) fn dim_background(view: &Renderer, area: Rect, buf: &mut Buffer) {
    let ground = view.theme.text.bg.unwrap_or(Color::Reset);
    let letters = view.theme.text.fg.unwrap_or(Color::Reset);
    for position in area.positions() {
        let cell = &mut buf[position];
        if cell.bg != ground {
            cell.set_fg(letters).set_bg(ground);
        }
        cell.set_style(Style::new().dim().not_reversed());
    }
}

pub(crate) struct Popup {
    title: Cow<'static, str>,
    hints: Vec<Hints>,
    /// Shown on the upper border: the hints stay clickable.
    message: Option<String>,
    columns: usize,
}

pub(crate) struct PopupArea {
    pub(crate) outer: Rect,
    pub(crate) inner: Rect,
}

impl Popup {
    /// Creates a window with the variants of its hints, longest first, and the wanted columns inside the border.
    pub(crate) fn new(
        title: impl Into<Cow<'static, str>>,
        hints: impl Into<Vec<Hints>>,
        columns: usize,
    ) -> Self {
        Self {
            title: title.into(),
            hints: hints.into(),
            message: None,
            columns,
        }
    }

    /// Shows a message on the border.
    pub(crate) fn with_message(self, message: Option<String>) -> Self {
        Self { message, ..self }
    }

    /// Centers the window with `rows` inside the border, limited to the available space.
    pub(crate) fn place(&self, rows: usize, layout: &MainLayout) -> PopupArea {
        let room = layout.area.inner(margin(layout));
        let outer = panel::centered(room, self.columns + 4, rows + 2);
        let inner = outer.inner(Margin::new(2, 1));
        PopupArea { outer, inner }
    }

    /// Draws an empty window and returns its clickable hints. `position` is the scroll position as text.
    pub(crate) fn draw(
        &self,
        view: &Renderer,
        popup: &PopupArea,
        position: Option<String>,
        buf: &mut Buffer,
    ) -> Vec<ClickTarget> {
        clear(popup.outer, buf);
        let position = position.map(|text| format!(" {text} ")).unwrap_or_default();
        let room = usize::from(popup.outer.width).saturating_sub(text::width(&position) + 5);
        let hints = hint::first_that_fits(&self.hints, room);
        let room = usize::from(popup.outer.width).saturating_sub(text::width(&self.title) + 7);
        let message = self.message.as_deref().filter(|_| room >= MIN_MESSAGE_COLUMNS);
        let message = message.map(|text| format!(" {} ", text::truncate(text, room)));
        Block::bordered()
            .style(view.theme.text)
            .border_type(BorderType::Rounded)
            .border_style(view.theme.accent.remove_modifier(Modifier::BOLD))
            .title_top(panel::styled(format!(" {} ", self.title), view.theme.title))
            .title_bottom(panel::styled(format!(" {} ", hint::line(hints)), view.theme.dim))
            .title_top(panel::styled(message.unwrap_or_default(), view.theme.alarm).right_aligned())
            .title_bottom(panel::styled(position, view.theme.dim).right_aligned())
            .render(popup.outer, buf);
        hint::buttons(hints, popup.inner.x, popup.inner.bottom())
    }
}

fn margin(layout: &MainLayout) -> Margin {
    match layout.size == LayoutSize::Small {
        true => Margin::default(),
        false => Margin::new(4, 1),
    }
}

/// Clears an area, and a wide character that crosses its left edge.
fn clear(area: Rect, buf: &mut Buffer) {
    Clear.render(area, buf);
    let Some(left) = area.x.checked_sub(1) else {
        return;
    };
    for y in area.top()..area.bottom() {
        let cell = &mut buf[(left, y)];
        if text::width(cell.symbol()) > 1 {
            cell.set_symbol(" ");
        }
    }
}

pub(crate) struct TextWindow {
    pub(crate) popup: Popup,
    pub(crate) lines: Vec<Line<'static>>,
}

impl TextWindow {
    /// Draws the window; scrolling stops at the last line.
    pub(crate) fn draw(
        self,
        view: &Renderer,
        scroll: Scroll,
        layout: &MainLayout,
        buf: &mut Buffer,
    ) -> FrameInfo {
        let area = self.popup.place(self.lines.len(), layout);
        let viewport = Viewport::new(self.lines.len(), usize::from(area.inner.height), scroll.top());
        let buttons = self.popup.draw(view, &area, viewport.position(), buf);
        viewport.bar(view, area.outer, buf);
        let shown = self.lines.into_iter().skip(viewport.first);
        Text::from_iter(shown).render(area.inner, buf);
        FrameInfo::scrolled(&viewport, buttons)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Viewport {
    pub(crate) first: usize,
    rows: usize,
    total: usize,
}

impl Viewport {
    /// Creates a view of `rows` lines from line `scroll`, or of the last ones.
    pub(crate) fn new(total: usize, rows: usize, scroll: usize) -> Self {
        Self {
            first: scroll.min(total.saturating_sub(rows)),
            rows: rows.min(total),
            total,
        }
    }

    pub(crate) fn lines(&self) -> Range<usize> {
        self.first..self.first + self.rows
    }

    /// Returns the number of hidden lines.
    pub(crate) fn reach(&self) -> usize {
        self.total - self.rows
    }

    /// Returns the position as text, if lines are hidden.
    pub(crate) fn position(&self) -> Option<String> {
        let last = self.first + self.rows;
        (self.reach() > 0).then(|| {
            let [first, last, total] = [self.first + 1, last, self.total].map(format::thousands);
            format!("{first}–{last} of {total}")
        })
    }

    /// Draws a scrollbar on the right border, if lines are hidden.
    pub(crate) fn bar(&self, view: &Renderer, outer: Rect, buf: &mut Buffer) {
        if self.reach() == 0 {
            return;
        }
        let mut state = ScrollbarState::new(self.reach() + 1)
            .position(self.first)
            .viewport_content_length(self.rows);
        Scrollbar::new(ScrollbarOrientation::VerticalRight)
            .begin_symbol(None)
            .end_symbol(None)
            .track_symbol(None)
            .thumb_symbol("┃")
            .thumb_style(view.theme.strong)
            .render(outer.inner(Margin::new(0, 1)), buf, &mut state);
    }
}

/// Returns the message of a document that is loading, is empty or failed to load.
pub(crate) fn placeholder<T>(
    view: &Renderer,
    content: &Remote<T>,
    what: &str,
    columns: usize,
) -> Vec<Line<'static>> {
    match content {
        Remote::Ready(_) => vec![panel::styled(format!("no {what} yet"), view.theme.dim)],
        Remote::Loading => vec![panel::styled(format!("loading the {what} …"), view.theme.dim)],
        Remote::Failed(why) => {
            let text = format!("✗ cannot load the {what}: {}", text::sanitize(why));
            panel::wrapped(&text, columns, 2, view.theme.warning).collect()
        }
    }
}

/// Returns the style of a line of a document: the one found last is highlighted.
pub(crate) fn found_style<T>(view: &Renderer, document: &Document<T>, line: usize) -> Style {
    if document.search.found() == Some(line) {
        view.theme.accent
    } else {
        view.theme.text
    }
}

/// Returns the text width available in a window.
pub(crate) fn text_columns(layout: &MainLayout, most: usize) -> usize {
    let room = layout.area.inner(margin(layout)).width;
    usize::from(room).saturating_sub(4).min(most)
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
            let viewport = Viewport::new(total, rows, scroll);
            assert_eq!(viewport.first, first);
            assert_eq!(viewport.position().as_deref(), position);
        }
    }
}
