//! PostgreSQL URLs with libpq's parameters.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use tokio_postgres::config::{Config, Host, SslMode};

use super::{QUOTES, StoreUrlError, names_parameter};

/// A PostgreSQL database with its login. `Debug` and `Display` show database and hosts only, and not even these if they may
/// be a login.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    pub(crate) config: Box<Config>,
    pub(crate) verify: TlsVerify,
    may_be_login: bool,
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

/// Parameters of libpq that are passed on.
const SUPPORTED: [&str; 19] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "load_balance_hosts",
    "options",
    "password",
    "port",
    "sslmode",
    "sslrootcert",
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
const UNSUPPORTED: [&str; 27] = [
    "gssdelegation",
    "gsslib",
    "max_protocol_version",
    "min_protocol_version",
    "oauth_client_id",
    "oauth_client_secret",
    "oauth_issuer",
    "oauth_scope",
    "passfile",
    "replication",
    "require_auth",
    "requirepeer",
    "requiressl",
    "scram_client_key",
    "scram_server_key",
    "service",
    "servicefile",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcertmode",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslkeylogfile",
    "sslnegotiation",
    "sslpassword",
];

/// Characters that separate the parts of a URL. Any part may be a misplaced password.
const SEPARATORS: [char; 6] = ['@', '&', ';', '=', '?', '#'];

/// The parameters of a URL by their libpq names. As in psql, a later value replaces an earlier one, and one after the
/// `?` also replaces that of the address.
#[derive(Default)]
struct Parameters {
    values: BTreeMap<&'static str, String>,
    /// Any bytes; never shown.
    password: Option<Vec<u8>>,
    /// Whether host, port and database may be a login without a host: `USER:PASSWORD`, with any `/` and `,` in it.
    may_be_login: bool,
}

impl Parameters {
    /// Parses `[USER[:PASSWORD]@]HOST[:PORT][,HOST[:PORT]…][/DATABASE]`.
    fn add_address(&mut self, address: &str) -> Result<(), StoreUrlError> {
        let (login, address) = address.split_once('@').unwrap_or(("", address));
        let (hosts, database) = address.split_once('/').unwrap_or((address, ""));
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (login, None),
        };
        if let Some(password) = password {
            self.set("password", password)?;
        }
        let has_port = |host: &str| host.contains(':') && !host.starts_with('[');
        self.may_be_login = login.is_empty() && hosts.split(',').any(has_port);
        let (mut names, mut ports) = (Vec::new(), Vec::new());
        for host in hosts.split(',') {
            let (name, port) = host_and_port(host).ok_or(StoreUrlError::Malformed)?;
            names.push(name);
            ports.push(port);
        }
        if user.contains('/') || database.contains(['/', ':', ',']) {
            return Err(StoreUrlError::Malformed);
        }
        if ports.iter().any(|port| !port.is_empty()) {
            self.set("port", &ports.join(","))?;
        }
        for (name, value) in [("user", user), ("host", &names.join(",")), ("dbname", database)] {
            self.set(name, value)?;
        }
        Ok(())
    }

    /// Parses `NAME=VALUE&…`.
    fn add_query(&mut self, query: &str) -> Result<(), StoreUrlError> {
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').ok_or(StoreUrlError::UnknownParameter)?;
            if let Some(known) = supported_name(name, value)? {
                self.set(known, value)?;
            }
        }
        Ok(())
    }

    /// Sets a parameter to an encoded value. An empty value means the default.
    fn set(&mut self, name: &'static str, value: &str) -> Result<(), StoreUrlError> {
        let decoded = percent_decode_str(value);
        if name == "password" {
            let password: Vec<u8> = decoded.collect();
            if password.is_empty() {
                return Err(StoreUrlError::EmptyPassword);
            }
            self.password = Some(password);
            return Ok(());
        }
        let decoded = decoded.decode_utf8().map_err(|_| StoreUrlError::Malformed)?;
        let is_misread = value.contains(char::is_whitespace)
            || value.contains(QUOTES)
            || match name {
                // Some services have user names such as `ann%40server`.
                "user" => value.contains(SEPARATORS) || decoded.replace('@', "").contains(SEPARATORS),
                "dbname" | "sslrootcert" => decoded.contains(SEPARATORS) || names_parameter(&decoded),
                _ => decoded.contains(SEPARATORS) || decoded.to_lowercase().contains("password:"),
            };
        // Options are sent to the database only.
        if is_misread && name != "options" {
            return Err(StoreUrlError::Malformed);
        }
        match decoded.as_ref() {
            "" => self.values.remove(name),
            decoded => self.values.insert(name, decoded.to_owned()),
        };
        Ok(())
    }

    /// Removes `sslmode` and `sslrootcert`, as `tokio_postgres` does not know all their values.
    fn take_tls(&mut self) -> Result<(SslMode, TlsVerify), StoreUrlError> {
        let root_cert = self.values.remove("sslrootcert");
        let mode = self.values.remove("sslmode");
        Ok(match (mode.as_deref().unwrap_or("prefer"), root_cert) {
            ("verify-full", None) => (SslMode::Require, TlsVerify::System),
            ("verify-full", Some(file)) if file == "system" => (SslMode::Require, TlsVerify::System),
            ("verify-full", Some(file)) => (SslMode::Require, TlsVerify::CaFile(file.into())),
            ("disable" | "prefer" | "require", Some(_)) => return Err(StoreUrlError::NotVerified),
            ("disable", None) => (SslMode::Disable, TlsVerify::None),
            ("prefer", None) => (SslMode::Prefer, TlsVerify::None),
            ("require", None) => (SslMode::Require, TlsVerify::None),
            (_, _) => return Err(StoreUrlError::SslMode),
        })
    }

    /// Returns the parameters as `tokio_postgres` reads them.
    fn config(self) -> Result<Config, StoreUrlError> {
        let mut text = String::new();
        for (name, value) in &self.values {
            let (name_there, value) = match (*name, value.as_str()) {
                ("target_session_attrs", "primary") => (*name, "read-write"),
                ("keepalives_count", value) => ("keepalives_retries", value),
                (name, value) => (name, value),
            };
            let quoted = value.replace('\\', "\\\\").replace('\'', "\\'");
            let parameter = format!("{name_there}='{quoted}' ");
            if parameter.parse::<Config>().is_err() {
                return Err(StoreUrlError::InvalidValue(name));
            }
            text.push_str(&parameter);
        }
        let mut config: Config = text.parse().map_err(|_| StoreUrlError::Malformed)?;
        if let Some(password) = self.password {
            config.password(password);
        }
        Ok(config)
    }
}

