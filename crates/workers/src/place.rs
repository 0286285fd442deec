//! Where a machine is: which model, which cloud. Shared words of the workers that deal with instances.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base::{MachineId, ModelUuid, Refusal};
use cloud::{Cloud, Clouds, ModelRef};
use model::beliefs::Beliefs;
use model::change;
use model::record::address::Address;
use model::record::credential::Credential;
use model::record::status::InstanceStatus;

use crate::driver::Failure;
use crate::parts::Parts;

/// A machine of a model: what most workers work on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub model: ModelUuid,
    pub machine: MachineId,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "machine {} of model {}", self.machine, self.model)
    }
}

/// A model's cloud, and the model in the cloud's words.
pub(crate) fn cloud_of(
    beliefs: &Beliefs,
    clouds: &Clouds,
    model: ModelUuid,
) -> Result<(Arc<dyn Cloud>, ModelRef), String> {
    let (_, record) = beliefs.model(model).map_err(|refusal| refusal.words().to_owned())?;
    let controller = beliefs.controller().map_err(|refusal| refusal.words().to_owned())?;
    let cloud = clouds.get(record.account()).ok_or_else(|| match record.credential.as_str() {
        "" => format!("cloud {:?} is not known to this controller", record.cloud),
        credential => format!("cloud {:?} cannot be used with credential {credential:?}", record.cloud),
    })?;
    let told = ModelRef { controller: controller.uuid.clone(), model: model.to_string(), name: record.name.clone() };
    Ok((cloud, told))
}

fn credential_of(beliefs: &Beliefs, model: ModelUuid) -> Option<Credential> {
    let (_, record) = beliefs.model(model).ok()?;
    beliefs.credentials.values().find(|one| one.id() == record.credential).map(|one| one.to_record())
}

/// A credential that was updated opens its cloud anew a moment later.
const REOPENED: Duration = Duration::from_secs(1);

/// `refused`, a cloud, does not accept the credential of a model: whoever looks is told, until it does. What one says that was opened with another
/// credential is no word on this one: then it answers false.
pub(crate) async fn denied(
    parts: &Parts,
    model: ModelUuid,
    refused: &Arc<dyn Cloud>,
    error: &cloud::Error,
) -> Result<bool, Refusal> {
    let (state, reason) = (&parts.state, error.to_string());
    let before = credential_of(&state.read(), model);
    if before.is_none() {
        return Ok(true);
    }
    tokio::time::sleep(REOPENED).await;
    let read = state.read();
    let is_same = cloud_of(&read, &parts.clouds, model).is_ok_and(|(cloud, _)| Arc::ptr_eq(&cloud, refused));
    if !is_same || credential_of(&read, model) != before {
        return Ok(false);
    }
    state.change(|beliefs, given| change::credential::invalidate(beliefs, model, &reason, given)).await?;
    Ok(true)
}

pub(crate) fn address(seen: &cloud::Address) -> Address {
    let mut address = Address::of(&seen.value.to_string());
    let scope = match seen.scope {
        cloud::AddressScope::Public => "public",
        cloud::AddressScope::CloudLocal => "local-cloud",
        cloud::AddressScope::MachineLocal => "local-machine",
    };
    scope.clone_into(&mut address.scope);
    address
}

pub(crate) fn status(seen: cloud::InstanceStatus) -> InstanceStatus {
    match seen {
        cloud::InstanceStatus::Allocating => InstanceStatus::Allocating,
        cloud::InstanceStatus::Running => InstanceStatus::Running,
        cloud::InstanceStatus::Error => InstanceStatus::Error,
        cloud::InstanceStatus::Stopped | cloud::InstanceStatus::Stopping | cloud::InstanceStatus::Unknown => {
            InstanceStatus::Unknown
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        match refusal.context() {
            Some(context) => Failure::new(format!("{}: {context}", refusal.words())),
            None => Failure::new(refusal.words()),
        }
    }
}
