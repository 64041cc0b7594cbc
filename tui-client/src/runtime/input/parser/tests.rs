use crossterm::event::KeyEventState;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::app::commands::key::Key;

/// All events of `bytes`, and of the silence after them.
fn events(bytes: &[u8]) -> Vec<Event> {
    let mut parser = Parser::new();
    let mut events: Vec<Event> = bytes.iter().filter_map(|byte| parser.push(*byte)).collect();
    events.extend(parser.flush());
    assert_eq!(parser.wait(), None, "{bytes:?}");
    events
}

/// A key in short: `ctrl-` and so on, then its code.
fn name(event: &Event) -> String {
    let Event::Key(KeyEvent {
        code,
        modifiers,
        kind,
        state: KeyEventState::NONE,
    }) = event
    else {
        return format!("{event:?}");
    };
    let held = modifiers
        .iter_names()
        .map(|(name, _)| format!("{}-", name.to_lowercase()));
    let kind = match kind {
        KeyEventKind::Press => "",
        KeyEventKind::Repeat => " repeated",
        KeyEventKind::Release => " released",
    };
    format!("{}{}{kind}", held.collect::<String>(), code)
}

fn names(bytes: &[u8]) -> Vec<String> {
    events(bytes).iter().map(name).collect()
}

fn assert_keys(table: &[(&str, &str)]) {
    for (bytes, expected) in table {
        assert_eq!(names(bytes.as_bytes()), [*expected], "{bytes:?}");
    }
}

#[test]
fn typed_keys() {
    assert_keys(&[
        ("q", "q"),
        ("Q", "shift-Q"),
        ("é", "é"),
        ("Ü", "shift-Ü"),
        ("株", "株"),
        ("🎰", "🎰"),
        (" ", "Space"),
        ("\r", "Enter"),
        ("\n", "control-j"),
        ("\t", "Tab"),
        ("\u{7f}", "Backspace"),
        ("\u{0}", "control-Space"),
        ("\u{1}", "control-a"),
        ("\u{3}", "control-c"),
        ("\u{8}", "control-h"),
        ("\u{18}", "control-x"),
        ("\u{1a}", "control-z"),
        ("\u{1c}", "control-4"),
        ("\u{1f}", "control-7"),
        ("\u{1b}", "Esc"),
        ("\u{1b}q", "alt-q"),
        ("\u{1b}Q", "shift-alt-Q"),
        ("\u{1b}é", "alt-é"),
        ("\u{1b}\r", "alt-Enter"),
        ("\u{1b}\u{7f}", "alt-Backspace"),
        ("\u{1b}\u{1}", "control-alt-a"),
        ("\u{1b}\u{3}", "control-c"),
        ("\u{1b} ", "alt-Space"),
        ("\u{1b}\\", "alt-\\"),
        ("\u{1b}[", "alt-["),
        ("\u{1b}]", "alt-]"),
        ("\u{1b}O", "shift-alt-O"),
        ("\u{1b}P", "shift-alt-P"),
    ]);
}

