//! The signals of the process, and how it stops and ends by them.

use std::future::poll_fn;
use std::io;
use std::process::ExitCode;
use std::sync::atomic::{AtomicI32, Ordering};
use std::task::Poll;
use std::time::Duration;

use rustix::process::{Signal as Raw, getpgrp, getsid, kill_current_process_group};
use rustix::termios::tcgetpgrp;
use signal_hook::low_level::emulate_default_handler;
use tokio::signal::unix::{self, SignalKind};
use tokio::time::timeout;

/// The signals that end a process by default. A fault (SIGSEGV, SIGBUS) is not among them: its handler must not return.
const ENDING: &[Raw] = &[
    Raw::TERM,
    Raw::HUP,
    Raw::INT,
    Raw::QUIT,
    Raw::ABORT,
    Raw::USR1,
    Raw::USR2,
    Raw::ALARM,
    Raw::VTALARM,
    Raw::PROF,
    Raw::TRAP,
    Raw::SYS,
    Raw::XCPU,
    Raw::XFSZ,
    #[cfg(target_os = "linux")]
    Raw::IO,
    #[cfg(target_os = "linux")]
    Raw::POWER,
    #[cfg(target_os = "linux")]
    Raw::STKFLT,
];

/// Time to wait after SIGCONT for a signal sent with it: `kill %1` of a shell sends both.
const CONTINUED_GRACE: Duration = Duration::from_millis(300);

/// The signal that ends the process; 0 for none.
static ENDED_BY: AtomicI32 = AtomicI32::new(0);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Stop,
    /// SIGCONT: the process was stopped and runs again.
    Continued,
    /// SIGTSTP: stop the process.
    Suspend,
    /// SIGWINCH: the terminal may have another size.
    Resized,
}

#[derive(Debug)]
pub(super) struct Signals(Vec<(Raw, Signal, unix::Signal)>);

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        let others = [
            (Raw::CONT, Signal::Continued),
            (Raw::TSTP, Signal::Suspend),
            (Raw::WINCH, Signal::Resized),
        ];
        Self::listen_to(&others)
    }

    fn listen_to(others: &[(Raw, Signal)]) -> io::Result<Self> {
        let ending = ENDING.iter().map(|raw| (*raw, Signal::Stop));
        let listen = |(raw, meaning): (Raw, Signal)| {
            Ok((raw, meaning, unix::signal(SignalKind::from_raw(raw.as_raw()))?))
        };
        let all = ending.chain(others.iter().copied());
        all.map(listen).collect::<io::Result<_>>().map(Self)
    }

    /// Returns the next signal; those that end the game come first. Cancel safe.
    pub(super) async fn next(&mut self) -> Signal {
        poll_fn(|context| {
            for (raw, meaning, signal) in &mut self.0 {
                if signal.poll_recv(context).is_ready() {
                    if *meaning == Signal::Stop {
                        end_by(*raw);
                    }
                    return Poll::Ready(*meaning);
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Waits after `signal` until the process is in the foreground, or has to end. To suspend, and when it is continued
    /// in the background, it stops its process group.
    pub(super) async fn wait_for_foreground(&mut self, mut signal: Signal) -> io::Result<Signal> {
        loop {
            // No shell could continue the process group of a session leader.
            if signal == Signal::Suspend && getsid(None)? != getpgrp() {
                kill_current_process_group(Raw::STOP)?;
                signal = self.next().await;
            }
            if signal == Signal::Stop || is_foreground() {
                return Ok(signal);
            }
            let next = timeout(CONTINUED_GRACE, self.next()).await;
            signal = match next {
                Ok(next) => next,
                // A shell's `fg` sends no signal to a process that runs.
                Err(_) if is_foreground() => Signal::Continued,
                Err(_) => Signal::Suspend,
            };
        }
    }
}

/// Completes when a signal has to end the process. Fails if the handlers cannot be installed.
pub fn stop_requested() -> io::Result<impl Future<Output = ()>> {
    let mut signals = Signals::listen_to(&[])?;
    Ok(async move { while signals.next().await != Signal::Stop {} })
}

/// Makes [`end_by_signal`] end the process by SIGHUP.
pub(super) fn end_by_hangup() {
    end_by(Raw::HUP);
}

fn end_by(signal: Raw) {
    ENDED_BY.store(signal.as_raw(), Ordering::SeqCst);
}

/// Ends the process by the signal that it received, as a shell expects; returns `code` if there was none.
#[must_use]
pub fn end_by_signal(code: ExitCode) -> ExitCode {
    match ENDED_BY.load(Ordering::SeqCst) {
        0 => code,
        signal => {
            let ended = emulate_default_handler(signal);
            // The library does not know the signal: use the exit code by which shells report it.
            tracing::warn!(?ended, signal, "cannot end by the signal");
            u8::try_from(signal + 128).map_or(code, ExitCode::from)
        }
    }
}

/// Returns whether this process group is in the foreground; `true` after a hang-up.
pub(super) fn is_foreground() -> bool {
    tcgetpgrp(io::stdin()).map_or(true, |group| group == getpgrp())
}
