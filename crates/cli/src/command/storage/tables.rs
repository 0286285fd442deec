//! The tables of filesystems and of volumes: a line for each machine that one is attached to.

use std::collections::BTreeMap;

use base::MachineId;
use wire::facade::client::{EntityStatus, StorageDetails};

use crate::output::table::Table;
use crate::status::View;
use crate::status::storage::{humane, name};

/// The cells of a line, the machine's and the unit's among them.
type Line = [String; 10];

pub fn filesystems(view: &View<'_>) -> Vec<u8> {
    let mut lines: Vec<Line> = Vec::new();
    for one in &view.status.filesystems {
        for (machine, attached) in &one.machine_attachments {
            let [unit, storage] = unit_of(one.storage.as_ref(), machine);
            let [state, message] = said(&one.status);
            let (id, volume) = (name(&one.filesystem_tag), name(&one.volume_tag));
            let place = attached.mount_point.clone();
            let size = humane(one.info.size);
            lines.push([
                name(machine),
                unit,
                storage,
                id,
                volume,
                one.info.filesystem_id.clone(),
                place,
                size,
                state,
                message,
            ]);
        }
    }
    let heading =
        ["Machine", "Unit", "Storage ID", "ID", "Volume", "Provider ID", "Mountpoint", "Size", "State", "Message"];
    table(&heading, lines, |_| true)
}

pub fn volumes(view: &View<'_>) -> Vec<u8> {
    let mut lines: Vec<Line> = Vec::new();
    for one in &view.status.volumes {
        for (machine, attached) in &one.machine_attachments {
            let [unit, storage] = unit_of(one.storage.as_ref(), machine);
            let [state, message] = said(&one.status);
            let id = name(&one.volume_tag);
            let (device, size) = (attached.device_name.clone(), humane(one.info.size));
            let provider = one.info.volume_id.clone();
            lines.push([name(machine), unit, storage, id, String::new(), provider, device, size, state, message]);
        }
    }
    let heading =
        ["Machine", "Unit", "Storage ID", "Volume ID", "", "Provider ID", "Device", "Size", "State", "Message"];
    table(&heading, lines, |at| at != 4)
}

/// The unit on a machine that has a storage, and the storage.
fn unit_of(storage: Option<&StorageDetails>, machine: &str) -> [String; 2] {
    let Some(storage) = storage else { return [String::new(), String::new()] };
    let unit = storage.attachments.iter().find(|(_, attached)| attached.machine_tag == machine);
    [unit.map(|(unit, _)| name(unit)).unwrap_or_default(), name(&storage.storage_tag)]
}

fn said(status: &EntityStatus) -> [String; 2] {
    [status.status.clone(), status.info.clone()]
}

/// By machine, then by id, as people count; `shown`: which columns there are.
fn table(heading: &[&str; 10], lines: Vec<Line>, shown: impl Fn(usize) -> bool) -> Vec<u8> {
    let mut sorted: BTreeMap<(Option<MachineId>, String, String, Vec<u64>), Line> = BTreeMap::new();
    for line in lines {
        let numbers = line[3].split('/').map(|part| part.parse().unwrap_or(u64::MAX)).collect();
        sorted.insert((line[0].parse().ok(), line[1].clone(), line[2].clone(), numbers), line);
    }
    let mut table = Table::new();
    let mut row = |cells: Vec<&str>| {
        let kept: Vec<&str> =
            cells.into_iter().enumerate().filter(|(at, _)| shown(*at)).map(|(_, cell)| cell).collect();
        table.row(&kept);
    };
    row(heading.to_vec());
    sorted.values().for_each(|line| row(line.iter().map(String::as_str).collect()));
    table.finish()
}
