//! Disks of a container beside its root: of which providers, how large, and where they are in it.
//! It decides over numbers given to it; only [`Room::look`] looks at the host.

use std::path::Path;

use base::storage::RESERVE;
use cloud::{Disk, Error, MadeDisk};
use container::disks::{self, Kind, LEAST_MIB};

/// What the host can give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Why there are no disks that are files; nothing when there are.
    pub lacks: Option<String>,
    /// MiB of the file system that they would be on, taken or not.
    pub disk_mib: u64,
    pub mem_mib: u64,
}

impl Room {
    /// `data`: the cloud's directory, which may not be there yet.
    pub fn look(data: &Path) -> Room {
        let there = data.ancestors().find(|path| path.exists());
        let size = there.and_then(|path| rustix::fs::statvfs(path).ok());
        let mib = size.map(|size| (u128::from(size.f_blocks) * u128::from(size.f_frsize)) >> 20);
        Room {
            lacks: disks::lacks(),
            disk_mib: mib.and_then(|mib| u64::try_from(mib).ok()).unwrap_or(0),
            mem_mib: super::constraints::Host::look().mem_mib,
        }
    }
}

/// Whether a machine can have these together.
pub fn check(wanted: &[Disk], room: &Room) -> Result<(), Error> {
    let no = |words: String| Err(Error::unmet("disks", words));
    let (mut on_disk, mut in_memory) = (0u64, 0u64);
    for disk in wanted {
        let Disk { pool, provider, size, .. } = disk;
        match provider.as_str() {
            "loop" => {
                if let Some(words) = &room.lacks {
                    return no(format!("this host has no disks of storage pool {pool:?}: {words}"));
                }
                if *size < LEAST_MIB {
                    return no(format!("a disk of storage pool {pool:?} has {LEAST_MIB}M at least, not {size}M"));
                }
                on_disk = on_disk.saturating_add(*size);
            }
            "tmpfs" => in_memory = in_memory.saturating_add(*size),
            _ => {
                return no(format!(
                    "storage pool {pool:?} gives machines no disks: provider {provider:?} is their root disk, where nothing bounds one; there are disks of loop and of tmpfs"
                ));
            }
        }
    }
    if room.disk_mib > 0 && on_disk > room.disk_mib {
        return no(format!("this host has {}M of disk, not {on_disk}M", room.disk_mib));
    }
    if room.mem_mib > 0 && in_memory > room.mem_mib {
        return no(format!("this host has {}M of memory, not {in_memory}M", room.mem_mib));
    }
    Ok(())
}

/// As the engine is told; in the order in which they were asked for.
pub fn planned(wanted: &[Disk]) -> Vec<disks::Disk> {
    let one = |(number, disk): (usize, &Disk)| disks::Disk {
        name: disk.volume_name(),
        at: place(number),
        mib: disk.size,
        kind: match disk.provider.as_str() {
            "tmpfs" => Kind::Memory,
            _ if disk.attributes.get(RESERVE).is_some_and(|value| value == "false") => Kind::Thin,
            _ => Kind::Reserved,
        },
    };
    wanted.iter().enumerate().map(one).collect()
}

/// As the controller is told.
pub fn made(instance: &str, wanted: &[Disk]) -> Vec<MadeDisk> {
    let one = |(number, disk): (usize, &Disk)| MadeDisk {
        id: disk.id.clone(),
        provider_id: match disk.has_volume() {
            true => format!("{instance}/{}", disk.volume_name()),
            false => format!("{instance}/{}", disk.filesystem_name()),
        },
        mount_point: place(number),
    };
    wanted.iter().enumerate().map(one).collect()
}

fn place(number: usize) -> String {
    format!("/mnt/disk{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(provider: &str, size: u64) -> Disk {
        Disk { id: "0/3".into(), pool: provider.into(), provider: provider.into(), size, ..Disk::default() }
    }

    #[test]
    fn what_the_host_can_never_give_is_refused_with_the_reason() {
        let room = Room { lacks: None, disk_mib: 1000, mem_mib: 500 };
        let check = |wanted: &[Disk], room: &Room, expected: &str| {
            let got = check(wanted, room).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(if expected.is_empty() { got.is_empty() } else { got.contains(expected) }, "{wanted:?}: {got}");
        };
        check(&[], &room, "");
        check(&[disk("loop", 600), disk("tmpfs", 500)], &room, "");
        check(&[disk("loop", 600), disk("loop", 600)], &room, "this host has 1000M of disk, not 1200M");
        check(&[disk("tmpfs", 501)], &room, "this host has 500M of memory, not 501M");
        check(&[disk("loop", 1)], &room, "has 8M at least, not 1M");
        check(&[disk("rootfs", 10)], &room, "provider \"rootfs\" is their root disk");
        let bare = Room { lacks: Some("there is no mkfs.ext4 here: install e2fsprogs".into()), ..room };
        check(&[disk("loop", 10)], &bare, "install e2fsprogs");
        check(&[disk("tmpfs", 10)], &bare, "");
    }

    #[test]
    fn disks_are_mounted_in_the_order_in_which_they_were_asked_for() {
        let mut thin = disk("loop", 20);
        thin.attributes.insert(RESERVE.into(), "false".into());
        let wanted = [disk("tmpfs", 10), thin, disk("loop", 30)];
        let planned: Vec<_> = planned(&wanted).into_iter().map(|disk| (disk.at, disk.mib, disk.kind)).collect();
        let expected =
            [("/mnt/disk0", 10, Kind::Memory), ("/mnt/disk1", 20, Kind::Thin), ("/mnt/disk2", 30, Kind::Reserved)];
        assert_eq!(planned, expected.map(|(at, mib, kind)| (at.to_owned(), mib, kind)));
        let made: Vec<_> = made("juju-1-0", &wanted).into_iter().map(|disk| disk.provider_id).collect();
        assert_eq!(made, ["juju-1-0/filesystem-0-3", "juju-1-0/volume-0-3", "juju-1-0/volume-0-3"]);
    }
}
