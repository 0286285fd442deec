//! The storage pools of a model: those that every model has, and its own. And the disks of its machines.
//! The surprise: how far a disk is follows from its machine and its instance; nobody writes it down.

use crate::beliefs::{AMachine, InModel, Stored};
use crate::record::machine::Machine;
use crate::record::status::{InstanceStatus, Status};
use crate::record::storage::Pool;
use crate::settings;
use base::status::StorageStatus;
use base::storage::{DEFAULT_POOL, DEFAULT_SIZE, Disk, MadeDisk, PROVIDERS, Provider};
use base::{Kind, Life, Refusal};
use std::collections::BTreeMap;

/// More disks no machine has.
pub const MOST_DISKS: usize = 16;
/// The setting that names the pool of disks that name none.
const DEFAULT_SOURCE: &str = "storage-default-block-source";

/// Disks as they are asked for: so many alike.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Empty: the model's default.
    pub pool: String,
    /// MiB; 0: the default.
    pub size: u64,
    pub count: u64,
}

/// What is asked for in whole; the disks have no ids yet.
pub fn wanted(within: &InModel, asked: &[Asked]) -> Result<Vec<Disk>, Refusal> {
    let mut disks = Vec::new();
    for one in asked {
        let set = settings::text(within, DEFAULT_SOURCE);
        let name = [one.pool.as_str(), set.as_str(), DEFAULT_POOL].into_iter().find(|name| !name.is_empty());
        let name = name.unwrap_or(DEFAULT_POOL);
        let known = pool(within, name).ok_or_else(|| Refusal::not_found("storage pool", format!("{name:?}")))?;
        let room = MOST_DISKS.saturating_sub(disks.len());
        let count = usize::try_from(one.count).ok().filter(|count| *count <= room);
        let count = count.ok_or_else(|| Refusal::plain(format!("a machine has no more than {MOST_DISKS} disks")))?;
        let disk = Disk {
            id: String::new(),
            pool: name.to_owned(),
            provider: known.provider,
            attributes: known.attributes,
            size: if one.size == 0 { DEFAULT_SIZE } else { one.size },
        };
        disks.extend(std::iter::repeat_n(disk, count));
    }
    Ok(disks)
}

/// A disk of a machine with all that is known of it.
#[derive(Debug)]
pub struct Shown<'a> {
    pub machine: &'a Machine,
    pub disk: &'a Disk,
    /// Nothing before its machine started.
    pub made: Option<&'a MadeDisk>,
    pub status: Status<StorageStatus>,
}

/// The disks of all machines, in the order of their machines.
pub fn disks(within: &InModel) -> impl Iterator<Item = Shown<'_>> {
    within.machines().flat_map(|(_, all, machine)| {
        machine.disks.iter().map(move |disk| {
            let made = all.instance.iter().flat_map(|instance| &instance.disks).find(|made| made.id == disk.id);
            Shown { machine, disk, made, status: status(all, machine, made) }
        })
    })
}

fn status(all: &AMachine, machine: &Stored<Machine>, made: Option<&MadeDisk>) -> Status<StorageStatus> {
    let Some(instance) = &all.instance else { return Status::new(StorageStatus::Pending, "", machine.created) };
    let (current, message) = match (instance.is_provisioned(), instance.status.current) {
        (true, _) if machine.life != Life::Alive => (StorageStatus::Detaching, ""),
        (true, _) if made.is_none() => (StorageStatus::Error, "the machine's cloud did not make it"),
        (true, _) => (StorageStatus::Attached, ""),
        (false, InstanceStatus::ProvisioningError) => (StorageStatus::Error, instance.status.message.as_str()),
        (false, _) => (StorageStatus::Pending, ""),
    };
    Status::new(current, message, instance.status.since)
}

/// The pool that a provider is by itself.
fn of_provider(provider: &Provider) -> Pool {
    Pool { provider: provider.name.to_owned(), attributes: BTreeMap::new() }
}

/// All pools by name: first those that nobody made, in the order of Juju's lists.
pub fn pools(within: &InModel) -> Vec<(String, Pool)> {
    let bare = PROVIDERS.iter().map(|provider| (provider.name.to_owned(), of_provider(provider)));
    let own = within.pools.iter().flat_map(|pools| pools.0.iter().map(|(name, pool)| (name.clone(), pool.clone())));
    bare.chain(own).collect()
}

pub fn pool(within: &InModel, name: &str) -> Option<Pool> {
    let own = within.pools.as_ref().and_then(|pools| pools.0.get(name).cloned());
    own.or_else(|| Provider::named(name).map(of_provider))
}

pub fn provider(name: &str) -> Result<&'static Provider, Refusal> {
    Provider::named(name).ok_or_else(|| {
        let known: Vec<&str> = PROVIDERS.iter().map(|provider| provider.name).collect();
        let words = format!("storage provider {name:?} not found (there is: {})", known.join(", "));
        Refusal::new(Kind::NotFound, words)
    })
}
