//! The past of the price over the wire: the newest ticks one by one, the older ones as candles, without a seam.

// The allowance for tests in the lint's configuration does not reach the helpers between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use awesomestock_proto::casino::{Candle, CandlesRequest, PriceHistoryRequest};
use casino_server::Options;
use rusqlite::{Connection, params};
use support::{
    House,
    cluster::{Cluster, connect},
    ledger_in, soon,
};
use tonic::Code;

/// Ticks of the past that the tests play in.
const TICKS: i64 = 110_000;

/// Ticks since the first, as a version kept them that knew no candles.
const PAST_IN_SQLITE: &str =
    "INSERT INTO ticks WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
    SELECT n, 1 + n % 100, n * 1000 FROM n";
const PAST_IN_POSTGRES: &str =
    "INSERT INTO ticks SELECT n, (1 + n % 100)::integer, n * 1000 FROM generate_series(1, $1::bigint) AS n";

fn fast(options: &mut Options) {
    options.tick = std::time::Duration::from_millis(10);
}

/// A casino that was kept by a version which knew no candles, and has had a few ticks since.
async fn house_with_a_past() -> House {
    let (closed, folder) = House::standing().await.close().await;
    closed.unwrap();
    let store = Connection::open(ledger_in(&folder)).unwrap();
    store.execute(PAST_IN_SQLITE, params![TICKS - 1]).unwrap();
    drop(store);
    House::open(folder, fast, support::nowhere()).await
}

async fn oldest_tick(house: &mut House) -> i64 {
    let mut before_tick = 0;
    loop {
        let request = PriceHistoryRequest {
            before_tick,
            limit: 10_000,
        };
        let page = soon(house.client.get_price_history(request)).await.unwrap();
        let page = page.into_inner();
        before_tick = page.points.first().map_or(before_tick, |point| point.tick);
        if !page.more {
            return before_tick;
        }
    }
}

async fn candles(house: &mut House, before_tick: i64, limit: i32) -> (Vec<Candle>, bool) {
    let request = CandlesRequest { before_tick, limit };
    let page = soon(house.client.get_candles(request))
        .await
        .unwrap()
        .into_inner();
    (page.candles, page.more)
}

#[tokio::test]
async fn what_is_older_than_the_ticks_is_told_as_candles() {
    told_as_candles(house_with_a_past().await).await;
}

#[tokio::test]
async fn casinos_that_share_a_ledger_roll_up_its_past_too() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("past");
    let open = async |tick| {
        let set = |options: &mut Options| (options.store, options.tick) = (url.parse().unwrap(), tick);
        House::open(tempfile::tempdir().unwrap(), set, support::nowhere()).await
    };
    open(support::STANDING).await.close().await.0.unwrap();
    let database = connect(&url).await;
    let leads_for_ever = "UPDATE market SET leads_until = '-infinity'";
    database.execute(leads_for_ever, &[]).await.unwrap();
    database.execute(PAST_IN_POSTGRES, &[&(TICKS - 1)]).await.unwrap();
    let tick = std::time::Duration::from_millis(10);
    let another = open(tick).await;
    told_as_candles(open(tick).await).await;
    another.close().await.0.unwrap();
    let gaps = "SELECT count(*) FROM (
        SELECT first, lead(first) OVER (ORDER BY first) AS next, first + ticks AS ends FROM candles
        UNION ALL
        SELECT number, lead(number) OVER (ORDER BY number), number + 1 FROM ticks
    ) AS past WHERE ends <> next";
    let gaps: i64 = database.query_one(gaps, &[]).await.unwrap().get(0);
    assert_eq!(gaps, 0, "each tick is in one place");
    let seam = "SELECT max(first + ticks) = (SELECT min(number) FROM ticks) FROM candles";
    let seam: bool = database.query_one(seam, &[]).await.unwrap().get(0);
    assert!(seam);
}

async fn told_as_candles(mut house: House) {
    // It rolls up a few groups a tick.
    let oldest = soon(async {
        loop {
            let oldest = oldest_tick(&mut house).await;
            if oldest >= 600 {
                return oldest;
            }
        }
    })
    .await;
    let (page, more) = candles(&mut house, oldest, 3).await;
    assert!(more);
    let [.., newest] = page.as_slice() else { panic!() };
    // Meanwhile more ticks may have become candles, of which one may reach past the oldest that was told.
    let end = newest.first_tick + i64::from(newest.ticks_count);
    assert!(
        newest.first_tick < oldest && end >= oldest,
        "no seam: {newest:?}, {oldest}"
    );
    let (page, more) = candles(&mut house, 120, 0).await;
    assert!(!more);
    let first = Candle {
        first_tick: 0,
        ticks_count: 60,
        open: 10,
        high: 60,
        low: 2,
        close: 60,
        since_unix_ms: page[0].since_unix_ms,
        until_unix_ms: 59_000,
    };
    let second = Candle {
        first_tick: 60,
        ticks_count: 60,
        open: 61,
        high: 100,
        low: 1,
        close: 20,
        since_unix_ms: 60_000,
        until_unix_ms: 119_000,
    };
    assert_eq!(page, [first, second]);
    house.close().await.0.unwrap();
}

#[tokio::test]
async fn a_young_market_has_no_candles_and_bad_pages_are_refused() {
    let mut house = House::standing().await;
    assert_eq!(candles(&mut house, 0, 0).await, (Vec::new(), false));
    for (before_tick, limit, said) in [
        (-1, 0, "before_tick: -1 is below 0"),
        (0, 10_001, "limit: 10001 is not between 0 and 10000"),
    ] {
        let request = CandlesRequest { before_tick, limit };
        let status = soon(house.client.get_candles(request)).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::InvalidArgument, said));
    }
}
