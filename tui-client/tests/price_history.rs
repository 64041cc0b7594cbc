//! Price history: loaded page by page from ticks back to candles, in any order, and from a real casino.

mod support;

use awesomestock::app::event::{Request, RequestError, Response, StreamEvent};
use awesomestock::app::portfolio::alerts::ToastKind;
use awesomestock::app::portfolio::money::UnixMillis;
use awesomestock::app::prices::{Candle, MAX_CANDLES, PriceHistory, PricePoint};
use awesomestock::app::{AppState, Effect, Event, SessionInfo, update};
use awesomestock::client::Client;
use awesomestock_proto::transport;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use support::casino::Casino;

fn point(tick: i64) -> PricePoint {
    PricePoint {
        tick,
        price: price(tick),
        at: UnixMillis(tick * 1_000),
    }
}

/// A deterministic price for each tick.
fn price(tick: i64) -> i32 {
    i32::try_from(tick * 7_919 % 101).unwrap() + 1
}

fn candle(first: i64, ticks: i64) -> Candle {
    let last = first + ticks - 1;
    Candle {
        first_tick: first,
        last_tick: last,
        open: price(first),
        high: (first..=last).map(price).max().unwrap(),
        low: (first..=last).map(price).min().unwrap(),
        close: price(last),
        since: UnixMillis(first * 1_000),
        until: UnixMillis(last * 1_000),
    }
}

fn candles(market: &PriceHistory) -> Vec<Candle> {
    (0..market.kept()).filter_map(|index| market.at(index)).collect()
}

#[derive(Debug, Clone)]
enum Page {
    Prices(Vec<PricePoint>),
    Candles(Vec<Candle>),
    Ticks,
}

/// Overlapping pages of coarse candles, fine candles and prices in any order, with new ticks in between.
fn any_pages() -> impl Strategy<Value = Vec<Page>> {
    let prices = (420_i64..600, 1_i64..60)
        .prop_map(|(first, count)| Page::Prices((first..(first + count).min(600)).map(point).collect()));
    let fine = (0_i64..8, 1_i64..8).prop_map(|(first, count)| {
        Page::Candles(
            (first..(first + count).min(8))
                .map(|n| candle(n * 60, 60))
                .collect(),
        )
    });
    let coarse = (0_i64..2).prop_map(|n| Page::Candles(vec![candle(n * 180, 180)]));
    let page = prop_oneof![4 => prices, 4 => fine, 1 => coarse, 1 => Just(Page::Ticks)];
    prop::collection::vec(page, 1..24)
}

fn insert_all<'a>(pages: impl Iterator<Item = &'a Page>) -> PriceHistory {
    let mut market = PriceHistory::default();
    market.push(Some(600), price(600), point(600).at, None);
    for page in pages {
        match page {
            Page::Prices(prices) => market.insert_page(prices),
            Page::Candles(candles) => market.insert_candles(candles),
            Page::Ticks => {
                let next = market.last().unwrap().tick + 1;
                market.push(Some(next), price(next), point(next).at, None);
            }
        }
    }
    market
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_order_of_pages_and_ticks_gives_the_same_series(
        (pages, shuffled) in any_pages().prop_flat_map(|pages| (Just(pages.clone()), Just(pages).prop_shuffle())),
    ) {
        let market = insert_all(pages.iter());
        prop_assert_eq!(&market, &insert_all(shuffled.iter()));
        let stored = candles(&market);
        prop_assert!(stored.is_sorted_by(|earlier, later| earlier.last_tick < later.first_tick), "{:?}", stored);
        for stored in &stored {
            prop_assert_eq!(*stored, candle(stored.first_tick, stored.ticks()));
        }
        let is_in_a_page = |tick: i64| pages.iter().any(|page| match page {
            Page::Prices(prices) => prices.iter().any(|point| point.tick == tick),
            Page::Candles(candles) => candles.iter().any(|candle| (candle.first_tick..=candle.last_tick).contains(&tick)),
            Page::Ticks => false,
        });
        for tick in 0..600 {
            let is_stored = stored.iter().any(|candle| (candle.first_tick..=candle.last_tick).contains(&tick));
            prop_assert_eq!(is_stored, is_in_a_page(tick), "tick {}", tick);
        }
    }
}

