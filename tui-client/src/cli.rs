//! The commands and options of `awesomestock`, each spelled once.
//!
//! Owns names and help of commands and options; completions and the manual are made from the same. One struct is the
//! command line, the environment and the configuration file; what a value may be, and which layer wins, is
//! [`config`](crate::config)'s to say.

mod manual;

use std::{ffi::OsString, path::PathBuf};

use clap::{
    CommandFactory, FromArgMatches, builder::BoolishValueParser, error::ErrorKind, parser::ValueSource,
    value_parser,
};
use serde::{Deserialize, Deserializer, Serialize};

use crate::app::replay::MAX_SPEED;

/// The one option that is for games alone.
const RECORD: &str = "record";

/// The version, and the commit where it is known.
pub const VERSION: &str = env!("AWESOMESTOCK_VERSION");

/// Trade one stock, AwesomeStock, in the terminal.
///
/// Alone, it is one command: a casino of your own, whose ledger is kept. With --casino you join a shared table.
/// Every option can also be given in the environment (shown with it) and as a key of the configuration file
/// (`initial-price = 10`). The command line wins over the environment, the environment over the file.
#[derive(Debug, clap::Parser)]
#[command(name = "awesomestock", version = VERSION, max_term_width = 100)]
pub struct Cli {
    /// What is done instead of playing.
    #[command(subcommand)]
    pub task: Option<Task>,
    /// Configuration file [default: `$XDG_CONFIG_HOME/awesomestock/config.toml`]
    #[arg(long, value_name = "FILE", env = "AWESOMESTOCK_CONFIG")]
    pub config: Option<PathBuf>,
    /// Record the session to a new FILE, for `awesomestock replay FILE`
    #[arg(long, value_name = "FILE", env = "AWESOMESTOCK_RECORD")]
    pub record: Option<PathBuf>,
    /// What can be given in every layer.
    #[command(flatten)]
    pub options: Options,
}

impl Cli {
    /// Understands a command line and the environment.
    ///
    /// # Errors
    ///
    /// When they make no sense; or help or the version is asked for.
    pub fn understand<A: Into<OsString> + Clone>(
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Self, clap::Error> {
        let mut table = Self::table();
        let matches = table.try_get_matches_from_mut(arguments)?;
        let cli = Self::from_arg_matches(&matches)?;
        if cli.task.is_some() && matches.value_source(RECORD) == Some(ValueSource::CommandLine) {
            let why = "--record is for a game; it cannot be used with a command";
            return Err(table.error(ErrorKind::ArgumentConflict, why));
        }
        Ok(cli)
    }

    /// The whole table of commands and options. What means something for commands may stand before or after them.
    #[must_use]
    pub fn table() -> clap::Command {
        Self::command().mut_args(|option| {
            let is_for_commands = option.get_id() != RECORD;
            option.global(is_for_commands)
        })
    }

    /// The manual page, as `man` reads it.
    #[must_use]
    pub fn manual() -> Vec<u8> {
        let mut page = Vec::new();
        // Into memory: nothing can go wrong but want of it.
        let _ = manual::write(Self::table(), &mut page);
        page
    }

    /// What a shell has to know to complete commands and options.
    #[must_use]
    pub fn completions(shell: clap_complete::Shell) -> Vec<u8> {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Self::table(), "awesomestock", &mut script);
        script
    }
}

/// What is done instead of playing.
#[derive(Debug, clap::Subcommand)]
pub enum Task {
    /// One thing at the casino.
    #[command(flatten)]
    Deed(Deed),
    /// Play a recorded session again, on the screen
    Replay {
        /// What --record wrote
        file: PathBuf,
        /// So many times as fast as it was, 1 to 1000
        #[arg(long, value_name = "TIMES", default_value_t = 1, value_parser = value_parser!(u32).range(1..=i64::from(MAX_SPEED)))]
        speed: u32,
    },
    /// The key to your name at a casino: `path` says where it is kept, `export` prints it, `import` takes one in
    Key {
        /// What is done with it.
        #[command(subcommand)]
        task: KeyTask,
    },
    /// Look at the terminal, the files, the casino and the clock, and say what works
    Doctor,
    /// Print what a shell needs to complete commands and options
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// What is done with a key.
#[derive(Debug, clap::Subcommand)]
pub enum KeyTask {
    /// Print where your keys are kept
    Path,
    /// Print the key to your name at --casino, on one line: whoever has it plays as you
    Export,
    /// Keep the key that `export` has printed on another machine
    Import {
        /// The file it is in [default: standard input]
        file: Option<PathBuf>,
        /// Put it in the place of another one
        #[arg(long)]
        replace: bool,
    },
}

/// One thing that is done at the casino, and printed: the table of the one-shot commands.
#[derive(Debug, Clone, Copy, clap::Subcommand)]
pub enum Deed {
    /// Print the price in force
    Price(Output),
    /// Print the wallet
    Balance(Output),
    /// Buy N stocks at the price in force
    Buy(Ordered),
    /// Sell N stocks at the price in force
    Sell(Ordered),
    /// Buy tokens for N dollars: 5 a dollar
    #[command(alias = "buyTokens")]
    BuyTokens(Amount),
    /// Turn N tokens into dollars: a multiple of 5
    Withdraw(Amount),
    /// Print all your trades, oldest first
    Trades(Output),
    /// Print all your payments, oldest first
    Payments(Output),
    /// Print who owns most at the table, and your own place
    Leaderboard(Output),
    /// Print your statement
    #[command(aliases = ["paymentStatement", "payment-statement"])]
    Statement(Output),
}

/// How many stocks, and at which price or better.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Ordered {
    /// How many, and how it is printed.
    #[command(flatten)]
    pub amount: Amount,
    /// Only at this price or a better one: buy at or below it, sell at or above it
    #[arg(long, value_name = "PRICE", value_parser = value_parser!(i32).range(1..), allow_negative_numbers = true)]
    pub limit: Option<i32>,
}

