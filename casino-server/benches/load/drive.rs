//! A load on one casino or on several: seats, actions, and what they cost meanwhile.

use std::{
    cell::Cell,
    io,
    rc::Rc,
    time::{Duration, Instant},
};

use awesomestock_proto::{casino::casino_client::CasinoClient, transport, types};
use tokio::task::JoinSet;

use crate::{
    histogram::Histogram,
    http2::Connection,
    loads::Load,
    process::{Batches, Family, Server, own_cpu},
};

/// What is under load.
pub(crate) struct Driven<'a> {
    /// Connections are dealt out to them in turn.
    pub(crate) servers: &'a [Server],
    /// The process id of the database that they share.
    pub(crate) database: Option<u32>,
}

impl<'a> From<&'a Server> for Driven<'a> {
    fn from(server: &'a Server) -> Self {
        Self {
            servers: std::slice::from_ref(server),
            database: None,
        }
    }
}

/// What one round of a load gave.
#[derive(Clone, Default)]
pub(crate) struct Measured {
    pub(crate) per_second: f64,
    pub(crate) executed_share: f64,
    pub(crate) latency: Histogram,
    pub(crate) server_us_per_action: f64,
    pub(crate) database_us_per_action: f64,
    pub(crate) own_cpu_share: f64,
    pub(crate) disk_bytes_per_action: f64,
    pub(crate) rss_mb: f64,
    pub(crate) batches: Batches,
}

/// What has been used up so far.
struct Used {
    at: Instant,
    servers: Duration,
    database: Family,
    own: Duration,
    written: u64,
    batches: Batches,
}

impl Measured {
    /// The median latency, in microseconds.
    pub(crate) fn p50(&self) -> f64 {
        self.latency.percentile(500).as_secs_f64() * 1e6
    }
}

/// Seats the players, warms up for a quarter of `length`, and counts for `length`.
pub(crate) async fn measure(
    driven: Driven<'_>,
    load: Load,
    length: Duration,
    deposit: bool,
) -> io::Result<Measured> {
    let players: Vec<String> = (0..load.streams)
        .map(|number| format!("player-{number}"))
        .collect();
    if deposit {
        buy_tokens(&driven.servers[0].address, &players).await?;
    }
    let counting = Rc::new(Cell::new(false));
    let go_on = Rc::new(Cell::new(true));
    let mut pumps = JoinSet::new();
    let seats = players.chunks(load.streams.div_ceil(load.connections));
    for (server, seats) in driven.servers.iter().cycle().zip(seats) {
        let mut connection = Connection::open(&server.address, seats).await?;
        if load.ids {
            connection = connection.with_ids();
        }
        let (counting, go_on) = (Rc::clone(&counting), Rc::clone(&go_on));
        pumps.spawn_local(async move {
            connection.fill(load.window).await?;
            let mut was_counting = false;
            while go_on.get() || connection.outstanding() > 0 {
                connection.pump(go_on.get()).await?;
                if counting.get() != was_counting {
                    was_counting = counting.get();
                    if was_counting {
                        connection.counted = crate::http2::Counted::default();
                    }
                }
                if !go_on.get() {
                    break;
                }
            }
            io::Result::Ok(connection.counted)
        });
    }
    tokio::time::sleep(length / 4).await;
    counting.set(true);
    let before = Used::by(&driven)?;
    tokio::time::sleep(length).await;
    go_on.set(false);
    let after = Used::by(&driven)?;
    let seconds = (after.at - before.at).as_secs_f64();
    let mut measured = Measured {
        own_cpu_share: (after.own - before.own).as_secs_f64() / seconds,
        batches: after.batches - before.batches,
        ..Measured::default()
    };
    for server in driven.servers {
        measured.rss_mb += server.rss_kb()? as f64 / 1024.0;
    }
    let (mut results, mut executed) = (0, 0);
    while let Some(ended) = pumps.join_next().await {
        let counted = ended.map_err(io::Error::other)??;
        results += counted.results;
        executed += counted.executed;
        measured.latency.add(&counted.latency);
    }
    let actions = (results as f64).max(1.0);
    measured.per_second = results as f64 / seconds;
    measured.executed_share = executed as f64 / actions;
    measured.server_us_per_action = (after.servers - before.servers).as_secs_f64() * 1e6 / actions;
    measured.database_us_per_action =
        (after.database.cpu - before.database.cpu).as_secs_f64() * 1e6 / actions;
    measured.disk_bytes_per_action = (after.written - before.written) as f64 / actions;
    Ok(measured)
}

impl Used {
    fn by(driven: &Driven<'_>) -> io::Result<Self> {
        let mut used = Self {
            at: Instant::now(),
            servers: Duration::ZERO,
            database: driven.database.map_or(Ok(Family::default()), Family::of)?,
            own: own_cpu()?,
            written: 0,
            batches: Batches::default(),
        };
        for server in driven.servers {
            used.servers += server.cpu()?;
            used.written += server.written_bytes()?;
            used.batches += server.batches()?;
        }
        used.written += used.database.written;
        Ok(used)
    }
}

/// Gives every player enough tokens for the whole round.
pub(crate) async fn buy_tokens(address: &str, players: &[String]) -> io::Result<()> {
    let endpoint = transport::endpoint(&format!("http://{address}")).map_err(io::Error::other)?;
    let client = CasinoClient::new(endpoint.connect().await.map_err(io::Error::other)?);
    let mut calls = JoinSet::new();
    for player in players {
        let mut client = client.clone();
        let user = Some(types::User { id: player.clone() });
        calls.spawn(async move {
            client
                .buy_tokens(types::Payment {
                    user,
                    amount: 100_000_000,
                    ..Default::default()
                })
                .await
        });
    }
    while let Some(called) = calls.join_next().await {
        called.map_err(io::Error::other)?.map_err(io::Error::other)?;
    }
    Ok(())
}
