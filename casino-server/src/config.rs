//! The command line of `casino-server`, each option also an environment variable `CASINO_*`.
//!
//! Owns what the options are called and how they are written. What they mean is said by [`Options`].

mod secure;

use std::{num::NonZero, path::PathBuf, time::Duration};

use awesomestock_proto::serving::ConnectionLimits;
use clap::{Parser, Subcommand};
use tonic::transport::Uri;

pub use self::secure::{InsecureError, Secure};
use crate::{
    address::Address,
    limits::Limits,
    market::Model,
    options::{self, Options},
};

/// The shortest time that a client may read nothing.
const STALL_MIN: Duration = Duration::from_millis(100);
/// The longest.
const STALL_MAX: Duration = Duration::from_secs(60 * 60);

/// The casino of AwesomeStock: one market, one ledger, any number of players.
#[derive(Debug, Clone, Parser)]
#[command(name = "casino-server", version)]
pub struct Args {
    /// What is done instead of serving.
    #[command(subcommand)]
    pub task: Option<Task>,

    /// Where to listen; port 0 takes a free one.
    #[arg(
        long,
        env = "CASINO_LISTEN",
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:10000"
    )]
    pub listen: String,

    /// The payments server, which writes the statements. It need not be up.
    #[arg(
        long,
        env = "CASINO_PAYMENTS",
        value_name = "URL",
        default_value = "http://127.0.0.1:10001",
        value_parser = payments_url
    )]
    pub payments: String,

    /// The ledger: `sqlite:PATH`, a file that is made if there is none, or `postgres://USER@HOST:PORT/DATABASE`, which
    /// several casinos can share.
    #[arg(
        long,
        env = "CASINO_STORE",
        value_name = "URL",
        global = true,
        default_value = "sqlite:casino.db",
        // It may hold a password.
        hide_env_values = true
    )]
    pub store: Address,

    /// Time between two moves of the price, 10ms to 1h.
    #[arg(long, env = "CASINO_TICK", value_name = "DURATION", default_value = "10s", value_parser = tick)]
    pub tick: Duration,

    /// The price at which a new market opens, in tokens.
    #[arg(
        long,
        env = "CASINO_INITIAL_PRICE",
        value_name = "TOKENS",
        default_value_t = options::INITIAL_PRICE_DEFAULT,
        value_parser = clap::value_parser!(i32).range(1..),
        allow_negative_numbers = true
    )]
    pub initial_price: i32,

    /// What the market's randomness comes from; the same seed is the same game. By default the ledger's own.
    #[arg(long, env = "CASINO_SEED", value_name = "N", allow_negative_numbers = true)]
    pub seed: Option<u64>,

    /// Where to tell how the casino is doing, as Prometheus reads it: `http://HOST:PORT/metrics`. By default nowhere.
    /// Whoever reaches the address may read it.
    #[arg(long, env = "CASINO_METRICS", value_name = "HOST:PORT")]
    pub metrics: Option<String>,

    /// Most connections open at once, 1 to 1000000.
    #[arg(
        long,
        env = "CASINO_MAX_CONNECTIONS",
        value_name = "N",
        default_value = "10000",
        value_parser = up_to_a_million
    )]
    pub max_connections: usize,

    /// Most seats of one player, 1 to 1000000.
    #[arg(
        long,
        env = "CASINO_MAX_SEATS",
        value_name = "N",
        default_value_t = Limits::SEATS_A_PLAYER,
        value_parser = up_to_a_million
    )]
    pub max_seats: usize,

    /// Most actions, deposits and withdrawals of one player in a second; 0: any number.
    #[arg(
        long,
        env = "CASINO_MAX_ACTIONS",
        value_name = "N",
        default_value_t = Limits::ACTIONS_A_SECOND
    )]
    pub max_actions: u32,

    /// How long a client may read nothing of what is written to it, 100ms to 1h.
    #[arg(long, env = "CASINO_STALL", value_name = "DURATION", default_value = "30s", value_parser = stall)]
    pub stall: Duration,

    /// How the price moves.
    #[arg(long, env = "CASINO_MARKET", value_name = "NAME", default_value = "classic")]
    pub market: Model,

    /// House players at the table, 0 to 20: they trade by habits of their own, under the same rules as everybody.
    #[arg(
        long,
        env = "CASINO_HOUSE",
        value_name = "N",
        default_value_t = 0,
        value_parser = clap::value_parser!(u8).range(..=i64::from(options::HOUSE_MAX)),
        allow_negative_numbers = true
    )]
    pub house: u8,

    /// Nobody plays without a key: names that nobody has claimed are not for clients that have none.
    #[arg(long, env = "CASINO_REQUIRE_KEY", value_parser = clap::builder::BoolishValueParser::new(), num_args = 0..=1,
        require_equals = true, default_value = "false", default_missing_value = "true", value_name = "BOOL",
        hide_possible_values = true)]
    pub require_key: bool,

    /// Certificates and secrets.
    #[command(flatten)]
    pub secure: Secure,
}

/// What is done instead of serving.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Task {
    /// Free the NAME of a player who has lost its key: the next key that is shown claims it, with all it owns. A casino
    /// on a file has to be stopped; those that share a database may play on.
    Release {
        /// The player's name.
        name: String,
    },
    /// Recompute every account from its entries, and say what differs. A casino may play on.
    Check,
    /// Copy the ledger in a file as it is now into a new FILE. A casino may play on.
    Backup {
        /// The copy; it must not exist.
        file: PathBuf,
    },
}

