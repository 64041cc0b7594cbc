//! The filter of a log.

use std::env;
use std::ffi::OsString;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// The crates whose events a program can log.
const CRATES: [&str; 15] = [
    "awesomestock",
    "awesomestock_proto",
    "casino_server",
    "h2",
    "hyper_util",
    "jiff",
    "mio",
    "opentelemetry",
    "opentelemetry_otlp",
    "opentelemetry_sdk",
    "payments_server",
    "rustls",
    "tokio_postgres",
    "tonic",
    "tower",
];

/// Parses the filter of a log, in the syntax of [`EnvFilter`]. `program` is the crate that the error names.
///
/// # Errors
///
/// Any other text, also a word that is neither a level nor a crate, which [`EnvFilter`] takes for the name of a module and
/// would log nothing. A directive such as `sqlx=warn` may be for another program.
pub fn log_filter(text: &str, program: &str) -> Result<EnvFilter, String> {
    match EnvFilter::try_new(text) {
        Ok(filter) if directives(text).into_iter().all(is_known) => Ok(filter),
        _ => Err(format!(
            "expected a level (off, error, warn, info, debug, trace) or directives MODULE=LEVEL, such as \
             `{program}=debug,h2=warn`"
        )),
    }
}

/// Splits at the commas that are not in braces.
fn directives(text: &str) -> Vec<&str> {
    let mut is_outside = true;
    let split = text.split(move |letter| {
        is_outside = match letter {
            '{' => false,
            '}' => true,
            _ => is_outside,
        };
        letter == ',' && is_outside
    });
    split.filter(|directive| !directive.is_empty()).collect()
}

/// Returns whether a directive is a level, or about a module that may exist.
fn is_known(directive: &str) -> bool {
    let is_level = |text: &str| !text.is_empty() && text.parse::<LevelFilter>().is_ok();
    let (module, level) = match (directive.split_once('['), directive.rsplit_once(']')) {
        (Some((module, _)), Some((_, level))) => (module, level.strip_prefix('=')),
        _ => match directive.split_once('=') {
            Some((module, level)) => (module, Some(level)),
            None => (directive, None),
        },
    };
    let is_in_a_crate = CRATES.contains(&module.split("::").next().unwrap_or_default());
    match (module, level) {
        // A span in any module.
        ("", level) => level.is_none_or(is_level) && directive.starts_with('['),
        (_, Some(level)) => is_level(level) && module.split("::").all(is_identifier),
        (_, None) => is_level(directive) || is_in_a_crate && module.split("::").all(is_identifier),
    }
}

fn is_identifier(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_alphabetic() || letter == '_')
        && text
            .chars()
            .all(|letter| letter.is_alphanumeric() || letter == '_')
}

/// Parses the filter in the environment variable `name` of the crate `program`; the default is `info`.
///
/// # Errors
///
/// Any other text. The message names the variable.
pub fn log_filter_of(name: &str, program: &str) -> Result<EnvFilter, String> {
    let set = env::var_os(name).filter(|set| !set.is_empty());
    let text = set.map_or(Ok("info".to_owned()), OsString::into_string);
    let text = text.map_err(|_| format!("{name} is not valid UTF-8"))?;
    log_filter(&text, program).map_err(|rule| format!("{name}: {rule}"))
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
            "info,",
            "warn,casino_server=debug,h2=trace",
            "casino_server::grpc",
            "awesomestock",
            "casino_server=OFF,sqlx::query=warn",
            "casino_server[session{n=2}]=debug",
            "casino_server[session]",
            "[{player}]=trace",
        ] {
            assert!(log_filter(valid, "game").is_ok(), "{valid}");
        }
        for invalid in [
            "w!x y",
            "info,a b=warn",
            "==",
            "h2=loud",
            "info;h2=warn",
            "a/b",
            "verbose",
            "warning",
            "9",
            "-1",
            "0x1",
            "all",
            "info,verbose",
            "casino_server=",
            "h2=",
            "=info",
            "9=info",
            "casino_servr",
            "casino-server=debug",
            "casino_server::=debug",
            "::h2=debug",
            "casino_server[session]=",
            "casino_server=info=debug",
            "h2=debug info",
            "[{player}]=loud",
            "*",
            "true",
            "casino_server.grpc=info",
        ] {
            let expected = "expected a level (off, error, warn, info, debug, trace) or directives MODULE=LEVEL, such as \
                            `game=debug,h2=warn`";
            assert_eq!(log_filter(invalid, "game").unwrap_err(), expected, "{invalid}");
        }
    }

    /// Those that depend on `log` or `tracing`.
    #[test]
    fn the_crates_that_log_are_known() {
        // Tests and builds, and the log itself.
        const OTHERS: [&str; 7] = [
            "jiff-core",
            "portable-pty",
            "prost-build",
            "tracing",
            "tracing-opentelemetry",
            "tracing-serde",
            "tracing-subscriber",
        ];
        let lock = include_str!("../../../Cargo.lock");
        let logs = |package: &&str| {
            ["log", "tracing"]
                .iter()
                .any(|name| package.contains(&format!("\n \"{name}\"")))
        };
        let names = lock
            .split("[[package]]")
            .filter(logs)
            .filter_map(|package| package.split('"').nth(1));
        let found: Vec<&str> = names.filter(|name| !OTHERS.contains(name)).collect();
        assert!(found.len() > 5, "{found:?}");
        for name in found {
            assert!(CRATES.contains(&name.replace('-', "_").as_str()), "{name}");
        }
    }
}
