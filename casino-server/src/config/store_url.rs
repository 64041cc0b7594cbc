//! The location of a ledger, as written in `--store`.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use percent_encoding::percent_decode_str;
use tokio_postgres::config::{Config, Host, SslMode};

/// The location of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// A SQLite file, used by one casino at a time. It is created if missing; its folder is not.
    Sqlite(PathBuf),
    /// A PostgreSQL database, shared by any number of casinos. Missing tables are created; the database is not.
    Postgres(PostgresUrl),
}

/// A PostgreSQL database with its login. `Debug` and `Display` omit the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    config: Box<Config>,
    verify: TlsVerify,
}

/// Verification of a database's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TlsVerify {
    /// Any certificate is accepted: the connection is encrypted but not authenticated.
    None,
    /// The certificate must match the host name and be signed by an authority that the system trusts.
    System,
    /// The certificate must match the host name and be signed by an authority in this PEM file.
    CaFile(PathBuf),
}

/// Why a store URL is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreUrlError {
    /// Neither a SQLite nor a PostgreSQL URL.
    #[error("expected sqlite:PATH or postgres://USER@HOST:PORT/DATABASE")]
    Unknown,
    /// `sqlite:` without a path.
    #[error("missing path after sqlite:, such as sqlite:casino.db")]
    NoPath,
    /// A path in another program's notation, which would mean a different file here.
    #[error(
        "{0} is not supported after sqlite: write sqlite:PATH, such as sqlite:casino.db or sqlite:/var/lib/casino.db"
    )]
    NotAPath(&'static str),
    /// A URL that cannot be parsed. The message omits details because any part may be a password.
    #[error(
        "malformed postgres:// URL: expected postgres://USER:PASSWORD@HOST:PORT/DATABASE, with special characters written as %XX"
    )]
    Malformed,
    /// A libpq parameter that is not supported.
    #[error("the parameter {0} is not supported")]
    Unsupported(&'static str),
    /// A libpq parameter with an invalid value, which is not shown.
    #[error("the value of the parameter {0} is not valid")]
    InvalidValue(&'static str),
    /// An unknown parameter.
    #[error("unknown parameter after ?; write a ? in a password as %3F")]
    UnknownParameter,
    /// A URL without a host.
    #[error("missing host: expected postgres://USER@HOST:PORT/DATABASE")]
    NoHost,
    /// A URL without a database.
    #[error("missing database: expected postgres://USER@HOST:PORT/DATABASE")]
    NoDatabase,
    /// An unsupported `sslmode`.
    #[error("this sslmode is not supported: use disable, prefer, require or verify-full")]
    SslMode,
    /// `sslrootcert` without `sslmode=verify-full`.
    #[error("sslrootcert needs sslmode=verify-full")]
    NotVerified,
}

impl StoreUrl {
    /// Returns the path of a SQLite ledger; `None` for PostgreSQL.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }
}

impl PostgresUrl {
    pub(crate) fn tls_verify(&self) -> &TlsVerify {
        &self.verify
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }
}

impl FromStr for StoreUrl {
    type Err = StoreUrlError;

    fn from_str(url: &str) -> Result<Self, StoreUrlError> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            return match path {
                _ if path.trim().is_empty() => Err(StoreUrlError::NoPath),
                _ if path.trim() != path => Err(StoreUrlError::NotAPath("a space at the start or end")),
                _ if path.starts_with("//") => Err(StoreUrlError::NotAPath("a host or //")),
                _ if path.starts_with(":memory:") => Err(StoreUrlError::NotAPath(":memory:")),
                _ if path.starts_with('~') => Err(StoreUrlError::NotAPath("~")),
                _ if path.starts_with("file:") => Err(StoreUrlError::NotAPath("file:")),
                _ if path.contains("://") => Err(StoreUrlError::NotAPath("a URL")),
                _ if path.contains('?') => Err(StoreUrlError::NotAPath("a query after ?")),
                _ if path.contains('#') => Err(StoreUrlError::NotAPath("a fragment after #")),
                path => Ok(Self::Sqlite(PathBuf::from(path))),
            };
        }
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(StoreUrlError::Unknown);
        }
        let (url, ssl) = SslParams::parse(url)?;
        let mut config: Config = url.parse().map_err(|_| StoreUrlError::Malformed)?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(StoreUrlError::NoHost);
        }
        if config.get_dbname().is_none_or(str::is_empty) {
            return Err(StoreUrlError::NoDatabase);
        }
        // What follows an unescaped @ or / of a password.
        let is_misread = |part: &str| part.contains('@');
        let hosts = config.get_hosts().iter();
        if hosts
            .clone()
            .any(|host| matches!(host, Host::Tcp(name) if is_misread(name)))
            || config.get_dbname().is_some_and(is_misread)
        {
            return Err(StoreUrlError::Malformed);
        }
        config.ssl_mode(ssl.mode);
        Ok(Self::Postgres(PostgresUrl {
            config: Box::new(config),
            verify: ssl.verify,
        }))
    }
}

