//! An open Gamble stream.

mod pending;

pub(crate) mod auth;
pub(crate) mod backoff;
pub(crate) mod limit;
pub(crate) mod orders;
#[cfg(test)]
mod tests;
pub(crate) mod wallet;

use std::pin::Pin;
use std::task::{Context, Poll};

use awesomestock_proto::capabilities::Capabilities;
use awesomestock_proto::casino::Action;
use awesomestock_proto::frame::GambleFrame;
use futures_util::StreamExt;
use tokio_stream::Stream;
use tonic::Status;

use self::auth::SessionAuth;
use self::orders::OrderUpdates;
use self::pending::PendingOrders;
use self::wallet::WalletUpdates;
use crate::domain::account::Account;
use crate::domain::player::PlayerName;
use crate::feed::lobby::{FeedSubscriber, PresenceGuard};
use crate::feed::price::relay::PriceSubscriber;
use crate::grpc::auth::Revocation;
use crate::grpc::{convert, status};
use crate::ledger::LedgerHandle;

/// Maximum number of actions read in one poll, so that other sessions of the worker get their turn.
const READ_BURST: usize = 32;

/// An open Gamble stream, as the stream of its messages.
///
/// It has no task of its own: it is polled by the HTTP/2 connection, and woken by the inbound stream, the ledger and the
/// feeds. Actions are read as soon as they arrive and not only after earlier answers: many small unread messages would
/// make the transport close the connection. Each action is answered once, in order. Only the newest price is sent. After
/// the client half-closes, pending actions are answered and the stream ends with OK; on shutdown or a stall it ends with
/// UNAVAILABLE.
pub(crate) struct Session<In> {
    /// `None` after the last action.
    inbound: Option<In>,
    pending: PendingOrders,
    last_player: Option<PlayerName>,
    prices: PriceSubscriber,
    capabilities: Capabilities,
    feeds: SessionFeeds,
    /// The status to end with after the last answer; `None` for OK.
    end_status: Option<Status>,
    phase: Phase,
    revocation: Option<Revocation>,
}

/// The parts of a new session.
pub(crate) struct SessionParts<In> {
    pub(crate) inbound: In,
    pub(crate) prices: PriceSubscriber,
    pub(crate) ledger: LedgerHandle,
    pub(crate) auth: SessionAuth,
    /// The player of the wallet and the orders.
    pub(crate) player: Option<PlayerName>,
    /// Set if the session uses a name without a key.
    pub(crate) revocation: Option<Revocation>,
    pub(crate) capabilities: Capabilities,
    pub(crate) feeds: SessionFeeds,
}

/// The messages that a client can request besides prices and answers; `None` if it did not.
#[derive(Default)]
pub(crate) struct SessionFeeds {
    /// Sent after the first price.
    pub(crate) wallet: Option<Box<Account>>,
    /// Set if the client requested wallets, and orders or rounds.
    pub(crate) wallet_updates: Option<Box<WalletUpdates>>,
    pub(crate) lobby: Option<Box<FeedSubscriber>>,
    pub(crate) orders: Option<Box<OrderUpdates>>,
    pub(crate) presence: Option<PresenceGuard>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// Only answers are sent.
    Stopping,
    /// Nothing more is sent.
    Ended,
}

impl<In> Session<In> {
    pub(crate) fn new(parts: SessionParts<In>) -> Self {
        Self {
            inbound: Some(parts.inbound),
            // The same allocation as in most orders, so that the names are compared by their address.
            last_player: parts.player.clone(),
            pending: PendingOrders::new(parts.auth, parts.ledger, parts.player),
            prices: parts.prices,
            capabilities: parts.capabilities,
            feeds: parts.feeds,
            end_status: None,
            phase: Phase::Open,
            revocation: parts.revocation,
        }
    }

    fn check_shutdown(&mut self) {
        if self.phase != Phase::Stopping && self.prices.has_stopped() {
            self.phase = Phase::Stopping;
            self.inbound = None;
            self.end_status = Some(status::shutting_down());
        }
    }

    /// Ends the session if its name was claimed. Pending actions are still answered; data of the owner is not sent.
    fn check_claim(&mut self) {
        let Some(reason) = self.revocation.as_ref().and_then(Revocation::reason) else {
            return;
        };
        self.revocation = None;
        self.inbound = None;
        self.end_status = Some(reason.into());
        self.feeds = SessionFeeds::default();
    }

    fn record_wallet_changes(&mut self, cx: &mut Context<'_>) {
        if let Some(updates) = &mut self.feeds.wallet_updates {
            let lobby = self.feeds.lobby.as_mut();
            updates.record_changes(lobby.is_some_and(|lobby| lobby.take_other_account()), cx);
        }
    }

    /// Returns a new price, else the first wallet, else a lobby update. These are rare and do not delay answers much.
    fn next_update(&mut self) -> Option<GambleFrame> {
        if self.phase == Phase::Stopping {
            return None;
        }
        if let Some(price) = self.prices.changed() {
            return Some(price.for_session(self.capabilities));
        }
        if let Some(wallet) = self.feeds.wallet.take() {
            return Some(convert::wallet_update(&wallet, self.capabilities));
        }
        self.feeds.lobby.as_mut()?.next_update()
    }

