use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Style};

use super::*;

fn frame(lines: &[(&str, Style)]) -> Frame {
    let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 3));
    for (y, (text, style)) in (0..).zip(lines) {
        buffer.set_string(0, y, text, *style);
    }
    Frame {
        at: Duration::ZERO,
        buffer,
        cursor: None,
    }
}

fn row(text: &str, style: impl Into<Style>) -> String {
    let frame = frame(&[(text, style.into())]);
    row::draw(
        &frame.buffer,
        0,
        0..12,
        Rgb::background(Color::Reset),
        &mut ColorTable::default(),
    )
}

#[test]
fn words_of_one_style_are_one_text_of_a_set_length() {
    assert_eq!(
        row("buy 10  now", Style::new()),
        "<text x=\"0\" class=\"a\" textLength=\"72\">buy 10</text>\
         <text x=\"96\" class=\"a\" textLength=\"36\">now</text>"
    );
    assert_eq!(
        row("a", Style::new().bold()),
        "<text x=\"0\" class=\"a B\">a</text>"
    );
    assert_eq!(
        row("<&>", Style::new().dim()),
        "<text x=\"0\" class=\"a F\" textLength=\"36\">&lt;&amp;&gt;</text>"
    );
    // Symbols stand in the middle of their cells.
    assert_eq!(
        row("▲株", Style::new()),
        "<text x=\"6\" class=\"a C\">▲</text><text x=\"24\" class=\"a C\">株</text>"
    );
}

#[test]
fn shapes_are_merged() {
    assert_eq!(row("───", Style::new()), "<path class=\"a L\" d=\"M0 -6h36\"/>");
    assert_eq!(row("━━", Style::new()), "<path class=\"a T\" d=\"M0 -6h24\"/>");
    assert_eq!(
        row("▄▄", Style::new()),
        "<path class=\"a\" d=\"M0 -6h24v12h-24z\"/>"
    );
    assert_eq!(
        row("╭│", Style::new()),
        "<path class=\"a L\" d=\"M6 6Q6 -6 12 -6M18 -18v24\"/>"
    );
    assert_eq!(row("⠉⠁", Style::new()), "<path class=\"a D\" d=\"M3 -15h13\"/>");
}

#[test]
fn reversed_cells_swap_their_colors() {
    let drawn = row(" x", Style::new().fg(Color::White).bg(Color::Red).reversed());
    assert_eq!(
        drawn,
        "<path class=\"a\" d=\"M0 -18h24v24h-24z\"/><text x=\"12\" class=\"b\">x</text>"
    );
}

#[test]
fn a_still_has_no_animation_and_a_cursor() {
    let mut still = Picture::new((12, 3), None);
    let with_cursor = Frame {
        cursor: Some(Position::new(1, 0)),
        ..frame(&[("a", Style::new())])
    };
    still.add(Duration::ZERO, &with_cursor).unwrap();
    let svg = still.finish("a < b").unwrap();
    assert!(
        svg.contains("<title>a &lt; b</title>") && svg.contains("M12 -18h12v24h-12z"),
        "{svg}"
    );
    assert!(!svg.contains("keyframes") && !svg.contains("@media"), "{svg}");
}

#[test]
fn a_moving_picture_returns_to_contents_and_rests_at_the_last_one() {
    let mut moving = Picture::new((12, 3), None);
    for (second, text) in [(0, "one"), (2, "two"), (4, "one"), (5, "three")] {
        let frame = frame(&[("same", Style::new()), (text, Style::new())]);
        moving.add(Duration::from_secs(second), &frame).unwrap();
    }
    let svg = moving.finish("").unwrap();
    // 12 columns and two margins are 180 units wide; 8 s with the hold.
    assert!(
        svg.contains(
            "@keyframes p1{0%{transform:translate(0px)}25%{transform:translate(-198px)}\
             50%{transform:translate(0px)}62.5%{transform:translate(-396px)}}"
        ),
        "{svg}"
    );
    assert!(
        svg.contains("<g class=\"M\" id=\"p1\" transform=\"translate(-396)\">"),
        "{svg}"
    );
    assert!(svg.contains(".M{animation:8s step-end infinite}"), "{svg}");
    assert_eq!(svg.matches(">one<").count(), 1, "{svg}");
    assert_eq!(svg.matches("@keyframes").count(), 1, "only one part moves: {svg}");
}

#[test]
fn a_picture_that_is_too_large_is_an_error() {
    let mut moving = Picture::new((12, 3), None);
    let error = (0..1_000_000).find_map(|second| {
        let frame = frame(&[(&second.to_string(), Style::new())]);
        moving.add(Duration::from_secs(second), &frame).err()
    });
    assert!(error.unwrap().to_string().contains("1000000 bytes"));
}

#[test]
fn text_has_no_characters_that_xml_forbids() {
    assert_eq!(row::escape("a\u{1b}\u{fffe}\"b"), "a\u{fffd}\u{fffd}&quot;b");
}
