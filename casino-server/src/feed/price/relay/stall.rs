//! Detects sessions whose client does not read.
//!
//! HTTP/2 does not poll a stream without flow-control window, so a stalled session cannot run a timer itself. Every poll
//! updates its [`Heartbeat`]. A sweep probes quiet sessions by waking them, marks those without a heartbeat within the
//! timeout as stalled, and finally closes their connection if they are still not polled.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use awesomestock_proto::server::ConnectionHandle;

/// Sweeps without a heartbeat before a session is woken. Never reached while ticks are frequent.
const PROBE_AFTER: u32 = 3;

/// Sweeps from the probe until a session is stalled; their duration is the stall timeout.
const STALLED_AFTER: u32 = 6;

/// Sweeps between the stall and the close. The client can still receive the status.
const LINGER: u32 = 2;

/// Time for which a session's client may read nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StallTimeout(pub(crate) Duration);

/// A counter of the polls of a session.
#[derive(Debug, Default)]
pub(super) struct Heartbeat {
    polls: AtomicU64,
    is_stalled: AtomicBool,
}

/// Checks the heartbeat of one session.
#[derive(Debug)]
pub(super) struct StallDetector {
    /// Dropped with its session.
    heartbeat: Weak<Heartbeat>,
    connection: Option<ConnectionHandle>,
    last_polls: u64,
    quiet_sweeps: u32,
}

/// The action to take after a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StallAction {
    Nothing,
    /// Wake the session.
    Probe,
    /// The session is stalled since this check.
    Close,
    /// The session has ended.
    Forget,
}

impl StallTimeout {
    #[cfg(test)]
    pub(crate) const DEFAULT: Self = Self(Duration::from_secs(30));

    /// Returns the time between two sweeps.
    pub(super) fn sweep(self) -> Duration {
        let sweep = self.0.checked_div(STALLED_AFTER).unwrap_or_default();
        sweep.max(Duration::from_millis(1))
    }
}

impl Heartbeat {
    /// Counts a poll. Only the session calls it, so load and store need no atomic increment.
    pub(super) fn touch(&self) {
        let polls = self.polls.load(Ordering::Relaxed);
        self.polls.store(polls.wrapping_add(1), Ordering::Relaxed);
    }

    pub(super) fn is_stalled(&self) -> bool {
        self.is_stalled.load(Ordering::Relaxed)
    }
}

impl StallDetector {
    pub(super) fn new(heartbeat: &Arc<Heartbeat>, connection: Option<ConnectionHandle>) -> Self {
        Self {
            heartbeat: Arc::downgrade(heartbeat),
            connection,
            last_polls: 0,
            quiet_sweeps: 0,
        }
    }

    /// Checks once per sweep for a heartbeat.
    pub(super) fn check(&mut self) -> StallAction {
        const STALLED: u32 = PROBE_AFTER + STALLED_AFTER;
        const CLOSE: u32 = STALLED + LINGER;
        let Some(heartbeat) = self.heartbeat.upgrade() else {
            return StallAction::Forget;
        };
        let polls = heartbeat.polls.load(Ordering::Relaxed);
        if polls != self.last_polls {
            self.last_polls = polls;
            self.quiet_sweeps = 0;
            return StallAction::Nothing;
        }
        self.quiet_sweeps = self.quiet_sweeps.saturating_add(1);
        match self.quiet_sweeps {
            PROBE_AFTER => return StallAction::Probe,
            STALLED => {
                heartbeat.is_stalled.store(true, Ordering::Relaxed);
                return StallAction::Close;
            }
            CLOSE => {
                if let Some(connection) = &self.connection {
                    connection.close();
                }
            }
            _ => {}
        }
        StallAction::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_session_is_probed_and_stalls_unless_it_is_polled() {
        let heartbeat = Arc::new(Heartbeat::default());
        let mut detector = StallDetector::new(&heartbeat, None);
        let mut sweeps = |count: u32| -> Vec<StallAction> {
            (0..count)
                .map(|_| detector.check())
                .filter(|action| *action != StallAction::Nothing)
                .collect()
        };
        for _ in 0..3 {
            heartbeat.touch();
            assert_eq!(sweeps(PROBE_AFTER), [], "the first sweep sees the poll");
            assert_eq!(sweeps(1), [StallAction::Probe]);
            assert_eq!(sweeps(STALLED_AFTER - 1), []);
        }
        assert!(!heartbeat.is_stalled());
        assert_eq!(sweeps(1), [StallAction::Close]);
        assert!(heartbeat.is_stalled());
        assert_eq!(sweeps(100), [], "reported once");
        drop(heartbeat);
        assert_eq!(detector.check(), StallAction::Forget);
    }
}
