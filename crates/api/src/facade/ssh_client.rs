//! Facade `SSHClient`: where a machine is to be reached, and the host keys it will show.

use crate::call::{Call, NoParams};
use crate::error::IntoItem;
use base::{Kind, Refusal, Tag};
use model::query::machine as query;
use model::{AMachine, settings};
use std::sync::Arc;
use wire::facade::ssh_client::*;

/// The machine that a tag names; units are none yet.
fn machine(call: &Call, tag: &str) -> Result<Arc<AMachine>, Refusal> {
    let model = call.model()?;
    let read = call.read();
    let (within, _) = read.model(model)?;
    if let Ok(Tag::Unit(unit)) = tag.parse() {
        return Err(Refusal::new(Kind::NotFound, format!("unit {unit:?} not found")));
    }
    let id = super::machine_manager::machine_of(tag)?;
    let (_, record) = within.machine(&id)?;
    if record.is_controller() {
        let why = "it is the controller's host, on which no user is made; log in to it as you do otherwise";
        return Err(Refusal::new(Kind::NotSupported, format!("ssh to machine {id} of the controller's model: {why}")));
    }
    within.machines.get(&id).cloned().ok_or_else(|| Refusal::not_found("machine", &id))
}

fn no_address(what: &str) -> Refusal {
    Refusal::plain(format!("no {what} address"))
}

fn addresses(call: &Call, params: &Entities, pick: impl Fn(&AMachine) -> Result<String, Refusal>) -> SSHAddressResults {
    let results = params.entities.iter().map(|entity| {
        match machine(call, &entity.tag).and_then(|machine| pick(&machine)).into_item() {
            Ok(address) => SSHAddressResult { address, error: None },
            Err(error) => SSHAddressResult { address: String::new(), error: Some(error) },
        }
    });
    SSHAddressResults { results: results.collect() }
}

pub async fn public_address(call: Call, params: Entities) -> Result<SSHAddressResults, Refusal> {
    let pick = |machine: &AMachine| {
        query::public_address(machine).map(|address| address.value.clone()).ok_or_else(|| no_address("public"))
    };
    Ok(addresses(&call, &params, pick))
}

pub async fn private_address(call: Call, params: Entities) -> Result<SSHAddressResults, Refusal> {
    let pick = |machine: &AMachine| {
        query::private_address(machine).map(|address| address.value.clone()).ok_or_else(|| no_address("private"))
    };
    Ok(addresses(&call, &params, pick))
}

pub async fn all_addresses(call: Call, params: Entities) -> Result<SSHAddressesResults, Refusal> {
    let results = params.entities.iter().map(|entity| match machine(&call, &entity.tag).into_item() {
        Ok(machine) => SSHAddressesResult {
            addresses: query::outside_addresses(&machine).iter().map(|address| address.value.clone()).collect(),
            error: None,
        },
        Err(error) => SSHAddressesResult { addresses: Vec::new(), error: Some(error) },
    });
    Ok(SSHAddressesResults { results: results.collect() })
}

pub async fn public_keys(call: Call, params: Entities) -> Result<SSHPublicKeysResults, Refusal> {
    let keys = |tag: &str| {
        let machine = machine(&call, tag)?;
        let keys = machine.agent.as_ref().map(|agent| agent.ssh_host_keys.clone()).unwrap_or_default();
        match keys.is_empty() {
            false => Ok(keys),
            true => Err(Refusal::new(Kind::NotFound, "keys not found")),
        }
    };
    let results = params.entities.iter().map(|entity| match keys(&entity.tag).into_item() {
        Ok(public_keys) => SSHPublicKeysResult { public_keys, error: None },
        Err(error) => SSHPublicKeysResult { public_keys: Vec::new(), error: Some(error) },
    });
    Ok(SSHPublicKeysResults { results: results.collect() })
}

pub async fn proxy(call: Call, _: NoParams) -> Result<SSHProxyResult, Refusal> {
    let model = call.model()?;
    let read = call.read();
    Ok(SSHProxyResult { use_proxy: settings::flag(read.in_model(model)?, "proxy-ssh") })
}
