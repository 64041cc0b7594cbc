//! Tables of the money rules, and the account invariant under random commands.

use proptest::prelude::*;

use super::*;

/// Stocks cost 5 each.
fn account(tokens: i32, stocks: i32) -> Account {
    Account {
        tokens: Tokens(tokens),
        stocks: Stocks(stocks),
        cost_basis: i64::from(stocks) * 5,
        ..Account::default()
    }
}

fn price(tokens: i32) -> Price {
    Price::new(tokens).unwrap()
}

const MAX: i32 = i32::MAX;

/// Two figures of the account afterwards, or the error text.
type Expected = Result<(i32, i32), &'static str>;

fn assert_result(got: Result<(i32, i32), Rejection>, expected: Expected, what: &str) {
    let got = got.map_err(|rejection| rejection.to_string());
    assert_eq!(got, expected.map_err(str::to_owned), "{what}");
}

#[test]
fn deposits() {
    let cases: &[(i32, i32, Expected)] = &[
        // balance, dollars -> balance after, tokens bought
        (0, 1, Ok((5, 5))),
        (7, 10, Ok((57, 50))),
        (0, 429_496_729, Ok((2_147_483_645, 2_147_483_645))),
        (2, 429_496_729, Ok((MAX, 2_147_483_645))),
        (0, 0, Err("amount: 0 is below 1")),
        (0, -10, Err("amount: -10 is below 1")),
        (0, i32::MIN, Err("amount: -2,147,483,648 is below 1")),
        (
            3,
            429_496_729,
            Err("a balance of 3 tokens plus 2,147,483,645 exceeds the maximum of 2,147,483,647"),
        ),
        (
            1,
            MAX,
            Err("a balance of 1 token plus 10,737,418,235 exceeds the maximum of 2,147,483,647"),
        ),
    ];
    for (tokens, dollars, expected) in cases {
        let got = account(*tokens, 0).deposit(Dollars(*dollars));
        let got = got.map(|(after, bought)| (after.tokens.0, bought.0));
        assert_result(got, *expected, &format!("{dollars}"));
    }
}

#[test]
fn withdrawals() {
    let cases: &[(i32, i32, Expected)] = &[
        // balance, tokens -> balance after, dollars
        (50, 5, Ok((45, 1))),
        (50, 50, Ok((0, 10))),
        (52, 50, Ok((2, 10))),
        (50, 0, Err("tokens_cnt: 0 is below 1")),
        (50, -5, Err("tokens_cnt: -5 is below 1")),
        (
            50,
            7,
            Err("tokens_cnt: 7 is not a multiple of 5; the nearest amounts: 5 or 10"),
        ),
        (
            50,
            1,
            Err("tokens_cnt: 1 is not a multiple of 5; the nearest amount: 5"),
        ),
        (
            50,
            MAX,
            Err("tokens_cnt: 2,147,483,647 is not a multiple of 5; the nearest amount: 2,147,483,645"),
        ),
        (50, 55, Err("you have 50 tokens, not 55")),
        (0, 5, Err("you have 0 tokens, not 5")),
    ];
    for (tokens, withdrawn, expected) in cases {
        let got = account(*tokens, 0).withdraw(Tokens(*withdrawn));
        let got = got.map(|(after, dollars)| (after.tokens.0, dollars.0));
        assert_result(got, *expected, &format!("{withdrawn}"));
    }
}

#[test]
fn buys() {
    let cases: &[(i32, i32, i32, i32, Expected)] = &[
        // tokens, stocks, count, price -> tokens, stocks
        (50, 0, 3, 15, Ok((5, 3))),
        (45, 2, 3, 15, Ok((0, 5))),
        (
            44,
            0,
            3,
            15,
            Err("buying 3 stocks at 15 tokens costs 45 tokens, you have 44 tokens"),
        ),
        (44, 0, 0, 15, Err("stocks_count: 0 is below 1")),
        (44, 0, -3, 15, Err("stocks_count: -3 is below 1")),
        (MAX, 0, MAX, 1, Ok((0, MAX))),
        (
            MAX,
            0,
            MAX,
            2,
            Err(
                "buying 2,147,483,647 stocks at 2 tokens costs 4,294,967,294 tokens, you have 2,147,483,647 tokens",
            ),
        ),
        (
            MAX,
            0,
            MAX,
            MAX,
            Err(
                "buying 2,147,483,647 stocks at 2,147,483,647 tokens costs 4,611,686,014,132,420,609 tokens, you have 2,147,483,647 tokens",
            ),
        ),
        (
            10,
            MAX,
            1,
            1,
            Err("a position of 2,147,483,647 stocks plus 1 exceeds the maximum of 2,147,483,647"),
        ),
    ];
    for (tokens, stocks, count, at, expected) in cases {
        let got = account(*tokens, *stocks).buy(Stocks(*count), price(*at));
        let got = got.map(|after| (after.tokens.0, after.stocks.0));
        assert_result(got, *expected, &format!("{count} at {at}"));
    }
}

