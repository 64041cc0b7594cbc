//! Where a ledger is kept: a file of one casino's own, or a database that several casinos share.
//!
//! Owns how that is written, in `--store` and in messages. It opens nothing.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use percent_encoding::percent_decode_str;
use tokio_postgres::config::{Config, Host, SslMode};

/// Where a ledger is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// In a SQLite file, which one casino has for itself. It is made if there is none; its folder is not.
    Sqlite(PathBuf),
    /// In a PostgreSQL database, which any number of casinos share. The tables are made if there are none; the database
    /// is not.
    Postgres(Database),
}

/// A PostgreSQL database and how to log in to it. It shows nobody the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    config: Box<Config>,
    trust: Trust,
}

/// Whose certificate is believed to be that of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Anybody's: what is said is encrypted, to whoever it is.
    Anybody,
    /// One for the host's name, by an authority that the system trusts.
    System,
    /// One for the host's name, by an authority in this PEM file.
    Authorities(PathBuf),
}

/// What is wrong with an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// Neither of the two.
    #[error("a store is sqlite:PATH or postgres://USER@HOST:PORT/DATABASE")]
    Unknown,
    /// `sqlite:` and nothing after it.
    #[error("a path is needed after sqlite:")]
    NoPath,
    /// A URL that cannot be read.
    #[error("it is not a postgres:// URL: {reason}")]
    Malformed {
        /// What is wrong, without the URL: it may hold a password.
        reason: String,
    },
    /// A URL without a host.
    #[error("a host is needed: postgres://USER@HOST:PORT/DATABASE")]
    NoHost,
    /// A URL without a database.
    #[error("a database is needed: postgres://USER@HOST:PORT/DATABASE")]
    NoDatabase,
    /// A URL that asks for a kind of encryption that there is not.
    #[error("sslmode={0} is not supported: disable, prefer, require or verify-full is")]
    SslMode(String),
    /// A URL that names authorities and does not ask for them to be looked at.
    #[error("sslrootcert is looked at with sslmode=verify-full only")]
    NotVerified,
}

impl Address {
    /// The file that the ledger is kept in; `None` for one in a database.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }
}

impl Database {
    /// Whose certificate is believed, where the session is encrypted.
    pub(crate) fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The way in.
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }
}

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(url: &str) -> Result<Self, BadAddress> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            return match path {
                "" => Err(BadAddress::NoPath),
                path => Ok(Self::Sqlite(PathBuf::from(path))),
            };
        }
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(BadAddress::Unknown);
        }
        let (url, encryption) = Encryption::split_off(url)?;
        let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
            let source = std::error::Error::source(&error);
            BadAddress::Malformed {
                reason: source.map_or_else(|| error.to_string(), ToString::to_string),
            }
        })?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(BadAddress::NoHost);
        }
        if config.get_dbname().is_none_or(str::is_empty) {
            return Err(BadAddress::NoDatabase);
        }
        config.ssl_mode(encryption.mode);
        Ok(Self::Postgres(Database {
            config: Box::new(config),
            trust: encryption.trust,
        }))
    }
}

/// What a URL says of encryption.
struct Encryption {
    mode: SslMode,
    trust: Trust,
}

impl Encryption {
    /// Takes `sslmode` and `sslrootcert` out of `url`: how certificates are looked at is not known to those who read the
    /// rest.
    fn split_off(url: &str) -> Result<(String, Self), BadAddress> {
        let (rest, options) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut root) = (None, None);
        let mut others = Vec::new();
        for option in options.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("sslmode", named)) => mode = Some(named),
                Some(("sslrootcert", file)) => root = Some(decoded(file)),
                _ => others.push(option),
            }
        }
        let (mode, trust) = match (mode.unwrap_or("prefer"), root) {
            ("verify-full", None) => (SslMode::Require, Trust::System),
            ("verify-full", Some(file)) if file == "system" => (SslMode::Require, Trust::System),
            ("verify-full", Some(file)) => (SslMode::Require, Trust::Authorities(file.into())),
            ("disable" | "prefer" | "require", Some(_)) => return Err(BadAddress::NotVerified),
            ("disable", None) => (SslMode::Disable, Trust::Anybody),
            ("prefer", None) => (SslMode::Prefer, Trust::Anybody),
            ("require", None) => (SslMode::Require, Trust::Anybody),
            (other, _) => return Err(BadAddress::SslMode(other.to_owned())),
        };
        let rest = match others.is_empty() {
            true => rest.to_owned(),
            false => format!("{rest}?{}", others.join("&")),
        };
        Ok((rest, Self { mode, trust }))
    }
}

