//! The daily challenge and duels: the same market for everybody, and a list of trades that proves the result.
//!
//! No trade moves the price, and the price follows from the seed and the tick. So the trades determine the result, and
//! `Proof::verify` computes it again without a server.

use std::{
    fmt, fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process,
    str::FromStr,
    time::Duration,
};

use awesomestock_proto::text::{pluralize, thousands};
use casino_server::{PriceModel, market_prices};
use color_eyre::eyre::{Result, WrapErr, eyre};
use crossterm::{clipboard::CopyToClipboard, execute};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{
    app::{
        commands::request::Request,
        portfolio::{
            money::{Permille, Side, TOKENS_PER_DOLLAR},
            rows::TradeRow,
        },
    },
    cli::config::SoloOptions,
    client::Client,
    storage::{leftovers::remove_leftovers, replace::replace_file},
    ui::text::{
        format::{percent, sparkline},
        sanitize,
    },
};

/// The last tick of a game.
pub(crate) const TICKS: i64 = 120;

/// The deposit that a game is played with, in dollars.
const DOLLARS: i32 = 100;
const INITIAL_PRICE: i32 = 50;

/// Added to a date to get the seed of its game.
const DAILY_SEEDS: u64 = 0x6461_696c << 32;

/// The folder of results in the data folder.
const FOLDER: &str = "daily";

/// Begins the name of the folder of a game; the process ID follows.
const GAME_PREFIX: &str = "game-";

/// Longest file that is read: many times the trades that fit into a game.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Cells of the sparkline of the equity.
const SPARK_CELLS: usize = 24;

/// What is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Challenge {
    /// The market of a day, in UTC.
    Daily(Date),
    /// The market of a seed.
    Duel(u64),
}

impl Challenge {
    /// Returns the challenge of the current day.
    #[must_use]
    pub fn today() -> Self {
        Self::Daily(Timestamp::now().to_zoned_datetime(TimeZone::UTC).date())
    }

    /// The seed of a day is its date as a number, such as 20261129, in a range that no duel is likely to use.
    fn seed(self) -> u64 {
        match self {
            Self::Daily(date) => {
                let [year, month, day] = [i64::from(date.year()), date.month().into(), date.day().into()];
                DAILY_SEEDS + (year * 10_000 + month * 100 + day).unsigned_abs()
            }
            Self::Duel(seed) => seed,
        }
    }

    pub(crate) fn options(self) -> SoloOptions {
        SoloOptions {
            tick: Duration::from_secs(1),
            initial_price: INITIAL_PRICE,
            seed: Some(self.seed()),
            market: Some(PriceModel::Moods),
            house: 3,
        }
    }

    fn prices(self) -> impl Iterator<Item = i32> {
        market_prices(PriceModel::Moods, self.seed(), INITIAL_PRICE)
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Daily(date) => write!(f, "daily {date}"),
            Self::Duel(seed) => write!(f, "duel {seed}"),
        }
    }
}

impl From<Challenge> for String {
    fn from(challenge: Challenge) -> Self {
        challenge.to_string()
    }
}

impl FromStr for Challenge {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = match text.split_once(' ') {
            Some(("daily", date)) => date.parse().ok().map(Self::Daily),
            Some(("duel", seed)) => seed.parse().ok().map(Self::Duel),
            Some(_) | None => None,
        };
        parsed
            .filter(|challenge: &Self| challenge.to_string() == text)
            .ok_or_else(|| format!("challenge: must be \"daily YYYY-MM-DD\" or \"duel SEED\", not {text:?}"))
    }
}

impl TryFrom<String> for Challenge {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// A trade of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenTrade {
    tick: i64,
    side: Side,
    count: i32,
    /// Tokens per stock.
    price: i32,
    /// Tokens after the trade.
    tokens: i64,
}

/// The file of a game: its trades, from which the result follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    challenge: Challenge,
    player: String,
    /// The game was played to its end, or left.
    finished: bool,
    trades: Vec<ProvenTrade>,
    /// Tokens at the last tick, with the stocks at its price.
    equity: i64,
}

