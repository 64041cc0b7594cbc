//! What always holds of the client, whatever it is told: one copy of the checks, for the fuzz targets and for the
//! properties that the tests try on stable.
//!
//! Each check takes bytes and panics where something does not hold.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::panic,
    reason = "a check fails by a panic"
)]

use std::fmt::Write as _;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::tz::TimeZone;
use ratatui::{Terminal, backend::TestBackend};

use crate::{
    app::{
        Event,
        command::{self, Command, WORDS},
        event::StreamEvent,
        money::{Side, UnixMs},
        overlay::Overlay,
        palette::{MAX_PALETTE_CHARS, matching},
        quantity::{MAX_TYPED_CHARS, Quantity},
        replay::Replay,
        ticket::Ticket,
        wallet::{Holdings, Wallet},
    },
    recording::read_from,
    ui::{Markers, Theme, View},
};
use invariants::{Watched, check_screen};

pub use crate::{client::table::table, config::checks::config};

#[path = "invariants.rs"]
pub(crate) mod invariants;
#[cfg(test)]
#[path = "properties.rs"]
mod properties;

/// Types `data` into the palette, and enters it.
///
/// # Panics
///
/// When an amount out of bounds is taken, or a command that is written is read as another.
pub fn palette(data: &[u8]) {
    let line = String::from_utf8_lossy(data);
    match command::parse(&line) {
        Ok(command) => {
            let written = words_of(command);
            assert_eq!(command::parse(&written), Ok(command), "{written:?}");
        }
        Err(error) => assert!(error.to_string().chars().count() < 600, "{error}"),
    }
    let found = matching(&line).len();
    assert!(found <= matching("").len());
    enter(&line);
}

/// Enters `line` in a game whose player has something to trade with.
fn enter(line: &str) {
    let mut game = Watched::new();
    let now = UnixMs(1_795_356_202_000);
    let wallet = Wallet {
        tokens: 1_000,
        stocks: 10,
        cost_basis: 100,
        version: 1,
        ..Wallet::default()
    };
    let price = StreamEvent::Price {
        tick: Some(1),
        price: 10,
        at: Some(now),
        interval_ms: Some(1_000),
    };
    for told in [
        StreamEvent::Joined {
            extended: true,
            ids: true,
        },
        StreamEvent::Wallet(wallet),
        price,
    ] {
        game.tell(now, &Event::Stream(told));
    }
    let key = |code| Event::Key(KeyEvent::new(code, KeyModifiers::NONE));
    game.tell(now, &key(KeyCode::Char(':')));
    game.tell(now, &Event::Paste(line.to_owned()));
    if let Some(Overlay::Palette(palette)) = game.state.screen.overlays.last() {
        let typed = palette.input.value();
        assert!(typed.chars().count() <= MAX_PALETTE_CHARS && !typed.contains(char::is_control));
    }
    for code in [KeyCode::Down, KeyCode::Tab, KeyCode::Enter, KeyCode::Enter] {
        game.tell(now, &key(code));
    }
}

/// The line of a command, as one types it. Its amounts are within bounds.
fn words_of(command: Command) -> String {
    let (name, amount, limit) = match command {
        Command::BuyTokens(dollars) => ("buyTokens", Some(dollars), None),
        Command::Withdraw(tokens) => ("withdraw", Some(tokens), None),
        Command::Buy(count) => ("buy", Some(count), None),
        Command::Sell(count) => ("sell", Some(count), None),
        Command::Limited(Side::Buy, count, limit) => ("buy", Some(count), Some(limit)),
        Command::Limited(Side::Sell, count, limit) => ("sell", Some(count), Some(limit)),
        Command::AlertAbove(price) => ("alertAbove", Some(price), None),
        Command::AlertBelow(price) => ("alertBelow", Some(price), None),
        alone => {
            let word = WORDS.iter().find(|word| command::parse(word.name) == Ok(alone));
            (word.expect("every command has a word").name, None, None)
        }
    };
    let mut words = name.to_owned();
    for (sign, amount) in [("", amount), ("@ ", limit)] {
        if let Some(amount) = amount {
            assert!(amount >= 1, "{command:?}");
            write!(words, " {sign}{amount}").expect("a text takes anything");
        }
    }
    words
}

/// Types `data` into the order ticket: a backspace takes back, `m` asks for as many as possible, `@` begins a limit,
/// a line end settles.
///
/// # Panics
///
/// When a quantity out of bounds is taken, or one that is written is read as another.
pub fn ticket(data: &[u8]) {
    let typed = String::from_utf8_lossy(data);
    check_quantity(&typed);
    let held = Holdings::Known(Wallet {
        tokens: i32::MAX,
        stocks: i32::MAX,
        ..Wallet::default()
    });
    let mut ticket = Ticket::default();
    for letter in typed.chars() {
        match letter {
            '\u{8}' => ticket.erase(),
            'm' => ticket.toggle_max(),
            '@' => ticket.begin_limit(),
            '\n' => ticket.settle(),
            '>' => ticket.step(1),
            '<' => ticket.step(-10),
            letter => {
                ticket.type_char(letter);
            }
        }
        assert!(ticket.typed().len() <= MAX_TYPED_CHARS, "{ticket:?}");
        if !ticket.typed().is_empty() {
            let meant = Quantity::parse(ticket.typed()).unwrap_or(Quantity::Count(0));
            assert_eq!(ticket.quantity(), meant, "{ticket:?}");
        }
        check_bounds(ticket.quantity());
        assert!(ticket.limit().is_none_or(|limit| limit.price >= 0), "{ticket:?}");
        for side in [Side::Buy, Side::Sell] {
            let preview = ticket.preview(side, 7, &held);
            assert!(preview.is_none_or(|preview| preview.count >= 0 && preview.total >= 0));
        }
    }
}

fn check_quantity(typed: &str) {
    if let Some(quantity) = Quantity::parse(typed) {
        check_bounds(quantity);
        let written = match quantity {
            Quantity::Count(count) => count.to_string(),
            Quantity::Share(percent) => format!("{percent}%"),
            Quantity::Worth(dollars) => format!("${dollars}"),
            Quantity::Max => panic!("{typed:?} is no word for as many as possible"),
        };
        assert_eq!(Quantity::parse(&written), Some(quantity), "{typed:?}");
    }
}

fn check_bounds(quantity: Quantity) {
    match quantity {
        Quantity::Count(count) => assert!(count >= 0),
        Quantity::Share(percent) => assert!((1..=100).contains(&percent)),
        Quantity::Worth(dollars) => assert!(dollars >= 1),
        Quantity::Max => {}
    }
}

/// Reads `data` as a recording, and plays and draws it.
///
/// # Panics
///
/// When the replay ends otherwise than the session, or draws what acts on the terminal.
pub fn recording(data: &[u8]) {
    let tape = match read_from(data) {
        Ok(tape) => tape,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let end = format!("{:?}", tape.end());
    let mut replay = Replay::new(tape, 1_000);
    draw(&replay);
    while !replay.position().is_over {
        replay.pass(i64::MAX);
    }
    assert_eq!(format!("{:?}", replay.state()), end);
    draw(&replay);
}

fn draw(replay: &Replay) {
    let view = View {
        theme: Theme::default(),
        markers: Markers::default(),
        zone: TimeZone::UTC,
    };
    let mut terminal = Terminal::new(TestBackend::new(100, 30)).expect("a buffer");
    let drawn = terminal.draw(|frame| view.draw_replay(replay, frame));
    check_screen(drawn.expect("a buffer takes anything").buffer);
}
