//! A model's storage pools: made, changed, removed. Pools that nobody made (one for each provider) stay as they are.

use super::{Decision, Given, block, put_of_model};
use crate::beliefs::{Beliefs, InModel};
use crate::key;
use crate::query::storage::{disks, provider};
use crate::record::block::BlockKind;
use crate::record::storage::{Pool, Pools};
use base::storage::{Provider, is_pool_name};
use base::{Kind, ModelUuid, Refusal};
use std::collections::BTreeMap;

/// Of one model.
pub const MOST_POOLS: usize = 1_000;

/// Makes a pool.
pub fn create(beliefs: &Beliefs, model: ModelUuid, name: &str, pool: &Pool, _: Given<'_>) -> Result<Decision, Refusal> {
    let (within, record) = beliefs.model(model)?;
    block::check(within, BlockKind::Change)?;
    checked(name, pool)?;
    let mut pools = own(within);
    if pools.0.contains_key(name) {
        return Err(already(name));
    }
    if pools.0.len() >= MOST_POOLS {
        return Err(Refusal::plain(format!("a model has no more than {MOST_POOLS} storage pools")));
    }
    pools.0.insert(name.to_owned(), pool.clone());
    Ok(put_of_model(record, key::pools(model), within.pools.as_ref(), &pools))
}

/// Whether a model that has no pools of its own could have this one.
pub fn checked(name: &str, pool: &Pool) -> Result<(), Refusal> {
    if !is_pool_name(name) {
        return Err(Refusal::new(Kind::NotValid, format!("pool name {name:?} not valid")));
    }
    check(pool)?;
    match Provider::named(name) {
        Some(_) => Err(already(name)),
        None => Ok(()),
    }
}

fn already(name: &str) -> Refusal {
    Refusal::new(Kind::AlreadyExists, format!("storage pool {name:?} already exists"))
}

/// Gives a pool attributes, beside those that it has, and another provider if one is named. Disks that it was asked for before stay as they are.
pub fn update(
    beliefs: &Beliefs,
    model: ModelUuid,
    name: &str,
    to_provider: &str,
    attributes: &BTreeMap<String, String>,
    _: Given<'_>,
) -> Result<Decision, Refusal> {
    let (within, record) = beliefs.model(model)?;
    block::check(within, BlockKind::Change)?;
    let mut pools = own(within);
    let pool = pools.0.get_mut(name).ok_or_else(|| not_own(name))?;
    if !to_provider.is_empty() {
        to_provider.clone_into(&mut pool.provider);
    }
    pool.attributes.extend(attributes.clone());
    check(pool)?;
    Ok(put_of_model(record, key::pools(model), within.pools.as_ref(), &pools))
}

/// Removes a pool.
pub fn remove(beliefs: &Beliefs, model: ModelUuid, name: &str, _: Given<'_>) -> Result<Decision, Refusal> {
    let (within, record) = beliefs.model(model)?;
    block::check(within, BlockKind::Remove)?;
    let mut pools = own(within);
    if pools.0.remove(name).is_none() {
        return Err(not_own(name));
    }
    if let Some(user) = disks(within).find(|shown| shown.disk.pool == name) {
        let words = format!("storage pool {name:?} is in use: machine {} has a disk of it", user.machine.id);
        return Err(Refusal::plain(words));
    }
    Ok(put_of_model(record, key::pools(model), within.pools.as_ref(), &pools))
}

fn own(within: &InModel) -> Pools {
    within.pools.as_deref().cloned().unwrap_or_default()
}

fn check(pool: &Pool) -> Result<(), Refusal> {
    let known = provider(&pool.provider)?;
    known.check(&pool.attributes).map_err(|words| Refusal::new(Kind::NotValid, words))
}

fn not_own(name: &str) -> Refusal {
    match Provider::named(name) {
        Some(_) => Refusal::plain(format!("storage pool {name:?} is one that every model has: it stays as it is")),
        None => Refusal::not_found("storage pool", format!("{name:?}")),
    }
}
