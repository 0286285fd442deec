//! Clouds beside the one that the controller began with.

use super::{Decision, Given, TxnExt, model_defaults};
use crate::beliefs::Beliefs;
use crate::key::{self, Object};
use crate::record::access::Access;
use crate::record::cloud::{Cloud, Region};
use base::cloud_type::BUILTIN;
use base::{Kind, Refusal};
use store::Txn;

/// Types of clouds whose machines reach a controller that is a process of a host.
const REACHED: &[&str] = &[BUILTIN, "lxd", "incus", "ec2", "manual"];

/// Refused when machines of such a cloud may not work with this controller, unless `force`.
pub fn add(beliefs: &Beliefs, cloud: &Cloud, by: &str, force: bool, _: Given<'_>) -> Result<Decision, Refusal> {
    if !base::tag::is_cloud_name(&cloud.name) {
        return Err(Refusal::plain(format!("cloud name {:?} not valid", cloud.name)));
    }
    if beliefs.clouds.contains_key(&cloud.name) {
        return Err(Refusal::new(Kind::AlreadyExists, format!("cloud {:?} already exists", cloud.name)));
    }
    let cloud = checked(cloud)?;
    refuse_second_host(beliefs, &cloud)?;
    let own = beliefs.clouds.get(&beliefs.controller()?.cloud).map_or("", |own| own.kind.as_str());
    if !force && cloud.kind != own && !REACHED.contains(&cloud.kind.as_str()) {
        let words = format!("cloud type {own:?} is not compatible with cloud type {:?}", cloud.kind);
        return Err(Refusal::new(Kind::IncompatibleClouds, words));
    }
    let mut txn = Txn::new();
    txn.add(key::cloud(&cloud.name), &cloud);
    let access = Access { level: "admin".into() };
    txn.put(key::access(&Object::Cloud(cloud.name.clone()), by), crate::record::encode(&access));
    Ok(Decision::new(txn, ()))
}

/// The builtin cloud is the controller's own host: a controller has it from the beginning, once, or not at all.
fn refuse_second_host(beliefs: &Beliefs, cloud: &Cloud) -> Result<(), Refusal> {
    if cloud.kind != BUILTIN {
        return Ok(());
    }
    Err(Refusal::plain(match beliefs.clouds.values().find(|known| known.kind == BUILTIN) {
        Some(known) => format!("the builtin cloud of this controller is {:?} already: it has but one host", known.name),
        None => "machines of the builtin cloud are on their controller's own host: bootstrap one there".to_owned(),
    }))
}

/// A description that can be kept: one without regions has the region `default`.
pub(super) fn checked(cloud: &Cloud) -> Result<Cloud, Refusal> {
    if cloud.kind.is_empty() {
        return Err(Refusal::new(Kind::NotValid, "empty Type not valid"));
    }
    if let Some(other) = cloud.auth_types.iter().find(|one| !base::cloud_type::is_auth_type(&cloud.kind, one)) {
        return Err(Refusal::new(Kind::NotValid, format!("auth type {other:?} not valid")));
    }
    let mut cloud = cloud.clone();
    if cloud.auth_types.is_empty() {
        let of_type = base::cloud_type::CloudType::of(&cloud.kind);
        cloud.auth_types = of_type.into_iter().flat_map(|of| of.auth_types).map(|one| one.name.to_owned()).collect();
    }
    if cloud.regions.is_empty() {
        cloud.regions.push(Region { name: "default".into(), ..Region::default() });
    }
    model_defaults::checked_definition(cloud)
}

/// Describes a cloud anew. Its name and type stay, and so do the regions that models are in.
pub fn update(beliefs: &Beliefs, cloud: &Cloud, _: Given<'_>) -> Result<Decision, Refusal> {
    let Some(read) = beliefs.clouds.get(&cloud.name) else {
        return Err(Refusal::new(Kind::NotFound, format!("cloud {:?} not found", cloud.name)));
    };
    if read.kind != cloud.kind {
        let words =
            format!("cannot change the type of cloud {:?} from {:?} to {:?}", cloud.name, read.kind, cloud.kind);
        return Err(Refusal::plain(words));
    }
    let changed = Cloud { description: read.description.clone(), ..checked(cloud)? };
    let mut models = beliefs.models().map(|(_, model)| model).filter(|model| model.cloud == cloud.name);
    let lost = models.find(|model| !model.region.is_empty() && !changed.regions.iter().any(|r| r.name == model.region));
    if let Some(model) = lost {
        return Err(Refusal::plain(format!(
            "cannot remove region {:?}: model {:?} is in it",
            model.region, model.name
        )));
    }
    let mut txn = Txn::new();
    model_defaults::keep_regions(&mut txn, beliefs, &changed);
    txn.update(key::cloud(&cloud.name), read, &changed);
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
    txn.delete(key::model_defaults(name));
    for one in beliefs.credentials.values().filter(|one| one.cloud == name) {
        txn.delete(key::credential(&one.cloud, &one.owner, &one.name));
    }
    for (user, _) in beliefs.access_on(&Object::Cloud(name.to_owned())) {
        txn.delete(key::access(&Object::Cloud(name.to_owned()), user));
    }
    Ok(Decision::new(txn, ()))
}
