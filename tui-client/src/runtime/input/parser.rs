//! Parses the bytes of the terminal into events: keys, pastes, and what the game uses of the mouse.
//!
//! crossterm's own reader takes an OSC string for typed keys, and waits without end for the rest of a `CSI ?` report
//! that it does not know. Parsers of a program's output, such as vte, do not know the lone Esc, Alt with any character,
//! or pastes.
//!
//! Terminals answer in one piece, but slow lines deliver it byte by byte. So an Esc without a next byte for 100 ms is a
//! key, and an introducer such as `]` that follows within a second still begins a sequence if its next byte comes within
//! half a second. A sequence ends with its last byte, before a byte that it cannot contain, after 3 s without a byte, or
//! after 10 s. A Ctrl-C ends it at once.

use std::mem;
use std::time::{Duration, Instant};

use crossterm::event::{
    KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use crate::app::Event;

/// Bytes of a paste that are kept: more than any line of words takes.
const MAX_PASTE_BYTES: usize = 4096;

/// Bytes of a paste that are held back: its end, and a character that crosses the bound.
const PASTE_TAIL: usize = PASTE_END.len() + 4;

const PASTE_END: &[u8] = b"\x1b[201~";

/// The longest parameters of a key or a click.
const MAX_PARAMETERS: usize = 32;

/// Timeout after an Esc, which may begin a sequence.
const ESC_WAIT: Duration = Duration::from_millis(100);

/// Timeout after an introducer. Without a next byte it is a key.
const INTRODUCER_WAIT: Duration = Duration::from_millis(250);

/// Time in which an introducer still belongs to an Esc that was taken for a key, and the timeout of the byte after it.
const LATE_INTRODUCER: Duration = Duration::from_secs(1);
const LATE_INTRODUCER_WAIT: Duration = Duration::from_millis(500);

/// Timeout of the next byte of a sequence.
const SEQUENCE_WAIT: Duration = Duration::from_secs(3);

/// The longest time that one sequence takes, and a millisecond for each byte of a string: typed keys are slower, so
/// they do not prolong a string without end.
const SEQUENCE_LIMIT: Duration = Duration::from_secs(10);

/// Timeout of the next byte of a paste. Later bytes are typed keys.
const PASTE_WAIT: Duration = Duration::from_secs(1);

/// Timeout after a Ctrl-C in a paste. Without a next byte it is the key, and the end of the paste is lost.
const PASTED_CTRL_C_WAIT: Duration = Duration::from_millis(500);

/// The start of a string that tmux passes through. Inside it each ESC is doubled.
const TMUX: &[u8] = b"tmux;";

const CTRL_C: u8 = 0x03;
const BEL: u8 = 0x07;
const CAN: u8 = 0x18;
const SUB: u8 = 0x1a;
const ESC: u8 = 0x1b;
const STRING_TERMINATOR: u8 = 0x9c;

/// Where in a sequence the parser is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    /// After ESC.
    Escape(Before),
    /// In a character of several bytes, held down with these modifiers.
    Character(KeyModifiers),
    /// After `ESC [` (CSI), `ESC N` (SS2), `ESC O` (SS3) or ESC and an intermediate byte: parameters, then a final byte.
    Sequence(u8),
    /// In an OSC, DCS, APC, PM or SOS string with this introducer, which is dropped.
    String(u8),
    /// In the three bytes of an X10 mouse report.
    Mouse,
    Paste,
}

/// What an ESC comes after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    /// An ESC that was reported as the key Esc.
    Esc,
}

/// The state of the input. Takes one byte at a time, so it does not matter where reads cut a sequence.
#[derive(Debug)]
pub(super) struct Parser {
    state: State,
    /// The bytes of an unfinished character, sequence or paste, the first ones of a string. Bounded.
    kept: Vec<u8>,
    /// The last byte of a string; 0 at its start.
    last: u8,
    /// The time by which a sequence has to end.
    ends: Instant,
    /// When an Esc was taken for a key, until the next byte.
    esc_at: Option<Instant>,
    /// The introducer followed such an Esc.
    is_late: bool,
}

impl Parser {
    pub(super) fn new() -> Self {
        Self {
            state: State::Ground,
            kept: Vec::new(),
            last: 0,
            ends: Instant::now(),
            esc_at: None,
            is_late: false,
        }
    }

    /// The time to wait for the next byte before [`flush`](Self::flush); `None` if nothing is unfinished.
    pub(super) fn wait(&self) -> Option<Duration> {
        match self.state {
            State::Ground => None,
            State::Paste if self.kept.ends_with(&[CTRL_C]) => Some(PASTED_CTRL_C_WAIT),
            State::Paste => Some(PASTE_WAIT),
            State::Escape(_) => Some(ESC_WAIT),
            State::Character(_) | State::Sequence(_) | State::String(_) | State::Mouse => {
                let left = self.ends.saturating_duration_since(Instant::now());
                let next = match (self.kept.is_empty(), self.is_late) {
                    (false, _) => SEQUENCE_WAIT,
                    (true, false) => INTRODUCER_WAIT,
                    (true, true) => LATE_INTRODUCER_WAIT,
                };
                Some(next.min(left))
            }
        }
    }

