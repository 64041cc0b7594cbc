//! Commits queued orders: decides them on the accounts locked by the database transaction.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::mem;
use std::sync::Arc;
use std::time::Instant;

use super::{ClusterLedger, QueuedBatch};
use crate::domain::account::Rejection;
use crate::domain::market::{Market, Tick};
use crate::domain::order::request::{AnsweredRequest, OrderRequest};
use crate::domain::order::{AccountId, AccountRecord, Command, Decision};
use crate::domain::player::PlayerName;
use crate::domain::rate_limit::TokenBucket;
use crate::domain::round::{Round, RoundPhase};
use crate::ledger::batch::OpenBatch;
use crate::ledger::committer::Published;
use crate::ledger::idempotency::RecentRequests;
use crate::ledger::order::without_lookup;
use crate::ledger::watermark::BatchId;
use crate::ledger::{LedgerError, MarketState};
use crate::store::cluster::{BatchInputs, ClusterStore, LoadedAccount, LoadedAccounts, RateLimits};
use crate::store::outage::Outage;
use crate::store::{Batch, CommitError, IdCounters, OnDrop};

/// Players without an account whose rate limits are remembered. Above that, the map is cleared.
const UNREGISTERED_MAX: usize = 64 * 1024;

pub(super) struct ClusterCommitter<'a, S> {
    ledger: &'a ClusterLedger,
    store: &'a S,
    published: &'a Published,
    /// Rate limits of players without an account; counted by this server only.
    unregistered: HashMap<PlayerName, TokenBucket>,
    outage: Outage,
}

impl<'a, S: ClusterStore> ClusterCommitter<'a, S> {
    pub(super) fn new(ledger: &'a ClusterLedger, store: &'a S, published: &'a Published) -> Self {
        Self {
            ledger,
            store,
            published,
            unregistered: HashMap::new(),
            outage: Outage::default(),
        }
    }

    /// Runs until the ledger is closed and all queued orders are answered.
    pub(super) async fn run(mut self) {
        let ledger = self.ledger;
        // Fails the waiting orders when the task ends.
        let _ending = OnDrop(|| ledger.shut_down());
        while let Some(queued) = ledger.next_batch().await {
            self.commit(&queued).await;
        }
    }

    /// Decides and writes a batch. Nothing is published before the commit, and ticks before the trades at their
    /// price.
    async fn commit(&mut self, queued: &QueuedBatch) {
        let (state, started) = (self.published.state(), Instant::now());
        let mut decided = DecidedBatch::default();
        let in_round = accounts_in_round(queued, &state.round);
        let mut inputs = accounts_needed(queued, &state);
        let in_round = in_round.iter().map(PlayerName::as_str);
        inputs.new.extend(in_round.clone());
        inputs.players.extend(in_round);
        let unregistered = &self.unregistered;
        let written = self.store.run_batch(&inputs, |loaded| {
            decided = decide(queued, loaded, unregistered, &state);
            (Arc::clone(&decided.batch), mem::take(&mut decided.buckets))
        });
        let error = match written.await {
            Ok(()) => {
                self.outage.log_success("batches are written again");
                let metrics = &self.ledger.progress.metrics;
                metrics.committed(&decided.batch, started.elapsed());
                metrics.rejected(decided.rejected);
                self.remember(decided.unregistered);
                self.published.set_ticks(&decided.ticks);
                let decisions = decided.decisions.into_iter().map(Ok);
                // Set once: here or below.
                let _ = queued.answers.set(decisions.collect());
                self.ledger.progress.commit(queued.sequence);
                self.published.observer.on_batch(&decided.batch);
                return;
            }
            Err(CommitError::Rejected(error)) => {
                self.outage.log_failure(&error, "a batch was not written");
                let error = LedgerError::from(error);
                let _ = queued.answers.set(unwritten(queued, &decided, &error));
                error
            }
            Err(error @ CommitError::Unknown(_)) => {
                self.outage
                    .log_failure(&error, "it is not known whether a batch was written");
                LedgerError::OutcomeUnknown
            }
        };
        let failed = queued.sequence;
        self.ledger.progress.fail(failed, failed, &error);
    }

