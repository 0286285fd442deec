//! Files that the builtin cloud keeps of instances and networks, and the host's `resolv.conf`.

use clouds::builtin::record;
use container::network::Network;
use container::network::link::Subnet;

use crate::engine::{Target, logged, sentence};

pub fn instances() -> Target {
    Target::new(|input| match record::parse(input) {
        Ok(found) => {
            let printed = record::print(&found).expect("plain data");
            assert_eq!(record::parse(&printed).expect("what we wrote"), found);
        }
        Err(error) => logged(&error, input),
    })
    .json()
    .words(&[
        "controller",
        "model",
        "machine",
        "parent",
        "base",
        "number",
        "address",
        "hardware",
        "state",
        "starting",
        "running",
        "stopping",
    ])
}

pub fn networks() -> Target {
    Target::new(|input| {
        if let Ok(network) = serde_json::from_slice::<Network>(input) {
            let printed = serde_json::to_vec(&network).expect("plain data");
            assert_eq!(serde_json::from_slice::<Network>(&printed).expect("what we wrote"), network);
            match network.subnet() {
                Ok(subnet) => {
                    assert_eq!(subnet.to_string().parse::<Subnet>(), Ok(subnet));
                    for number in [0, 1, 2, 65533, u32::MAX] {
                        assert!(subnet.contains(subnet.host(number)), "number {number} is outside {subnet}");
                    }
                }
                Err(error) => sentence(&error.to_string(), input),
            }
        }
    })
    .json()
    .words(&["key", "subnet", "10.64.0.0/16", "/0", "/32", "/33"])
}

pub fn resolv() -> Target {
    Target::of_text(|text| {
        for server in container::resolv::usable(text) {
            assert!(!server.is_loopback(), "{server} is another machine's own");
        }
    })
    .words(&[
        "nameserver ",
        "options ",
        "search ",
        "127.0.0.53",
        "::1",
        "10.0.0.1",
        "fe80::1%eth0",
        "\n",
        "#",
        ";",
    ])
}
