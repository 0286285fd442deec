//! Credentials to a controller, which asks the cloud and the models that use them; and its answer in words.

use serde_json::{Value, json};

use crate::context::{Api, Context};
use crate::error::{Error, Result};

/// What is uploaded, and in what words.
pub struct Upload<'a> {
    pub cloud: &'a str,
    /// Names with what [`super::local::tagged`] made of them.
    pub credentials: Vec<(String, Value)>,
    pub force: bool,
    /// `added`, `updated`.
    pub done: &'a str,
}

/// Fails, all told, when a credential was not taken.
pub async fn upload(context: &mut Context, api: &Api, upload: Upload<'_>) -> Result<()> {
    let tagged: Vec<&Value> = upload.credentials.iter().map(|(_, told)| told).collect();
    let params = json!({"credentials": tagged, "force": upload.force});
    let reply: Value = match api.call("Cloud", "UpdateCredentialsCheckModels", params).await {
        Ok(reply) => reply,
        Err(error) => {
            context.log_error(error.to_string());
            context.warn(format!("Could not update credentials remotely, on controller {:?}", api.controller));
            return Err(Error::silent(1));
        }
    };
    let results = reply.get("results").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut failed = false;
    for ((name, _), result) in upload.credentials.iter().zip(&results) {
        let broken = models(context, result);
        let whose = format!(
            "Controller credential {name:?} for user {:?} for cloud {:?} on controller {:?}",
            api.user, upload.cloud, api.controller
        );
        let error = result.pointer("/error/message").and_then(Value::as_str);
        match error {
            Some(_) if broken => failed = true,
            Some(words) => {
                context.warn(format!("{whose} not {}: {words}.", upload.done));
                failed = true;
            }
            None => {
                context.info(format!("{whose} {}.", upload.done));
                context.info(format!("For more information, see 'juju show-credential {} {name}'.", upload.cloud));
            }
        }
    }
    if failed { Err(Error::silent(1)) } else { Ok(()) }
}

/// Tells for which models it holds; true when there is one for which it does not.
fn models(context: &mut Context, result: &Value) -> bool {
    let empty = Vec::new();
    let all = result.get("models").and_then(Value::as_array).unwrap_or(&empty);
    let name = |model: &Value| model.get("name").and_then(Value::as_str).unwrap_or("").to_owned();
    let errors = |model: &Value| -> Vec<String> {
        let errors = model.get("errors").and_then(Value::as_array).into_iter().flatten();
        errors.filter_map(|one| Some(one.pointer("/error/message")?.as_str()?.to_owned())).collect()
    };
    let (bad, good): (Vec<&Value>, Vec<&Value>) = all.iter().partition(|model| !errors(model).is_empty());
    if !good.is_empty() {
        context.info("Credential valid for:");
        good.iter().for_each(|model| context.info(format!("  {}", name(model))));
    }
    if !bad.is_empty() {
        context.info("Credential invalid for:");
        for model in &bad {
            context.info(format!("  {}:", name(model)));
            errors(model).iter().for_each(|words| context.info(format!("    {words}")));
        }
        context.info("Failed models may require a different credential.");
        context.info("Use 'juju set-credential' to change credential for these models before repeating this update.");
    }
    !bad.is_empty()
}
