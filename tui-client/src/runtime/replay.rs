//! The event loop of a replay: the viewer's keys, the time and the recording. It opens no connection.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::sync::mpsc;

use super::at;
use super::input::read_keys;
use super::signals::{self, Signal, Signals};
use super::terminal::TerminalGuard;
use crate::app::Event;
use crate::app::replay::Replay;
use crate::ui::frame_limiter::FrameLimiter;
use crate::ui::{FrameInfo, Renderer};

/// Events that may wait for the loop.
const EVENT_QUEUE: usize = 64;

/// Plays `replay` on the screen until the viewer leaves or a signal ends the process. The terminal is restored, also when
/// it fails because the terminal cannot be used.
pub async fn replay(mut replay: Replay, view: Renderer) -> Result<()> {
    let mut signals = Signals::listen().context("cannot listen to signals")?;
    let mut screen = TerminalGuard::enter().context("cannot set up the terminal")?;
    let (sender, mut events) = mpsc::channel(EVENT_QUEUE);
    let gone = read_keys(sender)?;
    let mut pace = FrameLimiter::new();
    let mut clock = Instant::now();
    loop {
        pass(&mut replay, &mut clock);
        if pace.is_due(Instant::now()) {
            pace.mark_drawn(Instant::now());
            let mut seen = FrameInfo::default();
            screen.draw(|frame| seen = view.draw_replay(&replay, frame))?;
            replay.set_scroll_range(seen.reach, seen.visible);
        }
        let change = replay
            .next_change_ms()
            .map(|ms| clock + Duration::from_millis(u64::try_from(ms).unwrap_or(0)));
        tokio::select! {
            biased;
            signal = signals.next() => match signal {
                Signal::Stop => return Ok(()),
                Signal::Resized => {}
                Signal::Continued | Signal::Suspend => {
                    let signal = screen.re_enter(signal, &mut signals).await;
                    if signal.context("cannot set up the terminal again")? == Signal::Stop {
                        return Ok(());
                    }
                }
            },
            event = events.recv() => match event {
                Some(Event::Key(key)) => {
                    pass(&mut replay, &mut clock);
                    if !replay.key(&key) {
                        return Ok(());
                    }
                }
                Some(_) => {}
                None => {
                    signals::end_by_hangup();
                    return gone.await;
                }
            },
            () = at(pace.next_frame(Instant::now())) => continue,
            () = at(change) => {}
        }
        pace.mark_changed();
    }
}

/// Advances the replay by the whole milliseconds since `clock`.
fn pass(replay: &mut Replay, clock: &mut Instant) {
    let elapsed_ms = u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX);
    *clock += Duration::from_millis(elapsed_ms);
    replay.advance(i64::try_from(elapsed_ms).unwrap_or(i64::MAX));
}
