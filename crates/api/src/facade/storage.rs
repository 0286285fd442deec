//! Facade `Storage`: machines have their root disk and nothing else yet, so every list is empty.

use crate::call::Call;
use crate::error;
use base::{Kind, Refusal};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wire::Error;
use wire::shared::Entities;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Filters {
    filters: Vec<Value>,
}

/// One empty answer for each filter.
#[derive(Serialize)]
pub struct Empty {
    results: Vec<EmptyOne>,
}

#[derive(Serialize)]
struct EmptyOne {}

fn empty(params: &Filters) -> Empty {
    Empty { results: params.filters.iter().map(|_| EmptyOne {}).collect() }
}

pub async fn filesystems(_: Call, params: Filters) -> Result<Empty, Refusal> {
    Ok(empty(&params))
}

pub async fn volumes(_: Call, params: Filters) -> Result<Empty, Refusal> {
    Ok(empty(&params))
}

pub async fn list(_: Call, params: Filters) -> Result<Empty, Refusal> {
    Ok(empty(&params))
}

pub async fn pools(_: Call, params: Filters) -> Result<Empty, Refusal> {
    Ok(empty(&params))
}

#[derive(Serialize)]
pub struct Details {
    results: Vec<DetailsOne>,
}

#[derive(Serialize)]
struct DetailsOne {
    error: Error,
}

pub async fn details(_: Call, params: Entities) -> Result<Details, Refusal> {
    let results = params.entities.iter().map(|entity| {
        let name = entity.tag.strip_prefix("storage-").unwrap_or(&entity.tag);
        DetailsOne { error: error::wire(&Refusal::new(Kind::NotFound, format!("storage instance {name:?} not found"))) }
    });
    Ok(Details { results: results.collect() })
}