/// Splits `HOST[:PORT]`, where an IPv6 address is in brackets.
fn host_and_port(text: &str) -> Option<(&str, &str)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(text) => {
            let (host, after) = text.split_once(']')?;
            match after {
                "" => (host, ""),
                _ => (host, after.strip_prefix(':')?),
            }
        }
        None => text.split_once(':').unwrap_or((text, "")),
    };
    port.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then_some((host, port))
}

/// Returns the name of a parameter that has an effect; `None` for one to ignore.
fn supported_name(name: &str, value: &str) -> Result<Option<&'static str>, StoreUrlError> {
    let is_any = |values: &[&str]| values.iter().any(|known| known.eq_ignore_ascii_case(value));
    let unsupported = |name, allowed| Err(StoreUrlError::UnsupportedValue { name, allowed });
    match name {
        "client_encoding" if is_any(&["", "utf8", "utf-8", "unicode", "auto"]) => Ok(None),
        "gssencmode" if is_any(&["", "disable", "prefer"]) => Ok(None),
        "client_encoding" => unsupported("client_encoding", "UTF8, which the casino always uses"),
        "gssencmode" => unsupported("gssencmode", "disable or prefer, as the casino has no GSSAPI"),
        "target_session_attrs" if is_any(&["standby", "prefer-standby", "read-only"]) => unsupported(
            "target_session_attrs",
            "any, primary or read-write, as the casino writes",
        ),
        _ if IGNORED.contains(&name) => Ok(None),
        _ => match (find(&SUPPORTED, name), find(&UNSUPPORTED, name)) {
            (Some(known), _) => Ok(Some(known)),
            (None, Some(known)) => Err(StoreUrlError::Unsupported(known)),
            (None, None) => Err(StoreUrlError::UnknownParameter),
        },
    }
}

