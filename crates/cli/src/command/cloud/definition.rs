//! A cloud's definition as somebody gives it: in a file, in the client's own; and as a controller is told of it.
//! The surprise: a file that names clouds at its top level, without `clouds:`, is warned about and read.

use client::files::{Cloud, Clouds, Region, parse, yaml};
use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use crate::context::{Context, reason};
use crate::error::{Error, Result};
use base::cloud_type::{AUTH_TYPES, CloudType};

/// Types that other controllers than ours work with.
const FOREIGN: &[&str] = &["azure", "equinix", "gce", "kubernetes", "oci", "vsphere"];

/// One cloud of a file: the named one, or the only one.
pub fn from_file(context: &mut Context, typed: &str, name: Option<&str>) -> Result<(String, Cloud)> {
    let text = match typed {
        "-" => context.io.read_all()?,
        path => std::fs::read_to_string(context.io.path(path))
            .map_err(|e| Error::failed(format!("open {typed}: {}", reason(&e))))?,
    };
    let whole = yaml::read(&text).map_err(|why| Error::failed(format!("cannot parse {typed}: {why}")))?;
    let empty = || Error::failed("no clouds found in parsed yaml, please validate yaml keys");
    let mut clouds = match whole.as_object() {
        None => return Err(empty()),
        Some(fields) if fields.contains_key("clouds") => {
            parse::<Clouds>(&text).map_err(|why| Error::failed(format!("cannot parse {typed}: {why}")))?.clouds
        }
        Some(fields) => {
            for key in fields.keys() {
                context.warn(format!("\nproperty {key:?} is invalid."));
            }
            let parsed = serde_json::from_value::<IndexMap<String, Cloud>>(whole.clone());
            parsed.map_err(|_| empty())?
        }
    };
    let chosen = match name {
        Some(name) => name.to_owned(),
        None => match clouds.keys().collect::<Vec<_>>().as_slice() {
            [] => return Err(empty()),
            [only] => (*only).clone(),
            _ => {
                return Err(Error::failed(format!(
                    "there is more than one cloud defined in file {typed:?}, specify a cloud name to select one"
                )));
            }
        },
    };
    if clouds.is_empty() {
        return Err(empty());
    }
    let found = clouds.shift_remove(&chosen);
    let cloud = found.ok_or_else(|| Error::failed(format!("cloud {chosen:?} not found in file {typed:?}")))?;
    check(&chosen, &cloud)?;
    Ok((chosen, cloud))
}

/// What is wrong with a definition before anybody is told of it.
pub fn check(name: &str, cloud: &Cloud) -> Result<()> {
    check_name(name)?;
    let kind = cloud.cloud_type.as_str();
    if kind.is_empty() {
        return Err(Error::failed(format!("cloud {name:?} has no type")));
    }
    if CloudType::of(kind).is_none() && !FOREIGN.contains(&kind) {
        return Err(Error::failed(format!("cloud type {kind:?} not supported")));
    }
    let known = |one: &str| CloudType::of(kind).map_or(AUTH_TYPES.contains(&one), |of| of.auth_type(one).is_some());
    match cloud.auth_types.iter().find(|one| !known(one)) {
        Some(other) => Err(Error::failed(format!("auth type {other:?} not supported"))),
        None => Ok(()),
    }
}

pub fn check_name(name: &str) -> Result<()> {
    match base::tag::is_cloud_name(name) {
        true => Ok(()),
        false => Err(Error::usage(format!("cloud name {name:?} not valid"))),
    }
}

/// Clouds have regions: one without gets the region `default`.
pub fn with_region(mut cloud: Cloud) -> Cloud {
    if cloud.regions.is_empty() {
        cloud.regions.insert("default".to_owned(), Region::default());
    }
    cloud
}

/// As `Cloud.AddCloud` wants it.
pub fn wire(cloud: &Cloud) -> Value {
    let mut told = Map::new();
    told.insert("type".to_owned(), json!(cloud.cloud_type));
    if !cloud.auth_types.is_empty() {
        told.insert("auth-types".to_owned(), json!(cloud.auth_types));
    }
    let endpoints = |endpoint: &Option<String>, identity: &Option<String>, storage: &Option<String>| {
        let all = [("endpoint", endpoint), ("identity-endpoint", identity), ("storage-endpoint", storage)];
        let set =
            all.into_iter().filter_map(|(key, value)| Some((key, value.clone().filter(|text| !text.is_empty())?)));
        set.map(|(key, value)| (key.to_owned(), Value::from(value))).collect::<Map<_, _>>()
    };
    told.extend(endpoints(&cloud.endpoint, &cloud.identity_endpoint, &cloud.storage_endpoint));
    let regions = cloud.regions.iter().map(|(name, region)| {
        let mut one = Map::from_iter([("name".to_owned(), json!(name))]);
        one.extend(endpoints(&region.endpoint, &region.identity_endpoint, &region.storage_endpoint));
        Value::Object(one)
    });
    let regions: Vec<Value> = regions.collect();
    if !regions.is_empty() {
        told.insert("regions".to_owned(), Value::from(regions));
    }
    for key in ["config", "region-config", "ca-certificates", "skip-tls-verify"] {
        if let Some(value) = cloud.extra.get(key) {
            told.insert(key.to_owned(), value.clone());
        }
    }
    if let Some(region) = &cloud.host_cloud_region {
        told.insert("host-cloud-region".to_owned(), json!(region));
    }
    Value::Object(told)
}
