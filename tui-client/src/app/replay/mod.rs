//! Replays a recorded session through the reducer. The effects of the recording are not run.

mod encode;
mod pane;
mod steps;
mod words;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use self::encode::Encoder;
use self::steps::{changes, describe_effects, describe_event, facts};
use super::{AppState, Effect, Event, SessionInfo, Settings, update};
use crate::app::portfolio::money::UnixMillis;
use crate::app::wire::{MAX_ROWS, PaneView, ReducerStep, WireEvent, WireFrame, is_result, push_newest};

pub(crate) const MAX_SPEED: u32 = 1000;

/// Distance of a seek, in milliseconds of the recording.
const SEEK_MS: i64 = 5_000;

/// A recorded session.
#[derive(Debug, Clone)]
pub struct Recording {
    /// The player and the server.
    pub info: SessionInfo,
    pub settings: Settings,
    /// Columns and rows at the start.
    pub size: (u16, u16),
    pub start: UnixMillis,
    /// Events with their times, in the order of arrival.
    pub events: Vec<(UnixMillis, Event)>,
    /// The session went on after the recording ended.
    pub(crate) cut_off: bool,
    /// The last line was incomplete and is left out.
    pub is_torn: bool,
}

impl Recording {
    fn beginning(&self) -> AppState {
        AppState::with_settings(self.settings.clone(), self.info.clone(), self.size, self.start).0
    }

    /// Returns the state after the last event.
    pub fn end(&self) -> AppState {
        let mut state = self.beginning();
        for (at, event) in &self.events {
            update(&mut state, *at, event.clone());
        }
        state
    }
}

/// Progress of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    pub(crate) at_ms: i64,
    pub(crate) length_ms: i64,
    /// Playback speed: 1 is real time.
    pub speed: u32,
    pub(crate) is_paused: bool,
    pub is_over: bool,
    /// The session went on after the recording ended.
    pub(crate) cut_off: bool,
}

/// A recording and its playback position.
#[derive(Debug, Clone)]
pub struct Replay {
    recording: Recording,
    /// Time of each event in milliseconds from the start. Never decreases, even if the recorded clock did.
    due_ms: Vec<i64>,
    played: usize,
    at_ms: i64,
    speed: u32,
    is_paused: bool,
    state: AppState,
    /// The wire pane as the viewer opened it; `None`: as the recorded player did.
    viewer: Option<PaneView>,
    /// The wire pane of the recorded player.
    recorded: PaneView,
    /// The viewer has opened a row. The replay is paused meanwhile.
    row_is_open: bool,
    encoder: Encoder,
    /// Highest scroll position of the open row, and visible lines of it or of the pane; known after drawing.
    reach: usize,
    visible: usize,
}

impl Replay {
    /// Returns a replay at its start. `speed` is clamped to 1..=`MAX_SPEED`.
    pub fn new(recording: Recording, speed: u32) -> Self {
        let latest = recording.events.iter().scan(0, |latest, (at, _)| {
            *latest = at.since_ms(recording.start).max(*latest);
            Some(*latest)
        });
        let mut replay = Self {
            due_ms: latest.collect(),
            played: 0,
            at_ms: 0,
            speed: speed.clamp(1, MAX_SPEED),
            is_paused: false,
            state: recording.beginning(),
            viewer: None,
            recorded: PaneView::default(),
            row_is_open: false,
            encoder: Encoder::default(),
            reach: 0,
            visible: 0,
            recording,
        };
        replay.restart();
        replay
    }

    /// Returns the state at the current position.
    pub fn state(&self) -> &AppState {
        &self.state
    }

    pub fn position(&self) -> Position {
        Position {
            at_ms: self.at_ms,
            length_ms: self.length_ms(),
            speed: self.speed,
            is_paused: self.is_paused,
            is_over: self.is_over(),
            cut_off: self.recording.cut_off,
        }
    }

    /// Advances by `elapsed_ms` of real time.
    pub fn advance(&mut self, elapsed_ms: i64) {
        if !self.is_paused {
            let ms = elapsed_ms.max(0).saturating_mul(i64::from(self.speed));
            self.play_to(self.at_ms.saturating_add(ms));
        }
    }

