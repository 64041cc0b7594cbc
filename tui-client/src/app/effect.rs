//! Everything the game may ask of the world. The shell carries it out and decides nothing.

use super::{
    event::Call,
    log::{Sent, Slip},
    money::Side,
};

/// Something to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Open the Gamble stream after so many milliseconds; what comes of it is a stream event.
    Connect {
        /// Milliseconds to wait first.
        after_ms: i64,
    },
    /// Send an order on the Gamble stream.
    Send {
        /// Buy or sell.
        side: Side,
        /// Stocks.
        count: i32,
        /// The worst price at which it is to be executed.
        limit: Option<i32>,
        /// Which order it is. Sent again, it is the same, and carries the same id.
        slip: Slip,
    },
    /// Half-close the Gamble stream: what is outstanding is answered, then it ends.
    Leave,
    /// Make a call; its answer or failure is an event.
    Call(Call),
    /// Put a text on the clipboard of whoever sits at the terminal.
    Copy(String),
    /// Write a text into a new file of this name in the working folder; what comes of it is an event.
    Export {
        /// The file's name.
        file_name: String,
        /// Its content.
        text: String,
    },
    /// Draw the whole screen anew, whatever the terminal shows.
    Repaint,
    /// Give the terminal back and stop the process until it is continued.
    Suspend,
    /// End the game.
    Quit,
}

/// What one event asks for, in order.
pub type Effects = Vec<Effect>;

impl From<Sent> for Effect {
    fn from(sent: Sent) -> Self {
        Self::Send {
            side: sent.side,
            count: sent.count,
            limit: sent.limit,
            slip: sent.slip,
        }
    }
}
