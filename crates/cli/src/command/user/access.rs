//! What `grant` and `revoke` share: what the words of a line mean, and one call with all changes.
//!
//! The surprise: whether a level is one of the controller, of models or of offers follows from what is named behind it.

use serde_json::{Value, json};

use crate::context::{Api, Context};
use crate::error::{Error, Result};
use crate::select::{self, ModelRef};

const OF_MODELS: &[&str] = &["read", "write", "admin"];
const OF_CONTROLLER: &[&str] = &["login", "superuser"];
const OF_OFFERS: &[&str] = &["read", "consume", "admin"];
const OF_CLOUDS: &[&str] = &["add-model", "admin"];

/// Levels for completion.
pub const LEVELS: &[&str] = &["read", "write", "admin", "login", "superuser", "consume"];
pub const CLOUD_LEVELS: &[&str] = OF_CLOUDS;

/// `grant` or `revoke`, as the command's name and the call's action are.
pub async fn change(context: &mut Context, action: &str) -> Result<()> {
    let words = context.args.positional().to_vec();
    let [user, level, objects @ ..] = words.as_slice() else {
        return Err(Error::usage(if words.is_empty() { "no user specified" } else { "no permission level specified" }));
    };
    if !select::is_user(user) {
        return Err(Error::failed(format!("invalid username: {user:?}")));
    }
    let (offers, models): (Vec<&String>, Vec<&String>) = objects.iter().partition(|name| is_offer(name));
    match (models.is_empty(), offers.is_empty()) {
        (false, false) => Err(Error::usage("either specify model names or offer URLs but not both")),
        (true, true) => on_controller(context, action, user, level).await,
        (false, true) => on_models(context, action, user, level, &models).await,
        (true, false) => on_offers(context, action, user, level, &offers).await,
    }
}

/// `[controller:][owner/]model.offer`.
fn is_offer(name: &str) -> bool {
    name.rsplit(['/', ':']).next().is_some_and(|last| last.contains('.'))
}

async fn on_controller(context: &mut Context, action: &str, user: &str, level: &str) -> Result<()> {
    if OF_MODELS.contains(&level) || OF_OFFERS.contains(&level) {
        let program = &context.program;
        return Err(Error::usage(format!(
            "You have specified a model access permission {level:?}.\n\
             If you intended to change model access, you need to specify one or more model names.\n\
             See '{program} help {action}'."
        )));
    }
    let api = context.controller_api().await?;
    let changes = json!([{"user-tag": format!("user-{user}"), "action": action, "access": level}]);
    api.call_one("Controller", "ModifyControllerAccess", json!({"changes": changes})).await.map(drop)
}

async fn on_models(context: &mut Context, action: &str, user: &str, level: &str, models: &[&String]) -> Result<()> {
    if OF_CONTROLLER.contains(&level) {
        let program = &context.program;
        return Err(Error::usage(format!(
            "You have specified a controller access permission {level:?}.\n\
             If you intended to change controller access, do not specify any model names or offer URLs.\n\
             See '{program} help {action}'."
        )));
    }
    if !OF_MODELS.contains(&level) {
        return Err(Error::usage(format!("{level:?} model access not valid")));
    }
    if let Some(bad) = models.iter().find(|name| name.contains(':')) {
        return Err(Error::usage(format!("model name {bad:?} not valid")));
    }
    let controller = context.controller_name()?;
    let mut changes = Vec::new();
    for model in models {
        let named = ModelRef { controller: controller.clone(), model: (*model).clone() };
        let (_, uuid) = context.find_model(&named).await?;
        changes.push(json!({
            "user-tag": format!("user-{user}"), "action": action, "access": level, "model-tag": format!("model-{uuid}"),
        }));
    }
    let api = context.controller_api().await?;
    let shared = |change: &Value| {
        let uuid = change["model-tag"].as_str().and_then(|tag| tag.strip_prefix("model-")).unwrap_or_default();
        format!("model {uuid:?} is already shared with {user:?}")
    };
    all(context, &api, ("ModelManager", "ModifyModelAccess"), changes, shared).await
}

async fn on_offers(context: &mut Context, action: &str, user: &str, level: &str, offers: &[&String]) -> Result<()> {
    if !OF_OFFERS.contains(&level) {
        return Err(Error::usage(format!("{level:?} offer access not valid")));
    }
    let changes = offers
        .iter()
        .map(|url| json!({"user-tag": format!("user-{user}"), "action": action, "access": level, "offer-url": url}));
    let (changes, api) = (changes.collect(), context.controller_api().await?);
    let shared = |change: &Value| format!("offer {} is already shared with {user:?}", change["offer-url"]);
    all(context, &api, ("ApplicationOffers", "ModifyOfferAccess"), changes, shared).await
}

/// `grant-cloud` and `revoke-cloud`.
pub async fn change_clouds(context: &mut Context, action: &str) -> Result<()> {
    let words = context.args.positional().to_vec();
    let [user, level, clouds @ ..] = words.as_slice() else {
        return Err(Error::usage(if words.is_empty() { "no user specified" } else { "no permission level specified" }));
    };
    let level = if level == "addmodel" { "add-model" } else { level };
    if !OF_CLOUDS.contains(&level) {
        return Err(Error::usage(format!("{level:?} cloud access not valid")));
    }
    if clouds.is_empty() {
        let program = &context.program;
        return Err(Error::usage(format!(
            "You need to specify one or more cloud names.\nSee '{program} help {action}-cloud'."
        )));
    }
    let changes = clouds.iter().map(|cloud| {
        json!({"user-tag": format!("user-{user}"), "cloud-tag": format!("cloud-{cloud}"), "action": action, "access": level})
    });
    let (changes, api) = (changes.collect(), context.controller_api().await?);
    let shared = |change: &Value| {
        let cloud = change["cloud-tag"].as_str().and_then(|tag| tag.strip_prefix("cloud-")).unwrap_or_default();
        format!("cloud {cloud:?} is already shared with {user:?}")
    };
    all(context, &api, ("Cloud", "ModifyCloudAccess"), changes, shared).await
}

/// All changes in one call. What is so already is a warning; of what was refused all is told.
async fn all(
    context: &mut Context,
    api: &Api,
    (facade, method): (&str, &str),
    changes: Vec<Value>,
    shared: impl Fn(&Value) -> String,
) -> Result<()> {
    let results = api.call_each(facade, method, json!({"changes": changes})).await?;
    let mut failed: Vec<Error> = Vec::new();
    for (change, result) in changes.iter().zip(results) {
        match result {
            Err(error) if error.code() == "already exists" => context.warn(shared(change)),
            Err(error) if failed.iter().all(|other| other.message() != error.message()) => failed.push(error),
            Err(_) | Ok(_) => {}
        }
    }
    let words: Vec<&str> = failed.iter().map(Error::message).collect();
    let words = words.join("\n");
    failed.into_iter().next().map_or(Ok(()), |first| Err(first.with_message(words)))
}
