//! Which image a base is: one that the server has under one of the names that people give to such, else one of a public image server.
//! The surprise: the server fetches and keeps what it has not; we name it, no more.

use std::collections::BTreeSet;

use base::OsBase;
use cloud::Error;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::Client;
use super::error::Failed;
use super::flavour::Flavour;

/// Releases of Ubuntu are found by number and by name.
const UBUNTU: &[(&str, &str)] =
    &[("18.04", "bionic"), ("20.04", "focal"), ("22.04", "jammy"), ("24.04", "noble"), ("26.04", "resolute")];
const DEBIAN: &[(&str, &str)] = &[("11", "bullseye"), ("12", "bookworm"), ("13", "trixie")];

/// Numbers of an operating system's releases with their words.
fn words(os: &str) -> &'static [(&'static str, &'static str)] {
    match os {
        "ubuntu" => UBUNTU,
        "debian" => DEBIAN,
        _ => &[],
    }
}

/// The image of a machine, as the API wants its source.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    pub source: Value,
    /// For people.
    pub name: String,
    pub is_local: bool,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
struct Alias {
    name: String,
    target: String,
    #[serde(rename = "type")]
    kind: String,
}

/// Names that a local image of this base may have, the best first (`wire/commands-controllers.md` 21.1).
fn names(base: &OsBase, arch: &str, is_vm: bool) -> Vec<String> {
    let (os, track) = (base.name.as_str(), base.track());
    let mut releases = vec![track.to_owned()];
    releases.extend(words(os).iter().filter(|(number, _)| *number == track).map(|(_, name)| (*name).to_owned()));
    let kind = if is_vm { "/vm" } else { "" };
    let mut names = vec![format!("juju/{os}@{track}/{arch}{kind}")];
    for release in &releases {
        names.extend(["/cloud", ""].map(|variant| format!("{os}/{release}{variant}/{arch}{kind}")));
        names.extend(["/cloud", ""].map(|variant| format!("{os}/{release}{variant}{kind}")));
    }
    names
}

/// The base that a local image's name stands for.
fn base_of(name: &str) -> Option<String> {
    let mut parts = name.split('/');
    let (first, second) = (parts.next()?, parts.next()?);
    if first == "juju" {
        return second.contains('@').then(|| second.to_owned());
    }
    let track = words(first).iter().find(|(_, word)| *word == second).map_or(second, |(number, _)| *number);
    let base = format!("{first}@{track}");
    OsBase::parse(&base).is_ok().then_some(base)
}

async fn aliases(client: &Client) -> Result<Vec<Alias>, Failed> {
    client.read(&["images", "aliases"], "recursion=1").await
}

/// Bases of the images that the server has.
pub async fn local_bases(client: &Client) -> Result<BTreeSet<String>, Failed> {
    Ok(aliases(client).await?.iter().filter_map(|alias| base_of(&alias.name)).collect())
}

/// `servers`: image servers of the operator's own, asked before the public ones.
pub async fn find(
    client: &Client,
    flavour: Flavour,
    base: &str,
    arch: &str,
    is_vm: bool,
    servers: &[String],
) -> Result<Image, Error> {
    let parsed = OsBase::parse(base).map_err(|error| Error::unmet("base", error.to_string()))?;
    let kind = if is_vm { "virtual-machine" } else { "container" };
    let there = aliases(client).await?;
    for name in names(&parsed, arch, is_vm) {
        let found = there.iter().find(|alias| alias.name == name && (alias.kind.is_empty() || alias.kind == kind));
        if let Some(alias) = found {
            let source = json!({"type": "image", "fingerprint": alias.target});
            return Ok(Image { source, name, is_local: true });
        }
    }
    let server = servers.first().map_or_else(|| flavour.image_server(parsed.name.as_str()), String::as_str);
    let name = match parsed.name.as_str() {
        "ubuntu" => format!("{}/{arch}", parsed.track()),
        os => format!("{os}/{}/cloud/{arch}", parsed.track()),
    };
    let source = json!({"type": "image", "mode": "pull", "protocol": "simplestreams", "server": server, "alias": name});
    Ok(Image { source, name: format!("{name} of {server}"), is_local: false })
}

/// Why there is no image, with what there is instead.
pub async fn missing(client: &Client, base: &str, image: &Image, why: &str) -> Error {
    let there = match local_bases(client).await {
        Ok(bases) if !bases.is_empty() => {
            format!("; images here are of {}", bases.into_iter().collect::<Vec<_>>().join(", "))
        }
        Ok(_) => "; there is no image here".to_owned(),
        Err(_) => String::new(),
    };
    Error::permanent(format!("no image for base {base}: {} cannot be had: {why}{there}", image.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_have_the_names_that_people_give_them() {
        let base = OsBase::parse("debian@12").expect("valid");
        let all = names(&base, "amd64", false);
        assert_eq!(
            all[..5],
            ["juju/debian@12/amd64", "debian/12/cloud/amd64", "debian/12/amd64", "debian/12/cloud", "debian/12"]
        );
        assert!(all.contains(&"debian/bookworm".to_owned()));
        let base = OsBase::parse("ubuntu@22.04/stable").expect("valid");
        assert_eq!(names(&base, "arm64", true)[0], "juju/ubuntu@22.04/arm64/vm");
    }

    #[test]
    fn names_tell_their_base() {
        let check = |name: &str, base: Option<&str>| assert_eq!(base_of(name).as_deref(), base, "{name}");
        check("juju/ubuntu@24.04/amd64", Some("ubuntu@24.04"));
        check("ubuntu/jammy/cloud", Some("ubuntu@22.04"));
        check("debian/12", Some("debian@12"));
        check("alpine/3.20/cloud", Some("alpine@3.20"));
        check("mine", None);
    }
}
