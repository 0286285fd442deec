//! `status --format summary`: where it runs, which ports are open, how many of what in which state.
//!
//! The surprises are the original's: networks are classful, and the ports of a protocol wrap over several lines.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use wire::facade::client::{MachineStatus, UnitStatus};
use wire::yaml::sort_natural;

use super::View;
use crate::output::colour::{Ink, Paint};
use crate::output::table::Table;

/// The text, and warnings of addresses that nobody could resolve. `resolve` turns a host's name into addresses.
#[must_use]
pub fn text(view: &View<'_>, resolve: &dyn Fn(&str) -> Result<Vec<IpAddr>, String>) -> (Vec<u8>, Vec<String>) {
    let mut seen = Seen::default();
    for machine in sorted(&view.status.machines) {
        seen.machine(machine, resolve);
    }
    let mut applications: Vec<&String> = view.status.applications.keys().collect();
    sort_natural(&mut applications);
    for name in &applications {
        for unit in sorted(&view.status.applications[*name].units) {
            seen.unit(unit, resolve);
        }
    }
    let mut out = head(view, &seen);
    out.extend(counts(view, &seen, &applications));
    (out, seen.warnings)
}

fn sorted<T>(map: &BTreeMap<String, T>) -> Vec<&T> {
    let mut names: Vec<&String> = map.keys().collect();
    sort_natural(&mut names);
    names.into_iter().map(|name| &map[name]).collect()
}

#[derive(Default)]
struct Seen {
    networks: Vec<String>,
    /// Networks to test the next address against.
    covering: Vec<(u32, u32)>,
    ports: Vec<String>,
    machines: BTreeMap<String, usize>,
    units: BTreeMap<String, usize>,
    warnings: Vec<String>,
}

impl Seen {
    fn machine(&mut self, m: &MachineStatus, resolve: &dyn Fn(&str) -> Result<Vec<IpAddr>, String>) {
        self.address(&m.dns_name, resolve);
        let failed = m.modification_status.status == "error";
        let status = if failed { &m.modification_status } else { &m.agent_status };
        *self.machines.entry(status.status.clone()).or_default() += 1;
    }

    fn unit(&mut self, u: &UnitStatus, resolve: &dyn Fn(&str) -> Result<Vec<IpAddr>, String>) {
        self.address(&u.public_address, resolve);
        self.ports.extend(u.opened_ports.iter().cloned());
        *self.units.entry(u.workload_status.status.clone()).or_default() += 1;
        for below in sorted(&u.subordinates) {
            self.unit(below, resolve);
        }
    }

    fn address(&mut self, address: &str, resolve: &dyn Fn(&str) -> Result<Vec<IpAddr>, String>) {
        if address.is_empty() {
            return self.note("<nil>".to_owned());
        }
        let addresses = match resolve(address) {
            Ok(addresses) => addresses,
            Err(reason) => {
                self.warnings
                    .push(format!("unable to resolve {address} to an IP address. Status may be incorrect: {reason}"));
                return;
            }
        };
        for ip in addresses {
            self.network(ip);
        }
    }

    fn network(&mut self, ip: IpAddr) {
        let IpAddr::V4(v4) = ip else {
            self.note("<nil>".to_owned());
            return;
        };
        let bits = u32::from(v4);
        if self.covering.iter().any(|(net, mask)| bits & mask == *net) {
            return;
        }
        let (mask, length) = class(v4);
        self.covering.push((bits & mask, mask));
        self.note(format!("{v4}/{length}"));
    }

    fn note(&mut self, network: String) {
        if !self.networks.contains(&network) {
            self.networks.push(network);
        }
    }
}

/// The mask that an address had before there were any.
fn class(ip: Ipv4Addr) -> (u32, u8) {
    match ip.octets()[0] {
        0..=127 => (0xff00_0000, 8),
        128..=191 => (0xffff_0000, 16),
        _ => (0xffff_ff00, 24),
    }
}

fn head(view: &View<'_>, seen: &Seen) -> Vec<u8> {
    let paint = view.paint;
    let mut table = Table::new();
    let label = |text: &str| format!("{}{}", paint.ink(Ink::Key, text), paint.ink(Ink::Colon, ":\t"));
    table.push(&label("Running on subnets"));
    table.push(&paint.ink(Ink::Address, &format!("{}\t", seen.networks.join(", "))));
    table.push("\n");
    table.push(&label(" Utilizing ports"));
    table.push(&wrapped(&seen.ports, paint));
    table.push("\t\n");
    table.finish()
}

/// Ports as the original wraps them: of all in bytewise order, every third begins a line. It wraps before it joins
/// and sorts by length, so that those which begin a line come last.
fn wrapped(ports: &[String], paint: Paint) -> String {
    let mut ports = ports.to_vec();
    ports.sort();
    ports.dedup();
    for (at, port) in ports.iter_mut().enumerate() {
        if at > 0 && at % 3 == 0 {
            port.insert_str(0, "\n\t");
        }
    }
    super::ports::short(&ports, paint)
}

fn counts(view: &View<'_>, seen: &Seen, applications: &[&String]) -> Vec<u8> {
    let paint = view.paint;
    let mut table = Table::new().flush_right();
    let title = |table: &mut Table, text: &str, count: usize| {
        let count = paint.ink(Ink::Number, &count.to_string());
        table.push(&format!("{}{}({count})\t\n", paint.ink(Ink::Key, text), paint.ink(Ink::Colon, ":\t")));
    };
    let gap = |table: &mut Table| table.push(&format!("{}\t\n", paint.ink(Ink::Good, " ")));
    let states = |table: &mut Table, states: &BTreeMap<String, usize>| {
        let mut words: Vec<&String> = states.keys().collect();
        sort_natural(&mut words);
        for word in words {
            let colon = paint.ink(Ink::Colon, ":\t");
            let count = paint.ink(Ink::Number, &format!(" {} ", states[word]));
            table.push(&format!("{}{colon}{count}\t\n", paint.ink(Ink::of_status(word).unwrap_or(Ink::Good), word)));
        }
        gap(table);
    };
    title(&mut table, "# Machines", view.status.machines.len());
    states(&mut table, &seen.machines);
    title(&mut table, "# Units", seen.units.values().sum());
    states(&mut table, &seen.units);
    title(&mut table, "# Applications", applications.len());
    for name in applications {
        let exposed = usize::from(view.status.applications[*name].exposed);
        table.push(&format!(
            "{}{}\t\n",
            paint.ink(Ink::Name, &format!("{name}\t")),
            paint.ink(Ink::Good, &format!("{exposed}/1\texposed"))
        ));
    }
    gap(&mut table);
    title(&mut table, "# Remote", view.status.remote_applications.len());
    let mut remotes: Vec<&String> = view.status.remote_applications.keys().collect();
    sort_natural(&mut remotes);
    for name in remotes {
        let url = &view.status.remote_applications[name].offer_url;
        table.push(&format!(
            "{}{}{}\t\n",
            paint.ink(Ink::Address, &format!("{name}\t")),
            paint.ink(Ink::Good, "\t"),
            paint.ink(Ink::Good, url)
        ));
    }
    table.finish()
}
