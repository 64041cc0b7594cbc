//! What may happen to a game from without: its casino dies, hangs or is another one, the wire breaks in the middle of a
//! frame, a stranger answers, the laptop sleeps, the terminal goes wild. It lives, or ends clean; the wallet is right,
//! and one press of `b` was one trade.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    path::PathBuf,
    thread,
};

use rustix::process::Signal;
use support::{
    Home,
    casino::Casino,
    cutter::Cutter,
    new_casino::NewCasino,
    old_casino::OldCasino,
    pty::{self, Terminal},
};
use tokio::runtime::Runtime;

/// What does to a connection what no casino does.
type Stranger = Box<dyn Fn(TcpStream) + Send>;

const ENTER: &str = "\r";
const CTRL_C: &str = "\u{3}";

/// A folder for a ledger.
fn ledger(home: &Home) -> PathBuf {
    let folder = home.path().join("casino");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A casino whose price stays at 10.
fn standing(home: &Home) -> Casino {
    Casino::start(&ledger(home), "127.0.0.1:0", &["--tick", "1h"])
}

/// Anna's game at `url`, in sight of a table.
fn game(home: &Home, url: &str) -> Terminal {
    let game = Terminal::open(pty::game(home, &["--user", "anna", "--casino", url]), 120, 36);
    game.see("● live");
    game
}

/// Anna's game with 500 tokens.
fn funded_game(home: &Home, url: &str) -> Terminal {
    let mut game = game(home, url);
    game.type_keys(&format!("t100{ENTER}"));
    game.see("tokens 500");
    game
}

fn leave(mut game: Terminal) -> String {
    game.type_keys("q");
    let (ended, said) = game.end();
    assert!(ended.success(), "{ended:?}");
    said
}

/// How many trades the words after a game tell of.
fn trades_of(said: &str) -> i32 {
    let line = said.lines().find_map(|line| line.strip_prefix("trades "));
    line.unwrap_or_else(|| panic!("no trades told: {said}"))
        .parse()
        .unwrap()
}

/// Anna's tokens and stocks as the casino has them.
fn owned(home: &Home, casino: &Casino) -> (i32, i32) {
    let balance = home.answers(&["--user", "anna", "--casino", &casino.url()], "balance");
    let mut figures = balance[0]
        .split(' ')
        .filter_map(|word| word.replace(',', "").parse().ok());
    (figures.next().unwrap(), figures.next().unwrap())
}

fn runtime() -> Runtime {
    Runtime::new().unwrap()
}

#[test]
fn a_casino_that_is_killed_with_an_order_on_the_way_does_it_once_when_it_comes_back() {
    let home = Home::new();
    let casino = standing(&home);
    let mut game = funded_game(&home, &casino.url());
    // What is pressed while the casino stands still has certainly no answer yet.
    casino.signal(Signal::STOP);
    game.type_keys("bb");
    game.see("waiting for the casino");
    let address = casino.kill();
    game.see("reconnecting");
    let _casino = Casino::start(&ledger(&home), &address, &["--tick", "1h"]);
    game.see("● live");
    game.see_no_more("waiting for the casino");
    game.see("tokens 480");
    game.see("stocks 2");
    leave(game);
}

#[test]
fn a_casino_that_hangs_is_given_up_after_a_while_and_come_back_to() {
    let home = Home::new();
    let casino = standing(&home);
    let cutter = Cutter::start(casino.address(), vec![]);
    let mut game = funded_game(&home, &cutter.url());
    cutter.deafen();
    game.type_keys("b");
    game.see("waiting for the casino");
    // No ping is answered, and so the game looks for another connection by itself.
    cutter.wait_for_connections(2);
    cutter.cut();
    game.see_no_more("waiting for the casino");
    game.see("● live");
    game.see("tokens 490");
    game.see("stocks 1");
    leave(game);
}

#[test]
fn a_laptop_that_slept_wakes_up_at_the_table() {
    let home = Home::new();
    let casino = standing(&home);
    let cutter = Cutter::start(casino.address(), vec![]);
    let mut game = funded_game(&home, &cutter.url());
    home.share_key("anna", &cutter.url(), &casino.url());
    game.signal(Signal::STOP);
    game.type_keys("b");
    cutter.wait_for_end_by_casino();
    game.signal(Signal::CONT);
    cutter.wait_for_connections(2);
    game.see("● live");
    game.type_keys(&format!("t10{ENTER}"));
    game.see("✓ TOKENS 10 $");
    game.see_no_more("waiting for the casino");
    // What was typed in its sleep met a table that was there no more, or was sent again at the next: it is said which.
    let trades = trades_of(&leave(game));
    assert!((0..=1).contains(&trades), "one press of b");
    assert_eq!(owned(&home, &casino), (550 - 10 * trades, trades));
}

#[test]
fn a_casino_that_comes_back_older_is_played_at_by_its_contract() {
    let home = Home::new();
    let casino = standing(&home);
    let mut game = funded_game(&home, &casino.url());
    casino.signal(Signal::STOP);
    game.type_keys("b");
    game.see("waiting for the casino");
    let address = casino.kill();
    let old = runtime();
    old.block_on(OldCasino::serve_at(&address));
    game.see("● live");
    // It would execute it again, so it is not sent again.
    game.see("BUY 1 no answer");
    game.type_keys(&format!("t10{ENTER}"));
    game.see("✓ TOKENS 10 $ 50 tokens");
    game.see("tokens 50 │");
    game.type_keys("2b");
    game.see("✓ BUY 2");
    game.see("tokens 30");
    game.type_keys("S");
    game.see("FINAL BALANCE");
    game.type_keys("\u{1b}");
    old.shutdown_background();
    game.see("reconnecting");
    let _casino = Casino::start(&ledger(&home), &address, &["--tick", "1h"]);
    game.see("● live");
    game.see("tokens 500");
    leave(game);
}

#[test]
fn a_casino_that_comes_back_newer_is_played_at_as_far_as_it_is_understood() {
    let home = Home::new();
    let casino = standing(&home);
    let mut game = funded_game(&home, &casino.url());
    let address = casino.kill();
    game.see("reconnecting");
    let new = runtime();
    let newer = new.block_on(NewCasino::serve_at(&address));
    game.see("● live");
    game.see("tokens 500");
    for stocks in 1..=3 {
        game.type_keys("1b");
        game.see(&format!("stocks {stocks}"));
        assert_eq!(newer.stocks(), stocks);
    }
    game.see("tokens 470");
    game.type_keys("p");
    game.see("support it");
    game.type_keys("\u{1b}");
    game.see_no_more("support it");
    leave(game);
}

/// Each connection ends in the middle of a frame, some in the middle of the first one. Orders are given all the time, each
/// of which is one trade or none, as it is said.
#[test]
fn a_wire_that_breaks_at_any_byte_makes_no_order_two() {
    let home = Home::new();
    let casino = standing(&home);
    home.answers(&["--user", "anna", "--casino", &casino.url()], "buyTokens 10000");
    let cuts: Vec<usize> = (0..24)
        .map(|number| 500 + number * 53)
        .chain([1, 20, 90])
        .collect();
    let count = cuts.len();
    let cutter = Cutter::start(casino.address(), cuts);
    let url = cutter.url();
    home.share_key("anna", &casino.url(), &url);
    let command = pty::game(&home, &["--user", "anna", "--casino", &url]);
    let mut game = Terminal::open(command, 120, 36);
    while cutter.connections() <= count {
        let shown = game.contents();
        game.type_keys("b");
        // The order, or what has become of the table meanwhile.
        game.see_other_than(&shown);
    }
    game.type_keys(&format!("t1{ENTER}"));
    game.see("✓ TOKENS 1 $");
    game.see_no_more("waiting for the casino");
    let told = String::from_utf8_lossy(&game.bytes()).into_owned();
    assert!(
        !told.contains("https"),
        "it was live, so there is nothing to guess about TLS"
    );
    let trades = trades_of(&leave(game));
    assert!(trades > 0, "no order was given between two cuts");
    assert_eq!(owned(&home, &casino), (50_005 - 10 * trades, trades));
}

/// Listens, and says `what` to everybody who has said something; gives back its URL.
fn stranger(what: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for peer in listener.incoming().map(Result::unwrap) {
            what(peer);
        }
    });
    url
}

