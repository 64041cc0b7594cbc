//! The keeper: has what was asked decided on the accounts as the database has them, and says what became of it.

use std::{
    collections::{HashMap, HashSet},
    num::NonZero,
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use super::{Joint, Queued, prices::Heard};
use crate::{
    account::Refusal,
    clock::Clock,
    identity::PlayerName,
    ledger::{
        LedgerError,
        allowance::{Allowance, Rate},
        draft::Draft,
        fate::Sequence,
        receipts::Receipts,
    },
    market::Market,
    quantity::UnixMillis,
    receipt::Submission,
    record::{AccountId, Decision, Record},
    store::{
        Batch, CommitError, Numbers,
        postgres::{Loaded, PostgresStore, Wanted},
    },
};

/// Players whose allowances are remembered. When there are more, all begin a new second.
const ALLOWANCES_MAX: usize = 64 * 1024;

/// The state of the task.
pub(in crate::ledger) struct Keeper {
    joint: Arc<Joint>,
    store: PostgresStore,
    heard: Arc<Heard>,
    clock: Clock,
    allowances: HashMap<PlayerName, Allowance>,
}

/// Tells those who wait when the task ends, however it does.
struct Ending(Arc<Joint>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Keeper {
    pub(in crate::ledger) fn new(
        joint: Arc<Joint>,
        store: PostgresStore,
        heard: Arc<Heard>,
        clock: Clock,
    ) -> Self {
        Self {
            joint,
            store,
            heard,
            clock,
            allowances: HashMap::new(),
        }
    }

    /// Works until the ledger is closed and everything that was asked is answered.
    pub(in crate::ledger) async fn run(mut self) {
        let _ending = Ending(Arc::clone(&self.joint));
        while let Some((queued, rate)) = self.joint.next_batch().await {
            self.settle(&queued, rate).await;
        }
    }

    /// Has a batch decided and written; then, and only then, anybody may hear of it: of its price before of a trade at
    /// it.
    async fn settle(&mut self, queued: &Queued, rate: Rate) {
        let (market, at, began) = (self.heard.market(), self.clock.now(), Instant::now());
        let too_fast = self.too_fast(queued, rate, at);
        let mut decided = Decided::default();
        let wanted = wanted(queued);
        let written = self.store.transact(&wanted, |loaded| {
            decided = decide((queued, &too_fast), loaded, market, at);
            Arc::clone(&decided.batch)
        });
        let error = match written.await {
            Ok(()) => {
                let meter = self.joint.meter();
                meter.committed(&decided.batch, began.elapsed());
                let refused = decided.refused();
                self.joint.refused.fetch_add(refused, Ordering::Relaxed);
                self.hear(decided.market.unwrap_or(market)).await;
                // Nobody else fills it.
                let _ = queued.answers.set(decided.decisions);
                self.joint.succeed(queued.sequence);
                self.heard.witness().saw(&decided.batch);
                return;
            }
            Err(CommitError::NotWritten(error)) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a batch was not written"
                );
                LedgerError::from(&error)
            }
            Err(error @ CommitError::Unknown(_)) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "it is not known whether a batch was written"
                );
                LedgerError::Unanswered
            }
        };
        self.joint.fail(queued.sequence, &error);
    }

    /// Which orders are more than their players may ask for in a second, by their places.
    fn too_fast(&mut self, queued: &Queued, rate: Rate, at: UnixMillis) -> HashMap<usize, Refusal> {
        let Some(a_second) = rate.map(NonZero::get) else {
            return HashMap::new();
        };
        if self.allowances.len() >= ALLOWANCES_MAX {
            self.allowances.clear();
        }
        let mut too_fast = HashMap::new();
        for (place, (player, _)) in queued.orders.iter().enumerate() {
            let allowance = self.allowances.entry(player.clone()).or_insert(Allowance::FULL);
            if !allowance.take(rate, at) {
                too_fast.insert(place, Refusal::TooFast { a_second });
            }
        }
        too_fast
    }

    /// Announces the tick that a batch was decided at, and those before it, if nobody has.
    async fn hear(&mut self, market: Market) {
        let last = self.heard.market().current.number;
        if market.current.number <= last {
            return;
        }
        match self.store.ticks_after(last).await {
            Ok(ticks) => self.heard.hear(&ticks),
            Err(error) => {
                tracing::warn!(%error, "prices were passed over");
                self.heard.hear(&[market.current]);
            }
        }
    }
}

