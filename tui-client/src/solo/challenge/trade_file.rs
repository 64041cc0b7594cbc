//! The proof of a running game, kept up to date.

use std::path::PathBuf;

use anyhow::{Result, anyhow};

use super::Challenge;
use super::proof::Proof;
use crate::app::portfolio::rows::TradeRow;

/// The proof of a game that is played. It is written before a frame shows its trades, so that a killed game keeps them.
#[derive(Debug)]
pub struct TradeFile {
    challenge: Challenge,
    player: String,
    path: PathBuf,
    trades: Vec<TradeRow>,
    unwritten: Option<Proof>,
}

impl TradeFile {
    pub(crate) fn new(challenge: Challenge, player: String, path: PathBuf) -> Self {
        Self {
            challenge,
            player,
            path,
            trades: Vec::new(),
            unwritten: None,
        }
    }

    /// Adds a trade. Those of orders that rested may arrive after a later one.
    pub(crate) fn add(&mut self, trade: TradeRow) -> Result<()> {
        let mut trades = self.trades.clone();
        trades.insert(trades.partition_point(|row| row.tick <= trade.tick), trade);
        let proof = Proof::unfinished(self.challenge, &self.player, trades.clone());
        self.unwritten = Some(proof.map_err(|why| anyhow!(why))?);
        self.trades = trades;
        Ok(())
    }

    /// Writes the trades since the last call, if any.
    pub(crate) fn write(&mut self) -> Result<()> {
        match self.unwritten.take() {
            Some(proof) => proof.write(&self.path),
            None => Ok(()),
        }
    }
}

impl Drop for TradeFile {
    fn drop(&mut self) {
        if let Err(error) = self.write() {
            tracing::warn!(error = %format_args!("{error:#}"), "the trades are not kept");
        }
    }
}
