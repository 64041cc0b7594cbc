//! Formats of numbers, amounts, ages and times. A minus is the ASCII hyphen.

pub use awesomestock_proto::text::{pluralize, thousands};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::app::portfolio::money::{Centitokens, Permille, UnixMillis};
use crate::app::portfolio::order::Condition;

/// Placeholder for an unknown value.
pub const UNKNOWN: &str = "–";

/// Formats as `+3`, `-3`, `0`.
pub fn signed(number: i64) -> String {
    compact_signed(number, usize::MAX)
}

/// Returns the symbol for a rise, a fall or no change.
pub fn arrow(number: i64) -> &'static str {
    match number {
        1.. => "▲",
        0 => "=",
        ..0 => "▼",
    }
}

/// Columns of a number that does not fit as it is.
pub(crate) const COMPACT_COLUMNS: usize = 6;

/// The letters of large numbers.
const UNITS: [(u64, char); 4] = [
    (1_000_000_000_000, 'T'),
    (1_000_000_000, 'B'),
    (1_000_000, 'M'),
    (1_000, 'k'),
];

/// Formats as [`thousands`] in at most `columns`. A wider number is rounded toward zero and has a letter, with as many of
/// three decimals as fit: `2.147B`, `2.1B`, `2B`.
pub fn compact(number: impl Into<i64>, columns: usize) -> String {
    let number = number.into();
    let whole = thousands(number);
    let size = number.unsigned_abs();
    let unit = UNITS.iter().find(|(unit, _)| size >= *unit);
    let Some((unit, letter)) = unit.filter(|_| whole.len() > columns) else {
        return whole;
    };
    let sign = if number < 0 { "-" } else { "" };
    let units = format!("{sign}{}", thousands(size / unit));
    let decimals = format!("{:03}", u128::from(size % unit) * 1_000 / u128::from(*unit));
    let with = |places: usize| match places {
        0 => format!("{units}{letter}"),
        places => format!("{units}.{}{letter}", decimals.get(..places).unwrap_or_default()),
    };
    let fitting = (1..=3).rev().map(with).find(|text| text.len() <= columns);
    fitting.unwrap_or_else(|| with(0))
}

/// Formats a number that a player has to have as [`compact`], rounded up: `2.15B`.
pub(crate) fn compact_up(number: i64, columns: usize) -> String {
    let steps = std::iter::successors(Some(1_i64), |step| step.checked_mul(10));
    let rounded = steps.filter_map(|step| {
        let missing = number.checked_neg()?.rem_euclid(step);
        number.checked_add(missing)
    });
    // A number that is rounded down looks like the one before it.
    let mut exact = rounded.filter(|number| {
        let before = number.saturating_sub(1);
        compact(*number, columns) != compact(before, columns)
    });
    compact(exact.next().unwrap_or(number), columns)
}

/// Formats as `limit 30` or `stop 60`, with the price in at most `columns`.
pub fn condition(condition: Condition, columns: usize) -> String {
    format!(
        "{} {}",
        condition.trigger.word(),
        compact(condition.price, columns)
    )
}

/// Formats as [`signed`], or as [`compact`] with a sign, in at most `columns`.
pub fn compact_signed(number: i64, columns: usize) -> String {
    let sign = if number > 0 { "+" } else { "" };
    format!("{sign}{}", compact(number, columns.saturating_sub(sign.len())))
}

/// Formats a percentage as it is, or without the tenth and as [`compact`] if it is wider than `columns`.
pub fn compact_percent(permille: Permille, columns: usize) -> String {
    let whole = permille.to_string();
    match whole.len() <= columns {
        true => whole,
        false => format!("{} %", compact_signed(permille.0 / 10, columns.saturating_sub(2))),
    }
}

/// Bars of one to eight eighths of a cell.
pub(crate) const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Formats values as a row of at most `cells` bars, between the lowest and the highest.
pub fn sparkline(values: &[i64], cells: usize) -> String {
    let low = values.iter().min().copied().unwrap_or_default();
    let high = values.iter().max().copied().unwrap_or_default();
    let range = (i128::from(high) - i128::from(low)).max(1);
    let cells = values.chunks(values.len().div_ceil(cells.max(1)).max(1));
    let bar = |cell: &[i64]| {
        let level = (i128::from(*cell.last()?) - i128::from(low)) * 7 / range;
        BARS.get(usize::try_from(level).ok()?).copied()
    };
    cells.filter_map(bar).collect()
}

