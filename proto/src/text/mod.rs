//! Text for people: numbers, and untrusted text made safe.

pub mod sanitize;

/// Formats as `1,204`, `-1,204`.
#[must_use]
pub fn thousands(number: impl Into<i128>) -> String {
    let number = number.into();
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
pub fn pluralize(count: impl Into<i64>, unit: &str) -> String {
    let count = count.into();
    let s = if matches!(count, -1 | 1) { "" } else { "s" };
    format!("{} {unit}{s}", thousands(count))
}

#[cfg(test)]
mod tests {
    use super::*;

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
