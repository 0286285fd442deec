//! The table of `status`: the model, then a section for each kind of thing that there is.

use wire::facade::client::MachineStatus;
use wire::yaml::{natural_cmp, sort_natural};

use super::object::Charm;
use super::{View, storage, units};
use crate::output::colour::{Ink, Paint};
use crate::output::table::Table;

/// A section under construction: a header and rows of cells.
pub(super) struct Section {
    table: Table,
    paint: Paint,
}

impl Section {
    pub(super) fn new(view: &View<'_>, header: &[&str], right: &[usize]) -> Self {
        let mut section = Section { table: Table::new().right(right), paint: view.paint };
        for (at, title) in header.iter().enumerate() {
            if at + 1 < header.len() {
                section.ink(Some(Ink::Header), title);
            } else {
                section.last(Some(Ink::Header), title.as_bytes());
            }
        }
        section
    }

    pub(super) fn cell(&mut self, text: &str) -> &mut Self {
        self.ink(None, text)
    }

    /// A cell in colour; a word without text has none, but for addresses.
    pub(super) fn ink(&mut self, ink: Option<Ink>, text: &str) -> &mut Self {
        let text = self.paint.with(ink, &format!("{text}\t"));
        self.table.push(&text);
        self
    }

    /// The end of a row, not part of any column.
    pub(super) fn last(&mut self, ink: Option<Ink>, text: &[u8]) -> &mut Self {
        let empty = self.paint.with(ink, "\0");
        let (before, after) = empty.split_once('\0').unwrap_or(("", ""));
        self.table.push(before);
        self.table.push_bytes(text);
        self.table.push(after);
        self.table.push("\n");
        self
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.table.finish()
    }
}

/// A message short enough for a row: longer than 120 bytes, it is cut to 117.
pub(super) fn cut(message: &str) -> Vec<u8> {
    let bytes = message.as_bytes();
    if bytes.len() <= 120 {
        return bytes.to_vec();
    }
    [&bytes[..117], b"..."].concat()
}

/// The whole table.
#[must_use]
pub fn text(view: &View<'_>) -> Vec<u8> {
    let mut out = model(view);
    let mut add = |section: Option<Vec<u8>>| {
        if let Some(section) = section.filter(|s| !s.is_empty()) {
            out.push(b'\n');
            out.extend(section);
        }
    };
    add(branches(view).map(Section::finish));
    add(remote_applications(view).map(Section::finish));
    add(units::applications(view).map(Section::finish));
    add(units::units(view).map(Section::finish));
    if !view.containers() && !view.status.machines.is_empty() {
        add(Some(machines(view, |_| true)));
    }
    add(offers(view).map(Section::finish));
    if view.relations {
        add(relations(view).map(Section::finish));
    }
    if view.storage {
        add(Some(storage::table(view)));
    }
    out
}

fn model(view: &View<'_>) -> Vec<u8> {
    let m = &view.status.model;
    let cloud = m.cloud_tag.strip_prefix("cloud-").unwrap_or(&m.cloud_tag);
    let cloud = if m.region.is_empty() { cloud.to_owned() } else { format!("{cloud}/{}", m.region) };
    let clock = view.clock(view.status.controller_timestamp);
    let notes = match (m.model_status.info.as_str(), m.available_version.as_str()) {
        ("", "") => String::new(),
        ("", version) => format!("upgrade available: {version}"),
        (info, _) => info.to_owned(),
    };
    let mut header = vec!["Model", "Controller", "Cloud/Region", "Version"];
    let mut row: Vec<Vec<u8>> = vec![m.name.clone().into(), view.controller.into(), cloud.into()];
    if !m.version.is_empty() {
        row.push(m.version.clone().into());
    }
    if !m.sla.is_empty() {
        header.push("SLA");
        row.push(m.sla.clone().into());
    }
    if let Some(clock) = clock {
        header.push("Timestamp");
        row.push(clock.into());
    }
    if !notes.is_empty() {
        header.push("Notes");
        row.push(cut(&notes));
    }
    let mut section = Section::new(view, &header, &[]);
    let old = older(&m.version, &view.client_version);
    let last = row.len() - 1;
    for (at, cell) in row.into_iter().enumerate() {
        let ink = (at == 3 && old && !m.version.is_empty()).then_some(Ink::Warning);
        // The version's cell is always ended, whatever follows.
        if at < last || (at == 3 && !m.version.is_empty()) {
            section.ink(ink, &String::from_utf8_lossy(&cell));
        }
        if at == last {
            let text = if at == 3 && !m.version.is_empty() { Vec::new() } else { cell };
            section.last(None, &text);
        }
    }
    section.finish()
}

/// Whether a version is before another: number by number, a tagged one before the plain.
fn older(version: &str, than: &str) -> bool {
    match (version.parse::<base::version::Version>(), than.parse::<base::version::Version>()) {
        (Ok(version), Ok(than)) => version < than,
        _ => false,
    }
}

fn branches(view: &View<'_>) -> Option<Section> {
    let branches = &view.status.branches;
    if branches.is_empty() {
        return None;
    }
    let mut section = Section::new(view, &["Branch", "Ref", "Created", "Created By"], &[]);
    for (at, (name, branch)) in branches.iter().enumerate() {
        let mark = if name == view.branch { "*" } else { "" };
        section.cell(&format!("{name}{mark}")).cell(&format!("#{}", at + 1));
        section.cell(&view.day(base::clock::Time::from_unix(branch.created)));
        section.last(None, branch.created_by.as_bytes());
    }
    Some(section)
}

