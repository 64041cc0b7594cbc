//! The command line of `casino-server`; each option is also an environment variable `CASINO_*`.

use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use awesomestock_proto::command_line::documents::{self, Shell};
use awesomestock_proto::command_line::{self, BooleanOption};
use awesomestock_proto::player::InvalidName;
use awesomestock_proto::server::ServerArgs;
use awesomestock_proto::server::health::HealthArgs;
use clap::builder::PossibleValuesParser;
use clap::{Arg, Command, CommandFactory, Parser, Subcommand};

use crate::config::certificate::CertArgs;
use crate::config::limits::Limits;
use crate::config::operator::{OperatorArgs, RoundArgs};
use crate::config::options::{self, Options};
use crate::config::secrets::PaymentsArgs;
use crate::config::store_url::StoreUrl;
use crate::domain::market::PriceModel;
use crate::domain::player::PlayerName;

const STORE: &str = "store";
const OPERATOR: &str = "operator";
const OPERATOR_SECRET: &str = "operator_secret_file";
const ALLOW_PLAINTEXT: &str = "allow_plaintext";

/// The casino of AwesomeStock: one market, one ledger, any number of players.
#[derive(Debug, Clone, Parser)]
#[command(name = "casino-server", version = awesomestock_proto::VERSION)]
pub struct Args {
    /// The task to run instead of serving.
    #[command(subcommand)]
    pub task: Option<Task>,

    /// Address to listen on; port 0 picks a free one.
    #[arg(
        long,
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:10000",
        value_parser = command_line::listen_address
    )]
    pub listen: String,

    /// The ledger: `sqlite:PATH`, a file that is created if missing, or `postgres://USER@HOST:PORT/DATABASE`, which
    /// several casinos can share.
    #[arg(
        id = STORE,
        long,
        value_name = "URL",
        global = true,
        default_value = "sqlite:casino.db",
        // It may hold a password.
        hide_env_values = true
    )]
    pub store: StoreUrl,

    /// Time between two price changes, 10ms to 1h.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = |text: &str| command_line::duration(text, &options::TICK))]
    pub tick: Duration,

    /// Opening price of a new market, in tokens, 1 to 2,147,483,647 [default: 10; of moods and news 100]
    #[arg(
        long,
        value_name = "TOKENS",
        value_parser = |text: &str| command_line::number(text, &(1..=i32::MAX))
    )]
    pub initial_price: Option<i32>,

    /// Seed of the market's random numbers; the same seed gives the same prices. By default the ledger's own.
    #[arg(long, value_name = "N", value_parser = |text: &str| command_line::number(text, &(0..=u64::MAX)))]
    pub seed: Option<u64>,

    /// Address of the Prometheus metrics page, `http://HOST:PORT/metrics`; off by default. Everybody who can reach the
    /// address can read it.
    #[arg(long, value_name = "HOST:PORT", value_parser = command_line::listen_address)]
    pub metrics: Option<String>,

    /// Limits of connections, and TLS.
    #[command(flatten)]
    pub server: ServerArgs,

    /// Maximum number of sessions of one player, 1 to 1,000,000.
    #[arg(
        long,
        value_name = "N",
        default_value_t = Limits::SESSIONS_PER_PLAYER,
        value_parser = |text: &str| command_line::number::<usize>(text, &(1..=1_000_000))
    )]
    pub max_seats: usize,

    /// Maximum number of actions, deposits and withdrawals of one player per second; 0: no limit.
    #[arg(
        long,
        value_name = "N",
        default_value_t = Limits::ACTIONS_PER_SECOND,
        value_parser = |text: &str| command_line::number(text, &(0..=u32::MAX))
    )]
    pub max_actions: u32,

    /// Price model, classic, moods or news [default: the ledger's, classic for a new one]
    #[arg(long, value_name = "NAME")]
    pub market: Option<PriceModel>,

    /// Number of bots, 0 to 20. They trade with strategies of their own, under the same rules as everybody.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        value_parser = |text: &str| command_line::number(text, &(0..=options::BOTS_MAX))
    )]
    pub house: u8,

    /// Require a key from every player. Without this option, clients without a key may use unclaimed names.
    #[arg(long, boolean(), default_value = "false")]
    pub require_key: bool,

    /// Dollars that each new player begins with, and each player of a round, 1 to 100,000,000; rounds need it.
    #[arg(
        long,
        value_name = "DOLLARS",
        value_parser = |text: &str| command_line::number(text, &(1..=options::STAKE_MAX))
    )]
    pub stake: Option<i32>,

    /// The operator service.
    #[command(flatten)]
    pub operator_service: OperatorArgs,

    /// The connection to the payments server.
    #[command(flatten)]
    pub payments_server: PaymentsArgs,
}

