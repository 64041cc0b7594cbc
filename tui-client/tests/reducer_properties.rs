//! Property tests: any sequence of events keeps the reducer's invariants, and equal events give equal states.

#[path = "../src/testkit/invariants.rs"]
mod invariants;

use awesomestock::app::chart::{Area, ChartKind, ColumnSlot, HitMap, OrderLabel};
use awesomestock::app::commands::action::BINDINGS;
use awesomestock::app::event::{
    FrameChange, OrderResult, Request, RequestError, Response, StreamEvent, TradeRow,
};
use awesomestock::app::lobby::round::{Round, RoundPhase};
use awesomestock::app::lobby::{
    Capabilities, Headline, Leaderboard, Performance, Player, Standing, TapeRow, TapeUpdate,
};
use awesomestock::app::overlay::screen::{ClickAction, ClickTarget};
use awesomestock::app::overlay::{Overlay, PaymentRow};
use awesomestock::app::portfolio::money::{Side, UnixMillis};
use awesomestock::app::portfolio::open_orders::{EndReason, OpenOrders, OrderEnd, RestingOrder};
use awesomestock::app::portfolio::order::Condition;
use awesomestock::app::portfolio::wallet::Wallet;
use awesomestock::app::prices::{Candle, PricePoint};
use awesomestock::app::replay::{Recording, Replay};
use awesomestock::app::{AppState, Effect, Event, SessionInfo, Settings, update};
use awesomestock::storage::recording::{Header, Recorder, read};
use awesomestock::ui::{Markers, Renderer, Theme};
use awesomestock_proto::values::Trigger;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use jiff::tz::TimeZone;
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use uuid::Uuid;

use self::invariants::{CheckedGame, check_screen, without_wire};

fn any_wallet() -> impl Strategy<Value = Wallet> {
    (
        any::<i32>(),
        any::<i32>(),
        any::<i64>(),
        any::<i64>(),
        any::<i64>(),
        any::<Option<i64>>(),
    )
        .prop_map(
            |(tokens, stocks, cost_basis, realised_pnl, version, round)| Wallet {
                tokens,
                stocks,
                cost_basis,
                realised_pnl,
                version,
                round,
                ..Wallet::default()
            },
        )
}

fn any_key() -> impl Strategy<Value = Event> {
    let code = prop_oneof![
        8 => prop::sample::select("0123456789@@oOobstwmpSTWW?:qGnN buyselltokens ci+-x%c+-x%".chars().collect::<Vec<_>>())
            .prop_map(KeyCode::Char),
        1 => any::<char>().prop_map(KeyCode::Char),
        2 => prop::sample::select(vec![
            KeyCode::Enter, KeyCode::Esc, KeyCode::Tab, KeyCode::Backspace, KeyCode::Delete, KeyCode::Up,
            KeyCode::Down, KeyCode::PageUp, KeyCode::PageDown, KeyCode::Home, KeyCode::End, KeyCode::Left, KeyCode::Right,
        ]),
    ];
    let modifiers = prop::sample::select(vec![
        KeyModifiers::NONE,
        KeyModifiers::SHIFT,
        KeyModifiers::CONTROL,
    ]);
    (code, modifiers).prop_map(|(code, modifiers)| Event::Key(KeyEvent::new(code, modifiers)))
}

/// One of a few orders, open or ended; those of a number end alike.
fn any_resting_order() -> impl Strategy<Value = RestingOrder> {
    let reason =
        (0..3_u8, ".{0,8}", any::<(i32, i32)>()).prop_map(|(reason, text, (count, price))| match reason {
            0 => EndReason::Cancelled,
            1 => EndReason::Rejected(text),
            _ => EndReason::Filled(TradeRow {
                tick: 1,
                at: UnixMillis(1),
                side: Side::Sell,
                count,
                price,
            }),
        });
    (0_u8..6, any::<(bool, bool, i32, i32)>(), prop::option::of(reason)).prop_map(
        |(number, (is_buy, is_limit, count, price), reason)| RestingOrder {
            id: Uuid::from_u128(u128::from(number)),
            side: if is_buy { Side::Buy } else { Side::Sell },
            count,
            condition: Condition {
                trigger: if is_limit { Trigger::Limit } else { Trigger::Stop },
                price,
            },
            up_to: false,
            placed: UnixMillis(i64::from(number)),
            end: reason.map(|reason| OrderEnd {
                number: i64::from(number) + 1,
                at: UnixMillis(1),
                reason,
            }),
        },
    )
}

