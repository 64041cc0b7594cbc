//! Price alerts and toasts. Toasts never take keys.

use std::collections::VecDeque;
use std::fmt;

use awesomestock_proto::text::thousands;
use serde::{Deserialize, Serialize};

use super::money::UnixMillis;
use super::order::ClientOrderId;

pub(crate) const MAX_ALERTS: usize = 16;

/// Most visible toasts; a new one replaces the oldest.
pub(crate) const MAX_TOASTS: usize = 3;

const TOAST_MS: i64 = 6_000;

/// Notification method for a player who does not look at the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Bell {
    #[default]
    Off,
    /// By the terminal's bell.
    Bell,
    /// By a desktop notification.
    Notify,
}

impl Bell {
    #[must_use]
    pub fn is_off(&self) -> bool {
        *self == Self::Off
    }
}

/// A price that triggers a toast once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alert {
    /// The price is this or more.
    Above(i32),
    /// The price is this or less.
    Below(i32),
}

impl Alert {
    pub(crate) fn is_reached(self, price: i32) -> bool {
        match self {
            Self::Above(bound) => price >= bound,
            Self::Below(bound) => price <= bound,
        }
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Above(bound) => write!(f, "{} or more", thousands(*bound)),
            Self::Below(bound) => write!(f, "{} or less", thousands(*bound)),
        }
    }
}

/// A temporary message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    pub kind: ToastKind,
    /// Time of removal.
    pub until: UnixMillis,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToastKind {
    /// A triggered alert and the price.
    Reached(Alert, i32),
    Info(String),
    /// The order that replaces a moved one, and the text of the move. Shown until it is answered.
    Moving(ClientOrderId, String),
}

/// Active alerts and visible toasts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Alerts {
    active: Vec<Alert>,
    toasts: VecDeque<Toast>,
}

impl Alerts {
    /// Returns the active alerts in the order they were set.
    pub fn active(&self) -> &[Alert] {
        &self.active
    }

    /// Returns the visible toasts, oldest first.
    pub fn toasts(&self) -> impl DoubleEndedIterator<Item = &Toast> + ExactSizeIterator {
        self.toasts.iter()
    }

    /// Sets an alert. `price` is the current price, if known. Fails if the price is already reached, the alert is a
    /// duplicate, or there are `MAX_ALERTS`.
    pub fn set(&mut self, alert: Alert, price: Option<i32>) -> Result<(), String> {
        if let Some(price) = price.filter(|price| alert.is_reached(*price)) {
            return Err(format!(
                "alert not set: the price is already {}",
                thousands(price)
            ));
        }
        if self.active.contains(&alert) {
            return Err("this alert is already set".to_owned());
        }
        if self.active.len() >= MAX_ALERTS {
            return Err(format!(
                "{MAX_ALERTS} alerts are already set; alertsOff removes them"
            ));
        }
        self.active.push(alert);
        Ok(())
    }

    /// Removes all alerts and returns their number.
    pub fn clear(&mut self) -> usize {
        self.active.drain(..).count()
    }

    /// Removes and returns the alerts that `price` triggers, and shows a toast for each.
    pub fn trigger(&mut self, price: i32, now: UnixMillis) -> Vec<Alert> {
        let reached: Vec<_> = self
            .active
            .extract_if(.., |alert| alert.is_reached(price))
            .collect();
        for alert in &reached {
            self.show(ToastKind::Reached(*alert, price), now);
        }
        reached
    }

    pub(crate) fn expire(&mut self, now: UnixMillis) {
        self.toasts.retain(|toast| toast.until > now);
    }

    /// Returns the next time of a removal.
    pub fn next_change(&self) -> Option<UnixMillis> {
        self.toasts.iter().map(|toast| toast.until).min()
    }

    /// Shows a text.
    pub fn toast(&mut self, text: String, now: UnixMillis) {
        self.show(ToastKind::Info(text), now);
    }

    /// Replaces the message of a move whose order is answered.
    pub(crate) fn moved(&mut self, id: ClientOrderId, is_accepted: bool, now: UnixMillis) {
        for toast in &mut self.toasts {
            if let ToastKind::Moving(moving, order) = &toast.kind
                && *moving == id
            {
                toast.kind = ToastKind::Info(match is_accepted {
                    true => format!("moved: {order}"),
                    false => not_placed_again(order),
                });
                toast.until = now.plus_ms(TOAST_MS);
            }
        }
    }

    pub(crate) fn show(&mut self, kind: ToastKind, now: UnixMillis) {
        if self.toasts.len() >= MAX_TOASTS {
            self.toasts.pop_front();
        }
        self.toasts.push_back(Toast {
            kind,
            until: now.plus_ms(TOAST_MS),
        });
    }
}

/// Returns the message of a move that has only cancelled its order. The order is last: a small screen cuts it off.
pub(crate) fn not_placed_again(order: impl fmt::Display) -> String {
    format!("cancelled, not placed again: {order}")
}
