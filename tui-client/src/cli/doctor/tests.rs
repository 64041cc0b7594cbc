use anyhow::anyhow;

use super::*;

fn line(check: &Check) -> String {
    check.to_string()
}

#[test]
fn a_good_terminal_passes_and_an_unknown_one_warns() {
    let good = |name: &str| {
        let value = match name {
            "TERM" => "xterm-256color",
            "COLORTERM" => "truecolor",
            "LANG" => "en_GB.UTF-8",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let checks = terminal(true, Some((120, 36)), false, good);
    let lines: Vec<String> = checks.iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "ok    terminal  standard input and output are a terminal",
            "ok    size      120x36",
            "ok    TERM      xterm-256color",
            "ok    colours   16 million",
            "ok    locale    en_GB.UTF-8",
        ]
    );
    let nothing = terminal(false, None, false, |_| None);
    assert!(
        nothing.iter().all(|check| check.result == CheckResult::Warn),
        "{nothing:?}"
    );
}

#[test]
fn size_term_locale_and_colors_are_checked() {
    let cases = [
        (
            size(Some((37, 12))),
            "warn  size      37x12: the screen needs 38x10",
        ),
        (size(Some((40, 12))), "ok    size      40x12"),
        (
            term(Some("dumb")),
            "warn  TERM      dumb: the game plays line by line",
        ),
        (
            term(Some("dumb-emacs-ansi")),
            "warn  TERM      dumb-emacs-ansi: the game plays line by line",
        ),
        (locale(Some("C.utf8")), "ok    locale    C.utf8"),
        (
            locale(Some("de_DE.ISO-8859-1")),
            "warn  locale    de_DE.ISO-8859-1 is not UTF-8: letters and lines may be garbled",
        ),
        (term(Some("\u{1b}[2J")), "ok    TERM      \u{FFFD}[2J"),
    ];
    for (check, expected) in cases {
        assert_eq!(line(&check), expected);
    }
    let with = |term: &str, colorterm: Option<&str>, no_color| {
        let check = colors(term, colorterm, no_color);
        (
            check.result,
            check.text.split([',', ':']).next().unwrap_or_default().to_owned(),
        )
    };
    assert_eq!(
        with("xterm", Some("24bit"), false),
        (CheckResult::Ok, "16 million".to_owned())
    );
    assert_eq!(
        with("screen-256color", None, false),
        (CheckResult::Ok, "256".to_owned())
    );
    assert_eq!(with("linux", None, false), (CheckResult::Warn, "16".to_owned()));
    assert_eq!(
        with("xterm", Some("truecolor"), true),
        (CheckResult::Ok, "none".to_owned())
    );
}

#[test]
fn paths_are_checked() {
    let cases = [
        (
            fail("log", "/here: denied").at_most_warn(),
            "warn  log       /here: denied",
        ),
        (
            configuration(Path::new("/nowhere/config.toml"), None),
            "ok    config    /nowhere/config.toml: not found, using defaults",
        ),
        (
            configuration(Path::new("/c.toml"), Some(&anyhow!("/c.toml line 3: what"))),
            "fail  config    /c.toml line 3: what",
        ),
    ];
    for (check, expected) in cases {
        assert_eq!(line(&check), expected);
    }
}

fn reached(support: &Support) -> Check {
    casino("http://h:1", 3, support)
}

#[test]
fn a_casino_is_checked() {
    let cases = [
        (
            Support::AllBut(Vec::new()),
            "ok    casino    http://h:1 answers in 3 ms and supports all features",
        ),
        (
            Support::AllBut(vec!["resting orders", "rounds"]),
            "warn  casino    http://h:1 answers in 3 ms, an earlier version without resting orders, rounds",
        ),
        (
            Support::Old,
            "warn  casino    http://h:1 answers in 3 ms with the old protocol",
        ),
        (
            Support::NoSession("too many".to_owned()),
            "fail  casino    http://h:1 answers in 3 ms, but opens no session: too many",
        ),
    ];
    for (support, expected) in cases {
        let line = line(&reached(&support));
        assert!(line.starts_with(expected), "{line}");
    }
}

#[test]
fn one_reachable_address_is_enough() {
    let gone = || fail("casino", "http://h:2: refused");
    let results = |checks: Vec<Check>| -> Vec<CheckResult> {
        let checks = servers(checks);
        checks.iter().map(|check| check.result).collect()
    };
    assert_eq!(
        results(vec![gone(), reached(&Support::AllBut(Vec::new()))]),
        [CheckResult::Warn, CheckResult::Ok]
    );
    assert_eq!(
        results(vec![gone(), gone()]),
        [CheckResult::Fail, CheckResult::Fail]
    );
}

#[test]
fn clocks_may_differ_by_two_seconds() {
    let tick = |now_ms: i64| TickProbe {
        at: UnixMillis(1_000_000),
        interval_ms: 10_000,
        now: UnixMillis(1_000_000).plus_ms(now_ms),
    };
    let cases = [
        (0, "ok    clock     agrees"),
        (9_000, "ok    clock     agrees"),
        (12_000, "ok    clock     agrees"),
        (12_001, "warn  clock     the latest price is 2 s late"),
        (70_000, "warn  clock     the latest price is 60 s late"),
        (-2_000, "ok    clock     agrees"),
        (-65_500, "warn  clock     the latest price is 65 s in the future"),
        (i64::MAX, "warn  clock     the latest price is"),
        (i64::MIN, "warn  clock     the latest price is"),
    ];
    for (now_ms, expected) in cases {
        let line = line(&clock(false, Some(tick(now_ms))));
        assert!(line.starts_with(expected), "{now_ms}: {line}");
    }
    assert_eq!(clock(true, None).result, CheckResult::Ok);
    assert_eq!(clock(false, None).result, CheckResult::Warn);
}
