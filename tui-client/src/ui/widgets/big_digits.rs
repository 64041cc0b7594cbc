//! Three-row digits and letters, for the price and the title.
//!
//! ```text
//! ▀▀█ █ █
//! ▄▄█ ▀▀█
//! ▄▄█   █
//! ```

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

/// Returns the three rows of a text, with one column between two characters.
pub(crate) fn lines(text: &str) -> [String; 3] {
    [0, 1, 2].map(|row| {
        text.chars()
            .map(|letter| shape(letter)[row])
            .collect::<Vec<_>>()
            .join(" ")
    })
}

/// Doubles letters in width and height.
pub(crate) fn doubled(lines: &[String]) -> Vec<String> {
    let half = |line: &str, shown: [char; 2]| -> String {
        let cell = |letter: char| if shown.contains(&letter) { "██" } else { "  " };
        line.chars().map(cell).collect()
    };
    lines
        .iter()
        .flat_map(|line| [half(line, ['█', '▀']), half(line, ['█', '▄'])])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_has_three_rows_of_equal_width() {
        for letter in "0123456789,–ACEKMOSTW".chars() {
            let widths = shape(letter).map(crate::ui::text::width);
            assert!(widths.windows(2).all(|pair| pair[0] == pair[1]), "{letter}");
        }
    }

    #[test]
    fn characters_are_one_column_apart() {
        assert_eq!(lines("1,7"), ["▀█    ▀▀█", " █      █", "▄█▄ ▄   █"]);
        assert_eq!(lines(""), ["", "", ""]);
        assert_eq!(
            doubled(&lines("7")),
            ["██████", "    ██", "    ██", "    ██", "    ██", "    ██"]
        );
    }
}
