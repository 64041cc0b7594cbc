//! `awesomestock doctor`: one line for each thing that the game depends on.

mod probe;

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::{env, fmt};

use anyhow::{Context, Result};
use awesomestock_proto::command_line;

use crate::app::portfolio::money::UnixMillis;
use crate::cli::args::Cli;
use crate::cli::config::{self, Config, ServerChoice, UserEnvironment, is_dumb};
use crate::ui::text::sanitize;
use crate::ui::{MIN_COLUMNS, MIN_ROWS};

/// Largest ignored difference of two clocks, in milliseconds: a slow network is not a wrong clock.
const CLOCK_SLACK_MS: i64 = 2_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum CheckResult {
    Ok,
    /// Playable, with a limitation.
    Warn,
    /// Not playable.
    Fail,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Check {
    result: CheckResult,
    topic: &'static str,
    text: String,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let result = match self.result {
            CheckResult::Ok => "ok",
            CheckResult::Warn => "warn",
            CheckResult::Fail => "fail",
        };
        write!(f, "{result:4}  {:8}  {}", self.topic, sanitize(&self.text))
    }
}

impl Check {
    fn new(result: CheckResult, topic: &'static str, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { result, topic, text }
    }

    fn at_most_warn(self) -> Self {
        let result = self.result.min(CheckResult::Warn);
        Self { result, ..self }
    }
}

fn ok(topic: &'static str, text: impl Into<String>) -> Check {
    Check::new(CheckResult::Ok, topic, text)
}

fn warn(topic: &'static str, text: impl Into<String>) -> Check {
    Check::new(CheckResult::Warn, topic, text)
}

fn fail(topic: &'static str, text: impl Into<String>) -> Check {
    Check::new(CheckResult::Fail, topic, text)
}

/// The parts of the protocol that a casino supports.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Support {
    /// Those without wallets, trades and history.
    Old,
    /// All but these features.
    AllBut(Vec<&'static str>),
    /// No session can be opened, with the reason.
    NoSession(String),
}

/// The latest tick of a server, and the local time of its arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TickProbe {
    at: UnixMillis,
    interval_ms: i64,
    now: UnixMillis,
}

/// Runs all checks and prints them. Returns whether none failed. Fails if `out` cannot be written to.
pub async fn run_checks(cli: &Cli, environment: &UserEnvironment, mut out: impl Write) -> Result<bool> {
    let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    let screen_size = crossterm::terminal::size().ok().filter(|_| is_terminal);
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let mut checks = terminal(is_terminal, screen_size, environment.no_color, variable);
    let config = Config::load(cli, environment);
    checks.push(configuration(
        &Config::path(cli, environment),
        config.as_ref().err(),
    ));
    if let Ok(config) = &config {
        checks.push(probe::folder("data", &config.data_dir));
    }
    // A missing log does not prevent a game.
    checks.push(probe::log().at_most_warn());
    checks.extend(config.as_ref().ok().and_then(probe::key));
    let (casinos, tick) = match &config {
        Ok(config) => probe::servers(config).await,
        Err(_) => (
            vec![warn("casino", "not checked: the configuration is invalid")],
            None,
        ),
    };
    checks.extend(servers(casinos));
    let is_solo = config.is_ok_and(|config| matches!(config.server, ServerChoice::Solo(_)));
    checks.push(clock(is_solo, tick));
    let printed = checks.iter().try_for_each(|check| writeln!(out, "{check}"));
    command_line::written(printed).context("cannot write to standard output")?;
    Ok(checks.iter().all(|check| check.result != CheckResult::Fail))
}

/// Checks the terminal. `variable` returns a variable of the environment that is not empty.
fn terminal(
    is_terminal: bool,
    screen_size: Option<(u16, u16)>,
    no_color: bool,
    variable: impl Fn(&str) -> Option<String>,
) -> Vec<Check> {
    let name = variable("TERM");
    let screen = if is_terminal {
        ok("terminal", "standard input and output are a terminal")
    } else {
        warn(
            "terminal",
            "standard input or output is not a terminal: the game runs line by line",
        )
    };
    vec![
        screen,
        size(screen_size),
        term(name.as_deref()),
        colors(
            name.as_deref().unwrap_or_default(),
            variable("COLORTERM").as_deref(),
            no_color,
        ),
        locale(config::locale(variable).as_deref()),
    ]
}

