//! A session polled manually, over a manually flushed ledger.

use crate::testkit::values;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};
use std::time::Duration;

use awesomestock_proto::EXECUTED_MESSAGE;
use awesomestock_proto::casino::{ActionOutcome, ActionType, GambleInfo, GambleType};
use awesomestock_proto::types::User;
use futures_util::FutureExt;
use prost::Message;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

use super::pending::PENDING_MAX;
use super::*;
use crate::domain::market::{Market, PriceModel};
use crate::domain::money::{Price, Stocks, Tokens, UnixMillis};
use crate::domain::order::{AccountId, AccountRecord};
use crate::feed::lobby::FeedHub;
use crate::feed::price::PriceFeed;
use crate::feed::price::relay::{StallTimeout, WorkerRelay};
use crate::grpc::auth::Auth;
use crate::store::CommitError;
use crate::store::reader::StoreReader;
use crate::testkit::manual_ledger::ManualLedger;
use crate::testkit::memory::{FakeStore, disk};

struct Scene {
    session: Session<ReceiverStream<Result<Action, Status>>>,
    actions: Option<mpsc::Sender<Result<Action, Status>>>,
    ledger: ManualLedger,
    relay: Arc<WorkerRelay>,
    woken: Arc<WakeFlag>,
}

/// Set when the session's task is woken.
#[derive(Default)]
struct WakeFlag(AtomicBool);

impl Wake for WakeFlag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Scene {
    /// Opens a session with an initial wallet of 7 tokens. Its actions are by ann, who has 1000 tokens; the price is 10.
    fn new(capabilities: Capabilities, ledger: impl FnOnce(Market, PriceFeed) -> ManualLedger) -> Self {
        let (actions, inbound) = mpsc::channel(10_000);
        let market = Market::new(PriceModel::Classic, 1, Price::new(10).unwrap(), UnixMillis(1_000));
        let prices = PriceFeed::new(market.current, Duration::from_secs(3));
        let ledger = ledger(market, prices.clone());
        let mut ann = AccountRecord::new(AccountId(1));
        ann.account.tokens = Tokens(1_000);
        ledger.handle().cache_account(&values::player("ann"), Some(ann));
        let relay = prices.subscribe(StallTimeout::DEFAULT);
        let account = Account {
            tokens: Tokens(7),
            ..Account::default()
        };
        let reader = StoreReader::new(Arc::new(FakeStore(Arc::clone(&ledger.script))));
        let auth = Auth::for_tests(&["ann"], reader.clone(), ledger.handle().clone());
        let session = Session::new(SessionParts {
            inbound: ReceiverStream::new(inbound),
            prices: relay.subscribe(None),
            ledger: ledger.handle().clone(),
            auth: SessionAuth::new(Arc::new(auth), None, None),
            player: PlayerName::new("ann").ok(),
            revocation: None,
            capabilities,
            feeds: SessionFeeds {
                wallet: capabilities.wallet.then(|| Box::new(account)),
                presence: Some(FeedHub::new(market).join(None)),
                ..SessionFeeds::default()
            },
        });
        Self {
            session,
            actions: Some(actions),
            ledger,
            relay,
            woken: Arc::default(),
        }
    }

    /// Opens a session and receives the first price.
    fn opened() -> Self {
        let mut scene = Self::new(Capabilities::default(), ManualLedger::new);
        assert_eq!(scene.messages(), ["price 10"]);
        scene
    }

    /// Sells `count` stocks, which ann does not have: the rejection contains the count.
    fn sell(&self, count: i32) {
        self.send(Ok(action("ann", ActionType::Sell as i32, count)));
    }

    fn buy(&self) {
        self.send(Ok(action("ann", ActionType::Buy as i32, 1)));
    }

    fn send(&self, action: Result<Action, Status>) {
        self.actions.as_ref().unwrap().try_send(action).unwrap();
    }

    /// Advances the price without committing it.
    fn tick(&self) -> i32 {
        let tick = Box::pin(self.ledger.handle().tick());
        assert!(tick.now_or_never().is_none());
        self.ledger.price()
    }

