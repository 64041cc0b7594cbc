//! A document in an overlay: loaded, then scrolled, searched, copied and exported.

use crossterm::event::KeyCode;

use crate::app::overlay::PaymentRow;
use crate::app::overlay::csv::{self, ColumnSet};
use crate::app::portfolio::money::UnixMillis;

pub(crate) const MAX_SEARCH_CHARS: usize = 40;

/// Data that is loaded by a call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Remote<T> {
    /// No answer yet.
    #[default]
    Loading,
    Ready(T),
    /// The reason why it could not be loaded.
    Failed(String),
}

/// A scroll position, in lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scroll {
    top: usize,
}

impl Scroll {
    /// Returns the first visible line.
    pub fn top(self) -> usize {
        self.top
    }

    pub fn up(&mut self, by: usize) {
        self.top = self.top.saturating_sub(by);
    }

    /// Scrolls down, to `reach` at most: there the last line is visible.
    pub fn down(&mut self, by: usize, reach: usize) {
        self.top = self.top.saturating_add(by).min(reach);
    }

    /// Scrolls by a key, to `reach` at most; a page is `page` lines. Returns false for other keys.
    pub(crate) fn key(&mut self, code: KeyCode, page: usize, reach: usize) -> bool {
        match code {
            KeyCode::Up | KeyCode::Char('k') => self.up(1),
            KeyCode::Down | KeyCode::Char('j') => self.down(1, reach),
            KeyCode::PageUp => self.up(page),
            KeyCode::PageDown | KeyCode::Char(' ') => self.down(page, reach),
            KeyCode::Home | KeyCode::Char('g') => self.up(usize::MAX),
            KeyCode::End | KeyCode::Char('G') => self.down(usize::MAX, reach),
            _ => return false,
        }
        true
    }

