//! A sheet of the book of trades as JSON, so that any SQLite tool can read it.
//!
//! `[[account,number,stocks,previous],...]`: stocks are negative for a sell; `previous`, the account's sheet before this
//! one, stands with the account's first trade on the sheet and nowhere else. Written and read by hand: it is done a
//! million times a second, and nothing else may stand in it.

use crate::record::{AccountId, Posting, Side};

/// A trade as a sheet holds it. What all trades of the sheet share is kept beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) account: AccountId,
    pub(super) number: i64,
    /// How many stocks, negative for a sell.
    pub(super) stocks: i64,
    pub(super) previous: Option<i64>,
}

impl From<&Posting> for Line {
    fn from(posting: &Posting) -> Self {
        let count = posting.trade.count.wide();
        Self {
            account: posting.account,
            number: posting.trade.number,
            stocks: match posting.trade.side {
                Side::Buy => count,
                Side::Sell => count.saturating_neg(),
            },
            previous: posting.previous,
        }
    }
}

/// Writes `lines` into `text`, in place of what is in it.
pub(super) fn write(lines: impl Iterator<Item = Line>, text: &mut Vec<u8>) {
    text.clear();
    text.push(b'[');
    for line in lines {
        text.extend_from_slice(if text.len() == 1 { b"[" } else { b",[" });
        push_number(text, line.account.0);
        for number in [Some(line.number), Some(line.stocks), line.previous]
            .into_iter()
            .flatten()
        {
            text.push(b',');
            push_number(text, number);
        }
        text.push(b']');
    }
    text.push(b']');
}

/// The lines of `text`; `None` if it is no sheet.
pub(super) fn read(text: &str) -> Option<Vec<Line>> {
    let inner = text.strip_prefix("[[")?.strip_suffix("]]")?;
    inner.split("],[").map(read_line).collect()
}

fn read_line(text: &str) -> Option<Line> {
    let mut numbers = text.split(',').map(|number| number.parse().ok());
    let line = Line {
        account: AccountId(numbers.next()??),
        number: numbers.next()??,
        stocks: numbers.next()??,
        previous: match numbers.next() {
            Some(previous) => Some(previous?),
            None => None,
        },
    };
    numbers.next().is_none().then_some(line)
}

fn push_number(text: &mut Vec<u8>, number: i64) {
    const DIGITS: usize = 20;
    let mut digits = [b'0'; DIGITS];
    let mut rest = number.unsigned_abs();
    let mut length = 0_usize;
    for place in digits.iter_mut().rev() {
        let digit = u8::try_from(rest % 10).unwrap_or(0);
        *place = b'0'.saturating_add(digit);
        rest /= 10;
        length = length.saturating_add(1);
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        text.push(b'-');
    }
    text.extend_from_slice(digits.get(DIGITS.saturating_sub(length)..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(account: i64, number: i64, stocks: i64, previous: Option<i64>) -> Line {
        Line {
            account: AccountId(account),
            number,
            stocks,
            previous,
        }
    }

    #[test]
    fn a_sheet_is_written_as_json() {
        let lines = [
            line(1, 20, 3, Some(0)),
            line(12, 7, -4, Some(9)),
            line(1, 21, 1, None),
        ];
        let mut text = b"what was there before".to_vec();
        write(lines.into_iter(), &mut text);
        let text = String::from_utf8(text).unwrap();
        assert_eq!(text, "[[1,20,3,0],[12,7,-4,9],[1,21,1]]");
        assert_eq!(read(&text).unwrap(), lines);
    }

    #[test]
    fn what_is_no_sheet_is_not_guessed_at() {
        for text in [
            "",
            "[]",
            "[[]]",
            "[[1,2]]",
            "[[1,2,3,4,5]]",
            "[[1,2,x]]",
            "[[1,2,3]",
            "[[1,2,3],]",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn numbers_are_written_as_everywhere(number: i64) {
            let mut text = Vec::new();
            push_number(&mut text, number);
            prop_assert_eq!(text, number.to_string().into_bytes());
        }
    }
}
