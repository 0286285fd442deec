//! Facade `Block`: switches against destroying, removing and changing.

use crate::call::{Call, NoParams};
use crate::error::item;
use base::{Refusal, Tag};
use model::change::block;
use model::record::block::BlockKind;
use serde::Serialize;
use wire::facade::block::{Block, BlockSwitchParams};
use wire::shared::ErrorResult;

#[derive(Serialize)]
pub struct Listed {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    results: Vec<ListedBlock>,
}

#[derive(Serialize)]
struct ListedBlock {
    result: Block,
}

pub async fn list(call: Call, _: NoParams) -> Result<Listed, Refusal> {
    let model = call.model()?;
    let read = call.read();
    let results = read.in_model(model)?.blocks.values().map(|block| ListedBlock {
        result: Block {
            id: block.id.clone(),
            tag: Tag::Model(model).to_string(),
            r#type: block.kind.word().into(),
            message: block.message.clone(),
        },
    });
    Ok(Listed { results: results.collect() })
}

fn kind(word: &str) -> Result<BlockKind, Refusal> {
    BlockKind::ALL
        .into_iter()
        .find(|kind| kind.word() == word)
        .ok_or_else(|| Refusal::plain(format!("unknown block type {word:?}")))
}

pub async fn switch_on(call: Call, params: BlockSwitchParams) -> Result<ErrorResult, Refusal> {
    let (model, kind) = (call.model()?, kind(&params.r#type)?);
    let done =
        call.state().change(|beliefs, given| block::switch_on(beliefs, model, kind, &params.message, given)).await;
    Ok(ErrorResult { error: item(done) })
}

pub async fn switch_off(call: Call, params: BlockSwitchParams) -> Result<ErrorResult, Refusal> {
    let (model, kind) = (call.model()?, kind(&params.r#type)?);
    let done = call.state().change(|beliefs, given| block::switch_off(beliefs, model, kind, given)).await;
    Ok(ErrorResult { error: item(done) })
}
