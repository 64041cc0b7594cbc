//! Publication of lobby feeds with a manual clock.

use std::task::Waker;

use awesomestock_proto::capabilities::Capabilities;
use awesomestock_proto::casino::{GambleInfo, GambleType};
use awesomestock_proto::frame::GambleFrame;
use prost::Message;

use super::*;
use crate::domain::market::PriceModel;
use crate::domain::money::{Price, Stocks, Tokens, UnixMillis};
use crate::domain::order::page::{PagedTrades, TradePosting};
use crate::domain::order::{AccountId, AccountRecord, Side, Trade};
use crate::domain::player::PlayerName;
use crate::domain::round::{Round, RoundPhase};
use crate::feed::wakers::WakerGroup;
use crate::store::Batch;
use crate::testkit::values;

const ALL: LobbyFeeds = Capabilities::ALL.lobby;

struct Scene {
    lobby: Arc<FeedHub>,
    group: Arc<WakerGroup>,
    schedule: PublishSchedule,
    now: Instant,
}

impl Scene {
    fn new() -> Self {
        Self::with_model(PriceModel::Classic)
    }

    fn with_model(model: PriceModel) -> Self {
        let lobby = FeedHub::new(market(model, 0));
        let now = Instant::now();
        Self {
            group: lobby.subscriber_group(),
            lobby,
            schedule: PublishSchedule {
                players: now,
                leaderboard: now,
            },
            now,
        }
    }

    fn subscriber(&self, feeds: LobbyFeeds, player: &str) -> FeedSubscriber {
        self.lobby
            .subscribe(&self.group, feeds, Some(values::player(player)), None)
            .unwrap()
    }

    fn publish_after(&mut self, interval: Duration) {
        self.now += interval;
        self.lobby.publish(&mut self.schedule, self.now);
    }
}

fn market(model: PriceModel, number: i64) -> Market {
    Market {
        model,
        seed: 7,
        current: tick(number, 10),
    }
}

fn tick(number: i64, price: i32) -> Tick {
    values::tick(number, price, 0)
}

/// Returns a batch with the `number`th trade of `player`, a buy of `stocks` that leaves `tokens`.
fn bought(player: &str, stocks: i32, tokens: i32, number: i64) -> Batch {
    let mut record = AccountRecord::new(AccountId(1));
    record.account.tokens = Tokens(tokens);
    record.account.stocks = Stocks(stocks);
    record.account.version = number;
    record.trades = number;
    let trade = Trade {
        number,
        side: Side::Buy,
        count: Stocks(stocks),
        price: Price::MIN,
        tick: 0,
        at: UnixMillis(0),
    };
    let posting = TradePosting {
        account: record.id,
        trade,
        page: 1,
        previous: None,
    };
    Batch {
        records: vec![(values::player(player), record)],
        trades: PagedTrades::from_iter([posting]),
        ..Batch::default()
    }
}

fn updates(subscriber: &mut FeedSubscriber) -> Vec<GambleInfo> {
    let frames = std::iter::from_fn(|| subscriber.next_update());
    frames
        .map(|frame| {
            let mut bytes = Vec::new();
            frame.encode(&mut bytes).unwrap();
            GambleInfo::decode(bytes.as_slice()).unwrap()
        })
        .collect()
}

