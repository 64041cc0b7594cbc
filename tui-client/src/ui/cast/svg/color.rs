//! Colors as CSS classes.

use std::fmt;

use ratatui::style::Color;

/// A 24-bit color.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rgb(u32);

impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:06x}", self.0)
    }
}

/// Text and background of themes that use those of the terminal.
const DEFAULT_TEXT: Rgb = Rgb(0xd7_da_e0);
const DEFAULT_BACKGROUND: Rgb = Rgb(0x11_13_1a);

/// The first 16 colors of the terminal, by their index.
const ANSI: [(Color, Rgb); 16] = [
    (Color::Black, Rgb(0x2a_2e_39)),
    (Color::Red, Rgb(0xf7_64_7b)),
    (Color::Green, Rgb(0x5f_d3_8d)),
    (Color::Yellow, Rgb(0xe8_c4_68)),
    (Color::Blue, Rgb(0x6e_a8_fe)),
    (Color::Magenta, Rgb(0xc7_92_ea)),
    (Color::Cyan, Rgb(0x5c_cf_e6)),
    (Color::Gray, Rgb(0xc8_cc_d4)),
    (Color::DarkGray, Rgb(0x6b_72_80)),
    (Color::LightRed, Rgb(0xff_85_98)),
    (Color::LightGreen, Rgb(0x7e_e2_a8)),
    (Color::LightYellow, Rgb(0xf2_d6_8b)),
    (Color::LightBlue, Rgb(0x93_c0_ff)),
    (Color::LightMagenta, Rgb(0xd9_b0_f5)),
    (Color::LightCyan, Rgb(0x8b_e0_f0)),
    (Color::White, Rgb(0xff_ff_ff)),
];

/// Brightness of the color cube's steps.
const CUBE: [u32; 6] = [0, 95, 135, 175, 215, 255];

impl Rgb {
    pub(super) fn text(color: Color) -> Self {
        Self::from_color(color).unwrap_or(DEFAULT_TEXT)
    }

    pub(super) fn background(color: Color) -> Self {
        Self::from_color(color).unwrap_or(DEFAULT_BACKGROUND)
    }

    fn from_color(color: Color) -> Option<Self> {
        match color {
            Color::Reset => None,
            Color::Rgb(red, green, blue) => Some(Self(u32::from_be_bytes([0, red, green, blue]))),
            Color::Indexed(index) => Some(Self::indexed(index)),
            named => {
                let known = ANSI.iter().find(|(color, _)| *color == named);
                known.map(|(_, rgb)| *rgb)
            }
        }
    }

    /// Returns one of the 256 colors: 16 of the terminal, a cube of 6x6x6, and 24 grays.
    fn indexed(index: u8) -> Self {
        let at = usize::from(index);
        match index {
            0..16 => ANSI[at].1,
            16..232 => {
                let [red, green, blue] =
                    [(at - 16) / 36, (at - 16) / 6 % 6, (at - 16) % 6].map(|step| CUBE[step]);
                Self(red << 16 | green << 8 | blue)
            }
            232.. => Self((8 + 10 * u32::from(index - 232)) * 0x01_01_01),
        }
    }
}

/// The colors of a picture, in the order of their first use.
#[derive(Debug, Default)]
pub(super) struct ColorTable {
    colors: Vec<Rgb>,
}

impl ColorTable {
    /// Returns the class of a color: `a`, `b`, .. `z`, `ba`, ..; classes of other styles are upper-case.
    pub(super) fn class(&mut self, color: Rgb) -> String {
        let known = self.colors.iter().position(|known| *known == color);
        let index = known.unwrap_or_else(|| {
            self.colors.push(color);
            self.colors.len() - 1
        });
        class_name(index)
    }

    pub(super) fn css(&self) -> String {
        let rules = self.colors.iter().enumerate();
        rules
            .map(|(index, color)| format!(".{}{{color:{color}}}", class_name(index)))
            .collect()
    }
}

fn class_name(mut index: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(char::from(b"abcdefghijklmnopqrstuvwxyz"[index % 26]));
        index /= 26;
        if index == 0 {
            return letters.iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_color_has_its_value() {
        for (color, hex) in [
            (Color::Reset, "#d7dae0"),
            (Color::Rgb(1, 2, 255), "#0102ff"),
            (Color::Red, "#f7647b"),
            (Color::Indexed(1), "#f7647b"),
            (Color::Indexed(16), "#000000"),
            (Color::Indexed(196), "#ff0000"),
            (Color::Indexed(231), "#ffffff"),
            (Color::Indexed(232), "#080808"),
            (Color::Indexed(255), "#eeeeee"),
        ] {
            assert_eq!(Rgb::text(color).to_string(), hex, "{color:?}");
        }
        assert_eq!(Rgb::background(Color::Reset), DEFAULT_BACKGROUND);
    }

    #[test]
    fn colors_have_classes_of_their_own() {
        let mut palette = ColorTable::default();
        let classes: Vec<String> = (0..30).map(|color| palette.class(Rgb(color))).collect();
        assert_eq!([&classes[0], &classes[25], &classes[26]], ["a", "z", "ba"]);
        assert_eq!(palette.class(Rgb(26)), "ba");
        assert!(palette.css().starts_with(".a{color:#000000}.b{color:#000001}"));
    }
}
