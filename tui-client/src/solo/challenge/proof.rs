//! The file of a game. Its trades prove the result: no trade moves the price, which follows from the seed and the tick.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use awesomestock_proto::text::thousands;
use serde::{Deserialize, Serialize};

use super::{Balance, Challenge, INITIAL_PRICE, TICKS};
use crate::app::portfolio::money::{Permille, Side};
use crate::app::portfolio::rows::TradeRow;
use crate::storage::read_bounded;
use crate::storage::replace::replace_file;

/// Longest file that is read: many times the trades that fit into a game.
pub(crate) const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProvenTrade {
    pub(crate) tick: i64,
    pub(crate) side: Side,
    pub(crate) count: i32,
    /// Tokens per stock.
    pub(crate) price: i32,
    /// Tokens after the trade.
    pub(crate) tokens: i64,
}

/// The file of a game: its trades, from which the result follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Proof {
    pub(crate) challenge: Challenge,
    pub(crate) player: String,
    /// The game was played to its end, or left. Otherwise it was killed, and has the trades until then.
    pub(crate) finished: bool,
    pub(crate) trades: Vec<ProvenTrade>,
    /// Tokens at the last tick, with the stocks at its price. Only a finished game has it: it would show the prices to come.
    /// Earlier versions wrote it from the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) equity: Option<i64>,
}

/// A result, computed from a [`Proof`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) challenge: Challenge,
    pub(crate) trades: usize,
    /// The equity at each tick.
    pub(crate) equity: Vec<i64>,
    /// The change of the price over the whole game: the return of buying first and selling last.
    pub(crate) held: Option<Permille>,
}

impl Proof {
    /// Returns the proof of `trades`, those at later ticks than the last one left out.
    pub(crate) fn new(challenge: Challenge, player: &str, trades: Vec<TradeRow>) -> Result<Self, String> {
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
            equity: Some(balance.equity(last_price.unwrap_or(INITIAL_PRICE))),
        })
    }

    /// Returns the proof of the trades so far of a game that runs.
    pub(crate) fn unfinished(
        challenge: Challenge,
        player: &str,
        trades: Vec<TradeRow>,
    ) -> Result<Self, String> {
        Self::new(challenge, player, trades).map(|proof| Self {
            finished: false,
            equity: None,
            ..proof
        })
    }

    /// Computes the result again. Returns the first trade that cannot be, and why.
    pub(crate) fn verify(&self) -> Result<Outcome, String> {
        let mut balance = Balance::new();
        let mut trades = (1..).zip(&self.trades).peekable();
        let (mut equity, mut last_price) = (Vec::new(), INITIAL_PRICE);
        for (tick, price) in (0..=TICKS).zip(self.challenge.prices()) {
            while let Some((number, trade)) = trades.next_if(|(_, trade)| trade.tick <= tick) {
                let impossible = |why: String| format!("trade {number} is invalid: {why}");
                if trade.tick < tick {
                    return Err(impossible(format!(
                        "tick {} is earlier than that of the previous trade",
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
        match self.equity {
            Some(given) if given != last => {
                let (last, given) = (thousands(last), thousands(given));
                return Err(format!("equity: the trades end with {last} tokens, not {given}"));
            }
            None if self.finished => return Err("equity: that of a finished game is missing".to_owned()),
            Some(_) | None => {}
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

    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::File::open(path)
            .and_then(|file| read_bounded(file, MAX_FILE_BYTES))
            .with_context(|| format!("cannot read {}", path.display()))?;
        // Editors of some systems add the byte order mark.
        let text = text.trim_start_matches('\u{feff}');
        serde_json::from_str(text).with_context(|| format!("{} is not a challenge file", path.display()))
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        replace_file(path, |out| {
            serde_json::to_writer_pretty(&mut *out, self)?;
            writeln!(out)
        })
        .with_context(|| format!("cannot write {}", path.display()))
    }
}
