//! The machine's facts in the stream's words.

use wire::agent::{Facts, Interface};

/// All of them, as they are now.
pub fn read() -> Facts {
    let facts = host::facts::read();
    let interfaces = facts.interfaces.into_iter().map(|i| Interface {
        name: i.name,
        index: i.index,
        mac: i.mac,
        mtu: i.mtu,
        up: i.up,
        loopback: i.loopback,
        addresses: i.addresses.into_iter().filter(|address| !is_link_local(address)).collect(),
        gateway: i.gateway.map(|g| g.to_string()),
    });
    Facts {
        hostname: facts.hostname,
        arch: facts.arch,
        cores: facts.cores,
        mem: facts.mem,
        root_disk: facts.root_disk,
        base: facts.base,
        boot_id: facts.boot_id,
        interfaces: interfaces.collect(),
        ssh_host_keys: crate::ssh::keys::host_key_lines(&crate::ssh::host_key_directories()),
    }
}

/// An address that means something on its own link alone tells nobody where the machine is, and it comes a second
/// after the others.
fn is_link_local(cidr: &str) -> bool {
    let address = cidr.split('/').next().unwrap_or_default();
    match address.parse() {
        Ok(std::net::IpAddr::V4(ip)) => ip.is_link_local(),
        Ok(std::net::IpAddr::V6(ip)) => ip.is_unicast_link_local(),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_link_local;

    #[test]
    fn link_local_addresses() {
        for (cidr, expected) in [
            ("fe80::1/64", true),
            ("169.254.0.1/16", true),
            ("10.0.0.5/24", false),
            ("fd00::2/64", false),
            ("x", false),
        ] {
            assert_eq!(is_link_local(cidr), expected, "{cidr}");
        }
    }
}
