//! The wire pane against the bytes on a socket: at the casino, at an old and at a newer one, in line mode and in replays.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod capture;
#[path = "../support/mod.rs"]
mod support;

use awesomestock::{
    app::{
        AppState, Effect, Event, SessionInfo,
        commands::request::Request,
        event::StreamEvent,
        portfolio::money::{Side, UnixMillis},
        replay::Replay,
        update,
        wire::{RowKind, WireEvent, WireFrame, WireLog, WireRow, fields::dissect},
    },
    cli::config::SoloOptions,
    client::{Client, GambleSession, Order, SessionEnd},
    solo,
    storage::recording::{Header, Recorder, read},
};
use awesomestock_proto::{auth::PlayerKey, transport};
use capture::Capture;
use crossterm::event::{KeyCode, KeyEvent};
use support::{Home, casino::Casino, new_casino::NewCasino, old_casino::OldCasino};
use tokio::sync::mpsc;
use uuid::Uuid;

fn client(url: &str, key: Option<&PlayerKey>) -> Client {
    let endpoint = transport::endpoint(url).unwrap();
    Client::new(endpoint.connect_lazy(), "ann".to_owned(), key)
}

/// Reads until the session ends.
async fn read_to_end(session: &mut GambleSession) -> SessionEnd {
    loop {
        if let Err(end) = session.next().await {
            return end;
        }
    }
}

/// Reads until `count` results have arrived.
async fn read_results(session: &mut GambleSession, mut count: usize) {
    while count > 0 {
        if let StreamEvent::Result(_) = session.next().await.unwrap() {
            count -= 1;
        }
    }
}

fn rows(events: &mut mpsc::Receiver<WireEvent>) -> Vec<WireRow> {
    let mut log = WireLog::default();
    while let Ok(event) = events.try_recv() {
        log.push(event);
    }
    log.rows().cloned().collect()
}

/// Checks that the rows have each message on the socket once, in order and with its size and bytes.
fn check_messages(rows: &[WireRow], capture: &Capture) {
    let messages = |is_outgoing: bool| {
        let own = rows
            .iter()
            .filter(move |row| row.frame.is_outgoing() == is_outgoing);
        own.filter_map(|row| row.frame.message())
            .map(|message| (message.length + 5, message.kept.clone()))
            .collect::<Vec<_>>()
    };
    let on_socket = |captured: Vec<Vec<u8>>| {
        let messages = captured
            .into_iter()
            .map(|bytes| (bytes.len(), bytes[5..].to_vec()));
        messages.collect::<Vec<_>>()
    };
    assert_eq!(messages(true), on_socket(capture.sent()));
    assert_eq!(messages(false), on_socket(capture.received()));
    let numbers: Vec<u64> = rows.iter().map(|row| row.number).collect();
    assert_eq!(numbers, (1..).take(rows.len()).collect::<Vec<u64>>());
    assert!(rows.iter().all(|row| row.missed == 0));
}

fn header<'a>(row: &'a WireRow, name: &str) -> Option<&'a str> {
    let headers = row.frame.headers()?;
    let header = headers.iter().find(|(own, _)| own == name);
    header.map(|(_, value)| value.as_str())
}

