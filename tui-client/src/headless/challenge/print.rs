//! Prints results.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use awesomestock_proto::text::{pluralize, thousands};
use color_eyre::eyre::{Result, WrapErr, eyre};

use super::{
    GAME_PREFIX,
    proof::{Outcome, Proof},
    rules::{Balance, Challenge},
};
use crate::{
    app::portfolio::money::Permille,
    headless::output::printed,
    storage::leftovers::is_in_use,
    ui::text::{
        format::{percent, sparkline},
        sanitize,
    },
};

/// The folder of results in the data folder.
pub(super) const FOLDER: &str = "daily";

/// Cells of the sparkline of the equity.
const SPARK_CELLS: usize = 24;

impl Outcome {
    pub(super) fn last(&self) -> i64 {
        self.equity.last().copied().unwrap_or_default()
    }

    pub(super) fn percent(&self) -> String {
        let first = Balance::new().tokens;
        Permille::from_change(self.last().saturating_sub(first), first).map_or_else(String::new, percent)
    }

    fn trades(&self) -> String {
        pluralize(i64::try_from(self.trades).unwrap_or(i64::MAX), "trade")
    }

    fn sparkline(&self) -> String {
        sparkline(&self.equity, SPARK_CELLS)
    }

    /// Returns the three lines to share.
    pub(super) fn share(&self, practice: bool) -> String {
        let practice = if practice { " (practice)" } else { "" };
        format!(
            "AwesomeStock {}{practice}  {}\n{}\n{}: {} to {} tokens; buy and hold {}\n",
            self.challenge,
            self.percent(),
            self.sparkline(),
            self.trades(),
            thousands(Balance::new().tokens),
            thousands(self.last()),
            self.held.map_or_else(String::new, percent),
        )
    }
}

/// Computes the result in `file` again and prints it. That of a day to come is not: its error would show prices.
///
/// # Errors
///
/// The file cannot be read, or names a trade that cannot be.
pub fn print_verified(file: &Path, mut out: impl Write) -> Result<()> {
    let proof = Proof::read(file)?;
    if let (Challenge::Daily(date), Challenge::Daily(today)) = (proof.challenge, Challenge::today())
        && date > today
    {
        return Err(eyre!(
            "{}: {} has not begun; today is {today} (UTC)",
            file.display(),
            proof.challenge
        ));
    }
    let outcome = proof.verify().map_err(|why| eyre!("{}: {why}", file.display()))?;
    let player = sanitize(&proof.player);
    let unfinished = if proof.finished {
        ""
    } else {
        "\nnot finished: with the trades so far"
    };
    printed(writeln!(
        out,
        "{}player: {player}{unfinished}",
        outcome.share(false)
    ))
}

/// Prints the results of the past days, newest first, then the streak of days and the best one. That of a running game is
/// left out: it would show prices to come.
///
/// # Errors
///
/// The folder of results cannot be read.
pub fn print_results(data_dir: &Path, mut out: impl Write) -> Result<()> {
    let folder = data_dir.join(FOLDER);
    let mut files: Vec<PathBuf> = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        entries => entries
            .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
            .wrap_err_with(|| format!("cannot read {}", folder.display()))?,
    };
    let running = running_games(&files);
    files.retain(|path| {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        name.starts_with("daily-") && name.ends_with(".json")
    });
    files.sort_unstable();
    if files.is_empty() {
        return printed(writeln!(
            out,
            "no results yet; `awesomestock daily` plays today's market"
        ));
    }
    let mut days = Vec::new();
    for path in files.iter().rev() {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let outcome = Proof::read(path).and_then(|proof| {
            let outcome = proof.verify().map_err(|why| eyre!(why))?;
            Ok((proof.finished, outcome))
        });
        let line = match outcome {
            Ok((false, mut outcome)) if running.iter().any(|game| *game == name) => {
                let line = format!("{}  still running", outcome.challenge);
                outcome.equity.clear();
                days.push(outcome);
                line
            }
            Ok((finished, outcome)) => {
                let (percent, trades) = (outcome.percent(), outcome.trades());
                let line = format!(
                    "{}  {percent:>9}  {:SPARK_CELLS$}  {trades}{}",
                    outcome.challenge,
                    outcome.sparkline(),
                    if finished { "" } else { ", not finished" },
                );
                days.push(outcome);
                line
            }
            Err(why) => format!("{}  {why:#}", name.replacen('-', " ", 1)),
        };
        printed(writeln!(out, "{line}"))?;
    }
    match overview(days, Challenge::today()) {
        Some(line) => printed(writeln!(out, "{line}")),
        None => Ok(()),
    }
}

/// Returns the names of the results of games that run: the folders of their ledgers are in use.
fn running_games(files: &[PathBuf]) -> Vec<String> {
    let name_of = |path: &PathBuf| {
        let folder = path.file_name()?.to_str()?.strip_prefix(GAME_PREFIX)?;
        let (_, result) = folder.split_once('-')?;
        is_in_use(path).then(|| result.to_owned())
    };
    files.iter().filter_map(name_of).collect()
}

/// Returns the number of days in a row up to `today` or the day before, and the best day. A copy of a file does not count,
/// and a game without equity, which still runs, is not the best one.
pub(super) fn overview(mut days: Vec<Outcome>, today: Challenge) -> Option<String> {
    let date = |outcome: &Outcome| match outcome.challenge {
        Challenge::Daily(date) => Some(date),
        Challenge::Duel(_) => None,
    };
    days.retain(|day| date(day).is_some());
    days.sort_by_key(|day| date(day));
    days.dedup_by_key(|day| date(day));
    let ended = days.iter().filter(|day| !day.equity.is_empty());
    let best = ended.max_by_key(|day| day.last())?;
    let played = |on: &Challenge| days.iter().any(|day| day.challenge == *on);
    let begin = if played(&today) {
        Some(today)
    } else {
        today.day_before()
    };
    let streak = std::iter::successors(begin, |day| day.day_before())
        .take_while(played)
        .count();
    let streak = pluralize(i64::try_from(streak).unwrap_or(i64::MAX), "day");
    Some(format!(
        "streak {streak}; best {} {}",
        best.challenge,
        best.percent()
    ))
}
