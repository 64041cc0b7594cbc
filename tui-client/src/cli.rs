//! The options of `awesomestock`, each spelled once.
//!
//! Owns names and help of the options. One struct is the command line, the environment and the configuration file;
//! what a value may be, and which layer wins, is [`config`](crate::config)'s to say.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use serde::{Deserialize, Serialize};

/// Trade one stock, AwesomeStock, in the terminal.
///
/// Alone, it is one command: a casino of your own, whose ledger is kept. With --casino you join a shared table.
/// Every option can also be given in the environment (shown with it) and as a key of the configuration file
/// (`initial-price = 10`). The command line wins over the environment, the environment over the file.
#[derive(Debug, clap::Parser)]
#[command(name = "awesomestock", version, max_term_width = 100)]
pub struct Cli {
    /// Configuration file [default: `$XDG_CONFIG_HOME/awesomestock/config.toml`]
    #[arg(long, value_name = "FILE", env = "AWESOMESTOCK_CONFIG")]
    pub config: Option<PathBuf>,
    /// What can be given in every layer.
    #[command(flatten)]
    pub options: Options,
}

/// The options, as one layer gives them: what it does not give is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Options {
    /// Join a shared table: http://HOST:PORT of its casino [default: `solo`, a casino of your own]
    #[arg(long, value_name = "URL", env = "AWESOMESTOCK_CASINO")]
    pub casino: Option<String>,
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
    /// The screen's theme
    #[arg(long, value_name = "NAME", env = "AWESOMESTOCK_THEME")]
    pub theme: Option<String>,
    /// Folder of the solo ledger and of your last name [default: `$XDG_DATA_HOME/awesomestock`]
    #[arg(long, value_name = "DIR", env = "AWESOMESTOCK_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
}