#[tokio::test]
async fn a_game_shows_every_message_once_with_the_size_on_the_socket() {
    let folder = tempfile::tempdir().unwrap();
    let casino = Casino::start(folder.path(), "127.0.0.1:0", &["--tick", "20ms", "--house", "3"]);
    let key = PlayerKey::from_bytes([7; 32]);
    client(&casino.url(), Some(&key))
        .call(Request::BuyTokens(100))
        .await
        .unwrap();

    let capture = Capture::start(casino.address());
    let game = client(&capture.url(), Some(&key));
    let mut events = game.watch_wire();
    game.collect_wire();
    let (mut session, queue) = game.open_session().await.unwrap();
    let orders = [
        Order::new(Side::Buy, 2),
        Order::new(Side::Sell, 1),
        Order {
            limit: Some(1),
            ..Order::new(Side::Buy, 1_000_000)
        },
    ];
    for order in orders {
        queue.send(order).await.unwrap();
    }
    read_results(&mut session, orders.len()).await;
    for _ in 0..5 {
        session.next().await.unwrap();
    }
    drop(queue);
    assert_eq!(read_to_end(&mut session).await, SessionEnd::Closed);

    let rows = rows(&mut events);
    check_messages(&rows, &capture);
    let [request, response, .., last] = &rows[..] else {
        panic!("{rows:?}");
    };
    assert_eq!(header(request, "authorization"), Some("Bearer (not shown)"));
    assert!(
        header(request, "awesomestock-feeds")
            .unwrap()
            .starts_with("ticks,wallet")
    );
    assert!(
        header(response, "awesomestock-feeds")
            .unwrap()
            .contains("leaderboard")
    );
    assert_eq!(response.kind, RowKind::Response { has_features: true });
    assert!(!format!("{rows:?}").contains(&key.expose()));
    assert_eq!(
        (last.kind, header(last, "grpc-status")),
        (RowKind::Trailers { is_ok: true }, Some("0"))
    );
    let half_closes: Vec<_> = rows
        .iter()
        .filter(|row| row.frame == WireFrame::HalfClosed)
        .collect();
    assert_eq!(half_closes.len(), 1);
    for kind in ["WALLET", "STOCK_INFO", "PLAYERS", "LEADERBOARD"] {
        assert!(rows.iter().any(|row| row.kind.name() == kind), "{kind}");
    }

    // Each order is joined to its result.
    let links = |is_order: bool| {
        let own = rows
            .iter()
            .filter(move |row| (row.kind == RowKind::Order) == is_order);
        own.filter_map(|row| row.order).collect::<Vec<_>>()
    };
    assert_eq!(links(true), links(false));
    let ids: Vec<Uuid> = links(true)
        .iter()
        .map(|link| Uuid::from_bytes(link.id.unwrap()))
        .collect();
    assert_eq!(ids, orders.map(|order| order.id));
    assert!(
        links(true)
            .iter()
            .all(|link| link.latency_us.is_some() && !link.is_repeated)
    );
    let results = rows.iter().filter_map(|row| match row.kind {
        RowKind::Result { is_executed } => Some(is_executed),
        _ => None,
    });
    assert_eq!(results.collect::<Vec<_>>(), [true, true, false]);
}

#[tokio::test]
async fn before_the_pane_is_opened_only_orders_and_the_session_are_reported() {
    let address = OldCasino::serve().await;
    let capture = Capture::start(&address.to_string());
    let game = client(&capture.url(), None);
    let mut events = game.watch_wire();
    let (mut session, queue) = game.open_session().await.unwrap();
    session.next().await.unwrap();
    queue.send(Order::new(Side::Buy, 1)).await.unwrap();
    read_results(&mut session, 1).await;
    drop(queue);
    read_to_end(&mut session).await;
    let names: Vec<&str> = rows(&mut events).iter().map(|row| row.kind.name()).collect();
    // The price is missing.
    assert_eq!(
        names,
        [
            "HEADERS",
            "HEADERS",
            "Action",
            "ACTION_RESULT",
            "END_STREAM",
            "TRAILERS"
        ]
    );
}

#[tokio::test]
async fn an_old_casino_is_shown_without_features() {
    let address = OldCasino::serve().await;
    let capture = Capture::start(&address.to_string());
    let game = client(&capture.url(), None);
    let mut events = game.watch_wire();
    game.collect_wire();
    let (mut session, queue) = game.open_session().await.unwrap();
    queue.send(Order::new(Side::Buy, 1)).await.unwrap();
    read_results(&mut session, 1).await;
    drop(queue);
    assert_eq!(read_to_end(&mut session).await, SessionEnd::Closed);
    let rows = rows(&mut events);
    check_messages(&rows, &capture);
    assert_eq!(rows[1].kind, RowKind::Response { has_features: false });
    assert!(rows.iter().any(|row| row.words == "price 10"));
    let last = rows.last().unwrap();
    assert_eq!(
        (last.kind, header(last, "grpc-message")),
        (RowKind::Trailers { is_ok: false }, Some("EOF"))
    );
}