fn any_order_event() -> impl Strategy<Value = Event> {
    let orders = || prop::collection::vec(any_resting_order(), 0..4);
    prop_oneof![
        (any_resting_order(), prop::option::of(any_wallet()))
            .prop_map(|(order, wallet)| Event::Stream(StreamEvent::Accepted { order, wallet })),
        (any_resting_order(), prop::option::of(any_wallet())).prop_map(|(order, wallet)| {
            Event::Stream(match order.end {
                Some(_) => StreamEvent::OrderEnded { order, wallet },
                None => StreamEvent::OrderPlaced { order, wallet },
            })
        }),
        (any_resting_order(), any::<Option<bool>>())
            .prop_map(|(order, by_call)| Event::Answered(Response::Cancelled { order, by_call })),
        (orders(), orders()).prop_map(|(open, ended)| Event::Answered(Response::Orders { open, ended })),
        (0_u8..6, any::<bool>()).prop_map(|(number, is_rejected)| {
            let why = "no".to_owned();
            let error = if is_rejected {
                RequestError::Rejected(why)
            } else {
                RequestError::Unanswered(why)
            };
            Event::Failed(Request::CancelOrder(Uuid::from_u128(u128::from(number))), error)
        }),
        Just(Event::Failed(
            Request::Orders,
            RequestError::Unanswered("no".to_owned())
        )),
    ]
}

fn any_tape_row() -> impl Strategy<Value = TapeRow> {
    (".{0,8}", any::<(bool, i64, i64, i32, i32)>()).prop_map(|(name, (house, tick, at, count, price))| {
        TapeRow {
            player: Player { name, house },
            trade: TradeRow {
                tick,
                at: UnixMillis(at),
                side: Side::Buy,
                count,
                price,
            },
        }
    })
}

fn any_stream_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => any::<(bool, bool)>().prop_map(|(extended, ids)| StreamEvent::Opened { extended, ids }),
        4 => (any::<Option<i64>>(), any::<i32>(), any::<Option<i64>>(), any::<Option<i64>>()).prop_map(
            |(tick, price, at, interval_ms)| StreamEvent::Price { tick, price, at: at.map(UnixMillis), interval_ms }
        ),
        1 => any_wallet().prop_map(StreamEvent::Wallet),
        1 => (prop::collection::vec(any_tape_row(), 0..25), any::<i64>())
            .prop_map(|(rows, trades)| StreamEvent::Tape(TapeUpdate { rows, trades })),
        1 => (any::<i32>(), any::<i64>(), any::<i32>()).prop_map(|(rank, equity, ranked)| {
            let player = Player { name: "bob".to_owned(), house: false };
            let own = Standing { rank, player, equity, tokens: 0, stocks: 0, performance: Some(Performance { profit: equity, dollars_in: i64::from(ranked) }) };
            StreamEvent::Leaderboard(Leaderboard { top: vec![own.clone()], own: Some(own), ranked })
        }),
        2 => (any::<bool>(), ".{0,8}", any::<Option<i32>>(), any::<Option<i64>>(), prop::option::of(any_wallet()))
            .prop_map(|(executed, message, price, tick, wallet)| {
                StreamEvent::Result(OrderResult { executed, message, price, count: None, tick, at: None, wallet })
            }),
        1 => any::<[bool; 5]>().prop_map(|[others, limits, up_to, news, orders]| {
            StreamEvent::Capabilities(Capabilities {
                tape: others,
                players: others,
                leaderboard: others,
                limits,
                up_to,
                news,
                orders,
                rounds: orders,
                accounts: orders,
            })
        }),
        1 => any_round().prop_map(StreamEvent::Round),
        1 => (".{0,80}", any::<i64>()).prop_map(|(text, tick)| StreamEvent::News(Headline { text, tick })),
        1 => ".{0,8}".prop_map(StreamEvent::Closed),
        1 => ".{0,8}".prop_map(StreamEvent::Rejected),
        1 => ".{0,8}".prop_map(StreamEvent::Endpoint),
    ]
    .prop_map(Event::Stream)
}

