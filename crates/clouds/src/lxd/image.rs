//! Which image a base is: one that the server has under one of the names that people give to such, else one of a public image server.
//! The surprise: the server fetches and keeps what it has not; we name it, and give what it fetched a name here, by which it is found while the
//! image server is away. That changes nothing in which base is the usual one.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use base::{OsBase, release};
use cloud::{Error, Progress};
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::Client;
use super::error::Failed;
use super::flavour::Flavour;

/// How the description of a name begins that we gave.
const FETCHED: &str = "fetched from ";

/// The image of a machine, as the API wants its source.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    pub source: Value,
    /// For people.
    pub name: String,
    /// The image server that it comes from; none: it is here.
    pub server: Option<String>,
}

impl Image {
    /// The hash of its content; none: the image server will say.
    pub fn fingerprint(&self) -> Option<&str> {
        self.source["fingerprint"].as_str()
    }
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
struct Alias {
    name: String,
    description: String,
    target: String,
    #[serde(rename = "type")]
    kind: String,
}

/// Names that a local image of this base may have, the best first (`wire/commands-controllers.md` 21.1).
fn names(base: &OsBase, arch: &str, is_vm: bool) -> Vec<String> {
    let (os, track) = (base.name.as_str(), base.track());
    let mut releases = vec![track.to_owned()];
    releases.extend(release::name(os, track).map(str::to_owned));
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
    let track = release::number(first, second).unwrap_or(second);
    let base = format!("{first}@{track}");
    OsBase::parse(&base).is_ok().then_some(base)
}

async fn aliases(client: &Client) -> Result<Vec<Alias>, Failed> {
    client.read(&["images", "aliases"], "recursion=1").await
}

/// Bases of the images that the server has.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct LocalBases {
    /// Somebody put them there.
    pub own: BTreeSet<String>,
    /// A machine of ours wanted them.
    pub fetched: BTreeSet<String>,
}

impl LocalBases {
    pub async fn look(client: &Client) -> Result<LocalBases, Failed> {
        Ok(LocalBases::of(&aliases(client).await?))
    }

    fn of(aliases: &[Alias]) -> LocalBases {
        let mut bases = LocalBases::default();
        for alias in aliases {
            let set = if alias.description.starts_with(FETCHED) { &mut bases.fetched } else { &mut bases.own };
            set.extend(base_of(&alias.name));
        }
        bases
    }

    /// The best first: what machines get that nobody wished a base for.
    pub fn listed(self, usual: &str) -> Vec<String> {
        let mut bases: Vec<String> = self.own.into_iter().collect();
        bases.sort_by_key(|base| liking(base));
        // The public servers have the usual one; it comes first where there is no other.
        match bases.iter().position(|base| base == usual) {
            Some(place) => bases[..=place].rotate_right(1),
            None if bases.is_empty() => bases.push(usual.to_owned()),
            None => {}
        }
        let more: Vec<String> = self.fetched.into_iter().filter(|base| !bases.contains(base)).collect();
        bases.extend(more);
        bases
    }
}

/// Ubuntu before Debian before others, of each the newest; of Ubuntu those first that are kept for long.
fn liking(base: &str) -> (usize, bool, Reverse<Vec<u32>>, String) {
    let (os, track) = base.split_once('@').unwrap_or((base, ""));
    let rank = ["ubuntu", "debian"].iter().position(|known| *known == os).unwrap_or(2);
    let version: Vec<u32> = track.split('.').map_while(|part| part.parse().ok()).collect();
    let version = if rank < 2 { version } else { Vec::new() };
    let is_short = rank == 0 && !matches!(version[..], [year, 4] if year % 2 == 0);
    (rank, is_short, Reverse(version), base.to_owned())
}

/// Names that an image server may have this base under, the best first. Only Ubuntu's own server leaves the system's name away.
fn remote_names(base: &OsBase, arch: &str) -> Vec<String> {
    let (os, track) = (base.name.as_str(), base.track());
    let plain = (os == "ubuntu").then(|| format!("{track}/{arch}"));
    plain.into_iter().chain(["/cloud", ""].map(|variant| format!("{os}/{track}{variant}/{arch}"))).collect()
}

/// Images to be tried, one after the other where an image server has them not. `servers`: the operator's own, asked in the place of the public ones.
pub async fn find(
    client: &Client,
    flavour: Flavour,
    base: &str,
    arch: &str,
    is_vm: bool,
    servers: &[String],
) -> Result<Vec<Image>, Error> {
    let parsed = parsed(base)?;
    if let Some(alias) = own(client, &parsed, arch, is_vm).await? {
        return Ok(vec![local(&alias)]);
    }
    let server = servers.first().map_or_else(|| flavour.image_server(parsed.name.as_str()), String::as_str);
    let remote = |name: String| Image {
        source: json!({"type": "image", "mode": "pull", "protocol": "simplestreams", "server": server, "alias": name}),
        name: format!("{name} of {server}"),
        server: Some(server.to_owned()),
    };
    Ok(remote_names(&parsed, arch).into_iter().map(remote).collect())
}

fn parsed(base: &str) -> Result<OsBase, Error> {
    OsBase::parse(base).map_err(|error| Error::unmet("base", error.to_string()))
}

fn local(alias: &Alias) -> Image {
    let source = json!({"type": "image", "fingerprint": alias.target});
    Image { source, name: alias.name.clone(), server: None }
}

