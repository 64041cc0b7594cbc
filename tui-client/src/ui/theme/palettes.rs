//! The colours of each theme.
//!
//! Owns nothing but colours. Where two of them tell gain from loss, they differ in brightness too.

use ratatui::style::{Color, Modifier, Style};

use super::{ChartColors, Theme};

/// The colours of a theme with a ground of its own.
struct Palette {
    ground: Color,
    /// Under what cannot be pressed.
    raised: Color,
    text: Color,
    strong: Color,
    title: Color,
    dim: Color,
    border: Color,
    accent: Color,
    /// Gain and loss.
    moves: (Color, Color),
    /// Connection; what should be looked at.
    signals: (Color, Color),
}

impl Palette {
    /// A dark ground without a hue of its own, for colours that have to be told apart on it.
    fn on_neutral_dark(accent: Color, moves: (Color, Color), signals: (Color, Color)) -> Self {
        Self {
            ground: rgb(0x12_14_18),
            raised: rgb(0x26_29_30),
            text: rgb(0xdd_dd_dd),
            strong: rgb(0xff_ff_ff),
            title: rgb(0xb4_b8_be),
            dim: rgb(0x8a_8f_98),
            border: rgb(0x3a_3f_48),
            accent,
            moves,
            signals,
        }
    }

    fn theme(&self, name: &'static str) -> Theme {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        let (gain, loss) = self.moves;
        let (good, warning) = self.signals;
        Theme {
            name,
            text: plain.fg(self.text).bg(self.ground),
            strong: bold.fg(self.strong),
            dim: plain.fg(self.dim),
            border: plain.fg(self.border),
            title: bold.fg(self.title),
            accent: bold.fg(self.accent),
            up: plain.fg(gain),
            down: plain.fg(loss),
            good: plain.fg(good),
            warning: plain.fg(warning),
            alarm: bold.fg(self.ground).bg(warning),
            buy: bold.fg(self.ground).bg(gain),
            sell: bold.fg(self.ground).bg(loss),
            off: plain.fg(self.dim).bg(self.raised),
            bought: bold.fg(self.ground).bg(gain),
            sold: bold.fg(self.ground).bg(loss),
            under: plain.add_modifier(Modifier::DIM),
            chart: ChartColors {
                up: plain.fg(gain),
                down: plain.fg(loss),
                old: plain.fg(self.dim),
                average: plain.fg(self.accent),
                level: plain.fg(self.dim),
                fill: plain.fg(self.border),
            },
        }
    }
}

/// A colour as it is written: 0xrrggbb.
const fn rgb(hex: u32) -> Color {
    Color::from_u32(hex)
}

impl Theme {
    /// The terminal's own 16 colours, readable on black and on white: no colour is used as ground for letters of the
    /// terminal's own colour, and what recedes is dimmed rather than grey.
    pub(super) fn terminal() -> Self {
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
            good: plain.fg(Color::Green),
            warning: plain.fg(Color::Magenta),
            alarm: bold.fg(Color::Black).bg(Color::Yellow),
            buy: bold.fg(Color::Black).bg(Color::Green),
            sell: bold.fg(Color::White).bg(Color::Red),
            off: plain.add_modifier(Modifier::DIM),
            bought: bold.fg(Color::Black).bg(Color::Green),
            sold: bold.fg(Color::White).bg(Color::Red),
            under: plain.add_modifier(Modifier::DIM),
            chart: ChartColors {
                up: plain.fg(Color::Green),
                down: plain.fg(Color::Red),
                old: plain.fg(Color::DarkGray),
                average: plain.fg(Color::Cyan),
                level: plain.fg(Color::DarkGray),
                fill: plain.fg(Color::DarkGray),
            },
        }
    }

    /// 24-bit colours on a dark ground.
    pub(super) fn dark() -> Self {
        let theme = Palette {
            ground: rgb(0x10_14_1c),
            raised: rgb(0x23_2a_36),
            text: rgb(0xd5_da_e3),
            strong: rgb(0xff_ff_ff),
            title: rgb(0xa9_b4_c6),
            dim: rgb(0x7d_88_99),
            border: rgb(0x33_3d_4d),
            accent: rgb(0x6c_b6_ff),
            moves: (rgb(0x3d_d6_8c), rgb(0xff_5f_6d)),
            signals: (rgb(0x3d_d6_8c), rgb(0xf2_b8_4b)),
        };
        theme.theme("dark")
    }

    /// 24-bit colours on a white ground.
    pub(super) fn light() -> Self {
        let theme = Palette {
            ground: rgb(0xfa_fa_f7),
            raised: rgb(0xe4_e6_ea),
            text: rgb(0x24_2a_33),
            strong: rgb(0x00_00_00),
            title: rgb(0x3c_46_54),
            dim: rgb(0x66_6f_7c),
            border: rgb(0xb9_c0_ca),
            accent: rgb(0x0a_58_b5),
            moves: (rgb(0x0b_7a_44), rgb(0xc4_1f_30)),
            signals: (rgb(0x0b_7a_44), rgb(0x9a_5b_00)),
        };
        theme.theme("light")
    }

    /// For eyes that do not tell red from green (protan, deutan): sky blue rises, orange falls. The colours are those
    /// of the palette of Okabe and Ito, on a dark ground.
    pub(super) fn blue_orange() -> Self {
        let theme = Palette::on_neutral_dark(
            rgb(0xcc_79_a7),
            (rgb(0x56_b4_e9), rgb(0xe6_9f_00)),
            (rgb(0x56_b4_e9), rgb(0xf0_e4_42)),
        );
        theme.theme("blue-orange")
    }

    /// For eyes that do not tell blue from green or yellow from rose (tritan): teal rises, magenta falls. The colours
    /// are near those of Paul Tol's vibrant scheme, the teal brightened for a dark ground.
    pub(super) fn teal_magenta() -> Self {
        let theme = Palette::on_neutral_dark(
            rgb(0xbb_bb_bb),
            (rgb(0x2f_c4_b2), rgb(0xee_33_77)),
            (rgb(0x2f_c4_b2), rgb(0xee_77_33)),
        );
        theme.theme("teal-magenta")
    }

    /// No colours: bold, dim and reverse only.
    pub(super) fn mono() -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        let dim = plain.add_modifier(Modifier::DIM);
        let label = plain.add_modifier(Modifier::REVERSED | Modifier::BOLD);
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
            alarm: label,
            buy: label,
            sell: label,
            off: dim,
            bought: label,
            sold: label,
            under: dim,
            chart: ChartColors {
                up: plain,
                down: plain,
                old: dim,
                average: plain,
                level: dim,
                fill: dim,
            },
        }
    }
}
