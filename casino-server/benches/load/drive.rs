//! Applies a load to one or several casinos and measures resource usage.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use awesomestock_proto::casino::casino_client::CasinoClient;
use awesomestock_proto::{transport, types};
use tokio::task::JoinSet;

use crate::histogram::Histogram;
use crate::http2::Connection;
use crate::loads::Load;
use crate::process::{Batches, ChildProcesses, Server, own_cpu};

/// The servers under load.
pub(crate) struct Target<'a> {
    /// Connections are distributed over them in turn.
    pub(crate) servers: &'a [Server],
    /// Process ID of their shared database.
    pub(crate) database: Option<u32>,
}

impl<'a> From<&'a Server> for Target<'a> {
    fn from(server: &'a Server) -> Self {
        Self {
            servers: std::slice::from_ref(server),
            database: None,
        }
    }
}

/// The results of one round.
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

/// Resources used so far.
struct ResourceUsage {
    at: Instant,
    servers: Duration,
    database: ChildProcesses,
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

/// Opens the sessions, warms up for a quarter of `length`, and counts for `length`.
pub(crate) async fn measure(
    target: Target<'_>,
    load: Load,
    length: Duration,
    deposit: bool,
) -> io::Result<Measured> {
    let players: Vec<String> = (0..load.streams)
        .map(|number| format!("player-{number}"))
        .collect();
    if deposit {
        buy_tokens(&target.servers[0].address, &players).await?;
    }
    let is_counting = Rc::new(Cell::new(false));
    let is_running = Rc::new(Cell::new(true));
    let mut pumps = JoinSet::new();
    let sessions = players.chunks(load.streams.div_ceil(load.connections));
    for (server, sessions) in target.servers.iter().cycle().zip(sessions) {
        let mut connection = Connection::open(&server.address, sessions).await?;
        if load.ids {
            connection = connection.with_ids();
        }
        let (is_counting, is_running) = (Rc::clone(&is_counting), Rc::clone(&is_running));
        pumps.spawn_local(async move {
            connection.fill(load.window).await?;
            let mut was_counting = false;
            while is_running.get() || connection.outstanding() > 0 {
                connection.pump(is_running.get()).await?;
                if is_counting.get() != was_counting {
                    was_counting = is_counting.get();
                    if was_counting {
                        connection.counters = crate::http2::Counters::default();
                    }
                }
                if !is_running.get() {
                    break;
                }
            }
            io::Result::Ok(connection.counters)
        });
    }
    tokio::time::sleep(length / 4).await;
    is_counting.set(true);
    let before = ResourceUsage::read(&target)?;
    tokio::time::sleep(length).await;
    is_running.set(false);
    let after = ResourceUsage::read(&target)?;
    let seconds = (after.at - before.at).as_secs_f64();
    let mut measured = Measured {
        own_cpu_share: (after.own - before.own).as_secs_f64() / seconds,
        batches: after.batches - before.batches,
        ..Measured::default()
    };
    for server in target.servers {
        measured.rss_mb += server.rss_kb()? as f64 / 1024.0;
    }
    let (mut results, mut executed) = (0, 0);
    while let Some(ended) = pumps.join_next().await {
        let counters = ended.map_err(io::Error::other)??;
        results += counters.results;
        executed += counters.executed;
        measured.latency.add(&counters.latency);
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

impl ResourceUsage {
    fn read(target: &Target<'_>) -> io::Result<Self> {
        let mut used = Self {
            at: Instant::now(),
            servers: Duration::ZERO,
            database: target
                .database
                .map_or(Ok(ChildProcesses::default()), ChildProcesses::children_of)?,
            own: own_cpu()?,
            written: 0,
            batches: Batches::default(),
        };
        for server in target.servers {
            used.servers += server.cpu()?;
            used.written += server.written_bytes()?;
            used.batches += server.batches()?;
        }
        used.written += used.database.written;
        Ok(used)
    }
}

/// Buys enough tokens for the whole round for every player.
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
