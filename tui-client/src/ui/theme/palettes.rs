//! Colors of each theme. Gain and loss differ in brightness too.

use ratatui::style::{Color, Style};

use super::Theme;

/// Colors of a theme with its own background.
struct Palette24 {
    background: Color,
    /// Background of disabled buttons.
    raised: Color,
    text: Color,
    strong: Color,
    title: Color,
    dim: Color,
    border: Color,
    accent: Color,
    gain: Color,
    loss: Color,
    warning: Color,
}

/// A dark background without a hue, for contrast with all colors.
const NEUTRAL_DARK: Palette24 = Palette24 {
    background: rgb(0x12_14_18),
    raised: rgb(0x26_29_30),
    text: rgb(0xdd_dd_dd),
    strong: rgb(0xff_ff_ff),
    title: rgb(0xb4_b8_be),
    dim: rgb(0x8a_8f_98),
    border: rgb(0x3a_3f_48),
    accent: rgb(0xff_ff_ff),
    gain: rgb(0xff_ff_ff),
    loss: rgb(0xff_ff_ff),
    warning: rgb(0xff_ff_ff),
};

impl Palette24 {
    fn theme(&self, name: &'static str) -> Theme {
        let plain = Style::new();
        let bold = plain.bold();
        let badge = bold.fg(self.background);
        Theme {
            name,
            text: plain.fg(self.text).bg(self.background),
            strong: bold.fg(self.strong),
            dim: plain.fg(self.dim),
            border: plain.fg(self.border),
            title: bold.fg(self.title),
            accent: bold.fg(self.accent),
            up: plain.fg(self.gain),
            down: plain.fg(self.loss),
            good: plain.fg(self.gain),
            warning: plain.fg(self.warning),
            alarm: badge.bg(self.warning),
            buy: badge.bg(self.gain),
            sell: badge.bg(self.loss),
            off: plain.fg(self.dim).bg(self.raised),
            old: plain.fg(self.dim),
            average: plain.fg(self.accent),
        }
    }
}

const fn rgb(hex: u32) -> Color {
    Color::from_u32(hex)
}

impl Theme {
    /// Uses the terminal's 16 colors, readable on black and on white: no color is the background of default
    /// text, and secondary text is dimmed instead of gray.
    pub(super) fn terminal() -> Self {
        let plain = Style::new();
        let bold = plain.bold();
        Self {
            name: "terminal",
            text: plain,
            strong: bold,
            dim: plain.fg(Color::Reset).dim(),
            border: plain.dark_gray(),
            title: bold.fg(Color::Reset),
            accent: bold.cyan(),
            up: plain.green(),
            down: plain.red(),
            good: plain.green(),
            warning: plain.magenta(),
            alarm: bold.black().on_yellow(),
            buy: bold.black().on_green(),
            sell: bold.white().on_red(),
            off: plain.dim(),
            old: plain.dark_gray(),
            average: plain.cyan(),
        }
    }

    /// 24-bit colors on a dark background.
    pub(super) fn dark() -> Self {
        Palette24 {
            background: rgb(0x10_14_1c),
            raised: rgb(0x23_2a_36),
            text: rgb(0xd5_da_e3),
            strong: rgb(0xff_ff_ff),
            title: rgb(0xa9_b4_c6),
            dim: rgb(0x7d_88_99),
            border: rgb(0x33_3d_4d),
            accent: rgb(0x6c_b6_ff),
            gain: rgb(0x3d_d6_8c),
            loss: rgb(0xff_5f_6d),
            warning: rgb(0xf2_b8_4b),
        }
        .theme("dark")
    }

    /// 24-bit colors on a white background.
    pub(super) fn light() -> Self {
        Palette24 {
            background: rgb(0xfa_fa_f7),
            raised: rgb(0xe4_e6_ea),
            text: rgb(0x24_2a_33),
            strong: rgb(0x00_00_00),
            title: rgb(0x3c_46_54),
            dim: rgb(0x66_6f_7c),
            border: rgb(0xb9_c0_ca),
            accent: rgb(0x0a_58_b5),
            gain: rgb(0x0b_7a_44),
            loss: rgb(0xc4_1f_30),
            warning: rgb(0x9a_5b_00),
        }
        .theme("light")
    }

    /// For red-green color blindness (protan, deutan): sky blue rises, orange falls. Based on the Okabe-Ito
    /// palette.
    pub(super) fn blue_orange() -> Self {
        Palette24 {
            accent: rgb(0xcc_79_a7),
            gain: rgb(0x56_b4_e9),
            loss: rgb(0xe6_9f_00),
            warning: rgb(0xf0_e4_42),
            ..NEUTRAL_DARK
        }
        .theme("blue-orange")
    }

    /// For blue-yellow color blindness (tritan): teal rises, magenta falls. Based on Paul Tol's vibrant
    /// scheme, with a brighter teal for the dark background.
    pub(super) fn teal_magenta() -> Self {
        Palette24 {
            accent: rgb(0xbb_bb_bb),
            gain: rgb(0x2f_c4_b2),
            loss: rgb(0xee_33_77),
            warning: rgb(0xee_77_33),
            ..NEUTRAL_DARK
        }
        .theme("teal-magenta")
    }

    /// Bold, dim and reverse only.
    pub(super) fn mono() -> Self {
        let plain = Style::new();
        let (bold, dim) = (plain.bold(), plain.dim());
        let badge = bold.reversed();
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
            good: plain,
            warning: bold,
            alarm: badge,
            buy: badge,
            sell: badge,
            off: dim,
            old: dim,
            average: plain,
        }
    }
}
