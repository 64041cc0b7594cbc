//! The command palette: fuzzy matching of commands, and of actions that have no command.

use tui_input::{Input, InputRequest};

use crate::app::commands::action::{Action, BINDINGS, Binding};
use crate::app::commands::command::{self, COMMANDS, Command, CommandError, CommandSpec};
use crate::app::commands::lab::{FAULTS, Fault, FaultSpec};

/// Longest line, in characters.
pub(crate) const MAX_PALETTE_CHARS: usize = 120;

#[derive(Debug, Clone, Copy)]
pub(crate) enum PaletteItem {
    Word(&'static CommandSpec),
    Action(&'static Binding),
    Fault(&'static FaultSpec),
}

impl PaletteItem {
    /// Returns all items in table order; faults only in the lab.
    pub(crate) fn all(lab: bool) -> impl Iterator<Item = Self> {
        let has_word = |row: &&Binding| {
            // The palette itself is left out.
            row.action == Action::Palette || COMMANDS.iter().any(|word| word.is(row.name))
        };
        let actions = BINDINGS.iter().filter(move |row| !has_word(row));
        let faults = FAULTS.iter().filter(move |_| lab);
        let items = COMMANDS.iter().map(Self::Word).chain(actions.map(Self::Action));
        items.chain(faults.map(Self::Fault))
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Word(word) => word.name,
            Self::Action(row) => row.name,
            Self::Fault(row) => row.name,
        }
    }

    /// Returns the usage: `buyTokens DOLLARS`.
    pub(crate) fn usage(self) -> String {
        match self {
            Self::Word(word) => word.usage(),
            Self::Action(_) | Self::Fault(_) => self.name().to_owned(),
        }
    }

    pub(crate) fn help(self) -> &'static str {
        match self {
            Self::Word(word) => word.help,
            Self::Action(row) => row.help,
            Self::Fault(row) => row.help,
        }
    }

    /// Returns the action that does the same or starts it, and may have a key.
    pub(crate) fn action(self) -> Option<Action> {
        match self {
            Self::Word(word) => Action::of(word),
            Self::Action(row) => Some(row.action),
            Self::Fault(_) => None,
        }
    }

    fn takes_amount(self) -> bool {
        matches!(self, Self::Word(word) if word.amount().is_some())
    }

    fn match_score(self, typed: &str) -> Option<Score> {
        match self {
            Self::Word(word) => word.names().filter_map(|name| score(typed, name)).min(),
            Self::Action(_) | Self::Fault(_) => score(typed, self.name()),
        }
    }
}

/// The gaps of a subsequence, `None` for a prefix, and the letters of the name that were not typed. Lower is better.
type Score = (Option<usize>, usize);

const EXACT: Score = (None, 0);

/// Scores `name`; `None` unless it has the letters of `typed` in this order. Exact matches rank before prefixes, prefixes
/// before subsequences with few gaps, then shorter names. Case and `-` are ignored.
fn score(typed: &str, name: &str) -> Option<Score> {
    let (wanted, name) = (letters(typed), letters(name));
    let rest = name.len().checked_sub(wanted.len())?;
    if name
        .iter()
        .zip(&wanted)
        .all(|(in_name, wanted)| in_name.letter == wanted.letter)
    {
        return Some((None, rest));
    }
    let gaps = (0..name.len()).filter_map(|start| subsequence_gaps(&wanted, name.get(start..)?));
    Some((Some(gaps.min()?), rest))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct NameChar {
    letter: char,
    begins_word: bool,
}

/// Returns the characters in lower case. `buyTokens` and `buy-tokens` have two words.
fn letters(name: &str) -> Vec<NameChar> {
    let before = std::iter::once('-').chain(name.chars());
    let letters = name.chars().zip(before).filter(|(letter, _)| *letter != '-');
    letters
        .map(|(letter, before)| NameChar {
            letter: letter.to_ascii_lowercase(),
            begins_word: before == '-' || letter.is_ascii_uppercase(),
        })
        .collect()
}

/// Matches `wanted` as a subsequence that starts at the first character of `name`. Returns the number of matches that
/// neither start a word nor follow the previous match.
fn subsequence_gaps(wanted: &[NameChar], name: &[NameChar]) -> Option<usize> {
    if wanted.first()?.letter != name.first()?.letter {
        return None;
    }
    let mut wanted = wanted.iter().peekable();
    let (mut gaps, mut follows) = (0_usize, false);
    for in_name in name {
        let is_wanted = wanted.next_if(|wanted| wanted.letter == in_name.letter).is_some();
        if is_wanted && !follows && !in_name.begins_word {
            gaps = gaps.saturating_add(1);
        }
        follows = is_wanted;
    }
    wanted.peek().is_none().then_some(gaps)
}

/// Returns the items that match the first word, best first. With an amount after a complete name: only that item.
pub(crate) fn matching(line: &str, lab: bool) -> Vec<PaletteItem> {
    let typed = line.split_whitespace().next().unwrap_or_default();
    let has_argument = line.trim_start().contains(char::is_whitespace);
    let mut found: Vec<(Score, PaletteItem)> = PaletteItem::all(lab)
        .filter_map(|entry| Some((entry.match_score(typed)?, entry)))
        .collect();
    let is_exact = |(score, _): &(Score, PaletteItem)| *score == EXACT;
    if has_argument && found.iter().any(is_exact) {
        found.retain(is_exact);
    }
    // A stable sort: ties keep table order.
    if !typed.is_empty() {
        found.sort_by_key(|(score, _)| *score);
    }
    found.into_iter().map(|(_, entry)| entry).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parsed {
    Command(Command),
    Action(Action),
    Fault(Fault),
}

fn parse(line: &str, lab: bool) -> Result<Parsed, CommandError> {
    // `lab cut` is `lab-cut`.
    let typed = line.split_whitespace().collect::<Vec<_>>().join("-");
    let is_named = |name| !typed.is_empty() && score(&typed, name) == Some(EXACT);
    let named = PaletteItem::all(lab).find_map(|entry| match entry {
        PaletteItem::Action(row) => is_named(row.name).then_some(Parsed::Action(row.action)),
        PaletteItem::Fault(row) => is_named(row.name).then_some(Parsed::Fault(row.fault)),
        PaletteItem::Word(_) => None,
    });
    match named {
        Some(named) => Ok(named),
        None => command::parse(line).map(Parsed::Command),
    }
}

/// A command line with completion.
#[derive(Debug, Clone, Default)]
pub struct Palette {
    pub input: Input,
    /// Error of the last Enter.
    pub error: Option<String>,
    /// Index of the item chosen with the arrow keys.
    chosen: Option<usize>,
    /// Offers the faults of the lab.
    lab: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EnterResult {
    Done(Parsed),
    Nothing,
    /// The line was completed or is invalid; typing continues.
    Typing,
}

impl Palette {
    pub fn with_text(line: &str) -> Self {
        Self {
            input: line.into(),
            ..Self::default()
        }
    }

    pub(crate) fn new(lab: bool) -> Self {
        Self {
            lab,
            ..Self::default()
        }
    }

    pub(crate) fn matching(&self) -> Vec<PaletteItem> {
        matching(self.input.value(), self.lab)
    }

    /// Returns the index of the selected item: by default the first one, once something is typed.
    pub(crate) fn chosen(&self) -> Option<usize> {
        let is_empty = self.input.value().trim().is_empty();
        self.chosen.or((!is_empty).then_some(0))
    }

    pub(crate) fn type_char(&mut self, c: char) {
        if !c.is_control() && self.input.value().chars().count() < MAX_PALETTE_CHARS {
            self.edit(InputRequest::InsertChar(c));
        }
    }

    /// Edits the line and resets the choice.
    pub(crate) fn edit(&mut self, request: InputRequest) {
        self.input.handle(request);
        self.error = None;
        self.chosen = None;
    }

    pub(crate) fn choose(&mut self, next: bool) {
        let last = self.matching().len().checked_sub(1);
        self.chosen = match (self.chosen(), next) {
            (None, true) => Some(0),
            (None, false) => last,
            (Some(now), true) => Some(now.saturating_add(1)),
            (Some(now), false) => Some(now.saturating_sub(1)),
        };
        self.chosen = self.chosen.zip(last).map(|(chosen, last)| chosen.min(last));
    }

    /// Completes the first word to the selected item.
    pub(crate) fn complete(&mut self) {
        let chosen = self.matching().into_iter().nth(self.chosen().unwrap_or(0));
        let Some(entry) = chosen else {
            return;
        };
        let line = self.input.value().trim_start();
        let rest = line.split_once(char::is_whitespace).map(|(_, rest)| rest);
        let space = if entry.takes_amount() { " " } else { "" };
        let line = match rest.map(str::trim_start) {
            Some(rest) if !rest.is_empty() => format!("{} {rest}", entry.name()),
            _ => format!("{}{space}", entry.name()),
        };
        *self = Self {
            lab: self.lab,
            ..Self::with_text(&line)
        };
    }

    /// Enters the line. A chosen or incomplete name is completed, and run if it needs no amount. A name with an amount
    /// is never guessed: money depends on it.
    pub(crate) fn enter(&mut self) -> EnterResult {
        let typed = parse(self.input.value(), self.lab);
        if let (Ok(parsed), None) = (&typed, self.chosen) {
            return EnterResult::Done(*parsed);
        }
        if matches!(typed, Err(CommandError::Empty)) && self.chosen.is_none() {
            return EnterResult::Nothing;
        }
        let has_amount = self.input.value().split_whitespace().nth(1).is_some();
        let may_be_completed = match typed {
            Ok(_) | Err(CommandError::Empty) => true,
            Err(CommandError::Unknown(_)) => self.chosen.is_some() || !has_amount,
            Err(_) => false,
        };
        if may_be_completed && !self.matching().is_empty() {
            self.complete();
            return match parse(self.input.value(), self.lab) {
                Ok(parsed) if !has_amount => EnterResult::Done(parsed),
                _ => EnterResult::Typing,
            };
        }
        if let Err(error) = typed {
            self.error = Some(error.to_string());
        }
        EnterResult::Typing
    }
}

#[cfg(test)]
mod tests;
