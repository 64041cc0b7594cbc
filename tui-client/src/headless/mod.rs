//! The game without a screen: typed commands, one-shot commands, and pictures of recordings.

pub(crate) mod cast;
pub(crate) mod columns;
pub(crate) mod commands;
pub(crate) mod input;
pub(crate) mod messages;
pub(crate) mod output;
pub(crate) mod repl;
