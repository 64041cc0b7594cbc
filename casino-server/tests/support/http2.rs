//! A minimal HTTP/2 client that works on single frames, to send what no library would.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;
pub const ACK: u8 = 1;
pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

/// A connection.
pub struct Connection {
    reader: Reader,
    writer: Writer,
}

/// The sending half.
pub struct Writer(OwnedWriteHalf);

/// The receiving half. It answers nothing by itself.
pub struct Reader(OwnedReadHalf);

impl Connection {
    /// Connects with a window of `window` bytes for each stream.
    pub async fn open(address: SocketAddr, window: u32) -> Self {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            .await
            .unwrap();
        let (reader, writer) = socket.into_split();
        let mut connection = Self {
            reader: Reader(reader),
            writer: Writer(writer),
        };
        let initial_window = [&4_u16.to_be_bytes()[..], &window.to_be_bytes()[..]].concat();
        connection.send(SETTINGS, 0, 0, &initial_window).await.unwrap();
        connection
    }

    pub async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> std::io::Result<()> {
        self.writer.send(kind, flags, stream, payload).await
    }

    /// Opens a Gamble stream.
    pub async fn gamble(&mut self, stream: u32) -> std::io::Result<()> {
        self.writer.gamble(stream).await
    }

    /// Splits the connection for two tasks.
    pub fn split(self) -> (Reader, Writer) {
        (self.reader, self.writer)
    }

    /// Returns the next frame that is not about connection settings, or `None` if the server closed the connection.
    /// Answers pings.
    pub async fn next(&mut self) -> Option<Frame> {
        loop {
            let frame = self.reader.next().await?;
            match frame.kind {
                PING if frame.flags & ACK == 0 => {
                    self.send(PING, ACK, 0, &frame.payload).await.ok()?;
                }
                SETTINGS if frame.flags & ACK == 0 => self.send(SETTINGS, ACK, 0, &[]).await.ok()?,
                PING | SETTINGS | WINDOW_UPDATE => {}
                _ => return Some(frame),
            }
        }
    }
}

impl Writer {
    pub async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> std::io::Result<()> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let stream = stream.to_be_bytes();
        let frame = [&length[1..], &[kind, flags], &stream, payload].concat();
        self.0.write_all(&frame).await
    }

    /// Opens a Gamble stream.
    pub async fn gamble(&mut self, stream: u32) -> std::io::Result<()> {
        let block = request("/casino.Casino/Gamble", &[]);
        self.send(HEADERS, END_HEADERS, stream, &block).await
    }
}

impl Reader {
    /// Returns the next frame, or `None` if the server closed the connection.
    pub async fn next(&mut self) -> Option<Frame> {
        let mut header = [0; 9];
        self.0.read_exact(&mut header).await.ok()?;
        let length = u32::from_be_bytes([0, header[0], header[1], header[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut payload).await.ok()?;
        Some(Frame {
            kind: header[3],
            flags: header[4],
            stream: u32::from_be_bytes([header[5], header[6], header[7], header[8]]),
            payload,
        })
    }
}

/// Frames `bytes` as a gRPC message.
pub fn message(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    [&[0], &length[..], bytes].concat()
}

/// The header block of a gRPC request, HPACK-encoded without state.
pub fn request(path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut block = vec![0x83, 0x86];
    for (name, value) in [(4, path), (1, "table")] {
        block.push(name);
        string(&mut block, value);
    }
    let always = [("content-type", "application/grpc"), ("te", "trailers")];
    for (name, value) in always.iter().chain(more) {
        block.push(0);
        string(&mut block, name);
        string(&mut block, value);
    }
    block
}

/// Appends a string literal: its length with a 7-bit prefix, then its bytes.
fn string(block: &mut Vec<u8>, text: &str) {
    const PREFIX: usize = 0x7f;
    let mut length = text.len();
    if length < PREFIX {
        block.push(u8::try_from(length).unwrap());
    } else {
        block.push(0x7f);
        length -= PREFIX;
        while length >= 0x80 {
            block.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
            length >>= 7;
        }
        block.push(u8::try_from(length).unwrap());
    }
    block.extend_from_slice(text.as_bytes());
}
