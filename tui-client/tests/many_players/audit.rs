//! Checks the ledger against what the players received.

use std::collections::BTreeMap;

use tokio_postgres::Client;

use crate::player::PlayerLog;

/// Prices by tick.
type Prices = BTreeMap<i64, i32>;

/// A stored trade: tick, price and signed number of stocks.
type Trade = (i64, i32, i32);

/// Reads the whole market and checks that it has no gap.
pub(crate) async fn prices(ledger: &Client) -> Prices {
    let rows = ledger
        .query("SELECT number, price FROM ticks ORDER BY number", &[])
        .await
        .unwrap();
    let prices: Prices = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let (first, last) = (prices.keys().next().unwrap(), prices.keys().last().unwrap());
    assert_eq!(i64::try_from(prices.len()).unwrap(), last - first + 1, "no gap");
    prices
}

/// Checks one player: nothing is lost or duplicated, and every price is the market's.
pub(crate) async fn player(ledger: &Client, prices: &Prices, played: &PlayerLog) {
    let name = &played.name;
    let trades = trades(ledger, name).await;
    let paid = payments(ledger, name).await;
    let sums = trades
        .iter()
        .fold((5 * paid, 0), |(tokens, stocks), (tick, price, count)| {
            assert_eq!(
                prices.get(tick),
                Some(price),
                "{name} traded at a price of its tick"
            );
            (
                tokens - i64::from(*price) * i64::from(*count),
                stocks + i64::from(*count),
            )
        });
    let sql = "SELECT tokens::bigint, stocks::bigint FROM accounts WHERE name = $1";
    let account = ledger.query_one(sql, &[name]).await.unwrap();
    assert_eq!(
        (account.get(0), account.get(1)),
        sums,
        "{name}'s account is the sum of its entries"
    );
    let wallet = played.wallet.unwrap();
    let wallet = (i64::from(wallet.tokens), i64::from(wallet.stocks));
    assert_eq!(wallet, sums, "{name}'s screen shows the stored wallet");
    assert_answers_stored(played, &trades, paid);
    for (tick, price) in &played.prices {
        assert_eq!(prices.get(tick), Some(price), "{name} received tick {tick}");
    }
    for shown in &played.shown {
        assert_eq!(
            prices.get(&shown.tick),
            Some(&shown.price),
            "{name}'s screen shows tick {}",
            shown.tick
        );
    }
}

/// Checks that all answered orders are stored, and otherwise only orders whose outcome is unknown.
fn assert_answers_stored(played: &PlayerLog, trades: &[Trade], paid: i64) {
    let name = &played.name;
    let mut unmatched: BTreeMap<(i64, i32), usize> = BTreeMap::new();
    for trade in &played.trades {
        *unmatched.entry(*trade).or_default() += 1;
    }
    for (tick, price, _) in trades {
        if let Some(count) = unmatched.get_mut(&(*tick, *price)) {
            *count = count.saturating_sub(1);
        }
    }
    let lost: usize = unmatched.values().sum();
    assert_eq!(lost, 0, "{name}: answered trades are not stored: {unmatched:?}");
    let open = played.ordered - played.answered;
    let unanswered = trades.len() - played.trades.len();
    assert!(
        unanswered <= open,
        "{name}: {unanswered} unanswered trades, {open} open orders"
    );
    let unanswered = paid - played.paid;
    assert!(
        (0..=played.open).contains(&unanswered),
        "{name}: {paid} dollars are stored, {} were answered and {} are open",
        played.paid,
        played.open
    );
    if played.sessions[1] == 0 {
        assert_eq!(open, 0, "{name}: an order was left open");
    }
}

/// Reads the player's trades, which must be numbered without a gap.
async fn trades(ledger: &Client, name: &String) -> Vec<Trade> {
    let sql = "SELECT t.number, t.tick, t.price, CASE t.side WHEN 0 THEN t.stocks ELSE -t.stocks END
               FROM trades t JOIN accounts a ON a.id = t.account WHERE a.name = $1 ORDER BY t.number";
    let rows = ledger.query(sql, &[name]).await.unwrap();
    let numbers = rows.iter().map(|row| row.get::<_, i64>(0));
    assert!(
        numbers.eq(1..=i64::try_from(rows.len()).unwrap()),
        "{name}: no gap"
    );
    rows.iter()
        .map(|row| (row.get(1), row.get(2), row.get(3)))
        .collect()
}

/// Reads the player's deposits in dollars; payments must be numbered without a gap.
async fn payments(ledger: &Client, name: &String) -> i64 {
    let sql = "SELECT p.number, p.amount FROM payments p JOIN accounts a ON a.id = p.account
               WHERE a.name = $1 ORDER BY p.number";
    let rows = ledger.query(sql, &[name]).await.unwrap();
    let numbers = rows.iter().map(|row| row.get::<_, i64>(0));
    assert!(
        numbers.eq(1..=i64::try_from(rows.len()).unwrap()),
        "{name}: no gap"
    );
    rows.iter().map(|row| -i64::from(row.get::<_, i32>(1))).sum()
}
