//! The lobby over the wire: trade tape, online players, leaderboard and headlines, each only for clients that asked for it.

mod support;

use std::collections::BTreeSet;

use awesomestock_proto::EXECUTED_MESSAGE;
use awesomestock_proto::casino::{GambleInfo, GambleType, Headline, Leaderboard, Players, Tape};
use casino_server::{Options, PriceModel, TICK, market_prices};
use support::{
    CasinoClientExt, FIXED_PRICE_TICK, Session, TestCasino, buy, sell, unreachable_payments, user,
    with_timeout,
};

const LOBBY: &str = "tape,players,leaderboard";

/// Returns the next message for which `part` returns a value.
async fn next<T>(session: &mut Session, part: impl Fn(GambleInfo) -> Option<T>) -> T {
    loop {
        if let Some(found) = part(session.next().await.unwrap().expect("the stream goes on")) {
            return found;
        }
    }
}

async fn tape(session: &mut Session) -> Tape {
    next(session, |info| info.tape).await
}

/// Returns the next leaderboard that `matches`.
async fn leaderboard(session: &mut Session, matches: impl Fn(&Leaderboard) -> bool) -> Leaderboard {
    next(session, |info| info.leaderboard.filter(&matches)).await
}

/// Returns the next list with `count` online players.
async fn players(session: &mut Session, count: i32) -> Players {
    next(session, |info| {
        info.players.filter(|players| players.seated == count)
    })
    .await
}

fn names(players: &Players) -> Vec<&str> {
    players.online.iter().map(|player| player.name.as_str()).collect()
}

#[tokio::test]
async fn all_trades_are_on_the_tape_in_order() {
    let mut casino = TestCasino::with_fixed_price().await;
    casino.client.deposit("ann", 100).await.unwrap();
    let mut observer = casino.client.open_session("eve", "tape").await;
    assert_eq!(observer.capabilities.as_deref(), Some("tape"));
    let mut ann = casino.client.open_session("ann", "").await;
    for action in [buy("ann", 3), sell("ann", 9), sell("ann", 1)] {
        ann.execute(action).await;
    }
    let mut rows = Vec::new();
    let mut trades = 0;
    while rows.len() < 2 {
        let update = tape(&mut observer).await;
        rows.extend(update.rows);
        trades = update.trades;
    }
    let received: Vec<(&str, i64, i32)> = rows
        .iter()
        .map(|row| {
            let (player, trade) = (row.player.as_ref().unwrap(), row.trade.unwrap());
            assert!(!player.house);
            (player.name.as_str(), trade.number, trade.stocks_count)
        })
        .collect();
    assert_eq!(
        received,
        [("ann", 1, 3), ("ann", 2, 1)],
        "a rejected order is not a trade"
    );
    assert_eq!(trades, 2);
}

#[tokio::test]
async fn many_trades_are_sampled_and_counted() {
    let mut casino = TestCasino::with_fixed_price().await;
    casino.client.deposit("ann", 1_000).await.unwrap();
    let mut observer = casino.client.open_session("eve", "tape").await;
    let mut ann = casino.client.open_session("ann", "").await;
    let sent = 400;
    for _ in 0..sent {
        ann.send(buy("ann", 1)).await;
    }
    for _ in 0..sent {
        assert_eq!(ann.next_result().await.msg, EXECUTED_MESSAGE);
    }
    assert_eq!(ann.execute(buy("ann", 1)).await, EXECUTED_MESSAGE);
    let (mut newest, mut trades) = (0, 0);
    while trades <= sent {
        let update = tape(&mut observer).await;
        assert!((1..=20).contains(&update.rows.len()) && update.trades > trades);
        trades = update.trades;
        for row in &update.rows {
            let number = row.trade.unwrap().number;
            assert!((newest + 1..=trades).contains(&number), "in order, each once");
            newest = number;
        }
    }
    assert_eq!(trades, sent + 1);
}

