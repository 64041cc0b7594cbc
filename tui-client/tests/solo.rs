//! The in-process servers of a solo game: seeded, and closed with the game.

mod support;

use std::path::Path;
use std::time::Duration;

use awesomestock::app::commands::request::Request;
use awesomestock::app::event::{Response, StreamEvent};
use awesomestock::app::prices::PricePoint;
use awesomestock::client::Client;
use awesomestock::solo::{self, Servers, SoloOptions};

async fn open(folder: &Path, seed: u64) -> (Client, Servers) {
    let options = SoloOptions {
        tick: Duration::from_millis(10),
        initial_price: Some(10),
        seed: Some(seed),
        market: None,
        house: 3,
    };
    let (channel, servers) = solo::open(options, folder).await.unwrap();
    (Client::new(channel, "anna".to_owned(), None), servers)
}

/// Returns the first `count` prices of a market.
async fn first_prices(client: &Client, count: usize) -> Vec<i32> {
    let (mut session, _orders) = client.open_session().await.unwrap();
    loop {
        if let StreamEvent::Price { tick: Some(tick), .. } = session.next().await.unwrap()
            && usize::try_from(tick).unwrap() >= count
        {
            break;
        }
    }
    let Response::History { prices: points, .. } =
        client.call(Request::History { before: None }).await.unwrap()
    else {
        panic!("expected a history");
    };
    let ticks = points.iter().map(|point: &PricePoint| point.tick).take(count);
    assert_eq!(ticks.collect::<Vec<_>>(), (0..).take(count).collect::<Vec<i64>>());
    points.iter().map(|point| point.price).take(count).collect()
}

#[tokio::test]
async fn the_same_seed_produces_the_same_prices() {
    let mut markets = Vec::new();
    for seed in [42, 42, 43] {
        let folder = tempfile::tempdir().unwrap();
        let (client, servers) = open(folder.path(), seed).await;
        markets.push(first_prices(&client, 20).await);
        drop(client);
        servers.close().await.unwrap();
    }
    assert_eq!(markets[0], markets[1]);
    assert_ne!(markets[0], markets[2]);
}

#[tokio::test]
async fn a_closed_game_releases_its_ledger_and_an_open_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let (client, servers) = open(folder.path(), 1).await;
    client.call(Request::BuyTokens(3)).await.unwrap();
    let options = SoloOptions {
        tick: Duration::from_secs(1),
        initial_price: Some(10),
        seed: None,
        market: None,
        house: 3,
    };
    let second = solo::open(options, folder.path()).await.unwrap_err();
    assert!(
        format!("{second:#}").contains("another solo game is open"),
        "{second:#}"
    );
    drop(client);
    servers.close().await.unwrap();

    let (client, servers) = open(folder.path(), 1).await;
    let Response::Wallet(wallet) = client.call(Request::Holdings).await.unwrap() else {
        panic!("expected a wallet");
    };
    assert_eq!(wallet.tokens, 15);
    drop(client);
    servers.close().await.unwrap();
}

/// The process has sockets (for signals, for example), but none that is reachable from the network.
#[cfg(target_os = "linux")]
#[test]
fn no_port_is_opened() {
    use std::fs;

    let home = support::Home::new();
    let mut game = support::PipedGame::open(&home, &["--tick", "1h"]);
    game.send_line("gamble");
    game.next_line();
    let process = Path::new("/proc").join(game.child.id().to_string());
    let sockets: Vec<String> = fs::read_dir(process.join("fd"))
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
        .filter_map(|target| {
            Some(
                target
                    .to_str()?
                    .strip_prefix("socket:[")?
                    .trim_end_matches(']')
                    .to_owned(),
            )
        })
        .collect();
    for table in ["tcp", "tcp6", "udp", "udp6"] {
        let Ok(rows) = fs::read_to_string(process.join("net").join(table)) else {
            continue;
        };
        let inodes = rows.lines().filter_map(|row| row.split_whitespace().nth(9));
        let open: Vec<&str> = inodes
            .filter(|inode| sockets.iter().any(|socket| socket == inode))
            .collect();
        assert!(open.is_empty(), "{table}: {open:?}");
    }
    assert_eq!(game.end().0, Some(0));
}
