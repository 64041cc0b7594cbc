//! The location of a ledger, as written in `--store`.

#[cfg_attr(not(feature = "postgres"), path = "no_postgres.rs")]
pub(crate) mod postgres;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use awesomestock_proto::text::sanitize::is_unsafe;
use percent_encoding::percent_decode_str;

use self::postgres::DatabaseUrl;

/// The location of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// A SQLite file, used by one casino at a time. It is created if missing; its folder is not.
    Sqlite(PathBuf),
    /// A PostgreSQL database, shared by any number of casinos. Missing tables are created; the database is not.
    Postgres(DatabaseUrl),
}

/// Why a store URL is invalid. No message shows a part of the URL, as any part may be a password.
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
    /// A URL that cannot be parsed.
    #[error(
        "malformed postgres:// URL: expected postgres://USER:PASSWORD@HOST:PORT/DATABASE, with special characters written as %XX"
    )]
    Malformed,
    /// A libpq parameter that is not supported.
    #[error("the parameter {0} is not supported")]
    Unsupported(&'static str),
    /// A libpq parameter that is supported with other values only.
    #[error("the parameter {name} must be {allowed}")]
    UnsupportedValue {
        /// As it is written in the URL.
        name: &'static str,
        /// Its values, and the reason.
        allowed: &'static str,
    },
    /// A libpq parameter with an invalid value.
    #[error("the value of the parameter {0} is not valid")]
    InvalidValue(&'static str),
    /// An unknown parameter.
    #[error("unknown parameter after ?; write a ? in a password as %3F")]
    UnknownParameter,
    /// A password that is given and empty.
    #[error("the password is empty: write it between : and @, or leave the : out")]
    EmptyPassword,
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
            return sqlite_path(path).map(Self::Sqlite);
        }
        let address = url
            .strip_prefix("postgres://")
            .or_else(|| url.strip_prefix("postgresql://"));
        postgres::parse(address.ok_or(StoreUrlError::Unknown)?).map(Self::Postgres)
    }
}

/// Quotation marks that a shell or a file of variables has not removed.
const QUOTES: [char; 3] = ['"', '\'', '`'];

fn sqlite_path(path: &str) -> Result<PathBuf, StoreUrlError> {
    let other_notation = match path {
        _ if path.trim().is_empty() => return Err(StoreUrlError::NoPath),
        _ if path.trim() != path => "a space at the start or end",
        _ if path.starts_with("//") => "a host or //",
        _ if path.starts_with(':') || path.ends_with(':') => ":memory: or another : at the start or end",
        _ if path.starts_with('~') => "~",
        _ if path.starts_with(QUOTES) || path.ends_with(QUOTES) => "a quotation mark at the start or end",
        _ if path.starts_with("file:") => "file:",
        _ if path.contains("://") => "a URL",
        "-" => "- for standard input or output",
        _ if path.contains(is_unsafe) => "a control or invisible character",
        _ if path.contains('\\') => "a backslash",
        _ if has_escape(path) => "a character written as %XX",
        _ if has_variable(path) => "a variable such as $HOME",
        _ if path.contains('?') => "a query after ?",
        _ if path.contains('#') => "a fragment after #",
        _ if names_parameter(path) => "a parameter such as ;NAME=VALUE",
        _ if path.split_once('@').is_some_and(|(login, _)| login.contains(':')) => "a login before @",
        path => return Ok(PathBuf::from(path)),
    };
    Err(StoreUrlError::NotAPath(other_notation))
}

/// Returns whether `path` has a `%XX`, which other programs decode.
fn has_escape(path: &str) -> bool {
    percent_decode_str(path).ne(path.bytes())
}

/// Returns whether `path` has a variable that a shell has not replaced.
fn has_variable(path: &str) -> bool {
    let starts_name = |letter: char| letter.is_ascii_alphabetic() || "_{(".contains(letter);
    path.split('$')
        .skip(1)
        .any(|after| after.starts_with(starts_name))
}