/// How many, and how it is printed.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Amount {
    /// A whole number from 1 to 2147483647
    #[arg(value_name = "N", value_parser = value_parser!(i32).range(1..), allow_negative_numbers = true)]
    pub count: i32,
    /// How it is printed.
    #[command(flatten)]
    pub output: Output,
}

/// How the outcome is printed: in words, unless it is for a program.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::Args)]
pub struct Output {
    /// Print JSON: one object, or an array of them
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// Print CSV with a line of headers
    #[arg(long)]
    pub csv: bool,
}

/// A list of texts, or one text, in which commas separate several.
fn one_or_more<'de, D: Deserializer<'de>>(source: D) -> Result<Option<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a text or a list of texts")]
    enum Given {
        One(String),
        More(Vec<String>),
    }
    Ok(Some(match Given::deserialize(source)? {
        Given::One(text) => text.split(',').map(str::to_owned).collect(),
        Given::More(texts) => texts,
    }))
}

/// The options, as one layer gives them: what it does not give is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Options {
    /// Join a shared table: http://HOST:PORT or https://HOST:PORT of its casino; of one with several addresses, all of
    /// them, separated by commas [default: `solo`, a casino of your own]
    #[arg(long, value_name = "URL", env = "AWESOMESTOCK_CASINO", value_delimiter = ',')]
    #[serde(deserialize_with = "one_or_more", default)]
    pub casino: Option<Vec<String>>,
    /// Of an https casino, trust the authority whose certificate (PEM) is in FILE [default: those the system trusts]
    #[arg(long, value_name = "FILE", env = "AWESOMESTOCK_TLS_CA")]
    pub tls_ca: Option<PathBuf>,
    /// Play by http at another machine's casino, though the key to your name can be read on the way
    #[arg(
        long,
        env = "AWESOMESTOCK_ALLOW_PLAINTEXT",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = BoolishValueParser::new(),
        hide_possible_values = true
    )]
    pub allow_plaintext: Option<bool>,
    /// Your name: 1 to 32 letters, digits and `_ - .` [default: the last one used, else the system's]
    #[arg(long, value_name = "NAME", env = "AWESOMESTOCK_USER")]
    pub user: Option<String>,
    /// Solo: time between two prices, 10ms to 1h [default: 1s]
    #[arg(long, value_name = "DURATION", env = "AWESOMESTOCK_TICK")]
    pub tick: Option<String>,
    /// Solo: price of a market that has no history yet [default: 10]
    #[arg(
        long,
        value_name = "TOKENS",
        env = "AWESOMESTOCK_INITIAL_PRICE",
        allow_negative_numbers = true
    )]
    pub initial_price: Option<i64>,
    /// Solo: seed of the market, so that a game can be played again [default: a random one]
    #[arg(
        long,
        value_name = "NUMBER",
        env = "AWESOMESTOCK_SEED",
        allow_negative_numbers = true
    )]
    pub seed: Option<i64>,
    /// Solo: players of the house at the table, who trade by habits of their own, 0 to 20 [default: 3]
    #[arg(
        long,
        value_name = "N",
        env = "AWESOMESTOCK_HOUSE",
        allow_negative_numbers = true
    )]
    pub house: Option<i64>,
    /// Play line by line, without a screen: for scripts, pipes and screen readers
    #[arg(
        long,
        env = "AWESOMESTOCK_PLAIN",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = BoolishValueParser::new(),
        hide_possible_values = true
    )]
    pub plain: Option<bool>,
    /// Begin at the desk, without the start screen
    #[arg(
        long,
        env = "AWESOMESTOCK_NO_SPLASH",
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = BoolishValueParser::new(),
        hide_possible_values = true
    )]
    pub no_splash: Option<bool>,
    /// The screen's theme: terminal, dark, light, mono, or for colour-blind eyes blue-orange, teal-magenta [default:
    /// `terminal`; with `NO_COLOR`, `mono`]
    #[arg(long, value_name = "NAME", env = "AWESOMESTOCK_THEME")]
    pub theme: Option<String>,
    /// The colour of a rising price: green, or red as in East Asia; in other themes, their own two [default: `green`]
    #[arg(long, value_name = "COLOUR", env = "AWESOMESTOCK_UP")]
    pub up: Option<String>,
    /// What the chart is painted with: braille, block or ascii (then the whole screen) [default: what locale and
    /// terminal can show]
    #[arg(long, value_name = "NAME", env = "AWESOMESTOCK_MARKERS")]
    pub markers: Option<String>,
    /// Folder of the solo ledger and of your last name [default: `$XDG_DATA_HOME/awesomestock`]
    #[arg(long, value_name = "DIR", env = "AWESOMESTOCK_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
}
