//! What a host is: whether it is a machine already, its base and its hardware.
//! The surprise: a POSIX shell and the kernel's own files must do; what a host does not say is left out, not guessed.

use base::OsBase;

use super::{Login, failed};
use crate::command::ssh::process;
use crate::error::{Error, Result};

/// Prints a line with `jujud-machine` in it for each machine that the host is already, or half is.
const CHECK: &str = r#"{ command -v systemctl >/dev/null && systemctl list-unit-files --no-legend --no-page -l -t service; } 2>/dev/null
for made in /var/lib/juju/agents/machine-*; do
    [ -e "$made" ] && echo "jujud-${made##*/}"
done
exit 0
"#;

const DETECT: &str = r#"set -e
word() {
    grep "^$1=" /etc/os-release 2>/dev/null | tr -d "\"'" | cut -d= -f2
}
echo "$(word ID)"
echo "$(word VERSION_ID)"
uname -m
grep MemTotal /proc/meminfo
cat /proc/cpuinfo
"#;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub base: Option<OsBase>,
    pub arch: String,
    /// MiB.
    pub mem: u64,
    pub cores: u64,
}

pub(crate) async fn check_is_new(login: &Login) -> Result<()> {
    let fed = process::Fed { text: CHECK.into(), ..process::Fed::default() };
    let said = login.run("/bin/sh", fed).await?;
    if said.code != 0 {
        return Err(Error::failed(format!("error checking if provisioned: {}", failed(&said))));
    }
    match said.stdout.contains("jujud-machine") {
        true => Err(Error::failed("machine is already provisioned")),
        false => Ok(()),
    }
}

pub(crate) async fn detect(login: &Login) -> Result<Found> {
    let fed = process::Fed { text: DETECT.into(), ..process::Fed::default() };
    let said = login.run("/bin/sh", fed).await?;
    let words = match said.code {
        0 => match parse(&said.stdout) {
            Some(found) => return Ok(found),
            None => "the host did not say what it is".to_owned(),
        },
        _ => failed(&said),
    };
    Err(Error::failed(format!("error detecting linux hardware characteristics: {words}")))
}

fn parse(text: &str) -> Option<Found> {
    let mut lines = text.lines();
    let (id, version, machine) = (lines.next()?.trim(), lines.next()?.trim(), lines.next()?.trim());
    let mem: u64 = lines.next()?.split_whitespace().nth(1)?.parse().ok()?;
    // Distributions without versions go on for ever.
    let version = if version.is_empty() { "rolling" } else { version };
    Some(Found {
        base: OsBase::new(id, version).ok(),
        arch: arch(machine).to_owned(),
        mem: mem / 1024,
        cores: cores(lines),
    })
}

/// Juju's name of an architecture.
fn arch(machine: &str) -> &str {
    match machine {
        "x86_64" | "amd64" => "amd64",
        "aarch64" | "arm64" => "arm64",
        "ppc64le" => "ppc64el",
        other => other,
    }
}

/// Physical cores, where the kernel tells them: those of each package once. Else what it calls processors.
fn cores<'a>(lines: impl Iterator<Item = &'a str>) -> u64 {
    let (mut processors, mut package) = (0, String::new());
    let mut packages = std::collections::BTreeMap::new();
    for line in lines {
        let Some((key, value)) = line.split_once(':') else { continue };
        match (key.trim(), value.trim()) {
            ("processor", _) => processors += 1,
            ("physical id", id) => id.clone_into(&mut package),
            ("cpu cores", count) => {
                packages.insert(package.clone(), count.parse::<u64>().unwrap_or(0));
            }
            _ => {}
        }
    }
    match packages.values().sum() {
        0 => processors,
        cores => cores,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, base: Option<&str>, arch: &str, mem: u64, cores: u64) {
        let found = parse(text).expect("read");
        let base = base.map(|text| OsBase::parse(text).expect("valid"));
        assert_eq!(found, Found { base, arch: arch.into(), mem, cores }, "{text}");
    }

    #[test]
    fn hosts_of_many_kinds() {
        let two = "processor\t: 0\nphysical id\t: 0\ncpu cores\t: 4\nprocessor\t: 1\nphysical id\t: 0\ncpu cores\t: 4\n\
                   processor\t: 2\nphysical id\t: 1\ncpu cores\t: 4\n";
        check(
            &format!("ubuntu\n24.04\nx86_64\nMemTotal:  16325632 kB\n{two}"),
            Some("ubuntu@24.04"),
            "amd64",
            15943,
            8,
        );
        let arm = "processor\t: 0\nBogoMIPS\t: 50.00\n\nprocessor\t: 1\n";
        check(&format!("alpine\n3.20.1\naarch64\nMemTotal: 2048 kB\n{arm}"), Some("alpine@3.20.1"), "arm64", 2, 2);
        check("arch\n\nx86_64\nMemTotal: 2048 kB\n", Some("arch@rolling"), "amd64", 2, 0);
        check("\n\nmips\nMemTotal: 2048 kB\n", None, "mips", 2, 0);
        for odd in ["", "ubuntu\n24.04\n", "ubuntu\n24.04\nx86_64\nMemTotal\n"] {
            assert_eq!(parse(odd), None, "{odd:?}");
        }
    }
}
