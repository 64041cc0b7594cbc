//! A wire between a game and a casino that can be cut at any byte.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// How long anything may take that waits for a peer that is silent: keepalives are half a minute.
const PATIENCE: Duration = Duration::from_secs(120);

/// Listens at a port of its own, and leads on to a casino.
pub struct Cutter {
    address: SocketAddr,
    wire: Arc<Wire>,
}

#[derive(Default)]
struct Wire {
    counted: Mutex<Counted>,
    changed: Condvar,
    /// What the casino says is not passed on.
    deaf: AtomicBool,
    /// New connections end at once.
    closed: AtomicBool,
    ends: Mutex<Vec<TcpStream>>,
}

#[derive(Clone, Copy, Default)]
struct Counted {
    connections: usize,
    /// Connections that the casino has ended.
    ended_by_casino: usize,
}

impl Wire {
    fn count(&self, what: impl FnOnce(&mut Counted)) {
        what(&mut self.counted.lock().unwrap());
        self.changed.notify_all();
    }

    fn wait_until(&self, reached: impl Fn(&Counted) -> bool) {
        let counted = self.counted.lock().unwrap();
        let waited = self
            .changed
            .wait_timeout_while(counted, PATIENCE, |counted| !reached(counted));
        assert!(!waited.unwrap().1.timed_out(), "waited in vain for a connection");
    }
}

impl Cutter {
    /// Leads to `casino`. The first of `cuts` is how many bytes from the casino the first connection lets pass before it
    /// is cut, and so on; those after them are never cut. What the game sends passes whole.
    pub fn start(casino: &str, cuts: Vec<usize>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let wire = Arc::new(Wire::default());
        let (casino, shared) = (casino.to_owned(), Arc::clone(&wire));
        thread::spawn(move || {
            for game in listener.incoming().map(Result::unwrap) {
                let number = shared.counted.lock().unwrap().connections;
                shared.count(|counted| counted.connections += 1);
                let pass = cuts.get(number).copied().unwrap_or(usize::MAX);
                if shared.closed.load(Ordering::SeqCst) {
                    continue;
                }
                // A casino that is not there is a connection that ends at once.
                if let Ok(casino) = TcpStream::connect(&casino) {
                    lead(&game, &casino, pass, &shared);
                }
            }
        });
        Self { address, wire }
    }

    /// As `--casino` wants it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// HOST:PORT.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.wire.counted.lock().unwrap().connections
    }

    /// Waits until there were so many connections.
    pub fn wait_for_connections(&self, count: usize) {
        self.wire.wait_until(|counted| counted.connections >= count);
    }

    /// Waits until the casino has ended a connection.
    pub fn wait_for_end_by_casino(&self) {
        self.wire.wait_until(|counted| counted.ended_by_casino > 0);
    }

    /// Nobody is to be found here any more.
    pub fn close(&self) {
        self.wire.closed.store(true, Ordering::SeqCst);
        self.cut();
    }

    /// From now on nothing that the casino says reaches the game.
    pub fn deafen(&self) {
        self.wire.deaf.store(true, Ordering::SeqCst);
    }

    /// Cuts what is connected; the next connection is whole again.
    pub fn cut(&self) {
        for end in self.wire.ends.lock().unwrap().drain(..) {
            let _ = end.shutdown(Shutdown::Both);
        }
        self.wire.deaf.store(false, Ordering::SeqCst);
    }
}

/// Leads between the two, until one of them ends or `pass` bytes have come from the casino.
fn lead(game: &TcpStream, casino: &TcpStream, pass: usize, wire: &Arc<Wire>) {
    let ends = |stream: &TcpStream| stream.try_clone().unwrap();
    wire.ends.lock().unwrap().extend([ends(game), ends(casino)]);
    let (from, to) = (ends(game), ends(casino));
    thread::spawn(move || copy(from, to, usize::MAX, &AtomicBool::new(false)));
    let (from, to, wire) = (ends(casino), ends(game), Arc::clone(wire));
    thread::spawn(move || {
        if copy(from, to, pass, &wire.deaf) {
            wire.count(|counted| counted.ended_by_casino += 1);
        }
    });
}

/// Copies at most `most` bytes, and then cuts both; gives back whether it was the sender's end.
fn copy(mut from: TcpStream, mut to: TcpStream, most: usize, deaf: &AtomicBool) -> bool {
    let (mut left, mut buffer, mut ended) = (most, [0; 4096], false);
    while left > 0 {
        let room = buffer.len().min(left);
        match from.read(&mut buffer[..room]) {
            Ok(0) => {
                ended = true;
                break;
            }
            Ok(_) if deaf.load(Ordering::SeqCst) => {}
            Ok(read) if to.write_all(&buffer[..read]).is_ok() => left -= read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(_) | Err(_) => break,
        }
    }
    for stream in [from, to] {
        let _ = stream.shutdown(Shutdown::Both);
    }
    ended
}
