//! The board posted by hand, from batches seen by hand.

use std::task::Waker;

use awesomestock_proto::casino::{GambleInfo, GambleType};
use prost::Message;

use super::*;
use crate::{
    quantity::{Price, Stocks, Tokens, UnixMillis},
    record::{AccountId, Posting, Record, Side, Trade},
    store::Batch,
    wire::Said,
};

const ALL: CompanyFeeds = CompanyFeeds {
    tape: true,
    players: true,
    leaderboard: true,
};

/// A company, and when it was posted last.
struct Scene {
    company: Company,
    gallery: Arc<Gallery>,
    pace: Pace,
    now: Instant,
}

impl Scene {
    fn new() -> Self {
        let company = Company::new(tick(0, 10));
        Self {
            gallery: company.gallery(),
            company,
            pace: Pace::default(),
            now: Instant::now(),
        }
    }

    fn neighbour(&self, feeds: CompanyFeeds, player: &str) -> Neighbour {
        self.company
            .neighbour(&self.gallery, feeds, Some(name(player)))
            .unwrap()
    }

    fn post_after(&mut self, pause: Duration) {
        self.now += pause;
        self.company.post(&mut self.pace, self.now);
    }
}

fn name(name: &str) -> PlayerName {
    PlayerName::new(name).unwrap()
}

fn tick(number: i64, price: i32) -> Tick {
    Tick {
        number,
        price: Price::new(price).unwrap(),
        at: UnixMillis(0),
    }
}

/// A batch in which `player` has bought `stocks`, their `number`th trade, and has `tokens` left.
fn bought(player: &str, (stocks, tokens): (i32, i32), number: i64) -> Batch {
    let mut record = Record::new(AccountId(1));
    record.account.tokens = Tokens(tokens);
    record.account.stocks = Stocks(stocks);
    record.account.version = number;
    let trade = Trade {
        number,
        side: Side::Buy,
        count: Stocks(stocks),
        price: Price::MIN,
        tick: 0,
        at: UnixMillis(0),
    };
    let posting = Posting {
        account: record.id,
        trade,
        sheet: 1,
        previous: None,
    };
    Batch {
        records: vec![(name(player), record)],
        trades: vec![posting],
        ..Batch::default()
    }
}

/// All that there is to tell now.
fn told(neighbour: &mut Neighbour) -> Vec<GambleInfo> {
    let said = std::iter::from_fn(|| neighbour.news());
    said.map(|said| {
        let mut bytes = Vec::new();
        said.encode(&mut bytes).unwrap();
        let info = GambleInfo::decode(bytes.as_slice()).unwrap();
        assert_eq!(info.encode_to_vec(), bytes, "as if it were encoded in one go");
        info
    })
    .collect()
}

fn kinds(told: &[GambleInfo]) -> Vec<GambleType> {
    told.iter().map(GambleInfo::r#type).collect()
}

#[test]
fn nothing_is_kept_while_nobody_asks() {
    let scene = Scene::new();
    scene.company.witness().saw(&bought("ann", (2, 5), 1));
    assert_eq!(scene.company.inbox.take_tape(), None);
    assert!(scene.company.inbox.take_standings().is_empty());
    let none = CompanyFeeds::default();
    assert!(scene.company.neighbour(&scene.gallery, none, None).is_none());
}

#[test]
fn a_trade_on_disk_is_told_to_all_in_the_same_bytes() {
    let mut scene = Scene::new();
    let tape = CompanyFeeds {
        tape: true,
        ..CompanyFeeds::default()
    };
    let mut seats = ["ann", "bob"].map(|player| scene.neighbour(tape, player));
    let cx = std::task::Context::from_waker(Waker::noop());
    assert!(!seats[0].wait(&cx));
    scene.company.witness().saw(&bought("ann", (2, 5), 1));
    scene.post_after(TAPE_PAUSE);
    assert!(seats[0].wait(&cx));
    let [Some(Said::Prepared(first)), Some(Said::Prepared(second))] = seats.each_mut().map(Neighbour::news)
    else {
        panic!("both are told");
    };
    assert_eq!(first.as_ptr(), second.as_ptr(), "encoded once");
    let tape = GambleInfo::decode(first).unwrap().tape.unwrap();
    let row = &tape.rows[0];
    assert_eq!(
        (
            tape.trades,
            row.player.as_ref().unwrap().name.as_str(),
            row.trade.unwrap().stocks_count
        ),
        (1, "ann", 2)
    );
    assert!(!seats[0].wait(&cx) && seats[0].news().is_none());
    drop(seats);
    scene.company.witness().saw(&bought("ann", (2, 5), 2));
    assert_eq!(scene.company.inbox.take_tape(), None, "nobody watches any more");
}

#[test]
fn each_feed_keeps_its_pace() {
    let mut scene = Scene::new();
    let mut ann = scene.neighbour(ALL, "ann");
    scene.company.start_ranking();
    let witness = scene.company.witness();
    let _ann = scene.company.enter(Some(name("ann")));
    witness.saw(&bought("ann", (2, 5), 1));
    scene.post_after(TAPE_PAUSE);
    use GambleType::{Leaderboard, Players, Tape};
    assert_eq!(kinds(&told(&mut ann)), [Tape, Players, Leaderboard]);
    let bob = scene.company.enter(Some(name("bob")));
    witness.saw(&bought("ann", (3, 5), 2));
    scene.post_after(TAPE_PAUSE);
    assert_eq!(kinds(&told(&mut ann)), [Tape]);
    assert!(scene.pace.next_due().is_some());
    drop(bob);
    scene.post_after(SLOW_PAUSE);
    let told_late = told(&mut ann);
    assert_eq!(kinds(&told_late), [Players, Leaderboard]);
    assert_eq!(
        told_late[0].players.as_ref().unwrap().seated,
        1,
        "as it is by now"
    );
    assert_eq!(scene.pace.next_due(), None);
    scene.post_after(SLOW_PAUSE);
    assert_eq!(kinds(&told(&mut ann)), [Tape; 0]);
}

#[test]
fn each_is_told_of_their_own_place_and_who_asks_once_swallows_no_news() {
    let mut scene = Scene::new();
    let (mut ann, mut eve) = (scene.neighbour(ALL, "ann"), scene.neighbour(ALL, "eve"));
    scene.company.start_ranking();
    scene.company.witness().saw(&bought("ann", (2, 5), 1));
    let ranking = scene.company.ranking();
    assert_eq!(ranking.of(&name("ann")).unwrap().equity, 25);
    scene.post_after(TAPE_PAUSE);
    let board = |told: Vec<GambleInfo>| told.into_iter().find_map(|info| info.leaderboard).unwrap();
    let (to_ann, to_eve) = (board(told(&mut ann)), board(told(&mut eve)));
    assert_eq!((to_ann.ranked, to_ann.price, to_ann.top.len()), (1, 10, 1));
    assert_eq!(to_ann.own.as_ref(), to_ann.top.first());
    assert_eq!((to_eve.own, to_eve.top), (None, to_ann.top));
    let batch = Batch {
        ticks: vec![tick(1, 20)],
        ..Batch::default()
    };
    scene.company.witness().saw(&batch);
    scene.post_after(SLOW_PAUSE);
    let moved = board(told(&mut ann)).own.unwrap();
    assert_eq!((moved.rank, moved.equity), (1, 45));
}
