//! Journeys through the reducer: what was before, which keys and messages came, what is afterwards.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use awesomestock::app::{
    AppState, Effect, Event, MAX_WAITING_ORDERS, Seat, Settings,
    action::Action,
    company::Told,
    connection::{Connection, Liveness, retry_after_ms},
    event::{Answer, Call, Failure, OrderResult, StreamEvent, TradeRow},
    key::Key,
    keymap::Keymap,
    log::{Deed, Outcome, Slip},
    market::{MAX_PRICES, PricePoint},
    money::{Centitokens, Permille, Side, UnixMs},
    overlay::{Fetched, Overlay, PaymentRow},
    update,
    wallet::{Holdings, Wallet},
};
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

const START: UnixMs = UnixMs(1_700_000_000_000);

/// A game, driven by hand.
struct Game {
    state: AppState,
    now: UnixMs,
}

impl Game {
    fn new() -> Self {
        let seat = Seat {
            player: "ann".to_owned(),
            table: "solo".to_owned(),
        };
        let (state, effects) = AppState::new(seat, (80, 24), START);
        assert_eq!(effects, [Effect::Connect { after_ms: 0 }]);
        Self { state, now: START }
    }

    /// At a table that tells everything, at price 10, with 500 tokens.
    fn seated() -> Self {
        let mut game = Self::new();
        game.stream(StreamEvent::Joined {
            extended: true,
            ids: false,
        });
        game.stream(StreamEvent::Wallet(Wallet {
            tokens: 500,
            dollars_in: 100,
            version: 1,
            ..Wallet::default()
        }));
        game.price(0, 10);
        game
    }

    /// What an event asks for; of orders, whichever they are.
    fn event(&mut self, event: Event) -> Vec<Effect> {
        let mut effects = update(&mut self.state, self.now, event);
        for effect in &mut effects {
            if let Effect::Send { slip, .. } = effect {
                *slip = Slip::default();
            }
        }
        effects
    }

    fn stream(&mut self, event: StreamEvent) -> Vec<Effect> {
        self.event(Event::Stream(event))
    }

    fn price(&mut self, tick: i64, price: i32) {
        let price = StreamEvent::Price {
            tick: Some(tick),
            price,
            at: None,
            interval_ms: Some(1000),
        };
        assert_eq!(self.stream(price), []);
    }

    fn result(&mut self, executed: bool, message: &str, wallet: Wallet) -> Vec<Effect> {
        let price = executed.then_some(10);
        let message = message.to_owned();
        self.stream(StreamEvent::Result(OrderResult {
            executed,
            message,
            price,
            tick: executed.then_some(0),
            at: None,
            wallet: Some(wallet),
        }))
    }

    /// Presses keys: each letter is a key; `\n` is Enter, `\x1b` Esc, `\t` Tab, `\x08` Backspace.
    fn keys(&mut self, keys: &str) -> Vec<Effect> {
        keys.chars()
            .flat_map(|letter| self.key(code(letter), KeyEventKind::Press))
            .collect()
    }

    fn key(&mut self, code: KeyCode, kind: KeyEventKind) -> Vec<Effect> {
        self.event(Event::Key(KeyEvent {
            kind,
            ..KeyEvent::new(code, KeyModifiers::NONE)
        }))
    }

    fn log(&self) -> Vec<(Deed, Outcome)> {
        self.state
            .log
            .entries()
            .map(|entry| (entry.deed.clone(), entry.outcome.clone()))
            .collect()
    }

    fn last_outcome(&self) -> Outcome {
        self.log().pop().expect("the log has a line").1
    }
}

fn code(letter: char) -> KeyCode {
    match letter {
        '\n' => KeyCode::Enter,
        '\x1b' => KeyCode::Esc,
        '\t' => KeyCode::Tab,
        '\x08' => KeyCode::Backspace,
        letter => KeyCode::Char(letter),
    }
}

fn send(side: Side, count: i32) -> Vec<Effect> {
    vec![Effect::Send {
        side,
        count,
        limit: None,
        slip: Slip::default(),
    }]
}

#[test]
fn keys_send_the_orders_the_ticket_shows() {
    for (keys, expected) in [
        ("b", send(Side::Buy, 1)),
        ("2b", send(Side::Buy, 2)),
        ("25s", send(Side::Sell, 25)),
        ("12\x083b", send(Side::Buy, 13)),
        ("mb", vec![]),
        ("mb\n", send(Side::Buy, 50)),
        ("mby", send(Side::Buy, 50)),
        ("mbn", vec![]),
        ("mb\x1b1b", send(Side::Buy, 1)),
        ("45b", vec![]),
        ("44b", send(Side::Buy, 44)),
        ("51b", send(Side::Buy, 51)),
        ("1ks", send(Side::Sell, 1000)),
        ("mmb", send(Side::Buy, 1)),
        ("m7b", send(Side::Buy, 7)),
        ("2b3b", [send(Side::Buy, 2), send(Side::Buy, 3)].concat()),
        ("99999999999b", send(Side::Buy, 999_999_999)),
        ("50%b", send(Side::Buy, 25)),
        ("2.5ks", send(Side::Sell, 2500)),
        ("$10b", send(Side::Buy, 5)),
        ("2.5b", vec![]),
        ("1.x2kb", send(Side::Buy, 1200)),
        ("k%.b", send(Side::Buy, 1)),
        ("40%\x08b", send(Side::Buy, 40)),
        ("0b", vec![]),
        ("ms", vec![]),
    ] {
        assert_eq!(Game::seated().keys(keys), expected, "{keys:?}");
    }
}

