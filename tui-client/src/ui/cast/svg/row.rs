//! A part of a row as SVG elements. Braille, blocks and lines are shapes, and text has a set length, so that the picture
//! looks the same with every font.
//! The origin is the left end of the row's baseline.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::Modifier;
use unicode_width::UnicodeWidthStr;

use super::color::{ColorTable, Rgb};
use super::glyph::{self, CellShape};
use super::{CELL_HEIGHT, CELL_WIDTH};

/// Distance of the baseline from the top of the cell.
pub(super) const BASELINE: i32 = 18;

/// Rules of all classes but those of colors: bold, centered, faint, dots, lines and thick lines. Rectangles have crisp edges,
/// because blocks in adjacent rows would show a seam between them.
pub(super) const CSS: &str = "text,path{fill:currentColor}path{shape-rendering:crispEdges}.B{font-weight:bold}.C{text-anchor:middle}.F{opacity:.55}\
    .D,.L,.T{shape-rendering:auto;fill:none;stroke:currentColor;stroke-width:1.5}.T{stroke-width:3}\
    .D{stroke-width:4;stroke-linecap:round;stroke-dasharray:0 6}";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Ink {
    color: Rgb,
    is_faint: bool,
}

/// Text that is drawn as one element.
#[derive(Debug)]
struct Run {
    ink: Ink,
    is_bold: bool,
    /// First column, and the column after the last one.
    columns: (i32, i32),
    text: String,
    /// A symbol that fonts may not have in the width of a cell.
    is_symbol: bool,
}

/// Shapes of one ink, as path data.
#[derive(Debug, Default)]
struct Paths {
    fills: Fills,
    /// Left ends of braille dots by their row in the cell, at multiples of half a cell.
    dots: [Vec<i32>; 4],
    lines: Lines,
    thick: Lines,
}

/// Rectangles from left to right, as left, top, width and height; adjacent ones are merged.
#[derive(Debug, Default)]
struct Fills(Vec<[i32; 4]>);

/// Horizontal lines, merged where they touch, and other lines as path data.
#[derive(Debug, Default)]
struct Lines {
    /// Left and right ends.
    horizontal: Vec<(i32, i32)>,
    other: String,
}

/// Draws `columns` of row `y` of `buffer`. Cells on `paper` need no background.
pub(super) fn draw(
    buffer: &Buffer,
    y: u16,
    columns: Range<u16>,
    paper: Rgb,
    palette: &mut ColorTable,
) -> String {
    let mut backgrounds: BTreeMap<Rgb, Fills> = BTreeMap::new();
    let mut paths: BTreeMap<Ink, Paths> = BTreeMap::new();
    let mut runs: Vec<Run> = Vec::new();
    for x in columns {
        let cell = &buffer[(x, y)];
        let (left, (ink, background)) = (i32::from(x) * CELL_WIDTH, colors(cell));
        if background != paper {
            let fills = backgrounds.entry(background).or_default();
            fills.add([left, -BASELINE, CELL_WIDTH, CELL_HEIGHT]);
        }
        match glyph::shapes(cell.symbol()) {
            Some(shapes) if shapes.is_empty() => {}
            Some(shapes) => {
                let paths = paths.entry(ink).or_default();
                for shape in shapes {
                    paths.add(left, shape);
                }
            }
            None => add_text(&mut runs, i32::from(x), cell, ink),
        }
    }
    let mut row = String::new();
    for (color, fills) in &backgrounds {
        element(&mut row, &palette.class(*color), "", &fills.data());
    }
    for (ink, paths) in &paths {
        let faint = if ink.is_faint { " F" } else { "" };
        let class = palette.class(ink.color) + faint;
        element(&mut row, &class, "", &paths.fills.data());
        element(&mut row, &class, " D", &dots_data(&paths.dots));
        element(&mut row, &class, " L", &paths.lines.data());
        element(&mut row, &class, " T", &paths.thick.data());
    }
    for run in &runs {
        run.write(&mut row, palette);
    }
    row
}

fn colors(cell: &Cell) -> (Ink, Rgb) {
    let (mut color, mut background) = (Rgb::text(cell.fg), Rgb::background(cell.bg));
    if cell.modifier.contains(Modifier::REVERSED) {
        (color, background) = (background, color);
    }
    let is_faint = cell.modifier.contains(Modifier::DIM);
    (Ink { color, is_faint }, background)
}

