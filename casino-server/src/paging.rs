//! Core: which pages of a list may be asked for.

use crate::store::PageRequest;

/// Trades in a page: at most, and when the request does not say.
pub(crate) const TRADES: PageBounds = PageBounds {
    number: "before_number",
    max: 1_000,
    default: 100,
};

/// Prices in a page: at most, and when the request does not say.
pub(crate) const PRICES: PageBounds = PageBounds {
    number: "before_tick",
    max: 10_000,
    default: 1_000,
};

/// Candles in a page: at most, and when the request does not say.
pub(crate) const CANDLES: PageBounds = PageBounds {
    number: "before_tick",
    max: 10_000,
    default: 1_000,
};

/// The bounds of a paged request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageBounds {
    /// The field that says below which number.
    number: &'static str,
    /// The most entries of a page.
    max: u32,
    /// The entries of a page when the request does not say.
    default: u32,
}

impl PageBounds {
    /// The page that a request asks for by its two numbers, in which 0 means that it does not say.
    pub(crate) fn page(self, before: i64, limit: i32) -> Result<PageRequest, BadPage> {
        let before = match before {
            ..0 => {
                return Err(BadPage::Number {
                    field: self.number,
                    given: before,
                });
            }
            0 => None,
            before => Some(before),
        };
        let limit = match u32::try_from(limit) {
            Ok(0) => self.default,
            Ok(within) if within <= self.max => within,
            _ => {
                return Err(BadPage::Limit {
                    given: limit,
                    max: self.max,
                });
            }
        };
        Ok(PageRequest { before, limit })
    }
}

/// A page that cannot be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadPage {
    /// A negative number.
    #[error("{field}: {given} is below 0")]
    Number {
        /// The field.
        field: &'static str,
        /// What was sent.
        given: i64,
    },
    /// A negative limit, or a larger page than there is.
    #[error("limit: {given} is not between 0 and {max}")]
    Limit {
        /// What was sent.
        given: i32,
        /// The most entries of a page.
        max: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_bounds() {
        let page = |before, limit| Ok(PageRequest { before, limit });
        let cases = [
            (TRADES, 0, 0, page(None, 100)),
            (TRADES, 7, 1_000, page(Some(7), 1_000)),
            (
                TRADES,
                0,
                1_001,
                Err(BadPage::Limit {
                    given: 1_001,
                    max: 1_000,
                }),
            ),
            (
                TRADES,
                0,
                -1,
                Err(BadPage::Limit {
                    given: -1,
                    max: 1_000,
                }),
            ),
            (
                TRADES,
                -1,
                0,
                Err(BadPage::Number {
                    field: "before_number",
                    given: -1,
                }),
            ),
            (PRICES, i64::MAX, 10_000, page(Some(i64::MAX), 10_000)),
            (
                PRICES,
                0,
                10_001,
                Err(BadPage::Limit {
                    given: 10_001,
                    max: 10_000,
                }),
            ),
            (
                PRICES,
                i64::MIN,
                0,
                Err(BadPage::Number {
                    field: "before_tick",
                    given: i64::MIN,
                }),
            ),
        ];
        for (bounds, before, limit, expected) in cases {
            assert_eq!(bounds.page(before, limit), expected, "{before} {limit}");
        }
        let error = PRICES.page(0, -5).unwrap_err();
        assert_eq!(error.to_string(), "limit: -5 is not between 0 and 10000");
    }
}