/// Returns whether `path` has a parameter in the notation of another program, which may be a password.
fn names_parameter(path: &str) -> bool {
    let path = percent_decode_str(path).decode_utf8_lossy().to_lowercase();
    let assigns = |part: &str| part.contains(['=', ':']);
    path.contains("password=")
        || path.contains("password:")
        || path.split([';', '&', ',']).skip(1).any(assigns)
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

    #[cfg(feature = "postgres")]
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

    #[cfg(feature = "postgres")]
    #[test]
    fn an_invalid_store_url_is_rejected_with_the_reason() {
        for (url, message) in [
            ("casino.db", "expected sqlite:PATH or postgres://"),
            ("mysql://x/y", "expected sqlite:PATH or postgres://"),
            ("sqlite:", "missing path after sqlite:"),
            ("sqlite: ", "missing path after sqlite:, such as sqlite:casino.db"),
            ("postgres://u@/casino", "missing host"),
            ("postgres://u@h", "missing database"),
            ("postgres://u@h/casino?colour=red", "unknown parameter after ?"),
            ("postgres://u:secret@h:port/casino", "malformed postgres:// URL"),
            ("postgres://u:@h/casino", "the password is empty"),
            ("postgres://u@h/casino?password=", "the password is empty"),
            (
                "postgres://u@one,two/casino?port=1,2,3",
                "the value of the parameter port",
            ),
            ("postgres://u:a@secret@h/casino", "malformed postgres:// URL"),
            ("postgres://u:a@h/secret@casino", "malformed postgres:// URL"),
            (
                "postgres://u@h/casino&password=secret",
                "malformed postgres:// URL: expected postgres://USER:PASSWORD@HOST:PORT/DATABASE",
            ),
            ("postgres://u:secret@h/'casino'", "malformed postgres:// URL"),
            ("postgres://u:secret@'h'/casino", "malformed postgres:// URL"),
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
    fn a_path_in_another_notation_is_rejected() {
        for path in [
            "//d.db",
            "///d.db",
            ":memory:",
            ":memory",
            "memory:",
            "MEMORY:",
            ":",
            "::",
            "casino.db:",
            "casino.db;password=x",
            "casino.db&key=x",
            "casino.db,PWD=x",
            "casino.db password=x",
            "u:pw@h/casino.db",
            "d.db?mode=rwc",
            "~/d.db",
            "~",
            "\"d.db\"",
            "'d.db'",
            "\"/var/lib/a b\"/d.db",
            "d.db'",
            "`pwd`/d.db",
            "file:d.db",
            "postgres://u:pw@h/d",
            "d.db#frag",
            " d.db",
            "d.db ",
            "%3Amemory%3A",
            "a%20b.db",
            "%2Fvar%2Fd.db",
            "-",
            "a\nb.db",
            "a\u{1b}[31m.db",
            "d.db\0",
            "a\u{200b}.db",
            "\u{feff}d.db",
            "$HOME/d.db",
            "${HOME}/d.db",
            "$(pwd)/d.db",
            "C:\\d.db",
        ] {
            let error = format!("sqlite:{path}")
                .parse::<StoreUrl>()
                .unwrap_err()
                .to_string();
            assert!(error.contains("write sqlite:PATH"), "{path}: {error}");
        }
    }

    #[test]
    fn an_unusual_path_is_accepted() {
        for path in [
            "100%.db",
            "a%b",
            "a$.db",
            "a$1.db",
            "-d.db",
            "./-",
            "spiel ä.db",
            "a b.db",
            "50%zz",
        ] {
            let store = format!("sqlite:{path}").parse::<StoreUrl>();
            assert_eq!(store, Ok(StoreUrl::Sqlite(path.into())), "{path}");
        }
    }

    /// Without `USER@`, what looks like host, port and database may be a login.
    #[cfg(feature = "postgres")]
    #[test]
    fn names_are_not_shown_if_they_may_be_a_password() {
        for (url, is_shown) in [
            ("postgres://u:12/s3cr3t", false),
            ("postgres://u:1,s3cr3t:2/d", false),
            ("postgres://u:1,s3cr3t/d", false),
            ("postgres://u:/s3cr3t", false),
            ("postgres://u:12/s3cr3t?sslmode=disable", false),
            ("postgres://u:12,3/s3cr3t?user=v", false),
            ("postgres://u:12/s3cr3t?dbname=d", false),
            ("postgres://u:12/x?dbname=s3cr3t&user=u", false),
            ("postgres://u@h:12/s3cr3t", true),
            ("postgres://u:pw@h:12/s3cr3t", true),
            ("postgres://h/s3cr3t", true),
            ("postgres://[::1]:12/s3cr3t", true),
            ("postgres://[::1]/s3cr3t?user=u", true),
        ] {
            let store: StoreUrl = url.parse().unwrap();
            for text in [store.to_string(), format!("{store:?}")] {
                assert_eq!(text.contains("s3cr3t"), is_shown, "{url}: {text}");
                assert_eq!(text.contains("USER@"), !is_shown, "{url}: {text}");
            }
        }
    }

    /// Values that are read as another part of a URL than meant.
    #[test]
    fn a_misspelled_password_is_never_shown() {
        const SECRET: &str = "s3cr3t";
        let mut shown = Vec::new();
        for before in [
            "postgres://u@h/db",
            "postgres://u@h",
            "postgres://u:x@h/db",
            "postgres://u",
            "postgres://h/db",
            "postgres://h/db?user=u",
            "postgres://u@h/db?host=x",
            "postgres://u@h/db?port=1",
            "postgres://u@h/db?sslmode=require",
            "postgres://u@h/db?sslmode=verify-full&sslrootcert=ca.pem",
            "postgresql://u@h/db?dbname=x",
            "postgres:u@h/db",
            "sqlite:casino.db",
            "sqlite:/tmp/casino.db",
            "casino.db",
            "",
        ] {
            for separator in ["&", ";", "?", "#", ":", ",", " ", "/", "?&", "&&", "%26", "%3B"] {
                for name in ["password=", "password:", "PASSWORD=", "password%3D"] {
                    for after in ["", "@h/db", "/db", "&sslmode=require", "?x=y"] {
                        let url = format!("{before}{separator}{name}{SECRET}{after}");
                        let text = match url.parse::<StoreUrl>() {
                            Ok(store) => format!("{store} {store:?}"),
                            Err(error) => format!("{error} {error:?}"),
                        };
                        if text.contains(SECRET) {
                            shown.push(url);
                        }
                    }
                }
            }
        }
        assert!(shown.is_empty(), "{shown:#?}");
    }

    proptest! {
        #[test]
        fn no_text_contains_the_password(
            before in "(postgres|postgresql|postgre|sqlite|http)?(:|://|:/|//)?[a-z]{0,3}[:@/?&=%;#,]{0,3}",
            name in "(|password=|PASSWORD=|password:)",
            after in "[@:/?&=%;#,]{0,3}[a-z0-9.]{0,4}[:/?]{0,2}[a-z0-9]{0,3}(\\?sslmode=)?[a-z]{0,4}",
        ) {
            let secret = "s3cr3tPASSw0rd";
            let text = match format!("{before}{name}{secret}{after}").parse::<StoreUrl>() {
                Err(error) => format!("{error} {error:?}"),
                // Without a name, it may be a host or a database.
                Ok(_) if name.is_empty() => String::new(),
                Ok(store) => format!("{store} {store:?}"),
            };
            prop_assert!(!text.contains(secret), "{}", text);
        }
    }
}