/// A result, computed from a [`Proof`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    challenge: Challenge,
    trades: usize,
    /// The equity at each tick.
    equity: Vec<i64>,
    /// The change of the price over the whole game: the return of buying first and selling last.
    held: Option<Permille>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Balance {
    tokens: i64,
    stocks: i64,
}

impl Balance {
    fn new() -> Self {
        Self {
            tokens: i64::from(DOLLARS) * TOKENS_PER_DOLLAR,
            stocks: 0,
        }
    }

    /// Applies a trade, or returns why it is impossible.
    fn trade(self, side: Side, count: i32, price: i32) -> Result<Self, String> {
        if count < 1 {
            return Err(format!("its count is {count}"));
        }
        let cost = i64::from(price).saturating_mul(count.into());
        let (tokens, stocks) = match side {
            Side::Buy => (
                self.tokens.checked_sub(cost),
                self.stocks.checked_add(count.into()),
            ),
            Side::Sell => (
                self.tokens.checked_add(cost),
                self.stocks.checked_sub(count.into()),
            ),
        };
        match (
            tokens.filter(|tokens| *tokens >= 0),
            stocks.filter(|stocks| *stocks >= 0),
        ) {
            (Some(tokens), Some(stocks)) => Ok(Self { tokens, stocks }),
            (None, _) => Err(format!(
                "it costs {}, and there are {}",
                pluralize(cost, "token"),
                thousands(self.tokens)
            )),
            (_, None) => Err(format!(
                "it sells {}, and there are {}",
                pluralize(i64::from(count), "stock"),
                thousands(self.stocks)
            )),
        }
    }

    fn equity(self, price: i32) -> i64 {
        self.tokens
            .saturating_add(self.stocks.saturating_mul(price.into()))
    }
}

impl Proof {
    /// Returns the proof of `trades`, those at later ticks than the last one left out.
    fn new(challenge: Challenge, player: &str, trades: Vec<TradeRow>) -> Result<Self, String> {
        let mut balance = Balance::new();
        let mut proven = Vec::new();
        for row in trades.into_iter().filter(|row| row.tick <= TICKS) {
            balance = balance.trade(row.side, row.count, row.price)?;
            proven.push(ProvenTrade {
                tick: row.tick,
                side: row.side,
                count: row.count,
                price: row.price,
                tokens: balance.tokens,
            });
        }
        let last_price = challenge.prices().nth(usize::try_from(TICKS).unwrap_or(0));
        Ok(Self {
            challenge,
            player: player.to_owned(),
            finished: true,
            trades: proven,
            equity: balance.equity(last_price.unwrap_or(INITIAL_PRICE)),
        })
    }

    /// Computes the result again. Returns the first trade that cannot be, and why.
    fn verify(&self) -> Result<Outcome, String> {
        if !self.finished {
            return Err("the game was not finished".to_owned());
        }
        let mut balance = Balance::new();
        let mut trades = (1..).zip(&self.trades).peekable();
        let (mut equity, mut last_price) = (Vec::new(), INITIAL_PRICE);
        for (tick, price) in (0..=TICKS).zip(self.challenge.prices()) {
            while let Some((number, trade)) = trades.next_if(|(_, trade)| trade.tick <= tick) {
                let impossible = |why: String| format!("trade {number} is invalid: {why}");
                if trade.tick < tick {
                    return Err(impossible(format!(
                        "tick {} is before that of the trade before it",
                        trade.tick
                    )));
                }
                if trade.price != price {
                    let (given, price) = (thousands(trade.price), thousands(price));
                    return Err(impossible(format!(
                        "the price of tick {tick} is {price}, not {given}"
                    )));
                }
                balance = balance
                    .trade(trade.side, trade.count, price)
                    .map_err(impossible)?;
                if balance.tokens != trade.tokens {
                    let (left, given) = (thousands(balance.tokens), thousands(trade.tokens));
                    return Err(impossible(format!("it leaves {left} tokens, not {given}")));
                }
            }
            equity.push(balance.equity(price));
            last_price = price;
        }
        if let Some((number, trade)) = trades.next() {
            return Err(format!(
                "trade {number} is invalid: tick {} is after the last one, {TICKS}",
                trade.tick
            ));
        }
        let last = equity.last().copied().unwrap_or_default();
        if self.equity != last {
            let (last, given) = (thousands(last), thousands(self.equity));
            return Err(format!("equity: the trades end with {last} tokens, not {given}"));
        }
        Ok(Outcome {
            challenge: self.challenge,
            trades: self.trades.len(),
            equity,
            held: Permille::from_change(
                i64::from(last_price) - i64::from(INITIAL_PRICE),
                INITIAL_PRICE.into(),
            ),
        })
    }

