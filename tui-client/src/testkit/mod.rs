//! Checks of the client for fuzz targets and property tests. Each takes bytes and panics on a violation.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::panic,
    reason = "a check fails by a panic"
)]

use std::fmt::Write as _;

use awesomestock_proto::values::Trigger;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
pub(crate) use invariants::without_wire;
use invariants::{CheckedGame, check_screen};
use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

pub use self::config::config;
pub use self::session::session;
use crate::app::Event;
use crate::app::commands::command::{self, COMMANDS, Command};
use crate::app::event::StreamEvent;
use crate::app::overlay::Overlay;
use crate::app::overlay::palette::{MAX_PALETTE_CHARS, matching};
use crate::app::portfolio::money::{Side, UnixMillis};
use crate::app::portfolio::order::{Condition, Terms};
use crate::app::portfolio::quantity::{MAX_TYPED_CHARS, Quantity};
use crate::app::portfolio::ticket::Ticket;
use crate::app::portfolio::wallet::{Wallet, WalletState};
use crate::app::replay::Replay;
use crate::storage::recording::read::read_from;
use crate::ui::{Markers, Renderer, Theme};

mod config;
pub(crate) mod invariants;
#[cfg(test)]
mod properties;
mod session;

/// Types `data` into the palette and enters it.
///
/// # Panics
///
/// If an amount out of bounds is accepted, or a command does not parse back.
pub fn palette(data: &[u8]) {
    let line = String::from_utf8_lossy(data);
    match command::parse(&line) {
        Ok(command) => {
            let written = command_line(command);
            assert_eq!(command::parse(&written), Ok(command), "{written:?}");
        }
        Err(error) => assert!(error.to_string().chars().count() < 600, "{error}"),
    }
    let found = matching(&line, true).len();
    assert!(found <= matching("", true).len());
    enter(&line);
}

/// Enters `line` in a game with a wallet and a price.
fn enter(line: &str) {
    let mut game = CheckedGame::new();
    let now = UnixMillis(1_795_356_202_000);
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
    for event in [
        StreamEvent::Opened {
            extended: true,
            ids: true,
        },
        StreamEvent::Wallet(wallet),
        price,
    ] {
        game.dispatch(now, &Event::Stream(event));
    }
    let key = |code| Event::Key(KeyEvent::new(code, KeyModifiers::NONE));
    game.dispatch(now, &key(KeyCode::Char(':')));
    game.dispatch(now, &Event::Paste(line.to_owned()));
    if let Some(Overlay::Palette(palette)) = game.state.screen.overlays.last() {
        let typed = palette.input.value();
        assert!(typed.chars().count() <= MAX_PALETTE_CHARS && !typed.contains(char::is_control));
    }
    for code in [KeyCode::Down, KeyCode::Tab, KeyCode::Enter, KeyCode::Enter] {
        game.dispatch(now, &key(code));
    }
}

/// Returns the command line of a command.
fn command_line(command: Command) -> String {
    let (name, amount, limit) = match command {
        Command::BuyTokens(dollars) => ("buyTokens", Some(dollars), None),
        Command::Withdraw(tokens) => ("withdraw", Some(tokens), None),
        Command::Order(side, Quantity::Count(count), Terms::Rest(Condition { trigger, price })) => {
            assert!(count >= 1 && price >= 1, "{command:?}");
            return match trigger {
                Trigger::Limit => format!("{} {count} @ {price} rest", side.word()),
                Trigger::Stop => format!("{} {count} stop {price}", side.word()),
            };
        }
        Command::Order(side, Quantity::Count(count), terms) => (side.word(), Some(count), terms.price()),
        Command::AlertAbove(price) => ("alertAbove", Some(price), None),
        Command::AlertBelow(price) => ("alertBelow", Some(price), None),
        alone => {
            let word = COMMANDS
                .iter()
                .find(|word| command::parse(word.name) == Ok(alone));
            (word.expect("every command has a word").name, None, None)
        }
    };
    let mut text = name.to_owned();
    for (sign, amount) in [("", amount), ("@ ", limit)] {
        if let Some(amount) = amount {
            assert!(amount >= 1, "{command:?}");
            write!(text, " {sign}{amount}").expect("a text takes anything");
        }
    }
    text
}

/// Types `data` into the order ticket; some characters stand for keys.
///
/// # Panics
///
/// If a quantity out of bounds is accepted or does not parse back.
pub fn ticket(data: &[u8]) {
    let typed = String::from_utf8_lossy(data);
    check_quantity(&typed);
    let held = WalletState::Known(Wallet {
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
            'o' => ticket.next_rest(),
            '\n' => ticket.settle(),
            '>' => ticket.step(1),
            '<' => ticket.step(-10),
            letter => {
                ticket.type_char(letter);
            }
        }
        assert!(ticket.typed().len() <= MAX_TYPED_CHARS, "{ticket:?}");
        if !ticket.typed().is_empty() {
            let parsed = Quantity::parse(ticket.typed()).unwrap_or(Quantity::Count(0));
            assert_eq!(ticket.quantity(), parsed, "{ticket:?}");
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
            Quantity::Max => panic!("{typed:?} must not be the maximum"),
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

/// Reads `data` as a recording, plays and draws it.
///
/// # Panics
///
/// If the replay ends in another state than the session, or draws control characters.
pub fn recording(data: &[u8]) {
    let recording = match read_from(data) {
        Ok(recording) => recording,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let end = without_wire(&recording.end());
    let mut replay = Replay::new(recording, 1_000);
    draw(&replay);
    while !replay.position().is_over {
        replay.advance(i64::MAX);
    }
    assert_eq!(without_wire(replay.state()), end);
    draw(&replay);
}

fn draw(replay: &Replay) {
    let view = Renderer {
        theme: Theme::default(),
        markers: Markers::default(),
        zone: TimeZone::UTC,
    };
    let mut terminal = Terminal::new(TestBackend::new(100, 30)).expect("a buffer");
    let drawn = terminal.draw(|frame| _ = view.draw_replay(replay, frame));
    check_screen(drawn.expect("a buffer takes anything").buffer);
}
