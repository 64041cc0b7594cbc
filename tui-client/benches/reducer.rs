//! Cost of an event: 100,000 events through the reducer, of each kind and mixed as in a game.
//!
//! `cargo bench -p awesomestock --bench reducer` prints a table with medians of several rounds. The game has 10,000
//! prices and a full log, as after hours of play. Compare the kinds, not the times.

use std::hint::black_box;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use awesomestock::app::event::{OrderResult, Response, StreamEvent};
use awesomestock::app::portfolio::wallet::Wallet;
use awesomestock::app::{AppState, Event, update};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseEvent, MouseEventKind};

#[path = "../tests/fixtures/mod.rs"]
mod fixtures;

/// Events per round.
const EVENTS: usize = 100_000;

/// Rounds of each kind.
const ROUNDS: usize = 5;

/// Creates an event from its index.
type EventFactory = fn(usize) -> Event;

/// A game after hours of play.
fn old_game() -> AppState {
    let mut state = fixtures::playing();
    state.market = fixtures::walk(10_000);
    for _ in 0..1_000 {
        update(&mut state, fixtures::NOW, key('b'));
        update(&mut state, fixtures::NOW, result());
    }
    state
}

fn key(letter: char) -> Event {
    Event::Key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE))
}

fn tick(number: usize) -> Event {
    Event::Stream(StreamEvent::Price {
        tick: None,
        price: 40 + i32::try_from(number % 50).unwrap_or(0),
        at: None,
        interval_ms: Some(1_000),
    })
}

fn result() -> Event {
    Event::Stream(StreamEvent::Result(OrderResult {
        executed: true,
        message: "operation executed successfully".to_owned(),
        price: Some(50),
        count: Some(1),
        tick: Some(1),
        at: None,
        wallet: Some(Wallet {
            tokens: 1_000_000,
            ..Wallet::default()
        }),
    }))
}

fn moved(number: usize) -> Event {
    Event::Mouse(MouseEvent {
        kind: MouseEventKind::Moved,
        column: u16::try_from(number % 100).unwrap_or(0),
        row: 10,
        modifiers: KeyModifiers::NONE,
    })
}

/// A mix as in a game: mostly prices, then mouse events, orders and answers.
fn mixed(number: usize) -> Event {
    match number % 8 {
        0..3 => tick(number),
        3 => key('b'),
        4 => result(),
        5 => moved(number),
        6 => Event::Answered(Response::Tokens(7)),
        _ => key(if number.is_multiple_of(3) { '+' } else { '-' }),
    }
}

fn round(event: EventFactory) -> Duration {
    let mut state = old_game();
    let events: Vec<Event> = (0..EVENTS).map(event).collect();
    let start = Instant::now();
    for event in events {
        black_box(update(&mut state, fixtures::NOW, event));
    }
    start.elapsed()
}

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{EVENTS} events a round, medians of {ROUNDS} rounds")?;
    writeln!(out, "{:<24}  {:>9}  {:>11}", "events", "ms", "ns an event")?;
    let kinds: [(&str, EventFactory); 5] = [
        ("prices", tick),
        ("answers to orders", |_| result()),
        ("chart keys", |number| {
            key(if number.is_multiple_of(2) { '+' } else { 'c' })
        }),
        ("the mouse", moved),
        ("mixed", mixed),
    ];
    for (name, event) in kinds {
        let mut rounds: Vec<Duration> = (0..ROUNDS).map(|_| round(event)).collect();
        rounds.sort_unstable();
        let median = rounds.get(ROUNDS / 2).copied().unwrap_or_default();
        let nanoseconds = median.as_nanos() / EVENTS as u128;
        writeln!(out, "{name:<24}  {:>9}  {nanoseconds:>11}", median.as_millis())?;
    }
    Ok(())
}
