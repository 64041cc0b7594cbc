//! SVG pictures: one frame, or a moving picture by CSS without a script.
//!
//! The screen is cut into parts of rows. Each is a strip of the contents it has over time, side by side, and an animation
//! shows one of them at a time. A frame costs only the parts that it changes, and repeated content is stored once.
//! Without animation, the last frame is shown.

mod color;
mod glyph;
mod row;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::time::Duration;

use color::{ColorTable, Rgb};
use ratatui::style::{Color, Modifier};

use super::frames::Frame;

/// Largest picture, in bytes: a page shows it before anything is clicked.
pub(crate) const MAX_BYTES: usize = 1_000_000;

/// Width of a cell in units of the picture. With 12x24 units, all shapes have whole coordinates.
const CELL_WIDTH: i32 = 12;

const CELL_HEIGHT: i32 = 24;

const MARGIN: i32 = 18;

const BAR: i32 = 36;

/// Time that a moving picture shows its last frame before it starts again.
const HOLD: Duration = Duration::from_secs(3);

/// Columns of a part: few enough that panels change apart from each other, and many enough that words stay whole.
const PART_COLUMNS: u16 = 40;

/// Bytes that a change of a part costs beside its content, about.
const CHANGE_BYTES: usize = 40;

/// Fonts of the text. The first ones are those of browsers and systems.
const FONTS: &str =
    "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace";

/// Error for a picture that would be larger than [`MAX_BYTES`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the picture needs more than {MAX_BYTES} bytes; choose a smaller --fps or --size, or a shorter recording"
)]
pub(crate) struct TooLarge;

#[derive(Debug)]
pub(crate) struct Picture {
    size: (u16, u16),
    strips: Vec<Strip>,
    palette: ColorTable,
    paper: Rgb,
    bytes: usize,
    last: Duration,
}

/// The contents of a part of a row and the times at which it shows them.
#[derive(Debug, Default)]
struct Strip {
    row: u16,
    columns: Range<u16>,
    contents: Vec<String>,
    known: HashMap<String, usize>,
    /// Times with the content shown from then on.
    changes: Vec<(Duration, usize)>,
}

impl Picture {
    /// Returns an empty picture for frames of this size. `background` is that of the theme.
    pub(crate) fn new(size: (u16, u16), background: Option<Color>) -> Self {
        let (columns, rows) = size;
        let strip = |row: u16, left: u16| Strip {
            row,
            columns: left..columns.min(left.saturating_add(PART_COLUMNS)),
            ..Strip::default()
        };
        let parts = || (0..columns).step_by(usize::from(PART_COLUMNS));
        let strips = (0..rows).flat_map(|row| parts().map(move |left| strip(row, left)));
        Self {
            size,
            strips: strips.collect(),
            palette: ColorTable::default(),
            paper: Rgb::background(background.unwrap_or_default()),
            bytes: 0,
            last: Duration::ZERO,
        }
    }

    /// Adds a frame that is shown from `at` on. The first one begins at zero; times must increase.
    pub(crate) fn add(&mut self, at: Duration, frame: &Frame) -> Result<(), TooLarge> {
        let mut buffer = frame.buffer.clone();
        if let Some(cell) = frame.cursor.and_then(|position| buffer.cell_mut(position)) {
            cell.modifier.toggle(Modifier::REVERSED);
        }
        for strip in &mut self.strips {
            let columns = strip.columns.clone();
            let content = row::draw(&buffer, strip.row, columns, self.paper, &mut self.palette);
            self.bytes += strip.add(at, content);
        }
        self.last = at;
        if self.bytes > MAX_BYTES {
            Err(TooLarge)
        } else {
            Ok(())
        }
    }

