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
        let start = Instant::now();
        let mut schedule = PublishSchedule {
            players: start,
            leaderboard: start,
        };
        loop {
            let due = self.next_due(&schedule);
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

    /// Returns when the next postponed message is due; `None` if none is postponed.
    fn next_due(&self, schedule: &PublishSchedule) -> Option<Instant> {
        let players = self.pending.presence_changed.load(Ordering::Acquire);
        let leaderboard = lock(&self.leaderboard).has_update;
        let due = [(players, schedule.players), (leaderboard, schedule.leaderboard)];
        due.into_iter()
            .filter_map(|(waits, next)| waits.then_some(next))
            .min()
    }

    fn publish(&self, schedule: &mut PublishSchedule, now: Instant) {
        let next = now.checked_add(LOBBY_INTERVAL).unwrap_or(now);
        let mut published = false;
        if let Some(batch) = lock(&self.pending.tape).take() {
            let tape = FeedMessage::Encoded(encode::encode_tape(&batch));
            self.board.tape.send_replace(Some(tape));
            published = true;
        }
        if schedule.players <= now && self.pending.presence_changed.swap(false, Ordering::AcqRel) {
            schedule.players = next;
            let players = encode::encode_players(&self.presence.online(ONLINE_MAX));
            self.board
                .players
                .send_replace(Some(FeedMessage::Encoded(players)));
            published = true;
        }
        let mut leaderboard = self.leaderboard();
        if schedule.leaderboard <= now && leaderboard.has_update {
            schedule.leaderboard = next;
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

/// The earliest times of the next message of the online players, and of the leaderboard.
#[derive(Debug)]
struct PublishSchedule {
    players: Instant,
    leaderboard: Instant,
}