    fn remember(&mut self, unregistered: Vec<(PlayerName, TokenBucket)>) {
        if self.unregistered.len() >= UNREGISTERED_MAX {
            self.unregistered.clear();
        }
        self.unregistered.extend(unregistered);
    }
}

#[derive(Debug, Default)]
struct DecidedBatch {
    batch: Arc<Batch>,
    /// Rate limits of the accounts in the batch.
    buckets: RateLimits,
    /// Rate limits of players without an account.
    unregistered: Vec<(PlayerName, TokenBucket)>,
    decisions: Vec<Decision>,
    /// Rejected buys and sells.
    rejected: u64,
    /// For each order, whether its request ID was found among the stored answers.
    repeated: Vec<bool>,
    /// Ticks up to the one that the batch was decided at.
    ticks: Vec<Tick>,
}

/// Returns the round of a batch. The `published` one has ended, if it is not open any more.
fn round_of(loaded: &LoadedAccounts, published: &Arc<Round>) -> Arc<Round> {
    match &loaded.round {
        Some(open) => Arc::new(open.clone()),
        None if published.is_open() => Arc::new(Round {
            phase: RoundPhase::Ended(loaded.tick),
            ..Round::clone(published)
        }),
        None => Arc::clone(published),
    }
}

/// Returns the accounts in the round that the orders may be executed on, each once.
fn accounts_in_round(queued: &QueuedBatch, round: &Round) -> HashSet<PlayerName> {
    if !round.is_open() {
        return HashSet::new();
    }
    let orders = queued.orders.iter();
    let orders = orders.filter(|(player, request)| !request.command.is_of_own_account() && !player.is_bot());
    orders.map(|(player, _)| round.account_of(player)).collect()
}

/// Returns what to load for a batch.
fn accounts_needed<'a>(queued: &'a QueuedBatch, published: &MarketState) -> BatchInputs<'a> {
    let mut inputs = BatchInputs {
        players: Vec::new(),
        new: Vec::new(),
        ids: Vec::new(),
        orders: Vec::new(),
        last_tick: published.market.current.number,
    };
    for (player, OrderRequest { command, id, .. }) in &queued.orders {
        let player = player.as_str();
        inputs.players.push(player);
        if command.needs_orders() {
            inputs.orders.push(player);
        }
        // Answers are stored with an account, also those of rejected orders.
        let is_staked = published.stake.is_some() && !command.is_of_own_account();
        if matches!(command, Command::Deposit(_)) || id.is_some() || is_staked {
            inputs.new.push(player);
        }
        inputs.ids.extend(id.map(|id| (player, id)));
    }
    for players in [&mut inputs.players, &mut inputs.new, &mut inputs.orders] {
        remove_repeated(players);
    }
    remove_repeated(&mut inputs.ids);
    inputs
}

fn remove_repeated<T: Copy + Eq + Hash>(items: &mut Vec<T>) {
    let mut seen = HashSet::new();
    items.retain(|item| seen.insert(*item));
}

