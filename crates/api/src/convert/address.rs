//! Addresses, and the spaces that they are in.

use model::query::network::space_name_of;
use model::record::address::{Address, Endpoint};
use model::record::network::Network;
use wire::facade::admin::HostPort;
use wire::shared;

pub fn address(network: &Network, address: &Address) -> shared::Address {
    shared::Address {
        value: address.value.clone(),
        r#type: address.kind.clone(),
        scope: address.scope.clone(),
        cidr: address.cidr.clone(),
        space_name: space_name_of(network, &address.value).to_owned(),
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
