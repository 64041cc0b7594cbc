//! The tour: small bubbles over the main screen. Each waits for its action; no other key is affected, and Esc ends it.

use crate::app::commands::action::{Action, ChartAction};

/// The actions in order, and what the key of each does.
const STEPS: [(Action, &str); 7] = [
    (Action::BuyTokens, "buys tokens: type 100, then Enter."),
    (Action::Buy, "buys the ticket's quantity."),
    (
        Action::Chart(ChartAction::Kind),
        "changes the chart; Left and Right move it.",
    ),
    (Action::Sell, "sells the ticket's quantity."),
    (Action::More, "adds one stock; Down takes one off."),
    (Action::Leaderboard, "shows the leaderboard, players and trades."),
    (Action::Help, "shows all keys and commands, also tour."),
];

/// A bubble of the tour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tour {
    step: usize,
}

impl Tour {
    /// Returns the bubble after `action`; `None` after the last one.
    pub(crate) fn after(self, action: Action) -> Option<Self> {
        let step = match STEPS.get(self.step)?.0 == action {
            true => self.step.saturating_add(1),
            false => self.step,
        };
        (step < STEPS.len()).then_some(Self { step })
    }

    /// Returns the bubble's title.
    pub(crate) fn title(self) -> String {
        format!("Tour {}/{}", self.step.saturating_add(1), STEPS.len())
    }

    /// Returns the action that the bubble waits for, and what its key does.
    pub(crate) fn step(self) -> Option<(Action, &'static str)> {
        STEPS.get(self.step).copied()
    }
}
