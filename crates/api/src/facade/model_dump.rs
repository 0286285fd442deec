//! `ModelManager.DumpModels` and `DumpModelsDB`: all that is kept of a model, for those who administer it.

use super::model_manager::model_of;
use crate::call::Call;
use crate::convert::dump::{self, Dump, Extent};
use crate::error::IntoItem;
use base::Refusal;
use model::Read;
use model::access::ModelLevel;
use serde_json::Value;
use wire::facade::model_manager::*;

fn one(call: &Call, read: &Read, tag: &str, extent: Extent) -> Result<Dump, Refusal> {
    let uuid = model_of(tag)?;
    call.may_on_model(read, uuid, ModelLevel::Admin)?;
    Ok(dump::dump(read, uuid, read.in_model(uuid)?, extent))
}

pub async fn dump(call: Call, params: DumpModelRequest) -> Result<StringResults, Refusal> {
    let read = call.read();
    let extent = if params.simplified { Extent::Simplified } else { Extent::All };
    let results = params.entities.iter().map(|entity| match one(&call, &read, &entity.tag, extent).into_item() {
        Ok(all) => StringResult { result: dump::document(&all), error: None },
        Err(error) => StringResult { result: String::new(), error: Some(error) },
    });
    Ok(StringResults { results: results.collect() })
}

pub async fn dump_db(call: Call, params: Entities) -> Result<MapResults, Refusal> {
    let read = call.read();
    let results = params.entities.iter().map(|entity| match one(&call, &read, &entity.tag, Extent::All).into_item() {
        Ok(all) => {
            let nouns = all.into_iter().map(|(noun, records)| (noun, Value::Object(records)));
            MapResult { result: nouns.collect(), error: None }
        }
        Err(error) => MapResult { error: Some(error), ..MapResult::default() },
    });
    Ok(MapResults { results: results.collect() })
}
