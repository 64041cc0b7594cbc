//! The table's company: the tape of everybody's trades, who is seated, and who owns most.
//!
//! Owns what a seat is told of others, and how often. It decides nothing of the game and moves no money. What it tells
//! is on disk: the ledger's flusher leaves word of each batch in the [`inbox`](inbox::Inbox) once it is committed,
//! without waiting for anybody; one task takes it out, at most ten times a second, and posts the newest of each feed on
//! the [board](board), encoded once for all. Seats that asked for a feed read it there; a slow one skips to the newest.
//! While nobody has asked, the flusher does nothing for it.
//!
//! The leaderboard ranks whom it has heard of since it was first asked for: who sat down with it, paid or traded. It is
//! kept in memory, and a casino that starts again begins it anew. Where casinos share a ledger, the [exchange](exchange)
//! adds what the others know, and whoever owns most of all there are.

mod board;
mod exchange;
mod inbox;
mod seated;
mod standings;
mod tape;

#[cfg(test)]
mod tests;

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

use self::{board::Board, inbox::Inbox, seated::Register, standings::Standings};
pub(crate) use self::{
    board::{Gallery, Neighbour},
    exchange::Exchange,
    inbox::Witness,
    seated::{Elsewhere, Presence, Seated},
    standings::{Ranking, Standing},
    tape::{Row, Window},
};
use crate::{account::Account, feeds::CompanyFeeds, identity::PlayerName, market::Tick, wire};

/// Who is named of those seated.
const ONLINE_MAX: usize = 20;

/// Time between two messages of the tape.
const TAPE_PAUSE: Duration = Duration::from_millis(100);

/// Time between two messages of who is seated, and between two of the leaderboard.
const SLOW_PAUSE: Duration = Duration::from_secs(1);

/// A table's company, as all parts of the casino share it.
#[derive(Debug, Clone)]
pub(crate) struct Company {
    inbox: Arc<Inbox>,
    board: Arc<Board>,
    register: Arc<Register>,
    standings: Arc<Mutex<Standings>>,
}

impl Company {
    /// A table at `tick` where nobody is yet.
    pub(crate) fn new(tick: Tick) -> Self {
        let inbox = Arc::new(Inbox::default());
        Self {
            register: Arc::new(Register::new(Arc::clone(&inbox))),
            inbox,
            board: Arc::default(),
            standings: Arc::new(Mutex::new(Standings::new(tick))),
        }
    }

    /// Who tells of what has been committed.
    pub(crate) fn witness(&self) -> Witness {
        Witness::new(Arc::clone(&self.inbox))
    }

    /// Those who watch in one runtime, which has to [listen](Gallery::listen) for them.
    pub(crate) fn gallery(&self) -> Arc<Gallery> {
        self.board.gallery()
    }

    /// Enters a seat, of `player` if it says whose it is, for as long as what it gives is kept.
    pub(crate) fn enter(&self, player: Option<PlayerName>) -> Presence {
        self.register.enter(player)
    }

    /// One in `gallery` who is told of `feeds`; `None` for one who asked for none of them.
    pub(crate) fn neighbour(
        &self,
        gallery: &Arc<Gallery>,
        feeds: CompanyFeeds,
        player: Option<PlayerName>,
    ) -> Option<Neighbour> {
        let watched = feeds.tape.then(|| self.inbox.watch_tape());
        (feeds != CompanyFeeds::default()).then(|| gallery.neighbour(feeds, player, watched))
    }

    /// Ranks from now on, and among others `player`, who owns `account` on disk. Who never owned anything has no place.
    pub(crate) fn rank(&self, player: &PlayerName, account: &Account) {
        self.inbox.start_ranking();
        if account.version > 0 {
            self.inbox.rank(player, account);
        }
    }

    /// Ranks from now on.
    pub(crate) fn start_ranking(&self) {
        self.inbox.start_ranking();
    }

    /// The ranking as of now.
    pub(crate) fn ranking(&self) -> Arc<Ranking> {
        self.standings().ranking()
    }

    /// What everybody owns, as of now.
    fn standings(&self) -> MutexGuard<'_, Standings> {
        let mut standings = self.standings.lock().unwrap_or_else(PoisonError::into_inner);
        standings.hear(self.inbox.take_standings());
        standings
    }

    /// Posts on the board what is new, as often as each feed allows.
    pub(crate) async fn run(&self) -> Infallible {
        let mut pace = Pace::default();
        loop {
            let due = pace.next_due();
            tokio::select! {
                () = self.inbox.filled() => {}
                () = at(due) => {}
            }
            // What comes within a moment is told together.
            if let Some(moment) = pace.tape.not_before() {
                sleep_until(moment).await;
            }
            self.post(&mut pace, Instant::now());
        }
    }

    /// Takes out of the inbox what is there, and posts what may be posted `now`.
    fn post(&self, pace: &mut Pace, now: Instant) {
        let mut posted = false;
        pace.tape.posted(now);
        if let Some(window) = self.inbox.take_tape() {
            self.board.tape.put(wire::prepared_tape(&window));
            posted = true;
        }
        pace.players.pending |= self.inbox.take_changed_seats();
        if pace.players.is_due(now) {
            pace.players.posted(now);
            self.board.players.put(self.prepared_players());
            posted = true;
        }
        let mut standings = self.standings();
        pace.leaderboard.pending = standings.has_news();
        if pace.leaderboard.is_due(now) {
            pace.leaderboard.posted(now);
            let ranking = standings.news();
            self.board.leaderboard.put(wire::prepared_ranking(ranking));
            posted = true;
        }
        drop(standings);
        if posted {
            self.board.ring();
        }
    }

    fn prepared_players(&self) -> prost::bytes::Bytes {
        wire::prepared_players(&self.register.seated(ONLINE_MAX))
    }
}

/// When which feed may be posted again.
#[derive(Debug)]
struct Pace {
    tape: Beat,
    players: Beat,
    leaderboard: Beat,
}

/// Something that is posted now and then.
#[derive(Debug)]
struct Beat {
    pause: Duration,
    last: Option<Instant>,
    /// There is something to post.
    pending: bool,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            tape: Beat::every(TAPE_PAUSE),
            players: Beat::every(SLOW_PAUSE),
            leaderboard: Beat::every(SLOW_PAUSE),
        }
    }
}

impl Pace {
    /// When something that waits may be posted; `None` when nothing waits.
    fn next_due(&self) -> Option<Instant> {
        let due = |beat: &Beat| {
            beat.pending
                .then(|| beat.not_before().unwrap_or_else(Instant::now))
        };
        due(&self.players).into_iter().chain(due(&self.leaderboard)).min()
    }
}

impl Beat {
    fn every(pause: Duration) -> Self {
        Self {
            pause,
            last: None,
            pending: false,
        }
    }

    /// Nothing is posted before; `None`: at once.
    fn not_before(&self) -> Option<Instant> {
        self.last?.checked_add(self.pause)
    }

    fn is_due(&self, now: Instant) -> bool {
        self.pending && self.not_before().is_none_or(|due| due <= now)
    }

    fn posted(&mut self, now: Instant) {
        self.last = Some(now);
        self.pending = false;
    }
}

/// Waits until `due`; for ever when nothing is.
async fn at(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
