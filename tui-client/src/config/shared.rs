//! A shared table: the addresses of its casino, whom to trust there, and what may be said on the way.

use std::path::PathBuf;

use awesomestock_proto::transport;
use color_eyre::eyre::{Result, eyre};
use tonic::transport::Uri;

use super::{SOLO, bad};
use crate::{cli::Options, keyring::Place};

/// The most addresses a casino has.
const MAX_ADDRESSES: usize = 16;

/// A casino somewhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// Where it is.
    pub first: Address,
    /// Where it is as well: the same table, the same names and keys.
    pub others: Vec<Address>,
    /// Certificate of the authority to trust, instead of those that the system trusts.
    pub tls_ca: Option<PathBuf>,
}

/// An address of a casino.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// `http://HOST:PORT` or `https://HOST:PORT`.
    pub url: String,
    /// HOST:PORT, one for each casino: this machine is always `localhost`.
    pub place: String,
}

impl Address {
    /// HOST:PORT as the user wrote it.
    #[must_use]
    pub fn name(&self) -> &str {
        let url = self.url.as_str();
        let name = url.split_once("://").map_or(url, |(_, name)| name);
        name.trim_end_matches('/')
    }

    /// Whether what is said on the way there is not encrypted.
    #[must_use]
    pub fn is_in_plaintext(&self) -> bool {
        !self.url.to_ascii_lowercase().starts_with("https:")
    }

    fn parse(url: &str) -> Result<Self> {
        let url = url.trim();
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
            (Some(host), Some(port)) if whole => Ok(Self {
                url: url.to_owned(),
                place: place(host, port),
            }),
            _ => Err(bad_url()),
        }
    }
}

impl Shared {
    /// All its addresses.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The name of `player` at this casino, which is kept by its first address and may be known by the others.
    #[must_use]
    pub fn place(&self, player: &str) -> Place {
        Place {
            casino: self.first.place.clone(),
            aliases: self.others.iter().map(|address| address.place.clone()).collect(),
            player: player.to_owned(),
        }
    }
}

/// `None`: a solo game.
pub(super) fn check(options: &Options) -> Result<Option<Shared>> {
    let given = options.casino.as_deref().unwrap_or_default();
    let mut urls = match given {
        [] => return Ok(None),
        [solo] if solo == SOLO => return Ok(None),
        urls => urls.iter().map(|url| Address::parse(url)),
    };
    let Some(first) = urls.next().transpose()? else {
        return Ok(None);
    };
    let mut others: Vec<Address> = Vec::new();
    for address in urls {
        let address = address?;
        // Said twice, it is one all the same.
        if address != first && !others.contains(&address) {
            others.push(address);
        }
    }
    if others.len() >= MAX_ADDRESSES {
        let bound = format!("must be at most {MAX_ADDRESSES} addresses");
        return Err(bad("casino", &bound, given.len()));
    }
    Ok(Some(Shared {
        first,
        others,
        tls_ca: options.tls_ca.clone(),
    }))
}

fn place(host: &str, port: u16) -> String {
    if transport::is_this_machine(host) {
        format!("localhost:{port}")
    } else {
        format!("{}:{port}", host.to_ascii_lowercase())
    }
}

/// Refuses a way on which others could read the player's key, unless it is said to be safe.
pub(super) fn refuse_open_way(shared: &Shared, options: &Options) -> Result<()> {
    if options.allow_plaintext.unwrap_or(false) {
        return Ok(());
    }
    for address in shared.addresses() {
        let uri: Uri = address.url.parse()?;
        if transport::is_in_the_open(&uri) {
            return Err(eyre!(
                "casino: {} is not encrypted, and the key to your name can be read on the way: use https://, or \
                 --allow-plaintext if the way is safe by other means",
                address.url
            ));
        }
    }
    Ok(())
}
