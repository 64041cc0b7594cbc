//! A sheet: something that is fetched, then read, scrolled, searched, copied and exported.
//!
//! Owns where its reader is and what they look for. Which lines there are, the content says ([`Lines`]); how it looks
//! is the view's to say.

use super::{money::UnixMs, overlay::PaymentRow};

/// Characters one can search for.
pub const MAX_SEARCH_CHARS: usize = 40;

/// Something that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched<T> {
    /// No answer yet.
    Loading,
    /// Here it is.
    Ready(T),
    /// In words, why it is not to be had.
    Failed(String),
}

/// How far down something is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scroll {
    top: usize,
}

impl Scroll {
    /// The first line in sight.
    #[must_use]
    pub fn top(self) -> usize {
        self.top
    }

    /// Up by `by` lines.
    pub fn up(&mut self, by: usize) {
        self.top = self.top.saturating_sub(by);
    }

    /// Down by `by` lines, no further than `reach`: there the last line is in sight.
    pub fn down(&mut self, by: usize, reach: usize) {
        self.top = self.top.saturating_add(by).min(reach);
    }

    /// To a line, no further than `reach`.
    fn to(&mut self, line: usize, reach: usize) {
        self.top = line.min(reach);
    }
}

/// What is looked for in a sheet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Search {
    words: String,
    /// Words are being typed.
    typing: bool,
    /// The line found last.
    found: Option<usize>,
}

impl Search {
    /// What is looked for; empty: nothing.
    #[must_use]
    pub fn words(&self) -> &str {
        &self.words
    }

    /// Words are being typed.
    #[must_use]
    pub fn is_typing(&self) -> bool {
        self.typing
    }

    /// The line found last, from 0.
    #[must_use]
    pub fn found(&self) -> Option<usize> {
        self.found
    }

    /// Begins to type words.
    pub fn begin(&mut self) {
        *self = Self {
            typing: true,
            ..Self::default()
        };
    }

    /// Types a letter.
    pub fn type_char(&mut self, letter: char) {
        if !letter.is_control() && self.words.chars().count() < MAX_SEARCH_CHARS {
            self.words.push(letter);
        }
    }

    /// Takes the last letter back; without one, the search ends.
    pub fn erase(&mut self) {
        if self.words.pop().is_none() {
            self.end();
        }
    }

    /// Looks for nothing any more.
    pub fn end(&mut self) {
        *self = Self::default();
    }
}

/// Content of lines.
pub trait Lines {
    /// What stands above the lines of CSV in a file; `None`: there is no CSV of it.
    const CSV_HEADING: Option<&'static str>;
    /// What stands above the lines of text in a file.
    const TEXT_HEADING: Option<&'static str>;

    /// Each line as CSV, without its heading; as it is searched and copied.
    fn csv(&self) -> Vec<String>;

    /// Each line as text for people.
    fn text(&self) -> Vec<String>;
}

impl Lines for Vec<String> {
    const CSV_HEADING: Option<&'static str> = None;
    const TEXT_HEADING: Option<&'static str> = None;

    fn csv(&self) -> Vec<String> {
        self.clone()
    }

    fn text(&self) -> Vec<String> {
        self.clone()
    }
}

impl Lines for Vec<PaymentRow> {
    const CSV_HEADING: Option<&'static str> = Some("number,date_utc,dollars");
    const TEXT_HEADING: Option<&'static str> = Some("number  date (UTC)               dollars");

    fn csv(&self) -> Vec<String> {
        self.iter()
            .map(|row| format!("{},{},{}", row.number, utc(row.at), row.dollars))
            .collect()
    }

    fn text(&self) -> Vec<String> {
        self.iter()
            .map(|row| format!("{:>6}  {:<19}  {:>+11}", row.number, utc(row.at), row.dollars))
            .collect()
    }
}

/// A moment in UTC, as files tell it; empty where it is not known.
pub(super) fn utc(at: Option<UnixMs>) -> String {
    let moment = at.and_then(|at| jiff::Timestamp::from_millisecond(at.0).ok());
    moment.map_or_else(String::new, |moment| {
        moment.strftime("%Y-%m-%d %H:%M:%S").to_string()
    })
}

