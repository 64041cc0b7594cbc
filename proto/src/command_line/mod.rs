//! Command-line rules of all programs: environment variables, values within bounds, listen addresses, printed output.

pub mod documents;
mod log_filter;

use std::any::TypeId;
use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::net::Ipv6Addr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, ColorChoice, Command};

use tonic::codegen::http::uri::Authority;
use tonic::transport::Uri;

pub use self::log_filter::{log_filter, log_filter_of};
use crate::text::sanitize::is_unsafe;
use crate::text::thousands;

/// Options whose empty variable is an error: treating it as unset would turn protection off.
const SECRETS: [&str; 3] = ["secret_file", "payments_secret_file", "operator_secret_file"];

/// Gives each option with a value an environment variable: `prefix`, `_` and the option's name.
///
/// An empty variable is treated as unset, except those of secrets. A negative number is a value, not an option. Help and
/// errors have no colours if `TERM` is empty, as without it.
#[must_use]
pub fn with_environment(command: Command, prefix: &str) -> Command {
    let command = match env::var_os("TERM").is_some_and(|term| term.is_empty()) {
        true => command.color(ColorChoice::Never),
        false => command,
    };
    command.mut_args(|option| {
        let Some(name) = option.get_long().filter(|_| option.get_action().takes_values()) else {
            return option;
        };
        let variable = format!("{prefix}_{}", name.replace('-', "_").to_uppercase());
        let is_empty = env::var_os(&variable).is_some_and(|value| value.is_empty());
        let is_unset = is_empty && !SECRETS.contains(&option.get_id().as_str());
        let option = option.allow_negative_numbers(true);
        if is_unset { option } else { option.env(variable) }
    })
}

/// A boolean option, which may be given alone or as `--option=BOOL`.
pub trait BooleanOption {
    /// Accepts `true`, `yes`, `on`, `1` and their opposites; alone it is `true`.
    #[must_use]
    fn boolean(self) -> Self;
}

impl BooleanOption for Arg {
    fn boolean(self) -> Self {
        self.action(ArgAction::Set)
            .value_name("BOOL")
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
            .value_parser(BoolishValueParser::new())
            .hide_possible_values(true)
    }
}

/// Parses a whole number within `bounds`.
///
/// # Errors
///
/// Any other text. The message states the bounds.
pub fn number<N: FromStr + PartialOrd + Copy + TryInto<i128>>(
    text: &str,
    bounds: &RangeInclusive<N>,
) -> Result<N, String> {
    let given = text.parse().ok().filter(|given| bounds.contains(given));
    given.ok_or_else(|| number_rule(bounds))
}

/// Returns the rule of a whole number within `bounds`, for an error message.
pub fn number_rule<N: Copy + TryInto<i128>>(bounds: &RangeInclusive<N>) -> String {
    let (least, most) = (thousands(*bounds.start()), thousands(*bounds.end()));
    format!("expected a whole number from {least} to {most}")
}

/// Parses the URL of a server: http or https, a host, and nothing else that could be a secret.
///
/// # Errors
///
/// Any other text, which the message does not repeat.
pub fn server_url(url: &str) -> Result<String, String> {
    let is_address = |uri: &Uri| {
        let host = uri.host().filter(|host| !host.is_empty());
        let authority = uri.authority().map(Authority::as_str);
        matches!(uri.scheme_str(), Some("http" | "https"))
            && host.is_some()
            && (host == authority || uri.port_u16().is_some() && !url.contains('@'))
            && uri.path_and_query().is_none_or(|path| path.as_str() == "/")
            && !url.contains('#')
    };
    let uri: Option<Uri> = url.parse().ok();
    uri.filter(is_address)
        .map(|_| url.to_owned())
        .ok_or_else(|| "expected a URL http://HOST:PORT or https://HOST:PORT".to_owned())
}

