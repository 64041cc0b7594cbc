//! Looks through the ledger, and holds it to what the players were told.

use std::collections::BTreeMap;

use tokio_postgres::Client;

use crate::player::Played;

/// Prices by their ticks.
type Prices = BTreeMap<i64, i32>;

/// A trade as it is stored: its tick and price, and the stocks it brought or took.
type Trade = (i64, i32, i32);

/// The whole market: without a gap.
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

/// Of one player nothing is lost, nothing is there twice, and every price is the market's.
pub(crate) async fn player(ledger: &Client, prices: &Prices, played: &Played) {
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
        "{name} owns what the entries say"
    );
    let desk = played.wallet.unwrap();
    let desk = (i64::from(desk.tokens), i64::from(desk.stocks));
    assert_eq!(desk, sums, "{name}'s desk shows what is owned");
    assert_told(played, &trades, paid);
    for (tick, price) in &played.heard {
        assert_eq!(prices.get(tick), Some(price), "{name} heard of tick {tick}");
    }
    for shown in &played.shown {
        assert_eq!(
            prices.get(&shown.tick),
            Some(&shown.price),
            "{name} is shown tick {}",
            shown.tick
        );
    }
}

/// What was answered is there, and what is there was answered, but for what a player was told is open.
fn assert_told(played: &Played, trades: &[Trade], paid: i64) {
    let name = &played.name;
    let mut told: BTreeMap<(i64, i32), usize> = BTreeMap::new();
    for trade in &played.trades {
        *told.entry(*trade).or_default() += 1;
    }
    for (tick, price, _) in trades {
        if let Some(count) = told.get_mut(&(*tick, *price)) {
            *count = count.saturating_sub(1);
        }
    }
    let lost: usize = told.values().sum();
    assert_eq!(lost, 0, "{name} was told of trades that are not there: {told:?}");
    let open = played.ordered - played.answered;
    let untold = trades.len() - played.trades.len();
    assert!(
        untold <= open,
        "{name}: {untold} trades nobody was told of, {open} orders are open"
    );
    let untold = paid - played.paid;
    assert!(
        (0..=played.open).contains(&untold),
        "{name}: {paid} dollars are there, {} were answered and {} are open",
        played.paid,
        played.open
    );
    if played.seats[1] == 0 {
        assert_eq!(open, 0, "{name}: no casino has left an order open");
    }
}

/// The player's trades, which are numbered without a gap.
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

/// The dollars the player has paid in, by payments that are numbered without a gap.
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