/// The best that the server itself has.
async fn own(client: &Client, base: &OsBase, arch: &str, is_vm: bool) -> Result<Option<Alias>, Failed> {
    let kind = if is_vm { "virtual-machine" } else { "container" };
    let there = aliases(client).await?;
    let fits = |alias: &&Alias, name: &str| alias.name == name && (alias.kind.is_empty() || alias.kind == kind);
    Ok(names(base, arch, is_vm).iter().find_map(|name| there.iter().find(|alias| fits(alias, name)).cloned()))
}

/// One that `from` has, which is given to `to` unless that has it already; none: `from` has none.
pub async fn brought(
    from: &Client,
    to: &Client,
    base: &str,
    arch: &str,
    is_vm: bool,
    progress: &Progress,
) -> Result<Option<Image>, Error> {
    let Some(alias) = own(from, &parsed(base)?, arch, is_vm).await? else { return Ok(None) };
    match to.get(&["images", &alias.target], "").await {
        Ok(_) => return Ok(Some(local(&alias))),
        Err(failed) if failed.is_missing() => {}
        Err(failed) => return Err(failed.into()),
    }
    progress.say(&format!("copying image {} into the machine", alias.name));
    match from.pass_image(&alias.target, to).await {
        Ok(()) => Ok(Some(local(&alias))),
        // Two asked for it at once.
        Err(failed) if failed.is_taken() || failed.to_string().contains("same fingerprint") => Ok(Some(local(&alias))),
        Err(failed) => Err(failed.at("copy the image into the machine").into()),
    }
}

/// Gives what was fetched the name that it is looked for by. Who may not give names has the server fetch it again.
pub async fn keep(client: &Client, base: &str, arch: &str, is_vm: bool, server: &str, fingerprint: &str) {
    let Ok(parsed) = OsBase::parse(base) else { return };
    let Some(name) = names(&parsed, arch, is_vm).into_iter().next() else { return };
    let body = json!({"name": name, "target": fingerprint, "description": format!("{FETCHED}{server}")});
    match client.change(Method::POST, &["images", "aliases"], "", &body).await {
        Ok(_) => {}
        Err(failed) if failed.is_taken() => {}
        Err(failed) => tracing::info!(image = fingerprint, name, error = %failed, "what was fetched got no name"),
    }
}

/// The image server was asked, and has no such image.
pub fn is_absent(failed: &Failed) -> bool {
    let (Failed::Operation(words) | Failed::Said { words, .. }) = failed else { return false };
    ["couldn't be found", "not found", "doesn't exist"].iter().any(|part| words.contains(part))
}

/// Why there is no image, with what there is instead. What the image server has not, or has otherwise than it says, is not asked for again by itself.
pub async fn missing(client: &Client, base: &str, name: &str, failed: &Failed) -> Error {
    let there = match LocalBases::look(client).await {
        Ok(LocalBases { own, fetched }) if !own.is_empty() || !fetched.is_empty() => {
            let all: BTreeSet<String> = own.into_iter().chain(fetched).collect();
            format!("; images here are of {}", all.into_iter().collect::<Vec<_>>().join(", "))
        }
        Ok(_) => "; there is no image here".to_owned(),
        Err(_) => String::new(),
    };
    let said = format!("no image for base {base}: {name} cannot be had: {failed}{there}");
    let is_false = failed.to_string().to_lowercase().contains("mismatch");
    match is_absent(failed) || is_false {
        true => Error::permanent(said),
        false => Error::transient(said),
    }
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

    #[test]
    fn the_usual_base_is_not_changed_by_what_was_fetched() {
        let alias = |name: &str, description: &str| Alias {
            name: name.to_owned(),
            description: description.to_owned(),
            ..Alias::default()
        };
        let fetched = alias("juju/alpine@3.20/amd64", "fetched from https://images.linuxcontainers.org");
        let check = |aliases: &[Alias], expected: &[&str]| {
            assert_eq!(LocalBases::of(aliases).listed("ubuntu@24.04"), expected, "{aliases:?}");
        };
        check(&[], &["ubuntu@24.04"]);
        check(std::slice::from_ref(&fetched), &["ubuntu@24.04", "alpine@3.20"]);
        check(&[alias("debian/12", ""), fetched.clone()], &["debian@12", "alpine@3.20"]);
        let many = ["alpine/3.20", "debian/12", "debian/9", "debian/13", "ubuntu/25.10", "ubuntu/jammy"]
            .map(|name| alias(name, ""));
        check(&many, &["ubuntu@22.04", "ubuntu@25.10", "debian@13", "debian@12", "debian@9", "alpine@3.20"]);
        check(
            &[alias("debian/12", ""), alias("ubuntu/noble", ""), fetched],
            &["ubuntu@24.04", "debian@12", "alpine@3.20"],
        );
    }

    #[test]
    fn an_image_server_is_asked_for_the_form_with_cloud_init_first() {
        let all = |base: &str| remote_names(&OsBase::parse(base).expect("valid"), "amd64");
        assert_eq!(all("debian@12"), ["debian/12/cloud/amd64", "debian/12/amd64"]);
        assert_eq!(all("ubuntu@24.04/stable"), ["24.04/amd64", "ubuntu/24.04/cloud/amd64", "ubuntu/24.04/amd64"]);
    }
}
