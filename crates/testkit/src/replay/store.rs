//! The client store of a case: the recorded files, with our listener's address and CA in place of the recorded ones.
//!
//! The surprise: the files are edited as text, so that their form (order, quoting, block style) stays what it was.

use std::io;
use std::path::Path;

use super::Recording;

/// The controllers' ports in the recorded stores; both loopback hosts are served.
pub(super) const RECORDED_PORTS: [&str; 2] = ["17099", "17270"];

/// Lays the store `name` out in `data`.
pub(super) fn lay_out(release: &Path, name: &str, data: &Path, port: Option<u16>, ca: &str) -> io::Result<()> {
    let source = release.join("stores").join(name);
    let source = if source.exists() { source } else { release.join("../3.6/stores").join(name) };
    copy(&source, data)?;
    let controllers = data.join("controllers.yaml");
    if let (Ok(mut text), Some(port)) = (std::fs::read_to_string(&controllers), port) {
        for recorded in RECORDED_PORTS {
            text = text.replace(&format!(":{recorded}"), &format!(":{port}"));
        }
        if !name.contains("badca") {
            text = with_ca(&text, ca);
        }
        std::fs::write(&controllers, text)?;
    }
    if name.starts_with("lab") {
        let ssh = data.join("ssh");
        std::fs::create_dir_all(&ssh)?;
        std::fs::write(ssh.join("juju_id_rsa"), "-----BEGIN OPENSSH PRIVATE KEY-----\n")?;
        std::fs::write(ssh.join("juju_id_rsa.pub"), "ssh-rsa AAAA juju-client-key\n")?;
    }
    Ok(())
}

/// A store for a recording that came without one: the controller and the models that its messages speak of.
pub(super) fn make_up(recording: &Recording, data: &Path, port: u16, ca: &str) -> io::Result<()> {
    let mut models: Vec<(String, String)> = vec![
        ("m1".to_owned(), "da1597bb-2933-480d-8f5c-c4e4d5742cb3".to_owned()),
        ("controller".to_owned(), "a1b2c3d4-0000-4000-8000-000000000002".to_owned()),
    ];
    let mut current = "m1".to_owned();
    for exchange in &recording.exchanges {
        let name = exchange.response.as_ref().and_then(|r| r["response"]["model"]["name"].as_str());
        let uuid = exchange.path.strip_prefix("/model/").and_then(|p| p.split('/').next());
        if let (Some(name), Some(uuid)) = (name, uuid) {
            models.retain(|(known, id)| known != name && id != uuid);
            models.push((name.to_owned(), uuid.to_owned()));
            current = name.to_owned();
        }
    }
    std::fs::create_dir_all(data)?;
    let ca: String = ca.trim().lines().map(|l| format!("      {l}\n")).collect();
    let controllers = format!(
        "controllers:\n  oracle:\n    uuid: a1b2c3d4-0000-4000-8000-000000000001\n    api-endpoints: ['127.0.0.1:{port}']\n    \
         ca-cert: |\n{ca}    cloud: lab\n    region: default\n    type: manual\n    agent-version: 4.0.15\n\
         current-controller: oracle\n"
    );
    let list: String = models
        .iter()
        .map(|(name, uuid)| {
            format!("      admin/{name}:\n        uuid: {uuid}\n        type: iaas\n        branch: master\n")
        })
        .collect();
    let models = format!("controllers:\n  oracle:\n    models:\n{list}    current-model: admin/{current}\n");
    let accounts = "controllers:\n  oracle:\n    user: admin\n    password: secret\n    last-known-access: superuser\n";
    std::fs::write(data.join("controllers.yaml"), controllers)?;
    std::fs::write(data.join("models.yaml"), models)?;
    std::fs::write(data.join("accounts.yaml"), accounts)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    let entries = match std::fs::read_dir(from) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e),
    };
    for entry in entries {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            // Written anew: the recordings may be read-only, their copies must not be.
            std::fs::write(&target, std::fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

/// Every certificate of the text replaced, in the quoting that it has: a blank line between two in a quoted scalar.
fn with_ca(text: &str, ca: &str) -> String {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let mut out = String::new();
    let mut rest = text;
    while let Some(begin) = rest.find(BEGIN) {
        let Some(end) = rest[begin..].find(END).map(|at| begin + at + END.len()) else { break };
        let block = &rest[begin..end];
        let quoted = block.lines().nth(1).is_some_and(|l| l.trim().is_empty());
        let escaped = block.contains("\\n");
        let indent: String = block.lines().nth(2).unwrap_or("").chars().take_while(|c| *c == ' ').collect();
        let glue = match (escaped, quoted) {
            (true, _) => "\\n".to_owned(),
            (_, true) => format!("\n\n{indent}"),
            (_, false) => format!("\n{indent}"),
        };
        out += &rest[..begin];
        out += &ca.trim().lines().collect::<Vec<_>>().join(&glue);
        rest = &rest[end..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::with_ca;

    #[test]
    fn the_ca_is_replaced_in_either_quoting() {
        let ca = "-----BEGIN CERTIFICATE-----\nAB\n-----END CERTIFICATE-----\n";
        for (text, expected) in [
            (
                "  ca: '-----BEGIN CERTIFICATE-----\n\n    x\n\n    -----END CERTIFICATE-----\n\n    '\n",
                "  ca: '-----BEGIN CERTIFICATE-----\n\n    AB\n\n    -----END CERTIFICATE-----\n\n    '\n",
            ),
            (
                "  ca: |\n    -----BEGIN CERTIFICATE-----\n    x\n    -----END CERTIFICATE-----\n",
                "  ca: |\n    -----BEGIN CERTIFICATE-----\n    AB\n    -----END CERTIFICATE-----\n",
            ),
        ] {
            assert_eq!(with_ca(text, ca), expected);
        }
    }
}
