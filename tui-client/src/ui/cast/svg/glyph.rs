//! Symbols that are drawn as shapes: braille dots, blocks and lines.

use super::{CELL_HEIGHT, CELL_WIDTH};

/// A shape in a cell. Coordinates are units from its left top corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CellShape {
    /// A filled rectangle: left, top, width, height.
    Fill([i32; 4]),
    /// A braille dot: its position, and its row from 0 to 3.
    Dot { x: i32, y: usize },
    /// A line at half the height.
    Horizontal { from: i32, to: i32, is_thick: bool },
    Vertical {
        x: i32,
        from: i32,
        to: i32,
        is_thick: bool,
    },
    /// A round corner from the middle of the top or bottom side at `to_y` to the middle of the side at `to_x`.
    Corner { to_x: i32, to_y: i32 },
}

/// Middle of a cell.
const X: i32 = CELL_WIDTH / 2;
const Y: i32 = CELL_HEIGHT / 2;

/// Dots of the braille bits, from the lowest: column and row.
const BRAILLE: [(i32, usize); 8] = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)];

/// Returns the shapes of a symbol; `None` if it is drawn as text.
pub(super) fn shapes(symbol: &str) -> Option<Vec<CellShape>> {
    let mut letters = symbol.chars();
    match (letters.next().unwrap_or(' '), letters.next()) {
        (' ' | '\u{a0}', None) => Some(Vec::new()),
        (letter @ '\u{2800}'..='\u{28ff}', None) => Some(braille(letter)),
        (letter, None) => block(letter)
            .map(|rectangle| vec![CellShape::Fill(rectangle)])
            .or_else(|| arms(letter).map(lines))
            .or_else(|| other_lines(letter)),
        (_, Some(_)) => None,
    }
}

fn braille(letter: char) -> Vec<CellShape> {
    let bits = u32::from(letter) - 0x2800;
    let dots = (0..).zip(BRAILLE).filter(|(bit, _)| bits >> bit & 1 == 1);
    let shapes = dots.map(|(_, (column, y))| CellShape::Dot {
        x: X / 2 + column * X,
        y,
    });
    shapes.collect()
}

/// Returns the rectangle of a block: left, top, width, height.
fn block(letter: char) -> Option<[i32; 4]> {
    let eighths = |last: char| i32::try_from(u32::from(last) - u32::from(letter)).unwrap_or(0);
    Some(match letter {
        '▀' => [0, 0, CELL_WIDTH, Y],
        '▔' => [0, 0, CELL_WIDTH, CELL_HEIGHT / 8],
        '▁'..='█' => {
            let height = CELL_HEIGHT - eighths('█') * CELL_HEIGHT / 8;
            [0, CELL_HEIGHT - height, CELL_WIDTH, height]
        }
        '▉'..='▏' => [0, 0, (eighths('▏') + 1) * CELL_WIDTH / 8, CELL_HEIGHT],
        '▐' => [X, 0, X, CELL_HEIGHT],
        _ => return None,
    })
}

/// Returns the ends of straight lines from the middle of the cell: `l`, `r`, `t` or `b`, upper-case if thick.
fn arms(letter: char) -> Option<&'static str> {
    Some(match letter {
        '─' => "lr",
        '│' => "tb",
        '┌' => "rb",
        '┐' => "lb",
        '└' => "rt",
        '┘' => "lt",
        '├' => "rtb",
        '┤' => "ltb",
        '┬' => "lrb",
        '┴' => "lrt",
        '┼' => "lrtb",
        '━' => "LR",
        '┃' => "TB",
        '╵' => "t",
        '╷' => "b",
        '╹' => "T",
        '╻' => "B",
        '╽' => "tB",
        '╿' => "Tb",
        _ => return None,
    })
}

fn lines(arms: &str) -> Vec<CellShape> {
    let shape = |arm: char| {
        let is_thick = arm.is_ascii_uppercase();
        let horizontal = |from, to| CellShape::Horizontal { from, to, is_thick };
        match arm.to_ascii_lowercase() {
            'l' => horizontal(0, X),
            'r' => horizontal(X, CELL_WIDTH),
            't' => vertical(X, 0, Y, is_thick),
            _ => vertical(X, Y, CELL_HEIGHT, is_thick),
        }
    };
    match arms {
        // Whole lines are one shape.
        "tb" | "TB" => vec![vertical(X, 0, CELL_HEIGHT, arms == "TB")],
        _ => arms.chars().map(shape).collect(),
    }
}

fn vertical(x: i32, from: i32, to: i32, is_thick: bool) -> CellShape {
    CellShape::Vertical {
        x,
        from,
        to,
        is_thick,
    }
}

/// Returns lines that are not straight, single and solid.
fn other_lines(letter: char) -> Option<Vec<CellShape>> {
    let corner = |to_x, to_y| vec![CellShape::Corner { to_x, to_y }];
    Some(match letter {
        '╭' => corner(CELL_WIDTH, CELL_HEIGHT),
        '╮' => corner(0, CELL_HEIGHT),
        '╰' => corner(CELL_WIDTH, 0),
        '╯' => corner(0, 0),
        '║' => [X - 2, X + 2].map(|x| vertical(x, 0, CELL_HEIGHT, false)).into(),
        '┊' => [1, 7, 13, 19].map(|top| vertical(X, top, top + 4, false)).into(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_have_their_eighths() {
        for (letter, rectangle) in [
            ('█', [0, 0, 12, 24]),
            ('▁', [0, 21, 12, 3]),
            ('▄', [0, 12, 12, 12]),
            ('▇', [0, 3, 12, 21]),
            ('▌', [0, 0, 6, 24]),
            ('▏', [0, 0, 1, 24]),
            ('▉', [0, 0, 10, 24]),
        ] {
            assert_eq!(block(letter), Some(rectangle), "{letter}");
        }
    }

    #[test]
    fn dots_are_where_braille_has_them() {
        let dots = |letter: &str| shapes(letter).unwrap();
        assert_eq!(dots("⠁"), [CellShape::Dot { x: 3, y: 0 }]);
        assert_eq!(dots("⢀"), [CellShape::Dot { x: 9, y: 3 }]);
        assert_eq!(dots("⣿").len(), 8);
        assert_eq!(dots("⠀"), []);
    }

    #[test]
    fn letters_and_symbols_are_text() {
        for text in ["a", "é", "e\u{301}", "株", "▲", "░"] {
            assert_eq!(shapes(text), None, "{text}");
        }
        assert_eq!([" ", ""].map(shapes), [Some(Vec::new()), Some(Vec::new())]);
    }
}
