//! Where this host can be reached: the addresses that a controller tells clients and agents.
//! Links of machines, and addresses that mean "here", are left out.

use model::record::address::Address;

/// Prefixes of links that are no way to this host: machines' own, bridges of container engines.
const NOT_OURS: [&str; 7] = ["gg", "veth", "docker", "br-", "virbr", "lxcbr", "cni"];

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
    use super::cidr;

    #[test]
    fn networks() {
        assert_eq!(cidr("192.0.2.2/24"), "192.0.2.0/24");
        assert_eq!(cidr("fd00::2/64"), "fd00::/64");
        assert_eq!(cidr("10.0.0.1/0"), "0.0.0.0/0");
        assert_eq!(cidr("10.0.0.1"), "");
    }
}
