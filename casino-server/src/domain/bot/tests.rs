use proptest::prelude::*;

use super::{Strategy, *};
use crate::domain::{
    market::{Market, PriceModel},
    money::UnixMillis,
    order::{AccountId, AccountRecord},
};

fn prices(of: &[i32]) -> Vec<Price> {
    of.iter().map(|price| Price::new(*price).unwrap()).collect()
}

fn account(tokens: i32, stocks: i32, cost_basis: i64) -> Account {
    Account {
        tokens: Tokens(tokens),
        stocks: Stocks(stocks),
        cost_basis,
        ..Account::default()
    }
}

fn limited(side: Side, count: i32, limit: i32) -> Option<Command> {
    Some(Command::Limited(side, Stocks(count), Price::new(limit).unwrap()))
}

fn of(strategy: Strategy) -> Bot {
    let found = bots(4).into_iter().find(|player| player.strategy == strategy);
    found.unwrap()
}

#[test]
fn each_strategy_decides_as_documented() {
    use Side::{Buy, Sell};
    use Strategy::{Contrarian, LongTerm, Momentum};
    for (strategy, seen, owns, expected) in [
        (
            Momentum,
            &[10, 11, 12, 13][..],
            account(400, 0, 0),
            limited(Buy, 7, 13),
        ),
        (
            Momentum,
            &[13, 12, 11, 10],
            account(0, 30, 99),
            limited(Sell, 10, 10),
        ),
        (Momentum, &[10, 20, 30, 10], account(400, 0, 0), None),
        (Momentum, &[10, 11, 12], account(400, 0, 0), None),
        (
            Contrarian,
            &[20, 20, 20, 10],
            account(400, 0, 0),
            limited(Buy, 10, 10),
        ),
        (
            Contrarian,
            &[10, 10, 10, 20],
            account(0, 2, 20),
            limited(Sell, 1, 20),
        ),
        (Contrarian, &[10, 10, 10, 10], account(400, 2, 20), None),
        (LongTerm, &[10, 30], account(5, 9, 100), limited(Sell, 3, 30)),
        (LongTerm, &[10, 20], account(5, 9, 100), None),
        (
            Momentum,
            &[10, 11, 12, 13],
            account(12, 0, 0),
            Some(Command::Deposit(TOP_UP)),
        ),
        (Momentum, &[10, 11, 12, 1_000], account(200, 0, 0), None),
        (Momentum, &[10, 11, 12, 13], account(12, 1, 0), None),
        (Momentum, &[], account(400, 0, 0), None),
    ] {
        let decided = of(strategy).decide(1, 1, &prices(seen), &owns);
        assert_eq!(decided, expected, "{strategy:?} {seen:?} {owns:?}");
    }
}

#[test]
fn bots_have_distinct_names() {
    let all = bots(u8::MAX);
    assert_eq!(all.len(), NAMES.len());
    assert!(all.iter().all(|player| player.name.is_bot()));
    let names: std::collections::BTreeSet<_> = all.iter().map(|player| player.name.clone()).collect();
    assert_eq!(names.len(), all.len());
    assert_eq!(bots(3), all[..3]);
    assert_eq!(bots(0), []);
}

/// Returns the commands of `count` bots in `ticks` ticks, and their final accounts.
fn game(seed: u64, count: u8, ticks: usize) -> (Vec<(PlayerName, Command)>, Vec<AccountRecord>) {
    let ten = Price::new(10).unwrap();
    let mut market = Market::new(PriceModel::Classic, seed, ten, UnixMillis(0));
    let mut seen = vec![ten];
    let mut accounts: Vec<_> = bots(count)
        .into_iter()
        .zip((1..).map(|id| AccountRecord::new(AccountId(id))))
        .collect();
    let mut commands = Vec::new();
    for _ in 0..ticks {
        market = market.next(UnixMillis(0)).unwrap();
        seen.push(market.current.price);
        let window = &seen[seen.len().saturating_sub(MEMORY)..];
        for (player, record) in &mut accounts {
            let tick = market.current;
            if let Some(command) = player.decide(seed, tick.number, window, &record.account) {
                let (after, _) = record.execute(command, tick, UnixMillis(0)).unwrap();
                *record = after;
                commands.push((player.name.clone(), command));
            }
        }
    }
    (commands, accounts.into_iter().map(|(_, record)| record).collect())
}

#[test]
fn a_seed_determines_the_game_and_every_bot_trades() {
    let (commands, records) = game(7, 20, 500);
    assert_eq!(game(7, 20, 500).0, commands);
    assert_ne!(game(8, 20, 500).0, commands);
    assert!(records.iter().all(|record| record.trades > 10), "{records:?}");
    let is_one = |name: &PlayerName| bots(3).iter().any(|player| player.name == *name);
    let first_three: Vec<_> = commands.into_iter().filter(|(name, _)| is_one(name)).collect();
    assert_eq!(
        game(7, 3, 500).0,
        first_three,
        "independent of the number of bots"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn bots_keep_to_order_and_deposit_limits(seed: u64) {
        // `game` unwraps the execution of each command.
        let (commands, records) = game(seed, 8, 300);
        for (_, command) in commands {
            match command {
                Command::Deposit(dollars) => prop_assert_eq!(dollars, TOP_UP),
                Command::Limited(_, count, _) => prop_assert!((1..=ORDER_MAX).contains(&count.0)),
                other => prop_assert!(false, "{:?}", other),
            }
        }
        for record in records {
            prop_assert!(record.account.dollars_in <= 300 * TOP_UP.wide());
        }
    }
}
