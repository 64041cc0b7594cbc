//! The wire pane: everything that the Gamble stream carries, one row each, newest last.
//!
//! The client reports [`WireEvent`]s. The session's opening, orders, results and the end of the stream are always kept;
//! all other messages once the pane has been opened. A recording holds no wire events: a replay encodes its messages
//! again.

pub mod fields;
mod kind;

use std::collections::VecDeque;

pub use self::kind::RowKind;
use self::kind::describe;
use crate::app::portfolio::money::UnixMillis;

/// Most rows kept.
pub const MAX_ROWS: usize = 500;

/// Most bytes kept of a message.
pub const MAX_MESSAGE_BYTES: usize = 16 * 1024;

/// Bytes that gRPC puts before each message: a flag for compression, and the length.
pub const PREFIX_BYTES: usize = 5;

/// Smallest screen, in columns and rows, with room for the pane beside the other panels. On a smaller one it is a window.
pub const MIN_PANE_SCREEN: (u16, u16) = (76, 18);

/// Names and values of HTTP/2 headers or trailers, in order. Secrets are already redacted.
pub type Headers = Vec<(String, String)>;

/// A part of a Gamble stream, as it was sent or received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireEvent {
    /// Time in microseconds since the Unix epoch, UTC.
    pub at_us: i64,
    pub frame: WireFrame,
    /// Events before this one that were lost, because the game was too slow for them.
    pub missed: usize,
}

/// The content of a [`WireEvent`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WireFrame {
    /// The game opens a stream.
    Request(Headers),
    /// The casino accepts it.
    Response(Headers),
    /// An `Action` of the game.
    Sent(MessageBytes),
    /// A `GambleInfo` of the casino.
    Received(MessageBytes),
    /// The game sends no more messages.
    HalfClosed,
    /// The casino ends the stream, with its status.
    Ended(Headers),
    /// The stream ended without a status, with the reason.
    Broken(String),
    /// The game reset the stream.
    Reset,
}

impl WireFrame {
    /// Returns true if the game caused it.
    pub fn is_outgoing(&self) -> bool {
        match self {
            Self::Request(_) | Self::Sent(_) | Self::HalfClosed | Self::Reset => true,
            Self::Response(_) | Self::Received(_) | Self::Ended(_) | Self::Broken(_) => false,
        }
    }

    pub fn message(&self) -> Option<&MessageBytes> {
        match self {
            Self::Sent(message) | Self::Received(message) => Some(message),
            _ => None,
        }
    }

    /// Returns the headers or trailers.
    pub fn headers(&self) -> Option<&Headers> {
        match self {
            Self::Request(headers) | Self::Response(headers) | Self::Ended(headers) => Some(headers),
            _ => None,
        }
    }
}

/// An encoded message, without the prefix of gRPC.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MessageBytes {
    /// Length of the message in bytes.
    pub length: usize,
    /// Its first bytes, at most [`MAX_MESSAGE_BYTES`].
    pub kept: Vec<u8>,
}

impl MessageBytes {
    /// Returns a complete message.
    pub fn new(bytes: &[u8]) -> Self {
        Self {
            length: bytes.len(),
            kept: bytes.iter().take(MAX_MESSAGE_BYTES).copied().collect(),
        }
    }
}

/// Returns true if a `GambleInfo` that begins with these bytes is the result of an order. Results are always kept, as
/// they are matched to orders by position.
pub fn is_result(first_bytes: &[u8]) -> bool {
    // Field 1, `type`, as a varint: ACTION_RESULT.
    first_bytes.starts_with(&[0x08, 0x01])
}

/// An order, on its own row and on that of its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderLink {
    /// The request ID; `None` if the order has none.
    pub id: Option<[u8; 16]>,
    /// The same order was sent before.
    pub is_repeated: bool,
    /// Microseconds from the order to its result, if there is one.
    pub latency_us: Option<i64>,
}

impl OrderLink {
    /// Returns the last digits of the request ID, which differ between the orders of a game: `#0a01`.
    pub fn tag(&self) -> Option<String> {
        let [.., high, low] = self.id?;
        Some(format!("#{high:02x}{low:02x}"))
    }
}