    /// Ends what is unfinished: an Esc and an introducer alone are keys, and so is a Ctrl-C at the end of what came of
    /// a paste.
    pub(super) fn flush(&mut self) -> Option<Event> {
        let kept = mem::take(&mut self.kept);
        match mem::take(&mut self.state) {
            State::Escape(before) => {
                self.esc_at = Some(Instant::now());
                (before == Before::Nothing).then(|| key(KeyCode::Esc, KeyModifiers::NONE))
            }
            State::Sequence(introducer) | State::String(introducer) if kept.is_empty() => {
                let modifiers = if self.is_late {
                    KeyModifiers::NONE
                } else {
                    KeyModifiers::ALT
                };
                character(introducer.into(), modifiers)
            }
            State::Paste if kept.ends_with(&[CTRL_C]) => Some(control(b'c', KeyModifiers::NONE)),
            State::Paste => Some(pasted(&kept)),
            _ => None,
        }
    }

    pub(super) fn push(&mut self, byte: u8) -> Option<Event> {
        if byte == CTRL_C && self.state != State::Paste {
            *self = Self::new();
            return Some(control(b'c', KeyModifiers::NONE));
        }
        match self.state {
            State::Ground => self.start(byte, KeyModifiers::NONE),
            State::Escape(before) => self.after_escape(byte, before),
            State::Character(modifiers) => self.in_character(byte, modifiers),
            State::Sequence(introducer) => self.in_sequence(byte, introducer),
            State::String(introducer) => {
                self.in_string(byte, introducer);
                None
            }
            State::Mouse => self.in_mouse(byte),
            State::Paste => self.in_paste(byte),
        }
    }

    /// Begins a key with a byte that is not inside anything.
    fn start(&mut self, byte: u8, modifiers: KeyModifiers) -> Option<Event> {
        let now = Instant::now();
        self.kept.clear();
        self.state = State::Ground;
        self.ends = now + SEQUENCE_LIMIT;
        let is_recent = |esc: Instant| now.saturating_duration_since(esc) < LATE_INTRODUCER;
        self.is_late = self.esc_at.take().is_some_and(is_recent);
        match byte {
            b'[' | b']' | b'P' | b'X' | b'^' | b'_' if self.is_late && self.introduce(byte) => None,
            ESC => {
                self.state = State::Escape(Before::Nothing);
                None
            }
            b'\r' => Some(key(KeyCode::Enter, modifiers)),
            b'\t' => Some(key(KeyCode::Tab, modifiers)),
            0x7f => Some(key(KeyCode::Backspace, modifiers)),
            0x00 => Some(key(KeyCode::Char(' '), modifiers | KeyModifiers::CONTROL)),
            0x01..=0x1a => Some(control(byte | 0x60, modifiers)),
            0x1c..=0x1f => Some(control(byte + 0x18, modifiers)),
            b' '..=b'~' => character(byte.into(), modifiers),
            0x80.. => {
                self.state = State::Character(modifiers);
                self.in_character(byte, modifiers)
            }
        }
    }

    fn after_escape(&mut self, byte: u8, before: Before) -> Option<Event> {
        match (byte, before) {
            (ESC, Before::Nothing) => {
                self.state = State::Escape(Before::Esc);
                Some(key(KeyCode::Esc, KeyModifiers::NONE))
            }
            (ESC, Before::Esc) => {
                self.state = State::Escape(Before::Nothing);
                None
            }
            _ if self.introduce(byte) => {
                self.is_late = false;
                None
            }
            (_, Before::Nothing) => self.start(byte, KeyModifiers::ALT),
            (_, Before::Esc) => self.start(byte, KeyModifiers::NONE),
        }
    }

    /// Begins a sequence or a string with the byte after an ESC. Returns false for another byte.
    fn introduce(&mut self, byte: u8) -> bool {
        self.kept.clear();
        self.last = 0;
        self.state = match byte {
            b'[' | b'N' | b'O' | b' '..=b'/' => State::Sequence(byte),
            b']' | b'P' | b'X' | b'^' | b'_' => State::String(byte),
            _ => return false,
        };
        true
    }

    fn in_character(&mut self, byte: u8, modifiers: KeyModifiers) -> Option<Event> {
        if byte < 0x80 {
            return self.start(byte, KeyModifiers::NONE);
        }
        self.kept.push(byte);
        let read = match str::from_utf8(&self.kept) {
            Ok(text) => text.chars().next(),
            Err(error) if error.error_len().is_none() => return None,
            Err(_) => None,
        };
        self.state = State::Ground;
        match read {
            Some('\u{80}'..='\u{9f}') => self.after_c1(byte),
            Some(read) => return character(read, modifiers),
            None if self.kept.len() == 1 => self.after_c1(byte),
            None => {}
        }
        None
    }

