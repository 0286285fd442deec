//! Facade `Spaces`: there is one, `alpha`, and everything is in it.

use crate::call::{Call, NoParams, Nothing};
use crate::error;
use base::{Kind, Refusal, Tag};
use serde::Serialize;
use wire::facade::spaces::*;

fn alpha() -> Space {
    Space { id: "0".into(), name: "alpha".into(), subnets: Vec::new(), error: None }
}

pub async fn list(_: Call, _: NoParams) -> Result<ListSpacesResults, Refusal> {
    Ok(ListSpacesResults { results: vec![alpha()] })
}

pub async fn reload(_: Call, _: NoParams) -> Result<Nothing, Refusal> {
    Ok(Nothing {})
}

#[derive(Serialize)]
pub struct Shown {
    results: Vec<ShowSpaceResult>,
}

pub async fn show(call: Call, params: Entities) -> Result<Shown, Refusal> {
    let model = call.model()?;
    let count = call.read().in_model(model)?.machines().count();
    let results = params.entities.iter().map(|entity| match entity.tag.parse() {
        Ok(Tag::Space(name)) if name == "alpha" => ShowSpaceResult {
            space: alpha(),
            machine_count: i64::try_from(count).unwrap_or(i64::MAX),
            ..ShowSpaceResult::default()
        },
        _ => {
            let name = entity.tag.strip_prefix("space-").unwrap_or(&entity.tag);
            let refusal = Refusal::new(Kind::NotFound, format!("fetching space {name:?}: space {name:?} not found"));
            ShowSpaceResult { error: Some(error::wire(&refusal)), ..ShowSpaceResult::default() }
        }
    });
    Ok(Shown { results: results.collect() })
}
