//! Arguments of `awesomestock cast`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use awesomestock_proto::command_line;
use clap::ValueHint;
use clap::builder::{PathBufValueParser, TypedValueParser};

use crate::app::replay::MAX_SPEED;
use crate::storage::asciicast::CastFormat;
use crate::ui::{MIN_COLUMNS, MIN_ROWS};

/// Largest picture: columns and rows.
const MAX_SIZE: (u16, u16) = (500, 200);

/// Longest time that an option can name.
const MAX_TIME: Duration = Duration::from_secs(24 * 3600);

/// Shortest value of `--idle`.
const MIN_IDLE: Duration = Duration::from_millis(10);

/// Names standard output instead of a file.
pub(crate) const STANDARD_OUTPUT: &str = "-";

/// Most frames a second of a moving picture.
const MAX_FPS: u32 = 30;

/// The options of `awesomestock cast`.
#[derive(Debug, Clone, clap::Args)]
pub struct CastArgs {
    /// A file written by --record
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// File to write: an asciicast (OUT.cast; - for standard output), or a picture (OUT.svg) that moves, unless --at is
    /// given
    #[arg(short, long, value_name = "OUT", value_hint = ValueHint::FilePath,
        value_parser = PathBufValueParser::new().try_map(CastOutput::new))]
    pub output: CastOutput,
    /// Replace an existing OUT
    #[arg(long)]
    pub replace: bool,
    /// Version of the asciicast format, v2 or v3 [default: v2]
    #[arg(long, value_name = "VERSION", hide_possible_values = true)]
    pub format: Option<CastFormat>,
    /// Size of the screen, 38x10 to 500x200 [default: as recorded]
    #[arg(long, value_name = "COLUMNSxROWS", value_parser = parse_size)]
    pub size: Option<(u16, u16)>,
    /// Speed factor, 1 to 1000
    #[arg(long, value_name = "TIMES", default_value_t = 1, value_parser = parse_speed)]
    pub speed: u32,
    /// Shorten pauses of the recording to this many seconds, such as 1.5 or 800ms [default: as recorded]
    #[arg(long, value_name = "SECONDS", value_parser = |text: &str| parse_seconds(text, MIN_IDLE))]
    pub idle: Option<Duration>,
    /// Draw one picture: the screen after this many seconds of the recording, such as 12s
    #[arg(long, value_name = "SECONDS", value_parser = |text: &str| parse_seconds(text, Duration::ZERO))]
    pub at: Option<Duration>,
    /// Most frames a second in a moving picture, 1 to 30 [default: 8]
    #[arg(long, value_name = "N", value_parser = |text: &str| command_line::number(text, &(1..=MAX_FPS)))]
    pub fps: Option<u32>,
}

/// The file to write, whose name decides its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CastOutput {
    /// `.cast`, or `None` for `-`, standard output.
    Asciicast(Option<PathBuf>),
    /// `.svg`
    Svg(PathBuf),
}

impl CastOutput {
    /// Returns the file's path; `None` for standard output.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Asciicast(file) => file.as_deref(),
            Self::Svg(file) => Some(file),
        }
    }

    fn new(path: PathBuf) -> Result<Self, &'static str> {
        match path.extension().and_then(OsStr::to_str) {
            Some("cast") => Ok(Self::Asciicast(Some(path))),
            Some("svg") => Ok(Self::Svg(path)),
            _ if path == Path::new(STANDARD_OUTPUT) => Ok(Self::Asciicast(None)),
            _ => Err("expected a name that ends with .cast or .svg, or - for standard output"),
        }
    }
}