    /// Returns the real time in milliseconds until the screen changes; `None` if it does not.
    pub(crate) fn next_change_ms(&self) -> Option<i64> {
        if self.is_paused || self.is_over() {
            return None;
        }
        let next_event = self.next_event_ms().unwrap_or(i64::MAX);
        let next_second = self.at_ms.saturating_add(1000).saturating_sub(self.at_ms % 1000);
        let left_ms = next_event.min(next_second).saturating_sub(self.at_ms).max(0);
        let speed = i64::from(self.speed);
        left_ms.saturating_add(speed.saturating_sub(1)).checked_div(speed)
    }

    /// Returns the time of the next event in milliseconds from the start; `None` after the last one.
    pub(crate) fn next_event_ms(&self) -> Option<i64> {
        self.due_ms.get(self.played).copied()
    }

    /// Handles a key; returns `false` to quit.
    pub fn key(&mut self, key: &KeyEvent) -> bool {
        if key.kind == KeyEventKind::Release {
            return true;
        }
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if ctrl => return false,
            _ if self.pane_key(key.code) => {}
            KeyCode::Char('q') => return false,
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

    /// Seeks to a position. Going back replays from the start, because states are not kept.
    fn seek(&mut self, to_ms: i64) {
        let to_ms = to_ms.max(0);
        if to_ms < self.at_ms {
            self.restart();
        }
        self.play_to(to_ms);
    }

    fn restart(&mut self) {
        self.state = self.recording.beginning();
        self.played = 0;
        self.at_ms = 0;
        self.encoder = Encoder::default();
        self.state.wire.is_replay = true;
        self.state.wire.collects |= self.viewer.is_some();
        self.recorded = self.state.wire.view;
        self.show_viewer_pane();
        let opening = [Effect::Connect { after_ms: 0 }];
        self.push_sent(self.recording.start, &opening);
    }

    /// Plays exactly the first `events` events.
    fn play_events(&mut self, events: usize) {
        if events < self.played {
            self.restart();
        }
        while self.played < events && self.apply_next(events).is_some() {}
        let last = self.played.checked_sub(1);
        let at_ms = last.and_then(|last| self.due_ms.get(last).copied());
        self.at_ms = at_ms.unwrap_or(0);
    }

    /// Applies the next event. Steps of the reducer are kept of the last ones before `target` only.
    fn apply_next(&mut self, target: usize) -> Option<()> {
        let (at, event) = self.recording.events.get(self.played)?;
        let (at, event) = (*at, event.clone());
        self.played = self.played.saturating_add(1);
        if let Some(received) = self.encoder.received(&event) {
            self.push_wire(at, received);
        }
        let is_kept = self.state.wire.collects && target.saturating_sub(self.played) < MAX_ROWS;
        let step = is_kept.then(|| (facts(&self.state), describe_event(&event)));
        // The recorded keys are for the recorded pane.
        self.state.wire.view = self.recorded;
        let effects = update(&mut self.state, at, event);
        self.recorded = self.state.wire.view;
        self.push_sent(at, &effects);
        if let Some((before, (event, content))) = step {
            let step = ReducerStep {
                number: u64::try_from(self.played).unwrap_or(u64::MAX),
                at,
                event,
                content,
                changes: changes(before, facts(&self.state)),
                effects: describe_effects(&effects),
            };
            push_newest(&mut self.state.wire.steps, step);
        }
        self.show_viewer_pane();
        Some(())
    }

    fn push_sent(&mut self, at: UnixMillis, effects: &[Effect]) {
        for effect in effects {
            if let Some(sent) = self.encoder.sent(&self.recording.info.player, effect) {
                self.push_wire(at, sent);
            }
        }
    }

    fn push_wire(&mut self, at: UnixMillis, frame: WireFrame) {
        // As in the game: before the pane is opened, only what orders need.
        let is_kept = match &frame {
            WireFrame::Received(message) => is_result(&message.kept),
            _ => true,
        };
        if self.state.wire.collects || is_kept {
            self.state.wire.push(WireEvent {
                at_us: at.0.saturating_mul(1_000),
                frame,
                missed: 0,
            });
        }
    }

    /// Applies the events up to `to_ms` milliseconds from the start. Does not go back.
    pub(crate) fn play_to(&mut self, to_ms: i64) {
        self.at_ms = to_ms.min(self.length_ms());
        let target = self.due_ms.partition_point(|due| *due <= self.at_ms);
        while self.played < target && self.apply_next(target).is_some() {}
    }

    fn length_ms(&self) -> i64 {
        self.due_ms.last().copied().unwrap_or(0)
    }

    fn is_over(&self) -> bool {
        self.at_ms >= self.length_ms() && self.played == self.recording.events.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::event::StreamEvent;
    use crate::testkit::without_wire;

    const START: UnixMillis = UnixMillis(1_700_000_000_000);

    /// Returns a recording of key presses at these milliseconds.
    fn recording(moments: &[i64]) -> Recording {
        let up = Event::Key(KeyEvent::new(KeyCode::Up, KeyModifiers::NONE));
        Recording {
            info: SessionInfo::new("ann", "solo"),
            settings: Settings::default(),
            size: (80, 24),
            start: START,
            events: moments
                .iter()
                .map(|ms| (START.plus_ms(*ms), up.clone()))
                .collect(),
            cut_off: false,
            is_torn: false,
        }
    }

    fn press(replay: &mut Replay, code: KeyCode) {
        assert!(replay.key(&KeyEvent::new(code, KeyModifiers::NONE)));
    }

    #[test]
    fn time_passes_at_the_speed_that_is_set() {
        let mut replay = Replay::new(recording(&[0, 900, 1_700, 9_000]), 1);
        assert_eq!(replay.next_change_ms(), Some(0));
        replay.advance(0);
        assert_eq!((replay.played, replay.next_change_ms()), (1, Some(900)));
        replay.advance(900);
        assert_eq!((replay.played, replay.next_change_ms()), (2, Some(100)));
        press(&mut replay, KeyCode::Char('+'));
        press(&mut replay, KeyCode::Char('='));
        replay.advance(200);
        assert_eq!((replay.played, replay.position().at_ms), (3, 1_700));
        press(&mut replay, KeyCode::Char('-'));
        press(&mut replay, KeyCode::Char(' '));
        replay.advance(1_000_000);
        assert_eq!((replay.position().at_ms, replay.next_change_ms()), (1_700, None));
        press(&mut replay, KeyCode::Char(' '));
        replay.advance(1_000_000);
        assert!(replay.position().is_over && replay.next_change_ms().is_none());
        assert_eq!(replay.position().at_ms, 9_000);
    }

    #[test]
    fn seeking_ends_in_the_state_that_playing_ends_in() {
        let recording = recording(&[0, 1_000, 4_000, 6_000, 11_000]);
        let mut replay = Replay::new(recording.clone(), 1);
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
            let mut straight = Replay::new(recording.clone(), 1);
            straight.advance(at_ms);
            assert_eq!(without_wire(replay.state()), without_wire(straight.state()));
        }
        assert_eq!(without_wire(replay.state()), without_wire(&recording.end()));
    }

    #[test]
    fn quitting_ends_an_open_stream_and_no_other() {
        let quit = Event::Key(KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE));
        let opened = Event::Stream(StreamEvent::Opened {
            extended: true,
            ids: true,
        });
        let lost = Event::Stream(StreamEvent::Closed("lost".to_owned()));
        for (events, is_closed) in [
            (vec![opened.clone(), quit.clone()], true),
            (vec![opened, lost, quit.clone()], false),
            (vec![quit], false),
        ] {
            let mut recording = recording(&[]);
            recording.events = events.into_iter().map(|event| (START, event)).collect();
            let mut replay = Replay::new(recording, 1);
            replay.open_wire();
            replay.advance(0);
            let mut rows = replay.state().wire.log.rows();
            assert_eq!(rows.any(|row| row.frame == WireFrame::HalfClosed), is_closed);
        }
    }

    #[test]
    fn a_clock_that_was_set_back_keeps_the_order() {
        let mut replay = Replay::new(recording(&[5_000, -70_000, 1_000, 6_000]), 1);
        replay.advance(5_000);
        assert_eq!((replay.played, replay.position().length_ms), (3, 6_000));
    }

    #[test]
    fn a_recording_without_events_is_over_at_once() {
        let replay = Replay::new(recording(&[]), 0);
        assert!(replay.position().is_over && replay.next_change_ms().is_none());
        assert_eq!(replay.position().speed, 1);
    }

    #[test]
    fn q_and_ctrl_c_leave_and_esc_closes_only_the_wire() {
        let mut replay = Replay::new(recording(&[1]), 1);
        press(&mut replay, KeyCode::Esc);
        press(&mut replay, KeyCode::Char('W'));
        assert!(replay.state().wire.view.is_open);
        press(&mut replay, KeyCode::Esc);
        assert!(!replay.state().wire.view.is_open);
        let keys = [
            KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE),
            KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL),
        ];
        for key in keys {
            assert!(!replay.key(&key), "{key:?}");
        }
    }
}
