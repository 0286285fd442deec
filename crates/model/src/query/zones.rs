//! Which zone of its cloud a machine is to be started in: machines are spread, zones that failed are passed over, wishes are kept
//! (`wire/commands-machines.md` 6.2).
//! It knows no cloud: the zones are given. The surprise: machines that are being started count where they are being started, else a hundred
//! that are added at once would all find the same zone empty.

use crate::beliefs::{AMachine, InModel};
use crate::record::instance::Instance;
use crate::record::machine::Machine;
use std::collections::BTreeMap;

/// The zones that a machine may be in, in the order in which they are to be tried; `Err` in words when there is none. Empty: its cloud has
/// no zones.
pub fn order(within: &InModel, zones: &[String], machine: &Machine) -> Result<Vec<String>, String> {
    // A container is where its host is.
    if zones.is_empty() || machine.id.parent().is_some() {
        return Ok(Vec::new());
    }
    // A zone's name alone is the same wish.
    let alone = || zones.iter().map(String::as_str).find(|zone| *zone == machine.placement);
    let placed = machine.placement.strip_prefix("zone=").or_else(alone).map(|zone| vec![zone.to_owned()]);
    let wanted = placed.or_else(|| machine.constraints.zones.clone().filter(|wanted| !wanted.is_empty()));
    let may = |zone: &&String| wanted.as_ref().is_none_or(|wanted| wanted.contains(zone));
    let mut candidates: Vec<&String> = zones.iter().filter(may).collect();
    if candidates.is_empty() {
        return Err(format!("suitable availability zone for machine {} not found", machine.id));
    }
    let mut population: BTreeMap<&str, usize> = BTreeMap::new();
    let others = within.machines().filter(|(id, ..)| **id != machine.id);
    for zone in others.filter_map(|(_, whole, _)| zone_of(whole)) {
        *population.entry(zone).or_default() += 1;
    }
    candidates.sort_by_key(|zone| (population.get(zone.as_str()).copied().unwrap_or(0), zone.as_str().to_owned()));
    Ok(candidates.into_iter().cloned().collect())
}

/// The first of these in which a start has not failed; nothing when it has in all.
pub fn next<'a>(order: &'a [String], instance: &Instance) -> Option<&'a String> {
    order.iter().find(|zone| !instance.provisioning.failed_zones.contains(zone))
}

/// Where a machine is, or is being started.
fn zone_of(whole: &AMachine) -> Option<&str> {
    let instance = whole.instance.as_deref()?;
    let zone = match instance.is_provisioned() {
        true => instance.hardware.availability_zone.as_deref().unwrap_or_default(),
        false => instance.provisioning.zone.as_str(),
    };
    (!zone.is_empty()).then_some(zone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::beliefs::Stored;
    use base::clock::Time;
    use base::{Constraints, Hardware, Life, MachineId, OsBase};
    use std::sync::Arc;

    fn machine(number: u64, placement: &str, zones: &[&str]) -> Machine {
        let zones = zones.iter().map(|zone| (*zone).to_owned()).collect();
        Machine {
            id: MachineId::top(number),
            life: Life::Alive,
            base: OsBase::parse("ubuntu@24.04").expect("valid"),
            constraints: Constraints { zones: Some(zones), ..Constraints::default() },
            placement: placement.into(),
            jobs: Vec::new(),
            disks: Vec::new(),
            created: Time::from_unix(1),
            warnings: Vec::new(),
            keep_instance: false,
            removal: None,
            retry: false,
            upgrade: None,
        }
    }

    /// Machines in these zones; a `?` behind one: it is only being started there.
    fn model(zones: &[&str]) -> InModel {
        let mut within = InModel::default();
        for (number, zone) in (1..).zip(zones) {
            let mut instance = Instance::pending(Time::from_unix(1));
            match zone.strip_suffix('?') {
                Some(zone) => instance.provisioning.zone = zone.into(),
                None => {
                    instance.instance_id = "i".into();
                    instance.hardware = Hardware { availability_zone: Some((*zone).into()), ..Hardware::default() };
                }
            }
            let (one, revision) = (machine(number, "", &[]), store::Revision::default());
            let whole = AMachine {
                machine: Some(Stored::new(one.clone(), revision)),
                instance: Some(Stored::new(instance, revision)),
                ..AMachine::default()
            };
            within.machines.insert(one.id, Arc::new(whole));
        }
        within
    }

    #[test]
    fn machines_are_spread_as_their_wishes_allow() {
        let check = |there: &[&str], placement: &str, wanted: &[&str], expected: Result<&str, &str>| {
            let zones = ["a", "b", "c"].map(str::to_owned);
            let order = order(&model(there), &zones, &machine(0, placement, wanted)).map(|zones| zones.join(" "));
            assert_eq!(order.as_deref().map_err(String::as_str), expected, "{there:?} {placement} {wanted:?}");
        };
        let none = Err("suitable availability zone for machine 0 not found");
        check(&[], "", &[], Ok("a b c"));
        check(&["a", "b"], "", &[], Ok("c a b"));
        check(&["a", "b?", "c", "c?"], "", &[], Ok("a b c"));
        check(&["a", "a", "b", "elsewhere"], "", &[], Ok("c b a"));
        check(&["a"], "", &["a", "b"], Ok("b a"));
        check(&["a"], "", &["z"], none);
        check(&["a"], "zone=a", &[], Ok("a"));
        check(&["a"], "zone=a", &["b"], Ok("a"));
        check(&["a"], "a", &[], Ok("a"));
        check(&[], "zone=z", &[], none);
        // A machine does not stand in its own way when it is tried again.
        let within = model(&["a?"]);
        assert_eq!(order(&within, &["a".into(), "b".into()], &machine(1, "", &[])).expect("zones"), ["a", "b"]);
        assert_eq!(order(&within, &[], &machine(0, "zone=x", &["y"])), Ok(Vec::new()), "a cloud without zones");
        let container = Machine { id: MachineId::top(0).container("lxd", 1), ..machine(0, "", &[]) };
        assert_eq!(order(&within, &["a".into()], &container), Ok(Vec::new()));
    }

    #[test]
    fn zones_that_failed_are_passed_over() {
        let order = ["a", "b"].map(str::to_owned);
        let mut instance = Instance::pending(Time::from_unix(1));
        assert_eq!(next(&order, &instance), Some(&order[0]));
        instance.provisioning.failed_zones = vec!["a".into()];
        assert_eq!(next(&order, &instance), Some(&order[1]));
        instance.provisioning.failed_zones.push("b".into());
        assert_eq!(next(&order, &instance), None);
    }
}
