//! The real binary in a pseudo-terminal, played by keys and mouse.

mod support;

use support::Home;
use support::casino::Casino;
use support::old_casino::OldCasino;
use support::pty::{self, Terminal};

const ENTER: &str = "\r";
const ESCAPE: &str = "\u{1b}";
const CTRL_C: &str = "\u{3}";

#[test]
fn a_game_by_keys_and_the_same_wallet_in_the_next_one() {
    let home = Home::new();
    let mut game = Terminal::solo(&home);
    game.see("anna @ solo");
    game.type_keys(&format!("t100{ENTER}"));
    game.see("✓ TOKENS 100 $");
    game.see("tokens 500");
    game.type_keys("2b");
    game.see("✓ BUY 2 at 10, for 20 tokens");
    game.see("stocks 2");
    game.type_keys("1s");
    game.see("✓ SELL 1 at 10, for 10 tokens");
    game.type_keys("50s");
    game.see("✗ SELL 50 rejected: you have 1 stock, not 50");
    game.see("tokens 490");
    game.type_keys("S");
    game.see("FINAL BALANCE -100");
    game.type_keys(ESCAPE);
    game.see_no_more("FINAL BALANCE");
    game.type_keys("p");
    game.see("Payments");
    game.type_keys("q");
    game.see_no_more("Esc closes");
    game.type_keys("T");
    game.see("sell 1 10 +10");
    game.see("buy 2 10 -20");
    game.type_keys("e");
    game.see("exported to");
    game.type_keys(ESCAPE);
    game.see_no_more("Esc closes");
    let left = game.quit();
    // Only the summary is left on the screen.
    let lines: Vec<&str> = left.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), 5, "{left}");
    assert_eq!(lines[0], "AwesomeStock anna @ solo");
    assert!(lines[1].starts_with("played "), "{left}");
    assert_eq!(
        lines[2..],
        [
            "trades 2; sale: 1 at 10, no gain",
            "P&L = 0 tokens, 0.0 %; buy and hold 0.0 %",
            "wallet 490 tokens, 1 stock: 10 tokens at 10"
        ]
    );

    let mut again = Terminal::solo(&home);
    again.see("tokens 490");
    again.see("stocks 1");
    again.type_keys(CTRL_C);
    assert!(again.end().0.success());
}

#[test]
fn a_game_by_the_palette() {
    let home = Home::new();
    let mut game = Terminal::solo(&home);
    let cases = [
        ("buyTokens 100", "✓ TOKENS 100 $"),
        ("buy 2", "✓ BUY 2 at 10"),
        ("sell 1", "✓ SELL 1 at 10"),
        ("sell 50", "✗ SELL 50 rejected"),
        ("withdraw 5", "✓ WITHDRAW 5"),
        ("balance", "balance: 485 tokens"),
        ("stop", "you left the table"),
        ("buy 1", "✗ BUY 1"),
        ("gamble", "● live"),
        ("buy 3", "✓ BUY 3 at 10"),
    ];
    for (command, expected) in cases {
        game.type_keys(":");
        game.type_keys(&format!("{command}{ENTER}"));
        game.see(expected);
    }
    game.type_keys(&format!(":paymentStatement{ENTER}"));
    game.see("FINAL BALANCE -99");
    game.type_keys(ESCAPE);
    game.see_no_more("FINAL BALANCE");
    game.type_keys(&format!(":payments{ENTER}"));
    game.see("Payments");
    game.type_keys(ESCAPE);
    game.see_no_more("Esc closes");
    game.type_keys(&format!(":exit{ENTER}"));
    assert!(game.end().0.success());
}

#[test]
fn an_order_is_sent_with_its_limit() {
    let home = Home::new();
    let mut game = Terminal::solo(&home);
    game.buy_500_tokens();
    game.type_keys("2@9");
    game.see("limit 9_");
    game.see("price above limit");
    game.type_keys("b");
    game.see("✗ BUY 2 limit 9 rejected: buying at 10 tokens is above your");
    game.type_keys("@12b");
    game.see("✓ BUY 2 limit 12 at 10, for 20 tokens");
    game.type_keys("@@1s");
    game.see("✓ SELL 1 at 10");
    game.quit();
}

