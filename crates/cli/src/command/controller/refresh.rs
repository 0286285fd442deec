//! What a controller says of all its models, and what of that the client store keeps.

use client::files::Controllers;
use serde_json::{Value, json};

use crate::context::{Api, Context};
use crate::error::{Error, Result};

/// A model with its status, from `Controller.AllModels` and `Controller.ModelStatus`.
#[derive(Debug, Clone, Default)]
pub struct ModelView {
    /// `owner/name`.
    pub name: String,
    pub uuid: String,
    pub life: String,
    pub is_controller: bool,
    pub hosted_machines: i64,
    pub applications: i64,

    pub application_names: Vec<String>,
    /// Every machine of the model.
    pub machines: Vec<Value>,
    pub volumes: Vec<Value>,
    pub filesystems: Vec<Value>,
}

impl ModelView {
    pub fn cores(&self) -> i64 {
        self.machines.iter().filter_map(|m| m.pointer("/hardware/cores")?.as_i64()).sum()
    }

    /// What would be lost: the storage that can outlive its machine.
    pub fn persistent(&self) -> (usize, usize) {
        let detachable = |list: &[Value]| list.iter().filter(|v| v["detachable"] == Value::Bool(true)).count();
        (detachable(&self.volumes), detachable(&self.filesystems))
    }
}

/// All models of a controller: (qualified name, uuid).
pub async fn all_models(api: &Api) -> Result<Vec<(String, String)>> {
    let reply: Value = api.call("Controller", "AllModels", json!({})).await?;
    let models = reply.get("user-models").and_then(Value::as_array).cloned().unwrap_or_default();
    Ok(models
        .iter()
        .filter_map(|entry| {
            let model = entry.get("model")?;
            let field = |name: &str| model.get(name).and_then(Value::as_str);
            let owner =
                field("owner-tag").map(|t| t.strip_prefix("user-").unwrap_or(t)).or_else(|| field("qualifier"))?;
            Some((format!("{owner}/{}", field("name")?), field("uuid")?.to_owned()))
        })
        .collect())
}

/// The status of models, in the order asked; one that is gone meanwhile is left out.
pub async fn statuses(api: &Api, facade: &str, models: &[(String, String)]) -> Result<Vec<ModelView>> {
    let entities: Vec<Value> = models.iter().map(|(_, uuid)| json!({"tag": format!("model-{uuid}")})).collect();
    let reply: Value = api.call(facade, "ModelStatus", json!({"entities": entities})).await?;
    // 3.6 calls the list `models`, other answers `results`.
    let list = reply.get("models").or_else(|| reply.get("results")).and_then(Value::as_array).cloned();
    let mut views = Vec::new();
    for (entry, (name, uuid)) in list.unwrap_or_default().iter().zip(models) {
        if let Some(error) = entry.get("error").filter(|e| !e.is_null()) {
            let field = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or("");
            let error = Error::from_result(field("message"), field("code"));
            if error.is_not_found() {
                continue;
            }
            return Err(error);
        }
        views.push(view(entry, name, uuid));
    }
    Ok(views)
}

/// One model's status as it is answered.
pub fn view(entry: &Value, name: &str, uuid: &str) -> ModelView {
    let number = |key: &str| entry.get(key).and_then(Value::as_i64).unwrap_or(0);
    let list = |key: &str| entry.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let names = |key: &str| -> Vec<String> {
        list(key).iter().filter_map(|a| a.get("name")?.as_str().map(str::to_owned)).collect()
    };
    ModelView {
        name: name.to_owned(),
        uuid: uuid.to_owned(),
        life: entry.get("life").and_then(Value::as_str).unwrap_or("").to_owned(),
        is_controller: entry.get("is-controller").and_then(Value::as_bool).unwrap_or(false)
            || name.ends_with("/controller"),
        hosted_machines: number("hosted-machine-count"),
        applications: number("application-count"),

        application_names: names("applications"),
        machines: list("model-machines").into_iter().chain(list("machines")).collect(),
        volumes: list("volumes"),
        filesystems: list("filesystems"),
    }
}

/// Asks a controller and writes its counts to the client store.
pub async fn controller(context: &mut Context, name: &str) -> Result<()> {
    let api = context.controller_api_of(name).await?;
    let models = all_models(&api).await?;
    let views = statuses(&api, "Controller", &models).await?;
    let machines: i64 = views.iter().map(|v| v.machines.len() as i64).sum();
    let controller = views.iter().find(|v| v.is_controller);
    let voting =
        |key: &str| controller.map_or(0, |v| v.machines.iter().filter(|m| m[key] == Value::Bool(true)).count() as i64);
    let (total, active) = (voting("wants-vote"), voting("has-vote"));
    context.store.update(|all: &mut Controllers| {
        if let Some(entry) = all.controllers.get_mut(name) {
            entry.machine_count = Some(machines);
            entry.controller_machine_count = total;
            entry.active_controller_machine_count = active;
        }
        Ok::<_, Error>(())
    })?;
    let listed = models.into_iter().map(|(name, uuid)| (name, uuid, "iaas".to_owned())).collect();
    context.store_models(name, listed)
}