/// Parses a duration such as `1s` or `1m 30s` within `bounds`.
///
/// # Errors
///
/// Any other text. The message states the bounds.
pub fn duration(text: &str, bounds: &RangeInclusive<Duration>) -> Result<Duration, String> {
    let given = humantime::parse_duration(text).ok();
    given.filter(|given| bounds.contains(given)).ok_or_else(|| {
        let [least, most] = [bounds.start(), bounds.end()].map(|bound| humantime::format_duration(*bound));
        format!("expected a duration from {least} to {most}")
    })
}

/// Names of the values that are numbers, durations, one of a few words, or files to write. All others, such as URLs,
/// addresses and other paths, may be a secret in the wrong place.
const PUBLIC_VALUES: [&str; 19] = [
    "BOOL",
    "COLOUR",
    "COLUMNSxROWS",
    "DAYS",
    "DOLLARS",
    "DURATION",
    "FORMAT",
    "ID",
    "N",
    "NAME",
    "NUMBER",
    "OUT",
    "PRICE",
    "SECONDS",
    "SEED",
    "SHELL",
    "TIMES",
    "TOKENS",
    "VERSION",
];

const NOT_SHOWN: &str = "(not shown)";

/// Options of a server that need each other.
const PAIRS: [[&str; 2]; 2] = [["tls_cert", "tls_key"], ["tls_key", "tls_cert"]];

/// Parses a command line. An error about a value names its option and the environment variable it comes from. It shows
/// the value only if it is a number, a duration or one of a few words, as any other may contain a secret. Options that
/// need each other are checked for the command without a subcommand.
///
/// # Errors
///
/// Invalid arguments, and requests for help or the version.
pub fn matches<A: Into<OsString> + Clone>(
    mut command: Command,
    arguments: impl IntoIterator<Item = A>,
) -> Result<ArgMatches, clap::Error> {
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    let matches = match command.try_get_matches_from_mut(&arguments) {
        Ok(matches) => matches,
        Err(error) if is_not_unicode(&error) => {
            let rule = not_unicode(&command, &arguments);
            return Err(command.error(ErrorKind::InvalidUtf8, rule));
        }
        Err(error) => return Err(explain(error, &command, &arguments)),
    };
    let is_given = |id| matches.try_contains_id(id).is_ok_and(|given| given);
    let half = PAIRS
        .iter()
        .find(|[given, missing]| is_given(given) && !is_given(missing) && matches.subcommand().is_none());
    let Some([given, missing]) = half else {
        return Ok(matches);
    };
    let by_variable = matches.value_source(given) == Some(ValueSource::EnvVariable);
    let [given, missing] = [given, missing].map(|id| format!("--{}", id.replace('_', "-")));
    let variable_of = |option| variable(&command, option).unwrap_or_default();
    let missing_variable = variable_of(&missing);
    let given = if by_variable { variable_of(&given) } else { given };
    let rule = format!("{given} is given without {missing} or {missing_variable}");
    Err(command.error(ErrorKind::MissingRequiredArgument, rule))
}

/// Returns whether a value is not UTF-8, also one of a few that are possible.
fn is_not_unicode(error: &clap::Error) -> bool {
    let is_lossy = |value: &ContextValue| value.to_string().contains(char::REPLACEMENT_CHARACTER);
    error.kind() == ErrorKind::InvalidUtf8 || error.get(ContextKind::InvalidValue).is_some_and(is_lossy)
}

/// Names the variable or the option whose value is not UTF-8, without the value.
fn not_unicode(command: &Command, arguments: &[OsString]) -> String {
    let is_text = |option: &&Arg| option.get_value_parser().type_id() != TypeId::of::<PathBuf>();
    let variable = command
        .get_arguments()
        .filter(is_text)
        .filter_map(|option| option.get_env()?.to_str())
        .find(|variable| matches!(env::var(variable), Err(env::VarError::NotUnicode(_))));
    let wrong = arguments.iter().position(|argument| argument.to_str().is_none());
    let option = wrong.and_then(|wrong| {
        let near = arguments.get(wrong.saturating_sub(1)..=wrong)?.iter().rev();
        let names = near.map(|argument| argument.to_string_lossy().split('=').next().map(str::to_owned));
        names.flatten().find(|name| name.starts_with("--"))
    });
    let named = match (option, variable) {
        (Some(option), _) => format!("the value of {option}"),
        (None, _) if wrong.is_some() => "an argument".to_owned(),
        (None, Some(variable)) => variable.to_owned(),
        (None, None) => "a value".to_owned(),
    };
    format!("{named} is not valid UTF-8")
}

