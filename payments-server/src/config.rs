//! Command line and environment of `payments-server`.

use std::path::PathBuf;
use std::time::Duration;

use awesomestock_proto::auth::{SECRET_VARIABLE, SharedSecret};
use awesomestock_proto::command_line;
use awesomestock_proto::command_line::documents::Shell;
use awesomestock_proto::server::health::HealthArgs;
use awesomestock_proto::server::{ConnectionLimits, ServerArgs};
use clap::{Command, CommandFactory, Parser, Subcommand};

use crate::{Limits, Options};

/// Writes statements of AwesomeStock payments, over gRPC.
///
/// Prints `payments-server listening on ADDRESS` on stdout when it is ready, and logs to stderr. SIGINT, SIGTERM and
/// SIGQUIT stop it; SIGHUP reads the TLS certificate again. Exit codes: 0, 1 failure, 2 usage.
#[derive(Debug, Clone, Parser)]
#[command(name = "payments-server", version = awesomestock_proto::VERSION)]
pub struct Config {
    /// A task to run instead of serving
    #[command(subcommand)]
    pub task: Option<Task>,

    /// Address to listen on, HOST:PORT; port 0 takes any free port
    #[arg(
        long,
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:10001",
        value_parser = command_line::listen_address
    )]
    pub listen: String,

    /// Most payments in one statement, 1 to 10,000,000. The newest 50,000 are listed, older ones are summed up
    #[arg(
        long,
        value_name = "N",
        default_value_t = Limits::default().max_payments,
        value_parser = |text: &str| command_line::number(text, &Limits::MAX_PAYMENTS)
    )]
    pub max_payments: usize,

    /// Most statements open at once, 1 to 100,000
    #[arg(
        long,
        value_name = "N",
        default_value_t = Limits::default().max_open,
        value_parser = |text: &str| command_line::number(text, &Limits::MAX_OPEN)
    )]
    pub max_open: usize,

    /// Longest wait for a sender's next payment, 10ms to 1h
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "10s",
        value_parser = |text: &str| command_line::duration(text, &Limits::IDLE)
    )]
    pub idle: Duration,

    /// Longest time for all payments of a statement, 10ms to 1h
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "5m",
        value_parser = |text: &str| command_line::duration(text, &Limits::MAX_TIME)
    )]
    pub max_time: Duration,

    /// Limits of connections, and TLS
    #[command(flatten)]
    pub server: ServerArgs,

    /// File of the secret that casinos must send: one line of 16 to 512 characters. Without this option, the secret
    /// itself may be in `PAYMENTS_SECRET`. Without a secret, all clients are served
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<PathBuf>,

    /// Log filter: error, warn, info, debug, trace, or directives such as `payments_server=debug,h2=warn`
    #[arg(
        long,
        value_name = "FILTER",
        default_value = "info",
        // A filter cannot be cloned.
        value_parser = |text: &str| command_line::log_filter(text, "payments_server").map(|_| text.to_owned())
    )]
    pub log: String,
}

/// A task to run instead of serving.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Task {
    /// Check that a payments server is serving: exit code 0 if it is, 1 if it is not or does not answer
    Healthcheck(HealthArgs),
    /// Print a completion script
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    Man,
}

impl Config {
    /// Returns the definition of all options, with their variables.
    #[must_use]
    pub fn definition() -> Command {
        command_line::with_environment(Self::command(), "PAYMENTS")
    }

    /// Returns the server's options, with certificate and secret read from their files.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or is not valid.
    pub fn options(&self) -> anyhow::Result<Options> {
        Ok(Options {
            limits: self.limits(),
            secret: SharedSecret::read(self.secret_file.as_deref(), "--secret-file", SECRET_VARIABLE)?,
            tls: self.server.certificate()?,
        })
    }

    /// Returns the limits.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            max_payments: self.max_payments,
            max_open: self.max_open,
            idle: self.idle,
            max_time: self.max_time,
            connections: ConnectionLimits {
                unread: Limits::UNREAD,
                ..self.server.connections()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches;

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Config, String> {
        let matches = command_line::matches(Config::definition(), [&["payments-server"], arguments].concat());
        let config = matches.and_then(|matches| Config::from_arg_matches(&matches));
        config.map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_used_without_options() {
        let config = parse(&[]).unwrap();
        assert_eq!(config.limits(), Limits::default());
        assert_eq!(config.listen, "127.0.0.1:10001");
        assert_eq!(config.log, "info");
    }

    #[test]
    fn options_within_their_bounds_are_accepted() {
        let config = parse(&[
            "--listen",
            "[::1]:0",
            "--max-payments",
            "1000000",
            "--max-open",
            "1",
            "--idle",
            "1h",
            "--max-time",
            "2m",
            "--max-connections",
            "7",
            "--max-connections-per-address",
            "0",
            "--stall",
            "1s",
            "--log",
            "payments_server=debug,h2=warn",
        ])
        .unwrap();
        assert_eq!(config.listen, "[::1]:0");
        assert_eq!(
            config.limits(),
            Limits {
                max_payments: 1_000_000,
                max_open: 1,
                idle: Duration::from_secs(3600),
                max_time: Duration::from_secs(120),
                connections: ConnectionLimits {
                    max: 7,
                    max_per_address: None,
                    stall: Duration::from_secs(1),
                    ..Limits::default().connections
                },
            }
        );
    }

    #[test]
    fn options_out_of_bounds_are_rejected_with_the_bounds() {
        for (arguments, expected) in [
            (["--listen", "nowhere"], "expected HOST:PORT"),
            (["--listen", "127.0.0.1:65536"], "expected HOST:PORT"),
            (
                ["--max-payments", "0"],
                "expected a whole number from 1 to 10,000,000",
            ),
            (
                ["--max-payments", "10000001"],
                "expected a whole number from 1 to 10,000,000",
            ),
            (
                ["--max-payments", "-1"],
                "expected a whole number from 1 to 10,000,000",
            ),
            (
                ["--max-payments", "many"],
                "expected a whole number from 1 to 10,000,000",
            ),
            (["--max-time", "9ms"], "expected a duration from 10ms to 1h"),
            (
                ["--max-connections", "0"],
                "expected a whole number from 1 to 1,000,000",
            ),
            (["--max-open", "0"], "expected a whole number from 1 to 100,000"),
            (["--idle", "9ms"], "expected a duration from 10ms to 1h"),
            (["--idle", "61m"], "expected a duration from 10ms to 1h"),
            (["--idle", "10"], "expected a duration from 10ms to 1h"),
            (["--log", "=="], "--log"),
            (["--log", "verbose"], "`payments_server=debug,h2=warn`"),
            (["--port", "1"], "unexpected argument"),
        ] {
            let error = parse(&arguments).unwrap_err();
            assert!(error.contains(expected), "{arguments:?}: {error}");
        }
    }
}
