//! Long streams that nobody reads.
//!
//! A stream whose reader gives no room is not polled, and would stay open for ever; so it is looked at from outside
//! whether it goes on. Seats have their [audience](crate::table::Audience) for that. Here each
//! long answer has a task of its own: they are few.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use awesomestock_proto::serving::Line;
use tokio::time::sleep;
use tokio_stream::{Stream, StreamExt};

/// Looks within the longest time that nothing may be taken.
const LOOKS: u32 = 6;

/// `messages`, whose connection `line` is cut when none of them is taken for as long as `patience`.
pub(crate) fn watched<T>(
    messages: impl Stream<Item = T>,
    line: Option<Line>,
    patience: Duration,
) -> impl Stream<Item = T> {
    let taken = Arc::new(AtomicU64::new(0));
    if let Some(line) = line {
        let taken = Arc::downgrade(&taken);
        tokio::spawn(async move {
            if standstill(taken, patience).await {
                line.cut();
            }
        });
    }
    messages.map(move |message| {
        taken.fetch_add(1, Ordering::Relaxed);
        message
    })
}

/// Waits until nothing has been `taken` for as long as `patience`; `false` when the stream is gone before.
pub(crate) async fn standstill(taken: Weak<AtomicU64>, patience: Duration) -> bool {
    let look = patience.checked_div(LOOKS).unwrap_or_default();
    let (mut before, mut quiet) = (0, 0_u32);
    while quiet < LOOKS {
        sleep(look).await;
        let Some(taken) = taken.upgrade() else {
            return false;
        };
        let now = taken.load(Ordering::Relaxed);
        quiet = if now == before { quiet.saturating_add(1) } else { 0 };
        before = now;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn what_is_taken_slowly_goes_on_and_what_is_not_taken_does_not() {
        let taken = Arc::new(AtomicU64::new(0));
        let watching = tokio::spawn(standstill(Arc::downgrade(&taken), PATIENCE));
        for _ in 0..10 {
            sleep(PATIENCE * 4 / 5).await;
            taken.fetch_add(1, Ordering::Relaxed);
        }
        assert!(!watching.is_finished());
        assert!(watching.await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_has_ended_is_not_watched() {
        let taken = Arc::new(AtomicU64::new(0));
        let watching = tokio::spawn(standstill(Arc::downgrade(&taken), PATIENCE));
        drop(taken);
        assert!(!watching.await.unwrap());
    }
}
