//! Command line: arguments, configuration, doctor, keys.

pub mod args;
pub mod cast;
pub mod config;
pub mod doctor;
pub mod key;
