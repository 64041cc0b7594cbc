//! The palette: a line of words being typed, and what it may become.
//!
//! Owns which words and actions fit what has been typed, and which fits best. It takes the words of [`command`] and, of
//! the table of actions, those that no word stands for.

use tui_input::{Input, InputRequest};

use super::{
    action::{Action, BINDINGS, Binding},
    command::{self, Command, CommandError, WORDS, Word},
};

/// Characters the palette takes.
pub const MAX_PALETTE_CHARS: usize = 120;

/// Something a line may become.
#[derive(Debug, Clone, Copy)]
pub enum Entry {
    /// A word, perhaps with an amount.
    Word(&'static Word),
    /// Something a key does.
    Action(&'static Binding),
}

impl Entry {
    /// All of them, in the order of their tables.
    pub fn all() -> impl Iterator<Item = Self> {
        let has_word = |row: &&Binding| {
            let named = |word: &Word| word.names().any(|name| name.eq_ignore_ascii_case(row.name));
            // A palette in the palette would be no use.
            row.action == Action::Palette || WORDS.iter().any(named)
        };
        let actions = BINDINGS.iter().filter(move |row| !has_word(row));
        WORDS.iter().map(Self::Word).chain(actions.map(Self::Action))
    }

    /// As it is written first.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Word(word) => word.name,
            Self::Action(row) => row.name,
        }
    }

    /// As one types it: `buyTokens DOLLARS`.
    #[must_use]
    pub fn usage(self) -> String {
        match self {
            Self::Word(word) => word.usage(),
            Self::Action(row) => row.name.to_owned(),
        }
    }

    /// A sentence about it.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::Word(word) => word.help,
            Self::Action(row) => row.help,
        }
    }

    /// The action that does the same or begins it, and so perhaps has a key.
    #[must_use]
    pub fn action(self) -> Option<Action> {
        match self {
            Self::Word(word) => word.names().find_map(Action::by_name),
            Self::Action(row) => Some(row.action),
        }
    }

    fn takes_amount(self) -> bool {
        matches!(self, Self::Word(word) if word.amount().is_some())
    }

    /// How well it fits, lower is better; `None`: not at all.
    fn distance(self, typed: &str) -> Option<usize> {
        match self {
            Self::Word(word) => word.names().filter_map(|name| distance(typed, name)).min(),
            Self::Action(row) => distance(typed, row.name),
        }
    }
}

/// How far `name` is from what was typed, lower is closer; `None`: the typed letters are not in it in this order.
///
/// The name itself comes before what begins so, and that before what only has the letters in it: the better, the fewer
/// of them stand alone in the middle of a word, and the shorter the name. Case and `-` make no difference.
fn distance(typed: &str, name: &str) -> Option<usize> {
    /// Farther than any name is long.
    const FAR: usize = 1_000;
    let (wanted, name) = (letters(typed), letters(name));
    let behind = name.len().checked_sub(wanted.len())?;
    if name
        .iter()
        .zip(&wanted)
        .all(|(in_name, wanted)| in_name.letter == wanted.letter)
    {
        return Some(behind);
    }
    let alone = (0..name.len()).filter_map(|start| alone(&wanted, name.get(start..)?));
    Some(
        alone
            .min()?
            .saturating_add(1)
            .saturating_mul(FAR)
            .saturating_add(behind),
    )
}

/// A letter of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Letter {
    letter: char,
    begins_word: bool,
}

/// The letters of a name in lower case: `buyTokens` and `buy-tokens` are of two words.
fn letters(name: &str) -> Vec<Letter> {
    let before = std::iter::once('-').chain(name.chars());
    let letters = name.chars().zip(before).filter(|(letter, _)| *letter != '-');
    letters
        .map(|(letter, before)| Letter {
            letter: letter.to_ascii_lowercase(),
            begins_word: before == '-' || letter.is_ascii_uppercase(),
        })
        .collect()
}

/// Of the wanted letters, taken from `name` in order from its first one on: how many neither begin a word nor follow
/// the one before. `None`: they are not all there.
fn alone(wanted: &[Letter], name: &[Letter]) -> Option<usize> {
    if wanted.first()?.letter != name.first()?.letter {
        return None;
    }
    let mut wanted = wanted.iter().peekable();
    let (mut alone, mut follows) = (0_usize, false);
    for in_name in name {
        let is_wanted = wanted.next_if(|wanted| wanted.letter == in_name.letter).is_some();
        if is_wanted && !follows && !in_name.begins_word {
            alone = alone.saturating_add(1);
        }
        follows = is_wanted;
    }
    wanted.peek().is_none().then_some(alone)
}