fn any_round() -> impl Strategy<Value = Round> {
    use RoundPhase::{Ended, Never, Paused, Running};
    let phase = prop::sample::select(vec![Never, Running, Paused, Ended]);
    let podium = prop::collection::vec((any::<i32>(), ".{0,40}", any::<i64>()), 0..5);
    (any::<i64>(), phase, any::<i64>(), ".{0,120}", podium).prop_map(
        |(number, phase, left_ms, announcement, podium)| Round {
            number,
            phase,
            left_ms,
            announcement,
            stake: 100,
            podium: podium
                .into_iter()
                .map(|(rank, name, profit)| Standing {
                    rank,
                    player: Player { name, house: false },
                    equity: profit,
                    tokens: 0,
                    stocks: 0,
                    performance: Some(Performance {
                        profit,
                        dollars_in: 100,
                    }),
                })
                .collect(),
        },
    )
}

/// Pages of price history, most of them unrequested.
fn any_history() -> impl Strategy<Value = Event> {
    let point = (any::<i64>(), any::<i32>(), any::<i64>()).prop_map(|(tick, price, at)| PricePoint {
        tick,
        price,
        at: UnixMillis(at),
    });
    let candle = (any::<i64>(), 0_i64..99, any::<i32>()).prop_map(|(tick, more, price)| Candle {
        first_tick: tick,
        last_tick: tick.saturating_add(more),
        open: price,
        high: price,
        low: price,
        close: price,
        since: UnixMillis(tick),
        until: UnixMillis(tick),
    });
    let prices = (
        prop::option::of(0_i64..9),
        prop::collection::vec(point, 0..8),
        any::<bool>(),
    );
    let candles = (0_i64..9, prop::collection::vec(candle, 0..8), any::<bool>());
    prop_oneof![
        prices.prop_map(|(before, prices, more)| Response::History { before, prices, more }),
        candles.prop_map(|(before, candles, more)| Response::Candles {
            before,
            candles,
            more
        }),
    ]
    .prop_map(Event::Answered)
}

fn any_answer() -> impl Strategy<Value = Event> {
    let payment = (any::<i64>(), any::<i32>()).prop_map(|(number, dollars)| PaymentRow {
        number,
        at: None,
        dollars,
    });
    let call = prop::sample::select(vec![
        Request::BuyTokens(1),
        Request::Withdraw(5),
        Request::Holdings,
        Request::Payments,
        Request::Statement,
        Request::History { before: None },
        Request::History { before: Some(3) },
        Request::Candles { before: 3 },
        Request::Trades,
        Request::TradePage { before: None },
        Request::TradePage { before: Some(3) },
    ]);
    let trade = (any::<i64>(), any::<i32>(), any::<i32>()).prop_map(|(number, count, price)| {
        let row = TradeRow {
            tick: number,
            at: UnixMillis(number),
            side: Side::Sell,
            count,
            price,
        };
        (number, row)
    });
    let trades = (
        prop::option::of(0_i64..9),
        prop::collection::vec(trade, 0..8),
        any::<bool>(),
    );
    prop_oneof![
        any_wallet().prop_map(|wallet| Event::Answered(Response::Wallet(wallet))),
        trades.prop_map(|(before, rows, more)| Event::Answered(Response::TradePage { before, rows, more })),
        any::<i32>().prop_map(|tokens| Event::Answered(Response::Tokens(tokens))),
        any_history(),
        prop::collection::vec(payment, 0..8).prop_map(|rows| Event::Answered(Response::Payments(rows))),
        ".{0,20}".prop_map(|text| Event::Answered(Response::Statement(text))),
        (call, any::<bool>(), ".{0,8}").prop_map(|(call, rejected, reason)| {
            Event::Failed(
                call,
                if rejected {
                    RequestError::Rejected(reason)
                } else {
                    RequestError::Unanswered(reason)
                },
            )
        }),
    ]
}

fn any_hit_map() -> impl Strategy<Value = HitMap> {
    let area = (0_u16..200, 0_u16..80, any::<u16>(), any::<u16>()).prop_map(|(x, y, width, height)| Area {
        x,
        y,
        width,
        height,
    });
    let slot = (any::<u16>(), any::<i64>()).prop_map(|(column, tick)| ColumnSlot { column, tick });
    let slots = prop::collection::vec(slot, 0..8);
    let row_prices = prop::collection::vec(any::<i32>(), 0..4);
    (
        prop::sample::select(&ChartKind::ALL),
        area,
        any::<i64>(),
        slots,
        row_prices,
    )
        .prop_map(|(kind, area, first, slots, row_prices)| HitMap {
            kind,
            area,
            first,
            slots,
            orders: vec![OrderLabel {
                area,
                id: Uuid::from_u128(u128::from(area.x % 6)),
            }],
            row_prices,
        })
}

