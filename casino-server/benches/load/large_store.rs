//! A casino with a large history: its startup time, and its speed compared with an empty ledger.

use std::fmt::Write;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use crate::drive::measure;
use crate::loads::{LOADS, default_build_command, median};
use crate::process::Server;

const NAME: &str = "a store of 1000000 accounts and 10000000 entries";
const ACCOUNTS: i64 = 1_000_000;
/// Trades of each account; with its payment it has ten entries.
const TRADES_EACH: i64 = 9;
const ACCOUNTS_A_SHEET: i64 = 500;
/// Ticks of a year at one per second, and how many of them are in coarse and in fine candles; the rest stays as ticks.
const YEAR_TICKS: i64 = 365 * 24 * 60 * 60;
const COARSE_TICKS: i64 = 7_065 * 3_600;
const FINE_TICKS: i64 = 100_033 * 60;

/// Runs the scenario if its name contains `filter`.
pub(crate) async fn run(rounds: usize, length: Duration, filter: &str, folder: &Path) -> io::Result<()> {
    if !NAME.contains(filter) {
        return Ok(());
    }
    let full = folder.join("full.db");
    drop(Server::start(&mut default_build_command(&full, "1h"))?);
    fill(&full).map_err(io::Error::other)?;
    let mut ready = Vec::new();
    println!("{NAME}, {} MB", std::fs::metadata(&full)?.len() >> 20);
    for load in LOADS {
        let mut ratios = Vec::new();
        for round in 0..rounds {
            let empty = folder.join(format!("empty-{}-{}-{round}.db", load.streams, load.window));
            let server = Server::start(&mut default_build_command(&empty, "10s"))?;
            let empty = measure((&server).into(), load, length, true).await?.per_second;
            drop(server);
            let start = Instant::now();
            let server = Server::start(&mut default_build_command(&full, "10s"))?;
            ready.push(start.elapsed().as_secs_f64() * 1e3);
            ratios.push(
                measure((&server).into(), load, length, round == 0)
                    .await?
                    .per_second
                    / empty,
            );
        }
        println!(
            "{}: full / empty, median of rounds: {:.2}",
            load.name(),
            median(&mut ratios)
        );
    }
    println!("ready after: median {:.0} ms\n", median(&mut ready));
    Ok(())
}

/// Fills the new store at `path` with a history.
fn fill(path: &Path) -> rusqlite::Result<()> {
    let mut store = Connection::open(path)?;
    store.pragma_update(None, "synchronous", "OFF")?;
    let transaction = store.transaction()?;
    transaction.execute(
        "INSERT INTO accounts WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
         SELECT n, 'player-' || (n - 1), 95, 1, 10, 5, 20, 0, 10, 1, ?2, ?3 + 1 + (n - 1) / ?4 FROM n",
        params![
            ACCOUNTS,
            TRADES_EACH,
            (TRADES_EACH - 1) * ACCOUNTS / ACCOUNTS_A_SHEET,
            ACCOUNTS_A_SHEET
        ],
    )?;
    transaction.execute("INSERT INTO payments SELECT id, 1, -20, 1000 FROM accounts", [])?;
    let mut insert = transaction.prepare("INSERT INTO sheets VALUES (?, 0, 10, 1000, ?)")?;
    let sheets_a_round = ACCOUNTS / ACCOUNTS_A_SHEET;
    let mut text = String::new();
    for number in 1..=TRADES_EACH {
        for sheet in 0..sheets_a_round {
            text.clear();
            let previous = if number == 1 {
                0
            } else {
                (number - 2) * sheets_a_round + sheet + 1
            };
            let stocks = if number % 2 == 0 { -1 } else { 1 };
            for account in 1..=ACCOUNTS_A_SHEET {
                let before = if account == 1 { "[" } else { "," };
                let account = sheet * ACCOUNTS_A_SHEET + account;
                let _ = write!(text, "{before}[{account},{number},{stocks},{previous}]");
            }
            text.push(']');
            insert.execute(params![(number - 1) * sheets_a_round + sheet + 1, text])?;
        }
    }
    drop(insert);
    fill_prices(&transaction)?;
    transaction.commit()?;
    store.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// Inserts a year of prices, rolled up as a casino would.
fn fill_prices(store: &Connection) -> rusqlite::Result<()> {
    store.execute("DELETE FROM ticks", [])?;
    let fine_end = COARSE_TICKS + FINE_TICKS;
    for (size, first, end) in [(3_600, 0, COARSE_TICKS), (60, COARSE_TICKS, fine_end)] {
        store.execute(
            "INSERT INTO candles WITH RECURSIVE n(n) AS (SELECT ?2 UNION ALL SELECT n + ?1 FROM n WHERE n + ?1 < ?3)
             SELECT ?1, n, ?1, 100 + n % 50, 200 + n % 70, 50 + n % 20, 100 + n % 30, n * 1000,
                 (n + ?1 - 1) * 1000 FROM n",
            params![size, first, end],
        )?;
    }
    store.execute(
        "INSERT INTO ticks WITH RECURSIVE n(n) AS (SELECT ?1 UNION ALL SELECT n + 1 FROM n WHERE n < ?2)
         SELECT n, 100 + n % 50, n * 1000 FROM n",
        params![fine_end, YEAR_TICKS],
    )?;
    Ok(())
}
