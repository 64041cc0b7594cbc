//! The lab: each fault is real, the desk recovers from it, and every order is executed once.

mod support;

use std::collections::VecDeque;
use std::time::Duration;

use awesomestock::app::commands::lab::{FAULTS, Fault, Faults};
use awesomestock::app::commands::request::Request;
use awesomestock::app::connection::ConnectionStatus;
use awesomestock::app::event::{OrderResult, RequestError, Response, StreamEvent};
use awesomestock::app::portfolio::money::{Side, UnixMillis};
use awesomestock::app::portfolio::order_log::ActionStatus;
use awesomestock::app::portfolio::wallet::Wallet;
use awesomestock::app::{AppState, Effect, Event, SessionInfo, Settings, update};
use awesomestock::client::Client;
use awesomestock::solo::lab::{self, Timing};
use awesomestock::solo::{Servers, SoloOptions};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use support::Home;
use support::desk::DeskTasks;
use support::pty::{self, Terminal};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

/// Longest wait for a condition, far longer than needed.
const DEADLINE: Duration = Duration::from_secs(120);

const TICK: Duration = Duration::from_millis(20);

const TIMING: Timing = Timing {
    delay: Duration::from_millis(100),
    outage: Duration::from_millis(50),
};

/// Random faults of one game.
const FAULT_COUNT: usize = 50;

/// The game without a screen: its reducer, client and servers, and a model of the wallet.
struct Desk {
    state: AppState,
    tasks: DeskTasks,
    servers: Option<Servers>,
    faults: watch::Sender<Faults>,
    queue: mpsc::Receiver<(u64, Event)>,
    /// Sides of orders without an answer.
    unanswered: VecDeque<Side>,
    sum: Sum,
}

/// The sum of all answers.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Sum {
    tokens: i64,
    stocks: i64,
    trades: usize,
    resent: usize,
    failed_statements: usize,
    statements: usize,
}

fn now() -> UnixMillis {
    UnixMillis(jiff::Timestamp::now().as_millisecond())
}

impl Desk {
    fn open(seed: u64) -> Self {
        let solo = SoloOptions {
            tick: TICK,
            initial_price: Some(10),
            seed: Some(seed),
            market: None,
            house: 1,
        };
        let (channel, servers, faults) = lab::start(solo, TIMING).unwrap();
        let (tasks, queue) = DeskTasks::new(Client::new(channel, "ann".to_owned(), None));
        let info = SessionInfo::new("ann", "lab");
        let settings = Settings {
            lab: true,
            ..Settings::default()
        };
        let (state, effects) = AppState::with_settings(settings, info, (80, 24), now());
        let mut desk = Self {
            state,
            tasks,
            servers: Some(servers),
            faults,
            queue,
            unanswered: VecDeque::new(),
            sum: Sum::default(),
        };
        desk.run_effects(effects);
        desk
    }

    /// A desk with 50,000 tokens.
    async fn funded(seed: u64) -> Self {
        let mut desk = Self::open(seed);
        desk.until("live", Self::is_live).await;
        desk.press("t9999\n");
        desk.until("tokens", |desk| desk.sum.tokens > 0).await;
        desk
    }

    fn status(&self) -> ConnectionStatus {
        self.state
            .connection
            .status(now(), self.state.market.interval_ms())
    }

    fn is_live(&self) -> bool {
        self.status() == ConnectionStatus::Live && self.state.holdings.wallet().is_some()
    }

    fn is_settled(&self) -> bool {
        self.is_live() && self.state.log.waiting() == 0 && self.tasks.calls == 0
    }

    fn press(&mut self, keys: &str) {
        for letter in keys.chars() {
            let code = match letter {
                '\n' => KeyCode::Enter,
                '\u{1b}' => KeyCode::Esc,
                letter => KeyCode::Char(letter),
            };
            self.key(code);
        }
    }

