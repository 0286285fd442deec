//! `ModelManager.DumpModels` and `DumpModelsDB`: all that is kept of a model, for those who administer it.

use super::model_manager::model_of;
use crate::call::Call;
use crate::convert::dump::{self, Dump, Extent};
use crate::error::IntoItem;
use crate::room::Room;
use base::Refusal;
use model::Read;
use model::access::ModelLevel;
use serde_json::Value;
use std::collections::BTreeMap;
use wire::facade::model_manager::*;

fn one(call: &Call, read: &Read, tag: &str, extent: Extent, room: &Room) -> Result<Dump, Refusal> {
    let uuid = model_of(tag)?;
    call.may_on_model(read, uuid, ModelLevel::Admin)?;
    let within = read.in_model(uuid)?;
    room.one_more()?;
    Ok(dump::dump(read, uuid, within, extent))
}

pub async fn dump(call: Call, params: DumpModelRequest) -> Result<StringResults, Refusal> {
    let (read, mut room) = (call.read(), Room::default());
    let extent = if params.simplified { Extent::Simplified } else { Extent::All };
    let results =
        params.entities.iter().map(|entity| match one(&call, &read, &entity.tag, extent, &room).into_item() {
            Ok(all) => {
                let result = dump::document(&all);
                room.take(result.len());
                StringResult { result, error: None }
            }
            Err(error) => StringResult { result: String::new(), error: Some(error) },
        });
    Ok(StringResults { results: results.collect() })
}

pub async fn dump_db(call: Call, params: Entities) -> Result<MapResults, Refusal> {
    let (read, mut room) = (call.read(), Room::default());
    let results =
        params.entities.iter().map(|entity| match one(&call, &read, &entity.tag, Extent::All, &room).into_item() {
            Ok(all) => {
                let result: BTreeMap<String, Value> =
                    all.into_iter().map(|(noun, records)| (noun, Value::Object(records))).collect();
                room.take(serde_json::to_string(&result).map_or(0, |text| text.len()));
                MapResult { result, error: None }
            }
            Err(error) => MapResult { error: Some(error), ..MapResult::default() },
        });
    Ok(MapResults { results: results.collect() })
}
