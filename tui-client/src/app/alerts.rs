//! Price alerts, and the toasts in which they and other news are shown for a while.
//!
//! Owns which alerts are armed and how long a toast stays. A toast never takes the keys.

use std::collections::VecDeque;

use super::money::UnixMs;

/// Alerts that may be armed at once.
pub const MAX_ALERTS: usize = 16;

/// Toasts shown at once; a new one takes the place of the oldest.
pub const MAX_TOASTS: usize = 3;

/// How long a toast stays, in milliseconds.
const TOAST_MS: i64 = 6_000;

/// A price the player wants to be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alert {
    /// The price is this or more.
    Above(i32),
    /// The price is this or less.
    Below(i32),
}

impl Alert {
    /// The price is where the player wants to be told of it.
    #[must_use]
    pub fn is_reached(self, price: i32) -> bool {
        match self {
            Self::Above(bound) => price >= bound,
            Self::Below(bound) => price <= bound,
        }
    }
}

/// Something that is shown for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// What it tells.
    pub news: News,
    /// When it goes.
    pub until: UnixMs,
}

/// What a toast tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// An alert was reached at this price.
    Reached(Alert, i32),
    /// In words.
    Told(String),
}

/// Alerts and toasts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Alerts {
    armed: Vec<Alert>,
    toasts: VecDeque<Toast>,
}

impl Alerts {
    /// The armed alerts, in the order they were set.
    #[must_use]
    pub fn armed(&self) -> &[Alert] {
        &self.armed
    }

    /// The toasts in sight, oldest first.
    pub fn toasts(&self) -> impl ExactSizeIterator<Item = &Toast> {
        self.toasts.iter()
    }

    /// Arms an alert. `price` is the price in force, where known.
    ///
    /// # Errors
    ///
    /// In words: it is reached already, it is armed already, or there are [`MAX_ALERTS`].
    pub fn arm(&mut self, alert: Alert, price: Option<i32>) -> Result<(), String> {
        if let Some(price) = price.filter(|price| alert.is_reached(*price)) {
            return Err(format!("the price is there already: {price}"));
        }
        if self.armed.contains(&alert) {
            return Err("this alert is set already".to_owned());
        }
        if self.armed.len() >= MAX_ALERTS {
            return Err(format!("there are {MAX_ALERTS} alerts; alertsOff removes them"));
        }
        self.armed.push(alert);
        Ok(())
    }

    /// Removes all alerts; gives back how many there were.
    pub fn disarm(&mut self) -> usize {
        self.armed.drain(..).count()
    }

    /// A price came at `now`: what is reached rings once. Gives back what rang.
    pub fn ring(&mut self, price: i32, now: UnixMs) -> Vec<Alert> {
        let (reached, armed) = self
            .armed
            .drain(..)
            .partition(|alert: &Alert| alert.is_reached(price));
        self.armed = armed;
        for alert in &reached {
            self.show(News::Reached(*alert, price), now);
        }
        reached
    }

    /// Takes away the toasts whose time is over.
    pub fn expire(&mut self, now: UnixMs) {
        self.toasts.retain(|toast| toast.until > now);
    }

    /// When the next toast goes.
    #[must_use]
    pub fn next_change(&self) -> Option<UnixMs> {
        self.toasts.iter().map(|toast| toast.until).min()
    }

    /// Shows words for a while.
    pub fn tell(&mut self, words: String, now: UnixMs) {
        self.show(News::Told(words), now);
    }

    fn show(&mut self, news: News, now: UnixMs) {
        if self.toasts.len() >= MAX_TOASTS {
            self.toasts.pop_front();
        }
        self.toasts.push_back(Toast {
            news,
            until: now.plus_ms(TOAST_MS),
        });
    }
}