    fn read(path: &Path) -> Result<Self> {
        let mut text = String::new();
        let read = fs::File::open(path).and_then(|file| file.take(MAX_FILE_BYTES).read_to_string(&mut text));
        read.wrap_err_with(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).wrap_err_with(|| format!("{} is not a challenge file", path.display()))
    }

    fn write(&self, path: &Path) -> Result<()> {
        replace_file(path, |out| {
            serde_json::to_writer_pretty(&mut *out, self)?;
            writeln!(out)
        })
        .wrap_err_with(|| format!("cannot write {}", path.display()))
    }
}

impl Outcome {
    fn last(&self) -> i64 {
        self.equity.last().copied().unwrap_or_default()
    }

    fn percent(&self) -> String {
        let first = Balance::new().tokens;
        Permille::from_change(self.last().saturating_sub(first), first).map_or_else(String::new, percent)
    }

    fn trades(&self) -> String {
        pluralize(i64::try_from(self.trades).unwrap_or(i64::MAX), "trade")
    }

    fn sparkline(&self) -> String {
        sparkline(&self.equity, SPARK_CELLS)
    }

    /// Returns the three lines to share.
    fn share(&self, practice: bool) -> String {
        let practice = if practice { " (practice)" } else { "" };
        format!(
            "AwesomeStock {}{practice}  {}\n{}\n{}: {} to {} tokens; buy and hold {}\n",
            self.challenge,
            self.percent(),
            self.sparkline(),
            self.trades(),
            thousands(Balance::new().tokens),
            thousands(self.last()),
            self.held.map_or_else(String::new, percent),
        )
    }
}

/// A game of a challenge, with a ledger in a folder of its own, which is deleted when the game ends.
#[derive(Debug)]
pub(crate) struct ChallengeRun {
    challenge: Challenge,
    player: String,
    /// The file of the result; `None`: practice.
    result: Option<PathBuf>,
    ledger: PathBuf,
}

impl ChallengeRun {
    /// Begins a game. The first one of a day counts from here on, also if it is not finished; duels are kept each time.
    pub(crate) fn begin(data_dir: &Path, challenge: Challenge, player: &str) -> Result<Self> {
        let folder = data_dir.join(FOLDER);
        fs::create_dir_all(&folder)
            .wrap_err_with(|| format!("cannot create the folder {}", folder.display()))?;
        remove_leftovers(&folder, GAME_PREFIX);
        let ledger = folder.join(format!("{GAME_PREFIX}{}", process::id()));
        // Left by a killed process that had the same ID.
        let _ = fs::remove_dir_all(&ledger);
        let path = folder.join(format!("{}.json", challenge.to_string().replace(' ', "-")));
        let counts = matches!(challenge, Challenge::Duel(_)) || !path.exists();
        if counts {
            let begun = Proof::new(challenge, player, Vec::new()).map_err(|why| eyre!(why))?;
            let begun = Proof {
                finished: false,
                ..begun
            };
            begun.write(&path)?;
        }
        Ok(Self {
            challenge,
            player: player.to_owned(),
            result: counts.then_some(path),
            ledger,
        })
    }

    pub(crate) fn ledger(&self) -> &Path {
        &self.ledger
    }

