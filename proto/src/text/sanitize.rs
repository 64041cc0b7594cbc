//! Makes untrusted text safe to display in a terminal, file or log.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Replaces unsafe characters.
pub const REPLACEMENT: char = '\u{FFFD}';

/// Most combining marks on one letter: more would overwrite the lines around it.
const MAX_MARKS: usize = 3;

/// Most characters of one grapheme, more than any syllable has.
const MAX_GRAPHEME_CHARS: usize = 12;

/// Returns `text` on one line, with [`REPLACEMENT`] for control characters (including line ends), characters
/// that change the reading order, and invisible ones. Excess combining marks are dropped. Idempotent.
#[must_use]
pub fn sanitize(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let shown: String = text
        .chars()
        .map(|char| if is_unsafe(char) { REPLACEMENT } else { char })
        .collect();
    let mut safe = String::with_capacity(shown.len());
    for grapheme in shown.graphemes(true) {
        if grapheme.width() == 0 {
            safe.push(REPLACEMENT);
        } else {
            push_bounded(&mut safe, grapheme);
        }
    }
    Cow::Owned(safe)
}

/// Returns whether `char` controls a terminal or text layout, or is invisible and changes adjacent
/// characters.
#[must_use]
pub fn is_unsafe(char: char) -> bool {
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

/// Adds `grapheme` without excess marks, cut to the longest allowed length.
fn push_bounded(text: &mut String, grapheme: &str) {
    let mut marks: usize = 0;
    let kept = grapheme.chars().filter(|char| {
        let is_mark = char.width() == Some(0);
        marks = if is_mark { marks.saturating_add(1) } else { 0 };
        marks <= MAX_MARKS
    });
    for (position, char) in kept.enumerate() {
        if position == MAX_GRAPHEME_CHARS {
            text.push(REPLACEMENT);
            return;
        }
        text.push(char);
    }
}

/// Sanitizes each line of `text`.
#[must_use]
pub fn sanitize_lines(text: &str) -> String {
    text.lines().map(sanitize).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
#[path = "../../tests/support/hostile_text.rs"]
mod hostile_text;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::hostile_text::hostile_texts;
    use super::*;

    #[test]
    fn visible_text_stays() {
        for text in [
            "",
            "operation executed successfully",
            "Žofie 株 ñ é 🙂 👍🏽 🇨🇿",
            "a\u{0301}",
            "मीरा क्ष्म्य שָׁלוֹם ภาษาไทย 한국어",
            "각",
        ] {
            assert_eq!(sanitize(text), text);
        }
    }

    #[test]
    fn unsafe_characters_are_replaced() {
        for (text, shown) in [
            ("\u{1b}[2J", "\u{FFFD}[2J"),
            ("a\nb\r\nc\td\0", "a\u{FFFD}b\u{FFFD}\u{FFFD}c\u{FFFD}d\u{FFFD}"),
            ("\u{7f}\u{9b}31m", "\u{FFFD}\u{FFFD}31m"),
            ("abc\u{202E}cba", "abc\u{FFFD}cba"),
            ("a\u{200B}b\u{FEFF}", "a\u{FFFD}b\u{FFFD}"),
            ("\u{2066}x\u{2069}", "\u{FFFD}x\u{FFFD}"),
            ("\u{2028}\u{2029}", "\u{FFFD}\u{FFFD}"),
            ("\u{E0041}", "\u{FFFD}"),
            // Unicode letters that are invisible.
            ("\u{3164}\u{ffa0}", "\u{FFFD}\u{FFFD}"),
            // A mark without a letter would combine with the text before.
            ("\u{301}ann", "\u{FFFD}ann"),
            ("\u{345}\u{345}", "\u{FFFD}"),
            // Invisible signs of music and shorthand.
            ("\u{1D173}\u{1BCA0}", "\u{FFFD}\u{FFFD}"),
            (
                "e\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}x",
                "e\u{301}\u{302}\u{303}x",
            ),
        ] {
            assert_eq!(sanitize(text), shown, "{text:?}");
        }
        let syllable = "\u{1100}".repeat(100);
        assert_eq!(sanitize(&syllable).chars().count(), MAX_GRAPHEME_CHARS + 1);
    }

    fn check(text: &str) -> Result<(), TestCaseError> {
        let shown = sanitize(text);
        prop_assert!(!shown.contains(is_unsafe), "{shown:?}");
        for grapheme in shown.graphemes(true) {
            prop_assert!(grapheme.width() >= 1, "unseen: {grapheme:?} in {shown:?}");
            prop_assert!(grapheme.chars().count() <= MAX_GRAPHEME_CHARS + 1, "{grapheme:?}");
        }
        prop_assert_eq!(&sanitize(&shown), &shown);
        Ok(())
    }

    #[test]
    fn hostile_text_is_made_safe() {
        for text in hostile_texts() {
            check(&text).unwrap();
        }
    }

    proptest! {
        #[test]
        fn any_text_is_made_safe(text in any::<String>()) {
            check(&text)?;
        }

        /// Pieces that combine to one grapheme, or nearly.
        #[test]
        fn stacked_marks_are_made_safe(
            pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..60),
        ) {
            check(&pieces.concat())?;
        }
    }

    const PIECES: &[&str] = &[
        "a",
        "\u{301}",
        "\u{345}",
        "\u{200d}",
        "\u{fe0f}",
        "👩",
        "🏽",
        "🇨",
        "\u{1100}",
        "\u{1161}",
        "\u{11a8}",
        "\u{915}",
        "\u{94d}",
        "\u{93e}",
        "\u{600}",
        "\u{d4e}",
        "\u{644}",
        "\u{627}",
        "\u{5d0}",
        "\u{1D173}",
        "\u{1D165}",
        "\n",
        "\u{1b}",
        "\u{e33}",
        "\u{110bd}",
    ];
}
