//! A load balancer: leads each connection to the next of several casinos, and passes over those that are not there.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A port that leads to all of the casinos, for as long as this is kept.
pub struct Balancer {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Balancer {
    /// Leads to `casinos`, `HOST:PORT` each, in turn.
    pub async fn start(casinos: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (casinos, turn) = (Arc::new(casinos), Arc::new(AtomicUsize::new(0)));
        let accepting = tokio::spawn(async move {
            loop {
                let (player, _) = listener.accept().await.unwrap();
                let (casinos, turn) = (Arc::clone(&casinos), Arc::clone(&turn));
                tokio::spawn(lead(player, casinos, turn));
            }
        });
        Self { address, accepting }
    }

    /// As `--casino` wants it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Leads to the first casino that is there, until either side is gone. Without any, the connection ends at once.
async fn lead(mut player: TcpStream, casinos: Arc<Vec<String>>, turn: Arc<AtomicUsize>) {
    let _ = player.set_nodelay(true);
    for _ in 0..casinos.len() {
        let next = turn.fetch_add(1, Ordering::Relaxed) % casinos.len();
        if let Ok(mut casino) = TcpStream::connect(&casinos[next]).await {
            let _ = casino.set_nodelay(true);
            // How it ended is for the two ends to find out.
            let _ = copy_bidirectional(&mut player, &mut casino).await;
            return;
        }
    }
}