#[test]
fn prices_change_without_input() {
    let home = Home::new();
    let game = Terminal::live(&home, &["--tick", "20ms", "--seed", "1"]);
    let mut shown = game.contents();
    for _ in 0..5 {
        game.see_change_from(&shown);
        shown = game.contents();
    }
}

#[test]
fn the_chart_is_controlled_by_keys_and_mouse() {
    let home = Home::new();
    let mut game = Terminal::live(&home, &["--tick", "10ms", "--seed", "1"]);
    // From here on the chart is full at this size.
    game.see("in 2 s");
    // Cells count from 1. Zero, which some terminals send, is ignored.
    let mouse = |button: u8, column: u8, row: u8| format!("\u{1b}[<{button};{column};{row}M");
    game.type_keys(&mouse(35, 0, 0));
    game.type_keys(&mouse(35, 4, 10));
    game.see("since");
    game.type_keys(&mouse(35, 110, 30));
    game.see_no_more("since");
    game.type_keys(&mouse(0, 4, 10));
    game.see("since");
    game.type_keys("x");
    game.see_no_more("since");
    game.type_keys("cc");
    game.see("5 ticks per candle");
    game.type_keys("%");
    game.see("high +");
    game.type_keys(&mouse(64, 10, 10));
    game.type_keys("\u{1b}[D");
    game.see("history");
    game.type_keys("\u{1b}[F");
    game.see_no_more("history");
    game.quit();
}

#[test]
fn a_game_by_mouse() {
    let home = Home::new();
    let mut game = Terminal::open(pty::game(&home, &["--user", "anna", "--tick", "1h"]), 80, 24);
    game.see("● live");
    // Clicks on a text of the screen.
    let click = |game: &mut Terminal, text: &str| {
        let (column, row) = game.position_of(text);
        game.type_keys(&format!("\u{1b}[<0;{column};{row}M\u{1b}[<0;{column};{row}m"));
    };
    click(&mut game, "t tokens");
    game.see("Buy tokens");
    game.type_keys("100");
    game.see("balance: 500 tokens");
    click(&mut game, "Enter buys");
    game.see("tokens 500");
    click(&mut game, "b buy");
    game.see("✓ BUY 1 at 10");
    click(&mut game, "SELL 1");
    game.see("✓ SELL 1 at 10");
    // Only the hints of the top overlay are clickable.
    click(&mut game, ": command");
    game.type_keys("paymentSt");
    click(&mut game, "Tab completes");
    click(&mut game, "Enter runs");
    game.see("FINAL BALANCE");
    click(&mut game, "/ finds");
    game.type_keys("final");
    click(&mut game, "Enter finds");
    game.see("n next");
    click(&mut game, "n next");
    game.type_keys(ESCAPE);
    game.see_no_more("FINAL BALANCE");
    click(&mut game, "l lobby");
    game.see("Lobby");
    click(&mut game, "Esc closes");
    game.see_no_more("Lobby");
    click(&mut game, "w withdraw");
    click(&mut game, "m all");
    game.see("500 tokens → 100 $");
    click(&mut game, "Enter withdraws");
    game.see("Confirm");
    click(&mut game, "Enter confirms");
    game.see("✓ WITHDRAW 500");
    click(&mut game, "q quit");
    assert!(game.end().0.success());
}

#[test]
fn a_maximum_order_is_executed_although_the_price_moved() {
    let home = Home::new();
    let mut game = Terminal::live(&home, &["--user", "anna", "--tick", "200ms"]);
    game.type_keys(&format!("t5000{ENTER}"));
    game.see("✓ TOKENS 5,000 $");
    game.see("tokens 25,000");
    game.type_keys("mb");
    game.see("Confirm");
    let shown = game.contents();
    let cost = shown.lines().find(|line| line.contains("you pay about"));
    game.see_no_more(cost.unwrap().trim());
    game.see("you pay about");
    game.type_keys(ENTER);
    game.see("✓ BUY");
    game.quit();
}