impl Args {
    fn limits(&self) -> Limits {
        Limits {
            connections: ConnectionLimits {
                max: self.max_connections,
                stall: self.stall,
                ..ConnectionLimits::default()
            },
            seats_a_player: self.max_seats,
            actions_a_second: NonZero::new(self.max_actions),
        }
    }

    /// What the casino is opened with.
    #[must_use]
    pub fn options(&self) -> Options {
        Options {
            store: self.store.clone(),
            tick: self.tick,
            initial_price: self.initial_price,
            seed: self.seed,
            model: self.market,
            house: self.house,
            limits: self.limits(),
            require_key: self.require_key,
        }
    }
}

/// `url`, which must be `http://HOST:PORT` or `https://HOST:PORT`.
fn payments_url(url: &str) -> Result<String, String> {
    let wanted = || "a URL http://HOST:PORT or https://HOST:PORT is needed".to_owned();
    let uri: Uri = url.parse().map_err(|_| wanted())?;
    let is_known = matches!(uri.scheme_str(), Some("http" | "https"));
    if is_known && uri.host().is_some_and(|host| !host.is_empty()) {
        Ok(url.to_owned())
    } else {
        Err(wanted())
    }
}

/// A duration as `200ms`, `10s` or `1h`, within the bounds of a tick.
fn tick(text: &str) -> Result<Duration, String> {
    let given = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    options::checked_tick(given).map_err(|error| error.to_string())
}

/// A count from 1 to a million.
fn up_to_a_million(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| (1..=1_000_000).contains(count));
    count.ok_or_else(|| "expected 1 to 1000000".to_owned())
}

/// A duration from 100ms to 1h.
fn stall(text: &str) -> Result<Duration, String> {
    let given = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if (STALL_MIN..=STALL_MAX).contains(&given) {
        Ok(given)
    } else {
        Err(format!(
            "{} is not between 100ms and 1h",
            humantime::format_duration(given)
        ))
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, error::ErrorKind};

    use super::*;

    fn parse(args: &[&str]) -> Result<Args, clap::Error> {
        Args::try_parse_from([&["casino-server"], args].concat())
    }

    #[test]
    fn the_command_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn options_are_read() {
        let args = parse(&[
            "--store",
            "sqlite:/tmp/x y.db",
            "--tick",
            "200ms",
            "--initial-price",
            "7",
            "--seed",
            "9",
            "--market",
            "classic",
            "--house",
            "4",
            "--payments",
            "https://localhost:1",
            "--metrics",
            "127.0.0.1:0",
        ])
        .unwrap();
        let expected = Options {
            tick: Duration::from_millis(200),
            initial_price: 7,
            seed: Some(9),
            house: 4,
            ..Options::new("/tmp/x y.db")
        };
        assert_eq!(args.options(), expected);
        assert_eq!(args.payments, "https://localhost:1");
        assert_eq!(args.metrics.as_deref(), Some("127.0.0.1:0"));
        assert_eq!(parse(&[]).unwrap().metrics, None, "off by default");
    }

    #[test]
    fn a_task_takes_the_store_before_and_after_it() {
        for args in [
            &["--store", "sqlite:x", "check"][..],
            &["check", "--store", "sqlite:x"],
        ] {
            let args = parse(args).unwrap();
            assert_eq!(
                (args.task, args.store),
                (Some(Task::Check), "sqlite:x".parse().unwrap())
            );
        }
        let file = "y".into();
        assert_eq!(parse(&["backup", "y"]).unwrap().task, Some(Task::Backup { file }));
        assert_eq!(parse(&["backup"]).unwrap_err().exit_code(), 2);
        assert_eq!(parse(&[]).unwrap().task, None);
    }

    #[test]
    fn bad_values_are_refused_with_the_option_and_the_bound() {
        for (args, said) in [
            (["--tick", "1ms"], "tick: 1ms is not between 10ms and 1h"),
            (["--tick", "2h"], "tick: 7200s is not between 10ms and 1h"),
            (["--tick", "soon"], "--tick"),
            (["--initial-price", "0"], "0 is not in 1..=2147483647"),
            (["--initial-price", "-3"], "-3 is not in 1..=2147483647"),
            (["--max-connections", "0"], "expected 1 to 1000000"),
            (["--max-seats", "0"], "expected 1 to 1000000"),
            (["--max-actions", "many"], "--max-actions"),
            (["--stall", "50ms"], "50ms is not between 100ms and 1h"),
            (["--seed", "-1"], "invalid value '-1' for '--seed <N>'"),
            (["--house", "21"], "21 is not in 0..=20"),
            (["--house", "-1"], "invalid value '-1' for '--house <N>'"),
            (["--market", "wild"], "no such market; there is: classic"),
            (["--store", "casino.db"], "a store is sqlite:PATH or postgres://"),
            (["--store", "postgres://x"], "a database is needed"),
            (["--store", "sqlite:"], "a path is needed after sqlite:"),
            (
                ["--payments", "127.0.0.1:10001"],
                "a URL http://HOST:PORT or https",
            ),
            (["--payments", "ftp://x:1"], "a URL http://HOST:PORT or https"),
            (["--tls-cert", "x"], "--tls-key <FILE>"),
            (["--payments", "http://"], "a URL http://HOST:PORT or https"),
            (["--payments", "ht tp"], "a URL http://HOST:PORT or https"),
        ] {
            let error = parse(&args).unwrap_err();
            assert!(error.to_string().contains(said), "{args:?}: {error}");
            assert_eq!(error.exit_code(), 2, "{args:?}");
        }
        assert_eq!(
            parse(&["--version"]).unwrap_err().kind(),
            ErrorKind::DisplayVersion
        );
    }
}
