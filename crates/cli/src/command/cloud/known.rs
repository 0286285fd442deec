//! Clouds as they are known: to the client (its files, and what is built in), to a controller.
//!
//! The surprise: two clouds are built in, the original's `localhost` (LXD) and our own `builtin`; a personal definition hides either.

use client::files::{Cloud, Region};
use indexmap::IndexMap;
use serde_json::{Value, json};
use wire::yaml::Node;

use crate::bootstrap::BUILTIN;
use crate::context::{Api, Context, each};
use crate::error::{Error, Result};
use crate::output::fields::{Fields, flow, named};

/// The LXD of this host, and its only region.
pub const LOCALHOST: &str = "localhost";

/// A cloud and who told of it.
#[derive(Debug, Clone)]
pub struct Known {
    pub name: String,
    pub source: Source,
    pub cloud: Cloud,
    pub credentials: i64,
    /// (name, display name, access); only a controller knows.
    pub users: Vec<(String, String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Local,
    Public,
    BuiltIn,
    Controller,
}

impl Source {
    pub fn word(self) -> &'static str {
        match self {
            Source::Local => "local",
            Source::Public | Source::Controller => "public",
            Source::BuiltIn => "built-in",
        }
    }
}

/// What the client knows, sorted by name; a personal cloud hides a public one of its name.
pub fn of_client(context: &Context) -> Result<Vec<Known>> {
    let mut all: IndexMap<String, (Source, Cloud)> = IndexMap::new();
    let builtin = Cloud {
        cloud_type: BUILTIN.to_owned(),
        description: Some("Containers on this host".to_owned()),
        auth_types: vec!["empty".to_owned()],
        regions: IndexMap::from([("default".to_owned(), Region::default())]),
        ..Cloud::default()
    };
    all.insert(BUILTIN.to_owned(), (Source::BuiltIn, builtin));
    let localhost = Cloud {
        cloud_type: "lxd".to_owned(),
        description: Some("LXD Container Hypervisor".to_owned()),
        auth_types: vec!["certificate".to_owned()],
        regions: IndexMap::from([(LOCALHOST.to_owned(), Region::default())]),
        ..Cloud::default()
    };
    all.insert(LOCALHOST.to_owned(), (Source::BuiltIn, localhost));
    for (source, clouds) in
        [(Source::Public, context.store.public_clouds()?), (Source::Local, context.store.personal_clouds()?)]
    {
        all.extend(clouds.clouds.into_iter().map(|(name, cloud)| (name, (source, cloud))));
    }
    let credentials = context.store.credentials()?;
    let mut known: Vec<Known> = all
        .into_iter()
        .map(|(name, (source, cloud))| Known {
            credentials: credentials.credentials.get(&name).map_or(0, |c| c.named.len() as i64),
            name,
            source,
            cloud,
            users: Vec::new(),
        })
        .collect();
    known.sort_by(|a, b| wire::yaml::natural_cmp(&a.name, &b.name));
    Ok(known)
}

/// The settings that a definition gives the cloud.
pub fn config(cloud: &Cloud) -> serde_json::Map<String, Value> {
    cloud.extra.get("config").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// What a controller knows, with its users.
pub async fn of_controller(api: &Api) -> Result<Vec<Known>> {
    let reply: Value = api.call("Cloud", "Clouds", json!({})).await?;
    let mut names: Vec<String> = reply
        .get("clouds")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(tag, _)| tag.strip_prefix("cloud-").unwrap_or(tag).to_owned())
        .collect();
    names.sort();
    let mut known = Vec::new();
    for (name, info) in names.iter().zip(infos(api, &names).await?) {
        known.push(read(name, &info?));
    }
    Ok(known)
}

/// One cloud of a controller.
pub async fn on_controller(api: &Api, name: &str) -> Result<Known> {
    let infos = infos(api, &[name.to_owned()]).await?;
    let info = infos.into_iter().next().unwrap_or_else(|| Err(Error::failed(format!("cloud {name} not found"))))?;
    Ok(read(name, &info))
}

