//! Bounds of list pages.

use crate::store::PageRequest;

pub(crate) const TRADES: PageLimits = PageLimits {
    field: "before_number",
    max: 1_000,
    default: 100,
};

pub(crate) const PRICES: PageLimits = PageLimits {
    field: "before_tick",
    max: 10_000,
    default: 1_000,
};

pub(crate) const CANDLES: PageLimits = PRICES;

#[derive(Debug, Clone, Copy)]
pub(crate) struct PageLimits {
    /// The field with the exclusive upper bound of the page's numbers.
    field: &'static str,
    max: u32,
    /// The limit of a request without one.
    default: u32,
}

impl PageLimits {
    /// Parses the two fields of a page request; 0 means not set.
    pub(crate) fn parse(self, before: i64, limit: i32) -> Result<PageRequest, PageError> {
        let (field, max) = (self.field, self.max);
        if before < 0 {
            return Err(PageError::Number { field, given: before });
        }
        let within = u32::try_from(limit).ok().filter(|limit| *limit <= max);
        let limit = match within.ok_or(PageError::Limit { given: limit, max })? {
            0 => self.default,
            limit => limit,
        };
        Ok(PageRequest {
            before: (before > 0).then_some(before),
            limit,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PageError {
    #[error("{field}: {given} is below 0")]
    Number { field: &'static str, given: i64 },
    #[error("limit: {given} is not between 0 and {max}")]
    Limit { given: i32, max: u32 },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_requests_have_bounds() {
        let page = |before, limit| Ok(PageRequest { before, limit });
        let cases = [
            (TRADES, 0, 0, page(None, 100)),
            (TRADES, 7, 1_000, page(Some(7), 1_000)),
            (
                TRADES,
                0,
                1_001,
                Err(PageError::Limit {
                    given: 1_001,
                    max: 1_000,
                }),
            ),
            (
                TRADES,
                0,
                -1,
                Err(PageError::Limit {
                    given: -1,
                    max: 1_000,
                }),
            ),
            (
                TRADES,
                -1,
                0,
                Err(PageError::Number {
                    field: "before_number",
                    given: -1,
                }),
            ),
            (PRICES, i64::MAX, 10_000, page(Some(i64::MAX), 10_000)),
            (
                PRICES,
                0,
                10_001,
                Err(PageError::Limit {
                    given: 10_001,
                    max: 10_000,
                }),
            ),
            (
                PRICES,
                i64::MIN,
                0,
                Err(PageError::Number {
                    field: "before_tick",
                    given: i64::MIN,
                }),
            ),
        ];
        for (bounds, before, limit, expected) in cases {
            assert_eq!(bounds.parse(before, limit), expected, "{before} {limit}");
        }
        let error = PRICES.parse(0, -5).unwrap_err();
        assert_eq!(error.to_string(), "limit: -5 is not between 0 and 10000");
    }
}
