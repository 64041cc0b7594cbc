//! The game without a screen: typed commands, one-shot commands, casts of recordings, challenges and their results.

pub(crate) mod cast;
pub mod challenge;
pub(crate) mod columns;
pub(crate) mod commands;
pub(crate) mod input;
pub(crate) mod messages;
pub(crate) mod output;
pub(crate) mod repl;
