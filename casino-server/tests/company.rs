//! A table's company over the wire: the tape, who is seated, the leaderboard, and nothing of it for who did not ask.

// The allowance for tests in the lint's configuration does not reach the helpers between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use awesomestock_proto::{
    EXECUTED_MESSAGE, capabilities,
    casino::{GambleInfo, GambleType, Leaderboard, Players, Tape},
};
use support::{Asks, House, Seat, buy, sell, soon, user};

const COMPANY: &str = "tape,players,leaderboard";

/// The next message in which `part` finds what it looks for.
async fn next<T>(seat: &mut Seat, part: impl Fn(GambleInfo) -> Option<T>) -> T {
    loop {
        if let Some(found) = part(seat.next().await.unwrap().expect("the stream goes on")) {
            return found;
        }
    }
}

async fn tape(seat: &mut Seat) -> Tape {
    next(seat, |info| info.tape).await
}

/// The next leaderboard that is as `wanted`.
async fn leaderboard(seat: &mut Seat, wanted: impl Fn(&Leaderboard) -> bool) -> Leaderboard {
    next(seat, |info| info.leaderboard.filter(&wanted)).await
}

/// The next list of players that counts `seated`.
async fn players(seat: &mut Seat, seated: i32) -> Players {
    next(seat, |info| {
        info.players.filter(|players| players.seated == seated)
    })
    .await
}

fn names(players: &Players) -> Vec<&str> {
    players.online.iter().map(|player| player.name.as_str()).collect()
}

#[tokio::test]
async fn everybodys_trades_are_on_the_tape_in_order() {
    let mut house = House::standing().await;
    house.client.deposit("ann", 100).await.unwrap();
    let mut watcher = house.client.sit("eve", capabilities::TAPE).await;
    assert_eq!(watcher.capabilities.as_deref(), Some(capabilities::TAPE));
    let mut ann = house.client.sit("ann", "").await;
    for action in [buy("ann", 3), sell("ann", 9), sell("ann", 1)] {
        ann.play(action).await;
    }
    let mut rows = Vec::new();
    let mut trades = 0;
    while rows.len() < 2 {
        let told = tape(&mut watcher).await;
        rows.extend(told.rows);
        trades = told.trades;
    }
    let told: Vec<(&str, i64, i32)> = rows
        .iter()
        .map(|row| {
            let (player, trade) = (row.player.as_ref().unwrap(), row.trade.unwrap());
            assert!(!player.house);
            (player.name.as_str(), trade.number, trade.stocks_count)
        })
        .collect();
    assert_eq!(told, [("ann", 1, 3), ("ann", 2, 1)], "a refusal is no trade");
    assert_eq!(trades, 2);
}

#[tokio::test]
async fn many_trades_are_sampled_and_counted() {
    let mut house = House::standing().await;
    house.client.deposit("ann", 1_000).await.unwrap();
    let mut watcher = house.client.sit("eve", capabilities::TAPE).await;
    let mut ann = house.client.sit("ann", "").await;
    let sent = 400;
    for _ in 0..sent {
        ann.act(buy("ann", 1)).await;
    }
    for _ in 0..sent {
        assert_eq!(ann.result().await.msg, EXECUTED_MESSAGE);
    }
    assert_eq!(ann.play(buy("ann", 1)).await, EXECUTED_MESSAGE);
    let (mut newest, mut trades) = (0, 0);
    while trades <= sent {
        let told = tape(&mut watcher).await;
        assert!((1..=20).contains(&told.rows.len()) && told.trades > trades);
        trades = told.trades;
        for row in &told.rows {
            let number = row.trade.unwrap().number;
            assert!((newest + 1..=trades).contains(&number), "in order, each once");
            newest = number;
        }
    }
    assert_eq!(trades, sent + 1);
}

#[tokio::test]
async fn who_is_seated_is_counted_by_name() {
    let mut house = House::standing().await;
    let mut ann = house.client.sit("ann", COMPANY).await;
    assert_eq!(names(&players(&mut ann, 1).await), ["ann"]);
    let again = house.client.sit("ann", capabilities::TICKS).await;
    let bob = house.client.sit("bob", capabilities::TICKS).await;
    let old = house.client.sit("cid", "").await;
    let told = next(&mut ann, |info| {
        info.players.filter(|players| players.unnamed == 1)
    })
    .await;
    assert_eq!((names(&told), told.seated), (vec!["ann", "bob"], 2));
    drop((again, bob, old));
    let told = players(&mut ann, 1).await;
    assert_eq!((names(&told), told.unnamed), (vec!["ann"], 0));
}