#[tokio::test]
async fn online_players_are_counted_by_name() {
    let mut casino = TestCasino::with_fixed_price().await;
    let mut ann = casino.client.open_session("ann", LOBBY).await;
    assert_eq!(names(&players(&mut ann, 1).await), ["ann"]);
    let again = casino.client.open_session("ann", "ticks").await;
    let bob = casino.client.open_session("bob", "ticks").await;
    let old = casino.client.open_session("cid", "").await;
    let update = next(&mut ann, |info| {
        info.players.filter(|players| players.unnamed == 1)
    })
    .await;
    assert_eq!((names(&update), update.seated), (vec!["ann", "bob"], 2));
    drop((again, bob, old));
    let update = players(&mut ann, 1).await;
    assert_eq!((names(&update), update.unnamed), (vec!["ann"], 0));
}

/// Returns rank, name, profit and dollars paid in of each row.
fn ranks(board: &Leaderboard) -> Vec<(i32, &str, i64, i64)> {
    let top = board.top.iter();
    top.map(|standing| {
        let name = standing.player.as_ref().unwrap().name.as_str();
        (standing.rank, name, standing.profit, standing.dollars_in)
    })
    .collect()
}

#[tokio::test]
async fn the_leaderboard_ranks_only_traders_and_payments_change_no_rank() {
    let mut casino = TestCasino::with_fixed_price().await;
    for (name, dollars) in [("ann", 10), ("bob", 30), ("rich", 400_000_000)] {
        casino.client.deposit(name, dollars).await.unwrap();
    }
    let mut rich = casino.client.open_session("rich", LOBBY).await;
    let mut ann = casino.client.open_session("ann", "leaderboard").await;
    let mut bob = casino.client.open_session("bob", "").await;
    assert_eq!(ann.execute(buy("ann", 1)).await, EXECUTED_MESSAGE);
    assert_eq!(bob.execute(buy("bob", 5)).await, EXECUTED_MESSAGE);
    let both = |board: &Leaderboard| board.ranked == 2;
    let board = leaderboard(&mut rich, both).await;
    assert_eq!(
        ranks(&board),
        [(1, "ann", 0, 10), (1, "bob", 0, 30)],
        "a tie, by name"
    );
    assert_eq!(board.own, None, "no trade");
    casino.client.deposit("bob", 400_000_000).await.unwrap();
    let paid = |board: &Leaderboard| board.top.iter().any(|standing| standing.dollars_in > 30);
    let board = leaderboard(&mut ann, paid).await;
    assert_eq!(ranks(&board), [(1, "ann", 0, 10), (1, "bob", 0, 400_000_030)]);
    assert_eq!(board.own.unwrap().rank, 1);
}

#[tokio::test]
async fn the_leaderboard_survives_a_restart() {
    let mut casino = TestCasino::with_fixed_price().await;
    for (name, count) in [("ann", 3), ("bob", 2)] {
        casino.client.deposit(name, 10).await.unwrap();
        let mut session = casino.client.open_session(name, "").await;
        assert_eq!(session.execute(buy(name, count)).await, EXECUTED_MESSAGE);
    }
    casino.client.deposit("cid", 10).await.unwrap();
    let (served, folder) = casino.close().await;
    served.unwrap();
    let set = |options: &mut Options| options.tick = FIXED_PRICE_TICK;
    let mut casino = TestCasino::open(folder, set, unreachable_payments()).await;
    let mut eve = casino.client.open_session("eve", "leaderboard").await;
    let both = |board: &Leaderboard| board.ranked == 2;
    let board = leaderboard(&mut eve, both).await;
    assert_eq!(ranks(&board), [(1, "ann", 0, 10), (1, "bob", 0, 10)]);
}

