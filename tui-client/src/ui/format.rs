//! How numbers, amounts, ages and times are written, everywhere on the screen.
//!
//! Owns separators, signs and units, in integer arithmetic. A minus is the ASCII hyphen, as in plain mode; a figure
//! that is good or bad carries a sign.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use crate::app::money::{Centitokens, Permille, UnixMs};

/// What stands for a figure that is not known.
pub const UNKNOWN: &str = "–";

/// `1,204`, `-1,204`.
#[must_use]
pub fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut written = String::with_capacity(digits.len().saturating_mul(2));
    if number < 0 {
        written.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && digits.len().saturating_sub(index).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    written
}

/// `+3`, `-3`, `0`.
#[must_use]
pub fn signed(number: i64) -> String {
    let sign = if number > 0 { "+" } else { "" };
    format!("{sign}{}", grouped(number))
}

/// A sign for the direction of a move.
#[must_use]
pub fn arrow(number: i64) -> &'static str {
    match number {
        1.. => "▲",
        0 => "=",
        ..0 => "▼",
    }
}

/// `+7.7 %`, `-0.5 %`, `0.0 %`.
#[must_use]
pub fn percent(Permille(permille): Permille) -> String {
    let sign = match permille {
        1.. => "+",
        0 => "",
        ..0 => "-",
    };
    let (whole, tenth) = divided(permille.unsigned_abs(), 10);
    format!("{sign}{}.{tenth} %", grouped_unsigned(whole))
}

/// A move in two parts: `▲ +3` and `+8.8 %`; `= unchanged` and nothing, where there was none.
#[must_use]
pub fn moved(tokens: i64, permille: Option<Permille>) -> (String, String) {
    let arrow = arrow(tokens);
    if tokens == 0 {
        return (format!("{arrow} unchanged"), String::new());
    }
    let percent = permille.map(percent).unwrap_or_default();
    (format!("{arrow} {}", signed(tokens)), percent)
}

/// `10.50`, `1,204.00`.
#[must_use]
pub fn hundredths(Centitokens(hundredths): Centitokens) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let (whole, rest) = divided(hundredths.unsigned_abs(), 100);
    format!("{sign}{}.{rest:02}", grouped_unsigned(whole))
}

/// `100 $`.
#[must_use]
pub fn dollars(dollars: i64) -> String {
    format!("{} $", grouped(dollars))
}

/// `+100 $`, `-100 $`.
#[must_use]
pub fn signed_dollars(dollars: i64) -> String {
    format!("{} $", signed(dollars))
}

/// `1 token`, `1,204 tokens`: a count and its unit in the singular or with an s.
#[must_use]
pub fn counted(count: i64, unit: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{} {unit}{s}", grouped(count))
}

/// How long ago, or how long: `3 s`, `2 min`, `5 h`, `3 d`, rounded down.
#[must_use]
pub fn age(ms: i64) -> String {
    let seconds = ms.max(0) / 1000;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", grouped(seconds / 86_400)),
    }
}

/// `3 ms`; what is quicker than a clock of milliseconds tells, `<1 ms`.
#[must_use]
pub fn latency(ms: i64) -> String {
    match ms {
        ..1 => "<1 ms".to_owned(),
        1..10_000 => format!("{} ms", grouped(ms)),
        _ => age(ms),
    }
}

/// How long until: as [`age`], rounded up to whole seconds, so that it never says 0 before the time.
#[must_use]
pub fn countdown(ms: i64) -> String {
    age(ms.max(0).saturating_add(999))
}

/// `14:03:22`.
#[must_use]
pub fn clock(moment: UnixMs, zone: &TimeZone) -> String {
    written(moment, zone, |time| {
        format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())
    })
}

/// `14:03`.
#[must_use]
pub fn clock_minutes(moment: UnixMs, zone: &TimeZone) -> String {
    written(moment, zone, |time| {
        format!("{:02}:{:02}", time.hour(), time.minute())
    })
}

/// `2026-11-22 14:03:22`.
#[must_use]
pub fn date_time(moment: UnixMs, zone: &TimeZone) -> String {
    written(moment, zone, |time| {
        format!(
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
            time.year(),
            time.month(),
            time.day(),
            time.hour(),
            time.minute(),
            time.second()
        )
    })
}

/// `2026-11-22`.
#[must_use]
pub fn date(moment: UnixMs, zone: &TimeZone) -> String {
    written(moment, zone, |time| {
        format!("{:04}-{:02}-{:02}", time.year(), time.month(), time.day())
    })
}

