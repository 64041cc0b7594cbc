//! The lobby feeds: trades, online players, leaderboard and headlines.
//!
//! The ledger's committer adds each committed batch to [`PendingUpdates`] without waiting. One task publishes them at most
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
use std::future;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use self::board::FeedBoard;
pub(crate) use self::board::{FeedSubscriber, RoundUpdate, SubscriberGroup};
use self::leaderboard::{Leaderboard, RANKED_MAX};
pub(crate) use self::leaderboard::{LeaderboardSnapshot, Rank};
use self::pending::PendingUpdates;
pub(crate) use self::presence::PresenceGuard;
use self::presence::PresenceMap;
pub(crate) use self::trades::{TapeRow, TradeBatch};
use crate::domain::market::{Headline, Market, Tick};
use crate::domain::order::AccountRecord;
use crate::domain::player::PlayerName;
use crate::domain::round::Round;
use crate::feed::capabilities::LobbyFeeds;
use crate::store::reader::{StoreReader, until_read};
use crate::store::{Batch, lock};

/// Maximum number of names in a message of online players.
const ONLINE_MAX: usize = 20;

/// Minimum time between two messages of the tape.
const TAPE_INTERVAL: Duration = Duration::from_millis(100);

/// Minimum time between two messages of the online players, and of the leaderboard.
const LOBBY_INTERVAL: Duration = Duration::from_secs(1);

/// The lobby feeds of a casino; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct FeedHub {
    /// The market at the start.
    market: Market,
    pending: Arc<PendingUpdates>,
    board: Arc<FeedBoard>,
    presence: Arc<PresenceMap>,
    leaderboard: Arc<Mutex<Leaderboard>>,
}

impl FeedHub {
    pub(crate) fn new(market: Market) -> Self {
        let pending = Arc::new(PendingUpdates::default());
        let hub = Self {
            market,
            presence: Arc::new(PresenceMap::new(Arc::clone(&pending))),
            pending,
            board: Arc::default(),
            leaderboard: Arc::new(Mutex::new(Leaderboard::new(market.current))),
        };
        if let Some(headline) = market.headline() {
            hub.publish_headline(headline);
        }
        hub
    }

    fn publish_headline(&self, headline: Headline) {
        let encoded = encode::encode_headline(headline);
        self.board.news.send_replace(Some(encoded));
        self.board.notify();
    }

    /// Adds a batch that was committed during `round`. Does nothing without subscribers.
    pub(crate) fn on_batch(&self, batch: &Batch, round: &Round) {
        self.pending.on_batch(batch, round);
    }

    /// Adds a committed tick, and publishes its headline if it has one.
    pub(crate) fn on_tick(&self, tick: Tick) {
        self.pending.on_tick(tick);
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

    /// Creates the subscriber group of one runtime, which has to [run](SubscriberGroup::run) it.
    pub(crate) fn subscriber_group(&self) -> Arc<SubscriberGroup> {
        self.board.group()
    }

    /// Lists a session as online until the guard is dropped; `player` is `None` for an anonymous one.
    pub(crate) fn join(&self, player: Option<PlayerName>) -> PresenceGuard {
        self.presence.join(player)
    }

    /// Subscribes a session to `feeds`; `None` if there are none. `round` is the open round of the session's wallet.
    pub(crate) fn subscribe(
        &self,
        group: &Arc<SubscriberGroup>,
        feeds: LobbyFeeds,
        player: Option<PlayerName>,
        round: Option<i64>,
    ) -> Option<FeedSubscriber> {
        let tape = feeds.tape.then(|| self.pending.subscribe_tape());
        (feeds != LobbyFeeds::default()).then(|| group.subscribe(feeds, player, tape, round))
    }

    /// Ranks the accounts of the `open` round, or the players' own ones.
    pub(crate) fn set_round(&self, open: Option<i64>) {
        self.start_ranking();
        self.pending.set_round(open);
    }

    /// Returns the number of the open round, if its accounts are ranked.
    fn round(&self) -> Option<i64> {
        self.leaderboard().round()
    }

    pub(crate) fn publish_round(&self, update: RoundUpdate) {
        self.board.rounds.send_replace(Some(update));
        self.board.notify();
    }

    /// Starts the leaderboard and adds the committed account, if it has traded.
    pub(crate) fn track(&self, player: &PlayerName, record: Option<&AccountRecord>) {
        self.start_ranking();
        if let Some(record) = record.filter(|record| record.trades > 0) {
            self.pending.rank(player, record.account);
        }
    }

    /// Starts the leaderboard.
    pub(crate) fn start_ranking(&self) {
        self.pending.start_ranking();
    }

    /// Adds the top accounts of the ledger once the leaderboard is requested.
    pub(crate) async fn load_ranking(&self, reader: &StoreReader) -> Infallible {
        self.pending.ranking_started().await;
        let price = self.leaderboard().price();
        let read = || reader.read_page(move |reads| reads.top_accounts(RANKED_MAX, price));
        let top = until_read(read).await;
        self.pending.set_top_accounts(top);
        future::pending().await
    }

    pub(crate) fn ranking(&self) -> Arc<LeaderboardSnapshot> {
        self.leaderboard().snapshot()
    }

    /// Locks the leaderboard after applying pending changes.
    fn leaderboard(&self) -> MutexGuard<'_, Leaderboard> {
        let mut leaderboard = lock(&self.leaderboard);
        leaderboard.apply(self.pending.take_leaderboard());
        leaderboard
    }