#[test]
fn arrows_move_the_ticket_and_never_below_one() {
    let mut game = Game::seated();
    for (key, expected) in [
        (KeyCode::Up, 2),
        (KeyCode::PageUp, 12),
        (KeyCode::Down, 11),
        (KeyCode::PageDown, 1),
        (KeyCode::PageDown, 1),
        (KeyCode::Down, 1),
    ] {
        game.key(key, KeyEventKind::Press);
        let preview = game
            .state
            .ticket
            .preview(Side::Buy, 10, &game.state.holdings)
            .unwrap();
        assert_eq!(preview.count, expected, "{key:?}");
    }
}

#[test]
fn a_held_or_released_key_never_trades() {
    let mut game = Game::seated();
    for kind in [KeyEventKind::Repeat, KeyEventKind::Release] {
        for letter in ['b', 's', 't', 'w', 'q'] {
            assert_eq!(game.key(KeyCode::Char(letter), kind), [], "{letter} {kind:?}");
        }
    }
    assert!(game.state.screen.overlays.is_empty());
    game.key(KeyCode::Up, KeyEventKind::Repeat);
    assert_eq!(game.keys("b"), send(Side::Buy, 2));
}

#[test]
fn a_paste_never_trades() {
    let mut game = Game::seated();
    assert_eq!(game.event(Event::Paste("bbb\n".to_owned())), []);
    assert_eq!(game.keys(":"), []);
    assert_eq!(game.event(Event::Paste("buy 3\n".to_owned())), []);
    assert_eq!(game.state.log.entries().len(), 0);
    assert_eq!(game.keys("\n"), send(Side::Buy, 3));
}

#[test]
fn an_order_is_pending_until_its_answer_came() {
    let mut game = Game::seated();
    game.keys("2bs");
    let waiting = vec![
        (Deed::Order(Side::Buy, 2), Outcome::Pending),
        (Deed::Order(Side::Sell, 2), Outcome::Pending),
    ];
    assert_eq!(game.log(), waiting);
    assert_eq!(game.state.holdings.tokens(), Some(500));

    let wallet = Wallet {
        tokens: 480,
        stocks: 2,
        cost_basis: 20,
        dollars_in: 100,
        version: 2,
        ..Wallet::default()
    };
    game.result(true, "operation executed successfully", wallet);
    game.result(false, "no", wallet);
    let answered = vec![
        (Deed::Order(Side::Buy, 2), Outcome::Traded { price: Some(10) }),
        (Deed::Order(Side::Sell, 2), Outcome::Refused("no".to_owned())),
    ];
    assert_eq!(game.log(), answered);
    assert_eq!(game.state.holdings, Holdings::Known(wallet));
}

#[test]
fn an_older_wallet_never_replaces_a_newer_one() {
    let mut game = Game::seated();
    let newer = Wallet {
        tokens: 7,
        version: 5,
        ..Wallet::default()
    };
    let older = Wallet {
        tokens: 8,
        version: 4,
        ..Wallet::default()
    };
    game.event(Event::Answered(Answer::Wallet(newer)));
    game.event(Event::Answered(Answer::Wallet(older)));
    game.event(Event::Answered(Answer::Tokens(9)));
    assert_eq!(game.state.holdings, Holdings::Known(newer));
    game.stream(StreamEvent::Wallet(older));
    assert_eq!(
        game.state.holdings,
        Holdings::Known(older),
        "joining tells what is true"
    );
}

#[test]
fn orders_are_held_back_in_words_while_the_table_is_not_live() {
    let mut connecting = Game::new();
    let mut lost = Game::seated();
    lost.stream(StreamEvent::Lost("connection reset".to_owned()));
    let mut left = Game::seated();
    left.keys(":stop\n");
    let mut barred = Game::seated();
    barred.stream(StreamEvent::Barred("the name is another's".to_owned()));
    for (game, word) in [
        (&mut barred, "no seat"),
        (&mut connecting, "connecting"),
        (&mut lost, "reconnecting"),
        (&mut left, "left"),
    ] {
        assert_eq!(game.keys(":buy 1\n"), [], "{word}");
        match game.last_outcome() {
            Outcome::NotSent(why) => assert!(why.contains(word), "{why}"),
            other => panic!("{word}: {other:?}"),
        }
    }
}

