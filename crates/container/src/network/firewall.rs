//! The rules of one controller's network: what the packets of its machines may do, in our own table and in the tables of others.
//! It knows names of links and a subnet, no machine: the rules are as many for a thousand machines as for one.
//! The surprise: hosts that still use iptables-legacy keep rules that nftables cannot see; only there the `iptables` program is needed.

use std::fs;
use std::process::Command;

use super::nft::{self, Chain, Hook, Step};
use super::{Error, LINKS, Subnet, TABLES, net_error};
use crate::netlink::Socket;

fn own(prefix: &str, subnet: Subnet) -> Vec<Chain> {
    let prefix = prefix.to_owned();
    vec![
        Chain {
            name: "prerouting",
            kind: "filter",
            hook: Hook::Prerouting,
            priority: -300,
            rules: vec![vec![Step::In(prefix.clone(), true), Step::Spoofed, Step::Drop]],
        },
        Chain {
            name: "forward",
            kind: "filter",
            hook: Hook::Forward,
            priority: 0,
            // Machines of another controller on this host.
            rules: vec![vec![
                Step::Out(prefix.clone(), true),
                Step::In(LINKS.to_owned(), true),
                Step::In(prefix, false),
                Step::Drop,
            ]],
        },
        Chain {
            name: "postrouting",
            kind: "nat",
            hook: Hook::Postrouting,
            priority: 100,
            rules: vec![vec![
                Step::From(subnet, true),
                Step::To(subnet, false),
                Step::Out(LINKS.to_owned(), false),
                Step::Masquerade,
            ]],
        },
    ]
}

fn through(prefix: &str) -> Vec<Vec<Step>> {
    vec![
        vec![Step::In(prefix.to_owned(), true), Step::Accept],
        vec![Step::Out(prefix.to_owned(), true), Step::Known, Step::Accept],
    ]
}

pub fn set(table: &str, prefix: &str, subnet: Subnet, port: Option<u16>) -> Result<(), Error> {
    let mut socket = Socket::netfilter().map_err(net_error("set the firewall"))?;
    nft::set_table(&mut socket, table, &own(prefix, subnet)).map_err(net_error("set the firewall"))?;
    for base in foreign(&mut socket, Hook::Forward)? {
        nft::mark_chain(&mut socket, &base, table, &through(prefix))
            .map_err(net_error("let machines through the host's firewall"))?;
    }
    if let Some(port) = port {
        let rules = [vec![Step::In(prefix.to_owned(), true), Step::Tcp(port), Step::Accept]];
        for base in foreign(&mut socket, Hook::Input)? {
            nft::mark_chain(&mut socket, &base, table, &rules)
                .map_err(net_error("let machines reach the controller"))?;
        }
    }
    legacy(prefix, port, Legacy::Set)
}

pub fn remove(table: &str, prefix: &str) -> Result<(), Error> {
    let mut socket = Socket::netfilter().map_err(net_error("remove the firewall's rules"))?;
    nft::delete_table(&mut socket, table).map_err(net_error("remove the firewall's rules"))?;
    for hook in [Hook::Forward, Hook::Input] {
        for base in foreign(&mut socket, hook)? {
            nft::unmark_chain(&mut socket, &base, table).map_err(net_error("remove the firewall's rules"))?;
        }
    }
    legacy(prefix, None, Legacy::Remove)
}

fn foreign(socket: &mut Socket, hook: Hook) -> Result<Vec<nft::Base>, Error> {
    nft::foreign_chains(socket, hook, TABLES).map_err(net_error("read the host's firewall"))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Legacy {
    Set,
    Remove,
}

/// The same acceptance in tables of iptables-legacy, where the host uses those.
fn legacy(prefix: &str, port: Option<u16>, act: Legacy) -> Result<(), Error> {
    let used =
        fs::read_to_string("/proc/net/ip_tables_names").is_ok_and(|names| names.lines().any(|name| name == "filter"));
    if !used {
        return Ok(());
    }
    let links = format!("{prefix}+");
    let comment = ["-m", "comment", "--comment", prefix];
    let mut rules: Vec<Vec<String>> = Vec::new();
    let mut add = |chain: &str, parts: &[&str]| {
        let parts = [&[chain], parts, &comment, &["-j", "ACCEPT"]].concat();
        rules.push(parts.into_iter().map(str::to_owned).collect());
    };
    add("FORWARD", &["-i", &links]);
    add("FORWARD", &["-o", &links, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED"]);
    if let Some(port) = port {
        add("INPUT", &["-i", &links, "-p", "tcp", "--dport", &port.to_string()]);
    }
    if act == Legacy::Remove {
        return remove_legacy(prefix);
    }
    for rule in rules {
        if !iptables("-C", &rule)? && !iptables("-I", &rule)? {
            return Err(Error::Iptables(format!("refused {}", rule.join(" "))));
        }
    }
    Ok(())
}

/// Takes away every rule that bears our comment, whatever else it says.
fn remove_legacy(prefix: &str) -> Result<(), Error> {
    let output = program(&["-S"])?;
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let ours = words.windows(2).any(|pair| pair[0] == "--comment" && pair[1].trim_matches('"') == prefix);
        if let (true, ["-A", rest @ ..]) = (ours, words.as_slice()) {
            let rule: Vec<String> = rest.iter().map(|w| w.trim_matches('"').to_owned()).collect();
            iptables("-D", &rule)?;
        }
    }
    Ok(())
}

fn iptables(verb: &str, rule: &[String]) -> Result<bool, Error> {
    let mut words = vec![verb];
    words.extend(rule.iter().map(String::as_str));
    Ok(program(&words)?.status.success())
}

fn program(words: &[&str]) -> Result<std::process::Output, Error> {
    for name in ["iptables-legacy", "iptables"] {
        match Command::new(name).arg("-w").args(words).output() {
            Ok(output) => return Ok(output),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::Iptables(error.to_string())),
        }
    }
    Err(Error::NoIptables)
}
