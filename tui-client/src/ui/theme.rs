//! The looks: what each kind of thing on the screen is painted in.
//!
//! Owns what there is to be told apart, and the names of the themes; their colours are `palettes`'. It knows nothing of
//! panels. A theme never carries a meaning alone: each thing it tells apart differs in a sign, a word or a place too.

mod palettes;

use std::fmt;

use ratatui::style::Style;

/// The looks of the game.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Theme {
    /// The name one chooses it by.
    pub name: &'static str,
    /// Everything that has no other style: the ground and the letters.
    pub text: Style,
    /// Figures and words that matter most.
    pub strong: Style,
    /// Labels, units, what is old or not in force.
    pub dim: Style,
    /// Lines around panels.
    pub border: Style,
    /// The names of panels.
    pub title: Style,
    /// Keys one can press, and what is chosen.
    pub accent: Style,
    /// A price that rose, a gain.
    pub up: Style,
    /// A price that fell, a loss.
    pub down: Style,
    /// All is well: the connection is live.
    pub good: Style,
    /// Something the player should look at, in running text.
    pub warning: Style,
    /// The same as a label that cannot be overlooked.
    pub alarm: Style,
    /// The button of a buy that would pass.
    pub buy: Style,
    /// The button of a sell that would pass.
    pub sell: Style,
    /// The button of an order that would not pass.
    pub off: Style,
    /// The sign of an own buy on the chart.
    pub bought: Style,
    /// The sign of an own sell on the chart.
    pub sold: Style,
    /// What is added to everything that lies under an overlay.
    pub under: Style,
    /// Colours of the chart.
    pub chart: ChartColors,
}

/// Colours of the chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChartColors {
    /// A line that ends higher than it began.
    pub up: Style,
    /// A line that ends lower than it began.
    pub down: Style,
    /// A line that is not in force any more.
    pub old: Style,
    /// The average cost.
    pub average: Style,
    /// The level of the last price.
    pub level: Style,
    /// The area under the line.
    pub fill: Style,
}

/// No theme is called so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownTheme(pub String);

impl fmt::Display for UnknownTheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "there is no theme {:?}; there are: {}",
            self.0,
            Theme::NAMES.join(", ")
        )
    }
}

impl std::error::Error for UnknownTheme {}

impl Default for Theme {
    fn default() -> Self {
        Self::terminal()
    }
}

impl Theme {
    /// The names of all themes; the first one is the default.
    pub const NAMES: &'static [&'static str] =
        &["terminal", "dark", "light", "mono", "blue-orange", "teal-magenta"];

    /// The theme called `name`.
    ///
    /// # Errors
    ///
    /// When no theme is called so; the error lists those there are.
    pub fn by_name(name: &str) -> Result<Self, UnknownTheme> {
        match name {
            "terminal" => Ok(Self::terminal()),
            "dark" => Ok(Self::dark()),
            "light" => Ok(Self::light()),
            "mono" => Ok(Self::mono()),
            "blue-orange" => Ok(Self::blue_orange()),
            "teal-magenta" => Ok(Self::teal_magenta()),
            unknown => Err(UnknownTheme(unknown.chars().take(32).collect())),
        }
    }

    /// The theme with the colours of gain and loss, buy and sell exchanged: in East Asia red rises.
    #[must_use]
    pub fn red_up(self) -> Self {
        Self {
            up: self.down,
            down: self.up,
            buy: self.sell,
            sell: self.buy,
            bought: self.sold,
            sold: self.bought,
            chart: ChartColors {
                up: self.chart.down,
                down: self.chart.up,
                ..self.chart
            },
            ..self
        }
    }

    /// The style of a gain, a loss, or neither.
    #[must_use]
    pub fn moved(&self, by: i64) -> Style {
        match by {
            1.. => self.up,
            0 => self.text,
            ..0 => self.down,
        }
    }
}
