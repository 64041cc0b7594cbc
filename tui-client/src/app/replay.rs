//! A recorded session, played again through the same reducer.
//!
//! Owns where the replay is, its speed, and its keys. It knows no clock: how much time has passed comes in. What the
//! game asked for then is asked for again and carried out by nobody.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{AppState, Event, Seat, Settings, money::UnixMs, update};

/// The highest speed.
pub const MAX_SPEED: u32 = 1000;

/// How far the arrows go, in milliseconds of the recording.
const SEEK_MS: i64 = 5_000;

/// What was recorded of a session.
#[derive(Debug, Clone)]
pub struct Tape {
    /// Who played, and where.
    pub seat: Seat,
    /// How they wanted the game.
    pub settings: Settings,
    /// Columns and rows at the start.
    pub size: (u16, u16),
    /// When it began.
    pub start: UnixMs,
    /// Everything that happened, and when, in the order in which it was told to the game.
    pub events: Vec<(UnixMs, Event)>,
    /// The session went on: the recording had reached its bound.
    pub cut_off: bool,
}

impl Tape {
    /// The state before anything happened.
    fn beginning(&self) -> AppState {
        AppState::with(self.settings.clone(), self.seat.clone(), self.size, self.start).0
    }

    /// The state after everything that happened.
    #[must_use]
    pub fn end(&self) -> AppState {
        let mut state = self.beginning();
        for (at, event) in &self.events {
            update(&mut state, *at, event.clone());
        }
        state
    }
}

/// Where a replay is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Milliseconds of the recording that have been played.
    pub at_ms: i64,
    /// Milliseconds it has.
    pub length_ms: i64,
    /// So many times as fast as it was.
    pub speed: u32,
    /// It stands still until somebody goes on.
    pub is_paused: bool,
    /// Nothing more comes.
    pub is_over: bool,
    /// The session went on when the recording ended.
    pub cut_off: bool,
}

/// A tape and where it is.
#[derive(Debug, Clone)]
pub struct Replay {
    tape: Tape,
    /// When each event comes, in milliseconds from the start: never before the one before it, whatever the clock did.
    due_ms: Vec<i64>,
    /// Events that have been played.
    played: usize,
    at_ms: i64,
    speed: u32,
    is_paused: bool,
    state: AppState,
}

impl Replay {
    /// A replay at its start. `speed` is brought into 1 to [`MAX_SPEED`].
    #[must_use]
    pub fn new(tape: Tape, speed: u32) -> Self {
        let latest = tape.events.iter().scan(0, |latest, (at, _)| {
            *latest = at.since_ms(tape.start).max(*latest);
            Some(*latest)
        });
        Self {
            due_ms: latest.collect(),
            played: 0,
            at_ms: 0,
            speed: speed.clamp(1, MAX_SPEED),
            is_paused: false,
            state: tape.beginning(),
            tape,
        }
    }

    /// The game as it stood then.
    #[must_use]
    pub fn state(&self) -> &AppState {
        &self.state
    }

    /// Where it is.
    #[must_use]
    pub fn position(&self) -> Position {
        Position {
            at_ms: self.at_ms,
            length_ms: self.length_ms(),
            speed: self.speed,
            is_paused: self.is_paused,
            is_over: self.is_over(),
            cut_off: self.tape.cut_off,
        }
    }

    /// Goes on by so much time of the viewer's.
    pub fn pass(&mut self, elapsed_ms: i64) {
        if !self.is_paused {
            let ms = elapsed_ms.max(0).saturating_mul(i64::from(self.speed));
            self.play_to(self.at_ms.saturating_add(ms));
        }
    }

    /// How many milliseconds of the viewer's time until the picture changes; `None` while it stands still.
    #[must_use]
    pub fn next_change_ms(&self) -> Option<i64> {
        if self.is_paused || self.is_over() {
            return None;
        }
        let next_event = self.due_ms.get(self.played).copied().unwrap_or(i64::MAX);
        let second = self
            .at_ms
            .checked_div(1000)?
            .saturating_add(1)
            .saturating_mul(1000);
        let left_ms = next_event.min(second).saturating_sub(self.at_ms).max(0);
        let speed = i64::from(self.speed);
        left_ms.saturating_add(speed.saturating_sub(1)).checked_div(speed)
    }

