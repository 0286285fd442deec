//! `status --format oneline`: a line a unit, subordinates below their principal.

use std::collections::BTreeMap;

use wire::facade::client::UnitStatus;
use wire::yaml::sort_natural;

use super::{View, ports};
use crate::output::colour::Ink;

/// The lines; empty for a model without units.
#[must_use]
pub fn text(view: &View<'_>) -> String {
    let mut out = String::new();
    let mut names: Vec<&String> = view.status.applications.keys().collect();
    sort_natural(&mut names);
    for name in names {
        let application = &view.status.applications[name];
        if application.err.is_none() {
            units(view, &application.units, 0, &mut out);
        }
    }
    out
}

fn units(view: &View<'_>, units_by: &BTreeMap<String, UnitStatus>, level: usize, out: &mut String) {
    let mut names: Vec<&String> = units_by.keys().collect();
    sort_natural(&mut names);
    for name in names {
        let unit = &units_by[name];
        let (agent, workload) = (&unit.agent_status.status, &unit.workload_status.status);
        let paint = view.paint;
        let address = &unit.public_address;
        // The colour of both words is the agent's, but for one that failed.
        let ink = Ink::of_status(agent);
        let mut line = format!(
            "{}- {}: {} ({}:{}, {}:{})",
            "  ".repeat(level),
            paint.ink(Ink::Good, name),
            paint.ink(Ink::Address, address),
            paint.ink(Ink::Header, "agent"),
            paint.with(ink, agent),
            paint.ink(Ink::Header, "workload"),
            paint.with(ink, workload),
        );
        if !unit.opened_ports.is_empty() {
            line.push(' ');
            line += &if paint.0 { ports::green(&unit.opened_ports) } else { ports::short(&unit.opened_ports, paint) };
        }
        out.push_str(&line);
        out.push('\n');
        units(view, &unit.subordinates, level + 1, out);
    }
}
