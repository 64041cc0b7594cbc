//! A seat polled by hand, over a ledger flushed by hand.

use awesomestock_proto::{
    EXECUTED_MESSAGE,
    casino::{ActionOutcome, ActionType, GambleInfo, GambleType},
    types::User,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Wake, Waker},
    time::Duration,
};

use futures_util::FutureExt;
use prost::Message;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

use super::{outstanding::OUTSTANDING_MAX, *};
use crate::{
    company::Company,
    gate::Gate,
    identity::PlayerName,
    ledger::by_hand::ByHand,
    market::{Market, Model},
    quantity::{Price, Stocks, Tokens, UnixMillis},
    reader::Reader,
    record::{AccountId, Record},
    store::{
        CommitError,
        scripted::{Scripted, disk},
    },
    table::{Announcer, Audience, PATIENCE, Players, Table},
};

/// One seat, and all that it speaks to.
struct Scene {
    seat: Seat<ReceiverStream<Result<Action, Status>>>,
    actions: Option<mpsc::Sender<Result<Action, Status>>>,
    ledger: ByHand,
    audience: Arc<Audience>,
    woken: Arc<Woken>,
}

/// Whether the seat's task has been woken since it was last polled.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Scene {
    /// A seat of somebody with a wallet of 7 tokens on joining; ann, who acts, has 1000 tokens, and the price is 10.
    fn new(feeds: Feeds, ledger: impl FnOnce(Market, Announcer) -> ByHand) -> Self {
        let (actions, inbound) = mpsc::channel(10_000);
        let market = Market::open(Model::Classic, 1, Price::new(10).unwrap(), UnixMillis(1_000));
        let (table, announcer) = Table::new(market.current, Duration::from_secs(3));
        let ledger = ledger(market, announcer);
        let mut ann = Record::new(AccountId(1));
        ann.account.tokens = Tokens(1_000);
        ledger.books().put(&PlayerName::new("ann").unwrap(), Some(ann));
        let audience = table.audience(PATIENCE);
        let account = Account {
            tokens: Tokens(7),
            ..Account::default()
        };
        let joining = feeds.wallet.then_some(account);
        let inbound = ReceiverStream::new(inbound);
        let alone = (Company::new(market.current).enter(None), None);
        let reader = Reader::new(Arc::new(Scripted(Arc::clone(&ledger.script))));
        let gate = Gate::knowing(&["ann"], reader, ledger.books().clone());
        let seat = Seat::new(
            inbound,
            audience.watcher(None),
            (
                ledger.books(),
                Permits::new((gate, None), (Players::new(1), None)),
            ),
            (feeds, joining),
            alone,
        );
        Self {
            seat,
            actions: Some(actions),
            ledger,
            audience,
            woken: Arc::default(),
        }
    }

    /// A scene in which the first price has been heard.
    fn joined() -> Self {
        let mut scene = Self::new(Feeds::default(), ByHand::new);
        assert_eq!(scene.heard(), ["price 10"]);
        scene
    }

    /// Sells `count`, of which ann has none: the refusal names the count.
    fn act(&self, count: i32) {
        self.send(Ok(action("ann", ActionType::Sell as i32, count)));
    }

    fn buy(&self) {
        self.send(Ok(action("ann", ActionType::Buy as i32, 1)));
    }

    fn send(&self, action: Result<Action, Status>) {
        self.actions.as_ref().unwrap().try_send(action).unwrap();
    }

    /// Has the price move, ahead of the disk.
    fn tick(&self) -> i32 {
        let moving = Box::pin(self.ledger.books().tick());
        assert!(moving.now_or_never().is_none());
        self.ledger.price()
    }

    /// Polls the seat once, and says whether it is to be polled again.
    fn poll(&mut self) -> (Poll<Option<Result<Said, Status>>>, bool) {
        self.woken.0.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&self.woken));
        let said = self.seat.poll_next_unpin(&mut Context::from_waker(&waker));
        (said, self.woken.0.load(Ordering::SeqCst))
    }

    /// The next thing the seat says, if it has something to say now.
    fn next(&mut self) -> Option<Option<Result<GambleInfo, Status>>> {
        loop {
            match self.poll() {
                (Poll::Ready(said), _) => return Some(said.map(|said| said.map(|said| as_received(&said)))),
                (Poll::Pending, true) => {}
                (Poll::Pending, false) => return None,
            }
        }
    }

    /// How many actions were sent and not taken.
    fn unread(&self) -> usize {
        let actions = self.actions.as_ref().unwrap();
        actions.max_capacity() - actions.capacity()
    }

    /// All that the seat has to say now, in short.
    fn heard(&mut self) -> Vec<String> {
        let mut heard = Vec::new();
        while let Some(said) = self.next() {
            let ended = said.is_none();
            heard.push(in_short(said));
            if ended {
                break;
            }
        }
        heard
    }

    /// Flushes the ledger, and gives what the seat then says.
    fn heard_after_flush(&mut self) -> Vec<String> {
        self.ledger.flush().unwrap();
        self.heard()
    }
}

