//! A Gamble session: opening, receiving, and its end.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use awesomestock_proto::capabilities;
use awesomestock_proto::casino::GambleInfo;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Request, Status, Streaming};

use super::endpoints::Endpoints;
use super::{Client, JOIN_DEADLINE, Order, RequestError, Terms, convert, error};
use crate::app::event::{CLOSED_IN_ORDER, StreamEvent};
use crate::app::lobby::Capabilities;

/// Capacity of the order queue: more than the game lets wait for answers, so a full queue means a stalled casino.
const ORDER_QUEUE: usize = 256;

const NO_LIMITS: &str = "this casino does not support limit orders; nothing was sent";

const NO_RESTING_ORDERS: &str = "orders cannot rest at this casino; nothing was sent";

impl Client {
    /// Opens a session, with `JOIN_DEADLINE`. Orders put into the returned sender are sent; dropping it half-closes
    /// the stream. Fails if the casino rejects the session for good or cannot be reached.
    pub async fn open_session(&self) -> Result<(GambleSession, mpsc::Sender<Order>), RequestError> {
        // One queue per address: an abandoned call may still read from its own.
        let opened = self.endpoints.call(JOIN_DEADLINE, |mut casino| {
            let (orders, queue) = mpsc::channel(ORDER_QUEUE);
            let player = self.player.clone();
            let actions = ReceiverStream::new(queue).map(move |order: Order| order.action(&player));
            let mut request = Request::new(actions);
            request_capabilities(request.metadata_mut(), &self.player);
            let seen = self.orders_seen.load(Ordering::Relaxed);
            if seen > 0 {
                let header = capabilities::ORDERS_SEEN_HEADER;
                request.metadata_mut().insert(header, seen.into());
            }
            async move { map_unimplemented(casino.gamble(request).await).map(|response| (response, orders)) }
        });
        let (position, (response, orders)) = opened.await?;
        let session = GambleSession {
            granted: capabilities::Capabilities::from_metadata(response.metadata()),
            inbound: response.into_inner(),
            endpoints: Arc::clone(&self.endpoints),
            position,
            round: None,
            wallet_round: None,
        };
        Ok((session, orders))
    }
}

/// An open Gamble stream.
#[derive(Debug)]
pub struct GambleSession {
    granted: capabilities::Capabilities,
    inbound: Streaming<GambleInfo>,
    endpoints: Arc<Endpoints>,
    /// Index of its address in `endpoints`.
    position: usize,
    /// The open round as last received, or 0.
    round: Option<i64>,
    /// The round of the last wallet, or 0.
    wallet_round: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionEnd {
    /// Closed by the casino. Pending orders were answered if the player had left.
    Closed,
    /// Failed, with the reason.
    Lost(String),
    /// Ended for good: the name now belongs to another key. Holds the reason.
    Rejected(String),
}

impl SessionEnd {
    /// Returns why an answer is missing.
    pub(crate) fn reason(self) -> String {
        match self {
            Self::Closed => CLOSED_IN_ORDER.to_owned(),
            Self::Lost(why) | Self::Rejected(why) => format!("connection lost: {why}"),
        }
    }
}

impl GambleSession {
    /// Returns the address, if the casino has several.
    pub fn address(&self) -> Option<&str> {
        self.endpoints.name(self.position)
    }

    /// Makes the next session start at another address, if there is one.
    pub(crate) fn abandon(&self) {
        self.endpoints.rotate(self.position);
    }

    /// Returns true if the casino sends ticks, wallet and outcome.
    pub fn is_extended(&self) -> bool {
        self.granted.ticks && self.granted.wallet
    }

    /// Fails with the reason if the casino does not support orders with these terms.
    pub(crate) fn check_support(&self, terms: Terms) -> Result<(), &'static str> {
        match terms {
            Terms::Limit(_) if !self.granted.limits => Err(NO_LIMITS),
            Terms::Rest(_) if !self.granted.orders => Err(NO_RESTING_ORDERS),
            Terms::Market | Terms::Limit(_) | Terms::Rest(_) => Ok(()),
        }
    }

    /// Returns true if the casino says which account is in use, and checks the account that an order names.
    pub(crate) fn names_accounts(&self) -> bool {
        self.granted.accounts && self.granted.wallet
    }

    /// Returns the account in use as last received: the number of the round, or 0 for the own account. `None` before it is
    /// known, and if the casino does not name accounts.
    pub(crate) fn account(&self) -> Option<i64> {
        // The first wallet arrives before the round.
        let known = self.round.or(self.wallet_round);
        known.filter(|_| self.names_accounts())
    }

    fn follow_account(&mut self, event: &StreamEvent) {
        match event {
            StreamEvent::Round(round) => self.round = Some(if round.is_open() { round.number } else { 0 }),
            StreamEvent::Wallet(wallet) => self.wallet_round = wallet.round,
            _ => {}
        }
    }

    pub fn capabilities(&self) -> Capabilities {
        self.granted.into()
    }

    /// Returns in words the features that the casino does not support. A session without a player requests fewer.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        self.granted.missing()
    }

    pub fn supports_request_ids(&self) -> bool {
        self.granted.ids
    }

    /// Returns the next event and ignores unknown messages. Cancel safe. Fails if the stream has ended.
    pub async fn next(&mut self) -> Result<StreamEvent, SessionEnd> {
        loop {
            match self.inbound.message().await {
                Ok(Some(info)) => match convert::stream_event(info, self.granted) {
                    Some(event) => {
                        self.follow_account(&event);
                        return Ok(event);
                    }
                    None => tracing::debug!("ignored an unknown or invalid message"),
                },
                Ok(None) => return Err(SessionEnd::Closed),
                Err(status) if error::is_legacy_eof(&status) => return Err(SessionEnd::Closed),
                Err(status) => return Err(self.ended(status)),
            }
        }
    }

    /// Only a lost name ends the session for good.
    fn ended(&self, status: Status) -> SessionEnd {
        let has_lost_name = matches!(status.code(), Code::PermissionDenied | Code::Unauthenticated);
        match RequestError::from(status) {
            RequestError::Rejected(why) if has_lost_name => SessionEnd::Rejected(why),
            lost => {
                self.abandon();
                SessionEnd::Lost(lost.to_string())
            }
        }
    }
}

/// A proxy answers "unimplemented" while the casino behind it starts, so this is not final.
fn map_unimplemented<T>(answer: Result<T, Status>) -> Result<T, Status> {
    answer.map_err(|status| {
        if error::is_old_contract(&status) {
            Status::unavailable("this server does not offer trading")
        } else {
            status
        }
    })
}

/// Requests optional features; old casinos ignore them. An empty `player` is not sent: such a session has no wallet.
fn request_capabilities(metadata: &mut MetadataMap, player: &str) {
    let wanted = capabilities::Capabilities {
        wallet: !player.is_empty(),
        orders: !player.is_empty(),
        ..capabilities::Capabilities::ALL
    };
    wanted.write_metadata(metadata);
    if !player.is_empty() {
        metadata.insert_bin(
            capabilities::USER_HEADER,
            MetadataValue::from_bytes(player.as_bytes()),
        );
    }
}
