//! The game without a screen: typed commands and one-shot commands.

pub(crate) mod columns;
pub(crate) mod commands;
pub(crate) mod input;
pub(crate) mod messages;
pub(crate) mod output;
pub(crate) mod repl;
