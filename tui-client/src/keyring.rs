//! The keys to the player's names: made by themselves, kept in one file, each for one name at one casino.
//!
//! Owns the file and who may read it. A key is the only proof that a name is its player's, so one that was made is never
//! written over, and one that cannot be kept is not used.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use awesomestock_proto::credentials::{KEY_BYTES, PlayerKey};
use color_eyre::eyre::{Result, WrapErr, eyre};
use rand::{TryRng, rngs::SysRng};

/// The file of all keys, in the folder of keys.
const FILE_NAME: &str = "keys.toml";

/// The lock of those who change the file: two games may begin at once.
const LOCK_NAME: &str = "lock";

/// What the file begins with.
const HEADING: &str = "# Your keys: whoever has them plays as you. One table a casino, one line a name.\n\n";

/// Bytes the file may have: thousands of keys.
const MAX_BYTES: u64 = 1024 * 1024;

/// What others may not do with the file.
const OTHERS: u32 = 0o077;

/// A name at a casino.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// HOST:PORT of the casino. A key is never shown to another.
    pub casino: String,
    /// Other addresses of the same casino: a key that is kept under one of them is its key, too. The first in this order
    /// is taken; a new one is kept under `casino`.
    pub aliases: Vec<String>,
    /// The player's name there.
    pub player: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.player, self.casino)
    }
}

/// The keys by casino and name, as they are written.
type Written = BTreeMap<String, BTreeMap<String, String>>;

/// The folder of keys.
#[derive(Debug, Clone)]
pub struct Keyring {
    folder: PathBuf,
}

impl Keyring {
    /// The keys in `folder`, which need not be there.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// The file that holds them.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.join(FILE_NAME)
    }

    /// The key for `place`, if there is one. Nothing is made.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or understood, or others can read it.
    pub fn find(&self, place: &Place) -> Result<Option<PlayerKey>> {
        self.key_in(&self.read()?, place)
    }

    /// The key for `place`; a new one is made and kept if there is none.
    ///
    /// # Errors
    ///
    /// As [`Keyring::find`]; or when the key cannot be kept, or the system gives no randomness.
    pub fn find_or_make(&self, place: &Place) -> Result<PlayerKey> {
        if let Some(key) = self.find(place)? {
            return Ok(key);
        }
        let _lock = self.lock()?;
        // Another game may have made it meanwhile.
        let mut written = self.read()?;
        if let Some(key) = self.key_in(&written, place)? {
            return Ok(key);
        }
        let mut bytes = [0; KEY_BYTES];
        SysRng
            .try_fill_bytes(&mut bytes)
            .wrap_err("the system gives no randomness for a key")?;
        let key = PlayerKey::from_bytes(bytes);
        self.write(&mut written, place, &key)?;
        Ok(key)
    }

    /// Keeps `key` for `place`. Another one that is kept there makes room only if it may be replaced.
    ///
    /// # Errors
    ///
    /// When there is another one, or the key cannot be kept.
    pub fn import(&self, place: &Place, key: &PlayerKey, replace: bool) -> Result<()> {
        let _lock = self.lock()?;
        let mut written = self.read()?;
        match self.key_in(&written, place)? {
            Some(kept) if kept == *key => Ok(()),
            Some(_) if !replace => Err(eyre!(
                "there is another key of {place}: if it opens nothing, --replace puts the new one in its place"
            )),
            _ => self.write(&mut written, place, key),
        }
    }

    fn key_in(&self, written: &Written, place: &Place) -> Result<Option<PlayerKey>> {
        let addresses = std::iter::once(&place.casino).chain(&place.aliases);
        let text = addresses
            .filter_map(|address| written.get(address))
            .find_map(|names| names.get(&place.player));
        let key = text.map(|text| PlayerKey::parse(text)).transpose();
        key.wrap_err_with(|| format!("{}: the key of {place}", self.path().display()))
    }

    fn read(&self) -> Result<Written> {
        let path = self.path();
        let text = match read_private(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Written::new()),
            Err(error) => {
                return Err(error).wrap_err_with(|| format!("the keys in {} cannot be read", path.display()));
            }
        };
        // The parser's own words would repeat what they are about.
        toml::from_str(&text).map_err(|_| eyre!("the keys in {} are not understood", path.display()))
    }

    /// Waits until nobody else changes the file.
    fn lock(&self) -> Result<File> {
        let lock = || {
            make_private(&self.folder)?;
            let file = private().truncate(false).open(self.folder.join(LOCK_NAME))?;
            file.lock()?;
            Ok::<_, io::Error>(file)
        };
        lock().wrap_err_with(|| format!("keys cannot be kept in {}", self.folder.display()))
    }

    /// Writes all keys anew: whatever happens, the file is the old one or the new one.
    fn write(&self, written: &mut Written, place: &Place, key: &PlayerKey) -> Result<()> {
        let names = written.entry(place.casino.clone()).or_default();
        names.insert(place.player.clone(), key.reveal());
        let text = toml::to_string(written).wrap_err("the keys cannot be written")?;
        let new = self.folder.join(format!("{FILE_NAME}.new"));
        let write = || {
            let mut file = private().truncate(true).open(&new)?;
            file.write_all(HEADING.as_bytes())?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, self.path())?;
            File::open(&self.folder)?.sync_all()
        };
        write().wrap_err_with(|| format!("the key of {place} cannot be kept in {}", self.path().display()))
    }
}

