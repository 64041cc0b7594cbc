//! Files of the player: keys, recordings, log.

pub(crate) mod keyring;
pub mod log_file;
pub mod recording;
pub(crate) mod replace;