/// A value of a URL as it is meant.
fn decoded(value: &str) -> String {
    percent_decode_str(value).decode_utf8_lossy().into_owned()
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(database) => database.fmt(f),
        }
    }
}

impl fmt::Display for Database {
    /// The database and its hosts; neither user nor password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on ", self.config.get_dbname().unwrap_or_default())?;
        for (place, host) in self.config.get_hosts().iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
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

    #[test]
    fn an_address_is_read_and_named_without_its_secrets() {
        for (url, named) in [
            ("sqlite:/tmp/x y.db", "/tmp/x y.db"),
            (
                "postgres://ann:secret@db.example:5433/casino",
                "casino on db.example",
            ),
            ("postgresql://a:secret@one,two/casino", "casino on one, two"),
            ("postgres://ann@%2Frun%2Fpg/casino", "casino on /run/pg"),
        ] {
            let address: Address = url.parse().unwrap();
            assert_eq!(address.to_string(), named, "{url}");
            assert!(!format!("{address:?}").contains("secret"), "{url}");
        }
    }

    #[test]
    fn a_bad_address_is_refused_in_words() {
        for (url, said) in [
            ("casino.db", "a store is sqlite:PATH or postgres://"),
            ("mysql://x/y", "a store is sqlite:PATH or postgres://"),
            ("sqlite:", "a path is needed after sqlite:"),
            ("postgres://u@/casino", "a host is needed"),
            ("postgres://u@h", "a database is needed"),
            ("postgres://u@h/casino?colour=red", "unknown option `colour`"),
            ("postgres://u:secret@h:port/casino", "it is not a postgres:// URL"),
            (
                "postgres://u@h/casino?sslmode=verify-ca",
                "sslmode=verify-ca is not supported: disable, prefer, require or verify-full is",
            ),
            (
                "postgres://u@h/casino?sslmode=require&sslrootcert=ca.pem",
                "sslrootcert is looked at with sslmode=verify-full only",
            ),
        ] {
            let error = url.parse::<Address>().unwrap_err().to_string();
            assert!(
                error.contains(said) && !error.contains("secret"),
                "{url}: {error}"
            );
        }
    }

    #[test]
    fn what_a_url_says_of_encryption_is_kept_to() {
        let authorities = |path: &str| Trust::Authorities(path.into());
        for (options, mode, trust) in [
            ("", SslMode::Prefer, Trust::Anybody),
            ("?sslmode=disable", SslMode::Disable, Trust::Anybody),
            ("?sslmode=prefer", SslMode::Prefer, Trust::Anybody),
            (
                "?connect_timeout=3&sslmode=require",
                SslMode::Require,
                Trust::Anybody,
            ),
            ("?sslmode=verify-full", SslMode::Require, Trust::System),
            (
                "?sslrootcert=system&sslmode=verify-full",
                SslMode::Require,
                Trust::System,
            ),
            (
                "?sslmode=verify-full&sslrootcert=%2Fetc%2Fca+1.pem&connect_timeout=3",
                SslMode::Require,
                authorities("/etc/ca+1.pem"),
            ),
        ] {
            let url = format!("postgres://u@h/casino{options}");
            let Address::Postgres(database) = url.parse().unwrap() else {
                panic!("{url}")
            };
            assert_eq!(
                (database.config.get_ssl_mode(), &database.trust),
                (mode, &trust),
                "{url}"
            );
            let waits = database.config.get_connect_timeout().is_some();
            assert_eq!(waits, url.contains("connect_timeout"), "{url}");
        }
    }
}
