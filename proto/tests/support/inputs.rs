//! Inputs for checks of bytes. Included with `#[path]`.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

/// Mostly `valid`, sometimes with changed bytes or cut off, and sometimes random bytes.
pub(crate) fn mutated(valid: impl Strategy<Value = Vec<u8>> + 'static) -> impl Strategy<Value = Vec<u8>> {
    let valid = valid.boxed();
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6);
    let damaged =
        (valid.clone(), changes, any::<prop::sample::Index>()).prop_map(|(mut bytes, changes, end)| {
            if !bytes.is_empty() {
                for (index, byte) in changes {
                    let index = index.index(bytes.len());
                    bytes[index] = byte;
                }
                if end.index(3) == 0 {
                    bytes.truncate(end.index(bytes.len()));
                }
            }
            bytes
        });
    prop_oneof![6 => valid, 3 => damaged, 1 => prop::collection::vec(any::<u8>(), 0..400)]
}

/// The name of a fuzz target and its check.
pub(crate) type Check = (&'static str, fn(&[u8]));

/// Runs each check with its seeds in `fuzz/seeds/` of the crate in `crate_folder`: initial inputs and former findings.
/// Every check must have some.
pub(crate) fn check_seeds(crate_folder: &str, checks: &[Check]) {
    for (target, check) in checks {
        let folder = Path::new(crate_folder).join("fuzz/seeds").join(target);
        let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let seeds = files.map(|file| fs::read(file.unwrap().path()).unwrap());
        let checked = seeds.map(|seed| check(&seed)).count();
        assert!(checked > 0, "{}", folder.display());
    }
}
