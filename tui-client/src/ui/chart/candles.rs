//! Candlesticks of a column's open, close, low and high, with a resolution of half a cell. Rising candles
//! have a thin body and falling ones a thick body, so that the two differ without color.
//!
//! ```text
//! rising  │  ╽  ┃  ╿  │     falling  │  ▄  █  ▀  │
//! ```

use ratatui::buffer::Buffer;

use super::ChartFrame;
use super::scale::Scale;
use crate::app::prices::Candle;
use crate::ui::Markers;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CandlePart {
    Nothing,
    Wick,
    Body,
}

impl ChartFrame<'_> {
    pub(super) fn draw_candles(&self, buf: &mut Buffer) {
        let (plot, theme) = (self.plot, &self.view.theme);
        for column in &self.series.columns {
            let candle = &column.candle;
            let rises = candle.close >= candle.open;
            let style = match rises {
                _ if !self.is_current => theme.old,
                true => theme.up,
                false => theme.down,
            };
            let x = plot.x + self.across.cell(column);
            if x >= plot.right() {
                continue;
            }
            let last = self.scale.row(candle.low).min(plot.height - 1);
            for row in self.scale.row(candle.high)..=last {
                let halves = [0, 1].map(|half| part(candle, &self.scale, usize::from(row) * 2 + half));
                let glyph = glyph(halves, rises, self.view.markers);
                buf[(x, plot.y + row)].set_char(glyph).set_style(style);
            }
        }
    }
}

fn part(candle: &Candle, scale: &Scale, dot: usize) -> CandlePart {
    let body = scale.dot(candle.open.max(candle.close))..=scale.dot(candle.open.min(candle.close));
    let wick = scale.dot(candle.high)..=scale.dot(candle.low);
    if body.contains(&dot) {
        CandlePart::Body
    } else if wick.contains(&dot) {
        CandlePart::Wick
    } else {
        CandlePart::Nothing
    }
}

fn glyph(halves: [CandlePart; 2], rises: bool, markers: Markers) -> char {
    use CandlePart::{Body, Nothing, Wick};
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
