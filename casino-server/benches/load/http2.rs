//! A raw HTTP/2 client for Gamble streams only.
//!
//! A client library would cost more than the server under test. Here one read serves many streams, answers are counted
//! without decoding, and all actions that a batch of answers allows go out in one write.

use std::collections::VecDeque;
use std::io;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::histogram::Histogram;

const FRAME_HEADER: usize = 9;
const GRPC_HEADER: usize = 5;
/// Bytes of an action's ID, which is its last field.
const ID: usize = 16;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const LARGEST_WINDOW: u32 = 0x7fff_ffff;
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// An open Gamble stream.
struct Session {
    /// Two encoded actions, a buy and a sell, each with its gRPC header; sent in turn.
    actions: [Vec<u8>; 2],
    sell_next: bool,
    /// Number of IDs used; `None` if actions have none.
    ids: Option<u64>,
    /// Send time of each outstanding action.
    sent: VecDeque<Instant>,
    /// Incomplete message from the last DATA frame.
    partial: Vec<u8>,
}

/// Counters of a connection.
#[derive(Default)]
pub(crate) struct Counters {
    /// Prices received.
    pub(crate) prices: u64,
    /// Results received.
    pub(crate) results: u64,
    /// Results that are not rejections.
    pub(crate) executed: u64,
    /// Latency from sending an action to its result.
    pub(crate) latency: Histogram,
}

/// A connection and its sessions.
pub(crate) struct Connection {
    socket: TcpStream,
    input: Vec<u8>,
    output: Vec<u8>,
    sessions: Vec<Session>,
    /// Counters since they were last reset.
    pub(crate) counters: Counters,
}

impl Connection {
    /// Connects, and opens a Gamble stream for each player.
    pub(crate) async fn open(address: &str, players: &[String]) -> io::Result<Self> {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        let mut output = PREFACE.to_vec();
        // SETTINGS_INITIAL_WINDOW_SIZE = 4: the server must never wait for the benchmark's window.
        let window = LARGEST_WINDOW.to_be_bytes();
        let settings = [&4_u16.to_be_bytes()[..], &window[..]].concat();
        frame(&mut output, SETTINGS, 0, 0, &settings);
        let grow = (LARGEST_WINDOW - 65_535).to_be_bytes();
        frame(&mut output, 8, 0, 0, &grow);
        let headers = request_headers(address);
        let mut sessions = Vec::with_capacity(players.len());
        for (index, player) in players.iter().enumerate() {
            frame(&mut output, HEADERS, END_HEADERS, stream_id(index), &headers);
            sessions.push(Session {
                actions: [action(player, false), action(player, true)],
                sell_next: false,
                ids: None,
                sent: VecDeque::new(),
                partial: Vec::new(),
            });
        }
        let mut connection = Self {
            socket,
            input: Vec::with_capacity(1 << 16),
            output,
            sessions,
            counters: Counters::default(),
        };
        connection.flush().await?;
        Ok(connection)
    }

    /// Adds a unique ID to every action from now on.
    pub(crate) fn with_ids(mut self) -> Self {
        for session in &mut self.sessions {
            session.ids = Some(0);
            for action in &mut session.actions {
                action.extend_from_slice(&[0x2a, ID as u8]);
                action.extend_from_slice(&[0; ID]);
                action[GRPC_HEADER - 1] += 2 + ID as u8;
            }
        }
        self
    }

    /// Sends `window` actions on every session.
    pub(crate) async fn fill(&mut self, window: usize) -> io::Result<()> {
        let now = Instant::now();
        for index in 0..self.sessions.len() {
            self.send(index, window, now);
        }
        self.flush().await
    }

    /// Reads once and sends an action for each result if `send_next`.
    pub(crate) async fn pump(&mut self, send_next: bool) -> io::Result<()> {
        if self.socket.read_buf(&mut self.input).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let now = Instant::now();
        let mut at = 0;
        while let Some(header) = self.input.get(at..at + FRAME_HEADER) {
            let length = usize::from(header[0]) << 16 | usize::from(header[1]) << 8 | usize::from(header[2]);
            let (kind, flags) = (header[3], header[4]);
            let stream = u32::from_be_bytes([header[5], header[6], header[7], header[8]]) & LARGEST_WINDOW;
            let end = at + FRAME_HEADER + length;
            if end > self.input.len() {
                break;
            }
            let payload = at + FRAME_HEADER..end;
            at = end;
            self.handle_frame(kind, flags, stream, payload, now, send_next)?;
        }
        self.input.drain(..at);
        self.flush().await
    }

    /// Actions without a result.
    pub(crate) fn outstanding(&self) -> usize {
        self.sessions.iter().map(|session| session.sent.len()).sum()
    }

