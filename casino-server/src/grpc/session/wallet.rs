//! The wallet of a session's player, read again when a round starts or ends.

use std::{
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::time::sleep;

use crate::{
    domain::{account::Account, player::PlayerName},
    grpc::accounts::Accounts,
};

/// Delay after a failed read.
const RETRY: Duration = Duration::from_secs(1);

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
            self.reading = Some(read(self.accounts.clone(), self.player.clone()).boxed());
        }
        let Some(reading) = &mut self.reading else {
            return Poll::Pending;
        };
        let account = ready!(reading.poll_unpin(cx));
        self.reading = None;
        Poll::Ready(account)
    }
}

/// Reads until it succeeds.
async fn read(accounts: Accounts, player: PlayerName) -> Account {
    loop {
        // The reader has logged the error.
        match accounts.account(&player).await {
            Ok(account) => return account,
            Err(_) => sleep(RETRY).await,
        }
    }
}
