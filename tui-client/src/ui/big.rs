//! Figures and letters three rows high, for the price that everybody looks at and the name of the game.
//!
//! Owns their shapes. It knows nothing of prices.
//!
//! ```text
//! ▀▀█ █ █
//! ▄▄█ ▀▀█
//! ▄▄█   █
//! ```

use ratatui::{buffer::Buffer, layout::Rect, style::Style, widgets::Widget};

use super::panel;

/// Rows a figure takes.
pub(super) const ROWS: u16 = 3;

/// The shape of a letter, or nothing where there is none.
fn shape(letter: char) -> [&'static str; 3] {
    match letter {
        '0' => ["█▀█", "█ █", "█▄█"],
        '1' => ["▀█ ", " █ ", "▄█▄"],
        '2' => ["▀▀█", "█▀▀", "█▄▄"],
        '3' => ["▀▀█", " ▀█", "▄▄█"],
        '4' => ["█ █", "▀▀█", "  █"],
        '5' => ["█▀▀", "▀▀█", "▄▄█"],
        '6' => ["█▀▀", "█▀█", "█▄█"],
        '7' => ["▀▀█", "  █", "  █"],
        '8' => ["█▀█", "█▀█", "█▄█"],
        '9' => ["█▀█", "▀▀█", "▄▄█"],
        'A' => ["█▀█", "█▀█", "█ █"],
        'C' => ["█▀▀", "█  ", "█▄▄"],
        'E' => ["█▀▀", "█▀▀", "█▄▄"],
        'K' => ["█ █", "█▀▄", "█ █"],
        'M' => ["█▄ ▄█", "█ ▀ █", "█   █"],
        'O' => ["█▀█", "█ █", "█▄█"],
        'S' => ["█▀▀", "▀▀█", "▄▄█"],
        'T' => ["▀█▀", " █ ", " █ "],
        'W' => ["█   █", "█ █ █", "▀▄▀▄▀"],
        ',' => [" ", " ", "▄"],
        _ => ["   ", "▀▀▀", "   "],
    }
}

/// The rows of a text in big letters, one column between two of them.
fn rows(text: &str) -> [String; 3] {
    let shapes: Vec<_> = text.chars().map(shape).collect();
    [0_usize, 1, 2].map(|index| {
        let pieces: Vec<_> = shapes
            .iter()
            .filter_map(|shape| shape.get(index).copied())
            .collect();
        pieces.join(" ")
    })
}

/// The rows of a text in big letters, as they are.
pub(super) fn lines(text: &str) -> Vec<String> {
    rows(text).into()
}

/// The same letters twice as wide and twice as high.
pub(super) fn doubled(lines: &[String]) -> Vec<String> {
    let half = |line: &str, shown: [char; 2]| -> String {
        let cell = |letter: char| if shown.contains(&letter) { "██" } else { "  " };
        line.chars().map(cell).collect()
    };
    lines
        .iter()
        .flat_map(|line| [half(line, ['█', '▀']), half(line, ['█', '▄'])])
        .collect()
}

/// Draws `text` (digits, commas; anything else is a dash) from the top left of `area`; gives back the columns taken.
pub(super) fn draw(text: &str, style: Style, area: Rect, buf: &mut Buffer) -> u16 {
    let mut columns = 0;
    for (index, pieces) in (0..ROWS).zip(rows(text)) {
        let line = panel::styled(pieces, style);
        columns = u16::try_from(line.width()).unwrap_or(u16::MAX).min(area.width);
        line.render(panel::row(area, index), buf);
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_has_three_rows_of_equal_width() {
        for letter in "0123456789,–ACEKMOSTW".chars() {
            let widths = shape(letter).map(super::super::text::width);
            assert!(widths.windows(2).all(|pair| pair[0] == pair[1]), "{letter}");
        }
    }

    #[test]
    fn letters_stand_a_column_apart() {
        assert_eq!(rows("1,7"), ["▀█    ▀▀█", " █      █", "▄█▄ ▄   █"]);
        assert_eq!(rows(""), ["", "", ""]);
        assert_eq!(
            doubled(&lines("7")),
            ["██████", "    ██", "    ██", "    ██", "    ██", "    ██"]
        );
    }
}
