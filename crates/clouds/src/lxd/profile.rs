//! The profile that machines of a model share (`wire/commands-controllers.md` 21.1).
//! It is found by its marks: a model may be renamed, and its profile keeps its name.

use hyper::Method;
use serde_json::{Value, json};

use cloud::{ModelRef, Thing};

use super::client::Client;
use super::error::Failed;
use super::instance::mark;
use super::server::Profile;

/// Every instance has it; from it come the root disk and the network.
pub const DEFAULT: &str = "default";
const KIND: &str = "profile";

fn name_of(model: &ModelRef) -> String {
    let plain: String =
        model.name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' }).collect();
    format!("juju-{plain}-{}", model.model.chars().take(6).collect::<String>())
}

pub async fn all(client: &Client) -> Result<Vec<Profile>, Failed> {
    client.read(&["profiles"], "recursion=1").await
}

fn is_of(profile: &Profile, controller: &str, model: Option<&str>) -> bool {
    let marked = |key: &str, value: &str| profile.config.get(key).is_some_and(|found| found == value);
    marked(mark::CONTROLLER, controller) && model.is_none_or(|model| marked(mark::MODEL, model))
}

/// Makes it unless it is there; its name.
pub async fn ensure(client: &Client, model: &ModelRef) -> Result<String, Failed> {
    let found = all(client).await?.into_iter().find(|one| is_of(one, &model.controller, Some(&model.model)));
    if let Some(profile) = found {
        return Ok(profile.name);
    }
    let name = name_of(model);
    let body = json!({
        "name": name,
        "description": format!("Machines of model {}", model.name),
        "config": {
            "boot.autostart": "true",
            "security.nesting": "true",
            mark::CONTROLLER: model.controller,
            mark::MODEL: model.model,
        },
        "devices": {},
    });
    match client.change(Method::POST, &["profiles"], "", &body).await {
        Ok(_) => Ok(name),
        // Somebody asked at the same time; whose it is the next look shows.
        Err(failed) if failed.is_taken() => {
            let profile: Profile = client.read(&["profiles", &name], "").await?;
            match is_of(&profile, &model.controller, Some(&model.model)) {
                true => Ok(name),
                false => {
                    Err(Failed::Said { status: 409, words: format!("profile {name:?} is there and is none of ours") })
                }
            }
        }
        Err(failed) => Err(failed),
    }
}

/// Those of a controller.
pub async fn things(client: &Client, controller: &str) -> Result<Vec<Thing>, Failed> {
    let ours = all(client).await?.into_iter().filter(|one| is_of(one, controller, None));
    Ok(ours
        .map(|mut one| {
            let model = one.config.remove(mark::MODEL).unwrap_or_default();
            Thing { kind: KIND.into(), id: one.name, model, since: None }
        })
        .collect())
}

/// One that is the controller's.
pub async fn remove_one(client: &Client, controller: &str, thing: &Thing) -> Result<(), Failed> {
    let is_it = |one: &Profile| thing.kind == KIND && one.name == thing.id && is_of(one, controller, None);
    remove_those(client, is_it).await
}

/// Of one model, or of all of a controller.
pub async fn remove(client: &Client, controller: &str, model: Option<&str>) -> Result<(), Failed> {
    remove_those(client, |one| is_of(one, controller, model)).await
}

async fn remove_those(client: &Client, which: impl Fn(&Profile) -> bool) -> Result<(), Failed> {
    for profile in all(client).await?.into_iter().filter(which) {
        match client.change(Method::DELETE, &["profiles", &profile.name], "", &Value::Null).await {
            Err(failed) if !failed.is_missing() => return Err(failed),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_named_as_juju_does() {
        let model = ModelRef { controller: "c".into(), model: "f47ac10b-58cc".into(), name: "my model".into() };
        assert_eq!(name_of(&model), "juju-my-model-f47ac1");
    }
}
