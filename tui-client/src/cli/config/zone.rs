//! The local time zone. `TZ` is read here as the C library reads it, so that times equal those of `date`. jiff does not count
//! the leap seconds of `right/` zones, ignores case in names, and takes no daylight saving time without its rule.

use std::env;
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Folder of the zone files, unless `TZDIR` names another.
const FOLDER: &str = "/usr/share/zoneinfo";

/// Largest zone file that is read, far more than any has.
const MAX_BYTES: u64 = 64 * 1024;

/// Rule of a daylight saving time without one: that of the United States.
const DEFAULT_RULE: [&str; 2] = [",M3.2.0", ",M11.1.0"];

/// The start of the year, in place of the second part of a rule if it is invalid.
const INVALID_END: &str = ",0/0";

const HOUR: i32 = 3600;

/// Returns the zone that `TZ` names, UTC for an unknown name, or the system's zone without `TZ`.
pub(crate) fn local_zone() -> TimeZone {
    match env::var_os("TZ") {
        None => TimeZone::system(),
        Some(name) => named(&name.to_string_lossy()).unwrap_or(TimeZone::UTC),
    }
}

/// Formats a time as `2026-11-22 14:03:22 CET`, with the name of the zone as it is: `%Z` of jiff is in upper case.
pub(crate) fn text(at: Timestamp, zone: &TimeZone) -> String {
    let name = zone.to_offset_info(at);
    let local = at.to_zoned_datetime(zone.clone());
    format!("{} {}", local.strftime("%F %T"), name.abbreviation())
}

fn named(name: &str) -> Option<TimeZone> {
    let name = name.strip_prefix(':').unwrap_or(name);
    if name.is_empty() {
        return None;
    }
    let folder = env::var_os("TZDIR").unwrap_or_else(|| FOLDER.into());
    from_file(&Path::new(&folder).join(name), name).or_else(|| from_rule(name, 0))
}

fn from_file(path: &Path, name: &str) -> Option<TimeZone> {
    let mut bytes = Vec::new();
    File::open(path)
        .ok()?
        .take(MAX_BYTES)
        .read_to_end(&mut bytes)
        .ok()?;
    let first = Block::new(&bytes, 0, 4)?;
    // Version 1 has no second block.
    let Block {
        types, leap_seconds, ..
    } = Block::new(&bytes, first.end, 8).unwrap_or(first);
    match footer(&bytes).filter(|rule| leap_seconds != 0 && !rule.is_empty()) {
        Some(rule) => from_rule(rule, leap_seconds),
        None => {
            let types = bytes.get_mut(types).unwrap_or_default();
            for offset in types.chunks_exact_mut(6).filter_map(<[u8]>::first_chunk_mut) {
                *offset = i32::from_be_bytes(*offset)
                    .saturating_sub(leap_seconds)
                    .to_be_bytes();
            }
            TimeZone::tzif(name, &bytes).ok()
        }
    }
}

/// A block of a zone file (RFC 9636).
struct Block {
    /// Position of the time types, 6 bytes each, which begin with the offset from UTC.
    types: Range<usize>,
    /// The sum of the leap seconds, by which a clock that counts them, as of `right/UTC`, is later than others.
    leap_seconds: i32,
    end: usize,
}

impl Block {
    /// Reads the header at `start`; a time takes `time_bytes`. `None` if there is no header.
    fn new(bytes: &[u8], start: usize, time_bytes: usize) -> Option<Self> {
        let header = bytes.get(start..)?.strip_prefix(b"TZif")?;
        let count = |at: usize| usize::try_from(number(header, at)?).ok();
        // After the version and 15 unused bytes.
        let (utc_flags, standard_flags, leap_count) = (count(16)?, count(20)?, count(24)?);
        let (time_count, type_count, letters) = (count(28)?, count(32)?, count(36)?);
        let types = start + 44 + time_count * (time_bytes + 1);
        let types_end = types + 6 * type_count;
        // A leap second is a time, and 4 bytes for the sum so far.
        let leaps_end = types_end + letters + leap_count * (time_bytes + 4);
        let last_sum = (leap_count > 0).then(|| number(bytes, leaps_end - 4));
        Some(Self {
            types: types..types_end,
            leap_seconds: last_sum.flatten().unwrap_or(0),
            end: leaps_end + standard_flags + utc_flags,
        })
    }
}