fn any_click_targets() -> impl Strategy<Value = Vec<ClickTarget>> {
    let bindings = BINDINGS.iter().map(|row| ClickAction::Act(row.action));
    let keys = ["esc", "enter", "tab", "/", "n", "N", "y", "e", "E", "m", "b"];
    let keys = keys.iter().map(|name| ClickAction::Press(name.parse().unwrap()));
    let actions: Vec<ClickAction> = bindings.chain(keys).collect();
    let button =
        (prop::sample::select(actions), any::<u16>(), any::<u16>()).prop_map(|(action, x, y)| ClickTarget {
            area: Area {
                x,
                y,
                width: 30_000,
                height: 30_000,
            },
            action,
        });
    prop::collection::vec(button, 0..8)
}

fn any_frame_change() -> impl Strategy<Value = Event> {
    let (reach, visible) = (prop::option::of(any::<usize>()), prop::option::of(any::<usize>()));
    (
        reach,
        visible,
        prop::option::of(any_click_targets()),
        prop::option::of(any_hit_map()),
    )
        .prop_map(|(reach, visible, buttons, hit_map)| {
            Event::Rendered(FrameChange {
                reach,
                visible,
                buttons,
                hit_map,
            })
        })
}

fn any_mouse() -> impl Strategy<Value = Event> {
    let kind = prop::sample::select(vec![
        MouseEventKind::Moved,
        MouseEventKind::Down(MouseButton::Left),
        MouseEventKind::Down(MouseButton::Left),
        MouseEventKind::Drag(MouseButton::Left),
        MouseEventKind::Up(MouseButton::Left),
        MouseEventKind::Up(MouseButton::Right),
        MouseEventKind::Drag(MouseButton::Middle),
        MouseEventKind::ScrollUp,
        MouseEventKind::ScrollDown,
    ]);
    (kind, any::<u16>(), any::<u16>()).prop_map(|(kind, column, row)| {
        Event::Mouse(MouseEvent {
            kind,
            column,
            row,
            modifiers: KeyModifiers::NONE,
        })
    })
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => any_key(),
        4 => any_stream_event(),
        2 => any_answer(),
        3 => any_order_event(),
        1 => ".{0,40}".prop_map(Event::Paste),
        1 => (any::<u16>(), any::<u16>()).prop_map(|(columns, rows)| Event::Resized(columns, rows)),
        4 => any_frame_change(),
        2 => any_mouse(),
        1 => any::<Result<String, String>>().prop_map(Event::Exported),
        1 => any::<String>().prop_map(Event::Notice),
        1 => Just(Event::Timer),
        1 => Just(Event::Shutdown),
    ]
}

/// Dispatches the events and checks the invariants after each.
fn play(events: &[(i64, Event)]) -> (AppState, Vec<Effect>) {
    let mut game = CheckedGame::new();
    let effects = events
        .iter()
        .flat_map(|(now, event)| game.dispatch(UnixMillis(*now), event))
        .collect();
    (game.state, effects)
}

/// Records the events to a file and reads it back. Returns the recording and the final state.
fn recorded(events: &[(i64, Event)]) -> (Recording, AppState) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session");
    let info = SessionInfo::new("ann", "solo");
    let mut recorder = Recorder::create(&path).unwrap();
    recorder.start(&Header {
        version: "test".to_owned(),
        info: info.clone(),
        settings: Settings::default(),
        columns: 80,
        rows: 24,
        at: UnixMillis(0),
    });
    let (mut state, _) = AppState::new(info, (80, 24), UnixMillis(0));
    for (now, event) in events {
        recorder.record(UnixMillis(*now), state.redacted(event));
        update(&mut state, UnixMillis(*now), event.clone());
    }
    assert_eq!(recorder.stopped(), None);
    (read(&path).unwrap(), state)
}

