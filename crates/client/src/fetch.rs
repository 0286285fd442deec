//! One page of the public web, as text. It must not know what the page says.
//! The surprise: nothing is followed. A redirection is an answer like another, so that nobody is led to an address that was not named.

use host::resolve;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::header::{ACCEPT, HOST, USER_AGENT};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const PATIENCE: Duration = Duration::from_secs(15);
/// Bytes of a page.
const LONGEST: usize = 256 << 10;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Of HTTP: 200, 404.
    pub status: u16,
    pub text: String,
}

/// Why there is no page; the words name the host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    #[error("{0:?} is no address of a page")]
    Address(String),
    #[error("cannot reach {host}: {why}")]
    Reach { host: String, why: String },
    #[error("{host} did not answer within {} seconds", PATIENCE.as_secs())]
    Late { host: String },
    #[error("cannot read the answer of {host}: {why}")]
    Answer { host: String, why: String },
}

/// Gets `http://` or `https://`; the certificate must be one that this host's own list of authorities vouches for.
pub async fn text(address: &str) -> Result<Page, FetchError> {
    let invalid = || FetchError::Address(address.to_owned());
    let uri: Uri = address.parse().map_err(|_| invalid())?;
    let (secure, port) = match uri.scheme_str() {
        Some("https") => (true, uri.port_u16().unwrap_or(443)),
        Some("http") => (false, uri.port_u16().unwrap_or(80)),
        _ => return Err(invalid()),
    };
    let host = uri.host().ok_or_else(invalid)?.to_owned();
    let get = async {
        let tcp = connect(&host, port).await?;
        match secure {
            false => ask(tcp, &uri, &host).await,
            true => {
                let reach = |why: String| FetchError::Reach { host: host.clone(), why };
                let name = ServerName::try_from(host.clone()).map_err(|_| invalid())?;
                let config = config().await.map_err(reach)?;
                let tls = TlsConnector::from(config).connect(name, tcp).await.map_err(|e| reach(e.to_string()))?;
                ask(tls, &uri, &host).await
            }
        }
    };
    tokio::time::timeout(PATIENCE, get).await.unwrap_or_else(|_| Err(FetchError::Late { host: host.clone() }))
}

async fn connect(host: &str, port: u16) -> Result<TcpStream, FetchError> {
    let mut why = "its name is not known".to_owned();
    for ip in resolve::addresses(host).await {
        match TcpStream::connect((ip, port)).await {
            Ok(tcp) => return Ok(tcp),
            Err(error) => why = error.to_string(),
        }
    }
    Err(FetchError::Reach { host: host.to_owned(), why })
}

/// The list is read each time: it is some hundred files or one, changes with the host, and pages are seldom wanted.
async fn config() -> Result<Arc<ClientConfig>, String> {
    let read = tokio::task::spawn_blocking(|| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots
    });
    let roots = read.await.map_err(|error| error.to_string())?;
    if roots.is_empty() {
        return Err("this host has no list of authorities that vouch for certificates".to_owned());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(Arc::new(config.map_err(|e| e.to_string())?.with_root_certificates(roots).with_no_client_auth()))
}

async fn ask<S>(stream: S, uri: &Uri, host: &str) -> Result<Page, FetchError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken = |why: String| FetchError::Answer { host: host.to_owned(), why };
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| broken(e.to_string()))?;
    let driven = tokio::spawn(connection);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path)
        .header(HOST, uri.authority().map_or(host, |authority| authority.as_str()))
        .header(USER_AGENT, format!("grigri/{}", base::current_version()))
        .header(ACCEPT, "text/plain")
        .body(Empty::<bytes::Bytes>::new())
        .map_err(|e| broken(e.to_string()))?;
    let answer = sender.send_request(request).await.map_err(|e| broken(e.to_string()))?;
    let status = answer.status().as_u16();
    let body = Limited::new(answer.into_body(), LONGEST).collect().await.map_err(|e| broken(e.to_string()))?.to_bytes();
    driven.abort();
    let text = String::from_utf8(body.to_vec()).map_err(|_| broken("it is no text".to_owned()))?;
    Ok(Page { status, text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// A server that gives one answer, and the request it got.
    async fn stand_in(answer: Vec<u8>) -> (String, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}/a.keys?b=c", listener.local_addr().expect("bound"));
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a client");
            let mut seen = Vec::new();
            while !seen.ends_with(b"\r\n\r\n") {
                let mut some = [0; 1024];
                let count = stream.read(&mut some).await.expect("reads");
                assert!(count > 0, "the client left");
                seen.extend_from_slice(&some[..count]);
            }
            let _ = stream.write_all(&answer).await;
            String::from_utf8(seen).expect("text")
        });
        (address, served)
    }

    fn answer(head: &str, body: &[u8]) -> Vec<u8> {
        [format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
    }

    #[tokio::test]
    async fn a_page_is_its_status_and_its_text() {
        for (head, status) in
            [("200 OK", 200), ("404 Not Found", 404), ("302 Found\r\nlocation: http://127.0.0.1:1/", 302)]
        {
            let (address, served) = stand_in(answer(head, b"a\nb\n")).await;
            assert_eq!(text(&address).await, Ok(Page { status, text: "a\nb\n".into() }), "{head}");
            let request = served.await.expect("served");
            assert!(request.starts_with("GET /a.keys?b=c HTTP/1.1\r\nhost: 127.0.0.1:"), "{request}");
            assert!(request.contains("user-agent: grigri/3.6."), "{request}");
        }
    }

    #[tokio::test]
    async fn what_is_no_page_is_told() {
        let said = async |address: &str| text(address).await.expect_err("no page").to_string();
        for address in ["", "x", "/a", "ftp://127.0.0.1/", "https://", "gh:bob"] {
            assert_eq!(said(address).await, format!("{address:?} is no address of a page"));
        }
        let (nobody, listener) = {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            (format!("http://{}/", listener.local_addr().expect("bound")), listener)
        };
        drop(listener);
        assert_eq!(said(&nobody).await, "cannot reach 127.0.0.1: Connection refused (os error 111)");
        let (long, _served) = stand_in(answer("200 OK", &vec![b'x'; LONGEST + 1])).await;
        assert_eq!(said(&long).await, "cannot read the answer of 127.0.0.1: length limit exceeded");
        let (binary, _served) = stand_in(answer("200 OK", &[0xff, 0xfe])).await;
        assert_eq!(said(&binary).await, "cannot read the answer of 127.0.0.1: it is no text");
        let (garbage, _served) = stand_in(b"SSH-2.0-x\r\n\r\n".to_vec()).await;
        assert!(said(&garbage).await.starts_with("cannot read the answer of 127.0.0.1: "));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_does_not_answer_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}/", listener.local_addr().expect("bound"));
        assert_eq!(text(&address).await, Err(FetchError::Late { host: "127.0.0.1".into() }));
    }
}