#[test]
fn function_keys() {
    assert_keys(&[
        ("\u{1b}[A", "Up"),
        ("\u{1b}[B", "Down"),
        ("\u{1b}[C", "Right"),
        ("\u{1b}[D", "Left"),
        ("\u{1b}[H", "Home"),
        ("\u{1b}[F", "End"),
        ("\u{1b}OA", "Up"),
        ("\u{1b}OH", "Home"),
        ("\u{1b}OP", "F1"),
        ("\u{1b}OS", "F4"),
        ("\u{1b}[P", "F1"),
        ("\u{1b}[[A", "F1"),
        ("\u{1b}[[E", "F5"),
        ("\u{1b}[Z", "shift-Back Tab"),
        ("\u{1b}[1~", "Home"),
        ("\u{1b}[2~", "Insert"),
        ("\u{1b}[3~", "Del"),
        ("\u{1b}[4~", "End"),
        ("\u{1b}[5~", "Page Up"),
        ("\u{1b}[6~", "Page Down"),
        ("\u{1b}[7~", "Home"),
        ("\u{1b}[8~", "End"),
        ("\u{1b}[11~", "F1"),
        ("\u{1b}[15~", "F5"),
        ("\u{1b}[17~", "F6"),
        ("\u{1b}[21~", "F10"),
        ("\u{1b}[23~", "F11"),
        ("\u{1b}[24~", "F12"),
        ("\u{1b}[34~", "F17"),
        ("\u{1b}[1;2A", "shift-Up"),
        ("\u{1b}[1;3B", "alt-Down"),
        ("\u{1b}[1;5C", "control-Right"),
        ("\u{1b}[1;8D", "shift-control-alt-Left"),
        ("\u{1b}[1;133D", "control-Left"),
        ("\u{1b}[1;5P", "control-F1"),
        ("\u{1b}[3;5~", "control-Del"),
        ("\u{1b}[1;1:2A", "Up repeated"),
        ("\u{1b}[1;5:3A", "control-Up released"),
        ("\u{1b}[113u", "q"),
        ("\u{1b}[99;5u", "control-c"),
        ("\u{1b}[97:65;2u", "A"),
        ("\u{1b}[27u", "Esc"),
        ("\u{1b}[13;5u", "control-Enter"),
        ("\u{1b}[9u", "Tab"),
        ("\u{1b}[9;2u", "shift-Back Tab"),
        ("\u{1b}[127;3u", "alt-Backspace"),
    ]);
}

/// The configuration accepts exactly the keys that arrive, of characters and of keys that share their bytes.
#[test]
fn every_key_that_arrives_can_be_bound_and_no_other() {
    let bytes = (0..0x80_u8).flat_map(|byte| [vec![byte], vec![ESC, byte]]);
    let arriving: Vec<Key> = bytes
        .chain([b"\x1b[Z".to_vec()])
        .flat_map(|bytes| events(&bytes))
        .filter_map(|event| match event {
            Event::Key(key) => Key::from_event(&key),
            _ => None,
        })
        .collect();
    let named = [KeyCode::Enter, KeyCode::Tab, KeyCode::Esc, KeyCode::Backspace];
    for code in (' '..='~').map(KeyCode::Char).chain(named) {
        for bits in 0..8 {
            let held = KeyModifiers::from_bits_truncate(bits);
            let Some(key) = Key::from_event(&KeyEvent::new(code, held)) else {
                continue;
            };
            assert_eq!(key.sent() == Some(key), arriving.contains(&key), "{key}");
            assert!(key.sent().is_none_or(|sent| arriving.contains(&sent)), "{key}");
        }
    }
}

#[test]
fn several_keys() {
    for (bytes, expected) in [
        (&b"b2s"[..], &["b", "2", "s"][..]),
        (b"\x1b\x1b", &["Esc"]),
        (b"\x1b\x1b\x1b", &["Esc", "Esc"]),
        (b"\x1b\x1bq", &["Esc", "q"]),
        (b"\x1b\x1b[A", &["Esc", "Up"]),
        (b"\x1b\x1b]11;?\x07q", &["Esc", "q"]),
        (b"\x1b[A\x1b[B", &["Up", "Down"]),
        // A sequence that is cut off by another one, or by a byte that is in none.
        (b"\x1b[1;\x1b[A", &["Up"]),
        (b"\x1b[1;\x18q", &["q"]),
        ("\u{1b}[éq".as_bytes(), &["é", "q"]),
        ("\u{1b}[12;株".as_bytes(), &["株"]),
        (b"\x1b[\r\x7f", &["Enter", "Backspace"]),
        (b"\x1b[12;\x80b", &["b"]),
        // Nothing but its terminator ends a string.
        (b"\x1b]11;rgb\x1b[A", &[]),
        (b"\x1b]11;rgb\x1b[A\x1b]10;rgb\x07q", &["q"]),
        (b"\x1b[M\x1b[A", &["Up"]),
        (b"\x1b[A\x1b", &["Up", "Esc"]),
        // No UTF-8: a byte of Latin-1, the half of a character, surrogates, a control character.
        (b"\xe9q", &["q"]),
        (b"\xe6\xa0q", &["q"]),
        (b"\xff\x80\xbfq", &["q"]),
        (b"\xed\xa0\x80q", &["q"]),
        (b"\xc2\x85q", &["q"]),
        (b"\xe6\xa0", &[]),
    ] {
        assert_eq!(names(bytes), expected, "{bytes:?}");
    }
}