proptest! {
    #[test]
    fn any_session_is_recorded_and_replayed_to_the_same_state(
        events in prop::collection::vec((any::<i64>(), any_event()), 0..60),
    ) {
        let (recording, state) = recorded(&events);
        prop_assert_eq!(recording.events.len(), events.len());
        for ((at, event), (moment, recorded)) in events.iter().zip(&recording.events) {
            prop_assert_eq!(UnixMillis(*at), *moment);
            if !matches!(event, Event::Paste(_)) {
                prop_assert_eq!(format!("{event:?}"), format!("{recorded:?}"));
            }
        }
        prop_assert_eq!(without_wire(&state), without_wire(&recording.end()));
        let mut replay = Replay::new(recording, 1000);
        while !replay.position().is_over {
            replay.advance(i64::MAX);
        }
        prop_assert_eq!(without_wire(&state), without_wire(replay.state()));
    }

    #[test]
    fn no_event_acts_for_a_player_where_there_is_none(
        events in prop::collection::vec((0_i64..1_000_000, any_event()), 0..200),
    ) {
        let info = SessionInfo::new("", "solo");
        let settings = Settings { watch: true, ..Settings::default() };
        let (mut state, first) = AppState::with_settings(settings, info, (80, 24), UnixMillis(0));
        prop_assert_eq!(first, [Effect::Connect { after_ms: 0 }]);
        for (now, event) in events {
            for effect in update(&mut state, UnixMillis(now), event) {
                let is_harmless = matches!(
                    effect,
                    Effect::Connect { .. } | Effect::Quit | Effect::Repaint | Effect::Suspend
                        | Effect::Call(Request::History { .. } | Request::Candles { .. })
                );
                prop_assert!(is_harmless, "{:?}", effect);
            }
            prop_assert_eq!(state.log.waiting(), 0);
            let is_read_only = |overlay: &Overlay| matches!(overlay, Overlay::Help { .. } | Overlay::Lobby { .. } | Overlay::Podium { .. });
            prop_assert!(state.screen.overlays.iter().all(is_read_only));
        }
    }

    #[test]
    fn updates_in_any_order_give_the_same_open_orders(
        (history, shuffled) in prop::collection::vec(any::<bool>(), 1..=32).prop_flat_map(|ends| {
            // Each order is accepted once, and some end later.
            let history: Vec<(u128, bool)> = (0..).zip(&ends)
                .flat_map(|(number, ends)| std::iter::once((number, false)).chain(ends.then_some((number, true))))
                .collect();
            let repeated = [history.clone(), history.clone()].concat();
            (Just(history), Just(repeated).prop_shuffle())
        }),
    ) {
        let order = |(number, has_ended): (u128, bool)| RestingOrder {
            id: Uuid::from_u128(number),
            side: Side::Buy,
            count: 1,
            condition: Condition { trigger: Trigger::Limit, price: 8 },
            up_to: false,
            placed: UnixMillis(7),
            end: has_ended.then(|| OrderEnd {
                number: i64::try_from(number).unwrap() + 1,
                at: UnixMillis(8),
                reason: EndReason::Cancelled,
            }),
        };
        let apply = |events: Vec<(u128, bool)>| {
            let (mut orders, mut ends) = (OpenOrders::default(), 0);
            for event in events {
                match event {
                    (_, true) => ends += usize::from(orders.end(order(event))),
                    (_, false) => orders.add(order(event)),
                }
            }
            (orders, ends)
        };
        let ended = history.iter().filter(|(_, has_ended)| *has_ended).count();
        let (expected, _) = apply(history);
        let (orders, ends) = apply(shuffled);
        prop_assert_eq!(orders.open(), expected.open());
        prop_assert_eq!(ends, ended, "each end is news once");
    }

    #[test]
    fn any_recording_can_be_drawn(
        events in prop::collection::vec((any::<i64>(), any_event()), 0..40),
        columns in 0_u16..130,
        rows in 0_u16..40,
    ) {
        let (recording, _) = recorded(&events);
        let view = Renderer { theme: Theme::default(), markers: Markers::default(), zone: TimeZone::UTC };
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        let mut replay = Replay::new(recording, 1);
        check_screen(terminal.draw(|frame| _ = view.draw_replay(&replay, frame)).unwrap().buffer);
        replay.advance(i64::MAX);
        check_screen(terminal.draw(|frame| _ = view.draw_replay(&replay, frame)).unwrap().buffer);
    }

    #[test]
    fn any_events_keep_the_invariants_and_are_deterministic(
        events in prop::collection::vec((0_i64..1_000_000, any_event()), 0..200),
    ) {
        let (state, effects) = play(&events);
        let (again, effects_again) = play(&events);
        prop_assert_eq!(format!("{state:?}"), format!("{again:?}"));
        prop_assert_eq!(effects, effects_again);
    }
}
