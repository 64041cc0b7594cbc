//! A server's certificate with an authority of its own, made by `casino-server cert`.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv6Addr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::Duration;

use awesomestock_proto::command_line;
use clap::ValueHint;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use crate::config::clock::Clock;

/// Names of this machine, which are always in a certificate.
const THIS_MACHINE: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Arguments of `casino-server cert`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct CertArgs {
    /// Folder for ca.pem, cert.pem and key.pem; no file is overwritten.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath, value_parser = command_line::file_path)]
    pub folder: PathBuf,

    /// Name or address of this machine, as players write it; once for each, localhost is always included.
    // One value each: more would take DIR for a name if it is last.
    #[arg(long = "host", value_name = "NAME", value_parser = host_name)]
    pub hosts: Vec<String>,

    /// Days for which the certificate is valid, 1 to 3650.
    #[arg(
        long,
        value_name = "DAYS",
        default_value_t = 365,
        value_parser = |text: &str| command_line::number(text, &(1..=3650_u32))
    )]
    pub days: u32,
}

fn host_name(text: &str) -> Result<String, &'static str> {
    let is_name = !text.is_empty()
        && text.len() <= 253
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    // As in a URL.
    let in_brackets = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    if let Some(address) = in_brackets.filter(|text| text.parse::<Ipv6Addr>().is_ok()) {
        return Ok(address.to_owned());
    }
    match is_name || text.parse::<IpAddr>().is_ok() {
        true => Ok(text.to_owned()),
        false => Err("expected a name or an address without a port, as in casino.example.org or 192.0.2.1"),
    }
}

/// Why a certificate cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum CertError {
    /// A file exists.
    #[error("{} exists and is not overwritten: choose another folder", .0.display())]
    Exists(PathBuf),
    /// A file or folder cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The time is out of range.
    #[error("the clock of this machine is wrong")]
    Clock,
    /// The certificate cannot be made.
    #[error("cannot make a certificate")]
    Certificate(#[from] rcgen::Error),
}

/// Writes a certificate, its private key, and the authority that signed it, readable by the user only. The authority's key
/// is not kept, so nobody can sign another certificate with it.
///
/// # Errors
///
/// One of the files exists or cannot be written. Files that exist are never changed.
pub fn create(args: &CertArgs) -> Result<(), CertError> {
    let pem = make(args, &Clock::default())?;
    let write_error = |path: PathBuf| move |source| CertError::Write { path, source };
    fs::create_dir_all(&args.folder).map_err(write_error(args.folder.clone()))?;
    let files = ["ca.pem", "cert.pem", "key.pem"].map(|name| args.folder.join(name));
    if let Some(found) = files.iter().find(|file| file.exists()) {
        return Err(CertError::Exists(found.clone()));
    }
    for (path, pem) in files.into_iter().zip(pem) {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        let written = file.and_then(|mut file| file.write_all(pem.as_bytes()));
        written.map_err(write_error(path))?;
    }
    Ok(())
}

/// Returns authority, certificate and private key in PEM.
fn make(args: &CertArgs, clock: &Clock) -> Result<[String; 3], CertError> {
    let now = Duration::from_millis(u64::try_from(clock.now().0).unwrap_or_default());
    let date = |since_epoch: Duration| {
        let since_epoch = since_epoch.try_into().map_err(|_| CertError::Clock)?;
        let date = date_time_ymd(1970, 1, 1).checked_add(since_epoch);
        date.ok_or(CertError::Clock)
    };
    // Clocks of players may be late.
    let begins = date(now.saturating_sub(DAY))?;
    let ends = date(now.saturating_add(DAY.saturating_mul(args.days)))?;
    let named = |mut params: CertificateParams, name: &str| {
        params.not_before = begins;
        params.not_after = ends;
        params.distinguished_name.push(DnType::CommonName, name);
        params
    };
    let mut authority = named(CertificateParams::default(), "AwesomeStock authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority_key = KeyPair::generate()?;
    let authority_pem = authority.self_signed(&authority_key)?.pem();
    let issuer = Issuer::new(authority, authority_key);

    let others = THIS_MACHINE.iter().map(|host| (*host).to_owned());
    let hosts = args.hosts.iter().cloned().chain(others);
    let mut server = named(
        CertificateParams::new(hosts.collect::<Vec<_>>())?,
        "AwesomeStock server",
    );
    server.is_ca = IsCa::ExplicitNoCa;
    server.use_authority_key_identifier_extension = true;
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = server.signed_by(&key, &issuer)?.pem();
    Ok([authority_pem, certificate, key.serialize_pem()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address() {
        for (text, host) in [
            ("casino.example.org", Some("casino.example.org")),
            ("192.0.2.1", Some("192.0.2.1")),
            ("::1", Some("::1")),
            ("[::1]", Some("::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("[192.0.2.1]", None),
            ("[::1]:10000", None),
            ("[::1", None),
            ("[]", None),
            ("h:1", None),
            ("", None),
        ] {
            assert_eq!(host_name(text).ok().as_deref(), host, "{text}");
        }
    }
}