#[tokio::test]
async fn the_leaderboard_is_ordered_by_profit() {
    let mut casino =
        TestCasino::with_options(|options| options.tick = std::time::Duration::from_millis(20)).await;
    for (name, dollars) in [("ann", 10_000), ("bob", 1_000), ("eve", 1_000_000)] {
        casino.client.deposit(name, dollars).await.unwrap();
    }
    let mut ann = casino.client.open_session("ann", LOBBY).await;
    for (name, count) in [("ann", 100), ("bob", 10), ("eve", 1)] {
        let mut session = casino.client.open_session(name, "").await;
        assert_eq!(session.execute(buy(name, count)).await, EXECUTED_MESSAGE);
    }
    let differ = |board: &Leaderboard| {
        let profits: BTreeSet<i64> = board.top.iter().map(|standing| standing.profit).collect();
        profits.len() == 3
    };
    let board = leaderboard(&mut ann, differ).await;
    let profits: Vec<i64> = board.top.iter().map(|standing| standing.profit).collect();
    assert!(
        profits.is_sorted_by(|higher, lower| higher > lower),
        "{profits:?}"
    );
    for (rank, standing) in (1..).zip(&board.top) {
        assert_eq!(
            (standing.rank, standing.profit),
            (rank, standing.equity - 5 * standing.dollars_in)
        );
    }
}

#[tokio::test]
async fn the_leaderboard_can_be_requested_without_a_session() {
    let mut casino = TestCasino::with_fixed_price().await;
    casino.client.deposit("ann", 10).await.unwrap();
    let mut session = casino.client.open_session("ann", "").await;
    assert_eq!(session.execute(buy("ann", 1)).await, EXECUTED_MESSAGE);
    let mut request_board = async |name: &str| {
        with_timeout(casino.client.get_leaderboard(user(name)))
            .await
            .map(tonic::Response::into_inner)
    };
    let update = request_board("ann").await.unwrap();
    assert_eq!((update.ranked, update.own.unwrap().rank), (1, 1));
    let update = request_board("unknown").await.unwrap();
    assert_eq!((update.ranked, update.own), (1, None));
    let rejected = request_board("a b").await.unwrap_err();
    assert_eq!(rejected.code(), tonic::Code::InvalidArgument);
}

#[tokio::test]
async fn a_session_receives_only_the_feeds_it_asked_for() {
    let mut casino = TestCasino::with_fixed_price().await;
    casino.client.deposit("ann", 100).await.unwrap();
    let mut observer = casino.client.open_session("eve", LOBBY).await;
    for capabilities in ["", "ticks,wallet,limits"] {
        let mut ann = casino.client.open_session("ann", capabilities).await;
        assert_eq!(ann.execute(buy("ann", 1)).await, EXECUTED_MESSAGE);
        tape(&mut observer).await;
        leaderboard(&mut observer, |_| true).await;
        ann.send(sell("ann", 1)).await;
        ann.half_close();
        let result = ann.next().await.unwrap().unwrap();
        assert_eq!(result.r#type(), GambleType::ActionResult, "{capabilities:?}");
        assert_eq!(ann.next().await.unwrap(), None);
        // Skip the tape of the second trade, which would otherwise end the next round's wait.
        tape(&mut observer).await;
    }
}

/// A fast ticker with three bots.
fn with_bots(options: &mut Options) {
    options.tick = std::time::Duration::from_millis(20);
    options.bots = 3;
}

#[tokio::test]
async fn bots_are_online_trade_and_are_labelled() {
    let mut casino = TestCasino::with_options(with_bots).await;
    casino.client.deposit("ann", 100).await.unwrap();
    let mut ann = casino.client.open_session("ann", LOBBY).await;
    let update = players(&mut ann, 4).await;
    assert_eq!(names(&update), ["ann", "~Ada", "~Bo", "~Cleo"]);
    let labels: Vec<bool> = update.online.iter().map(|player| player.house).collect();
    assert_eq!(labels, [false, true, true, true]);
    let row = tape(&mut ann).await.rows.remove(0);
    assert!(row.player.unwrap().house);
    let all = leaderboard(&mut ann, |board| board.ranked == 3).await;
    let bots = all
        .top
        .iter()
        .filter(|standing| standing.player.as_ref().unwrap().house);
    assert_eq!(bots.count(), 3);
    let mut impostor = casino.client.open_session("eve", "").await;
    assert_eq!(
        impostor.execute(buy("~Ada", 1)).await,
        "user: a name has letters, digits and _ - . only; character 1 is U+007E"
    );
}

#[tokio::test]
async fn bots_do_not_move_the_price_and_their_wallets_are_stored() {
    let prices = async |count: u8| {
        let mut casino = TestCasino::with_options(|options| {
            with_bots(options);
            options.bots = count;
        })
        .await;
        let mut ann = casino.client.open_session("ann", "ticks").await;
        while ann.next_price().await.tick < 12 {}
        let prices = casino.client.prices().await;
        casino.close().await.0.unwrap();
        prices.into_iter().take(12).collect::<Vec<_>>()
    };
    assert_eq!(prices(20).await, prices(0).await);

    let mut casino = TestCasino::with_options(with_bots).await;
    let mut ann = casino.client.open_session("ann", LOBBY).await;
    leaderboard(&mut ann, |board| board.ranked == 3).await;
    let (closed, folder) = casino.close().await;
    closed.unwrap();
    let fixed_price = |options: &mut Options| {
        with_bots(options);
        options.tick = FIXED_PRICE_TICK;
    };
    let mut casino = TestCasino::open(folder, fixed_price, unreachable_payments()).await;
    let stored = with_timeout(casino.client.get_leaderboard(user("ann")))
        .await
        .unwrap();
    assert_eq!(
        stored.into_inner().ranked,
        3,
        "the price is fixed, so these players are from the previous run"
    );
}

#[tokio::test]
async fn too_many_bots_are_rejected_before_anything_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        bots: 21,
        ..Options::new(support::ledger_path(&folder))
    };
    let rejected = casino_server::Casino::open(options, unreachable_payments()).await;
    assert_eq!(rejected.unwrap_err().to_string(), "house: 21 is above 20");
}

