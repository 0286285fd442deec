//! Storage in both forms: the table of attachments, and the three maps.

use std::collections::BTreeMap;

use wire::facade::client::{EntityStatus, FilesystemDetails, StorageAttachmentDetails, StorageDetails, VolumeDetails};
use wire::yaml::Node;

use super::View;
use super::object::{Form, Object, map};
use crate::output::colour::Ink;
use crate::output::table::Table;

/// `unit-mysql-0` is `mysql/0`, `machine-0-lxd-1` is `0/lxd/1`, `storage-pgdata-0` is `pgdata/0`.
pub fn name(tag: &str) -> String {
    let Some((kind, id)) = tag.split_once('-') else { return tag.to_owned() };
    match kind {
        "unit" | "storage" => match id.rsplit_once('-') {
            Some((name, number)) => format!("{name}/{number}"),
            None => id.to_owned(),
        },
        "machine" | "filesystem" | "volume" => id.replace('-', "/"),
        _ => id.to_owned(),
    }
}

fn kind(kind: i64) -> &'static str {
    match kind {
        1 => "block",
        2 => "filesystem",
        _ => "unknown",
    }
}

/// The three maps; those that are empty are left out.
pub fn document(view: &View<'_>, form: Form) -> Node {
    let s = view.status;
    let mut out = Object::new(form);
    out.map_if("storage", s.storage.iter().map(|d| (name(&d.storage_tag), storage(view, d, form))).collect());
    out.map_if(
        "filesystems",
        s.filesystems.iter().map(|d| (name(&d.filesystem_tag), filesystem(view, d, form))).collect(),
    );
    out.map_if("volumes", s.volumes.iter().map(|d| (name(&d.volume_tag), volume(view, d, form))).collect());
    out.done()
}

fn condition(view: &View<'_>, status: &EntityStatus, form: Form) -> Node {
    let mut out = Object::new(form);
    out.text("current", &status.status).text_if("message", &status.info);
    out.text_if("since", &super::times::moment(status.since, &view.zone, false).unwrap_or_default());
    out.done()
}

fn units(attachments: &BTreeMap<String, StorageAttachmentDetails>, form: Form) -> Option<(String, Node)> {
    if attachments.is_empty() {
        return None;
    }
    let one = |(tag, a): (&String, &StorageAttachmentDetails)| {
        let mut out = Object::new(form);
        out.text_if("machine", &name(&a.machine_tag)).text_if("location", &a.location).text_if("life", &a.life);
        (name(tag), out.done())
    };
    Some(("units".to_owned(), map(attachments.iter().map(one).collect(), form)))
}

/// One storage, as it stands under its name.
pub fn storage(view: &View<'_>, d: &StorageDetails, form: Form) -> Node {
    let mut out = Object::new(form);
    out.text("kind", kind(d.kind)).text_if("life", &d.life).put("status", condition(view, &d.status, form));
    out.put("persistent", Node::Bool(d.persistent));
    if let Some(units) = units(&d.attachments, form) {
        out.put("attachments", Node::Map(vec![units]));
    }
    out.done()
}

/// The attachments of a filesystem or volume: to machines and containers, and to units by its storage.
fn attachments(machines: Vec<(String, Node)>, storage: Option<&StorageDetails>, form: Form) -> Node {
    let mut entries = Vec::new();
    if !machines.is_empty() {
        entries.push(("machines".to_owned(), map(machines, form)));
    }
    entries.extend(storage.and_then(|s| units(&s.attachments, form)));
    Node::Map(entries)
}

fn filesystem(view: &View<'_>, d: &FilesystemDetails, form: Form) -> Node {
    let mut out = Object::new(form);
    out.text_if("provider-id", &d.info.filesystem_id).text_if("volume", &name(&d.volume_tag));
    out.text_if("storage", &d.storage.as_ref().map(|s| name(&s.storage_tag)).unwrap_or_default());
    let machines = d.machine_attachments.iter().map(|(tag, a)| {
        let mut one = Object::new(form);
        one.text("mount-point", &a.mount_point).put("read-only", Node::Bool(a.read_only)).text_if("life", &a.life);
        (name(tag), one.done())
    });
    if let Node::Map(entries) = attachments(machines.collect(), d.storage.as_ref(), form)
        && !entries.is_empty()
    {
        out.put("attachments", Node::Map(entries));
    }
    out.text_if("pool", &d.info.pool).put("size", Node::Int(i128::from(d.info.size))).text_if("life", &d.life);
    out.put("status", condition(view, &d.status, form));
    out.done()
}

