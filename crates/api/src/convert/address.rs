//! Addresses. Everything is in the one space there is, `alpha`.

use model::record::address::{Address, Endpoint};
use wire::facade::admin::HostPort;
use wire::shared;

pub fn address(address: &Address) -> shared::Address {
    shared::Address {
        value: address.value.clone(),
        r#type: address.kind.clone(),
        scope: address.scope.clone(),
        cidr: address.cidr.clone(),
        space_name: "alpha".into(),
        ..shared::Address::default()
    }
}

pub fn host_port(endpoint: &Endpoint) -> HostPort {
    HostPort {
        value: endpoint.address.value.clone(),
        r#type: endpoint.address.kind.clone(),
        scope: endpoint.address.scope.clone(),
        port: endpoint.port.into(),
        ..HostPort::default()
    }
}
