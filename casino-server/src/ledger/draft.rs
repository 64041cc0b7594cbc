//! Core: the batch that is being decided, on top of everything decided before it.
//!
//! Pure: records are put in before, the time comes in as a value, and nothing of it counts until it has been
//! committed. What was decided ahead of the disk is taken back as a whole when the disk refuses.

#[cfg(test)]
mod tests;

use std::{mem, sync::Arc};

use super::{
    accounts::{Accounts, Place},
    fate::Sequence,
    receipts::Receipts,
};
use crate::{
    account::Refusal,
    allowance::{Allowance, Rate},
    identity::{Claim, PlayerName},
    market::{Market, Tick},
    quantity::UnixMillis,
    receipt::{Receipt, RequestId, Submission},
    record::{AccountId, Command, Decision, Entry, Posting, Record, Trade},
    store::{Batch, Numbers},
};

/// Entries that one batch takes. What one player alone asks for is a batch of one, at once.
pub(super) const BATCH_MAX: usize = 16 * 1024;

/// The decisions of one batch, made one after the other, each on top of those before it.
#[derive(Debug)]
pub(super) struct Draft {
    market: Market,
    /// The batch that moved the price last.
    market_changed_in: Sequence,
    accounts: Accounts,
    numbers: Numbers,
    sequence: Sequence,
    /// Whose records the batch has changed.
    changed: Vec<Place>,
    batch: Batch,
    /// What the trades of the sheet begun last have in common; `None` before the first of this batch.
    sheet: Option<(Tick, UnixMillis)>,
    batch_max: usize,
    /// Actions refused since the beginning.
    refused: u64,
}

/// A decision, and with which batch it is settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decided {
    pub(super) decision: Decision,
    /// The newest batch that the decision says anything of.
    pub(super) settled_with: Sequence,
}

/// A batch to be committed.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) sequence: Sequence,
    pub(super) batch: Arc<Batch>,
    /// The market after it.
    pub(super) market: Market,
}

impl Draft {
    /// A draft that has decided nothing yet, on a store that has given out `numbers`.
    pub(super) fn new(market: Market, numbers: Numbers) -> Self {
        Self {
            market,
            market_changed_in: Sequence::NONE,
            accounts: Accounts::new(),
            numbers,
            sequence: Sequence::NONE.next(),
            changed: Vec::new(),
            batch: Batch::default(),
            sheet: None,
            batch_max: BATCH_MAX,
            refused: 0,
        }
    }

    /// The same with another bound for a batch.
    #[cfg(test)]
    pub(super) fn with_batches_of(self, batch_max: usize) -> Self {
        Self { batch_max, ..self }
    }

    /// The price as it was decided.
    #[cfg(test)]
    pub(super) fn price(&self) -> crate::quantity::Price {
        self.market.current.price
    }

    /// How many commands of one player are decided in a second.
    pub(super) fn set_rate(&mut self, rate: Rate) {
        self.accounts.set_rate(rate);
    }

    /// The batch that is being decided.
    pub(super) fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// There is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// How many entries wait to be taken.
    pub(super) fn entries(&self) -> usize {
        self.batch.entries()
    }

    /// How many actions were refused since the beginning.
    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    /// No more entries fit.
    pub(super) fn is_full(&self) -> bool {
        self.batch.entries() >= self.batch_max
    }

    /// Where the player's record is, if it is in memory.
    pub(super) fn find(&self, player: &PlayerName) -> Option<Place> {
        self.accounts.find(player)
    }

    /// Takes in the record of `player` and its receipts as they are on disk, or a new one if there is none. What was
    /// changed up to the batch `settled` may be forgotten for it. `None` if keys have run out.
    pub(super) fn put(
        &mut self,
        player: PlayerName,
        stored: Option<(Record, Receipts)>,
        settled: Sequence,
    ) -> Option<()> {
        let stored = match stored {
            Some(stored) => stored,
            None => {
                self.numbers.account = self.numbers.account.checked_add(1)?;
                (Record::new(AccountId(self.numbers.account)), Receipts::default())
            }
        };
        self.accounts.put(player, stored, settled);
        Some(())
    }

