//! The loads, the commands of the measured servers, and the median.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// First argument that makes this program a reference server.
pub(crate) const SERVE_BARE: &str = "serve-bare";

/// The command line.
pub(crate) struct Plan {
    /// Number of measurements, taken in turn.
    pub(crate) rounds: usize,
    /// Duration of each measurement.
    pub(crate) length: Duration,
    /// Runs only scenarios whose names contain this text.
    pub(crate) filter: String,
    /// Builds of the casino to compare, instead of running all other scenarios.
    pub(crate) builds: Vec<PathBuf>,
}

/// Streams on connections, each with a window of outstanding actions.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) streams: usize,
    pub(crate) connections: usize,
    pub(crate) window: usize,
    /// Whether actions have IDs, as the real client's do.
    pub(crate) ids: bool,
}

impl Load {
    pub(crate) fn name(self) -> String {
        format!(
            "{} streams on {} connections, window {}{}",
            self.streams,
            self.connections,
            self.window,
            if self.ids { ", with ids" } else { "" }
        )
    }
}

pub(crate) const LOADS: [Load; 4] = [
    Load {
        streams: 64,
        connections: 8,
        window: 16,
        ids: false,
    },
    Load {
        streams: 1000,
        connections: 50,
        window: 16,
        ids: false,
    },
    Load {
        streams: 1000,
        connections: 50,
        window: 1,
        ids: false,
    },
    Load {
        streams: 1,
        connections: 1,
        window: 1,
        ids: false,
    },
];

pub(crate) fn bare_command(kind: &str, tick_ms: u64) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([SERVE_BARE, kind, &tick_ms.to_string()]);
    Ok(command)
}

pub(crate) fn default_build_command(store: &Path, tick: &str) -> Command {
    command_for_build(Path::new(env!("CARGO_BIN_EXE_casino-server")), store, tick)
}

/// Like [`default_build_command`] with another build of the casino.
pub(crate) fn command_for_build(build: &Path, store: &Path, tick: &str) -> Command {
    let mut command = Command::new(build);
    command.args([
        "--listen",
        "127.0.0.1:0",
        "--seed",
        "7",
        "--tick",
        tick,
        "--store",
    ]);
    command.arg(format!("sqlite:{}", store.display()));
    command
}

pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
