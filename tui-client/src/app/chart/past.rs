//! How far back the casino has been asked for prices, and what there is to ask for next.
//!
//! Owns that one page is asked for at a time, and in which form: prices one by one as long as the casino keeps them so,
//! then candles, until there are none. It keeps no prices.

use crate::app::event::Call;

/// The form in which the casino tells what is before the oldest price kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Form {
    /// One by one.
    #[default]
    Prices,
    /// As candles.
    Candles,
    /// Not at all: there is nothing older, or it does not tell.
    Nothing,
}

/// How far back the casino has been asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Past {
    form: Form,
    /// The oldest tick for whose elders the casino is being asked.
    asked: Option<i64>,
}

impl Past {
    /// What to ask for, so as to know what is before the tick `oldest`; `None` while another answer is awaited, or where
    /// there is nothing. From then on it counts as asked for.
    pub(super) fn ask(&mut self, oldest: i64) -> Option<Call> {
        if self.asked.is_some() || oldest <= 0 {
            return None;
        }
        let call = match self.form {
            Form::Prices => Call::History { before: Some(oldest) },
            Form::Candles => Call::Candles { before: oldest },
            Form::Nothing => return None,
        };
        self.asked = Some(oldest);
        Some(call)
    }

    /// Whether a page of what is before the tick `before` is awaited.
    pub(super) fn awaits(&self, before: i64) -> bool {
        self.asked == Some(before)
    }

    /// The page was told, and `oldest` is the oldest tick kept now. `more`: there are older ones of its form. What is to
    /// be asked at once: a page that brought nothing says only that the next form is to be asked for.
    pub(super) fn told(&mut self, oldest: i64, more: bool) -> Option<Call> {
        let brought = self.asked.take().is_some_and(|before| oldest < before);
        if !more || !brought {
            self.form = match self.form {
                Form::Prices => Form::Candles,
                Form::Candles | Form::Nothing => Form::Nothing,
            };
        }
        if brought { None } else { self.ask(oldest) }
    }

    /// The newest prices were told, and there are no older ones one by one.
    pub(super) fn prices_end(&mut self) {
        if self.form == Form::Prices && self.asked.is_none() {
            self.form = Form::Candles;
        }
    }

    /// The page could not be had; `for_good`: nor will it be.
    pub(super) fn failed(&mut self, for_good: bool) {
        self.asked = None;
        if for_good {
            self.form = Form::Nothing;
        }
    }
}
