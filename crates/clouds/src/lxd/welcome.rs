//! Having a server of this host let somebody in over the network: it listens, trusts the certificate, and says where it is.
//! The surprise: what is so already is left as it is, and nothing here is ever undone: others may have come to use it.

use std::net::IpAddr;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cloud::Error;
use hyper::Method;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};

use super::client::Client;
use super::endpoint::{Endpoint, PORT};
use super::flavour::Flavour;
use super::network;
use super::server::Root;

/// How a server is reached by one whom it trusts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcome {
    /// `https://10.0.0.1:8443`: where machines reach it too.
    pub address: String,
    /// PEM.
    pub server_cert: String,
    /// The certificate was not trusted before.
    pub is_new: bool,
}

const LISTENS_ON: &str = "core.https_address";

/// The first socket of a server on this host; none: no such server is there. `variable` reads the environment.
pub fn socket(flavour: Flavour, variable: impl Fn(&str) -> Option<String>) -> Option<std::path::PathBuf> {
    flavour.sockets(variable).into_iter().find(|path| path.exists())
}

/// `name` is what the server lists the certificate by; `client_cert` is PEM.
pub async fn welcome(flavour: Flavour, socket: &Path, name: &str, client_cert: &str) -> Result<Welcome, Error> {
    let client = Client::new(Endpoint::Socket(socket.to_owned()), "default");
    let mut root = Root::read(&client).await?;
    if Flavour::of(&root.environment.server) != Some(flavour) {
        let found = root.environment.server;
        return Err(Error::permanent(format!("{} is {found:?}, not {}", socket.display(), flavour.name())));
    }
    if !root.trusts_us() {
        return Err(Error::permanent(format!("{} does not let us in", socket.display())));
    }
    network::check(&client).await?;
    if listens_on(&root).is_empty() {
        let body = json!({"config": {LISTENS_ON: format!("[::]:{PORT}")}});
        client.change(Method::PATCH, &[], "", &body).await.map_err(|failed| failed.at("have the server listen"))?;
        root = Root::read(&client).await?;
    }
    let address = match reached_at(&listens_on(&root))? {
        (Some(host), port) => host_port(host, port),
        (None, port) => match network::gateway(&client).await? {
            Some(host) => host_port(host, port),
            None => {
                return Err(Error::permanent(
                    "the network of profile \"default\" has no address by which machines could reach the server: set its ipv4.address",
                ));
            }
        },
    };
    let is_new = trust(&client, name, client_cert).await?;
    Ok(Welcome { address: format!("https://{address}"), server_cert: root.environment.certificate, is_new })
}

fn listens_on(root: &Root) -> String {
    root.config.get(LISTENS_ON).and_then(|value| value.as_str()).unwrap_or_default().to_owned()
}

fn host_port(host: IpAddr, port: u16) -> String {
    std::net::SocketAddr::new(host, port).to_string()
}

/// Reads `[::]:8443`, `:8443`, `10.0.0.1`: where it listens, if that is one address.
fn reached_at(listens: &str) -> Result<(Option<IpAddr>, u16), Error> {
    let bad = || Error::permanent(format!("the server's {LISTENS_ON}, {listens:?}, cannot be read"));
    if let Ok(only) = listens.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Ok((Some(only).filter(|ip| !ip.is_unspecified()), PORT));
    }
    let (host, port) = listens.rsplit_once(':').ok_or_else(bad)?;
    let port = port.parse().map_err(|_| bad())?;
    match host.trim_matches(['[', ']']) {
        "" => Ok((None, port)),
        host => Ok((Some(host.parse::<IpAddr>().map_err(|_| bad())?).filter(|ip| !ip.is_unspecified()), port)),
    }
}

/// What a server is asked to trust; PEM.
pub fn certificate(name: &str, client_cert: &str) -> Result<Value, Error> {
    let der = CertificateDer::from_pem_slice(client_cert.as_bytes())
        .map_err(|error| Error::permanent(format!("the client's certificate cannot be read: {error}")))?;
    Ok(json!({"type": "client", "name": name, "certificate": STANDARD.encode(der)}))
}

async fn trust(client: &Client, name: &str, client_cert: &str) -> Result<bool, Error> {
    let body = certificate(name, client_cert)?;
    match client.change(Method::POST, &["certificates"], "", &body).await {
        Ok(_) => Ok(true),
        Err(failed) if failed.is_taken() || failed.to_string().contains("already in trust store") => Ok(false),
        Err(failed) => Err(failed.at("have the server trust a certificate").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_server_listens() {
        let check = |text: &str, expected: Option<(&str, u16)>| {
            let seen =
                reached_at(text).ok().map(|(host, port)| (host.map_or(String::new(), |ip| ip.to_string()), port));
            assert_eq!(seen, expected.map(|(host, port)| (host.to_owned(), port)), "{text}");
        };
        check("[::]:8443", Some(("", 8443)));
        check(":9443", Some(("", 9443)));
        check("0.0.0.0:8443", Some(("", 8443)));
        check("10.0.0.1:8443", Some(("10.0.0.1", 8443)));
        check("10.0.0.1", Some(("10.0.0.1", 8443)));
        check("[fd00::1]:1", Some(("fd00::1", 1)));
        check("::", Some(("", 8443)));
        check("box:8443", None);
        check("nonsense", None);
    }
}