    /// Takes the 8-bit form of a two-byte escape sequence, alone or encoded in UTF-8. No character begins with such a
    /// byte.
    fn after_c1(&mut self, byte: u8) {
        if (0x80..=0x9f).contains(&byte) {
            self.introduce(byte - 0x40);
        }
    }

    /// Terminals let any escape sequence end a string. Here only `ESC \` does, so that the rest of the string is not typed.
    fn in_string(&mut self, byte: u8, introducer: u8) {
        let is_escaped = self.last == ESC;
        if is_escaped && byte == ESC {
            if introducer == b'P' && self.kept == TMUX {
                self.last = 0;
            }
            return;
        }
        let is_end = match byte {
            b'\\' => is_escaped,
            BEL => introducer == b']',
            // Inside a character, it is text.
            STRING_TERMINATOR => self.last < 0x80 || self.last == 0xc2,
            _ => matches!(byte, CAN | SUB),
        };
        if is_end {
            self.state = State::Ground;
        }
        self.last = byte;
        self.ends = (self.ends + Duration::from_millis(1)).min(Instant::now() + SEQUENCE_LIMIT);
        if self.kept.len() < TMUX.len() {
            self.kept.push(byte);
        }
    }

    fn in_sequence(&mut self, byte: u8, introducer: u8) -> Option<Event> {
        match byte {
            // The Linux console sends `ESC [ [ A` for F1.
            b'[' if introducer == b'[' && self.kept.is_empty() => self.kept.push(byte),
            b'0'..=b'~' if introducer < b'0' || introducer == b'N' => self.state = State::Ground,
            0x20..=0x3f if self.kept.len() <= MAX_PARAMETERS => self.kept.push(byte),
            0x20..=0x3f => {}
            0x40..=0x7e => return self.end_sequence(introducer, byte),
            CAN | SUB => self.state = State::Ground,
            // A sequence cannot contain this byte: it was cut off, and a key follows.
            _ => return self.start(byte, KeyModifiers::NONE),
        }
        None
    }

    fn end_sequence(&mut self, introducer: u8, last: u8) -> Option<Event> {
        self.state = State::Ground;
        let kept = mem::take(&mut self.kept);
        let parameters = str::from_utf8(&kept)
            .ok()
            .filter(|text| text.len() <= MAX_PARAMETERS)?;
        match (introducer, parameters, last) {
            (b'[', "200", b'~') => self.state = State::Paste,
            (b'[', "", b'M') => self.state = State::Mouse,
            (b'[', "[", b'A'..=b'E') => return Some(key(KeyCode::F(last - b'@'), KeyModifiers::NONE)),
            (b'[', _, b'M' | b'm') => return click(parameters, last),
            (b'[', _, b'R') | (b'O', _, b'~' | b'u' | b'Z') => {}
            _ => return function_key(parameters, last),
        }
        None
    }

    fn in_mouse(&mut self, byte: u8) -> Option<Event> {
        if byte < b' ' {
            return self.start(byte, KeyModifiers::NONE);
        }
        self.kept.push(byte);
        let &[buttons, column, row] = self.kept.as_slice() else {
            return None;
        };
        self.kept.clear();
        self.state = State::Ground;
        let place = |byte: u8| u16::from(byte - b' ');
        mouse(buttons - b' ', place(column), place(row), false)
    }

    fn in_paste(&mut self, byte: u8) -> Option<Event> {
        self.kept.push(byte);
        if self.kept.ends_with(PASTE_END) {
            self.kept
                .truncate(self.kept.len().saturating_sub(PASTE_END.len()));
            self.state = State::Ground;
            return Some(pasted(&mem::take(&mut self.kept)));
        }
        if self.kept.len() > MAX_PASTE_BYTES + PASTE_TAIL {
            self.kept.remove(MAX_PASTE_BYTES + 4);
        }
        None
    }
}