fn remote_applications(view: &View<'_>) -> Option<Section> {
    let remotes = &view.status.remote_applications;
    if remotes.is_empty() {
        return None;
    }
    let mut section = Section::new(view, &["SAAS", "Status", "Store", "URL"], &[]);
    let mut names: Vec<&String> = remotes.keys().collect();
    sort_natural(&mut names);
    for name in names {
        let app = &remotes[name];
        let (status, url) = match app.err {
            Some(_) => ("", ""),
            None => (app.status.status.as_str(), app.offer_url.as_str()),
        };
        let (store, path) = match url.split_once(':') {
            _ if url.is_empty() => ("unknown", ""),
            Some((store, path)) => (store, path),
            None => ("local", url),
        };
        section.cell(name).ink(Ink::of_status(status), status).cell(store).last(None, path.as_bytes());
    }
    Some(section)
}

/// The section of machines, without the blank line before it.
#[must_use]
pub fn machines(view: &View<'_>, wanted: impl Fn(&str) -> bool) -> Vec<u8> {
    let header = ["Machine", "State", "Address", "Inst id", "Base", "AZ", "Message"];
    let mut section = Section::new(view, &header, &[]);
    let mut ids: Vec<&String> = view.status.machines.keys().filter(|id| wanted(id)).collect();
    sort_natural(&mut ids);
    for id in ids {
        machine(id, &view.status.machines[id], &mut section);
    }
    section.finish()
}

fn machine(id: &str, m: &MachineStatus, section: &mut Section) {
    let failed = m.modification_status.status == "error";
    let (state, message) = match failed {
        true => (&m.modification_status.status, &m.modification_status.info),
        false => (&m.agent_status.status, &m.instance_status.info),
    };
    let channel = m.base.channel.strip_suffix("/stable").unwrap_or(&m.base.channel);
    let base = if m.base.name.is_empty() { String::new() } else { format!("{}@{channel}", m.base.name) };
    let zone = m.hardware.split_whitespace().find_map(|w| w.strip_prefix("availability-zone=")).unwrap_or_default();
    let instance = if m.display_name.is_empty() { &m.instance_id } else { &m.display_name };
    section.cell(id).ink(Ink::of_status(state), state).ink(Some(Ink::Address), &m.dns_name);
    section.cell(instance).cell(&base).cell(zone);
    section.last((!message.is_empty()).then_some(Ink::Message), &cut(message));
    let mut ids: Vec<&String> = m.containers.keys().collect();
    sort_natural(&mut ids);
    for id in ids {
        machine(id, &m.containers[id], section);
    }
}

fn offers(view: &View<'_>) -> Option<Section> {
    let offers = &view.status.offers;
    if offers.is_empty() {
        return None;
    }
    let header = ["Offer", "Application", "Charm", "Rev", "Connected", "Endpoint", "Interface", "Role"];
    let mut section = Section::new(view, &header, &[]);
    let mut names: Vec<&String> = offers.keys().collect();
    sort_natural(&mut names);
    for name in names {
        let offer = &offers[name];
        let charm = Charm::parse(&offer.charm);
        for (at, (endpoint, e)) in offer.endpoints.iter().enumerate() {
            if at == 0 {
                let connected = format!("{}/{}", offer.active_connected_count, offer.total_connected_count);
                section.cell(name).cell(&offer.application_name).cell(charm.name);
                section.cell(&charm.revision.to_string()).cell(&connected);
            } else {
                (0..5).for_each(|_| {
                    section.cell("");
                });
            }
            section.cell(endpoint).cell(&e.interface).last(None, e.role.as_bytes());
        }
    }
    Some(section)
}

fn relations(view: &View<'_>) -> Option<Section> {
    let mut rows: Vec<(String, String, &wire::facade::client::RelationStatus, &str)> = Vec::new();
    for relation in &view.status.relations {
        let ends = &relation.endpoints;
        let end = |role: &str| ends.iter().find(|e| e.role == role).or_else(|| ends.first());
        let (Some(provider), Some(requirer)) =
            (end("provider"), ends.iter().find(|e| e.role == "requirer").or(ends.last()))
        else {
            continue;
        };
        let kind = match () {
            () if ends.iter().all(|e| e.role == "peer") => "peer",
            () if ends.iter().any(|e| e.subordinate) => "subordinate",
            () => "regular",
        };
        let name = |e: &wire::facade::client::EndpointStatus| format!("{}:{}", e.application, e.name);
        rows.push((name(provider), name(requirer), relation, kind));
    }
    if rows.is_empty() {
        return None;
    }
    rows.sort_by(|a, b| natural_cmp(&a.0, &b.0).then(natural_cmp(&a.1, &b.1)));
    let header = ["Integration provider", "Requirer", "Interface", "Type", "Message"];
    let mut section = Section::new(view, &header, &[]);
    for (provider, requirer, relation, kind) in rows {
        for end in [&provider, &requirer] {
            let (application, endpoint) = end.split_once(':').unwrap_or((end, ""));
            section.table.push(application);
            section.ink(Some(Ink::Number), &format!(":{endpoint}"));
        }
        section.cell(&relation.interface).cell(kind);
        let status = &relation.status;
        if status.status != "joined" {
            let suspended = (status.status == "suspended").then_some(Ink::Warning);
            section.ink(suspended.or(Ink::of_status(&status.status)), &status.status);
            section.last(Some(Ink::Message), &cut(&status.info));
        } else {
            section.last(None, b"");
        }
    }
    Some(section)
}