#[test]
fn ctrl_c_is_read_at_once_inside_any_sequence() {
    for before in [
        &b""[..],
        b"\x1b",
        b"\x1b[",
        b"\x1b[?20",
        b"\x1bO",
        b"\x1b]11;rgb:",
        b"\x1b]11;\x1b",
        b"\x1bP>|",
        b"\x1bPtmux;\x1b\x1b]11;",
        b"\x1b_Gi=1;",
        b"\x1b[M",
        b"\xe6\xa0",
    ] {
        let mut parser = Parser::new();
        let events: Vec<Event> = before.iter().filter_map(|byte| parser.push(*byte)).collect();
        assert_eq!(events, [], "{before:?}");
        assert_eq!(
            parser.push(CTRL_C).as_ref().map(name).as_deref(),
            Some("control-c")
        );
        assert_eq!(parser.wait(), None, "{before:?}");
    }
}

#[test]
fn mouse_events() {
    let event = |kind, column, row, modifiers| {
        Event::Mouse(MouseEvent {
            kind,
            column,
            row,
            modifiers,
        })
    };
    let (none, left) = (KeyModifiers::NONE, MouseButton::Left);
    for (bytes, expected) in [
        ("\u{1b}[<0;1;1M", event(MouseEventKind::Down(left), 0, 0, none)),
        (
            "\u{1b}[<0;300;100m",
            event(MouseEventKind::Up(left), 299, 99, none),
        ),
        ("\u{1b}[<32;4;5M", event(MouseEventKind::Drag(left), 3, 4, none)),
        ("\u{1b}[<35;4;5M", event(MouseEventKind::Moved, 3, 4, none)),
        ("\u{1b}[<35;4;5m", event(MouseEventKind::Moved, 3, 4, none)),
        ("\u{1b}[<64;4;5M", event(MouseEventKind::ScrollUp, 3, 4, none)),
        ("\u{1b}[<65;4;5M", event(MouseEventKind::ScrollDown, 3, 4, none)),
        (
            "\u{1b}[<16;4;5M",
            event(MouseEventKind::Down(left), 3, 4, KeyModifiers::CONTROL),
        ),
        ("\u{1b}[<0;0;0M", event(MouseEventKind::Down(left), 0, 0, none)),
        ("\u{1b}[32;4;5M", event(MouseEventKind::Down(left), 3, 4, none)),
        ("\u{1b}[M $%", event(MouseEventKind::Down(left), 3, 4, none)),
        ("\u{1b}[M#$%", event(MouseEventKind::Up(left), 3, 4, none)),
    ] {
        assert_eq!(events(bytes.as_bytes()), [expected], "{bytes:?}");
    }
    for bytes in [
        // The right button, the middle one, and the wheel to the left.
        "\u{1b}[<2;4;5M",
        "\u{1b}[<2;4;5m",
        "\u{1b}[<33;4;5M",
        "\u{1b}[<66;4;5M",
        "\u{1b}[<128;4;5M",
        "\u{1b}[<0;4M",
        "\u{1b}[<0;4; M",
        "\u{1b}[0;4;5M",
        "\u{1b}[<0;99999;5M",
    ] {
        assert_eq!(events(bytes.as_bytes()), [], "{bytes:?}");
    }
}

