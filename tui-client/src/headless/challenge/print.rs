//! Prints results.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use awesomestock_proto::text::{pluralize, thousands};

use super::GAME_PREFIX;
use crate::app::portfolio::money::Permille;
use crate::headless::output::printed;
use crate::solo::challenge::proof::{Outcome, Proof};
use crate::solo::challenge::{Balance, Challenge};
use crate::storage::leftovers::is_in_use;
use crate::ui::text::format::sparkline;
use crate::ui::text::sanitize;

pub(super) const FOLDER: &str = "daily";

const SPARK_CELLS: usize = 24;

impl Outcome {
    /// Returns a result that is not computed, as it would show prices to come.
    fn unknown(challenge: Challenge) -> Self {
        Self {
            challenge,
            trades: 0,
            equity: Vec::new(),
            held: None,
        }
    }

    pub(super) fn last(&self) -> i64 {
        self.equity.last().copied().unwrap_or_default()
    }

    pub(super) fn percent(&self) -> String {
        let first = Balance::new().tokens;
        Permille::from_change(self.last().saturating_sub(first), first)
            .map_or_else(String::new, |permille| permille.to_string())
    }

    fn trades(&self) -> String {
        pluralize(self.trades, "trade")
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
            self.held
                .map_or_else(String::new, |permille| permille.to_string()),
        )
    }
}

/// Computes the result in `file` again and prints it, unless that would show prices to come. Fails if the file cannot
/// be read, names a trade that cannot be, or is of a game that may not be over.
pub fn print_verified(file: &Path, data_dir: &Path, today: Challenge, mut out: impl Write) -> Result<()> {
    let proof = Proof::read(file)?;
    let mut running = running_games(&data_dir.join(FOLDER));
    if let Some(folder) = fs::canonicalize(file).ok().as_deref().and_then(Path::parent) {
        running.extend(running_games(folder));
    }
    // Before the trades are checked: the error of one that cannot be names the price.
    if let Some(why) = secret(&proof, &running, today) {
        return Err(anyhow!("{}: {why}", file.display()));
    }
    let outcome = proof
        .verify()
        .map_err(|why| anyhow!("{}: {why}", file.display()))?;
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

/// Returns why the result of a proof must not be shown yet: it would show prices to come of a game that counts. A copy of
/// the file of a running game is known by its date only.
pub(super) fn secret(proof: &Proof, running: &[Challenge], today: Challenge) -> Option<String> {
    let challenge = proof.challenge;
    if running.contains(&challenge) {
        return Some(format!(
            "{challenge} is still running: its result would show prices to come"
        ));
    }
    not_begun(challenge, today).or_else(|| {
        (challenge == today && !proof.finished).then(|| {
            format!("{challenge} is not finished, and may still be played; verify it tomorrow (UTC)")
        })
    })
}

fn not_begun(challenge: Challenge, today: Challenge) -> Option<String> {
    match (challenge, today) {
        (Challenge::Daily(date), Challenge::Daily(today)) if date > today => {
            Some(format!("{challenge} has not begun; today is {today} (UTC)"))
        }
        _ => None,
    }
}

/// Prints the results of the past days, newest first, then the streak of days and the best one. The result of a
/// running game, or of today's if it is not finished, is left out: it would show prices to come. Fails if the folder of
/// results cannot be read.
pub fn print_results(data_dir: &Path, today: Challenge, mut out: impl Write) -> Result<()> {
    let folder = data_dir.join(FOLDER);
    let files = daily_files(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let running = running_games(&folder);
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
            let is_begun = not_begun(proof.challenge, today).is_none();
            let outcome = match secret(&proof, &running, today) {
                Some(_) if is_begun => Ok(Outcome::unknown(proof.challenge)),
                Some(why) => Err(why),
                None => proof.verify(),
            };
            Ok((proof.finished, outcome.map_err(|why| anyhow!(why))?))
        });
        let line = match &outcome {
            Ok((_, outcome)) if outcome.equity.is_empty() => {
                let why = match running.contains(&outcome.challenge) {
                    true => "still running",
                    false => "not finished; its result is shown tomorrow (UTC)",
                };
                format!("{}  {why}", outcome.challenge)
            }
            Ok((finished, outcome)) => format!(
                "{}  {:>9}  {:SPARK_CELLS$}  {}{}",
                outcome.challenge,
                outcome.percent(),
                outcome.sparkline(),
                outcome.trades(),
                if *finished { "" } else { ", not finished" },
            ),
            Err(why) => format!("{}  {why:#}", name.replacen('-', " ", 1)),
        };
        printed(writeln!(out, "{line}"))?;
        days.extend(outcome.ok().map(|(_, outcome)| outcome));
    }
    match overview(days, today) {
        Some(line) => printed(writeln!(out, "{line}")),
        None => Ok(()),
    }
}

/// Returns the results of days, oldest first.
fn daily_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let paths = entries.map(|entry| Ok(entry?.path()));
    let mut paths = paths.collect::<io::Result<Vec<PathBuf>>>()?;
    paths.retain(|path| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with("daily-") && name.ends_with(".json"))
    });
    paths.sort_unstable();
    Ok(paths)
}

/// Returns the games that count and run: the folders of their ledgers are in use.
fn running_games(folder: &Path) -> Vec<Challenge> {
    let game_of = |entry: fs::DirEntry| {
        let name = entry.file_name();
        let (_, result) = name.to_str()?.strip_prefix(GAME_PREFIX)?.split_once('-')?;
        let challenge = result.replacen('-', " ", 1).parse().ok()?;
        is_in_use(&entry.path()).then_some(challenge)
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(game_of).collect()
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
    let begin = Some(today).filter(played).or_else(|| today.day_before());
    let streak = std::iter::successors(begin, |day| day.day_before())
        .take_while(played)
        .count();
    let streak = pluralize(streak, "day");
    Some(format!(
        "streak {streak}; best {} {}",
        best.challenge,
        best.percent()
    ))
}
