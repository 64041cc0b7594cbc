//! The player's lines, read apart from the conversation.
//!
//! Owns the bound of a line. A thread of its own reads, because reading a pipe blocks: so that prices can be told, and
//! the game can end, while no line comes.

use std::{
    io::{self, BufRead, Read},
    thread,
};

use tokio::sync::mpsc;

/// Bytes a line may have: far more than any command.
const MAX_LINE_BYTES: usize = 4096;

/// Lines read ahead. One: what was not asked for yet stays with the sender.
const LINES_AHEAD: usize = 1;

/// A line of the player.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// What it says, without its end.
    Text(String),
    /// It was longer than a line may be, and has been passed over.
    TooLong,
}

/// Reads lines from `input` on a thread of its own. They end where the input ends or breaks.
///
/// # Errors
///
/// When the thread cannot be started.
pub fn read_lines<R: BufRead>(open: impl FnOnce() -> R + Send + 'static) -> io::Result<mpsc::Receiver<Line>> {
    let (sender, lines) = mpsc::channel(LINES_AHEAD);
    thread::Builder::new().name("lines".to_owned()).spawn(move || {
        let mut input = open();
        while let Ok(Some(line)) = next_line(&mut input) {
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    })?;
    Ok(lines)
}

fn next_line(input: &mut impl BufRead) -> io::Result<Option<Line>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_LINE_BYTES).unwrap_or(u64::MAX);
    let read = input.by_ref().take(limit).read_until(b'\n', &mut bytes)?;
    if read == 0 {
        return Ok(None);
    }
    if read == MAX_LINE_BYTES && !bytes.ends_with(b"\n") {
        input.skip_until(b'\n')?;
        return Ok(Some(Line::TooLong));
    }
    let text = String::from_utf8_lossy(&bytes);
    Ok(Some(Line::Text(text.trim_end_matches(['\r', '\n']).to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_lines(mut input: &[u8]) -> Vec<Line> {
        std::iter::from_fn(|| next_line(&mut input).unwrap()).collect()
    }

    fn text(line: &str) -> Line {
        Line::Text(line.to_owned())
    }

    #[test]
    fn a_line_ends_with_its_end_or_the_inputs() {
        assert_eq!(all_lines(b""), []);
        assert_eq!(
            all_lines(b"buy 2\r\n\nstop"),
            [text("buy 2"), text(""), text("stop")]
        );
        assert_eq!(all_lines(b"\xffbuy\n"), [text("\u{FFFD}buy")]);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        let mut input = vec![b'x'; MAX_LINE_BYTES * 3];
        input.extend(b"\nbalance\n");
        assert_eq!(all_lines(&input), [Line::TooLong, text("balance")]);
    }
}