    /// Takes a key of the viewer; `false`: they leave.
    pub fn key(&mut self, key: &KeyEvent) -> bool {
        if key.kind == KeyEventKind::Release {
            return true;
        }
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if ctrl => return false,
            KeyCode::Char('q') | KeyCode::Esc => return false,
            KeyCode::Char(' ') => self.is_paused = !self.is_paused,
            KeyCode::Char('+' | '=') => self.speed = self.speed.saturating_mul(2).min(MAX_SPEED),
            KeyCode::Char('-') => self.speed = self.speed.checked_div(2).unwrap_or(1).max(1),
            KeyCode::Left => self.seek(self.at_ms.saturating_sub(SEEK_MS)),
            KeyCode::Right => self.seek(self.at_ms.saturating_add(SEEK_MS)),
            KeyCode::Home => self.seek(0),
            KeyCode::End => self.seek(self.length_ms()),
            _ => {}
        }
        true
    }

    /// Goes to a moment of the recording: back means from the start again, as states are not kept.
    fn seek(&mut self, to_ms: i64) {
        let to_ms = to_ms.max(0);
        if to_ms < self.at_ms {
            self.state = self.tape.beginning();
            self.played = 0;
            self.at_ms = 0;
        }
        self.play_to(to_ms);
    }

    fn play_to(&mut self, to_ms: i64) {
        self.at_ms = to_ms.min(self.length_ms());
        let coming = self.due_ms.iter().zip(&self.tape.events).skip(self.played);
        for (_, (at, event)) in coming.take_while(|(due, _)| **due <= self.at_ms) {
            update(&mut self.state, *at, event.clone());
            self.played = self.played.saturating_add(1);
        }
    }

    fn length_ms(&self) -> i64 {
        self.due_ms.last().copied().unwrap_or(0)
    }

    fn is_over(&self) -> bool {
        self.at_ms >= self.length_ms() && self.played == self.tape.events.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: UnixMs = UnixMs(1_700_000_000_000);

    /// Keys at these milliseconds: each puts a stock more on the ticket.
    fn tape(moments: &[i64]) -> Tape {
        let up = Event::Key(KeyEvent::new(KeyCode::Up, KeyModifiers::NONE));
        Tape {
            seat: Seat {
                player: "ann".to_owned(),
                table: "solo".to_owned(),
            },
            settings: Settings::default(),
            size: (80, 24),
            start: START,
            events: moments
                .iter()
                .map(|ms| (START.plus_ms(*ms), up.clone()))
                .collect(),
            cut_off: false,
        }
    }

    fn press(replay: &mut Replay, code: KeyCode) {
        assert!(replay.key(&KeyEvent::new(code, KeyModifiers::NONE)));
    }

    #[test]
    fn time_passes_at_the_speed_that_is_set() {
        let mut replay = Replay::new(tape(&[0, 900, 1_700, 9_000]), 1);
        assert_eq!(replay.next_change_ms(), Some(0));
        replay.pass(0);
        assert_eq!((replay.played, replay.next_change_ms()), (1, Some(900)));
        replay.pass(900);
        assert_eq!((replay.played, replay.next_change_ms()), (2, Some(100)));
        press(&mut replay, KeyCode::Char('+'));
        press(&mut replay, KeyCode::Char('='));
        replay.pass(200);
        assert_eq!((replay.played, replay.position().at_ms), (3, 1_700));
        press(&mut replay, KeyCode::Char('-'));
        press(&mut replay, KeyCode::Char(' '));
        replay.pass(1_000_000);
        assert_eq!((replay.position().at_ms, replay.next_change_ms()), (1_700, None));
        press(&mut replay, KeyCode::Char(' '));
        replay.pass(1_000_000);
        assert!(replay.position().is_over && replay.next_change_ms().is_none());
        assert_eq!(replay.position().at_ms, 9_000);
    }

    #[test]
    fn seeking_ends_in_the_state_that_playing_ends_in() {
        let tape = tape(&[0, 1_000, 4_000, 6_000, 11_000]);
        let mut replay = Replay::new(tape.clone(), 1);
        let keys = [
            (KeyCode::Right, 5_000, 3),
            (KeyCode::Right, 10_000, 4),
            (KeyCode::Left, 5_000, 3),
            (KeyCode::Right, 10_000, 4),
            (KeyCode::Right, 11_000, 5),
            (KeyCode::Home, 0, 1),
            (KeyCode::Left, 0, 1),
            (KeyCode::End, 11_000, 5),
        ];
        for (code, at_ms, played) in keys {
            press(&mut replay, code);
            assert_eq!(
                (replay.position().at_ms, replay.played),
                (at_ms, played),
                "{code:?}"
            );
            let mut straight = Replay::new(tape.clone(), 1);
            straight.pass(at_ms);
            assert_eq!(format!("{:?}", replay.state()), format!("{:?}", straight.state()));
        }
        assert_eq!(format!("{:?}", replay.state()), format!("{:?}", tape.end()));
    }

    #[test]
    fn a_clock_that_was_set_back_keeps_the_order() {
        let mut replay = Replay::new(tape(&[5_000, -70_000, 1_000, 6_000]), 1);
        replay.pass(5_000);
        assert_eq!((replay.played, replay.position().length_ms), (3, 6_000));
    }

    #[test]
    fn a_tape_without_events_is_over_at_once() {
        let replay = Replay::new(tape(&[]), 0);
        assert!(replay.position().is_over && replay.next_change_ms().is_none());
        assert_eq!(replay.position().speed, 1);
    }

    #[test]
    fn leaving_is_a_key_of_its_own() {
        let mut replay = Replay::new(tape(&[1]), 1);
        let keys = [
            KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE),
            KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE),
            KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL),
        ];
        for key in keys {
            assert!(!replay.key(&key), "{key:?}");
        }
    }
}