#[test]
fn sells() {
    let cases: &[(i32, i32, i32, i32, Expected)] = &[
        // tokens, stocks, count, price -> tokens, stocks
        (15, 3, 2, 10, Ok((35, 1))),
        (0, 3, 3, 1, Ok((3, 0))),
        (15, 3, 50, 10, Err("you have 3 stocks, not 50")),
        (15, 0, 1, 10, Err("you have 0 stocks, not 1")),
        (15, 3, 0, 10, Err("stocks_count: 0 is below 1")),
        (
            15,
            3,
            i32::MIN,
            10,
            Err("stocks_count: -2,147,483,648 is below 1"),
        ),
        (
            0,
            2,
            2,
            MAX,
            Err("a balance of 0 tokens plus 4,294,967,294 exceeds the maximum of 2,147,483,647"),
        ),
        (
            1,
            1,
            1,
            MAX,
            Err("a balance of 1 token plus 2,147,483,647 exceeds the maximum of 2,147,483,647"),
        ),
    ];
    for (tokens, stocks, count, at, expected) in cases {
        let got = account(*tokens, *stocks).sell(Stocks(*count), price(*at));
        let got = got.map(|after| (after.tokens.0, after.stocks.0));
        assert_result(got, *expected, &format!("{count} at {at}"));
    }
}

#[test]
fn stocks_are_valued_at_average_cost() {
    let bought = account(100, 0)
        .buy(Stocks(1), price(10))
        .unwrap()
        .buy(Stocks(2), price(11))
        .unwrap();
    assert_eq!(bought.cost_basis, 32);
    // A third of 32, rounded down; the rest stays with the two stocks held.
    let sold = bought.sell(Stocks(1), price(20)).unwrap();
    assert_eq!((sold.cost_basis, sold.realised_pnl), (22, 10));
    let gone = sold.sell(Stocks(2), price(5)).unwrap();
    assert_eq!(
        (gone.cost_basis, gone.realised_pnl, gone.tokens),
        (0, -2, Tokens(98))
    );
}

#[test]
fn only_rejections_for_every_account_are_invalid() {
    let ten = price(10);
    for invalid in [
        account(0, 0).deposit(Dollars(0)).unwrap_err(),
        account(0, 0).withdraw(Tokens(0)).unwrap_err(),
        account(9, 0).withdraw(Tokens(7)).unwrap_err(),
        account(9, 0).sell(Stocks(0), ten).unwrap_err(),
    ] {
        assert!(invalid.is_invalid(), "{invalid}");
    }
    for valid in [
        account(3, 0).deposit(Dollars(MAX)).unwrap_err(),
        account(9, 0).withdraw(Tokens(10)).unwrap_err(),
        account(9, 0).buy(Stocks(1), ten).unwrap_err(),
        account(9, 0).sell(Stocks(1), ten).unwrap_err(),
    ] {
        assert!(!valid.is_invalid(), "{valid}");
    }
}

#[test]
fn an_account_at_the_last_version_rejects() {
    let old = Account {
        version: i64::MAX,
        ..account(50, 5)
    };
    assert_eq!(old.deposit(Dollars(1)), Err(Rejection::LedgerFull));
    assert_eq!(old.withdraw(Tokens(5)), Err(Rejection::LedgerFull));
    assert_eq!(old.buy(Stocks(1), price(1)), Err(Rejection::LedgerFull));
    assert_eq!(old.sell(Stocks(1), price(1)), Err(Rejection::LedgerFull));
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Deposit(i32),
    Withdraw(i32),
    Buy(i32, i32),
    Sell(i32, i32),
}

/// Mostly small numbers, some at the bounds, some anywhere.
fn number() -> impl Strategy<Value = i32> {
    prop_oneof![
        8 => -2..200,
        1 => prop_oneof![Just(i32::MIN), Just(i32::MAX), Just(i32::MAX - 1), Just(429_496_729)],
        1 => any::<i32>(),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let at = prop_oneof![9 => 1..60, 1 => 1..=i32::MAX];
    prop_oneof![
        number().prop_map(Step::Deposit),
        prop_oneof![number(), number().prop_map(|n| n / 5 * 5)].prop_map(Step::Withdraw),
        (number(), at.clone()).prop_map(|(count, price)| Step::Buy(count, price)),
        (number(), at).prop_map(|(count, price)| Step::Sell(count, price)),
    ]
}

fn apply(account: Account, step: Step) -> Result<Account, Rejection> {
    match step {
        Step::Deposit(dollars) => account.deposit(Dollars(dollars)).map(|(after, _)| after),
        Step::Withdraw(tokens) => account.withdraw(Tokens(tokens)).map(|(after, _)| after),
        Step::Buy(count, at) => account.buy(Stocks(count), price(at)),
        Step::Sell(count, at) => account.sell(Stocks(count), price(at)),
    }
}

proptest! {
    #[test]
    fn the_account_invariant_holds_after_any_commands(steps in prop::collection::vec(step(), 1..200)) {
        let mut account = Account::default();
        let mut changes = 0;
        for step in steps {
            if let Ok(after) = apply(account, step) {
                account = after;
                changes += 1;
            }
            let owned = i128::from(account.tokens.0) + i128::from(account.cost_basis);
            let paid = 5 * (i128::from(account.dollars_in) - i128::from(account.dollars_out));
            prop_assert_eq!(owned, paid + i128::from(account.realised_pnl), "{:?}", account);
            prop_assert!(account.tokens.0 >= 0 && account.stocks.0 >= 0 && account.cost_basis >= 0);
            prop_assert!(account.dollars_in >= 0 && account.dollars_out >= 0);
            prop_assert!(account.stocks.0 > 0 || account.cost_basis == 0, "{:?}", account);
            prop_assert_eq!(account.version, changes);
            let at = price(17);
            let equity = account.tokens.wide() + at.times(account.stocks);
            prop_assert_eq!(i128::from(account.profit(at)), i128::from(equity) - paid);
        }
    }
}