fn explain(mut error: clap::Error, command: &Command, arguments: &[OsString]) -> clap::Error {
    if error.kind() == ErrorKind::MissingRequiredArgument
        && let Some(ContextValue::Strings(missing)) = error.get(ContextKind::InvalidArg)
    {
        let named = missing.iter().map(|option| match variable(command, option) {
            Some(variable) => format!("{option} or {variable}"),
            None => option.clone(),
        });
        let named = ContextValue::Strings(named.collect());
        error.insert(ContextKind::InvalidArg, named);
        return error;
    }
    let [option, value] =
        [ContextKind::InvalidArg, ContextKind::InvalidValue].map(|kind| match error.get(kind) {
            Some(ContextValue::String(text)) => text.clone(),
            _ => String::new(),
        });
    if let Some(variable) = variable(command, &option)
        && error.kind() != ErrorKind::ArgumentConflict
        && env::var_os(&variable).is_some_and(|set| *set == *value)
    {
        let named = ContextValue::String(format!("{option} from {variable}"));
        error.insert(ContextKind::InvalidArg, named);
    }
    hide_misplaced(&mut error, command, arguments);
    let kind_of_value = option.rsplit(['<', '[']).next().unwrap_or_default();
    let is_public = PUBLIC_VALUES.contains(&kind_of_value.trim_end_matches(['>', ']', '.']));
    if !value.is_empty() && (!is_public || shown(&value) != value) {
        error.insert(
            ContextKind::InvalidValue,
            ContextValue::String(NOT_SHOWN.to_owned()),
        );
    }
    error
}

/// Hides an argument that is neither the name of an option nor a command, and one in the place of an option's value.
fn hide_misplaced(error: &mut clap::Error, command: &Command, arguments: &[OsString]) {
    let kind = match error.kind() {
        ErrorKind::UnknownArgument => ContextKind::InvalidArg,
        ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        _ => return,
    };
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    let takes_value = |before: &OsString| {
        let name = before.to_str().and_then(|before| before.strip_prefix("--"));
        let mut options = command.get_arguments();
        options
            .any(|option| option.get_long() == name && name.is_some() && option.get_action().takes_values())
    };
    let is_value = |text: &String| {
        let mut pairs = arguments.windows(2);
        pairs.any(|pair| matches!(pair, [before, after] if *after == **text && takes_value(before)))
    };
    let is_option = match error.get(kind) {
        Some(ContextValue::String(text)) => {
            text.starts_with('-') && text.chars().all(is_name) && !is_value(text)
        }
        _ => false,
    };
    if !is_option {
        error.insert(kind, ContextValue::String(NOT_SHOWN.to_owned()));
        // It may repeat the argument.
        error.remove(ContextKind::Suggested);
    }
}

/// Returns a number or a word for an error message, unless it is something else in the wrong place, such as a URL or
/// `USER:PASSWORD`.
#[must_use]
pub fn shown(value: &str) -> &str {
    match value.contains([':', '@', '=']) || value.chars().any(is_unsafe) {
        true => NOT_SHOWN,
        false => value,
    }
}

/// Returns true for text that looks like a URL, which is then in the wrong place.
fn looks_like_url(text: &str) -> bool {
    let has_login = text.split_once('@').is_some_and(|(login, _)| login.contains(':'));
    text.contains("://") || text.to_lowercase().contains("password=") || has_login
}

/// Returns `path` for an error message, unless it looks like a URL.
#[must_use]
pub fn shown_path(path: &Path) -> String {
    let path = path.display().to_string();
    match looks_like_url(&path) {
        true => NOT_SHOWN.to_owned(),
        false => path,
    }
}

/// Extensions of the files of secrets and certificates.
const SECRET_FILES: [&str; 7] = ["cer", "crt", "key", "pem", "secret", "token", "txt"];

