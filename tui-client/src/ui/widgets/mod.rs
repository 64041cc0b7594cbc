//! Widgets used by several panels.

pub(crate) mod big_digits;
pub(crate) mod hint;
pub(crate) mod panel;
pub(crate) mod window;
