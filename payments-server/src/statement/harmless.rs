//! Text from others, made fit to be shown on a terminal.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Stands where something was that cannot be shown.
const REPLACEMENT: &str = "\u{fffd}";

/// `text` with a replacement character for each grapheme that a terminal would obey, not show, or reorder others by:
/// control characters, escapes, line and paragraph separators, bidirectional marks, and all that has no width.
pub(super) fn harmless(text: &str) -> String {
    text.graphemes(true)
        .map(|grapheme| {
            if grapheme.width() == 0 || grapheme.chars().any(commands) {
                REPLACEMENT
            } else {
                grapheme
            }
        })
        .collect()
}

/// Whether `c` tells a terminal or a text layout to do something.
fn commands(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_commands_or_cannot_be_seen_is_replaced() {
        for (text, shown) in [
            ("ann", "ann"),
            ("株太郎 é e\u{301} मीरा", "株太郎 é e\u{301} मीरा"),
            ("\u{1b}[31mann", "\u{fffd}[31mann"),
            ("a\nb\r\nc\td\0", "a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}"),
            ("\u{9b}31m", "\u{fffd}31m"),
            ("\u{202e}nna", "\u{fffd}nna"),
            ("\u{2066}a\u{2069}", "\u{fffd}a\u{fffd}"),
            ("\u{2028}\u{2029}", "\u{fffd}\u{fffd}"),
            ("\u{feff}", "\u{fffd}"),
            // Letters by Unicode, and yet invisible.
            ("\u{3164}\u{ffa0}", "\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(harmless(text), shown, "{text:?}");
        }
    }
}
