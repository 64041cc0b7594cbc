//! The lobby feeds: trades, online players, leaderboard and headlines.
//!
//! The ledger's committer adds each committed batch to the pending updates without waiting. One task publishes them at most
//! ten times a second, encoded once for all sessions; a slow session skips to the newest message. Headlines are published
//! with their tick. Without subscribers the committer does nothing for the other lobby feeds.
//!
//! The leaderboard starts when it is first requested, and contains players who have traded: the top accounts of the ledger,
//! and those that changed since. In a [cluster], the top accounts are read periodically.

mod board;
pub(crate) mod cluster;
mod leaderboard;
mod pending;
mod presence;
mod trades;

pub(crate) mod encode;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use std::{future, mem};

use awesomestock_proto::capabilities::LobbyFeeds;
use tokio::time::{Instant, sleep, sleep_until};

use self::board::{FeedBoard, FeedMessage};
pub(crate) use self::board::{FeedSubscriber, RoundUpdate};
use self::leaderboard::{Leaderboard, RANKED_MAX};
pub(crate) use self::leaderboard::{LeaderboardSnapshot, Rank};
use self::pending::PendingUpdates;
pub(crate) use self::presence::PresenceGuard;
use self::presence::PresenceMap;
pub(crate) use self::trades::{TapeRow, TradeBatch};
use crate::domain::market::{Headline, Market, Tick};
use crate::store::lock;
use crate::store::reader::{StoreReader, until_read};

/// Maximum number of names in a message of online players.
const ONLINE_MAX: usize = 20;

/// Minimum time between two messages of the tape.
const TAPE_INTERVAL: Duration = Duration::from_millis(100);

/// Minimum time between two messages of the online players, and of the leaderboard.
const LOBBY_INTERVAL: Duration = Duration::from_secs(1);

/// The lobby feeds of a casino.
#[derive(Debug)]
pub(crate) struct FeedHub {
    /// The market at the start.
    pub(crate) market: Market,
    pending: PendingUpdates,
    board: FeedBoard,
    presence: PresenceMap,
    leaderboard: Mutex<Leaderboard>,
}

impl FeedHub {
    pub(crate) fn new(market: Market) -> Arc<Self> {
        let hub = Self {
            market,
            pending: PendingUpdates::default(),
            board: FeedBoard::default(),
            presence: PresenceMap::default(),
            leaderboard: Mutex::new(Leaderboard::new(market.current)),
        };
        if let Some(headline) = market.headline() {
            hub.publish_headline(headline);
        }
        Arc::new(hub)
    }

    fn publish_headline(&self, headline: Headline) {
        let encoded = FeedMessage::Encoded(encode::encode_headline(headline));
        self.board.news.send_replace(Some(encoded));
        self.board.subscribers.notify();
    }

    pub(crate) fn publish_round(&self, update: RoundUpdate) {
        self.board.rounds.send_replace(Some(FeedMessage::Round(update)));
        self.board.subscribers.notify();
    }

    /// Adds a committed tick, and publishes its headline if it has one.
    pub(crate) fn on_tick(&self, tick: Tick) {
        if self.is_ranking() {
            self.change_leaderboard(|leaderboard| leaderboard.tick = Some(tick));
        }
        let market = Market {
            current: tick,
            ..self.market
        };
        if let Some(headline) = market.headline().filter(|headline| headline.tick == tick.number) {
            self.publish_headline(headline);
        }
    }

    /// Returns `feeds` without those that this market does not have.
    pub(crate) fn available(&self, feeds: LobbyFeeds) -> LobbyFeeds {
        LobbyFeeds {
            news: feeds.news && self.market.has_news(),
            ..feeds
        }
    }

    /// Adds the top accounts of the ledger once the leaderboard is requested.
    pub(crate) async fn load_ranking(&self, reader: &StoreReader) -> Infallible {
        self.pending.ranking.wait().await;
        let price = self.leaderboard().tick.price;
        let read = || reader.read_page(move |reads| reads.top_accounts(RANKED_MAX, price));
        let top = until_read(read).await;
        self.change_leaderboard(|leaderboard| leaderboard.set_snapshot(top));
        future::pending().await
    }

    pub(crate) fn ranking(&self) -> Arc<LeaderboardSnapshot> {
        self.leaderboard().snapshot()
    }

    /// Locks the leaderboard after applying pending changes.
    fn leaderboard(&self) -> MutexGuard<'_, Leaderboard> {
        let mut leaderboard = lock(&self.leaderboard);
        leaderboard.apply(mem::take(&mut *lock(&self.pending.leaderboard)));
        leaderboard
    }

    /// Publishes pending updates at the rate of each feed.
    pub(crate) async fn run(&self) -> Infallible {
        let mut schedule = PublishSchedule::default();
        loop {
            let due = schedule.next_due();
            tokio::select! {
                () = self.pending.filled.notified() => {}
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
            }
            // Coalesces the updates of one interval.
            let next = sleep(TAPE_INTERVAL);
            self.publish(&mut schedule, Instant::now());
            next.await;
        }
    }

    fn publish(&self, schedule: &mut PublishSchedule, now: Instant) {
        let mut published = false;
        if let Some(batch) = lock(&self.pending.tape).take() {
            let tape = FeedMessage::Encoded(encode::encode_tape(&batch));
            self.board.tape.send_replace(Some(tape));
            published = true;
        }
        schedule.players.pending |= self.pending.presence_changed.swap(false, Ordering::AcqRel);
        if schedule.players.take_due(now) {
            let players = encode::encode_players(&self.presence.online(ONLINE_MAX));
            self.board
                .players
                .send_replace(Some(FeedMessage::Encoded(players)));
            published = true;
        }
        let mut leaderboard = self.leaderboard();
        schedule.leaderboard.pending = leaderboard.has_update;
        if schedule.leaderboard.take_due(now) {
            let snapshot = leaderboard.take_update();
            let ranking = FeedMessage::Leaderboard(encode::encode_top(&snapshot), snapshot);
            self.board.leaderboard.send_replace(Some(ranking));
            published = true;
        }
        drop(leaderboard);
        if published {
            self.board.subscribers.notify();
        }
    }
}

/// When the online players and the leaderboard are published next.
#[derive(Debug, Default)]
struct PublishSchedule {
    players: Throttle,
    leaderboard: Throttle,
}

#[derive(Debug)]
struct Throttle {
    pending: bool,
    /// The earliest time of the next message.
    next: Instant,
}

impl PublishSchedule {
    /// Returns the time of the next publication; `None` if nothing is pending.
    fn next_due(&self) -> Option<Instant> {
        let due = [&self.players, &self.leaderboard]
            .into_iter()
            .filter_map(Throttle::due);
        due.min()
    }
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            pending: false,
            next: Instant::now(),
        }
    }
}

impl Throttle {
    fn due(&self) -> Option<Instant> {
        self.pending.then_some(self.next)
    }

    /// Returns true if a message is due at `now`. The next one is due [`LOBBY_INTERVAL`] later.
    fn take_due(&mut self, now: Instant) -> bool {
        let is_due = self.due().is_some_and(|due| due <= now);
        if is_due {
            self.pending = false;
            self.next = now.checked_add(LOBBY_INTERVAL).unwrap_or(now);
        }
        is_due
    }
}
