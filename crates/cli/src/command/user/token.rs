//! The command that a new user runs first: made of what the controller gave, shown once.

use base::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use wire::registration::Registration;

use crate::context::{Api, Context};
use crate::error::{Error, Result};

/// The token of a result of `AddUser` or `ResetPassword`.
pub fn of(context: &Context, api: &Api, user: &str, result: &Value) -> Result<Secret> {
    let key = result.get("secret-key").and_then(Value::as_str).unwrap_or_default();
    let key = STANDARD.decode(key).map_err(|_| Error::failed("cannot read the secret key that the controller gave"))?;
    let known = context.store.controllers()?;
    let addresses = known.controllers.get(&api.controller).map(|one| one.api_endpoints.clone()).unwrap_or_default();
    let controller = api.controller.clone();
    Ok(Registration { user: user.to_owned(), addresses, key, controller, proxy: String::new() }.token())
}
