//! The player's keys: one per name and casino, in a private file. A key is the only proof of owning a name, so it is
//! never overwritten silently and never used before it is saved.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use awesomestock_proto::auth::{KEY_BYTES, PlayerKey};
use rand::TryRng;
use rand::rngs::SysRng;

use super::read_bounded;

const FILE_NAME: &str = "keys.toml";

/// Lock file: two games may change the keys at once.
const LOCK_NAME: &str = "lock";

const HEADING: &str =
    "# Your keys: anyone who has them can play as you. One table per casino, one line per name.\n\n";

/// Largest file, in bytes: thousands of keys.
const MAX_BYTES: u64 = 1024 * 1024;

/// Permissions that the file must not have.
const OTHERS: u32 = 0o077;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyId {
    /// HOST:PORT. A key is never sent to another casino.
    pub casino: String,
    /// Other addresses of the casino, whose keys are also valid, in this order. New keys are stored under `casino`.
    pub(crate) aliases: Vec<String>,
    pub player: String,
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.player, self.casino)
    }
}

/// Keys by casino and name.
type KeyFile = BTreeMap<String, BTreeMap<String, String>>;

#[derive(Debug, Clone)]
pub(crate) struct Keyring {
    folder: PathBuf,
}

impl Keyring {
    pub(crate) fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join(FILE_NAME)
    }

    /// Returns the key of `id`, if there is one. Fails if the file cannot be read or parsed, or is readable by
    /// others.
    pub(crate) fn find(&self, id: &KeyId) -> Result<Option<PlayerKey>> {
        self.key_in(&self.read()?, id)
    }

    /// Returns the key of `id`, or creates and saves one. Fails as [`Keyring::find`], or if the key cannot be
    /// generated or saved.
    pub(crate) fn find_or_make(&self, id: &KeyId) -> Result<PlayerKey> {
        if let Some(key) = self.find(id)? {
            return Ok(key);
        }
        let _lock = self.lock()?;
        // Another game may have created it meanwhile.
        let mut keys = self.read()?;
        if let Some(key) = self.key_in(&keys, id)? {
            return Ok(key);
        }
        let mut bytes = [0; KEY_BYTES];
        SysRng
            .try_fill_bytes(&mut bytes)
            .context("cannot create a key: the system's random generator failed")?;
        let key = PlayerKey::from_bytes(bytes);
        self.write(&mut keys, id, &key)?;
        Ok(key)
    }

    /// Saves `key` for `id`. Fails if there is another key and `replace` is false, or saving fails.
    pub(crate) fn import(&self, id: &KeyId, key: &PlayerKey, replace: bool) -> Result<()> {
        let _lock = self.lock()?;
        let mut keys = self.read()?;
        match self.key_in(&keys, id)? {
            Some(kept) if kept == *key => Ok(()),
            Some(_) if !replace => Err(anyhow!(
                "there is already another key for {id}; if it is not valid, use --replace"
            )),
            _ => self.write(&mut keys, id, key),
        }
    }

    fn key_in(&self, keys: &KeyFile, id: &KeyId) -> Result<Option<PlayerKey>> {
        let addresses = std::iter::once(&id.casino).chain(&id.aliases);
        let text = addresses
            .filter_map(|address| keys.get(address))
            .find_map(|names| names.get(&id.player));
        let key = text.map(|text| PlayerKey::parse(text)).transpose();
        key.with_context(|| format!("invalid key for {id} in {}", self.path().display()))
    }

    fn read(&self) -> Result<KeyFile> {
        let path = self.path();
        let text = match read_private(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(KeyFile::new()),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read the keys in {}", path.display()));
            }
        };
        // The parser's error would print keys.
        toml::from_str(&text)
            .map_err(|_| anyhow!("invalid key file {}; correct or remove it", path.display()))
    }

    fn lock(&self) -> Result<File> {
        let lock = || {
            make_private(&self.folder)?;
            let file = private().truncate(false).open(self.folder.join(LOCK_NAME))?;
            file.lock()?;
            Ok::<_, io::Error>(file)
        };
        lock().with_context(|| format!("cannot save keys in {}", self.folder.display()))
    }

    /// Writes all keys atomically.
    fn write(&self, keys: &mut KeyFile, id: &KeyId, key: &PlayerKey) -> Result<()> {
        let names = keys.entry(id.casino.clone()).or_default();
        names.insert(id.player.clone(), key.expose());
        let text = toml::to_string(keys).context("cannot write the keys")?;
        // Replaces the target of a symlink, not the link.
        let path = fs::canonicalize(self.path()).unwrap_or_else(|_| follow(self.path()));
        let new = path.with_extension("toml.new");
        let write = || {
            let mut file = private().truncate(true).open(&new)?;
            file.write_all(HEADING.as_bytes())?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            path.parent()
                .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
        };
        write().with_context(|| format!("cannot save the key for {id} in {}", self.path().display()))
    }
}

