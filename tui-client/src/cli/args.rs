//! Commands and options of `awesomestock`. [`Options`] is at once the command line, the environment and the
//! configuration file; [`config`](crate::cli::config) checks values and precedence.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use awesomestock_proto::command_line::{self, BooleanOption, documents};
use awesomestock_proto::values::Trigger;
use clap::builder::PossibleValuesParser;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches, ValueHint};
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use crate::app::portfolio::order::{Condition, Terms};
use crate::cli::cast::{CastArgs, parse_speed};
use crate::solo::challenge::check_free_seed;
use crate::ui::{Markers, Theme};

/// The options for games, which are not for other commands. The lab takes all but the first.
const GAME: [&str; 3] = ["watch", "record", "cast"];

/// The options of a player, which a view without a player rejects.
const PLAYER: [&str; 5] = ["user", "plain", "wire", "record", "cast"];

/// Returns which of the options for every command have an effect on `command`; `None`: all of them, or nearly all.
fn used_options(command: &str) -> Option<&'static [&'static str]> {
    Some(match command {
        "replay" => &["config", "plain", "wire", "theme", "up", "markers"],
        "cast" => &["config", "theme", "up", "markers"],
        // Played alone: of the casinos, only `--casino solo` is accepted.
        "daily" | "duel" => &[
            "config", "casino", "user", "plain", "wire", "theme", "up", "markers", "bell", "data_dir",
        ],
        "verify" => &["config"],
        "results" => &["config", "data_dir"],
        _ => return None,
    })
}

/// Trade one stock, AwesomeStock, in the terminal.
///
/// Without options, this is a solo game with a casino and a ledger of your own. With --casino you join a
/// shared table. Every option can also be set in the environment (shown with it) and as a key of the
/// configuration file (`initial-price = 10`). The command line overrides the environment, which overrides the
/// file.
#[derive(Debug, clap::Parser)]
#[command(name = "awesomestock", version = awesomestock_proto::VERSION, max_term_width = 100)]
pub struct Cli {
    /// The command; without one, the game starts.
    #[command(subcommand)]
    pub task: Option<Task>,
    /// Configuration file [default: `$XDG_CONFIG_HOME/awesomestock/config.toml`]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub recording: RecordingArgs,
    /// Show the market without a player, on a projector: a large price, chart, podium and tape. It sends no name, no key
    /// and no order
    #[arg(long, boolean())]
    pub watch: Option<bool>,
    #[command(flatten)]
    pub options: Options,
    /// Options set by the environment, with their variables.
    #[arg(skip)]
    pub variables: BTreeMap<String, String>,
}

