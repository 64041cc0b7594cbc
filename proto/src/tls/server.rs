//! TLS of a server. Its certificate is read again when the files change, without closing a connection.

use std::error::Error;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::SystemTime;
use std::{fmt, fs, io, mem};

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};
use tonic::transport::server::Connected;

use super::{TlsError, certificates, read};

/// A server's certificate and private key. Cheap to clone; all clones use the newest certificate.
#[derive(Clone)]
pub struct ServerTls {
    cert: Arc<Path>,
    key: Arc<Path>,
    config: Arc<ServerConfig>,
    newest: watch::Sender<Arc<CertifiedKey>>,
}

impl ServerTls {
    /// Reads a certificate chain, the server's first, and its private key from PEM files.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or they do not match.
    pub fn read(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        let (newest, current) = watch::channel(Arc::new(certified_key(cert, key)?));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let mut config = config
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Setup)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(NewestCertificate(current)));
        config.alpn_protocols = vec![b"h2".to_vec()];
        // A resumed session would keep the certificate with which it began.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self {
            cert: cert.into(),
            key: key.into(),
            config: Arc::new(config),
            newest,
        })
    }

    /// Modification time and length of each file; `None` for one that cannot be read.
    fn version(&self) -> FilesVersion {
        [&self.cert, &self.key].map(|path| {
            let metadata = fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        })
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls")
            .field("cert", &self.cert)
            .finish_non_exhaustive()
    }
}

fn certified_key(cert: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&certificates(cert)?).collect();
    let key_pem = read(key)?;
    let bad_identity = |source| TlsError::BadIdentity {
        cert: cert.to_owned(),
        key: key.to_owned(),
        source,
    };
    let general = |error| bad_identity(rustls::Error::General(format!("{error}")));
    let private_key = PrivateKeyDer::from_pem_slice(&key_pem).map_err(general)?;
    CertifiedKey::from_der(chain.map_err(general)?, private_key, &ring::default_provider())
        .map_err(bad_identity)
}

#[derive(Debug)]
struct NewestCertificate(watch::Receiver<Arc<CertifiedKey>>);

impl ResolvesServerCert for NewestCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.borrow()))
    }
}

type FilesVersion = [Option<(SystemTime, u64)>; 2];

/// Reads a certificate again on request and when its files change, and logs the result.
#[derive(Debug)]
pub(crate) struct CertificateWatch {
    tls: ServerTls,
    /// The version that was read last, whether it could be used or not.
    tried: FilesVersion,
    seen: FilesVersion,
}

impl CertificateWatch {
    pub(crate) fn new(tls: ServerTls) -> Self {
        let version = tls.version();
        Self {
            tls,
            tried: version,
            seen: version,
        }
    }

    /// Reads the certificate again if its files have changed, once both have stayed the same between two calls.
    pub(crate) fn poll(&mut self) {
        let found = self.tls.version();
        let before = mem::replace(&mut self.seen, found);
        if found == before && found != self.tried {
            self.reload();
        }
    }

    /// Reads the certificate again. New connections get it; one that cannot be used changes nothing.
    pub(crate) fn reload(&mut self) {
        self.tried = self.tls.version();
        match certified_key(&self.tls.cert, &self.tls.key) {
            Ok(read) => {
                self.tls.newest.send_replace(Arc::new(read));
                tracing::info!(
                    "new connections get the certificate in {}",
                    self.tls.cert.display()
                );
            }
            Err(error) => {
                let cause = error
                    .source()
                    .map(|cause| format!(": {cause}"))
                    .unwrap_or_default();
                tracing::warn!("the old certificate stays in use: {error}{cause}");
            }
        }
    }
}

/// An accepted connection, with TLS or without. The handshake is part of the first read or write, so that it runs in the
/// task of the connection.
///
/// Writes are not vectored: with vectored writes, HTTP/2 writes each frame of more than 256 bytes by a system call of its
/// own, to avoid a copy, and responses are larger than that. Copied into one buffer, the frames of all streams are written
/// together.
pub(crate) struct TlsIo<IO: Connected> {
    info: IO::ConnectInfo,
    state: TlsState<IO>,
}

enum TlsState<IO> {
    Plain(IO),
    Handshake(Box<Accept<IO>>),
    Open(Box<TlsStream<IO>>),
    Failed,
}

trait Duplex: AsyncRead + AsyncWrite + Unpin {}

impl<IO: AsyncRead + AsyncWrite + Unpin> Duplex for IO {}

impl<IO: AsyncRead + AsyncWrite + Connected + Unpin> TlsIo<IO> {
    pub(crate) fn new(io: IO, tls: Option<&ServerTls>) -> Self {
        let info = io.connect_info();
        let state = match tls {
            Some(tls) => {
                let acceptor = TlsAcceptor::from(Arc::clone(&tls.config));
                TlsState::Handshake(Box::new(acceptor.accept(io)))
            }
            None => TlsState::Plain(io),
        };
        Self { info, state }
    }

    /// Returns the open connection after its handshake.
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Pin<&mut (dyn Duplex + '_)>>> {
        if let TlsState::Handshake(accept) = &mut self.state {
            match ready!(Pin::new(accept).poll(cx)) {
                Ok(stream) => self.state = TlsState::Open(Box::new(stream)),
                Err(error) => {
                    self.state = TlsState::Failed;
                    return Poll::Ready(Err(error));
                }
            }
        }
        Poll::Ready(match &mut self.state {
            TlsState::Plain(io) => Ok(Pin::new(io)),
            TlsState::Open(stream) => Ok(Pin::new(stream)),
            TlsState::Handshake(_) | TlsState::Failed => Err(io::ErrorKind::NotConnected.into()),
        })
    }
}

impl<IO: Connected> Connected for TlsIo<IO> {
    type ConnectInfo = IO::ConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.info.clone()
    }
}

impl<IO: Connected + Unpin> Unpin for TlsIo<IO> {}

impl<IO: AsyncRead + AsyncWrite + Connected + Unpin> AsyncRead for TlsIo<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_open(cx))?.poll_read(cx, buffer)
    }
}

impl<IO: AsyncRead + AsyncWrite + Connected + Unpin> AsyncWrite for TlsIo<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_open(cx))?.poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_open(cx))?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.state {
            TlsState::Handshake(_) | TlsState::Failed => Poll::Ready(Ok(())),
            TlsState::Plain(_) | TlsState::Open(_) => ready!(self.poll_open(cx))?.poll_shutdown(cx),
        }
    }
}
