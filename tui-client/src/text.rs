//! Text from others, made fit to be shown: harmless, and not too long.
//!
//! Owns where a text is cut. Which characters do harm is for [`awesomestock_proto::text`] to say.

use std::borrow::Cow;

pub use awesomestock_proto::text::harmless;

/// The lines of `text`, each made harmless.
#[must_use]
pub fn harmless_lines(text: &str) -> String {
    text.lines().map(harmless).collect::<Vec<_>>().join("\n")
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
    fn a_cut_falls_between_characters() {
        assert_eq!(cut("株価株価", 4), "株価株価");
        assert_eq!(cut("株価株価", 3), "株価株…");
        assert_eq!(cut("", 0), "");
    }
}
