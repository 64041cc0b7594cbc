//! The wallet of a session's player, read again when it may be newer than the one that was sent.

use std::task::{Context, Poll, ready};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::domain::account::Account;
use crate::domain::player::PlayerName;
use crate::feed::accounts::{AccountChange, Subscription};
use crate::grpc::account_reader::AccountReader;
use crate::store::reader::until_read;

pub(crate) struct WalletUpdates {
    accounts: AccountReader,
    player: PlayerName,
    /// `None`: only the start and the end of a round change the wallet.
    subscription: Option<Subscription<AccountChange>>,
    newest: AccountChange,
    /// The version of the newest wallet that was sent, or that a read has looked for.
    seen: i64,
    /// The account is read even if no newer version is known.
    is_due: bool,
    /// Ends with the newest version that was known at its start, and the account.
    reading: Option<BoxFuture<'static, (i64, Account)>>,
}

impl WalletUpdates {
    /// Creates the updates of a session whose client gets a wallet of the version `seen` first.
    pub(crate) fn new(
        accounts: AccountReader,
        player: PlayerName,
        subscription: Option<Subscription<AccountChange>>,
        seen: i64,
    ) -> Self {
        Self {
            accounts,
            player,
            subscription,
            newest: AccountChange::default(),
            seen,
            is_due: false,
            reading: None,
        }
    }

    /// Records that the client has a wallet of this version.
    pub(super) fn record_sent(&mut self, version: i64) {
        self.seen = self.seen.max(version);
    }

    /// Records what has changed. `has_other_account`: a round has started or ended.
    pub(super) fn record_changes(&mut self, has_other_account: bool, cx: &mut Context<'_>) {
        self.is_due |= has_other_account;
        let Some(subscription) = &mut self.subscription else {
            return;
        };
        while let Poll::Ready(newest) = subscription.poll_newest(cx) {
            self.is_due |= newest.elsewhere != self.newest.elsewhere;
            self.newest = newest;
        }
    }

    /// Ready with an account that is newer than the wallets that were sent.
    pub(super) fn poll_newer(&mut self, cx: &mut Context<'_>) -> Poll<Account> {
        loop {
            if let Some(reading) = &mut self.reading {
                let (known, account) = ready!(reading.poll_unpin(cx));
                let is_newer = account.version > self.seen;
                self.seen = self.seen.max(account.version).max(known);
                self.reading = None;
                if is_newer {
                    return Poll::Ready(account);
                }
            }
            if !self.is_due && self.newest.version <= self.seen {
                return Poll::Pending;
            }
            self.is_due = false;
            let (accounts, player) = (self.accounts.clone(), self.player.clone());
            let known = self.newest.version;
            let read = async move { (known, until_read(|| accounts.read(&player)).await.account) };
            self.reading = Some(read.boxed());
        }
    }
}
