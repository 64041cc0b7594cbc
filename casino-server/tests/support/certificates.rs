//! A certificate authority for tests; its certificates are PEM files.

// Each test binary uses a part of this.
#![allow(dead_code, unreachable_pub)]

use std::fs;
use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tempfile::TempDir;

/// A certificate authority. Its files are deleted when it is dropped.
pub struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its private key.
pub struct SignedCert {
    pub cert: PathBuf,
    pub key: PathBuf,
}

impl Authority {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "Authority of a test");
        let certificate = params.self_signed(&key).unwrap();
        fs::write(folder.path().join("ca.pem"), certificate.pem()).unwrap();
        let issuer = Issuer::new(params, key);
        Self { folder, issuer }
    }

    /// The authority's own certificate.
    pub fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Signs a certificate for localhost.
    pub fn sign(&self) -> SignedCert {
        self.sign_for("good", &["localhost", "127.0.0.1"], 2100, IsCa::NoCa)
    }

    /// Signs an expired certificate for localhost.
    pub fn sign_expired(&self) -> SignedCert {
        self.sign_for("expired", &["localhost", "127.0.0.1"], 2001, IsCa::NoCa)
    }

    /// Signs a certificate for another host.
    pub fn sign_for_another(&self) -> SignedCert {
        self.sign_for("another", &["casino.example"], 2100, IsCa::NoCa)
    }

    /// Signs a certificate for localhost that is an authority too, the default of `openssl req -x509`.
    pub fn sign_authority(&self) -> SignedCert {
        let authority = IsCa::Ca(BasicConstraints::Unconstrained);
        self.sign_for("authority", &["localhost", "127.0.0.1"], 2100, authority)
    }

    fn sign_for(&self, name: &str, hosts: &[&str], until_year: i32, is_ca: IsCa) -> SignedCert {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut params = CertificateParams::new(hosts).unwrap();
        params.is_ca = is_ca;
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(until_year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let file = |end: &str| self.folder.path().join(format!("{name}.{end}"));
        let signed = SignedCert {
            cert: file("pem"),
            key: file("key"),
        };
        fs::write(&signed.cert, certificate.pem()).unwrap();
        fs::write(&signed.key, key.serialize_pem()).unwrap();
        signed
    }
}
