//! A model's settings and constraints.

use super::{Decision, Given, TxnExt, block};
use crate::beliefs::Beliefs;
use crate::key;
use crate::record::block::BlockKind;
use crate::record::settings::{ModelConstraints, Settings};
use crate::settings;
use base::{Constraints, ModelUuid, Refusal};
use serde_json::Value;
use std::collections::BTreeMap;
use store::Txn;

pub fn set(
    beliefs: &Beliefs,
    model: ModelUuid,
    values: &BTreeMap<String, Value>,
    _: Given<'_>,
) -> Result<Decision, Refusal> {
    let (within, _) = beliefs.model(model)?;
    block::check(within, BlockKind::Change)?;
    let mut record = within.settings.as_ref().map(|read| read.to_record()).unwrap_or_default();
    let present = settings::values(within);
    for (name, value) in values {
        let now = present.get(name);
        if settings::is_fixed(name) {
            // Clients send back what they read: the same value again is no change.
            if now == Some(value) {
                continue;
            }
            return Err(settings::fixed(name, now, value));
        }
        record.0.insert(name.clone(), settings::check(name, value)?);
    }
    settings::check_together(&record.0)?;
    Ok(put(within, model, &record))
}

/// Gives keys what a new model would get.
pub fn unset(beliefs: &Beliefs, model: ModelUuid, names: &[String], _: Given<'_>) -> Result<Decision, Refusal> {
    let (within, _) = beliefs.model(model)?;
    block::check(within, BlockKind::Change)?;
    let mut record = within.settings.as_ref().map(|read| read.to_record()).unwrap_or_default();
    let inherited = settings::Inherited::by(beliefs, within);
    for name in names {
        if settings::is_fixed(name) {
            return Err(Refusal::plain(format!("{name} cannot be unset")));
        }
        match inherited.get(name) {
            Some(value) => _ = record.0.insert(name.clone(), value.clone()),
            None => _ = record.0.remove(name),
        }
    }
    let mut decision = put(within, model, &record);
    if !decision.txn.is_empty() {
        inherited.guard(&mut decision.txn);
    }
    Ok(decision)
}

fn put(within: &crate::beliefs::InModel, model: ModelUuid, record: &Settings) -> Decision {
    let mut txn = Txn::new();
    if within.settings.as_deref() != Some(record) {
        txn.upsert(key::settings(model), within.settings.as_ref(), record);
    }
    Decision::new(txn, ())
}

/// Replaces all of a model's constraints.
pub fn set_constraints(
    beliefs: &Beliefs,
    model: ModelUuid,
    all: &Constraints,
    _: Given<'_>,
) -> Result<Decision, Refusal> {
    let (within, _) = beliefs.model(model)?;
    block::check(within, BlockKind::Change)?;
    let mut txn = Txn::new();
    txn.upsert(key::constraints(model), within.constraints.as_ref(), &ModelConstraints(all.clone()));
    Ok(Decision::new(txn, ()))
}