#[test]
fn a_candle_replaces_the_prices_it_covers() {
    let mut market = insert_all(std::iter::empty());
    market.insert_page(&(100..200).map(point).collect::<Vec<_>>());
    market.insert_candles(&[candle(60, 60)]);
    assert_eq!(market.oldest_tick(), Some(60));
    assert_eq!(market.at(1), Some(point(120).into()));
    // A candle that covers the current price is ignored.
    market.insert_candles(&[candle(180, 600)]);
    assert_eq!(market.last(), Some(point(600)));
}

#[test]
fn candles_are_bounded_and_the_oldest_are_removed() {
    let mut market = PriceHistory::default();
    let ticks = i64::try_from(MAX_CANDLES).unwrap() * 2;
    market.push(Some(ticks + 1_000), 1, UnixMillis(0), None);
    let page: Vec<_> = (0..ticks).map(|first| candle(first, 1)).collect();
    market.insert_candles(&page);
    assert_eq!(market.kept(), MAX_CANDLES + 1);
    assert_eq!(market.oldest_tick(), Some(ticks / 2));
    assert!(!market.has_room());
}

/// A game whose chart is scrolled to its left end.
struct Game(AppState);

impl Game {
    fn new(prices: std::ops::Range<i64>, more: bool) -> Self {
        let info = SessionInfo::new("ann", "shared");
        let (mut state, _) = AppState::new(info, (120, 36), UnixMillis(0));
        update(
            &mut state,
            UnixMillis(0),
            Event::Stream(StreamEvent::Opened {
                extended: true,
                ids: true,
            }),
        );
        let newest = point(prices.end);
        update(
            &mut state,
            UnixMillis(0),
            Event::Stream(StreamEvent::Price {
                tick: Some(newest.tick),
                price: newest.price,
                at: Some(newest.at),
                interval_ms: None,
            }),
        );
        let mut game = Self(state);
        game.event(Event::Answered(Response::History {
            before: None,
            prices: prices.map(point).collect(),
            more,
        }));
        // Show fewer prices than are loaded, so that the chart can be scrolled.
        game.0.chart.zoom = Some(20);
        game
    }

    fn event(&mut self, event: Event) -> Vec<Effect> {
        update(&mut self.0, UnixMillis(0), event)
    }

    fn home(&mut self) -> Vec<Effect> {
        self.event(Event::Key(KeyEvent::new(KeyCode::Home, KeyModifiers::NONE)))
    }

    fn toast(&self) -> Option<String> {
        match &self.0.alerts.toasts().last()?.kind {
            ToastKind::Info(text) => Some(text.clone()),
            ToastKind::Reached(..) | ToastKind::Moving(..) => None,
        }
    }
}

fn call(call: Request) -> Vec<Effect> {
    vec![Effect::Call(call)]
}

#[test]
fn scrolling_back_loads_prices_then_candles_and_ends() {
    let mut game = Game::new(600..700, true);
    assert_eq!(game.home(), call(Request::History { before: Some(600) }));
    assert_eq!(game.home(), [], "one request at a time");
    let prices = (480..600).map(point).collect();
    let page = Response::History {
        before: Some(600),
        prices,
        more: false,
    };
    assert_eq!(game.event(Event::Answered(page)), []);
    assert_eq!(game.home(), call(Request::Candles { before: 480 }));
    let page = |before, first: i64, more| {
        let candles = (first..before)
            .step_by(60)
            .map(|first| candle(first, 60))
            .collect();
        Event::Answered(Response::Candles {
            before,
            candles,
            more,
        })
    };
    assert_eq!(game.event(page(480, 240, true)), []);
    assert_eq!(game.event(page(480, 0, true)), [], "not requested any more");
    assert_eq!(game.0.market.oldest_tick(), Some(240));
    assert_eq!(game.home(), call(Request::Candles { before: 240 }));
    game.event(page(240, 60, false));
    assert_eq!(game.home(), [], "nothing older exists");
    assert_eq!(game.0.market.oldest_tick(), Some(60));
}

