//! What works here and what does not: one line for each thing that the game depends on.
//!
//! Owns the judgements. What is seen is gathered elsewhere and comes in as values, so that each judgement is a function.

mod gather;

use std::{
    fmt,
    io::{self, Write},
    path::PathBuf,
};

use color_eyre::eyre::{Result, WrapErr};

use crate::{
    app::money::UnixMs,
    cli::Cli,
    config::Surroundings,
    text::harmless,
    ui::{MIN_COLUMNS, MIN_ROWS},
};

/// How far two clocks may differ before it is said, in milliseconds: a slow network is not a wrong clock.
const CLOCK_SLACK_MS: i64 = 2_000;

/// How it stands with one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// As it should be.
    Ok,
    /// The game goes, and something is not as good as it could be.
    Warn,
    /// The game does not go.
    Fail,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    verdict: Verdict,
    topic: &'static str,
    words: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
        };
        write!(f, "{verdict:4}  {:8}  {}", self.topic, harmless(&self.words))
    }
}

fn ok(topic: &'static str, words: impl Into<String>) -> Finding {
    finding(Verdict::Ok, topic, words)
}

fn warn(topic: &'static str, words: impl Into<String>) -> Finding {
    finding(Verdict::Warn, topic, words)
}

fn fail(topic: &'static str, words: impl Into<String>) -> Finding {
    finding(Verdict::Fail, topic, words)
}

fn finding(verdict: Verdict, topic: &'static str, words: impl Into<String>) -> Finding {
    Finding {
        verdict,
        topic,
        words: words.into(),
    }
}

/// The terminal, as its variables and the system tell of it.
#[derive(Debug, Clone, Default)]
struct TerminalSeen {
    is_terminal: bool,
    size: Option<(u16, u16)>,
    term: Option<String>,
    colorterm: Option<String>,
    no_colour: bool,
    /// What decides over the encoding: the first of `LC_ALL`, `LC_CTYPE` and `LANG` that says something.
    locale: Option<String>,
}

/// A file or folder.
#[derive(Debug, Clone, PartialEq, Eq)]
enum PathSeen {
    /// It is there, and can be used.
    Usable(PathBuf),
    /// It is not there yet, and can be made.
    ToBeMade(PathBuf),
    /// It cannot be used; in words, why.
    Unusable(PathBuf, String),
}

/// The key to the player's name at a shared table.
#[derive(Debug, Clone, PartialEq, Eq)]
enum KeySeen {
    /// Whose it is, and where it is kept.
    Kept(String, PathBuf),
    /// Whose it will be.
    ToBeMade(String),
    /// It cannot be used; in words, why.
    Unusable(String),
}

/// Where one would play.
#[derive(Debug, Clone, PartialEq, Eq)]
enum TableSeen {
    /// Nobody knows: the configuration does not say.
    Unknown,
    /// The ledger of solo games can be opened.
    LedgerFree,
    /// There is no ledger yet.
    NoLedger,
    /// The ledger of solo games cannot be opened; in words, why.
    LedgerUnusable(String),
    /// A casino answered.
    Reached {
        url: String,
        latency_ms: i64,
        is_extended: bool,
    },
    /// A casino did not; in words, why.
    Unreached { url: String, why: String },
}

/// The newest tick of a casino, and when it was heard of by the clock here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TickSeen {
    at: UnixMs,
    interval_ms: i64,
    now: UnixMs,
}

/// Looks at everything, and prints what was found. Gives back whether nothing fails.
///
/// # Errors
///
/// When `out` cannot be written to.
pub async fn examine(cli: &Cli, around: &Surroundings, mut out: impl Write) -> Result<bool> {
    let mut findings = terminal(&gather::terminal(around));
    let config = gather::config(cli, around);
    findings.push(configuration(&config));
    let config = config.ok().map(|(config, _)| config);
    if let Some(config) = &config {
        findings.push(folder("data", &gather::folder(&config.data_dir)));
    }
    findings.push(log(&gather::log()));
    let key_seen = config.as_ref().and_then(gather::key);
    findings.extend(key_seen.as_ref().map(key));
    let (seen, tick) = match &config {
        Some(config) => gather::tables(config).await,
        None => (vec![TableSeen::Unknown], None),
    };
    findings.extend(tables(&seen));
    findings.push(clock(&seen, tick));
    let printed = findings.iter().try_for_each(|finding| writeln!(out, "{finding}"));
    match printed {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            return Err(error).wrap_err("cannot write to standard output");
        }
        Ok(()) | Err(_) => {}
    }
    Ok(findings.iter().all(|finding| finding.verdict != Verdict::Fail))
}

fn terminal(seen: &TerminalSeen) -> Vec<Finding> {
    let screen = if seen.is_terminal {
        ok("terminal", "standard input and output are one")
    } else {
        warn(
            "terminal",
            "standard input or output is none: the game plays line by line",
        )
    };
    vec![
        screen,
        size(seen.size),
        term(seen.term.as_deref()),
        colours(seen),
        locale(seen.locale.as_deref()),
    ]
}

fn size(size: Option<(u16, u16)>) -> Finding {
    match size {
        None => warn("size", "the terminal does not tell its size"),
        Some((columns, rows)) if columns < MIN_COLUMNS || rows < MIN_ROWS => warn(
            "size",
            format!("{columns}x{rows}: the screen needs {MIN_COLUMNS}x{MIN_ROWS}"),
        ),
        Some((columns, rows)) => ok("size", format!("{columns}x{rows}")),
    }
}

