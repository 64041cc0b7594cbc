//! Measures, truncates and wraps text by display width.

pub mod format;

use std::borrow::Cow;

pub use awesomestock_proto::text::sanitize::{sanitize, sanitize_lines};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

const ELLIPSIS: &str = "…";

pub fn width(text: &str) -> usize {
    text.width()
}

/// Converts a width to screen columns, at most `u16::MAX`.
pub(crate) fn cells(width: usize) -> u16 {
    u16::try_from(width).unwrap_or(u16::MAX)
}

/// Truncates to at most `columns`, ending with `…` if anything is cut. A number is left out rather than cut: a part of
/// it would be another number.
pub fn truncate(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let kept = head(text, columns.saturating_sub(1));
    let rest = text.get(kept.len()..).unwrap_or_default();
    let start = kept.rfind(char::is_whitespace).map_or(0, |space| space + 1);
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let word = text.get(start..kept.len() + end).unwrap_or_default();
    let mut cut = match goes_on(rest) && is_number(word) {
        true => kept.get(..start).unwrap_or_default().to_owned(),
        false => kept.to_owned(),
    };
    if columns > 0 {
        cut.push_str(ELLIPSIS);
    }
    Cow::Owned(cut)
}

/// Adds spaces up to `columns`.
pub(crate) fn pad(text: &str, columns: usize) -> String {
    let gap = columns.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(gap))
}

/// Returns whether `rest` can be the end of a number.
fn goes_on(rest: &str) -> bool {
    let mut letters = rest.chars();
    match letters.next() {
        Some(',' | '.') => letters.next().is_some_and(|letter| letter.is_ascii_digit()),
        next => next.is_some_and(char::is_alphanumeric),
    }
}

/// Returns whether a word is a number, with any signs and units around it.
fn is_number(word: &str) -> bool {
    let is_digit = |letter: char| letter.is_ascii_digit();
    let digits = word.trim_matches(|letter| !is_digit(letter));
    let around = word.chars().filter(|letter| letter.is_alphabetic()).count();
    let is_part = |letter: char| is_digit(letter) || matches!(letter, ',' | '.');
    !digits.is_empty() && digits.chars().all(is_part) && around <= 1
}

/// Returns the longest prefix of whole graphemes that fits `columns`.
pub(crate) fn head(text: &str, columns: usize) -> &str {
    let mut used = 0_usize;
    for (start, grapheme) in text.grapheme_indices(true) {
        used = used.saturating_add(width(grapheme));
        if used > columns {
            return text.get(..start).unwrap_or_default();
        }
    }
    text
}

/// Returns the first of `candidates` that fits `columns`, or the last one truncated.
pub fn fit(candidates: &[impl AsRef<str>], columns: usize) -> Cow<'_, str> {
    let mut texts = candidates.iter().map(AsRef::<str>::as_ref);
    let last = texts.clone().next_back().unwrap_or_default();
    let fitting = texts.find(|text| width(text) <= columns);
    fitting.map_or_else(|| truncate(last, columns), Cow::Borrowed)
}

/// Wraps at spaces where possible, and indents lines after the first. Leading spaces stay; an empty text is
/// one empty line.
pub fn wrap(text: &str, columns: usize, indent: usize) -> Vec<String> {
    let indent = if indent < columns { indent } else { 0 };
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0_usize;
    for mut piece in pieces(text) {
        let mut piece_columns = width(piece);
        if used.saturating_add(piece_columns) > columns {
            if used > indent || lines.is_empty() && used > 0 {
                lines.push(std::mem::take(&mut line).trim_end().to_owned());
                line.push_str(&" ".repeat(indent));
                used = indent;
            }
            if piece.trim().is_empty() {
                continue;
            }
            while used.saturating_add(piece_columns) > columns {
                let part = head(piece, columns.saturating_sub(used));
                if part.is_empty() {
                    // A grapheme wider than a line cannot be shown.
                    return lines;
                }
                line.push_str(part);
                lines.push(std::mem::take(&mut line));
                line.push_str(&" ".repeat(indent));
                used = indent;
                piece = piece.get(part.len()..).unwrap_or_default();
                piece_columns = width(piece);
            }
        }
        line.push_str(piece);
        used = used.saturating_add(piece_columns);
    }
    if used > indent || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// Splits at white space, and between words that are written without it, such as Chinese ones.
fn pieces(mut text: &str) -> impl Iterator<Item = &str> {
    let is_letter = |char: Option<char>| char.is_some_and(|char| char.is_ascii_graphic());
    std::iter::from_fn(move || {
        let mut last = None;
        let joined = text.split_word_bounds().take_while(|word| {
            let joins = last.is_none() || is_letter(last) && is_letter(word.chars().next());
            last = word.chars().next_back();
            joins
        });
        let (piece, rest) = text.split_at_checked(joined.map(str::len).sum())?;
        text = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_by_display_width() {
        let cases = [
            ("hello", 5, "hello"),
            ("hello", 4, "hel…"),
            ("hello", 1, "…"),
            ("hello", 0, ""),
            ("price 2,147,483,647", 12, "price …"),
            ("price 2,147,483,647: up", 20, "price 2,147,483,647…"),
            ("cost -37.5 tokens", 8, "cost …"),
            ("ann @ 127.0.0.1:10000", 12, "ann @ 127.0…"),
            ("player-1234", 10, "player-12…"),
            ("in 3 seconds", 8, "in 3 se…"),
            ("株太郎", 6, "株太郎"),
            ("株太郎", 5, "株太…"),
            ("株太郎", 4, "株…"),
            ("株太郎", 2, "…"),
            ("e\u{301}e\u{301}e", 2, "e\u{301}…"),
        ];
        for (text, columns, shown) in cases {
            assert_eq!(truncate(text, columns), shown, "{text:?} in {columns}");
        }
    }

    #[test]
    fn the_first_candidate_that_fits_is_used() {
        let cases = [
            (20, "leaves 100 tokens"),
            (10, "100 tokens"),
            (4, "100"),
            (2, "…"),
        ];
        for (columns, shown) in cases {
            assert_eq!(fit(&["leaves 100 tokens", "100 tokens", "100"], columns), shown);
        }
        assert_eq!(fit(&[""; 0], 5), "");
    }

    #[test]
    fn lines_break_between_words() {
        let cases: [(&str, usize, usize, &[&str]); 10] = [
            ("", 5, 2, &[""]),
            ("run x --user=a: now", 10, 0, &["run x", "--user=a:", "now"]),
            ("one two", 7, 2, &["one two"]),
            ("one two three", 8, 2, &["one two", "  three"]),
            ("one two three", 3, 0, &["one", "two", "thr", "ee"]),
            ("  a  b", 6, 0, &["  a  b"]),
            ("株太郎", 4, 0, &["株太", "郎"]),
            ("a b.", 3, 0, &["a", "b."]),
            ("株", 1, 0, &[]),
            ("abc", 0, 0, &[]),
        ];
        for (text, columns, indent, lines) in cases {
            assert_eq!(wrap(text, columns, indent), lines, "{text:?} in {columns}");
        }
    }

    #[test]
    fn no_wrapped_line_is_too_wide() {
        let text =
            "refused: 50 stocks cost 1,850 tokens, 株太郎 has 1,204 https://example.org/a-long-address";
        for columns in 0..90 {
            for line in wrap(text, columns, 3) {
                assert!(width(&line) <= columns, "{line:?} in {columns}");
            }
        }
    }
}