    fn key(&mut self, code: KeyCode) {
        self.dispatch(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    }

    fn fault(&mut self, fault: Fault) {
        let row = FAULTS.iter().find(|row| row.fault == fault).unwrap();
        self.dispatch(Event::Key(row.key.press()));
    }

    fn dispatch(&mut self, event: Event) {
        let effects = update(&mut self.state, now(), event);
        self.run_effects(effects);
    }

    /// Handles the next event, or the next change of the screen.
    async fn step(&mut self) {
        let wake = self.state.next_wake().unwrap_or(now().plus_ms(1_000));
        let pause = Duration::from_millis(u64::try_from(wake.since_ms(now())).unwrap_or(0));
        let event = tokio::select! {
            Some((session, event)) = self.queue.recv() => match event {
                Event::Stream(_) if session != self.tasks.session => return,
                event => event,
            },
            () = sleep(pause) => Event::Timer,
        };
        self.add(&event);
        self.dispatch(event);
    }

    async fn until(&mut self, what: &str, reached: impl Fn(&Self) -> bool) {
        let waited = timeout(DEADLINE, async {
            while !reached(self) {
                self.step().await;
            }
        });
        let in_time = waited.await.is_ok();
        assert!(in_time, "{what}: {:?}, {:?}", self.state.connection, self.sum);
    }

    /// Adds an answer to the sum.
    fn add(&mut self, event: &Event) {
        match event {
            Event::Stream(StreamEvent::Result(result)) => {
                let side = self.unanswered.pop_front().expect("an answer without an order");
                self.add_result(side, result);
            }
            Event::Answered(answer) => {
                self.tasks.calls -= 1;
                match answer {
                    Response::TokensBought { tokens, .. } => self.sum.tokens += i64::from(*tokens),
                    Response::Withdrawn { tokens, .. } => self.sum.tokens -= i64::from(*tokens),
                    Response::Statement(_) => self.sum.statements += 1,
                    _ => {}
                }
            }
            Event::Failed(request, error) => {
                self.tasks.calls -= 1;
                let is_payment = matches!(request, Request::BuyTokens(_) | Request::Withdraw(_));
                let is_open = matches!(error, RequestError::Unanswered(_));
                assert!(!is_payment || !is_open, "{request:?}: {error:?}");
                self.sum.failed_statements += usize::from(*request == Request::Statement);
            }
            _ => {}
        }
    }

    fn add_result(&mut self, side: Side, result: &OrderResult) {
        if !result.executed {
            return;
        }
        let stocks = i64::from(result.count.unwrap());
        let tokens = stocks * i64::from(result.price.unwrap());
        let sign = if side == Side::Buy { 1 } else { -1 };
        self.sum.tokens -= sign * tokens;
        self.sum.stocks += sign * stocks;
        self.sum.trades += 1;
    }

    fn run_effects(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Connect { after_ms } => self.tasks.connect(after_ms),
                Effect::Send(order) => match self.tasks.send(order) {
                    true => self.unanswered.push_back(order.side),
                    false => self.sum.resent += 1,
                },
                Effect::Call(call) => self.tasks.call(call),
                Effect::Inject(faults) => drop(self.faults.send_replace(faults)),
                effect => panic!("unexpected effect {effect:?}"),
            }
        }
    }

    /// Ends all faults, waits for all answers, and compares the wallet at the casino with their sum.
    async fn audit(mut self) -> Sum {
        for fault in [Fault::Freeze, Fault::Delay, Fault::FillDisk, Fault::CrashPayments] {
            if self.state.lab.as_ref().unwrap().is_on(fault) {
                self.fault(fault);
            }
        }
        self.until("settled", Self::is_settled).await;
        let Response::Wallet(wallet) = self.tasks.client.call(Request::Holdings).await.unwrap() else {
            panic!("no wallet");
        };
        let Wallet { tokens, stocks, .. } = wallet;
        let sum = (self.sum.tokens, self.sum.stocks);
        assert_eq!((i64::from(tokens), i64::from(stocks)), sum, "{:?}", self.sum);
        assert_eq!(
            self.state.holdings.wallet(),
            Some(&wallet),
            "the desk shows the wallet"
        );
        self.tasks.tasks.shutdown().await;
        self.servers.take().unwrap().close().await.unwrap();
        self.sum
    }
}

fn is_lost(desk: &Desk) -> bool {
    matches!(desk.status(), ConnectionStatus::Reconnecting { .. })
}

