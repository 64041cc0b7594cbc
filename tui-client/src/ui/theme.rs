//! The looks: what each kind of thing on the screen is painted in.
//!
//! Owns colours and attributes, by meaning. It knows nothing of panels. A theme never carries a meaning alone: each
//! thing it tells apart differs in a sign, a word or a place too.

use std::fmt;

use ratatui::style::{Color, Modifier, Style};

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
    /// What is added to everything that lies under an overlay.
    pub under: Style,
    /// Colours of the chart.
    pub chart: ChartColors,
}

/// Colours of the chart: its dots take a colour and no attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChartColors {
    /// A line that ends higher than it began.
    pub up: Color,
    /// A line that ends lower than it began.
    pub down: Color,
    /// A line that is not in force any more.
    pub old: Color,
    /// The average cost.
    pub average: Color,
    /// The level of the last price.
    pub level: Color,
    /// The area under the line; `None` leaves it empty.
    pub fill: Option<Color>,
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
    pub const NAMES: &'static [&'static str] = &["terminal", "dark", "mono"];

    /// The theme called `name`.
    ///
    /// # Errors
    ///
    /// When no theme is called so; the error lists those there are.
    pub fn by_name(name: &str) -> Result<Self, UnknownTheme> {
        match name {
            "terminal" => Ok(Self::terminal()),
            "dark" => Ok(Self::dark()),
            "mono" => Ok(Self::mono()),
            unknown => Err(UnknownTheme(unknown.chars().take(32).collect())),
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

    /// The terminal's own 16 colours, readable on black and on white: no colour is used as ground for letters of the
    /// terminal's own colour, and what recedes is dimmed rather than grey.
    fn terminal() -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        Self {
            name: "terminal",
            text: plain,
            strong: bold,
            dim: plain.fg(Color::Reset).add_modifier(Modifier::DIM),
            border: plain.fg(Color::DarkGray),
            title: bold.fg(Color::Reset),
            accent: bold.fg(Color::Cyan),
            up: plain.fg(Color::Green),
            down: plain.fg(Color::Red),
            warning: plain.fg(Color::Magenta),
            alarm: bold.fg(Color::Black).bg(Color::Yellow),
            buy: bold.fg(Color::Black).bg(Color::Green),
            sell: bold.fg(Color::White).bg(Color::Red),
            off: plain.add_modifier(Modifier::DIM),
            under: plain.add_modifier(Modifier::DIM),
            chart: ChartColors {
                up: Color::Green,
                down: Color::Red,
                old: Color::DarkGray,
                average: Color::Cyan,
                level: Color::DarkGray,
                fill: Some(Color::DarkGray),
            },
        }
    }

    /// 24-bit colours on a dark ground.
    fn dark() -> Self {
        let ground = Color::Rgb(0x10, 0x14, 0x1c);
        let green = Color::Rgb(0x3d, 0xd6, 0x8c);
        let red = Color::Rgb(0xff, 0x5f, 0x6d);
        let amber = Color::Rgb(0xf2, 0xb8, 0x4b);
        let blue = Color::Rgb(0x6c, 0xb6, 0xff);
        let text = Style::new().fg(Color::Rgb(0xd5, 0xda, 0xe3)).bg(ground);
        let bold = Style::new().add_modifier(Modifier::BOLD);
        Self {
            name: "dark",
            text,
            strong: bold.fg(Color::Rgb(0xff, 0xff, 0xff)),
            dim: Style::new().fg(Color::Rgb(0x7d, 0x88, 0x99)),
            border: Style::new().fg(Color::Rgb(0x33, 0x3d, 0x4d)),
            title: bold.fg(Color::Rgb(0xa9, 0xb4, 0xc6)),
            accent: bold.fg(blue),
            up: Style::new().fg(green),
            down: Style::new().fg(red),
            warning: Style::new().fg(amber),
            alarm: bold.fg(ground).bg(amber),
            buy: bold.fg(ground).bg(green),
            sell: bold.fg(ground).bg(red),
            off: Style::new()
                .fg(Color::Rgb(0x7d, 0x88, 0x99))
                .bg(Color::Rgb(0x23, 0x2a, 0x36)),
            under: Style::new().add_modifier(Modifier::DIM),
            chart: ChartColors {
                up: green,
                down: red,
                old: Color::Rgb(0x5a, 0x64, 0x74),
                average: blue,
                level: Color::Rgb(0x5a, 0x64, 0x74),
                fill: Some(Color::Rgb(0x2a, 0x3a, 0x44)),
            },
        }
    }

    /// No colours: bold, dim and reverse only.
    fn mono() -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        let dim = plain.add_modifier(Modifier::DIM);
        let reversed = plain.add_modifier(Modifier::REVERSED);
        Self {
            name: "mono",
            text: plain,
            strong: bold,
            dim,
            border: dim,
            title: bold,
            accent: bold,
            up: plain,
            down: plain,
            warning: bold,
            alarm: reversed.add_modifier(Modifier::BOLD),
            buy: reversed.add_modifier(Modifier::BOLD),
            sell: reversed.add_modifier(Modifier::BOLD),
            off: dim,
            under: dim,
            chart: ChartColors {
                up: Color::Reset,
                down: Color::Reset,
                old: Color::Reset,
                average: Color::Reset,
                level: Color::Reset,
                fill: None,
            },
        }
    }
}
