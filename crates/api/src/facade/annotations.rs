//! Facade `Annotations`. The surprise: the error of a `Get` item is an object in an object, and of things unknown it says "denied".

use crate::call::Call;
use crate::error::{self, IntoItem};
use base::{ModelUuid, Refusal, Tag};
use model::change::annotation;
use std::collections::BTreeMap;
use wire::facade::annotations::*;

fn tag_of(text: &str) -> Result<Tag, Refusal> {
    if let Ok(id) = super::machine_manager::machine_of(text) {
        return Ok(Tag::Machine(id));
    }
    text.parse().map_err(|invalid: base::tag::TagError| Refusal::plain(invalid.to_string()))
}

fn of(call: &Call, model: ModelUuid, text: &str) -> Result<BTreeMap<String, String>, Refusal> {
    let tag = tag_of(text)?;
    let read = call.read();
    let (within, _) = read.model(model)?;
    match &tag {
        Tag::Machine(id) => _ = within.machine(id)?,
        Tag::Model(uuid) if *uuid == model => {}
        _ => return Err(Refusal::denied()),
    }
    Ok(within.annotations.get(&tag.to_string()).map(|all| all.0.clone()).unwrap_or_default())
}

pub async fn get(call: Call, params: Entities) -> Result<AnnotationsGetResults, Refusal> {
    let model = call.model()?;
    let results = params.entities.into_iter().map(|entity| match of(&call, model, &entity.tag) {
        Ok(annotations) => {
            AnnotationsGetResult { entity: entity.tag, annotations, error: Some(ErrorResult::default()) }
        }
        Err(refusal) => AnnotationsGetResult {
            entity: entity.tag,
            error: Some(ErrorResult { error: Some(error::wire(&refusal)) }),
            ..AnnotationsGetResult::default()
        },
    });
    Ok(AnnotationsGetResults { results: results.collect() })
}

pub async fn set(call: Call, params: AnnotationsSet) -> Result<ErrorResults, Refusal> {
    let model = call.model()?;
    let mut results = Vec::new();
    for one in &params.annotations {
        let done = match tag_of(&one.entity) {
            Ok(tag) => {
                call.state()
                    .change(|beliefs, given| annotation::set(beliefs, model, &tag, &one.annotations, given))
                    .await
            }
            Err(refusal) => Err(refusal),
        };
        if let Err(error) = done.into_item() {
            results.push(ErrorResult { error: Some(error) });
        }
    }
    Ok(ErrorResults { results })
}
