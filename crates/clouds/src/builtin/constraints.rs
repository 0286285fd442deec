//! Which wishes a container on this host can meet: processors and memory become limits, the architecture is the host's, the rest is not honoured.
//! It decides over numbers given to it; only [`Host::look`] looks at the host.

use base::{Constraints, Hardware};
use cloud::Error;
use container::Limits;

/// What the host has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    pub arch: &'static str,
    pub cores: u64,
    pub mem_mib: u64,
}

impl Host {
    pub fn look() -> Host {
        let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let total = text
            .lines()
            .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
        Host {
            arch: match std::env::consts::ARCH {
                "x86_64" => "amd64",
                "aarch64" => "arm64",
                "powerpc64" => "ppc64el",
                "riscv64" => "riscv64",
                other => other,
            },
            cores: std::thread::available_parallelism().map_or(1, |n| n.get() as u64),
            mem_mib: total.unwrap_or(0) / 1024,
        }
    }
}

/// Less than this, and nothing starts.
const LEAST_MIB: u64 = 32;

/// The names of the wishes that will not be honoured.
pub fn check(wanted: &Constraints, host: &Host) -> Result<Vec<&'static str>, Error> {
    if let Some(arch) = wanted.arch.as_deref().filter(|a| !a.is_empty() && *a != host.arch) {
        return Err(Error::unmet("arch", format!("this host is {}, not {arch}", host.arch)));
    }
    if let Some(cores) = wanted.cores.filter(|n| *n > host.cores) {
        return Err(Error::unmet("cores", format!("this host has {} cores, not {cores}", host.cores)));
    }
    if let Some(mem) = wanted.mem.filter(|n| host.mem_mib > 0 && *n > host.mem_mib) {
        return Err(Error::unmet("mem", format!("this host has {}M of memory, not {mem}M", host.mem_mib)));
    }
    if let Some(kind) = wanted.virt_type.as_deref().filter(|k| !matches!(*k, "" | "container")) {
        return Err(Error::unmet(
            "virt-type",
            format!("machines of this cloud are containers, not of virt-type {kind}"),
        ));
    }
    let some = |list: &Option<Vec<String>>| list.as_ref().is_some_and(|l| !l.is_empty());
    let text = |value: &Option<String>| value.as_ref().is_some_and(|v| !v.is_empty());
    let ignored = [
        ("cpu-power", wanted.cpu_power.is_some_and(|n| n > 0)),
        ("instance-role", text(&wanted.instance_role)),
        ("instance-type", text(&wanted.instance_type)),
        ("root-disk", wanted.root_disk.is_some_and(|n| n > 0)),
        ("root-disk-source", text(&wanted.root_disk_source)),
        ("tags", some(&wanted.tags)),
        ("zones", some(&wanted.zones)),
        ("allocate-public-ip", wanted.allocate_public_ip == Some(true)),
        ("image-id", text(&wanted.image_id)),
    ];
    Ok(ignored.into_iter().filter(|(_, wished)| *wished).map(|(name, _)| name).collect())
}

pub fn limits(wanted: &Constraints) -> Limits {
    Limits {
        mem_mib: wanted.mem.filter(|n| *n > 0).map(|n| n.max(LEAST_MIB)),
        cores: wanted.cores.filter(|n| *n > 0),
        ..Limits::default()
    }
}

/// What the machine will see itself to have.
pub fn hardware(limits: &Limits, host: &Host) -> Hardware {
    Hardware {
        arch: Some(host.arch.to_owned()),
        cpu_cores: Some(limits.cores.unwrap_or(host.cores)),
        mem: Some(limits.mem_mib.unwrap_or(host.mem_mib)),
        virt_type: Some("container".to_owned()),
        ..Hardware::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: Host = Host { arch: "amd64", cores: 4, mem_mib: 8000 };

    #[test]
    fn what_can_never_be_is_refused_and_the_rest_named() {
        let check = |text: &str, expected: Result<&[&str], &str>| {
            let wanted = Constraints::parse(text).expect(text);
            match (check(&wanted, &HOST), expected) {
                (Ok(ignored), Ok(names)) => assert_eq!(ignored, names, "{text}"),
                (Err(Error::Unmet { name, .. }), Err(expected)) => assert_eq!(name, expected, "{text}"),
                (got, _) => panic!("{text}: {got:?}"),
            }
        };
        check("", Ok(&[]));
        check("cores=4 mem=8000M arch=amd64", Ok(&[]));
        check("cores=5", Err("cores"));
        check("mem=9G", Err("mem"));
        check("arch=arm64", Err("arch"));
        check("virt-type=virtual-machine", Err("virt-type"));
        check("root-disk=8G tags=a zones=b", Ok(&["root-disk", "tags", "zones"]));
        check("mem=", Ok(&[]));
    }

    #[test]
    fn wishes_become_limits() {
        let wanted = Constraints::parse("cores=2 mem=512M").expect("constraints");
        let limits = limits(&wanted);
        assert_eq!((limits.cores, limits.mem_mib), (Some(2), Some(512)));
        let hardware = hardware(&limits, &HOST);
        assert_eq!((hardware.cpu_cores, hardware.mem), (Some(2), Some(512)));
        assert_eq!(super::limits(&Constraints::default()), Limits::default());
    }
}