/// Follows a link whose target does not exist; other paths are returned unchanged.
fn follow(path: PathBuf) -> PathBuf {
    match (fs::read_link(&path), path.parent()) {
        (Ok(target), Some(folder)) => folder.join(target),
        _ => path,
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

fn make_private(folder: &Path) -> io::Result<()> {
    folder.parent().map_or(Ok(()), fs::create_dir_all)?;
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::set_permissions(folder, Permissions::from_mode(0o700))
        }
        made => made,
    }
}

fn read_private(path: &Path) -> io::Result<String> {
    let file = File::open(path)?;
    if file.metadata()?.permissions().mode() & OTHERS != 0 {
        let text = format!(
            "others can read it; chmod 600 {} makes it private",
            path.display()
        );
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
    }
    read_bounded(file, MAX_BYTES)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn key_id(casino: &str, player: &str) -> KeyId {
        KeyId {
            casino: casino.to_owned(),
            aliases: Vec::new(),
            player: player.to_owned(),
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_key_is_created_once_per_name_and_casino_and_kept_private() {
        let home = tempfile::tempdir().unwrap();
        let ring = Keyring::new(home.path().join("config/awesomestock/keys"));
        let ann = key_id("localhost:1", "Ægir.株");
        assert_eq!(ring.find(&ann).unwrap(), None);
        assert!(!home.path().join("config").exists(), "find creates nothing");
        let key = ring.find_or_make(&ann).unwrap();
        assert_eq!(ring.find_or_make(&ann).unwrap(), key);
        assert_eq!(ring.find(&ann).unwrap().as_ref(), Some(&key));
        for other in [key_id("localhost:2", "Ægir.株"), key_id("localhost:1", "ægir.株")] {
            assert_ne!(ring.find_or_make(&other).unwrap(), key, "{other}");
        }
        assert_eq!(ring.find(&ann).unwrap(), Some(key));
        assert_eq!((mode(&ring.path()), mode(&ring.folder)), (0o600, 0o700));
    }

    #[test]
    fn a_symlink_to_the_keys_stays_a_symlink() {
        let home = tempfile::tempdir().unwrap();
        let ring = Keyring::new(home.path().join("keys"));
        let elsewhere = home.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        make_private(&ring.folder).unwrap();
        // The first time the target does not exist.
        std::os::unix::fs::symlink("../elsewhere/mine.toml", ring.path()).unwrap();
        for name in ["ann", "bob"] {
            let key = ring.find_or_make(&key_id("c:1", name)).unwrap();
            assert!(ring.path().symlink_metadata().unwrap().is_symlink(), "{name}");
            let text = fs::read_to_string(elsewhere.join("mine.toml")).unwrap();
            assert!(text.contains(&key.expose()), "{name}");
        }
        assert_eq!(mode(&elsewhere.join("mine.toml")), 0o600);
        assert_eq!(
            fs::read_dir(&elsewhere).unwrap().count(),
            1,
            "no other file is left"
        );
    }

    #[test]
    fn games_started_at_once_lose_no_key() {
        let home = tempfile::tempdir().unwrap();
        let ring = Keyring::new(home.path().join("keys"));
        let names: Vec<KeyId> = (0..16)
            .map(|number| key_id("c:1", &format!("p{}", number / 2)))
            .collect();
        let made: Vec<PlayerKey> = thread::scope(|scope| {
            let games: Vec<_> = names
                .iter()
                .map(|name| scope.spawn(|| ring.find_or_make(name).unwrap()))
                .collect();
            games.into_iter().map(|game| game.join().unwrap()).collect()
        });
        for (name, key) in names.iter().zip(&made) {
            assert_eq!(ring.find(name).unwrap().as_ref(), Some(key), "{name}");
        }
    }

    #[test]
    fn one_casino_with_several_addresses_has_one_key() {
        let home = tempfile::tempdir().unwrap();
        let ring = Keyring::new(home.path().join("keys"));
        let of = |casino: &str, aliases: &[&str]| KeyId {
            aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
            ..key_id(casino, "ann")
        };
        let known = ring.find_or_make(&key_id("b:1", "ann")).unwrap();
        let both = ring.find_or_make(&of("a:1", &["b:1", "c:1"])).unwrap();
        assert_eq!(both, known, "known under another address");
        assert_eq!(ring.find(&key_id("a:1", "ann")).unwrap(), None, "stored once");
        let other = PlayerKey::from_bytes([7; KEY_BYTES]);
        let refused = ring.import(&of("a:1", &["b:1"]), &other, false).unwrap_err();
        assert!(refused.to_string().contains("--replace"), "{refused}");
        ring.import(&of("a:1", &["b:1"]), &other, true).unwrap();
        assert_eq!(ring.find(&of("a:1", &["b:1"])).unwrap(), Some(other));
        assert_eq!(
            ring.find(&of("b:1", &["a:1"])).unwrap(),
            Some(known),
            "in the order given"
        );
        let new = ring.find_or_make(&of("d:1", &["e:1"])).unwrap();
        assert_eq!(ring.find(&key_id("d:1", "ann")).unwrap(), Some(new));
        assert_eq!(ring.find(&key_id("e:1", "ann")).unwrap(), None);
    }

    #[test]
    fn a_file_that_others_can_read_is_not_used() {
        let home = tempfile::tempdir().unwrap();
        let ring = Keyring::new(home.path().join("keys"));
        let ann = key_id("c:1", "ann");
        ring.find_or_make(&ann).unwrap();
        fs::set_permissions(ring.path(), Permissions::from_mode(0o640)).unwrap();
        let text = format!("{:#}", ring.find_or_make(&ann).unwrap_err());
        assert!(text.contains("others can read it; chmod 600"), "{text}");
    }

    #[test]
    fn an_invalid_file_is_unchanged_and_not_printed() {
        let home = tempfile::tempdir().unwrap();
        let ring = Keyring::new(home.path().join("keys"));
        let ann = key_id("c:1", "ann");
        ring.find_or_make(&ann).unwrap();
        for text in [
            "s3cret",
            "[\"c:1\"]\nann = 's3cret'\n",
            "[\"c:1\"]\nann = ['s3cret']\n",
        ] {
            fs::write(ring.path(), text).unwrap();
            let error = ring.find_or_make(&ann).unwrap_err();
            let error = format!("{error:#} {error:?}");
            assert!(!error.contains("s3cret"), "{error}");
            assert_eq!(fs::read_to_string(ring.path()).unwrap(), text);
        }
    }

    #[test]
    fn an_import_replaces_a_key_only_on_request() {
        let home = tempfile::tempdir().unwrap();
        let ring = Keyring::new(home.path().join("keys"));
        let ann = key_id("c:1", "ann");
        let [first, second] = [1, 2].map(|byte| PlayerKey::from_bytes([byte; KEY_BYTES]));
        ring.import(&ann, &first, false).unwrap();
        ring.import(&ann, &first, false).unwrap();
        let refused = ring.import(&ann, &second, false).unwrap_err().to_string();
        assert!(refused.contains("--replace"), "{refused}");
        assert_eq!(ring.find(&ann).unwrap(), Some(first));
        ring.import(&ann, &second, true).unwrap();
        assert_eq!(ring.find(&ann).unwrap(), Some(second));
    }
}
