//! A casino at several addresses: the game fails over, shows the current address, and executes each order once.

mod support;

use std::path::PathBuf;

use support::casino::Casino;
use support::old_casino::OldCasino;
use support::proxy::Proxy;
use support::pty::{self, Terminal};
use support::{Home, PipedGame};

const FIXED_PRICE: [&str; 2] = ["--tick", "1h"];

/// Creates a folder for a ledger.
fn ledger(home: &Home, name: &str) -> PathBuf {
    let folder = home.path().join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn game(home: &Home, casinos: &str) -> Terminal {
    let arguments = ["--user", "anna", "--casino", casinos];
    Terminal::open(pty::game(home, &arguments), 120, 36)
}

/// Starts a casino with a fixed price of 10 and 500 tokens of anna, behind two proxies. The last value is for
/// `--casino`.
fn casino_with_two_proxies(home: &Home) -> (Casino, [Proxy; 2], String) {
    let casino = Casino::start(&ledger(home, "casino"), "127.0.0.1:0", &FIXED_PRICE);
    let proxies = [(); 2].map(|()| Proxy::start(casino.address(), vec![]));
    let both = format!("{},{}", proxies[0].url(), proxies[1].url());
    home.output_lines(&["--user", "anna", "--casino", &both], "buyTokens 100");
    home.share_key("anna", &proxies[0].url(), &casino.url());
    (casino, proxies, both)
}

/// Anna's balance, read directly from the casino.
fn balance(home: &Home, casino: &Casino) -> String {
    home.output_lines(&["--user", "anna", "--casino", &casino.url()], "balance")
        .remove(0)
}

#[test]
fn the_game_fails_over_and_shows_the_address() {
    let home = Home::new();
    let folders = [ledger(&home, "a"), ledger(&home, "b")];
    let [a, b] = folders
        .each_ref()
        .map(|folder| Casino::start(folder, "127.0.0.1:0", &FIXED_PRICE));
    let both = format!("{},{}", a.url(), b.url());
    let mut game = game(&home, &both);
    game.see("● live");
    game.see(&format!("anna @ {}", a.address()));
    game.buy_500_tokens();
    // Two different casinos here, so the wallet shows which one is used.
    let address = a.kill();
    game.see(&format!("anna @ {}", b.address()));
    game.see("● live");
    game.see("tokens 0");
    let _a = Casino::start(&folders[0], &address, &FIXED_PRICE);
    b.kill();
    game.see(&format!("anna @ {address}"));
    game.see("● live");
    game.see("tokens 500");
    game.quit();
}

#[test]
fn an_order_with_a_lost_answer_is_executed_once_through_the_other_address() {
    let home = Home::new();
    let (casino, proxies, both) = casino_with_two_proxies(&home);
    let mut game = game(&home, &both);
    game.see("● live");
    game.see(&format!("anna @ {}", proxies[0].address()));
    proxies[0].drop_responses();
    game.type_keys("bb");
    game.see("waiting for the casino");
    while balance(&home, &casino) != "480 tokens and 2 stocks" {}
    proxies[0].close();
    game.see(&format!("anna @ {}", proxies[1].address()));
    game.see_no_more("waiting for the casino");
    game.see("tokens 480");
    game.see("stocks 2");
    assert_eq!(balance(&home, &casino), "480 tokens and 2 stocks");
    game.quit();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_unanswered_order_is_not_resent_to_a_casino_without_deduplication() {
    let old = OldCasino::serve().await;
    let session = tokio::task::spawn_blocking(move || {
        let home = Home::new();
        let casino = Casino::start(&ledger(&home, "casino"), "127.0.0.1:0", &FIXED_PRICE);
        let proxy = Proxy::start(casino.address(), vec![]);
        let mut game = game(&home, &format!("{},http://{old}", proxy.url()));
        game.see("● live");
        game.buy_500_tokens();
        proxy.drop_responses();
        game.type_keys("b");
        game.see("waiting for the casino");
        proxy.close();
        game.see(&format!("anna @ {old}"));
        game.see("● live");
        game.see("BUY 1 no answer");
        game.quit();
    });
    session.await.unwrap();
}

#[test]
fn every_command_skips_an_address_that_is_closed_or_hangs() {
    let home = Home::new();
    let (casino, proxies, both) = casino_with_two_proxies(&home);
    let with = ["--user", "anna", "--casino", &both];
    let run = |command: &[&str]| {
        let output = home.game(command.iter().chain(&with)).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{command:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap()
    };
    for is_hanging in [true, false] {
        if is_hanging {
            proxies[0].drop_responses();
        } else {
            proxies[0].close();
            for command in ["balance", "price", "payments", "trades", "leaderboard"] {
                assert_ne!(run(&[command]), "", "{command}");
            }
        }
        let before = balance(&home, &casino);
        run(&["buy", "1"]);
        run(&["buy-tokens", "2"]);
        assert_ne!(balance(&home, &casino), before);
        let text = home.output_lines(&with, "gamble\nbuy 1\nsell 1\nstop\nbalance");
        assert_eq!(
            text[1..3]
                .iter()
                .filter(|line| line.starts_with("operation executed"))
                .count(),
            2,
            "{text:?}"
        );
    }
    assert_eq!(balance(&home, &casino), "500 tokens and 2 stocks");
}

#[test]
fn an_order_in_plain_mode_is_executed_once_through_the_other_address() {
    let home = Home::new();
    let (casino, proxies, both) = casino_with_two_proxies(&home);
    let mut game = PipedGame::open(&home, &["--user", "anna", "--casino", &both]);
    game.send_line("gamble");
    assert_eq!(game.next_line(), "AwesomeStock - current stock price: 10");
    proxies[0].drop_responses();
    game.send_line("buy 1");
    while balance(&home, &casino) != "490 tokens and 1 stock" {}
    proxies[0].close();
    assert!(game.next_line().starts_with("operation executed"));
    game.send_line("balance");
    assert_eq!(game.wait_for_line("tokens and"), "490 tokens and 1 stock");
    assert_eq!(game.end().0, Some(0));
}

#[test]
fn an_error_names_every_address_that_failed() {
    let home = Home::new();
    let (_casino, proxies, both) = casino_with_two_proxies(&home);
    for proxy in &proxies {
        proxy.close();
    }
    let output = home
        .game(["balance", "--user", "anna", "--casino", &both])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    for proxy in &proxies {
        assert!(
            text.contains(&format!("{}: cannot reach the casino", proxy.address())),
            "{text}"
        );
    }
    let game = game(&home, &both);
    game.see("reconnecting");
    game.see(&proxies[0].address());
    game.quit();
}

#[test]
fn the_doctor_checks_each_address() {
    let home = Home::new();
    let (_casino, proxies, both) = casino_with_two_proxies(&home);
    proxies[0].close();
    let output = home
        .game(["doctor", "--user", "anna", "--casino", &both])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("  casino  ")).collect();
    assert!(
        matches!(lines[..], [closed, open] if closed.starts_with("warn") && open.starts_with("ok")),
        "{text}"
    );
    assert!(output.status.success(), "one reachable address is enough: {text}");
    proxies[1].close();
    let output = home
        .game(["doctor", "--user", "anna", "--casino", &both])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn all_addresses_receive_the_key_of_one() {
    let home = Home::new();
    let casino = Casino::start(&ledger(&home, "casino"), "127.0.0.1:0", &FIXED_PRICE);
    home.output_lines(&["--user", "anna", "--casino", &casino.url()], "buyTokens 1");
    let proxy = Proxy::start(casino.address(), vec![]);
    let both = format!("{},{}", proxy.url(), casino.url());
    let text = home.output_lines(&["--user", "anna", "--casino", &both], "balance");
    assert_eq!(text, ["5 tokens and 0 stocks"]);
    // The configuration file also accepts a list.
    let file = format!(
        "user = 'anna'\ncasino = ['{}', '{}']\n",
        proxy.url(),
        casino.url()
    );
    std::fs::write(home.config_file(), file).unwrap();
    assert_eq!(home.output_lines(&[], "balance"), ["5 tokens and 0 stocks"]);
}
