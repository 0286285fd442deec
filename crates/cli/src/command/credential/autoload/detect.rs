//! Where credentials lie that other programs have made. It reads files of the user and changes none; what cannot be read is not there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use client::files::{Attributes, yaml};
use indexmap::IndexMap;
use serde_json::{Value, json};

use super::Detected;
use crate::io::Io;

pub fn all(io: &Io, kind: Option<&str>) -> Vec<Detected> {
    let wants = |of: &str| kind.is_none_or(|kind| kind == of);
    let mut found = Vec::new();
    if wants("ec2") {
        found.extend(ec2(io));
    }
    if wants("incus") {
        found.extend(remotes("incus", "Incus", &[io.home().join(".config/incus")]));
    }
    if wants("lxd") {
        let home = io.home();
        found.extend(remotes("lxd", "LXD", &[home.join("snap/lxd/common/config"), home.join(".config/lxc")]));
    }
    found
}

fn attributes(auth: &str, all: &[(&str, &str)]) -> Attributes {
    let mut map = IndexMap::from([("auth-type".to_owned(), json!(auth))]);
    map.extend(all.iter().map(|(key, value)| ((*key).to_owned(), json!(value))));
    Attributes(map)
}

/// The remotes of the first folder that has a client's certificate. Their servers' certificates are those that the client has accepted.
fn remotes(kind: &'static str, title: &str, folders: &[PathBuf]) -> Vec<Detected> {
    let read = |path: PathBuf| std::fs::read_to_string(path).ok();
    let with_certificate = |folder: &Path| Some((read(folder.join("client.crt"))?, read(folder.join("client.key"))?));
    let Some((folder, (cert, key))) = folders.iter().find_map(|folder| Some((folder, with_certificate(folder)?)))
    else {
        return Vec::new();
    };
    let config = read(folder.join("config.yml")).and_then(|text| yaml::read(&text).ok()).unwrap_or(Value::Null);
    let remotes = config.get("remotes").and_then(Value::as_object).cloned().unwrap_or_default();
    let of_remote = |(name, remote): (&String, &Value)| {
        let address = remote.get("addr").and_then(Value::as_str)?;
        let public = remote.get("public").and_then(Value::as_bool).unwrap_or(false);
        if public || !address.starts_with("https://") {
            return None;
        }
        let server = read(folder.join("servercerts").join(format!("{name}.crt")))?;
        Some(Detected {
            kind,
            label: format!("{title} credential {name:?}"),
            name: name.clone(),
            cloud: name.clone(),
            region: None,
            attributes: attributes(
                "certificate",
                &[("client-cert", &cert), ("client-key", &key), ("server-cert", &server)],
            ),
        })
    };
    remotes.iter().filter_map(of_remote).collect()
}