impl Cli {
    /// Parses a command line and the environment. Fails for invalid arguments, and requests for help or the version.
    pub fn parse<A: Into<OsString> + Clone>(
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Self, clap::Error> {
        let mut definition = Self::definition();
        let matches = command_line::matches(definition.clone(), arguments)?;
        let mut cli = Self::from_arg_matches(&matches)?;
        let from_variable = |option: &&clap::Arg| {
            matches.value_source(option.get_id().as_str()) == Some(ValueSource::EnvVariable)
        };
        let set = definition.get_arguments().filter(from_variable);
        let named =
            |option: &clap::Arg| Some((option.get_long()?.into(), option.get_env()?.to_str()?.to_owned()));
        cli.variables = set.filter_map(named).collect();
        let commands = std::iter::successors(matches.subcommand(), |(_, inner)| inner.subcommand());
        let commands: Vec<&str> = commands.map(|(name, _)| name).collect();
        let conflict = match &cli.task {
            Some(Task::Lab(own)) => {
                cli.recording.override_by(own.clone());
                None
            }
            Some(Task::Cast(arguments)) => arguments.conflict().map(str::to_owned),
            None if cli.watch == Some(true) => {
                let is_given =
                    |option: &&&str| matches.value_source(option) == Some(ValueSource::CommandLine);
                let option = PLAYER.iter().find(is_given);
                option.map(|option| format!("--{option} is for a player; it cannot be used with --watch"))
            }
            Some(_) | None => None,
        };
        let Some(rule) = without_effect(&definition, &matches, &commands).or(conflict) else {
            return Ok(cli);
        };
        // The error shows the usage of the command.
        definition.build();
        let command = commands.iter().fold(&definition, |outer, name| {
            outer.find_subcommand(name).unwrap_or(outer)
        });
        Err(command.clone().error(ErrorKind::ArgumentConflict, rule))
    }

    /// Returns the definition of all commands and options. Options of commands may be before or after the
    /// command.
    pub fn definition() -> clap::Command {
        let definition = command_line::with_environment(Self::command(), "AWESOMESTOCK").mut_args(|option| {
            let is_global = !GAME.contains(&option.get_id().as_str());
            option.global(is_global)
        });
        let options = definition.get_arguments().filter(|option| option.is_global_set());
        let options: Vec<clap::Arg> = options.cloned().collect();
        definition.mut_subcommands(|command| hide_unused(command, &options))
    }

    /// Returns the manual page in roff.
    pub fn manual() -> Vec<u8> {
        documents::manual(Self::definition(), "Without a command, the game starts.")
    }

    /// Returns a completion script for `shell`.
    pub fn completions(shell: clap_complete::Shell) -> Vec<u8> {
        // The commands of `key` and `daily` that take no files.
        const NO_FILES: &str =
            "complete -c awesomestock -n '__fish_seen_subcommand_from export path results' -f\n";
        let script = |files| documents::completions(with_values(Self::definition()), shell, files);
        match shell {
            clap_complete::Shell::Fish => {
                [&script(&["key", "replay", "cast", "daily"]), NO_FILES.as_bytes()].concat()
            }
            _ => script(&["replay", "cast", "verify", "import"]),
        }
    }
}

/// Returns why an option on the command line cannot be used with the command that it would not change.
fn without_effect(
    definition: &clap::Command,
    matches: &clap::ArgMatches,
    commands: &[&str],
) -> Option<String> {
    let is_unused = |option: &&clap::Arg| {
        let id = option.get_id().as_str();
        let is_used = match commands.last() {
            Some(command) if GAME.contains(&id) => *command == "lab" && id != "watch",
            Some(command) => used_options(command).is_none_or(|used| used.contains(&id)),
            None => true,
        };
        !is_used && matches.value_source(id) == Some(ValueSource::CommandLine)
    };
    let option = definition.get_arguments().find(is_unused)?.get_long()?;
    let command = commands.join(" ");
    Some(format!(
        "--{option} has no effect on {command}, so they cannot be used together"
    ))
}

/// Hides the options without an effect from the help of a command, and those of which only one value is allowed:
/// `--casino solo`, and `--plain false` of what needs a screen.
fn hide_unused(command: clap::Command, options: &[clap::Arg]) -> clap::Command {
    let used = used_options(command.get_name());
    let needs_screen = matches!(command.get_name(), "replay" | "daily" | "duel" | "lab");
    let is_unused = |option: &&clap::Arg| {
        let id = option.get_id().as_str();
        needs_screen && id == "plain" || used.is_some_and(|used| id == "casino" || !used.contains(&id))
    };
    let hidden = options
        .iter()
        .filter(is_unused)
        .map(|option| option.clone().hide(true));
    command
        .args(hidden)
        .mut_subcommands(|inner| hide_unused(inner, options))
}

/// Adds the values that shells complete.
fn with_values(command: clap::Command) -> clap::Command {
    let with_values_of = |option: clap::Arg| {
        let values: &[&str] = match option.get_id().as_str() {
            "theme" => Theme::NAMES,
            "up" => &["green", "red"],
            "bell" => &["off", "bell", "notify"],
            "markers" => &Markers::ALL.map(Markers::name),
            "market" => &["classic", "moods", "news"],
            _ => return option,
        };
        option.value_parser(PossibleValuesParser::new(values))
    };
    command.mut_args(with_values_of).mut_subcommands(with_values)
}

/// Files that are written during a game.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub struct RecordingArgs {
    /// Record the session to a new FILE, for `awesomestock replay FILE`
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub record: Option<PathBuf>,
    /// Write the screen to a new FILE during the game, as an asciicast for asciinema
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub cast: Option<PathBuf>,
}

impl RecordingArgs {
    fn override_by(&mut self, own: Self) {
        self.record = own.record.or(self.record.take());
        self.cast = own.cast.or(self.cast.take());
    }
}