#[tokio::test]
async fn unknown_fields_of_a_newer_casino_count_and_are_taken_apart() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    NewCasino::serve_at(&address).await;
    let capture = Capture::start(&address);
    let game = client(&capture.url(), None);
    let mut events = game.watch_wire();
    game.collect_wire();
    let (mut session, queue) = game.open_session().await.unwrap();
    queue.send(Order::new(Side::Buy, 3)).await.unwrap();
    read_results(&mut session, 1).await;
    drop(queue);
    read_to_end(&mut session).await;
    let rows = rows(&mut events);
    check_messages(&rows, &capture);
    assert_eq!(rows.iter().filter(|row| row.kind == RowKind::Unknown).count(), 3);
    for row in rows.iter().filter(|row| row.frame.message().is_some()) {
        let lines = dissect(&row.frame);
        assert!(lines.iter().all(|line| !line.text.starts_with('#')), "{lines:?}");
        let has_unknown = lines.iter().any(|line| line.text.starts_with("1000: "));
        assert_eq!(has_unknown, !row.frame.is_outgoing(), "{lines:?}");
    }
}

#[tokio::test]
async fn a_lost_connection_and_a_dropped_session_have_rows_of_their_own() {
    let address = OldCasino::serve().await;
    let capture = Capture::start(&address.to_string());
    let game = client(&capture.url(), None);
    let mut events = game.watch_wire();
    game.collect_wire();
    let (mut session, _queue) = game.open_session().await.unwrap();
    session.next().await.unwrap();
    capture.cut();
    assert!(matches!(read_to_end(&mut session).await, SessionEnd::Lost(_)));
    assert_eq!(rows(&mut events).last().unwrap().kind, RowKind::Broken);

    // The proxy takes no second connection.
    assert!(game.open_session().await.is_err());
    assert_eq!(rows(&mut events).last().unwrap().kind, RowKind::Broken);

    let game = client(&format!("http://{address}"), None);
    let mut events = game.watch_wire();
    let opened = game.open_session().await.unwrap();
    drop(opened);
    let kinds: Vec<RowKind> = rows(&mut events).iter().map(|row| row.kind).collect();
    assert!(kinds.contains(&RowKind::Reset), "{kinds:?}");
}

