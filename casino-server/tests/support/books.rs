//! Books with some play in them, and changes of them that are the same in every engine.

use super::{Asks, Client, buy, sell};

/// What ann and bob do, whose accounts are 1 and 2.
pub async fn play(client: &mut Client) {
    for name in ["ann", "bob"] {
        client.deposit(name, 1_000_000).await.unwrap();
        let mut seat = client.sit(name, "").await;
        for count in [5, 3, 7] {
            for action in [buy(name, count), sell(name, count - 1)] {
                assert_eq!(seat.play(action).await, "operation executed successfully");
            }
        }
    }
}

/// Changes of the books after [`play`], and what has to be told of each.
pub const CHANGES: [(&str, &str); 8] = [
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
