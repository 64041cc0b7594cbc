//! The newest message of each lobby feed, and its subscribers. An update wakes subscribers of the lobby feeds only.

use std::convert::Infallible;
use std::mem;
use std::sync::{Arc, Mutex, Weak};
use std::task::Context;

use awesomestock_proto::frame::{GambleFrame, SharedEncoding};
use tokio::sync::{Notify, watch};

use super::pending::TapeSubscription;
use crate::config::clock::Clock;
use crate::domain::player::PlayerName;
use crate::domain::round::{Round, RoundResult};
use crate::feed::capabilities::LobbyFeeds;
use crate::feed::lobby::encode::{self, EncodedLeaderboard};
use crate::feed::waker_set::WakerSet;
use crate::store::lock;

/// The state of the round, encoded when it is sent: the time left differs.
#[derive(Debug, Clone)]
pub(crate) struct RoundUpdate {
    pub(crate) round: Arc<Round>,
    /// After the end.
    pub(crate) podium: Vec<RoundResult>,
    pub(crate) clock: Clock,
}

/// The newest message of each feed; `None` before the first.
#[derive(Debug, Default)]
pub(super) struct FeedBoard {
    pub(super) tape: watch::Sender<Option<SharedEncoding>>,
    pub(super) players: watch::Sender<Option<SharedEncoding>>,
    pub(super) leaderboard: watch::Sender<Option<EncodedLeaderboard>>,
    pub(super) news: watch::Sender<Option<SharedEncoding>>,
    pub(super) rounds: watch::Sender<Option<RoundUpdate>>,
    groups: Mutex<Vec<Weak<SubscriberGroup>>>,
}

impl FeedBoard {
    /// Creates the subscriber group of one runtime.
    pub(super) fn group(self: &Arc<Self>) -> Arc<SubscriberGroup> {
        let group = Arc::new(SubscriberGroup {
            board: Arc::clone(self),
            notify: Notify::new(),
            wakers: Mutex::default(),
        });
        let mut groups = lock(&self.groups);
        groups.retain(|group| group.strong_count() > 0);
        groups.push(Arc::downgrade(&group));
        group
    }

    /// Notifies all groups of a published message.
    pub(super) fn notify(&self) {
        for group in lock(&self.groups).iter().filter_map(Weak::upgrade) {
            group.notify.notify_one();
        }
    }
}

/// The subscribers of one runtime.
#[derive(Debug)]
pub(crate) struct SubscriberGroup {
    board: Arc<FeedBoard>,
    notify: Notify,
    wakers: Mutex<WakerSet>,
}

impl SubscriberGroup {
    /// Wakes the subscribers of each notification; must run in their runtime.
    pub(crate) async fn run(&self) -> Infallible {
        loop {
            self.notify.notified().await;
            lock(&self.wakers).wake_all();
        }
    }

    pub(super) fn subscribe(
        self: &Arc<Self>,
        feeds: LobbyFeeds,
        player: Option<PlayerName>,
        tape: Option<TapeSubscription>,
        round: Option<i64>,
    ) -> FeedSubscriber {
        FeedSubscriber {
            rounds: feeds.rounds.then(|| subscribe(&self.board.rounds)),
            round,
            has_other_account: false,
            tape: feeds.tape.then(|| subscribe(&self.board.tape)),
            players: feeds.players.then(|| subscribe(&self.board.players)),
            leaderboard: feeds.leaderboard.then(|| subscribe(&self.board.leaderboard)),
            news: feeds.news.then(|| subscribe(&self.board.news)),
            group: Arc::clone(self),
            player,
            _tape: tape,
            slot: None,
        }
    }
}

/// A session's subscription to lobby feeds.
#[derive(Debug)]
pub(crate) struct FeedSubscriber {
    group: Arc<SubscriberGroup>,
    tape: Option<watch::Receiver<Option<SharedEncoding>>>,
    players: Option<watch::Receiver<Option<SharedEncoding>>>,
    leaderboard: Option<watch::Receiver<Option<EncodedLeaderboard>>>,
    news: Option<watch::Receiver<Option<SharedEncoding>>>,
    rounds: Option<watch::Receiver<Option<RoundUpdate>>>,
    /// The open round last sent.
    round: Option<i64>,
    /// A round has started or ended since [`Self::take_other_account`].
    has_other_account: bool,
    /// The player whose rank is added to the leaderboard.
    player: Option<PlayerName>,
    _tape: Option<TapeSubscription>,
    slot: Option<usize>,
}

impl FeedSubscriber {
    /// Returns the newest message of a feed that has one not yet received.
    pub(crate) fn next_update(&mut self) -> Option<GambleFrame> {
        if let Some(update) = newest(&mut self.rounds) {
            let open = update.round.open_number();
            self.has_other_account |= open != self.round;
            self.round = open;
            return Some(encode::round_update(&update));
        }
        for feed in [&mut self.news, &mut self.tape, &mut self.players] {
            if let Some(encoded) = newest(feed) {
                return Some(GambleFrame::Encoded(encoded));
            }
        }
        let leaderboard = newest(&mut self.leaderboard)?;
        Some(leaderboard.for_session(self.player.as_ref()))
    }

    /// Returns true if a round has started or ended since the last call, and with it the player's account has changed.
    pub(crate) fn take_other_account(&mut self) -> bool {
        mem::take(&mut self.has_other_account)
    }

    /// Registers the task of `cx` for the next message. Returns true if one is available already, which does not wake.
    pub(crate) fn register_waker(&mut self, cx: &Context<'_>) -> bool {
        lock(&self.group.wakers).register(&mut self.slot, cx.waker());
        has_newer(self.tape.as_ref())
            || has_newer(self.players.as_ref())
            || has_newer(self.leaderboard.as_ref())
            || has_newer(self.news.as_ref())
            || has_newer(self.rounds.as_ref())
    }
}

/// Subscribes to `feed`, also to its newest message.
fn subscribe<T>(feed: &watch::Sender<Option<T>>) -> watch::Receiver<Option<T>> {
    let mut receiver = feed.subscribe();
    if receiver.borrow().is_some() {
        receiver.mark_changed();
    }
    receiver
}

fn has_newer<T>(feed: Option<&watch::Receiver<Option<T>>>) -> bool {
    feed.is_some_and(|feed| feed.has_changed().is_ok_and(|changed| changed))
}

fn newest<T: Clone>(feed: &mut Option<watch::Receiver<Option<T>>>) -> Option<T> {
    match has_newer(feed.as_ref()) {
        true => feed.as_mut()?.borrow_and_update().clone(),
        false => None,
    }
}

impl Drop for FeedSubscriber {
    fn drop(&mut self) {
        let waker = lock(&self.group.wakers).remove(&mut self.slot);
        // Outside the lock: it may own the last reference to its task.
        drop(waker);
    }
}
