//! `awesomestock key`: shows, exports and imports player keys. Only `export` prints a key.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use awesomestock_proto::auth::PlayerKey;
use awesomestock_proto::command_line;

use crate::cli::args::KeyTask;
use crate::cli::config::{Config, ServerChoice};
use crate::storage::keyring::{KeyId, Keyring};

/// Largest import that is read: a key and surrounding white space.
const MAX_BYTES: u64 = 256;

/// Runs `task` on the key that `config` selects, and prints to `out`. Fails if there is no readable key, it cannot be
/// stored, or `out` cannot be written.
pub fn run(config: &Config, task: &KeyTask, mut out: impl Write) -> Result<()> {
    let keyring = Keyring::new(&config.keys_dir);
    let line = match task {
        KeyTask::Path => keyring.path().display().to_string(),
        KeyTask::Export => {
            let id = key_id(config)?;
            let key = keyring.find(&id)?;
            key.ok_or_else(|| {
                anyhow!(
                    "no key of {id} in {}: play there once to create it",
                    keyring.path().display()
                )
            })?
            .expose()
        }
        KeyTask::Import { file, replace } => {
            let id = key_id(config)?;
            let key = read(file.as_deref())?;
            keyring.import(&id, &key, *replace)?;
            format!("stored the key of {id} in {}", keyring.path().display())
        }
    };
    let printed = writeln!(out, "{line}").and_then(|()| out.flush());
    command_line::written(printed).context("cannot write to standard output")
}

fn key_id(config: &Config) -> Result<KeyId> {
    match &config.server {
        ServerChoice::Shared(shared) => Ok(shared.key_id(&config.player)),
        ServerChoice::Solo(_) => Err(anyhow!(
            "a solo game needs no key; choose a casino with --casino URL"
        )),
    }
}

/// Reads a key from `file` or standard input.
fn read(file: Option<&Path>) -> Result<PlayerKey> {
    let read_text = |source: &mut dyn Read| io::read_to_string(source.take(MAX_BYTES));
    let (text, from) = match file {
        None => (read_text(&mut io::stdin()), "standard input".to_owned()),
        Some(path) => {
            let text = File::open(path).and_then(|mut file| read_text(&mut file));
            (text, command_line::secret_path(path))
        }
    };
    // Errors describe the format only, and never include the text that was read.
    let text = text.with_context(|| format!("cannot read {from}"))?;
    PlayerKey::parse(text.trim_start_matches('\u{feff}').trim())
        .with_context(|| format!("{from} is not a key"))
}
