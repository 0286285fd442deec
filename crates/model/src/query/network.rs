//! Which space an address, a machine, a wish for spaces is in. It knows what is recorded; it asks no cloud.
//! The surprise: an address that no subnet has is in `alpha`, so that every address is in one space.

use crate::beliefs::AMachine;
use crate::record::address::Address;
use crate::record::network::{ALPHA, ALPHA_ID, Network, Space, Subnet};
use base::Refusal;
use std::net::IpAddr;

/// The subnet that an address is in: the smallest of those that hold it.
pub fn subnet_of<'a>(network: &'a Network, address: &str) -> Option<&'a Subnet> {
    let address: IpAddr = address.parse().ok()?;
    let holds = network.subnets.iter().filter(|subnet| subnet.cidr.contains(&address));
    holds.max_by_key(|subnet| subnet.cidr.prefix_len())
}

/// The id of the space that an address is in.
pub fn space_of<'a>(network: &'a Network, address: &str) -> &'a str {
    subnet_of(network, address).map_or(ALPHA_ID, |subnet| &subnet.space)
}

/// The name of the space that an address is in.
pub fn space_name_of<'a>(network: &'a Network, address: &str) -> &'a str {
    network.space_name(space_of(network, address))
}

/// A machine's addresses, what its cloud and what its agent says.
pub fn addresses(all: &AMachine) -> impl Iterator<Item = &Address> {
    let of_cloud = all.instance.iter().flat_map(|instance| &instance.addresses);
    of_cloud.chain(all.agent.iter().flat_map(|agent| &agent.addresses))
}

/// Whether a machine has an address in the space.
pub fn is_in(network: &Network, all: &AMachine, space: &Space) -> bool {
    addresses(all).any(|address| space_of(network, &address.value) == space.id)
}

/// The names of spaces without their `^`, and whether they are wanted.
pub fn wishes(spaces: &[String]) -> impl Iterator<Item = (&str, bool)> {
    spaces.iter().map(|word| match word.strip_prefix('^') {
        Some(name) => (name, false),
        None => (word.as_str(), true),
    })
}

/// Whether machines of the model's cloud can be in these spaces; a refusal says what is in the way.
/// Every machine has an address in each subnet of the cloud's: none picks among them.
pub fn check(network: &Network, spaces: &[String]) -> Result<(), Refusal> {
    let reached: Vec<&Subnet> = network.subnets.iter().filter(|subnet| !subnet.provider_id.is_empty()).collect();
    for (name, is_wanted) in wishes(spaces) {
        let Some(space) = network.space(name) else {
            return Err(Refusal::not_found("space", format!("{name:?}")));
        };
        let within: Vec<String> =
            reached.iter().filter(|subnet| subnet.space == space.id).map(|subnet| subnet.cidr.to_string()).collect();
        // What is in no subnet is in alpha.
        let is_reached = !within.is_empty() || (reached.is_empty() && name == ALPHA);
        if is_wanted && !is_reached {
            let others: Vec<String> = reached
                .iter()
                .map(|subnet| format!("{} (space {:?})", subnet.cidr, network.space_name(&subnet.space)))
                .collect();
            let are = if others.is_empty() { "known to have none yet".to_owned() } else { others.join(", ") };
            let words = format!("space {name:?} has no subnet of the model's cloud, whose subnets are {are}");
            return Err(Refusal::plain(words));
        }
        if !is_wanted && is_reached {
            let words = format!("every machine of the model's cloud is in {}, of space {name:?}", within.join(", "));
            return Err(Refusal::plain(words));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::network::Network;

    fn network(subnets: &[(&str, &str, &str)]) -> Network {
        let mut network = Network::default();
        for (id, name) in [("1", "db"), ("2", "web")] {
            network.spaces.push(Space { id: id.into(), name: name.into(), was: None });
        }
        for (cidr, space, provider_id) in subnets {
            network.subnets.push(Subnet {
                id: cidr.to_string(),
                cidr: cidr.parse().expect("a subnet"),
                space: space.to_string(),
                provider_id: provider_id.to_string(),
                provider_network_id: String::new(),
                zones: Vec::new(),
            });
        }
        network
    }

    #[test]
    fn an_address_is_in_the_smallest_subnet_that_holds_it() {
        let network = network(&[("10.0.0.0/8", "1", ""), ("10.1.0.0/16", "2", ""), ("fd00::/64", "2", "")]);
        let check = |address: &str, space: &str| {
            assert_eq!(network.space_name(space_of(&network, address)), space, "{address}");
        };
        check("10.1.2.3", "web");
        check("10.2.0.1", "db");
        check("fd00::7", "web");
        check("192.0.2.1", "alpha");
        check("host.example", "alpha");
    }

    #[test]
    fn wishes_that_can_never_be_met_are_refused_with_the_reason() {
        let network = network(&[("10.0.0.0/24", "1", "lan"), ("10.9.0.0/24", "2", "")]);
        let check = |wish: &str, expected: Option<&str>| {
            let spaces: Vec<String> = wish.split(',').map(str::to_owned).collect();
            let got = check(&network, &spaces).err().map(|refusal| refusal.words().to_owned());
            match expected {
                None => assert_eq!(got, None, "{wish}"),
                Some(part) => assert!(got.as_deref().unwrap_or("").contains(part), "{wish}: {got:?}"),
            }
        };
        check("db", None);
        check("db,^web", None);
        check("^alpha", None);
        check("web", Some("10.0.0.0/24 (space \"db\")"));
        check("^db", Some("10.0.0.0/24, of space \"db\""));
        check("alpha", Some("has no subnet"));
        check("db,nope", Some("space \"nope\" not found"));
    }

    #[test]
    fn without_subnets_everything_is_in_alpha() {
        let network = network(&[]);
        assert!(super::check(&network, &["alpha".to_owned()]).is_ok());
        assert!(super::check(&network, &["^alpha".to_owned()]).is_err());
        assert!(super::check(&network, &["db".to_owned()]).is_err());
    }
}
