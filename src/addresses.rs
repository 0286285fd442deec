//! Where this host can be reached: the addresses that a controller tells clients and agents.
//! Links of machines, and addresses that mean "here", are left out.

use model::record::address::Address;

/// Prefixes of links that are no way to this host: machines' own, bridges of container engines.
const NOT_OURS: [&str; 7] = ["gg", "veth", "docker", "br-", "virbr", "lxcbr", "cni"];

/// Those by which others know this host, which may be nowhere on it (a router's, a name), and then its own.
pub fn all(known_as: &[String]) -> Vec<Address> {
    merge(known_as, of_this_host())
}

fn merge(known_as: &[String], own: Vec<Address>) -> Vec<Address> {
    let mut all: Vec<Address> = Vec::new();
    for name in known_as {
        // With what this host itself knows of it.
        let address = own.iter().find(|one| one.value == *name).cloned().unwrap_or_else(|| Address::of(name));
        if address.is_usable_from_outside() && !all.iter().any(|one| one.value == address.value) {
            all.push(address);
        }
    }
    let is_loopback = |one: &Address| one.scope == "local-machine";
    let rest = own.into_iter().filter(|one| all.is_empty() || !is_loopback(one));
    let rest: Vec<Address> = rest.filter(|one| !all.iter().any(|known| known.value == one.value)).collect();
    all.extend(rest);
    all
}

/// The host's addresses, preferred first; `127.0.0.1` when there is no other.
pub fn of_this_host() -> Vec<Address> {
    let interfaces = host::interfaces::read().unwrap_or_default();
    let mut found: Vec<Address> = Vec::new();
    for interface in interfaces {
        let theirs = NOT_OURS.iter().any(|prefix| interface.name.starts_with(prefix));
        if !interface.up || interface.loopback || theirs {
            continue;
        }
        for text in interface.addresses {
            let (value, _) = text.split_once('/').unwrap_or((&text, ""));
            let mut address = Address::of(value);
            address.cidr = cidr(&text);
            if address.is_usable_from_outside() {
                found.push(address);
            }
        }
    }
    // IPv4 first: it is what most clients can reach.
    found.sort_by_key(|address| address.kind != "ipv4");
    if found.is_empty() {
        found.push(Address::of("127.0.0.1"));
    }
    found
}

/// The network of `address/prefix`, as text.
fn cidr(text: &str) -> String {
    let network = || {
        let (address, prefix) = text.split_once('/')?;
        let prefix: u32 = prefix.parse().ok()?;
        match address.parse().ok()? {
            std::net::IpAddr::V4(ip) => {
                let mask = u32::MAX.checked_shl(32u32.checked_sub(prefix)?).unwrap_or(0);
                Some(format!("{}/{prefix}", std::net::Ipv4Addr::from(u32::from(ip) & mask)))
            }
            std::net::IpAddr::V6(ip) => {
                let mask = u128::MAX.checked_shl(128u32.checked_sub(prefix)?).unwrap_or(0);
                Some(format!("{}/{prefix}", std::net::Ipv6Addr::from(u128::from(ip) & mask)))
            }
        }
    };
    network().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Address, cidr, merge};

    #[test]
    fn how_others_know_the_host_comes_first() {
        let check = |known_as: &[&str], own: &[&str], expected: &[&str]| {
            let known_as: Vec<String> = known_as.iter().map(|name| (*name).to_owned()).collect();
            let all = merge(&known_as, own.iter().map(|value| Address::of(value)).collect());
            let values: Vec<&str> = all.iter().map(|address| address.value.as_str()).collect();
            assert_eq!(values, expected, "{known_as:?} {own:?}");
        };
        check(&[], &["10.0.0.7"], &["10.0.0.7"]);
        check(&["203.0.113.5", "10.0.0.7"], &["10.0.0.6", "10.0.0.7"], &["203.0.113.5", "10.0.0.7", "10.0.0.6"]);
        check(&["box.example.com", "box.example.com"], &["127.0.0.1"], &["box.example.com"]);
        check(&["127.0.0.1", "fe80::1"], &["10.0.0.7"], &["10.0.0.7"]);
        check(&["127.0.0.1"], &["127.0.0.1"], &["127.0.0.1"]);
    }

    #[test]
    fn networks() {
        assert_eq!(cidr("192.0.2.2/24"), "192.0.2.0/24");
        assert_eq!(cidr("fd00::2/64"), "fd00::/64");
        assert_eq!(cidr("10.0.0.1/0"), "0.0.0.0/0");
        assert_eq!(cidr("10.0.0.1"), "");
    }
}
