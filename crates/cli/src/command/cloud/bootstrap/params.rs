//! What `bootstrap` is asked for, read and checked before anything is made.
//! The surprise: what this release cannot do is refused here, or said to be without effect; a controller without the certificate authority or the
//! identity provider that was asked for would be another one.

use std::collections::BTreeMap;

use base::Secret;
use base::attribute::{Unkept, unkept};
use serde_json::{Map, Value};

use super::choice;
use crate::bootstrap::{BUILTIN, BootstrapParams};
use crate::command::cloud::account;
use crate::command::model::given;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::select;

pub(super) fn of(context: &mut Context) -> Result<BootstrapParams> {
    let Some(place) = context.args.get(0).map(str::to_owned) else {
        return Err(Error::usage("no cloud specified, try \"juju bootstrap builtin\""));
    };
    let chosen = choice::choose(context, &place)?;
    let mut config = config(context)?;
    let args = &context.args;
    let name = match (args.get(1), chosen.cloud_type.as_str()) {
        (Some(name), _) => name.to_lowercase(),
        (None, kind) if kind != BUILTIN => format!("{}-{}", chosen.cloud, chosen.region).to_lowercase(),
        (None, _) => chosen.cloud.to_lowercase(),
    };
    if !select::is_model_name(&name) {
        return Err(Error::usage(format!("controller name {name:?} not valid")));
    }
    if context.store.controllers()?.controllers.contains_key(&name) {
        return Err(Error::failed(format!("controller {name:?} already exists")));
    }
    if args.text("agent-version").is_some_and(|v| v != context.client_version()) {
        return Err(Error::usage(format!("this client can only bootstrap {} agents", context.client_version())));
    }
    if args.given("metadata-source") {
        return Err(Error::failed(
            "--metadata-source means nothing to this release: agents come with the controller, \
             and images from the model's image-metadata-url; leave it out",
        ));
    }
    let credential = args.text("credential").filter(|name| !name.is_empty());
    let of = account::Of {
        cloud: &chosen.cloud,
        cloud_type: &chosen.cloud_type,
        endpoint: &chosen.endpoint,
        config: chosen.definition.config.clone().into_iter().collect(),
    };
    let account = account::find(context, of, credential)?;
    // Clouds that want none have one, empty, by the name that `add-model` shows.
    if let Some(credential) = credential.filter(|name| account.is_none() && *name != "default") {
        return Err(Error::failed(format!("credential {credential:?} not found")));
    }
    let constraints = |flag: &str| -> Result<String> {
        let text = args.texts(flag).join(" ");
        base::Constraints::parse(&text).map_err(|e| Error::usage(e.to_string()))?;
        Ok(text)
    };
    let password = config.remove("admin-secret");
    let patience = config.remove("bootstrap-timeout").map(|text| seconds("bootstrap-timeout", &text)).transpose()?;
    let ssh = context.store.dir().join("ssh");
    Ok(BootstrapParams {
        controller_name: name,
        cloud: chosen.cloud,
        cloud_type: chosen.cloud_type,
        endpoint: chosen.endpoint,
        definition: chosen.definition,
        account,
        instance: String::new(),
        known_as: Vec::new(),
        region: chosen.region,
        controller_uuid: uuid::Uuid::new_v4().to_string(),
        controller_model_uuid: uuid::Uuid::new_v4().to_string(),
        admin_password: Secret::new(password.unwrap_or_else(|| uuid::Uuid::new_v4().simple().to_string())),
        authorized_keys: client::files::keys::authorized(&ssh, &context.io.home())?,
        config,
        model_defaults: model_defaults(context)?,
        storage_pool: storage_pool(context)?,
        constraints: constraints("constraints")?,
        bootstrap_constraints: constraints("bootstrap-constraints")?,
        bootstrap_base: args.text("bootstrap-base").unwrap_or("").to_owned(),
        placement: args.text("to").unwrap_or("").to_owned(),
        keep_broken: args.is_set("keep-broken"),
        patience,
    })
}

/// `--config`; what of it has no effect is told, and left out.
fn config(context: &mut Context) -> Result<BTreeMap<String, String>> {
    let mut config = texts(given::config(context, "config")?);
    let unkept: Vec<_> = config.keys().filter_map(|key| Some((key.clone(), unkept(key)?))).collect();
    for (key, how) in unkept {
        match how {
            Unkept::Refused(why) => return Err(Error::failed(format!("cannot set {key:?}: {why}"))),
            Unkept::Ignored(why) => context.warn(format!("{key} is ignored: {why}")),
        }
        config.remove(&key);
    }
    Ok(config)
}

fn seconds(name: &str, text: &str) -> Result<u64> {
    let seconds = text.parse().ok().filter(|seconds| (1..=MOST_SECONDS).contains(seconds));
    seconds.ok_or_else(|| Error::failed(format!("{name}: expected seconds, 1 to {MOST_SECONDS}, got {text:?}")))
}

/// A day.
const MOST_SECONDS: u64 = 86_400;

/// What new models begin with. What is no model's is refused before anything is made.
fn model_defaults(context: &Context) -> Result<BTreeMap<String, Value>> {
    let given = given::config(context, "model-default")?;
    match given.keys().find_map(|key| base::attribute::is_no_default(key)) {
        Some(words) => Err(Error::failed(words)),
        None => Ok(given.into_iter().collect()),
    }
}

/// A pool of the controller's model; its provider is looked at where it is known.
fn storage_pool(context: &Context) -> Result<BTreeMap<String, String>> {
    let pool = texts(given::config(context, "storage-pool")?);
    match ["name", "type"].into_iter().find(|key| !pool.is_empty() && pool.get(*key).is_none_or(String::is_empty)) {
        Some(key) => Err(Error::failed(format!("storage pool requires a {key:?} key to be set"))),
        None => Ok(pool),
    }
}

fn texts(config: Map<String, Value>) -> BTreeMap<String, String> {
    let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    config.into_iter().map(|(key, value)| (key, text(value))).collect()
}