#[test]
fn a_seat_that_is_refused_is_asked_for_again_only_when_the_player_says_so() {
    let mut game = Game::new();
    assert_eq!(game.stream(StreamEvent::Barred("not yours".to_owned())), []);
    assert_eq!(
        game.last_outcome(),
        Outcome::Refused("no seat: not yours".to_owned())
    );
    assert_eq!(game.state.next_wake(), None, "nothing is tried by itself");
    assert_eq!(game.keys(":gamble\n"), [Effect::Connect { after_ms: 0 }]);
    assert_eq!(game.state.connection, Connection::Connecting { attempt: 1 });
}

#[test]
fn a_seat_that_held_is_looked_for_at_once_where_there_are_several_addresses() {
    for (at, held_ms, at_once) in [
        (Some("b:2"), 5_000, true),
        (Some("b:2"), 100, false),
        (None, 5_000, false),
    ] {
        let mut game = Game::seated();
        if let Some(address) = at {
            game.stream(StreamEvent::At(address.to_owned()));
            assert_eq!(game.state.session.seat.table, address);
        }
        game.now = game.now.plus_ms(held_ms);
        for first in [true, false] {
            let effects = game.stream(StreamEvent::Lost("gone".to_owned()));
            let [Effect::Connect { after_ms }] = effects[..] else {
                panic!("{effects:?}")
            };
            assert_eq!(after_ms == 0, first && at_once, "{at:?} {held_ms}");
        }
    }
}

#[test]
fn orders_that_wait_are_bounded() {
    let mut game = Game::seated();
    for _ in 0..MAX_WAITING_ORDERS {
        assert_eq!(game.keys("b"), send(Side::Buy, 1));
    }
    assert_eq!(game.keys("b"), []);
    assert!(matches!(game.last_outcome(), Outcome::NotSent(why) if why.contains("64")));
    assert_eq!(game.state.log.waiting(), MAX_WAITING_ORDERS);
}

