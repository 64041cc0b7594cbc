//! A casino at several addresses: the game moves on when one is gone, says where it is, and does each order once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::path::PathBuf;

use support::{
    Home, Pipes,
    casino::Casino,
    cutter::Cutter,
    old_casino::OldCasino,
    pty::{self, Terminal},
};

const ENTER: &str = "\r";
const STANDING: [&str; 2] = ["--tick", "1h"];

/// A folder for a ledger of this name.
fn ledger(home: &Home, name: &str) -> PathBuf {
    let folder = home.path().join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn game(home: &Home, casinos: &str) -> Terminal {
    let arguments = ["--user", "anna", "--casino", casinos];
    Terminal::open(pty::game(home, &arguments), 120, 36)
}

fn leave(mut game: Terminal) {
    game.type_keys("q");
    let (ended, said) = game.end();
    assert!(ended.success(), "{said}");
}

/// A casino whose price stands at 10 and where anna has 500 tokens, with two ways to it; and what `--casino` takes.
fn one_with_two_ways(home: &Home) -> (Casino, [Cutter; 2], String) {
    let casino = Casino::start(&ledger(home, "casino"), "127.0.0.1:0", &STANDING);
    let ways = [(); 2].map(|()| Cutter::start(casino.address(), vec![]));
    let both = format!("{},{}", ways[0].url(), ways[1].url());
    home.answers(&["--user", "anna", "--casino", &both], "buyTokens 100");
    home.share_key("anna", &ways[0].url(), &casino.url());
    (casino, ways, both)
}

/// What anna has, as the casino itself says.
fn owned(home: &Home, casino: &Casino) -> String {
    home.answers(&["--user", "anna", "--casino", &casino.url()], "balance")
        .remove(0)
}

#[test]
fn the_game_goes_to_the_next_one_and_says_which_it_is() {
    let home = Home::new();
    let folders = [ledger(&home, "a"), ledger(&home, "b")];
    let [a, b] = folders
        .each_ref()
        .map(|folder| Casino::start(folder, "127.0.0.1:0", &STANDING));
    let both = format!("{},{}", a.url(), b.url());
    let mut game = game(&home, &both);
    game.see("● live");
    game.see(&format!("anna @ {}", a.address()));
    game.type_keys(&format!("t100{ENTER}"));
    game.see("tokens 500");
    // Here they are two casinos, so that it is seen whose wallet is shown.
    let address = a.kill();
    game.see(&format!("anna @ {}", b.address()));
    game.see("● live");
    game.see("tokens 0");
    let _a = Casino::start(&folders[0], &address, &STANDING);
    b.kill();
    game.see(&format!("anna @ {address}"));
    game.see("● live");
    game.see("tokens 500");
    leave(game);
}

#[test]
fn an_order_whose_answer_is_lost_at_one_is_done_once_by_way_of_the_other() {
    let home = Home::new();
    let (casino, ways, both) = one_with_two_ways(&home);
    let mut game = game(&home, &both);
    game.see("● live");
    game.see(&format!("anna @ {}", ways[0].address()));
    ways[0].deafen();
    game.type_keys("bb");
    game.see("waiting for the casino");
    while owned(&home, &casino) != "480 tokens and 2 stocks" {}
    ways[0].close();
    game.see(&format!("anna @ {}", ways[1].address()));
    game.see_no_more("waiting for the casino");
    game.see("tokens 480");
    game.see("stocks 2");
    assert_eq!(owned(&home, &casino), "480 tokens and 2 stocks");
    leave(game);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_order_without_an_answer_is_not_sent_to_one_that_would_do_it_again() {
    let old = OldCasino::serve().await;
    let played = tokio::task::spawn_blocking(move || {
        let home = Home::new();
        let casino = Casino::start(&ledger(&home, "casino"), "127.0.0.1:0", &STANDING);
        let way = Cutter::start(casino.address(), vec![]);
        let mut game = game(&home, &format!("{},http://{old}", way.url()));
        game.see("● live");
        game.type_keys(&format!("t100{ENTER}"));
        game.see("tokens 500");
        way.deafen();
        game.type_keys("b");
        game.see("waiting for the casino");
        way.close();
        game.see(&format!("anna @ {old}"));
        game.see("● live");
        game.see("BUY 1 no answer");
        leave(game);
    });
    played.await.unwrap();
}

#[test]
fn one_that_is_gone_or_hangs_is_passed_over_by_every_command() {
    let home = Home::new();
    let (casino, ways, both) = one_with_two_ways(&home);
    let with = ["--user", "anna", "--casino", &both];
    let run = |words: &[&str]| {
        let output = home.game(words.iter().chain(&with)).output().unwrap();
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{words:?}: {complaint}");
        String::from_utf8(output.stdout).unwrap()
    };
    for hang in [true, false] {
        if hang {
            ways[0].deafen();
        } else {
            ways[0].close();
            for words in ["balance", "price", "payments", "trades", "leaderboard"] {
                assert_ne!(run(&[words]), "", "{words}");
            }
        }
        let before = owned(&home, &casino);
        run(&["buy", "1"]);
        run(&["buy-tokens", "2"]);
        assert_ne!(owned(&home, &casino), before);
        let said = home.answers(&with, "gamble\nbuy 1\nsell 1\nstop\nbalance");
        assert_eq!(
            said[1..3]
                .iter()
                .filter(|line| line.starts_with("operation executed"))
                .count(),
            2,
            "{said:?}"
        );
    }
    assert_eq!(owned(&home, &casino), "500 tokens and 2 stocks");
}

#[test]
fn an_order_in_plain_mode_is_done_once_by_way_of_the_other() {
    let home = Home::new();
    let (casino, ways, both) = one_with_two_ways(&home);
    let mut game = Pipes::open(&home, &["--user", "anna", "--casino", &both]);
    game.say("gamble");
    assert_eq!(game.hear(), "AwesomeStock - current stock price: 10");
    ways[0].deafen();
    game.say("buy 1");
    while owned(&home, &casino) != "490 tokens and 1 stock" {}
    ways[0].close();
    assert!(game.hear().starts_with("operation executed"));
    game.say("balance");
    assert_eq!(game.hear_about("tokens and"), "490 tokens and 1 stock");
    assert_eq!(game.end().0, Some(0));
}

#[test]
fn when_none_is_there_each_is_told_of() {
    let home = Home::new();
    let (_casino, ways, both) = one_with_two_ways(&home);
    for way in &ways {
        way.close();
    }
    let output = home
        .game(["balance", "--user", "anna", "--casino", &both])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    for way in &ways {
        assert!(
            said.contains(&format!("{}: cannot reach the casino", way.address())),
            "{said}"
        );
    }
    let mut game = game(&home, &both);
    game.see("reconnecting");
    game.see(&ways[0].address());
    game.type_keys("q");
    assert!(game.end().0.success());
}

#[test]
fn the_doctor_looks_at_each() {
    let home = Home::new();
    let (_casino, ways, both) = one_with_two_ways(&home);
    ways[0].close();
    let output = home
        .game(["doctor", "--user", "anna", "--casino", &both])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let about: Vec<&str> = said.lines().filter(|line| line.contains("  casino  ")).collect();
    assert!(
        matches!(about[..], [gone, there] if gone.starts_with("warn") && there.starts_with("ok")),
        "{said}"
    );
    assert!(output.status.success(), "one that is there will do: {said}");
    ways[1].close();
    let output = home
        .game(["doctor", "--user", "anna", "--casino", &both])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_key_that_one_knows_is_shown_to_all() {
    let home = Home::new();
    let casino = Casino::start(&ledger(&home, "casino"), "127.0.0.1:0", &STANDING);
    home.answers(&["--user", "anna", "--casino", &casino.url()], "buyTokens 1");
    let way = Cutter::start(casino.address(), vec![]);
    let both = format!("{},{}", way.url(), casino.url());
    let said = home.answers(&["--user", "anna", "--casino", &both], "balance");
    assert_eq!(said, ["5 tokens and 0 stocks"]);
    // As a list in the file, too.
    let file = format!("user = 'anna'\ncasino = ['{}', '{}']\n", way.url(), casino.url());
    std::fs::write(home.config_file(), file).unwrap();
    assert_eq!(home.answers(&[], "balance"), ["5 tokens and 0 stocks"]);
}
