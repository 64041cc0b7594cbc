//! Text for people: numbers, and untrusted text made safe.

pub mod sanitize;

use std::borrow::Cow;

/// Formats as `1,204`, `-1,204`.
#[must_use]
pub fn thousands(number: impl TryInto<i128>) -> String {
    let number = number.try_into().unwrap_or(i128::MAX);
    let digits = number.unsigned_abs().to_string();
    let mut written = String::with_capacity(digits.len().saturating_mul(2));
    if number < 0 {
        written.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && digits.len().saturating_sub(index).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    written
}

/// Formats as `1 token`, `1,204 tokens`.
#[must_use]
pub fn pluralize(count: impl TryInto<i128>, unit: &str) -> String {
    let count = count.try_into().unwrap_or(i128::MAX);
    let s = if matches!(count, -1 | 1) { "" } else { "s" };
    format!("{} {unit}{s}", thousands(count))
}

/// Cuts to `max_chars` characters, with an ellipsis if anything is cut.
#[must_use]
pub fn cut(text: &str, max_chars: usize) -> Cow<'_, str> {
    match text.char_indices().nth(max_chars) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_does_not_split_characters() {
        assert_eq!(cut("株価株価", 4), "株価株価");
        assert_eq!(cut("株価株価", 3), "株価株…");
        assert_eq!(cut("", 0), "");
    }

    #[test]
    fn amounts_have_separators_and_a_plural() {
        for (count, written) in [
            (0, "0 tokens"),
            (1, "1 token"),
            (-1, "-1 token"),
            (999, "999 tokens"),
            (1_000, "1,000 tokens"),
            (-1_234_567, "-1,234,567 tokens"),
            (i64::MIN, "-9,223,372,036,854,775,808 tokens"),
        ] {
            assert_eq!(pluralize(count, "token"), written);
        }
    }
}