#[test]
fn an_exported_table_equals_the_printed_one() {
    let home = Home::new();
    let mut game = Terminal::solo(&home);
    game.type_keys(&format!("t100{ENTER}"));
    game.see("✓ TOKENS 100 $");
    game.type_keys("2b");
    game.see("✓ BUY 2");
    game.type_keys("1s");
    game.see("✓ SELL 1");
    for (key, table) in [("T", "trades"), ("p", "payments")] {
        game.type_keys(&format!("{key}e"));
        // Not before the rows are loaded.
        game.type_until("e", |game| {
            game.contents().contains(&format!("awesomestock-{table}"))
        });
        // It closes the window; an Esc would join the next key.
        game.type_keys("q");
    }
    game.quit();
    for table in ["trades", "payments"] {
        let printed = home
            .game([table, "--csv", "--user=anna"])
            .output()
            .unwrap()
            .stdout;
        let mut files = std::fs::read_dir(home.path())
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let is_table =
            |path: &std::path::PathBuf| path.to_str().unwrap().contains(&format!("awesomestock-{table}"));
        let exported = std::fs::read(files.find(is_table).unwrap()).unwrap();
        assert_eq!(String::from_utf8(exported), String::from_utf8(printed), "{table}");
    }
}

#[test]
fn custom_key_bindings_work_and_are_shown() {
    let home = Home::new();
    std::fs::write(
        home.config_file(),
        "[keys]\nbuy = 'f1'\nsell = 'b'\nbuy-tokens = ['alt-t', 'Y']\nquit = 'Q'\n",
    )
    .unwrap();
    let mut game = Terminal::solo(&home);
    game.see("F1 buy b sell Alt-t tokens");
    game.type_keys(&format!("\u{1b}t100{ENTER}"));
    game.see("tokens 500");
    game.type_keys("\u{1b}OP");
    game.see("✓ BUY 1 at 10");
    game.type_keys("b");
    game.see("✓ SELL 1 at 10");
    game.type_keys("q?");
    game.see("Alt-t Y buy tokens");
    game.type_keys("Q");
    game.see_no_more("Alt-t Y buy tokens");
    game.type_keys("Q");
    assert!(game.end().0.success());
    std::fs::write(home.config_file(), "[keys]\nbuy = 's'\n").unwrap();
    let rejected = home.game(["--tick", "1h"]).output().unwrap();
    let stderr = String::from_utf8(rejected.stderr).unwrap();
    assert_eq!(rejected.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.contains("config.toml line 2: key \"s\" cannot be bound to buy: it is bound to sell"),
        "{stderr}"
    );
}

#[test]
fn a_game_starts_with_the_start_screen_until_a_key() {
    let home = Home::new();
    let mut command = pty::game(&home, &["--user", "anna", "--tick", "1h"]);
    command.env_remove("AWESOMESTOCK_NO_SPLASH");
    let mut game = Terminal::open(command.clone(), 80, 24);
    game.see("press any key");
    game.see("t tokens b buy s sell ? help q quit");
    game.buy_500_tokens();
    game.quit();
    let untouched = Terminal::open(command, 80, 24);
    untouched.see("press any key");
    untouched.see("tokens 500");
    untouched.quit();
}

/// A solo game as a new player starts it: with the start screen.
fn first_game(home: &Home, arguments: &[&str], (columns, rows): (u16, u16)) -> Terminal {
    let arguments = [arguments, &["--user", "anna", "--tick", "1h"]].concat();
    let mut command = pty::game(home, &arguments);
    command.env_remove("AWESOMESTOCK_NO_SPLASH");
    Terminal::open(command, columns, rows)
}

/// Waits for the main screen, and asserts that it has no tour.
fn see_no_tour(game: &Terminal) {
    game.see("press any key");
    game.see_no_more("press any key");
    game.see("● live");
    assert!(!game.contents().contains("Tour"), "{}", game.contents());
}

#[test]
fn the_first_game_begins_with_a_tour_and_the_second_does_not() {
    for size in [(40, 12), (120, 36)] {
        let home = Home::new();
        let mut game = first_game(&home, &[], size);
        game.see("Tour 1/7");
        game.see("t buys tokens");
        game.type_keys(&format!("t100{ENTER}"));
        game.see("✓ TOKENS 100 $");
        game.see("Tour 2/7");
        // Another key works, and the bubble stays.
        game.type_keys("\u{1b}[A");
        game.see("BUY 2");
        game.see("Tour 2/7");
        game.type_keys("\u{1b}[B");
        game.see("BUY 1");
        for (key, result, next) in [
            ("b", "✓ BUY 1 at 10", "Tour 3/7"),
            ("c", "● live", "Tour 4/7"),
            ("s", "✓ SELL 1 at 10", "Tour 5/7"),
            ("\u{1b}[A", "BUY 2", "Tour 6/7"),
        ] {
            game.type_keys(key);
            game.see(result);
            game.see(next);
        }
        game.type_keys("l");
        game.see("Lobby");
        game.see_no_more("Tour");
        game.type_keys(ESCAPE);
        game.see("Tour 7/7");
        game.type_keys("?");
        game.see("KEYS");
        game.type_keys("q");
        game.see_no_more("KEYS");
        assert!(!game.contents().contains("Tour"), "{}", game.contents());
        game.quit();
        let again = first_game(&home, &[], size);
        see_no_tour(&again);
        again.quit();
    }
}

