//! The program as a process: its `healthcheck` command and its log.

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

fn store(folder: &tempfile::TempDir) -> String {
    format!("sqlite:{}", folder.path().join("casino.db").display())
}

#[test]
fn a_server_is_healthy_until_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    healthcheck::assert_follows_server(casino_server, &["--store", &store(&folder)]);
}

#[test]
fn a_log_that_cannot_be_written_does_not_disturb_the_server() {
    let folder = tempfile::tempdir().unwrap();
    healthcheck::assert_survives_closed_log(casino_server(), &["--store", &store(&folder)]);
}
