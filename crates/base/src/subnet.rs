//! A subnet as a cloud shows it, or a machine has it.

use ipnet::IpNet;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenSubnet {
    /// Host bits in it mean nothing: `10.0.0.5/24` is `10.0.0.0/24`.
    pub cidr: IpNet,
    /// The cloud's name of it. Empty: seen on a machine.
    pub provider_id: String,
    /// The cloud's name of the network that it is in; may be empty.
    pub provider_network_id: String,
    pub zones: Vec<String>,
}

impl SeenSubnet {
    /// As a machine has it.
    pub fn on_machine(cidr: IpNet) -> SeenSubnet {
        SeenSubnet { cidr, provider_id: String::new(), provider_network_id: String::new(), zones: Vec::new() }
    }
}
