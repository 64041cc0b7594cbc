//! Reads the accounts in force: the players' own ones, or those in the open round.

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use crate::domain::account::Account;
use crate::domain::money::{Dollars, UnixMillis};
use crate::domain::order::{AccountRecord, Payment};
use crate::domain::player::PlayerName;
use crate::domain::round::Round;
use crate::feed::rounds::RoundFeed;
use crate::store::StoreError;
use crate::store::reader::StoreReader;

/// Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct AccountReader {
    pub(crate) reader: StoreReader,
    pub(crate) rounds: RoundFeed,
    /// First payment of a new player, outside of rounds.
    pub(crate) stake: Option<Dollars>,
}

/// An account as it is read.
#[derive(Debug)]
pub(crate) struct ReadAccount {
    pub(crate) name: PlayerName,
    /// `None` before the first command.
    pub(crate) record: Option<AccountRecord>,
    /// With the stake, and the version for clients.
    pub(crate) account: Account,
}

impl AccountReader {
    /// Reads the player's account in force.
    pub(crate) async fn read(&self, player: &PlayerName) -> Result<ReadAccount, StoreError> {
        let round = self.rounds.current();
        self.read_named(round.account_of(player), &round).await
    }

    /// Reads the player's own account.
    pub(crate) async fn own_account(&self, player: PlayerName) -> Result<Account, StoreError> {
        Ok(self.read_named(player, &self.rounds.current()).await?.account)
    }

    /// Streams the payments of the player's own account, oldest first. The stake of a new player is not recorded before the
    /// first command: until then it has no time.
    pub(crate) fn payments(&self, player: PlayerName) -> BoxStream<'static, Result<Payment, StoreError>> {
        let stake = self.rounds.current().stake_for(&player, self.stake);
        let stake = stake.map(|stake| Payment {
            number: 1,
            amount: stake.0.saturating_neg(),
            at: UnixMillis(0),
        });
        let payments = self.reader.payments(player);
        let read = stream::unfold((payments, stake), |(mut payments, stake)| async move {
            match (payments.next().await, stake) {
                (Some(payment), _) => Some((payment, (payments, None))),
                (None, Some(stake)) => Some((Ok(stake), (payments, None))),
                (None, None) => None,
            }
        });
        read.boxed()
    }

    async fn read_named(&self, name: PlayerName, round: &Round) -> Result<ReadAccount, StoreError> {
        let record = self.reader.record(name.clone()).await?;
        let account = record.map(|record| record.account).unwrap_or_default();
        let is_new = record.is_none_or(|record| record.payments == 0);
        let stake = round.stake_for(&name, self.stake).filter(|_| is_new);
        let staked = stake.and_then(|stake| account.deposit(stake).ok());
        let account = staked.map_or(account, |(staked, _)| staked);
        Ok(ReadAccount {
            account: round.versioned(&name, account),
            name,
            record,
        })
    }
}
