//! Which wishes a server can meet, and what they become in an instance's configuration.
//! It decides over what the server was last seen to have.

use std::collections::BTreeMap;

use base::{Constraints, Hardware};
use cloud::Error;

use super::server::Server;

/// Less than this, and no system starts.
const LEAST_MIB: u64 = 32;
pub const VIRTUAL_MACHINE: &str = "virtual-machine";
pub const CONTAINER: &str = "container";
/// Drivers of pools whose disks have no bound.
const WITHOUT_QUOTA: &str = "dir";

/// An unset text and an empty one are the same wish: none.
fn text(value: &Option<String>) -> Option<&str> {
    value.as_deref().filter(|value| !value.is_empty())
}

fn some(number: Option<u64>) -> Option<u64> {
    number.filter(|number| *number > 0)
}

pub fn is_virtual_machine(wanted: &Constraints) -> bool {
    text(&wanted.virt_type) == Some(VIRTUAL_MACHINE)
}

/// The names of the wishes that will not be honoured. Of a server that was never seen nothing is known, and nothing refused.
pub fn check(wanted: &Constraints, server: Option<&Server>) -> Result<Vec<&'static str>, Error> {
    if let Some(kind) = text(&wanted.virt_type).filter(|kind| ![VIRTUAL_MACHINE, CONTAINER].contains(kind)) {
        return Err(Error::unmet("virt-type", format!("virt-type is {CONTAINER} or {VIRTUAL_MACHINE}, not {kind}")));
    }
    if let Some(server) = server {
        fits(wanted, server)?;
    }
    let list = |list: &Option<Vec<String>>| list.as_ref().is_some_and(|list| !list.is_empty());
    let is_unbounded = server.and_then(|server| server.driver_of_root(text(&wanted.root_disk_source)));
    let ignored = [
        ("allocate-public-ip", wanted.allocate_public_ip == Some(true)),
        ("cpu-power", some(wanted.cpu_power).is_some()),
        ("image-id", text(&wanted.image_id).is_some()),
        ("instance-role", text(&wanted.instance_role).is_some()),
        ("root-disk", some(wanted.root_disk).is_some() && is_unbounded == Some(WITHOUT_QUOTA)),
        ("tags", list(&wanted.tags)),
    ];
    Ok(ignored.into_iter().filter(|(_, wished)| *wished).map(|(name, _)| name).collect())
}

fn fits(wanted: &Constraints, server: &Server) -> Result<(), Error> {
    let name = server.flavour.name();
    if let Some(arch) = text(&wanted.arch).filter(|arch| !server.arches.iter().any(|has| has == arch)) {
        return Err(Error::unmet("arch", format!("this {name} is {}, not {arch}", server.arches.join(" and "))));
    }
    let most = |of: fn(&super::server::Member) -> u64| server.members.iter().map(of).max().filter(|most| *most > 0);
    let most_cores = most(|member| member.cores);
    if let (Some(cores), Some(most)) = (some(wanted.cores), most_cores)
        && cores > most
    {
        return Err(Error::unmet("cores", format!("this {name} has {most} cores, not {cores}")));
    }
    let most_mem = most(|member| member.mem_mib);
    if let (Some(mem), Some(most)) = (some(wanted.mem), most_mem)
        && mem > most
    {
        return Err(Error::unmet("mem", format!("this {name} has {most}M of memory, not {mem}M")));
    }
    if let Some(pool) = text(&wanted.root_disk_source).filter(|pool| !server.pools.contains_key(*pool)) {
        let there: Vec<&str> = server.pools.keys().map(String::as_str).collect();
        let words = format!("no storage pool {pool:?} in this {name}: it has {}", there.join(", "));
        return Err(Error::unmet("root-disk-source", words));
    }
    if is_virtual_machine(wanted) && !server.has_virtual_machines {
        return Err(Error::unmet("virt-type", format!("this {name} can run no virtual machines")));
    }
    Ok(())
}

/// Keys of the configuration.
pub fn limits(wanted: &Constraints) -> BTreeMap<String, String> {
    let cores = some(wanted.cores).map(|cores| ("limits.cpu".to_owned(), cores.to_string()));
    let mem = some(wanted.mem).map(|mem| ("limits.memory".to_owned(), format!("{}MiB", mem.max(LEAST_MIB))));
    cores.into_iter().chain(mem).collect()
}