/// Returns the path of a secret, a key or a certificate for an error message, unless the secret itself may have been given
/// in the place of its file: a missing file without a known folder or extension. A secret may begin with `/`.
#[must_use]
pub fn secret_path(path: &Path) -> String {
    let folder = path.parent().filter(|folder| folder.file_name().is_some());
    let extension = path.extension().and_then(OsStr::to_str);
    let is_file = path.exists()
        || folder.is_some_and(Path::exists)
        || extension.is_some_and(|extension| SECRET_FILES.contains(&extension));
    match is_file {
        true => shown_path(path),
        false => "(name not shown, as it may be the secret itself)".to_owned(),
    }
}

/// Parses the path of a file.
///
/// # Errors
///
/// A URL, which would become a file of that name.
pub fn file_path(text: &str) -> Result<PathBuf, &'static str> {
    match text.contains("://") || ["sqlite:", "file:"].iter().any(|scheme| text.starts_with(scheme)) {
        true => Err("expected the path of a file, not a URL"),
        false => Ok(text.into()),
    }
}

/// Returns the environment variable of an option that is written as in an error: `--tick <DURATION>`.
fn variable(command: &Command, option: &str) -> Option<String> {
    let name = option.split([' ', '[', '=']).next()?.strip_prefix("--")?;
    let known = command
        .get_arguments()
        .find(|known| known.get_long() == Some(name));
    Some(known.and_then(Arg::get_env)?.to_str()?.to_owned())
}

/// Parses `HOST:PORT`, where the host is a name, an IPv4 address or an IPv6 address in brackets.
///
/// # Errors
///
/// Any other form. Names are resolved later.
pub fn listen_address(text: &str) -> Result<String, &'static str> {
    let expected = "expected HOST:PORT, as in localhost:10001, 127.0.0.1:10001 or [::1]:10001";
    let (host, port) = text.rsplit_once(':').ok_or(expected)?;
    let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        }
    };
    let is_port = port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    (is_host && is_port).then(|| text.to_owned()).ok_or(expected)
}

/// Prints help, version or a usage error, and returns the exit code: 1 if the help or version cannot be written.
pub fn print_answer(answer: &clap::Error) -> u8 {
    let written = written(answer.print().and_then(|()| io::stdout().flush()));
    match written {
        Err(error) if !answer.use_stderr() => {
            // Standard error may be gone too.
            let _ = writeln!(io::stderr(), "error: cannot write to standard output: {error}");
            1
        }
        Ok(()) | Err(_) => u8::try_from(answer.exit_code()).unwrap_or(1),
    }
}

/// Prints `line` on standard output. A closed pipe is not an error.
///
/// # Errors
///
/// The line cannot be written, for example because the disk is full.
pub fn print_line(line: &str) -> io::Result<()> {
    print_text(format!("{line}\n").as_bytes())
}

/// Prints a generated text on standard output. A closed pipe is not an error.
///
/// # Errors
///
/// The text cannot be written.
pub fn print_text(text: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    written(stdout.write_all(text).and_then(|()| stdout.flush()))
}