fn volume(view: &View<'_>, d: &VolumeDetails, form: Form) -> Node {
    let mut out = Object::new(form);
    out.text_if("provider-id", &d.info.volume_id);
    out.text_if("storage", &d.storage.as_ref().map(|s| name(&s.storage_tag)).unwrap_or_default());
    let machines = d.machine_attachments.iter().map(|(tag, a)| {
        let mut one = Object::new(form);
        one.text_if("device", &a.device_name).text_if("device-link", &a.device_link);
        one.text_if("bus-address", &a.bus_address).put("read-only", Node::Bool(a.read_only)).text_if("life", &a.life);
        (name(tag), one.done())
    });
    if let Node::Map(entries) = attachments(machines.collect(), d.storage.as_ref(), form)
        && !entries.is_empty()
    {
        out.put("attachments", Node::Map(entries));
    }
    out.text_if("pool", &d.info.pool).text_if("hardware-id", &d.info.hardware_id).text_if("wwn", &d.info.wwn);
    out.put("size", Node::Int(i128::from(d.info.size))).put("persistent", Node::Bool(d.info.persistent));
    out.text_if("life", &d.life).put("status", condition(view, &d.status, form));
    out.done()
}

/// The section of the table; nothing when there is no storage.
pub(super) fn table(view: &View<'_>) -> Vec<u8> {
    let s = view.status;
    if s.storage.is_empty() && s.filesystems.is_empty() && s.volumes.is_empty() {
        return Vec::new();
    }
    lay_out(view, "Storage Unit", true)
}

/// The list by itself.
pub fn list(view: &View<'_>) -> Vec<u8> {
    lay_out(view, "Unit", false)
}

/// `unit`: the heading of the units; `mounted`: whether it is shown where file systems are mounted.
fn lay_out(view: &View<'_>, unit: &str, mounted: bool) -> Vec<u8> {
    let s = view.status;
    let mut rows: Vec<[String; 8]> = Vec::new();
    for d in &s.storage {
        let (pool, size) = provision(view, &d.storage_tag);
        let row = |unit: String, location: String| {
            let (status, info) = (d.status.status.clone(), d.status.info.clone());
            [unit, name(&d.storage_tag), kind(d.kind).to_owned(), pool.clone(), location, size.clone(), status, info]
        };
        if d.attachments.is_empty() {
            rows.push(row(String::new(), String::new()));
        }
        let place = |a: &StorageAttachmentDetails| mount_point(view, &d.storage_tag, &a.machine_tag);
        rows.extend(d.attachments.iter().map(|(unit, a)| row(name(unit), place(a))));
    }
    rows.sort_by(|a, b| (&a[0], &a[1]).cmp(&(&b[0], &b[1])));
    let pools = rows.iter().any(|r| !r[3].is_empty()) || rows.is_empty();
    let mut table = Table::new();
    let mut put = |row: &[String], last: String| {
        let cells = row.iter().enumerate().filter(|(at, _)| (pools || *at != 3) && (mounted || *at != 4));
        cells.for_each(|(at, cell)| {
            let ink = (at == 6).then(|| Ink::of_status(cell)).flatten();
            table.push(&view.paint.with(ink, &format!("{cell}\t")));
        });
        table.push(&format!("{last}\n"));
    };
    let header = [unit, "Storage ID", "Type", "Pool", "Mountpoint", "Size", "Status"];
    put(&header.map(str::to_owned), "Message".to_owned());
    rows.iter().for_each(|row| put(&row[..7], view.paint.ink(Ink::Message, &row[7])));
    table.finish()
}

/// Where the filesystem that provides a storage is mounted on a machine.
fn mount_point(view: &View<'_>, storage: &str, machine: &str) -> String {
    let of = |f: &&FilesystemDetails| f.storage.as_ref().is_some_and(|d| d.storage_tag == storage);
    let filesystem = view.status.filesystems.iter().find(of);
    filesystem.and_then(|f| f.machine_attachments.get(machine)).map(|a| a.mount_point.clone()).unwrap_or_default()
}

/// Pool and size of what provides a storage.
fn provision(view: &View<'_>, storage: &str) -> (String, String) {
    let of = |d: &Option<StorageDetails>| d.as_ref().is_some_and(|d| d.storage_tag == storage);
    let volume = view.status.volumes.iter().find(|v| of(&v.storage)).map(|v| (&v.info.pool, v.info.size));
    let filesystem = view.status.filesystems.iter().find(|f| of(&f.storage)).map(|f| (&f.info.pool, f.info.size));
    match filesystem.or(volume) {
        Some((pool, size)) => (pool.clone(), humane(size)),
        None => (String::new(), String::new()),
    }
}

/// `1.5 GiB` of MiB: one digit behind the point below ten; nothing of nothing.
pub fn humane(mib: i64) -> String {
    if mib <= 0 {
        return String::new();
    }
    #[allow(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut size = mib as f64;
    let mut unit = 0;
    const UNITS: [&str; 5] = ["MiB", "GiB", "TiB", "PiB", "EiB"];
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    let tenth = (size * 10.0 + 0.5).floor() / 10.0;
    if tenth < 10.0 { format!("{tenth:.1} {}", UNITS[unit]) } else { format!("{tenth:.0} {}", UNITS[unit]) }
}