/// The root disk's device where a wish makes it another than the profile's.
pub fn root_disk(wanted: &Constraints, server: &Server) -> Option<BTreeMap<String, String>> {
    let (pool, size) = (text(&wanted.root_disk_source), some(wanted.root_disk));
    if pool.is_none() && size.is_none() {
        return None;
    }
    let pool = pool.or(server.root_pool.as_deref())?;
    let size = size.filter(|_| server.pools.get(pool).is_none_or(|driver| driver != WITHOUT_QUOTA));
    let fixed = [("type", "disk"), ("path", "/"), ("pool", pool)];
    let mut device: BTreeMap<String, String> =
        fixed.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    device.extend(size.map(|size| ("size".to_owned(), format!("{size}MiB"))));
    Some(device)
}

pub fn hardware(wanted: &Constraints, arch: &str, zone: &str) -> Hardware {
    let kind = if is_virtual_machine(wanted) { VIRTUAL_MACHINE } else { CONTAINER };
    Hardware {
        arch: Some(arch.to_owned()),
        cpu_cores: some(wanted.cores),
        mem: some(wanted.mem).map(|mem| mem.max(LEAST_MIB)),
        root_disk: some(wanted.root_disk),
        root_disk_source: text(&wanted.root_disk_source).map(str::to_owned),
        availability_zone: Some(zone.to_owned()).filter(|zone| !zone.is_empty()),
        virt_type: Some(kind.to_owned()),
        ..Hardware::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::flavour::Flavour;
    use super::super::server::Member;
    use super::*;

    fn server() -> Server {
        Server {
            flavour: Flavour::Lxd,
            version: "5.0.2".into(),
            arches: vec!["amd64".into(), "i686".into()],
            members: vec![
                Member { name: "a".into(), cores: 2, mem_mib: 4096 },
                Member { name: "b".into(), cores: 8, mem_mib: 1024 },
            ],
            is_clustered: true,
            has_virtual_machines: false,
            pools: [("default", "dir"), ("fast", "btrfs")].map(|(name, driver)| (name.into(), driver.into())).into(),
            root_pool: Some("default".into()),
        }
    }

    #[test]
    fn wishes_are_met_ignored_or_refused() {
        let check = |text: &str, expected: Result<&[&str], &str>| {
            let wanted = Constraints::parse(text).expect("valid");
            match (check(&wanted, Some(&server())), expected) {
                (Ok(ignored), Ok(expected)) => assert_eq!(ignored, expected, "{text}"),
                (Err(Error::Unmet { name, .. }), Err(expected)) => assert_eq!(name, expected, "{text}"),
                (got, _) => panic!("{text}: {got:?}"),
            }
        };
        check("", Ok(&[]));
        check("arch=amd64 cores=8 mem=4G virt-type=container root-disk=10G root-disk-source=fast", Ok(&[]));
        check("root-disk=10G", Ok(&["root-disk"]));
        check("tags=a cpu-power=3 allocate-public-ip=true", Ok(&["allocate-public-ip", "cpu-power", "tags"]));
        check("arch=arm64", Err("arch"));
        check("cores=9", Err("cores"));
        check("mem=5G", Err("mem"));
        check("root-disk-source=none", Err("root-disk-source"));
        check("virt-type=virtual-machine", Err("virt-type"));
        check("virt-type=jail", Err("virt-type"));
    }

    #[test]
    fn wishes_become_limits_and_a_disk() {
        let wanted = Constraints::parse("cores=2 mem=1G root-disk=8G root-disk-source=fast").expect("valid");
        let keys: Vec<String> = limits(&wanted).iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(keys, ["limits.cpu=2", "limits.memory=1024MiB"]);
        let disk = root_disk(&wanted, &server()).expect("another disk");
        assert_eq!((disk["pool"].as_str(), disk["size"].as_str()), ("fast", "8192MiB"));
        let unbounded = Constraints::parse("root-disk=8G").expect("valid");
        assert!(!root_disk(&unbounded, &server()).expect("named").contains_key("size"), "the pool knows no sizes");
        assert_eq!(root_disk(&Constraints::default(), &server()), None);
    }
}
