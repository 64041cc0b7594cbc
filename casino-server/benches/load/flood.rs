//! The latency of other players while one player floods the casino.
//!
//! The flood comes from a separate process at the lowest priority: on one machine it would otherwise take processor
//! time from the server and the measuring process, which a remote attacker does not.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::drive::buy_tokens;
use crate::histogram::Histogram;
use crate::http2::{Connection, Counters};
use crate::loads::{default_build_command, median};
use crate::process::Server;

/// First argument that makes this program the flooding client.
pub(crate) const FLOOD: &str = "flood";

const NAME: &str = "a flood by one player beside 20 players";
const FLOODER: &str = "flooder";
/// Regular players, each on its own connection.
const REGULAR_PLAYERS: usize = 20;
/// Time between two actions of a regular player.
const PACE: Duration = Duration::from_millis(10);
/// The session limit of a player.
const STREAMS: usize = 100;
const CONNECTIONS: usize = 10;
/// Outstanding actions per session.
const WINDOW: usize = 256;

/// Results of the regular players in one round.
struct RegularPlayers {
    latency: Histogram,
    per_second: f64,
}

/// Runs the scenario if its name contains `filter`.
pub(crate) async fn run(rounds: usize, length: Duration, filter: &str, folder: &Path) -> io::Result<()> {
    if !NAME.contains(filter) {
        return Ok(());
    }
    let (mut alone, mut beside, mut flooded) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let store = folder.join(format!("flood-{round}.db"));
        let server = Server::start(&mut default_build_command(&store, "10s"))?;
        let mut players = names();
        players.push(FLOODER.to_owned());
        buy_tokens(&server.address, &players).await?;
        alone.push(measure_regular(&server, length).await?);
        let flood = Flood::start(&server)?;
        beside.push(measure_regular(&server, length).await?);
        flooded.push(flood.end()?);
    }
    println!("{NAME}");
    println!(
        "{:<16} {:>10} {:>9} {:>9} {:>9}",
        "the 20", "actions/s", "p50 us", "p99 us", "p99.9 us"
    );
    print_row("alone", &alone);
    print_row("beside the flood", &beside);
    let mut ratios: Vec<f64> = alone
        .iter()
        .zip(&beside)
        .map(|(alone, beside)| micros(beside, 990) / micros(alone, 990))
        .collect();
    println!("the flood: {:.0} actions/s", median(&mut flooded));
    println!(
        "p99 beside the flood / alone, median of rounds: {:.2}\n",
        median(&mut ratios)
    );
    Ok(())
}

fn print_row(name: &str, rounds: &[RegularPlayers]) {
    let of =
        |field: &dyn Fn(&RegularPlayers) -> f64| median(&mut rounds.iter().map(field).collect::<Vec<_>>());
    println!(
        "{name:<16} {:>10.0} {:>9.0} {:>9.0} {:>9.0}",
        of(&|players| players.per_second),
        of(&|players| micros(players, 500)),
        of(&|players| micros(players, 990)),
        of(&|players| micros(players, 999)),
    );
}

fn micros(players: &RegularPlayers, per_mille: u64) -> f64 {
    players.latency.percentile(per_mille).as_secs_f64() * 1e6
}

fn names() -> Vec<String> {
    (0..REGULAR_PLAYERS)
        .map(|number| format!("player-{number}"))
        .collect()
}

/// Sends the regular players' actions at their pace, one outstanding each. Counts for `length` after a quarter of it.
async fn measure_regular(server: &Server, length: Duration) -> io::Result<RegularPlayers> {
    let (mut players, began) = (JoinSet::new(), Instant::now());
    for (number, name) in names().into_iter().enumerate() {
        let mut connection = Connection::open(&server.address, &[name]).await?;
        let first = began + PACE * number as u32 / REGULAR_PLAYERS as u32;
        players.spawn_local(async move {
            let mut interval = tokio::time::interval_at(first, PACE);
            let (mut counting, end) = (false, began + length / 4 + length);
            while Instant::now() < end {
                interval.tick().await;
                if !counting && began.elapsed() >= length / 4 {
                    counting = true;
                    connection.counters = Counters::default();
                }
                connection.fill(1).await?;
                while connection.outstanding() > 0 {
                    connection.pump(false).await?;
                }
            }
            io::Result::Ok(connection.counters)
        });
    }
    let mut all = Counters::default();
    while let Some(counters) = players.join_next().await {
        let counters = counters.map_err(io::Error::other)??;
        all.results += counters.results;
        all.latency.add(&counters.latency);
    }
    Ok(RegularPlayers {
        latency: all.latency,
        per_second: all.results as f64 / length.as_secs_f64(),
    })
}

/// The running flooding process.
struct Flood(Child);

impl Flood {
    /// Starts the process and waits for an answer on every connection.
    fn start(server: &Server) -> io::Result<Self> {
        let program = std::env::current_exe()?;
        let mut child = Command::new("nice")
            .args(["-n", "19"])
            .arg(program)
            .args([FLOOD, &server.address])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(stdout) = &mut child.stdout {
            // Reads byte by byte, so that the rest stays in the pipe.
            BufReader::with_capacity(1, stdout).read_line(&mut line)?;
        }
        Ok(Self(child))
    }

    /// Stops the flood and returns its actions per second.
    fn end(mut self) -> io::Result<f64> {
        // The process stops at the end of its input.
        drop(self.0.stdin.take());
        let output = self.0.wait_with_output()?;
        let rate = String::from_utf8_lossy(&output.stdout).trim().parse();
        rate.map_err(io::Error::other)
    }
}

/// Runs the flooding process, `flood ADDRESS`, until the end of its input.
pub(crate) async fn run_process(address: &str) -> io::Result<()> {
    let mut pumps: JoinSet<io::Result<()>> = JoinSet::new();
    let results = std::rc::Rc::new(std::cell::Cell::new(0_u64));
    for _ in 0..CONNECTIONS {
        let sessions = vec![FLOODER.to_owned(); STREAMS / CONNECTIONS];
        let mut connection = Connection::open(address, &sessions).await?;
        connection.fill(WINDOW).await?;
        connection.pump(true).await?;
        let results = std::rc::Rc::clone(&results);
        pumps.spawn_local(async move {
            loop {
                connection.pump(true).await?;
                results.set(results.get() + std::mem::take(&mut connection.counters.results));
            }
        });
    }
    println!("flooding");
    io::stdout().flush()?;
    let began = Instant::now();
    let (stop_sender, stop) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        let _ = stop_sender.send(());
    });
    tokio::select! {
        _ = stop => {}
        Some(ended) = pumps.join_next() => ended.map_err(io::Error::other)??,
    }
    println!("{}", results.get() as f64 / began.elapsed().as_secs_f64());
    Ok(())
}
