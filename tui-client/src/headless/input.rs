//! Reads lines on a thread, because reading a pipe blocks.

use std::io::{self, BufRead, Read};
use std::thread;

use tokio::sync::mpsc;

const MAX_LINE_BYTES: usize = 4096;

/// Lines read ahead. One, so that unread lines stay with the sender.
const LINES_AHEAD: usize = 1;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InputLine {
    Text(String),
    /// The line was too long and is skipped.
    TooLong,
}

/// Reads lines from `input` on a thread, until it ends or fails. Fails if the thread cannot be started.
pub(crate) fn read_lines<R: BufRead>(
    open: impl FnOnce() -> R + Send + 'static,
) -> io::Result<mpsc::Receiver<InputLine>> {
    let (sender, lines) = mpsc::channel(LINES_AHEAD);
    thread::Builder::new().name("lines".to_owned()).spawn(move || {
        let mut input = open();
        let mut is_first = true;
        while let Ok(Some(mut line)) = next_line(&mut input) {
            // Some programs write a byte order mark at the start of a text.
            if is_first && let InputLine::Text(text) = &mut line {
                *text = text.trim_start_matches('\u{feff}').to_owned();
            }
            is_first = false;
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    })?;
    Ok(lines)
}

fn next_line(input: &mut impl BufRead) -> io::Result<Option<InputLine>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_LINE_BYTES).unwrap_or(u64::MAX);
    let read = input.by_ref().take(limit).read_until(b'\n', &mut bytes)?;
    if read == 0 {
        return Ok(None);
    }
    if read == MAX_LINE_BYTES && !bytes.ends_with(b"\n") {
        input.skip_until(b'\n')?;
        return Ok(Some(InputLine::TooLong));
    }
    let text = String::from_utf8_lossy(&bytes);
    Ok(Some(InputLine::Text(
        text.trim_end_matches(['\r', '\n']).to_owned(),
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_lines(mut input: &[u8]) -> Vec<InputLine> {
        std::iter::from_fn(|| next_line(&mut input).unwrap()).collect()
    }

    fn text(line: &str) -> InputLine {
        InputLine::Text(line.to_owned())
    }

    #[test]
    fn a_line_ends_at_a_line_break_or_the_end_of_input() {
        assert_eq!(all_lines(b""), []);
        assert_eq!(
            all_lines(b"buy 2\r\n\nstop"),
            [text("buy 2"), text(""), text("stop")]
        );
        assert_eq!(all_lines(b"\xffbuy\n"), [text("\u{FFFD}buy")]);
    }

    #[test]
    fn a_byte_order_mark_at_the_start_is_ignored() {
        let mut lines = read_lines(|| &b"\xef\xbb\xbfbuy 2\n\xef\xbb\xbfsell 1\n"[..]).unwrap();
        for expected in ["buy 2", "\u{feff}sell 1"] {
            assert_eq!(lines.blocking_recv(), Some(text(expected)));
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped() {
        let mut input = vec![b'x'; MAX_LINE_BYTES * 3];
        input.extend(b"\nbalance\n");
        assert_eq!(all_lines(&input), [InputLine::TooLong, text("balance")]);
    }
}
