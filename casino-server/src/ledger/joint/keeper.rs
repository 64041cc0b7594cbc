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
    company::Witness,
    identity::PlayerName,
    ledger::{
        LedgerError,
        allowance::{Allowance, Rate},
        draft::Draft,
        fate::Sequence,
    },
    market::Market,
    quantity::UnixMillis,
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
    witness: Witness,
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
        (witness, clock): (Witness, Clock),
    ) -> Self {
        Self {
            joint,
            store,
            heard,
            witness,
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
                self.witness.saw(&decided.batch);
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
    };
    for (player, command) in &queued.orders {
        if seen.insert(player) {
            wanted.players.push(player.as_str());
        }
        if command.opens_account() && opening.insert(player) {
            wanted.new.push(player.as_str());
        }
    }
    wanted
}

/// Decides the orders one after the other, on what was `loaded`; those that are `too_fast` are refused unseen.
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
    for (number, (player, command)) in queued.orders.iter().enumerate() {
        if draft.find(player).is_none() {
            let record = loaded.records.get(player.as_str()).copied();
            // Who has no account yet and opens none is refused, and leaves nothing to be written.
            let record = record.unwrap_or(Record::new(AccountId(0)));
            draft.put(player.clone(), Some((record, Vec::new())), Sequence::NONE);
        }
        // It was put there just now.
        let Some(place) = draft.find(player) else { continue };
        let decision = match too_fast.get(&number) {
            None => draft.decide(place, *command, at).map(|decided| decided.decision),
            Some(refusal) => draft.account(place).map(|account| Decision {
                result: Err(*refusal),
                account,
            }),
        };
        decisions.extend(decision);
    }
    let taken = draft.take();
    Decided {
        batch: taken.batch,
        decisions,
        market: Some(market),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        market::Model,
        quantity::{Dollars, Price, Stocks, Tokens},
        record::Command,
    };

    #[test]
    fn orders_are_decided_in_order_on_what_was_loaded() {
        let market = Market::open(Model::Classic, 1, Price::new(10).unwrap(), UnixMillis(0));
        let name = |name| PlayerName::new(name).unwrap();
        let mut ann = Record::new(AccountId(7));
        ann.account.tokens = Tokens(15);
        let queued = Queued {
            orders: vec![
                (name("ann"), Command::Buy(Stocks(1))),
                (name("bob"), Command::Buy(Stocks(1))),
                (name("ann"), Command::Buy(Stocks(1))),
                (name("ann"), Command::Deposit(Dollars(1))),
                (name("ann"), Command::Buy(Stocks(1))),
            ],
            ..Queued::new(Sequence::NONE.next())
        };
        let wanted = wanted(&queued);
        assert_eq!((wanted.players, wanted.new), (vec!["ann", "bob"], vec!["ann"]));
        let loaded = Loaded {
            records: HashMap::from([("ann".to_owned(), ann)]),
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
}
