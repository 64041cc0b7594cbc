use proptest::prelude::*;

use super::{Strategy, *};
use crate::domain::market::{Market, PriceModel};
use crate::domain::money::UnixMillis;
use crate::domain::order::{AccountId, AccountRecord};

fn prices(of: &[i32]) -> Vec<Price> {
    of.iter().map(|price| Price::new(*price).unwrap()).collect()
}

fn buys(count: i32, limit: i32) -> Option<Command> {
    Some(Command::Limited(
        Side::Buy,
        Stocks(count),
        Price::new(limit).unwrap(),
    ))
}

fn sells(count: i32, limit: i32) -> Option<Command> {
    Some(Command::Limited(
        Side::Sell,
        Stocks(count),
        Price::new(limit).unwrap(),
    ))
}

fn bot(strategy: Strategy) -> Bot {
    let mut players = [PriceModel::Classic, PriceModel::News]
        .into_iter()
        .flat_map(|model| bots(4, model));
    players.find(|player| player.strategy == strategy).unwrap()
}

fn account(tokens: i32, stocks: i32, cost_basis: i64) -> Account {
    Account {
        tokens: Tokens(tokens),
        stocks: Stocks(stocks),
        cost_basis,
        ..Account::default()
    }
}

#[test]
fn each_strategy_decides_as_documented() {
    use Strategy::LongTerm;
    const MOMENTUM: Strategy = Strategy::Momentum(3);
    const CONTRARIAN: Strategy = Strategy::Contrarian(10);
    let top_up = Some(Command::Deposit(TOP_UP));
    for (strategy, seen, owns, expected) in [
        (MOMENTUM, &[10, 11, 12, 13][..], (400, 0, 0), buys(7, 13)),
        (MOMENTUM, &[13, 12, 11, 10], (0, 30, 99), sells(10, 10)),
        (MOMENTUM, &[10, 20, 30, 10], (400, 0, 0), None),
        (MOMENTUM, &[10, 11, 12], (400, 0, 0), None),
        (CONTRARIAN, &[20, 20, 20, 10], (400, 0, 0), buys(10, 10)),
        (CONTRARIAN, &[10, 10, 10, 20], (0, 2, 20), sells(1, 20)),
        (CONTRARIAN, &[10, 10, 10, 10], (400, 2, 20), None),
        (LongTerm, &[10, 30], (5, 9, 100), sells(3, 30)),
        (LongTerm, &[10, 20], (5, 9, 100), None),
        (MOMENTUM, &[10, 11, 12, 13], (12, 0, 0), top_up),
        (MOMENTUM, &[10, 11, 12, 1_000], (200, 0, 0), None),
        (MOMENTUM, &[10, 11, 12, 13], (12, 1, 0), None),
        (MOMENTUM, &[], (400, 0, 0), None),
    ] {
        let (tokens, stocks, cost_basis) = owns;
        let decided = bot(strategy).decide(1, 1, &prices(seen), &account(tokens, stocks, cost_basis));
        assert_eq!(decided, expected, "{strategy:?} {seen:?} {owns:?}");
    }
}

#[test]
fn bots_of_moods_and_news_follow_the_trend_or_bet_on_its_reversal() {
    const TREND: Strategy = Strategy::Momentum(8);
    const REVERSAL: Strategy = Strategy::Contrarian(5);
    let pays = |dollars| Some(Command::Deposit(Dollars(dollars)));
    let (rise, fall) = (
        [50, 90, 90, 90, 90, 90, 90, 90, 60],
        [60, 50, 50, 50, 50, 50, 50, 50, 50],
    );
    for (strategy, seen, owns, expected) in [
        (TREND, &rise[..], (400, 0, 0), buys(1, 60)),
        (TREND, &fall, (0, 9, 500), sells(3, 50)),
        (TREND, &[50, 60], (400, 0, 0), None),
        (TREND, &[50, 500], (400, 0, 0), pays(500)),
        (TREND, &[50, 30_000], (400, 0, 0), pays(10_000)),
        (REVERSAL, &[100, 100, 100, 90], (400, 0, 0), buys(1, 90)),
        (REVERSAL, &[100, 100, 100, 110], (0, 9, 500), sells(3, 110)),
        (REVERSAL, &[100, 100, 100, 96], (400, 9, 500), None),
    ] {
        let (tokens, stocks, cost_basis) = owns;
        let decided = bot(strategy).decide(1, 1, &prices(seen), &account(tokens, stocks, cost_basis));
        assert_eq!(decided, expected, "{strategy:?} {seen:?} {owns:?}");
    }
}

#[test]
fn bots_have_distinct_names() {
    let all = bots(u8::MAX, PriceModel::Moods);
    assert_eq!(all.len(), NAMES.len());
    assert!(all.iter().all(|player| player.name.is_bot()));
    let names: std::collections::BTreeSet<_> = all.iter().map(|player| player.name.clone()).collect();
    assert_eq!(names.len(), all.len());
    assert_eq!(bots(3, PriceModel::Moods), all[..3]);
    assert_eq!(bots(0, PriceModel::Moods), []);
}

/// The commands of a game, and the final accounts.
type Played = (Vec<(PlayerName, Command)>, Vec<AccountRecord>);

/// Plays `ticks` ticks of a market with `count` bots.
fn game(model: PriceModel, seed: u64, count: u8, ticks: usize) -> Played {
    let ten = Price::new(10).unwrap();
    let mut market = Market::new(model, seed, ten, UnixMillis(0));
    let mut seen = vec![ten];
    let mut accounts: Vec<_> = bots(count, model)
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
                record.execute(command, tick, UnixMillis(0)).unwrap();
                commands.push((player.name.clone(), command));
            }
        }
    }
    (commands, accounts.into_iter().map(|(_, record)| record).collect())
}

#[test]
fn a_seed_determines_the_game_and_every_bot_trades() {
    for model in [PriceModel::Classic, PriceModel::Moods, PriceModel::News] {
        let (commands, records) = game(model, 7, 20, 500);
        assert_eq!(game(model, 7, 20, 500).0, commands);
        assert_ne!(game(model, 8, 20, 500).0, commands);
        assert!(
            records.iter().all(|record| record.trades > 10),
            "{model:?} {records:?}"
        );
        let is_one = |name: &PlayerName| bots(3, model).iter().any(|player| player.name == *name);
        let first_three: Vec<_> = commands.into_iter().filter(|(name, _)| is_one(name)).collect();
        assert_eq!(
            game(model, 7, 3, 500).0,
            first_three,
            "independent of the number of bots"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn bots_keep_to_order_and_deposit_limits(seed: u64) {
        // `game` unwraps the execution of each command.
        let (commands, records) = game(PriceModel::Classic, seed, 8, 300);
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
