//! The program as a process: its `healthcheck` command and its log.

#[path = "../../proto/tests/support/healthcheck.rs"]
mod healthcheck;

use std::process::Command;

fn payments_server() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_payments-server"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PAYMENTS_")) {
        command.env_remove(name);
    }
    command
}

#[test]
fn a_server_is_healthy_until_it_ends() {
    healthcheck::assert_follows_server(payments_server, &[]);
}

#[test]
fn a_log_that_cannot_be_written_does_not_disturb_the_server() {
    healthcheck::assert_survives_closed_log(payments_server(), &[]);
}
