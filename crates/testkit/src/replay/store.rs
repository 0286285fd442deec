//! The client store of a case: the recorded files, with our listener's address and CA in place of the recorded ones.
//!
//! The surprise: the files are edited as text, so that their form (order, quoting, block style) stays what it was.

use std::io;
use std::path::Path;

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
