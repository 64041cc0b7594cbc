//! Actions, keys and typed commands.

pub mod action;
pub mod command;
pub mod key;
pub mod keymap;
pub mod lab;
pub mod request;
