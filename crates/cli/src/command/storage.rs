//! Commands on the noun `storage`: what machines and units keep their data on, and the pools that it comes from.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::Command;
use crate::context::Api;
use crate::error::{Error, Result};

mod create_pool;
mod list;
mod pools;
mod remove_pool;
mod show;
mod tables;
mod update_pool;

/// In no order; the table sorts.
pub const COMMANDS: &[&Command] = &[
    &create_pool::COMMAND,
    &list::COMMAND,
    &pools::COMMAND,
    &remove_pool::COMMAND,
    &show::COMMAND,
    &update_pool::COMMAND,
];

/// Asks for one of the lists.
pub(super) async fn details<T: DeserializeOwned>(api: &Api, method: &str, filter: Value) -> Result<Vec<T>> {
    let mut all = Vec::new();
    for result in api.call_each("Storage", method, json!({"filters": [filter]})).await? {
        // Of nothing there is no list.
        let Value::Array(list) = result? else { continue };
        let list: Vec<T> = wire::lenient::from_value(list.into()).map_err(|e| Error::failed(e.to_string()))?;
        all.extend(list);
    }
    Ok(all)
}

/// The `key=value` words of a pool.
fn attributes(words: &[String]) -> Result<Map<String, Value>> {
    let mut all = Map::new();
    for word in words {
        let pair = word.split_once('=').filter(|(key, _)| !key.is_empty());
        let (key, value) = pair.ok_or_else(|| Error::usage(format!("expected \"key=value\", got {word:?}")))?;
        if all.insert(key.to_owned(), json!(value)).is_some() {
            return Err(Error::usage(format!("key {key:?} specified more than once")));
        }
    }
    Ok(all)
}
