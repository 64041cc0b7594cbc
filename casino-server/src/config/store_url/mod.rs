//! The location of a ledger, as written in `--store`.

#[cfg_attr(not(feature = "postgres"), path = "no_postgres.rs")]
pub(crate) mod postgres;

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use self::postgres::DatabaseUrl;

/// The location of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// A SQLite file, used by one casino at a time. It is created if missing; its folder is not.
    Sqlite(PathBuf),
    /// A PostgreSQL database, shared by any number of casinos. Missing tables are created; the database is not.
    Postgres(DatabaseUrl),
}

/// Why a store URL is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreUrlError {
    /// A PostgreSQL URL in a build without the feature `postgres`.
    #[error(
        "this program was built without PostgreSQL: use sqlite:PATH, or build it with the feature postgres"
    )]
    NoPostgres,
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
        postgres::parse(url).map(Self::Postgres)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_invalid_store_url_is_rejected_with_the_reason() {
        for (url, message) in [
            ("casino.db", "expected sqlite:PATH or postgres://"),
            ("mysql://x/y", "expected sqlite:PATH or postgres://"),
            ("sqlite:", "missing path after sqlite:"),
            ("sqlite: ", "missing path after sqlite:"),
        ] {
            let error = url.parse::<StoreUrl>().unwrap_err().to_string();
            assert!(error.contains(message), "{url}: {error}");
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
}
