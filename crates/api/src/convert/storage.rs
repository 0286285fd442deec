//! Disks of machines as volumes and file systems. A disk of a provider with volumes is both: a volume, and the file system on it.

use super::status::entity;
use base::storage::Disk;
use base::{MachineId, Tag};
use model::InModel;
use model::query::storage::{Shown, disks};
use std::collections::BTreeMap;
use wire::facade::client::{
    FilesystemAttachmentDetails, FilesystemDetails, FilesystemInfo, VolumeAttachmentDetails, VolumeDetails, VolumeInfo,
};
use wire::shared::{ModelFilesystemInfo, ModelVolumeInfo};

/// Those of the machines that are wanted.
pub fn volumes(within: &InModel, wanted: impl Fn(&MachineId) -> bool) -> Vec<VolumeDetails> {
    let some = disks(within).filter(|shown| shown.disk.has_volume() && wanted(&shown.machine.id));
    some.map(|shown| volume(&shown)).collect()
}

/// Those of the machines that are wanted.
pub fn filesystems(within: &InModel, wanted: impl Fn(&MachineId) -> bool) -> Vec<FilesystemDetails> {
    disks(within).filter(|shown| wanted(&shown.machine.id)).map(|shown| filesystem(&shown)).collect()
}

fn size(disk: &Disk) -> i64 {
    i64::try_from(disk.size).unwrap_or(i64::MAX)
}

fn provider_id(shown: &Shown<'_>) -> String {
    shown.made.map(|made| made.provider_id.clone()).unwrap_or_default()
}

fn volume(shown: &Shown<'_>) -> VolumeDetails {
    let (disk, life) = (shown.disk, shown.machine.life.to_string());
    let attached = VolumeAttachmentDetails { life: life.clone(), ..VolumeAttachmentDetails::default() };
    VolumeDetails {
        volume_tag: Tag::Volume(disk.id.clone()).to_string(),
        info: VolumeInfo {
            volume_id: provider_id(shown),
            pool: disk.pool.clone(),
            size: size(disk),
            ..VolumeInfo::default()
        },
        life,
        status: entity(&shown.status),
        machine_attachments: on_machine(shown, attached),
        ..VolumeDetails::default()
    }
}

fn filesystem(shown: &Shown<'_>) -> FilesystemDetails {
    let (disk, life) = (shown.disk, shown.machine.life.to_string());
    let mount_point = shown.made.map(|made| made.mount_point.clone()).unwrap_or_default();
    let attached = FilesystemAttachmentDetails { mount_point, life: life.clone(), read_only: false };
    let volume = disk.has_volume().then(|| Tag::Volume(disk.id.clone()).to_string());
    FilesystemDetails {
        filesystem_tag: Tag::Filesystem(disk.id.clone()).to_string(),
        volume_tag: volume.unwrap_or_default(),
        info: FilesystemInfo { filesystem_id: provider_id(shown), pool: disk.pool.clone(), size: size(disk) },
        life,
        status: entity(&shown.status),
        machine_attachments: on_machine(shown, attached),
        ..FilesystemDetails::default()
    }
}

fn on_machine<A>(shown: &Shown<'_>, attached: A) -> BTreeMap<String, A> {
    BTreeMap::from([(Tag::Machine(shown.machine.id.clone()).to_string(), attached)])
}

/// What goes with a model.
pub fn of_model(within: &InModel) -> (Vec<ModelVolumeInfo>, Vec<ModelFilesystemInfo>) {
    let mut all = (Vec::new(), Vec::new());
    for shown in disks(within) {
        let (id, provider_id) = (shown.disk.id.clone(), provider_id(&shown));
        let (status, message) = (shown.status.current.to_string(), shown.status.message.clone());
        if shown.disk.has_volume() {
            let (id, provider_id, status, message) = (id.clone(), provider_id.clone(), status.clone(), message.clone());
            all.0.push(ModelVolumeInfo { id, provider_id, status, message, detachable: false });
        }
        all.1.push(ModelFilesystemInfo { id, provider_id, status, message, detachable: false });
    }
    all
}
