//! A model's spaces and subnets. Which machine is in which space is not kept: it follows from their addresses (`query::network`).
//! The surprise: all are one record. There are few, and what is done to one (a move, a removal) always touches another.

use super::Record;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// The space that always is, with every subnet that nobody has moved.
pub const ALPHA: &str = "alpha";
/// Its id.
pub const ALPHA_ID: &str = "0";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Network {
    pub spaces: Vec<Space>,
    #[serde(default)]
    pub subnets: Vec<Subnet>,
    pub next_space: u64,
    pub next_subnet: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Space {
    pub id: String,
    pub name: String,
    /// What it was called before, while there may be machines that ask for it by that name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Subnet {
    pub id: String,
    /// Without host bits: `10.0.0.0/24`.
    pub cidr: IpNet,
    /// The id of its space.
    pub space: String,
    /// The cloud's name of it; empty: the cloud does not know it, it was seen on a machine.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub provider_id: String,
    /// The cloud's name of the network that it is in.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub provider_network_id: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<String>,
}

impl Default for Network {
    fn default() -> Network {
        let alpha = Space { id: ALPHA_ID.into(), name: ALPHA.into(), was: None };
        Network { spaces: vec![alpha], subnets: Vec::new(), next_space: 1, next_subnet: 1 }
    }
}

impl Network {
    /// Whether nothing in it says more than that there is `alpha`.
    pub fn is_bare(&self) -> bool {
        self.spaces.len() == 1 && self.subnets.is_empty()
    }

    /// By its name, or the one that it had until just now.
    pub fn space(&self, name: &str) -> Option<&Space> {
        self.spaces.iter().find(|space| space.name == name || space.was.as_deref() == Some(name))
    }

    /// The name of the space that has this id; what nobody knows is in `alpha`.
    pub fn space_name(&self, id: &str) -> &str {
        self.spaces.iter().find(|space| space.id == id).map_or(ALPHA, |space| &space.name)
    }

    pub fn subnets_of<'a>(&'a self, space: &'a Space) -> impl Iterator<Item = &'a Subnet> {
        self.subnets.iter().filter(|subnet| subnet.space == space.id)
    }

    pub fn subnet(&self, cidr: &IpNet) -> Option<&Subnet> {
        self.subnets.iter().find(|subnet| subnet.cidr == *cidr)
    }
}

impl Record for Network {
    const NOUN: &'static str = "network";
}
