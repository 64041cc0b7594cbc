//! The configuration: merges the layers of options and checks every value.

mod appearance;
pub(crate) mod file;
mod keys;
mod player;
mod server;
mod template;
pub(crate) mod zone;

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
pub(crate) use appearance::{is_utf8, locale};
use awesomestock_proto::command_line;
use casino_server::PriceModel;
use etcetera::BaseStrategy;
pub use player::{has_played, is_player_name, remember_player};
use serde::Deserialize;
pub use server::{ServerAddress, SharedServer};
pub use template::template;

use crate::app::Settings;
use crate::cli::args::{Cli, HOUSES, INITIAL_PRICES, Options, RecordingArgs, SEEDS, Task};
use crate::solo::SoloOptions;
use crate::solo::challenge::check_free_seed;
use crate::ui::{Markers, Theme};

const KEYS_FOLDER: &str = "keys";

const FOLDER: &str = "awesomestock";

/// Value of `--casino` for a solo game.
const SOLO: &str = "solo";

const DEFAULT_TICK: Duration = Duration::from_secs(1);

const DEFAULT_HOUSE: u8 = 3;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

const TIMEOUT_BOUNDS: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(3600);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub server: ServerChoice,
    /// The player's name; empty without a player.
    pub player: String,
    /// Line by line, without a screen.
    pub plain: bool,
    /// Timeout of a one-shot command.
    pub timeout: Duration,
    pub theme: Theme,
    /// Characters of the chart.
    pub markers: Markers,
    /// Folder of the solo ledger, the last player name and the achievements.
    pub data_dir: PathBuf,
    pub keys_dir: PathBuf,
    pub recording: RecordingArgs,
    pub settings: Settings,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerChoice {
    /// A server inside the process.
    Solo(SoloOptions),
    Shared(SharedServer),
}

impl fmt::Display for ServerChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Solo(_) => f.write_str(SOLO),
            Self::Shared(shared) => f.write_str(shared.first.name()),
        }
    }
}

/// Facts about the user's system that decide defaults.
#[derive(Debug, Clone)]
pub struct UserEnvironment {
    pub config_dir: PathBuf,
    pub data_dir: PathBuf,
    pub system_user: Option<String>,
    pub no_color: bool,
    /// Whether `TERM` is `dumb`, empty or missing: the terminal cannot move its cursor.
    pub dumb: bool,
    /// Default characters of the chart.
    pub markers: Markers,
}

impl UserEnvironment {
    /// Reads the system's settings. Fails if the user has no home folder.
    pub fn current() -> Result<Self> {
        let folders = etcetera::choose_base_strategy().context("cannot find the home folder; set HOME")?;
        Ok(Self {
            config_dir: folders.config_dir().join(FOLDER),
            data_dir: folders.data_dir().join(FOLDER),
            system_user: whoami::username().ok(),
            no_color: std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
            dumb: std::env::var("TERM").map_or(true, |term| is_dumb(&term)),
            markers: appearance::markers_for(|name| std::env::var(name).ok()),
        })
    }

    /// Returns the facts that count for `task`: a file does not depend on the terminal in which it is written.
    pub fn for_task(self, task: Option<&Task>) -> Self {
        match task {
            Some(Task::Cast(_)) => Self {
                no_color: false,
                markers: Markers::default(),
                ..self
            },
            _ => self,
        }
    }
}

impl Config {
    /// Returns the path of the configuration file, which may not exist.
    pub fn path(cli: &Cli, environment: &UserEnvironment) -> PathBuf {
        let default = || environment.config_dir.join(file::FILE_NAME);
        cli.config.clone().unwrap_or_else(default)
    }

    /// Merges the command line and environment (`cli`) with the configuration file, and checks all values. Fails for a
    /// file that cannot be read or parsed (with its line), and a value out of bounds (with its option).
    pub fn load(cli: &Cli, environment: &UserEnvironment) -> Result<Self> {
        Self::load_unnamed(cli, environment).map_err(|error| {
            // An error about an option begins with its name.
            let text = error.to_string();
            name_variable(error, cli, text.split(':').next())
        })
    }

