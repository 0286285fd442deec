//! Where a server is, and how one gets there: a socket on this host, HTTPS with certificates on both sides, or through a command in an
//! instance of another server.
//! It must not know what is said on the way. The surprise: no authority vouches for a server; its very certificate is known beforehand.

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use base::Secret;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use super::client::Client;
use super::talk;

const PATIENCE: Duration = Duration::from_secs(10);
/// Where servers listen when no port is named.
pub const PORT: u16 = 8443;

/// What a connection is to us.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// The certificates of one who uses a server over the network; PEM.
#[derive(Clone)]
pub struct Certificates {
    pub client_cert: String,
    pub client_key: Secret,
    pub server_cert: String,
}

#[derive(Clone)]
pub enum Endpoint {
    Socket(PathBuf),
    Https { host: String, port: u16, tls: Arc<ClientConfig> },
    Within(Arc<Within>),
}

/// A server in an instance of another: each connection is a command there that joins its streams with the server's socket.
pub struct Within {
    pub outer: Client,
    pub instance: String,
    pub command: Vec<String>,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Socket(path) => write!(f, "{}", path.display()),
            Endpoint::Https { host, port, .. } => write!(f, "https://{host}:{port}"),
            Endpoint::Within(within) => write!(f, "the server in {}", within.instance),
        }
    }
}

impl Endpoint {
    /// `https://10.0.0.1:8443`, `10.0.0.1`, `[fd00::1]:8443`; errors are words.
    pub fn https(address: &str, certificates: &Certificates) -> Result<Endpoint, String> {
        let server = CertificateDer::from_pem_slice(certificates.server_cert.as_bytes())
            .map_err(|error| format!("the server's certificate cannot be read: {error}"))?;
        let Certificates { client_cert, client_key, .. } = certificates;
        Endpoint::https_to(address, tls(client_cert, client_key, Known::Certificate(server))?)
    }

    /// The same to a server of whose certificate only the SHA-256 is known, in hex.
    pub fn https_by_fingerprint(
        address: &str,
        client_cert: &str,
        client_key: &Secret,
        fingerprint: &str,
    ) -> Result<Endpoint, String> {
        Endpoint::https_to(address, tls(client_cert, client_key, Known::Fingerprint(fingerprint.to_lowercase()))?)
    }

    fn https_to(address: &str, tls: ClientConfig) -> Result<Endpoint, String> {
        let rest = address.strip_prefix("https://").unwrap_or(address).trim_end_matches('/');
        if rest.is_empty() || rest.contains(['/', '@']) || address.starts_with("http://") {
            return Err(format!("{address:?} is no address of a server: https://HOST:PORT is wanted"));
        }
        let port_of = |text: &str| text.parse().map_err(|_| format!("{text:?} in {address:?} is no port"));
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port_of(port)?),
            _ => (rest, PORT),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Endpoint::Https { host, port, tls: Arc::new(tls) })
    }

    pub async fn connect(&self) -> Result<Box<dyn Stream>, String> {
        match tokio::time::timeout(PATIENCE, self.open()).await {
            Ok(opened) => opened,
            Err(_) => Err(format!("no answer in {} seconds", PATIENCE.as_secs())),
        }
    }

    async fn open(&self) -> Result<Box<dyn Stream>, String> {
        match self {
            Endpoint::Socket(path) => match UnixStream::connect(path).await {
                Ok(stream) => Ok(Box::new(stream)),
                Err(error) => Err(match error.kind() {
                    std::io::ErrorKind::NotFound => {
                        "there is no such socket: is the server installed and running?".into()
                    }
                    std::io::ErrorKind::PermissionDenied => {
                        "permission denied: be root, or in the server's group".into()
                    }
                    std::io::ErrorKind::ConnectionRefused => "the server does not run".into(),
                    _ => error.to_string(),
                }),
            },
            Endpoint::Https { host, port, tls } => {
                let tcp = dial(host, *port).await?;
                let _ = tcp.set_nodelay(true);
                let name = ServerName::try_from(host.clone()).map_err(|_| format!("{host:?} is no host"))?;
                let stream = TlsConnector::from(tls.clone()).connect(name, tcp).await.map_err(|e| e.to_string())?;
                Ok(Box::new(stream))
            }
            Endpoint::Within(within) => within.open().await,
        }
    }
}

/// Its type is written down: a connection within is made of connections.
type Opening<'a> = Pin<Box<dyn Future<Output = Result<Box<dyn Stream>, String>> + Send + 'a>>;

impl Within {
    fn open(&self) -> Opening<'_> {
        Box::pin(async move {
            let started = talk::start(&self.outer, &self.instance, &self.command).await;
            let talk = started.map_err(|failed| failed.to_string())?;
            Ok(Box::new(tokio::io::join(talk.output, talk.input)) as Box<dyn Stream>)
        })
    }
}

async fn dial(host: &str, port: u16) -> Result<TcpStream, String> {
    let mut why = "its name is not known".to_owned();
    for ip in host::resolve::addresses(host).await {
        match TcpStream::connect((ip, port)).await {
            Ok(tcp) => return Ok(tcp),
            Err(error) => why = error.to_string(),
        }
    }
    Err(why)
}

/// SHA-256 of a certificate, in hex.
pub fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let digest = ::ring::digest::digest(&::ring::digest::SHA256, certificate);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn tls(client_cert: &str, client_key: &Secret, known: Known) -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let chain = CertificateDer::pem_slice_iter(client_cert.as_bytes()).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| format!("the client's certificate cannot be read: {error}"))?;
    let key = PrivateKeyDer::from_pem_slice(client_key.reveal().as_bytes())
        .map_err(|error| format!("the client's key cannot be read: {error}"))?;
    ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pinned { known, provider }))
        .with_client_auth_cert(chain, key)
        .map_err(|error| format!("the client's certificate and key do not fit: {error}"))
}

#[derive(Debug)]
enum Known {
    Certificate(CertificateDer<'static>),
    Fingerprint(String),
}

/// Trusts one certificate and no other.
#[derive(Debug)]
struct Pinned {
    known: Known,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let is_it = match &self.known {
            Known::Certificate(server) => end_entity == server,
            Known::Fingerprint(server) => fingerprint(end_entity) == *server,
        };
        match is_it {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(rustls::Error::General("its certificate is not the one in the credential".into())),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
