//! Command palette: an input line at the bottom and its matches above, best first.
//!
//! ```text
//! ╭ Command ──────────────────────────────────────────────╮
//! │ ▸ buy STOCKS         buy stocks now…                  │
//! │   buyTokens DOLLARS  buy tokens: 5 per dollar         │
//! │ : bu█                                                 │
//! │ ✗ unknown command "bu"                                │
//! ╰ Enter runs  Esc closes ───────────────────────────────╯
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Constraint::{Fill, Length};
use ratatui::layout::{Layout, Margin, Position, Rect};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Widget;
use unicode_segmentation::UnicodeSegmentation;

use crate::app::AppState;
use crate::app::commands::key::Key;
use crate::app::overlay::palette::{Palette, PaletteItem};
use crate::ui::layout::{LayoutSize, MainLayout};
use crate::ui::widgets::hint::{CLOSES, Hint};
use crate::ui::widgets::panel;
use crate::ui::widgets::window::{Popup, PopupArea, Viewport};
use crate::ui::{FrameInfo, Renderer, text};

const WORD_COLUMNS: usize = 19;

const KEY_COLUMNS: usize = 11;

/// Smallest window width with a column for keys.
const KEY_FROM_COLUMNS: usize = 70;

const PROMPT: &str = ": ";

pub(crate) fn draw(
    view: &Renderer,
    state: &AppState,
    palette: &Palette,
    layout: &MainLayout,
    buf: &mut Buffer,
) -> FrameInfo {
    let columns = usize::from(layout.area.width).saturating_sub(4);
    let errors = palette.error.as_deref().map_or_else(Vec::new, |error| {
        text::wrap(&format!("✗ {}", text::sanitize(error)), columns, 2)
    });
    let error_rows = text::cells(errors.len()).min(2);
    let matches = palette.matching();
    let fixed_rows = error_rows + 3;
    let rows = text::cells(matches.len())
        .min(most_matches(layout.size))
        .min(layout.area.height.saturating_sub(fixed_rows + 4));
    let [_, outer] = layout
        .area
        .layout(&Layout::vertical([Fill(1), Length(rows + fixed_rows)]));
    let inner = outer.inner(Margin::new(2, 1));
    let [matches_area, input_area, error_area] =
        inner.layout(&Layout::vertical([Length(rows), Length(1), Length(error_rows)]));
    let runs = Hint::new("Enter runs", Key::ENTER);
    let completes = Hint::new("Tab completes", Key::TAB);
    let choose = Hint::without_key("arrows choose");
    let all = [runs.clone(), choose, completes, CLOSES].into();
    let window = Popup::new("Command", [all, [runs, CLOSES].into(), [CLOSES].into()], columns);
    let chosen = palette.chosen();
    let hidden = chosen.map_or(0, |chosen| (chosen + 1).saturating_sub(usize::from(rows)));
    let viewport = Viewport::new(matches.len(), usize::from(rows), hidden);
    let buttons = window.draw(view, &PopupArea { outer, inner }, viewport.position(), buf);
    let lines = viewport.lines().zip(matches.into_iter().skip(viewport.first));
    let line = |(number, entry)| match_line(view, state, entry, chosen == Some(number), columns);
    Text::from_iter(lines.map(line)).render(matches_area, buf);
    let errors = errors
        .into_iter()
        .map(|line| panel::styled(line, view.theme.warning));
    Text::from_iter(errors).render(error_area, buf);
    FrameInfo::typed(typed(view, palette, input_area, buf), buttons)
}

/// Draws the end of the input and returns the cursor position.
fn typed(view: &Renderer, palette: &Palette, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let value = palette.input.value();
    let before: String = value.chars().take(palette.input.cursor()).collect();
    let before = text::width(&text::sanitize(&before));
    let prompt = text::width(PROMPT);
    let room = usize::from(area.width).checked_sub(prompt + 1)?;
    let mut hidden = 0;
    let value = text::sanitize(value);
    let mut shown = value.as_ref();
    while before - hidden > room {
        let first = shown.graphemes(true).next()?;
        hidden += text::width(first);
        shown = &shown[first.len()..];
    }
    Line::from(vec![
        Span::styled(PROMPT, view.theme.accent),
        Span::styled(shown, view.theme.strong),
    ])
    .render(area, buf);
    Some(Position::new(
        area.x + text::cells(prompt + before - hidden),
        area.y,
    ))
}

/// Most rows of matches, so that the main screen stays visible.
fn most_matches(size: LayoutSize) -> u16 {
    match size {
        LayoutSize::Small => 4,
        LayoutSize::Medium => 6,
        LayoutSize::Large | LayoutSize::Huge => 12,
    }
}

fn match_line(
    view: &Renderer,
    state: &AppState,
    entry: PaletteItem,
    is_chosen: bool,
    columns: usize,
) -> Line<'static> {
    let (mark, style) = if is_chosen {
        ("▸ ", view.theme.title)
    } else {
        ("  ", view.theme.accent)
    };
    let key_columns = usize::from(columns >= KEY_FROM_COLUMNS) * KEY_COLUMNS;
    let key = match entry {
        _ if key_columns == 0 => String::new(),
        PaletteItem::Fault(row) => row.key.label(),
        PaletteItem::Word(_) | PaletteItem::Action(_) => entry
            .action()
            .map(|action| panel::key_label(state, action))
            .unwrap_or_default(),
    };
    let room = columns.saturating_sub(WORD_COLUMNS + key_columns + 2);
    Line::from(vec![
        Span::styled(mark, view.theme.strong),
        Span::styled(format!("{:<WORD_COLUMNS$}", entry.usage()), style),
        Span::styled(format!("{key:<key_columns$}"), view.theme.strong),
        Span::styled(text::truncate(entry.help(), room), view.theme.dim),
    ])
}
