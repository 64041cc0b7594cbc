//! The URL of a PostgreSQL database.

use std::{fmt, path::PathBuf};

use percent_encoding::percent_decode_str;
use tokio_postgres::config::{Config, Host, SslMode};

use super::StoreUrlError;

/// A PostgreSQL database with its login. `Debug` and `Display` omit the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
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

impl DatabaseUrl {
    pub(crate) fn tls_verify(&self) -> &TlsVerify {
        &self.verify
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }
}

/// Parses a `postgres://` URL with the parameters of libpq.
pub(super) fn parse(url: &str) -> Result<DatabaseUrl, StoreUrlError> {
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
    Ok(DatabaseUrl {
        config: Box::new(config),
        verify: ssl.verify,
    })
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

impl fmt::Display for DatabaseUrl {
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
    use super::*;
    use crate::config::store_url::StoreUrl;

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
    fn an_invalid_database_url_is_rejected_with_the_reason() {
        for (url, message) in [
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
            let error = parse(url).unwrap_err().to_string();
            assert!(
                error.contains(message) && !error.contains("secret"),
                "{url}: {error}"
            );
        }
    }

    #[test]
    fn libpq_parameters_are_accepted_or_named_in_the_error() {
        let url = |parameter: &str| parse(&format!("postgres://u@h/casino?{parameter}"));
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
            let database = parse(&url).unwrap();
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
