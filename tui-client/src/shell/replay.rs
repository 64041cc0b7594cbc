//! A recorded session on the screen: the loop between time, the viewer's keys and the replay.
//!
//! Owns the order of things, as the loop of a game does. It reaches no casino.

use std::time::{Duration, Instant};

use color_eyre::eyre::{Result, WrapErr};
use tokio::sync::mpsc;

use super::{
    at,
    keys::Keys,
    pace::Pace,
    signals::{Signal, Signals},
    terminal::Screen,
};
use crate::{
    app::{Event, replay::Replay},
    ui::View,
};

/// Events that may wait for the loop.
const EVENT_QUEUE: usize = 64;

/// Plays `replay` on the screen until the viewer leaves or the process is told to end.
///
/// # Errors
///
/// When the terminal cannot be used. It is whole again by then.
pub async fn replay(mut replay: Replay, view: View) -> Result<()> {
    let mut signals = Signals::listen().wrap_err("cannot listen to signals")?;
    let mut screen = Screen::take().wrap_err("cannot take the terminal")?;
    let (sender, mut events) = mpsc::channel(EVENT_QUEUE);
    let keys = Keys::read(sender).wrap_err("cannot start to read keys")?;
    let gone = keys.gone();
    tokio::pin!(gone);
    let mut pace = Pace::new();
    let mut clock = Instant::now();
    loop {
        pass(&mut replay, &mut clock);
        if pace.is_due(Instant::now()) {
            pace.note_frame(Instant::now());
            screen
                .draw(|frame| view.draw_replay(&replay, frame))
                .wrap_err("cannot draw on the terminal")?;
        }
        let change = replay
            .next_change_ms()
            .map(|ms| clock + Duration::from_millis(u64::try_from(ms).unwrap_or(0)));
        tokio::select! {
            biased;
            signal = signals.next() => match signal {
                Signal::Stop => return Ok(()),
                Signal::Continued => screen.retake().wrap_err("cannot take the terminal again")?,
            },
            event = events.recv() => match event {
                Some(Event::Key(key)) => {
                    pass(&mut replay, &mut clock);
                    if !replay.key(&key) {
                        return Ok(());
                    }
                }
                Some(_) => {}
                None => return gone.await,
            },
            () = at(pace.next_frame(Instant::now())) => continue,
            () = at(change) => {}
        }
        pace.note_change();
    }
}

/// Lets the time that has passed since `clock` pass in the replay. What is less than a millisecond is left for later.
fn pass(replay: &mut Replay, clock: &mut Instant) {
    let elapsed_ms = u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX);
    *clock += Duration::from_millis(elapsed_ms);
    replay.pass(i64::try_from(elapsed_ms).unwrap_or(i64::MAX));
}
