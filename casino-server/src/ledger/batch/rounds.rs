//! Round rules that apply to decisions.

use std::sync::Arc;

use super::OpenBatch;
use crate::domain::account::Rejection;
use crate::domain::money::UnixMillis;
use crate::domain::order::Command;
use crate::domain::order::request::OrderRequest;
use crate::domain::player::PlayerName;
use crate::domain::round::{Round, RoundCommand, RoundError};
use crate::ledger::account_cache::Slot;

impl OpenBatch {
    /// Returns the slot of the account that executes `command` of the player in `slot`; `None` if it is not cached. Request
    /// IDs and the rate limit are always those of the player's own account.
    pub(super) fn account_in_force(&self, slot: Slot, command: Command) -> Option<Slot> {
        if !self.round.is_open() || command.is_of_own_account() {
            return Some(slot);
        }
        let (player, _) = self.accounts.entry(slot)?;
        self.lookup(&self.round.account_of(&player))
    }

    /// Returns the account of `player` that has to be cached next to decide the player's commands.
    pub(in crate::ledger) fn account_to_load(&self, player: &PlayerName) -> PlayerName {
        match self.lookup(player) {
            Some(_) => self.round.account_of(player),
            None => player.clone(),
        }
    }

    /// Checks whether `request` of the player in `slot` may be executed on `account`.
    pub(super) fn check_round(
        &self,
        slot: Slot,
        account: Slot,
        request: &OrderRequest,
    ) -> Result<(), Rejection> {
        let OrderRequest { command, round, .. } = *request;
        let tick = self.market.current;
        let is_payment = matches!(command, Command::Deposit(_) | Command::Withdraw(_));
        if is_payment && slot != account {
            return Err(Rejection::PaymentsClosed);
        }
        if let Some(meant) = round.filter(|_| !command.is_of_own_account()) {
            self.round.check_account(meant)?;
        }
        if slot == account {
            return Ok(());
        }
        self.round.check_open(tick)?;
        match command {
            Command::Rest(terms) if !terms.is_met(tick.price) => Err(Rejection::NoRestInRound),
            _ => Ok(()),
        }
    }

    /// Deposits the stake, if `account` is new.
    pub(super) fn give_stake(
        &mut self,
        account: Slot,
        command: Command,
        at: UnixMillis,
    ) -> Result<(), Rejection> {
        let cached = self.accounts.get_mut(account).ok_or(Rejection::LedgerFull)?;
        if cached.record.payments > 0 {
            return Ok(());
        }
        let (player, _) = self.accounts.entry(account).ok_or(Rejection::LedgerFull)?;
        let outside = self.stake.filter(|_| !command.is_of_own_account());
        if let Some(stake) = self.round.stake_for(&player, outside) {
            self.execute_now(account, Command::Deposit(stake), at)?;
            self.mark_changed(account);
        }
        Ok(())
    }

    pub(in crate::ledger) fn change_round(
        &mut self,
        command: &RoundCommand,
        at: UnixMillis,
    ) -> Result<Arc<Round>, RoundError> {
        if let Some(round) = self.round.apply(command, self.market.current, at)? {
            self.batch.rounds.push(round.clone());
            self.round = Arc::new(round);
            self.market_changed_in = self.sequence;
        }
        Ok(Arc::clone(&self.round))
    }
}