    /// Returns the next message, if any.
    ///
    /// The answer is polled before the price is read: a trade that is committed by then has its price published, so that
    /// the price is always sent before the answer. In the same way, changes of orders and of the wallet are polled before the
    /// answer and sent after it: an order's acceptance is sent before its end, and a wallet only if no answer has it.
    fn next_message(&mut self, cx: &mut Context<'_>) -> Option<Result<GambleFrame, Status>> {
        self.record_wallet_changes(cx);
        let orders = self.feeds.orders.as_mut().filter(|_| self.phase == Phase::Open);
        // An order was placed by another session, or has ended.
        let has_order = orders.is_some_and(|orders| orders.poll_ready(cx).is_ready());
        let orders = self.feeds.orders.as_ref().map(|orders| &orders.accounts.reader);
        let answer = self.pending.poll_answer(cx, orders);
        if let Some(update) = self.next_update() {
            return Some(Ok(update));
        }
        match answer {
            Poll::Ready(()) => {}
            Poll::Pending if self.pending.is_reading() || self.phase != Phase::Open => return None,
            Poll::Pending => return self.next_change(has_order, cx).map(Ok),
        }
        // A session without these updates does not need their numbers.
        if let Some(updates) = &mut self.feeds.wallet_updates
            && let Some(version) = self.pending.wallet_version()
        {
            updates.record_sent(version);
        }
        if let Some(orders) = &mut self.feeds.orders
            && let Some(number) = self.pending.order_number()
        {
            orders.acknowledge(number);
        }
        if self.pending.is_unknown() {
            self.phase = Phase::Ended;
        }
        self.pending.pop_answer(self.capabilities)
    }

    /// Returns an order that has changed, if it `has_order`, else a newer wallet.
    fn next_change(&mut self, has_order: bool, cx: &mut Context<'_>) -> Option<GambleFrame> {
        let orders = self.feeds.orders.as_mut().filter(|_| has_order);
        if let Some(update) = orders.and_then(|orders| orders.pop(self.capabilities)) {
            return Some(update);
        }
        match self.feeds.wallet_updates.as_mut()?.poll_newer(cx) {
            Poll::Ready(account) => Some(convert::wallet_update(&account, self.capabilities)),
            Poll::Pending => None,
        }
    }
}

impl<In: Stream<Item = Result<Action, Status>> + Unpin> Session<In> {
    /// Reads available actions, up to the capacity of the queue and [`READ_BURST`].
    fn read(&mut self, cx: &mut Context<'_>) {
        let mut count = 0_usize;
        while let Some(inbound) = &mut self.inbound
            && self.pending.poll_capacity(cx).is_ready()
        {
            if count == READ_BURST {
                // Yields to the other tasks that are ready.
                cx.waker().wake_by_ref();
                return;
            }
            count = count.saturating_add(1);
            match inbound.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(action))) => {
                    let order =
                        convert::parse_action(&action, &mut self.last_player, self.pending.auth.names());
                    self.pending.push(order);
                }
                Poll::Ready(Some(Err(status))) => {
                    // An undecodable message or a lost connection.
                    tracing::debug!(%status, "a session's actions ended");
                    self.inbound = None;
                    self.end_status = Some(status);
                }
                Poll::Ready(None) => self.inbound = None,
                Poll::Pending => return,
            }
        }
    }
}

impl<In: Stream<Item = Result<Action, Status>> + Unpin> Stream for Session<In> {
    type Item = Result<GambleFrame, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let session = &mut *self;
        if session.phase == Phase::Ended {
            return Poll::Ready(None);
        }
        session.prices.touch();
        if let Some(timeout) = session.prices.stalled_for() {
            session.phase = Phase::Ended;
            return Poll::Ready(Some(Err(status::stalled(timeout))));
        }
        session.check_shutdown();
        // Sends all ready messages before reading more actions.
        if let Some(message) = session.next_message(cx) {
            return Poll::Ready(Some(message));
        }
        loop {
            session.read(cx);
            session.pending.submit(cx);
            if let Some(message) = session.next_message(cx) {
                return Poll::Ready(Some(message));
            }
            if session.inbound.is_none() && session.pending.is_empty() {
                session.phase = Phase::Ended;
                return Poll::Ready(session.end_status.take().map(Err));
            }
            let has_lobby_update = session
                .feeds
                .lobby
                .as_mut()
                .is_some_and(|lobby| lobby.register_waker(cx));
            let has_update = session.prices.register_waker(cx) || has_lobby_update;
            let is_claimed = session
                .revocation
                .as_mut()
                .is_some_and(|revocation| revocation.poll(cx).is_ready());
            let stop = session.phase != Phase::Stopping && session.prices.has_stopped();
            if !stop && !is_claimed && (!has_update || session.phase == Phase::Stopping) {
                return Poll::Pending;
            }
            session.check_shutdown();
            session.check_claim();
        }
    }
}
