//! Theme, color of a rising price, chart markers and the bell, with their defaults.

use anyhow::{Result, anyhow};
use awesomestock_proto::command_line::shown;

use super::{UserEnvironment, option_error};
use crate::app::portfolio::alerts::Bell;
use crate::cli::args::Options;
use crate::ui::{Markers, Theme};

const DEFAULT_THEME: &str = "terminal";

const NO_COLOR_THEME: &str = "mono";

pub(super) fn theme(options: &Options, environment: &UserEnvironment) -> Result<Theme> {
    let default = if environment.no_color {
        NO_COLOR_THEME
    } else {
        DEFAULT_THEME
    };
    let name = options.theme.as_deref().map_or(default, shown);
    let theme = Theme::by_name(name).map_err(|why| anyhow!("theme: {why}"))?;
    match options.up.as_deref() {
        None | Some("green") => Ok(theme),
        Some("red") => Ok(theme.red_up()),
        Some(other) => Err(option_error("up", "must be green or red", other)),
    }
}

pub(super) fn markers(options: &Options, environment: &UserEnvironment) -> Result<Markers> {
    match options.markers.as_deref().map(shown) {
        Some(name) => Markers::by_name(name).map_err(|why| anyhow!("markers: {why}")),
        None => Ok(environment.markers),
    }
}

pub(super) fn bell(options: &Options) -> Result<Bell> {
    match options.bell.as_deref() {
        None | Some("off") => Ok(Bell::Off),
        Some("bell") => Ok(Bell::Bell),
        Some("notify") => Ok(Bell::Notify),
        Some(other) => Err(option_error("bell", "must be off, bell or notify", other)),
    }
}

/// Returns the first of `LC_ALL`, `LC_CTYPE` and `LANG` that is set.
pub(crate) fn locale(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let set = |name: &&str| variable(name).filter(|value| !value.is_empty());
    ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(set)
}

pub(crate) fn is_utf8(locale: &str) -> bool {
    locale.to_ascii_lowercase().replace('-', "").contains("utf8")
}

/// Returns the markers for a locale and terminal: ASCII for a locale that is not UTF-8, blocks for the Linux
/// console, which has no Braille. Without a locale most terminals show everything.
pub(super) fn markers_for(variable: impl Fn(&str) -> Option<String>) -> Markers {
    if locale(&variable).is_some_and(|locale| !is_utf8(&locale)) {
        Markers::Ascii
    } else if variable("TERM").is_some_and(|term| term == "linux") {
        Markers::Block
    } else {
        Markers::Braille
    }
}
