//! Which credential a new model gets: one the controller has, else one of the client's, which is uploaded.

use serde_json::{Map, Value, json};

use super::choice::Choice;
use crate::context::{Api, Context};
use crate::error::{Error, Result};

/// `(cloud, owner, name)` of a credential tag.
pub fn parts(tag: &str) -> Option<(&str, &str, &str)> {
    let mut parts = tag.strip_prefix("cloudcred-")?.splitn(3, '_');
    Some((parts.next()?, parts.next()?, parts.next()?))
}

fn not_found(text: &str) -> Error {
    Error::failed(format!(
        "{text}\n\
         Use \n\
         * 'juju add-credential -c' to upload a credential to a controller or\n\
         * 'juju autoload-credentials' to add credentials from local files or\n\
         * 'juju add-model --credential' to use a local credential.\n\
         Use 'juju credentials' to list all available credentials."
    ))
}

/// The credential's tag; none where the cloud wants none.
pub async fn choose(context: &mut Context, api: &Api, choice: &Choice, owner: &str) -> Result<Option<String>> {
    let asked = context.args.text("credential").filter(|c| !c.is_empty()).map(str::to_owned);
    if asked.is_none() && choice.auth_types.iter().any(|t| t == "empty") {
        return Ok(None);
    }
    if let Some(name) = asked {
        return named(context, api, choice, owner, &name).await.map(Some);
    }
    let known = remote(api, choice, owner).await?;
    match known.as_slice() {
        [tag] => Ok(Some(tag.clone())),
        [] => {
            let name = local_default(context, choice)?;
            upload(context, api, choice, owner, &name).await.map(Some)
        }
        several => {
            let names: Vec<String> = several.iter().filter_map(|t| parts(t)).map(|p| format!("  {}", p.2)).collect();
            context.info(format!(
                "More than one credential is available on the controller:\n{}\n\
                 Choose one with '--credential'.",
                names.join("\n")
            ));
            Err(Error::silent(1))
        }
    }
}

async fn remote(api: &Api, choice: &Choice, owner: &str) -> Result<Vec<String>> {
    let cloud = format!("cloud-{}", choice.cloud);
    let params = json!({"user-clouds": [{"user-tag": format!("user-{owner}"), "cloud-tag": cloud}]});
    let tags = api.call_one("Cloud", "UserCredentials", params).await?;
    Ok(tags.as_array().into_iter().flatten().filter_map(|t| t.as_str().map(str::to_owned)).collect())
}

/// One the user named: the client's own is uploaded, so that it is the one meant.
async fn named(context: &mut Context, api: &Api, choice: &Choice, owner: &str, name: &str) -> Result<String> {
    let (of, short) = match name.split_once('/') {
        Some((of, short)) => (of, short),
        None => (owner, name),
    };
    let local = context.store.credentials()?;
    let has = local.credentials.get(&choice.cloud).is_some_and(|c| c.named.contains_key(name));
    if has {
        return upload(context, api, choice, owner, name).await;
    }
    let tag = format!("cloudcred-{}_{of}_{short}", choice.cloud);
    match remote(api, choice, owner).await?.contains(&tag) {
        true => Ok(tag),
        false => Err(not_found(&format!("credential '{name}' not found"))),
    }
}

fn local_default(context: &Context, choice: &Choice) -> Result<String> {
    let all = context.store.credentials()?;
    let Some(of_cloud) = all.credentials.get(&choice.cloud).filter(|c| !c.named.is_empty()) else {
        return Err(not_found(&format!(
            "detecting credentials for {:?} cloud provider: {} credentials not found",
            choice.cloud, choice.cloud_type
        )));
    };
    if let Some(name) = &of_cloud.default_credential {
        return Ok(name.clone());
    }
    match of_cloud.named.keys().collect::<Vec<_>>().as_slice() {
        [name] => Ok((*name).clone()),
        _ => Err(Error::failed(
            "more than one credential is available\nspecify a credential using the --credential argument",
        )),
    }
}

async fn upload(context: &mut Context, api: &Api, choice: &Choice, owner: &str, name: &str) -> Result<String> {
    let all = context.store.credentials()?;
    let attributes = all.credentials.get(&choice.cloud).and_then(|c| c.named.get(name)).cloned().unwrap_or_default();
    let values: Map<String, Value> = attributes.values().map(|(k, v)| (k.to_owned(), json!(v))).collect();
    context.info(format!("Uploading credential '{}/{owner}/{name}' to controller", choice.cloud));
    let tag = format!("cloudcred-{}_{owner}_{name}", choice.cloud);
    let credential = json!({"auth-type": attributes.auth_type(), "attrs": values});
    let params = json!({"credentials": [{"tag": tag, "credential": credential}]});
    match api.call_one("Cloud", "AddCredentials", params).await {
        Ok(_) => Ok(tag),
        Err(error) => {
            context.info(format!("Failed to upload credential: {error}"));
            Err(Error::silent(1))
        }
    }
}