/// A task to run instead of serving.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Task {
    /// Release the NAME of a player who lost the key. The next key used with the name claims it and everything it owns.
    /// Stop a casino with a SQLite ledger first; casinos that share a database can keep running.
    Release {
        /// The player's name.
        #[arg(value_parser = player_name)]
        name: String,
    },
    /// Recompute every account from its entries and list the differences. The casino can keep running.
    Check,
    /// Repair a SQLite ledger whose commit log is damaged by dropping the lost batches. Stop the casino first.
    AcceptLoss,
    /// Copy a SQLite ledger as it is now to a new FILE. The casino can keep running.
    Backup {
        /// The copy; the file must not exist.
        #[arg(value_parser = command_line::file_path)]
        file: PathBuf,
    },
    /// Make a certificate for this server, and the authority that players trust, in a new DIR.
    Cert(CertArgs),
    /// Print a completion script.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the manual page.
    Man,
    /// Steer the rounds of a running casino over its operator service.
    Round(RoundArgs),
    /// Check that a casino is serving: exit code 0 if it is, 1 if it is not or does not answer.
    Healthcheck(HealthArgs),
}

/// Parses the name of a player, also one that an older rule allowed.
fn player_name(text: &str) -> Result<String, InvalidName> {
    if PlayerName::legacy(text).is_none() {
        PlayerName::new(text)?;
    }
    Ok(text.to_owned())
}

impl Args {
    /// Returns a completion script for `shell`.
    #[must_use]
    pub fn completions(shell: Shell) -> Vec<u8> {
        let models = PossibleValuesParser::new(PriceModel::ALL.map(PriceModel::name));
        let definition = Self::definition().mut_arg("market", |market| market.value_parser(models));
        documents::completions(definition, shell, &["backup", "cert"])
    }

    /// Returns the definition of all options, with their variables.
    #[must_use]
    pub fn definition() -> Command {
        let command = command_line::with_environment(Self::command(), "CASINO");
        // A call of the operator service may need it too.
        let command = command.mut_arg(ALLOW_PLAINTEXT, |option| option.global(true));
        let global = command.get_arguments().filter(|option| option.is_global_set());
        let global: Vec<Arg> = global.cloned().collect();
        // The help of a task describes the options for this task.
        command.mut_subcommands(|task| {
            let name = task.get_name().to_owned();
            let options = global.iter().cloned().map(|option| {
                let help = match (name.as_str(), option.get_id().as_str()) {
                    ("check" | "release", STORE) => {
                        "The ledger: `sqlite:PATH` or `postgres://USER@HOST:PORT/DATABASE`"
                    }
                    ("accept-loss" | "backup", STORE) => "The ledger: `sqlite:PATH`",
                    ("round", OPERATOR) => {
                        "Address of the operator service, which the casino was started with"
                    }
                    ("round", OPERATOR_SECRET) => "File with the operator's secret",
                    ("round", ALLOW_PLAINTEXT) => "Allow to send the secret in plaintext to another machine",
                    _ => return option.hide(true),
                };
                option.help(help)
            });
            task.args(options)
        })
    }

