//! Styles of all screen elements. No meaning depends on the style alone: a symbol, word or position always
//! differs too.

pub(crate) mod ascii;
pub(crate) mod markers;
mod palettes;

use ratatui::style::Style;

#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Theme {
    /// The option value.
    pub name: &'static str,
    /// Default text and background.
    pub text: Style,
    /// Important numbers and words.
    pub strong: Style,
    /// Labels, units and outdated values.
    pub dim: Style,
    /// Panel borders, and the area below the price line.
    pub border: Style,
    /// Panel titles.
    pub title: Style,
    /// Keys and selections.
    pub accent: Style,
    /// A rising price or a gain; also a line that ends higher than it begins.
    pub up: Style,
    /// A falling price or a loss; also a line that ends lower than it begins.
    pub down: Style,
    /// The live connection.
    pub good: Style,
    /// A warning in running text.
    pub warning: Style,
    /// A warning as a color block.
    pub alarm: Style,
    /// The button of a valid buy, and an own buy on the chart.
    pub buy: Style,
    /// The button of a valid sell, and an own sell on the chart.
    pub sell: Style,
    /// The button of an invalid order.
    pub off: Style,
    /// A price line that is not current, and the level of the last price.
    pub old: Style,
    /// The average cost on the chart.
    pub average: Style,
}

/// Returns the error for an unknown name, with the valid ones.
fn unknown(what: &str, name: &str, valid: &[&str]) -> String {
    let name: String = name.chars().take(32).collect();
    format!("unknown {what} {name:?}; use one of: {}", valid.join(", "))
}

impl Default for Theme {
    fn default() -> Self {
        Self::terminal()
    }
}

impl Theme {
    /// All theme names; the first one is the default.
    pub const NAMES: &'static [&'static str] =
        &["terminal", "dark", "light", "mono", "blue-orange", "teal-magenta"];

    /// Fails for an unknown name; the error lists the valid ones.
    pub fn by_name(name: &str) -> Result<Self, String> {
        match name {
            "terminal" => Ok(Self::terminal()),
            "dark" => Ok(Self::dark()),
            "light" => Ok(Self::light()),
            "mono" => Ok(Self::mono()),
            "blue-orange" => Ok(Self::blue_orange()),
            "teal-magenta" => Ok(Self::teal_magenta()),
            _ => Err(unknown("theme", name, Self::NAMES)),
        }
    }

    /// Swaps the colors of gain and loss, and of buy and sell, as is usual in East Asia.
    pub fn red_up(self) -> Self {
        Self {
            up: self.down,
            down: self.up,
            buy: self.sell,
            sell: self.buy,
            ..self
        }
    }

    /// Returns the style of a gain, a loss or no change.
    pub fn change_style(&self, by: i64) -> Style {
        match by {
            1.. => self.up,
            0 => self.text,
            ..0 => self.down,
        }
    }
}
