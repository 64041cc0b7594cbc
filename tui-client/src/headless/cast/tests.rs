use std::num::NonZeroU16;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::tz::TimeZone;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Position;
use ratatui::style::Color;
use serde_json::Value;

use super::*;
use crate::app::event::StreamEvent;
use crate::app::portfolio::wallet::Wallet;
use crate::app::{Event, SessionInfo, Settings};
use crate::storage::asciicast::CastFormat;
use crate::ui::{Markers, Theme};

const START: UnixMillis = UnixMillis(1_795_356_202_500);

/// A session of prices, and of an amount that is typed.
fn recording() -> Recording {
    let stream = |event| Event::Stream(event);
    let key = |code| Event::Key(KeyEvent::new(code, KeyModifiers::NONE));
    let mut events = vec![
        (
            20,
            stream(StreamEvent::Opened {
                extended: true,
                ids: true,
            }),
        ),
        (
            20,
            stream(StreamEvent::Wallet(Wallet {
                tokens: 1_000,
                ..Wallet::default()
            })),
        ),
    ];
    for tick in 0..40 {
        let at = 100 + tick * 200;
        events.push((
            at,
            stream(StreamEvent::Price {
                tick: Some(tick),
                price: 10 + i32::try_from(tick * 7 % 11).unwrap(),
                at: Some(START.plus_ms(at)),
                interval_ms: Some(200),
            }),
        ));
    }
    events.push((9_000, key(KeyCode::Char('t'))));
    events.push((9_010, key(KeyCode::Char('4'))));
    events.push((9_020, key(KeyCode::Char('2'))));
    events.push((20_000, Event::Timer));
    Recording {
        info: SessionInfo::new("ann", "solo"),
        settings: Settings::default(),
        size: (120, 36),
        start: START,
        events: events
            .into_iter()
            .map(|(ms, event)| (START.plus_ms(ms), event))
            .collect(),
        cut_off: false,
        is_torn: false,
    }
}

fn view() -> Renderer {
    Renderer {
        theme: Theme::by_name("dark").unwrap(),
        markers: Markers::Braille,
        zone: TimeZone::UTC,
    }
}

fn arguments() -> CastArgs {
    CastArgs {
        file: "session.jsonl".into(),
        output: CastOutput::Asciicast(Some("demo.cast".into())),
        replace: false,
        format: None,
        size: None,
        speed: 1,
        idle: None,
        at: None,
        fps: None,
    }
}

