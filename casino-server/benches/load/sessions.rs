//! Idle sessions: processor time and latency of a tick to all of them, and memory per session.

use std::cell::RefCell;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::http2::Connection;
use crate::loads::{bare_command, default_build_command, median};
use crate::process::Server;

/// Time between two ticks, far longer than the delivery to all sessions.
const TICK: Duration = Duration::from_millis(1000);

/// Sessions and connections; the last entry is like real players, each on its own connection.
const SESSION_COUNTS: [(usize, usize); 3] = [(10_000, 100), (20_000, 200), (5_000, 5_000)];

/// Arrival times of prices: first, last and count for each tick.
#[derive(Default)]
struct Arrivals {
    ticks: Vec<(Instant, Instant, u64)>,
}

impl Arrivals {
    fn add(&mut self, prices: u64) {
        let now = Instant::now();
        match self.ticks.last_mut() {
            Some((_, last, count)) if now - *last < TICK / 2 => (*last, *count) = (now, *count + prices),
            _ => self.ticks.push((now, now, prices)),
        }
    }
}

/// The results of one round.
#[derive(Default)]
struct Measured {
    us_per_delivery: f64,
    to_last_ms: f64,
    rss_kb_per_session: f64,
    delivered_share: f64,
}

/// Runs every scenario whose name contains `filter`.
pub(crate) async fn run_all(rounds: usize, length: Duration, filter: &str, folder: &Path) -> io::Result<()> {
    for (sessions, connections) in SESSION_COUNTS {
        let name = format!("a tick to {sessions} sessions on {connections} connections");
        if !name.contains(filter) {
            continue;
        }
        let (mut bare, mut casino) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            let tick_ms = TICK.as_millis() as u64;
            let server = Server::start(&mut bare_command("ticks", tick_ms)?)?;
            bare.push(measure(&server, sessions, connections, length).await?);
            let store = folder.join(format!("ticks-{sessions}-{round}.db"));
            let server = Server::start(&mut default_build_command(&store, &format!("{tick_ms}ms")))?;
            casino.push(measure(&server, sessions, connections, length).await?);
        }
        print(&name, &bare, &casino);
    }
    Ok(())
}

fn print(name: &str, bare: &[Measured], casino: &[Measured]) {
    println!("{name}");
    println!(
        "{:<18} {:>15} {:>12} {:>15} {:>10}",
        "", "cpu us/delivery", "last one ms", "RSS kB/each", "delivered"
    );
    let of = |rounds: &[Measured], field: fn(&Measured) -> f64| {
        median(&mut rounds.iter().map(field).collect::<Vec<_>>())
    };
    for (name, rounds) in [("tokio broadcast", bare), ("casino", casino)] {
        println!(
            "{name:<18} {:>15.2} {:>12.1} {:>15.1} {:>10.3}",
            of(rounds, |m| m.us_per_delivery),
            of(rounds, |m| m.to_last_ms),
            of(rounds, |m| m.rss_kb_per_session),
            of(rounds, |m| m.delivered_share),
        );
    }
    let ratio = |field: fn(&Measured) -> f64| {
        let ratios = bare
            .iter()
            .zip(casino)
            .map(|(bare, ours)| field(ours) / field(bare));
        median(&mut ratios.collect::<Vec<_>>())
    };
    println!(
        "casino / broadcast, medians of rounds: cpu {:.2}, last session {:.2}, RSS {:.2}\n",
        ratio(|m| m.us_per_delivery),
        ratio(|m| m.to_last_ms),
        ratio(|m| m.rss_kb_per_session),
    );
}

/// Opens all sessions and measures whole ticks for `length`.
async fn measure(
    server: &Server,
    sessions: usize,
    connections: usize,
    length: Duration,
) -> io::Result<Measured> {
    let empty_kb = server.rss_kb()?;
    let arrivals = Rc::new(RefCell::new(Arrivals::default()));
    let players: Vec<String> = (0..sessions).map(|number| format!("player-{number}")).collect();
    let mut pumps: JoinSet<io::Result<()>> = JoinSet::new();
    for sessions in players.chunks(sessions.div_ceil(connections)) {
        let mut connection = Connection::open(&server.address, sessions).await?;
        let arrivals = Rc::clone(&arrivals);
        pumps.spawn_local(async move {
            loop {
                connection.pump(false).await?;
                let prices = std::mem::take(&mut connection.counters.prices);
                if prices > 0 {
                    arrivals.borrow_mut().add(prices);
                }
            }
        });
    }
    // All sessions are open after the first ticks. Counting starts and ends between two ticks.
    tokio::time::sleep(TICK * 5 / 2).await;
    wait_between_ticks(&arrivals).await;
    arrivals.borrow_mut().ticks.clear();
    let cpu = server.cpu()?;
    tokio::time::sleep(length.max(TICK * 3)).await;
    wait_between_ticks(&arrivals).await;
    let cpu = server.cpu()? - cpu;
    let rss_kb = server.rss_kb()?.saturating_sub(empty_kb);
    if let Some(ended) = pumps.try_join_next() {
        ended.map_err(io::Error::other)??;
    }
    let arrivals = arrivals.borrow();
    let delivered: u64 = arrivals.ticks.iter().map(|(_, _, count)| count).sum();
    let spread = |(first, last, _): &(Instant, Instant, u64)| (*last - *first).as_secs_f64() * 1e3;
    Ok(Measured {
        us_per_delivery: cpu.as_secs_f64() * 1e6 / delivered.max(1) as f64,
        to_last_ms: median(&mut arrivals.ticks.iter().map(spread).collect::<Vec<_>>()),
        rss_kb_per_session: rss_kb as f64 / sessions as f64,
        delivered_share: delivered as f64 / (arrivals.ticks.len() * sessions).max(1) as f64,
    })
}

/// Waits until no price has arrived for a while.
async fn wait_between_ticks(arrivals: &RefCell<Arrivals>) {
    loop {
        let last = arrivals.borrow().ticks.last().map(|(_, last, _)| last.elapsed());
        if last.is_some_and(|ago| ago > TICK / 3 && ago < TICK * 2 / 3) {
            return;
        }
        tokio::time::sleep(TICK / 50).await;
    }
}
