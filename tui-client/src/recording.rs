//! A recorded session as a file: one JSON value a line, the first of which says what it is.
//!
//! Owns the format, its version and its bounds. What is written is what the game was told and when; what the game made
//! of it is not, because playing it again gives the same. It knows no terminal and no casino.
//!
//! ```text
//! {"awesomestock-recording":4,"version":"0.1.0","seat":{..},"columns":120,"rows":36,"at":1795356202000}
//! {"at":1795356202040,"event":{"Stream":{"Joined":{"extended":true,"ids":true}}}}
//! {"at":1795356261000,"end":"Full"}
//! ```

mod read;
mod write;

pub use read::{Unreadable, read, read_from};
pub use write::Recorder;

use serde::{Deserialize, Serialize};

use crate::app::{Event, Seat, Settings, money::UnixMs};

/// The version of the format. It changes with every change of what an event may be.
pub const FORMAT: u32 = 4;

/// Bytes a recording may have: a day of prices, one a second.
pub const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// What the file is: read first, whatever else the first line holds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Mark {
    #[serde(rename = "awesomestock-recording")]
    format: u32,
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the game that recorded.
    pub version: String,
    /// Who played, and where.
    pub seat: Seat,
    /// How they wanted the game.
    #[serde(default)]
    pub settings: Settings,
    /// Columns of the terminal at the start.
    pub columns: u16,
    /// Rows of the terminal at the start.
    pub rows: u16,
    /// When the game began.
    pub at: UnixMs,
}

/// The mark and the header, as they are written.
#[derive(Debug, Serialize)]
struct FirstLine<'a> {
    #[serde(flatten)]
    mark: Mark,
    #[serde(flatten)]
    header: &'a Header,
}

/// Any other line.
#[derive(Debug, Serialize, Deserialize)]
struct Entry<E> {
    at: UnixMs,
    #[serde(flatten)]
    what: What<E>,
}

/// What a line tells. Generic, so that an event need not be copied to be written.
#[derive(Debug, Serialize, Deserialize)]
enum What<E> {
    /// The game was told this.
    #[serde(rename = "event")]
    Event(E),
    /// Nothing more was recorded.
    #[serde(rename = "end")]
    End(End),
}

/// Why a recording ends before its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum End {
    /// It has as many bytes as it may have.
    Full,
}

/// An entry that owns its event.
type OwnEntry = Entry<Event>;
