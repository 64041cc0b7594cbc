//! The reader of keys, mouse, pastes and sizes.
//!
//! Owns the thread that blocks on the terminal. A thread and not a task, because crossterm reads without end once the
//! terminal has hung up: that must not take a worker of the runtime with it.

use std::{io, thread};

use color_eyre::eyre::{Result, eyre};
use crossterm::event::{self, MouseButton, MouseEvent, MouseEventKind};
use tokio::sync::{mpsc, oneshot};

use crate::app::Event;

/// Bytes of a paste that are kept: more than any line of words takes.
const MAX_PASTE_BYTES: usize = 4096;

/// The running reader.
#[derive(Debug)]
pub(super) struct Keys {
    thread: thread::JoinHandle<io::Result<()>>,
    ended: oneshot::Receiver<()>,
}

impl Keys {
    /// Starts to read; what is read goes to `events`, and waits where that is full.
    pub(super) fn read(events: mpsc::Sender<Event>) -> io::Result<Self> {
        let (running, ended) = oneshot::channel::<()>();
        let thread = thread::Builder::new().name("keys".to_owned()).spawn(move || {
            // Dropped at the end of the thread, however it ends.
            let _running = running;
            read_until_gone(&events)
        })?;
        Ok(Self { thread, ended })
    }

    /// Completes when nothing more can be read; says so, or that the reader broke down.
    pub(super) async fn gone(self) -> Result<()> {
        // Never sent on: an error is how its end is told.
        let _ = self.ended.await;
        match self.thread.join() {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(eyre!(error).wrap_err("cannot read from the terminal")),
            Err(_) => Err(eyre!("the reader of keys broke down")),
        }
    }
}

fn read_until_gone(events: &mpsc::Sender<Event>) -> io::Result<()> {
    loop {
        let event = match event::read() {
            Ok(read) => translate(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => None,
            Err(error) => return Err(error),
        };
        if let Some(event) = event
            && events.blocking_send(event).is_err()
        {
            return Ok(());
        }
    }
}

fn translate(read: event::Event) -> Option<Event> {
    match read {
        event::Event::Key(key) => Some(Event::Key(key)),
        event::Event::Paste(mut text) => {
            text.truncate(text.floor_char_boundary(MAX_PASTE_BYTES));
            Some(Event::Paste(text))
        }
        event::Event::Resize(columns, rows) => Some(Event::Resized(columns, rows)),
        event::Event::Mouse(mouse) => used(mouse).map(Event::Mouse),
        event::Event::FocusGained | event::Event::FocusLost => None,
    }
}

/// What the mouse did, if the game has a use for it.
fn used(mouse: MouseEvent) -> Option<MouseEvent> {
    // Terminals count from 1. Some say 0 at the edge, and what crossterm makes of that lies off every screen.
    let from_zero = |at: u16| if at == u16::MAX { 0 } else { at };
    let used = matches!(
        mouse.kind,
        MouseEventKind::Moved
            | MouseEventKind::Down(MouseButton::Left)
            | MouseEventKind::Drag(MouseButton::Left)
            | MouseEventKind::ScrollUp
            | MouseEventKind::ScrollDown
    );
    used.then_some(MouseEvent {
        column: from_zero(mouse.column),
        row: from_zero(mouse.row),
        ..mouse
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_paste_is_cut_between_characters() {
        let Some(Event::Paste(kept)) = translate(event::Event::Paste("株".repeat(100_000))) else {
            panic!("a paste is a paste");
        };
        assert!(kept.len() <= MAX_PASTE_BYTES && kept.len() > MAX_PASTE_BYTES - 4);
        assert!(kept.chars().all(|char| char == '株'));
    }

    #[test]
    fn what_the_game_has_no_use_for_is_passed_over() {
        assert!(translate(event::Event::FocusLost).is_none());
        let mouse = |kind| MouseEvent {
            kind,
            column: u16::MAX,
            row: 7,
            modifiers: event::KeyModifiers::NONE,
        };
        assert!(translate(event::Event::Mouse(mouse(MouseEventKind::ScrollLeft))).is_none());
        assert!(translate(event::Event::Mouse(mouse(MouseEventKind::Up(MouseButton::Left)))).is_none());
        let moved = used(mouse(MouseEventKind::Moved)).map(|mouse| (mouse.column, mouse.row));
        assert_eq!(moved, Some((0, 7)));
    }
}
