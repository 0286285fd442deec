//! Which machines a status is asked of (`wire/protocol.md` 7.3): an id, a word of the agent's status, an address, a network. Any that fits keeps.
//! The surprise: a kept machine keeps its host and what is on it, so the answer is always a whole tree.

use crate::convert::machine::Seen;
use base::MachineId;
use model::query::machine as query;
use model::record::machine::Machine;
use model::{AMachine, InModel, Stored};
use std::collections::BTreeSet;
use std::net::IpAddr;

pub struct Patterns<'a>(Vec<&'a str>);

impl<'a> Patterns<'a> {
    pub fn new(patterns: &'a [String]) -> Patterns<'a> {
        Patterns(patterns.iter().map(|pattern| pattern.trim()).filter(|pattern| !pattern.is_empty()).collect())
    }

    /// The machines kept; nothing when all are.
    pub fn keep(&self, seen: Seen<'_>, within: &InModel) -> Option<BTreeSet<MachineId>> {
        if self.0.is_empty() {
            return None;
        }
        let mut kept = BTreeSet::new();
        for (id, all, machine) in within.machines() {
            if self.0.iter().any(|pattern| fits(pattern, seen, all, machine)) {
                kept.insert(id.clone());
                kept.extend(within.under(id).map(|under| under.id.clone()));
                let mut host = id.parent();
                while let Some(id) = host {
                    host = id.parent();
                    kept.insert(id);
                }
            }
        }
        Some(kept)
    }
}

fn fits(pattern: &str, seen: Seen<'_>, all: &AMachine, machine: &Stored<Machine>) -> bool {
    if machine.id.as_str() == pattern {
        return true;
    }
    let agent = query::agent_status(seen.model, machine, all, seen.presence);
    if agent.current.as_str() == pattern {
        return true;
    }
    query::addresses(all).iter().any(|address| address.value == pattern || within_net(&address.value, pattern))
}

/// An address in a network in CIDR form.
fn within_net(address: &str, net: &str) -> bool {
    let Some((base, bits)) = net.split_once('/') else { return false };
    let (Ok(address), Ok(base), Ok(bits)) = (address.parse::<IpAddr>(), base.parse::<IpAddr>(), bits.parse::<u32>())
    else {
        return false;
    };
    let same = |a: u128, b: u128, width: u32| bits <= width && (bits == 0 || (a ^ b) >> (width - bits) == 0);
    match (address, base) {
        (IpAddr::V4(a), IpAddr::V4(b)) => same(a.to_bits().into(), b.to_bits().into(), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::within_net;

    #[test]
    fn networks() {
        let check = |address: &str, net: &str, expected: bool| {
            assert_eq!(within_net(address, net), expected, "{address} {net}")
        };
        check("10.1.2.3", "10.1.0.0/16", true);
        check("10.2.2.3", "10.1.0.0/16", false);
        check("10.2.2.3", "0.0.0.0/0", true);
        check("fd00::1", "fd00::/8", true);
        check("10.2.2.3", "10.2.2.3/33", false);
        check("10.2.2.3", "x/8", false);
    }
}