/// Formats a price change as `▲ +3` and `+8.8 %`, or `= unchanged` and an empty string.
pub fn change(tokens: i64, permille: Option<Permille>) -> (String, String) {
    let arrow = arrow(tokens);
    if tokens == 0 {
        return (format!("{arrow} unchanged"), String::new());
    }
    let percent = permille.map(|permille| permille.to_string()).unwrap_or_default();
    (format!("{arrow} {}", signed(tokens)), percent)
}

/// Formats as `10.50`, `1,204.00`.
pub fn hundredths(Centitokens(hundredths): Centitokens) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let (whole, rest) = ((hundredths / 100).abs(), (hundredths % 100).abs());
    format!("{sign}{}.{rest:02}", thousands(whole))
}

/// Formats as `100 $`.
pub fn dollars(dollars: i64) -> String {
    format!("{} $", thousands(dollars))
}

/// Formats as `+100 $`, `-100 $`.
pub fn signed_dollars(dollars: i64) -> String {
    format!("{} $", signed(dollars))
}

/// Formats a duration as `3 s`, `2 min`, `5 h`, `3 d`, rounded down.
pub fn age(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", thousands(seconds / 86_400)),
    }
}

/// Formats as `3 ms`, or `<1 ms` for 0.
pub fn latency(ms: i64) -> String {
    match ms {
        ..1 => "<1 ms".to_owned(),
        1..10_000 => format!("{} ms", thousands(ms)),
        _ => age(ms),
    }
}

/// Formats as [`age`], but rounds up to whole seconds, so that it shows 0 only at the end.
pub fn countdown(ms: i64) -> String {
    age(ms.max(0).saturating_add(999))
}

/// Formats as `14:03:22`.
pub fn clock(at: UnixMillis, zone: &TimeZone) -> String {
    written(at, zone, "%T")
}

/// Formats a time in microseconds since the Unix epoch as `14:03:22.120`.
pub fn clock_micros(at_us: i64, zone: &TimeZone) -> String {
    written(UnixMillis(at_us.div_euclid(1_000)), zone, "%T%.3f")
}

/// Formats a duration in microseconds as `0.31 ms`, `412 ms`, `1.02 s`, `3 min`, rounded down.
pub fn elapsed(us: i64) -> String {
    match us.max(0) {
        us @ 0..10_000 => format!("{}.{:02} ms", us / 1_000, us % 1_000 / 10),
        us @ 10_000..1_000_000 => format!("{} ms", us / 1_000),
        us @ 1_000_000..120_000_000 => format!("{}.{:02} s", us / 1_000_000, us % 1_000_000 / 10_000),
        us => age(us / 1_000),
    }
}

/// Formats as `14:03`.
pub fn clock_minutes(at: UnixMillis, zone: &TimeZone) -> String {
    written(at, zone, "%H:%M")
}

/// Formats as `2026-11-22 14:03:22`.
pub fn date_time(at: UnixMillis, zone: &TimeZone) -> String {
    written(at, zone, "%F %T")
}

/// Formats as `2026-11-22`.
pub fn date(at: UnixMillis, zone: &TimeZone) -> String {
    written(at, zone, "%F")
}

/// Formats as `14:03:22` on the day of `now`, otherwise as `2026-11-20 14:03:22`.
pub fn timestamp(at: UnixMillis, now: UnixMillis, zone: &TimeZone) -> String {
    if date(at, zone) == date(now, zone) {
        clock(at, zone)
    } else {
        date_time(at, zone)
    }
}

/// Shortest span of a chart, in milliseconds, for which dates alone are distinct labels.
const SHORT_SPAN_MS: i64 = 2 * 86_400_000;

/// Formats a time label of a chart that spans `span_ms`, in at most 16 columns: `14:03:22` on the day of
/// `now`, `11-20 14:03` in the same year, otherwise `2025-11-20`, with the time if the chart spans less than
/// two days.
pub fn time_label(at: UnixMillis, now: UnixMillis, span_ms: i64, zone: &TimeZone) -> String {
    let (day, today) = (date(at, zone), date(now, zone));
    if day == today {
        clock(at, zone)
    } else if written(at, zone, "%Y") == written(now, zone, "%Y") {
        written(at, zone, "%m-%d %H:%M")
    } else if span_ms < SHORT_SPAN_MS {
        written(at, zone, "%F %H:%M")
    } else {
        day
    }
}

