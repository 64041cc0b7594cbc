//! Loads older prices page by page: first single prices, then candles.

use crate::app::commands::request::Request;

/// Resolution of the next older page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Resolution {
    #[default]
    Prices,
    Candles,
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Backfill {
    resolution: Resolution,
    /// The oldest tick of the pending request.
    pending: Option<i64>,
}

impl Backfill {
    /// Returns the request for prices before the tick `oldest`; `None` while one is pending or nothing is left.
    pub(crate) fn next_request(&mut self, oldest: i64) -> Option<Request> {
        if self.pending.is_some() || oldest <= 0 {
            return None;
        }
        let call = match self.resolution {
            Resolution::Prices => Request::History { before: Some(oldest) },
            Resolution::Candles => Request::Candles { before: oldest },
            Resolution::Nothing => return None,
        };
        self.pending = Some(oldest);
        Some(call)
    }

    pub(crate) fn is_pending(&self, before: i64) -> bool {
        self.pending == Some(before)
    }

    /// Handles a page; `oldest` is now the oldest tick. Returns the next request if the page added nothing: then only
    /// the resolution changes.
    pub(crate) fn on_page(&mut self, oldest: i64, more: bool) -> Option<Request> {
        let added = self.pending.take().is_some_and(|before| oldest < before);
        if !more || !added {
            self.resolution = match self.resolution {
                Resolution::Prices => Resolution::Candles,
                Resolution::Candles | Resolution::Nothing => Resolution::Nothing,
            };
        }
        if added { None } else { self.next_request(oldest) }
    }

    /// Switches to candles: the newest page has no older single prices.
    pub(crate) fn prices_exhausted(&mut self) {
        if self.resolution == Resolution::Prices && self.pending.is_none() {
            self.resolution = Resolution::Candles;
        }
    }

    /// Handles a failure. `for_good`: no older page will be requested.
    pub(crate) fn on_error(&mut self, for_good: bool) {
        self.pending = None;
        if for_good {
            self.resolution = Resolution::Nothing;
        }
    }
}
