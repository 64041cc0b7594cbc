//! Resting orders, through the real game and the real casino: placed, moved, filled across a restart of the casino or
//! while the player is away, and reported once.

mod support;

use std::path::Path;

use support::Home;
use support::casino::Casino;
use support::pty::{self, Terminal};

const ENTER: &str = "\r";
const UP: &str = "\x1b[A";
const DELETE: &str = "\x1b[3~";
/// The first tick of this game is 1, so every order to buy is filled.
const SEED: [&str; 2] = ["--seed", "3"];

fn game(home: &Home, casino: &Casino) -> Terminal {
    let arguments = ["--user", "anna", "--casino", &casino.url()];
    Terminal::open(pty::game(home, &arguments), 120, 36)
}

/// Starts a casino whose price is 10 until it is started again, and a game with 500 tokens.
fn casino_and_game(home: &Home, folder: &Path) -> (Casino, Terminal) {
    std::fs::create_dir_all(folder).unwrap();
    let casino = Casino::start(folder, "127.0.0.1:0", &[&SEED[..], &["--tick", "1h"]].concat());
    let mut anna = game(home, &casino);
    anna.see("● live");
    anna.buy_500_tokens();
    (casino, anna)
}

#[test]
fn an_order_rests_is_moved_and_filled_once_while_the_casino_restarts() {
    let home = Home::new();
    let folder = home.path().join("casino");
    let (casino, mut anna) = casino_and_game(&home, &folder);
    anna.type_keys("2o8");
    anna.see("limit 8_ rests");
    anna.see("price is 8");
    anna.type_keys("b");
    anna.see("BUY 2 limit 8 rests until cancelled");
    anna.type_keys("\t");
    anna.see("Enter moves");
    anna.type_keys(UP);
    anna.see("BUY 2 limit 8 → 9");
    anna.type_keys(ENTER);
    anna.see("moved: BUY 2 limit 8 to 9");
    anna.see("BUY 2 limit 9 rests until cancelled");
    // A second one is cancelled from the chart.
    anna.type_keys("@3b");
    anna.see("BUY 2 limit 3 rests until cancelled");
    anna.type_keys("\t\t");
    anna.see("BUY 2 limit 3 ↓ ↑ ↓");
    anna.type_keys(DELETE);
    anna.see("cancelled: BUY 2 limit 3");
    let address = casino.kill();
    let casino = Casino::start(&folder, &address, &[&SEED[..], &["--tick", "50ms"]].concat());
    anna.see("✓ BUY 2 limit 9 at");
    anna.see("stocks 2");
    anna.quit();
    let mut again = game(&home, &casino);
    again.see("● live");
    again.see("stocks 2");
    again.type_keys("O");
    again.see("No open orders. To place one, press o");
    again.see("filled: BUY 2 limit 9");
    again.type_keys("q");
    again.see_no_more("ENDED, NEWEST FIRST");
    assert!(!again.contents().contains("filled:"), "{}", again.contents());
    again.quit();
}

#[test]
fn an_order_filled_while_the_player_is_away_is_reported_by_the_next_game_only() {
    let home = Home::new();
    let folder = home.path().join("casino");
    let (casino, mut anna) = casino_and_game(&home, &folder);
    anna.type_keys("2o8b");
    anna.see("BUY 2 limit 8 rests until cancelled");
    anna.quit();
    let address = casino.kill();
    let casino = Casino::start(&folder, &address, &[&SEED[..], &["--tick", "50ms"]].concat());
    let orders = || {
        let mut command = home.game(["orders", "--user", "anna", "--casino", &casino.url()]);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    while !orders().starts_with("order filled: buy 2 limit 8, at ") {}
    let back = game(&home, &casino);
    back.see("filled: BUY 2 limit 8, at ");
    back.see("stocks 2");
    back.quit();
    let mut again = game(&home, &casino);
    again.see("stocks 2");
    // The list of orders is there, and the message would be.
    again.type_keys("O");
    again.see("ENDED, NEWEST FIRST");
    again.type_keys("q");
    again.see_no_more("ENDED, NEWEST FIRST");
    assert!(!again.contents().contains("filled:"), "{}", again.contents());
    again.quit();
}