    /// Polls the session once; the flag is true if it woke itself.
    fn poll(&mut self) -> (Poll<Option<Result<GambleFrame, Status>>>, bool) {
        self.woken.0.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&self.woken));
        let message = self.session.poll_next_unpin(&mut Context::from_waker(&waker));
        (message, self.woken.0.load(Ordering::SeqCst))
    }

    /// Returns the next message that is available now.
    fn next(&mut self) -> Option<Option<Result<GambleInfo, Status>>> {
        loop {
            match self.poll() {
                (Poll::Ready(message), _) => {
                    return Some(message.map(|message| message.map(|frame| as_received(&frame))));
                }
                (Poll::Pending, true) => {}
                (Poll::Pending, false) => return None,
            }
        }
    }

    /// Returns the number of sent actions that were not read.
    fn unread(&self) -> usize {
        let actions = self.actions.as_ref().unwrap();
        actions.max_capacity() - actions.capacity()
    }

    /// Returns all messages that are available now, as text.
    fn messages(&mut self) -> Vec<String> {
        let mut messages = Vec::new();
        while let Some(message) = self.next() {
            let ended = message.is_none();
            messages.push(to_text(message));
            if ended {
                break;
            }
        }
        messages
    }

    fn messages_after_flush(&mut self) -> Vec<String> {
        self.ledger.flush().unwrap();
        self.messages()
    }
}

/// Returns the message as the client decodes it.
fn as_received(frame: &GambleFrame) -> GambleInfo {
    let mut bytes = Vec::new();
    frame.encode(&mut bytes).unwrap();
    GambleInfo::decode(&*bytes).unwrap()
}

fn to_text(message: Option<Result<GambleInfo, Status>>) -> String {
    match message {
        None => "end".to_owned(),
        Some(Err(status)) => format!("{:?}", status.code()),
        Some(Ok(info)) => match info.r#type() {
            GambleType::StockInfo => format!("price {}", info.info.unwrap().price),
            GambleType::ActionResult => info.result.unwrap().msg,
            GambleType::Wallet => format!("wallet {}", info.wallet.unwrap().tokens),
            lobby => format!("{lobby:?}"),
        },
    }
}

fn action(user: &str, r#type: i32, count: i32) -> Action {
    Action {
        user: Some(User { id: user.to_owned() }),
        r#type,
        stocks_count: count,
        ..Action::default()
    }
}

fn too_few(count: i32, have: i32) -> String {
    format!("you have {}, not {count}", Stocks(have))
}

#[test]
fn the_first_price_is_sent_at_once_and_later_only_the_newest() {
    let mut scene = Scene::opened();
    let mut newest = 0;
    for _ in 1..=4 {
        newest = scene.tick();
        scene.ledger.flush().unwrap();
    }
    assert_eq!(scene.messages(), [format!("price {newest}")]);
    let next = scene.tick();
    assert_eq!(scene.messages(), [""; 0], "not before its commit");
    assert_eq!(scene.messages_after_flush(), [format!("price {next}")]);
    assert_eq!(scene.messages(), [""; 0]);
}

#[test]
fn results_are_sent_in_order_after_their_commit() {
    let mut scene = Scene::opened();
    scene.sell(1);
    scene.buy();
    scene.sell(2);
    scene.buy();
    scene.sell(3);
    assert_eq!(
        scene.messages(),
        [too_few(1, 0)],
        "a rejection based on committed data does not wait"
    );
    assert_eq!(
        scene.messages_after_flush(),
        [
            EXECUTED_MESSAGE.to_owned(),
            too_few(2, 1),
            EXECUTED_MESSAGE.to_owned(),
            too_few(3, 2)
        ]
    );
}

#[test]
fn a_malformed_action_is_rejected_in_order_and_the_stream_continues() {
    let mut scene = Scene::opened();
    scene.buy();
    scene.send(Ok(action("ann", 7, 1)));
    scene.send(Ok(action("", 0, 1)));
    scene.send(Ok(action("a\u{1b}b", 0, 1)));
    scene.send(Ok(Action {
        user: None,
        ..action("", 0, 1)
    }));
    scene.send(Ok(Action {
        limit_price: -1,
        ..action("ann", 0, 1)
    }));
    scene.buy();
    assert_eq!(scene.messages(), [""; 0]);
    assert_eq!(
        scene.messages_after_flush(),
        [
            EXECUTED_MESSAGE,
            "type: 7 is not an action type: 0 is BUY, 1 is SELL",
            "user: a name is needed, 1 to 32 characters",
            "user: a name has letters, digits and _ - . only; character 2 is U+001B",
            "user: a name is needed, 1 to 32 characters",
            "limit_price: -1 is below 0; 0 is no limit",
            EXECUTED_MESSAGE,
        ]
    );
}

