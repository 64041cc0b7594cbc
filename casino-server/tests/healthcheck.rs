//! The `healthcheck` command against a real server.

#![allow(clippy::unwrap_used)]

#[path = "../../proto/tests/support/healthcheck.rs"]
mod healthcheck;

use std::process::Command;

fn casino_server() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_casino-server"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CASINO_")) {
        command.env_remove(name);
    }
    command
}

#[test]
fn a_server_is_healthy_until_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", folder.path().join("casino.db").display());
    healthcheck::assert_follows_server(casino_server, &["--store", &store]);
}
