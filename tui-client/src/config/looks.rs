//! The looks: theme, the colour that rises, and what the chart is painted with.
//!
//! Owns their defaults, and what a locale and a terminal are taken to be able to show.

use color_eyre::eyre::{Result, WrapErr};

use super::{Surroundings, bad};
use crate::{
    cli::Options,
    ui::{Markers, Theme},
};

/// The theme, where nobody names one.
const DEFAULT_THEME: &str = "terminal";

/// The theme where `NO_COLOR` asks for no colours and nobody names one.
const COLOURLESS_THEME: &str = "mono";

/// The theme, with the colour that rises.
pub(super) fn theme(options: &Options, around: &Surroundings) -> Result<Theme> {
    let usual = if around.no_colour {
        COLOURLESS_THEME
    } else {
        DEFAULT_THEME
    };
    let theme = Theme::by_name(options.theme.as_deref().unwrap_or(usual)).wrap_err("theme")?;
    match options.up.as_deref() {
        None | Some("green") => Ok(theme),
        Some("red") => Ok(theme.red_up()),
        Some(other) => Err(bad("up", "must be green or red", other)),
    }
}

/// The markers that were named, else those that will be shown.
pub(super) fn markers(options: &Options, around: &Surroundings) -> Result<Markers> {
    let named = options.markers.as_deref().map(Markers::by_name);
    Ok(named.transpose().wrap_err("markers")?.unwrap_or(around.markers))
}

/// What is shown where these variables are set: a locale that names another charset than UTF-8 shows ASCII alone, and
/// the console of Linux has blocks but no Braille. Without a locale nothing is known, and most terminals show all.
pub(super) fn markers_for(variable: impl Fn(&str) -> Option<String>) -> Markers {
    let set = |name: &&str| variable(name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(set);
    let is_utf8 = |locale: String| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    };
    if !locale.is_none_or(is_utf8) {
        Markers::Ascii
    } else if variable("TERM").is_some_and(|term| term == "linux") {
        Markers::Block
    } else {
        Markers::Braille
    }
}