fn written(at: UnixMillis, zone: &TimeZone, pattern: &str) -> String {
    Timestamp::from_millisecond(at.0).map_or_else(
        |_| UNKNOWN.to_owned(),
        |time| zone.to_datetime(time).strftime(pattern).to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_grouped_and_signed() {
        let cases = [
            (0, "0", "0"),
            (7, "7", "+7"),
            (-7, "-7", "-7"),
            (999, "999", "+999"),
            (1_000, "1,000", "+1,000"),
            (-1_000, "-1,000", "-1,000"),
            (123_456, "123,456", "+123,456"),
            (2_147_483_647, "2,147,483,647", "+2,147,483,647"),
            (
                i64::MIN,
                "-9,223,372,036,854,775,808",
                "-9,223,372,036,854,775,808",
            ),
        ];
        for (number, plain, with_sign) in cases {
            assert_eq!(thousands(number), plain);
            assert_eq!(signed(number), with_sign);
        }
    }

    #[test]
    fn a_number_that_does_not_fit_has_a_letter() {
        for (number, columns, shown) in [
            (2_147_483_647, 13, "2,147,483,647"),
            (2_147_483_647, 12, "2.147B"),
            (2_147_483_647, 5, "2.14B"),
            (2_147_483_647, 4, "2.1B"),
            (2_147_483_647, 3, "2B"),
            (2_147_483_647, 0, "2B"),
            (-2_147_483_647, 13, "-2.147B"),
            (4_611_686_014_132_420_609, 20, "4,611,686.014T"),
            (4_611_686_014_132_420_609, 11, "4,611,686T"),
            (1_999, 4, "1.9k"),
            (999_999, 6, "999.9k"),
            (1_000_000, 8, "1.000M"),
            (999, 0, "999"),
            (i64::MIN, 24, "-9,223,372.036T"),
        ] {
            assert_eq!(compact(number, columns), shown, "{number} in {columns}");
        }
        for (number, columns, shown) in [
            (2_500, 5, "2,500"),
            (2_500, 3, "3k"),
            (2_000, 3, "2k"),
            (55_555, 5, "55.6k"),
            (33_332_500, 5, "33.4M"),
            (99_999, 5, "100k"),
            (999_999, 6, "1.000M"),
            (999_999, 2, "1M"),
            (2_147_483_647, 5, "2.15B"),
            (4_294_967_294, 8, "4.295B"),
            (0, 0, "0"),
            (i64::MAX, 24, "9,223,372.036T"),
        ] {
            assert_eq!(compact_up(number, columns), shown, "{number} in {columns}");
        }
        assert_eq!(compact_signed(4_294_967_294, 8), "+4.294B");
        assert_eq!(compact_signed(-4_294_967_294, 8), "-4.294B");
        assert_eq!(compact_percent(Permille(-5), 6), "-0.5 %");
        assert_eq!(compact_percent(Permille(42_949_672_948), 9), "+4.294B %");
    }

    #[test]
    fn percentages_below_one_keep_their_sign() {
        let cases = [
            (0, "0.0 %"),
            (77, "+7.7 %"),
            (-5, "-0.5 %"),
            (5, "+0.5 %"),
            (1_000, "+100.0 %"),
            (-12_345_678, "-1,234,567.8 %"),
            (i64::MIN, "-922,337,203,685,477,580.8 %"),
        ];
        for (permille, shown) in cases {
            assert_eq!(Permille(permille).to_string(), shown);
        }
    }

    #[test]
    fn a_sparkline_is_between_its_lowest_and_highest_value() {
        for (values, cells, shown) in [
            (&[][..], 5, ""),
            (&[7], 5, "▁"),
            (&[7, 7], 5, "▁▁"),
            (&[0, 1, 2, 7], 5, "▁▂▃█"),
            (&[i64::MIN, 0, i64::MAX], 5, "▁▄█"),
            // The last value of each cell.
            (&[9, 0, 1, 9], 2, "▁█"),
            (&[1, 2], 0, "█"),
        ] {
            assert_eq!(sparkline(values, cells), shown, "{values:?}");
        }
    }

    #[test]
    fn hundredths_have_two_places() {
        let cases = [
            (0, "0.00"),
            (5, "0.05"),
            (1_050, "10.50"),
            (120_400, "1,204.00"),
            (-50, "-0.50"),
        ];
        for (number, shown) in cases {
            assert_eq!(hundredths(Centitokens(number)), shown);
        }
    }

    #[test]
    fn amounts_carry_their_unit() {
        assert_eq!(dollars(1_000), "1,000 $");
        assert_eq!(signed_dollars(-100), "-100 $");
        assert_eq!(signed_dollars(60), "+60 $");
        assert_eq!(pluralize(1, "token"), "1 token");
        assert_eq!(pluralize(0, "token"), "0 tokens");
        assert_eq!(pluralize(1_204, "stock"), "1,204 stocks");
    }

    #[test]
    fn directions_have_an_arrow() {
        assert_eq!([arrow(3), arrow(0), arrow(-3)], ["▲", "=", "▼"]);
        let shown = |tokens, permille| {
            let (moved, percent) = change(tokens, permille);
            format!("{moved}|{percent}")
        };
        assert_eq!(shown(3, Some(Permille(88))), "▲ +3|+8.8 %");
        assert_eq!(shown(-3, None), "▼ -3|");
        assert_eq!(shown(0, Some(Permille(0))), "= unchanged|");
    }

    #[test]
    fn ages_are_rounded_down_and_countdowns_up() {
        let cases = [
            (-5, "0 s", "0 s"),
            (0, "0 s", "0 s"),
            (1, "0 s", "1 s"),
            (999, "0 s", "1 s"),
            (1_000, "1 s", "1 s"),
            (1_001, "1 s", "2 s"),
            (119_999, "119 s", "2 min"),
            (120_000, "2 min", "2 min"),
            (7_200_000, "2 h", "2 h"),
            (172_800_000, "2 d", "2 d"),
        ];
        for (ms, ago, until) in cases {
            assert_eq!(age(ms), ago, "{ms}");
            assert_eq!(countdown(ms), until, "{ms}");
        }
        assert_eq!(age(i64::MAX), "106,751,991,167 d");
        assert_eq!(countdown(i64::MAX), "106,751,991,167 d");
    }

    #[test]
    fn short_durations_have_fractions() {
        for (us, shown) in [
            (-5, "0.00 ms"),
            (314, "0.31 ms"),
            (9_999, "9.99 ms"),
            (10_000, "10 ms"),
            (999_999, "999 ms"),
            (1_024_000, "1.02 s"),
            (119_999_999, "119.99 s"),
            (120_000_000, "2 min"),
        ] {
            assert_eq!(elapsed(us), shown, "{us}");
        }
        assert_eq!(
            clock_micros(1_795_369_311_042_999, &TimeZone::UTC),
            "17:41:51.042"
        );
    }

    #[test]
    fn times_are_in_the_time_zone() {
        let moment = UnixMillis(1_795_369_311_000);
        let east = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(clock(moment, &TimeZone::UTC), "17:41:51");
        assert_eq!(clock(moment, &east), "19:41:51");
        assert_eq!(clock_minutes(moment, &east), "19:41");
        assert_eq!(date(moment, &TimeZone::UTC), "2026-11-22");
        assert_eq!(date_time(moment, &TimeZone::UTC), "2026-11-22 17:41:51");
        assert_eq!(clock(UnixMillis(i64::MAX), &TimeZone::UTC), UNKNOWN);
    }

    #[test]
    fn times_of_another_day_include_the_date() {
        let zone = TimeZone::UTC;
        let now = UnixMillis(1_795_356_202_000);
        let (hour, day) = (3_600_000, 86_400_000);
        for (ago_ms, span_ms, label, full) in [
            (0, hour, "14:03:22", "14:03:22"),
            (14 * hour, hour, "00:03:22", "00:03:22"),
            (15 * hour, hour, "11-21 23:03", "2026-11-21 23:03:22"),
            (300 * day, 300 * day, "01-26 14:03", "2026-01-26 14:03:22"),
            (400 * day, hour, "2025-10-18 14:03", "2025-10-18 14:03:22"),
            (400 * day, 400 * day, "2025-10-18", "2025-10-18 14:03:22"),
        ] {
            let at = now.plus_ms(-ago_ms);
            assert_eq!(time_label(at, now, span_ms, &zone), label, "{ago_ms}");
            assert_eq!(timestamp(at, now, &zone), full, "{ago_ms}");
        }
    }
}
