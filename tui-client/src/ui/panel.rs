//! What panels have in common: the line around them, rows, and a label with its figure.
//!
//! Owns the look of a panel's border and of a label. It knows no panel.
//!
//! ```text
//! ╭ Title ───────────── aside ╮
//! │ label              figure │
//! ╰───────────────────────────╯
//! ```

use std::borrow::Cow;

use ratatui::{
    buffer::Buffer,
    layout::{Alignment, Margin, Rect},
    style::Style,
    symbols::merge::MergeStrategy,
    text::{Line, Span},
    widgets::{Block, BorderType, Clear, Widget},
};

use super::{View, text};
use crate::app::{AppState, action::Action};

/// A bordered panel named `title`; what is given back is the room inside, a column off the border on each side.
pub(super) fn framed(
    view: &View,
    title: &str,
    aside: Option<Line<'_>>,
    area: Rect,
    buf: &mut Buffer,
) -> Rect {
    Block::bordered()
        .border_type(BorderType::Plain)
        .border_style(view.theme.border)
        .merge_borders(MergeStrategy::Exact)
        .render(area, buf);
    let on_border = row(area.inner(Margin::new(1, 0)), 0);
    let name = styled(format!(" {title} "), view.theme.title);
    let taken = name.width().saturating_add(2);
    over(view, name, on_border, buf);
    let fits = |aside: &Line<'_>| aside.width().saturating_add(taken) <= usize::from(on_border.width);
    if let Some(aside) = aside.filter(fits) {
        let columns = u16::try_from(aside.width()).unwrap_or(u16::MAX);
        let x = on_border.right().saturating_sub(columns);
        over(
            view,
            aside,
            Rect {
                x,
                width: columns,
                ..on_border
            },
            buf,
        );
    }
    area.inner(Margin::new(2, 1))
}

/// A line of one style. The style is the letters' own: a line's style would colour the whole row, and what else
/// stands in it.
pub(super) fn styled<'a>(words: impl Into<Cow<'a, str>>, style: Style) -> Line<'a> {
    Line::from(Span::styled(words, style))
}

/// Rounds the corners of the outermost line around `area`. Only here: a rounded corner takes no branch, and
/// neighbours share the line between them.
pub(super) fn round_corners(area: Rect, buf: &mut Buffer) {
    let (right, bottom) = (area.right().saturating_sub(1), area.bottom().saturating_sub(1));
    let corners = [
        ((area.x, area.y), "┌", "╭"),
        ((right, area.y), "┐", "╮"),
        ((area.x, bottom), "└", "╰"),
        ((right, bottom), "┘", "╯"),
    ];
    for (place, sharp, round) in corners {
        if let Some(cell) = buf.cell_mut(place).filter(|cell| cell.symbol() == sharp) {
            cell.set_symbol(round);
        }
    }
}

/// Row number `index` of an area; empty where there is none.
pub(super) fn row(area: Rect, index: u16) -> Rect {
    if index >= area.height {
        return Rect::ZERO;
    }
    Rect {
        y: area.y.saturating_add(index),
        height: 1,
        ..area
    }
}

/// A label on the left and its figure on the right of a row: the first wording of `figure` that fits beside the label,
/// or else the first that fits. Then the label gives way; digits are never cut off at the front.
pub(super) fn pair(view: &View, label: &str, figure: &[Line<'_>], area: Rect, buf: &mut Buffer) {
    let columns = usize::from(area.width);
    let shortest = figure.last().map(ToString::to_string).unwrap_or_default();
    let beside = columns.saturating_sub(text::width(label).saturating_add(1));
    let fits = |room: usize| figure.iter().find(move |line| line.width() <= room);
    let fitting = fits(beside).or_else(|| fits(columns)).cloned();
    let figure = fitting.unwrap_or_else(|| styled(text::truncate(&shortest, columns), view.theme.text));
    let room = usize::from(area.width).saturating_sub(figure.width().saturating_add(1));
    styled(text::truncate(label, room), view.theme.dim).render(area, buf);
    figure.alignment(Alignment::Right).render(area, buf);
}

/// Words on the left and words on the right of a row: of each the wordiest wording with which both fit; if none does,
/// the left ones alone.
pub(super) fn sides(left: &[Line<'_>], right: &[Line<'_>], area: Rect, buf: &mut Buffer) {
    let columns = usize::from(area.width);
    let fitting = right
        .iter()
        .flat_map(|right| left.iter().map(move |left| (left, right)))
        .find(|(left, right)| left.width().saturating_add(right.width()) < columns);
    if let Some((left, right)) = fitting {
        left.render(area, buf);
        right.clone().alignment(Alignment::Right).render(area, buf);
    } else if let Some(left) = left.iter().find(|left| left.width() <= columns).or(left.last()) {
        left.render(area, buf);
    }
}

/// Words over what has been drawn there: nothing of its looks shines through.
pub(super) fn over(view: &View, line: Line<'_>, area: Rect, buf: &mut Buffer) {
    let columns = u16::try_from(line.width()).unwrap_or(u16::MAX);
    let area = Rect {
        width: area.width.min(columns),
        ..area
    };
    Clear.render(area, buf);
    buf.set_style(area, view.theme.text);
    line.render(area, buf);
}

/// Words in the middle of an area, each line centred; gives back where each line stands.
pub(super) fn centred(lines: Vec<Line<'_>>, area: Rect, buf: &mut Buffer) -> Vec<Rect> {
    let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let top = area.height.saturating_sub(rows) / 2;
    let mut places = Vec::with_capacity(lines.len());
    for (index, line) in (top..area.height).zip(lines) {
        let room = row(area, index);
        let width = u16::try_from(line.width()).unwrap_or(u16::MAX).min(room.width);
        let place = Rect {
            x: room.x.saturating_add(room.width.saturating_sub(width) / 2),
            width,
            ..room
        };
        line.render(place, buf);
        places.push(place);
    }
    places
}

/// The key of an action, as a hint shows it.
pub(super) fn key(view: &View, state: &AppState, action: Action) -> Span<'static> {
    Span::styled(key_label(state, action), view.theme.accent)
}

/// The name of the key of an action.
pub(super) fn key_label(state: &AppState, action: Action) -> String {
    state.session.settings.keys.label(action)
}
