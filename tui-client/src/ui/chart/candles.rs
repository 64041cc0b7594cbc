//! Candlesticks: of the ticks of a column, the first, the last, the lowest and the highest price.
//!
//! Owns their letters. Half a cell is the smallest step. A rising candle has a thin body and a falling one a thick one,
//! whatever the colours.
//!
//! ```text
//! rising  │  ╽  ┃  ╿  │     falling  │  ▄  █  ▀  │
//! ```

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::{plot::Across, scale::Scale, series::Column};
use crate::ui::Markers;

/// What half a cell shows of a candle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Nothing,
    Wick,
    Body,
}

/// Draws the candles; `styles`: of a rising and of a falling one.
pub(super) fn draw(
    columns: &[Column],
    across: &Across,
    scale: &Scale,
    (rising, falling): (Style, Style),
    markers: Markers,
    area: Rect,
    buf: &mut Buffer,
) {
    for column in columns {
        let rises = column.last >= column.first;
        let style = if rises { rising } else { falling };
        let x = area.x.saturating_add(across.cell(column));
        let rows = scale.row(column.high)..=scale.row(column.low);
        for row in rows.filter(|row| x < area.right() && *row < area.height) {
            let halves = [0, 1].map(|half| part(column, scale, usize::from(row).saturating_mul(2) + half));
            let letter = letter(halves, rises, markers);
            if let Some(cell) = buf.cell_mut((x, area.y.saturating_add(row))) {
                cell.set_char(letter).set_style(style);
            }
        }
    }
}

/// What the candle shows in a row of dots.
fn part(column: &Column, scale: &Scale, dot: usize) -> Part {
    let body = scale.dot(column.first.max(column.last))..=scale.dot(column.first.min(column.last));
    let wick = scale.dot(column.high)..=scale.dot(column.low);
    if body.contains(&dot) {
        Part::Body
    } else if wick.contains(&dot) {
        Part::Wick
    } else {
        Part::Nothing
    }
}

fn letter(halves: [Part; 2], rises: bool, markers: Markers) -> char {
    use Part::{Body, Nothing, Wick};
    if markers == Markers::Ascii {
        return match (halves.contains(&Body), rises) {
            (true, true) => 'O',
            (true, false) => '#',
            (false, _) => '|',
        };
    }
    match (halves, rises) {
        ([Nothing, Nothing], _) => ' ',
        ([Wick, Wick], _) => '│',
        ([Wick, Nothing], _) if markers == Markers::Braille => '╵',
        ([Nothing, Wick], _) if markers == Markers::Braille => '╷',
        ([Wick, Nothing] | [Nothing, Wick], _) => '│',
        ([Body, Body], false) => '█',
        ([Body, _], false) => '▀',
        ([_, Body], false) => '▄',
        (_, true) if markers == Markers::Block => '║',
        ([Body, Body], true) => '┃',
        ([Body, Wick], true) => '╿',
        ([Wick, Body], true) => '╽',
        ([Body, Nothing], true) => '╹',
        ([Nothing, Body], true) => '╻',
    }
}
