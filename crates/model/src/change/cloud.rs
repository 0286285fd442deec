//! Clouds beside the one that the controller began with.

use super::{Decision, Given, TxnExt};
use crate::beliefs::Beliefs;
use crate::key::{self, Object};
use crate::record::access::Access;
use crate::record::cloud::Cloud;
use base::{Kind, Refusal};
use store::Txn;

pub fn add(beliefs: &Beliefs, cloud: &Cloud, by: &str, _: Given<'_>) -> Result<Decision, Refusal> {
    if !base::tag::is_cloud_name(&cloud.name) {
        return Err(Refusal::plain(format!("cloud name {:?} not valid", cloud.name)));
    }
    if beliefs.clouds.contains_key(&cloud.name) {
        return Err(Refusal::new(Kind::AlreadyExists, format!("cloud {:?} already exists", cloud.name)));
    }
    let mut txn = Txn::new();
    txn.add(key::cloud(&cloud.name), cloud);
    let access = Access { level: "admin".into() };
    txn.put(key::access(&Object::Cloud(cloud.name.clone()), by), crate::record::encode(&access));
    Ok(Decision::new(txn, ()))
}

pub fn remove(beliefs: &Beliefs, name: &str, _: Given<'_>) -> Result<Decision, Refusal> {
    let Some(read) = beliefs.clouds.get(name) else {
        return Err(Refusal::new(Kind::NotFound, format!("cloud {name:?} not found")));
    };
    if beliefs.controller()?.cloud == name {
        return Err(Refusal::plain("cannot remove controller's own cloud"));
    }
    let users = beliefs.models().filter(|(_, model)| model.cloud == name).count();
    if users > 0 {
        return Err(Refusal::plain(format!("cloud is used by {users} model{}", if users == 1 { "" } else { "s" })));
    }
    let mut txn = Txn::new();
    txn.remove(key::cloud(name), read.revision);
    for one in beliefs.credentials.values().filter(|one| one.cloud == name) {
        txn.delete(key::credential(&one.cloud, &one.owner, &one.name));
    }
    for (user, _) in beliefs.access_on(&Object::Cloud(name.to_owned())) {
        txn.delete(key::access(&Object::Cloud(name.to_owned()), user));
    }
    Ok(Decision::new(txn, ()))
}
