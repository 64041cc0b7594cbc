//! The past of the price: every tick in exactly one place, whatever was committed when.

use super::*;
use crate::history::{Candle, Retention};

/// Small enough for all of it to happen soon.
const SMALL: Retention = Retention {
    ticks: 20,
    fine: 5,
    fine_ticks: 40,
    coarse: 15,
};

fn opened(folder: &Folder) -> Opened {
    let mut opened = folder.open();
    opened.store.set_retention(SMALL);
    opened.reads.retention = SMALL;
    opened
}

/// Ticks with prices that go up and down.
fn moving(number: i64) -> Tick {
    let price = i32::try_from((number * 7_919) % 97).unwrap() + 1;
    Tick {
        price: Price::new(price).unwrap(),
        ..tick(number)
    }
}

fn commit(opened: &mut Opened, ticks: std::ops::Range<i64>) {
    let batch = Batch {
        ticks: ticks.map(moving).collect(),
        ..Batch::default()
    };
    opened.store.commit(&batch).unwrap();
}

/// The candle that the ticks are.
fn candle_of(ticks: std::ops::Range<i64>) -> Candle {
    let (first, last) = (moving(ticks.start), moving(ticks.end - 1));
    let prices = || ticks.clone().map(|number| moving(number).price);
    Candle {
        first: ticks.start,
        ticks: ticks.end - ticks.start,
        open: first.price,
        high: prices().max().unwrap(),
        low: prices().min().unwrap(),
        close: last.price,
        since: first.at,
        until: last.at,
    }
}

/// All that is kept, read page by page: candles, then ticks.
fn kept(opened: &Opened, limit: u32) -> (Vec<Candle>, Vec<Tick>) {
    let newest = |before| PageRequest { before, limit };
    let (mut candles, mut ticks) = (Vec::new(), Vec::new());
    let mut before = None;
    loop {
        let mut page = opened.reads.ticks(newest(before)).unwrap();
        page.entries.append(&mut ticks);
        ticks = page.entries;
        before = ticks.first().map(|tick: &Tick| tick.number);
        if !page.more {
            break;
        }
    }
    // As a client asks: below the oldest tick that it has.
    loop {
        let mut page = opened.reads.candles(newest(before)).unwrap();
        page.entries.append(&mut candles);
        candles = page.entries;
        before = candles.first().map(|candle: &Candle| candle.first);
        if !page.more {
            return (candles, ticks);
        }
    }
}

/// That the ticks up to `end` are kept, each once, and compactly.
fn check(opened: &Opened, end: i64, limit: u32) {
    let (candles, ticks) = kept(opened, limit);
    let mut next = 0;
    for candle in &candles {
        assert_eq!(*candle, candle_of(next..next + candle.ticks));
        next += candle.ticks;
    }
    for tick in &ticks {
        assert_eq!(*tick, moving(next));
        next += 1;
    }
    assert_eq!(next, end);
    assert!(
        i64::try_from(ticks.len()).unwrap() >= SMALL.ticks.min(end),
        "the newest"
    );
}

#[test]
fn the_past_is_kept_compactly() {
    let folder = Folder::new();
    let mut opened = opened(&folder);
    for number in 0..1_000 {
        commit(&mut opened, number..number + 1);
    }
    check(&opened, 1_000, 1_000);
    let (candles, ticks) = kept(&opened, 1_000);
    assert!(ticks.len() < 25, "{}", ticks.len());
    let fine = candles.iter().filter(|candle| candle.ticks == 5).count();
    assert!((8..11).contains(&fine), "{fine}");
    assert_eq!(candles.len() - fine, (1_000 - ticks.len() - fine * 5) / 15);
}

#[test]
fn a_past_that_was_kept_otherwise_is_rolled_up_a_few_groups_at_a_time() {
    let folder = Folder::new();
    let mut opened = folder.open();
    commit(&mut opened, 0..2_000);
    assert_eq!(kept(&opened, 10_000).0, []);
    opened.store.set_retention(SMALL);
    opened.reads.retention = SMALL;
    for number in 2_000..2_060 {
        let before = kept(&opened, 10_000).1.len();
        commit(&mut opened, number..number + 1);
        check(&opened, number + 1, 10_000);
        let after = kept(&opened, 10_000).1.len();
        assert!(before + 1 - after <= 8 * 5, "few at a time");
    }
    assert!(kept(&opened, 10_000).1.len() < 30);
    // And after a restart the market goes on.
    close(opened);
    let mut opened = folder.open();
    let market = Market {
        model: Model::Classic,
        seed: 1,
        current: moving(2_059),
    };
    opened.store.set_market(&market).unwrap();
    assert_eq!(opened.store.market().unwrap(), Some(market));
}

#[test]
fn a_past_that_cannot_be_rolled_up_stays_as_it_is() {
    let folder = Folder::new();
    let mut opened = opened(&folder);
    commit(&mut opened, 0..10);
    let connection = opened.store.connection();
    connection
        .execute("ALTER TABLE candles RENAME TO lost", [])
        .unwrap();
    commit(&mut opened, 10..100);
    let ticks = opened.reads.ticks(PageRequest {
        before: None,
        limit: 1_000,
    });
    assert_eq!(ticks.unwrap().entries.len(), 100);
    let connection = opened.store.connection();
    connection
        .execute("ALTER TABLE lost RENAME TO candles", [])
        .unwrap();
    commit(&mut opened, 100..101);
    check(&opened, 101, 1_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_tick_is_in_exactly_one_place(
        batches in prop::collection::vec(1..60_i64, 1..30),
        limit in 1..50_u32,
    ) {
        let folder = Folder::new();
        let mut opened = opened(&folder);
        let mut end = 0;
        for batch in batches {
            commit(&mut opened, end..end + batch);
            end += batch;
            check(&opened, end, limit);
        }
    }
}