fn term(term: Option<&str>) -> Finding {
    match term {
        None | Some("") => warn("TERM", "it is not set: --plain needs no screen"),
        Some("dumb") => warn("TERM", "dumb: --plain needs no screen"),
        Some(name) => ok("TERM", name),
    }
}

fn colours(seen: &TerminalSeen) -> Finding {
    let term = seen.term.as_deref().unwrap_or_default();
    match seen.colorterm.as_deref() {
        _ if seen.no_colour => ok("colours", "none: NO_COLOR asks for the theme mono"),
        Some("truecolor" | "24bit") => ok("colours", "16 million"),
        _ if term.contains("256color") || term.contains("direct") => ok("colours", "256"),
        _ => warn(
            "colours",
            "16, by what TERM and COLORTERM say: for the themes terminal and mono",
        ),
    }
}

fn locale(locale: Option<&str>) -> Finding {
    let Some(name) = locale else {
        return warn(
            "locale",
            "LC_ALL, LC_CTYPE and LANG are not set: letters and lines may be garbled",
        );
    };
    let squeezed = name.to_ascii_lowercase().replace('-', "");
    if squeezed.contains("utf8") {
        ok("locale", name)
    } else {
        warn(
            "locale",
            format!("{name} is not UTF-8: letters and lines may be garbled"),
        )
    }
}

fn configuration<C>(read: &Result<(C, PathBuf), String>) -> Finding {
    match read {
        Ok((_, path)) if path.exists() => ok("config", path.display().to_string()),
        Ok((_, path)) => ok(
            "config",
            format!("{}: not there, the defaults hold", path.display()),
        ),
        Err(why) => fail("config", why),
    }
}

fn folder(topic: &'static str, seen: &PathSeen) -> Finding {
    match seen {
        PathSeen::Usable(path) => ok(topic, path.display().to_string()),
        PathSeen::ToBeMade(path) => ok(topic, format!("{}: not there yet", path.display())),
        PathSeen::Unusable(path, why) => fail(topic, format!("{}: {why}", path.display())),
    }
}

/// A game without a log is a game all the same.
fn log(seen: &PathSeen) -> Finding {
    let finding = folder("log", seen);
    match finding.verdict {
        Verdict::Fail => Finding {
            verdict: Verdict::Warn,
            ..finding
        },
        Verdict::Ok | Verdict::Warn => finding,
    }
}

fn key(seen: &KeySeen) -> Finding {
    match seen {
        KeySeen::Kept(whose, path) => ok("key", format!("of {whose}, in {}", path.display())),
        KeySeen::ToBeMade(whose) => ok("key", format!("of {whose}: none yet, the first game makes it")),
        KeySeen::Unusable(why) => fail("key", why),
    }
}

/// Each address of a casino. One that is not there is in nobody's way as long as another is.
fn tables(seen: &[TableSeen]) -> Vec<Finding> {
    let reached = |table: &TableSeen| matches!(table, TableSeen::Reached { .. });
    let is_playable = seen.iter().any(reached);
    let finding = |seen| match table(seen) {
        finding if finding.verdict == Verdict::Fail && is_playable => Finding {
            verdict: Verdict::Warn,
            ..finding
        },
        finding => finding,
    };
    seen.iter().map(finding).collect()
}

fn table(seen: &TableSeen) -> Finding {
    match seen {
        TableSeen::Unknown => warn("casino", "not asked: the configuration does not say which"),
        TableSeen::LedgerFree => ok("casino", "solo: the ledger is whole and free"),
        TableSeen::NoLedger => ok("casino", "solo: the first game makes the ledger"),
        TableSeen::LedgerUnusable(why) => fail("casino", format!("solo: {why}")),
        TableSeen::Reached {
            url,
            latency_ms,
            is_extended: true,
        } => ok(
            "casino",
            format!("{url} answers in {latency_ms} ms, and tells everything"),
        ),
        TableSeen::Reached { url, latency_ms, .. } => ok(
            "casino",
            format!(
                "{url} answers in {latency_ms} ms, and speaks the old contract: no stocks, trades and history"
            ),
        ),
        TableSeen::Unreached { url, why } => fail("casino", format!("{url}: {why}")),
    }
}

fn clock(tables: &[TableSeen], tick: Option<TickSeen>) -> Finding {
    let Some(tick) = tick else {
        return match tables {
            [TableSeen::LedgerFree | TableSeen::NoLedger | TableSeen::LedgerUnusable(_)] => {
                ok("clock", "a solo casino goes by this one")
            }
            _ => warn("clock", "no casino has told its time"),
        };
    };
    let ahead_ms = tick.at.since_ms(tick.now);
    let late_ms = tick.now.since_ms(tick.at).saturating_sub(tick.interval_ms);
    if ahead_ms > CLOCK_SLACK_MS {
        let seconds = ahead_ms / 1000;
        warn(
            "clock",
            format!(
                "the newest price comes {seconds} s from now: this clock is slow, or the casino's is fast"
            ),
        )
    } else if late_ms > CLOCK_SLACK_MS {
        let seconds = late_ms / 1000;
        warn(
            "clock",
            format!("the newest price is overdue by {seconds} s: this clock is fast, or the casino is late"),
        )
    } else {
        ok("clock", "agrees with the casino's")
    }
}

#[cfg(test)]
mod tests;