#[test]
fn pastes() {
    for (bytes, expected) in [
        (&b"\x1b[200~buy 2\r\n\xe6\xa0\xaa\x1b[201~"[..], "buy 2\r\n株"),
        (b"\x1b[200~\x1b[201~", ""),
        (
            b"\x1b[200~\x1b]11;?\x07\x1b[201\x1b[201~",
            "\u{1b}]11;?\u{7}\u{1b}[201",
        ),
        // A Ctrl-C is text.
        (b"\x1b[200~a\x03b\x1b[201~", "a\u{3}b"),
        (b"\x1b[200~\x03\x1b[201~", "\u{3}"),
        // Nothing ends it.
        (b"\x1b[200~buy 2", "buy 2"),
        (b"\x1b[200~a\x03b", "a\u{3}b"),
    ] {
        assert_eq!(events(bytes), [Event::Paste(expected.to_owned())], "{bytes:?}");
    }
    assert_eq!(
        names(b"\x1b[200~b\x1b[201~q").last().map(String::as_str),
        Some("q")
    );
}

/// The end of the paste was lost, or it would have come by now.
#[test]
fn a_ctrl_c_and_silence_in_a_paste_is_a_key() {
    for text in ["", "half of a paste", &"株".repeat(MAX_PASTE_BYTES)] {
        let mut parser = Parser::new();
        for byte in b"\x1b[200~".iter().chain(text.as_bytes()).chain(&[CTRL_C]) {
            assert_eq!(parser.push(*byte), None);
        }
        assert_eq!(parser.wait(), Some(PASTED_CTRL_C_WAIT));
        assert_eq!(parser.flush().as_ref().map(name).as_deref(), Some("control-c"));
        assert_eq!(parser.wait(), None);
    }
}

/// Keys typed into a string without end, however fast, leave it within the limit; the bytes of a slow line do not.
#[test]
fn only_bytes_that_nobody_types_prolong_a_string() {
    let mut parser = Parser::new();
    for byte in b"\x1b]52;c;".iter().chain(&[b'b'; 100_000]) {
        let _ = parser.push(*byte);
    }
    assert!(parser.ends <= Instant::now() + SEQUENCE_LIMIT);
    parser.ends = Instant::now();
    for _ in 0..10 {
        assert_eq!(parser.push(b'b'), None);
    }
    assert!(parser.ends <= Instant::now() + Duration::from_millis(10));
    for _ in 0..300 {
        assert_eq!(parser.push(b'b'), None);
    }
    assert!(parser.ends > Instant::now());
}

#[test]
fn a_paste_without_end_takes_little_memory() {
    let mut parser = Parser::new();
    let large = "株".repeat(100_000);
    for byte in b"\x1b[200~".iter().chain(large.as_bytes()) {
        assert_eq!(parser.push(*byte), None);
        assert!(parser.kept.len() <= MAX_PASTE_BYTES + PASTE_TAIL);
    }
    let events: Vec<Event> = PASTE_END.iter().filter_map(|byte| parser.push(*byte)).collect();
    let [Event::Paste(kept)] = events.as_slice() else {
        panic!("a paste is a paste");
    };
    assert!(kept.len() <= MAX_PASTE_BYTES && kept.len() > MAX_PASTE_BYTES - 4);
    assert!(kept.chars().all(|char| char == '株'));
}