#[test]
fn a_lost_stream_is_tried_again_and_its_orders_are_said_to_be_unanswered() {
    let mut game = Game::seated();
    game.keys("b");
    for attempt in 1..=5 {
        let effects = game.stream(StreamEvent::Lost("connection reset".to_owned()));
        let [Effect::Connect { after_ms }] = effects[..] else {
            panic!("{effects:?}")
        };
        match &game.state.connection {
            Connection::Waiting {
                attempt: shown,
                retry_at,
                why,
            } => {
                assert_eq!((*shown, *retry_at), (attempt, game.now.plus_ms(after_ms)));
                assert_eq!(why, "connection reset");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(game.last_outcome(), Outcome::Unanswered);
    let effects = game.stream(StreamEvent::Joined {
        extended: true,
        ids: false,
    });
    assert_eq!(effects, [Effect::Call(Call::History { before: None })]);
    assert!(game.state.connection.live().is_some());
    let effects = game.stream(StreamEvent::Lost("again".to_owned()));
    assert!(
        matches!(effects[..], [Effect::Connect { after_ms: 126..=250 }]),
        "{effects:?}"
    );
}

#[test]
fn a_new_seat_never_answers_an_order_of_the_one_that_was_left() {
    let mut game = Game::seated();
    game.keys("s:stop\n:gamble\n");
    game.stream(StreamEvent::Joined {
        extended: true,
        ids: false,
    });
    game.keys("9b");
    let wallet = Wallet {
        tokens: 410,
        stocks: 9,
        version: 2,
        ..Wallet::default()
    };
    game.result(true, "operation executed successfully", wallet);
    let orders: Vec<_> = game
        .log()
        .into_iter()
        .filter(|(deed, _)| *deed != Deed::Notice)
        .collect();
    let expected = [
        (Deed::Order(Side::Sell, 1), Outcome::Unanswered),
        (Deed::Order(Side::Buy, 9), Outcome::Traded { price: Some(10) }),
    ];
    assert_eq!(orders, expected);
}

#[test]
fn waits_between_tries_grow_and_are_bounded() {
    for (attempt, least, most) in [
        (1, 126, 250),
        (2, 251, 500),
        (3, 501, 1000),
        (6, 4001, 8000),
        (7, 5001, 10_000),
        (u32::MAX, 5001, 10_000),
    ] {
        for jitter in [0, 1, 77, u64::MAX] {
            let wait = retry_after_ms(attempt, jitter);
            assert!(
                (least..=most).contains(&wait),
                "attempt {attempt}, jitter {jitter}: {wait}"
            );
        }
    }
}

#[test]
fn the_connection_says_what_is_true() {
    let mut game = Game::seated();
    let interval = game.state.market.interval_ms();
    for (age_ms, expected) in [
        (0, Liveness::Live),
        (3999, Liveness::Live),
        (4000, Liveness::Stale { age_ms: 4000 }),
        (60_000, Liveness::Stale { age_ms: 60_000 }),
    ] {
        assert_eq!(
            game.state.connection.liveness(START.plus_ms(age_ms), interval),
            expected,
            "{age_ms}"
        );
    }
    assert_eq!(
        game.state.next_wake(),
        Some(START.plus_ms(4000)),
        "nothing to draw before the price is overdue"
    );
    game.now = START.plus_ms(4400);
    game.event(Event::Woken);
    assert_eq!(
        game.state.next_wake(),
        Some(START.plus_ms(5000)),
        "the age moves on each second"
    );
    game.price(1, 11);
    assert_eq!(game.state.next_wake(), Some(START.plus_ms(4400 + 4000)));
}

#[test]
fn a_table_that_answers_but_does_not_tick_is_stale_and_takes_no_orders() {
    let mut game = Game::seated();
    game.keys("b");
    game.now = START.plus_ms(4_000);
    game.result(false, "no", Wallet::default());
    assert_eq!(game.keys("b"), [], "nothing is sent at a price that may be old");
    assert_eq!(
        game.last_outcome(),
        Outcome::NotSent("no price for 4 s; orders go on with the next one".to_owned())
    );
    game.price(1, 11);
    assert_eq!(game.keys("b"), send(Side::Buy, 1));
    // A table that does not say its rhythm is never overdue.
    let mut old = Game::new();
    old.stream(StreamEvent::Joined {
        extended: false,
        ids: false,
    });
    old.stream(StreamEvent::Price {
        tick: None,
        price: 10,
        at: None,
        interval_ms: None,
    });
    old.now = START.plus_ms(3_600_000);
    assert_eq!(old.keys("b"), send(Side::Buy, 1));
}

#[test]
fn the_latency_is_that_of_the_last_answer() {
    let mut game = Game::seated();
    let latency = |game: &Game| game.state.connection.live().and_then(|live| live.latency_ms);
    assert_eq!(latency(&game), None);
    game.now = START.plus_ms(30);
    game.event(Event::Answered(Answer::History {
        before: None,
        prices: Vec::new(),
        more: false,
    }));
    assert_eq!(latency(&game), Some(30), "asked for on joining");
    game.keys("bs");
    game.now = START.plus_ms(37);
    game.result(false, "no", Wallet::default());
    assert_eq!(latency(&game), Some(7));
    game.now = START.plus_ms(42);
    game.result(false, "no", Wallet::default());
    assert_eq!(latency(&game), Some(12));
    // What nobody asked for was not waited for.
    game.event(Event::Answered(Answer::Tokens(1)));
    assert_eq!(latency(&game), Some(12));
    game.stream(StreamEvent::Lost("gone".to_owned()));
    game.stream(StreamEvent::Joined {
        extended: true,
        ids: false,
    });
    assert_eq!(latency(&game), None);
}

#[test]
fn the_age_of_the_last_message_moves_on_in_steps_and_costs_no_frames_between() {
    let mut game = Game::new();
    game.stream(StreamEvent::Joined {
        extended: true,
        ids: false,
    });
    game.stream(StreamEvent::Price {
        tick: Some(0),
        price: 10,
        at: None,
        interval_ms: Some(3_600_000),
    });
    let mut shown = Vec::new();
    for _ in 0..27 {
        game.now = game.state.next_wake().unwrap();
        game.event(Event::Woken);
        let live = game.state.connection.live().unwrap();
        shown.push(live.shown_age_ms(game.now).unwrap() / 1000);
    }
    let fives: Vec<i64> = (1..=24).map(|step| step * 5).collect();
    assert_eq!(shown, [&fives[..], &[180, 240, 300]].concat());
}

#[test]
fn a_casino_of_the_old_contract_tells_tokens_only() {
    let mut game = Game::new();
    assert_eq!(
        game.stream(StreamEvent::Joined {
            extended: false,
            ids: false
        }),
        [Effect::Call(Call::Holdings)]
    );
    game.event(Event::Answered(Answer::Tokens(50)));
    game.stream(StreamEvent::Price {
        tick: None,
        price: 15,
        at: None,
        interval_ms: None,
    });
    game.stream(StreamEvent::Price {
        tick: None,
        price: 15,
        at: None,
        interval_ms: None,
    });
    assert_eq!(
        game.state
            .market
            .prices()
            .map(|point| point.tick)
            .collect::<Vec<_>>(),
        [0, 1]
    );
    assert_eq!(game.keys("2b"), send(Side::Buy, 2));
    let result = OrderResult {
        executed: true,
        message: "operation executed successfully".to_owned(),
        price: None,
        tick: None,
        at: None,
        wallet: None,
    };
    assert_eq!(
        game.stream(StreamEvent::Result(result)),
        [Effect::Call(Call::Holdings)]
    );
    assert_eq!(game.last_outcome(), Outcome::Traded { price: None });
    assert_eq!(game.state.holdings, Holdings::TokensOnly(50));
    assert_eq!(game.keys("ms"), [], "how many stocks there are is not known");
}

#[test]
fn amounts_are_entered_checked_and_sent() {
    for (keys, expected) in [
        ("t100\n", vec![Effect::Call(Call::BuyTokens(100))]),
        ("tx1y0\n", vec![Effect::Call(Call::BuyTokens(10))]),
        ("t\n", vec![]),
        ("t0\n", vec![]),
        ("t9999999999\n", vec![]),
        ("t5\x1b", vec![]),
        ("w300\n", vec![Effect::Call(Call::Withdraw(300))]),
        ("w7\n", vec![]),
        ("wm\n", vec![]),
        ("wm\n\n", vec![Effect::Call(Call::Withdraw(500))]),
        ("w495\n", vec![Effect::Call(Call::Withdraw(495))]),
        ("w505\n", vec![Effect::Call(Call::Withdraw(505))]),
        ("w12\x080\n", vec![Effect::Call(Call::Withdraw(10))]),
    ] {
        assert_eq!(Game::seated().keys(keys), expected, "{keys:?}");
    }
    let mut game = Game::seated();
    game.keys("w7\n");
    match game.state.screen.overlays.last() {
        Some(Overlay::Amount(entry)) => assert_eq!(entry.error.as_deref(), Some("a multiple of 5: 5 or 10")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_payment_finds_its_line_in_the_log() {
    let mut game = Game::seated();
    game.keys("t100\nt100\nw5\n");
    game.event(Event::Failed(
        Call::Withdraw(5),
        Failure::Unanswered("gone".to_owned()),
    ));
    let effects = game.event(Event::Answered(Answer::TokensBought {
        dollars: 100,
        tokens: 500,
    }));
    assert_eq!(effects, [Effect::Call(Call::Holdings)]);
    game.event(Event::Failed(
        Call::BuyTokens(100),
        Failure::Refused("too much".to_owned()),
    ));
    let log = vec![
        (Deed::BuyTokens(100), Outcome::Done("500 tokens".to_owned())),
        (Deed::BuyTokens(100), Outcome::Refused("too much".to_owned())),
        (Deed::Withdraw(5), Outcome::Unanswered),
    ];
    assert_eq!(game.log(), log);
}

#[test]
fn sheets_are_fetched_scrolled_and_closed() {
    let mut game = Game::seated();
    assert_eq!(game.keys("p"), [Effect::Call(Call::Payments)]);
    let row = |number| PaymentRow {
        number,
        at: None,
        dollars: -1,
    };
    game.event(Event::Answered(Answer::Payments((1..=100).map(row).collect())));
    game.event(Event::Reach(82));
    let top = |game: &Game| match game.state.screen.overlays.last() {
        Some(Overlay::Payments(sheet)) => sheet.scroll.top(),
        other => panic!("{other:?}"),
    };
    for (key, expected) in [
        (KeyCode::Down, 1),
        (KeyCode::PageDown, 13),
        (KeyCode::End, 82),
        (KeyCode::Down, 82),
        (KeyCode::Up, 81),
        (KeyCode::Home, 0),
        (KeyCode::Up, 0),
    ] {
        game.key(key, KeyEventKind::Press);
        assert_eq!(top(&game), expected, "{key:?}");
    }
    assert_eq!(game.keys("b"), [], "the overlay has the keys");
    game.keys("\x1b");
    assert!(game.state.screen.overlays.is_empty());
    game.event(Event::Answered(Answer::Payments(vec![])));
    assert!(
        game.state.screen.overlays.is_empty(),
        "an answer that nobody waits for any more is passed over"
    );

    assert_eq!(game.keys("S"), [Effect::Call(Call::Statement)]);
    game.event(Event::Failed(
        Call::Statement,
        Failure::Unanswered("no payments server".to_owned()),
    ));
    match game.state.screen.overlays.last() {
        Some(Overlay::Statement(sheet)) => {
            assert_eq!(sheet.content, Fetched::Failed("no payments server".to_owned()));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_palette_takes_the_words() {
    for (keys, expected) in [
        (":buy 2\n", send(Side::Buy, 2)),
        (":sell 1\n", send(Side::Sell, 1)),
        (":buyTokens 100\n", vec![Effect::Call(Call::BuyTokens(100))]),
        (":buy-tokens 100\n", vec![Effect::Call(Call::BuyTokens(100))]),
        (":withdraw 5\n", vec![Effect::Call(Call::Withdraw(5))]),
        (":balance\n", vec![Effect::Call(Call::Holdings)]),
        (":payments\n", vec![Effect::Call(Call::Payments)]),
        (":paymentStatement\n", vec![Effect::Call(Call::Statement)]),
        (":payment-statement\n", vec![Effect::Call(Call::Statement)]),
        (":stop\n", vec![Effect::Leave]),
        (
            ":stop\n:gamble\n",
            vec![Effect::Leave, Effect::Connect { after_ms: 0 }],
        ),
        (":gamble\n", vec![]),
        (":exit\n", vec![Effect::Quit]),
        (":wi\t10\n", vec![Effect::Call(Call::Withdraw(10))]),
        (":\x08b", send(Side::Buy, 1)),
        (":\n", vec![]),
        ("q", vec![Effect::Quit]),
    ] {
        assert_eq!(Game::seated().keys(keys), expected, "{keys:?}");
    }
    for (line, expected) in [
        ("bye 2", "no command"),
        ("buy", "buy STOCKS"),
        ("buy x", "whole number"),
        ("buy -1", "whole number"),
        ("buy +1", "whole number"),
        ("buy 0", "whole number"),
        ("buy 99999999999", "whole number"),
        ("buy 1 2", "too many words"),
        ("stop now", "too many words"),
    ] {
        let mut game = Game::seated();
        assert_eq!(game.keys(&format!(":{line}\n")), []);
        match game.state.screen.overlays.last() {
            Some(Overlay::Palette(palette)) => {
                let error = palette.error.as_deref().unwrap_or_default();
                assert!(error.contains(expected), "{line}: {error}");
            }
            other => panic!("{line}: {other:?}"),
        }
    }
}

#[test]
fn history_fills_gaps_and_stays_bounded() {
    let point = |tick: i64| PricePoint {
        tick,
        price: 10,
        at: START,
    };
    let mut game = Game::seated();
    game.price(5, 12);
    game.event(Event::Answered(Answer::History {
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
    assert_eq!(game.state.market.prices().len(), 1, "another market has begun");
}

#[test]
fn a_casino_of_the_same_market_that_is_a_tick_behind_changes_nothing() {
    let mut game = Game::new();
    for (tick, price) in [(5, 10), (6, 12), (7, 11)] {
        game.price(tick, price);
    }
    let told = |game: &Game| {
        let prices = game.state.market.prices();
        prices.map(|point| (point.tick, point.price)).collect::<Vec<_>>()
    };
    for (tick, price) in [(6, 12), (7, 11), (8, 9)] {
        game.price(tick, price);
    }
    assert_eq!(told(&game), [(5, 10), (6, 12), (7, 11), (8, 9)]);
    game.price(6, 13);
    assert_eq!(told(&game), [(6, 13)], "it had another price: another market");
}

#[test]
fn earlier_trades_come_before_the_log() {
    let mut game = Game::new();
    let effects = game.stream(StreamEvent::Joined {
        extended: true,
        ids: false,
    });
    assert_eq!(
        effects,
        [
            Effect::Call(Call::History { before: None }),
            Effect::Call(Call::Trades)
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
        tick: Some(0),
        at: Some(START),
        wallet: Some(Wallet::default()),
    };
    game.stream(StreamEvent::Result(bought));
    let answered_meanwhile = TradeRow {
        side: Side::Buy,
        ..trade(1)
    };
    game.event(Event::Answered(Answer::Trades(vec![
        trade(1),
        trade(2),
        answered_meanwhile,
    ])));
    let deeds: Vec<Deed> = game.log().into_iter().map(|(deed, _)| deed).collect();
    let expected = [
        Deed::Order(Side::Sell, 1),
        Deed::Order(Side::Sell, 2),
        Deed::Order(Side::Buy, 1),
    ];
    assert_eq!(deeds, expected);
    assert_eq!(
        game.state.chart.marks.iter().len(),
        3,
        "each trade is marked once"
    );
}

#[test]
fn older_trades_come_page_by_page_as_they_are_read() {
    let page = |numbers: std::ops::RangeInclusive<i64>| -> Vec<(i64, TradeRow)> {
        let row = TradeRow {
            tick: 1,
            at: START,
            side: Side::Buy,
            count: 3,
            price: 12,
        };
        numbers.map(|number| (number, row)).collect()
    };
    let told = |before, rows, more| Event::Answered(Answer::TradePage { before, rows, more });
    let asked = |before| vec![Effect::Call(Call::TradePage { before })];
    let mut game = Game::seated();
    assert_eq!(game.keys("T"), asked(None));
    game.event(told(None, page(101..=200), true));
    // 20 rows of 100 are in sight.
    game.event(Event::Reach(80));
    assert_eq!(game.keys("jjj"), []);
    assert_eq!(game.keys("G"), asked(Some(101)));
    assert_eq!(game.keys("kGG"), [], "once");
    let call = Call::TradePage { before: Some(101) };
    game.event(Event::Failed(call, Failure::Unanswered("no".to_owned())));
    assert_eq!(game.keys("G"), asked(Some(101)), "it may be asked for again");
    game.event(told(Some(101), page(1..=100), false));
    game.event(Event::Reach(180));
    assert_eq!(game.keys("G"), [], "there are no more");
    let Some(Overlay::Trades(sheet)) = game.state.screen.overlays.last() else {
        panic!("closed")
    };
    assert_eq!(sheet.ready().map(|trades| trades.rows().len()), Some(200));
    let [Effect::Export { file_name, text }] = &game.keys("E")[..] else {
        panic!("not exported")
    };
    assert_eq!(file_name, "awesomestock-trades-ann-1700000000000.txt");
    assert!(text.starts_with("number  date (UTC)") && text.lines().count() == 201);
    assert_eq!(game.keys("T"), []);
    assert!(game.state.screen.overlays.is_empty(), "its key closes it");
    // A page that comes when its reader has gone harms nobody.
    game.event(told(Some(101), page(1..=9), true));
    let mut old = Game::seated();
    old.keys("T");
    let why = "this casino does not tell its trades".to_owned();
    old.event(Event::Failed(
        Call::TradePage { before: None },
        Failure::Refused(why.clone()),
    ));
    let Some(Overlay::Trades(sheet)) = old.state.screen.overlays.last() else {
        panic!("closed")
    };
    assert_eq!(sheet.content, Fetched::Failed(why));
}

#[test]
fn the_players_own_keys_never_keep_what_is_typed_from_being_typed() {
    let changes: Vec<(Action, Vec<Key>)> = [("repaint", "r"), ("suspend", "f2"), ("quit", "enter")]
        .map(|(action, key)| (Action::by_name(action).unwrap(), vec![key.parse().unwrap()]))
        .into();
    let settings = Settings {
        keys: Keymap::with(&changes).unwrap(),
        ..Settings::default()
    };
    let seat = Game::new().state.session.seat;
    let (state, _) = AppState::with(settings, seat, (80, 24), START);
    let mut game = Game { state, now: START };
    assert_eq!(game.keys("r"), [Effect::Repaint]);
    assert_eq!(game.keys(":r"), []);
    let Some(Overlay::Palette(palette)) = game.state.screen.overlays.last() else {
        panic!("closed")
    };
    assert_eq!(palette.input.value(), "r");
    assert_eq!(game.key(KeyCode::F(2), KeyEventKind::Press), [Effect::Suspend]);
    assert_eq!(game.keys("\x08?\n"), [], "Enter is not leaving here");
    let ctrl_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(game.event(Event::Key(ctrl_c)), [Effect::Quit]);
    game.keys("\x1b\x1b");
    assert_eq!(game.keys("\n"), [Effect::Quit]);
}

#[test]
fn the_start_screen_stays_a_moment_and_until_there_is_a_price_or_a_key() {
    let begin = || {
        let seat = Seat {
            player: "ann".to_owned(),
            table: "solo".to_owned(),
        };
        let settings = Settings {
            splash: true,
            ..Settings::default()
        };
        let (state, _) = AppState::with(settings, seat, (80, 24), START);
        Game { state, now: START }
    };
    let shown = |game: &Game| matches!(game.state.screen.overlays.first(), Some(Overlay::Splash { .. }));
    let mut patient = begin();
    patient.stream(StreamEvent::Joined {
        extended: true,
        ids: false,
    });
    patient.price(0, 10);
    assert!(shown(&patient), "a price alone is too quick");
    patient.now = patient.state.next_wake().unwrap();
    patient.event(Event::Woken);
    assert!(!shown(&patient));
    let mut waiting = begin();
    waiting.now = START.plus_ms(60_000);
    waiting.event(Event::Woken);
    assert!(shown(&waiting), "there is nothing to show yet");
    waiting.stream(StreamEvent::Joined {
        extended: true,
        ids: false,
    });
    waiting.price(0, 10);
    assert!(!shown(&waiting));

    for (keys, effects, overlays) in [
        ("\x1b", vec![], 0),
        ("t", vec![], 1),
        ("b", vec![], 0),
        ("s", vec![], 0),
        ("bb", send(Side::Buy, 1), 0),
        ("q", vec![Effect::Quit], 0),
        ("25b", send(Side::Buy, 25), 0),
    ] {
        let mut game = begin();
        game.stream(StreamEvent::Joined {
            extended: true,
            ids: false,
        });
        game.price(0, 10);
        assert_eq!(game.keys(keys), effects, "{keys:?}");
        assert!(!shown(&game), "{keys:?}");
        assert_eq!(game.state.screen.overlays.len(), overlays, "{keys:?}");
    }
}

#[test]
fn a_sheet_is_searched_copied_and_exported() {
    let mut game = Game::seated();
    game.keys("p");
    assert_eq!(game.keys("ye"), [], "there is nothing yet");
    let row = |number, dollars| PaymentRow {
        number,
        at: Some(START),
        dollars,
    };
    game.event(Event::Answered(Answer::Payments(vec![row(1, -100), row(2, 60)])));
    game.event(Event::Reach(1));
    assert_eq!(game.keys("/b60\n"), [], "letters are typed, and do not trade");
    assert_eq!(game.keys("/60\n"), []);
    let Some(Overlay::Payments(sheet)) = game.state.screen.overlays.last() else {
        panic!("closed")
    };
    assert_eq!((sheet.search.found(), sheet.scroll.top()), (Some(1), 1));

    let rows = "1,2023-11-14 22:13:20,-100\n2,2023-11-14 22:13:20,60\n";
    assert_eq!(game.keys("y"), [Effect::Copy(rows.to_owned())]);
    let file_name = "awesomestock-payments-ann-1700000000000.csv".to_owned();
    let text = format!("number,date_utc,dollars\n{rows}");
    assert_eq!(game.keys("e"), [Effect::Export { file_name, text }]);
    game.event(Event::Exported(Ok("/tmp/x.csv".to_owned())));
    assert_eq!(
        game.last_outcome(),
        Outcome::Done("exported to /tmp/x.csv".to_owned())
    );
    game.event(Event::Exported(Err("no space".to_owned())));
    assert_eq!(
        game.last_outcome(),
        Outcome::Refused("not exported: no space".to_owned())
    );
    game.keys("/\x1b\x1b");
    assert!(game.state.screen.overlays.is_empty());
}

#[test]
fn an_alert_rings_once_is_shown_for_a_while_and_stays_in_the_log() {
    let mut game = Game::seated();
    game.keys(":alertAbove 12\n:alert-below 3\n:alertAbove 9\n:alertAbove 12\n");
    let outcomes: Vec<_> = game.log().into_iter().map(|(_, outcome)| outcome).collect();
    let expected = [
        Outcome::Done("alert set: price at or above 12".to_owned()),
        Outcome::Done("alert set: price at or below 3".to_owned()),
        Outcome::Refused("the price is there already: 10".to_owned()),
        Outcome::Refused("this alert is set already".to_owned()),
    ];
    assert_eq!(outcomes, expected);
    game.price(1, 11);
    assert_eq!(game.state.alerts.toasts().len(), 0);
    game.price(2, 12);
    assert_eq!(
        game.last_outcome(),
        Outcome::Done("alert: price 12, at or above 12".to_owned())
    );
    assert_eq!(game.state.alerts.toasts().len(), 1);
    game.price(3, 13);
    assert_eq!(game.state.alerts.toasts().len(), 1, "it rings once");
    assert_eq!(
        game.keys("1b"),
        send(Side::Buy, 1),
        "a toast does not take the keys"
    );

    game.now = game.state.alerts.next_change().unwrap();
    game.event(Event::Woken);
    assert_eq!(game.state.alerts.toasts().len(), 0);
    game.keys(":alertsOff\n");
    game.price(4, 1);
    assert_eq!(game.last_outcome(), Outcome::Done("alerts removed: 1".to_owned()));
}

#[test]
fn worth_is_reckoned_in_whole_numbers() {
    let wallet = Wallet {
        tokens: 5,
        stocks: 3,
        cost_basis: 32,
        ..Wallet::default()
    };
    assert_eq!(wallet.value(15), 45);
    assert_eq!(wallet.equity(15), 50);
    assert_eq!(wallet.unrealised_pnl(10), -2);
    assert_eq!(wallet.unrealised_permille(10), Some(Permille(-62)));
    assert_eq!(wallet.average_cost(), Some(Centitokens(1066)));
    let empty = Wallet::default();
    assert_eq!(
        (empty.average_cost(), empty.unrealised_permille(10)),
        (None, None)
    );
    let most = Wallet {
        tokens: i32::MAX,
        stocks: i32::MAX,
        cost_basis: i64::MAX,
        ..Wallet::default()
    };
    assert_eq!(
        most.equity(i32::MAX),
        i64::from(i32::MAX) * i64::from(i32::MAX) + i64::from(i32::MAX)
    );
    assert_eq!(most.average_cost(), None);
}

#[test]
fn being_told_to_stop_ends_the_game_whatever_lies_on_top() {
    let mut game = Game::seated();
    game.keys("?:");
    assert_eq!(game.event(Event::ToldToStop), [Effect::Quit]);
    let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(game.event(Event::Key(interrupt)), [Effect::Quit]);
}

#[test]
fn a_limit_goes_with_the_order_where_the_casino_keeps_to_it_and_nowhere_else() {
    let limited = |limits| {
        let mut game = Game::seated();
        let told = Told {
            limits,
            ..Told::default()
        };
        game.stream(StreamEvent::Tells(told));
        game.keys(":buy 2 @ 14\n")
    };
    let sent = Effect::Send {
        side: Side::Buy,
        count: 2,
        limit: Some(14),
        slip: Slip::default(),
    };
    assert_eq!(limited(true), [sent]);
    assert_eq!(limited(false), []);
}
