//! What models of a cloud begin with: the three methods of `ModelManager` on it.
//! The surprise: one who may read them is one who may set them, a superuser: a proxy's address often has a password in it.

use super::cloud::cloud_name;
use crate::call::Call;
use crate::error::{IntoItem, item};
use base::{Kind, Refusal};
use model::change::model_defaults::{self as change, Where};
use model::record::model_defaults::ModelDefaults as Record;
use model::settings;
use std::collections::BTreeMap;
use wire::facade::model_manager::*;

/// The cloud's name; the controller's is empty.
fn named(tag: &str) -> Result<String, Refusal> {
    if tag.is_empty() { Ok(String::new()) } else { cloud_name(tag) }
}

pub async fn of_clouds(call: Call, params: Entities) -> Result<ModelDefaultsResults, Refusal> {
    let read = call.read();
    let one = |tag: &str| {
        let name = cloud_name(tag)?;
        let Some(cloud) = read.clouds.get(&name) else {
            return Err(Refusal::new(Kind::NotFound, format!("cloud {name:?} not found")));
        };
        let set = read.model_defaults.get(&name).map(|record| &**record);
        Ok(shown(&settings::merged(set, Some(&**cloud))))
    };
    let results = params.entities.iter().map(|entity| match one(&entity.tag).into_item() {
        Ok(config) => ModelDefaultsResult { config, error: None },
        Err(error) => ModelDefaultsResult { config: BTreeMap::new(), error: Some(error) },
    });
    Ok(ModelDefaultsResults { results: results.collect() })
}

/// Each key that has a default, of Juju's, set, or of the cloud's definition, with all of them.
fn shown(set: &Record) -> BTreeMap<String, ModelDefaults> {
    let mut all: BTreeMap<String, ModelDefaults> = settings::defaults()
        .map(|(name, value)| (name, ModelDefaults { default: value, ..ModelDefaults::default() }))
        .collect();
    for (name, value) in &set.controller {
        all.entry(name.clone()).or_default().controller = value.clone();
    }
    for (region, values) in &set.regions {
        for (name, value) in values {
            let of_region = RegionDefaults { region_name: region.clone(), value: value.clone() };
            all.entry(name.clone()).or_default().regions.push(of_region);
        }
    }
    all
}

pub async fn set(call: Call, params: SetModelDefaults) -> Result<ErrorResults, Refusal> {
    let mut results = Vec::new();
    for one in &params.config {
        let done = match named(&one.cloud_tag) {
            Ok(cloud) => {
                let at = Where { cloud: &cloud, region: &one.cloud_region };
                call.state().change(|beliefs, given| change::set(beliefs, at, &one.config, given)).await
            }
            Err(refusal) => Err(refusal),
        };
        results.push(ErrorResult { error: item(unless_blocked(done)?) });
    }
    Ok(ErrorResults { results })
}

pub async fn unset(call: Call, params: UnsetModelDefaults) -> Result<ErrorResults, Refusal> {
    let mut results = Vec::new();
    for one in &params.keys {
        let done = match named(&one.cloud_tag) {
            Ok(cloud) => {
                let at = Where { cloud: &cloud, region: &one.cloud_region };
                call.state().change(|beliefs, given| change::unset(beliefs, at, &one.keys, given)).await
            }
            Err(refusal) => Err(refusal),
        };
        results.push(ErrorResult { error: item(unless_blocked(done)?) });
    }
    Ok(ErrorResults { results })
}

/// A block refuses the call, not an item of it.
fn unless_blocked(done: Result<(), Refusal>) -> Result<Result<(), Refusal>, Refusal> {
    match done {
        Err(refusal) if refusal.kind() == Kind::Blocked => Err(refusal),
        other => Ok(other),
    }
}
