//! The wire pane against the bytes on a socket: at the casino, at an old and at a newer one, in line mode and in replays.

mod capture;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use awesomestock::app::commands::request::Request;
use awesomestock::app::event::StreamEvent;
use awesomestock::app::overlay::Overlay;
use awesomestock::app::portfolio::money::{Side, UnixMillis};
use awesomestock::app::replay::Replay;
use awesomestock::app::wire::fields::dissect;
use awesomestock::app::wire::{RowKind, WireEvent, WireFrame, WireLog, WireRow};
use awesomestock::app::{AppState, Effect, Event, SessionInfo, Settings, update};
use awesomestock::client::{Client, GambleSession, Order, SessionEnd, Terms};
use awesomestock::solo::{self, SoloOptions};
use awesomestock::storage::recording::{Header, Recorder, read};
use awesomestock_proto::auth::PlayerKey;
use awesomestock_proto::transport;
use capture::Capture;
use crossterm::event::{KeyCode, KeyEvent};
use support::Home;
use support::casino::Casino;
use support::new_casino::NewCasino;
use support::old_casino::OldCasino;
use tokio::sync::mpsc;
use uuid::Uuid;

/// A clock that advances by a millisecond with each reading.
fn clock() -> i64 {
    static NOW: AtomicI64 = AtomicI64::new(1_700_000_000_000_000);
    NOW.fetch_add(1_000, Ordering::Relaxed)
}

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
    let mut events = game.watch_wire(clock);
    game.collect_wire();
    let (mut session, queue) = game.open_session().await.unwrap();
    let orders = [
        Order::new(Side::Buy, 2, Terms::Market),
        Order::new(Side::Sell, 1, Terms::Market),
        Order::new(Side::Buy, 1_000_000, Terms::Limit(1)),
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
    check_session(&rows, &key);
    check_orders(&rows, orders);
}

