//! The frames of a game as text for a terminal and as SVG pictures. No clock is read and nothing is written.

pub(crate) mod ansi;
pub(crate) mod frames;
pub(crate) mod svg;

use crate::app::SessionInfo;
use crate::ui::text::sanitize;

pub(crate) fn title(info: &SessionInfo) -> String {
    let title = format!("AwesomeStock: {} @ {}", info.player, info.server);
    sanitize(&title).into_owned()
}
