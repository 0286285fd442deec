//! Facade `Subnets`: none are recorded, so none are shown. Zones are the cloud's.

use crate::call::{Call, NoParams};
use base::Refusal;
use wire::facade::subnets::*;

pub async fn list(_: Call, _: SubnetsFilters) -> Result<ListSubnetsResults, Refusal> {
    Ok(ListSubnetsResults::default())
}

pub async fn zones(call: Call, _: NoParams) -> Result<ZoneResults, Refusal> {
    let read = call.read();
    let (_, record) = read.model(call.model()?)?;
    let zones = call.session.shared().advice.zones(&record.cloud).into_iter();
    Ok(ZoneResults { results: zones.map(|name| ZoneResult { name, available: true, error: None }).collect() })
}

pub async fn by_cidr(_: Call, params: CIDRParams) -> Result<SubnetsResults, Refusal> {
    Ok(SubnetsResults { results: params.cidrs.iter().map(|_| SubnetsResult::default()).collect() })
}
