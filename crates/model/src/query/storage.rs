//! The storage pools of a model: those that every model has, and its own.

use crate::beliefs::InModel;
use crate::record::storage::Pool;
use base::storage::{PROVIDERS, Provider};
use base::{Kind, Refusal};
use std::collections::BTreeMap;

/// The pool that a provider is by itself.
fn of_provider(provider: &Provider) -> Pool {
    Pool { provider: provider.name.to_owned(), attributes: BTreeMap::new() }
}

/// All pools by name: first those that nobody made, in the order of Juju's lists.
pub fn pools(within: &InModel) -> Vec<(String, Pool)> {
    let bare = PROVIDERS.iter().map(|provider| (provider.name.to_owned(), of_provider(provider)));
    let own = within.pools.iter().flat_map(|pools| pools.0.iter().map(|(name, pool)| (name.clone(), pool.clone())));
    bare.chain(own).collect()
}

pub fn pool(within: &InModel, name: &str) -> Option<Pool> {
    let own = within.pools.as_ref().and_then(|pools| pools.0.get(name).cloned());
    own.or_else(|| Provider::named(name).map(of_provider))
}

pub fn provider(name: &str) -> Result<&'static Provider, Refusal> {
    Provider::named(name).ok_or_else(|| {
        let known: Vec<&str> = PROVIDERS.iter().map(|provider| provider.name).collect();
        let words = format!("storage provider {name:?} not found (there is: {})", known.join(", "));
        Refusal::new(Kind::NotFound, words)
    })
}
