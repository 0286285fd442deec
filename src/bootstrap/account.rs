//! What a controller uses a server of containers with: the user's credential, or one made for the server of this host.
//! The surprise: the certificate that is made is the client's for ever, as with the original, so that a second controller needs no second
//! one, and whoever wants none of it removes `JUJU_DATA/lxd` and what the server lists by its name.

use super::failed;
use base::Secret;
use base::chance::SystemChance;
use base::clock::{Clock, SystemClock};
use cli::bootstrap::{Account, BootstrapError};
use clouds::lxd::{self, Endpoint, Flavour, Lxd, Options, Welcome};
use model::record::cloud::Cloud;
use rpc::tls::Authority;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What certificates are called where servers list them.
const NAME: &str = "juju-client";
const CERTIFICATE: &str = "certificate";
const INTERACTIVE: &str = "interactive";

/// One that a controller can use from wherever it is.
pub async fn usable(kind: &str, account: Account, client: &Path) -> Result<Account, BootstrapError> {
    let Some(flavour) = Flavour::of(kind) else { return Ok(account) };
    if account.auth_type == INTERACTIVE {
        return introduced(account, client).await;
    }
    if !account.endpoint.is_empty() {
        return Ok(account);
    }
    let socket = socket(flavour)?;
    let given = |name: &str| account.attributes.get(name).cloned();
    let (cert, key) = match (given("client-cert"), given("client-key")) {
        (Some(cert), Some(key)) => (cert.reveal().to_owned(), key),
        _ => own_certificate(&client.join("lxd"))?,
    };
    let Welcome { address, server_cert, .. } =
        lxd::welcome(flavour, &socket, NAME, &cert).await.map_err(|error| failed(error.to_string()))?;
    let attributes = certificate(cert, key, server_cert);
    Ok(Account { endpoint: address, auth_type: CERTIFICATE.into(), attributes, ..account })
}

/// A token is the credential's only until the server trusts a certificate.
async fn introduced(account: Account, client: &Path) -> Result<Account, BootstrapError> {
    let token = account.attributes.get("trust-token").cloned().unwrap_or_default();
    let (cert, key) = own_certificate(&client.join("lxd"))?;
    let server_cert = lxd::introduce(&account.endpoint, NAME, &cert, &key, &token)
        .await
        .map_err(|error| failed(error.to_string()))?;
    Ok(Account { auth_type: CERTIFICATE.into(), attributes: certificate(cert, key, server_cert), ..account })
}

fn certificate(cert: String, key: Secret, server_cert: String) -> BTreeMap<String, Secret> {
    let attributes =
        [("client-cert", Secret::new(cert)), ("client-key", key), ("server-cert", Secret::new(server_cert))];
    attributes.map(|(name, text)| (name.to_owned(), text)).into()
}

/// The server itself; without a credential the one of this host.
pub fn open(kind: &str, account: &Account) -> Result<Lxd, BootstrapError> {
    let flavour = Flavour::of(kind).ok_or_else(|| failed(format!("no server of containers is of type {kind:?}")))?;
    if account.endpoint.is_empty() {
        let text = |key: &str| account.config.get(key).and_then(|value| value.as_str()).map(str::to_owned);
        let options = Options {
            endpoint: Endpoint::Socket(socket(flavour)?),
            project: text("project").unwrap_or_else(|| "default".into()),
            image_servers: text("image-metadata-url").into_iter().collect(),
            relay: Some(agent::RELAY_MODE),
        };
        return Ok(Lxd::new(flavour, options));
    }
    let cloud = Cloud {
        kind: kind.to_owned(),
        endpoint: account.endpoint.clone(),
        config: account.config.clone().into_iter().collect(),
        ..Cloud::default()
    };
    let opened = crate::accounts::server(&cloud, &account.auth_type, &account.attributes).map_err(failed)?;
    opened.ok_or_else(|| failed(format!("no server of containers is of type {kind:?}")))
}

fn socket(flavour: Flavour) -> Result<PathBuf, BootstrapError> {
    let variable = |name: &str| std::env::var(name).ok();
    lxd::socket(flavour, variable).ok_or_else(|| BootstrapError {
        message: format!("there is no {} on this host, or it does not run", flavour.name()),
        hints: vec![match flavour {
            Flavour::Lxd => "Install it (snap install lxd, or apt install lxd) and set it up: lxd init --auto".into(),
            Flavour::Incus => "Install it (apt install incus) and set it up: incus admin init --auto".into(),
        }],
    })
}

/// PEM: the client's certificate and its key, made when there is none.
fn own_certificate(folder: &Path) -> Result<(String, Secret), BootstrapError> {
    let (cert, key) = (folder.join("client.crt"), folder.join("client.key"));
    let unread = |path: &Path, error: std::io::Error| failed(format!("cannot read {}: {error}", path.display()));
    match (std::fs::read_to_string(&cert), std::fs::read_to_string(&key)) {
        (Ok(cert), Ok(key)) => return Ok((cert, Secret::new(key))),
        (Err(error), _) if error.kind() != ErrorKind::NotFound => return Err(unread(&cert, error)),
        (_, Err(error)) if error.kind() != ErrorKind::NotFound => return Err(unread(&key, error)),
        // One without the other is of no use.
        _ => {}
    }
    let made = Authority::create(NAME, SystemClock.now().unix(), &SystemChance)
        .map_err(|error| failed(format!("cannot make a certificate: {error}")))?;
    let unwritten = |error: std::io::Error| failed(format!("cannot write to {}: {error}", folder.display()));
    super::make_directory(folder)?;
    host::files::write(&key, made.key_pem().reveal().as_bytes(), 0o600).map_err(unwritten)?;
    host::files::write(&cert, made.cert_pem.as_bytes(), 0o600).map_err(unwritten)?;
    Ok((made.cert_pem.clone(), Secret::new(made.key_pem().reveal())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_certificate_is_made_once_and_only_its_owner_reads_the_key() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("lxd");
        let (cert, key) = own_certificate(&folder).expect("made");
        let again = own_certificate(&folder).expect("read");
        assert_eq!((&cert, key.reveal()), (&again.0, again.1.reveal()));
        assert!(cert.starts_with("-----BEGIN CERTIFICATE-----") && key.reveal().contains("PRIVATE KEY"));
        let mode = std::fs::metadata(folder.join("client.key")).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::remove_file(folder.join("client.key")).expect("removed");
        assert_ne!(own_certificate(&folder).expect("made anew").0, cert);
    }
}