#[test]
fn the_tour_ends_with_escape_and_starts_again_by_its_name() {
    let home = Home::new();
    let mut game = first_game(&home, &[], (40, 12));
    game.see("Tour 1/7");
    game.type_keys(ESCAPE);
    game.see_no_more("Tour");
    game.type_keys(&format!(":tour{ENTER}"));
    game.see("Tour 1/7");
    game.quit();
}

#[test]
fn a_recorded_game_has_no_tour_and_a_command_does_not_use_it_up() {
    for options in [&["--record", "session.jsonl"][..], &["--cast", "game.cast"]] {
        see_no_tour(&first_game(&Home::new(), options, (80, 24)));
    }
    let home = Home::new();
    let bought = home.game(["buy-tokens", "100"]).output().unwrap();
    assert!(bought.status.success());
    first_game(&home, &[], (80, 24)).see("Tour 1/7");
}

#[test]
fn an_achievement_is_shown_once_and_kept() {
    let home = Home::new();
    let mut game = Terminal::solo(&home);
    game.buy_500_tokens();
    game.type_keys(&format!("mb{ENTER}"));
    game.see("✓ BUY 50");
    game.see("achievement: all in");
    // It is kept when it is earned.
    game.signal(rustix::process::Signal::KILL);
    drop(game);
    let mut again = Terminal::solo(&home);
    again.see("stocks 50");
    again.type_keys("?");
    // The window scrolls once it is drawn.
    again.type_until("G", |game| game.contents().contains("✓ all in"));
    again.see("· doubled");
    again.type_keys("q");
    again.see_no_more("KEYS");
    again.type_keys("20s");
    again.see("✓ SELL 20");
    again.type_keys(&format!("mb{ENTER}"));
    again.see("✓ BUY 20");
    let left = again.quit();
    assert!(!left.contains("earned"), "{left}");
}

