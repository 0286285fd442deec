//! A model that moved to another controller: the words, and the other controller's fingerprint.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::Error;

/// What the user is told; `model` is `owner/name`.
pub(super) fn explain(error: &wire::Error, model: &str) -> Error {
    let info = error.info.clone().unwrap_or_default();
    let text = |key: &str| info.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
    let (alias, ca) = (text("controller-alias"), text("ca-cert"));
    let alias = if alias.is_empty() { "new-controller".to_owned() } else { alias };
    let mut message = format!(
        "Model \"{model}\" has been migrated to another controller.\n\
         To access it run one of the following commands (you can replace the -c argument with your own preferred \
         controller name):\n"
    );
    let servers = info.get("servers").and_then(Value::as_array).cloned().unwrap_or_default();
    for address in servers.iter().filter_map(Value::as_array).flatten() {
        let host = address.get("value").and_then(Value::as_str).unwrap_or("");
        let port = address.get("port").and_then(Value::as_u64).unwrap_or(0);
        message.push_str(&format!("  'juju login {host}:{port} -c {alias}'\n"));
    }
    if !ca.is_empty() && !is_certificate(&ca) {
        // Nothing that follows could be trusted: the original, too, says only this.
        return Error::from_result("cannot parse pem certificate to x509: x509: malformed certificate", &error.code);
    }
    if let Some(print) = fingerprint(&ca) {
        message.push_str(&format!("\nNew controller fingerprint [{print}]"));
    }
    Error::from_result(&message, &error.code)
}

/// Whether a PEM text holds what begins as a certificate does: a sequence as long as it says.
fn is_certificate(pem: &str) -> bool {
    use base64::Engine;
    let body: String = pem.lines().filter(|l| !l.starts_with("-----")).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(body.trim()).unwrap_or_default();
    matches!(der.as_slice(), [0x30, 0x82, high, low, rest @ ..] if rest.len() == usize::from(*high) * 256 + usize::from(*low))
}

/// SHA-256 of a PEM certificate, upper-case hex with colons.
pub fn fingerprint(pem: &str) -> Option<String> {
    use base64::Engine;
    let body: String = pem
        .lines()
        .skip_while(|l| !l.starts_with("-----BEGIN CERTIFICATE"))
        .skip(1)
        .take_while(|l| !l.starts_with("-----END"))
        .collect();
    let der = base64::engine::general_purpose::STANDARD.decode(body.trim()).ok().filter(|d| !d.is_empty())?;
    let print: Vec<String> = Sha256::digest(&der).iter().map(|b| format!("{b:02X}")).collect();
    Some(print.join(":"))
}
