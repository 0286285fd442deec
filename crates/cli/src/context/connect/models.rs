//! Finding a model's uuid by its name, and keeping the client's list of models true.
//!
//! The surprise: the list is a cache that is asked first; the controller is asked only for what it does not have.

use client::files::{Model, Models};
use serde_json::{Value, json};

use super::{Api, Context};
use crate::error::{Error, Result};
use crate::select::{self, ModelRef};

impl Context {
    /// The qualified name and uuid of a model; asks the controller once when the store does not know it.
    pub async fn find_model(&mut self, selected: &ModelRef) -> Result<(String, String)> {
        let user = self.user(&selected.controller)?;
        if let Some(found) = self.known_model(selected, &user)? {
            return Ok(found);
        }
        let name = match is_uuid_like(&selected.model) {
            true => format!("{user}/{}", selected.model),
            false => {
                select::qualify(&selected.model, &user).map_err(|e| match selected.model.matches('/').count() {
                    0 | 1 => e,
                    _ => e.context(&format!("getting model {:?}", selected.model)),
                })?
            }
        };
        self.refresh_models(&selected.controller).await?;
        match self.known_model(selected, &user)? {
            Some(found) => Ok(found),
            None => Err(Error::failed(format!("model {}:{name} not found", selected.controller))),
        }
    }

    /// The qualified name and uuid of a model, if the store knows it.
    pub(crate) fn known_model(&self, selected: &ModelRef, user: &str) -> Result<Option<(String, String)>> {
        let all = self.store.models()?;
        let Some(entry) = all.controllers.get(&selected.controller) else { return Ok(None) };
        let typed = selected.model.as_str();
        if let Some(name) = select::qualify(typed, user).ok().filter(|n| entry.models.contains_key(n)) {
            return Ok(entry.models.get(&name).map(|m| (name, m.uuid.clone())));
        }
        if !is_uuid_like(typed) {
            return Ok(None);
        }
        // The original takes any of several, at random.
        let matching: Vec<_> = entry.models.iter().filter(|(_, m)| m.uuid.starts_with(typed)).collect();
        match matching.as_slice() {
            [] => Ok(None),
            [(name, model)] => Ok(Some(((*name).clone(), model.uuid.clone()))),
            several => {
                let names: Vec<&str> = several.iter().map(|(name, _)| name.as_str()).collect();
                Err(Error::failed(format!("the UUIDs of several models begin with {typed:?}: {}", names.join(", "))))
            }
        }
    }

    /// Asks the controller for the user's models and replaces the client's list.
    pub async fn refresh_models(&mut self, controller: &str) -> Result<()> {
        let api = self.controller_api_of(controller).await?;
        self.refresh_models_over(&api).await
    }

    pub async fn refresh_models_over(&mut self, api: &Api) -> Result<()> {
        let reply: Value = api.call("ModelManager", "ListModels", json!({"tag": format!("user-{}", api.user)})).await?;
        let listed = reply.get("user-models").and_then(Value::as_array).cloned().unwrap_or_default();
        let models = listed.iter().filter_map(|entry| {
            let model = entry.get("model")?;
            let field = |name: &str| model.get(name).and_then(Value::as_str);
            let owner =
                field("owner-tag").map(|t| t.strip_prefix("user-").unwrap_or(t)).or_else(|| field("qualifier"))?;
            Some((
                format!("{owner}/{}", field("name")?),
                field("uuid")?.to_owned(),
                field("type").unwrap_or("iaas").to_owned(),
            ))
        });
        self.store_models(&api.controller, models.collect())
    }

    /// Replaces the client's list of a controller's models: (qualified name, uuid, type). A current model that is
    /// no longer there stays named, as the original leaves it, so that the next command can say which one is gone.
    pub fn store_models(&mut self, controller: &str, models: Vec<(String, String, String)>) -> Result<()> {
        self.store.update(|all: &mut Models| {
            let entry = all.controllers.entry(controller.to_owned()).or_default();
            let old = std::mem::take(&mut entry.models);
            for (name, uuid, kind) in models {
                let branch = match old.get(&name) {
                    Some(known) => known.branch.clone(),
                    None => Some("master".to_owned()),
                };
                entry.models.insert(name, Model { branch, ..Model::new(&uuid, &kind) });
            }
            Ok(())
        })
    }

    /// The controller does not know a model that the store has: forgets it, and words the reason.
    pub(super) async fn model_is_gone(&mut self, controller: &str, name: &str) -> Result<Error> {
        let named = self.args.maybe("m").is_some_and(|m| !m.is_empty()) || self.io.var("JUJU_MODEL").is_some();
        self.store.update(|all: &mut Models| {
            if let Some(entry) = all.controllers.get_mut(controller) {
                entry.forget(name);
            }
            Ok::<_, Error>(())
        })?;
        Ok(match named || self.command.name == "status" {
            true => Error::failed(format!("model {controller}:{name} not found")),
            false => Error::failed(format!(
                "model \"{name}\" has been removed from the controller, run 'juju models' and switch to one of them."
            )),
        })
    }
}

fn is_uuid_like(text: &str) -> bool {
    select::is_uuid(text) || select::may_be_uuid_prefix(text)
}
