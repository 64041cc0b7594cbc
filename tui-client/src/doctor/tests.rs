use super::*;

fn line(finding: &Finding) -> String {
    finding.to_string()
}

fn text(name: &str) -> Option<String> {
    Some(name.to_owned())
}

#[test]
fn the_terminal() {
    let good = TerminalSeen {
        is_terminal: true,
        size: Some((120, 36)),
        term: text("xterm-256color"),
        colorterm: text("truecolor"),
        no_colour: false,
        locale: text("en_GB.UTF-8"),
    };
    let lines: Vec<String> = terminal(&good).iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "ok    terminal  standard input and output are one",
            "ok    size      120x36",
            "ok    TERM      xterm-256color",
            "ok    colours   16 million",
            "ok    locale    en_GB.UTF-8",
        ]
    );
    let nothing = terminal(&TerminalSeen::default());
    assert!(
        nothing.iter().all(|finding| finding.verdict == Verdict::Warn),
        "{nothing:?}"
    );
}

#[test]
fn each_part_of_the_terminal() {
    let cases = [
        (
            size(Some((37, 12))),
            "warn  size      37x12: the screen needs 38x10",
        ),
        (size(Some((40, 12))), "ok    size      40x12"),
        (
            term(Some("dumb")),
            "warn  TERM      dumb: --plain needs no screen",
        ),
        (locale(Some("C.utf8")), "ok    locale    C.utf8"),
        (
            locale(Some("de_DE.ISO-8859-1")),
            "warn  locale    de_DE.ISO-8859-1 is not UTF-8: letters and lines may be garbled",
        ),
        (term(Some("\u{1b}[2J")), "ok    TERM      \u{FFFD}[2J"),
    ];
    for (finding, expected) in cases {
        assert_eq!(line(&finding), expected);
    }
    let with = |term: &str, colorterm: Option<&str>, no_colour| {
        let seen = TerminalSeen {
            term: text(term),
            colorterm: colorterm.map(str::to_owned),
            no_colour,
            ..TerminalSeen::default()
        };
        let finding = colours(&seen);
        (
            finding.verdict,
            finding
                .words
                .split([',', ':'])
                .next()
                .unwrap_or_default()
                .to_owned(),
        )
    };
    assert_eq!(
        with("xterm", Some("24bit"), false),
        (Verdict::Ok, "16 million".to_owned())
    );
    assert_eq!(
        with("screen-256color", None, false),
        (Verdict::Ok, "256".to_owned())
    );
    assert_eq!(with("linux", None, false), (Verdict::Warn, "16".to_owned()));
    assert_eq!(
        with("xterm", Some("truecolor"), true),
        (Verdict::Ok, "none".to_owned())
    );
}

#[test]
fn paths() {
    let here = PathBuf::from("/here");
    let cannot = PathSeen::Unusable(here.clone(), "denied".to_owned());
    let cases = [
        (
            folder("data", &PathSeen::Usable(here.clone())),
            "ok    data      /here",
        ),
        (
            folder("data", &PathSeen::ToBeMade(here)),
            "ok    data      /here: not there yet",
        ),
        (folder("data", &cannot), "fail  data      /here: denied"),
        (log(&cannot), "warn  log       /here: denied"),
        (
            configuration::<()>(&Ok(((), PathBuf::from("/nowhere/config.toml")))),
            "ok    config    /nowhere/config.toml: not there, the defaults hold",
        ),
        (
            configuration::<()>(&Err("/c.toml line 3: what".to_owned())),
            "fail  config    /c.toml line 3: what",
        ),
    ];
    for (finding, expected) in cases {
        assert_eq!(line(&finding), expected);
    }
}

fn reached(is_extended: bool) -> TableSeen {
    TableSeen::Reached {
        url: "http://h:1".to_owned(),
        latency_ms: 3,
        is_extended,
    }
}

#[test]
fn tables() {
    let unreached = TableSeen::Unreached {
        url: "http://h:1".to_owned(),
        why: "refused".to_owned(),
    };
    let cases = [
        (TableSeen::Unknown, "warn  casino    not asked"),
        (
            TableSeen::LedgerFree,
            "ok    casino    solo: the ledger is whole and free",
        ),
        (TableSeen::NoLedger, "ok    casino    solo: the first game makes"),
        (
            TableSeen::LedgerUnusable("open".to_owned()),
            "fail  casino    solo: open",
        ),
        (
            reached(true),
            "ok    casino    http://h:1 answers in 3 ms, and tells everything",
        ),
        (
            reached(false),
            "ok    casino    http://h:1 answers in 3 ms, and speaks the old contract",
        ),
        (unreached, "fail  casino    http://h:1: refused"),
    ];
    for (seen, expected) in cases {
        let line = line(&table(&seen));
        assert!(line.starts_with(expected), "{line}");
    }
}

#[test]
fn of_several_addresses_one_that_answers_will_do() {
    let gone = || TableSeen::Unreached {
        url: "http://h:2".to_owned(),
        why: "refused".to_owned(),
    };
    let verdicts = |seen: &[TableSeen]| -> Vec<Verdict> {
        let findings = super::tables(seen);
        findings.iter().map(|finding| finding.verdict).collect()
    };
    assert_eq!(verdicts(&[gone(), reached(true)]), [Verdict::Warn, Verdict::Ok]);
    assert_eq!(verdicts(&[gone(), gone()]), [Verdict::Fail, Verdict::Fail]);
}

#[test]
fn clocks() {
    let tick = |now_ms: i64| TickSeen {
        at: UnixMs(1_000_000),
        interval_ms: 10_000,
        now: UnixMs(1_000_000).plus_ms(now_ms),
    };
    let cases = [
        (0, "ok    clock     agrees"),
        (9_000, "ok    clock     agrees"),
        (12_000, "ok    clock     agrees"),
        (12_001, "warn  clock     the newest price is overdue by 2 s"),
        (70_000, "warn  clock     the newest price is overdue by 60 s"),
        (-2_000, "ok    clock     agrees"),
        (-65_500, "warn  clock     the newest price comes 65 s from now"),
        (i64::MAX, "warn  clock     the newest price is overdue"),
        (i64::MIN, "warn  clock     the newest price comes"),
    ];
    for (now_ms, expected) in cases {
        let line = line(&clock(&[reached(true)], Some(tick(now_ms))));
        assert!(line.starts_with(expected), "{now_ms}: {line}");
    }
    assert_eq!(clock(&[TableSeen::NoLedger], None).verdict, Verdict::Ok);
    assert_eq!(clock(&[reached(false)], None).verdict, Verdict::Warn);
}
