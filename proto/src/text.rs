//! Text from others, made fit to be shown.
//!
//! Owns which characters could move the cursor, change the terminal, turn the reading order, or be there unseen. It
//! knows nothing of where the text goes: a terminal, a file, a log.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What stands in the place of what is not shown.
pub const STAND_IN: char = '\u{FFFD}';

/// Marks without width that one letter may carry: more are piled up to write over the lines around.
const MAX_MARKS: usize = 3;

/// Characters of one grapheme, whatever they are: more than any syllable has.
const MAX_GRAPHEME_CHARS: usize = 12;

/// `text` on one line, with [`STAND_IN`] for each character that does something instead of showing something: control
/// characters (line ends too), marks that turn the reading order, and all that cannot be seen. Marks piled on one
/// letter are cut. Made harmless again, it stays as it is.
#[must_use]
pub fn harmless(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let shown: String = text
        .chars()
        .map(|char| if acts(char) { STAND_IN } else { char })
        .collect();
    let mut harmless = String::with_capacity(shown.len());
    for grapheme in shown.graphemes(true) {
        if grapheme.width() == 0 {
            harmless.push(STAND_IN);
        } else {
            push_bounded(&mut harmless, grapheme);
        }
    }
    Cow::Owned(harmless)
}

/// Whether `char` tells a terminal or a text layout to do something, or is there to change what stands beside it.
#[must_use]
pub fn acts(char: char) -> bool {
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

/// Adds `grapheme` without the marks that are too many, and cut where it is too long for one.
fn push_bounded(text: &mut String, grapheme: &str) {
    let mut marks: usize = 0;
    let kept = grapheme.chars().filter(|char| {
        let is_mark = char.width() == Some(0);
        marks = if is_mark { marks.saturating_add(1) } else { 0 };
        marks <= MAX_MARKS
    });
    for (position, char) in kept.enumerate() {
        if position == MAX_GRAPHEME_CHARS {
            text.push(STAND_IN);
            return;
        }
        text.push(char);
    }
}

#[cfg(test)]
#[path = "../tests/support/nasty.rs"]
mod nasty;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{nasty::nasty_texts, *};

    #[test]
    fn what_shows_something_stays() {
        for text in [
            "",
            "operation executed successfully",
            "Žofie 株 ñ é 🙂 👍🏽 🇨🇿",
            "a\u{0301}",
            "मीरा क्ष्म्य שָׁלוֹם ภาษาไทย 한국어",
            "각",
        ] {
            assert_eq!(harmless(text), text);
        }
    }

    #[test]
    fn what_does_something_is_replaced() {
        for (text, shown) in [
            ("\u{1b}[2J", "\u{FFFD}[2J"),
            ("a\nb\r\nc\td\0", "a\u{FFFD}b\u{FFFD}\u{FFFD}c\u{FFFD}d\u{FFFD}"),
            ("\u{7f}\u{9b}31m", "\u{FFFD}\u{FFFD}31m"),
            ("abc\u{202E}cba", "abc\u{FFFD}cba"),
            ("a\u{200B}b\u{FEFF}", "a\u{FFFD}b\u{FFFD}"),
            ("\u{2066}x\u{2069}", "\u{FFFD}x\u{FFFD}"),
            ("\u{2028}\u{2029}", "\u{FFFD}\u{FFFD}"),
            ("\u{E0041}", "\u{FFFD}"),
            // Letters by Unicode, and yet invisible.
            ("\u{3164}\u{ffa0}", "\u{FFFD}\u{FFFD}"),
            // Nothing to stand on: it would stand on what is written before.
            ("\u{301}ann", "\u{FFFD}ann"),
            ("\u{345}\u{345}", "\u{FFFD}"),
            // Invisible signs of music and shorthand.
            ("\u{1D173}\u{1BCA0}", "\u{FFFD}\u{FFFD}"),
            (
                "e\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}x",
                "e\u{301}\u{302}\u{303}x",
            ),
        ] {
            assert_eq!(harmless(text), shown, "{text:?}");
        }
        let syllable = "\u{1100}".repeat(100);
        assert_eq!(harmless(&syllable).chars().count(), MAX_GRAPHEME_CHARS + 1);
    }

    /// What holds for everything that was made harmless.
    fn check(text: &str) -> Result<(), TestCaseError> {
        let shown = harmless(text);
        prop_assert!(!shown.contains(acts), "{shown:?}");
        for grapheme in shown.graphemes(true) {
            prop_assert!(grapheme.width() >= 1, "unseen: {grapheme:?} in {shown:?}");
            prop_assert!(grapheme.chars().count() <= MAX_GRAPHEME_CHARS + 1, "{grapheme:?}");
        }
        prop_assert_eq!(&harmless(&shown), &shown);
        Ok(())
    }

    #[test]
    fn nothing_nasty_gets_through() {
        for text in nasty_texts() {
            check(&text).unwrap();
        }
    }

    proptest! {
        #[test]
        fn no_text_does_anything(text in any::<String>()) {
            check(&text)?;
        }

        /// Pieces that join to one grapheme, or nearly.
        #[test]
        fn no_pile_of_marks_does_anything(
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
