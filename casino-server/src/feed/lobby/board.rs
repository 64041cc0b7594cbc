//! The newest message of each lobby feed, and its subscribers. An update wakes subscribers of the lobby feeds only.

use std::mem;
use std::sync::Arc;
use std::task::Context;

use awesomestock_proto::capabilities::LobbyFeeds;
use awesomestock_proto::casino::GambleInfo;
use awesomestock_proto::frame::{GambleFrame, SharedEncoding};
use tokio::sync::watch;

use super::FeedHub;
use crate::config::clock::Clock;
use crate::domain::player::PlayerName;
use crate::domain::round::{Round, RoundResult};
use crate::feed::lobby::encode;
use crate::feed::lobby::leaderboard::LeaderboardSnapshot;
use crate::feed::wakers::{RegisteredWaker, WakerGroup, WakerGroups};

/// The state of the round, encoded when it is sent: the time left differs.
#[derive(Debug, Clone)]
pub(crate) struct RoundUpdate {
    pub(crate) round: Arc<Round>,
    /// After the end.
    pub(crate) podium: Vec<RoundResult>,
    pub(crate) clock: Clock,
}

/// A message of a feed. The part that is the same for all sessions is encoded.
#[derive(Debug, Clone)]
pub(super) enum FeedMessage {
    Encoded(SharedEncoding),
    /// The encoded top, to which each session adds its player's own rank.
    Leaderboard(SharedEncoding, Arc<LeaderboardSnapshot>),
    Round(RoundUpdate),
}

/// The newest message of a feed; `None` before the first.
type Feed = watch::Sender<Option<FeedMessage>>;

#[derive(Debug, Default)]
pub(super) struct FeedBoard {
    pub(super) rounds: Feed,
    pub(super) news: Feed,
    pub(super) tape: Feed,
    pub(super) players: Feed,
    pub(super) leaderboard: Feed,
    pub(super) subscribers: WakerGroups,
}

impl FeedHub {
    /// Creates the group of the subscribers of one runtime, which has to [run](WakerGroup::run) it.
    pub(crate) fn subscriber_group(&self) -> Arc<WakerGroup> {
        self.board.subscribers.group()
    }

    /// Subscribes a session to `feeds`; `None` if there are none. `round` is the open round of the session's wallet.
    pub(crate) fn subscribe(
        &self,
        group: &Arc<WakerGroup>,
        feeds: LobbyFeeds,
        player: Option<PlayerName>,
        round: Option<i64>,
    ) -> Option<FeedSubscriber> {
        let by_priority = [
            (feeds.rounds, &self.board.rounds),
            (feeds.news, &self.board.news),
            (feeds.tape, &self.board.tape),
            (feeds.players, &self.board.players),
            (feeds.leaderboard, &self.board.leaderboard),
        ];
        let subscribed = by_priority.into_iter().filter(|(is_wanted, _)| *is_wanted);
        let feeds: Vec<_> = subscribed.map(|(_, feed)| subscribe(feed)).collect();
        (!feeds.is_empty()).then(|| FeedSubscriber {
            feeds,
            waker: group.waker(),
            round,
            has_other_account: false,
            player,
        })
    }
}

/// A session's subscription to lobby feeds.
#[derive(Debug)]
pub(crate) struct FeedSubscriber {
    /// In the order in which their messages are sent.
    feeds: Vec<watch::Receiver<Option<FeedMessage>>>,
    waker: RegisteredWaker,
    /// The open round last sent.
    round: Option<i64>,
    /// A round has started or ended since [`Self::take_other_account`].
    has_other_account: bool,
    /// The player whose rank is added to the leaderboard.
    player: Option<PlayerName>,
}

impl FeedSubscriber {
    /// Returns the newest message of a feed that has one not yet received.
    pub(crate) fn next_update(&mut self) -> Option<GambleFrame> {
        let feed = self.feeds.iter_mut().find(|feed| has_newer(feed))?;
        let message = feed.borrow_and_update().clone()?;
        Some(match message {
            FeedMessage::Encoded(encoded) => GambleFrame::Encoded(encoded),
            FeedMessage::Leaderboard(top, snapshot) => {
                encode::leaderboard_update(top, &snapshot, self.player.as_ref())
            }
            FeedMessage::Round(RoundUpdate { round, podium, clock }) => {
                let open = round.open_number();
                self.has_other_account |= open != self.round;
                self.round = open;
                GambleInfo::from(encode::round(&round, &podium, clock.now())).into()
            }
        })
    }

    /// Returns true if a round has started or ended since the last call, and with it the player's account has changed.
    pub(crate) fn take_other_account(&mut self) -> bool {
        mem::take(&mut self.has_other_account)
    }

    /// Registers the task of `cx` for the next message. Returns true if one is available already, which does not wake.
    pub(crate) fn register_waker(&mut self, cx: &Context<'_>) -> bool {
        self.waker.register(cx);
        self.feeds.iter().any(has_newer)
    }
}

/// Subscribes to `feed`, also to its newest message.
fn subscribe(feed: &Feed) -> watch::Receiver<Option<FeedMessage>> {
    let mut receiver = feed.subscribe();
    if receiver.borrow().is_some() {
        receiver.mark_changed();
    }
    receiver
}

fn has_newer(feed: &watch::Receiver<Option<FeedMessage>>) -> bool {
    feed.has_changed().is_ok_and(|changed| changed)
}