/// Returns the next headline, and the newest tick received before it.
async fn headline(session: &mut Session) -> (Headline, i64) {
    let mut newest = -1;
    loop {
        let info = session.next().await.unwrap().expect("the stream goes on");
        if let Some(headline) = info.news {
            return (headline, newest);
        }
        newest = info.info.map_or(newest, |price| price.tick);
    }
}

#[tokio::test]
async fn headlines_go_only_to_clients_that_ask_and_a_restart_continues_them() {
    let fast = |options: &mut Options| options.tick = TICK.start().to_owned();
    let mut casino = TestCasino::with_options(|options| {
        fast(options);
        options.model = Some(PriceModel::News);
    })
    .await;
    let mut ann = casino.client.open_session("ann", "ticks,news").await;
    assert_eq!(ann.capabilities.as_deref(), Some("ticks,news"));
    let mut others = [
        casino.client.open_session("bob", "ticks").await,
        casino.client.open_session("old", "").await,
    ];
    let (first, before) = headline(&mut ann).await;
    assert!(
        before >= first.tick - 1,
        "{first:?} after the price of tick {before}"
    );
    let (mut last, _) = headline(&mut ann).await;
    assert!(last.tick > first.tick && last.text != first.text);
    let [bob, _] = &mut others;
    while bob.next_price().await.tick <= last.tick {}
    let order = buy("old", 1);
    for session in &mut others {
        session.send(order.clone()).await;
        session.half_close();
        while let Some(info) = session.next().await.unwrap() {
            assert!(
                info.news.is_none() && info.r#type() != GambleType::News,
                "{info:?}"
            );
        }
    }
    let (closed, folder) = casino.close().await;
    closed.unwrap();
    while let Some(info) = ann.next().await.ok().flatten() {
        last = info.news.unwrap_or(last);
    }

    let mut casino = TestCasino::open(folder, fast, unreachable_payments()).await;
    let mut ann = casino.client.open_session("ann", "ticks,news").await;
    let (again, _) = headline(&mut ann).await;
    assert!(again == last || again.tick > last.tick, "{again:?} {last:?}");
    headline(&mut ann).await;
    let mut expected = (0..).zip(market_prices(PriceModel::News, 7, 100));
    for point in casino.client.prices().await {
        assert!(expected.any(|expected| expected == point), "{point:?}");
    }
}

#[tokio::test]
async fn a_market_without_headlines_does_not_confirm_the_feed() {
    let mut casino = TestCasino::with_fixed_price().await;
    let session = casino.client.open_session("ann", "ticks,news").await;
    assert_eq!(session.capabilities.as_deref(), Some("ticks"));
}
