//! The loads, the commands of the servers that are measured, and the median.

use std::{
    io,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// First argument that makes this program a ceiling.
pub(crate) const SERVE_BARE: &str = "serve-bare";

/// What is to be measured.
pub(crate) struct Plan {
    /// How often everything is measured, in turn.
    pub(crate) rounds: usize,
    /// How long each time.
    pub(crate) length: Duration,
    /// Scenarios with this in their names.
    pub(crate) wanted: String,
    /// Builds of the casino to be compared, in place of all other scenarios.
    pub(crate) builds: Vec<PathBuf>,
}

/// Streams on connections, each with a window of outstanding actions.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) streams: usize,
    pub(crate) connections: usize,
    pub(crate) window: usize,
    /// Whether actions carry ids, as our client's do.
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

pub(crate) fn casino_command(store: &Path, tick: &str) -> Command {
    casino_of(Path::new(env!("CARGO_BIN_EXE_casino-server")), store, tick)
}

/// The same with another build of the casino.
pub(crate) fn casino_of(build: &Path, store: &Path, tick: &str) -> Command {
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
