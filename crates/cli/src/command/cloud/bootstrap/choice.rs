//! On which cloud, and where there, a controller is to be made.
//! The surprise: `manual/host` names no cloud that anybody defined; it is one by itself, and what is behind the slash is no region.

use crate::bootstrap::{BUILTIN, MANUAL, SERVERS};
use crate::command::cloud::definition;
use crate::command::cloud::known::{self, LOCALHOST};
use crate::context::Context;
use crate::error::{Error, Result};
use wire::facade::cloud::Cloud;

/// Where the controller is to be.
pub(super) struct Chosen {
    pub cloud: String,
    pub cloud_type: String,
    pub region: String,
    /// Of a manual cloud: its host. Of others what is defined, or nothing.
    pub endpoint: String,
    /// As the controller is to know it; empty for a cloud that nobody defined.
    pub definition: Cloud,
}

/// Reads `cloud[/region]`, and `manual/host`, which is a type of cloud with the cloud itself.
pub(super) fn choose(context: &Context, place: &str) -> Result<Chosen> {
    let (cloud, region) = place.split_once('/').unwrap_or((place, ""));
    let all = known::of_client(context)?;
    let is_known = |name: &str| all.iter().any(|known| known.name == name);
    // The original's other name for it.
    let cloud = if cloud == "lxd" && !is_known(cloud) { LOCALHOST } else { cloud };
    let found = all.into_iter().find(|k| k.name == cloud);
    let no_host = || {
        Error::failed("missing address of host to bootstrap: please specify \"juju bootstrap manual/[user@]<host>\"")
    };
    let chosen = |cloud_type: &str, region: &str, endpoint: &str| Chosen {
        cloud: cloud.to_owned(),
        cloud_type: cloud_type.to_owned(),
        region: region.to_owned(),
        endpoint: endpoint.to_owned(),
        definition: Cloud::default(),
    };
    let Some(found) = found else {
        return match (cloud, region.rsplit('@').next()) {
            (MANUAL, Some("") | None) => Err(no_host()),
            (MANUAL, _) => Ok(chosen(MANUAL, DEFAULT_REGION, region)),
            // That of this host: nobody has to define it.
            (server, Some("" | LOCALHOST) | None) if SERVERS.contains(&server) => Ok(chosen(server, LOCALHOST, "")),
            _ => Err(Error::failed(format!("unknown cloud {cloud:?}, please try \"juju update-public-clouds\""))),
        };
    };
    let mut regions: Vec<&str> = found.cloud.regions.keys().map(String::as_str).collect();
    if found.cloud.cloud_type != BUILTIN && regions.is_empty() {
        regions.push(DEFAULT_REGION);
    }
    let endpoint = match found.cloud.cloud_type.as_str() {
        BUILTIN => "",
        server if SERVERS.contains(&server) => found.cloud.endpoint.as_deref().unwrap_or_default(),
        MANUAL => found.cloud.endpoint.as_deref().filter(|endpoint| !endpoint.is_empty()).ok_or_else(no_host)?,
        other => {
            return Err(Error::failed(format!(
                "cloud {cloud:?} is of type {other:?}, on which this release of grigri cannot start controllers; \
                 try \"builtin\", \"localhost\" or \"manual/[user@]host\""
            )));
        }
    };
    let usual = context.store.credentials()?.credentials.get(cloud).and_then(|one| one.default_region.clone());
    let usual = usual.as_deref().filter(|usual| regions.contains(usual));
    let wanted = match region {
        "" => usual.or(regions.first().copied()).unwrap_or_default(),
        named => named,
    };
    if !regions.contains(&wanted) {
        return Err(Error::failed(format!("region {region:?} for cloud {cloud:?} not valid")));
    }
    let definition = serde_json::from_value(definition::wire(&found.cloud))
        .map_err(|error| Error::failed(format!("definition of cloud {cloud:?}: {error}")))?;
    Ok(Chosen { definition, ..chosen(&found.cloud.cloud_type, wanted, endpoint) })
}

/// Of a cloud that has none of its own.
const DEFAULT_REGION: &str = "default";