struct SslParams {
    mode: SslMode,
    verify: TlsVerify,
}

impl SslParams {
    /// Splits `sslmode` and `sslrootcert` from `url`: `tokio_postgres` does not know all their values.
    fn parse(url: &str) -> Result<(String, Self), StoreUrlError> {
        let (rest, options) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut root_cert) = (None, None);
        let mut passed_on = Vec::new();
        for option in options.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').ok_or(StoreUrlError::UnknownParameter)?;
            let (known, parameter) = match (name, value) {
                ("sslmode", value) => {
                    mode = Some(value);
                    continue;
                }
                ("sslrootcert", file) => {
                    root_cert = Some(percent_decode_str(file).decode_utf8_lossy().into_owned());
                    continue;
                }
                ("keepalives_count", count) => ("keepalives_count", format!("keepalives_retries={count}")),
                ("target_session_attrs", "primary") => (
                    "target_session_attrs",
                    "target_session_attrs=read-write".to_owned(),
                ),
                (name, value) => match passed_on_name(name, value)? {
                    Some(known) => (known, option.to_owned()),
                    None => continue,
                },
            };
            if format!("postgres://host/?{parameter}").parse::<Config>().is_err() {
                return Err(StoreUrlError::InvalidValue(known));
            }
            passed_on.push(parameter);
        }
        let (mode, verify) = match (mode.unwrap_or("prefer"), root_cert) {
            ("verify-full", None) => (SslMode::Require, TlsVerify::System),
            ("verify-full", Some(file)) if file == "system" => (SslMode::Require, TlsVerify::System),
            ("verify-full", Some(file)) => (SslMode::Require, TlsVerify::CaFile(file.into())),
            ("disable" | "prefer" | "require", Some(_)) => return Err(StoreUrlError::NotVerified),
            ("disable", None) => (SslMode::Disable, TlsVerify::None),
            ("prefer", None) => (SslMode::Prefer, TlsVerify::None),
            ("require", None) => (SslMode::Require, TlsVerify::None),
            (_, _) => return Err(StoreUrlError::SslMode),
        };
        Ok((format!("{rest}?{}", passed_on.join("&")), Self { mode, verify }))
    }
}

/// libpq parameters that are passed to `tokio_postgres`.
const PASSED_ON: [&str; 16] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "load_balance_hosts",
    "options",
    "password",
    "port",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

/// Parameters without effect here, whatever their value.
const IGNORED: [&str; 4] = [
    "fallback_application_name",
    "krbsrvname",
    "sslcompression",
    "sslsni",
];

/// Parameters that cannot be ignored safely.
const UNSUPPORTED: [&str; 17] = [
    "gsslib",
    "passfile",
    "replication",
    "require_auth",
    "requirepeer",
    "requiressl",
    "service",
    "servicefile",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcertmode",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslnegotiation",
    "sslpassword",
];

