//! The book of trades: any page of it, by the casino and by any tool.

use super::*;

/// Two players who trade in turn, `each` trades each, many on a sheet.
fn book_of_trades(each: i64) -> (Folder, Opened) {
    let folder = Folder::new();
    let mut opened = folder.open();
    let mut records = [1, 2].map(new_record);
    let numbers: Vec<i64> = (1..=each).collect();
    for (sheet, numbers) in (1..).zip(numbers.chunks(7)) {
        let mut batch = Batch::default();
        for (number, record) in numbers.iter().flat_map(|number| [(number, 0), (number, 1)]) {
            let record = &mut records[record];
            let previous = (record.sheet != sheet).then_some(record.sheet);
            (record.trades, record.sheet) = (*number, sheet);
            let shared = trade(0);
            let trade = Trade {
                at: UnixMillis(sheet),
                side: trade(*number).side,
                number: *number,
                ..shared
            };
            batch.trades.push(Posting {
                account: record.id,
                trade,
                sheet,
                previous,
            });
        }
        batch.records = [name("ann"), name("bob")].into_iter().zip(records).collect();
        opened.store.commit(&batch).unwrap();
    }
    (folder, opened)
}

#[test]
fn any_page_of_a_long_book_of_trades_is_found() {
    let (_folder, opened) = book_of_trades(3_000);
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
        let found = opened.reads.trades(&name("bob"), page).unwrap();
        let numbers: Vec<i64> = found.entries.iter().map(|trade| trade.number).collect();
        let last = before.map_or(3_000, |before| before - 1);
        let expected: Vec<i64> = ((last - 19).max(1)..=last).collect();
        assert_eq!((numbers, found.more), (expected, last > 20), "{before:?}");
    }
}

#[test]
fn any_tool_reads_every_trade_after_a_clean_stop() {
    let (folder, opened) = book_of_trades(100);
    let page = PageRequest {
        before: None,
        limit: 1_000,
    };
    let expected = opened.reads.trades(&name("ann"), page).unwrap().entries;
    assert_eq!(expected.len(), 100);
    close(opened);
    let tool = rusqlite::Connection::open(folder.ledger()).unwrap();
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
fn the_log_begins_anew_under_writes_that_never_pause() {
    let folder = Folder::new();
    let mut opened = folder.open();
    let log = folder.0.path().join("casino.db-wal");
    let (mut largest, mut written) = (0, 0);
    for sheet in 1..=120 {
        let postings = (1..=40_000).map(|account| Posting {
            sheet,
            ..posting(AccountId(account), sheet)
        });
        let batch = Batch {
            trades: postings.collect(),
            ..Batch::default()
        };
        opened.store.commit(&batch).unwrap();
        largest = largest.max(std::fs::metadata(&log).unwrap().len());
        written += 40_000 * 10;
    }
    assert!(
        largest < 64 << 20,
        "the log has {largest} bytes, {written} and more were written"
    );
    close(opened);
}