    /// The options to open the casino with.
    #[must_use]
    pub fn options(&self) -> Options {
        Options {
            store: self.store.clone(),
            tick: self.tick,
            initial_price: self.initial_price,
            seed: self.seed,
            model: self.market,
            bots: self.house,
            limits: Limits {
                connections: self.server.connections(),
                sessions_per_player: self.max_seats,
                actions_per_second: NonZero::new(self.max_actions),
            },
            require_key: self.require_key,
            stake: self.stake,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches;
    use clap::error::ErrorKind;

    use super::*;

    fn parse(args: &[&str]) -> Result<Args, clap::Error> {
        let matches = command_line::matches(Args::definition(), [&["casino-server"], args].concat())?;
        Args::from_arg_matches(&matches)
    }

    #[test]
    fn the_command_definition_is_valid() {
        Args::definition().debug_assert();
    }

    #[test]
    fn shells_complete_markets_and_folders() {
        for (shell, values) in [
            (Shell::Bash, "compgen -W \"classic moods news\""),
            (Shell::Zsh, "'--market=[Price model"),
            (Shell::Zsh, ":NAME:(classic moods news)'"),
            (Shell::Zsh, "no file is overwritten:_files -/'"),
            (Shell::Fish, "-l market "),
            (Shell::Fish, "-a \"classic\\t''\nmoods\\t''\nnews\\t''\""),
        ] {
            let script = String::from_utf8(Args::completions(shell)).unwrap();
            assert!(script.contains(values), "{shell}: {script}");
        }
    }

    #[test]
    fn arguments_become_options() {
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
            initial_price: Some(7),
            seed: Some(9),
            model: Some(PriceModel::Classic),
            bots: 4,
            ..Options::new("/tmp/x y.db")
        };
        assert_eq!(args.options(), expected);
        assert_eq!(args.payments_server.payments, "https://localhost:1");
        assert_eq!(args.metrics.as_deref(), Some("127.0.0.1:0"));
        assert_eq!(parse(&[]).unwrap().metrics, None, "off by default");
    }

    #[test]
    fn store_is_accepted_before_and_after_a_task() {
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
    fn plaintext_is_allowed_before_and_after_a_task() {
        for args in [
            &["--allow-plaintext", "round", "status"][..],
            &["round", "--allow-plaintext", "status"],
            &["round", "status", "--allow-plaintext"],
        ] {
            assert!(parse(args).unwrap().server.allow_plaintext, "{args:?}");
        }
        assert!(!parse(&["round", "status"]).unwrap().server.allow_plaintext);
    }

    fn assert_rejected(option: &str, value: &str, message: &str) {
        let error = parse(&[option, value]).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(message), "{option} {value}: {text}");
        assert_eq!(error.exit_code(), 2, "{option} {value}");
    }

    #[test]
    fn an_invalid_value_is_rejected_with_its_option_and_bounds() {
        let url = "a URL http://HOST:PORT or https";
        for (option, value, message) in [
            (
                "--tick",
                "1ms",
                "--tick <DURATION>': expected a duration from 10ms to 1h",
            ),
            ("--tick", "2h", "expected a duration from 10ms to 1h"),
            ("--tick", "soon", "--tick"),
            ("--stall", "50ms", "expected a duration from 100ms to 1h"),
            ("--metrics", "nowhere", "expected HOST:PORT"),
            ("--metrics", "http://a:1", "expected HOST:PORT"),
            ("--listen", "nowhere", "expected HOST:PORT"),
            (
                "--market",
                "wild",
                "no such market; there are: classic, moods, news",
            ),
            ("--store", "casino.db", "expected sqlite:PATH or postgres://"),
            ("--store", "postgres://x", "missing database"),
            ("--store", "sqlite:", "missing path after sqlite:"),
            (
                "--tls-cert",
                "x",
                "--tls-cert is given without --tls-key or CASINO_TLS_KEY",
            ),
            (
                "--tls-key",
                "x",
                "--tls-key is given without --tls-cert or CASINO_TLS_CERT",
            ),
            ("--payments", "127.0.0.1:10001", url),
            ("--payments", "ftp://x:1", url),
            ("--payments", "http://u:pw@h:1", url),
            ("--payments", "http://h:pw", url),
            ("--payments", "http://h:1/?k=pw", url),
            ("--payments", "http://h:1#pw", url),
            ("--payments", "http://", url),
            ("--payments", "ht tp", url),
        ] {
            assert_rejected(option, value, message);
        }
        assert_eq!(
            parse(&["--version"]).unwrap_err().kind(),
            ErrorKind::DisplayVersion
        );
    }

    #[test]
    fn a_number_out_of_its_bounds_is_rejected_with_them() {
        for (option, least, most) in [
            ("--initial-price", "1", "2,147,483,647"),
            ("--max-connections", "1", "1,000,000"),
            ("--max-connections-per-address", "0", "1,000,000"),
            ("--max-seats", "1", "1,000,000"),
            ("--max-actions", "0", "4,294,967,295"),
            ("--seed", "0", "18,446,744,073,709,551,615"),
            ("--house", "0", "20"),
            ("--stake", "1", "100,000,000"),
        ] {
            for wrong in ["-1", "many", "1.5", "99999999999999999999999"] {
                let message = format!("'{option} <");
                assert_rejected(option, wrong, &message);
                let bounds = format!("expected a whole number from {least} to {most}");
                assert_rejected(option, wrong, &bounds);
            }
            for right in [least, most].map(|bound| bound.replace(',', "")) {
                assert!(parse(&[option, &right]).is_ok(), "{option} {right}");
            }
        }
        assert_rejected("--house", "21", "expected a whole number from 0 to 20");
        assert_rejected(
            "--initial-price",
            "0",
            "expected a whole number from 1 to 2,147,483,647",
        );
    }
}
