//! Credentials that only introduce: with a token a server comes to trust a certificate of this client's, which is the credential from then on.

use base::Secret;
use client::files::{Attributes, Cloud};
use indexmap::IndexMap;
use serde_json::Value;

use crate::bootstrap::{Account, SERVERS};
use crate::context::Context;
use crate::error::{Error, Result};

const INTERACTIVE: &str = "interactive";

/// What is kept of the credentials given; a token that its server takes is used up by it.
pub async fn exchanged(
    context: &mut Context,
    cloud: &Cloud,
    mut given: IndexMap<String, Attributes>,
) -> Result<IndexMap<String, Attributes>> {
    if !SERVERS.contains(&cloud.cloud_type.as_str()) {
        return Ok(given);
    }
    for one in given.values_mut().filter(|one| one.auth_type() == INTERACTIVE) {
        let injected = context.injected.clone();
        let Some(bootstrapper) = &injected.bootstrapper else {
            return Err(Error::failed("this program is the command line alone, and cannot use a trust token"));
        };
        let account = Account {
            endpoint: cloud.endpoint.clone().unwrap_or_default(),
            auth_type: INTERACTIVE.to_owned(),
            attributes: one.values().map(|(key, text)| (key.to_owned(), Secret::new(text))).collect(),
            ..Account::default()
        };
        let account = bootstrapper.account(&cloud.cloud_type, account, context.store.dir()).await?;
        let server = if cloud.cloud_type == "lxd" { "LXD" } else { "Incus" };
        context.info(format!("Uploaded certificate to {server} server."));
        let values = account.attributes.iter().map(|(key, text)| (key.clone(), Value::from(text.reveal())));
        let kind = ("auth-type".to_owned(), Value::from(account.auth_type.as_str()));
        *one = Attributes([kind].into_iter().chain(values).collect());
    }
    Ok(given)
}
