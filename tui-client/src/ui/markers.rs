//! What the chart is painted with: the letters that this terminal and this font can show.
//!
//! Owns the sets there are and their names. What is painted is the chart's.

use std::fmt;

/// A set of letters for the dots of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Markers {
    /// Braille patterns: 2 by 4 dots a cell.
    #[default]
    Braille,
    /// Half blocks and lines that every font with blocks has: 1 by 2 dots a cell.
    Block,
    /// Letters of ASCII alone, on the whole screen: 1 by 2 dots a cell.
    Ascii,
}

/// No markers are called so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownMarkers(pub String);

impl fmt::Display for UnknownMarkers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Markers::ALL.map(Markers::name).join(", ");
        write!(f, "there are no markers {:?}; there are: {names}", self.0)
    }
}

impl std::error::Error for UnknownMarkers {}

impl Markers {
    /// All sets; the first one is the default.
    pub const ALL: [Self; 3] = [Self::Braille, Self::Block, Self::Ascii];

    /// The name one chooses them by.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Braille => "braille",
            Self::Block => "block",
            Self::Ascii => "ascii",
        }
    }

    /// The markers called `name`.
    ///
    /// # Errors
    ///
    /// When none are called so; the error lists those there are.
    pub fn by_name(name: &str) -> Result<Self, UnknownMarkers> {
        let found = Self::ALL.into_iter().find(|markers| markers.name() == name);
        found.ok_or_else(|| UnknownMarkers(name.chars().take(32).collect()))
    }

    /// Dots of a cell, across and down.
    pub(super) fn dots(self) -> (u16, u16) {
        match self {
            Self::Braille => (2, 4),
            Self::Block | Self::Ascii => (1, 2),
        }
    }
}