/// Checks headers, half-close and status.
fn check_session(rows: &[WireRow], key: &PlayerKey) {
    let [request, response, .., last] = rows else {
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
}

/// Checks that each order is joined to its result. The last one is rejected.
fn check_orders(rows: &[WireRow], orders: [Order; 3]) {
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
    let mut events = game.watch_wire(clock);
    let (mut session, queue) = game.open_session().await.unwrap();
    session.next().await.unwrap();
    queue.send(Order::new(Side::Buy, 1, Terms::Market)).await.unwrap();
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
    let mut events = game.watch_wire(clock);
    game.collect_wire();
    let (mut session, queue) = game.open_session().await.unwrap();
    queue.send(Order::new(Side::Buy, 1, Terms::Market)).await.unwrap();
    read_results(&mut session, 1).await;
    drop(queue);
    assert_eq!(read_to_end(&mut session).await, SessionEnd::Closed);
    let rows = rows(&mut events);
    check_messages(&rows, &capture);
    assert_eq!(rows[1].kind, RowKind::Response { has_features: false });
    assert!(rows.iter().any(|row| row.text == "price 10"));
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
    let mut events = game.watch_wire(clock);
    game.collect_wire();
    let (mut session, queue) = game.open_session().await.unwrap();
    queue.send(Order::new(Side::Buy, 3, Terms::Market)).await.unwrap();
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
    let mut events = game.watch_wire(clock);
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
    let mut events = game.watch_wire(clock);
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
    /// A game that is recorded in `file`.
    fn start(file: &Path) -> Self {
        let start = Header {
            version: "test".to_owned(),
            info: SessionInfo::new("ann", "solo"),
            settings: Settings::default(),
            columns: 80,
            rows: 24,
            at: UnixMillis(1_700_000_000_000),
        };
        let mut recorder = Recorder::create(file).unwrap();
        recorder.start(&start);
        let (state, _) = AppState::new(start.info.clone(), (80, 24), start.at);
        Self {
            state,
            recorder,
            now: start.at,
        }
    }

    fn event(&mut self, event: Event) -> Vec<Effect> {
        self.now = self.now.plus_ms(1);
        self.recorder.record(self.now, &event);
        update(&mut self.state, self.now, event)
    }

    fn key(&mut self, code: KeyCode) -> Vec<Effect> {
        self.event(Event::Key(KeyEvent::from(code)))
    }

    /// Opens a session, buys and sells at the first price, and leaves. Returns the rows.
    async fn play(&mut self, client: &Client) -> Vec<WireRow> {
        let mut events = client.watch_wire(clock);
        client.collect_wire();
        let (mut session, queue) = client.open_session().await.unwrap();
        self.event(Event::Stream(StreamEvent::Opened {
            extended: session.is_extended(),
            ids: session.supports_request_ids(),
        }));
        self.event(Event::Stream(StreamEvent::Capabilities(session.capabilities())));
        while self.state.market.last().is_none() {
            self.event(Event::Stream(session.next().await.unwrap()));
        }
        for code in ['b', 's'].map(KeyCode::Char) {
            let effects = self.key(code);
            let [Effect::Send(order)] = effects[..] else {
                panic!("{effects:?}");
            };
            queue.send(order.with_id(Uuid::now_v7())).await.unwrap();
        }
        while self.state.log.waiting() > 0 {
            self.event(Event::Stream(session.next().await.unwrap()));
        }
        drop(queue);
        self.key(KeyCode::Char(':'));
        self.event(Event::Paste("stop".to_owned()));
        assert_eq!(self.key(KeyCode::Enter), [Effect::Leave]);
        while let Ok(event) = session.next().await {
            self.event(Event::Stream(event));
        }
        self.event(Event::Stream(StreamEvent::Closed(
            "the casino closed the table".to_owned(),
        )));
        rows(&mut events)
    }
}

/// Type, words, size and order of the messages in one direction: an order and a message of the casino may cross.
fn messages(rows: &[WireRow], is_outgoing: bool) -> Vec<(RowKind, String, Option<usize>, bool)> {
    let messages = rows.iter().filter(|row| row.frame.is_outgoing() == is_outgoing);
    let shape = |row: &WireRow| {
        // A recording has neither the numbers of trades nor the price of the leaderboard.
        let is_complete = matches!(row.kind, RowKind::Price { .. } | RowKind::Wallet | RowKind::Order);
        let size = row.frame.message()?.length;
        let text = row.text.clone();
        Some((row.kind, text, is_complete.then_some(size), row.order.is_some()))
    };
    messages.filter_map(shape).collect()
}

/// Names of the rows that are not messages.
fn others(rows: &[WireRow]) -> Vec<&'static str> {
    let others = rows.iter().filter(|row| row.frame.message().is_none());
    others.map(|row| row.kind.name()).collect()
}

fn replayed_rows(replay: &mut Replay) -> Vec<WireRow> {
    while !replay.position().is_over {
        replay.advance(1_000);
    }
    replay.state().wire.log.rows().cloned().collect()
}

#[tokio::test]
async fn a_replay_shows_the_messages_of_the_game() {
    let folder = tempfile::tempdir().unwrap();
    let options = SoloOptions {
        tick: Duration::from_millis(20),
        initial_price: Some(10),
        seed: Some(1),
        market: None,
        house: 0,
    };
    let (channel, servers) = solo::open(options, folder.path()).await.unwrap();
    let client = Client::new(channel, "ann".to_owned(), None);
    client.call(Request::BuyTokens(100)).await.unwrap();
    let file = folder.path().join("session.jsonl");
    let live = Game::start(&file).play(&client).await;
    servers.close().await.unwrap();

    let mut replay = Replay::new(read(&file).unwrap(), 1_000);
    replay.open_wire();
    let again = replayed_rows(&mut replay);
    for is_outgoing in [true, false] {
        assert_eq!(messages(&live, is_outgoing), messages(&again, is_outgoing));
    }
    assert_eq!(others(&live), ["HEADERS", "HEADERS", "END_STREAM", "TRAILERS"]);
    assert_eq!(others(&again), ["HEADERS", "HEADERS", "END_STREAM", "TRAILERS"]);
    let features =
        |rows: &[WireRow]| header(&rows[1], "awesomestock-feeds").map(|names| names.split(',').count());
    assert_eq!(features(&live), features(&again));
}