fn ec2(io: &Io) -> Vec<Detected> {
    let one = |label: String, name: &str, region: Option<String>, access: &str, secret: &str| Detected {
        kind: "ec2",
        label,
        name: name.to_owned(),
        cloud: "aws".to_owned(),
        region,
        attributes: attributes("access-key", &[("access-key", access), ("secret-key", secret)]),
    };
    let mut found = Vec::new();
    let var = |names: &[&str]| names.iter().find_map(|name| io.var(name)).map(str::to_owned);
    let access = var(&["AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "EC2_ACCESS_KEY"]);
    let secret = var(&["AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "EC2_SECRET_KEY"]);
    let region = var(&["AWS_DEFAULT_REGION", "AWS_REGION"]);
    if let (Some(access), Some(secret)) = (access, secret) {
        let name =
            var(&["USER"]).filter(|name| super::super::local::is_name(name)).unwrap_or_else(|| "default".to_owned());
        found.push(one(format!("aws credential {name:?}"), &name, region.clone(), &access, &secret));
    }
    let folder = io.home().join(".aws");
    let file = |variable: &str, name: &str| {
        let path = var(&[variable]).map_or_else(|| folder.join(name), |typed| io.path(&typed));
        sections(&std::fs::read_to_string(path).unwrap_or_default())
    };
    let config = file("AWS_CONFIG_FILE", "config");
    for (profile, keys) in file("AWS_SHARED_CREDENTIALS_FILE", "credentials") {
        let (Some(access), Some(secret)) = (keys.get("aws_access_key_id"), keys.get("aws_secret_access_key")) else {
            continue;
        };
        let of_config = config.get(&format!("profile {profile}")).or_else(|| config.get(&profile));
        let region = of_config.and_then(|keys| keys.get("region")).cloned().or_else(|| region.clone());
        found.push(one(format!("aws credential {profile:?}"), &profile, region, access, secret));
    }
    found
}

/// `[section]`, `key = value`; lines that begin with `#` or `;` say nothing.
fn sections(text: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut all: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut section = String::new();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.trim().to_owned();
            all.entry(section.clone()).or_default();
        } else if let Some((key, value)) = line.split_once('=') {
            all.entry(section.clone()).or_default().insert(key.trim().to_lowercase(), value.trim().to_owned());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: PathBuf, text: &str) {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    }

    fn names(found: &[Detected]) -> Vec<(&str, &str, Option<&str>)> {
        found.iter().map(|one| (one.label.as_str(), one.name.as_str(), one.region.as_deref())).collect()
    }

    #[test]
    fn remotes_of_lxc_are_found_with_the_certificates_of_both_ends() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join(".config/lxc");
        write(folder.join("client.crt"), "CERT");
        write(folder.join("client.key"), "KEY");
        write(folder.join("servercerts/far.crt"), "SERVER");
        write(
            folder.join("config.yml"),
            "default-remote: local\nremotes:\n  far:\n    addr: https://10.0.0.1:8443\n    auth_type: tls\n  \
             images:\n    addr: https://images.lxd.canonical.com\n    public: true\n  local:\n    addr: unix://\n  \
             strange:\n    addr: https://10.0.0.2:8443\n",
        );
        let home_text = home.path().to_str().expect("text").to_owned();
        let (io, _) = Io::captured(&[("HOME", &home_text)], home.path(), "");
        let found = all(&io, None);
        assert_eq!(names(&found), [("LXD credential \"far\"", "far", None)]);
        let values: Vec<(&str, String)> = found[0].attributes.values().collect();
        let expected = [("client-cert", "CERT"), ("client-key", "KEY"), ("server-cert", "SERVER")];
        assert_eq!(values, expected.map(|(key, value)| (key, value.to_owned())));
        assert!(all(&io, Some("ec2")).is_empty());
    }

    #[test]
    fn keys_for_aws_are_found_in_the_environment_and_in_its_files() {
        let home = tempfile::tempdir().expect("a folder");
        write(
            home.path().join(".aws/credentials"),
            "# mine\n[default]\naws_access_key_id = A\naws_secret_access_key=B\n[half]\naws_access_key_id = C\n\
             [work]\naws_access_key_id = D\naws_secret_access_key = E=\n",
        );
        write(home.path().join(".aws/config"), "[profile work]\nregion = eu-west-1\n");
        let home_text = home.path().to_str().expect("text").to_owned();
        let env =
            [("HOME", home_text.as_str()), ("AWS_ACCESS_KEY_ID", "X"), ("AWS_SECRET_ACCESS_KEY", "Y"), ("USER", "me")];
        let (io, _) = Io::captured(&env, home.path(), "");
        let found = all(&io, Some("ec2"));
        let expected = [
            ("aws credential \"me\"", "me", None),
            ("aws credential \"default\"", "default", None),
            ("aws credential \"work\"", "work", Some("eu-west-1")),
        ];
        assert_eq!(names(&found), expected);
        assert_eq!(found[2].attributes.values().collect::<Vec<_>>()[1], ("secret-key", "E=".to_owned()));
    }
}
