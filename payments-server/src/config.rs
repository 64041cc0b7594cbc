//! The command line of `payments-server`, and the environment that stands in for it.
//!
//! Owns the names, defaults and bounds of the options. It opens nothing.

use std::{fmt::Display, net::SocketAddr, ops::RangeInclusive, path::PathBuf, time::Duration};

use awesomestock_proto::{credentials::SharedSecret, serving::ConnectionLimits, tls::ServerTls};
use clap::{Parser, builder::BoolishValueParser};
use color_eyre::eyre::Report;
use tracing_subscriber::EnvFilter;

use crate::{Limits, Options};

/// Writes statements of AwesomeStock payments, over gRPC.
///
/// Prints `payments-server listening on ADDRESS` on stdout when it is ready, and logs to stderr. SIGINT and SIGTERM
/// stop it. Exit codes: 0, 1 failure, 2 usage.
#[derive(Debug, Clone, Parser)]
#[command(name = "payments-server", version)]
pub struct Config {
    /// Where to listen, IP:PORT; port 0 takes any free port
    #[arg(
        long,
        env = "PAYMENTS_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:10001",
        value_parser = address
    )]
    pub listen: SocketAddr,

    /// Most payments in one statement, 1 to 10000000. The newest 50000 are listed, older ones brought forward as sums
    #[arg(
        long,
        env = "PAYMENTS_MAX_PAYMENTS",
        value_name = "N",
        default_value_t = Limits::DEFAULT_MAX_PAYMENTS,
        value_parser = max_payments
    )]
    pub max_payments: usize,

    /// Most statements open at once, 1 to 100000
    #[arg(
        long,
        env = "PAYMENTS_MAX_OPEN",
        value_name = "N",
        default_value_t = Limits::DEFAULT_MAX_OPEN,
        value_parser = max_open
    )]
    pub max_open: usize,

    /// Longest silence of a sender between two payments, 10ms to 1h
    #[arg(
        long,
        env = "PAYMENTS_IDLE",
        value_name = "DURATION",
        default_value = "10s",
        value_parser = idle
    )]
    pub idle: Duration,

    /// Longest time for all payments of a statement, 10ms to 1h
    #[arg(
        long,
        env = "PAYMENTS_MAX_TIME",
        value_name = "DURATION",
        default_value = "5m",
        value_parser = max_time
    )]
    pub max_time: Duration,

    /// Most connections open at once, 1 to 1000000
    #[arg(
        long,
        env = "PAYMENTS_MAX_CONNECTIONS",
        value_name = "N",
        default_value_t = ConnectionLimits::default().max,
        value_parser = max_connections
    )]
    pub max_connections: usize,

    /// PEM file of the server's certificate, followed by those that lead to its authority
    #[arg(long, env = "PAYMENTS_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// PEM file of the certificate's key
    #[arg(long, env = "PAYMENTS_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// File of the secret that a casino has to show: one line of 16 to 512 characters. Or the secret itself in
    /// `PAYMENTS_SECRET`; without one, anybody is answered
    #[arg(long, env = "PAYMENTS_SECRET_FILE", value_name = "FILE")]
    pub secret_file: Option<PathBuf>,

    /// Do without TLS on an address that other machines reach
    #[arg(
        long,
        env = "PAYMENTS_ALLOW_PLAINTEXT",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_value = "false",
        default_missing_value = "true",
        value_parser = BoolishValueParser::new(),
        hide_possible_values = true
    )]
    pub allow_plaintext: bool,

    /// What to log: error, warn, info, debug, trace, or directives such as `payments_server=debug,h2=warn`
    #[arg(
        long,
        env = "PAYMENTS_LOG",
        value_name = "FILTER",
        default_value = "info",
        value_parser = log_filter
    )]
    pub log: String,
}

impl Config {
    /// How the service is served; certificate and secret are read from their files.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or is of no use.
    pub fn options(&self) -> Result<Options, Report> {
        Ok(Options {
            limits: self.limits(),
            secret: SharedSecret::read(self.secret_file.as_deref())?,
            tls: ServerTls::read_given(self.tls_cert.as_deref(), self.tls_key.as_deref())?,
        })
    }

