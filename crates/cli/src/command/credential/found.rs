//! The cloud that a credential is for, as a controller or this client knows it.

use client::files::Cloud;
use serde_json::{Value, json};

use crate::command::cloud::known;
use crate::context::{Api, Context};
use crate::error::{Error, Result};

pub const HINT: &str = "To view all available clouds, use 'juju clouds'.\nTo add new cloud, use 'juju add-cloud'.";

/// On a controller; none when it is not there for this user.
pub async fn remote(api: &Api, name: &str) -> Result<Option<Cloud>> {
    let reply: Value = api.call("Cloud", "Clouds", json!({})).await?;
    let found = reply.get("clouds").and_then(|all| all.get(format!("cloud-{name}")));
    Ok(found.map(|found| known::read(name, found).cloud))
}

/// On this client.
pub fn local(context: &Context, name: &str) -> Result<Cloud> {
    let found = known::of_client(context)?.into_iter().find(|known| known.name == name);
    found.map(|known| known.cloud).ok_or_else(|| Error::failed(format!("cloud {name} not valid")))
}