/// Something that is fetched, then read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet<T> {
    /// What there is to read.
    pub content: Fetched<T>,
    /// How far down it is read.
    pub scroll: Scroll,
    /// What is looked for.
    pub search: Search,
}

impl<T> Default for Sheet<T> {
    fn default() -> Self {
        Self::of(Fetched::Loading)
    }
}

impl<T> Sheet<T> {
    /// A sheet at its beginning.
    #[must_use]
    pub fn of(content: Fetched<T>) -> Self {
        Self {
            content,
            scroll: Scroll::default(),
            search: Search::default(),
        }
    }
}

impl<T: Lines> Sheet<T> {
    /// What there is to read, if it is there.
    #[must_use]
    pub fn ready(&self) -> Option<&T> {
        match &self.content {
            Fetched::Ready(content) => Some(content),
            Fetched::Loading | Fetched::Failed(_) => None,
        }
    }

    /// Ends typing, and goes to the first line that holds the words, whatever their case: from the one in sight on, or
    /// from the one found last.
    pub fn find(&mut self, reach: usize) {
        let from = self.search.found.map(|found| found.saturating_add(1));
        self.find_from(from.unwrap_or(self.scroll.top()), reach, false);
    }

    /// As [`find`](Self::find), to the line before the one found last.
    pub fn find_back(&mut self, reach: usize) {
        self.find_from(self.search.found.unwrap_or(self.scroll.top()), reach, true);
    }

    /// The nearest line before `from`, going `back`, else the nearest from there on; around the end, or the beginning.
    fn find_from(&mut self, from: usize, reach: usize, back: bool) {
        self.search.typing = false;
        let words = self.search.words.to_lowercase();
        if words.is_empty() {
            return self.search.end();
        }
        let lines = self.ready().map(Lines::csv).unwrap_or_default();
        let holding: Vec<usize> = (0..)
            .zip(&lines)
            .filter(|(_, line)| line.to_lowercase().contains(&words))
            .map(|(index, _)| index)
            .collect();
        let (before, behind) = holding.split_at(holding.partition_point(|index| *index < from));
        self.search.found = if back {
            before.last().or(behind.last())
        } else {
            behind.first().or(before.first())
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
        let mut sheet = Sheet::of(Fetched::Ready(lines));
        sheet.search.begin();
        "ann".chars().for_each(|letter| sheet.search.type_char(letter));
        for (found, top) in [(Some(0), 0), (Some(2), 1), (Some(0), 0)] {
            sheet.find(1);
            assert_eq!((sheet.search.found(), sheet.scroll.top()), (found, top));
        }
        for (found, top) in [(Some(2), 1), (Some(0), 0)] {
            sheet.find_back(1);
            assert_eq!((sheet.search.found(), sheet.scroll.top()), (found, top));
        }
        sheet.search.begin();
        "zoe".chars().for_each(|letter| sheet.search.type_char(letter));
        sheet.find(1);
        assert_eq!(sheet.search.found(), None);
        sheet.search.begin();
        sheet.search.erase();
        assert!(!sheet.search.is_typing());
    }

    #[test]
    fn payments_are_lines_of_csv_and_of_text() {
        let rows = vec![
            PaymentRow {
                number: 1,
                at: Some(UnixMs(1_700_000_000_000)),
                dollars: -100,
            },
            PaymentRow {
                number: 2,
                at: None,
                dollars: 60,
            },
            PaymentRow {
                number: 3,
                at: Some(UnixMs(i64::MAX)),
                dollars: i32::MIN,
            },
        ];
        assert_eq!(
            rows.csv(),
            ["1,2023-11-14 22:13:20,-100", "2,,60", "3,,-2147483648"]
        );
        assert_eq!(rows.text()[0], "     1  2023-11-14 22:13:20         -100");
        let heading = <Vec<PaymentRow>>::TEXT_HEADING.unwrap();
        assert!(rows.text().iter().all(|line| line.len() == heading.len()));
    }
}
