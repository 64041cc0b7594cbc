//! Price history over the wire: the newest ticks, and candles for older ones, without a gap between them.

mod support;

use awesomestock_proto::casino::{Candle, CandlesRequest, PriceHistoryRequest};
use casino_server::Options;
use rusqlite::{Connection, params};
use support::cluster::{Cluster, connect};
use support::{TestCasino, ledger_path, with_timeout};
use tonic::Code;

/// Ticks of the history that the tests insert.
const TICKS: i64 = 110_000;

/// Inserts ticks as a version without candles stored them.
const HISTORY_IN_SQLITE: &str =
    "INSERT INTO ticks WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
    SELECT n, 1 + n % 100, n * 1000 FROM n";
const HISTORY_IN_POSTGRES: &str =
    "INSERT INTO ticks SELECT n, (1 + n % 100)::integer, n * 1000 FROM generate_series(1, $1::bigint) AS n";

fn fast(options: &mut Options) {
    options.tick = std::time::Duration::from_millis(10);
}

/// Opens a ledger of a version without candles and adds a few ticks.
async fn casino_with_history() -> TestCasino {
    let (closed, folder) = TestCasino::with_fixed_price().await.close().await;
    closed.unwrap();
    let store = Connection::open(ledger_path(&folder)).unwrap();
    store.execute(HISTORY_IN_SQLITE, params![TICKS - 1]).unwrap();
    drop(store);
    TestCasino::open(folder, fast, support::unreachable_payments()).await
}

async fn oldest_tick(casino: &mut TestCasino) -> i64 {
    let mut before_tick = 0;
    loop {
        let request = PriceHistoryRequest {
            before_tick,
            limit: 10_000,
        };
        let page = with_timeout(casino.client.get_price_history(request))
            .await
            .unwrap();
        let page = page.into_inner();
        before_tick = page.points.first().map_or(before_tick, |point| point.tick);
        if !page.more {
            return before_tick;
        }
    }
}

async fn candles(casino: &mut TestCasino, before_tick: i64, limit: i32) -> (Vec<Candle>, bool) {
    let request = CandlesRequest { before_tick, limit };
    let page = with_timeout(casino.client.get_candles(request))
        .await
        .unwrap()
        .into_inner();
    (page.candles, page.more)
}

#[tokio::test]
async fn ticks_older_than_the_kept_ones_are_returned_as_candles() {
    check_candles(casino_with_history().await).await;
}

#[tokio::test]
async fn casinos_on_a_shared_ledger_roll_up_old_ticks() {
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("past");
    let open = async |tick| {
        let set = |options: &mut Options| (options.store, options.tick) = (url.parse().unwrap(), tick);
        TestCasino::open(tempfile::tempdir().unwrap(), set, support::unreachable_payments()).await
    };
    open(support::FIXED_PRICE_TICK).await.close().await.0.unwrap();
    let database = connect(&url).await;
    let leads_for_ever = "UPDATE market SET leads_until = '-infinity'";
    database.execute(leads_for_ever, &[]).await.unwrap();
    database
        .execute(HISTORY_IN_POSTGRES, &[&(TICKS - 1)])
        .await
        .unwrap();
    let tick = std::time::Duration::from_millis(10);
    let another = open(tick).await;
    check_candles(open(tick).await).await;
    another.close().await.0.unwrap();
    let gaps = "SELECT count(*) FROM (
        SELECT first, lead(first) OVER (ORDER BY first) AS next, first + ticks AS ends FROM candles
        UNION ALL
        SELECT number, lead(number) OVER (ORDER BY number), number + 1 FROM ticks
    ) AS past WHERE ends <> next";
    let gaps: i64 = database.query_one(gaps, &[]).await.unwrap().get(0);
    assert_eq!(gaps, 0, "each tick is stored once");
    let is_contiguous = "SELECT max(first + ticks) = (SELECT min(number) FROM ticks) FROM candles";
    let is_contiguous: bool = database.query_one(is_contiguous, &[]).await.unwrap().get(0);
    assert!(is_contiguous);
}

async fn check_candles(mut casino: TestCasino) {
    // Each tick rolls up a few groups.
    let oldest = with_timeout(async {
        loop {
            let oldest = oldest_tick(&mut casino).await;
            if oldest >= 600 {
                return oldest;
            }
        }
    })
    .await;
    let (page, more) = candles(&mut casino, oldest, 3).await;
    assert!(more);
    let [.., newest] = page.as_slice() else { panic!() };
    // More ticks may have become candles meanwhile, so a candle may extend past the oldest returned tick.
    let end = newest.first_tick + i64::from(newest.ticks_count);
    assert!(
        newest.first_tick < oldest && end >= oldest,
        "gap between {newest:?} and {oldest}"
    );
    let (page, more) = candles(&mut casino, 120, 0).await;
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
    casino.close().await.0.unwrap();
}

#[tokio::test]
async fn a_new_market_has_no_candles_and_invalid_pages_are_rejected() {
    let mut casino = TestCasino::with_fixed_price().await;
    assert_eq!(candles(&mut casino, 0, 0).await, (Vec::new(), false));
    for (before_tick, limit, message) in [
        (-1, 0, "before_tick: -1 is below 0"),
        (0, 10_001, "limit: 10001 is not between 0 and 10000"),
    ] {
        let request = CandlesRequest { before_tick, limit };
        let status = with_timeout(casino.client.get_candles(request))
            .await
            .unwrap_err();
        assert_eq!(
            (status.code(), status.message()),
            (Code::InvalidArgument, message)
        );
    }
}