/// Reads until the client has opened its first stream.
fn read_request(peer: &mut TcpStream) -> std::io::Result<()> {
    peer.read_exact(&mut [0; 24])?;
    loop {
        let mut head = [0; 9];
        peer.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        peer.read_exact(&mut vec![0; usize::try_from(length).unwrap()])?;
        if head[3] == HEADERS {
            return Ok(());
        }
    }
}

const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [length[1], length[2], length[3], kind, flags, 0, 0, 0, stream];
    [&head, payload].concat()
}

/// Answers the first request with these frames, after settings.
fn answering(frames: Vec<u8>) -> impl Fn(TcpStream) + Send + 'static {
    move |mut peer| {
        if read_request(&mut peer).is_ok() {
            let said = [frame(SETTINGS, 0, 0, &[]), frames.clone()].concat();
            let _ = peer.write_all(&said);
            let _ = peer.shutdown(Shutdown::Write);
            // Until the game has had enough of it.
            let _ = std::io::copy(&mut peer, &mut std::io::sink());
        }
    }
}

/// A header that never ends: as much of it as the game takes.
fn endless_header(mut peer: TcpStream) {
    let entry = [&[0, 1, b'a', 126][..], &[b'b'; 126]].concat();
    let block = entry.repeat(126);
    if read_request(&mut peer).is_err() {
        return;
    }
    let begun = [frame(SETTINGS, 0, 0, &[]), frame(HEADERS, 0, 1, &block)].concat();
    let mut taken = 0;
    let mut next = begun;
    while peer.write_all(&next).is_ok() {
        taken += next.len();
        assert!(taken < 64 * 1024 * 1024, "the game reads headers for ever");
        next = frame(CONTINUATION, 0, 1, &block);
    }
}

