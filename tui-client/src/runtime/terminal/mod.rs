//! The modes of the terminal. However the game ends, [`restore`] undoes all of them once; after that nothing is drawn.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::queue;
use crossterm::style::{ResetColor, force_color_output};
use crossterm::terminal::{
    self, BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal};

use super::signals::{Signal, Signals, is_foreground};
use crate::ui::text::sanitize;

/// Whether the modes are set and frames may be written.
static ACTIVE: AtomicBool = AtomicBool::new(false);

/// Standard output without lock and buffer: after a panic the lock may be held and half a frame buffered.
static OUTPUT: OnceLock<File> = OnceLock::new();

const BELL: &str = "\x07";

/// Holds the terminal in the game's modes until it is dropped.
#[derive(Debug)]
pub(super) struct TerminalGuard {
    terminal: Terminal<CrosstermBackend<FrameWriter>>,
}

impl TerminalGuard {
    pub(super) fn enter() -> io::Result<Self> {
        if OUTPUT.get().is_none() {
            let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
            // Fails if another thread has set it, with the same value.
            let _ = OUTPUT.set(output);
        }
        // The theme handles NO_COLOR: crossterm would drop bold and reverse too.
        force_color_output(true);
        take_modes()?;
        match Terminal::new(CrosstermBackend::new(FrameWriter::default())) {
            Ok(terminal) => Ok(Self { terminal }),
            Err(error) => {
                restore();
                Err(error)
            }
        }
    }

    /// Returns columns and rows.
    pub(super) fn size(&self) -> io::Result<(u16, u16)> {
        let size = self.terminal.size()?;
        Ok((size.width, size.height))
    }

    /// Draws what has changed, as one synchronized update. In the background nothing is drawn: the screen is the
    /// shell's, and SIGCONT may not have been handled yet.
    pub(super) fn draw(&mut self, frame: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        if !is_foreground() {
            return Ok(());
        }
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(frame)?;
        queue!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        self.terminal.backend_mut().flush()
    }

    /// Copies `text` to the clipboard by OSC 52, which terminals may ignore.
    pub(super) fn copy(&mut self, text: &str) -> io::Result<()> {
        queue!(
            self.terminal.backend_mut(),
            CopyToClipboard::to_clipboard_from(text)
        )?;
        self.terminal.backend_mut().flush()
    }

    /// Rings the terminal's bell, or asks for a desktop notification.
    pub(super) fn ring(&mut self, text: Option<&str>) -> io::Result<()> {
        let backend = self.terminal.backend_mut();
        match text {
            None => write!(backend, "{BELL}")?,
            Some(text) => {
                let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
                write!(backend, "{}", notification(text, variable))?;
            }
        }
        backend.flush()
    }

    /// Makes the next frame a full one.
    pub(super) fn invalidate(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        // Not `clear`: it queries the cursor position, and the answer would go to the reader of keys.
        self.terminal
            .resize(Rect::from((ratatui::layout::Position::ORIGIN, size)))
    }

    /// Takes the terminal again after `signal`, once the process is in the foreground. Returns `Signal::Stop` if the
    /// process is to end instead.
    pub(super) async fn re_enter(&mut self, signal: Signal, signals: &mut Signals) -> io::Result<Signal> {
        if signal == Signal::Suspend {
            restore();
        }
        if signals.wait_for_foreground(signal).await? == Signal::Stop {
            return Ok(Signal::Stop);
        }
        // A shell may have changed the modes: crossterm's memory of them is stale.
        terminal::disable_raw_mode()?;
        take_modes()?;
        self.invalidate()?;
        Ok(Signal::Continued)
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        restore();
    }
}

/// Returns whether the terminal has hung up because its window was closed.
pub(super) fn has_hung_up() -> bool {
    !io::stdout().is_terminal()
}

/// Returns the request of a desktop notification: by OSC 777 where it is known, else by OSC 9. Terminals ignore what they do
/// not know. tmux passes it on only if its user allows that, and the Linux console shows none: both get the bell.
fn notification(text: &str, variable: impl Fn(&str) -> Option<String>) -> String {
    let term = variable("TERM").unwrap_or_default();
    if term == "linux" {
        return BELL.to_owned();
    }
    let names = ["rxvt", "foot", "xterm-ghostty"];
    let knows_777 = variable("VTE_VERSION").is_some() || names.iter().any(|name| term.starts_with(name));
    let text = sanitize(text).replace(';', ",");
    let request = match knows_777 {
        true => format!("\x1b]777;notify;AwesomeStock;{text}\x07"),
        false => format!("\x1b]9;AwesomeStock: {text}\x07"),
    };
    match variable("TMUX") {
        Some(_) => format!("\x1bPtmux;{}\x1b\\{BELL}", request.replace('\x1b', "\x1b\x1b")),
        None => request,
    }
}

fn take_modes() -> io::Result<()> {
    // Before the first mode is set, so that a failure half-way is undone too.
    ACTIVE.store(true, Ordering::SeqCst);
    let taken = terminal::enable_raw_mode().and_then(|()| {
        let mut modes = Vec::new();
        queue!(
            modes,
            EnterAlternateScreen,
            EnableBracketedPaste,
            EnableMouseCapture,
            Hide
        )?;
        write_out(&modes)
    });
    if taken.is_err() {
        restore();
    }
    taken
}

/// Restores the modes of the terminal, once. Failures are only logged: after a hang-up there is no terminal.
pub fn restore() {
    if !ACTIVE.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut modes = Vec::new();
    let queued = queue!(
        modes,
        EndSynchronizedUpdate,
        ResetColor,
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        Show
    );
    let restored = queued.and_then(|()| write_out(&modes));
    let restored = restored.and_then(|()| {
        // In the background the shell has set its own modes, and setting others would stop the process.
        if is_foreground() {
            terminal::disable_raw_mode()
        } else {
            Ok(())
        }
    });
    if let Err(error) = restored {
        tracing::info!(%error, "the terminal could not be given back");
    }
}

fn write_out(mut bytes: &[u8]) -> io::Result<()> {
    match OUTPUT.get() {
        Some(mut output) => output.write_all(bytes),
        None => io::copy(&mut bytes, &mut io::stdout()).map(drop),
    }
}

/// Buffers a frame and writes it at once. A frame that is not written before the terminal is restored is dropped, so that
/// no part of it reaches the shell.
#[derive(Debug, Default)]
struct FrameWriter {
    bytes: Vec<u8>,
}

impl Write for FrameWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let written = if ACTIVE.load(Ordering::SeqCst) {
            write_out(&self.bytes)
        } else {
            Ok(())
        };
        self.bytes.clear();
        written
    }
}

#[cfg(test)]
mod tests;
