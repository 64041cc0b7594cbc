//! A shared table: its URL, whom to trust there, and what may be said on the way.

use std::path::PathBuf;

use awesomestock_proto::transport;
use color_eyre::eyre::{Result, eyre};
use tonic::transport::Uri;

use super::{SOLO, bad};
use crate::{cli::Options, keyring::Place};

/// A casino somewhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// `http://HOST:PORT` or `https://HOST:PORT`.
    pub url: String,
    /// HOST:PORT, one for each casino: this machine is always `localhost`.
    pub address: String,
    /// Certificate of the authority to trust, instead of those that the system trusts.
    pub tls_ca: Option<PathBuf>,
}

impl Shared {
    /// The name of `player` at this casino.
    #[must_use]
    pub fn place(&self, player: &str) -> Place {
        Place {
            casino: self.address.clone(),
            player: player.to_owned(),
        }
    }
}

/// `None`: a solo game.
pub(super) fn check(options: &Options) -> Result<Option<Shared>> {
    let casino = options.casino.as_deref();
    let Some(url) = casino.filter(|casino| *casino != SOLO) else {
        return Ok(None);
    };
    let bad_url = || bad("casino", "must be http://HOST:PORT or https://HOST:PORT", url);
    let uri: Uri = url.parse().map_err(|_| bad_url())?;
    let whole = matches!(uri.scheme_str(), Some("http" | "https"))
        && uri.path_and_query().is_none_or(|path| path.as_str() == "/")
        && uri
            .authority()
            .is_some_and(|authority| !authority.as_str().contains('@'));
    let host = uri.host().filter(|host| !host.is_empty());
    let port = uri.port_u16().filter(|port| *port > 0);
    match (host, port) {
        (Some(host), Some(port)) if whole => Ok(Some(Shared {
            url: url.to_owned(),
            address: address(host, port),
            tls_ca: options.tls_ca.clone(),
        })),
        _ => Err(bad_url()),
    }
}

fn address(host: &str, port: u16) -> String {
    if transport::is_this_machine(host) {
        format!("localhost:{port}")
    } else {
        format!("{}:{port}", host.to_ascii_lowercase())
    }
}

/// Refuses a way on which others could read the player's key, unless it is said to be safe.
pub(super) fn refuse_open_way(shared: &Shared, options: &Options) -> Result<()> {
    let uri: Uri = shared.url.parse()?;
    if options.allow_plaintext.unwrap_or(false) || !transport::is_in_the_open(&uri) {
        return Ok(());
    }
    Err(eyre!(
        "casino: {} is not encrypted, and the key to your name can be read on the way: use https://, or \
         --allow-plaintext if the way is safe by other means",
        shared.url
    ))
}
