//! What the game is started with: the layers of options merged, and every value checked.
//!
//! Owns precedence, defaults and bounds. It knows no terminal and opens no socket; it reads the configuration file and
//! asks where the user's folders are.

#[cfg(any(test, feature = "fuzzing"))]
#[path = "../fuzz/config.rs"]
pub(crate) mod checks;
mod file;
mod keys;
mod looks;
mod player;
mod shared;

pub use player::{is_player_name, remember_player};
pub use shared::{Address, Shared};

use std::{fmt, path::PathBuf, time::Duration};

use color_eyre::eyre::{Report, Result, WrapErr, eyre};
use etcetera::BaseStrategy;
use serde::Deserialize;

use crate::{
    app::Settings,
    cli::{Cli, Options},
    ui::{Markers, Theme},
};

/// The folder of keys in the folder of the configuration.
const KEYS_FOLDER: &str = "keys";

/// The folder of this game below the user's folders.
const FOLDER: &str = "awesomestock";

/// What `--casino` is called where it is no shared table.
const SOLO: &str = "solo";

/// Time between two prices of a solo game.
const DEFAULT_TICK: Duration = Duration::from_secs(1);

/// Shortest and longest time between two prices of a solo game.
const TICK_BOUNDS: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(3600));

/// The price of a solo market that has no history yet.
const DEFAULT_INITIAL_PRICE: i32 = 10;

/// House players at a solo table.
const DEFAULT_HOUSE: u8 = 3;

/// The most house players a solo table has.
pub const MAX_HOUSE: u8 = 20;

/// What the game is started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where to play.
    pub table: Table,
    /// The player's name.
    pub player: String,
    /// Line by line, without a screen.
    pub plain: bool,
    /// The screen's theme.
    pub theme: Theme,
    /// What the chart is painted with.
    pub markers: Markers,
    /// Folder of the solo ledger and of the player's last name.
    pub data_dir: PathBuf,
    /// Folder of the keys to the player's names.
    pub keys_dir: PathBuf,
    /// File that the session is recorded to.
    pub record: Option<PathBuf>,
    /// How the player wants the game.
    pub settings: Settings,
}

/// Where to play.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Table {
    /// A casino inside the process.
    Solo(SoloRules),
    /// A casino somewhere else.
    Shared(Shared),
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Solo(_) => f.write_str(SOLO),
            Self::Shared(shared) => f.write_str(shared.first.name()),
        }
    }
}

/// The rules of a casino inside the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoloRules {
    /// Time between two prices.
    pub tick: Duration,
    /// The price of a market that has no history yet.
    pub initial_price: i32,
    /// The market's seed; by default the one the ledger keeps, or a new one.
    pub seed: Option<u64>,
    /// House players at the table, at most [`MAX_HOUSE`].
    pub house: u8,
}

/// The user's surroundings, as far as the configuration depends on them.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Folder of the configuration file.
    pub config_dir: PathBuf,
    /// Folder of the ledger.
    pub data_dir: PathBuf,
    /// The user's name.
    pub system_user: Option<String>,
    /// `NO_COLOR` asks for no colours.
    pub no_colour: bool,
    /// What this terminal shows the chart's dots with.
    pub markers: Markers,
}

impl Surroundings {
    /// As the system tells them.
    ///
    /// # Errors
    ///
    /// When the user has no home folder.
    pub fn of_this_process() -> Result<Self> {
        let folders = etcetera::choose_base_strategy().wrap_err("cannot find the user's folders")?;
        Ok(Self {
            config_dir: folders.config_dir().join(FOLDER),
            data_dir: folders.data_dir().join(FOLDER),
            system_user: whoami::username().ok(),
            no_colour: std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
            markers: looks::markers_for(|name| std::env::var(name).ok()),
        })
    }
}

impl Config {
    /// Where the configuration file lies, if there is one.
    #[must_use]
    pub fn path(cli: &Cli, around: &Surroundings) -> PathBuf {
        file::path(cli.config.as_deref(), &around.config_dir)
    }

