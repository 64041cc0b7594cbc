//! The keeper: has what was asked decided on the accounts as the database has them, and says what became of it.

use std::{
    collections::{HashMap, HashSet},
    mem,
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use super::{Joint, Queued, prices::Heard};
use crate::{
    account::Refusal,
    allowance::{Allowance, Rate},
    identity::PlayerName,
    ledger::{LedgerError, draft::Draft, fate::Sequence, receipts::Receipts},
    market::Market,
    receipt::Submission,
    record::{AccountId, Decision, Record},
    store::{
        Batch, CommitError, Numbers,
        postgres::{Allowances, Loaded, LoadedAccount, PostgresStore, Wanted},
    },
};

/// Players without an account whose allowances are remembered. When there are more, all begin a new second.
const STRANGERS_MAX: usize = 64 * 1024;

/// The state of the task.
pub(in crate::ledger) struct Keeper {
    joint: Arc<Joint>,
    store: PostgresStore,
    heard: Arc<Heard>,
    /// What those may still ask for, here, who have no account that would keep it.
    strangers: HashMap<PlayerName, Allowance>,
}

/// Tells those who wait when the task ends, however it does.
struct Ending(Arc<Joint>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Keeper {
    pub(in crate::ledger) fn new(joint: Arc<Joint>, store: PostgresStore, heard: Arc<Heard>) -> Self {
        Self {
            joint,
            store,
            heard,
            strangers: HashMap::new(),
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
        let (market, began) = (self.heard.market(), Instant::now());
        let mut decided = Decided::default();
        let wanted = wanted(queued);
        let strangers = &self.strangers;
        let written = self.store.transact(&wanted, |loaded| {
            decided = decide(queued, (loaded, strangers), market, rate);
            (Arc::clone(&decided.batch), mem::take(&mut decided.allowances))
        });
        let error = match written.await {
            Ok(()) => {
                let meter = self.joint.meter();
                meter.committed(&decided.batch, began.elapsed());
                let refused = decided.refused();
                self.joint.refused.fetch_add(refused, Ordering::Relaxed);
                self.remember(decided.strangers);
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

    /// Remembers what those without an account may still ask for.
    fn remember(&mut self, strangers: Vec<(PlayerName, Allowance)>) {
        if self.strangers.len() >= STRANGERS_MAX {
            self.strangers.clear();
        }
        self.strangers.extend(strangers);
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
    /// What those whose accounts are in the batch may still ask for.
    allowances: Allowances,
    /// What those may still ask for who have no account.
    strangers: Vec<(PlayerName, Allowance)>,
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

/// Decides the orders one after the other, on what was `loaded`; of one player not more in a second than `rate`, at all
/// casinos together. Who has no account is counted by this casino alone, with `strangers`.
fn decide(
    queued: &Queued,
    (loaded, strangers): (&Loaded, &HashMap<PlayerName, Allowance>),
    market: Market,
    rate: Rate,
) -> Decided {
    let market = Market {
        current: loaded.tick,
        ..market
    };
    let mut draft = Draft::new(market, Numbers::default());
    draft.set_rate(rate);
    let mut decided = Decided::default();
    let mut unknown = Vec::new();
    for (player, submission) in &queued.orders {
        let account = loaded.accounts.get(player.as_str());
        let place = draft.find(player).or_else(|| {
            draft.put(player.clone(), Some(known(account)), Sequence::NONE);
            let place = draft.find(player)?;
            let left = match account {
                Some(account) => account.allowance,
                None => strangers.get(player).copied().unwrap_or(Allowance::FULL),
            };
            *draft.allowance(place)? = left;
            if account.is_none() {
                unknown.push((player.clone(), place));
            }
            Some(place)
        });
        // It was put there just now.
        let Some(place) = place else { continue };
        let before = draft.allowance(place).copied();
        let Some(decision) = draft
            .decide(place, *submission, loaded.at)
            .map(|made| made.decision)
        else {
            continue;
        };
        let is_too_fast = matches!(decision.result, Err(Refusal::TooFast { .. }));
        if account.is_some() && !is_too_fast && draft.allowance(place).copied() != before {
            // A refusal took of it too; that one was too fast is not worth a write.
            draft.mark_changed(place);
        }
        decided.decisions.push(decision);
    }
    let left = |(player, place)| Some((player, *draft.allowance(place)?));
    decided.strangers = unknown.into_iter().filter_map(left).collect();
    decided.batch = draft.take().batch;
    for (player, record) in &decided.batch.records {
        let left = draft
            .find(player)
            .and_then(|place| draft.allowance(place).copied());
        decided.allowances.extend(left.map(|left| (record.id, left)));
    }
    decided.market = Some(market);
    decided
}

/// What is known of a player. Who has no account yet and opens none is refused, and leaves nothing to be written.
fn known(account: Option<&LoadedAccount>) -> (Record, Receipts) {
    match account {
        Some(account) => (
            account.record,
            Receipts::some_on_disk(account.receipts.iter().copied(), account.last_receipt),
        ),
        None => (Record::new(AccountId(0)), Receipts::default()),
    }
}

#[cfg(test)]
mod tests;
