//! A TCP load balancer over several casinos, which skips unreachable ones.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Listens on a port until it is dropped.
pub struct Balancer {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Balancer {
    /// Forwards connections to `casinos`, each `HOST:PORT`, in turn.
    pub async fn start(casinos: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (casinos, turn) = (Arc::new(casinos), Arc::new(AtomicUsize::new(0)));
        let accepting = tokio::spawn(async move {
            loop {
                let (player, _) = listener.accept().await.unwrap();
                let (casinos, turn) = (Arc::clone(&casinos), Arc::clone(&turn));
                tokio::spawn(forward(player, casinos, turn));
            }
        });
        Self { address, accepting }
    }

    /// The URL for `--casino`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Forwards to the first reachable casino until either side closes. Closes the connection if there is none.
async fn forward(mut player: TcpStream, casinos: Arc<Vec<String>>, turn: Arc<AtomicUsize>) {
    let _ = player.set_nodelay(true);
    for _ in 0..casinos.len() {
        let next = turn.fetch_add(1, Ordering::Relaxed) % casinos.len();
        if let Ok(mut casino) = TcpStream::connect(&casinos[next]).await {
            let _ = casino.set_nodelay(true);
            // Either end notices how the connection ended.
            let _ = copy_bidirectional(&mut player, &mut casino).await;
            return;
        }
    }
}