#[tokio::test]
async fn the_leaderboard_ranks_by_equity_with_ones_own_place() {
    let mut house = House::standing().await;
    for (name, dollars) in [("ann", 10), ("bob", 30), ("eve", 20)] {
        house.client.deposit(name, dollars).await.unwrap();
    }
    let mut eve = house.client.sit("eve", COMPANY).await;
    let alone = leaderboard(&mut eve, |_| true).await;
    assert_eq!((alone.ranked, alone.own.unwrap().equity), (1, 100));
    let mut ann = house.client.sit("ann", capabilities::LEADERBOARD).await;
    let mut bob = house.client.sit("bob", "").await;
    assert_eq!(bob.play(buy("bob", 5)).await, EXECUTED_MESSAGE);
    let all = |told: &Leaderboard| told.ranked == 3;
    let (to_eve, to_ann) = (leaderboard(&mut eve, all).await, leaderboard(&mut ann, all).await);
    let order: Vec<(i32, &str, i64)> = to_eve
        .top
        .iter()
        .map(|standing| {
            let name = standing.player.as_ref().unwrap().name.as_str();
            (standing.rank, name, standing.equity)
        })
        .collect();
    assert_eq!(order, [(1, "bob", 150), (2, "eve", 100), (3, "ann", 50)]);
    assert_eq!((to_eve.own.unwrap().rank, to_ann.own.unwrap().rank), (2, 3));
    assert_eq!(to_eve.top, to_ann.top);
    house.client.deposit("ann", 100).await.unwrap();
    let risen = |told: &Leaderboard| told.own.as_ref().is_some_and(|own| own.rank == 1);
    assert_eq!(leaderboard(&mut ann, risen).await.own.unwrap().equity, 550);
}

#[tokio::test]
async fn the_leaderboard_may_be_asked_for_without_a_seat() {
    let mut house = House::standing().await;
    house.client.deposit("ann", 10).await.unwrap();
    let mut ask = async |name: &str| {
        soon(house.client.get_leaderboard(user(name)))
            .await
            .map(tonic::Response::into_inner)
    };
    let told = ask("ann").await.unwrap();
    assert_eq!((told.ranked, told.own.unwrap().rank), (1, 1));
    let told = ask("nobody").await.unwrap();
    assert_eq!((told.ranked, told.own), (1, None));
    let refused = ask("a b").await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
}

#[tokio::test]
async fn a_seat_hears_of_nothing_that_it_did_not_ask_for() {
    let mut house = House::standing().await;
    house.client.deposit("ann", 100).await.unwrap();
    let mut curious = house.client.sit("eve", COMPANY).await;
    for asked in ["", "ticks,wallet,limits"] {
        let mut ann = house.client.sit("ann", asked).await;
        assert_eq!(ann.play(buy("ann", 1)).await, EXECUTED_MESSAGE);
        tape(&mut curious).await;
        leaderboard(&mut curious, |_| true).await;
        ann.act(sell("ann", 1)).await;
        ann.half_close();
        let result = ann.next().await.unwrap().unwrap();
        assert_eq!(result.r#type(), GambleType::ActionResult, "{asked:?}");
        assert_eq!(ann.next().await.unwrap(), None);
        // The tape of the second trade, so that the next round does not take it for its own.
        tape(&mut curious).await;
    }
}

/// A fast table with three house players.
fn with_house(options: &mut casino_server::Options) {
    options.tick = std::time::Duration::from_millis(20);
    options.bots = 3;
}

#[tokio::test]
async fn house_players_sit_trade_and_are_labelled() {
    let mut house = House::with(with_house).await;
    house.client.deposit("ann", 100).await.unwrap();
    let mut ann = house.client.sit("ann", COMPANY).await;
    let told = players(&mut ann, 4).await;
    assert_eq!(names(&told), ["ann", "~Ada", "~Bo", "~Cleo"]);
    let labels: Vec<bool> = told.online.iter().map(|player| player.house).collect();
    assert_eq!(labels, [false, true, true, true]);
    let row = tape(&mut ann).await.rows.remove(0);
    assert!(row.player.unwrap().house);
    let all = leaderboard(&mut ann, |told| told.ranked == 4).await;
    let of_house = all
        .top
        .iter()
        .filter(|standing| standing.player.as_ref().unwrap().house);
    assert_eq!(of_house.count(), 3);
    let mut as_house = house.client.sit("eve", "").await;
    assert_eq!(
        as_house.play(buy("~Ada", 1)).await,
        "user: a name has letters, digits and _ - . only; character 1 is U+007E"
    );
}

#[tokio::test]
async fn the_house_moves_no_price_and_keeps_its_wallets() {
    let prices = async |count: u8| {
        let mut house = House::with(|options| {
            with_house(options);
            options.bots = count;
        })
        .await;
        let mut ann = house.client.sit("ann", capabilities::TICKS).await;
        while ann.price().await.tick < 12 {}
        let prices = house.client.prices().await;
        house.close().await.0.unwrap();
        prices.into_iter().take(12).collect::<Vec<_>>()
    };
    assert_eq!(prices(20).await, prices(0).await);

    let mut house = House::with(with_house).await;
    let mut ann = house.client.sit("ann", COMPANY).await;
    leaderboard(&mut ann, |told| told.ranked == 3).await;
    let (closed, folder) = house.close().await;
    closed.unwrap();
    let standing = |options: &mut casino_server::Options| {
        with_house(options);
        options.tick = support::STANDING;
    };
    let mut house = House::open(folder, standing, support::nowhere()).await;
    let kept = soon(house.client.get_leaderboard(user("ann"))).await.unwrap();
    assert_eq!(
        kept.into_inner().ranked,
        3,
        "the price stands still: nobody has paid in since"
    );
}

#[tokio::test]
async fn a_house_that_is_too_large_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let options = casino_server::Options {
        bots: 21,
        ..casino_server::Options::new(support::ledger_in(&folder))
    };
    let refused = casino_server::Casino::open(options, support::nowhere()).await;
    assert_eq!(refused.unwrap_err().to_string(), "house: 21 is above 20");
}
