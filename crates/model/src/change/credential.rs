//! Credentials for clouds, and how they are marked when a cloud refuses them.

use super::{Decision, Given, TxnExt};
use crate::beliefs::Beliefs;
use crate::key;
use crate::record::credential::Credential;
use base::{Kind, ModelUuid, Refusal};
use store::{Guard, Txn};

/// Adds or replaces; no attribute may be in clear.
pub fn put(beliefs: &Beliefs, credential: &Credential, _: Given<'_>) -> Result<Decision, Refusal> {
    let Some(cloud) = beliefs.clouds.get(&credential.cloud) else {
        return Err(Refusal::new(Kind::NotFound, format!("cloud {:?} not found", credential.cloud)));
    };
    if !cloud.auth_types.is_empty() && !cloud.auth_types.contains(&credential.auth_type) {
        return Err(Refusal::plain(format!(
            "credential {:?} with auth-type {:?} is not supported (expected one of {:?})",
            credential.name, credential.auth_type, cloud.auth_types
        )));
    }
    if !credential.attributes.is_empty() {
        return Err(Refusal::internal("credential cannot be kept", "its attributes are not sealed"));
    }
    let id = (credential.cloud.clone(), credential.owner.clone(), credential.name.clone());
    let mut txn = Txn::new();
    txn.upsert(key::credential(&id.0, &id.1, &id.2), beliefs.credentials.get(&id), credential);
    txn.guard(key::cloud(&credential.cloud), Guard::Present);
    Ok(Decision::new(txn, ()))
}

/// Puts sealed attributes where those of an earlier release are in clear; nothing where another did it meanwhile.
pub fn seal(
    beliefs: &Beliefs,
    id: &(String, String, String),
    sealed: &str,
    revision: store::Revision,
    _: Given<'_>,
) -> Result<Decision, Refusal> {
    let mut txn = Txn::new();
    if let Some(read) = beliefs.credentials.get(id).filter(|read| read.revision == revision) {
        let changed = Credential { attributes: Default::default(), sealed: sealed.to_owned(), ..read.to_record() };
        txn.update(key::credential(&id.0, &id.1, &id.2), read, &changed);
    }
    Ok(Decision::new(txn, ()))
}

/// Refused while models use it, unless `force`.
pub fn revoke(
    beliefs: &Beliefs,
    cloud: &str,
    owner: &str,
    name: &str,
    force: bool,
    _: Given<'_>,
) -> Result<Decision, Refusal> {
    let id = (cloud.to_owned(), owner.to_owned(), name.to_owned());
    let Some(read) = beliefs.credentials.get(&id) else {
        return Err(Refusal::new(Kind::NotFound, format!("cloud credential \"{cloud}/{owner}/{name}\" not found")));
    };
    let users = beliefs.models().filter(|(_, model)| model.credential == read.id()).count();
    if users > 0 && !force {
        return Err(Refusal::plain(format!(
            "cannot revoke credential cloudcred-{cloud}_{owner}_{name}: it is still used by {users} model{}",
            if users == 1 { "" } else { "s" }
        )));
    }
    let mut txn = Txn::new();
    txn.remove(key::credential(cloud, owner, name), read.revision);
    Ok(Decision::new(txn, ()))
}

/// The cloud refused the credential that a model uses.
pub fn invalidate(beliefs: &Beliefs, model: ModelUuid, reason: &str, _: Given<'_>) -> Result<Decision, Refusal> {
    let (_, record) = beliefs.model(model)?;
    let Some((id, read)) = beliefs.credentials.iter().find(|(_, one)| one.id() == record.credential) else {
        return Err(Refusal::new(Kind::NotFound, "model credential not found"));
    };
    let mut txn = Txn::new();
    let changed = Credential { invalid: true, invalid_reason: reason.to_owned(), ..read.to_record() };
    txn.update(key::credential(&id.0, &id.1, &id.2), read, &changed);
    Ok(Decision::new(txn, ()))
}