/// A row of the pane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireRow {
    /// Number of the row, from 1.
    pub number: u64,
    /// Time in microseconds since the Unix epoch, UTC.
    pub at_us: i64,
    /// Microseconds since the row before.
    pub since_us: Option<i64>,
    /// Events lost before this one.
    pub missed: usize,
    pub frame: WireFrame,
    pub kind: RowKind,
    /// Fields in words, without the type. Text of the casino in it is not sanitized.
    pub text: String,
    /// The order, of an order or a result.
    pub order: Option<OrderLink>,
}

/// An order without a result.
#[derive(Debug, Clone, Copy)]
struct OpenOrder {
    number: u64,
    at_us: i64,
    link: OrderLink,
}

/// A step of the reducer; in replays only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReducerStep {
    /// Number of the event, from 1.
    pub number: u64,
    pub at: UnixMillis,
    /// The event in a few words.
    pub event: String,
    /// The event in full.
    pub content: String,
    /// Changed parts of the state: name, before, after.
    pub changes: Vec<(&'static str, String, String)>,
    pub effects: Vec<String>,
}

/// A row of either side, opened in a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WireItem {
    /// There are no rows.
    Nothing,
    /// A part of the stream.
    Row(Box<WireRow>),
    Step(Box<ReducerStep>),
}

impl WireItem {
    fn number(&self) -> Option<u64> {
        match self {
            Self::Nothing => None,
            Self::Row(row) => Some(row.number),
            Self::Step(step) => Some(step.number),
        }
    }
}

/// The newest rows, at most [`MAX_ROWS`].
#[derive(Debug, Clone, Default)]
pub struct WireLog {
    rows: VecDeque<WireRow>,
    last_number: u64,
    /// Orders of the current stream without a result, oldest first.
    open_orders: VecDeque<OpenOrder>,
    /// The current stream has sent a price.
    has_price: bool,
}

impl WireLog {
    /// Returns the rows, oldest first.
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = &WireRow> + ExactSizeIterator {
        self.rows.iter()
    }

    /// Adds a row and returns it.
    pub fn push(&mut self, event: WireEvent) -> Option<&WireRow> {
        let (mut kind, text, id) = describe(&event.frame);
        let number = self.last_number.saturating_add(1);
        self.last_number = number;
        let order = match (&event.frame, kind) {
            (WireFrame::Request(_), _) => {
                self.open_orders.clear();
                self.has_price = false;
                None
            }
            (WireFrame::Sent(_), _) => Some(self.open_order(number, event.at_us, id)),
            (_, RowKind::Result { .. } | RowKind::Accepted) => self.answer_order(event.at_us),
            (_, RowKind::Price { .. }) => {
                kind = RowKind::Price {
                    is_first: !self.has_price,
                };
                self.has_price = true;
                None
            }
            _ => None,
        };
        let last = self.rows.back();
        let row = WireRow {
            number,
            at_us: event.at_us,
            // A clock that is set back does not give negative times.
            since_us: last.map(|last| event.at_us.saturating_sub(last.at_us).max(0)),
            missed: event.missed,
            frame: event.frame,
            kind,
            text,
            order,
        };
        push_newest(&mut self.rows, row);
        self.rows.back()
    }

    fn open_order(&mut self, number: u64, at_us: i64, id: Option<[u8; 16]>) -> OrderLink {
        let earlier = self.rows.iter().filter(|row| row.kind == RowKind::Order);
        let mut earlier_ids = earlier.filter_map(|row| row.order.and_then(|order| order.id));
        let link = OrderLink {
            id,
            is_repeated: id.is_some_and(|id| earlier_ids.any(|earlier| earlier == id)),
            latency_us: None,
        };
        push_newest(&mut self.open_orders, OpenOrder { number, at_us, link });
        link
    }

    /// Joins a result to its order, and returns the order. Results have no ID, but arrive in the order sent.
    fn answer_order(&mut self, at_us: i64) -> Option<OrderLink> {
        let open = self.open_orders.pop_front()?;
        let link = OrderLink {
            latency_us: Some(at_us.saturating_sub(open.at_us).max(0)),
            ..open.link
        };
        let first = self.rows.front().map_or(0, |row| row.number);
        let position = position(first, open.number);
        let row = self.rows.get_mut(position);
        if let Some(row) = row.filter(|row| row.number == open.number) {
            row.order = Some(link);
        }
        Some(link)
    }

