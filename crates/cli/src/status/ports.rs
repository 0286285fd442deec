//! Open ports of a unit in few words: `80,443,1936-1938/tcp 53/udp`.

use std::collections::BTreeMap;

use crate::output::colour::{Ink, Paint};

/// The ports of one protocol, joined; `protocol` is empty for what came without one.
struct Group {
    protocol: String,
    ports: Vec<String>,
}

fn groups(ports: &[String]) -> Vec<Group> {
    let mut by: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut bare: Vec<String> = Vec::new();
    let mut sorted = ports.to_vec();
    sorted.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    for port in &sorted {
        match port.split_once('/') {
            Some((number, protocol)) => by.entry(protocol.to_owned()).or_default().push(number.to_owned()),
            None => bare.push(port.clone()),
        }
    }
    let mut groups: Vec<Group> =
        by.into_iter().map(|(protocol, ports)| Group { protocol, ports: joined(&ports) }).collect();
    groups.extend(bare.into_iter().map(|port| Group { protocol: String::new(), ports: vec![port] }));
    groups
}

/// Runs of consecutive numbers as one range.
fn joined(ports: &[String]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut run: Option<(u32, u32)> = None;
    let end = |run: &mut Option<(u32, u32)>, out: &mut Vec<String>| {
        if let Some((from, to)) = run.take() {
            out.push(if from == to { from.to_string() } else { format!("{from}-{to}") });
        }
    };
    for port in ports {
        match (port.parse::<u32>(), run) {
            (Ok(n), Some((from, to))) if n == to + 1 => run = Some((from, n)),
            (Ok(n), _) => {
                end(&mut run, &mut out);
                run = Some((n, n));
            }
            (Err(_), _) => {
                end(&mut run, &mut out);
                out.push(port.clone());
            }
        }
    }
    end(&mut run, &mut out);
    out
}

/// As in the table and in `oneline`.
#[must_use]
pub fn short(ports: &[String], paint: Paint) -> String {
    let texts: Vec<String> = groups(ports)
        .iter()
        .map(|g| match g.protocol.is_empty() {
            true => g.ports.join(","),
            false => {
                let ports: Vec<String> = g.ports.iter().map(|p| paint.ink(Ink::Port, p)).collect();
                format!("{}/{}", ports.join(","), g.protocol)
            }
        })
        .collect();
    texts.join(" ")
}

/// The coloured form of `oneline`, where every separator is green.
#[must_use]
pub fn green(ports: &[String]) -> String {
    let paint = Paint(true);
    let groups = groups(ports);
    let mut out = String::new();
    for (at, group) in groups.iter().enumerate() {
        if group.protocol.is_empty() {
            out += &paint.ink(Ink::Good, &group.ports.join(","));
        } else {
            let ports: Vec<String> = group.ports.iter().map(|p| paint.ink(Ink::Port, p)).collect();
            out += &ports.join(&paint.ink(Ink::Good, ","));
            out += &paint.ink(Ink::Good, &format!("/{}", group.protocol));
        }
        out += &paint.ink(Ink::Good, if at + 1 < groups.len() { " " } else { "" });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_joined_by_protocol() {
        for (ports, expected) in [
            (
                vec!["80/tcp", "443/tcp", "1936/tcp", "1937/tcp", "1938/tcp", "10000-10100/udp", "10050/udp"],
                "80,443,1936-1938/tcp 10050,10000-10100/udp",
            ),
            (vec!["80/tcp", "443/tcp", "8080-8090/tcp", "53/udp", "icmp"], "80,443,8080-8090/tcp 53/udp icmp"),
            (vec!["1555/tcp", "1556/tcp", "1557/tcp", "1559/tcp"], "1555-1557,1559/tcp"),
            (vec![], ""),
        ] {
            let ports: Vec<String> = ports.into_iter().map(str::to_owned).collect();
            assert_eq!(short(&ports, Paint(false)), expected);
        }
    }
}
