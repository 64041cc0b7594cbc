//! Trade pages as JSON, readable by any SQLite tool.
//!
//! `[[account,number,stocks,previous],...]`: sales have negative stocks; `previous` is the account's page before
//! this one, on its first trade of the page only.

use crate::domain::money::Stocks;
use crate::domain::order::page::TradeLine;
use crate::domain::order::{AccountId, Side};

/// Replaces the content of `text`.
pub(super) fn write(lines: &[TradeLine], text: &mut Vec<u8>) {
    text.clear();
    text.push(b'[');
    for line in lines {
        text.extend_from_slice(if text.len() == 1 { b"[" } else { b",[" });
        push_number(text, line.account.0);
        let count = line.count.wide();
        let stocks = match line.side {
            Side::Buy => count,
            Side::Sell => count.saturating_neg(),
        };
        for number in [Some(line.number), Some(stocks), line.previous]
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

/// Returns `None` for anything but a page.
pub(super) fn read(text: &str) -> Option<Vec<TradeLine>> {
    let inner = text.strip_prefix("[[")?.strip_suffix("]]")?;
    inner.split("],[").map(read_line).collect()
}

fn read_line(text: &str) -> Option<TradeLine> {
    let mut numbers = text.split(',').map(|number| number.parse().ok());
    let (account, number): (_, _) = (AccountId(numbers.next()??), numbers.next()??);
    let stocks: i64 = numbers.next()??;
    let line = TradeLine {
        account,
        number,
        side: if stocks < 0 { Side::Sell } else { Side::Buy },
        count: Stocks(i32::try_from(stocks.checked_abs()?).ok()?),
        previous: match numbers.next() {
            Some(previous) => Some(previous?),
            None => None,
        },
    };
    numbers.next().is_none().then_some(line)
}

fn push_number(text: &mut Vec<u8>, number: i64) {
    text.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(account: i64, number: i64, side: Side, count: i32, previous: Option<i64>) -> TradeLine {
        TradeLine {
            account: AccountId(account),
            number,
            side,
            count: Stocks(count),
            previous,
        }
    }

    #[test]
    fn a_page_is_encoded_as_json() {
        let lines = [
            line(1, 20, Side::Buy, 3, Some(0)),
            line(12, 7, Side::Sell, 4, Some(9)),
            line(1, 21, Side::Buy, 1, None),
        ];
        let mut text = b"what was there before".to_vec();
        write(&lines, &mut text);
        let text = String::from_utf8(text).unwrap();
        assert_eq!(text, "[[1,20,3,0],[12,7,-4,9],[1,21,1]]");
        assert_eq!(read(&text).unwrap(), lines);
    }

    #[test]
    fn invalid_pages_are_rejected() {
        for text in [
            "",
            "[]",
            "[[]]",
            "[[1,2]]",
            "[[1,2,3,4,5]]",
            "[[1,2,x]]",
            "[[1,2,2147483648]]",
            "[[1,2,3]",
            "[[1,2,3],]",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn numbers_are_encoded_as_decimal(number: i64) {
            let mut text = Vec::new();
            push_number(&mut text, number);
            prop_assert_eq!(text, number.to_string().into_bytes());
        }
    }
}
