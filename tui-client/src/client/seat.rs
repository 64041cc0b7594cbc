//! A seat at the table: taken, listened at, and lost.
//!
//! Owns what is asked for on joining, and which ends of a seat are for good.

use awesomestock_proto::{casino::GambleInfo, feeds};
use tokio::sync::mpsc;
use tokio_stream::{StreamExt, wrappers::ReceiverStream};
use tonic::{
    Code, Request, Status, Streaming,
    metadata::{MetadataMap, MetadataValue},
};

use super::{
    Client, Failure, JOIN_DEADLINE, Order,
    addresses::Place,
    failure,
    wire::{self, Feeds},
};
use crate::app::{company::Told, event::StreamEvent};

/// Orders on the way to a table. More than the game lets wait for an answer: past it the casino has stopped reading.
const ORDER_QUEUE: usize = 256;

impl Client {
    /// Sits down at the table, with [`JOIN_DEADLINE`]. What is put into the queue that comes with the seat is sent; when
    /// the queue is dropped, the stream is half-closed.
    ///
    /// # Errors
    ///
    /// When the casino refuses the seat, and would again; or when it cannot be reached.
    pub async fn sit_down(&self) -> Result<(Seat, mpsc::Sender<Order>), Failure> {
        // A queue for each address: one that was given up may still take from its own.
        let seated = self.addresses.ask(JOIN_DEADLINE, |mut casino| {
            let (orders, queue) = mpsc::channel(ORDER_QUEUE);
            let player = self.player.clone();
            let actions = ReceiverStream::new(queue).map(move |order| wire::action(&player, order));
            let mut request = Request::new(actions);
            ask_for_feeds(request.metadata_mut(), &self.player);
            async move { seat_of(casino.gamble(request).await).map(|response| (response, orders)) }
        });
        let (position, (response, orders)) = seated.await?;
        let seat = Seat {
            feeds: Feeds::granted(response.metadata()),
            inbound: response.into_inner(),
            place: Place::new(&self.addresses, position),
        };
        Ok((seat, orders))
    }
}

/// A seat at the table: what the casino sends.
#[derive(Debug)]
pub struct Seat {
    feeds: Feeds,
    inbound: Streaming<GambleInfo>,
    place: Place,
}

/// How a seat ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SeatEnd {
    /// The casino closed it in order: what was outstanding is answered, if the player had left.
    Closed,
    /// It broke; in words, why.
    Lost(String),
    /// The casino has taken it away from this player, and gives no other; in words, why.
    Refused(String),
}

impl Seat {
    /// The address it is at, as it is shown, where the casino has several.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        self.place.name()
    }

    /// Nothing comes from here any more: the next seat is looked for at another address first, if there is one.
    pub fn give_up(&self) {
        self.place.give_up();
    }

    /// The casino tells ticks, wallet and outcome.
    #[must_use]
    pub fn is_extended(&self) -> bool {
        self.feeds.ticks && self.feeds.wallet
    }

    /// The casino executes an order with a limit at that price or better, or not at all.
    #[must_use]
    pub fn keeps_limits(&self) -> bool {
        self.feeds.others.limits
    }

    /// What the casino tells of the others.
    #[must_use]
    pub fn told_of_others(&self) -> Told {
        self.feeds.others
    }

    /// The casino executes what carries the same id once.
    #[must_use]
    pub fn keeps_to_ids(&self) -> bool {
        self.feeds.ids
    }

    /// The next thing the casino tells. What means nothing to this client is passed over. Can be cancelled: nothing is
    /// lost.
    ///
    /// # Errors
    ///
    /// When nothing more comes.
    pub async fn next(&mut self) -> Result<StreamEvent, SeatEnd> {
        loop {
            match self.inbound.message().await {
                Ok(Some(info)) => match wire::stream_event(info, self.feeds) {
                    Some(event) => return Ok(event),
                    None => tracing::debug!("a message of the table means nothing here"),
                },
                Ok(None) => return Err(SeatEnd::Closed),
                Err(status) if failure::is_end_of_old_table(&status) => return Err(SeatEnd::Closed),
                Err(status) => return Err(self.ended(status)),
            }
        }
    }

    /// Only a seat that is no longer this player's is one that there is no coming back to.
    fn ended(&self, status: Status) -> SeatEnd {
        let taken_away = matches!(status.code(), Code::PermissionDenied | Code::Unauthenticated);
        match Failure::from(status) {
            Failure::Refused(why) if taken_away => SeatEnd::Refused(why),
            lost => {
                self.give_up();
                SeatEnd::Lost(lost.into_words())
            }
        }
    }
}

/// What does not serve the table at all may do so soon: a proxy in front of a casino that starts says so, too.
fn seat_of<T>(answer: Result<T, Status>) -> Result<T, Status> {
    answer.map_err(|status| {
        if failure::is_old_contract(&status) {
            Status::unavailable("there is no table here")
        } else {
            status
        }
    })
}

/// Asks for more than the old contract, in the name of the player: an old casino passes over it.
fn ask_for_feeds(metadata: &mut MetadataMap, player: &str) {
    let names = [
        feeds::TICKS,
        feeds::WALLET,
        feeds::IDS,
        feeds::TAPE,
        feeds::PLAYERS,
        feeds::LEADERBOARD,
        feeds::LIMITS,
    ];
    match names.join(",").parse() {
        Ok(names) => {
            metadata.insert(feeds::KEY, names);
        }
        Err(error) => tracing::error!(%error, "the feeds' names are no metadata"),
    }
    metadata.insert_bin(feeds::USER_KEY, MetadataValue::from_bytes(player.as_bytes()));
}
