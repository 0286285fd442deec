//! The sections of applications and units in the table.

use std::collections::BTreeMap;

use wire::facade::client::{ApplicationStatus, UnitStatus};
use wire::yaml::sort_natural;

use super::View;
use super::object::Charm;
use super::ports;
use super::tabular::{Section, cut};
use crate::output::colour::Ink;

pub(super) fn applications(view: &View<'_>) -> Option<Section> {
    let apps = &view.status.applications;
    if apps.is_empty() {
        return None;
    }
    let mut header = vec!["App", "Version", "Status", "Scale", "Charm", "Channel", "Rev"];
    if view.containers() {
        header.push("Address");
    }
    header.extend(["Exposed", "Message"]);
    let mut section = Section::new(view, &header, &[3, 6]);
    let mut names: Vec<&String> = apps.keys().collect();
    sort_natural(&mut names);
    for name in names {
        let app = &apps[name];
        let failed = ApplicationStatus::default();
        let app = if app.err.is_some() { &failed } else { app };
        let charm = Charm::parse(&app.charm);
        let status = &app.status.status;
        section.cell(name);
        section.cell(&version(&app.workload_version, if view.containers() { 30 } else { 15 }));
        section.ink(Ink::of_status(status), status);
        let (here, all) = scale(view, name, app);
        if here == all {
            section.cell(&here.to_string());
        } else {
            section.ink(Some(Ink::Warning), &format!("{here}/{all}"));
        }
        section.cell(charm.name).cell(&app.charm_channel);
        let revision = if app.charm_rev == 0 { charm.revision } else { app.charm_rev };
        section.ink((!app.can_upgrade_to.is_empty()).then_some(Ink::Warning), &revision.to_string());
        if view.containers() {
            section.ink(Some(Ink::Address), &app.public_address);
        }
        section.ink(app.exposed.then_some(Ink::Good), if app.exposed { "yes" } else { "no" });
        section.last(Some(Ink::Message), &cut(&app.status.info));
    }
    Some(section)
}

/// The first line, at most `most` bytes of it.
fn version(text: &str, most: usize) -> String {
    // An image is told by its name and the beginning of its digest.
    let image = text.rsplit_once("@sha256:").map(|(path, digest)| {
        let path = path.split_once('/').map_or(path, |(_, path)| path);
        format!("{path}@{}", digest.chars().take(7).collect::<String>())
    });
    let text = image.as_deref().unwrap_or(text);
    let line = text.lines().next().unwrap_or_default();
    if line.len() <= most {
        return line.to_owned();
    }
    let mut end = most - 3;
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}...", &line[..end])
}

/// Units that are there, and all of them.
fn scale(view: &View<'_>, name: &str, app: &ApplicationStatus) -> (usize, usize) {
    let present = |u: &&UnitStatus| {
        matches!(u.agent_status.status.as_str(), "idle" | "executing" | "running")
            && u.workload_status.status != "terminated"
    };
    let units: Vec<&UnitStatus> = if app.subordinate_to.is_empty() {
        app.units.values().collect()
    } else {
        let principals = view.status.applications.values().flat_map(|a| a.units.values());
        let subordinates = principals.flat_map(|u| u.subordinates.iter());
        subordinates.filter(|(unit, _)| unit.split('/').next() == Some(name)).map(|(_, u)| u).collect()
    };
    let all = usize::try_from(app.int).ok().filter(|n| *n > 0 && view.containers()).unwrap_or(units.len());
    (units.iter().copied().filter(|u| present(u)).count(), all)
}

pub(super) fn units(view: &View<'_>) -> Option<Section> {
    let mut all: BTreeMap<&String, &UnitStatus> = BTreeMap::new();
    for app in view.status.applications.values().filter(|a| a.err.is_none()) {
        all.extend(app.units.iter());
    }
    if all.is_empty() {
        return None;
    }
    let header: &[&str] = if view.containers() {
        &["Unit", "Workload", "Agent", "Address", "Ports", "Message"]
    } else {
        &["Unit", "Workload", "Agent", "Machine", "Public address", "Ports", "Message"]
    };
    let mut section = Section::new(view, header, &[]);
    let mut names: Vec<&String> = all.keys().copied().collect();
    sort_natural(&mut names);
    for name in names {
        unit(view, name, all[name], 0, &mut section);
    }
    Some(section)
}

fn unit(view: &View<'_>, name: &str, u: &UnitStatus, level: usize, section: &mut Section) {
    let mut label = format!("{}{name}", "  ".repeat(level));
    if u.leader {
        label.push('*');
    }
    if let Some(branch) = view.branch_of(name) {
        let reference = view.status.branches.keys().position(|b| b == branch).unwrap_or(0) + 1;
        label += &format!(" #{reference}");
    }
    section.cell(&label);
    let (workload, agent) = (&u.workload_status.status, &u.agent_status.status);
    section.ink(Ink::of_status(workload), workload).ink(Ink::of_status(agent), agent);
    if view.containers() {
        section.ink(Some(Ink::Address), &u.address);
    } else {
        section.cell(&u.machine).ink(Some(Ink::Address), &u.public_address);
    }
    section.cell(&ports::short(&u.opened_ports, view.paint));
    section.last(Some(Ink::Message), &cut(&message(view, name, u)));
    let mut below: Vec<&String> = u.subordinates.keys().collect();
    sort_natural(&mut below);
    for name in below {
        unit(view, name, &u.subordinates[name], level + 1, section);
    }
}

fn message(view: &View<'_>, name: &str, u: &UnitStatus) -> String {
    let workload = if view.relations { view.workload_message(name, u) } else { u.workload_status.info.clone() };
    let (agent, info) = (&u.agent_status.status, &u.agent_status.info);
    if u.workload_status.status.is_empty() {
        return String::new();
    }
    if workload.is_empty() && agent == "allocating" {
        return info.clone();
    }
    if agent == "executing" {
        let hook = info.split_once("running ").and_then(|(_, rest)| rest.split_once(" hook")).map(|(hook, _)| hook);
        let action = info.split_once("running action ").map(|(_, action)| action);
        if let Some(what) = action.or(hook) {
            return format!("({what}) {workload}");
        }
    }
    workload
}