#[tokio::test]
async fn a_replay_of_an_old_casino_shows_its_messages() {
    let folder = tempfile::tempdir().unwrap();
    let client = client(&format!("http://{}", OldCasino::serve().await), None);
    client.call(Request::BuyTokens(100)).await.unwrap();
    let file = folder.path().join("session.jsonl");
    let live = Game::start(&file).play(&client).await;
    let mut replay = Replay::new(read(&file).unwrap(), 1_000);
    replay.open_wire();
    let again = replayed_rows(&mut replay);
    for is_outgoing in [true, false] {
        let [live, again] = [&live, &again].map(|rows| messages(rows, is_outgoing));
        assert_eq!(live, again);
    }
    assert_eq!(again[1].kind, RowKind::Response { has_features: false });
}

/// A recording of the first session format that the game still reads.
#[test]
fn an_old_recording_shows_its_messages_and_steps() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/old_files/session.jsonl");
    let recording = read(&file).unwrap();
    let events = recording.events.len();
    let mut replay = Replay::new(recording, 1_000);
    let press = |replay: &mut Replay, code| assert!(replay.key(&KeyEvent::from(code)));
    press(&mut replay, KeyCode::End);
    // The pane is closed: only the sessions' openings, orders and results are kept.
    let kept: Vec<&str> = replay
        .state()
        .wire
        .log
        .rows()
        .map(|row| row.kind.name())
        .collect();
    assert!(
        !kept.contains(&"STOCK_INFO") && kept.contains(&"Action"),
        "{kept:?}"
    );
    press(&mut replay, KeyCode::Char('W'));
    let all: Vec<WireRow> = replay.state().wire.log.rows().cloned().collect();
    assert!(all.iter().any(|row| row.kind.name() == "STOCK_INFO") && all.len() > kept.len());
    let answered = all
        .iter()
        .filter_map(|row| row.order)
        .filter(|order| order.latency_us.is_some());
    assert_eq!(answered.count(), 6);

    // Steps of the reducer, back and on.
    press(&mut replay, KeyCode::Char('r'));
    assert_eq!(
        replay.state().wire.steps.back().unwrap().number,
        u64::try_from(events).unwrap()
    );
    for _ in 0..events - 1 {
        press(&mut replay, KeyCode::Char(','));
    }
    assert_eq!(replay.state().wire.steps.len(), 1);
    let mut effects = Vec::new();
    for _ in 0..events {
        press(&mut replay, KeyCode::Char('.'));
        let step = replay.state().wire.steps.back().unwrap();
        effects.extend(
            step.effects
                .iter()
                .filter(|effect| effect.starts_with("send"))
                .cloned(),
        );
    }
    assert_eq!(effects.len(), 3);
    let step = |name: &str| {
        let steps = &replay.state().wire.steps;
        let step = steps.iter().find(|step| step.event == name).unwrap();
        step.changes.iter().map(|(part, _, _)| *part).collect::<Vec<_>>()
    };
    assert_eq!(step("stream open"), ["connection"]);
    assert!(step("result").contains(&"waiting orders"));
    // Enter opens a row. Esc closes it, and then the pane.
    press(&mut replay, KeyCode::Enter);
    assert!(matches!(
        replay.state().screen.overlays.last(),
        Some(Overlay::WireRow { .. })
    ));
    press(&mut replay, KeyCode::Left);
    press(&mut replay, KeyCode::Esc);
    assert!(!matches!(
        replay.state().screen.overlays.last(),
        Some(Overlay::WireRow { .. })
    ));
    press(&mut replay, KeyCode::Esc);
    assert!(!replay.state().wire.view.is_open);
    assert!(!replay.key(&KeyEvent::from(KeyCode::Char('q'))));
}