#[test]
fn a_daily_game_asks_before_it_ends_and_keeps_its_trades_if_it_is_killed() {
    let home = Home::new();
    let mut game = Terminal::open(pty::game(&home, &["daily"]), 80, 24);
    game.see("● live");
    game.type_keys("2b");
    game.see("✓ BUY 2 at");
    game.type_keys("q");
    game.see("end the game now?");
    game.type_keys(ESCAPE);
    game.see_no_more("end the game now?");
    // Its ticks would wait.
    game.type_keys("\u{1a}");
    game.see("a challenge runs to its last tick");
    game.signal(rustix::process::Signal::TSTP);
    game.see("a challenge cannot be suspended");
    let print = |arguments: &[&str]| {
        let output = home.game(["daily"].iter().chain(arguments)).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let running = print(&["results"]);
    assert!(running.ends_with("  still running\n"), "{running}");
    let file = || {
        let mut folder = std::fs::read_dir(home.path().join("data/awesomestock/daily")).unwrap();
        let file = folder.find_map(|entry| {
            let path = entry.unwrap().path();
            path.extension().is_some().then_some(path)
        });
        file.unwrap().to_str().unwrap().to_owned()
    };
    let verify = || {
        let output = home.game(["daily", "verify", &file()]).output().unwrap();
        assert_eq!((output.status.code(), &*output.stdout), (Some(1), &b""[..]));
        String::from_utf8(output.stderr).unwrap()
    };
    let refused = verify();
    assert!(refused.contains(" is still running: "), "{refused}");
    game.signal(rustix::process::Signal::KILL);
    drop(game);
    let results = print(&["results"]);
    assert!(
        results.ends_with("  not finished; its result is shown tomorrow (UTC)\n"),
        "{results}"
    );
    // The next game of the day is practice, and ends at once.
    let again = Terminal::open(pty::game(&home, &["daily"]), 40, 12);
    again.see(" @ practice");
    again.see("/120");
    again.see("● live");
    let left = again.quit();
    assert!(left.contains("(practice)"), "{left}");
    assert_eq!(print(&["results"]), results);
    // On the day itself, a copy could be of a game that runs elsewhere.
    let refused = verify();
    assert!(
        refused.contains(" is not finished, and may still be played"),
        "{refused}"
    );
}

#[test]
fn own_trades_are_marked_on_the_chart_in_the_next_game_too() {
    let home = Home::new();
    let mut game = Terminal::solo(&home);
    game.buy_500_tokens();
    game.type_keys("2bx");
    game.see("bought 2");
    game.quit();
    let mut again = Terminal::solo(&home);
    again.see("tokens 480");
    again.type_keys("x");
    again.see("bought 2");
}

#[test]
fn a_paste_never_trades() {
    let home = Home::new();
    let mut game = Terminal::solo(&home);
    game.buy_500_tokens();
    // More than the paste limit; the excess is not typed either.
    let paste = "b\rs\rq\r".repeat(40_000);
    game.type_keys(&format!("\u{1b}[200~{paste}\u{1b}[201~"));
    game.type_keys("3b");
    game.see("✓ BUY 3 at 10, for 30 tokens");
    game.see("tokens 470");
    game.quit();
}

#[test]
fn a_killed_casino_is_reconnected() {
    let home = Home::new();
    let folder = home.path().join("casino");
    std::fs::create_dir_all(&folder).unwrap();
    let casino = Casino::start(&folder, "127.0.0.1:0", &["--tick", "100ms"]);
    let mut game = Terminal::live(&home, &["--user", "anna", "--casino", &casino.url()]);
    game.see(&format!("anna @ {}", casino.address()));
    game.buy_500_tokens();
    game.type_keys("1b");
    game.see("✓ BUY 1 at");
    let address = casino.kill();
    game.see("reconnecting");
    game.type_keys("b");
    game.see("not sent: connection lost");
    let _casino = Casino::start(&folder, &address, &["--tick", "100ms"]);
    game.see("● live");
    game.see("stocks 1");
    game.type_keys("1s");
    game.see("✓ SELL 1 at");
    game.see("stocks 0");
    game.quit();
}

#[test]
fn a_suspended_casino_is_stale_and_accepts_no_orders_until_it_continues() {
    let home = Home::new();
    let folder = home.path().join("casino");
    std::fs::create_dir_all(&folder).unwrap();
    let casino = Casino::start(&folder, "127.0.0.1:0", &["--tick", "100ms"]);
    let mut game = Terminal::live(&home, &["--user", "anna", "--casino", &casino.url()]);
    game.see(" ms");
    casino.signal(rustix::process::Signal::STOP);
    game.see("stale");
    game.type_keys("b");
    game.see("not sent: no price for");
    casino.signal(rustix::process::Signal::CONT);
    game.see("● live");
    game.buy_500_tokens();
    game.type_keys("b");
    game.see("✓ BUY 1 at");
    game.quit();
}

#[test]
fn an_order_is_answered_even_if_the_player_quits_at_once() {
    let home = Home::new();
    let mut game = Terminal::solo(&home);
    game.buy_500_tokens();
    game.type_keys("3bq");
    assert!(game.end().0.success());
    let again = Terminal::solo(&home);
    again.see("tokens 470");
    again.see("stocks 3");
}

#[test]
fn an_unreachable_casino_is_retried_and_can_be_quit() {
    let home = Home::new();
    // A port that was free a moment ago, so nothing listens on it.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let mut game = Terminal::open(pty::game(&home, &["--casino", &url]), 120, 36);
    game.see("cannot reach the casino");
    game.see("attempt 3");
    game.type_keys(&format!("t100{ENTER}"));
    game.see("✗ TOKENS 100 $ not sent");
    game.quit();
}

#[test]
fn two_players_of_one_casino_see_one_price_and_their_own_wallets() {
    let home = Home::new();
    let folder = home.path().join("casino");
    std::fs::create_dir_all(&folder).unwrap();
    let casino = Casino::start(&folder, "127.0.0.1:0", &["--tick", "1h", "--initial-price", "23"]);
    let open_game = |name: &str| {
        Terminal::open(
            pty::game(&home, &["--user", name, "--casino", &casino.url()]),
            120,
            36,
        )
    };
    let (mut anna, mut bert) = (open_game("anna"), open_game("bert"));
    anna.see("● live");
    bert.see("● live");
    anna.buy_500_tokens();
    anna.type_keys("1b");
    anna.see("✓ BUY 1 at 23, for 23 tokens");
    bert.type_keys(&format!("t10{ENTER}"));
    bert.see("tokens 50");
    bert.type_keys("2b");
    bert.see("BUY 2 stocks at about 23");
    bert.type_keys(ENTER);
    bert.see("✓ BUY 2 at 23, for 46 tokens");
    anna.see("tokens 477");
    bert.see("tokens 4");
}

#[test]
fn a_view_without_a_player_shows_two_traders_and_sends_nothing() {
    let (home, projector) = (Home::new(), Home::new());
    let folder = home.path().join("casino");
    std::fs::create_dir_all(&folder).unwrap();
    let market = ["--tick", "1h", "--initial-price", "23"];
    let casino = Casino::start(&folder, "127.0.0.1:0", &market);
    let url = casino.url();
    let mut view = Terminal::open(pty::game(&projector, &["--watch", "--casino", &url]), 120, 36);
    view.see("0 players ● live");
    view.see("no ranked players yet");
    view.see("next tick in");
    let trader = |name: &str, order: &str| {
        let mut game = Terminal::live(&home, &["--user", name, "--casino", &url]);
        game.buy_500_tokens();
        game.type_keys(order);
        game.see("✓ BUY");
        game
    };
    let mut anna = trader("anna", "1b");
    view.see("1 player ● live");
    view.see("anna BUY 1 at 23");
    let letters: String = (' '..='~').filter(|letter| *letter != 'q').collect();
    for keys in [&*letters, ":buy 1\r", "t100\r", "1b1s", "mb\ry", "\u{1b}"] {
        view.type_keys(keys);
    }
    let _bert = trader("bert", "2b");
    view.see("2 players ● live");
    view.see("bert BUY 2 at 23");
    assert_eq!(
        view.contents().matches(" at 23").count(),
        2,
        "{}",
        view.contents()
    );
    anna.type_keys("l");
    anna.see("and 1 unnamed session");

    let address = casino.kill();
    view.see("reconnecting");
    let _casino = Casino::start(&folder, &address, &market);
    view.see("2 players ● live");
    view.see("bert BUY 2 at 23");
    let left = view.quit();
    assert_eq!(left.trim(), "", "no summary");
    for file in ["config/awesomestock/keys", "data/awesomestock/player"] {
        assert!(!projector.path().join(file).exists(), "{file}");
    }
}

#[test]
fn a_view_without_a_player_shows_a_solo_game_and_needs_a_terminal() {
    let home = Home::new();
    let mut view = Terminal::open(pty::game(&home, &["--watch", "--tick", "20ms"]), 80, 24);
    view.see("3 players ● live");
    view.see("~Ada (house)");
    view.see("BUY");
    view.type_keys(CTRL_C);
    assert!(view.end().0.success());
    assert!(!home.path().join("data/awesomestock/player").exists());
    let rejected = home.game(["--watch"]).output().unwrap();
    let stderr = String::from_utf8(rejected.stderr).unwrap();
    assert_eq!(rejected.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("watch: needs a terminal"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_game_at_an_old_casino() {
    let address = OldCasino::serve().await;
    let game = tokio::task::spawn_blocking(move || {
        let home = Home::new();
        let url = format!("http://{address}");
        let view = Terminal::open(pty::game(&home, &["--watch", "--casino", &url]), 80, 24);
        view.see("● live");
        view.see("this casino has no leaderboard");
        let mut game = Terminal::live(&home, &["--user", "anna", "--casino", &url]);
        game.buy_500_tokens();
        game.type_keys("2b");
        game.see("✓ BUY 2");
        game.see("tokens 480");
        game.type_keys("50s");
        game.see("✗ SELL 50 rejected: not enough");
        game.quit();
    });
    game.await.unwrap();
}
