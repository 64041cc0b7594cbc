//! A seat polled by hand, with a ledger that answers by hand.

use awesomestock_proto::{
    EXECUTED_MESSAGE,
    casino::{ActionOutcome, ActionType, GambleType},
    types::User,
};
use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

use super::{outstanding::OUTSTANDING_MAX, *};
use crate::{
    ledger::Request,
    quantity::{Price, Stocks, Tokens, UnixMillis},
    record::{Command, Decision, Entry, Side, Trade},
    table::Announcer,
};

/// One seat, and all that it speaks to.
struct Scene {
    seat: Seat<ReceiverStream<Result<Action, Status>>>,
    actions: Option<mpsc::Sender<Result<Action, Status>>>,
    ledger: Option<mpsc::Receiver<Request>>,
    announcer: Announcer,
    stop: CancellationToken,
}

impl Scene {
    fn new(feeds: Feeds, ledger_room: usize) -> Self {
        let (actions, inbound) = mpsc::channel(10_000);
        let (queue, ledger) = Queue::answered_by_hand(ledger_room);
        let (table, announcer) = Table::new(tick(0, 10), Duration::from_secs(3));
        let stop = CancellationToken::new();
        let account = Account {
            tokens: Tokens(7),
            ..Account::default()
        };
        let joining = feeds.wallet.then_some(account);
        let inbound = ReceiverStream::new(inbound);
        let seat = Seat::new(inbound, (&table, &queue), (feeds, joining), stop.clone());
        Self {
            seat,
            actions: Some(actions),
            ledger: Some(ledger),
            announcer,
            stop,
        }
    }

    /// A scene in which the first price has been heard.
    fn joined() -> Self {
        let mut scene = Self::new(Feeds::default(), 5_000);
        assert_eq!(scene.heard(), ["price 10"]);
        scene
    }

    fn act(&self, count: i32) {
        self.send(Ok(action("ann", ActionType::Buy as i32, count)));
    }

    fn send(&self, action: Result<Action, Status>) {
        self.actions.as_ref().unwrap().try_send(action).unwrap();
    }

    /// The next thing the seat says, if it has something to say now.
    fn next(&mut self) -> Option<Option<Result<GambleInfo, Status>>> {
        self.seat.next().now_or_never()
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

    /// The next request that the ledger has got.
    fn asked(&mut self) -> Option<(i32, Reply)> {
        match self.ledger.as_mut().unwrap().try_recv().ok()? {
            Request::Command {
                command: Command::Buy(count),
                reply,
                ..
            } => Some((count.0, reply)),
            other => panic!("{other:?}"),
        }
    }
}

type Reply = tokio::sync::oneshot::Sender<Result<Decision, LedgerError>>;

fn in_short(said: Option<Result<GambleInfo, Status>>) -> String {
    match said {
        None => "end".to_owned(),
        Some(Err(status)) => format!("{:?}", status.code()),
        Some(Ok(info)) => match info.r#type() {
            GambleType::StockInfo => format!("price {}", info.info.unwrap().price),
            GambleType::ActionResult => info.result.unwrap().msg,
            GambleType::Wallet => format!("wallet {}", info.wallet.unwrap().tokens),
        },
    }
}

fn tick(number: i64, price: i32) -> Tick {
    Tick {
        number,
        price: Price::new(price).unwrap(),
        at: UnixMillis(1_000 + number),
    }
}

fn action(user: &str, r#type: i32, count: i32) -> Action {
    Action {
        user: Some(User { id: user.to_owned() }),
        r#type,
        stocks_count: count,
    }
}

/// A decision that leaves `tokens`.
fn executed(tokens: i32) -> Result<Decision, LedgerError> {
    let trade = Trade {
        number: 1,
        side: Side::Buy,
        count: Stocks(1),
        price: Price::MIN,
        tick: 5,
        at: UnixMillis(9),
    };
    let account = Account {
        tokens: Tokens(tokens),
        ..Account::default()
    };
    Ok(Decision {
        result: Ok(Entry::Trade(trade)),
        account,
    })
}

fn not_executed(reason: &str) -> Result<Decision, LedgerError> {
    Err(LedgerError::NotExecuted {
        reason: reason.to_owned(),
    })
}

