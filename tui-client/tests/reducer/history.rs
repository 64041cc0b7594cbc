//! Prices and trades from before the session.

use awesomestock::app::event::{OrderResult, Request, Response, StreamEvent, TradeRow};
use awesomestock::app::portfolio::money::{Permille, Side};
use awesomestock::app::portfolio::order::Terms;
use awesomestock::app::portfolio::order_log::LoggedAction;
use awesomestock::app::portfolio::wallet::Wallet;
use awesomestock::app::prices::{MAX_PRICES, PricePoint};
use awesomestock::app::{Effect, Event};

use crate::game::{Game, START};

#[test]
fn history_fills_gaps_and_is_bounded() {
    let point = |tick: i64| PricePoint {
        tick,
        price: 10,
        at: START,
    };
    let mut game = Game::connected();
    game.price(5, 12);
    game.event(Event::Answered(Response::History {
        before: None,
        prices: (0..=7).map(point).collect(),
        more: false,
    }));
    let market = &game.state.market;
    assert_eq!(
        market.prices().map(|point| point.tick).collect::<Vec<_>>(),
        [0, 1, 2, 3, 4, 5]
    );
    assert_eq!(market.last().map(|last| last.price), Some(12));
    let change = market.change().unwrap();
    assert_eq!((change.tokens, change.permille), (2, Some(Permille(200))));

    for tick in 6..100_400 {
        game.price(tick, 10);
    }
    let market = &game.state.market;
    assert_eq!(market.prices().len(), MAX_PRICES);
    let oldest = market.at(0).unwrap();
    assert_eq!((oldest.first_tick, oldest.ticks(), oldest.high), (0, 60, 12));
    assert_eq!(market.kept() - MAX_PRICES, 7);
    game.price(3, 99);
    assert_eq!(game.state.market.prices().len(), 1, "a different market");
}

#[test]
fn earlier_trades_come_first_in_the_log() {
    let mut game = Game::new();
    let effects = game.open(true, false);
    assert_eq!(
        effects,
        [
            Effect::Call(Request::History { before: None }),
            Effect::Call(Request::Trades)
        ]
    );
    game.price(0, 10);
    game.keys("b");
    let trade = |count| TradeRow {
        tick: 0,
        at: START,
        side: Side::Sell,
        count,
        price: 4,
    };
    let bought = OrderResult {
        executed: true,
        message: "operation executed successfully".to_owned(),
        price: Some(4),
        count: Some(1),
        tick: Some(0),
        at: Some(START),
        wallet: Some(Wallet::default()),
    };
    game.stream(StreamEvent::Result(bought));
    let answered_meanwhile = TradeRow {
        side: Side::Buy,
        ..trade(1)
    };
    game.event(Event::Answered(Response::Trades(vec![
        trade(1),
        trade(2),
        answered_meanwhile,
    ])));
    let actions: Vec<LoggedAction> = game.log().into_iter().map(|(action, _)| action).collect();
    let expected = [
        LoggedAction::Order(Side::Sell, 1, Terms::Market),
        LoggedAction::Order(Side::Sell, 2, Terms::Market),
        LoggedAction::Order(Side::Buy, 1, Terms::Market),
    ];
    assert_eq!(actions, expected);
    assert_eq!(game.state.chart.markers.iter().len(), 3, "one marker per trade");
}

#[test]
fn a_casino_of_the_same_market_that_is_a_tick_behind_changes_nothing() {
    let mut game = Game::new();
    for (tick, price) in [(5, 10), (6, 12), (7, 11)] {
        game.price(tick, price);
    }
    let received = |game: &Game| {
        let prices = game.state.market.prices();
        prices.map(|point| (point.tick, point.price)).collect::<Vec<_>>()
    };
    for (tick, price) in [(6, 12), (7, 11), (8, 9)] {
        game.price(tick, price);
    }
    assert_eq!(received(&game), [(5, 10), (6, 12), (7, 11), (8, 9)]);
    game.price(6, 13);
    assert_eq!(
        received(&game),
        [(6, 13)],
        "another price of a tick means another market"
    );
}