#[test]
fn line_mode_prints_the_same_rows() {
    let home = Home::new();
    let script = "buyTokens 100\ngamble\nbuy 2\nsell 50\nstop\nexit\n";
    let lines = home.output_lines(
        &[
            "--plain", "--wire", "--tick", "1h", "--house", "0", "--user", "ann",
        ],
        script,
    );
    let (wire, answers): (Vec<String>, Vec<String>) =
        lines.iter().cloned().partition(|line| line.starts_with("wire "));
    assert_eq!(answers.len(), 5, "{lines:#?}");
    let shapes: Vec<String> = wire
        .iter()
        .map(|line| {
            line.split_whitespace()
                .skip(2)
                .take(2)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .filter(|shape| !["<- PLAYERS", "<- LEADERBOARD", "<- TAPE"].contains(&shape.as_str()))
        .collect();
    assert_eq!(
        shapes,
        [
            "-> HEADERS",
            "<- HEADERS",
            "<- STOCK_INFO",
            "<- WALLET",
            "-> Action",
            "<- ACTION_RESULT",
            "-> Action",
            "<- ACTION_RESULT",
            "-> END_STREAM",
            "<- TRAILERS",
        ],
        "{lines:#?}"
    );
    // A message is printed before the answer that it leads to.
    let position = |text: &str| lines.iter().position(|line| line.contains(text)).unwrap();
    assert!(position("executed: BUY 2 at 10") < position("operation executed successfully at 10"));
    assert!(position("rejected: you have 2 stocks, not 50") < position("you left the table"));
    assert!(position("OK; grpc-status: 0") < position("you left the table"));
    // Without the option there are none.
    let lines = home.output_lines(&["--plain", "--tick", "1h"], "gamble\nstop\n");
    assert!(lines.iter().all(|line| !line.starts_with("wire")), "{lines:?}");
}

/// A game in memory: its state, and a recorder of its events.
struct Game {
    state: AppState,
    recorder: Recorder,
    now: UnixMillis,
}

impl Game {
    fn event(&mut self, event: Event) -> Vec<Effect> {
        self.now = self.now.plus_ms(1);
        self.recorder.record(self.now, &event);
        update(&mut self.state, self.now, event)
    }
}

#[tokio::test]
async fn a_replay_shows_the_messages_of_the_game() {
    let folder = tempfile::tempdir().unwrap();
    let options = SoloOptions {
        tick: std::time::Duration::from_millis(20),
        initial_price: 10,
        seed: Some(1),
        market: None,
        house: 0,
    };
    let (channel, servers) = solo::open(options, folder.path()).await.unwrap();
    let client = Client::new(channel, "ann".to_owned(), None);
    client.call(Request::BuyTokens(100)).await.unwrap();
    let mut events = client.watch_wire();
    client.collect_wire();

    let file = folder.path().join("session.jsonl");
    let start = Header {
        version: "test".to_owned(),
        info: SessionInfo {
            player: "ann".to_owned(),
            server: "solo".to_owned(),
        },
        settings: awesomestock::app::Settings::default(),
        columns: 80,
        rows: 24,
        at: UnixMillis(1_700_000_000_000),
    };
    let mut recorder = Recorder::create(&file).unwrap();
    recorder.start(&start);
    let (state, _) = AppState::new(start.info.clone(), (80, 24), start.at);
    let mut game = Game {
        state,
        recorder,
        now: start.at,
    };

    let (mut session, queue) = client.open_session().await.unwrap();
    game.event(Event::Stream(StreamEvent::Opened {
        extended: true,
        ids: true,
    }));
    game.event(Event::Stream(StreamEvent::Capabilities(session.capabilities())));
    let mut pressed = false;
    let mut results = 0;
    while results < 2 {
        let event = session.next().await.unwrap();
        results += usize::from(matches!(event, StreamEvent::Result(_)));
        game.event(Event::Stream(event));
        if game.state.market.last().is_some() && !std::mem::replace(&mut pressed, true) {
            for letter in ['b', 's'] {
                let key = Event::Key(KeyEvent::from(KeyCode::Char(letter)));
                for effect in game.event(key) {
                    let Effect::Send {
                        side,
                        count,
                        limit,
                        up_to,
                        ..
                    } = effect
                    else {
                        panic!("{effect:?}");
                    };
                    let order = Order {
                        limit,
                        up_to,
                        ..Order::new(side, count)
                    };
                    queue.send(order).await.unwrap();
                }
            }
        }
    }
    drop(queue);
    for effect in game.event(Event::Key(KeyEvent::from(KeyCode::Char(':')))) {
        panic!("{effect:?}");
    }
    game.event(Event::Paste("stop".to_owned()));
    let left = game.event(Event::Key(KeyEvent::from(KeyCode::Enter)));
    assert_eq!(left, [Effect::Leave]);
    let end = loop {
        match session.next().await {
            Ok(event) => drop(game.event(Event::Stream(event))),
            Err(end) => break end,
        }
    };
    assert_eq!(end, SessionEnd::Closed);
    game.event(Event::Stream(StreamEvent::Closed(
        "the casino closed the table".to_owned(),
    )));
    let live = rows(&mut events);
    servers.close().await.unwrap();

    let mut replay = Replay::new(read(&file).unwrap(), 1_000);
    replay.open_wire();
    while !replay.position().is_over {
        replay.advance(1_000);
    }
    let again: Vec<WireRow> = replay.state().wire.log.rows().cloned().collect();
    let shape = |rows: &[WireRow]| {
        let messages = rows.iter().filter(|row| row.frame.message().is_some());
        messages
            .map(|row| {
                // A recording has neither the numbers of trades nor the price of the leaderboard.
                let is_complete =
                    matches!(row.kind, RowKind::Price { .. } | RowKind::Wallet | RowKind::Order);
                let size = row
                    .frame
                    .message()
                    .filter(|_| is_complete)
                    .map(|message| message.length);
                (row.kind, row.words.clone(), size, row.order.is_some())
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(sorted(shape(&live)), sorted(shape(&again)));
    let others = |rows: &[WireRow]| {
        let own = rows.iter().filter(|row| row.frame.message().is_none());
        own.map(|row| row.kind.name()).collect::<Vec<_>>()
    };
    assert_eq!(others(&live), ["HEADERS", "HEADERS", "END_STREAM", "TRAILERS"]);
    // The status is not recorded, only the reason in words.
    assert_eq!(others(&again), ["HEADERS", "HEADERS", "END_STREAM", "lost"]);
    let features =
        |rows: &[WireRow]| header(&rows[1], "awesomestock-feeds").map(|names| names.split(',').count());
    assert_eq!(features(&live), features(&again));
}

/// An order and a message of the casino may cross, so their rows are compared by direction.
fn sorted<T>(mut rows: Vec<(RowKind, String, Option<usize>, T)>) -> Vec<(RowKind, String, Option<usize>, T)> {
    rows.sort_by_key(|(kind, ..)| *kind != RowKind::Order);
    rows
}