/// Returns the name of a parameter to pass on; `None` for one to ignore.
fn passed_on_name(name: &str, value: &str) -> Result<Option<&'static str>, StoreUrlError> {
    let passed_on = PASSED_ON.iter().find(|known| **known == name);
    match (name, value) {
        // UTF-8 is always used, and GSSAPI is never available.
        ("client_encoding", "UTF8" | "utf8" | "UTF-8" | "utf-8" | "auto")
        | ("gssencmode", "disable" | "prefer") => Ok(None),
        ("client_encoding", _) => Err(StoreUrlError::Unsupported("client_encoding")),
        ("gssencmode", _) => Err(StoreUrlError::Unsupported("gssencmode")),
        ("target_session_attrs", "standby" | "prefer-standby" | "read-only") => Err(
            StoreUrlError::Unsupported("target_session_attrs, except any, primary and read-write,"),
        ),
        _ if passed_on.is_some() => Ok(passed_on.copied()),
        _ if IGNORED.contains(&name) => Ok(None),
        _ => Err(match UNSUPPORTED.iter().find(|known| **known == name) {
            Some(known) => StoreUrlError::Unsupported(known),
            None => StoreUrlError::UnknownParameter,
        }),
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(database) => database.fmt(f),
        }
    }
}

impl fmt::Display for PostgresUrl {
    /// Writes the database and its hosts; neither user nor password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on ", self.config.get_dbname().unwrap_or_default())?;
        for (index, host) in self.config.get_hosts().iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            match host {
                Host::Tcp(host) => write!(f, "{comma}{host}")?,
                #[cfg(unix)]
                Host::Unix(folder) => write!(f, "{comma}{}", folder.display())?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_store_url_is_displayed_without_secrets() {
        for (url, displayed) in [
            ("sqlite:/tmp/x y.db", "/tmp/x y.db"),
            (
                "postgres://ann:secret@db.example:5433/casino",
                "casino on db.example",
            ),
            ("postgresql://a:secret@one,two/casino", "casino on one, two"),
            ("postgres://ann@%2Frun%2Fpg/casino", "casino on /run/pg"),
        ] {
            let store: StoreUrl = url.parse().unwrap();
            assert_eq!(store.to_string(), displayed, "{url}");
            assert!(!format!("{store:?}").contains("secret"), "{url}");
        }
    }

    #[test]
    fn an_invalid_store_url_is_rejected_with_the_reason() {
        for (url, message) in [
            ("casino.db", "expected sqlite:PATH or postgres://"),
            ("mysql://x/y", "expected sqlite:PATH or postgres://"),
            ("sqlite:", "missing path after sqlite:"),
            ("sqlite: ", "missing path after sqlite:"),
            ("postgres://u@/casino", "missing host"),
            ("postgres://u@h", "missing database"),
            ("postgres://u@h/casino?colour=red", "unknown parameter after ?"),
            ("postgres://u:secret@h:port/casino", "malformed postgres:// URL"),
            ("postgres://u:a@secret@h/casino", "malformed postgres:// URL"),
            ("postgres://u:a@h/secret@casino", "malformed postgres:// URL"),
            (
                "postgres://u@h/casino?sslmode=verify-ca",
                "this sslmode is not supported: use disable, prefer, require or verify-full",
            ),
            (
                "postgres://u@h/casino?sslmode=require&sslrootcert=ca.pem",
                "sslrootcert needs sslmode=verify-full",
            ),
        ] {
            let error = url.parse::<StoreUrl>().unwrap_err().to_string();
            assert!(
                error.contains(message) && !error.contains("secret"),
                "{url}: {error}"
            );
        }
    }

    #[test]
    fn libpq_parameters_are_accepted_or_named_in_the_error() {
        let url = |parameter: &str| format!("postgres://u@h/casino?{parameter}").parse::<StoreUrl>();
        for accepted in [
            "target_session_attrs=read-write",
            "target_session_attrs=primary",
            "target_session_attrs=any",
            "keepalives_count=3",
            "keepalives=1&keepalives_idle=5&keepalives_interval=2",
            "tcp_user_timeout=5",
            "gssencmode=disable",
            "client_encoding=UTF8",
            "application_name=casino&fallback_application_name=x",
            "channel_binding=prefer",
            "sslsni=1&sslcompression=0",
        ] {
            assert!(url(accepted).is_ok(), "{accepted}: {:?}", url(accepted));
        }
        for (parameter, message) in [
            ("passfile=x", "the parameter passfile is not supported"),
            ("gssencmode=require", "the parameter gssencmode is not supported"),
            (
                "client_encoding=LATIN1",
                "the parameter client_encoding is not supported",
            ),
            ("sslcert=x", "the parameter sslcert is not supported"),
            ("requiressl=0", "the parameter requiressl is not supported"),
            (
                "target_session_attrs=prefer-standby",
                "the parameter target_session_attrs, except any, primary and read-write, is not supported",
            ),
            (
                "target_session_attrs=first",
                "the value of the parameter target_session_attrs is not valid",
            ),
            (
                "connect_timeout=soon",
                "the value of the parameter connect_timeout is not valid",
            ),
            (
                "keepalives_count=few",
                "the value of the parameter keepalives_count is not valid",
            ),
            ("sslmode=allow", "this sslmode is not supported"),
            ("sslmode", "unknown parameter after ?"),
        ] {
            let error = url(parameter).unwrap_err().to_string();
            assert!(error.contains(message), "{parameter}: {error}");
        }
    }

    #[test]
    fn a_path_in_another_notation_is_rejected() {
        for path in [
            "//d.db",
            "///d.db",
            ":memory:",
            "d.db?mode=rwc",
            "~/d.db",
            "~",
            "file:d.db",
            "postgres://u:pw@h/d",
            "d.db#frag",
            " d.db",
            "d.db ",
        ] {
            let error = format!("sqlite:{path}")
                .parse::<StoreUrl>()
                .unwrap_err()
                .to_string();
            assert!(error.contains("write sqlite:PATH"), "{path}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_error_contains_the_password(
            before in "(postgres|postgresql|postgre|sqlite|http)?(:|://|:/|//)?[a-z]{0,3}[:@/?&=%]{0,3}",
            after in "[@:/?&=%]{0,3}[a-z0-9.]{0,4}[:/?]{0,2}[a-z0-9]{0,3}(\\?sslmode=)?[a-z]{0,4}",
        ) {
            let secret = "s3cr3tPASSw0rd";
            if let Err(error) = format!("{before}{secret}{after}").parse::<StoreUrl>() {
                let text = format!("{error} {error:?}");
                prop_assert!(!text.contains(secret), "{}", text);
            }
        }
    }

    #[test]
    fn ssl_parameters_set_mode_and_verification() {
        let ca_file = |path: &str| TlsVerify::CaFile(path.into());
        for (options, mode, verify) in [
            ("", SslMode::Prefer, TlsVerify::None),
            ("?sslmode=disable", SslMode::Disable, TlsVerify::None),
            ("?sslmode=prefer", SslMode::Prefer, TlsVerify::None),
            (
                "?connect_timeout=3&sslmode=require",
                SslMode::Require,
                TlsVerify::None,
            ),
            ("?sslmode=verify-full", SslMode::Require, TlsVerify::System),
            (
                "?sslrootcert=system&sslmode=verify-full",
                SslMode::Require,
                TlsVerify::System,
            ),
            (
                "?sslmode=verify-full&sslrootcert=%2Fetc%2Fca+1.pem&connect_timeout=3",
                SslMode::Require,
                ca_file("/etc/ca+1.pem"),
            ),
        ] {
            let url = format!("postgres://u@h/casino{options}");
            let StoreUrl::Postgres(database) = url.parse().unwrap() else {
                panic!("{url}")
            };
            assert_eq!(
                (database.config.get_ssl_mode(), &database.verify),
                (mode, &verify),
                "{url}"
            );
            let has_timeout = database.config.get_connect_timeout().is_some();
            assert_eq!(has_timeout, url.contains("connect_timeout"), "{url}");
        }
    }
}