/// Decides the orders on the accounts `loaded`.
fn decide(
    queued: &QueuedBatch,
    loaded: &LoadedAccounts,
    unregistered: &HashMap<PlayerName, TokenBucket>,
    published: &MarketState,
) -> DecidedBatch {
    let mut open = open_batch(loaded, published);
    let mut decided = DecidedBatch::default();
    let mut without_account = Vec::new();
    for (player, request) in &queued.orders {
        let account = loaded.accounts.get(player.as_str());
        let slot = open.lookup(player).or_else(|| {
            open.insert(player.clone(), Some(record_or_empty(account)), BatchId::NONE);
            let slot = open.lookup(player)?;
            let left = match account {
                Some(account) => account.bucket,
                None => unregistered.get(player).copied().unwrap_or(TokenBucket::FULL),
            };
            *open.token_bucket(slot)? = left;
            if account.is_none() {
                without_account.push((player.clone(), slot));
            }
            Some(slot)
        });
        // Just inserted.
        let Some(slot) = slot else { continue };
        let is_answer = |answer: &AnsweredRequest| Some(answer.id) == request.id;
        let is_repeated = account.is_some_and(|account| account.answers.iter().any(is_answer));
        decided.repeated.push(is_repeated);
        let before = open.token_bucket(slot).copied();
        let decision = match open.decide(slot, request, loaded.at) {
            Some(made) => made.decision,
            // The round started after its accounts were selected.
            None => {
                let actions = u64::from(request.command.is_action());
                open.rejected = open.rejected.saturating_add(actions);
                Decision {
                    result: Err(Rejection::RoundStarted),
                    account: account.map(|account| account.record.account).unwrap_or_default(),
                }
            }
        };
        let is_rate_limited = matches!(decision.result, Err(Rejection::RateLimited { .. }));
        if account.is_some() && !is_rate_limited && open.token_bucket(slot).copied() != before {
            // Rejections also use up the rate limit; a rate-limit rejection is not worth a write.
            open.mark_changed(slot);
        }
        decided.decisions.push(decision);
    }
    let left = |(player, slot)| Some((player, *open.token_bucket(slot)?));
    decided.unregistered = without_account.into_iter().filter_map(left).collect();
    decided.batch = open.seal().batch;
    decided.rejected = open.rejected;
    for (player, record) in &decided.batch.records {
        let left = open
            .lookup(player)
            .and_then(|slot| open.token_bucket(slot).copied());
        decided.buckets.extend(left.map(|left| (record.id, left)));
    }
    decided.ticks.clone_from(&loaded.new_ticks);
    decided
}

/// Returns an empty batch with the loaded open orders and accounts in rounds. The store replaces the numbers of new orders.
fn open_batch(loaded: &LoadedAccounts, published: &MarketState) -> OpenBatch {
    let state = MarketState {
        market: Market {
            current: loaded.tick,
            ..published.market
        },
        round: round_of(loaded, &published.round),
        ..*published
    };
    let accounts = loaded.accounts.iter();
    let accounts =
        accounts.filter_map(|(name, account)| Some((PlayerName::from_stored(name).ok()?, account)));
    let orders = accounts.clone().flat_map(|(player, account)| {
        let postings = account.orders.iter();
        postings.map(move |posting| (player.clone(), *posting))
    });
    let numbers = loaded.accounts.values().flat_map(|account| &account.orders);
    let numbers = IdCounters {
        order: numbers.map(|posting| posting.number).max().unwrap_or(0),
        ..IdCounters::default()
    };
    let mut open = OpenBatch::new(state, numbers, orders);
    for (player, account) in accounts.filter(|(player, _)| player.round().is_some()) {
        open.insert(player, Some(record_or_empty(Some(account))), BatchId::NONE);
    }
    open
}

/// Answers to the orders of a batch that failed with `error` and was not written. A request with an ID that was answered
/// before, or that could not be looked up, may have been executed by an earlier attempt.
fn unwritten(
    queued: &QueuedBatch,
    decided: &DecidedBatch,
    error: &LedgerError,
) -> Vec<Result<Decision, LedgerError>> {
    let orders = queued.orders.iter().enumerate();
    let answer = |(index, (_, request)): (usize, &(PlayerName, OrderRequest))| {
        let is_new = decided.repeated.get(index) == Some(&false);
        Err(match is_new {
            true => error.clone(),
            false => without_lookup(*request, error.clone()),
        })
    };
    orders.map(answer).collect()
}

/// A player without an account gets an empty record, which is written only if a command succeeds or has an ID.
fn record_or_empty(account: Option<&LoadedAccount>) -> (AccountRecord, RecentRequests) {
    match account {
        Some(account) => (
            account.record,
            RecentRequests::partial(account.answers.iter().copied(), account.last_answer),
        ),
        None => (AccountRecord::new(AccountId(0)), RecentRequests::default()),
    }
}

#[cfg(test)]
mod tests;