fn pasted(bytes: &[u8]) -> Event {
    let mut text = String::from_utf8_lossy(bytes).into_owned();
    text.truncate(text.floor_char_boundary(MAX_PASTE_BYTES));
    Event::Paste(text)
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> Event {
    Event::Key(KeyEvent::new(code, modifiers))
}

fn control(letter: u8, modifiers: KeyModifiers) -> Event {
    key(KeyCode::Char(letter.into()), modifiers | KeyModifiers::CONTROL)
}

fn character(typed: char, mut modifiers: KeyModifiers) -> Option<Event> {
    modifiers.set(KeyModifiers::SHIFT, typed.is_uppercase());
    (!typed.is_control()).then(|| key(KeyCode::Char(typed), modifiers))
}

/// The key of a CSI or SS3 sequence: `code[:shifted][;modifiers[:kind]]`. `None` for a report.
fn function_key(parameters: &str, last: u8) -> Option<Event> {
    let mut fields = parameters.split(';');
    let mut codes = fields.next()?.split(':');
    let mut held = fields.next().unwrap_or_default().split(':');
    let first = codes.next()?;
    let mut modifiers = held.next().map_or(Some(KeyModifiers::NONE), modifiers)?;
    let kind = match held.next() {
        None | Some("1") => KeyEventKind::Press,
        Some("2") => KeyEventKind::Repeat,
        Some("3") => KeyEventKind::Release,
        Some(_) => return None,
    };
    let code = match last {
        b'~' => tilde_key(first.parse().ok()?)?,
        b'u' => {
            let shifted = codes.next().filter(|_| modifiers.contains(KeyModifiers::SHIFT));
            if shifted.is_some() {
                modifiers.remove(KeyModifiers::SHIFT);
            }
            unicode_key(shifted.unwrap_or(first), modifiers)?
        }
        _ if !matches!(first, "" | "1") => return None,
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'P'..=b'S' => KeyCode::F(last - b'O'),
        b'Z' => {
            modifiers |= KeyModifiers::SHIFT;
            KeyCode::BackTab
        }
        _ => return None,
    };
    Some(Event::Key(KeyEvent::new_with_kind(code, modifiers, kind)))
}

/// The modifiers of a key: empty, or 1 plus their bits.
fn modifiers(mask: &str) -> Option<KeyModifiers> {
    match mask {
        "" => Some(KeyModifiers::NONE),
        mask => Some(held(mask.parse::<u8>().ok()?.checked_sub(1)?)),
    }
}

/// xterm's bits are Shift, Alt, Control; crossterm's are Shift, Control, Alt. Super, Hyper and Meta follow in both.
fn held(bits: u8) -> KeyModifiers {
    KeyModifiers::from_bits_truncate(bits & !0b110 | (bits & 0b010) << 1 | (bits & 0b100) >> 1)
}

fn tilde_key(number: u8) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F(number - 10),
        17..=21 => KeyCode::F(number - 11),
        23..=26 => KeyCode::F(number - 12),
        28..=29 => KeyCode::F(number - 15),
        31..=34 => KeyCode::F(number - 17),
        _ => return None,
    })
}

/// A key of the `CSI u` encoding. Its codes for further keys, in the private use area, are not asked for.
fn unicode_key(code: &str, modifiers: KeyModifiers) -> Option<KeyCode> {
    match char::from_u32(code.parse().ok()?)? {
        '\u{1b}' => Some(KeyCode::Esc),
        '\r' => Some(KeyCode::Enter),
        '\t' if modifiers.contains(KeyModifiers::SHIFT) => Some(KeyCode::BackTab),
        '\t' => Some(KeyCode::Tab),
        '\u{7f}' => Some(KeyCode::Backspace),
        '\u{e000}'..='\u{f8ff}' => None,
        typed => (!typed.is_control()).then_some(KeyCode::Char(typed)),
    }
}

/// A mouse report in SGR's form (`<` at the start) or rxvt's.
fn click(parameters: &str, last: u8) -> Option<Event> {
    let (numbers, offset) = match parameters.strip_prefix('<') {
        Some(numbers) => (numbers, 0),
        None => (parameters, 32),
    };
    let mut numbers = numbers.split(';').map(str::parse::<u16>);
    let mut next = || numbers.next()?.ok();
    let buttons = u8::try_from(next()?.checked_sub(offset)?).ok()?;
    mouse(buttons, next()?, next()?, last == b'm')
}

/// A mouse report; `None` for a gesture that the game does not use. Columns and rows count from 1; some terminals send 0 at
/// the edge.
fn mouse(buttons: u8, column: u16, row: u16, released: bool) -> Option<Event> {
    let moves = buttons & 32 != 0;
    let kind = match (buttons & 0b11) | (buttons & 0b1100_0000) >> 4 {
        0 if moves => MouseEventKind::Drag(MouseButton::Left),
        0 if released => MouseEventKind::Up(MouseButton::Left),
        0 => MouseEventKind::Down(MouseButton::Left),
        3..=5 if moves => MouseEventKind::Moved,
        3 => MouseEventKind::Up(MouseButton::Left),
        4 => MouseEventKind::ScrollUp,
        5 => MouseEventKind::ScrollDown,
        _ => return None,
    };
    Some(Event::Mouse(MouseEvent {
        kind,
        column: column.saturating_sub(1),
        row: row.saturating_sub(1),
        modifiers: held(buttons >> 2 & 0b111),
    }))
}

#[cfg(test)]
mod tests;