    /// Writes the file, prints the result to `out` and copies it to the clipboard.
    pub(crate) fn finish(self, trades: Vec<TradeRow>, out: &mut impl Write) -> Result<()> {
        let proof = Proof::new(self.challenge, &self.player, trades).map_err(|why| eyre!(why))?;
        let outcome = proof.verify().map_err(|why| eyre!(why))?;
        if let Some(path) = &self.result {
            proof.write(path)?;
        }
        let text = outcome.share(self.result.is_none());
        let printed = execute!(out, CopyToClipboard::to_clipboard_from(&text))
            .and_then(|()| write!(out, "{text}"))
            .and_then(|()| match &self.result {
                Some(path) => writeln!(
                    out,
                    "\nThe result is on the clipboard. Its proof: {}",
                    path.display()
                ),
                None => Ok(()),
            });
        printed.wrap_err("cannot print the result")
    }
}

impl Drop for ChallengeRun {
    fn drop(&mut self) {
        // What is left takes space, but is never read again.
        let _ = fs::remove_dir_all(&self.ledger);
    }
}

/// Makes the deposit that a game is played with.
pub(crate) async fn deposit(client: &Client) -> Result<()> {
    let paid = client.call(Request::BuyTokens(DOLLARS)).await;
    paid.map(|_| ()).map_err(|error| eyre!(error.into_words()))
}

/// Returns all trades of the game, oldest first.
pub(crate) async fn trades(client: &Client) -> Result<Vec<TradeRow>> {
    let failed = |error: crate::client::RequestError| eyre!(error.into_words());
    let mut pages = client.all_trades().await.map_err(failed)?;
    let mut trades = Vec::new();
    while let Some(page) = pages.next().await.map_err(failed)? {
        trades.extend(page.into_iter().map(|(_, row)| row));
    }
    Ok(trades)
}

/// Computes the result in `file` again and prints it. That of a day to come is not: its error would show prices.
///
/// # Errors
///
/// The file cannot be read, or names a trade that cannot be.
pub fn print_verified(file: &Path, mut out: impl Write) -> Result<()> {
    let proof = Proof::read(file)?;
    if let (Challenge::Daily(date), Challenge::Daily(today)) = (proof.challenge, Challenge::today())
        && date > today
    {
        return Err(eyre!(
            "{}: {} has not begun; today is {today} (UTC)",
            file.display(),
            proof.challenge
        ));
    }
    let outcome = proof.verify().map_err(|why| eyre!("{}: {why}", file.display()))?;
    let player = sanitize(&proof.player);
    printed(writeln!(out, "{}player: {player}", outcome.share(false)))
}

/// Prints the results of the past days, newest first.
///
/// # Errors
///
/// The folder of results cannot be read.
pub fn print_results(data_dir: &Path, mut out: impl Write) -> Result<()> {
    let folder = data_dir.join(FOLDER);
    let mut files: Vec<PathBuf> = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        entries => entries
            .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
            .wrap_err_with(|| format!("cannot read {}", folder.display()))?,
    };
    files.retain(|path| {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        name.starts_with("daily-") && name.ends_with(".json")
    });
    files.sort_unstable();
    if files.is_empty() {
        return printed(writeln!(
            out,
            "no results yet; `awesomestock daily` plays today's market"
        ));
    }
    for path in files.iter().rev() {
        let outcome = Proof::read(path).and_then(|proof| proof.verify().map_err(|why| eyre!(why)));
        let line = match outcome {
            Ok(outcome) => {
                let (percent, trades) = (outcome.percent(), outcome.trades());
                format!(
                    "{}  {percent:>9}  {:SPARK_CELLS$}  {trades}",
                    outcome.challenge,
                    outcome.sparkline()
                )
            }
            Err(why) => format!(
                "{}  {why:#}",
                path.file_stem()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .replacen('-', " ", 1)
            ),
        };
        printed(writeln!(out, "{line}"))?;
    }
    Ok(())
}

/// A closed pipe is not an error.
fn printed(written: io::Result<()>) -> Result<()> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).wrap_err("cannot write to standard output")
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