/// Answers of terminals, and what others send.
const REPORTS: &[&str] = &[
    "\u{1b}]11;rgb:1e1e/1e1e/2e2e\u{7}",
    "\u{1b}]10;rgb:ffff/ffff/ffff\u{1b}\\",
    "\u{1b}]4;1;rgb:cdcd/0000/0000\u{7}",
    "\u{1b}]52;c;YnV5IDEx\u{1b}\\",
    "\u{1b}]8;;http://b.s\u{18}",
    "\u{1b}]2;q\u{1a}",
    "\u{1b}[?2026;2$y",
    "\u{1b}[?997;1n",
    "\u{1b}[?1;2c",
    "\u{1b}[?62;22;52c",
    "\u{1b}[>0;276;0c",
    "\u{1b}[=1;0q",
    "\u{1b}[24;80R",
    "\u{1b}[1;2R",
    "\u{1b}[0n",
    "\u{1b}[8;36;120t",
    "\u{1b}[?1u",
    "\u{1b}[?0;1;1024S",
    "\u{1b}[I",
    "\u{1b}[O",
    "\u{1b}[201~",
    "\u{1b}[27;5;99~",
    "\u{1b}[57441;2u",
    "\u{1b}[4;1$A",
    "\u{1b}OM",
    "\u{1b}O5q",
    "\u{1b}P>|XTerm(390)\u{1b}\\",
    "\u{1b}P1$r0m\u{1b}\\",
    "\u{1b}P!|b\u{7}b\u{1b}\\",
    "\u{1b}_Gi=31;OK\u{1b}\\",
    "\u{1b}_Gi=31;b\u{7}b\u{1b}\\",
    "\u{1b}^b\u{1b}\\",
    "\u{1b}Xq\u{1b}\\",
    "\u{1b}Xq\u{1b}\u{1b}\\",
    "\u{1b}]11;rgb:b\u{1b}bb\u{7}",
    "\u{1b}]11;rgb\u{1b}[Ab\u{1b}OPb\u{1b}]10;b\u{1b}\\",
    "\u{1b}P>|X\u{1b}[200~b\u{7}\u{1b}[201~b\u{18}",
    "\u{1b}_b\u{1b}^bb\u{1b}Pb\u{1a}",
    "\u{1b}^b\u{1b}\u{1b}[Bb\u{1b}\\",
    "\u{1b}Xb\u{1b}\u{3b1}b\u{9c}",
    "\u{1b}Ptmux;\u{1b}\u{1b}]11;rgb:1e1e/1e1e/2e2e\u{7}\u{1b}\\",
    "\u{1b}Ptmux;\u{1b}\u{1b}]11;b\u{1b}\u{1b}\\b\u{1b}\u{1b}[Bb\u{1b}\\",
    "\u{1b}Ptmux;\u{1b}\u{1b}Ptmux;\u{1b}\u{1b}\u{1b}\u{1b}]11;b\u{7}\u{1b}\u{1b}\\b\u{1b}\\",
    "\u{1b}P\u{1b}]11;rgb:bb\u{7}b\u{1b}\\",
    "\u{1b}P\u{1b}\u{1b}\\",
    "\u{9d}11;rgb:bbb/bb\u{9c}",
    "\u{1b}]2;株\u{9c}",
    "\u{90}bbb\u{1b}\\",
    "\u{9f}bbb\u{9c}",
    "\u{9b}?2026;2$y",
    "\u{1b}(b",
    "\u{1b} b",
    "\u{1b}#8",
    "\u{1b}Nb",
    "\u{1b}N5",
    "\u{8e}b",
    "\u{1b}%/b",
];

fn report() -> impl Strategy<Value = Vec<u8>> {
    // No terminator, no Ctrl-C; the bytes of UTF-8 and others may be in a string, and an ESC before any other byte.
    let content = vec((any::<u8>(), any::<bool>()), 0..200).prop_map(|bytes| {
        let ends = [CTRL_C, BEL, CAN, SUB, ESC, STRING_TERMINATOR];
        bytes
            .into_iter()
            .filter(|(byte, _)| !ends.contains(byte))
            .flat_map(|(byte, escaped)| match escaped && byte != b'\\' {
                true => vec![ESC, byte],
                false => vec![byte],
            })
            .chain([b'b'])
            .collect::<Vec<_>>()
    });
    let introducers: Vec<Vec<u8>> = b"]PX^_"
        .iter()
        .flat_map(|byte| [vec![ESC, *byte], vec![byte + 0x40], vec![0xc2, byte + 0x40]])
        .collect();
    let ends = vec![&b"\x1b\\"[..], b"\x9c", b"\xc2\x9c", b"\x18", b"\x1a"];
    let string = (select(introducers), content, select(ends));
    let control = (select(&b"?>="[..]), vec(0x20u8..=0x3f, 0..5_000), 0x40u8..=0x7e);
    // What programs write inside tmux.
    let passed = vec(select(REPORTS), 0..5).prop_map(|reports| {
        let inner = reports.concat().replace(['\u{18}', '\u{1a}', '\u{9c}'], "");
        format!("\u{1b}Ptmux;{}b\u{1b}\\", inner.replace('\u{1b}', "\u{1b}\u{1b}")).into_bytes()
    });
    prop_oneof![
        passed,
        select(REPORTS).prop_map(|report| report.as_bytes().to_vec()),
        string.prop_map(|(introducer, content, end)| [&introducer, &content[..], end].concat()),
        control
            .prop_map(|(marker, parameters, last)| [&[ESC, b'[', marker], &parameters[..], &[last]].concat()),
    ]
}

