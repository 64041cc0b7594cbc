//! Each tick is in exactly one place.

use super::*;
use crate::domain::candles::{Candle, Retention};

/// Small sizes, which are reached quickly.
const SMALL: Retention = Retention {
    ticks: 20,
    fine: 5,
    fine_ticks: 40,
    coarse: 15,
};

fn ledger(folder: &Folder) -> SqliteLedger {
    let mut ledger = folder.open();
    ledger.store.set_retention(SMALL);
    ledger.reads.retention = SMALL;
    ledger
}

fn moving(number: i64) -> Tick {
    let price = i32::try_from((number * 7_919) % 97).unwrap() + 1;
    Tick {
        price: Price::new(price).unwrap(),
        ..tick(number)
    }
}

fn commit(ledger: &mut SqliteLedger, ticks: std::ops::Range<i64>) {
    let batch = Batch {
        ticks: ticks.map(moving).collect(),
        ..Batch::default()
    };
    ledger.store.commit(&batch).unwrap();
}

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

/// Reads all candles and ticks page by page.
fn stored(ledger: &SqliteLedger, limit: u32) -> (Vec<Candle>, Vec<Tick>) {
    let newest = |before| PageRequest { before, limit };
    let (mut candles, mut ticks) = (Vec::new(), Vec::new());
    let mut before = None;
    loop {
        let mut page = ledger.reads.ticks(newest(before)).unwrap();
        page.entries.append(&mut ticks);
        ticks = page.entries;
        before = ticks.first().map(|tick: &Tick| tick.number);
        if !page.more {
            break;
        }
    }
    // Like a client: below the oldest tick it has.
    loop {
        let mut page = ledger.reads.candles(newest(before)).unwrap();
        page.entries.append(&mut candles);
        candles = page.entries;
        before = candles.first().map(|candle: &Candle| candle.first);
        if !page.more {
            return (candles, ticks);
        }
    }
}

/// Checks that each tick up to `end` is stored once.
fn check(ledger: &SqliteLedger, end: i64, limit: u32) {
    let (candles, ticks) = stored(ledger, limit);
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
fn old_ticks_become_candles() {
    let folder = Folder::new();
    let mut ledger = ledger(&folder);
    for number in 0..1_000 {
        commit(&mut ledger, number..number + 1);
    }
    check(&ledger, 1_000, 1_000);
    let (candles, ticks) = stored(&ledger, 1_000);
    assert!(ticks.len() < 25, "{}", ticks.len());
    let fine = candles.iter().filter(|candle| candle.ticks == 5).count();
    assert!((8..11).contains(&fine), "{fine}");
    assert_eq!(candles.len() - fine, (1_000 - ticks.len() - fine * 5) / 15);
}

#[test]
fn a_long_history_is_combined_gradually() {
    let folder = Folder::new();
    let mut ledger = folder.open();
    commit(&mut ledger, 0..2_000);
    assert_eq!(stored(&ledger, 10_000).0, []);
    ledger.store.set_retention(SMALL);
    ledger.reads.retention = SMALL;
    for number in 2_000..2_060 {
        let before = stored(&ledger, 10_000).1.len();
        commit(&mut ledger, number..number + 1);
        check(&ledger, number + 1, 10_000);
        let after = stored(&ledger, 10_000).1.len();
        assert!(before + 1 - after <= 8 * 5, "few at a time");
    }
    assert!(stored(&ledger, 10_000).1.len() < 30);
    // The market continues after a restart.
    close(ledger);
    let mut ledger = folder.open();
    let market = Market {
        model: PriceModel::Classic,
        seed: 1,
        current: moving(2_059),
    };
    ledger.store.set_market(&market).unwrap();
    assert_eq!(ledger.store.load_market().unwrap(), Some(market));
}

#[test]
fn ticks_that_cannot_be_combined_stay() {
    let folder = Folder::new();
    let mut ledger = ledger(&folder);
    commit(&mut ledger, 0..10);
    let connection = ledger.store.connection();
    connection
        .execute("ALTER TABLE candles RENAME TO lost", [])
        .unwrap();
    commit(&mut ledger, 10..100);
    let ticks = ledger.reads.ticks(PageRequest {
        before: None,
        limit: 1_000,
    });
    assert_eq!(ticks.unwrap().entries.len(), 100);
    let connection = ledger.store.connection();
    connection
        .execute("ALTER TABLE lost RENAME TO candles", [])
        .unwrap();
    commit(&mut ledger, 100..101);
    check(&ledger, 101, 1_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_tick_is_in_exactly_one_place(
        batches in prop::collection::vec(1..60_i64, 1..30),
        limit in 1..50_u32,
    ) {
        let folder = Folder::new();
        let mut ledger = ledger(&folder);
        let mut end = 0;
        for batch in batches {
            commit(&mut ledger, end..end + batch);
            end += batch;
            check(&ledger, end, limit);
        }
    }
}
