//! Facade `Subnets`: none are recorded, so none are shown.

use crate::call::{Call, NoParams};
use base::Refusal;
use wire::facade::subnets::*;

pub async fn list(_: Call, _: SubnetsFilters) -> Result<ListSubnetsResults, Refusal> {
    Ok(ListSubnetsResults::default())
}

pub async fn zones(_: Call, _: NoParams) -> Result<ZoneResults, Refusal> {
    Ok(ZoneResults::default())
}

pub async fn by_cidr(_: Call, params: CIDRParams) -> Result<SubnetsResults, Refusal> {
    Ok(SubnetsResults { results: params.cidrs.iter().map(|_| SubnetsResult::default()).collect() })
}
