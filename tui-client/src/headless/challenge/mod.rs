//! Plays the daily challenge and duels, and prints their results.

mod print;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::{fs, process};

use anyhow::{Context, Result, anyhow};
use crossterm::clipboard::CopyToClipboard;
use crossterm::execute;
use print::FOLDER;
pub use print::{print_results, print_verified};

use crate::app::commands::request::Request;
use crate::app::portfolio::rows::TradeRow;
use crate::client::Client;
use crate::solo::challenge::proof::Proof;
use crate::solo::challenge::trade_file::TradeFile;
use crate::solo::challenge::{Challenge, DOLLARS};
use crate::storage::leftovers::remove_leftovers;

/// Begins the name of the folder of a game; the process ID follows, and `-` and the name of the result of a game that
/// counts.
const GAME_PREFIX: &str = "game-";

/// A game of a challenge, with a ledger in a folder of its own, which is deleted when the game ends.
#[derive(Debug)]
pub(crate) struct ChallengeRun {
    challenge: Challenge,
    player: String,
    /// The file of the result; `None`: practice.
    result: Option<PathBuf>,
    pub(crate) ledger: PathBuf,
}

impl ChallengeRun {
    /// Begins a game. The first one of a day or a seed counts from here on, also if it is not finished.
    pub(crate) fn begin(data_dir: &Path, challenge: Challenge, player: &str) -> Result<Self> {
        let folder = data_dir.join(FOLDER);
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create the folder {}", folder.display()))?;
        remove_leftovers(&folder, GAME_PREFIX);
        let name = challenge.to_string().replace(' ', "-");
        let path = folder.join(format!("{name}.json"));
        let counts = !path.exists();
        let mut ledger = format!("{GAME_PREFIX}{}", process::id());
        if counts {
            ledger = format!("{ledger}-{name}");
        }
        let ledger = folder.join(ledger);
        // Left by a killed process that had the same ID.
        let _ = fs::remove_dir_all(&ledger);
        if counts {
            let begun = Proof::unfinished(challenge, player, Vec::new());
            begun.map_err(|why| anyhow!(why))?.write(&path)?;
        }
        Ok(Self {
            challenge,
            player: player.to_owned(),
            result: counts.then_some(path),
            ledger,
        })
    }

    pub(crate) fn title(&self) -> String {
        match self.result {
            Some(_) => self.challenge.to_string(),
            None => format!("practice {}", self.challenge),
        }
    }

    /// Returns whether the game is the only one that counts.
    pub(crate) fn is_only_try(&self) -> bool {
        self.result.is_some()
    }

    /// Returns the file to which the trades of the game are added; `None`: practice.
    pub(crate) fn trade_file(&self) -> Option<TradeFile> {
        let path = self.result.clone()?;
        Some(TradeFile::new(self.challenge, self.player.clone(), path))
    }

    /// Writes the file, prints the result to `out` and copies it to the clipboard.
    pub(crate) fn finish(self, trades: Vec<TradeRow>, out: &mut impl Write) -> Result<()> {
        let proof = Proof::new(self.challenge, &self.player, trades).map_err(|why| anyhow!(why))?;
        let outcome = proof.verify().map_err(|why| anyhow!(why))?;
        let text = outcome.share(self.result.is_none());
        let kept = match &self.result {
            Some(path) => {
                proof.write(path)?;
                format!("Its proof: {}", path.display())
            }
            None => format!("It is practice: the first game of {} counts.", self.challenge),
        };
        // Whether the terminal has put it there is not known.
        let printed = execute!(out, CopyToClipboard::to_clipboard_from(&text))
            .and_then(|()| writeln!(out, "{text}\nThe result was sent to the clipboard. {kept}"));
        printed.context("cannot print the result")
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
    client.call(Request::BuyTokens(DOLLARS)).await?;
    Ok(())
}

/// Returns all trades of the game, oldest first.
pub(crate) async fn trades(client: &Client) -> Result<Vec<TradeRow>> {
    let mut pages = client.all_trades().await?;
    let mut trades = Vec::new();
    while let Some(page) = pages.next().await? {
        trades.extend(page.into_iter().map(|(_, row)| row));
    }
    Ok(trades)
}
