//! Networks as machines see them: what subnets there are, and whether one would get an address in them.

use cloud::{Error, SeenSubnet};
use serde::Deserialize;
use std::collections::BTreeMap;

use super::client::Client;
use super::error::Failed;
use super::instance::null_is_none;
use super::profile::DEFAULT;
use super::server::Profile;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Network {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    managed: bool,
    #[serde(deserialize_with = "null_is_none")]
    config: BTreeMap<String, String>,
}

impl Network {
    fn set(&self, key: &str) -> Option<&str> {
        self.config.get(key).map(String::as_str).filter(|value| !matches!(*value, "" | "none"))
    }

    fn cidrs(&self) -> impl Iterator<Item = &str> {
        ["ipv4.address", "ipv6.address"].into_iter().filter_map(|key| self.set(key))
    }

    /// Managed bridges and OVN networks give out addresses unless they are told not to.
    fn gives_addresses(&self) -> bool {
        let on = |key: &str| self.config.get(key).is_none_or(|value| value != "false");
        let v4 = self.set("ipv4.address").is_some() && on("ipv4.dhcp");
        // Without DHCP, routers' advertisements give addresses of version 6.
        v4 || self.set("ipv6.address").is_some()
    }
}

async fn used(client: &Client, profile: &Profile) -> Result<Vec<Network>, Failed> {
    let mut found = Vec::new();
    for name in profile.networks() {
        match client.read::<Network>(&["networks", name], "").await {
            Ok(network) => found.push(network),
            // A bridge of the host's own that the server was not told of.
            Err(failed) if failed.is_missing() => {}
            Err(failed) => return Err(failed),
        }
    }
    Ok(found)
}

/// An error says why a machine made with the default profile would not come up, and the cure.
pub async fn check(client: &Client) -> Result<(), Error> {
    let profile: Profile = client.read(&["profiles", DEFAULT], "").await?;
    if profile.root_disk().is_none() {
        let cure = "add one: profile device add default root disk path=/ pool=POOL";
        return Err(Error::permanent(format!("profile \"default\" has no root disk: {cure}")));
    }
    if profile.networks().next().is_none() {
        let cure = "add one: profile device add default eth0 nic network=BRIDGE name=eth0";
        return Err(Error::permanent(format!("profile \"default\" has no network interface: {cure}")));
    }
    let bad = used(client, &profile).await?.into_iter().find(|network| network.managed && !network.gives_addresses());
    match bad {
        Some(network) => Err(Error::permanent(format!(
            "network {:?} gives machines no addresses: set its ipv4.address, and ipv4.dhcp to true",
            network.name
        ))),
        None => Ok(()),
    }
}

/// The server's own address in the first of the default profile's networks that has one.
pub async fn gateway(client: &Client) -> Result<Option<std::net::IpAddr>, Failed> {
    let profile: Profile = client.read(&["profiles", DEFAULT], "").await?;
    let networks = used(client, &profile).await?;
    let mut cidrs = networks.iter().flat_map(Network::cidrs);
    Ok(cidrs.find_map(|cidr| cidr.parse::<ipnet::IpNet>().ok()).map(|cidr| cidr.addr()))
}

/// Those of the default profile's networks.
pub async fn subnets(client: &Client) -> Result<Vec<SeenSubnet>, Failed> {
    let profile: Profile = client.read(&["profiles", DEFAULT], "").await?;
    let mut subnets = Vec::new();
    for network in used(client, &profile).await?.iter().filter(|network| network.kind != "loopback") {
        for cidr in network.cidrs().filter_map(|cidr| cidr.parse::<ipnet::IpNet>().ok()).map(|cidr| cidr.trunc()) {
            subnets.push(SeenSubnet {
                cidr,
                provider_id: format!("subnet-{}-{cidr}", network.name),
                provider_network_id: format!("net-{}", network.name),
                zones: Vec::new(),
            });
        }
    }
    Ok(subnets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bridge_without_dhcp_is_known() {
        let check = |config: &[(&str, &str)], expected: bool| {
            let config = config.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            let network = Network { config, managed: true, ..Network::default() };
            assert_eq!(network.gives_addresses(), expected, "{:?}", network.config);
        };
        check(&[("ipv4.address", "10.0.0.1/24")], true);
        check(&[("ipv4.address", "10.0.0.1/24"), ("ipv4.dhcp", "false")], false);
        check(&[("ipv4.address", "none"), ("ipv6.address", "fd00::1/64")], true);
        check(&[("ipv4.address", "none"), ("ipv6.address", "none")], false);
    }
}