/// A command.
#[derive(Debug, clap::Subcommand)]
pub enum Task {
    #[command(flatten)]
    OneShot(OneShot),
    /// Replay a recorded session on the screen
    Replay {
        /// A file written by --record
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// Speed factor, 1 to 1000
        #[arg(long, value_name = "TIMES", default_value_t = 1, value_parser = parse_speed)]
        speed: u32,
    },
    /// Turn a recorded session into an asciicast or an SVG picture, without a terminal
    Cast(CastArgs),
    /// Play today's market: 100 $, 120 ticks of one second, and a result to share. The first game of a day counts
    Daily {
        /// The daily command; without one, the game starts.
        #[command(subcommand)]
        task: Option<DailyTask>,
    },
    /// Play the market of a seed, on the same terms as a friend who plays it too
    Duel {
        /// A whole number that you agree on
        #[arg(id = "duel_seed", value_name = "SEED", value_parser = parse_free_seed)]
        seed: i64,
    },
    /// Play in a lab: keys break the connection, the casino, its disk and the payments server
    ///
    /// F2 to F8 cut the connection, freeze the casino, delay every byte by 2 s, lose an answer, fill the disk, kill the
    /// casino, and crash the payments server. The faults are real; a line explains each of them and what to watch. The
    /// casino is in this process and its ledger in a temporary folder, which is removed at the end: your own ledger and
    /// shared tables are out of reach.
    Lab(RecordingArgs),
    /// Manage the key to your name at a casino: show the `path`, `export` it or `import` it
    Key {
        #[command(subcommand)]
        task: KeyTask,
    },
    /// Open a solo ledger whose commit log is damaged, without the lost trades and payments
    AcceptLoss,
    /// Check the terminal, the files, the casino and the clock
    Doctor,
    /// Print a configuration file with every key and its default, as comments
    Config,
    /// Print a shell completion script
    Completions {
        /// Shell to complete for
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// A command about results of challenges.
#[derive(Debug, clap::Subcommand)]
pub enum DailyTask {
    /// Compute the result of a game again from its file, without a server
    Verify {
        /// The file of a daily game or a duel
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
    /// Print your results of the past days
    Results,
}

/// A key command.
#[derive(Debug, clap::Subcommand)]
pub enum KeyTask {
    /// Print the file of your keys
    Path,
    /// Print the key to your name at --casino on one line; anyone with the key can play as you
    Export,
    /// Store a key that `export` printed on another machine
    Import {
        /// File with the key [default: standard input]
        file: Option<PathBuf>,
        /// Replace an existing key
        #[arg(long)]
        replace: bool,
    },
}

/// A command that makes one call and prints the result.
#[derive(Debug, Clone, Copy, clap::Subcommand)]
pub enum OneShot {
    /// Print the current price
    Price(Output),
    /// Print the wallet
    Balance(Output),
    /// Buy N stocks at the current price
    Buy(OrderArgs),
    /// Sell N stocks at the current price
    Sell(OrderArgs),
    /// Buy tokens for N dollars: 5 per dollar
    #[command(alias = "buyTokens")]
    BuyTokens(Amount),
    /// Convert N tokens to dollars: a multiple of 5
    Withdraw(Amount),
    /// Print all your trades, oldest first
    Trades(Output),
    /// Print all your payments, oldest first
    Payments(Output),
    /// Print your open orders with their IDs, then the newest ones that have ended
    Orders(Output),
    /// Cancel the open order with this ID
    Cancel(CancelArgs),
    /// Print the leaderboard and your own rank
    Leaderboard(Output),
    /// Print your statement
    #[command(aliases = ["paymentStatement", "payment-statement"])]
    Statement(Output),
}

fn order_id(text: &str) -> Result<Uuid, &'static str> {
    text.parse().map_err(|_| "expected an ID as `orders` prints it")
}

/// Arguments of an order.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct OrderArgs {
    /// Number of stocks.
    #[command(flatten)]
    pub amount: Amount,
    /// Execute only at this price or better: a buy at this price or less, a sell at this price or more
    #[arg(long, value_name = "PRICE", value_parser = parse_count, allow_negative_numbers = true)]
    pub limit: Option<i32>,
    /// Let the order rest at the casino until a price meets --limit, or until you cancel it
    #[arg(long, requires = "limit")]
    pub rest: bool,
    /// Let the order rest at the casino until the price is this or worse: a buy at this price or more, a sell at this price
    /// or less
    #[arg(long, value_name = "PRICE", value_parser = parse_count, allow_negative_numbers = true,
        conflicts_with = "limit")]
    pub stop: Option<i32>,
}

/// Arguments of a cancellation.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct CancelArgs {
    /// The ID that `orders` prints
    #[arg(value_name = "ID", value_parser = order_id)]
    pub id: Uuid,
    #[command(flatten)]
    pub output: Output,
}

impl OrderArgs {
    /// Returns when and at which price the order executes.
    pub fn terms(&self) -> Terms {
        let rest = |trigger, price| Terms::Rest(Condition { trigger, price });
        match (self.limit, self.stop) {
            (_, Some(price)) => rest(Trigger::Stop, price),
            (Some(price), None) if self.rest => rest(Trigger::Limit, price),
            (limit, None) => Terms::immediate(limit),
        }
    }
}

/// An amount and an output format.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Amount {
    /// A whole number from 1 to 2,147,483,647
    #[arg(value_name = "N", value_parser = parse_count, allow_negative_numbers = true)]
    pub count: i32,
    #[command(flatten)]
    pub output: Output,
}

/// Output format: text, unless JSON or CSV is chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::Args)]
pub struct Output {
    /// Print JSON: one object, or an array of them
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// Print CSV with a line of headers
    #[arg(long)]
    pub csv: bool,
}