fn size(size: Option<(u16, u16)>) -> Check {
    match size {
        None => warn("size", "the terminal does not report its size"),
        Some((columns, rows)) if columns < MIN_COLUMNS || rows < MIN_ROWS => warn(
            "size",
            format!("{columns}x{rows}: the screen needs {MIN_COLUMNS}x{MIN_ROWS}"),
        ),
        Some((columns, rows)) => ok("size", format!("{columns}x{rows}")),
    }
}

fn term(term: Option<&str>) -> Check {
    match term {
        None => warn("TERM", "not set: the game plays line by line"),
        Some(name) if is_dumb(name) => warn("TERM", format!("{name}: the game plays line by line")),
        Some(name) => ok("TERM", name),
    }
}

fn colors(term: &str, colorterm: Option<&str>, no_color: bool) -> Check {
    match colorterm {
        _ if no_color => ok("colours", "none: NO_COLOR selects the theme mono"),
        Some("truecolor" | "24bit") => ok("colours", "16 million"),
        _ if term.contains("256color") || term.contains("direct") => ok("colours", "256"),
        _ => warn(
            "colours",
            "16, according to TERM and COLORTERM: use the theme terminal or mono",
        ),
    }
}

fn locale(locale: Option<&str>) -> Check {
    match locale {
        None => warn(
            "locale",
            "LC_ALL, LC_CTYPE and LANG are not set: letters and lines may be garbled",
        ),
        Some(name) if config::is_utf8(name) => ok("locale", name),
        Some(name) => warn(
            "locale",
            format!("{name} is not UTF-8: letters and lines may be garbled"),
        ),
    }
}

fn configuration(path: &Path, error: Option<&anyhow::Error>) -> Check {
    match error {
        Some(error) => fail("config", format!("{error:#}")),
        None if path.exists() => ok("config", path.display().to_string()),
        None => ok("config", format!("{}: not found, using defaults", path.display())),
    }
}

/// Returns the checks of all addresses. An unreachable one is only a warning if another can be reached.
fn servers(checks: Vec<Check>) -> Vec<Check> {
    match checks.iter().all(|check| check.result == CheckResult::Fail) {
        true => checks,
        false => checks.into_iter().map(Check::at_most_warn).collect(),
    }
}

/// Checks a casino that has answered.
fn casino(url: &str, latency_ms: u128, support: &Support) -> Check {
    let answers = format!("{url} answers in {latency_ms} ms");
    match support {
        Support::AllBut(missing) if missing.is_empty() => {
            ok("casino", format!("{answers} and supports all features"))
        }
        Support::AllBut(missing) => {
            let missing = missing.join(", ");
            warn(
                "casino",
                format!("{answers}, an earlier version without {missing}"),
            )
        }
        Support::Old => warn(
            "casino",
            format!("{answers} with the old protocol: no stocks, trades and history"),
        ),
        Support::NoSession(why) => fail("casino", format!("{answers}, but opens no session: {why}")),
    }
}

fn clock(is_solo: bool, tick: Option<TickProbe>) -> Check {
    let Some(tick) = tick else {
        return match is_solo {
            true => ok("clock", "a solo casino uses this clock"),
            false => warn("clock", "no casino sent its time"),
        };
    };
    let ahead_ms = tick.at.since_ms(tick.now);
    let late_ms = tick.now.since_ms(tick.at).saturating_sub(tick.interval_ms);
    if ahead_ms > CLOCK_SLACK_MS {
        let seconds = ahead_ms / 1000;
        warn(
            "clock",
            format!(
                "the latest price is {seconds} s in the future: this clock is slow, or the casino's is fast"
            ),
        )
    } else if late_ms > CLOCK_SLACK_MS {
        let seconds = late_ms / 1000;
        warn(
            "clock",
            format!("the latest price is {seconds} s late: this clock is fast, or the casino is slow"),
        )
    } else {
        ok("clock", "agrees with the casino's")
    }
}

#[cfg(test)]
mod tests;
