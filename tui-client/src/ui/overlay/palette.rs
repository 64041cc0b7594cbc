//! The palette: a line of words at the bottom, with the words that match above it.
//!
//! Owns which words are shown as a help while one types. What a line means, the table of words says.
//!
//! ```text
//! ╭ Command ──────────────────────────────────────────────╮
//! │ buyTokens DOLLARS  buy tokens: 5 a dollar             │
//! │ buy STOCKS         buy stocks at the price in force   │
//! │ : bu█                                                 │
//! │ ✗ there is no command "bu"                            │
//! ╰ Enter runs, Esc closes ───────────────────────────────╯
//! ```

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
    widgets::Widget,
};
use unicode_segmentation::UnicodeSegmentation;

use super::{Placed, Window};
use crate::{
    app::{
        command::{WORDS, Word},
        overlay::Palette,
    },
    ui::{
        View,
        layout::{Desk, Size},
        panel, text,
    },
};

/// Columns of a word and its amount.
const WORD_COLUMNS: usize = 19;

/// What stands before the line.
const PROMPT: &str = ": ";

/// Draws the palette; gives back where the cursor is.
pub(super) fn draw(view: &View, palette: &Palette, desk: &Desk, buf: &mut Buffer) -> Option<Position> {
    let error = palette
        .error
        .as_deref()
        .map(|error| format!("✗ {}", text::harmless(error)));
    let columns = usize::from(desk.area.width).saturating_sub(4);
    let errors = error
        .map(|error| text::wrap(&error, columns, 2))
        .unwrap_or_default();
    let error_rows = u16::try_from(errors.len()).unwrap_or(u16::MAX).min(2);
    let matches = matches(palette.input.value());
    let fixed = error_rows.saturating_add(3);
    let rows = u16::try_from(matches.len())
        .unwrap_or(u16::MAX)
        .min(most_matches(desk.size))
        .min(desk.area.height.saturating_sub(fixed.saturating_add(4)));
    let height = rows.saturating_add(fixed).min(desk.area.height);
    let outer = Rect {
        y: desk.area.bottom().saturating_sub(height),
        height,
        ..desk.area
    };
    let inner = outer.inner(ratatui::layout::Margin::new(2, 1));
    let window = Window {
        title: "Command",
        hint: &["Enter runs, Esc closes", "Esc closes"],
        wanted: (0, 0),
    };
    window.draw(view, &Placed { outer, inner }, None, buf);
    for (word, index) in matches.into_iter().zip(0..rows) {
        match_line(view, word, columns).render(panel::row(inner, index), buf);
    }
    for (line, index) in errors.into_iter().zip(rows.saturating_add(1)..) {
        panel::styled(line, view.theme.warning).render(panel::row(inner, index), buf);
    }
    typed(view, palette, panel::row(inner, rows), buf)
}

/// The line being typed: its end is in sight, whatever its length.
fn typed(view: &View, palette: &Palette, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let value = palette.input.value();
    let before: String = value.chars().take(palette.input.cursor()).collect();
    let before = text::width(&text::harmless(&before));
    let prompt = text::width(PROMPT);
    let room = usize::from(area.width).checked_sub(prompt.saturating_add(1))?;
    let mut hidden = 0_usize;
    let shown = text::harmless(value);
    let in_sight: String = shown
        .graphemes(true)
        .skip_while(|grapheme| {
            let hide = before.saturating_sub(hidden) > room;
            if hide {
                hidden = hidden.saturating_add(text::width(grapheme));
            }
            hide
        })
        .collect();
    Line::from(vec![
        Span::styled(PROMPT, view.theme.accent),
        Span::styled(in_sight, view.theme.strong),
    ])
    .render(area, buf);
    let column = prompt.saturating_add(before.saturating_sub(hidden));
    let x = area.x.saturating_add(u16::try_from(column).ok()?);
    Some(Position::new(x, area.y))
}

/// Most words shown as a help: the desk stays in sight.
fn most_matches(size: Size) -> u16 {
    match size {
        Size::Small => 4,
        Size::Medium => 6,
        Size::Large | Size::Huge => 12,
    }
}

fn match_line(view: &View, word: &Word, columns: usize) -> Line<'static> {
    Line::from(vec![
        Span::styled(format!("{:<WORD_COLUMNS$}", word.usage()), view.theme.accent),
        Span::styled(
            text::truncate(word.help, columns.saturating_sub(WORD_COLUMNS)),
            view.theme.dim,
        ),
    ])
}

/// The words that the typed line may become.
fn matches(line: &str) -> Vec<&'static Word> {
    let typed = line.split_whitespace().next().unwrap_or_default();
    let whole = line.trim_start().contains(char::is_whitespace);
    let starts = |name: &str| {
        let same_start = name
            .get(..typed.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(typed));
        same_start && (!whole || name.len() == typed.len())
    };
    WORDS
        .iter()
        .filter(|word| {
            std::iter::once(&word.name)
                .chain(word.aliases)
                .any(|name| starts(name))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_match_by_their_beginning() {
        let names = |line| -> Vec<_> { matches(line).iter().map(|word| word.name).collect() };
        assert_eq!(names("").len(), WORDS.len());
        assert_eq!(names("bu"), ["buyTokens", "buy"]);
        assert_eq!(names("BUYT"), ["buyTokens"]);
        assert_eq!(names("buy "), ["buy"]);
        assert_eq!(names("buy 2"), ["buy"]);
        assert_eq!(names("  pay"), ["payments", "paymentStatement"]);
        assert_eq!(names("payment-"), ["paymentStatement"]);
        assert_eq!(names("é"), [""; 0]);
        assert_eq!(names("nothing"), [""; 0]);
    }
}
