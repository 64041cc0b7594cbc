//! The signals of the process.
//!
//! Owns which are listened to and what each means. Stopping the process is here too, because only a signal ends it.

use std::{io, time::Duration};

use rustix::process::{self, kill_current_process_group};
use tokio::signal::unix::{self, SignalKind};

/// How long to wait for the stop of the process to be over. Not a measure of the stop: while it lasts no time passes
/// here. It ends the wait where the kernel ignores the stop, because nobody is there to continue the process.
const STOP_GRACE: Duration = Duration::from_millis(300);

/// What a signal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    /// End the game: SIGINT, SIGTERM, SIGHUP.
    Stop,
    /// The process was stopped, and goes on: SIGCONT.
    Continued,
}

/// The signals the game listens to. SIGTSTP is not among them: what the system does with it is what is wanted.
#[derive(Debug)]
pub(super) struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    hang_up: unix::Signal,
    continued: unix::Signal,
}

impl Signals {
    /// Starts to listen.
    pub(super) fn listen() -> io::Result<Self> {
        let continued = SignalKind::from_raw(process::Signal::CONT.as_raw());
        Ok(Self {
            interrupt: unix::signal(SignalKind::interrupt())?,
            terminate: unix::signal(SignalKind::terminate())?,
            hang_up: unix::signal(SignalKind::hangup())?,
            continued: unix::signal(continued)?,
        })
    }

    /// The next signal. Can be cancelled: none is lost.
    pub(super) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Stop,
            _ = self.terminate.recv() => Signal::Stop,
            _ = self.hang_up.recv() => Signal::Stop,
            _ = self.continued.recv() => Signal::Continued,
        }
    }

    /// Stops the process and those started with it, as Ctrl-Z does where no game runs, until somebody continues it.
    pub(super) async fn stop_process(&mut self) -> io::Result<()> {
        kill_current_process_group(process::Signal::TSTP)?;
        tokio::select! {
            _ = self.continued.recv() => {}
            () = tokio::time::sleep(STOP_GRACE) => {}
        }
        Ok(())
    }
}

/// Completes when the process is told to end.
///
/// # Errors
///
/// When the signals cannot be listened to.
pub fn told_to_stop() -> io::Result<impl Future<Output = ()>> {
    let mut signals = Signals::listen()?;
    Ok(async move { while signals.next().await != Signal::Stop {} })
}
