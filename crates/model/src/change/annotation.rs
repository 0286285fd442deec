//! Notes on things: an empty value takes a note away.

use super::{Decision, Given, TxnExt};
use crate::beliefs::Beliefs;
use crate::key;
use crate::record::annotation::Annotations;
use base::{ModelUuid, Refusal, Tag};
use std::collections::BTreeMap;
use store::{Guard, Txn};

pub fn set(
    beliefs: &Beliefs,
    model: ModelUuid,
    tag: &Tag,
    pairs: &BTreeMap<String, String>,
    _: Given<'_>,
) -> Result<Decision, Refusal> {
    let (within, _) = beliefs.model(model)?;
    let mut txn = Txn::new();
    match tag {
        Tag::Machine(id) => {
            within.machine(id)?;
            txn.guard(key::machine(model, id), Guard::Present);
        }
        Tag::Model(uuid) if *uuid == model => {}
        other => return Err(Refusal::denied().with_context(format!("annotations of {other}"))),
    }
    let name = tag.to_string();
    let read = within.annotations.get(&name);
    let mut record = read.map(|read| read.to_record()).unwrap_or_default();
    for (pair, value) in pairs {
        if pair.contains('.') {
            return Err(Refusal::plain(format!("cannot update annotations on {name}: invalid key {pair:?}")));
        }
        match value.is_empty() {
            true => record.0.remove(pair),
            false => record.0.insert(pair.clone(), value.clone()),
        };
    }
    match read {
        Some(read) if record.0.is_empty() => _ = txn.remove(key::annotation(model, &name), read.revision),
        None if record == Annotations::default() => return Ok(Decision::nothing(())),
        read => txn.upsert(key::annotation(model, &name), read, &record),
    }
    Ok(Decision::new(txn, ()))
}