/// What the first word of a line may become, the best first. Once an amount is being typed and the word is one, that
/// word alone.
#[must_use]
pub fn matching(line: &str) -> Vec<Entry> {
    let typed = line.split_whitespace().next().unwrap_or_default();
    let goes_on = line.trim_start().contains(char::is_whitespace);
    let mut found: Vec<(usize, Entry)> = Entry::all()
        .filter_map(|entry| Some((entry.distance(typed)?, entry)))
        .collect();
    let is_whole = |(distance, _): &(usize, Entry)| *distance == 0;
    if goes_on && found.iter().any(is_whole) {
        found.retain(is_whole);
    }
    // Stable: of two that fit as well, the one that comes first in its table.
    if !typed.is_empty() {
        found.sort_by_key(|(distance, _)| *distance);
    }
    found.into_iter().map(|(_, entry)| entry).collect()
}

/// What a line means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Words.
    Command(Command),
    /// What a key does.
    Action(Action),
}

fn understand(line: &str) -> Result<Meaning, CommandError> {
    let mut words = line.split_whitespace();
    let actions = Entry::all().find_map(|entry| match entry {
        Entry::Action(row) if distance(line.trim(), row.name) == Some(0) => Some(row.action),
        Entry::Action(_) | Entry::Word(_) => None,
    });
    match (words.next(), words.next(), actions) {
        (Some(_), None, Some(action)) => Ok(Meaning::Action(action)),
        _ => command::parse(line).map(Meaning::Command),
    }
}

/// A line of words being typed.
#[derive(Debug, Clone, Default)]
pub struct Palette {
    /// The line.
    pub input: Input,
    /// In words, what is wrong with the line that was entered last.
    pub error: Option<String>,
    /// What is chosen of that which fits, from 0 for the best; `None`: nothing has been chosen by its player.
    chosen: Option<usize>,
}

/// What entering a line does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entered {
    /// This is done.
    Done(Meaning),
    /// The line was empty.
    Nothing,
    /// The line is completed, or wrong, and goes on being typed.
    Typing,
}

impl Palette {
    /// A palette with this line typed.
    #[must_use]
    pub fn of(line: &str) -> Self {
        Self {
            input: line.into(),
            ..Self::default()
        }
    }

    /// What fits, the best first.
    #[must_use]
    pub fn matching(&self) -> Vec<Entry> {
        matching(self.input.value())
    }

    /// The number of the entry that would be taken now, from 0; `None`: none would.
    #[must_use]
    pub fn chosen(&self) -> Option<usize> {
        let is_empty = self.input.value().trim().is_empty();
        self.chosen.or((!is_empty).then_some(0))
    }

    /// Types a letter.
    pub(super) fn type_char(&mut self, letter: char) {
        if !letter.is_control() && self.input.value().chars().count() < MAX_PALETTE_CHARS {
            self.edit(InputRequest::InsertChar(letter));
        }
    }

    /// Changes the line; what was chosen before is chosen no more.
    pub(super) fn edit(&mut self, request: InputRequest) {
        self.input.handle(request);
        self.error = None;
        self.chosen = None;
    }

    /// Chooses the next entry, or the one before.
    pub(super) fn choose(&mut self, next: bool) {
        let last = self.matching().len().checked_sub(1);
        self.chosen = match (self.chosen(), next) {
            (None, true) => Some(0),
            (None, false) => last,
            (Some(now), true) => Some(now.saturating_add(1)),
            (Some(now), false) => Some(now.saturating_sub(1)),
        };
        self.chosen = self.chosen.zip(last).map(|(chosen, last)| chosen.min(last));
    }

    /// Completes the first word to the chosen entry, or to the best one.
    pub(super) fn complete(&mut self) {
        let chosen = self.matching().into_iter().nth(self.chosen().unwrap_or(0));
        let Some(entry) = chosen else {
            return;
        };
        let line = self.input.value().trim_start();
        let behind = line.split_once(char::is_whitespace).map(|(_, behind)| behind);
        let space = if entry.takes_amount() { " " } else { "" };
        let line = match behind.map(str::trim_start) {
            Some(behind) if !behind.is_empty() => format!("{} {behind}", entry.name()),
            _ => format!("{}{space}", entry.name()),
        };
        *self = Self::of(&line);
    }

    /// Enters the line. What has been chosen, or is no word yet but may become one, is completed; it is done at once
    /// where nothing has to be typed behind it. No word is guessed for an amount: money may hang on it.
    pub(super) fn enter(&mut self) -> Entered {
        let typed = understand(self.input.value());
        if let (Ok(meaning), None) = (&typed, self.chosen) {
            return Entered::Done(*meaning);
        }
        if matches!(typed, Err(CommandError::Empty)) && self.chosen.is_none() {
            return Entered::Nothing;
        }
        let has_amount = self.input.value().split_whitespace().nth(1).is_some();
        let may_be_completed = match typed {
            Ok(_) | Err(CommandError::Empty) => true,
            Err(CommandError::Unknown(_)) => self.chosen.is_some() || !has_amount,
            Err(_) => false,
        };
        if may_be_completed && !self.matching().is_empty() {
            self.complete();
            return match understand(self.input.value()) {
                Ok(meaning) if !has_amount => Entered::Done(meaning),
                _ => Entered::Typing,
            };
        }
        if let Err(error) = typed {
            self.error = Some(error.to_string());
        }
        Entered::Typing
    }
}

#[cfg(test)]
mod tests;
