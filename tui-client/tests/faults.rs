//! External faults: the casino dies, hangs or is replaced, the connection breaks in the middle of a frame, a stranger
//! answers, the laptop sleeps, the terminal misbehaves. The game survives or ends cleanly, the wallet is right, and one
//! press of `b` is one trade.

mod support;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread;

use rustix::process::Signal;
use support::Home;
use support::casino::Casino;
use support::new_casino::NewCasino;
use support::old_casino::OldCasino;
use support::proxy::Proxy;
use support::pty::{self, Terminal};
use tokio::runtime::Runtime;

/// A peer that does what no casino does to a connection.
type Stranger = Box<dyn Fn(TcpStream) + Send>;

const ENTER: &str = "\r";
const CTRL_C: &str = "\u{3}";

/// Creates a folder for a ledger.
fn ledger(home: &Home) -> PathBuf {
    let folder = home.path().join("casino");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Starts a casino with a fixed price of 10.
fn start_casino(home: &Home) -> Casino {
    Casino::start(&ledger(home), "127.0.0.1:0", &["--tick", "1h"])
}

/// Starts anna's game with 500 tokens.
fn funded_game(home: &Home, url: &str) -> Terminal {
    let mut game = Terminal::live(home, &["--user", "anna", "--casino", url]);
    game.buy_500_tokens();
    game
}

/// Returns the number of trades in the summary.
fn trades_of(summary: &str) -> i32 {
    let line = summary.lines().find_map(|line| line.strip_prefix("trades "));
    line.unwrap_or_else(|| panic!("no trades in the summary: {summary}"))
        .parse()
        .unwrap()
}

/// Anna's tokens and stocks, read from the casino.
fn balance_of(home: &Home, casino: &Casino) -> (i32, i32) {
    let balance = home.output_lines(&["--user", "anna", "--casino", &casino.url()], "balance");
    let mut numbers = balance[0]
        .split(' ')
        .filter_map(|part| part.replace(',', "").parse().ok());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

fn runtime() -> Runtime {
    Runtime::new().unwrap()
}

#[test]
fn an_order_pending_when_the_casino_is_killed_is_executed_once_after_the_restart() {
    let home = Home::new();
    let casino = start_casino(&home);
    let mut game = funded_game(&home, &casino.url());
    // The suspended casino cannot have answered these orders.
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
    game.quit();
}

#[test]
fn a_hanging_casino_is_abandoned_and_reconnected() {
    let home = Home::new();
    let casino = start_casino(&home);
    let proxy = Proxy::start(casino.address(), vec![]);
    let mut game = funded_game(&home, &proxy.url());
    proxy.drop_responses();
    game.type_keys("b");
    game.see("waiting for the casino");
    // No ping is answered, so the game opens another connection by itself.
    proxy.wait_for_connections(2);
    proxy.disconnect();
    game.see_no_more("waiting for the casino");
    game.see("● live");
    game.see("tokens 490");
    game.see("stocks 1");
    game.quit();
}

#[test]
fn a_suspended_laptop_reconnects_when_it_wakes_up() {
    let home = Home::new();
    let casino = start_casino(&home);
    let proxy = Proxy::start(casino.address(), vec![]);
    let mut game = funded_game(&home, &proxy.url());
    home.share_key("anna", &proxy.url(), &casino.url());
    game.signal(Signal::STOP);
    game.type_keys("b");
    proxy.wait_for_server_close();
    game.signal(Signal::CONT);
    proxy.wait_for_connections(2);
    game.see("● live");
    game.type_keys(&format!("t10{ENTER}"));
    game.see("✓ TOKENS 10 $");
    game.see_no_more("waiting for the casino");
    // The order typed while suspended was either rejected or resent; the summary says which.
    let trades = trades_of(&game.quit());
    assert!((0..=1).contains(&trades), "one press of b");
    assert_eq!(balance_of(&home, &casino), (550 - 10 * trades, trades));
}

#[test]
fn a_casino_replaced_by_an_older_version_is_played_with_the_old_contract() {
    let home = Home::new();
    let casino = start_casino(&home);
    let mut game = funded_game(&home, &casino.url());
    casino.signal(Signal::STOP);
    game.type_keys("b");
    game.see("waiting for the casino");
    let address = casino.kill();
    let old = runtime();
    old.block_on(OldCasino::serve_at(&address));
    game.see("● live");
    // The old casino would execute it again, so it is not resent.
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
    game.quit();
}

#[test]
fn a_casino_replaced_by_a_newer_version_is_played_with_the_known_part_of_the_contract() {
    let home = Home::new();
    let casino = start_casino(&home);
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
    game.quit();
}

/// Each connection breaks in the middle of a frame, some in the first one. Orders are sent all the time; each must be
/// one trade or none, as the game reports.
#[test]
fn a_connection_that_breaks_at_any_byte_never_duplicates_an_order() {
    let home = Home::new();
    let casino = start_casino(&home);
    home.output_lines(&["--user", "anna", "--casino", &casino.url()], "buyTokens 10000");
    let cuts: Vec<usize> = (0..24)
        .map(|number| 500 + number * 53)
        .chain([1, 20, 90])
        .collect();
    let count = cuts.len();
    let proxy = Proxy::start(casino.address(), cuts);
    let url = proxy.url();
    home.share_key("anna", &casino.url(), &url);
    let command = pty::game(&home, &["--user", "anna", "--casino", &url]);
    let mut game = Terminal::open(command, 120, 36);
    while proxy.connections() <= count {
        let shown = game.contents();
        game.type_keys("b");
        // Wait for the order, or for a change of the connection.
        game.see_change_from(&shown);
    }
    game.type_keys(&format!("t1{ENTER}"));
    game.see("✓ TOKENS 1 $");
    game.see_no_more("waiting for the casino");
    let output = String::from_utf8_lossy(&game.bytes()).into_owned();
    assert!(
        !output.contains("https"),
        "the session was live, so no hint about TLS is shown"
    );
    let trades = trades_of(&game.quit());
    assert!(trades > 0, "no order was executed between two cuts");
    assert_eq!(balance_of(&home, &casino), (50_005 - 10 * trades, trades));
}

/// Listens and runs `handler` for each connection. Returns the URL.
fn start_stranger(handler: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for peer in listener.incoming().map(Result::unwrap) {
            handler(peer);
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

/// Encodes an HTTP/2 frame.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [length[1], length[2], length[3], kind, flags, 0, 0, 0, stream];
    [&head, payload].concat()
}

/// Returns a handler that answers the first request with settings and these frames.
fn answer_with(frames: Vec<u8>) -> impl Fn(TcpStream) + Send + 'static {
    move |mut peer| {
        if read_request(&mut peer).is_ok() {
            let response = [frame(SETTINGS, 0, 0, &[]), frames.clone()].concat();
            let _ = peer.write_all(&response);
            let _ = peer.shutdown(Shutdown::Write);
            // Until the game closes the connection.
            let _ = std::io::copy(&mut peer, &mut std::io::sink());
        }
    }
}

/// Sends an endless header until the game closes the connection.
fn endless_header(mut peer: TcpStream) {
    let entry = [&[0, 1, b'a', 126][..], &[b'b'; 126]].concat();
    let block = entry.repeat(126);
    if read_request(&mut peer).is_err() {
        return;
    }
    let first = [frame(SETTINGS, 0, 0, &[]), frame(HEADERS, 0, 1, &block)].concat();
    let mut accepted = 0;
    let mut next = first;
    while peer.write_all(&next).is_ok() {
        accepted += next.len();
        assert!(
            accepted < 64 * 1024 * 1024,
            "the game reads headers without a limit"
        );
        next = frame(CONTINUATION, 0, 1, &block);
    }
}

#[test]
fn a_stranger_at_the_casinos_address_is_reported_and_can_be_quit() {
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
        // The reason depends on which side notices first.
        ("an endless header", Box::new(endless_header), "reconnecting"),
        ("an HTTP error", Box::new(answer_with(not_found)), "reconnecting"),
        ("a GOAWAY frame", Box::new(answer_with(goaway)), "reconnecting"),
        (
            "a frame cut off",
            Box::new(answer_with(vec![0, 1])),
            "reconnecting",
        ),
    ];
    for (name, handler, expected) in strangers {
        let home = Home::new();
        let url = start_stranger(handler);
        let mut game = Terminal::open(pty::game(&home, &["--user", "anna", "--casino", &url]), 120, 36);
        game.see("reconnecting");
        game.see(expected);
        game.type_keys(&format!("t100{ENTER}"));
        game.see("TOKENS 100 $");
        game.type_keys("1b");
        game.see("not sent");
        game.type_keys("q");
        let (status, summary) = game.end();
        assert!(status.success(), "{name}: {status:?} {summary}");
    }
}

#[test]
fn a_thousand_resizes_are_survived_while_prices_arrive() {
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
    game.quit();
}

#[test]
fn a_large_bracketed_paste_sends_no_order() {
    let home = Home::new();
    let mut game = Terminal::solo(&home);
    game.buy_500_tokens();
    let paste = "sbq\r\n\t\u{7}wide 株 text\u{0}".repeat(200 * 1024 / 22);
    for key in ["", ":", "t", "/"] {
        game.type_keys(key);
        game.type_keys(&format!("\u{1b}[200~{paste}\u{1b}[201~"));
        // Two Esc at once are one Esc; a single one before other letters would be Alt.
        game.type_keys("\u{1b}\u{1b}");
    }
    game.type_keys("3b");
    game.see("✓ BUY 3 at 10, for 30 tokens");
    game.see("tokens 470");
    assert_eq!(trades_of(&game.quit()), 1);
}

/// A terminal without bracketed paste types the text, so its letters act as keys. The summary must still be right.
#[test]
fn a_large_typed_paste_is_survived_and_the_wallet_is_right() {
    let home = Home::new();
    let mut game = Terminal::solo(&home);
    game.buy_500_tokens();
    let paste = "1b 1s\tCamille a dit: 50% de $20?\n".repeat(200 * 1024 / 32);
    game.type_keys(&paste);
    game.type_keys(CTRL_C);
    let (status, summary) = game.end();
    assert!(status.success(), "{status:?} {summary}");
    let balance = home.output_lines(&["--user", "anna", "--tick=1h"], "balance");
    let wallet = summary.lines().find(|line| line.starts_with("wallet ")).unwrap();
    let tokens: String = wallet
        .trim_start_matches("wallet ")
        .chars()
        .take_while(|letter| *letter != ' ')
        .filter(char::is_ascii_digit)
        .collect();
    assert!(
        summary.contains("unanswered") || balance[0].starts_with(&format!("{tokens} ")),
        "{balance:?} {summary}"
    );
}