    /// Returns the file. `title` is plain text.
    pub(crate) fn finish(self, title: &str) -> Result<String, TooLarge> {
        let (columns, rows) = self.size;
        let width = i32::from(columns) * CELL_WIDTH + 2 * MARGIN;
        let height = i32::from(rows) * CELL_HEIGHT + BAR + MARGIN;
        // Contents beside the one that is shown are outside of the picture.
        let pitch = width + MARGIN;
        let length = self.last + HOLD;
        let (mut parts, mut animations) = (String::new(), String::new());
        for (number, strip) in self.strips.iter().enumerate() {
            strip.write_contents(number, pitch, &mut parts);
            strip.write_animation(number, pitch, length, &mut animations);
        }
        if !animations.is_empty() {
            let seconds = decimal(length.as_millis());
            animations = format!(
                "@media(prefers-reduced-motion:no-preference){{.M{{animation:{seconds}s step-end infinite}}{animations}}}"
            );
        }
        let (css, paper, title) = (self.palette.css(), self.paper, row::escape(title));
        let file = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"{FONTS}\" \
             font-size=\"20\" role=\"img\"><title>{title}</title><style>{}{css}{animations}</style>\
             <rect width=\"{width}\" height=\"{height}\" rx=\"12\" fill=\"{paper}\"/>{}\n{parts}</svg>\n",
            row::CSS,
            lights(),
        );
        if file.len() > MAX_BYTES {
            Err(TooLarge)
        } else {
            Ok(file)
        }
    }
}

impl Strip {
    /// Shows `content` from `at` on. Returns the bytes that this adds to the picture, about.
    fn add(&mut self, at: Duration, content: String) -> usize {
        let (index, new_bytes) = match self.known.get(&content) {
            Some(index) => (*index, 0),
            None => {
                let (index, bytes) = (self.contents.len(), content.len() + CHANGE_BYTES);
                self.contents.push(content.clone());
                self.known.insert(content, index);
                (index, bytes)
            }
        };
        if self.changes.last().is_some_and(|(_, shown)| *shown == index) {
            return 0;
        }
        self.changes.push((at, index));
        new_bytes + CHANGE_BYTES
    }

    fn write_contents(&self, number: usize, pitch: i32, parts: &mut String) {
        if self.contents.iter().all(String::is_empty) {
            return;
        }
        let baseline = BAR + i32::from(self.row) * CELL_HEIGHT + row::BASELINE;
        // Writing to a string cannot fail.
        let _ = write!(parts, "<g transform=\"translate({MARGIN} {baseline})\">");
        if let [content] = self.contents.as_slice() {
            parts.push_str(content);
        } else {
            let shown = self.changes.last().map_or(0, |(_, shown)| *shown);
            let transform = match offset(shown, pitch) {
                0 => String::new(),
                x => format!(" transform=\"translate({x})\""),
            };
            let _ = write!(parts, "<g class=\"M\" id=\"p{number}\"{transform}>");
            for (index, content) in self.contents.iter().enumerate() {
                match -offset(index, pitch) {
                    _ if content.is_empty() => {}
                    0 => parts.push_str(content),
                    x => {
                        let _ = write!(parts, "<g transform=\"translate({x})\">{content}</g>");
                    }
                }
            }
            parts.push_str("</g>");
        }
        parts.push_str("</g>\n");
    }

    fn write_animation(&self, number: usize, pitch: i32, length: Duration, css: &mut String) {
        if self.contents.len() < 2 {
            return;
        }
        let _ = write!(
            css,
            "#p{number}{{animation-name:p{number}}}@keyframes p{number}{{"
        );
        for (at, index) in &self.changes {
            let (percent, x) = (percent(*at, length), offset(*index, pitch));
            let _ = write!(css, "{percent}%{{transform:translate({x}px)}}");
        }
        css.push('}');
    }
}

/// Returns the position of a strip that shows the content `index`.
fn offset(index: usize, pitch: i32) -> i32 {
    i32::try_from(index).unwrap_or(0).saturating_mul(-pitch)
}

fn lights() -> String {
    let lights = [(25, "#ff5f57"), (48, "#febc2e"), (71, "#28c840")];
    let light = |(x, fill)| format!("<circle cx=\"{x}\" cy=\"18\" r=\"7\" fill=\"{fill}\"/>");
    lights.map(light).concat()
}

/// Formats the share of `length` in percent, with up to three decimals.
fn percent(at: Duration, length: Duration) -> String {
    decimal(at.as_millis() * 100_000 / length.as_millis().max(1))
}

/// Formats thousandths without zeros at the end.
fn decimal(thousandths: u128) -> String {
    let text = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests;