async fn infos(api: &Api, names: &[String]) -> Result<Vec<Result<Value>>> {
    let entities: Vec<Value> = names.iter().map(|n| json!({"tag": format!("cloud-{n}")})).collect();
    let reply: Value = api.call("Cloud", "CloudInfo", json!({"entities": entities})).await?;
    Ok(each(&reply))
}

/// A cloud as the wire has it.
pub fn read(name: &str, value: &Value) -> Known {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let list = |key: &str| value.get(key).and_then(Value::as_array).into_iter().flatten();
    let regions = list("regions").filter_map(|region| {
        let entry = Region {
            endpoint: text(region, "endpoint"),
            identity_endpoint: text(region, "identity-endpoint"),
            storage_endpoint: text(region, "storage-endpoint"),
            ..Region::default()
        };
        Some((text(region, "name")?, entry))
    });
    let users = list("users").map(|user| {
        let field = |key: &str| text(user, key).unwrap_or_default();
        (field("user"), field("display-name"), field("access"))
    });
    Known {
        name: name.to_owned(),
        source: Source::Controller,
        cloud: Cloud {
            cloud_type: text(value, "type").unwrap_or_default(),
            auth_types: list("auth-types").filter_map(Value::as_str).map(str::to_owned).collect(),
            endpoint: text(value, "endpoint"),
            identity_endpoint: text(value, "identity-endpoint"),
            storage_endpoint: text(value, "storage-endpoint"),
            regions: regions.collect(),
            ..Cloud::default()
        },
        credentials: 0,
        users: users.collect(),
    }
}

fn differing<'r>(of_region: &'r Option<String>, of_cloud: &Option<String>) -> &'r str {
    match of_region {
        Some(text) if Some(text) != of_cloud.as_ref() => text,
        _ => "",
    }
}

/// Regions with what they have of their own; json sorts names, yaml keeps the order, which means something.
pub fn regions(cloud: &Cloud, beside: Option<&Cloud>, json: bool) -> Node {
    let none = Cloud::default();
    let of_cloud = beside.unwrap_or(&none);
    let entries: Vec<(String, Node)> = cloud
        .regions
        .iter()
        .map(|(name, region)| {
            let fields = Fields::new()
                .some("endpoint", differing(&region.endpoint, &of_cloud.endpoint))
                .some("identity-endpoint", differing(&region.identity_endpoint, &of_cloud.identity_endpoint))
                .some("storage-endpoint", differing(&region.storage_endpoint, &of_cloud.storage_endpoint));
            (name.clone(), fields.done())
        })
        .collect();
    if json { named(entries, true) } else { Node::Map(entries) }
}

/// The fields of a cloud behind `first`.
pub fn fields(known: &Known, first: Fields, json: bool) -> Fields {
    let cloud = &known.cloud;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let users = known.users.iter().map(|(name, display, access)| {
        (name.clone(), Fields::new().some("display-name", display).some("access", access).done())
    });
    first
        .text("defined", known.source.word())
        .text("type", shown_type(&cloud.cloud_type))
        .some("description", &text(&cloud.description))
        .filled("auth-types", flow(&cloud.auth_types))
        .some("endpoint", &text(&cloud.endpoint))
        .some("identity-endpoint", &text(&cloud.identity_endpoint))
        .some("storage-endpoint", &text(&cloud.storage_endpoint))
        .count("credential-count", known.credentials)
        .filled("regions", regions(cloud, Some(cloud), json))
        .filled("config", defaults(cloud, "config"))
        .filled("region-config", defaults(cloud, "region-config"))
        .filled("users", named(users.collect(), json))
}

/// What models of the cloud, or of its regions, begin with.
fn defaults(cloud: &Cloud, key: &str) -> Node {
    cloud.extra.get(key).map_or(Node::Null, |values| Node::from(values).sorted())
}

/// `kubernetes` is shown short.
pub fn shown_type(cloud_type: &str) -> &str {
    if cloud_type == "kubernetes" { "k8s" } else { cloud_type }
}
