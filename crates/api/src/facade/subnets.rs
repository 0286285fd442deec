//! Facade `Subnets`: the subnets that a model knows, and the cloud's zones.

use crate::call::{Call, NoParams};
use crate::error::IntoItem;
use base::{Refusal, Tag};
use ipnet::IpNet;
use model::record::network::{Network, Subnet as Record};
use wire::facade::subnets::*;

/// As it is shown; all of them live, they go when they are gone.
pub fn shown(network: &Network, subnet: &Record) -> Subnet {
    Subnet {
        cidr: subnet.cidr.to_string(),
        life: "alive".into(),
        provider_id: subnet.provider_id.clone(),
        provider_network_id: subnet.provider_network_id.clone(),
        space_tag: Tag::Space(network.space_name(&subnet.space).to_owned()).to_string(),
        zones: subnet.zones.clone(),
        ..Subnet::default()
    }
}

pub async fn list(call: Call, filters: SubnetsFilters) -> Result<ListSubnetsResults, Refusal> {
    let space = match filters.space_tag.as_str() {
        "" => None,
        tag => match tag.parse() {
            Ok(Tag::Space(name)) => Some(name),
            _ => return Err(Refusal::plain(format!("{tag:?} is not a valid space tag"))),
        },
    };
    let read = call.read();
    let network = read.in_model(call.model()?)?.network();
    let is_asked_for = |subnet: &&Record| {
        space.as_ref().is_none_or(|name| network.space_name(&subnet.space) == name)
            && (filters.zone.is_empty() || subnet.zones.contains(&filters.zone))
    };
    let results = network.subnets.iter().filter(is_asked_for).map(|subnet| shown(&network, subnet)).collect();
    Ok(ListSubnetsResults { results })
}

pub async fn zones(call: Call, _: NoParams) -> Result<ZoneResults, Refusal> {
    let read = call.read();
    let (_, record) = read.model(call.model()?)?;
    let zones = call.session.shared().advice.zones(record.account()).into_iter();
    Ok(ZoneResults { results: zones.map(|name| ZoneResult { name, available: true, error: None }).collect() })
}

pub async fn by_cidr(call: Call, params: CIDRParams) -> Result<SubnetsResults, Refusal> {
    let read = call.read();
    let network = read.in_model(call.model()?)?.network();
    let find = |text: &String| {
        let cidr: IpNet = text
            .parse()
            .map_err(|_| Refusal::plain(format!("CIDR {text:?} not valid: invalid CIDR address: {text}")))?;
        let found = network.subnet(&cidr.trunc());
        found.ok_or_else(|| Refusal::not_found("subnet", format!("{text:?}")))
    };
    let results = params.cidrs.iter().map(|text| match find(text).into_item() {
        Ok(found) => SubnetsResult { subnets: vec![with_id(shown(&network, found), &found.id)], error: None },
        Err(error) => SubnetsResult { subnets: Vec::new(), error: Some(error) },
    });
    Ok(SubnetsResults { results: results.collect() })
}

fn with_id(subnet: Subnet, id: &str) -> SubnetV2 {
    let Subnet { cidr, life, provider_id, provider_network_id, provider_space_id, space_tag, status, vlan_tag, zones } =
        subnet;
    let id = id.to_owned();
    SubnetV2 { cidr, id, life, provider_id, provider_network_id, provider_space_id, space_tag, status, vlan_tag, zones }
}