fn number(bytes: &[u8], at: usize) -> Option<i32> {
    Some(i32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Returns the rule at the end of a zone file.
fn footer(bytes: &[u8]) -> Option<&str> {
    let text = bytes.strip_suffix(b"\n")?;
    let start = text.iter().rposition(|byte| *byte == b'\n')?;
    str::from_utf8(text.get(start.checked_add(1)?..)?).ok()
}

/// Parses `STD OFFSET [DST [OFFSET] [,RULE]]` of POSIX, as leniently as the C library: offsets are brought into their
/// bounds, and what follows a valid part is ignored. `leap_seconds` delay the clock.
fn from_rule(text: &str, leap_seconds: i32) -> Option<TimeZone> {
    let zone = |name: &str, west: i32| format!("{name}{}", written(west.saturating_add(leap_seconds)));
    let posix = |rule: &str| TimeZone::posix(rule).ok();
    let (name, rest) = abbreviation(text)?;
    let Some((standard, rest)) = offset(rest) else {
        return posix(&format!("{name}0"));
    };
    let fixed = zone(name, standard);
    if rest.is_empty() {
        return posix(&fixed);
    }
    let Some((name, rest)) = abbreviation(rest) else {
        // For the C library, this is a daylight saving time of UTC, without a name and a rule.
        return if standard > 0 {
            Some(TimeZone::UTC)
        } else {
            posix(&fixed)
        };
    };
    let (daylight, rest) = offset(rest).unwrap_or((standard.saturating_sub(HOUR), rest));
    let summer = zone(name, daylight);
    let rules = rules(rest);
    let mut zones = rules.iter().map(|rule| format!("{fixed}{summer}{rule}"));
    // Without a valid rule it is all year, if it is ahead.
    let all_year = if standard > daylight { &summer } else { &fixed };
    zones.find_map(|zone| posix(&zone)).or_else(|| posix(all_year))
}

/// Returns the possible meanings of the rule `text`; the first one that is valid counts.
fn rules(text: &str) -> [String; 2] {
    let end = text.find(|letter: char| !letter.is_ascii_digit() && !"MJ,./:+-".contains(letter));
    let valid = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
    let [start, second] = if end.is_none() {
        DEFAULT_RULE
    } else {
        ["", INVALID_END]
    };
    let first = match valid.trim_end_matches(',') {
        "" => start,
        valid => valid,
    };
    [first.to_owned(), format!("{first}{second}")]
}

/// Splits off three or more letters, or `<` and `>` around letters, digits and signs.
fn abbreviation(text: &str) -> Option<(&str, &str)> {
    let quoted = text.strip_prefix('<').and_then(|text| text.find('>'));
    let end = match quoted {
        Some(end) => end.checked_add(2)?,
        None => text
            .find(|letter: char| !letter.is_ascii_alphabetic())
            .unwrap_or(text.len()),
    };
    let (name, rest) = text.split_at_checked(end)?;
    let letters = name.trim_matches(['<', '>']);
    (letters.len() >= 3).then_some((name, rest))
}

/// Splits off `[+-]HH[:MM[:SS]]`, in seconds west of Greenwich.
fn offset(text: &str) -> Option<(i32, &str)> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut seconds;
    (seconds, rest) = part(rest, 24, HOUR)?;
    for unit in [60, 1] {
        let next = rest.strip_prefix(':').and_then(|rest| part(rest, 59, unit));
        let Some((more, after)) = next else { break };
        seconds += more;
        rest = after;
    }
    Some((sign * seconds, rest))
}

/// Splits off a number of at most `most`, and multiplies it by `unit`.
fn part(text: &str, most: i32, unit: i32) -> Option<(i32, &str)> {
    let end = text.find(|digit: char| !digit.is_ascii_digit());
    let (digits, rest) = text.split_at_checked(end.unwrap_or(text.len()))?;
    // A number of too many digits is out of bounds too.
    let number = digits.parse().unwrap_or(i32::MAX).min(most);
    (!digits.is_empty()).then_some((number * unit, rest))
}

fn written(seconds: i32) -> String {
    let sign = if seconds < 0 { "-" } else { "" };
    let seconds = seconds.unsigned_abs();
    format!(
        "{sign}{}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The time that `date` shows, at a moment in winter and in summer.
    fn shown(zone: &TimeZone) -> [String; 2] {
        [1_700_000_000, 1_720_000_000].map(|second| text(Timestamp::from_second(second).unwrap(), zone))
    }

    #[test]
    fn rules_are_read_as_by_the_c_library() {
        for (text, winter, summer) in [
            ("JST-9", "2023-11-15 07:13:20 JST", "2024-07-03 18:46:40 JST"),
            (
                "<+0330>-3:30",
                "2023-11-15 01:43:20 +0330",
                "2024-07-03 13:16:40 +0330",
            ),
            (
                "CET-1CEST,M3.5.0,M10.5.0/3",
                "2023-11-14 23:13:20 CET",
                "2024-07-03 11:46:40 CEST",
            ),
            ("CET-1CEST", "2023-11-14 23:13:20 CET", "2024-07-03 11:46:40 CEST"),
            // Out of bounds.
            ("ABC3:60", "2023-11-14 18:14:20 ABC", "2024-07-03 05:47:40 ABC"),
            ("ABC-3:60", "2023-11-15 02:12:20 ABC", "2024-07-03 13:45:40 ABC"),
            ("ABC3:59:60", "2023-11-14 18:13:21 ABC", "2024-07-03 05:46:41 ABC"),
            ("ABC25", "2023-11-13 22:13:20 ABC", "2024-07-02 09:46:40 ABC"),
            (
                "ABC99999999999",
                "2023-11-13 22:13:20 ABC",
                "2024-07-02 09:46:40 ABC",
            ),
            // Incomplete or invalid.
            ("foo", "2023-11-14 22:13:20 foo", "2024-07-03 09:46:40 foo"),
            (
                "Nonsense/Zone",
                "2023-11-14 22:13:20 Nonsense",
                "2024-07-03 09:46:40 Nonsense",
            ),
            ("abc3:", "2023-11-14 22:13:20 UTC", "2024-07-03 09:46:40 UTC"),
            ("abc3x", "2023-11-14 22:13:20 UTC", "2024-07-03 09:46:40 UTC"),
            ("abc-3x", "2023-11-15 01:13:20 abc", "2024-07-03 12:46:40 abc"),
            ("abc3xyz", "2023-11-14 19:13:20 abc", "2024-07-03 07:46:40 xyz"),
            (
                "ABC3DEF,nonsense",
                "2023-11-14 20:13:20 DEF",
                "2024-07-03 07:46:40 DEF",
            ),
            (
                "CET-1cest,nonsense",
                "2023-11-15 00:13:20 cest",
                "2024-07-03 11:46:40 cest",
            ),
            ("abc3DEF4x", "2023-11-14 19:13:20 abc", "2024-07-03 06:46:40 abc"),
            (
                "CET-1CEST,M3.5.0",
                "2023-11-14 23:13:20 CET",
                "2024-07-03 11:46:40 CEST",
            ),
            (
                "CET-1CEST,M3.5.0,x",
                "2023-11-15 00:13:20 CEST",
                "2024-07-03 11:46:40 CEST",
            ),
            (
                "CET-1CEST,M3.5.0,M10.5.0x",
                "2023-11-14 23:13:20 CET",
                "2024-07-03 11:46:40 CEST",
            ),
        ] {
            let zone = from_rule(text, 0).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(shown(&zone), [winter, summer], "{text}");
        }
        for text in ["", "AB3", "3", "<AB>3", "<ABC", " UTC", "株3"] {
            assert_eq!(from_rule(text, 0), None, "{text}");
        }
    }

    #[test]
    fn zones_of_files_are_read_with_their_leap_seconds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("zone");
        // One type, an hour east of UTC, named CET, and one leap second of 27.
        let block = |time: &[u8]| {
            let counts = [0, 0, 1, 0, 1, 4_u32].map(u32::to_be_bytes).concat();
            let data = [
                &3600_i32.to_be_bytes()[..],
                b"\0\0CET\0",
                time,
                &27_i32.to_be_bytes(),
            ]
            .concat();
            [&b"TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"[..], &counts, &data].concat()
        };
        for (footer, winter, summer) in [
            ("", "2023-11-14 23:12:53 CET", "2024-07-03 10:46:13 CET"),
            ("ABC-2", "2023-11-15 00:12:53 ABC", "2024-07-03 11:46:13 ABC"),
        ] {
            let footer = format!("\n{footer}\n");
            let bytes = [&block(&[0; 4])[..], &block(&[0; 8]), footer.as_bytes()].concat();
            std::fs::write(&path, bytes).unwrap();
            let zone = from_file(&path, "zone").unwrap();
            assert_eq!(shown(&zone), [winter, summer], "{footer:?}");
        }
        for bytes in [
            &b""[..],
            b"TZif",
            b"TZif2",
            &[0; 100],
            &[&b"TZif2"[..], &[0xff; 200]].concat(),
        ] {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(from_file(&path, "zone"), None, "{bytes:?}");
        }
        assert_eq!(from_file(folder.path(), "zone"), None);
    }
}
