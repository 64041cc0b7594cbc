//! Panel borders, rows and labels.
//!
//! ```text
//! ╭ Title ───────────── aside ╮
//! │ label              figure │
//! ╰───────────────────────────╯
//! ```

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::symbols::merge::MergeStrategy;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Padding, Widget};

use crate::app::AppState;
use crate::app::commands::action::Action;
use crate::ui::{Renderer, text};

/// Draws a bordered panel and returns its inner area, with one column of padding.
pub(crate) fn framed(
    view: &Renderer,
    title: &str,
    aside: Option<Line<'_>>,
    area: Rect,
    buf: &mut Buffer,
) -> Rect {
    let title = styled(format!(" {title} "), view.theme.title);
    let room = usize::from(area.width).saturating_sub(title.width() + 4);
    let aside = aside.filter(|aside| aside.width() <= room);
    let block = Block::bordered()
        .border_style(view.theme.border)
        .merge_borders(MergeStrategy::Exact)
        .title_style(Style::reset().patch(view.theme.text))
        .title(title)
        .title(aside.unwrap_or_default().right_aligned())
        .padding(Padding::horizontal(1));
    let inner = block.inner(area);
    block.render(area, buf);
    inner
}

/// Creates a line whose style applies to its text only, not to the rest of the row.
pub(crate) fn styled<'a>(text: impl Into<Cow<'a, str>>, style: Style) -> Line<'a> {
    Line::from(Span::styled(text, style))
}

/// Creates a line of the first variant that fits `columns`, or of the last one truncated.
pub(crate) fn fitted(variants: &[impl AsRef<str>], columns: usize, style: Style) -> Line<'static> {
    styled(text::fit(variants, columns).into_owned(), style)
}

/// Wraps a text in lines of one style; all but the first are indented by `indent`.
pub(crate) fn wrapped(
    text: &str,
    columns: usize,
    indent: usize,
    style: Style,
) -> impl Iterator<Item = Line<'static>> + use<> {
    let lines = text::wrap(text, columns, indent).into_iter();
    lines.map(move |line| styled(line, style))
}

/// Puts `name` before the first line, and as many spaces before the others.
pub(crate) fn hanging(
    name: Span<'static>,
    lines: Vec<String>,
    style: Style,
) -> impl Iterator<Item = Line<'static>> {
    let blank = Span::styled(" ".repeat(name.width()), name.style);
    let names = std::iter::once(name).chain(std::iter::repeat(blank));
    let lines = names.zip(lines);
    lines.map(move |(name, text)| Line::from_iter([name, Span::styled(text, style)]))
}

/// Rounds the corners of `area`. Panels cannot do this themselves: a rounded corner has no branch for the
/// border that adjacent panels share.
pub(crate) fn round_corners(area: Rect, buf: &mut Buffer) {
    let (right, bottom) = (area.right().saturating_sub(1), area.bottom().saturating_sub(1));
    for (corner, sharp, round) in [
        ((area.x, area.y), "┌", "╭"),
        ((right, area.y), "┐", "╮"),
        ((area.x, bottom), "└", "╰"),
        ((right, bottom), "┘", "╯"),
    ] {
        if let Some(cell) = buf.cell_mut(corner).filter(|cell| cell.symbol() == sharp) {
            cell.set_symbol(round);
        }
    }
}

/// Returns row `index` of an area, or an empty area.
pub(crate) fn row(area: Rect, index: u16) -> Rect {
    area.rows().nth(usize::from(index)).unwrap_or_default()
}

/// Draws a label on the left and a value on the right: the first variant that fits beside the label, or else
/// the first that fits alone. The label is truncated before the value.
pub(crate) fn draw_labeled(view: &Renderer, label: &str, value: &[Line<'_>], area: Rect, buf: &mut Buffer) {
    let columns = usize::from(area.width);
    let fits = |room: usize| value.iter().find(|line| line.width() <= room);
    let value = match fits(columns.saturating_sub(text::width(label) + 1)).or_else(|| fits(columns)) {
        Some(value) => value.clone(),
        None => {
            let shortest = value.last().map(ToString::to_string).unwrap_or_default();
            fitted(&[shortest], columns, view.theme.text)
        }
    };
    let room = columns.saturating_sub(value.width() + 1);
    styled(text::truncate(label, room), view.theme.dim).render(area, buf);
    value.right_aligned().render(area, buf);
}

/// Draws text on the left and right of a row: the longest variants that fit together, or the left text alone.
pub(crate) fn draw_justified(left: &[Line<'_>], right: &[Line<'_>], area: Rect, buf: &mut Buffer) {
    let columns = usize::from(area.width);
    let pairs = right
        .iter()
        .flat_map(|right| left.iter().map(move |left| (left, right)));
    let fits = |(left, right): &(&Line<'_>, &Line<'_>)| left.width() + right.width() < columns;
    if let Some((left, right)) = pairs.into_iter().find(fits) {
        left.render(area, buf);
        right.clone().right_aligned().render(area, buf);
    } else if let Some(left) = left.iter().find(|left| left.width() <= columns).or(left.last()) {
        left.render(area, buf);
    }
}

/// Clears the cells under a line and draws it.
pub(crate) fn draw_over(view: &Renderer, line: Line<'_>, area: Rect, buf: &mut Buffer) {
    let width = text::cells(line.width()).min(area.width);
    let area = Rect { width, ..area };
    Clear.render(area, buf);
    line.style(view.theme.text).render(area, buf);
}

/// Returns an area of at most `columns` by `rows` in the middle. Unlike [`Rect::centered`], it rounds up and
/// left, as centered text does.
pub(crate) fn centered(area: Rect, columns: usize, rows: usize) -> Rect {
    let (width, height) = (
        text::cells(columns).min(area.width),
        text::cells(rows).min(area.height),
    );
    let (x, y) = ((area.width - width) / 2, (area.height - height) / 2);
    Rect::new(area.x + x, area.y + y, width, height)
}

pub(crate) fn key_label(state: &AppState, action: Action) -> String {
    state.session.settings.keys.label(action)
}
