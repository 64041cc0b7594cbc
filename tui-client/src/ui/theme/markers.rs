//! Character sets for the chart, by terminal and font.

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

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown markers {0:?}; use one of: {names}", names = Markers::ALL.map(Markers::name).join(", "))]
pub struct UnknownMarkers(pub String);

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

    /// Parses a name of markers. Fails for an unknown name; the error lists the valid ones.
    pub fn by_name(name: &str) -> Result<Self, UnknownMarkers> {
        let found = Self::ALL.into_iter().find(|markers| markers.name() == name);
        found.ok_or_else(|| UnknownMarkers(name.chars().take(32).collect()))
    }

    /// Returns the dots per cell: horizontal, vertical.
    pub(crate) fn dots(self) -> (u16, u16) {
        match self {
            Self::Braille => (2, 4),
            Self::Block | Self::Ascii => (1, 2),
        }
    }
}