    /// What the player of the record at `place` owns, as it was decided; `None` if it is not there any more.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn account(&mut self, place: Place) -> Option<crate::account::Account> {
        self.accounts.at(place).map(|held| held.record.account)
    }

    /// What the player of the record at `place` may still ask for; `None` if it is not there any more.
    pub(super) fn allowance(&mut self, place: Place) -> Option<&mut Allowance> {
        Some(&mut self.accounts.at(place)?.allowance)
    }

    /// Decides `submission` on the record at `place`; `None` if it is not there any more. What has an id is decided once:
    /// after that it is answered as it was, and not before that is settled. Only that a player asks too fast is not
    /// remembered: it would make a flood cost a write each.
    pub(super) fn decide(
        &mut self,
        place: Place,
        submission: impl Into<Submission>,
        at: UnixMillis,
    ) -> Option<Decided> {
        let Submission { command, id } = submission.into();
        let Some(id) = id else {
            return self.decide_anew(place, command, at);
        };
        if let Some(answered) = self.answered(place, (id, command))? {
            return Some(answered);
        }
        let decided = self.decide_anew(place, command, at)?;
        let decision = decided.decision;
        if matches!(decision.result, Err(Refusal::TooFast { .. })) {
            return Some(decided);
        }
        let receipt = Receipt {
            id,
            command,
            decision,
        };
        let filed = self.accounts.file(place, receipt, self.sequence)?;
        self.batch.receipts.push(filed);
        // Of a refusal too: the receipt belongs to a record that is on disk.
        self.mark_changed(place);
        Some(Decided {
            decision,
            settled_with: self.sequence,
        })
    }

    /// What the request with `id` was answered, if it was asked before; that stands for this `command` alone. The outer
    /// `None` if the record at `place` is not there any more.
    fn answered(&mut self, place: Place, (id, command): (RequestId, Command)) -> Option<Option<Decided>> {
        let held = self.accounts.at(place)?;
        let Some(kept) = held.receipt(id) else {
            return Some(None);
        };
        if kept.receipt.command != command {
            return self.refuse(place, command, Refusal::IdTaken).map(Some);
        }
        Some(Some(Decided {
            decision: kept.receipt.decision,
            settled_with: kept.settled_with,
        }))
    }

    /// Decides `command` on the record at `place`, whatever was asked before.
    fn decide_anew(&mut self, place: Place, command: Command, at: UnixMillis) -> Option<Decided> {
        let tick = self.market.current;
        let (held, allowed) = self.accounts.allow(place, at)?;
        let executed = match allowed {
            Ok(()) => held.record.execute(command, tick, at),
            Err(too_fast) => Err(too_fast),
        };
        let (mut record, entry) = match executed {
            Ok(executed) => executed,
            Err(refusal) => return self.refuse(place, command, refusal),
        };
        match entry {
            Entry::Payment(payment) => self.batch.payments.push((record.id, payment)),
            Entry::Trade(trade) => {
                if self.sheet != Some((tick, at)) {
                    self.numbers.sheet = self.numbers.sheet.saturating_add(1);
                    self.sheet = Some((tick, at));
                }
                self.batch
                    .trades
                    .push(post(&mut record, trade, self.numbers.sheet));
            }
        }
        held.record = record;
        self.mark_changed(place);
        let decision = Decision {
            result: Ok(entry),
            account: record.account,
        };
        Some(Decided {
            decision,
            settled_with: self.sequence,
        })
    }

    /// The refusal of `command`, with the account as it is.
    fn refuse(&mut self, place: Place, command: Command, refusal: Refusal) -> Option<Decided> {
        let refused = u64::from(command.is_action());
        self.refused = self.refused.saturating_add(refused);
        let held = self.accounts.at(place)?;
        let decision = Decision {
            result: Err(refusal),
            account: held.record.account,
        };
        // It names a balance and a price, so both have to be on disk before it is told.
        let settled_with = held.changed_in.max(self.market_changed_in);
        Some(Decided {
            decision,
            settled_with,
        })
    }

    /// The record at `place` is written with the open batch.
    pub(super) fn mark_changed(&mut self, place: Place) {
        if let Some(held) = self.accounts.at(place)
            && held.changed_in != self.sequence
        {
            held.changed_in = self.sequence;
            self.changed.push(place);
        }
    }

    /// Moves the price. Commands decided from now on are executed at the new one. `None` if ticks have run out.
    pub(super) fn tick(&mut self, at: UnixMillis) -> Option<Tick> {
        self.market = self.market.ticked(at)?;
        self.market_changed_in = self.sequence;
        self.batch.ticks.push(self.market.current);
        Some(self.market.current)
    }

    /// Has a name belong to a key; whoever asks knows that it is nobody's.
    pub(super) fn claim(&mut self, claim: Claim) {
        self.batch.claims.push(claim);
    }

    /// The batch as it has been decided; the next one is begun.
    pub(super) fn take(&mut self) -> Taken {
        let mut batch = mem::take(&mut self.batch);
        let changed = self.changed.drain(..);
        batch.records = changed.filter_map(|place| self.accounts.named(place)).collect();
        let sequence = self.sequence;
        self.begin_next();
        Taken {
            sequence,
            batch: Arc::new(batch),
            market: self.market,
        }
    }

    /// Makes room in memory of what is settled up to the batch `settled`. Only when nothing is being decided: right after
    /// a batch has been taken.
    pub(super) fn trim(&mut self, settled: Sequence) {
        if self.changed.is_empty() {
            self.accounts.trim(settled);
        }
    }

    /// Takes back everything that was decided and not written: back to `market`, and to the records on disk. Gives
    /// the last batch that is undone by it.
    pub(super) fn roll_back(&mut self, market: Market) -> Sequence {
        let last = self.sequence;
        self.market = market;
        self.market_changed_in = Sequence::NONE;
        self.batch = Batch::default();
        self.changed.clear();
        self.accounts.clear();
        self.begin_next();
        last
    }

    fn begin_next(&mut self) {
        self.sequence = self.sequence.next();
        self.sheet = None;
    }
}

/// Enters `trade` on `sheet`, with the way back to the account's sheet before it.
fn post(record: &mut Record, trade: Trade, sheet: i64) -> Posting {
    let previous = (record.sheet != sheet).then_some(record.sheet);
    record.sheet = sheet;
    Posting {
        account: record.id,
        trade,
        sheet,
        previous,
    }
}
