//! A sample ledger, and tampering with it that `check` must detect in either engine.

use super::{CasinoClientExt, Client, buy, sell};

/// Plays a few trades of ann and bob, whose accounts are 1 and 2.
pub async fn play_sample(client: &mut Client) {
    for name in ["ann", "bob"] {
        client.deposit(name, 1_000_000).await.unwrap();
        let mut session = client.open_session(name, "").await;
        for count in [5, 3, 7] {
            for action in [buy(name, count), sell(name, count - 1)] {
                assert_eq!(session.execute(action).await, "operation executed successfully");
            }
        }
    }
}

/// Changes of the ledger after [`play_sample`], and the difference that `check` must report for each.
pub const TAMPERING: [(&str, &str); 8] = [
    (
        "UPDATE accounts SET tokens = tokens + 1 WHERE name = 'ann'",
        "ann: tokens: expected ",
    ),
    (
        "UPDATE accounts SET stocks = 4 WHERE name = 'bob'",
        "bob: stocks: expected 3, found 4",
    ),
    (
        "UPDATE accounts SET cost_basis = cost_basis + 1 WHERE name = 'bob'",
        "bob: cost basis: ",
    ),
    (
        "UPDATE accounts SET realised_pnl = 1000000 WHERE name = 'bob'",
        "bob: realised P&L: ",
    ),
    (
        "UPDATE accounts SET version = 1 WHERE name = 'bob'",
        "bob: version: expected 7, found 1",
    ),
    (
        "UPDATE payments SET amount = -2000000 WHERE account = 1",
        "ann: dollars in: expected 2000000, found 1000000",
    ),
    (
        "DELETE FROM payments WHERE account = 1",
        "ann: payments: expected 0, found 1",
    ),
    (
        "UPDATE payments SET number = 2 WHERE account = 1",
        "ann: payment number: expected 1, found 2",
    ),
];
