//! The wallet of a session's player, read again when a round starts or ends.

use std::task::{Context, Poll, ready};

use futures_util::{FutureExt, future::BoxFuture};

use crate::{
    domain::{account::Account, player::PlayerName},
    grpc::accounts::Accounts,
    store::reader::until_read,
};

pub(crate) struct WalletUpdates {
    accounts: Accounts,
    player: PlayerName,
    reading: Option<BoxFuture<'static, Account>>,
}

impl WalletUpdates {
    pub(crate) fn new(accounts: Accounts, player: PlayerName) -> Self {
        Self {
            accounts,
            player,
            reading: None,
        }
    }

    /// Begins to read the account in force if it `has_changed`. Ready when one was read.
    pub(super) fn poll(&mut self, has_changed: bool, cx: &mut Context<'_>) -> Poll<Account> {
        if has_changed {
            let (accounts, player) = (self.accounts.clone(), self.player.clone());
            let read = async move { until_read(|| accounts.account(&player)).await };
            self.reading = Some(read.boxed());
        }
        let Some(reading) = &mut self.reading else {
            return Poll::Pending;
        };
        let account = ready!(reading.poll_unpin(cx));
        self.reading = None;
        Poll::Ready(account)
    }
}
