//! A token of a server, by which it comes to trust a certificate of ours.
//! The surprise: the token says how the server's own certificate is known, so that nobody in between is taken for it, or hears the token.

use base::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use cloud::Error;
use hyper::Method;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;
use serde_json::json;

use super::client::Client;
use super::endpoint::{self, Endpoint};
use super::server::Root;
use super::welcome;

/// What is in a token, as far as it matters (`lxc config trust add`, `incus config trust add`).
#[derive(Deserialize)]
struct Token {
    fingerprint: String,
    secret: Secret,
}

/// Servers without it take a token in the place of a password.
const EXPLICIT: &str = "explicit_trust_token";

fn read(token: &Secret) -> Option<Token> {
    let text = token.reveal().trim().trim_end_matches('=');
    let token: Token = serde_json::from_slice(&STANDARD_NO_PAD.decode(text).ok()?).ok()?;
    Some(token).filter(|token| token.fingerprint.len() == 64 && !token.secret.is_empty())
}

/// Has the server at `address` trust a certificate (PEM) under a name; the server's own certificate, PEM. A certificate that it trusts already
/// costs the token nothing.
pub async fn introduce(
    address: &str,
    name: &str,
    client_cert: &str,
    client_key: &Secret,
    token: &Secret,
) -> Result<String, Error> {
    let known = read(token).ok_or_else(|| Error::permanent("the trust token is none: it is one line of base64"))?;
    let endpoint = Endpoint::https_by_fingerprint(address, client_cert, client_key, &known.fingerprint);
    let client = Client::new(endpoint.map_err(Error::permanent)?, "default");
    let mut root = Root::read(&client).await?;
    if !root.trusts_us() {
        let token = token.reveal().trim();
        let mut body = welcome::certificate(name, client_cert)?;
        body["trust_token"] = json!(token);
        if !root.api_extensions.iter().any(|one| one == EXPLICIT) {
            body["password"] = json!(token);
        }
        client
            .change(Method::POST, &["certificates"], "", &body)
            .await
            .map_err(|failed| Error::permanent(format!("the server does not take the trust token: {failed}")))?;
        root = Root::read(&client).await?;
    }
    let server = CertificateDer::from_pem_slice(root.environment.certificate.as_bytes());
    match server.is_ok_and(|server| endpoint::fingerprint(&server) == known.fingerprint.to_lowercase()) {
        true => Ok(root.environment.certificate),
        false => Err(Error::permanent("the server shows another certificate than it has: a proxy is in between")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    #[test]
    fn what_is_no_token_is_known() {
        let check = |text: &str, expected: bool| assert_eq!(read(&Secret::new(text)).is_some(), expected, "{text}");
        let with = |json: &str| STANDARD.encode(json);
        let fingerprint = "ab".repeat(32);
        check(
            &with(&format!(r#"{{"client_name":"x","fingerprint":"{fingerprint}","addresses":[],"secret":"s"}}"#)),
            true,
        );
        check(&format!(" {}\n", with(&format!(r#"{{"fingerprint":"{fingerprint}","secret":"s"}}"#))), true);
        check(&with(r#"{"fingerprint":"ab","secret":"s"}"#), false);
        check(&with(&format!(r#"{{"fingerprint":"{fingerprint}","secret":""}}"#)), false);
        check("nonsense", false);
        check("", false);
    }
}
