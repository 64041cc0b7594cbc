//! Themes and markers: meanings stay distinguishable and text stays legible.

mod fixtures;

use awesomestock::app::AppState;
use awesomestock::app::chart::ChartKind;
use awesomestock::ui::{Markers, Renderer, Theme};
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

fn drawn(theme: &Theme, markers: Markers, state: &AppState, size: (u16, u16)) -> Buffer {
    let view = Renderer {
        theme: theme.clone(),
        markers,
        ..fixtures::view()
    };
    fixtures::draw(&view, state, size)
}

fn text(buffer: &Buffer) -> String {
    let rows = buffer.content.chunks(usize::from(buffer.area.width));
    rows.map(|row| {
        row.iter()
            .map(Cell::symbol)
            .collect::<String>()
            .trim_end()
            .to_owned()
            + "\n"
    })
    .collect()
}

/// The first cell of the first occurrence of `label`.
fn cell<'a>(buffer: &'a Buffer, label: &str) -> &'a Cell {
    find(buffer, label).unwrap_or_else(|| panic!("{label:?} is not there:\n{}", text(buffer)))
}

fn find<'a>(buffer: &'a Buffer, label: &str) -> Option<&'a Cell> {
    fixtures::cells(buffer, label).first()
}

fn themes() -> impl Iterator<Item = Theme> {
    Theme::NAMES.iter().map(|name| Theme::by_name(name).unwrap())
}

#[test]
fn themes_match_their_snapshots() {
    for size in [(40, 12), (80, 24), (120, 36), (200, 60)] {
        let text = themes()
            .chain([Theme::default().red_up()])
            .map(|theme| describe_theme(&theme, size))
            .collect::<String>();
        let (columns, rows) = size;
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("themes_{columns}x{rows}"), text);
        });
    }
}

/// Describes the style of texts with a meaning, as far as they fit this size.
fn describe_theme(theme: &Theme, size: (u16, u16)) -> String {
    let buffer = drawn(theme, Markers::Braille, &fixtures::traded(), size);
    let mut text = format!("{}\n", theme.name);
    for label in [
        "AwesomeStock",
        "▲ +8",
        "▼ -37",
        "● live",
        "b  BUY",
        "s  SELL",
        "Price ",
        "average cost",
        "high",
        "⣿",
        "⠁⠄",
        "▲⠁",
        "waiting",
        "q quit",
    ] {
        let Some(cell) = find(&buffer, label) else {
            continue;
        };
        text += &format!("  {label:<14} {} on {} {:?}\n", cell.fg, cell.bg, cell.modifier);
    }
    text
}

/// Relative luminance as defined by WCAG.
fn luminance(color: Color) -> Option<f64> {
    let Color::Rgb(red, green, blue) = color else {
        return None;
    };
    let part = |value: u8| {
        let value = f64::from(value) / 255.0;
        if value <= 0.04 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    };
    Some(0.2126 * part(red) + 0.7152 * part(green) + 0.0722 * part(blue))
}

fn contrast(a: Color, b: Color) -> Option<f64> {
    let (a, b) = (luminance(a)?, luminance(b)?);
    Some((a.max(b) + 0.05) / (a.min(b) + 0.05))
}

#[test]
fn text_of_themes_with_a_background_has_enough_contrast() {
    for theme in themes() {
        for (name, state) in [
            ("traded", fixtures::traded()),
            ("reconnecting", fixtures::reconnecting()),
        ] {
            let buffer = drawn(&theme, Markers::Braille, &state, (120, 36));
            for cell in &buffer.content {
                // Borders and the area under the line are faint on purpose.
                let letter = cell.symbol().chars().any(char::is_alphanumeric);
                if let Some(contrast) = contrast(cell.fg, cell.bg).filter(|_| letter) {
                    assert!(contrast >= 3.5, "{} {name}: {cell:?} {contrast:.1}", theme.name);
                }
            }
        }
    }
}

#[test]
fn themes_without_a_background_are_legible_on_black_and_on_white() {
    for name in ["terminal", "mono"] {
        let theme = Theme::by_name(name).unwrap();
        for state in [fixtures::traded(), fixtures::reconnecting(), fixtures::stale()] {
            let buffer = drawn(&theme, Markers::Braille, &state, (120, 36));
            let unsafe_colors = [
                Color::White,
                Color::Black,
                Color::Gray,
                Color::Yellow,
                Color::LightYellow,
            ];
            let illegible = |cell: &&Cell| cell.bg == Color::Reset && unsafe_colors.contains(&cell.fg);
            assert_eq!(buffer.content.iter().find(illegible), None, "{name}");
        }
    }
}

#[test]
fn red_up_swaps_the_colours_of_rises_and_falls() {
    let style_of = |theme: &Theme, label: &str| {
        let buffer = drawn(theme, Markers::Braille, &fixtures::traded(), (80, 24));
        let cell = cell(&buffer, label);
        (cell.fg, cell.bg)
    };
    for theme in themes() {
        let red_up = theme.clone().red_up();
        assert_eq!(
            style_of(&theme, "▲ +8").0,
            style_of(&red_up, "▼ -37").0,
            "{}",
            theme.name
        );
        assert_eq!(
            style_of(&theme, "b  BUY"),
            style_of(&red_up, "s  SELL"),
            "{}",
            theme.name
        );
        assert_eq!(
            style_of(&theme, "● live"),
            style_of(&red_up, "● live"),
            "{}",
            theme.name
        );
    }
}

#[test]
fn buys_and_sells_differ_in_shape_without_colours() {
    let mono = Theme::by_name("mono").unwrap();
    for kind in ChartKind::ALL {
        let mut state = fixtures::traded();
        state.chart.kind = Some(kind);
        let buffer = drawn(&mono, Markers::Braille, &state, (120, 36));
        let count_markers = |sign: &str| {
            let markers = buffer.content.iter().filter(|cell| cell.symbol() == sign);
            markers
                .filter(|cell| cell.modifier.contains(Modifier::REVERSED | Modifier::BOLD))
                .count()
        };
        // The label of the last price has its own arrow.
        assert_eq!((count_markers("▲"), count_markers("▼")), (3, 1), "{kind:?}");
    }
}

#[test]
fn ascii_markers_draw_only_ascii_on_every_screen() {
    for (name, state) in fixtures::all() {
        for size in [(40, 12), (80, 24), (120, 36), (200, 60)] {
            let screen = text(&drawn(&Theme::default(), Markers::Ascii, &state, size));
            let other = screen.chars().find(|letter| !letter.is_ascii());
            assert_eq!(other, None, "{name} at {size:?}\n{screen}");
        }
    }
}

#[test]
fn markers_match_their_snapshots() {
    for markers in [Markers::Block, Markers::Ascii] {
        for kind in [ChartKind::Area, ChartKind::Candles] {
            let mut state = fixtures::traded();
            state.chart.kind = Some(kind);
            let name = format!("markers_{}_{kind:?}_80x24", markers.name()).to_lowercase();
            insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
                insta::assert_snapshot!(name, text(&drawn(&Theme::default(), markers, &state, (80, 24))));
            });
        }
    }
}
