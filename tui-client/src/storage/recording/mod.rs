//! Recordings: JSON lines of a header and events. The state is not stored, because replaying gives the same.
//!
//! ```text
//! {"awesomestock-recording":5,"version":"0.1.0","seat":{..},"columns":120,"rows":36,"at":1795356202000}
//! {"at":1795356202040,"event":{"Stream":{"Joined":{"extended":true,"ids":true}}}}
//! {"at":1795356261000,"end":"Full"}
//! ```

pub(crate) mod read;
mod write;

pub use read::read;
use serde::{Deserialize, Serialize};
pub use write::Recorder;

use crate::app::portfolio::money::UnixMillis;
use crate::app::{SessionInfo, Settings};

/// Format version, increased with every change of the event types that an earlier version cannot read.
pub(crate) const FORMAT: u32 = 5;

/// The oldest format that is read: each part of a frame was an event of its own.
const OLDEST_FORMAT: u32 = 4;

/// Largest recording, in bytes: a day of prices, one a second.
pub const MAX_BYTES: u64 = 16 * 1024 * 1024;

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct FormatTag {
    #[serde(rename = "awesomestock-recording")]
    format: u32,
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    pub version: String,
    #[serde(rename = "seat")]
    pub info: SessionInfo,
    #[serde(default)]
    pub settings: Settings,
    pub columns: u16,
    pub rows: u16,
    /// Time of the start.
    pub at: UnixMillis,
}

/// The first line as it is written.
#[derive(Debug, Serialize)]
struct Preamble<'a> {
    #[serde(flatten)]
    tag: FormatTag,
    #[serde(flatten)]
    header: &'a Header,
}

#[derive(Debug, Serialize, Deserialize)]
struct Record<E> {
    at: UnixMillis,
    #[serde(flatten)]
    body: RecordBody<E>,
}

/// Generic, so that events are written without a copy.
#[derive(Debug, Serialize, Deserialize)]
enum RecordBody<E> {
    #[serde(rename = "event")]
    Event(E),
    #[serde(rename = "end")]
    End(End),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum End {
    Full,
}
