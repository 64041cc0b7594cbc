//! The filter of a log.

use std::{env, ffi::OsString};

use tracing_subscriber::EnvFilter;

const RULE: &str = "expected a level (off, error, warn, info, debug, trace) or directives such as `casino_server=debug,h2=warn`";

/// Parses the filter of a log, in the syntax of [`EnvFilter`].
///
/// # Errors
///
/// Any other text, also one that [`EnvFilter`] takes for a module of an impossible name, and that would log nothing.
pub fn log_filter(text: &str) -> Result<EnvFilter, String> {
    let is_module = |name: &str| {
        name.chars()
            .all(|letter| letter.is_alphanumeric() || "_:-.".contains(letter))
    };
    let mut directives = text.split(',');
    let are_modules = directives.all(|directive| {
        let name = directive.split(['[', ']', '{', '}', '=']).next();
        is_module(name.unwrap_or_default())
    });
    match EnvFilter::try_new(text) {
        Ok(filter) if are_modules => Ok(filter),
        _ => Err(RULE.to_owned()),
    }
}

/// Parses the filter in the environment variable `name`; the default is `info`.
///
/// # Errors
///
/// Any other text. The message names the variable.
pub fn log_filter_of(name: &str) -> Result<EnvFilter, String> {
    let set = env::var_os(name).filter(|set| !set.is_empty());
    let text = set.map_or(Ok("info".to_owned()), OsString::into_string);
    let text = text.map_err(|_| format!("{name} is not valid UTF-8"))?;
    log_filter(&text).map_err(|rule| format!("{name}: {rule}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_a_level_or_directives() {
        for valid in [
            "info",
            "OFF",
            "3",
            "warn,casino_server=debug,h2=trace",
            "casino_server::grpc",
            "casino_server[session{n=2}]=debug",
            "[{player}]=trace",
        ] {
            assert!(log_filter(valid).is_ok(), "{valid}");
        }
        for invalid in ["w!x y", "info,a b=warn", "==", "h2=loud", "info;h2=warn", "a/b"] {
            assert_eq!(log_filter(invalid).unwrap_err(), RULE, "{invalid}");
        }
    }
}
