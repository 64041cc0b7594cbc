//! Files of the player: keys, recordings, log, progress.

pub(crate) mod keyring;
pub(crate) mod leftovers;
pub mod log_file;
pub(crate) mod progress;
pub mod recording;
pub(crate) mod replace;