/// Adds the text of a cell to the last run, if it continues it: a run has one style, and single blanks between words.
fn add_text(runs: &mut Vec<Run>, column: i32, cell: &Cell, ink: Ink) {
    let text = cell.symbol();
    let width = i32::try_from(text.width()).unwrap_or(1).max(1);
    let is_bold = cell.modifier.contains(Modifier::BOLD);
    let is_symbol = width > 1 || text.chars().any(|letter| letter >= '\u{2000}');
    if let Some(last) = runs.last_mut()
        && (last.ink, last.is_bold, last.is_symbol) == (ink, is_bold, false)
        && !is_symbol
        && column - last.columns.1 <= 1
    {
        if column > last.columns.1 {
            last.text.push(' ');
        }
        last.text.push_str(text);
        last.columns.1 = column + 1;
        return;
    }
    runs.push(Run {
        ink,
        is_bold,
        columns: (column, column + width),
        text: text.to_owned(),
        is_symbol,
    });
}

impl Run {
    fn write(&self, row: &mut String, palette: &mut ColorTable) {
        let color = palette.class(self.ink.color);
        let bold = if self.is_bold { " B" } else { "" };
        let faint = if self.ink.is_faint { " F" } else { "" };
        let symbol = if self.is_symbol { " C" } else { "" };
        let (left, right) = (self.columns.0 * CELL_WIDTH, self.columns.1 * CELL_WIDTH);
        let x = if self.is_symbol {
            i32::midpoint(left, right)
        } else {
            left
        };
        // A single letter has nothing to stretch.
        let length = if right - left > CELL_WIDTH && !self.is_symbol {
            format!(" textLength=\"{}\"", right - left)
        } else {
            String::new()
        };
        let text = escape(&self.text);
        // Writing to a string cannot fail.
        let _ = write!(
            row,
            "<text x=\"{x}\" class=\"{color}{bold}{faint}{symbol}\"{length}>{text}</text>"
        );
    }
}

fn element(row: &mut String, class: &str, kind: &str, data: &str) {
    if !data.is_empty() {
        let _ = write!(row, "<path class=\"{class}{kind}\" d=\"{data}\"/>");
    }
}

impl Paths {
    fn add(&mut self, left: i32, shape: CellShape) {
        let middle = CELL_HEIGHT / 2 - BASELINE;
        match shape {
            CellShape::Fill([x, y, width, height]) => self.fills.add([left + x, y - BASELINE, width, height]),
            CellShape::Dot { x, y } => self.dots[y].push(left + x),
            CellShape::Horizontal { from, to, is_thick } => self.lines(is_thick).add(left + from, left + to),
            CellShape::Vertical {
                x,
                from,
                to,
                is_thick,
            } => {
                let (from, height) = (from - BASELINE, to - from);
                let _ = write!(self.lines(is_thick).other, "M{} {from}v{height}", left + x);
            }
            CellShape::Corner { to_x, to_y } => {
                let (center, to_x, to_y) = (left + CELL_WIDTH / 2, left + to_x, to_y - BASELINE);
                let _ = write!(
                    self.lines.other,
                    "M{center} {to_y}Q{center} {middle} {to_x} {middle}"
                );
            }
        }
    }

    fn lines(&mut self, is_thick: bool) -> &mut Lines {
        if is_thick {
            &mut self.thick
        } else {
            &mut self.lines
        }
    }
}

impl Fills {
    fn add(&mut self, rectangle: [i32; 4]) {
        let [x, y, width, height] = rectangle;
        match self.0.last_mut() {
            Some([last_x, last_y, last_width, last_height])
                if *last_x + *last_width == x && (*last_y, *last_height) == (y, height) =>
            {
                *last_width += width;
            }
            _ => self.0.push(rectangle),
        }
    }

    fn data(&self) -> String {
        let rectangles = self.0.iter();
        rectangles
            .map(|[x, y, width, height]| format!("M{x} {y}h{width}v{height}h-{width}z"))
            .collect()
    }
}

/// Draws neighbours as one dashed line: its dashes are the dots, and it ends just after the last one.
fn dots_data(rows: &[Vec<i32>; 4]) -> String {
    const STEP: i32 = CELL_WIDTH / 2;
    let mut data = String::new();
    for (row, dots) in (0..).zip(rows) {
        let y = row * STEP + STEP / 2 - BASELINE;
        for run in dots.chunk_by(|left, right| right - left == STEP) {
            if let (Some(first), Some(last)) = (run.first(), run.last()) {
                let _ = write!(data, "M{first} {y}h{}", last - first + 1);
            }
        }
    }
    data
}

impl Lines {
    fn add(&mut self, from: i32, to: i32) {
        match self.horizontal.last_mut() {
            Some((_, end)) if *end == from => *end = to,
            _ => self.horizontal.push((from, to)),
        }
    }

    fn data(&self) -> String {
        let y = CELL_HEIGHT / 2 - BASELINE;
        let horizontal = self.horizontal.iter();
        let horizontal = horizontal.map(|(from, to)| format!("M{from} {y}h{}", to - from));
        horizontal.collect::<String>() + &self.other
    }
}

/// Escapes text for XML, and replaces characters that XML cannot contain.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            letter if letter.is_control() => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}