    fn load_unnamed(cli: &Cli, environment: &UserEnvironment) -> Result<Self> {
        let path = Self::path(cli, environment);
        let mut content = file::read(&path, cli.config.is_none())
            .map_err(|error| name_variable(error, cli, Some("config")))?;
        let mut given = cli.options.clone();
        if let Some(Task::Replay { .. } | Task::Cast(_) | Task::Daily { .. } | Task::Duel { .. }) = cli.task {
            reject_casino(cli)?;
            content.options = without_casino(content.options);
            given = without_casino(given);
        }
        // Checked on its own first, so that the error names the file.
        Self::check(&content.options, environment).with_context(|| format!("in {}", path.display()))?;
        require_utf8(&given)?;
        let options = merge(content.options, &given)?;
        let mut config = Self::check(&options, environment)?;
        let is_lab = matches!(cli.task, Some(Task::Lab(_)));
        let watch = cli.watch == Some(true) && cli.task.is_none();
        if let ServerChoice::Shared(shared) = &config.server {
            reject_solo_options(&cli.options)?;
            if is_lab {
                return Err(anyhow!(
                    "casino: the lab starts a casino of its own and never joins a shared table; leave out --casino, or set it to solo"
                ));
            }
            if !watch {
                server::require_encryption(shared, &options)?;
            }
        }
        config.settings.keys = content.keys;
        config.settings.lab = is_lab;
        config.settings.watch = watch;
        if watch {
            config.player.clear();
            config.settings.splash = false;
            config.settings.wire = false;
        } else {
            config.recording = cli.recording.clone();
        }
        Ok(config)
    }

    /// Checks `options` and fills in the defaults.
    pub(crate) fn check(options: &Options, environment: &UserEnvironment) -> Result<Self> {
        let data_dir = match &options.data_dir {
            None => environment.data_dir.clone(),
            Some(dir) if dir.as_os_str().is_empty() => {
                return Err(option_error("data-dir", "must name a folder", ""));
            }
            Some(dir) if dir.starts_with("~") => {
                return Err(option_error(
                    "data-dir",
                    "must be a path without ~, which only shells expand",
                    dir.display(),
                ));
            }
            Some(dir) => dir.clone(),
        };
        let solo = check_solo_options(options)?;
        Ok(Self {
            server: server::check(options)?.map_or(ServerChoice::Solo(solo), ServerChoice::Shared),
            player: player::choose(
                options.user.as_deref(),
                &data_dir,
                environment.system_user.as_deref(),
            )?,
            plain: options.plain.unwrap_or(environment.dumb),
            timeout: check_duration(
                "timeout",
                options.timeout.as_deref(),
                DEFAULT_TIMEOUT,
                &TIMEOUT_BOUNDS,
            )?,
            theme: appearance::theme(options, environment)?,
            markers: appearance::markers(options, environment)?,
            data_dir,
            keys_dir: environment.config_dir.join(KEYS_FOLDER),
            recording: RecordingArgs::default(),
            settings: Settings {
                splash: !options.no_splash.unwrap_or(false),
                wire: options.wire.unwrap_or(false),
                bell: appearance::bell(options)?,
                ..Settings::default()
            },
        })
    }
}

/// Names the variable in place of `option` if the environment has set it.
fn name_variable(error: anyhow::Error, cli: &Cli, option: Option<&str>) -> anyhow::Error {
    match option.and_then(|option| Some((option, cli.variables.get(option)?))) {
        Some((option, variable)) => {
            let text = format!("{error:#}");
            let rule = text.strip_prefix(option).and_then(|rule| rule.strip_prefix(": "));
            anyhow!("{variable}: {}", rule.unwrap_or(&text))
        }
        None => error,
    }
}

/// TOML has no other text.
fn require_utf8(options: &Options) -> Result<()> {
    let paths = [("data-dir", &options.data_dir), ("tls-ca", &options.tls_ca)];
    for (name, path) in paths {
        if path.as_ref().is_some_and(|path| path.to_str().is_none()) {
            return Err(anyhow!("{name}: must be valid UTF-8"));
        }
    }
    Ok(())
}