    fn to(&mut self, line: usize, reach: usize) {
        self.top = line.min(reach);
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Search {
    text: String,
    typing: bool,
    found: Option<usize>,
}

impl Search {
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_typing(&self) -> bool {
        self.typing
    }

    /// Returns the line found last, from 0.
    pub fn found(&self) -> Option<usize> {
        self.found
    }

    /// Starts typing a search text.
    pub fn begin(&mut self) {
        *self = Self {
            typing: true,
            ..Self::default()
        };
    }

    pub fn type_char(&mut self, letter: char) {
        if !letter.is_control() && self.text.chars().count() < MAX_SEARCH_CHARS {
            self.text.push(letter);
        }
    }

    /// Deletes the last character, or ends the search if there is none.
    pub(crate) fn erase(&mut self) {
        if self.text.pop().is_none() {
            self.end();
        }
    }

    pub fn end(&mut self) {
        *self = Self::default();
    }
}

/// Content that is shown line by line.
pub trait DocumentLines {
    /// Columns of an exported CSV file; `None`: there is no CSV form.
    const CSV_COLUMNS: Option<ColumnSet> = None;
    /// Heading of an exported text file.
    const TEXT_HEADING: Option<&'static str> = None;

    /// Returns the lines as CSV without heading, oldest first. Not called without columns.
    fn csv(&self) -> Vec<String> {
        Vec::new()
    }

    /// Returns the lines as shown. This form is searched.
    fn text(&self) -> Vec<String>;
}

impl DocumentLines for Vec<String> {
    fn text(&self) -> Vec<String> {
        self.clone()
    }
}

impl DocumentLines for Vec<PaymentRow> {
    const CSV_COLUMNS: Option<ColumnSet> = Some(csv::PAYMENTS);
    const TEXT_HEADING: Option<&'static str> = Some("number  date (UTC)               dollars");

    fn csv(&self) -> Vec<String> {
        let line = |row| csv::line(csv::PAYMENTS, &csv::payment(row));
        self.iter().map(line).collect()
    }

    fn text(&self) -> Vec<String> {
        self.iter()
            .map(|row| format!("{:>6}  {:<19}  {:>+11}", row.number, utc(row.at), row.dollars))
            .collect()
    }
}

/// Formats a time as UTC; empty if unknown.
pub(crate) fn utc(at: Option<UnixMillis>) -> String {
    let moment = at.and_then(|at| jiff::Timestamp::from_millisecond(at.0).ok());
    moment.map_or_else(String::new, |moment| {
        moment.strftime("%Y-%m-%d %H:%M:%S").to_string()
    })
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Document<T> {
    pub content: Remote<T>,
    pub scroll: Scroll,
    pub search: Search,
}

impl<T> Document<T> {
    pub fn new(content: Remote<T>) -> Self {
        Self {
            content,
            scroll: Scroll::default(),
            search: Search::default(),
        }
    }
}

impl<T: DocumentLines> Document<T> {
    /// Returns the content if it is loaded.
    pub fn ready(&self) -> Option<&T> {
        match &self.content {
            Remote::Ready(content) => Some(content),
            Remote::Loading | Remote::Failed(_) => None,
        }
    }

    /// Ends typing and goes to the next matching line, ignoring case, with wrap-around.
    pub fn find(&mut self, reach: usize) {
        let from = self.search.found.map(|found| found.saturating_add(1));
        self.find_from(from.unwrap_or(self.scroll.top()), reach, false);
    }

    /// Goes to the previous matching line.
    pub(crate) fn find_back(&mut self, reach: usize) {
        self.find_from(self.search.found.unwrap_or(self.scroll.top()), reach, true);
    }

    fn find_from(&mut self, from: usize, reach: usize, back: bool) {
        self.search.typing = false;
        let text = self.search.text.to_lowercase();
        if text.is_empty() {
            return self.search.end();
        }
        let lines = self.ready().map(DocumentLines::text).unwrap_or_default();
        let matches: Vec<usize> = (0..)
            .zip(&lines)
            .filter(|(_, line)| line.to_lowercase().contains(&text))
            .map(|(index, _)| index)
            .collect();
        let (before, after) = matches.split_at(matches.partition_point(|index| *index < from));
        self.search.found = if back {
            before.last().or(after.last())
        } else {
            after.first().or(before.first())
        }
        .copied();
        if let Some(line) = self.search.found {
            self.scroll.to(line, reach);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_goes_from_line_to_line_and_around() {
        let lines = ["Ann", "bob", "annie", "carl"].map(str::to_owned).to_vec();
        let mut document = Document::new(Remote::Ready(lines));
        document.search.begin();
        "ann".chars().for_each(|letter| document.search.type_char(letter));
        for (found, top) in [(Some(0), 0), (Some(2), 1), (Some(0), 0)] {
            document.find(1);
            assert_eq!((document.search.found(), document.scroll.top()), (found, top));
        }
        for (found, top) in [(Some(2), 1), (Some(0), 0)] {
            document.find_back(1);
            assert_eq!((document.search.found(), document.scroll.top()), (found, top));
        }
        document.search.begin();
        "zoe".chars().for_each(|letter| document.search.type_char(letter));
        document.find(1);
        assert_eq!(document.search.found(), None);
        document.search.begin();
        document.search.erase();
        assert!(!document.search.is_typing());
    }

    #[test]
    fn payments_are_lines_of_csv_and_of_text() {
        let rows = vec![
            PaymentRow {
                number: 1,
                at: Some(UnixMillis(1_700_000_000_000)),
                dollars: -100,
            },
            PaymentRow {
                number: 2,
                at: None,
                dollars: 60,
            },
            PaymentRow {
                number: 3,
                at: Some(UnixMillis(i64::MAX)),
                dollars: i32::MIN,
            },
        ];
        assert_eq!(
            rows.csv(),
            ["1,2023-11-14T22:13:20.000Z,-100", "2,,60", "3,,-2147483648"]
        );
        assert_eq!(rows.text()[0], "     1  2023-11-14 22:13:20         -100");
        let heading = <Vec<PaymentRow>>::TEXT_HEADING.unwrap();
        assert!(rows.text().iter().all(|line| line.len() == heading.len()));
    }
}