#[test]
fn reports_are_not_keys() {
    for report in REPORTS {
        assert_eq!(names(&[report.as_bytes(), b"q"].concat()), ["q"], "{report:?}");
    }
}

#[test]
fn a_report_that_comes_in_pieces_is_not_typed() {
    let report = "]11;rgb:1e1e/1e1e/2e2e\x07q";
    let mut parser = Parser::new();
    assert_eq!(parser.push(ESC), None);
    assert_eq!(parser.flush().as_ref().map(name), Some("Esc".to_owned()));
    let typed: Vec<String> = report
        .bytes()
        .filter_map(|byte| parser.push(byte))
        .map(|event| name(&event))
        .collect();
    assert_eq!(typed, ["q"], "the Esc was taken for a key");
    for cut in 2..report.len() - 2 {
        let mut parser = Parser::new();
        let typed = [ESC]
            .into_iter()
            .chain(report.bytes().take(cut))
            .filter_map(|byte| parser.push(byte));
        assert_eq!(typed.count(), 0);
        assert!(
            parser.wait() > Some(Duration::from_secs(2)),
            "a pause after {cut} bytes"
        );
    }
    // Keys after an Esc are keys.
    let mut parser = Parser::new();
    parser.push(ESC);
    parser.flush();
    assert_eq!(parser.push(b']'), None);
    assert_eq!(parser.wait(), Some(LATE_INTRODUCER_WAIT));
    assert_eq!(parser.flush().as_ref().map(name), Some("]".to_owned()));
}

/// The keys of `bytes` that come `gap` after each other.
fn slow_names(bytes: &[u8], gap: Duration) -> Vec<String> {
    let (mut parser, mut events) = (Parser::new(), Vec::new());
    for byte in bytes {
        if parser.wait().is_some_and(|wait| wait <= gap) {
            events.extend(parser.flush());
        }
        parser.ends -= gap;
        events.extend(parser.push(*byte));
    }
    events.iter().map(name).collect()
}

#[test]
fn a_report_that_comes_byte_by_byte_is_not_typed() {
    for report in REPORTS.iter().filter(|report| report.starts_with("\u{1b}")) {
        let is_string = |report: &str| report.starts_with(['[', ']', 'P', '_', '^', 'X']);
        // Each ESC in it may be a key of its own.
        if !is_string(&report[1..]) || report[1..].starts_with("[") && report[1..].contains('\u{1b}') {
            continue;
        }
        let bytes = [report.as_bytes(), b"q"].concat();
        for gap in [20, 90, 150, 240].map(Duration::from_millis) {
            if gap.saturating_mul(u32::try_from(bytes.len()).unwrap()) >= SEQUENCE_LIMIT {
                continue;
            }
            let keys = slow_names(&bytes, gap);
            let is_key = |key: &String| key != "Esc";
            let typed: Vec<&String> = keys.iter().filter(|key| is_key(key)).collect();
            assert_eq!(typed, ["q"], "{report:?} {gap:?}: {keys:?}");
        }
    }
}