#[test]
fn actions_are_read_up_to_the_queue_limit_while_the_batch_is_full() {
    let one = |market, prices| ManualLedger::with_batch_size(1, market, prices);
    let mut scene = Scene::new(Capabilities::default(), one);
    let sent = PENDING_MAX + 100;
    for _ in 0..sent {
        scene.send(Ok(action("ann", ActionType::Buy as i32, 1)));
    }
    assert_eq!(scene.messages(), ["price 10"]);
    assert_eq!(scene.unread(), 100);
    let mut answered = 0;
    while answered < sent {
        assert!(scene.ledger.flush().unwrap() <= 1);
        answered += scene.messages().len();
    }
    assert_eq!((answered, scene.unread()), (sent, 0));
}

#[test]
fn a_session_yields_after_a_burst_of_actions() {
    let mut scene = Scene::opened();
    for _ in 0..READ_BURST + 10 {
        scene.buy();
    }
    assert!(matches!(scene.poll(), (Poll::Pending, true)));
    assert_eq!(scene.unread(), 10);
    assert!(matches!(scene.poll(), (Poll::Pending, false)));
    assert_eq!(scene.unread(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_rate_limited_session_reads_nothing_during_the_backoff() {
    let mut scene = Scene::opened();
    scene.ledger.set_rate(1);
    let too_fast = "rate limit: at most 1 a second; wait a moment";
    for _ in 0..2 {
        scene.sell(1);
    }
    assert_eq!(scene.messages(), [&too_few(1, 0), too_fast]);
    scene.sell(1);
    assert_eq!(scene.messages(), [""; 0]);
    assert_eq!(scene.unread(), 1);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(scene.messages(), [too_fast]);
}

#[test]
fn after_a_half_close_pending_actions_are_answered_and_the_stream_ends() {
    let mut scene = Scene::opened();
    scene.buy();
    scene.actions = None;
    assert_eq!(scene.messages(), [""; 0]);
    assert_eq!(scene.messages_after_flush(), [EXECUTED_MESSAGE, "end"]);
    assert_eq!(scene.messages(), ["end"]);
}

#[test]
fn a_half_close_on_opening_still_sends_the_price() {
    let capabilities = Capabilities {
        wallet: true,
        ticks: true,
        ..Capabilities::default()
    };
    let mut scene = Scene::new(capabilities, ManualLedger::new);
    scene.actions = None;
    assert_eq!(scene.messages(), ["price 10", "wallet 7", "end"]);
}

#[test]
fn on_shutdown_read_actions_are_answered_and_the_stream_ends_unavailable() {
    let mut scene = Scene::opened();
    scene.buy();
    assert_eq!(scene.messages(), [""; 0]);
    scene.relay.stop();
    scene.tick();
    scene.buy();
    assert_eq!(scene.messages(), [""; 0]);
    assert_eq!(
        scene.messages_after_flush(),
        [EXECUTED_MESSAGE, "Unavailable", "end"]
    );
    assert_eq!(
        scene.ledger.flush().unwrap(),
        0,
        "actions after the shutdown are not executed"
    );
}

#[test]
fn an_idle_session_ends_on_shutdown() {
    let mut scene = Scene::opened();
    scene.relay.stop();
    assert_eq!(scene.messages(), ["Unavailable", "end"]);
}

#[test]
fn an_undecodable_message_ends_the_stream_after_the_answers() {
    let mut scene = Scene::opened();
    scene.buy();
    scene.send(Err(Status::new(Code::OutOfRange, "too large")));
    assert_eq!(scene.messages(), [""; 0]);
    assert_eq!(
        scene.messages_after_flush(),
        [EXECUTED_MESSAGE, "OutOfRange", "end"]
    );
}

#[test]
fn a_ledger_that_ends_without_an_answer_ends_the_stream() {
    let mut scene = Scene::opened();
    (1..=2).for_each(|_| scene.buy());
    assert_eq!(scene.messages(), [""; 0]);
    scene.ledger.end();
    assert_eq!(scene.messages(), ["Unavailable", "end"]);
}

#[test]
fn an_action_after_the_ledger_closed_is_rejected() {
    let mut scene = Scene::opened();
    scene.ledger.close();
    scene.buy();
    assert_eq!(scene.messages(), ["not executed: the casino is stopping"]);
}

#[test]
fn an_uncommitted_action_is_rejected_and_the_stream_continues() {
    let mut scene = Scene::opened();
    let full = CommitError::Rejected(disk("disk is full"));
    scene.ledger.script.failures.lock().unwrap().push_back(full);
    (1..=2).for_each(|_| scene.buy());
    assert_eq!(scene.messages(), [""; 0]);
    let message = "not executed: the casino could not write the ledger: disk is full";
    assert_eq!(scene.messages_after_flush(), [message, message]);
    let mut ann = AccountRecord::new(AccountId(1));
    ann.account.tokens = Tokens(10);
    scene
        .ledger
        .handle()
        .cache_account(&values::player("ann"), Some(ann));
    scene.buy();
    assert_eq!(scene.messages(), [""; 0]);
    assert_eq!(scene.messages_after_flush(), [EXECUTED_MESSAGE]);
}

#[test]
fn a_price_is_sent_before_a_trade_at_it() {
    let mut scene = Scene::opened();
    let price = scene.tick();
    scene.buy();
    assert_eq!(scene.messages(), [""; 0]);
    assert_eq!(
        scene.messages_after_flush(),
        [format!("price {price}"), EXECUTED_MESSAGE.to_owned()]
    );
}

#[test]
fn requested_capabilities_add_ticks_and_wallets() {
    let capabilities = Capabilities {
        ticks: true,
        wallet: true,
        ..Capabilities::default()
    };
    let mut scene = Scene::new(capabilities, ManualLedger::new);
    let price = scene.next().unwrap().unwrap().unwrap().info.unwrap();
    assert_eq!(
        (price.tick, price.at_unix_ms, price.interval_ms),
        (0, 1_000, 3_000)
    );
    assert_eq!(scene.messages(), ["wallet 7"]);
    scene.buy();
    scene.send(Ok(action("ann", 9, 1)));
    assert_eq!(scene.messages(), [""; 0]);
    scene.ledger.flush().unwrap();
    let result = scene.next().unwrap().unwrap().unwrap().result.unwrap();
    assert_eq!(result.outcome(), ActionOutcome::OutcomeExecuted);
    assert_eq!(result.wallet.unwrap().tokens, 990);
    let trade = result.trade.unwrap();
    assert_eq!((trade.number, trade.tick, trade.at_unix_ms), (1, 0, 9));
    let result = scene.next().unwrap().unwrap().unwrap().result.unwrap();
    assert_eq!(result.outcome(), ActionOutcome::OutcomeRefused);
    assert_eq!((result.wallet, result.trade), (None, None));
}

#[test]
fn a_client_without_capabilities_receives_the_original_protocol() {
    let mut scene = Scene::new(Capabilities::default(), ManualLedger::new);
    let price = scene.next().unwrap().unwrap().unwrap().info.unwrap();
    assert_eq!((price.tick, price.at_unix_ms, price.interval_ms), (0, 0, 0));
    scene.buy();
    assert_eq!(scene.messages(), [""; 0]);
    scene.ledger.flush().unwrap();
    let result = scene.next().unwrap().unwrap().unwrap().result.unwrap();
    let fields = (result.outcome(), result.wallet, result.trade);
    assert_eq!(fields, (ActionOutcome::OutcomeUnspecified, None, None));
}

#[test]
fn a_session_that_is_not_polled_stalls_and_ends() {
    let mut scene = Scene::opened();
    scene.sell(1);
    let mut sweeps = 0;
    while scene.session.prices.stalled_for().is_none() {
        scene.relay.check_stalled();
        sweeps += 1;
    }
    assert!(sweeps > 6, "ended too early");
    let status = scene.next().unwrap().unwrap().unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (
            Code::Unavailable,
            "this stream was closed: the client read nothing for 30s"
        )
    );
    assert_eq!(scene.messages(), ["end"]);
}

#[tokio::test]
async fn an_action_with_an_id_has_an_unknown_outcome_if_authorization_fails() {
    for (id, expected) in [
        (Vec::new(), "the casino could not read the claims"),
        (vec![1; 16], "Unavailable"),
    ] {
        let mut scene = Scene::opened();
        scene.ledger.script.unreadable.store(true, Ordering::SeqCst);
        let buy = action("bob", ActionType::Buy as i32, 1);
        scene.send(Ok(Action { id, ..buy }));
        let message = scene.session.next().await;
        let received = message.map(|message| message.map(|frame| as_received(&frame)));
        assert_eq!(to_text(received), expected);
    }
}
