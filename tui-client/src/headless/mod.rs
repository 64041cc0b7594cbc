//! The game without a screen: typed commands, one-shot commands, pictures of recordings, results of challenges.

pub(crate) mod cast;
pub mod challenge;
pub(crate) mod columns;
pub(crate) mod commands;
pub(crate) mod input;
pub(crate) mod messages;
pub(crate) mod output;
pub(crate) mod repl;
