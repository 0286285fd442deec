//! Facade `Storage`: the pools that storage comes from, and the disks of machines. Units have none yet, so there are no storage instances.

use super::machine_manager::machine_of;
use crate::call::Call;
use crate::convert::storage as shown;
use crate::error::{self, item, whole};
use base::{Kind, MachineId, Refusal};
use model::Beliefs;
use model::change::{Given, storage as change};
use model::query::storage as query;
use model::record::storage::Pool;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use wire::facade::storage::*;

/// Whether a machine is one that a filter names by tags; a filter that names none names all.
fn names(tags: &[String]) -> impl Fn(&MachineId) -> bool + use<> {
    let ids: Vec<MachineId> = tags.iter().filter_map(|tag| machine_of(tag).ok()).collect();
    let all = tags.is_empty();
    move |id| all || ids.contains(id)
}

pub async fn filesystems(call: Call, params: FilesystemFilters) -> Result<FilesystemDetailsListResults, Refusal> {
    let read = call.read();
    let within = read.in_model(call.model()?)?;
    let result = |filter: &FilesystemFilter| FilesystemDetailsListResult {
        result: shown::filesystems(within, names(&filter.machines)),
        error: None,
    };
    Ok(FilesystemDetailsListResults { results: params.filters.iter().map(result).collect() })
}

pub async fn volumes(call: Call, params: VolumeFilters) -> Result<VolumeDetailsListResults, Refusal> {
    let read = call.read();
    let within = read.in_model(call.model()?)?;
    let result = |filter: &VolumeFilter| VolumeDetailsListResult {
        result: shown::volumes(within, names(&filter.machines)),
        error: None,
    };
    Ok(VolumeDetailsListResults { results: params.filters.iter().map(result).collect() })
}

/// One empty answer for each filter.
pub async fn list(_: Call, params: StorageFilters) -> Result<StorageDetailsListResults, Refusal> {
    let results = params.filters.iter().map(|_| StorageDetailsListResult::default());
    Ok(StorageDetailsListResults { results: results.collect() })
}

/// Pools by names and providers; each filter that names neither gives them all.
pub async fn pools(call: Call, params: StoragePoolFilters) -> Result<StoragePoolsResults, Refusal> {
    let read = call.read();
    let all = query::pools(read.in_model(call.model()?)?);
    let result = |filter: &StoragePoolFilter| {
        if let Some(refusal) = filter.providers.iter().find_map(|name| query::provider(name).err()) {
            return StoragePoolsResult { error: Some(error::wire(&refusal)), storage_pools: Vec::new() };
        }
        let fits = |wanted: &[String], name: &String| wanted.is_empty() || wanted.contains(name);
        let fitting =
            all.iter().filter(|(name, pool)| fits(&filter.names, name) && fits(&filter.providers, &pool.provider));
        StoragePoolsResult { storage_pools: fitting.map(|(name, pool)| shown_pool(name, pool)).collect(), error: None }
    };
    Ok(StoragePoolsResults { results: params.filters.iter().map(result).collect() })
}

fn shown_pool(name: &str, pool: &Pool) -> StoragePool {
    let attrs = pool.attributes.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str())));
    StoragePool { name: name.to_owned(), provider: pool.provider.clone(), attrs: attrs.collect() }
}

/// Attributes as the model keeps them: text. Clients may send numbers and truths.
fn attributes(given: &BTreeMap<String, Value>) -> Result<BTreeMap<String, String>, Refusal> {
    let text = |(key, value): (&String, &Value)| match value {
        Value::String(text) => Ok((key.clone(), text.clone())),
        Value::Bool(_) | Value::Number(_) => Ok((key.clone(), value.to_string())),
        _ => Err(Refusal::new(Kind::NotValid, format!("attribute {key:?} is neither a text nor a number"))),
    };
    given.iter().map(text).collect()
}

pub async fn create_pool(call: Call, params: StoragePoolArgs) -> Result<ErrorResults, Refusal> {
    let model = call.model()?;
    let mut results = Vec::new();
    for wanted in &params.pools {
        let made = match attributes(&wanted.attrs) {
            Ok(attributes) => {
                let pool = Pool { provider: wanted.provider.clone(), attributes };
                let create =
                    |beliefs: &Beliefs, given: Given<'_>| change::create(beliefs, model, &wanted.name, &pool, given);
                call.state().change(create).await
            }
            Err(refusal) => Err(refusal),
        };
        results.push(ErrorResult { error: item(whole(made)?) });
    }
    Ok(ErrorResults { results })
}

pub async fn update_pool(call: Call, params: StoragePoolArgs) -> Result<ErrorResults, Refusal> {
    let model = call.model()?;
    let mut results = Vec::new();
    for wanted in &params.pools {
        let done = match attributes(&wanted.attrs) {
            Ok(attributes) => {
                let update = |beliefs: &Beliefs, given: Given<'_>| {
                    change::update(beliefs, model, &wanted.name, &wanted.provider, &attributes, given)
                };
                call.state().change(update).await
            }
            Err(refusal) => Err(refusal),
        };
        results.push(ErrorResult { error: item(whole(done)?) });
    }
    Ok(ErrorResults { results })
}

pub async fn remove_pool(call: Call, params: StoragePoolDeleteArgs) -> Result<ErrorResults, Refusal> {
    let model = call.model()?;
    let mut results = Vec::new();
    for wanted in &params.pools {
        let remove = |beliefs: &Beliefs, given: Given<'_>| change::remove(beliefs, model, &wanted.name, given);
        results.push(ErrorResult { error: item(whole(call.state().change(remove).await)?) });
    }
    Ok(ErrorResults { results })
}

#[derive(Serialize)]
pub struct Details {
    results: Vec<DetailsOne>,
}

#[derive(Serialize)]
struct DetailsOne {
    error: wire::Error,
}

pub async fn details(_: Call, params: Entities) -> Result<Details, Refusal> {
    let results = params.entities.iter().map(|entity| {
        let name = entity.tag.strip_prefix("storage-").unwrap_or(&entity.tag);
        let name = name.rsplit_once('-').map_or_else(|| name.to_owned(), |(name, number)| format!("{name}/{number}"));
        DetailsOne { error: error::wire(&Refusal::not_found("storage instance", format!("{name:?}"))) }
    });
    Ok(Details { results: results.collect() })
}
