//! Screens other than the main screen.

pub(crate) mod podium;
pub(crate) mod replay_bar;
pub(crate) mod splash;
pub mod summary;
pub(crate) mod watch;
