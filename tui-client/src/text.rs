//! Text from others, made fit to be shown.
//!
//! Owns which characters could move the cursor, change the terminal or turn the reading order. It knows nothing of
//! where the text goes.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;

/// What stands in the place of a character that is not shown.
const STAND_IN: char = '\u{FFFD}';

/// Most characters of one grapheme: more are marks piled up to write over the neighbours.
const MAX_GRAPHEME_CHARS: usize = 4;

/// `text` on one line, with a stand-in for each character that does something instead of showing something: control
/// characters (line ends too), marks that turn the reading order, and characters without width. Marks piled on one
/// letter are cut.
#[must_use]
pub fn harmless(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let shown: String = text
        .chars()
        .map(|char| if acts(char) { STAND_IN } else { char })
        .collect();
    let graphemes = shown
        .graphemes(true)
        .flat_map(|grapheme| grapheme.chars().take(MAX_GRAPHEME_CHARS));
    Cow::Owned(graphemes.collect())
}

fn acts(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{00AD}'
                | '\u{034F}'
                | '\u{061C}'
                | '\u{115F}'..='\u{1160}'
                | '\u{17B4}'..='\u{17B5}'
                | '\u{180B}'..='\u{180F}'
                | '\u{200B}'..='\u{200F}'
                | '\u{2028}'..='\u{202E}'
                | '\u{2060}'..='\u{206F}'
                | '\u{3164}'
                | '\u{FE00}'..='\u{FE0F}'
                | '\u{FEFF}'
                | '\u{FFA0}'
                | '\u{FFF0}'..='\u{FFFB}'
                | '\u{E0000}'..='\u{E0FFF}'
        )
}

/// The first `max_chars` characters of `text`, with an ellipsis where that is not all.
#[must_use]
pub fn cut(text: &str, max_chars: usize) -> Cow<'_, str> {
    if text.chars().nth(max_chars).is_none() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.chars().take(max_chars).chain(['…']).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_something_stays() {
        for text in [
            "",
            "operation executed successfully",
            "Žofie 株 ñ é 🙂",
            "a\u{0301}",
        ] {
            assert_eq!(harmless(text), text);
        }
    }

    #[test]
    fn what_does_something_is_replaced() {
        let cases = [
            ("\u{1b}[2J", "\u{FFFD}[2J"),
            ("a\r\nb\tc", "a\u{FFFD}\u{FFFD}b\u{FFFD}c"),
            ("\u{9b}31m", "\u{FFFD}31m"),
            ("abc\u{202E}cba", "abc\u{FFFD}cba"),
            ("a\u{200B}b\u{FEFF}", "a\u{FFFD}b\u{FFFD}"),
            ("\u{2066}x\u{2069}", "\u{FFFD}x\u{FFFD}"),
            ("\u{E0041}", "\u{FFFD}"),
        ];
        for (text, shown) in cases {
            assert_eq!(harmless(text), shown, "{text:?}");
        }
    }

    #[test]
    fn a_cut_falls_between_characters() {
        assert_eq!(cut("株価株価", 4), "株価株価");
        assert_eq!(cut("株価株価", 3), "株価株…");
        assert_eq!(cut("", 0), "");
    }
}