/// Merges as TOML tables, so that no option has to be listed here.
fn merge(base: Options, overrides: &Options) -> Result<Options> {
    let mut merged = toml::Table::try_from(base).context("cannot merge the configuration")?;
    merged.extend(toml::Table::try_from(overrides).context("cannot merge the options")?);
    Options::deserialize(merged).context("cannot merge the options")
}

/// Rejects `--casino` of a command that joins none, unless it is `solo`. In the file and the environment it is allowed, as
/// other commands use it.
fn reject_casino(cli: &Cli) -> Result<()> {
    let is_shared = |casino: &[String]| casino != [SOLO];
    let is_typed = !cli.variables.contains_key("casino");
    if is_typed && cli.options.casino.as_deref().is_some_and(is_shared) {
        return Err(anyhow!(
            "casino: a challenge is played alone, on a casino of its own; leave out --casino"
        ));
    }
    Ok(())
}

/// Leaves out what only a casino or a connection to one uses.
fn without_casino(options: Options) -> Options {
    Options {
        casino: None,
        tls_ca: None,
        allow_plaintext: None,
        timeout: None,
        tick: None,
        initial_price: None,
        seed: None,
        market: None,
        house: None,
        ..options
    }
}

/// Rejects solo options on the command line of a shared game, where they have no effect. In the file they are
/// allowed, as solo games use them.
fn reject_solo_options(options: &Options) -> Result<()> {
    let given = [
        ("tick", options.tick.is_some()),
        ("initial-price", options.initial_price.is_some()),
        ("seed", options.seed.is_some()),
        ("market", options.market.is_some()),
        ("house", options.house.is_some()),
    ];
    match given.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((name, _)) => Err(anyhow!(
            "{name}: only for a solo game; with --casino, the shared table sets its own"
        )),
    }
}

fn check_solo_options(options: &Options) -> Result<SoloOptions> {
    let price = options.initial_price;
    let initial_price = price.map(|price| check_number("initial-price", price, &INITIAL_PRICES));
    let seed = options.seed.map(check_seed);
    let house = options.house.map(|house| check_number("house", house, &HOUSES));
    Ok(SoloOptions {
        tick: check_duration(
            "tick",
            options.tick.as_deref(),
            DEFAULT_TICK,
            &casino_server::TICK,
        )?,
        initial_price: initial_price.transpose()?,
        seed: seed.transpose()?,
        market: options.market.as_deref().map(check_market).transpose()?,
        house: house.transpose()?.unwrap_or(DEFAULT_HOUSE),
    })
}

/// The prices of a day are known with any first price, and a ledger may have its model already.
fn check_seed(given: i64) -> Result<u64> {
    let seed = check_number("seed", given, &SEEDS)?;
    check_free_seed(seed).map_err(|rule| option_error("seed", &rule, given))?;
    Ok(seed)
}

fn check_market(name: &str) -> Result<PriceModel> {
    name.parse()
        .map_err(|_| option_error("market", "must be classic, moods or news", name))
}

fn check_duration(
    option: &str,
    given: Option<&str>,
    default: Duration,
    bounds: &RangeInclusive<Duration>,
) -> Result<Duration> {
    let Some(given) = given else { return Ok(default) };
    command_line::duration(given, bounds).map_err(|rule| option_error(option, &rule, given))
}

fn check_number<N: TryFrom<i64>>(option: &str, given: i64, bounds: &RangeInclusive<i64>) -> Result<N> {
    let number = Some(given).filter(|given| bounds.contains(given));
    number
        .and_then(|number| N::try_from(number).ok())
        .ok_or_else(|| option_error(option, &command_line::number_rule(bounds), given))
}

/// Returns true for values of `TERM` that name a terminal without a screen.
pub(crate) fn is_dumb(term: &str) -> bool {
    let term = term.to_ascii_lowercase();
    matches!(term.as_str(), "" | "unknown" | "emacs") || term.starts_with("dumb")
}

fn option_error(option: &str, rule: &str, given: impl fmt::Display) -> anyhow::Error {
    match given.to_string() {
        given if command_line::shown(&given) == given => anyhow!("{option}: {rule}, not {given:?}"),
        _ => anyhow!("{option}: {rule}; the value is not shown, as it may hold a secret"),
    }
}

#[cfg(test)]
mod tests;