    /// Merges what the command line and the environment gave (`cli`) with the configuration file, and checks it.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or understood (named with its line), or a value is out of bounds (named by its
    /// option).
    pub fn load(cli: &Cli, around: &Surroundings) -> Result<Self> {
        let (content, path) = file::read(cli.config.as_deref(), &around.config_dir)?;
        // Checked by itself first, so that the error says which layer is to be mended.
        Self::check(&content.options, around).wrap_err_with(|| format!("in {}", path.display()))?;
        let options = merge(content.options, &cli.options)?;
        let config = Self::check(&options, around)?;
        if let Table::Shared(shared) = &config.table {
            refuse_solo_options(&cli.options)?;
            shared::refuse_open_way(shared, &options)?;
        }
        Ok(Self {
            record: cli.record.clone(),
            settings: Settings {
                keys: content.keys,
                ..config.settings
            },
            ..config
        })
    }

    /// Checks every option of `options` and fills in the defaults.
    fn check(options: &Options, around: &Surroundings) -> Result<Self> {
        let data_dir = match &options.data_dir {
            None => around.data_dir.clone(),
            Some(dir) if dir.as_os_str().is_empty() => return Err(bad("data-dir", "must name a folder", "")),
            Some(dir) => dir.clone(),
        };
        let rules = check_rules(options)?;
        Ok(Self {
            table: shared::check(options)?.map_or(Table::Solo(rules), Table::Shared),
            player: player::choose(options.user.as_deref(), &data_dir, around.system_user.as_deref())?,
            plain: options.plain.unwrap_or(false),
            theme: looks::theme(options, around)?,
            markers: looks::markers(options, around)?,
            data_dir,
            keys_dir: around.config_dir.join(KEYS_FOLDER),
            record: None,
            settings: Settings {
                splash: !options.no_splash.unwrap_or(false),
                ..Settings::default()
            },
        })
    }
}

/// `over` on top of `under`, by way of their TOML tables: so no option has to be named here.
fn merge(under: Options, over: &Options) -> Result<Options> {
    let mut merged = toml::Table::try_from(under).wrap_err("cannot merge the configuration")?;
    merged.extend(toml::Table::try_from(over).wrap_err("cannot merge the options")?);
    Options::deserialize(merged).wrap_err("cannot merge the options")
}

/// A shared table has its own market: options that would do nothing there are refused where they are typed. In the
/// file they stay, for the solo games.
fn refuse_solo_options(typed: &Options) -> Result<()> {
    let given = [
        ("tick", typed.tick.is_some()),
        ("initial-price", typed.initial_price.is_some()),
        ("seed", typed.seed.is_some()),
        ("house", typed.house.is_some()),
    ];
    match given.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((name, _)) => Err(eyre!(
            "{name}: only for a solo game; with casino given, the shared table sets its own"
        )),
    }
}

fn check_rules(options: &Options) -> Result<SoloRules> {
    let initial_price = match options.initial_price {
        None => DEFAULT_INITIAL_PRICE,
        Some(price) => i32::try_from(price)
            .ok()
            .filter(|price| *price >= 1)
            .ok_or_else(|| bad("initial-price", "must be 1 to 2147483647", price))?,
    };
    let seed = match options.seed {
        None => None,
        Some(seed) => {
            Some(u64::try_from(seed).map_err(|_| bad("seed", "must be 0 to 9223372036854775807", seed))?)
        }
    };
    Ok(SoloRules {
        tick: check_tick(options.tick.as_deref())?,
        initial_price,
        seed,
        house: check_house(options.house)?,
    })
}

fn check_tick(tick: Option<&str>) -> Result<Duration> {
    let Some(tick) = tick else {
        return Ok(DEFAULT_TICK);
    };
    let (shortest, longest) = TICK_BOUNDS;
    humantime::parse_duration(tick)
        .ok()
        .filter(|duration| (shortest..=longest).contains(duration))
        .ok_or_else(|| bad("tick", "must be a duration from 10ms to 1h, such as 1s", tick))
}

fn check_house(house: Option<i64>) -> Result<u8> {
    let Some(house) = house else {
        return Ok(DEFAULT_HOUSE);
    };
    u8::try_from(house)
        .ok()
        .filter(|house| *house <= MAX_HOUSE)
        .ok_or_else(|| bad("house", "must be 0 to 20", house))
}

/// The error of an option: its name, its bound, and what was given instead.
fn bad(option: &str, bound: &str, given: impl fmt::Display) -> Report {
    eyre!("{option}: {bound}, not {:?}", given.to_string())
}

#[cfg(test)]
mod tests;