/// Parses a list of strings, or one comma-separated string.
fn one_or_more<'de, D: Deserializer<'de>>(source: D) -> Result<Option<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a text or a list of texts")]
    enum OneOrMany {
        One(String),
        More(Vec<String>),
    }
    Ok(Some(match OneOrMany::deserialize(source)? {
        OneOrMany::One(text) => text.split(',').map(str::to_owned).collect(),
        OneOrMany::More(texts) => texts,
    }))
}

/// Bounds of `--initial-price`.
pub(super) const INITIAL_PRICES: RangeInclusive<i64> = 1..=i32::MAX as i64;

/// Bounds of `--seed`.
pub(super) const SEEDS: RangeInclusive<i64> = 0..=i64::MAX;

/// Bounds of `--house`.
pub(super) const HOUSES: RangeInclusive<i64> = 0..=casino_server::BOTS_MAX as i64;

fn parse_count(text: &str) -> Result<i32, String> {
    command_line::number(text, &(1..=i32::MAX))
}

fn parse_seed(text: &str) -> Result<i64, String> {
    command_line::number(text, &SEEDS)
}

fn parse_free_seed(text: &str) -> Result<i64, String> {
    let seed = parse_seed(text)?;
    check_free_seed(seed.unsigned_abs())?;
    Ok(seed)
}

/// The options of one layer; `None` is not set.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Options {
    /// Join a shared table: http://HOST:PORT or https://HOST:PORT of its casino; separate several addresses
    /// by commas [default: `solo`, a casino of your own]
    #[arg(long, value_name = "URL", value_delimiter = ',')]
    #[serde(deserialize_with = "one_or_more", default)]
    pub casino: Option<Vec<String>>,
    /// Certificate authority (PEM file) of an https casino [default: the system's authorities]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub tls_ca: Option<PathBuf>,
    /// Allow http to a casino on another machine, although your key can be read on the network
    #[arg(long, boolean())]
    pub allow_plaintext: Option<bool>,
    /// Your name: 1 to 32 letters, digits and `_ - .` [default: the last one used, else the system's]
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Timeout of a command such as `balance`, 100ms to 1h [default: 10s]
    #[arg(long, value_name = "DURATION", value_hint = ValueHint::Other)]
    pub timeout: Option<String>,
    /// Solo: time between two prices, 10ms to 1h [default: 1s]
    #[arg(long, value_name = "DURATION")]
    pub tick: Option<String>,
    /// Solo: first price of a new market [default: 10; of moods and news 100]
    #[arg(long, value_name = "TOKENS", value_parser = |text: &str| command_line::number(text, &INITIAL_PRICES),
        allow_negative_numbers = true)]
    pub initial_price: Option<i64>,
    /// Solo: seed of the market, for a reproducible game [default: random]
    #[arg(long, value_name = "NUMBER", value_parser = parse_seed, allow_negative_numbers = true)]
    pub seed: Option<i64>,
    /// Solo: how the price moves, `classic`, `moods` or `news` [default: as in the ledger, `classic` for a new one]
    #[arg(long, value_name = "NAME")]
    pub market: Option<String>,
    /// Solo: number of built-in players, 0 to 20 [default: 3]
    #[arg(long, value_name = "N", value_parser = |text: &str| command_line::number(text, &HOUSES),
        allow_negative_numbers = true)]
    pub house: Option<i64>,
    /// Play line by line without a screen, for scripts, pipes and screen readers [default: if standard input or output is
    /// not a terminal, or `TERM` is `dumb` or not set]
    #[arg(long, boolean())]
    pub plain: Option<bool>,
    /// Show every message of the stream: in a pane on the screen, or as lines in line mode
    #[arg(long, boolean())]
    pub wire: Option<bool>,
    /// Skip the start screen, and the tour of the first game
    #[arg(long, boolean())]
    pub no_splash: Option<bool>,
    /// Theme: terminal, dark, light, mono, or for color blindness blue-orange, teal-magenta [default:
    /// `terminal`; with `NO_COLOR`, `mono`]
    #[arg(long, value_name = "NAME")]
    pub theme: Option<String>,
    /// Colour of a rising price: green, or red as in East Asia; other themes swap their two colours [default:
    /// `green`]
    #[arg(long, value_name = "COLOUR")]
    pub up: Option<String>,
    /// Characters of the chart: braille, block or ascii (the whole screen) [default: by locale and terminal]
    #[arg(long, value_name = "NAME")]
    pub markers: Option<String>,
    /// What a fill, an alert, an announcement or a lost connection does: off, bell (the terminal's), or notify (a desktop
    /// notification, if the terminal can) [default: `off`]
    #[arg(long, value_name = "NAME")]
    pub bell: Option<String>,
    /// Folder of the solo ledger, your last name and your achievements [default: `$XDG_DATA_HOME/awesomestock`]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub data_dir: Option<PathBuf>,
}
