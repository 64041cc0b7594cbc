//! Resting orders: placed from the ticket, filled, rejected, cancelled, moved, and listed again after a reconnect.

use awesomestock::app::chart::{Area, HitMap, OrderLabel};
use awesomestock::app::commands::request::Request;
use awesomestock::app::event::{FrameChange, Kept, RequestError, Response, StreamEvent, TradeRow};
use awesomestock::app::lobby::Capabilities;
use awesomestock::app::lobby::round::RoundPhase;
use awesomestock::app::overlay::Overlay;
use awesomestock::app::portfolio::alerts::ToastKind;
use awesomestock::app::portfolio::money::Side;
use awesomestock::app::portfolio::open_orders::{EndReason, OpenOrders, OrderEnd, RestingOrder, SeenEnd};
use awesomestock::app::portfolio::order::{ClientOrderId, Condition, Order, Terms};
use awesomestock::app::portfolio::order_log::{ActionStatus, LoggedAction};
use awesomestock::app::portfolio::wallet::Wallet;
use awesomestock::app::{Effect, Event};
use awesomestock_proto::values::Trigger;
use crossterm::event::{KeyCode, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use uuid::Uuid;

use crate::game::{Game, START, send};
use crate::rounds::round;

fn capabilities(orders: bool) -> StreamEvent {
    StreamEvent::Capabilities(Capabilities {
        limits: true,
        up_to: true,
        orders,
        ..Capabilities::default()
    })
}

/// [`Game::connected`] at a casino where orders can rest, after the first list.
fn connected() -> Game {
    let mut game = Game::connected();
    assert_eq!(game.stream(capabilities(true)), [Effect::Call(Request::Orders)]);
    list(&mut game, vec![], vec![]);
    game
}

fn list(game: &mut Game, open: Vec<RestingOrder>, ended: Vec<RestingOrder>) -> Vec<Effect> {
    game.event(Event::Answered(Response::Orders { open, ended }))
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// An order to buy 5 at 8 or less.
fn order(number: u128) -> RestingOrder {
    RestingOrder {
        id: id(number),
        side: Side::Buy,
        count: 5,
        condition: limit(8),
        up_to: false,
        placed: START,
        end: None,
    }
}

fn limit(price: i32) -> Condition {
    Condition {
        trigger: Trigger::Limit,
        price,
    }
}

fn ended(mut order: RestingOrder, number: i64, reason: EndReason) -> RestingOrder {
    order.end = Some(OrderEnd {
        number,
        at: START,
        reason,
    });
    order
}

fn filled(order: RestingOrder, number: i64) -> RestingOrder {
    let trade = TradeRow {
        tick: 3,
        at: START,
        side: order.side,
        count: order.count,
        price: 7,
    };
    ended(order, number, EndReason::Filled(trade))
}

fn cancelled(order: RestingOrder, number: i64) -> RestingOrder {
    ended(order, number, EndReason::Cancelled)
}

fn wallet(version: i64) -> Option<Wallet> {
    Some(Wallet {
        tokens: 465,
        stocks: 5,
        version,
        ..Wallet::default()
    })
}

fn accept(game: &mut Game, order: RestingOrder) -> Vec<Effect> {
    game.stream(StreamEvent::Accepted { order, wallet: None })
}

fn update(game: &mut Game, order: RestingOrder) -> Vec<Effect> {
    let wallet = wallet(9);
    game.stream(StreamEvent::OrderEnded { order, wallet })
}

fn rests(side: Side, count: i32, condition: Condition) -> Vec<Effect> {
    vec![Effect::Send(Order {
        side,
        count,
        terms: Terms::Rest(condition),
        up_to: false,
        round: None,
        id: ClientOrderId::default(),
    })]
}

/// An order to buy 2 at this price or less, now.
fn limited(price: i32) -> Vec<Effect> {
    vec![Effect::Send(Order {
        side: Side::Buy,
        count: 2,
        terms: Terms::Limit(price),
        up_to: false,
        round: None,
        id: ClientOrderId::default(),
    })]
}

/// The answer to a cancellation of a casino that does not say who cancelled the order.
fn answer(order: RestingOrder) -> Event {
    answer_by(order, None)
}

fn answer_by(order: RestingOrder, by_call: Option<bool>) -> Event {
    Event::Answered(Response::Cancelled { order, by_call })
}

fn open_ids(game: &Game) -> Vec<Uuid> {
    game.state.orders.open().iter().map(|order| order.id).collect()
}

fn toasts(game: &Game) -> String {
    let text = |kind: &ToastKind| match kind {
        ToastKind::Moving(_, order) => format!("moving: {order}"),
        ToastKind::Info(_) | ToastKind::Reached(..) => format!("{kind:?}"),
    };
    let texts = game.state.alerts.toasts().map(|toast| text(&toast.kind));
    texts.collect::<Vec<_>>().join("; ")
}

#[test]
fn keys_send_orders_that_rest_as_the_ticket_shows() {
    let stop = |price| Condition {
        trigger: Trigger::Stop,
        price,
    };
    for (keys, expected) in [
        ("5@8ob", rests(Side::Buy, 5, limit(8))),
        ("5@12os", rests(Side::Sell, 5, limit(12))),
        ("5@12oob", rests(Side::Buy, 5, stop(12))),
        ("5@8oos", rests(Side::Sell, 5, stop(8))),
        // The key first, then the price.
        ("5o8b", rests(Side::Buy, 5, limit(8))),
        ("5oo12b", rests(Side::Buy, 5, stop(12))),
        // A price that was sent is not continued: the key starts another one.
        (
            "2o8b2oo145b",
            [rests(Side::Buy, 2, limit(8)), rests(Side::Buy, 2, stop(145))].concat(),
        ),
        ("2@8b5o9b", [limited(8), rests(Side::Buy, 5, limit(9))].concat()),
        (
            "2o8b@@b",
            [rests(Side::Buy, 2, limit(8)), send(Side::Buy, 2)].concat(),
        ),
        // The third press ends it, and removes a price without digits.
        ("@ooob", send(Side::Buy, 1)),
        // The price of the order that rests.
        ("5o@8b", rests(Side::Buy, 5, limit(8))),
        ("5oo@12b", rests(Side::Buy, 5, stop(12))),
        ("5@o@8b", rests(Side::Buy, 5, limit(8))),
        // Two presses of @ remove the limit, whatever came before.
        ("5o@@b", send(Side::Buy, 5)),
        ("5oo@@b", send(Side::Buy, 5)),
        ("5@o@@b", send(Side::Buy, 5)),
        ("5o8@@b", send(Side::Buy, 5)),
        ("5o8\x08@@b", send(Side::Buy, 5)),
        ("2o8b@@@8b", [rests(Side::Buy, 2, limit(8)), limited(8)].concat()),
        ("5ob", vec![]),
        // It stays for the next order, also with another price.
        (
            "5o8b@7b",
            [rests(Side::Buy, 5, limit(8)), rests(Side::Buy, 5, limit(7))].concat(),
        ),
        // A large one is confirmed.
        ("99o8b", vec![]),
        ("99o8b\n", rests(Side::Buy, 99, limit(8))),
    ] {
        assert_eq!(connected().keys(keys), expected, "{keys:?}");
    }
}

#[test]
fn an_order_of_another_session_is_listed_with_its_wallet() {
    let mut game = connected();
    for version in [9, 10] {
        let (order, wallet) = (order(1), wallet(version));
        let placed = StreamEvent::OrderPlaced { order, wallet };
        assert_eq!(game.stream(placed), []);
        assert_eq!(open_ids(&game), [id(1)]);
        assert_eq!(game.state.holdings.wallet(), wallet.as_ref());
    }
    update(&mut game, filled(order(1), 1));
    let placed = StreamEvent::OrderPlaced {
        order: order(1),
        wallet: None,
    };
    game.stream(placed);
    assert!(open_ids(&game).is_empty(), "it has ended");
}

#[test]
fn a_maximum_that_rests_is_an_upper_bound() {
    let effects = connected().keys("mo8b\n");
    let [Effect::Send(order)] = effects[..] else {
        panic!("no order: {effects:?}");
    };
    assert_eq!(
        (order.count, order.up_to, order.terms),
        (62, true, Terms::Rest(limit(8)))
    );
}

#[test]
fn a_casino_without_resting_orders_is_named() {
    for keys in ["o", "O", "\t"] {
        let mut game = Game::connected();
        assert_eq!(game.stream(capabilities(false)), []);
        assert_eq!(game.keys(keys), [], "{keys:?}");
        let text = "orders cannot rest at this casino".to_owned();
        assert_eq!(game.last_outcome(), ActionStatus::NotSent(text), "{keys:?}");
    }
    // The casino lost the feature while the ticket was filled in.
    let mut game = connected();
    game.keys("5o8");
    game.stream(capabilities(false));
    assert_eq!(game.keys("b"), []);
    assert!(matches!(game.last_outcome(), ActionStatus::NotSent(text) if text.contains("cannot rest")));
}

/// The digits are a price, as the player means them, and no order is sent at once instead.
#[test]
fn an_order_that_cannot_rest_is_not_sent() {
    let in_round = || {
        let mut game = connected();
        game.stream(round(1, RoundPhase::Running, ""));
        (game, "orders do not rest during a round")
    };
    let old_casino = || {
        let mut game = Game::connected();
        game.stream(capabilities(false));
        (game, "orders cannot rest at this casino")
    };
    for (mut game, reason) in [in_round(), old_casino()] {
        for (keys, count) in [("2o3b", 2), ("2@3ob", 2), ("5oo3s", 5), ("99o8b", 99)] {
            assert_eq!(game.keys(keys), [], "{keys:?}");
            let order = game.log().last().map(|(action, _)| action.order());
            let side = if keys.ends_with('s') {
                Side::Sell
            } else {
                Side::Buy
            };
            assert_eq!(order, Some(Some((side, count))), "{keys:?}");
            assert_eq!(
                game.last_outcome(),
                ActionStatus::NotSent(reason.to_owned()),
                "{keys:?}"
            );
        }
        assert_eq!(game.keys("b"), [], "again");
        assert_eq!(game.keys("@@2b"), send(Side::Buy, 2), "without a price");
    }
    // A round that starts refuses the orders of a ticket that rests already.
    let mut game = connected();
    game.keys("2o3");
    game.stream(round(1, RoundPhase::Running, ""));
    assert_eq!(game.keys("b"), []);
}

#[test]
fn an_accepted_order_is_listed_and_its_end_is_reported_once() {
    let reason = "you have 3 tokens".to_owned();
    let rejected = ended(order(1), 1, EndReason::Rejected(reason.clone()));
    for (end, status, toast) in [
        (
            filled(order(1), 1),
            ActionStatus::Traded { price: Some(7) },
            "filled: BUY 5 limit 8, at 7",
        ),
        (
            cancelled(order(1), 1),
            ActionStatus::Done("cancelled".to_owned()),
            "cancelled: BUY 5 limit 8",
        ),
        (
            rejected,
            ActionStatus::Rejected(reason),
            "rejected: BUY 5 limit 8: you have 3 tokens",
        ),
    ] {
        let mut game = connected();
        game.keys("5o8b");
        assert_eq!(accept(&mut game, order(1)), []);
        assert_eq!(open_ids(&game), [id(1)]);
        let rest = LoggedAction::Order(Side::Buy, 5, Terms::Rest(limit(8)));
        let accepted = ActionStatus::Done("rests until cancelled".to_owned());
        assert_eq!(game.log(), [(rest.clone(), accepted.clone())]);
        assert_eq!(game.state.log.waiting(), 0);
        for _ in 0..2 {
            assert_eq!(update(&mut game, end.clone()), []);
            assert_eq!(open_ids(&game), [] as [Uuid; 0]);
            assert_eq!(
                game.log(),
                [(rest.clone(), accepted.clone()), (rest.clone(), status.clone())]
            );
        }
        assert_eq!(game.state.alerts.toasts().len(), 1);
        assert!(toasts(&game).contains(toast), "{}", toasts(&game));
        assert_eq!(game.state.holdings.wallet().copied(), wallet(9));
        assert_eq!(game.state.orders.seen(), 1);
        assert_eq!(
            game.state.chart.markers.iter().len(),
            usize::from(toast.starts_with("filled"))
        );
        assert_eq!(game.state.orders.ended().len(), 1);
    }
}

/// A recording of an earlier version has the order alone.
#[test]
fn a_recorded_cancellation_of_an_earlier_version_is_read() {
    let order = cancelled(order(1), 1);
    let earlier = serde_json::json!({ "Cancelled": order });
    for by_call in [None, Some(false), Some(true)] {
        let response = Response::Cancelled {
            order: order.clone(),
            by_call,
        };
        let recorded = serde_json::to_value(&response).unwrap();
        assert_eq!(recorded == earlier, by_call.is_none(), "{recorded}");
        assert_eq!(serde_json::from_value::<Response>(recorded).unwrap(), response);
    }
}

/// Whichever comes first: the ends, or the list of trades.
#[test]
fn equal_fills_at_one_tick_are_two_lines() {
    for trades_first in [false, true] {
        let mut game = connected();
        let fills = [filled(order(1), 1), filled(order(2), 2)];
        let EndReason::Filled(trade) = fills[0].end.clone().unwrap().reason else {
            panic!("it was filled");
        };
        let trades = Event::Answered(Response::Trades(vec![trade, trade]));
        if trades_first {
            game.event(trades.clone());
        }
        for fill in fills {
            update(&mut game, fill);
        }
        game.event(trades);
        assert_eq!(game.log().len(), 2, "{trades_first}");
        assert_eq!(game.state.chart.markers.iter().count(), 2);
    }
}

/// The wallet shown meanwhile is that of the round.
#[test]
fn an_end_during_a_round_is_one_of_the_own_account() {
    let reason = "you have 0 stocks, not 5".to_owned();
    for (end, text) in [
        (filled(order(1), 1), "own account: filled: BUY 5 limit 8, at 7"),
        (cancelled(order(1), 1), "own account: cancelled: BUY 5 limit 8"),
        (
            ended(order(1), 1, EndReason::Rejected(reason)),
            "own account: rejected: BUY 5 limit 8: you have 0 stocks, not 5",
        ),
    ] {
        let mut game = connected();
        accept(&mut game, order(1));
        game.stream(round(1, RoundPhase::Running, ""));
        update(&mut game, end);
        let logged = format!("{:?}", game.log());
        assert!(logged.contains("own account: "), "{logged}");
        assert!(toasts(&game).contains(text), "{}", toasts(&game));
        assert_eq!(game.state.chart.markers.iter().len(), 0);
    }
}

#[test]
fn a_fill_of_a_challenge_is_kept_at_once() {
    let mut game = connected();
    game.state.session.settings.last_tick = Some(120);
    accept(&mut game, order(1));
    let order = filled(order(1), 1);
    let Some(OrderEnd {
        reason: EndReason::Filled(trade),
        ..
    }) = order.end
    else {
        panic!("not filled: {order:?}");
    };
    assert_eq!(
        update(&mut game, order.clone()),
        [Effect::Keep(Kept::Trade(trade))]
    );
    assert_eq!(update(&mut game, order), []);
}

#[test]
fn an_order_that_executes_at_once_never_rests() {
    let mut game = connected();
    game.keys("5@12ob");
    game.result(true, "done", wallet(2).unwrap());
    let rest = LoggedAction::Order(Side::Buy, 5, Terms::Rest(limit(12)));
    assert_eq!(game.log(), [(rest, ActionStatus::Traded { price: Some(10) })]);
    assert_eq!(open_ids(&game), [] as [Uuid; 0]);
}

#[test]
fn a_cancellation_is_confirmed_by_its_answer_or_by_the_update() {
    for update_first in [false, true] {
        let mut game = connected();
        accept(&mut game, order(1));
        game.keys("O");
        assert!(matches!(game.state.screen.overlays[..], [Overlay::Orders { .. }]));
        // Only a selected order can be cancelled.
        assert_eq!(game.keys("c"), []);
        assert_eq!(game.keys("jc"), [Effect::Call(Request::CancelOrder(id(1)))]);
        let end = cancelled(order(1), 1);
        let answer = answer(end.clone());
        match update_first {
            true => {
                update(&mut game, end);
                game.event(answer);
            }
            false => {
                game.event(answer);
                update(&mut game, end);
            }
        }
        assert_eq!(game.last_outcome(), ActionStatus::Done("cancelled".to_owned()));
        let reports = game
            .log()
            .into_iter()
            .filter(|(action, _)| matches!(action, LoggedAction::Order(_, _, Terms::Rest(_))));
        assert_eq!(reports.count(), 1, "{update_first}");
        assert_eq!(game.keys("c"), [], "nothing is selected");
    }
}

#[test]
fn the_list_selects_another_order_after_a_cancellation() {
    let mut game = connected();
    for number in 1..=3 {
        accept(&mut game, order(number));
    }
    game.keys("Ojj");
    for (cancelled_id, then) in [(2, Some(3)), (3, Some(1)), (1, None)] {
        assert_eq!(
            game.keys("c"),
            [Effect::Call(Request::CancelOrder(id(cancelled_id)))]
        );
        let number = i64::try_from(cancelled_id).unwrap();
        update(&mut game, cancelled(order(cancelled_id), number));
        let selected = game.state.orders.selection().map(|selection| selection.id);
        assert_eq!(selected, then.map(id));
    }
}

#[test]
fn only_a_selected_order_of_the_list_is_cancelled() {
    for code in [KeyCode::Char('c'), KeyCode::Delete] {
        let mut game = connected();
        accept(&mut game, order(1));
        game.keys("O");
        for code in [code, KeyCode::PageDown, code, KeyCode::End, code] {
            game.key(code, KeyEventKind::Press);
            assert_eq!(open_ids(&game), [id(1)]);
        }
        assert!(toasts(&game).contains("select an order first"), "{code:?}");
        // Without orders, there is nothing to select.
        let mut game = connected();
        game.keys("O");
        game.key(code, KeyEventKind::Press);
        assert_eq!(toasts(&game), "", "{code:?}");
    }
}

#[test]
fn a_fill_before_the_cancellation_wins_and_is_reported_once() {
    let mut game = connected();
    accept(&mut game, order(1));
    game.keys("\t");
    let delete = game.key(KeyCode::Delete, KeyEventKind::Press);
    assert_eq!(delete, [Effect::Call(Request::CancelOrder(id(1)))]);
    let end = filled(order(1), 1);
    let effects = game.event(answer(end.clone()));
    // The answer has no wallet.
    assert_eq!(effects, [Effect::Call(Request::Holdings)]);
    update(&mut game, end);
    assert_eq!(game.last_outcome(), ActionStatus::Traded { price: Some(7) });
    assert_eq!(game.state.alerts.toasts().len(), 1);
}

#[test]
fn a_failed_cancellation_says_so_and_lists_the_orders() {
    for error in [
        RequestError::Rejected("no order with this id".to_owned()),
        RequestError::NotSent("too many calls".to_owned()),
        RequestError::Unanswered("no answer within 10 s".to_owned()),
    ] {
        let mut game = connected();
        accept(&mut game, order(1));
        game.keys("\t");
        game.key(KeyCode::Up, KeyEventKind::Press);
        assert_eq!(game.keys("\n"), [Effect::Call(Request::CancelOrder(id(1)))]);
        let effects = game.event(Event::Failed(Request::CancelOrder(id(1)), error.clone()));
        assert_eq!(effects, [Effect::Call(Request::Orders)]);
        assert!(
            toasts(&game).contains("BUY 5 limit 8"),
            "{error:?}: {}",
            toasts(&game)
        );
        // It is not placed again, whatever comes.
        assert_eq!(update(&mut game, cancelled(order(1), 1)), []);
    }
}

#[test]
fn an_order_is_moved_once_its_cancellation_is_confirmed() {
    let mut game = connected();
    accept(&mut game, order(1));
    game.keys("\t");
    for code in [KeyCode::Up, KeyCode::Up, KeyCode::Down, KeyCode::PageDown] {
        assert_eq!(game.key(code, KeyEventKind::Press), []);
    }
    assert_eq!(
        game.state.orders.selected().map(|(_, price)| price),
        Some(1),
        "never below 1"
    );
    game.key(KeyCode::Up, KeyEventKind::Press);
    assert_eq!(game.key(KeyCode::Enter, KeyEventKind::Repeat), []);
    assert_eq!(game.keys("\n"), [Effect::Call(Request::CancelOrder(id(1)))]);
    assert_eq!(open_ids(&game), [id(1)]);
    let answer = answer(cancelled(order(1), 1));
    assert_eq!(game.event(answer), rests(Side::Buy, 5, limit(2)));
    assert_eq!(update(&mut game, cancelled(order(1), 1)), [], "placed once");
}

/// Two sessions of a player move the same order, or one moves it while the other cancels it: both hear that it was cancelled.
#[test]
fn only_the_session_that_cancelled_an_order_places_it_again() {
    let moving = || {
        let mut game = connected();
        accept(&mut game, order(1));
        game.keys("\t");
        game.key(KeyCode::Down, KeyEventKind::Press);
        assert_eq!(game.keys("\n"), [Effect::Call(Request::CancelOrder(id(1)))]);
        game
    };
    let order_at = |price| LoggedAction::Order(Side::Buy, 5, Terms::Rest(limit(price)));
    let moved = (
        order_at(8),
        ActionStatus::Done("cancelled, moves to 7".to_owned()),
    );
    let why = "BUY 5 limit 8 was cancelled, perhaps by another session; place this order again if no open order \
               replaces it";
    let unmoved = (order_at(7), ActionStatus::NotSent(why.to_owned()));
    let not_placed = "cancelled, not placed again: BUY 5 limit 8";
    for update_first in [false, true] {
        for (by_call, effects, toast, logged) in [
            (
                Some(true),
                rests(Side::Buy, 5, limit(7)),
                "moving: BUY 5 limit 8 to 7",
                &moved,
            ),
            (
                None,
                rests(Side::Buy, 5, limit(7)),
                "moving: BUY 5 limit 8 to 7",
                &moved,
            ),
            (Some(false), vec![], not_placed, &unmoved),
        ] {
            let mut game = moving();
            let end = cancelled(order(1), 1);
            if update_first {
                assert_eq!(
                    update(&mut game, end.clone()),
                    [],
                    "it is not known who cancelled it"
                );
            }
            assert_eq!(
                game.event(answer_by(end.clone(), by_call)),
                effects,
                "{by_call:?}"
            );
            assert_eq!(update(&mut game, end), []);
            assert_eq!(game.state.alerts.toasts().len(), 1);
            assert!(toasts(&game).contains(toast), "{}", toasts(&game));
            assert!(game.log().contains(logged), "{:?}", game.log());
        }
    }
    // No attempt was answered, but the stream says that it was cancelled.
    let mut game = moving();
    update(&mut game, cancelled(order(1), 1));
    let error = RequestError::Unanswered("no answer within 10 s".to_owned());
    assert_eq!(game.event(Event::Failed(Request::CancelOrder(id(1)), error)), []);
    assert!(toasts(&game).contains(not_placed), "{}", toasts(&game));
    assert_eq!(game.log().last(), Some(&unmoved));
}

#[test]
fn an_order_cancelled_to_be_moved_is_placed_again_after_a_reconnect() {
    for is_reopened in [false, true] {
        let mut game = connected();
        accept(&mut game, order(1));
        game.keys("\t");
        game.key(KeyCode::Down, KeyEventKind::Press);
        assert_eq!(game.keys("\n"), [Effect::Call(Request::CancelOrder(id(1)))]);
        game.stream(StreamEvent::Closed("reset".to_owned()));
        if is_reopened {
            game.stream(StreamEvent::Opened {
                extended: true,
                ids: true,
            });
            game.stream(capabilities(true));
        }
        let sent = game.event(answer(cancelled(order(1), 1)));
        assert!(toasts(&game).contains("moving: BUY 5 limit 8 to 7"));
        let sent = match is_reopened {
            true => sent,
            false => {
                assert_eq!(sent, [], "it waits for the connection");
                game.stream(StreamEvent::Opened {
                    extended: true,
                    ids: true,
                });
                game.stream(capabilities(true))
            }
        };
        let sends = sent
            .into_iter()
            .filter(|effect| matches!(effect, Effect::Send(_)));
        assert_eq!(sends.collect::<Vec<_>>(), rests(Side::Buy, 5, limit(7)));
        accept(
            &mut game,
            RestingOrder {
                condition: limit(7),
                ..order(2)
            },
        );
        assert_eq!(open_ids(&game), [id(2)]);
        assert!(
            toasts(&game).contains("moved: BUY 5 limit 8 to 7"),
            "{}",
            toasts(&game)
        );
    }
}

/// The order is cancelled once, whatever follows before the answer.
#[test]
fn a_second_move_or_cancellation_replaces_the_first_move() {
    for (second, expected) in [
        ("\t\n", rests(Side::Buy, 5, limit(7))),
        ("\tdd\n", rests(Side::Buy, 5, limit(6))),
        ("\tx", vec![]),
    ] {
        let mut game = connected();
        accept(&mut game, order(1));
        game.keys("\t");
        game.key(KeyCode::Down, KeyEventKind::Press);
        assert_eq!(game.keys("\n"), [Effect::Call(Request::CancelOrder(id(1)))]);
        assert_eq!(game.state.summary().waiting, 1);
        for key in second.chars() {
            let effects = match key {
                'd' => game.key(KeyCode::Down, KeyEventKind::Press),
                'x' => game.key(KeyCode::Delete, KeyEventKind::Press),
                other => game.keys(&other.to_string()),
            };
            assert_eq!(effects, [], "{second:?}");
        }
        assert_eq!(game.event(answer(cancelled(order(1), 1))), expected, "{second:?}");
    }
}

#[test]
fn a_key_that_cancels_asks_for_a_selection() {
    let mut game = connected();
    assert_eq!(game.key(KeyCode::Delete, KeyEventKind::Press), []);
    assert_eq!(toasts(&game), "");
    accept(&mut game, order(1));
    assert_eq!(game.key(KeyCode::Delete, KeyEventKind::Press), []);
    assert!(toasts(&game).contains("select an order first"));
    assert_eq!(open_ids(&game), [id(1)]);
}

/// `o`: a limit, a stop, off.
#[test]
fn the_third_press_removes_a_price_without_digits() {
    for (keys, expected) in [
        ("o", Some((0, Some(Trigger::Limit)))),
        ("oo", Some((0, Some(Trigger::Stop)))),
        ("ooo", None),
        ("oooo", Some((0, Some(Trigger::Limit)))),
        ("oo7o", Some((7, None))),
    ] {
        let mut game = connected();
        game.keys(keys);
        let limit = game.state.ticket.limit();
        assert_eq!(limit.map(|limit| (limit.price, limit.rest)), expected, "{keys}");
    }
}

#[test]
fn an_order_is_not_cancelled_without_a_connection() {
    let mut game = connected();
    accept(&mut game, order(1));
    game.stream(StreamEvent::Closed("reset".to_owned()));
    game.keys("\t");
    assert_eq!(game.key(KeyCode::Delete, KeyEventKind::Press), []);
    let why = "connection lost, reconnecting";
    let text = format!("order not cancelled: {why}");
    assert!(toasts(&game).contains(&text), "{}", toasts(&game));
    let not_sent = ActionStatus::NotSent(why.to_owned());
    let logged = (LoggedAction::Cancel(order(1)), not_sent);
    assert_eq!(game.log().pop(), Some(logged), "it says it once");
    assert_eq!(open_ids(&game), [id(1)]);
}

#[test]
fn a_cancellation_has_a_line_in_the_log_until_it_is_answered() {
    let rest = LoggedAction::Order(Side::Buy, 5, Terms::Rest(limit(8)));
    let cancel = LoggedAction::Cancel(order(1));
    let done = ActionStatus::Done("cancelled".to_owned());
    let rejected = |why: &str| ActionStatus::Rejected(why.to_owned());
    let failed = |error| Event::Failed(Request::CancelOrder(id(1)), error);
    for (event, line) in [
        (answer(cancelled(order(1), 1)), (&rest, done)),
        (
            answer(filled(order(1), 1)),
            (&rest, ActionStatus::Traded { price: Some(7) }),
        ),
        (answer(order(1)), (&cancel, rejected("the order is still open"))),
        (
            failed(RequestError::Rejected("busy".to_owned())),
            (&cancel, rejected("busy")),
        ),
        (
            failed(RequestError::NotSent("no address".to_owned())),
            (&cancel, ActionStatus::NotSent("no address".to_owned())),
        ),
        (
            failed(RequestError::Unanswered("timeout".to_owned())),
            (&cancel, rejected("no answer: timeout")),
        ),
    ] {
        let mut game = connected();
        accept(&mut game, order(1));
        let lines = game.log().len();
        game.keys("\t");
        let call = [Effect::Call(Request::CancelOrder(id(1)))];
        assert_eq!(game.key(KeyCode::Delete, KeyEventKind::Press), call);
        assert_eq!(game.log().pop(), Some((cancel.clone(), ActionStatus::Pending)));
        // The same order is not cancelled twice.
        game.keys("\t");
        assert_eq!(game.key(KeyCode::Delete, KeyEventKind::Press), []);
        game.event(event);
        let (action, status) = line;
        assert_eq!(game.log().pop(), Some((action.clone(), status)));
        assert_eq!(game.log().len(), lines + 1);
    }
}

/// The trade is in the log before the answer: the list of trades had it.
#[test]
fn a_cancellation_that_came_too_late_ends_its_line() {
    let mut game = connected();
    accept(&mut game, order(1));
    game.keys("\t");
    game.key(KeyCode::Delete, KeyEventKind::Press);
    let end = filled(order(1), 1);
    let Some(EndReason::Filled(trade)) = end.end.clone().map(|end| end.reason) else {
        panic!("not filled: {end:?}");
    };
    game.event(Event::Answered(Response::Trades(vec![trade])));
    game.event(answer(end));
    let ended = ActionStatus::Rejected("the order had ended before".to_owned());
    assert_eq!(game.log().pop(), Some((LoggedAction::Cancel(order(1)), ended)));
}

#[test]
fn an_order_that_was_filled_first_is_not_moved() {
    let mut game = connected();
    accept(&mut game, order(1));
    game.keys("\t");
    game.key(KeyCode::Down, KeyEventKind::Press);
    game.keys("\n");
    assert_eq!(update(&mut game, filled(order(1), 1)), []);
    let text = "BUY 5 limit 8 ended before it could be moved; no new order was placed".to_owned();
    assert_eq!(game.last_outcome(), ActionStatus::Rejected(text));
    let answer = answer(filled(order(1), 1));
    assert_eq!(game.event(answer), []);
}

/// The casino would cancel it and not accept it again.
#[test]
fn an_order_is_not_moved_during_a_round() {
    for phase in [RoundPhase::Running, RoundPhase::Paused] {
        let mut game = connected();
        accept(&mut game, order(1));
        game.stream(round(1, phase, ""));
        game.keys("\t");
        game.key(KeyCode::Down, KeyEventKind::Press);
        assert_eq!(game.keys("\n"), []);
        let why = "orders do not rest during a round";
        let shown = toasts(&game);
        assert!(shown.contains(&format!("order not moved: {why}")), "{shown}");
        let moved = LoggedAction::Order(Side::Buy, 5, Terms::Rest(limit(7)));
        let not_sent = ActionStatus::NotSent(why.to_owned());
        assert_eq!(game.log().pop(), Some((moved, not_sent)), "it says it once");
        assert_eq!(open_ids(&game), [id(1)]);
    }
}

/// The cancellation was sent before the round started: the order is not placed on the account of the round.
#[test]
fn a_move_that_a_round_overtakes_places_no_order() {
    let mut game = connected();
    accept(&mut game, order(1));
    game.keys("\t");
    game.key(KeyCode::Down, KeyEventKind::Press);
    assert_eq!(game.keys("\n"), [Effect::Call(Request::CancelOrder(id(1)))]);
    game.stream(round(1, RoundPhase::Running, ""));
    assert_eq!(game.event(answer(cancelled(order(1), 1))), []);
    let text = "orders do not rest during a round".to_owned();
    assert_eq!(game.last_outcome(), ActionStatus::NotSent(text));
    let shown = toasts(&game);
    assert!(
        shown.contains("cancelled, not placed again: BUY 5 limit 8"),
        "{shown}"
    );
    // Not when the round is over either.
    assert_eq!(game.stream(round(1, RoundPhase::Ended, "")), []);
}

#[test]
fn the_message_of_a_move_is_replaced_by_its_answer() {
    for (is_accepted, text) in [
        (true, "moved: BUY 5 limit 8 to 7"),
        (false, "cancelled, not placed again: BUY 5 limit 8 to 7"),
    ] {
        let mut game = connected();
        accept(&mut game, order(1));
        // An order before it is answered first.
        game.keys("2b\t");
        game.key(KeyCode::Down, KeyEventKind::Press);
        game.keys("\n");
        game.event(answer(cancelled(order(1), 1)));
        game.result(true, "done", crate::game::wallet(480, 2, 2));
        assert!(
            toasts(&game).contains("moving: BUY 5 limit 8 to 7"),
            "{}",
            toasts(&game)
        );
        match is_accepted {
            true => _ = accept(&mut game, order(2)),
            false => _ = game.result(false, "no", crate::game::wallet(480, 2, 2)),
        }
        let shown = toasts(&game);
        assert!(shown.contains(text) && !shown.contains("moving"), "{shown}");
    }
}

#[test]
fn an_order_is_not_moved_to_a_price_that_is_met_or_without_a_connection() {
    let mut game = connected();
    accept(&mut game, order(1));
    game.keys("\t");
    game.key(KeyCode::PageUp, KeyEventKind::Press);
    assert_eq!(game.keys("\n"), []);
    assert!(
        toasts(&game).contains("limit 18 would execute at once: the price is 10"),
        "{}",
        toasts(&game)
    );
    // Nothing changed: Enter only ends the selection.
    game.key(KeyCode::PageDown, KeyEventKind::Press);
    assert_eq!(game.keys("\n"), []);
    assert_eq!(game.state.orders.selection(), None);
    // Cancelled, but the casino rejects the session before it is placed again.
    game.keys("\t");
    game.key(KeyCode::Down, KeyEventKind::Press);
    game.keys("\n");
    game.stream(StreamEvent::Rejected("no".to_owned()));
    let answer = answer(cancelled(order(1), 1));
    assert_eq!(game.event(answer), []);
    assert!(toasts(&game).contains("not placed again"), "{}", toasts(&game));
}

#[test]
fn a_label_is_dragged_to_a_price() {
    let mouse = |game: &mut Game, kind, row| {
        game.event(Event::Mouse(MouseEvent {
            kind,
            column: 4,
            row,
            modifiers: KeyModifiers::NONE,
        }))
    };
    let mut game = connected();
    accept(&mut game, order(1));
    let area = Area {
        x: 2,
        y: 5,
        width: 20,
        height: 4,
    };
    let label = Area {
        y: 7,
        height: 1,
        ..area
    };
    let hit_map = HitMap {
        area,
        row_prices: vec![12, 10, 8, 6],
        orders: vec![OrderLabel {
            area: label,
            id: id(1),
        }],
        ..HitMap::default()
    };
    game.event(Event::Rendered(FrameChange {
        hit_map: Some(hit_map),
        ..FrameChange::default()
    }));
    let left = MouseButton::Left;
    // A click selects the order, and shows no crosshair.
    mouse(&mut game, MouseEventKind::Down(left), 7);
    assert_eq!(mouse(&mut game, MouseEventKind::Up(left), 7), []);
    assert_eq!(game.state.chart.crosshair, None);
    assert_eq!(game.state.orders.selected().map(|(_, price)| price), Some(8));
    // A drag ends when the terminal becomes too small.
    mouse(&mut game, MouseEventKind::Down(left), 7);
    mouse(&mut game, MouseEventKind::Drag(left), 30);
    game.event(Event::Resized(30, 8));
    assert_eq!(mouse(&mut game, MouseEventKind::Up(left), 30), []);
    game.event(Event::Resized(80, 24));
    mouse(&mut game, MouseEventKind::Down(left), 7);
    mouse(&mut game, MouseEventKind::Drag(left), 30);
    assert_eq!(game.state.orders.selected().map(|(_, price)| price), Some(6));
    assert_eq!(
        mouse(&mut game, MouseEventKind::Up(left), 30),
        [Effect::Call(Request::CancelOrder(id(1)))]
    );
    assert_eq!(game.state.orders.moves_to(id(1)), Some(6));
}

#[test]
fn keys_of_the_ticket_work_again_without_a_selection() {
    let mut game = connected();
    accept(&mut game, order(1));
    for keys in ["\t\x1b", "\t\t", "O\n", "Oj\x1b"] {
        game.keys(keys);
        assert_eq!(game.state.orders.selection(), None, "{keys:?}");
    }
    game.key(KeyCode::Up, KeyEventKind::Press);
    assert_eq!(game.keys("b"), send(Side::Buy, 2));
    // Enter in the window keeps the selection for the chart.
    game.keys("Oj\n");
    assert!(game.state.orders.selection().is_some() && game.state.screen.overlays.is_empty());
}

/// The player may press them before the end is noticed.
#[test]
fn keys_of_a_selected_order_that_has_ended_leave_the_ticket_alone() {
    let keys = [
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::PageUp,
        KeyCode::PageDown,
        KeyCode::Enter,
        KeyCode::Delete,
    ];
    let by_update = |game: &mut Game| _ = update(game, filled(order(1), 1));
    let by_list = |game: &mut Game| {
        game.stream(capabilities(true));
        list(game, vec![], vec![cancelled(order(1), 1)]);
    };
    let by_casino = |game: &mut Game| _ = game.stream(capabilities(false));
    let ends: [&dyn Fn(&mut Game); 3] = [&by_update, &by_list, &by_casino];
    for end in ends {
        for (other, quantity) in [("\x1b", 3), ("b", 3), ("\t", 3), ("2", 23)] {
            let mut game = connected();
            accept(&mut game, order(1));
            game.keys("2\t");
            game.key(KeyCode::Up, KeyEventKind::Press);
            end(&mut game);
            assert_eq!(game.state.orders.selection(), None);
            for code in keys {
                for kind in [KeyEventKind::Press, KeyEventKind::Repeat] {
                    assert_eq!(game.key(code, kind), [], "{code:?}");
                }
            }
            let sent = if other == "b" { send(Side::Buy, 2) } else { vec![] };
            assert_eq!(game.keys(other), sent);
            game.key(KeyCode::Up, KeyEventKind::Press);
            let count = game.state.ticket.count(Side::Buy, 10, &game.state.holdings);
            assert_eq!(count, Some(quantity), "after {other:?}");
        }
    }
    // The player ended the selection: nothing is left to be noticed.
    for key in [KeyCode::Enter, KeyCode::Delete] {
        let mut game = connected();
        accept(&mut game, order(1));
        game.keys("2\t");
        game.key(KeyCode::Down, KeyEventKind::Press);
        game.key(key, KeyEventKind::Press);
        update(&mut game, cancelled(order(1), 1));
        game.key(KeyCode::Up, KeyEventKind::Press);
        assert_eq!(game.keys("b"), send(Side::Buy, 3));
    }
}

#[test]
fn ends_before_the_first_list_are_not_news_and_later_ones_are() {
    let mut game = Game::connected();
    game.stream(capabilities(true));
    assert_eq!(update(&mut game, filled(order(1), 41)), []);
    list(
        &mut game,
        vec![order(3)],
        vec![
            cancelled(order(0), 40),
            filled(order(1), 41),
            cancelled(order(2), 42),
        ],
    );
    assert_eq!(game.log(), []);
    assert_eq!((open_ids(&game), game.state.orders.seen()), (vec![id(3)], 42));
    assert_eq!(game.state.orders.ended().len(), 3);
    update(&mut game, filled(order(3), 43));
    assert_eq!(game.log().len(), 1);
}

/// Those that an earlier game has shown are known by number and time.
#[test]
fn ends_while_the_player_was_away_are_news_once() {
    let shown = SeenEnd {
        number: 41,
        at: START,
    };
    let later = |mut order: RestingOrder| {
        let end = order.end.as_mut().unwrap();
        end.at = START.plus_ms(1);
        order
    };
    for (ended, is_news) in [
        (cancelled(order(1), 41), false),
        (filled(order(1), 42), true),
        // Of another ledger, which counts from 1.
        (later(filled(order(1), 1)), true),
    ] {
        for stream_first in [true, false] {
            let mut game = Game::connected();
            game.state.orders = OpenOrders::new(Some(shown));
            game.stream(capabilities(true));
            assert_eq!(game.state.orders.shown(), Some(shown));
            if stream_first {
                update(&mut game, ended.clone());
                let seen = ended.end.as_ref().unwrap().number;
                let now = game.state.orders.shown().unwrap();
                assert_eq!(now.number, seen, "a game that ends before the list has shown it");
            }
            list(&mut game, vec![], vec![ended.clone()]);
            update(&mut game, ended.clone());
            // A list that fails makes nothing news.
            game.keys("O");
            game.event(Event::Failed(
                Request::Orders,
                RequestError::Unanswered("gone".to_owned()),
            ));
            let news = usize::from(is_news);
            assert_eq!((game.log().len(), game.state.alerts.toasts().len()), (news, news));
            let end = ended.end.as_ref().unwrap();
            let now = game.state.orders.shown().unwrap();
            assert_eq!((now.number, now.at), (end.number, end.at));
        }
    }
    let mut game = Game::connected();
    assert_eq!(game.state.orders.shown(), None, "it is the first game");
    game.state.orders = OpenOrders::new(Some(shown));
    game.stream(capabilities(true));
    game.event(Event::Failed(
        Request::Orders,
        RequestError::Unanswered("gone".to_owned()),
    ));
    update(&mut game, cancelled(order(1), 41));
    assert_eq!((game.log().len(), game.state.orders.shown()), (0, Some(shown)));
    // A player who has been shown that there is none.
    let mut game = connected();
    assert_eq!(game.state.orders.shown(), Some(SeenEnd::default()));
    game.state.orders = OpenOrders::new(game.state.orders.shown());
    game.keys("O");
    list(&mut game, vec![], vec![filled(order(1), 1)]);
    assert_eq!(game.log().len(), 1);
}

#[test]
fn a_reconnect_repeats_nothing_and_misses_nothing() {
    let mut game = connected();
    for number in 1..=4 {
        accept(&mut game, order(number));
    }
    update(&mut game, filled(order(1), 1));
    let lines = game.log().len();
    game.stream(StreamEvent::Closed("gone".to_owned()));
    game.stream(StreamEvent::Opened {
        extended: true,
        ids: true,
    });
    assert_eq!(game.stream(capabilities(true)), [Effect::Call(Request::Orders)]);
    // The casino repeats an end, and sends one that happened meanwhile. The third is only in the list.
    update(&mut game, filled(order(1), 1));
    update(&mut game, cancelled(order(2), 2));
    let ended = vec![
        filled(order(1), 1),
        cancelled(order(2), 2),
        cancelled(order(3), 3),
    ];
    list(&mut game, vec![order(4), order(5)], ended);
    update(&mut game, cancelled(order(3), 3));
    assert_eq!(game.log().len(), lines + 2);
    assert_eq!(open_ids(&game), [id(4), id(5)]);
    assert_eq!(game.state.orders.seen(), 3);
}

#[test]
fn an_order_accepted_while_the_list_is_on_its_way_stays() {
    let mut game = Game::connected();
    game.stream(capabilities(true));
    accept(&mut game, order(1));
    list(&mut game, vec![], vec![]);
    assert_eq!(open_ids(&game), [id(1)]);
    // It ended and was forgotten while nobody looked: the next list does not have it.
    assert_eq!(game.keys("O"), [Effect::Call(Request::Orders)]);
    list(&mut game, vec![], vec![]);
    assert_eq!(open_ids(&game), [] as [Uuid; 0]);
    // A list that was read before the fill does not bring the order back.
    accept(&mut game, order(2));
    game.keys("\x1bO");
    update(&mut game, filled(order(2), 1));
    list(&mut game, vec![order(2)], vec![]);
    assert_eq!(open_ids(&game), [] as [Uuid; 0]);
}

#[test]
fn a_list_of_an_earlier_session_is_requested_again() {
    let mut game = Game::connected();
    game.stream(capabilities(true));
    game.stream(StreamEvent::Closed("gone".to_owned()));
    game.stream(StreamEvent::Opened {
        extended: true,
        ids: true,
    });
    assert_eq!(game.stream(capabilities(true)), [], "one is on its way");
    assert_eq!(
        list(&mut game, vec![order(1)], vec![]),
        [Effect::Call(Request::Orders)]
    );
    assert_eq!(open_ids(&game), [] as [Uuid; 0]);
    list(&mut game, vec![order(2)], vec![]);
    assert_eq!(open_ids(&game), [id(2)]);
}

#[test]
fn another_ledger_starts_its_numbers_again() {
    let mut game = connected();
    accept(&mut game, order(1));
    update(&mut game, filled(order(1), 7));
    game.stream(StreamEvent::Closed("gone".to_owned()));
    game.stream(StreamEvent::Opened {
        extended: true,
        ids: true,
    });
    game.stream(capabilities(true));
    list(&mut game, vec![order(2)], vec![]);
    assert_eq!(game.state.orders.seen(), 0);
    update(&mut game, cancelled(order(2), 1));
    assert_eq!(game.last_outcome(), ActionStatus::Done("cancelled".to_owned()));
}

#[test]
fn an_unanswered_order_that_rests_is_resent_only_where_orders_can_rest() {
    for (orders, resent) in [(true, 1), (false, 0)] {
        let mut game = connected();
        game.stream(StreamEvent::Opened {
            extended: true,
            ids: true,
        });
        game.stream(capabilities(true));
        let sent = game.keys("5o8b");
        game.stream(StreamEvent::Closed("gone".to_owned()));
        let opened = game.stream(StreamEvent::Opened {
            extended: true,
            ids: true,
        });
        assert!(
            !opened.iter().any(|effect| matches!(effect, Effect::Send(_))),
            "{opened:?}"
        );
        game.price(1, 10);
        // The price is here, the capabilities are not.
        assert_eq!(game.keys("s"), []);
        let effects = game.stream(capabilities(orders));
        let again: Vec<_> = effects
            .into_iter()
            .filter(|effect| matches!(effect, Effect::Send(_)))
            .collect();
        assert_eq!(again.len(), resent);
        assert!(again.iter().all(|effect| sent.contains(effect)));
        assert_eq!(game.state.log.waiting(), resent);
    }
}

#[test]
fn a_repeated_answer_may_have_ended() {
    let mut game = connected();
    game.keys("5o8b");
    accept(&mut game, filled(order(1), 1));
    assert_eq!(game.log().len(), 2);
    assert_eq!(game.state.log.waiting(), 0);
    update(&mut game, filled(order(1), 1));
    assert_eq!(game.log().len(), 2);
    assert_eq!(open_ids(&game), [] as [Uuid; 0]);
}
