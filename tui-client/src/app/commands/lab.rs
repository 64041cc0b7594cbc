//! The lab: faults of the player's own casino, and the sentences that explain them.

use crossterm::event::KeyCode;

use super::key::Key;
use crate::app::portfolio::money::UnixMillis;

/// A fault that a key of the lab injects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Cut,
    Freeze,
    Delay,
    LoseAnswer,
    FillDisk,
    Kill,
    CrashPayments,
}

/// A row of the fault table.
#[derive(Debug, Clone, Copy)]
pub struct FaultSpec {
    pub fault: Fault,
    /// Name in the palette.
    pub name: &'static str,
    pub key: Key,
    /// Shortest name, shown with the key.
    pub label: &'static str,
    pub help: &'static str,
    /// What happened and what to watch.
    pub begun: &'static str,
    /// The same at the end of a fault that lasts until its key is pressed again.
    pub ended: Option<&'static str>,
}

/// All faults. Their keys come before the player's own bindings.
#[rustfmt::skip] // one text a line
pub const FAULTS: &[FaultSpec] = &[
    FaultSpec {
        fault: Fault::Cut, name: "lab-cut", key: Key::new(KeyCode::F(2)), label: "cut",
        help: "cut the network for 3 s",
        begun: "The network is cut for 3 s. Watch the header: it counts down to the next attempt. An order without an answer is sent again with the same ID.",
        ended: None,
    },
    FaultSpec {
        fault: Fault::Freeze, name: "lab-freeze", key: Key::new(KeyCode::F(3)), label: "freeze",
        help: "freeze the casino; again: let it run",
        begun: "The casino hangs: no byte passes. The price becomes stale, new orders are held back, and after 30 s the game reconnects. F3 ends it.",
        ended: Some("The casino runs again. Delayed prices arrive together, and waiting orders are answered."),
    },
    FaultSpec {
        fault: Fault::Delay, name: "lab-delay", key: Key::new(KeyCode::F(4)), label: "delay",
        help: "delay every byte by 2 s in each direction; again: stop",
        begun: "Every byte now takes 2 s in each direction. Watch an order: its answer takes 4 s, and it executes at the casino's current price. F4 ends it.",
        ended: Some("Bytes pass without delay again. Those that are on their way still arrive late, and in order."),
    },
    FaultSpec {
        fault: Fault::LoseAnswer, name: "lab-lose", key: Key::new(KeyCode::F(5)), label: "lose",
        help: "lose the answer to the next order, with the connection",
        begun: "The answer to your next order will be lost, with the connection. Press b: the same ID is sent again, and the order is executed once.",
        ended: None,
    },
    FaultSpec {
        fault: Fault::FillDisk, name: "lab-disk", key: Key::new(KeyCode::F(6)), label: "disk",
        help: "fill the casino's disk; again: make room",
        begun: "The disk is full. Nothing can be stored, so the price stops and orders are rejected: the casino answers only what is stored. F6 makes room.",
        ended: Some("The disk has room again. Prices and orders go on, without a restart."),
    },
    FaultSpec {
        fault: Fault::Kill, name: "lab-kill", key: Key::new(KeyCode::F(7)), label: "kill",
        help: "kill the casino; it restarts after 3 s",
        begun: "The casino was killed and restarts in 3 s from its ledger and log. All that it answered is stored; the rest is sent again with the same ID.",
        ended: None,
    },
    FaultSpec {
        fault: Fault::CrashPayments, name: "lab-payments", key: Key::new(KeyCode::F(8)), label: "payments",
        help: "crash the payments server; again: start it",
        begun: "The payments server has crashed. Trading goes on; only S, the statement, needs that server and fails. F8 starts it again.",
        ended: Some("The payments server runs again. The casino reconnects by itself: S shows your statement."),
    },
];

const WELCOME: &str = "A game with play money in a temporary folder. Buy tokens with t and stocks with b, then break something with F2 to F8.";

const KILLED_WITHOUT_ROOM: &str = "The casino was killed, and cannot start again while the disk is full: F6 makes room. What it answered is stored.";

