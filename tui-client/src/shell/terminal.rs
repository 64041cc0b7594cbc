//! The terminal: taken, drawn on, and given back whole.
//!
//! Owns its modes. Whatever ends the game, [`restore`] undoes all of them, once; after that nothing is drawn any more.
//! It knows nothing of the game: what a frame shows is handed in.

use std::{
    fs::File,
    io::{self, IsTerminal, Write},
    os::fd::AsFd,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use crossterm::{
    clipboard::CopyToClipboard,
    cursor::{Hide, Show},
    event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture},
    queue,
    style::{ResetColor, force_color_output},
    terminal::{
        self, BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    },
};
use ratatui::{Frame, Terminal, backend::CrosstermBackend, layout::Rect};

/// The screen is ours: its modes are set, and it may be drawn on.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Standard output without its lock and its buffer: a panic may hold the one and leave half a frame in the other.
static OUTPUT: OnceLock<File> = OnceLock::new();

/// The screen, taken until this is dropped.
#[derive(Debug)]
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Canvas>>,
}

impl Screen {
    /// Takes the terminal.
    pub(super) fn take() -> io::Result<Self> {
        if OUTPUT.get().is_none() {
            let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
            // Another thread may have been faster: then its copy serves as well.
            let _ = OUTPUT.set(output);
        }
        // The theme says what is coloured (NO_COLOR has its own): crossterm's own way would take bold and reverse too.
        force_color_output(true);
        take_modes()?;
        match Terminal::new(CrosstermBackend::new(Canvas::default())) {
            Ok(terminal) => Ok(Self { terminal }),
            Err(error) => {
                restore();
                Err(error)
            }
        }
    }

    /// Columns and rows.
    pub(super) fn size(&self) -> io::Result<(u16, u16)> {
        let size = self.terminal.size()?;
        Ok((size.width, size.height))
    }

    /// Draws what has changed, as one synchronized update.
    pub(super) fn draw(&mut self, frame: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(frame)?;
        queue!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        self.terminal.backend_mut().flush()
    }

    /// Puts `text` on the clipboard, where the terminal lets programs do so (OSC 52).
    pub(super) fn copy(&mut self, text: &str) -> io::Result<()> {
        queue!(
            self.terminal.backend_mut(),
            CopyToClipboard::to_clipboard_from(text)
        )?;
        self.terminal.backend_mut().flush()
    }

    /// Forgets what the terminal shows: the next frame is drawn whole.
    pub(super) fn forget(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        // Not `clear`: it asks the terminal for the cursor, and the answer would go to the reader of keys.
        self.terminal
            .resize(Rect::from((ratatui::layout::Position::ORIGIN, size)))
    }

    /// Takes the terminal again, after [`restore`] or after somebody else had it.
    pub(super) fn retake(&mut self) -> io::Result<()> {
        take_modes()?;
        self.forget()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Whether the terminal has hung up, so that a failure to use it is no fault: the window was closed.
pub(super) fn has_hung_up() -> bool {
    !io::stdout().is_terminal()
}

fn take_modes() -> io::Result<()> {
    // Before the first mode is set: what fails half-way is given back too.
    TAKEN.store(true, Ordering::SeqCst);
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

/// Gives the terminal back, if it is ours. Never fails: after a hang-up there may be no terminal any more.
pub fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
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
    if let Err(error) = restored.and_then(|()| terminal::disable_raw_mode()) {
        tracing::info!(%error, "the terminal could not be given back");
    }
}

fn write_out(mut bytes: &[u8]) -> io::Result<()> {
    match OUTPUT.get() {
        Some(mut output) => output.write_all(bytes),
        None => io::copy(&mut bytes, &mut io::stdout()).map(drop),
    }
}

/// Collects a frame and writes it in one go, while the screen is ours. What is left when it is not, is dropped: half a
/// frame on the player's shell would be worse than none.
#[derive(Debug, Default)]
struct Canvas {
    bytes: Vec<u8>,
}

impl Write for Canvas {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let written = if TAKEN.load(Ordering::SeqCst) {
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