/// A file that is made for its owner alone.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

/// Makes `folder`, for its owner alone.
fn make_private(folder: &Path) -> io::Result<()> {
    folder.parent().map_or(Ok(()), fs::create_dir_all)?;
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::set_permissions(folder, Permissions::from_mode(0o700))
        }
        made => made,
    }
}

/// The text of a file that its owner alone can read.
fn read_private(path: &Path) -> io::Result<String> {
    let file = File::open(path)?;
    if file.metadata()?.permissions().mode() & OTHERS != 0 {
        let words = format!("others can read it; chmod 600 {} mends that", path.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, words));
    }
    let mut text = String::new();
    let read = file.take(MAX_BYTES.saturating_add(1)).read_to_string(&mut text)?;
    if u64::try_from(read).is_ok_and(|read| read <= MAX_BYTES) {
        Ok(text)
    } else {
        Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it has more than {MAX_BYTES} bytes"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn place(casino: &str, player: &str) -> Place {
        Place {
            casino: casino.to_owned(),
            aliases: Vec::new(),
            player: player.to_owned(),
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_key_is_made_once_for_each_name_at_each_casino_and_kept_from_others() {
        let home = tempfile::tempdir().unwrap();
        let ring = Keyring::new(home.path().join("config/awesomestock/keys"));
        let ann = place("localhost:1", "Ægir.株");
        assert_eq!(ring.find(&ann).unwrap(), None);
        assert!(!home.path().join("config").exists(), "nothing is made by looking");
        let key = ring.find_or_make(&ann).unwrap();
        assert_eq!(ring.find_or_make(&ann).unwrap(), key);
        assert_eq!(ring.find(&ann).unwrap().as_ref(), Some(&key));
        for other in [place("localhost:2", "Ægir.株"), place("localhost:1", "ægir.株")] {
            assert_ne!(ring.find_or_make(&other).unwrap(), key, "{other}");
        }
        assert_eq!(ring.find(&ann).unwrap(), Some(key));
        assert_eq!((mode(&ring.path()), mode(&ring.folder)), (0o600, 0o700));
    }

    #[test]
    fn games_that_begin_at_once_lose_no_key() {
        let home = tempfile::tempdir().unwrap();
        let ring = Keyring::new(home.path().join("keys"));
        let names: Vec<Place> = (0..16)
            .map(|number| place("c:1", &format!("p{}", number / 2)))
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
        let of = |casino: &str, aliases: &[&str]| Place {
            aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
            ..place(casino, "ann")
        };
        let known = ring.find_or_make(&place("b:1", "ann")).unwrap();
        let both = ring.find_or_make(&of("a:1", &["b:1", "c:1"])).unwrap();
        assert_eq!(both, known, "it was known under another address");
        assert_eq!(ring.find(&place("a:1", "ann")).unwrap(), None, "it is kept once");
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
        assert_eq!(ring.find(&place("d:1", "ann")).unwrap(), Some(new));
        assert_eq!(ring.find(&place("e:1", "ann")).unwrap(), None);
    }

    #[test]
    fn a_file_that_others_can_read_is_not_used() {
        let home = tempfile::tempdir().unwrap();
        let ring = Keyring::new(home.path().join("keys"));
        let ann = place("c:1", "ann");
        ring.find_or_make(&ann).unwrap();
        fs::set_permissions(ring.path(), Permissions::from_mode(0o640)).unwrap();
        let words = format!("{:#}", ring.find_or_make(&ann).unwrap_err());
        assert!(words.contains("others can read it; chmod 600"), "{words}");
    }

    #[test]
    fn a_file_that_is_not_understood_is_left_alone_and_not_repeated() {
        let home = tempfile::tempdir().unwrap();
        let ring = Keyring::new(home.path().join("keys"));
        let ann = place("c:1", "ann");
        ring.find_or_make(&ann).unwrap();
        for text in [
            "s3cret",
            "[\"c:1\"]\nann = 's3cret'\n",
            "[\"c:1\"]\nann = ['s3cret']\n",
        ] {
            fs::write(ring.path(), text).unwrap();
            let error = ring.find_or_make(&ann).unwrap_err();
            let words = format!("{error:#} {error:?}");
            assert!(!words.contains("s3cret"), "{words}");
            assert_eq!(fs::read_to_string(ring.path()).unwrap(), text);
        }
    }

    #[test]
    fn an_import_replaces_nothing_unless_told_to() {
        let home = tempfile::tempdir().unwrap();
        let ring = Keyring::new(home.path().join("keys"));
        let ann = place("c:1", "ann");
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