impl Fault {
    /// Returns the fault of a fresh key press.
    pub(crate) fn by_key(key: Key) -> Option<Self> {
        let row = FAULTS.iter().find(|row| row.key == key);
        row.map(|row| row.fault)
    }
}

/// The faults so far, as the servers of the lab receive them. Counters count key presses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// Cuts of the connection.
    pub cuts: u32,
    /// The casino hangs.
    pub is_frozen: bool,
    /// Every byte is delayed.
    pub is_slow: bool,
    /// Presses that lose an answer; several before one is lost count as one.
    pub losses: u32,
    pub disk_full: bool,
    pub kills: u32,
    pub payments_down: bool,
}

impl Faults {
    /// Ends all lasting faults.
    #[must_use]
    pub fn ended(self) -> Self {
        Self {
            is_frozen: false,
            is_slow: false,
            disk_full: false,
            payments_down: false,
            ..self
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lab {
    faults: Faults,
    last: Option<Fault>,
    loses_next: bool,
    /// Time at which the stream was lost, until it is open again.
    lost_at: Option<UnixMillis>,
    /// How the game reconnected after the last fault.
    recovery: Option<String>,
}

impl Lab {
    /// Injects a fault or ends it, and returns all faults.
    pub(crate) fn toggle(&mut self, fault: Fault) -> Faults {
        let faults = &mut self.faults;
        match fault {
            Fault::Cut => faults.cuts = faults.cuts.wrapping_add(1),
            Fault::Freeze => faults.is_frozen = !faults.is_frozen,
            Fault::Delay => faults.is_slow = !faults.is_slow,
            Fault::LoseAnswer => {
                faults.losses = faults.losses.wrapping_add(1);
                self.loses_next = true;
            }
            Fault::FillDisk => faults.disk_full = !faults.disk_full,
            Fault::Kill => {
                faults.kills = faults.kills.wrapping_add(1);
                // The killed casino can no longer hang.
                faults.is_frozen = false;
            }
            Fault::CrashPayments => faults.payments_down = !faults.payments_down,
        }
        self.last = Some(fault);
        self.recovery = None;
        self.faults
    }

    /// Returns whether the fault lasts, or waits for an answer to lose.
    pub fn is_on(&self, fault: Fault) -> bool {
        match fault {
            Fault::Cut | Fault::Kill => false,
            Fault::Freeze => self.faults.is_frozen,
            Fault::Delay => self.faults.is_slow,
            Fault::LoseAnswer => self.loses_next,
            Fault::FillDisk => self.faults.disk_full,
            Fault::CrashPayments => self.faults.payments_down,
        }
    }

    /// Notes that the stream was lost with `waiting` orders.
    pub(crate) fn on_disconnect(&mut self, waiting: usize, now: UnixMillis) {
        self.lost_at.get_or_insert(now);
        if !matches!(self.last, Some(Fault::Cut | Fault::Kill)) && waiting > 0 {
            self.loses_next = false;
        }
    }

    /// Notes that the stream is open again, and that `resent` orders were sent again.
    pub(crate) fn on_open(&mut self, resent: usize, now: UnixMillis) {
        let resent = match resent {
            0 => "no order had to be sent again",
            1 => "the order without an answer was sent again with its ID, so it is executed at most once",
            _ => {
                "the orders without an answer were sent again with their IDs, so each is executed at most once"
            }
        };
        self.recovery = self.lost_at.take().map(|lost_at| {
            let ms = now.since_ms(lost_at);
            let (seconds, tenths) = (ms / 1000, ms % 1000 / 100);
            format!("The game is connected again after {seconds}.{tenths} s; {resent}.")
        });
    }

    /// Returns a sentence or two: what happened last, and what to watch.
    pub fn explanation(&self) -> String {
        if let Some(recovery) = &self.recovery {
            return recovery.clone();
        }
        let Some(spec) = FAULTS.iter().find(|row| self.last == Some(row.fault)) else {
            return WELCOME.to_owned();
        };
        if self.faults.disk_full && spec.fault == Fault::Kill {
            return KILLED_WITHOUT_ROOM.to_owned();
        }
        let text = match spec.ended {
            Some(ended) if !self.is_on(spec.fault) => ended,
            _ => spec.begun,
        };
        text.to_owned()
    }
}
