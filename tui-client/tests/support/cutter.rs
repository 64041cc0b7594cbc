//! A wire between a game and a casino that can be cut at any byte.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

/// Listens at a port of its own, and leads on to a casino.
pub struct Cutter {
    address: SocketAddr,
    wire: Arc<Wire>,
}

#[derive(Default)]
struct Wire {
    connections: AtomicUsize,
    /// What the casino says is not passed on.
    deaf: AtomicBool,
    ends: Mutex<Vec<TcpStream>>,
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
                let number = shared.connections.fetch_add(1, Ordering::SeqCst);
                let pass = cuts.get(number).copied().unwrap_or(usize::MAX);
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

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.wire.connections.load(Ordering::SeqCst)
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
    thread::spawn(move || copy(from, to, pass, &wire.deaf));
}

/// Copies at most `most` bytes, and then cuts both.
fn copy(mut from: TcpStream, mut to: TcpStream, most: usize, deaf: &AtomicBool) {
    let (mut left, mut buffer) = (most, [0; 4096]);
    while left > 0 {
        let room = buffer.len().min(left);
        match from.read(&mut buffer[..room]) {
            Ok(0) => break,
            Ok(_) if deaf.load(Ordering::SeqCst) => {}
            Ok(read) if to.write_all(&buffer[..read]).is_ok() => left -= read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(_) | Err(_) => break,
        }
    }
    for stream in [from, to] {
        let _ = stream.shutdown(Shutdown::Both);
    }
}
