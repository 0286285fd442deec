//! Addresses of machines and of the controller, and which to prefer. It resolves nothing and dials nothing.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Address {
    pub value: String,
    /// `ipv4`, `ipv6`, `hostname`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `public`, `local-cloud`, `local-machine`, `link-local`, or empty.
    #[serde(default)]
    pub scope: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cidr: String,
}

impl Address {
    /// An address as text, its kind and scope read off it.
    pub fn of(value: &str) -> Address {
        let (kind, scope) = match value.parse::<std::net::IpAddr>() {
            Ok(ip) => (if ip.is_ipv4() { "ipv4" } else { "ipv6" }, scope_of(ip)),
            Err(_) => ("hostname", "public"),
        };
        Address { value: value.into(), kind: kind.into(), scope: scope.into(), cidr: String::new() }
    }

    pub fn is_usable_from_outside(&self) -> bool {
        self.scope != "local-machine" && self.scope != "link-local"
    }
}

fn scope_of(ip: std::net::IpAddr) -> &'static str {
    match ip {
        _ if ip.is_loopback() => "local-machine",
        std::net::IpAddr::V4(ip) if ip.is_link_local() => "link-local",
        std::net::IpAddr::V4(ip) if ip.is_private() => "local-cloud",
        std::net::IpAddr::V6(ip) if ip.is_unicast_link_local() => "link-local",
        std::net::IpAddr::V6(ip) if ip.is_unique_local() => "local-cloud",
        _ => "public",
    }
}

/// The address to show and to dial first: public before private, IPv4 before IPv6, never one that means "here".
pub fn preferred(addresses: &[Address]) -> Option<&Address> {
    best(addresses, |scope| match scope {
        "public" => Some(0),
        "local-cloud" => Some(1),
        "" => Some(2),
        _ => None,
    })
}

/// The address to dial from inside the cloud.
pub fn preferred_private(addresses: &[Address]) -> Option<&Address> {
    best(addresses, |scope| match scope {
        "local-cloud" => Some(0),
        "public" => Some(1),
        "" => Some(2),
        _ => None,
    })
}

fn best(addresses: &[Address], rank: impl Fn(&str) -> Option<u8>) -> Option<&Address> {
    addresses
        .iter()
        .filter_map(|address| Some(((rank(&address.scope)?, address.kind == "ipv6"), address)))
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, address)| address)
}

/// Where the controller's API is to be found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Endpoint {
    #[serde(flatten)]
    pub address: Address,
    pub port: u16,
}

impl Endpoint {
    /// `10.0.0.1:17070`, `[fd00::1]:17070`.
    pub fn dial(&self) -> String {
        match self.address.kind.as_str() {
            "ipv6" => format!("[{}]:{}", self.address.value, self.port),
            _ => format!("{}:{}", self.address.value, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_address_is_never_one_that_means_here() {
        let check = |values: &[&str], expected: Option<&str>| {
            let all: Vec<_> = values.iter().map(|value| Address::of(value)).collect();
            assert_eq!(preferred(&all).map(|address| address.value.as_str()), expected, "{values:?}");
        };
        check(&[], None);
        check(&["127.0.0.1", "fe80::1", "169.254.1.1"], None);
        check(&["10.0.0.5", "8.8.8.8"], Some("8.8.8.8"));
        check(&["fd00::1", "10.0.0.5"], Some("10.0.0.5"));
        check(&["fd00::1"], Some("fd00::1"));
    }

    #[test]
    fn endpoints_dial_with_brackets_where_needed() {
        assert_eq!(Endpoint { address: Address::of("fd00::2"), port: 17070 }.dial(), "[fd00::2]:17070");
        assert_eq!(Endpoint { address: Address::of("10.0.0.1"), port: 1 }.dial(), "10.0.0.1:1");
    }
}
