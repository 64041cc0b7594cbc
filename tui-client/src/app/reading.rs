//! What is done with the sheet on top: copied, exported, read on.
//!
//! Owns what leaves the game of a sheet, and when older lines of it are asked for.

use crate::text::harmless;

use super::{
    AppState, Effect, Effects,
    event::Call,
    overlay::Overlay,
    sheet::{Fetched, Lines, Sheet},
};

/// How a sheet is written into a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// For programs, where there is such a form of it.
    Csv,
    /// For people.
    Text,
}

/// Copies the sheet on top.
pub(super) fn copy(state: &mut AppState) -> Effects {
    let Some(readable) = Readable::on_top_of(state, Form::Csv) else {
        return Effects::new();
    };
    let lines = readable.lines.len();
    state.alerts.tell(format!("copied: {lines} lines"), state.now);
    vec![Effect::Copy(text_of(&readable.lines))]
}

/// Exports the sheet on top.
pub(super) fn export(state: &AppState, form: Form) -> Effects {
    let Some(mut readable) = Readable::on_top_of(state, form) else {
        return Effects::new();
    };
    readable.lines.splice(0..0, readable.heading.map(str::to_owned));
    vec![Effect::Export {
        file_name: format!(
            "awesomestock-{}-{}-{}.{}",
            readable.name, state.session.seat.player, state.now.0, readable.ending
        ),
        text: text_of(&readable.lines),
    }]
}

/// Asks for older trades where the reader of those that are there comes near their end.
pub(super) fn read_on(state: &mut AppState) -> Effects {
    let (page, reach) = (state.screen.page(), state.screen.reach);
    let Some(Overlay::Trades(Sheet {
        content: Fetched::Ready(trades),
        scroll,
        ..
    })) = state.screen.overlays.last_mut()
    else {
        return Effects::new();
    };
    if scroll.top().saturating_add(page) < reach || reach == 0 {
        return Effects::new();
    }
    let before = trades.wants_older();
    let call = before.map(|before| Effect::Call(Call::TradePage { before: Some(before) }));
    call.into_iter().collect()
}

/// What there is to copy and to export of a sheet.
struct Readable {
    /// What the sheet is called.
    name: &'static str,
    /// The ending of a file of it.
    ending: &'static str,
    /// What stands above its lines in a file.
    heading: Option<&'static str>,
    lines: Vec<String>,
}

impl Readable {
    /// The sheet on top; `None`: there is nothing to read.
    fn on_top_of(state: &AppState, form: Form) -> Option<Self> {
        let readable = match state.screen.overlays.last()? {
            Overlay::Payments(sheet) => Self::of("payments", sheet, form),
            Overlay::Trades(sheet) => Self::of("trades", sheet, form),
            Overlay::Statement(sheet) => Self::of("statement", sheet, form),
            _ => None,
        };
        readable.filter(|readable| !readable.lines.is_empty())
    }

    fn of<T: Lines>(name: &'static str, sheet: &Sheet<T>, form: Form) -> Option<Self> {
        let content = sheet.ready()?;
        Some(match (form, T::CSV_HEADING) {
            (Form::Csv, Some(heading)) => Self {
                name,
                ending: "csv",
                heading: Some(heading),
                lines: content.csv(),
            },
            (Form::Csv, None) | (Form::Text, _) => Self {
                name,
                ending: "txt",
                heading: T::TEXT_HEADING,
                lines: content.text(),
            },
        })
    }
}

/// What leaves the game is as harmless as what is shown.
fn text_of(lines: &[String]) -> String {
    lines
        .iter()
        .flat_map(|line| [harmless(line), "\n".into()])
        .collect()
}
