//! Pages of trades.

use super::*;

/// Two players trade in turn, several trades on a page.
fn ledger_with_trades(each: i64) -> (Folder, SqliteLedger) {
    let folder = Folder::new();
    let mut ledger = folder.open();
    let mut records = [1, 2].map(new_record);
    let numbers: Vec<i64> = (1..=each).collect();
    for (page, numbers) in (1..).zip(numbers.chunks(7)) {
        let mut batch = Batch::default();
        for (number, record) in numbers.iter().flat_map(|number| [(number, 0), (number, 1)]) {
            let record = &mut records[record];
            let previous = (record.page != page).then_some(record.page);
            (record.trades, record.page) = (*number, page);
            let shared = trade(0);
            let trade = Trade {
                at: UnixMillis(page),
                side: trade(*number).side,
                number: *number,
                ..shared
            };
            batch.trades.push(TradePosting {
                account: record.id,
                trade,
                page,
                previous,
            });
        }
        batch.records = [values::player("ann"), values::player("bob")]
            .into_iter()
            .zip(records)
            .collect();
        ledger.store.commit(&batch).unwrap();
    }
    (folder, ledger)
}

#[test]
fn any_page_of_many_trades_is_found() {
    let (_folder, ledger) = ledger_with_trades(3_000);
    for before in [
        None,
        Some(2_999),
        Some(1_025),
        Some(1_024),
        Some(513),
        Some(512),
        Some(511),
        Some(2),
        Some(1),
    ] {
        let page = PageRequest { before, limit: 20 };
        let found = ledger.reads.trades(&values::player("bob"), page).unwrap();
        let numbers: Vec<i64> = found.entries.iter().map(|trade| trade.number).collect();
        let last = before.map_or(3_000, |before| before - 1);
        let expected: Vec<i64> = ((last - 19).max(1)..=last).collect();
        assert_eq!((numbers, found.more), (expected, last > 20), "{before:?}");
    }
}

#[test]
fn sqlite_tools_read_every_trade_after_a_clean_stop() {
    let (folder, ledger) = ledger_with_trades(100);
    let page = PageRequest {
        before: None,
        limit: 1_000,
    };
    let expected = ledger.reads.trades(&values::player("ann"), page).unwrap().entries;
    assert_eq!(expected.len(), 100);
    close(ledger);
    let tool = Connection::open(folder.ledger()).unwrap();
    let mut trades = tool
        .prepare(
            "SELECT trades.number, side, trades.stocks, price, tick, at_unix_ms FROM trades
             JOIN accounts ON accounts.id = account WHERE name = 'ann' ORDER BY trades.number",
        )
        .unwrap();
    let rows = trades.query_map([], |row| {
        Ok(Trade {
            number: row.get(0)?,
            side: if row.get(1)? { Side::Sell } else { Side::Buy },
            count: Stocks(row.get(2)?),
            price: Price::new(row.get(3)?).unwrap(),
            tick: row.get(4)?,
            at: UnixMillis(row.get(5)?),
        })
    });
    let read: Vec<Trade> = rows.unwrap().map(Result::unwrap).collect();
    assert_eq!(read, expected);
}

#[test]
fn the_wal_starts_over_under_constant_writes() {
    let folder = Folder::new();
    let mut ledger = folder.open();
    let log = folder.0.path().join("casino.db-wal");
    let (mut largest, mut written) = (0, 0);
    for page in 1..=120 {
        let postings = (1..=40_000).map(|account| TradePosting {
            page,
            ..posting(AccountId(account), page)
        });
        let batch = Batch {
            trades: postings.collect(),
            ..Batch::default()
        };
        ledger.store.commit(&batch).unwrap();
        largest = largest.max(fs::metadata(&log).unwrap().len());
        written += 40_000 * 10;
    }
    assert!(
        largest < 64 << 20,
        "the log has {largest} bytes, {written} and more were written"
    );
    close(ledger);
}
