//! What a server says of itself: whether it can do what we need, what it has, where its instances may be.
//! The surprise: all of it is looked at anew now and then, and the last look answers those who must not wait.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::client::Client;
use super::error::Failed;
use super::flavour::Flavour;
use super::instance::null_is_none;

/// Without these extensions of the API nothing works.
const NEEDED: &[&str] = &["container_push", "file_symlinks", "projects", "resources", "instances", "container_full"];
/// Without it there are no virtual machines.
const VIRTUAL_MACHINES: &str = "virtual-machines";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    pub flavour: Flavour,
    pub version: String,
    /// As Juju names them: `amd64`.
    pub arches: Vec<String>,
    /// The members of a cluster, or the one server; by name.
    pub members: Vec<Member>,
    pub is_clustered: bool,
    pub has_virtual_machines: bool,
    /// Drivers of storage pools, by the pool's name.
    pub pools: BTreeMap<String, String>,
    /// The pool of the default profile's root disk.
    pub root_pool: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    pub cores: u64,
    pub mem_mib: u64,
}

/// What a server says of itself to whoever asks; to those whom it does not trust only a part.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Root {
    pub api_extensions: Vec<String>,
    pub auth: String,
    #[serde(deserialize_with = "null_is_none")]
    pub config: BTreeMap<String, Value>,
    pub environment: Environment,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Environment {
    pub server: String,
    /// PEM.
    pub certificate: String,
    server_name: String,
    server_version: String,
    server_clustered: bool,
    architectures: Vec<String>,
    driver: String,
}

/// The part of a profile or an instance that says what it is made with.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct Profile {
    pub name: String,
    #[serde(deserialize_with = "null_is_none")]
    pub config: BTreeMap<String, String>,
    #[serde(deserialize_with = "null_is_none")]
    pub devices: BTreeMap<String, BTreeMap<String, String>>,
    /// Paths of the API: `/1.0/instances/NAME?project=...`.
    #[serde(deserialize_with = "null_is_none")]
    pub used_by: Vec<String>,
}

impl Profile {
    pub fn root_disk(&self) -> Option<&BTreeMap<String, String>> {
        self.devices.values().find(|device| is(device, "type", "disk") && is(device, "path", "/"))
    }

    /// The managed networks of its interfaces.
    pub fn networks(&self) -> impl Iterator<Item = &str> {
        self.devices
            .values()
            .filter(|device| is(device, "type", "nic"))
            .filter_map(|nic| nic.get("network").or_else(|| nic.get("parent")).map(String::as_str))
    }
}

fn is(device: &BTreeMap<String, String>, key: &str, value: &str) -> bool {
    device.get(key).is_some_and(|found| found == value)
}

impl Root {
    pub async fn read(client: &Client) -> Result<Root, Failed> {
        client.read(&[], "").await
    }

    pub fn trusts_us(&self) -> bool {
        self.auth == "trusted"
    }
}

impl Server {
    /// Asks the server; an error says what is wrong with it and what to do.
    pub async fn look(client: &Client) -> Result<Server, Failed> {
        let root = Root::read(client).await?;
        let server = client.endpoint().to_string();
        if !root.trusts_us() {
            let words = "not authorized".to_owned();
            return Err(Failed::Denied { server, words });
        }
        let flavour = Flavour::of(&root.environment.server)
            .ok_or_else(|| client.garbled(format!("it calls itself {:?}", root.environment.server)))?;
        let missing: Vec<&str> =
            NEEDED.iter().copied().filter(|name| !root.api_extensions.iter().any(|has| has == name)).collect();
        if !missing.is_empty() {
            return Err(Failed::Said {
                status: 400,
                words: format!(
                    "{} {} at {server} is too old: it lacks the API extensions {}",
                    flavour.name(),
                    root.environment.server_version,
                    missing.join(", ")
                ),
            });
        }
        let members = members(client, &root).await?;
        let pools: Vec<Pool> = client.read(&["storage-pools"], "recursion=1").await?;
        let profile: Profile = client.read(&["profiles", "default"], "").await?;
        Ok(Server {
            flavour,
            version: root.environment.server_version,
            arches: root.environment.architectures.iter().map(|arch| arch_of(arch).to_owned()).collect(),
            members,
            is_clustered: root.environment.server_clustered,
            has_virtual_machines: root.api_extensions.iter().any(|has| has == VIRTUAL_MACHINES)
                && root.environment.driver.split('|').any(|driver| driver.trim() == "qemu"),
            root_pool: profile.root_disk().and_then(|disk| disk.get("pool").cloned()),
            pools: pools.into_iter().map(|pool| (pool.name, pool.driver)).collect(),
        })
    }

    pub fn zones(&self) -> Vec<String> {
        self.members.iter().map(|member| member.name.clone()).collect()
    }

    /// Of the pool that a machine's root disk would be in.
    pub fn driver_of_root(&self, wanted: Option<&str>) -> Option<&str> {
        self.pools.get(wanted.filter(|pool| !pool.is_empty()).or(self.root_pool.as_deref())?).map(String::as_str)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Pool {
    name: String,
    driver: String,
}

async fn members(client: &Client, root: &Root) -> Result<Vec<Member>, Failed> {
    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Seen {
        server_name: String,
        status: String,
    }
    if !root.environment.server_clustered {
        return Ok(vec![member(client, &root.environment.server_name, "").await?]);
    }
    let seen: Vec<Seen> = client.read(&["cluster", "members"], "recursion=1").await?;
    let mut members = Vec::new();
    for one in seen.iter().filter(|one| one.status.eq_ignore_ascii_case("online")) {
        let target = format!("target={}", super::client::escape(&one.server_name));
        members.push(member(client, &one.server_name, &target).await?);
    }
    members.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(members)
}

async fn member(client: &Client, name: &str, query: &str) -> Result<Member, Failed> {
    let resources = client.get(&["resources"], query).await?;
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    Ok(Member {
        name: name.to_owned(),
        cores: number(&resources["cpu"]["total"]),
        mem_mib: number(&resources["memory"]["total"]) >> 20,
    })
}

/// Juju's word for what the kernel calls an architecture.
pub fn arch_of(kernel: &str) -> &str {
    match kernel {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "ppc64le" => "ppc64el",
        other => other,
    }
}
