//! The ledger without gRPC, in its own process: the limit set by the disk and the ledger itself.

use std::io;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use awesomestock_proto::transport;
use casino_server::testkit::unwired;
use casino_server::{Casino, Options};

use crate::loads::Load;

/// First argument that makes this program run a ledger without gRPC.
pub(crate) const LEDGER_ALONE: &str = "ledger-alone";

/// Measures the actions per second under `load`, on the store at `path`.
pub(crate) fn measure(load: Load, length: Duration, path: &Path) -> io::Result<f64> {
    let length = length.as_millis() as usize;
    let output = Command::new(std::env::current_exe()?)
        .arg(LEDGER_ALONE)
        .arg(path)
        .args([load.streams, load.window, length].map(|number| number.to_string()))
        .output()?;
    let per_second = String::from_utf8_lossy(&output.stdout).trim().parse();
    per_second.map_err(|_| io::Error::other(String::from_utf8_lossy(&output.stderr)))
}

/// Runs that process: `ledger-alone STORE PLAYERS WINDOW MILLISECONDS`.
pub(crate) fn run(arguments: &[String]) -> io::Result<()> {
    let number = |index: usize| arguments[index].parse::<usize>().map_err(io::Error::other);
    let (players, window, length) = (number(2)?, number(3)?, Duration::from_millis(number(4)? as u64));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let payments = transport::endpoint("http://127.0.0.1:1").map_err(io::Error::other)?;
    let options = Options::new(&arguments[1]);
    let casino = runtime.block_on(async { Casino::open(options, payments.connect_lazy()).await });
    let casino = casino.map_err(io::Error::other)?;
    let threads = std::thread::available_parallelism()?.get();
    let start = Instant::now();
    let actions = unwired::actions(&casino, threads, players, window, length) as f64;
    println!("{}", actions / start.elapsed().as_secs_f64());
    Ok(())
}