#[test]
fn candles_are_requested_at_once_when_there_are_no_older_prices() {
    let mut game = Game::new(600..700, true);
    game.home();
    let empty = |more| {
        Event::Answered(Response::History {
            before: Some(600),
            prices: Vec::new(),
            more,
        })
    };
    assert_eq!(game.event(empty(true)), call(Request::Candles { before: 600 }));
    let mut known = Game::new(600..700, false);
    assert_eq!(known.home(), call(Request::Candles { before: 600 }));
    let nothing = Response::Candles {
        before: 600,
        candles: Vec::new(),
        more: true,
    };
    assert_eq!(known.event(Event::Answered(nothing)), []);
    assert_eq!(known.home(), []);
}

#[test]
fn a_casino_without_candles_is_asked_once_and_a_failed_request_is_retried() {
    let mut game = Game::new(600..700, false);
    let failed = |error| Event::Failed(Request::Candles { before: 600 }, error);
    game.home();
    game.event(failed(RequestError::Unanswered("it is away".to_owned())));
    assert_eq!(
        game.toast().as_deref(),
        Some("cannot load older prices: it is away")
    );
    assert_eq!(game.home(), call(Request::Candles { before: 600 }));
    game.event(failed(RequestError::Rejected(
        "this casino has no price history".to_owned(),
    )));
    assert_eq!(game.toast().as_deref(), Some("this casino has no price history"));
    assert_eq!(game.home(), []);
}

/// First ticks of the fine candles and of the single prices; before them candles are coarse.
const FINE_FROM: i64 = 2 * 3_600;
const PRICES_FROM: i64 = FINE_FROM + 120 * 60;
const NEWEST: i64 = PRICES_FROM + 6_500;

/// Gives a new store a history, rolled up as a casino would.
fn fill(store: &std::path::Path) {
    let mut store = rusqlite::Connection::open(store).unwrap();
    let transaction = store.transaction().unwrap();
    transaction.execute("DELETE FROM ticks", []).unwrap();
    for (ticks, from, to) in [(3_600, 0, FINE_FROM), (60, FINE_FROM, PRICES_FROM)] {
        let mut insert = transaction
            .prepare("INSERT INTO candles VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
            .unwrap();
        for first in (from..to).step_by(ticks) {
            let ticks = i64::try_from(ticks).unwrap();
            let Candle {
                open,
                high,
                low,
                close,
                since,
                until,
                ..
            } = candle(first, ticks);
            let row = rusqlite::params![ticks, first, ticks, open, high, low, close, since.0, until.0];
            insert.execute(row).unwrap();
        }
    }
    let mut insert = transaction.prepare("INSERT INTO ticks VALUES (?, ?, ?)").unwrap();
    for tick in PRICES_FROM..=NEWEST {
        insert
            .execute(rusqlite::params![tick, price(tick), point(tick).at.0])
            .unwrap();
    }
    drop(insert);
    transaction.commit().unwrap();
}

#[tokio::test]
async fn a_real_casino_returns_its_whole_history_page_by_page() {
    let folder = tempfile::tempdir().unwrap();
    let options = ["--tick", "1h"];
    Casino::start(folder.path(), "127.0.0.1:0", &options).end();
    fill(&folder.path().join("casino.db"));
    let casino = Casino::start(folder.path(), "127.0.0.1:0", &options);
    let channel = transport::endpoint(&casino.url()).unwrap().connect_lazy();
    let client = Client::new(channel, "ann".to_owned(), None);

    let mut game = Game::new(NEWEST..NEWEST, true);
    let mut effects = call(Request::History { before: None });
    let mut calls = Vec::new();
    loop {
        let Some(Effect::Call(next)) = effects.pop() else {
            effects = game.home();
            if effects.is_empty() {
                break;
            }
            continue;
        };
        calls.push(next);
        let answer = client.call(next).await.unwrap();
        effects = game.event(Event::Answered(answer));
    }
    assert_eq!(
        calls,
        [
            Request::History { before: None },
            Request::History {
                before: Some(NEWEST - 1_999)
            },
            Request::Candles { before: PRICES_FROM },
        ]
    );
    let stored = candles(&game.0.market);
    assert_eq!(stored.first().map(|oldest| oldest.first_tick), Some(0));
    assert!(
        stored
            .windows(2)
            .all(|pair| pair[0].last_tick + 1 == pair[1].first_tick)
    );
    for stored in stored {
        assert_eq!(stored, candle(stored.first_tick, stored.ticks()));
    }
}