#[test]
fn a_sequence_without_end_is_over_in_time() {
    for start in [&b"\x1b]11;"[..], b"\x1b[?20", b"\x1bP>|"] {
        let mut parser = Parser::new();
        start.iter().for_each(|byte| _ = parser.push(*byte));
        assert!(parser.wait() <= Some(SEQUENCE_WAIT), "{start:?}");
        // Keys that are typed into it do not prolong it.
        let mut typed = 0;
        while parser.wait() > Some(Duration::from_millis(100)) {
            parser.ends -= Duration::from_millis(500);
            assert_eq!(parser.push(b'5'), None, "{start:?}");
            typed += 1;
        }
        assert!(typed <= 20, "{start:?}: {typed}");
        assert_eq!(parser.flush(), None);
        assert_eq!(parser.push(b'q').as_ref().map(name).as_deref(), Some("q"));
    }
}

/// The start of a sequence other than a string or a mouse report.
fn sequence_start() -> impl Strategy<Value = Vec<u8>> {
    let introducers = vec![&b"\x1b["[..], b"\x1bO", b"\x1bN", b"\x1b(", b"\x9b", b"\xc2\x9b"];
    let parameters = |introducer: &[u8]| match introducer {
        b"\x1bN" | b"\x1b(" => 0x20u8..=0x2f,
        _ => 0x20..=0x3f,
    };
    select(introducers).prop_flat_map(move |introducer| {
        vec(parameters(introducer), 0..50).prop_map(move |parameters| [introducer, &parameters].concat())
    })
}

proptest! {
    /// The byte ends the sequence at once, and is read like the bytes after it.
    #[test]
    fn a_byte_that_a_sequence_cannot_contain_is_a_key(
        start in sequence_start(),
        foreign in any::<u8>().prop_filter("can be in a sequence", |byte| {
            !(0x20..=0x7e).contains(byte) && ![CAN, SUB].contains(byte)
        }),
        after in vec(any::<u8>(), 0..20),
    ) {
        let after = [&[foreign], &after[..]].concat();
        prop_assert_eq!(names(&[&start, &after[..]].concat()), names(&after));
    }

    #[test]
    fn a_character_ends_a_sequence(start in sequence_start(), typed in "[\u{a0}-\u{ffff}]") {
        prop_assert_eq!(names(&[&start, typed.as_bytes()].concat()), names(typed.as_bytes()));
    }

    /// Holds for a complete report, and for a truncated one, which is dropped after a bounded wait.
    #[test]
    fn a_report_is_ignored_and_the_next_key_is_read(report in report(), cut in any::<prop::sample::Index>()) {
        prop_assert_eq!(names(&[&report, &b"q"[..]].concat()), ["q"]);
        // An introducer alone is a key with Alt.
        let cut = 3 + cut.index(report.len().saturating_sub(2).max(1));
        let mut parser = Parser::new();
        for byte in report.iter().take(cut) {
            prop_assert_eq!(parser.push(*byte), None);
            prop_assert!(parser.kept.len() <= MAX_PARAMETERS + 1);
            prop_assert!(parser.wait().is_none_or(|wait| wait <= SEQUENCE_LIMIT));
        }
        prop_assert_eq!(parser.flush(), None);
        prop_assert_eq!(parser.push(b'q').as_ref().map(name), Some("q".to_owned()));
    }

    /// After any bytes and a pause the next key is read, and memory is bounded.
    #[test]
    fn a_key_after_any_bytes_and_a_pause_is_read(bytes in vec(any::<u8>(), 0..300)) {
        let mut parser = Parser::new();
        for byte in bytes {
            let _ = parser.push(byte);
            prop_assert!(parser.kept.len() <= MAX_PASTE_BYTES + PASTE_TAIL);
            prop_assert!(parser.wait().is_none_or(|wait| wait <= SEQUENCE_LIMIT));
        }
        let _ = parser.flush();
        prop_assert_eq!(parser.push(b'q').as_ref().map(name), Some("q".to_owned()));
    }
}
