//! A flood by one player: what it does to the waiting of the others.
//!
//! The flood comes from a process of its own at the lowest priority: on one machine it would otherwise take from the
//! server, and from whoever measures, time that an attacker elsewhere has of their own.

use std::{
    io::{self, BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio::{task::JoinSet, time::Instant};

use crate::{
    drive::buy_tokens,
    histogram::Histogram,
    http2::{Connection, Counted},
    loads::{casino_command, median},
    process::Server,
};

/// First argument that makes this program a flood.
pub(crate) const FLOOD: &str = "flood";

const NAME: &str = "a flood by one player beside 20 players";
const FLOODER: &str = "flooder";
/// Quiet players, each on a connection of their own.
const QUIET: usize = 20;
/// Time between two actions of one of them.
const PACE: Duration = Duration::from_millis(10);
/// As many seats as a player may have.
const STREAMS: usize = 100;
const CONNECTIONS: usize = 10;
/// Actions outstanding on each.
const WINDOW: usize = 256;

/// What the quiet players had in one round.
struct Quiet {
    latency: Histogram,
    per_second: f64,
}

/// Runs the scenario if its name has `wanted` in it.
pub(crate) async fn run(rounds: usize, length: Duration, wanted: &str, folder: &Path) -> io::Result<()> {
    if !NAME.contains(wanted) {
        return Ok(());
    }
    let (mut alone, mut beside, mut flooded) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let store = folder.join(format!("flood-{round}.db"));
        let server = Server::start(&mut casino_command(&store, "10s"))?;
        let mut players = names();
        players.push(FLOODER.to_owned());
        buy_tokens(&server.address, &players).await?;
        alone.push(quiet(&server, length).await?);
        let flood = Flood::start(&server)?;
        beside.push(quiet(&server, length).await?);
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

fn print_row(name: &str, rounds: &[Quiet]) {
    let of = |field: &dyn Fn(&Quiet) -> f64| median(&mut rounds.iter().map(field).collect::<Vec<_>>());
    println!(
        "{name:<16} {:>10.0} {:>9.0} {:>9.0} {:>9.0}",
        of(&|quiet| quiet.per_second),
        of(&|quiet| micros(quiet, 500)),
        of(&|quiet| micros(quiet, 990)),
        of(&|quiet| micros(quiet, 999)),
    );
}

fn micros(quiet: &Quiet, per_mille: u64) -> f64 {
    quiet.latency.percentile(per_mille).as_secs_f64() * 1e6
}

fn names() -> Vec<String> {
    (0..QUIET).map(|number| format!("player-{number}")).collect()
}

/// Has the quiet players act at their pace, one action outstanding each; counts for `length` after a quarter of it.
async fn quiet(server: &Server, length: Duration) -> io::Result<Quiet> {
    let (mut players, began) = (JoinSet::new(), Instant::now());
    for (number, name) in names().into_iter().enumerate() {
        let mut connection = Connection::open(&server.address, &[name]).await?;
        let first = began + PACE * number as u32 / QUIET as u32;
        players.spawn_local(async move {
            let mut beats = tokio::time::interval_at(first, PACE);
            let (mut counting, end) = (false, began + length / 4 + length);
            while Instant::now() < end {
                beats.tick().await;
                if !counting && began.elapsed() >= length / 4 {
                    counting = true;
                    connection.counted = Counted::default();
                }
                connection.fill(1).await?;
                while connection.outstanding() > 0 {
                    connection.pump(false).await?;
                }
            }
            io::Result::Ok(connection.counted)
        });
    }
    let mut all = Counted::default();
    while let Some(counted) = players.join_next().await {
        let counted = counted.map_err(io::Error::other)??;
        all.results += counted.results;
        all.latency.add(&counted.latency);
    }
    Ok(Quiet {
        latency: all.latency,
        per_second: all.results as f64 / length.as_secs_f64(),
    })
}

/// A running flood.
struct Flood(Child);

impl Flood {
    /// Starts it, and waits until it has been answered everywhere.
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
            // Unbuffered, one byte at a time: the rest is for the end.
            BufReader::with_capacity(1, stdout).read_line(&mut line)?;
        }
        Ok(Self(child))
    }

    /// Ends it; gives its actions a second.
    fn end(mut self) -> io::Result<f64> {
        // The end of its input is the word to stop.
        drop(self.0.stdin.take());
        let output = self.0.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stdout).trim().parse();
        said.map_err(io::Error::other)
    }
}

/// Is the flood: `flood ADDRESS`, until its input ends.
pub(crate) async fn be(address: &str) -> io::Result<()> {
    let mut pumps: JoinSet<io::Result<()>> = JoinSet::new();
    let results = std::rc::Rc::new(std::cell::Cell::new(0_u64));
    for _ in 0..CONNECTIONS {
        let seats = vec![FLOODER.to_owned(); STREAMS / CONNECTIONS];
        let mut connection = Connection::open(address, &seats).await?;
        connection.fill(WINDOW).await?;
        connection.pump(true).await?;
        let results = std::rc::Rc::clone(&results);
        pumps.spawn_local(async move {
            loop {
                connection.pump(true).await?;
                results.set(results.get() + std::mem::take(&mut connection.counted.results));
            }
        });
    }
    println!("flooding");
    io::stdout().flush()?;
    let began = Instant::now();
    let (told, stop) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        let _ = told.send(());
    });
    tokio::select! {
        _ = stop => {}
        Some(ended) = pumps.join_next() => ended.map_err(io::Error::other)??,
    }
    println!("{}", results.get() as f64 / began.elapsed().as_secs_f64());
    Ok(())
}