    fn handle_frame(
        &mut self,
        kind: u8,
        flags: u8,
        stream: u32,
        payload: std::ops::Range<usize>,
        now: Instant,
        send_next: bool,
    ) -> io::Result<()> {
        match kind {
            DATA => {
                let index = (stream as usize - 1) / 2;
                let results = self.sessions[index].count(&self.input[payload], now, &mut self.counters);
                if send_next && results > 0 {
                    self.send(index, results, now);
                }
            }
            SETTINGS if flags & ACK == 0 => frame(&mut self.output, SETTINGS, ACK, 0, &[]),
            PING if flags & ACK == 0 => {
                let echo = self.input[payload].to_vec();
                frame(&mut self.output, PING, ACK, 0, &echo);
            }
            HEADERS if flags & END_STREAM != 0 => {
                return Err(io::Error::other("a stream was ended by the server"));
            }
            RST_STREAM => return Err(io::Error::other("a stream was reset by the server")),
            GOAWAY => return Err(io::Error::other("the connection was ended by the server")),
            _ => {}
        }
        Ok(())
    }

    /// Writes `count` actions into one DATA frame.
    fn send(&mut self, index: usize, count: usize, now: Instant) {
        let start = self.output.len();
        frame(&mut self.output, DATA, 0, stream_id(index), &[]);
        let session = &mut self.sessions[index];
        for _ in 0..count {
            self.output
                .extend_from_slice(&session.actions[usize::from(session.sell_next)]);
            session.sell_next = !session.sell_next;
            session.sent.push_back(now);
            if let Some(ids) = &mut session.ids {
                *ids += 1;
                let end = self.output.len();
                self.output[end - size_of::<u64>()..].copy_from_slice(&ids.to_be_bytes());
            }
        }
        let length = (self.output.len() - start - FRAME_HEADER) as u32;
        self.output[start..start + 3].copy_from_slice(&length.to_be_bytes()[1..]);
    }

    async fn flush(&mut self) -> io::Result<()> {
        if !self.output.is_empty() {
            self.socket.write_all(&self.output).await?;
            self.output.clear();
        }
        Ok(())
    }
}

impl Session {
    /// Counts the messages in the payload of a DATA frame. Returns the number of results.
    fn count(&mut self, payload: &[u8], now: Instant, counters: &mut Counters) -> usize {
        let mut results = 0;
        let joined;
        let mut rest = payload;
        if !self.partial.is_empty() {
            self.partial.extend_from_slice(payload);
            joined = std::mem::take(&mut self.partial);
            rest = &joined;
        }
        while let Some((message, after)) = first_message(rest) {
            rest = after;
            // The type is field 1 and absent for prices: a result begins with `08 01`.
            if message.starts_with(&[0x08, 0x01]) {
                results += 1;
                counters.results += 1;
                counters.executed += u64::from(message.ends_with(b"successfully"));
                if let Some(sent) = self.sent.pop_front() {
                    counters.latency.record(now.duration_since(sent));
                }
            } else {
                counters.prices += 1;
            }
        }
        self.partial = rest.to_vec();
        results
    }
}

/// Splits off the first complete gRPC message.
fn first_message(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (header, rest) = bytes.split_at_checked(GRPC_HEADER)?;
    let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]) as usize;
    rest.split_at_checked(length)
}

fn stream_id(index: usize) -> u32 {
    index as u32 * 2 + 1
}

fn frame(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    out.extend_from_slice(&(payload.len() as u32).to_be_bytes()[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// HPACK without state: indexed names of the static table, literal values, no dynamic table.
fn request_headers(authority: &str) -> Vec<u8> {
    let mut block = vec![0x83, 0x86];
    for (name, value) in [(4, "/casino.Casino/Gamble"), (1, authority)] {
        block.push(name);
        string(&mut block, value);
    }
    block.extend_from_slice(&[0x0f, 31 - 15]);
    string(&mut block, "application/grpc");
    block.push(0);
    string(&mut block, "te");
    string(&mut block, "trailers");
    block
}

fn string(block: &mut Vec<u8>, value: &str) {
    block.push(value.len() as u8);
    block.extend_from_slice(value.as_bytes());
}

/// Encodes a `casino.Action` of one stock with its gRPC header.
fn action(player: &str, sell: bool) -> Vec<u8> {
    let name = player.len() as u8;
    let mut message = vec![0x0a, name + 2, 0x0a, name];
    message.extend_from_slice(player.as_bytes());
    if sell {
        message.extend_from_slice(&[0x10, 1]);
    }
    message.extend_from_slice(&[0x18, 1]);
    let mut framed = vec![0, 0, 0, 0, message.len() as u8];
    framed.append(&mut message);
    framed
}