#[test]
fn a_stranger_at_the_casinos_address_is_told_of_and_can_be_left() {
    let http1 = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    let not_found = frame(HEADERS, 5, 1, &[0x8d]);
    let goaway = frame(GOAWAY, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 11]);
    let garbage: Vec<u8> = (0..=255_u8).rev().cycle().take(100_000).collect();
    let strangers: [(&str, Stranger, &str); 7] = [
        (
            "HTTP/1",
            Box::new(move |mut peer| drop(peer.write_all(http1.as_bytes()))),
            "cannot reach the casino",
        ),
        (
            "garbage",
            Box::new(move |mut peer| drop(peer.write_all(&garbage))),
            "cannot reach the casino",
        ),
        ("nothing", Box::new(drop), "cannot reach the casino"),
        ("an endless header", Box::new(endless_header), "lost"),
        (
            "a web page that is not there",
            Box::new(answering(not_found)),
            "lost",
        ),
        ("an end of everything", Box::new(answering(goaway)), "lost"),
        ("a frame cut off", Box::new(answering(vec![0, 1])), "reconnecting"),
    ];
    for (name, says, words) in strangers {
        let home = Home::new();
        let url = stranger(says);
        let mut game = Terminal::open(pty::game(&home, &["--user", "anna", "--casino", &url]), 120, 36);
        game.see("reconnecting");
        game.see(words);
        game.type_keys(&format!("t100{ENTER}"));
        game.see("TOKENS 100 $");
        game.type_keys("1b");
        game.see("not sent");
        game.type_keys("q");
        let (ended, said) = game.end();
        assert!(ended.success(), "{name}: {ended:?} {said}");
    }
}

#[test]
fn a_thousand_sizes_are_survived_while_prices_come() {
    let home = Home::new();
    let command = pty::game(&home, &["--user", "anna", "--tick", "10ms"]);
    let mut game = Terminal::open(command, 80, 24);
    game.see("● live");
    game.type_keys(&format!("t100{ENTER}"));
    game.see("500 tokens");
    for step in 0..1_000_u16 {
        game.resize(1 + step * 7 % 220, 1 + step * 5 % 70);
        if step % 100 == 0 {
            game.type_keys("c");
        }
    }
    game.resize(120, 36);
    game.see("Wallet");
    game.see("tokens 500");
    leave(game);
}

#[test]
fn a_large_paste_is_no_order_where_the_terminal_marks_it() {
    let home = Home::new();
    let mut game = Terminal::solo(&home);
    game.see("● live");
    game.type_keys(&format!("t100{ENTER}"));
    game.see("tokens 500");
    let paste = "sbq\r\n\t\u{7}wide 株 text\u{0}".repeat(200 * 1024 / 22);
    for opened in ["", ":", "t", "/"] {
        game.type_keys(opened);
        game.type_keys(&format!("\u{1b}[200~{paste}\u{1b}[201~"));
        // Twice at once is one Esc; one before other letters would be Alt.
        game.type_keys("\u{1b}\u{1b}");
    }
    game.type_keys("3b");
    game.see("✓ BUY 3 at 10, for 30 tokens");
    game.see("tokens 470");
    assert_eq!(trades_of(&leave(game)), 1);
}

/// A terminal that does not mark a paste types it: what it then does is what its letters do, and what is said is true.
#[test]
fn a_large_paste_that_is_typed_is_lived_through_and_the_wallet_is_right() {
    let home = Home::new();
    let mut game = Terminal::solo(&home);
    game.see("● live");
    game.type_keys(&format!("t100{ENTER}"));
    game.see("tokens 500");
    let paste = "1b 1s\tCamille a dit: 50% de $20?\n".repeat(200 * 1024 / 32);
    game.type_keys(&paste);
    game.type_keys(CTRL_C);
    let (ended, said) = game.end();
    assert!(ended.success(), "{ended:?} {said}");
    let held = home.answers(&["--user", "anna", "--tick=1h"], "balance");
    let wallet = said.lines().find(|line| line.starts_with("wallet ")).unwrap();
    let tokens: String = wallet
        .trim_start_matches("wallet ")
        .chars()
        .take_while(|letter| *letter != ' ')
        .filter(char::is_ascii_digit)
        .collect();
    assert!(
        said.contains("unanswered") || held[0].starts_with(&format!("{tokens} ")),
        "{held:?} {said}"
    );
}