/// A moment as it is told at `now`: `14:03:22` on the same day, else `2026-11-20 14:03:22`.
#[must_use]
pub fn moment(moment: UnixMs, now: UnixMs, zone: &TimeZone) -> String {
    if date(moment, zone) == date(now, zone) {
        clock(moment, zone)
    } else {
        date_time(moment, zone)
    }
}

/// Milliseconds from the first to the last of some moments below which a date alone would not tell them apart.
const SHORT_SPAN_MS: i64 = 2 * 86_400_000;

/// A moment under a chart that is looked at at `now` and spans `span_ms`, in 16 columns at most: `14:03:22` on the
/// same day, `11-20 14:03` in the same year, else `2025-11-20`, with the time where the chart spans less than two days.
#[must_use]
pub fn time_label(moment: UnixMs, now: UnixMs, span_ms: i64, zone: &TimeZone) -> String {
    let (day, today) = (date(moment, zone), date(now, zone));
    let year = |date: &str| date.split('-').next().map(str::to_owned);
    let minutes = clock_minutes(moment, zone);
    if day == today {
        clock(moment, zone)
    } else if year(&day) == year(&today) {
        let (_, within_year) = day.split_once('-').unwrap_or(("", &day));
        format!("{within_year} {minutes}")
    } else if span_ms < SHORT_SPAN_MS {
        format!("{day} {minutes}")
    } else {
        day
    }
}

fn written(moment: UnixMs, zone: &TimeZone, write: impl Fn(DateTime) -> String) -> String {
    Timestamp::from_millisecond(moment.0)
        .map_or_else(|_| UNKNOWN.to_owned(), |moment| write(zone.to_datetime(moment)))
}

fn divided(number: u64, by: u64) -> (u64, u64) {
    (
        number.checked_div(by).unwrap_or(0),
        number.checked_rem(by).unwrap_or(0),
    )
}

fn grouped_unsigned(number: u64) -> String {
    i64::try_from(number).map_or_else(|_| number.to_string(), grouped)
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
            assert_eq!(grouped(number), plain);
            assert_eq!(signed(number), with_sign);
        }
    }

    #[test]
    fn ratios_keep_their_sign_below_one() {
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
            assert_eq!(percent(Permille(permille)), shown);
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
        assert_eq!(counted(1, "token"), "1 token");
        assert_eq!(counted(0, "token"), "0 tokens");
        assert_eq!(counted(1_204, "stock"), "1,204 stocks");
    }

    #[test]
    fn directions_have_an_arrow() {
        assert_eq!([arrow(3), arrow(0), arrow(-3)], ["▲", "=", "▼"]);
        let shown = |tokens, permille| {
            let (moved, percent) = moved(tokens, permille);
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
    fn times_of_day_are_the_zones() {
        let moment = UnixMs(1_795_369_311_000);
        let east = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(clock(moment, &TimeZone::UTC), "17:41:51");
        assert_eq!(clock(moment, &east), "19:41:51");
        assert_eq!(clock_minutes(moment, &east), "19:41");
        assert_eq!(date(moment, &TimeZone::UTC), "2026-11-22");
        assert_eq!(date_time(moment, &TimeZone::UTC), "2026-11-22 17:41:51");
        assert_eq!(clock(UnixMs(i64::MAX), &TimeZone::UTC), UNKNOWN);
    }

    #[test]
    fn a_moment_of_another_day_is_told_with_its_date() {
        let zone = TimeZone::UTC;
        let now = UnixMs(1_795_356_202_000);
        let (hour, day) = (3_600_000, 86_400_000);
        for (ago_ms, span_ms, label, told) in [
            (0, hour, "14:03:22", "14:03:22"),
            (14 * hour, hour, "00:03:22", "00:03:22"),
            (15 * hour, hour, "11-21 23:03", "2026-11-21 23:03:22"),
            (300 * day, 300 * day, "01-26 14:03", "2026-01-26 14:03:22"),
            (400 * day, hour, "2025-10-18 14:03", "2025-10-18 14:03:22"),
            (400 * day, 400 * day, "2025-10-18", "2025-10-18 14:03:22"),
        ] {
            let at = now.plus_ms(-ago_ms);
            assert_eq!(time_label(at, now, span_ms, &zone), label, "{ago_ms}");
            assert_eq!(moment(at, now, &zone), told, "{ago_ms}");
        }
    }
}
