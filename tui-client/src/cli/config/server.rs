//! The addresses of a shared server, and its TLS options.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use awesomestock_proto::transport::{self, resolve};
use awesomestock_proto::{command_line, tls};
use tonic::transport::Uri;

use super::{SOLO, option_error};
use crate::cli::args::Options;
use crate::client::Endpoint;
use crate::storage::keyring::KeyId;

const MAX_ADDRESSES: usize = 16;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedServer {
    pub first: ServerAddress,
    /// Other addresses of the same server, with the same players and keys.
    pub others: Vec<ServerAddress>,
    /// Certificate authority to trust instead of the system's.
    pub tls_ca: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress {
    /// `http://HOST:PORT` or `https://HOST:PORT`.
    pub url: String,
    /// HOST:PORT in lower case; every loopback address is `localhost`.
    pub normalized: String,
}

impl ServerAddress {
    /// Returns HOST:PORT as the user wrote it.
    pub fn name(&self) -> &str {
        let url = self.url.as_str();
        let name = url.split_once("://").map_or(url, |(_, name)| name);
        name.trim_end_matches('/')
    }

    fn parse(url: &str) -> Result<Self> {
        let normalized = |url: &str| {
            let uri: Uri = command_line::server_url(url).ok()?.parse().ok()?;
            let port = uri.port_u16().filter(|port| *port > 0)?;
            Some(normalize(uri.host()?, port))
        };
        let url = url.trim().to_owned();
        match normalized(&url) {
            Some(normalized) => Ok(Self { url, normalized }),
            // Any part of another URL may be a password.
            None => Err(anyhow!(
                "casino: must be http://HOST:PORT or https://HOST:PORT; the value is not shown, as it may hold a secret"
            )),
        }
    }
}

impl SharedServer {
    pub fn addresses(&self) -> impl Iterator<Item = &ServerAddress> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Creates the endpoint of one of its addresses, without connecting.
    pub(crate) fn endpoint(&self, address: &ServerAddress) -> Result<Endpoint> {
        let endpoint = tls::endpoint(&address.url, self.tls_ca.as_deref())
            .with_context(|| format!("casino: cannot use the address {}", address.name()))?;
        Ok(Endpoint {
            name: address.name().to_owned(),
            in_plaintext: !address.url.to_ascii_lowercase().starts_with("https:"),
            channel: resolve::channel(&endpoint),
        })
    }

    /// Returns the ID of the player's key: stored under the first address, and also found under the others.
    pub fn key_id(&self, player: &str) -> KeyId {
        KeyId {
            casino: self.first.normalized.clone(),
            aliases: self
                .others
                .iter()
                .map(|address| address.normalized.clone())
                .collect(),
            player: player.to_owned(),
        }
    }
}

/// Returns `None` for a solo game.
pub(super) fn check(options: &Options) -> Result<Option<SharedServer>> {
    let given = options.casino.as_deref().unwrap_or_default();
    let (first, urls) = match given {
        [] => return Ok(None),
        [solo] if solo == SOLO => return Ok(None),
        [first, others @ ..] => (ServerAddress::parse(first)?, others),
    };
    let mut others = Vec::new();
    for url in urls {
        let address = ServerAddress::parse(url)?;
        if address != first && !others.contains(&address) {
            others.push(address);
        }
    }
    if others.len() >= MAX_ADDRESSES {
        let bound = format!("must be at most {MAX_ADDRESSES} addresses");
        return Err(option_error("casino", &bound, given.len()));
    }
    Ok(Some(SharedServer {
        first,
        others,
        tls_ca: options.tls_ca.clone(),
    }))
}

fn normalize(host: &str, port: u16) -> String {
    if transport::is_loopback(host) {
        format!("localhost:{port}")
    } else {
        format!("{}:{port}", host.to_ascii_lowercase())
    }
}

/// Rejects connections on which the key could be read, unless `--allow-plaintext` is set.
pub(super) fn require_encryption(shared: &SharedServer, options: &Options) -> Result<()> {
    if options.allow_plaintext.unwrap_or(false) {
        return Ok(());
    }
    for address in shared.addresses() {
        let uri: Uri = address.url.parse()?;
        if transport::is_plaintext_remote(&uri) {
            return Err(anyhow!(
                "casino: {} is not encrypted, so the key to your name could be read on the network: use https://, or \
                 --allow-plaintext if the network is safe",
                address.url
            ));
        }
    }
    Ok(())
}