/// What a batch came to.
#[derive(Debug, Default)]
struct Decided {
    batch: Arc<Batch>,
    decisions: Vec<Decision>,
    market: Option<Market>,
}

impl Decided {
    /// How many orders were refused.
    fn refused(&self) -> u64 {
        let refused = self.decisions.iter().filter(|decision| decision.result.is_err());
        u64::try_from(refused.count()).unwrap_or(u64::MAX)
    }
}

/// Whose accounts a batch needs.
fn wanted(queued: &Queued) -> Wanted<'_> {
    let mut seen = HashSet::new();
    let mut opening = HashSet::new();
    let mut wanted = Wanted {
        players: Vec::new(),
        new: Vec::new(),
        ids: Vec::new(),
    };
    let mut asked = HashSet::new();
    for (player, Submission { command, id }) in &queued.orders {
        if seen.insert(player) {
            wanted.players.push(player.as_str());
        }
        // What an id was answered is filed under an account, also when it was refused.
        if (command.opens_account() || id.is_some()) && opening.insert(player) {
            wanted.new.push(player.as_str());
        }
        wanted.ids.extend(
            id.map(|id| (player.as_str(), id))
                .filter(|of_player| asked.insert(*of_player)),
        );
    }
    wanted
}

/// Decides the orders one after the other, on what was `loaded`; those that are `too_fast` are refused, unless they were
/// answered before.
fn decide(
    (queued, too_fast): (&Queued, &HashMap<usize, Refusal>),
    loaded: &Loaded,
    market: Market,
    at: UnixMillis,
) -> Decided {
    let market = Market {
        current: loaded.tick,
        ..market
    };
    let mut draft = Draft::new(market, Numbers::default());
    let mut decisions = Vec::with_capacity(queued.orders.len());
    for (number, (player, submission)) in queued.orders.iter().enumerate() {
        if draft.find(player).is_none() {
            draft.put(player.clone(), Some(known(loaded, player)), Sequence::NONE);
        }
        // It was put there just now.
        let Some(place) = draft.find(player) else { continue };
        let decided = match too_fast.get(&number) {
            None => draft.decide(place, *submission, at),
            Some(refusal) => draft.refuse_unless_answered(place, *submission, *refusal),
        };
        decisions.extend(decided.map(|decided| decided.decision));
    }
    let taken = draft.take();
    Decided {
        batch: taken.batch,
        decisions,
        market: Some(market),
    }
}