    fn clear(&mut self) {
        self.rows.clear();
    }
}

/// The side of the game that the pane shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PaneSide {
    /// Messages.
    #[default]
    Wire,
    /// Events and effects of the reducer; in replays only.
    Reducer,
}

/// What the pane shows, apart from the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PaneView {
    pub is_open: bool,
    /// The arrow keys move in the pane.
    pub is_focused: bool,
    /// Number of the selected row; `None`: the newest.
    pub selected: Option<u64>,
    pub side: PaneSide,
}

#[derive(Debug, Clone, Default)]
pub struct WirePane {
    pub view: PaneView,
    /// Messages.
    pub log: WireLog,
    /// Steps of the reducer, oldest first; in replays only.
    pub steps: VecDeque<ReducerStep>,
    /// Messages other than orders and results are kept.
    pub(crate) collects: bool,
    /// The rows are those of a replay.
    pub is_replay: bool,
}

impl WirePane {
    /// Adds a row. Before the pane has been opened, only the rows of the current stream are kept.
    pub(crate) fn push(&mut self, event: WireEvent) {
        if !self.collects && matches!(event.frame, WireFrame::Request(_)) {
            self.log.clear();
        }
        self.log.push(event);
    }

    /// Returns the position of the selected row among those of the shown side.
    pub fn selected_position(&self) -> Option<usize> {
        let last = self.rows_shown().checked_sub(1)?;
        let selected = self.view.selected.map(|number| self.position(number));
        Some(selected.unwrap_or(last).min(last))
    }

    /// Returns the number of rows of the shown side.
    pub fn rows_shown(&self) -> usize {
        match self.view.side {
            PaneSide::Wire => self.log.rows.len(),
            PaneSide::Reducer => self.steps.len(),
        }
    }

    pub(crate) fn selected_item(&self) -> WireItem {
        let item = self.selected_position().and_then(|position| self.item(position));
        item.unwrap_or(WireItem::Nothing)
    }

    fn item(&self, position: usize) -> Option<WireItem> {
        Some(match self.view.side {
            PaneSide::Wire => WireItem::Row(Box::new(self.log.rows.get(position)?.clone())),
            PaneSide::Reducer => WireItem::Step(Box::new(self.steps.get(position)?.clone())),
        })
    }

    /// Returns the position of a row; that of the oldest one if it is no longer kept.
    fn position(&self, number: u64) -> usize {
        let first = match self.view.side {
            PaneSide::Wire => self.log.rows.front().map(|row| row.number),
            PaneSide::Reducer => self.steps.front().map(|step| step.number),
        };
        position(first.unwrap_or(0), number)
    }

    /// Moves the selection by rows. On the newest row it follows the newest one.
    pub(crate) fn move_selection(&mut self, rows: isize) {
        let Some(position) = self.selected_position() else {
            return;
        };
        let to = position.saturating_add_signed(rows);
        let is_newest = to.saturating_add(1) >= self.rows_shown();
        let item = self.item(to).filter(|_| !is_newest);
        self.view.selected = item.and_then(|item| item.number());
    }

    /// Selects the row before or after an open one, and returns it.
    pub(crate) fn step_from(&mut self, item: &WireItem, rows: isize) -> Option<WireItem> {
        let next = self.item(self.position(item.number()?).checked_add_signed(rows)?)?;
        self.view.selected = next.number();
        Some(next)
    }
}

/// Adds a row, and drops the oldest one of more than [`MAX_ROWS`].
pub(super) fn push_newest<T>(rows: &mut VecDeque<T>, row: T) {
    if rows.len() >= MAX_ROWS {
        rows.pop_front();
    }
    rows.push_back(row);
}

/// Returns the position of row `number` if the oldest one is `first`; 0 if it is no longer kept.
fn position(first: u64, number: u64) -> usize {
    usize::try_from(number.saturating_sub(first)).unwrap_or(usize::MAX)
}
