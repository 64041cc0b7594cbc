//! Character sets for the chart, by terminal and font.

use super::unknown;

/// A character set for the dots of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Markers {
    /// Braille patterns: 2 by 4 dots per cell.
    #[default]
    Braille,
    /// Half blocks and lines, which every font with blocks has: 1 by 2 dots per cell.
    Block,
    /// ASCII only, on the whole screen: 1 by 2 dots per cell.
    Ascii,
}

impl Markers {
    /// All sets; the first one is the default.
    pub const ALL: [Self; 3] = [Self::Braille, Self::Block, Self::Ascii];

    pub fn name(self) -> &'static str {
        match self {
            Self::Braille => "braille",
            Self::Block => "block",
            Self::Ascii => "ascii",
        }
    }

    /// Fails for an unknown name; the error lists the valid ones.
    pub fn by_name(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|markers| markers.name() == name);
        found.ok_or_else(|| unknown("markers", name, &Self::ALL.map(Self::name)))
    }

    /// Returns the dots per cell: horizontal, vertical.
    pub(crate) fn dots(self) -> (u16, u16) {
        match self {
            Self::Braille => (2, 4),
            Self::Block | Self::Ascii => (1, 2),
        }
    }
}
