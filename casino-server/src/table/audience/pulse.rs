//! Whether a seat's client takes what is written to it.
//!
//! HTTP/2 does not poll a stream whose client gives no room, so such a seat cannot notice that time goes by: it has to
//! be seen from outside. A seat gives a sign whenever it is polled. One that has been quiet is woken; one that gives no
//! sign even then, for as long as the patience lasts, is given up. It is told so if it is ever polled again, and when
//! it is not, its connection is cut.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use awesomestock_proto::serving::Line;

/// Looks that a seat may be quiet for before it is asked for a sign. Where ticks come often nobody has to be asked.
const QUIET_LOOKS: u32 = 3;

/// Looks after the asking until a seat is given up; they come to the whole patience.
const PATIENT_LOOKS: u32 = 6;

/// Looks after that until its connection is cut: time for one that is read again to be told why it ended.
const PARTING_LOOKS: u32 = 2;

/// How long a seat's client may read nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Patience(pub(crate) Duration);

/// What most tests have.
#[cfg(test)]
pub(crate) const PATIENCE: Patience = Patience(Duration::from_secs(30));

/// The sign that a seat gives.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    beats: AtomicU64,
    given_up: AtomicBool,
}

/// How long a seat has given no sign, in looks.
#[derive(Debug)]
pub(super) struct Attention {
    /// Gone with its seat.
    pulse: Weak<Pulse>,
    line: Option<Line>,
    beats: u64,
    quiet: u32,
}

/// What is due after a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing, or nothing more.
    Nothing,
    /// The seat is to be woken, so that it gives a sign.
    Sign,
    /// The seat has been given up just now.
    Close,
    /// There is no seat any more.
    Forget,
}

impl Patience {
    /// Time from one look at all seats to the next.
    pub(super) fn sweep(self) -> Duration {
        let sweep = self.0.checked_div(PATIENT_LOOKS).unwrap_or_default();
        sweep.max(Duration::from_millis(1))
    }
}

impl Pulse {
    /// Gives the sign. Only the seat does, so nothing is lost between reading and writing.
    pub(super) fn beat(&self) {
        let beats = self.beats.load(Ordering::Relaxed);
        self.beats.store(beats.wrapping_add(1), Ordering::Relaxed);
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }
}

impl Attention {
    pub(super) fn new(pulse: &Arc<Pulse>, line: Option<Line>) -> Self {
        Self {
            pulse: Arc::downgrade(pulse),
            line,
            beats: 0,
            quiet: 0,
        }
    }

    /// Looks for the sign.
    pub(super) fn look(&mut self) -> Due {
        const GIVE_UP: u32 = QUIET_LOOKS + PATIENT_LOOKS;
        const CUT: u32 = GIVE_UP + PARTING_LOOKS;
        let Some(pulse) = self.pulse.upgrade() else {
            return Due::Forget;
        };
        let beats = pulse.beats.load(Ordering::Relaxed);
        if beats != self.beats {
            self.beats = beats;
            self.quiet = 0;
            return Due::Nothing;
        }
        self.quiet = self.quiet.saturating_add(1);
        match self.quiet {
            QUIET_LOOKS => Due::Sign,
            GIVE_UP => {
                pulse.given_up.store(true, Ordering::Relaxed);
                Due::Close
            }
            CUT => {
                if let Some(line) = &self.line {
                    line.cut();
                }
                Due::Nothing
            }
            _ => Due::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_gives_no_sign_is_asked_then_given_up_and_who_gives_one_is_not() {
        let pulse = Arc::new(Pulse::default());
        let mut attention = Attention::new(&pulse, None);
        let mut looks = |count: u32| -> Vec<Due> {
            (0..count)
                .map(|_| attention.look())
                .filter(|due| *due != Due::Nothing)
                .collect()
        };
        for _ in 0..3 {
            pulse.beat();
            assert_eq!(looks(QUIET_LOOKS), [], "the first look sees the sign");
            assert_eq!(looks(1), [Due::Sign]);
            assert_eq!(looks(PATIENT_LOOKS - 1), []);
        }
        assert!(!pulse.is_given_up());
        assert_eq!(looks(1), [Due::Close]);
        assert!(pulse.is_given_up());
        assert_eq!(looks(100), [], "once");
        drop(pulse);
        assert_eq!(attention.look(), Due::Forget);
    }
}