fn asciicast(arguments: &CastArgs, size: (u16, u16)) -> String {
    let view = view();
    let cast = Cast {
        arguments,
        view: &view,
        size,
        start: START,
        title: "AwesomeStock".to_owned(),
    };
    let mut out = Vec::new();
    cast.write_asciicast(recording(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The header, and the events: time and text.
fn parse(text: &str) -> (Value, Vec<(f64, String)>) {
    let mut lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let header = lines.next().unwrap();
    let events = lines.map(|line| {
        assert_eq!(line[1], "o");
        (line[0].as_f64().unwrap(), line[2].as_str().unwrap().to_owned())
    });
    (header, events.collect())
}

/// Compares the symbols and colors of each cell.
fn assert_shows(screen: &vt100::Screen, buffer: &Buffer) {
    for y in 0..buffer.area.height {
        for x in 0..buffer.area.width {
            let (cell, shown) = (&buffer[(x, y)], screen.cell(y, x).unwrap());
            let symbol = Some(shown.contents())
                .filter(|symbol| !symbol.is_empty())
                .unwrap_or(" ");
            assert_eq!(symbol, cell.symbol(), "{x},{y}");
            for (color, shown) in [(cell.fg, shown.fgcolor()), (cell.bg, shown.bgcolor())] {
                match color {
                    Color::Rgb(red, green, blue) => {
                        assert_eq!(shown, vt100::Color::Rgb(red, green, blue), "{x},{y}");
                    }
                    color => assert_eq!((color, shown), (Color::Reset, vt100::Color::Default), "{x},{y}"),
                }
            }
        }
    }
}

#[test]
fn both_formats_show_the_last_frame_at_each_size() {
    for size in [(120, 36), (80, 24), (40, 12)] {
        let view = view();
        let last = Frames::new(recording(), &view, size, FRAME_INTERVAL)
            .last()
            .unwrap();
        for format in [CastFormat::V2, CastFormat::V3] {
            let arguments = CastArgs {
                format: Some(format),
                ..arguments()
            };
            let text = asciicast(&arguments, size);
            assert_eq!(text, asciicast(&arguments, size), "two runs");
            let (_, events) = parse(&text);
            let mut emulator = vt100::Parser::default();
            let [rows, columns] = [size.1, size.0].map(|count| NonZeroU16::new(count).unwrap());
            emulator.screen_mut().set_size(rows, columns);
            let (closing, frames) = events.split_last().unwrap();
            for (_, text) in frames {
                emulator.process(text.as_bytes());
            }
            let screen = emulator.screen();
            assert_shows(screen, &last.buffer);
            let cursor = (!screen.hide_cursor()).then(|| {
                let (y, x) = screen.cursor_position();
                Position::new(x, y)
            });
            assert_eq!(cursor, last.cursor, "{size:?}");
            assert!(last.cursor.is_some() && screen.alternate_screen());
            emulator.process(closing.1.as_bytes());
            let left = emulator.screen();
            assert!(!left.alternate_screen() && left.contents().starts_with("AwesomeStock  ann @ solo"));
        }
    }
}

#[test]
fn headers_and_times_are_those_of_their_format() {
    let (header, absolute) = parse(&asciicast(&arguments(), (80, 24)));
    assert_eq!(
        header,
        serde_json::json!({"version": 2, "width": 80, "height": 24, "timestamp": 1_795_356_202,
            "title": "AwesomeStock", "env": {"TERM": "xterm-256color"}})
    );
    let v3 = CastArgs {
        format: Some(CastFormat::V3),
        ..arguments()
    };
    let (header, relative) = parse(&asciicast(&v3, (80, 24)));
    assert_eq!(
        header,
        serde_json::json!({"version": 3, "term": {"cols": 80, "rows": 24, "type": "xterm-256color"},
            "timestamp": 1_795_356_202, "title": "AwesomeStock"})
    );
    let mut sum = 0.0;
    for ((at, text), (interval, same)) in absolute.iter().zip(&relative) {
        sum += interval;
        assert!((at - sum).abs() < 1e-6 && text == same, "{at} {sum}");
    }
    assert_eq!(absolute.len(), relative.len());
    assert!((sum - 20.0).abs() < 1e-6, "{sum}");
}

#[test]
fn pauses_are_shortened_and_frames_limited() {
    let fast = CastArgs {
        speed: 2,
        idle: Some(Duration::from_secs(1)),
        ..arguments()
    };
    let (_, events) = parse(&asciicast(&fast, (120, 36)));
    let longest = events
        .windows(2)
        .map(|pair| pair[1].0 - pair[0].0)
        .fold(0.0, f64::max);
    assert!((longest - 0.5).abs() < 1e-6, "{longest}");
    let (end, _) = events.last().unwrap();
    // 7.9 s of prices and two pauses of a second, at twice the speed.
    assert!((4.8..5.1).contains(end), "{end}");
    let view = view();
    let times: Vec<Duration> = Frames::new(recording(), &view, (120, 36), FRAME_INTERVAL)
        .map(|frame| frame.at)
        .collect();
    assert!(
        times.windows(2).all(|pair| pair[1] - pair[0] >= FRAME_INTERVAL),
        "{times:?}"
    );
}

#[test]
fn a_still_is_the_screen_at_its_time() {
    let view = view();
    let mut frames = Frames::new(recording(), &view, (80, 24), FRAME_INTERVAL);
    let still = frames.still(Duration::from_millis(9_015)).unwrap();
    let text: String = still.buffer.content.iter().map(Cell::symbol).collect();
    assert!(text.contains("Buy tokens") && !text.contains("42"), "{text}");
    let mut frames = Frames::new(recording(), &view, (80, 24), FRAME_INTERVAL);
    assert_eq!(frames.still(Duration::from_millis(20_001)), None);
    assert!(frames.still(Duration::from_secs(20)).is_some());
}

#[test]
fn a_moving_picture_has_few_frames_and_is_the_same_each_time() {
    let view = view();
    let arguments = CastArgs {
        fps: Some(2),
        ..arguments()
    };
    let draw = |arguments: &CastArgs| {
        let cast = Cast {
            arguments,
            view: &view,
            size: (80, 24),
            start: START,
            title: String::new(),
        };
        cast.draw_picture(recording()).unwrap()
    };
    let moving = draw(&arguments);
    assert_eq!(moving, draw(&arguments));
    assert!(moving.contains("@media(prefers-reduced-motion:no-preference)"));
    let faster = draw(&CastArgs {
        fps: Some(30),
        ..arguments.clone()
    });
    assert!(
        moving.len() * 3 / 2 < faster.len(),
        "{} {}",
        moving.len(),
        faster.len()
    );
    let still = draw(&CastArgs {
        at: Some(Duration::from_secs(5)),
        fps: None,
        ..arguments
    });
    assert!(!still.contains("keyframes"));
    for svg in [&moving, &faster, &still] {
        assert_well_formed(svg);
    }
}

/// Checks that tags are balanced, and that text and attributes have no bare markup.
fn assert_well_formed(svg: &str) {
    let mut open = Vec::new();
    for part in svg.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap();
        assert!(!text.contains('>') && tag.matches('"').count() % 2 == 0, "{part}");
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}