    /// What calls may cost.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            max_payments: self.max_payments,
            max_open: self.max_open,
            idle: self.idle,
            max_time: self.max_time,
            connections: ConnectionLimits {
                max: self.max_connections,
                ..ConnectionLimits::default()
            },
        }
    }
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "expected IP:PORT, as in 127.0.0.1:10001 or [::1]:10001")
}

fn max_payments(text: &str) -> Result<usize, String> {
    count(text, &Limits::MAX_PAYMENTS)
}

fn max_open(text: &str) -> Result<usize, String> {
    count(text, &Limits::MAX_OPEN)
}

fn max_connections(text: &str) -> Result<usize, String> {
    count(text, &(1..=1_000_000))
}

fn count(text: &str, bounds: &RangeInclusive<usize>) -> Result<usize, String> {
    let outside = || outside(bounds.start(), bounds.end());
    let count = text.parse().map_err(|_| outside())?;
    bounds.contains(&count).then_some(count).ok_or_else(outside)
}

fn idle(text: &str) -> Result<Duration, String> {
    duration(text, &Limits::IDLE)
}

fn max_time(text: &str) -> Result<Duration, String> {
    duration(text, &Limits::MAX_TIME)
}

fn duration(text: &str, bounds: &RangeInclusive<Duration>) -> Result<Duration, String> {
    let outside = || {
        outside(
            humantime::format_duration(*bounds.start()),
            humantime::format_duration(*bounds.end()),
        )
    };
    let given = humantime::parse_duration(text).map_err(|_| outside())?;
    bounds.contains(&given).then_some(given).ok_or_else(outside)
}

fn outside(least: impl Display, most: impl Display) -> String {
    format!("expected {least} to {most}")
}

/// Checked here, so that a bad filter is a usage error; kept as text, because a filter cannot be cloned.
fn log_filter(text: &str) -> Result<String, String> {
    EnvFilter::try_new(text)
        .map(|_| text.to_owned())
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Config, String> {
        Config::try_parse_from([&["payments-server"], arguments].concat()).map_err(|error| error.to_string())
    }

    #[test]
    fn without_options_the_defaults_hold() {
        let config = parse(&[]).unwrap();
        assert_eq!(config.limits(), Limits::default());
        assert_eq!(config.listen, SocketAddr::from(([127, 0, 0, 1], 10001)));
        assert_eq!(config.log, "info");
    }

    #[test]
    fn options_inside_their_bounds_are_taken() {
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
            "--log",
            "payments_server=debug,h2=warn",
        ])
        .unwrap();
        assert_eq!(config.listen, "[::1]:0".parse().unwrap());
        assert_eq!(
            config.limits(),
            Limits {
                max_payments: 1_000_000,
                max_open: 1,
                idle: Duration::from_secs(3600),
                max_time: Duration::from_secs(120),
                connections: ConnectionLimits {
                    max: 7,
                    ..ConnectionLimits::default()
                },
            }
        );
    }

    #[test]
    fn options_outside_their_bounds_are_refused_with_the_bounds() {
        for (arguments, expected) in [
            (["--listen", "nowhere"], "expected IP:PORT"),
            (["--listen", "127.0.0.1:65536"], "expected IP:PORT"),
            (["--max-payments", "0"], "expected 1 to 10000000"),
            (["--max-payments", "10000001"], "expected 1 to 10000000"),
            (["--max-payments", "many"], "expected 1 to 10000000"),
            (["--max-time", "9ms"], "expected 10ms to 1h"),
            (["--max-connections", "0"], "expected 1 to 1000000"),
            (["--max-open", "0"], "expected 1 to 100000"),
            (["--idle", "9ms"], "expected 10ms to 1h"),
            (["--idle", "61m"], "expected 10ms to 1h"),
            (["--idle", "10"], "expected 10ms to 1h"),
            (["--log", "=="], "--log"),
            (["--port", "1"], "unexpected argument"),
        ] {
            let refusal = parse(&arguments).unwrap_err();
            assert!(refusal.contains(expected), "{arguments:?}: {refusal}");
        }
    }
}
