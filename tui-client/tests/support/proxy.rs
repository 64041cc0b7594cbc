//! A proxy between a game and a casino that breaks connections at any byte.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

/// Timeout for waiting on a silent peer; keepalives take half a minute.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Listens on its own port and forwards to a casino.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    counters: Mutex<Counters>,
    changed: Condvar,
    /// Discards what the casino sends.
    discard: AtomicBool,
    /// Discards what the game sends.
    discard_requests: AtomicBool,
    /// Closes new connections at once.
    closed: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
}

#[derive(Clone, Copy, Default)]
struct Counters {
    connections: usize,
    /// Connections that the casino has ended.
    closed_by_casino: usize,
}

impl Shared {
    fn count(&self, change: impl FnOnce(&mut Counters)) {
        change(&mut self.counters.lock().unwrap());
        self.changed.notify_all();
    }

    fn wait_until(&self, reached: impl Fn(&Counters) -> bool) {
        let counters = self.counters.lock().unwrap();
        let waited = self
            .changed
            .wait_timeout_while(counters, TIMEOUT, |counters| !reached(counters));
        assert!(
            !waited.unwrap().1.timed_out(),
            "timed out waiting for a connection"
        );
    }
}

impl Proxy {
    /// Forwards to `casino`. Each entry of `cuts` is the number of bytes from the casino after which that connection
    /// breaks; later connections never break.
    pub fn start(casino: &str, cuts: Vec<usize>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let (casino, state) = (casino.to_owned(), Arc::clone(&shared));
        thread::spawn(move || {
            for game in listener.incoming().map(Result::unwrap) {
                let number = state.counters.lock().unwrap().connections;
                state.count(|counters| counters.connections += 1);
                let pass = cuts.get(number).copied().unwrap_or(usize::MAX);
                if state.closed.load(Ordering::SeqCst) {
                    continue;
                }
                // Without a casino the connection just ends.
                if let Ok(casino) = TcpStream::connect(&casino) {
                    forward(&game, &casino, pass, &state);
                }
            }
        });
        Self { address, shared }
    }

    /// The URL for `--casino`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// HOST:PORT.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Number of connections so far.
    pub fn connections(&self) -> usize {
        self.shared.counters.lock().unwrap().connections
    }

    /// Waits until there have been `count` connections.
    pub fn wait_for_connections(&self, count: usize) {
        self.shared.wait_until(|counters| counters.connections >= count);
    }

    /// Waits until the casino has closed a connection.
    pub fn wait_for_server_close(&self) {
        self.shared.wait_until(|counters| counters.closed_by_casino > 0);
    }

    /// Breaks all connections and accepts no new ones.
    pub fn close(&self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        self.disconnect();
    }

    /// Discards everything the casino sends from now on.
    pub fn drop_responses(&self) {
        self.shared.discard.store(true, Ordering::SeqCst);
    }

    /// Discards everything the game sends from now on.
    pub fn drop_requests(&self) {
        self.shared.discard_requests.store(true, Ordering::SeqCst);
    }

    /// Breaks all connections; new ones work again.
    pub fn disconnect(&self) {
        for end in self.shared.streams.lock().unwrap().drain(..) {
            let _ = end.shutdown(Shutdown::Both);
        }
        self.shared.discard.store(false, Ordering::SeqCst);
        self.shared.discard_requests.store(false, Ordering::SeqCst);
    }
}

/// Forwards in both directions until one side closes or `pass` bytes have come from the casino.
fn forward(game: &TcpStream, casino: &TcpStream, pass: usize, shared: &Arc<Shared>) {
    let clone = |stream: &TcpStream| stream.try_clone().unwrap();
    shared
        .streams
        .lock()
        .unwrap()
        .extend([clone(game), clone(casino)]);
    let (from, to, requests) = (clone(game), clone(casino), Arc::clone(shared));
    thread::spawn(move || copy(from, to, usize::MAX, &requests.discard_requests));
    let (from, to, shared) = (clone(casino), clone(game), Arc::clone(shared));
    thread::spawn(move || {
        if copy(from, to, pass, &shared.discard) {
            shared.count(|counters| counters.closed_by_casino += 1);
        }
    });
}

/// Copies at most `max` bytes and then closes both streams. Returns whether the sender closed its end.
fn copy(mut from: TcpStream, mut to: TcpStream, max: usize, discard: &AtomicBool) -> bool {
    let (mut remaining, mut buffer, mut ended) = (max, [0; 4096], false);
    while remaining > 0 {
        let chunk = buffer.len().min(remaining);
        match from.read(&mut buffer[..chunk]) {
            Ok(0) => {
                ended = true;
                break;
            }
            Ok(_) if discard.load(Ordering::SeqCst) => {}
            Ok(read) if to.write_all(&buffer[..read]).is_ok() => remaining -= read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(_) | Err(_) => break,
        }
    }
    for stream in [from, to] {
        let _ = stream.shutdown(Shutdown::Both);
    }
    ended
}