impl CastArgs {
    /// Returns the rule that a combination of options breaks; `None` if all can be used together.
    pub fn conflict(&self) -> Option<&'static str> {
        let (is_still, is_cast) = (self.at.is_some(), matches!(self.output, CastOutput::Asciicast(_)));
        if is_still && is_cast {
            Some("--at draws one picture; it needs an --output that ends with .svg")
        } else if self.fps.is_some() && (is_cast || is_still) {
            Some("--fps is for a moving picture: an --output that ends with .svg, without --at")
        } else if self.format.is_some() && !is_cast {
            Some("--format is for an asciicast; it needs an --output that ends with .cast")
        } else if is_still && (self.speed > 1 || self.idle.is_some()) {
            Some("--at is a time of the recording; it cannot be used with --speed or --idle")
        } else {
            None
        }
    }

    pub fn replaces_recording(&self) -> bool {
        let same = |path: &Path| path.canonicalize().ok();
        same(&self.file).is_some_and(|file| Some(file) == self.output.file().and_then(same))
    }
}

fn parse_size(text: &str) -> Result<(u16, u16), String> {
    let parse = || {
        let (columns, rows) = text.split_once('x')?;
        let size: (u16, u16) = (columns.parse().ok()?, rows.parse().ok()?);
        let fits = (MIN_COLUMNS..=MAX_SIZE.0).contains(&size.0) && (MIN_ROWS..=MAX_SIZE.1).contains(&size.1);
        fits.then_some(size)
    };
    parse().ok_or_else(|| {
        let (columns, rows) = MAX_SIZE;
        format!("expected {MIN_COLUMNS}x{MIN_ROWS} to {columns}x{rows}")
    })
}

/// Brings a recorded terminal size into the bounds of `--size`.
pub fn clamp_size(size: (u16, u16)) -> (u16, u16) {
    let (columns, rows) = size;
    (
        columns.clamp(MIN_COLUMNS, MAX_SIZE.0),
        rows.clamp(MIN_ROWS, MAX_SIZE.1),
    )
}

pub(super) fn parse_speed(text: &str) -> Result<u32, String> {
    command_line::number(text, &(1..=MAX_SPEED))
}

/// Parses seconds such as `12`, `1.5` or `1.5s`, and durations with other units such as `800ms`.
fn parse_seconds(text: &str, least: Duration) -> Result<Duration, String> {
    let bounds = least..=MAX_TIME;
    let number = text.strip_suffix('s').unwrap_or(text);
    let is_decimal = |letter: char| letter.is_ascii_digit() || letter == '.';
    let seconds = Some(number).filter(|number| number.chars().all(is_decimal));
    let seconds = seconds.and_then(|number| number.parse().ok());
    let given = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    match given.filter(|given| bounds.contains(given)) {
        Some(given) => Ok(given),
        None => command_line::duration(text, &bounds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_numbers_or_durations() {
        for (text, ms) in [
            ("12", 12_000),
            ("12s", 12_000),
            ("1.5", 1_500),
            ("1.5s", 1_500),
            (".25", 250),
            ("800ms", 800),
            ("1m 30s", 90_000),
            ("0", 0),
        ] {
            assert_eq!(
                parse_seconds(text, Duration::ZERO),
                Ok(Duration::from_millis(ms)),
                "{text}"
            );
        }
        for text in [
            "", "s", ".", "-1", "1e3", "inf", "NaN", "25h", "90000", "soon", "1,5",
        ] {
            let error = parse_seconds(text, Duration::ZERO).unwrap_err();
            assert_eq!(error, "expected a duration from 0s to 1day", "{text}");
        }
        assert!(parse_seconds("0", MIN_IDLE).is_err() && parse_seconds("0.01", MIN_IDLE).is_ok());
    }

    #[test]
    fn sizes_are_columns_by_rows_within_bounds() {
        assert_eq!(parse_size("120x36"), Ok((120, 36)));
        for text in [
            "", "120", "x", "120x", "37x10", "38x9", "501x36", "120x201", "120X36", "-1x36", "70000x1",
        ] {
            assert_eq!(
                parse_size(text).unwrap_err(),
                "expected 38x10 to 500x200",
                "{text}"
            );
        }
        assert_eq!(clamp_size((20, 999)), (38, 200));
    }
}