/// The message that a client makes of it.
fn as_received(said: &Said) -> GambleInfo {
    let mut bytes = Vec::new();
    said.encode(&mut bytes).unwrap();
    GambleInfo::decode(&*bytes).unwrap()
}

fn in_short(said: Option<Result<GambleInfo, Status>>) -> String {
    match said {
        None => "end".to_owned(),
        Some(Err(status)) => format!("{:?}", status.code()),
        Some(Ok(info)) => match info.r#type() {
            GambleType::StockInfo => format!("price {}", info.info.unwrap().price),
            GambleType::ActionResult => info.result.unwrap().msg,
            GambleType::Wallet => format!("wallet {}", info.wallet.unwrap().tokens),
            of_others => format!("{of_others:?}"),
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
    let (these, those) = (Stocks(count), Stocks(have));
    format!("selling {these} takes more than you have: {those}")
}

#[test]
fn the_price_comes_at_once_and_then_only_the_newest() {
    let mut scene = Scene::joined();
    let mut newest = 0;
    for _ in 1..=4 {
        newest = scene.tick();
        scene.ledger.flush().unwrap();
    }
    assert_eq!(scene.heard(), [format!("price {newest}")]);
    let next = scene.tick();
    assert_eq!(scene.heard(), [""; 0], "not before it is on disk");
    assert_eq!(scene.heard_after_flush(), [format!("price {next}")]);
    assert_eq!(scene.heard(), [""; 0]);
}

#[test]
fn results_come_in_the_order_of_the_actions_when_they_are_on_disk() {
    let mut scene = Scene::joined();
    scene.act(1);
    scene.buy();
    scene.act(2);
    scene.buy();
    scene.act(3);
    assert_eq!(
        scene.heard(),
        [too_few(1, 0)],
        "a refusal of what is on disk waits for nothing"
    );
    assert_eq!(
        scene.heard_after_flush(),
        [
            EXECUTED_MESSAGE.to_owned(),
            too_few(2, 1),
            EXECUTED_MESSAGE.to_owned(),
            too_few(3, 2)
        ]
    );
}

#[test]
fn a_malformed_action_is_refused_in_its_place_and_the_stream_goes_on() {
    let mut scene = Scene::joined();
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
    assert_eq!(scene.heard(), [""; 0]);
    assert_eq!(
        scene.heard_after_flush(),
        [
            EXECUTED_MESSAGE,
            "type: 7 is no type of action; 0 is BUY, 1 is SELL",
            "user: a name is needed, 1 to 32 characters",
            "user: a name has letters, digits and _ - . only; character 2 is U+001B",
            "user: a name is needed, 1 to 32 characters",
            "limit_price: -1 is below 0; 0 is no limit",
            EXECUTED_MESSAGE,
        ]
    );
}

#[test]
fn actions_are_read_at_once_up_to_a_bound_whether_or_not_the_batch_has_room() {
    let one = |market, announcer| ByHand::with_batches_of(1, market, announcer);
    let mut scene = Scene::new(Feeds::default(), one);
    let sent = OUTSTANDING_MAX + 100;
    for _ in 0..sent {
        scene.send(Ok(action("ann", ActionType::Buy as i32, 1)));
    }
    assert_eq!(scene.heard(), ["price 10"]);
    assert_eq!(scene.unread(), 100);
    let mut answered = 0;
    while answered < sent {
        assert!(scene.ledger.flush().unwrap() <= 1);
        answered += scene.heard().len();
    }
    assert_eq!((answered, scene.unread()), (sent, 0));
}

#[test]
fn a_seat_takes_no_more_than_its_turn_and_asks_for_another() {
    let mut scene = Scene::joined();
    for _ in 0..TURN_MAX + 10 {
        scene.buy();
    }
    assert!(matches!(scene.poll(), (Poll::Pending, true)));
    assert_eq!(scene.unread(), 10);
    assert!(matches!(scene.poll(), (Poll::Pending, false)));
    assert_eq!(scene.unread(), 0);
}

#[tokio::test(start_paused = true)]
async fn of_one_who_asks_too_fast_nothing_is_taken_for_a_while() {
    let mut scene = Scene::joined();
    scene.ledger.set_rate(1);
    let too_fast = "too fast: more than 1 a second; wait a little";
    for _ in 0..2 {
        scene.act(1);
    }
    assert_eq!(scene.heard(), [&too_few(1, 0), too_fast]);
    scene.act(1);
    assert_eq!(scene.heard(), [""; 0]);
    assert_eq!(scene.unread(), 1);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(scene.heard(), [too_fast]);
}

#[test]
fn after_a_half_close_what_is_outstanding_is_answered_and_the_stream_ends() {
    let mut scene = Scene::joined();
    scene.buy();
    scene.actions = None;
    assert_eq!(scene.heard(), [""; 0]);
    assert_eq!(scene.heard_after_flush(), [EXECUTED_MESSAGE, "end"]);
    assert_eq!(scene.heard(), ["end"]);
}

#[test]
fn a_half_close_on_joining_still_tells_the_price() {
    let feeds = Feeds {
        wallet: true,
        ticks: true,
        ..Feeds::default()
    };
    let mut scene = Scene::new(feeds, ByHand::new);
    scene.actions = None;
    assert_eq!(scene.heard(), ["price 10", "wallet 7", "end"]);
}

#[test]
fn told_to_stop_a_seat_answers_what_it_has_read_and_ends_unavailable() {
    let mut scene = Scene::joined();
    scene.buy();
    assert_eq!(scene.heard(), [""; 0]);
    scene.audience.stop();
    scene.tick();
    scene.buy();
    assert_eq!(scene.heard(), [""; 0]);
    assert_eq!(
        scene.heard_after_flush(),
        [EXECUTED_MESSAGE, "Unavailable", "end"]
    );
    assert_eq!(
        scene.ledger.flush().unwrap(),
        0,
        "what came after the word to stop is not executed"
    );
}

#[test]
fn an_idle_seat_ends_at_the_word_to_stop() {
    let mut scene = Scene::joined();
    scene.audience.stop();
    assert_eq!(scene.heard(), ["Unavailable", "end"]);
}

#[test]
fn a_message_that_cannot_be_read_ends_the_stream_after_the_answers() {
    let mut scene = Scene::joined();
    scene.buy();
    scene.send(Err(Status::new(Code::OutOfRange, "too large")));
    assert_eq!(scene.heard(), [""; 0]);
    assert_eq!(scene.heard_after_flush(), [EXECUTED_MESSAGE, "OutOfRange", "end"]);
}

#[test]
fn a_ledger_that_ends_without_an_answer_ends_the_stream() {
    let mut scene = Scene::joined();
    (1..=2).for_each(|_| scene.buy());
    assert_eq!(scene.heard(), [""; 0]);
    scene.ledger.end();
    assert_eq!(scene.heard(), ["Unavailable", "end"]);
}

#[test]
fn what_the_ledger_never_took_is_refused_in_words() {
    let mut scene = Scene::joined();
    scene.ledger.close();
    scene.buy();
    assert_eq!(scene.heard(), ["not executed: the casino is stopping"]);
}

#[test]
fn what_was_not_written_is_refused_in_words_and_play_goes_on() {
    let mut scene = Scene::joined();
    let full = CommitError::NotWritten(disk("disk is full"));
    scene.ledger.script.failures.lock().unwrap().push_back(full);
    (1..=2).for_each(|_| scene.buy());
    assert_eq!(scene.heard(), [""; 0]);
    let words = "not executed: the casino could not write the ledger: disk is full";
    assert_eq!(scene.heard_after_flush(), [words, words]);
    let mut ann = Record::new(AccountId(1));
    ann.account.tokens = Tokens(10);
    scene
        .ledger
        .books()
        .put(&PlayerName::new("ann").unwrap(), Some(ann));
    scene.buy();
    assert_eq!(scene.heard(), [""; 0]);
    assert_eq!(scene.heard_after_flush(), [EXECUTED_MESSAGE]);
}

#[test]
fn a_price_is_heard_of_before_a_trade_at_it() {
    let mut scene = Scene::joined();
    let price = scene.tick();
    scene.buy();
    assert_eq!(scene.heard(), [""; 0]);
    assert_eq!(
        scene.heard_after_flush(),
        [format!("price {price}"), EXECUTED_MESSAGE.to_owned()]
    );
}

#[test]
fn a_client_that_asked_for_feeds_is_told_ticks_and_wallets() {
    let feeds = Feeds {
        ticks: true,
        wallet: true,
        ..Feeds::default()
    };
    let mut scene = Scene::new(feeds, ByHand::new);
    let price = scene.next().unwrap().unwrap().unwrap().info.unwrap();
    assert_eq!(
        (price.tick, price.at_unix_ms, price.interval_ms),
        (0, 1_000, 3_000)
    );
    assert_eq!(scene.heard(), ["wallet 7"]);
    scene.buy();
    scene.send(Ok(action("ann", 9, 1)));
    assert_eq!(scene.heard(), [""; 0]);
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
fn a_client_that_asked_for_nothing_is_told_nothing_new() {
    let mut scene = Scene::new(Feeds::default(), ByHand::new);
    let price = scene.next().unwrap().unwrap().unwrap().info.unwrap();
    assert_eq!((price.tick, price.at_unix_ms, price.interval_ms), (0, 0, 0));
    scene.buy();
    assert_eq!(scene.heard(), [""; 0]);
    scene.ledger.flush().unwrap();
    let result = scene.next().unwrap().unwrap().unwrap().result.unwrap();
    let told = (result.outcome(), result.wallet, result.trade);
    assert_eq!(told, (ActionOutcome::OutcomeUnspecified, None, None));
}

#[test]
fn a_seat_that_was_not_polled_for_too_long_ends_with_the_word_for_it() {
    let mut scene = Scene::joined();
    scene.act(1);
    let mut sweeps = 0;
    while scene.seat.table.overdue().is_none() {
        scene.audience.sweep();
        sweeps += 1;
    }
    assert!(sweeps > 6, "it has time");
    let status = scene.next().unwrap().unwrap().unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (
            Code::Unavailable,
            "this stream was closed: nothing of it was read for 30s"
        )
    );
    assert_eq!(scene.heard(), ["end"]);
}

#[tokio::test]
async fn what_carries_an_id_is_not_called_undone_for_want_of_a_look() {
    for (id, expected) in [
        (Vec::new(), "the casino could not read the claims"),
        (vec![1; 16], "Unavailable"),
    ] {
        let mut scene = Scene::joined();
        scene.ledger.script.unreadable.store(true, Ordering::SeqCst);
        let buy = action("bob", ActionType::Buy as i32, 1);
        scene.send(Ok(Action { id, ..buy }));
        let said = scene.seat.next().await;
        let received = said.map(|said| said.map(|said| as_received(&said)));
        assert_eq!(in_short(received), expected);
    }
}