fn kinds(updates: &[GambleInfo]) -> Vec<GambleType> {
    updates.iter().map(GambleInfo::r#type).collect()
}

#[test]
fn updates_are_discarded_without_subscribers() {
    let scene = Scene::new();
    scene.lobby.on_batch(&bought("ann", 2, 5, 1), &Round::default());
    assert_eq!(lock(&scene.lobby.pending.tape).take(), None);
    assert!(lock(&scene.lobby.pending.leaderboard).is_empty());
    let none = LobbyFeeds::default();
    assert!(scene.lobby.subscribe(&scene.group, none, None, None).is_none());
}

#[test]
fn a_committed_trade_is_encoded_once_for_all_subscribers() {
    let mut scene = Scene::new();
    let tape = LobbyFeeds {
        tape: true,
        ..LobbyFeeds::default()
    };
    let mut subscribers = ["ann", "bob"].map(|player| scene.subscriber(tape, player));
    let cx = std::task::Context::from_waker(Waker::noop());
    assert!(!subscribers[0].register_waker(&cx));
    scene.lobby.on_batch(&bought("ann", 2, 5, 1), &Round::default());
    scene.publish_after(TAPE_INTERVAL);
    assert!(subscribers[0].register_waker(&cx));
    let [
        Some(GambleFrame::Encoded(first)),
        Some(GambleFrame::Encoded(second)),
    ] = subscribers.each_mut().map(FeedSubscriber::next_update)
    else {
        panic!("both receive the trade");
    };
    assert_eq!(first.as_ptr(), second.as_ptr(), "encoded once");
    let tape = GambleInfo::decode(first.as_slice()).unwrap().tape.unwrap();
    let row = &tape.rows[0];
    assert_eq!(
        (
            tape.trades,
            row.player.as_ref().unwrap().name.as_str(),
            row.trade.unwrap().stocks_count
        ),
        (1, "ann", 2)
    );
    assert!(!subscribers[0].register_waker(&cx) && subscribers[0].next_update().is_none());
    drop(subscribers);
    scene.lobby.on_batch(&bought("ann", 2, 5, 2), &Round::default());
    assert_eq!(
        lock(&scene.lobby.pending.tape).take(),
        None,
        "no subscribers are left"
    );
}

#[test]
fn the_tape_of_a_round_has_the_trades_of_the_round() {
    let scene = Scene::new();
    let _subscriber = scene.subscriber(ALL, "ann");
    let round = Round {
        number: 1,
        phase: RoundPhase::Paused(1),
        ..Round::default()
    };
    // An order of ann's own account is filled.
    let mut batch = bought("ann", 2, 5, 1);
    for (account, name) in [
        (2, values::player("ann").in_round(1)),
        (3, PlayerName::bot("Momo")),
    ] {
        let mut other = bought("ann", 3, 5, 1);
        other.records[0].0 = name;
        other.records[0].1.id = AccountId(account);
        batch.records.append(&mut other.records);
        for posting in other.trades.iter() {
            batch.trades.push(TradePosting {
                account: AccountId(account),
                ..posting
            });
        }
    }
    scene.lobby.on_batch(&batch, &round);
    let tape = lock(&scene.lobby.pending.tape).take().unwrap();
    let rows: Vec<_> = tape
        .rows
        .iter()
        .map(|row| (row.player.as_str(), row.trade.count.0))
        .collect();
    assert_eq!((rows, tape.trades), (vec![("ann", 3), ("~Momo", 3)], 2));
}

#[test]
fn each_feed_is_published_at_its_own_rate() {
    let mut scene = Scene::new();
    let mut ann = scene.subscriber(ALL, "ann");
    scene.lobby.start_ranking();
    let observer = Arc::clone(&scene.lobby);
    let _ann = scene.lobby.join(Some(values::player("ann")));
    observer.on_batch(&bought("ann", 2, 5, 1), &Round::default());
    scene.publish_after(TAPE_INTERVAL);
    use GambleType::{Leaderboard, Players, Tape};
    assert_eq!(kinds(&updates(&mut ann)), [Tape, Players, Leaderboard]);
    let bob = scene.lobby.join(Some(values::player("bob")));
    observer.on_batch(&bought("ann", 3, 5, 2), &Round::default());
    scene.publish_after(TAPE_INTERVAL);
    assert_eq!(kinds(&updates(&mut ann)), [Tape]);
    assert!(scene.lobby.next_due(&scene.schedule).is_some());
    drop(bob);
    scene.publish_after(LOBBY_INTERVAL);
    let late = updates(&mut ann);
    assert_eq!(kinds(&late), [Players, Leaderboard]);
    assert_eq!(late[0].players.as_ref().unwrap().seated, 1, "the current number");
    assert_eq!(scene.lobby.next_due(&scene.schedule), None);
    scene.publish_after(LOBBY_INTERVAL);
    assert_eq!(kinds(&updates(&mut ann)), [Tape; 0]);
}

#[test]
fn each_subscriber_receives_their_own_rank_and_a_query_consumes_no_update() {
    let mut scene = Scene::new();
    let (mut ann, mut eve) = (scene.subscriber(ALL, "ann"), scene.subscriber(ALL, "eve"));
    scene.lobby.start_ranking();
    scene.lobby.on_batch(&bought("ann", 2, 5, 1), &Round::default());
    let ranking = scene.lobby.ranking();
    assert_eq!(ranking.rank_of(&values::player("ann")).unwrap().equity, 25);
    scene.publish_after(TAPE_INTERVAL);
    let board = |updates: Vec<GambleInfo>| updates.into_iter().find_map(|info| info.leaderboard).unwrap();
    let (to_ann, to_eve) = (board(updates(&mut ann)), board(updates(&mut eve)));
    assert_eq!((to_ann.ranked, to_ann.price, to_ann.top.len()), (1, 10, 1));
    assert_eq!(to_ann.own.as_ref(), to_ann.top.first());
    assert_eq!((to_eve.own, to_eve.top), (None, to_ann.top));
    scene.lobby.on_tick(tick(1, 20));
    scene.publish_after(LOBBY_INTERVAL);
    let moved = board(updates(&mut ann)).own.unwrap();
    assert_eq!((moved.rank, moved.equity), (1, 45));
}

#[test]
fn a_headline_is_published_with_its_tick_and_sent_to_new_subscribers() {
    let news = LobbyFeeds {
        news: true,
        ..LobbyFeeds::default()
    };
    let scene = Scene::with_model(PriceModel::News);
    let mut subscriber = scene.subscriber(news, "ann");
    assert_eq!(updates(&mut subscriber), [], "none before the first");
    let mut newest = None;
    for number in 1..=100 {
        scene.lobby.on_tick(tick(number, 10));
        let expected = market(PriceModel::News, number).headline();
        let received = updates(&mut subscriber).pop().and_then(|info| info.news);
        let published = expected.filter(|headline| headline.tick == number);
        assert_eq!(
            received.as_ref().map(|received| received.text.as_str()),
            published.map(|headline| headline.text)
        );
        newest = received.or(newest);
        let mut late = scene.subscriber(news, "bob");
        assert_eq!(updates(&mut late).pop().and_then(|info| info.news), newest);
        let restarted = FeedHub::new(market(PriceModel::News, number));
        let mut again = restarted
            .subscribe(&restarted.subscriber_group(), news, None, None)
            .unwrap();
        assert_eq!(updates(&mut again).pop().and_then(|info| info.news), newest);
    }
    assert!(newest.is_some_and(|headline| headline.tick > 70));
}

#[test]
fn only_a_market_with_headlines_confirms_the_feed() {
    let classic = Scene::new();
    assert_eq!(classic.lobby.available(ALL), LobbyFeeds { news: false, ..ALL });
    assert_eq!(Scene::with_model(PriceModel::News).lobby.available(ALL), ALL);
    let mut subscriber = classic.subscriber(ALL, "ann");
    (1..=100).for_each(|number| classic.lobby.on_tick(tick(number, 10)));
    assert!(!kinds(&updates(&mut subscriber)).contains(&GambleType::News));
}