/// Returns the parameter with this name.
fn find(parameters: &[&'static str], name: &str) -> Option<&'static str> {
    parameters.iter().copied().find(|known| *known == name)
}

/// Parses a URL without its scheme.
pub(super) fn parse(url: &str) -> Result<DatabaseUrl, StoreUrlError> {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let mut parameters = Parameters::default();
    parameters.add_address(address)?;
    parameters.add_query(query)?;
    let (mode, verify) = parameters.take_tls()?;
    let may_be_login = parameters.may_be_login;
    let mut config = parameters.config()?;
    config.ssl_mode(mode);
    let (hosts, addresses) = (config.get_hosts().len(), config.get_hostaddrs().len());
    let ports = config.get_ports().len();
    match config.get_dbname() {
        _ if hosts == 0 && addresses == 0 => Err(StoreUrlError::NoHost),
        None => Err(StoreUrlError::NoDatabase),
        _ if hosts > 0 && addresses > 0 && hosts != addresses => Err(StoreUrlError::InvalidValue("hostaddr")),
        _ if ports > 1 && ports != hosts.max(addresses) => Err(StoreUrlError::InvalidValue("port")),
        Some(_) => Ok(DatabaseUrl {
            config: Box::new(config),
            verify,
            may_be_login,
        }),
    }
}

impl fmt::Display for DatabaseUrl {
    /// Writes the database and its hosts; neither user nor password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.may_be_login {
            return f.write_str("(not shown, as without USER@ before its host it may be a password)");
        }
        let hosts = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(host) => host.clone(),
            #[cfg(unix)]
            Host::Unix(folder) => folder.display().to_string(),
        });
        let mut hosts: Vec<String> = hosts.collect();
        if hosts.is_empty() {
            hosts.extend(self.config.get_hostaddrs().iter().map(ToString::to_string));
        }
        let database = self.config.get_dbname().unwrap_or_default();
        write!(f, "{database} on {}", hosts.join(", "))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::store_url::StoreUrl;

    fn parse(url: &str) -> DatabaseUrl {
        match url.parse() {
            Ok(StoreUrl::Postgres(database)) => database,
            other => panic!("{url}: {other:?}"),
        }
    }

    #[test]
    fn a_parameter_replaces_earlier_values_as_in_psql() {
        for (url, user, password, hosts, ports, database) in [
            ("u:p@h:1/d", "u", "p", "h", &[1][..], "d"),
            ("u:p@h:1/d?host=x", "u", "p", "x", &[1], "d"),
            ("u:p@h:1/d?port=2", "u", "p", "h", &[2], "d"),
            ("u:p@h:1/d?host=x&port=2&host=y", "u", "p", "y", &[2], "d"),
            ("u:p@h/d?user=v&password=q&dbname=e", "v", "q", "h", &[], "e"),
            ("?user=v&password=q&host=x&dbname=e", "v", "q", "x", &[], "e"),
            ("u:p@h/d?password=q&password=r", "u", "r", "h", &[], "d"),
            ("u:p@one:1,two/d", "u", "p", "one, two", &[1, 5432], "d"),
            ("u:p@one:1,two:2/d?port=3", "u", "p", "one, two", &[3], "d"),
            ("u:p@[::1]:1/d?host=::2", "u", "p", "::2", &[1], "d"),
            ("u:p@h/d?host=%2Frun%2Fpg", "u", "p", "/run/pg", &[], "d"),
            ("u:p@h/d?host=", "u", "p", "", &[], "d"),
            ("u%40s:p%40%2F@h/d%20e", "u@s", "p@/", "h", &[], "d e"),
        ] {
            let parsed = format!("postgres://{url}").parse::<StoreUrl>();
            if hosts.is_empty() {
                assert_eq!(parsed, Err(StoreUrlError::NoHost), "{url}");
                continue;
            }
            let Ok(StoreUrl::Postgres(found)) = parsed else {
                panic!("{url}: {parsed:?}")
            };
            assert_eq!(found.config.get_user(), Some(user), "{url}");
            assert_eq!(found.config.get_password(), Some(password.as_bytes()), "{url}");
            assert_eq!(found.config.get_ports(), ports, "{url}");
            assert_eq!(found.to_string(), format!("{database} on {hosts}"), "{url}");
        }
    }

    #[test]
    fn the_manual_lists_every_parameter() {
        let manual = include_str!("../../../docs/deploying.md");
        let supported = SUPPORTED.into_iter();
        for name in supported
            .chain(IGNORED)
            .chain(UNSUPPORTED)
            .chain(["client_encoding", "gssencmode"])
        {
            assert!(manual.contains(&format!("`{name}")), "{name}");
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
            (
                "gssencmode=require",
                "the parameter gssencmode must be disable or prefer",
            ),
            (
                "client_encoding=LATIN1",
                "the parameter client_encoding must be UTF8, which the casino always uses",
            ),
            ("sslcert=x", "the parameter sslcert is not supported"),
            ("sslkeylogfile=x", "the parameter sslkeylogfile is not supported"),
            ("oauth_scope=x", "the parameter oauth_scope is not supported"),
            (
                "max_protocol_version=3.2",
                "the parameter max_protocol_version is not supported",
            ),
            (
                "scram_client_key=x",
                "the parameter scram_client_key is not supported",
            ),
            ("gssdelegation=0", "the parameter gssdelegation is not supported"),
            ("colour=red", "unknown parameter after ?"),
            ("requiressl=0", "the parameter requiressl is not supported"),
            (
                "target_session_attrs=prefer-standby",
                "the parameter target_session_attrs must be any, primary or read-write",
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
            let database = parse(&url);
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