/// Returns the error of a write to standard output. A closed pipe is not one.
///
/// # Errors
///
/// Any other error.
pub fn written(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn an_argument_that_is_not_unicode_is_named() {
        let command = || {
            Command::new("game")
                .arg(Arg::new("user").long("user"))
                .arg(Arg::new("name"))
        };
        let bytes = |bytes: &[u8]| OsString::from_vec(bytes.to_owned());
        for (arguments, named) in [
            (&[&b"--user"[..], b"\xff"][..], "the value of --user"),
            (&[&b"--user=\xff"[..]], "the value of --user"),
            (&[&b"\xff"[..]], "an argument"),
        ] {
            let arguments = [&[&b"game"[..]], arguments].concat();
            let error = matches(command(), arguments.into_iter().map(bytes)).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            let text = error.to_string();
            assert!(text.contains(&format!("{named} is not valid UTF-8")), "{text}");
        }
    }

    #[test]
    fn a_value_that_may_be_a_secret_is_not_shown() {
        let command = || {
            let option = |name: &'static str, value| Arg::new(name).long(name).value_name(value);
            Command::new("game")
                .arg(option("listen", "HOST:PORT").value_parser(listen_address))
                .arg(option("url", "URL").value_parser(server_url))
                .arg(option("file", "FILE").value_parser(file_path))
                .arg(option("size", "N").value_parser(|text: &str| number(text, &(1..=9))))
                .arg(Arg::new("flag").long("flag").boolean())
                .subcommand(
                    Command::new("check").arg(Arg::new("url").value_name("URL").value_parser(server_url)),
                )
        };
        for arguments in [
            &["postgres://u:secret@h/db"][..],
            &["secret"],
            &["--flag", "secret"],
            &["--flag=u:secret"],
            &["--listen", "postgres://u:secret@h/db"],
            &["--listen", "host=h password=secret"],
            &["--listen", "secret"],
            &["--listen", "u:secret"],
            &["--url", "secret"],
            &["--url=secret"],
            &["--url", "http://u:secret"],
            &["--file", "file:secret"],
            &["--size", "u:secret"],
            &["--size", "secret\u{1b}"],
            &["--size", "secret@h"],
            &["--secrets=secret"],
            &["--listen:secret"],
            &["-:secret"],
            &["check", "secret"],
            &["check", "http://h:1", "secret"],
            &["check", "http://h:1", "--at:secret"],
        ] {
            let arguments = [&["game"], arguments].concat();
            let error = matches(command(), &arguments).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            let error = error.to_string().replace("--secrets", "");
            assert!(!error.contains("secret"), "{arguments:?}: {error}");
        }
        for (arguments, part) in [
            (
                &["--size", "10"][..],
                "'10' for '--size <N>': expected a whole number",
            ),
            (
                &["--listen", "x"],
                "'(not shown)' for '--listen <HOST:PORT>': expected HOST:PORT",
            ),
            (&["chek"], "a similar subcommand exists: 'check'"),
            (&["--sise", "1"], "unexpected argument '--sise'"),
            (&["check", "--far"], "unexpected argument '--far'"),
        ] {
            let error = matches(command(), [&["game"], arguments].concat())
                .unwrap_err()
                .to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn numbers_are_whole_and_within_bounds() {
        assert_eq!(number("1", &(1..=i32::MAX)), Ok(1));
        assert_eq!(number("18446744073709551615", &(0..=u64::MAX)), Ok(u64::MAX));
        let texts = "|many|0|-1|1.5|1e3|2147483648|99999999999999999999999";
        for text in texts.split('|') {
            let [small, large] = [
                number::<u8>(text, &(1..=20)).err(),
                number(text, &(1..=i32::MAX)).err(),
            ];
            assert_eq!(small.unwrap(), "expected a whole number from 1 to 20", "{text:?}");
            let expected = "expected a whole number from 1 to 2,147,483,647";
            assert_eq!(large.unwrap(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_secret_in_the_place_of_its_file_is_not_shown() {
        for (path, is_shown) in [
            ("/tmp/missing", true),
            ("missing.key", true),
            ("/nowhere/ca.pem", true),
            ("/missing", false),
            ("aa.bb", false),
            ("-----BEGIN PRIVATE KEY-----\nab/cd\n", false),
            ("0123456789abcdef0123456789abcdef", false),
            ("ab/cdEFgh0123", false),
            ("http://user:secret@host.pem", false),
        ] {
            assert_eq!(secret_path(Path::new(path)).contains(path), is_shown, "{path}");
        }
    }

    #[test]
    fn listen_addresses_must_be_host_and_port() {
        for good in [
            "localhost:0",
            "127.0.0.1:10001",
            "[::1]:65535",
            "my-host.example:1",
        ] {
            assert_eq!(listen_address(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "nowhere",
            ":1",
            "::1:1",
            "[::1]",
            "[x]:1",
            "a:",
            "a:+1",
            "a:65536",
            "a b:1",
            "http://a:1",
        ] {
            assert!(listen_address(bad).is_err(), "{bad:?}");
        }
    }
}