    /// Publishes pending updates at the rate of each feed.
    pub(crate) async fn run(&self) -> Infallible {
        let mut schedule = PublishSchedule::default();
        loop {
            let due = schedule.next_due();
            tokio::select! {
                () = self.pending.filled() => {}
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
            }
            // Coalesces the updates of one interval.
            if let Some(next) = schedule.tape.next_due() {
                sleep_until(next).await;
            }
            self.publish(&mut schedule, Instant::now());
        }
    }

    fn publish(&self, schedule: &mut PublishSchedule, now: Instant) {
        let mut published = false;
        schedule.tape.published(now);
        if let Some(batch) = self.pending.take_tape() {
            self.board.tape.send_replace(Some(encode::encode_tape(&batch)));
            published = true;
        }
        schedule.players.pending |= self.pending.take_presence_changed();
        if schedule.players.is_due(now) {
            schedule.players.published(now);
            let players = encode::encode_players(&self.presence.online(ONLINE_MAX));
            self.board.players.send_replace(Some(players));
            published = true;
        }
        let mut leaderboard = self.leaderboard();
        schedule.leaderboard.pending = leaderboard.has_update();
        if schedule.leaderboard.is_due(now) {
            schedule.leaderboard.published(now);
            let snapshot = leaderboard.take_update();
            let ranking = encode::encode_ranking(snapshot);
            self.board.leaderboard.send_replace(Some(ranking));
            published = true;
        }
        drop(leaderboard);
        if published {
            self.board.notify();
        }
    }
}

#[derive(Debug)]
struct PublishSchedule {
    tape: Throttle,
    players: Throttle,
    leaderboard: Throttle,
}

#[derive(Debug)]
struct Throttle {
    interval: Duration,
    last: Option<Instant>,
    pending: bool,
}

impl Default for PublishSchedule {
    fn default() -> Self {
        Self {
            tape: Throttle::new(TAPE_INTERVAL),
            players: Throttle::new(LOBBY_INTERVAL),
            leaderboard: Throttle::new(LOBBY_INTERVAL),
        }
    }
}

impl PublishSchedule {
    /// Returns the time of the next publication; `None` if nothing is pending.
    fn next_due(&self) -> Option<Instant> {
        let pending = [&self.players, &self.leaderboard]
            .into_iter()
            .filter(|throttle| throttle.pending);
        pending
            .map(|throttle| throttle.next_due().unwrap_or_else(Instant::now))
            .min()
    }
}

impl Throttle {
    fn new(interval: Duration) -> Self {
        Self {
            interval,
            last: None,
            pending: false,
        }
    }

    /// Returns the earliest time of the next publication; `None` before the first.
    fn next_due(&self) -> Option<Instant> {
        self.last?.checked_add(self.interval)
    }

    fn is_due(&self, now: Instant) -> bool {
        self.pending && self.next_due().is_none_or(|due| due <= now)
    }

    fn published(&mut self, now: Instant) {
        self.last = Some(now);
        self.pending = false;
    }
}
