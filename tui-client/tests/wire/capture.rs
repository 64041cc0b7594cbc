//! A proxy on real sockets that keeps every byte, and a reader of HTTP/2 that shares no code with the game.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What the client of an HTTP/2 connection sends first.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;

/// Bytes of both directions of the first connection.
#[derive(Default)]
struct Captured {
    sent: Mutex<Vec<u8>>,
    received: Mutex<Vec<u8>>,
    streams: Mutex<Vec<TcpStream>>,
}

pub(crate) struct Capture {
    address: SocketAddr,
    captured: Arc<Captured>,
}

impl Capture {
    /// Listens, and forwards the first connection to `casino`.
    pub(crate) fn start(casino: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let captured = Arc::<Captured>::default();
        let (casino, shared) = (casino.to_owned(), Arc::clone(&captured));
        thread::spawn(move || {
            let (game, _) = listener.accept().unwrap();
            let casino = TcpStream::connect(casino).unwrap();
            let ends = [game.try_clone().unwrap(), casino.try_clone().unwrap()];
            shared.streams.lock().unwrap().extend(ends);
            let both = Arc::clone(&shared);
            let (from, to) = (game.try_clone().unwrap(), casino.try_clone().unwrap());
            thread::spawn(move || forward(from, to, &both.sent));
            forward(casino, game, &shared.received);
        });
        Self { address, captured }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Breaks the connection.
    pub(crate) fn cut(&self) {
        for stream in self.captured.streams.lock().unwrap().iter() {
            stream.shutdown(Shutdown::Both).unwrap();
        }
    }

    /// The gRPC messages of the game, with their prefix.
    pub(crate) fn sent(&self) -> Vec<Vec<u8>> {
        let bytes = self.captured.sent.lock().unwrap();
        messages(bytes.strip_prefix(PREFACE).unwrap())
    }

    /// The gRPC messages of the casino, with their prefix.
    pub(crate) fn received(&self) -> Vec<Vec<u8>> {
        messages(&self.captured.received.lock().unwrap())
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream, captured: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 4096];
    while let Ok(length) = from.read(&mut buffer) {
        if length == 0 {
            break;
        }
        captured.lock().unwrap().extend_from_slice(&buffer[..length]);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// The messages in all DATA frames of the connection's only stream.
fn messages(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut body = Vec::new();
    while let [a, b, c, kind, flags, _, _, _, _, rest @ ..] = bytes {
        let length = usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).unwrap();
        if *kind == DATA {
            assert_eq!(flags & 0x8, 0, "a padded frame");
            body.extend_from_slice(&rest[..length]);
        }
        bytes = &rest[length..];
    }
    let (mut messages, mut body) = (Vec::new(), body.as_slice());
    while let [_, a, b, c, d, rest @ ..] = body {
        let length = 5 + usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap();
        assert!(rest.len() + 5 >= length, "an incomplete message");
        messages.push(body[..length].to_vec());
        body = &body[length..];
    }
    messages
}
