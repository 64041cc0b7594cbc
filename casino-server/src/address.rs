//! Where a ledger is kept: a file of one casino's own, or a database that several casinos share.
//!
//! Owns how that is written, in `--store` and in messages. It opens nothing.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

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
pub struct Database(Box<Config>);

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
    /// A URL that asks for encryption.
    #[error(
        "sslmode=require is not supported: reach the database over a private network, a Unix socket or a TLS tunnel"
    )]
    NoTls,
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
    /// The way in.
    pub(crate) fn config(&self) -> &Config {
        &self.0
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
        let config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
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
        if config.get_ssl_mode() == SslMode::Require {
            return Err(BadAddress::NoTls);
        }
        Ok(Self::Postgres(Database(Box::new(config))))
    }
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
        write!(f, "{} on ", self.0.get_dbname().unwrap_or_default())?;
        for (place, host) in self.0.get_hosts().iter().enumerate() {
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
                "postgres://u@h/casino?sslmode=require",
                "sslmode=require is not supported",
            ),
        ] {
            let error = url.parse::<Address>().unwrap_err().to_string();
            assert!(
                error.contains(said) && !error.contains("secret"),
                "{url}: {error}"
            );
        }
    }
}
