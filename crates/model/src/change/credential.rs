//! Credentials for clouds, and how they are marked when a cloud refuses them.

use super::{Decision, Given, TxnExt};
use crate::beliefs::{Beliefs, InModel, Stored};
use crate::key;
use crate::record::credential::Credential;
use crate::record::model::Model;
use crate::record::status::{ModelStatus, Status, says};
use base::{Kind, Life, ModelUuid, Refusal};
use store::{Guard, Txn};

/// Adds or replaces; no attribute may be in clear. Models that were suspended for it go on.
pub fn put(beliefs: &Beliefs, credential: &Credential, given: Given<'_>) -> Result<Decision, Refusal> {
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
    for (within, model) in using(beliefs, &credential.id()).filter(|_| !credential.invalid) {
        resume(&mut txn, within, model, given);
    }
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

/// What a model says whose cloud does not accept its credential; Juju's words.
pub const SUSPENDED: &str = "suspended since cloud credential is not valid";

/// Room left for models and machines in one change; those without find out by themselves, at their next try.
const IN_ONE_CHANGE: usize = 200;

/// The cloud refused the credential that a model uses: it is marked, and the models that use it are suspended.
pub fn invalidate(beliefs: &Beliefs, model: ModelUuid, reason: &str, given: Given<'_>) -> Result<Decision, Refusal> {
    let (_, record) = beliefs.model(model)?;
    let Some((id, read)) = beliefs.credentials.iter().find(|(_, one)| one.id() == record.credential) else {
        return Err(Refusal::new(Kind::NotFound, "model credential not found"));
    };
    let mut txn = Txn::new();
    let changed = Credential { invalid: true, invalid_reason: reason.to_owned(), ..read.to_record() };
    if changed != **read {
        txn.update(key::credential(&id.0, &id.1, &id.2), read, &changed);
    }
    for (_, model) in using(beliefs, &read.id()).filter(|(_, model)| model.life == Life::Alive) {
        if !says(&model.status, ModelStatus::Suspended, SUSPENDED) && txn.operations() < IN_ONE_CHANGE {
            let status = Status::new(ModelStatus::Suspended, SUSPENDED, given.now);
            txn.update(key::model(model.uuid), model, &Model { status, ..model.to_record() });
        }
    }
    Ok(Decision::new(txn, ()))
}

/// The cloud accepts the credential of a model after all: whoever waited for that goes on.
pub fn accepted(beliefs: &Beliefs, model: ModelUuid, given: Given<'_>) -> Result<Decision, Refusal> {
    let (_, record) = beliefs.model(model)?;
    let Some((id, read)) = beliefs.credentials.iter().find(|(_, one)| one.id() == record.credential) else {
        return Ok(Decision::nothing(()));
    };
    let mut txn = Txn::new();
    if read.invalid {
        let changed = Credential { invalid: false, invalid_reason: String::new(), ..read.to_record() };
        txn.update(key::credential(&id.0, &id.1, &id.2), read, &changed);
    }
    for (within, model) in using(beliefs, &read.id()) {
        resume(&mut txn, within, model, given);
    }
    Ok(Decision::new(txn, ()))
}

fn using<'a>(beliefs: &'a Beliefs, credential: &str) -> impl Iterator<Item = (&'a InModel, &'a Stored<Model>)> {
    beliefs.models().filter(move |(_, model)| model.credential == credential)
}

fn resume(txn: &mut Txn, within: &InModel, model: &Stored<Model>, given: Given<'_>) {
    if model.status.current == ModelStatus::Suspended && txn.operations() < IN_ONE_CHANGE {
        let status = Status::new(ModelStatus::Available, "", given.now);
        txn.update(key::model(model.uuid), model, &Model { status, ..model.to_record() });
        try_again(txn, within, model.uuid);
    }
}

/// Machines of a model that is suspended no more need not wait for their next try, and those before do not count.
pub(crate) fn try_again(txn: &mut Txn, within: &InModel, model: ModelUuid) {
    for (id, whole, _) in within.machines() {
        let Some(read) = whole.instance.as_ref().filter(|_| txn.operations() < IN_ONE_CHANGE) else { continue };
        if read.provisioning.next_try.is_some() {
            let mut instance = read.to_record();
            (instance.provisioning.next_try, instance.provisioning.attempts) = (None, 0);
            txn.update(key::instance(model, id), read, &instance);
        }
    }
}
