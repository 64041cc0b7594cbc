//! `awesomestock doctor`: one line for each thing that the game depends on.

mod probe;

use std::fmt;
use std::io::Write;
use std::path::PathBuf;

use awesomestock_proto::command_line;
use color_eyre::eyre::{Result, WrapErr};

use crate::app::portfolio::money::UnixMillis;
use crate::cli::args::Cli;
use crate::cli::config::{UserEnvironment, is_dumb};
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

#[derive(Debug, Clone, Default)]
struct TerminalProbe {
    is_terminal: bool,
    size: Option<(u16, u16)>,
    term: Option<String>,
    colorterm: Option<String>,
    no_color: bool,
    /// The first of `LC_ALL`, `LC_CTYPE` and `LANG` that is set.
    locale: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum ServerProbe {
    Unknown,
    /// The solo ledger can be opened.
    LedgerReady,
    NoLedger,
    /// The solo ledger cannot be opened, with the reason.
    LedgerUnusable(String),
    Reached {
        url: String,
        latency_ms: i64,
        support: Support,
    },
    Unreached {
        url: String,
        why: String,
    },
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
    let mut checks = terminal(&probe::terminal(environment));
    let config = probe::config(cli, environment);
    checks.push(configuration(&config));
    let config = config.ok().map(|(config, _)| config);
    if let Some(config) = &config {
        checks.push(probe::folder("data", &config.data_dir));
    }
    // A missing log does not prevent a game.
    checks.push(probe::log().at_most_warn());
    checks.extend(config.as_ref().and_then(probe::key));
    let (probes, tick) = match &config {
        Some(config) => probe::servers(config).await,
        None => (vec![ServerProbe::Unknown], None),
    };
    checks.extend(servers(&probes));
    checks.push(clock(&probes, tick));
    let printed = checks.iter().try_for_each(|check| writeln!(out, "{check}"));
    command_line::written(printed).wrap_err("cannot write to standard output")?;
    Ok(checks.iter().all(|check| check.result != CheckResult::Fail))
}

fn terminal(probe: &TerminalProbe) -> Vec<Check> {
    let screen = if probe.is_terminal {
        ok("terminal", "standard input and output are a terminal")
    } else {
        warn(
            "terminal",
            "standard input or output is not a terminal: the game runs line by line",
        )
    };
    vec![
        screen,
        size(probe.size),
        term(probe.term.as_deref()),
        colors(probe),
        locale(probe.locale.as_deref()),
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
        None | Some("") => warn("TERM", "not set: the game plays line by line"),
        Some(name) if is_dumb(name) => warn("TERM", format!("{name}: the game plays line by line")),
        Some(name) => ok("TERM", name),
    }
}

fn colors(probe: &TerminalProbe) -> Check {
    let term = probe.term.as_deref().unwrap_or_default();
    match probe.colorterm.as_deref() {
        _ if probe.no_color => ok("colours", "none: NO_COLOR selects the theme mono"),
        Some("truecolor" | "24bit") => ok("colours", "16 million"),
        _ if term.contains("256color") || term.contains("direct") => ok("colours", "256"),
        _ => warn(
            "colours",
            "16, according to TERM and COLORTERM: use the theme terminal or mono",
        ),
    }
}

fn locale(locale: Option<&str>) -> Check {
    let Some(name) = locale else {
        return warn(
            "locale",
            "LC_ALL, LC_CTYPE and LANG are not set: letters and lines may be garbled",
        );
    };
    let normalized = name.to_ascii_lowercase().replace('-', "");
    if normalized.contains("utf8") {
        ok("locale", name)
    } else {
        warn(
            "locale",
            format!("{name} is not UTF-8: letters and lines may be garbled"),
        )
    }
}

fn configuration<C>(read: &Result<(C, PathBuf), String>) -> Check {
    match read {
        Ok((_, path)) if path.exists() => ok("config", path.display().to_string()),
        Ok((_, path)) => ok("config", format!("{}: not found, using defaults", path.display())),
        Err(why) => fail("config", why),
    }
}

/// Checks all addresses. An unreachable one is only a warning if another can be reached.
fn servers(probes: &[ServerProbe]) -> Vec<Check> {
    let checks: Vec<Check> = probes.iter().map(server).collect();
    match checks.iter().all(|check| check.result == CheckResult::Fail) {
        true => checks,
        false => checks.into_iter().map(Check::at_most_warn).collect(),
    }
}

fn server(probe: &ServerProbe) -> Check {
    match probe {
        ServerProbe::Unknown => warn("casino", "not checked: the configuration is invalid"),
        ServerProbe::LedgerReady => ok("casino", "solo: the ledger is intact and not in use"),
        ServerProbe::NoLedger => ok("casino", "solo: the first game creates the ledger"),
        ServerProbe::LedgerUnusable(why) => fail("casino", format!("solo: {why}")),
        ServerProbe::Reached {
            url,
            latency_ms,
            support,
        } => {
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
        ServerProbe::Unreached { url, why } => fail("casino", format!("{url}: {why}")),
    }
}

fn clock(servers: &[ServerProbe], tick: Option<TickProbe>) -> Check {
    let Some(tick) = tick else {
        return match servers {
            [ServerProbe::LedgerReady | ServerProbe::NoLedger | ServerProbe::LedgerUnusable(_)] => {
                ok("clock", "a solo casino uses this clock")
            }
            _ => warn("clock", "no casino sent its time"),
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
