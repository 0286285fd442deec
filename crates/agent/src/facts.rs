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
        addresses: i.addresses,
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
