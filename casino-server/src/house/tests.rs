//! House players on markets of their own.

use proptest::prelude::*;

use super::*;
use crate::{
    market::{Market, Model},
    quantity::UnixMillis,
    record::{AccountId, Record},
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

fn of(habit: Habit) -> HousePlayer {
    let found = players(4).into_iter().find(|player| player.habit == habit);
    found.unwrap()
}

#[test]
fn habits_decide() {
    use Habit::{Contrarian, LongTerm, Momentum};
    use Side::{Buy, Sell};
    for (habit, seen, owns, expected) in [
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
            Some(Command::Deposit(STAKE)),
        ),
        (Momentum, &[10, 11, 12, 1_000], account(200, 0, 0), None),
        (Momentum, &[10, 11, 12, 13], account(12, 1, 0), None),
        (Momentum, &[], account(400, 0, 0), None),
    ] {
        let decided = of(habit).decide(1, 1, &prices(seen), &owns);
        assert_eq!(decided, expected, "{habit:?} {seen:?} {owns:?}");
    }
}

#[test]
fn they_have_names_and_habits_of_their_own() {
    let all = players(u8::MAX);
    assert_eq!(all.len(), NAMES.len());
    assert!(all.iter().all(|player| player.name.is_house()));
    let names: std::collections::BTreeSet<_> = all.iter().map(|player| player.name.clone()).collect();
    assert_eq!(names.len(), all.len());
    assert_eq!(players(3), all[..3]);
    assert_eq!(players(0), []);
}

/// What `count` house players do in `ticks` ticks of the market with `seed`, and what they own then.
fn game(seed: u64, count: u8, ticks: usize) -> (Vec<(PlayerName, Command)>, Vec<Record>) {
    let ten = Price::new(10).unwrap();
    let mut market = Market::open(Model::Classic, seed, ten, UnixMillis(0));
    let mut seen = vec![ten];
    let mut seats: Vec<_> = players(count)
        .into_iter()
        .zip((1..).map(|id| Record::new(AccountId(id))))
        .collect();
    let mut deeds = Vec::new();
    for _ in 0..ticks {
        market = market.ticked(UnixMillis(0)).unwrap();
        seen.push(market.current.price);
        let window = &seen[seen.len().saturating_sub(MEMORY)..];
        for (player, record) in &mut seats {
            let tick = market.current;
            if let Some(command) = player.decide(seed, tick.number, window, &record.account) {
                let (after, _) = record.execute(command, tick, UnixMillis(0)).unwrap();
                *record = after;
                deeds.push((player.name.clone(), command));
            }
        }
    }
    (deeds, seats.into_iter().map(|(_, record)| record).collect())
}

#[test]
fn a_seed_is_a_game_and_everybody_plays_in_it() {
    let (deeds, records) = game(7, 20, 500);
    assert_eq!(game(7, 20, 500).0, deeds);
    assert_ne!(game(8, 20, 500).0, deeds);
    assert!(records.iter().all(|record| record.trades > 10), "{records:?}");
    let is_one = |name: &PlayerName| players(3).iter().any(|player| player.name == *name);
    let first_three: Vec<_> = deeds.into_iter().filter(|(name, _)| is_one(name)).collect();
    assert_eq!(
        game(7, 3, 500).0,
        first_three,
        "how many others there are does not matter"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn they_keep_to_the_rules_and_to_their_stakes(seed: u64) {
        // Each command is executed: `game` unwraps what the ledger says.
        let (deeds, records) = game(seed, 8, 300);
        for (_, command) in deeds {
            match command {
                Command::Deposit(dollars) => prop_assert_eq!(dollars, STAKE),
                Command::Limited(_, count, _) => prop_assert!((1..=ORDER_MAX).contains(&count.0)),
                other => prop_assert!(false, "{:?}", other),
            }
        }
        for record in records {
            prop_assert!(record.account.dollars_in <= 300 * STAKE.wide());
        }
    }
}