/// What is known of a player. Who has no account yet and opens none is refused, and leaves nothing to be written.
fn known(loaded: &Loaded, player: &PlayerName) -> (Record, Receipts) {
    match loaded.accounts.get(player.as_str()) {
        Some(account) => (
            account.record,
            Receipts::some_on_disk(account.receipts.iter().copied(), account.last_receipt),
        ),
        None => (Record::new(AccountId(0)), Receipts::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        market::Model,
        quantity::{Dollars, Price, Stocks, Tokens},
        receipt::{Receipt, RequestId},
        record::{Command, Entry},
        store::postgres::LoadedAccount,
    };

    fn market() -> Market {
        Market::open(Model::Classic, 1, Price::new(10).unwrap(), UnixMillis(0))
    }

    fn name(name: &str) -> PlayerName {
        PlayerName::new(name).unwrap()
    }

    fn ann(tokens: i32) -> LoadedAccount {
        let mut record = Record::new(AccountId(7));
        record.account.tokens = Tokens(tokens);
        LoadedAccount {
            record,
            receipts: Vec::new(),
            last_receipt: 0,
        }
    }

    #[test]
    fn orders_are_decided_in_order_on_what_was_loaded() {
        let (market, ann) = (market(), ann(15));
        let queued = Queued {
            orders: vec![
                (name("ann"), Command::Buy(Stocks(1)).into()),
                (name("bob"), Command::Buy(Stocks(1)).into()),
                (name("ann"), Command::Buy(Stocks(1)).into()),
                (name("ann"), Command::Deposit(Dollars(1)).into()),
                (name("ann"), Command::Buy(Stocks(1)).into()),
            ],
            ..Queued::new(Sequence::NONE.next())
        };
        let wanted = wanted(&queued);
        assert_eq!((wanted.players, wanted.new), (vec!["ann", "bob"], vec!["ann"]));
        let loaded = Loaded {
            accounts: HashMap::from([("ann".to_owned(), ann)]),
            tick: market.current,
        };
        let decided = decide((&queued, &HashMap::new()), &loaded, market, UnixMillis(3));
        let executed: Vec<_> = decided
            .decisions
            .iter()
            .map(|decision| decision.result.is_ok())
            .collect();
        assert_eq!(executed, [true, false, false, true, true]);
        let [(player, record)] = decided.batch.records.as_slice() else {
            panic!("bob changed nothing")
        };
        assert_eq!(
            (player.as_str(), record.id, record.trades),
            ("ann", AccountId(7), 2)
        );
        assert_eq!(record.account.tokens, Tokens(0));
    }

    #[test]
    fn what_was_answered_is_answered_again_and_what_is_new_goes_on_with_the_numbers() {
        let submission = |id, stocks| Submission {
            command: Command::Buy(Stocks(stocks)),
            id: Some(RequestId([id; 16])),
        };
        let mut ann = ann(15);
        let answered = Receipt {
            id: RequestId([1; 16]),
            command: Command::Buy(Stocks(1)),
            decision: Decision {
                result: Err(Refusal::BooksFull),
                account: ann.record.account,
            },
        };
        (ann.receipts, ann.last_receipt) = (vec![answered], 40);
        let orders = [(1, 1), (2, 1), (1, 1), (2, 1), (1, 2), (3, 1), (4, 1)];
        let mut orders: Vec<_> = orders
            .into_iter()
            .map(|(id, stocks)| (name("ann"), submission(id, stocks)))
            .collect();
        orders.push((name("eve"), submission(1, 1)));
        let queued = Queued {
            orders,
            ..Queued::new(Sequence::NONE.next())
        };
        let wanted = wanted(&queued);
        assert_eq!((wanted.new, wanted.ids.len()), (vec!["ann", "eve"], 5));
        let eve = LoadedAccount {
            record: Record::new(AccountId(8)),
            receipts: Vec::new(),
            last_receipt: 0,
        };
        let market = market();
        let loaded = Loaded {
            accounts: HashMap::from([("ann".to_owned(), ann), ("eve".to_owned(), eve)]),
            tick: market.current,
        };
        let slow_down = Refusal::TooFast { a_second: 1 };
        // The first two have been answered, whatever they may still ask for.
        let too_fast = HashMap::from([(2, slow_down), (3, slow_down), (6, slow_down)]);
        let decided = decide((&queued, &too_fast), &loaded, market, UnixMillis(3));
        let results: Vec<_> = decided.decisions.iter().map(|decision| decision.result).collect();
        assert_eq!(results[0], Err(Refusal::BooksFull));
        assert_eq!(results[2..4], results[..2]);
        assert!(matches!(results[1], Ok(Entry::Trade(_))));
        assert_eq!(results[4], Err(Refusal::IdTaken));
        assert!(
            matches!(results[5], Err(Refusal::TooDear { .. })),
            "{:?}",
            results[5]
        );
        assert_eq!(results[6], Err(slow_down));
        let filed = &decided.batch.receipts;
        let filed: Vec<_> = filed
            .iter()
            .map(|filed| (filed.account.0, filed.number))
            .collect();
        assert_eq!(filed, [(7, 41), (7, 42), (8, 1)]);
        assert_eq!(decided.batch.trades.len(), 1);
    }
}