#[test]
fn the_price_comes_at_once_and_then_only_the_newest() {
    let mut scene = Scene::joined();
    for number in 1..=5 {
        scene
            .announcer
            .announce(tick(number, 10 + i32::try_from(number).unwrap()));
    }
    assert_eq!(scene.heard(), ["price 15"]);
    assert_eq!(scene.heard(), [""; 0]);
}

#[test]
fn results_come_in_the_order_of_the_actions_whatever_the_order_of_the_answers() {
    let mut scene = Scene::joined();
    (1..=3).for_each(|count| scene.act(count));
    assert_eq!(scene.heard(), [""; 0]);
    let mut replies: Vec<(i32, Reply)> = std::iter::from_fn(|| scene.asked()).collect();
    assert_eq!(
        replies.iter().map(|(count, _)| *count).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    let (_, third) = replies.pop().unwrap();
    third.send(not_executed("third")).unwrap();
    assert_eq!(scene.heard(), [""; 0]);
    for (count, reply) in replies {
        reply.send(not_executed(&count.to_string())).unwrap();
    }
    let heard = scene.heard();
    assert_eq!(
        heard,
        ["1", "2", "third"].map(|why| format!("not executed: the casino {why}"))
    );
}

#[test]
fn a_malformed_action_is_refused_in_its_place_and_the_stream_goes_on() {
    let mut scene = Scene::joined();
    scene.act(1);
    scene.send(Ok(action("ann", 7, 1)));
    scene.send(Ok(action("", 0, 1)));
    scene.send(Ok(action("a\u{1b}b", 0, 1)));
    scene.send(Ok(Action {
        user: None,
        ..action("", 0, 1)
    }));
    scene.act(2);
    assert_eq!(scene.heard(), [""; 0]);
    while let Some((_, reply)) = scene.asked() {
        reply.send(executed(0)).unwrap();
    }
    assert_eq!(
        scene.heard(),
        [
            EXECUTED_MESSAGE,
            "type: 7 is no type of action; 0 is BUY, 1 is SELL",
            "user: a name is needed, 1 to 32 characters",
            "user: a name has letters, digits and _ - . only; character 2 is U+001B",
            "user: a name is needed, 1 to 32 characters",
            EXECUTED_MESSAGE,
        ]
    );
}

#[test]
fn actions_are_read_at_once_up_to_a_bound_whether_or_not_the_ledger_has_room() {
    let mut scene = Scene::new(Feeds::default(), 1);
    let sent = OUTSTANDING_MAX + 100;
    (0..sent).for_each(|_| scene.act(1));
    assert_eq!(scene.heard(), ["price 10"]);
    let unread = |scene: &Scene| {
        let actions = scene.actions.as_ref().unwrap();
        actions.max_capacity() - actions.capacity()
    };
    assert_eq!(unread(&scene), 100);
    let mut answered = 0;
    while answered < sent {
        while let Some((_, reply)) = scene.asked() {
            reply.send(executed(0)).unwrap();
        }
        answered += scene.heard().len();
    }
    assert_eq!((answered, unread(&scene)), (sent, 0));
}

#[test]
fn after_a_half_close_what_is_outstanding_is_answered_and_the_stream_ends() {
    let mut scene = Scene::joined();
    scene.act(1);
    scene.actions = None;
    assert_eq!(scene.heard(), [""; 0]);
    scene.asked().unwrap().1.send(executed(0)).unwrap();
    assert_eq!(scene.heard(), [EXECUTED_MESSAGE, "end"]);
    assert_eq!(scene.heard(), ["end"]);
}

#[test]
fn a_half_close_on_joining_still_tells_the_price() {
    let mut scene = Scene::new(
        Feeds {
            wallet: true,
            ticks: true,
        },
        1,
    );
    scene.actions = None;
    assert_eq!(scene.heard(), ["price 10", "wallet 7", "end"]);
}

#[test]
fn told_to_stop_a_seat_answers_what_it_has_read_and_ends_unavailable() {
    let mut scene = Scene::joined();
    scene.act(1);
    assert_eq!(scene.heard(), [""; 0]);
    scene.stop.cancel();
    scene.announcer.announce(tick(1, 99));
    scene.act(2);
    assert_eq!(scene.heard(), [""; 0]);
    scene.asked().unwrap().1.send(executed(0)).unwrap();
    assert_eq!(scene.heard(), [EXECUTED_MESSAGE, "Unavailable", "end"]);
    assert!(
        scene.asked().is_none(),
        "what came after the word to stop is not executed"
    );
}

#[test]
fn an_idle_seat_ends_at_the_word_to_stop() {
    let mut scene = Scene::joined();
    scene.stop.cancel();
    assert_eq!(scene.heard(), ["Unavailable", "end"]);
}

#[test]
fn a_message_that_cannot_be_read_ends_the_stream_after_the_answers() {
    let mut scene = Scene::joined();
    scene.act(1);
    scene.send(Err(Status::new(Code::OutOfRange, "too large")));
    assert_eq!(scene.heard(), [""; 0]);
    scene.asked().unwrap().1.send(executed(0)).unwrap();
    assert_eq!(scene.heard(), [EXECUTED_MESSAGE, "OutOfRange", "end"]);
}

#[test]
fn a_ledger_that_ends_without_an_answer_ends_the_stream() {
    let mut scene = Scene::joined();
    (1..=2).for_each(|count| scene.act(count));
    assert_eq!(scene.heard(), [""; 0]);
    drop(scene.asked());
    assert_eq!(scene.heard(), ["Unavailable", "end"]);
}

#[test]
fn what_the_ledger_never_took_is_refused_in_words() {
    let mut scene = Scene::joined();
    scene.ledger = None;
    scene.act(1);
    assert_eq!(scene.heard(), ["not executed: the casino is stopping"]);
}

#[test]
fn a_price_is_heard_of_before_a_trade_at_it() {
    let mut scene = Scene::joined();
    scene.act(1);
    assert_eq!(scene.heard(), [""; 0]);
    scene.announcer.announce(tick(1, 12));
    scene.asked().unwrap().1.send(executed(0)).unwrap();
    assert_eq!(scene.heard(), ["price 12", EXECUTED_MESSAGE]);
}

#[test]
fn a_client_that_asked_for_feeds_is_told_ticks_and_wallets() {
    let mut scene = Scene::new(
        Feeds {
            ticks: true,
            wallet: true,
        },
        10,
    );
    let price = scene.next().unwrap().unwrap().unwrap().info.unwrap();
    assert_eq!(
        (price.tick, price.at_unix_ms, price.interval_ms),
        (0, 1_000, 3_000)
    );
    assert_eq!(scene.heard(), ["wallet 7"]);
    scene.act(1);
    scene.send(Ok(action("ann", 9, 1)));
    assert_eq!(scene.heard(), [""; 0]);
    scene.asked().unwrap().1.send(executed(35)).unwrap();
    let result = scene.next().unwrap().unwrap().unwrap().result.unwrap();
    assert_eq!(result.outcome(), ActionOutcome::OutcomeExecuted);
    assert_eq!(result.wallet.unwrap().tokens, 35);
    assert_eq!(result.trade.unwrap().tick, 5);
    let result = scene.next().unwrap().unwrap().unwrap().result.unwrap();
    assert_eq!(result.outcome(), ActionOutcome::OutcomeRefused);
    assert_eq!((result.wallet, result.trade), (None, None));
}

#[test]
fn a_client_that_asked_for_nothing_is_told_nothing_new() {
    let mut scene = Scene::new(Feeds::default(), 10);
    let price = scene.next().unwrap().unwrap().unwrap().info.unwrap();
    assert_eq!((price.tick, price.at_unix_ms, price.interval_ms), (0, 0, 0));
    scene.act(1);
    assert_eq!(scene.heard(), [""; 0]);
    scene.asked().unwrap().1.send(executed(35)).unwrap();
    let result = scene.next().unwrap().unwrap().unwrap().result.unwrap();
    let told = (result.outcome(), result.wallet, result.trade);
    assert_eq!(told, (ActionOutcome::OutcomeUnspecified, None, None));
}
