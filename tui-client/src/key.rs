//! The commands about keys: where they are, and how one gets to another machine.
//!
//! Owns the words. A key is printed by `export` alone.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
};

use awesomestock_proto::credentials::PlayerKey;
use color_eyre::eyre::{Result, WrapErr, eyre};

use crate::{
    cli::KeyTask,
    config::{Config, Table},
    keyring::{Keyring, Place},
};

/// Bytes read of what is imported: a key, and white space around it.
const MAX_BYTES: u64 = 256;

/// Does what `task` says with the key that `config` names, and prints to `out`.
///
/// # Errors
///
/// When there is no such key, it cannot be read or kept, or `out` cannot be written to.
pub fn run(config: &Config, task: &KeyTask, mut out: impl Write) -> Result<()> {
    let ring = Keyring::new(&config.keys_dir);
    let line = match task {
        KeyTask::Path => ring.path().display().to_string(),
        KeyTask::Export => {
            let place = place(config)?;
            let key = ring.find(&place)?;
            key.ok_or_else(|| eyre!("there is no key of {place} here: the first game there makes one"))?
                .reveal()
        }
        KeyTask::Import { file, replace } => {
            let place = place(config)?;
            let key = read(file.as_deref())?;
            ring.import(&place, &key, *replace)?;
            format!("the key of {place} is kept in {}", ring.path().display())
        }
    };
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .wrap_err("cannot write to standard output")
}

fn place(config: &Config) -> Result<Place> {
    match &config.table {
        Table::Shared(shared) => Ok(shared.place(&config.player)),
        Table::Solo(_) => Err(eyre!(
            "a solo game needs no key; --casino URL says which casino's is meant"
        )),
    }
}

/// The key in `file`, or in what comes on standard input.
fn read(file: Option<&Path>) -> Result<PlayerKey> {
    let (source, from): (Box<dyn Read>, String) = match file {
        None => (Box::new(io::stdin()), "standard input".to_owned()),
        Some(path) => {
            let name = path.display().to_string();
            let file = File::open(path).wrap_err_with(|| format!("{name} cannot be read"))?;
            (Box::new(file), name)
        }
    };
    let mut text = String::new();
    // The words of the error are those of the form: they repeat nothing of what was read.
    source
        .take(MAX_BYTES)
        .read_to_string(&mut text)
        .wrap_err_with(|| format!("{from} cannot be read"))?;
    PlayerKey::parse(text.trim()).wrap_err_with(|| format!("{from} is no key"))
}
