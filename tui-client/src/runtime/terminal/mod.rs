//! The modes of the terminal. However the game ends, [`restore`] undoes all of them once; after that nothing is drawn.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::style::{Print, ResetColor, force_color_output};
use crossterm::terminal::{
    self, BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
};
use crossterm::{execute, queue};
use ratatui::backend::CrosstermBackend;
use ratatui::{Frame, Terminal};

use super::signals::{Signal, Signals, is_foreground};
use crate::ui::text::sanitize;

/// Whether the modes are set and frames may be written.
static ACTIVE: AtomicBool = AtomicBool::new(false);

const BELL: &str = "\x07";

/// Holds the terminal in the game's modes until it is dropped.
#[derive(Debug)]
pub(super) struct TerminalGuard {
    terminal: Terminal<CrosstermBackend<FrameWriter>>,
}

impl TerminalGuard {
    pub(super) fn enter() -> io::Result<Self> {
        // The theme handles NO_COLOR: crossterm would drop bold and reverse too.
        force_color_output(true);
        take_modes()?;
        let terminal = Terminal::new(CrosstermBackend::new(FrameWriter::default()));
        let terminal = terminal.inspect_err(|_| restore())?;
        Ok(Self { terminal })
    }

    /// Returns columns and rows.
    pub(super) fn size(&self) -> Result<(u16, u16)> {
        let size = self.terminal.size();
        Ok(size.context("cannot ask for the terminal's size")?.into())
    }

    /// Draws what has changed, as one synchronized update. In the background nothing is drawn: the screen is the
    /// shell's, and SIGCONT may not have been handled yet.
    pub(super) fn draw(&mut self, frame: impl FnOnce(&mut Frame<'_>)) -> Result<()> {
        if !is_foreground() {
            return Ok(());
        }
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)
            .and_then(|()| self.terminal.draw(frame).map(drop))
            .and_then(|()| execute!(self.terminal.backend_mut(), EndSynchronizedUpdate))
            .context("cannot draw on the terminal")
    }

    /// Copies `text` to the clipboard by OSC 52, which terminals may ignore.
    pub(super) fn copy(&mut self, text: &str) -> Result<()> {
        let copy = CopyToClipboard::to_clipboard_from(text);
        execute!(self.terminal.backend_mut(), copy).context("cannot write to the terminal")
    }

    /// Rings the terminal's bell, or asks for a desktop notification.
    pub(super) fn ring(&mut self, text: Option<&str>) -> Result<()> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let request = text.map_or_else(|| BELL.to_owned(), |text| notification(text, variable));
        execute!(self.terminal.backend_mut(), Print(request)).context("cannot write to the terminal")
    }

    /// Makes the next frame a full one.
    pub(super) fn invalidate(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        // Not `clear`: it queries the cursor position, and the answer would go to the reader of keys.
        self.terminal.resize(size.into())
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
        let mut out = BufWriter::new(RawOutput);
        execute!(
            out,
            EnterAlternateScreen,
            EnableBracketedPaste,
            EnableMouseCapture,
            Hide
        )
    });
    taken.inspect_err(|_| restore())
}

/// Restores the modes of the terminal, once. Failures are only logged: after a hang-up there is no terminal.
pub fn restore() {
    if !ACTIVE.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = BufWriter::new(RawOutput);
    let restored = execute!(
        out,
        EndSynchronizedUpdate,
        ResetColor,
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        Show
    );
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

/// Standard output without lock and buffer: after a panic the lock may be held and half a frame buffered.
struct RawOutput;

impl Write for RawOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(io::stdout(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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
            RawOutput.write_all(&self.bytes)
        } else {
            Ok(())
        };
        self.bytes.clear();
        written
    }
}

#[cfg(test)]
mod tests;