#[tokio::test]
async fn a_cut_is_healed_and_the_order_sent_again() {
    let mut desk = Desk::funded(1).await;
    desk.press("bb");
    desk.fault(Fault::Cut);
    desk.until("lost", is_lost).await;
    desk.until("settled", Desk::is_settled).await;
    assert_eq!(desk.audit().await.stocks, 2);
}

#[tokio::test]
async fn a_frozen_casino_makes_the_price_stale_and_holds_orders_back() {
    let mut desk = Desk::funded(2).await;
    desk.fault(Fault::Freeze);
    desk.press("b");
    let is_stale = |desk: &Desk| matches!(desk.status(), ConnectionStatus::Stale { .. });
    desk.until("stale", is_stale).await;
    assert_eq!(desk.state.log.waiting(), 1);
    desk.press("b");
    assert_eq!(desk.state.log.waiting(), 1, "the second order is not sent");
    desk.fault(Fault::Freeze);
    desk.until("settled", Desk::is_settled).await;
    let sum = desk.audit().await;
    assert_eq!((sum.stocks, sum.resent), (1, 0));
}

#[tokio::test]
async fn a_delay_is_paid_in_both_directions() {
    let mut desk = Desk::funded(3).await;
    desk.until("settled", Desk::is_settled).await;
    desk.fault(Fault::Delay);
    desk.press("b");
    desk.until("answered", |desk| desk.sum.trades == 1).await;
    let latency = desk.state.connection.live().unwrap().latency_ms.unwrap();
    assert!(latency >= 200, "{latency} ms");
    desk.audit().await;
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_and_the_order_executed_once() {
    let mut desk = Desk::funded(4).await;
    desk.fault(Fault::LoseAnswer);
    assert!(desk.state.lab.as_ref().unwrap().is_on(Fault::LoseAnswer));
    desk.press("b");
    desk.until("lost", is_lost).await;
    assert!(!desk.state.lab.as_ref().unwrap().is_on(Fault::LoseAnswer));
    desk.until("settled", Desk::is_settled).await;
    let explanation = desk.state.lab.as_ref().unwrap().explanation();
    assert!(explanation.contains("sent again with its ID"), "{explanation}");
    desk.press("b");
    desk.until("answered", |desk| desk.sum.trades == 2).await;
    let sum = desk.audit().await;
    assert_eq!((sum.stocks, sum.resent), (2, 1));
}

#[tokio::test]
async fn a_full_disk_rejects_orders_and_stops_the_market_until_there_is_room() {
    let mut desk = Desk::funded(5).await;
    desk.fault(Fault::FillDisk);
    desk.press("b");
    desk.until("answered", |desk| desk.state.log.waiting() == 0).await;
    let last = desk.state.log.entries().last().unwrap().status.clone();
    let ActionStatus::Rejected(reason) = last else {
        panic!("{last:?}");
    };
    assert!(reason.contains("could not write the ledger"), "{reason}");
    let is_stale = |desk: &Desk| matches!(desk.status(), ConnectionStatus::Stale { .. });
    desk.until("stale", is_stale).await;
    desk.fault(Fault::FillDisk);
    desk.until("settled", Desk::is_settled).await;
    desk.press("b");
    desk.until("answered", |desk| desk.sum.trades == 1).await;
    assert_eq!(desk.audit().await.stocks, 1);
}

#[tokio::test]
async fn a_killed_casino_restarts_with_all_that_it_answered() {
    let mut desk = Desk::funded(6).await;
    desk.press("b");
    desk.until("answered", |desk| desk.sum.trades == 1).await;
    desk.press("bb");
    desk.fault(Fault::Kill);
    desk.until("lost", is_lost).await;
    desk.until("settled", Desk::is_settled).await;
    assert_eq!(desk.audit().await.stocks, 3);
}

#[tokio::test]
async fn a_crashed_payments_server_fails_statements_only() {
    let mut desk = Desk::funded(7).await;
    desk.fault(Fault::CrashPayments);
    desk.press("S");
    desk.until("failed", |desk| desk.sum.failed_statements == 1).await;
    desk.press("\u{1b}b");
    desk.until("answered", |desk| desk.sum.trades == 1).await;
    desk.fault(Fault::CrashPayments);
    desk.press("S");
    desk.until("statement", |desk| desk.sum.statements == 1).await;
    desk.audit().await;
}

/// Trades through random faults. Lasting ones are ended at random, so that several overlap.
async fn play_through_faults(seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut desk = Desk::funded(seed).await;
    for _ in 0..FAULT_COUNT {
        let fault = FAULTS[rng.random_range(0..FAULTS.len())].fault;
        desk.fault(fault);
        for _ in 0..rng.random_range(1..12) {
            let keys = ["b", "b", "s", "3b", "1s", "t7\n"][rng.random_range(0..6_usize)];
            desk.press(keys);
            desk.step().await;
        }
        if desk.state.lab.as_ref().unwrap().is_on(fault) && fault != Fault::LoseAnswer && rng.random_bool(0.7)
        {
            desk.fault(fault);
        }
    }
    let sum = desk.audit().await;
    // How many depends on how fast the machine is.
    assert!(sum.trades > 0 && sum.resent > 0, "{sum:?}");
}

#[tokio::test]
async fn after_fifty_random_faults_the_wallet_is_the_sum_of_the_answers() {
    play_through_faults(11).await;
}

#[tokio::test]
async fn after_fifty_other_faults_the_wallet_is_the_sum_of_the_answers() {
    play_through_faults(12).await;
}

#[tokio::test]
async fn after_fifty_more_faults_the_wallet_is_the_sum_of_the_answers() {
    play_through_faults(13).await;
}

/// The names of what is in `folder`.
fn entries(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn the_lab_is_played_on_the_screen_and_leaves_no_files() {
    let (home, temporary) = (Home::new(), Home::new());
    let mut command = pty::game(&home, &["--user", "anna", "lab", "--tick", "200ms"]);
    command.env("TMPDIR", temporary.path());
    let mut game = Terminal::open(command, 80, 24);
    game.see("● live");
    game.see("anna @ lab");
    game.see("LAB F2 cut F3 freeze F4 delay F5 lose F6 disk F7 kill F8 payments");
    game.see("break something with F2 to F8");
    assert_eq!(entries(temporary.path()).len(), 1);
    game.buy_500_tokens();
    game.type_keys("b");
    game.see("stocks 1");
    // F5, then an order whose answer is lost.
    game.type_keys("\u{1b}[15~");
    game.see("F5●lose");
    game.type_keys("b");
    game.see("The game is connected again after");
    game.see("stocks 2");
    // F8, from the palette.
    game.type_keys(":lab payments\r");
    game.see("The payments server has crashed.");
    game.type_keys("S");
    game.see("cannot load the statement: the payments server");
    game.type_keys("\u{1b}[19~");
    game.see("The payments server runs again.");
    game.type_keys("\u{1b}");
    game.see_no_more("Statement");
    game.type_keys("?");
    game.see("THE LAB");
    game.type_keys("\u{1b}");
    game.see_no_more("THE LAB");
    // F4, F6 and F8: faults do not keep the player in the lab.
    game.type_keys("\u{1b}[14~\u{1b}[17~\u{1b}[19~");
    game.see("F4●delay F5 lose F6●disk F7 kill F8●payments");
    let summary = game.quit();
    assert!(summary.contains("anna @ lab"), "{summary}");
    assert_eq!(entries(temporary.path()), [""; 0]);
    let data = home.path().join("data");
    assert!(
        !data.exists() || entries(&data).is_empty(),
        "the lab writes no data"
    );
}

#[test]
fn the_lab_is_refused_at_a_shared_table_and_without_a_screen() {
    let home = Home::new();
    for (arguments, code, text) in [
        (
            &["lab", "--casino", "http://127.0.0.1:1"][..],
            2,
            "casino: the lab starts a casino of its own",
        ),
        (&["lab"], 1, "the lab needs a terminal"),
        (&["lab", "--plain"], 1, "the lab needs a terminal"),
    ] {
        let output = home.game(arguments).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
        assert!(error.contains(text), "{arguments:?}: {error}");
    }
}
