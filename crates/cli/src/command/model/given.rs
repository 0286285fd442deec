//! Configuration given on the command line, as pairs or in files.

use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::error::{Error, Result};

/// Files in their order, then `key=value`, which win. The latter stay text: the controller knows their types.
pub fn config(context: &Context, flag: &str) -> Result<Map<String, Value>> {
    let mut config = Map::new();
    let mut pairs = Map::new();
    for given in context.args.texts(flag) {
        if let Some((key, value)) = given.split_once('=') {
            pairs.insert(key.to_owned(), json!(value));
            continue;
        }
        let path = context.io.path(given);
        let text = std::fs::read_to_string(&path).map_err(|e| {
            let why = crate::context::reason(&e);
            Error::failed(format!("unable to parse config: open {}: {why}", path.display()))
        })?;
        let parsed =
            client::files::yaml::read(&text).map_err(|e| Error::failed(format!("unable to parse config: {e}")))?;
        match parsed {
            Value::Object(entries) => config.extend(entries),
            Value::Null => {}
            _ => return Err(Error::failed(format!("unable to parse config: {given} holds no map"))),
        }
    }
    config.extend(pairs);
    if config.contains_key("default-series") && config.contains_key("default-base") {
        return Err(Error::failed("cannot specify both default-series and default-base"));
    }
    Ok(config)
}
