//! Rules of netfilter by its own netlink protocol: no tool needs to be installed.
//! It knows no machine. The surprise: an `accept` in one table does not overrule a `drop` in another, so letting our packets through a foreign
//! firewall means putting rules at the head of its own chains, marked as ours.

use rustix::io::Errno;

use crate::netlink::{APPEND, CREATE, Error, Message, Socket, attr, attrs, be_u32, text};

const SUBSYSTEM: u16 = 10 << 8;
const NEWTABLE: u16 = SUBSYSTEM;
const DELTABLE: u16 = SUBSYSTEM | 2;
const NEWCHAIN: u16 = SUBSYSTEM | 3;
const GETCHAIN: u16 = SUBSYSTEM | 4;
const NEWRULE: u16 = SUBSYSTEM | 6;
const GETRULE: u16 = SUBSYSTEM | 7;
const DELRULE: u16 = SUBSYSTEM | 8;

const INET: u8 = 1;
pub const IPV4: u8 = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    Prerouting = 0,
    Input = 1,
    Forward = 2,
    Postrouting = 4,
}

fn header(family: u8) -> [u8; 4] {
    [family, 0, 0, 0]
}

fn message(what: &'static str, kind: u16, flags: u16, family: u8) -> Message {
    Message::new(what, kind, flags).raw(&header(family))
}

/// One condition or act of a rule.
#[derive(Debug, Clone)]
pub enum Step {
    /// The name of the link it came in by begins like this (`true`) or does not (`false`).
    In(String, bool),
    /// The same of the link it leaves by.
    Out(String, bool),
    From(super::Subnet, bool),
    To(super::Subnet, bool),
    /// TCP to this port.
    Tcp(u16),
    /// It belongs to a connection that was let through before.
    Known,
    /// Nothing would go back to its sender by the link it came in by: the sender's address is a lie.
    Spoofed,
    Accept,
    Drop,
    Masquerade,
}

fn expr(m: Message, name: &str, fill: impl FnOnce(Message) -> Message) -> Message {
    m.nest(1, |m| m.text(1, name).nest(2, fill))
}

fn compare(m: Message, equal: bool, value: &[u8]) -> Message {
    expr(m, "cmp", |m| m.be32(1, 1).be32(2, u32::from(!equal)).nest(3, |m| m.attr(1, value)))
}

fn meta(m: Message, key: u32) -> Message {
    expr(m, "meta", |m| m.be32(2, key).be32(1, 1))
}

fn payload(m: Message, base: u32, offset: u32, length: u32) -> Message {
    expr(m, "payload", |m| m.be32(1, 1).be32(2, base).be32(3, offset).be32(4, length))
}

fn verdict(m: Message, code: u32) -> Message {
    expr(m, "immediate", |m| m.be32(1, 0).nest(2, |m| m.nest(2, |m| m.be32(1, code))))
}

fn address(m: Message, offset: u32, subnet: &super::Subnet, equal: bool) -> Message {
    let mask = u32::MAX.checked_shl(32 - u32::from(subnet.bits)).unwrap_or(0).to_be_bytes();
    let m = payload(m, 1, offset, 4);
    let m = expr(m, "bitwise", |m| {
        m.be32(1, 1).be32(2, 1).be32(3, 4).nest(4, |m| m.attr(1, &mask)).nest(5, |m| m.attr(1, &[0; 4]))
    });
    compare(m, equal, &subnet.address.octets())
}

impl Step {
    fn write(&self, m: Message) -> Message {
        match self {
            Step::In(prefix, equal) => compare(meta(m, 6), *equal, prefix.as_bytes()),
            Step::Out(prefix, equal) => compare(meta(m, 7), *equal, prefix.as_bytes()),
            Step::From(subnet, equal) => address(m, 12, subnet, *equal),
            Step::To(subnet, equal) => address(m, 16, subnet, *equal),
            Step::Tcp(port) => {
                let m = compare(meta(m, 16), true, &[6]);
                compare(payload(m, 2, 2, 2), true, &port.to_be_bytes())
            }
            Step::Known => {
                let m = expr(m, "ct", |m| m.be32(2, 0).be32(1, 1));
                let states = (2u32 | 4).to_ne_bytes();
                let m = expr(m, "bitwise", |m| {
                    m.be32(1, 1).be32(2, 1).be32(3, 4).nest(4, |m| m.attr(1, &states)).nest(5, |m| m.attr(1, &[0; 4]))
                });
                compare(m, false, &[0; 4])
            }
            Step::Spoofed => {
                let m = expr(m, "fib", |m| m.be32(1, 1).be32(2, 1).be32(3, 1 | 8));
                compare(m, true, &[0; 4])
            }
            Step::Accept => verdict(m, 1),
            Step::Drop => verdict(m, 0),
            Step::Masquerade => expr(m, "masq", |m| m),
        }
    }
}

fn rule(family: u8, table: &str, chain: &str, mark: &str, steps: &[Step], append: bool) -> Message {
    let flags = CREATE | if append { APPEND } else { 0 };
    // A comment, as the nft tool writes and shows them.
    let mut comment = vec![0, mark.len() as u8 + 1];
    comment.extend_from_slice(mark.as_bytes());
    comment.push(0);
    message("add a firewall rule", NEWRULE, flags, family)
        .text(1, table)
        .text(2, chain)
        .nest(4, |m| steps.iter().fold(m, |m, step| step.write(m)))
        .attr(7, &comment)
}

/// A chain of a table of our own.
pub struct Chain {
    pub name: &'static str,
    pub kind: &'static str,
    pub hook: Hook,
    pub priority: i32,
    pub rules: Vec<Vec<Step>>,
}

/// Makes our table anew, whole, in one transaction: there is no moment in which half of it is in force.
pub fn set_table(socket: &mut Socket, name: &str, chains: &[Chain]) -> Result<(), Error> {
    let table = |flags, kind| message("set the firewall table", kind, flags, IPV4).text(1, name);
    // Made before it is deleted, so that deleting cannot fail for want of it.
    let mut messages = vec![table(CREATE, NEWTABLE), table(0, DELTABLE), table(CREATE, NEWTABLE)];
    for chain in chains {
        messages.push(
            message("set a firewall chain", NEWCHAIN, CREATE, IPV4)
                .text(1, name)
                .text(3, chain.name)
                .nest(4, |m| m.be32(1, chain.hook as u32).be32(2, chain.priority as u32))
                .text(7, chain.kind),
        );
        for steps in &chain.rules {
            messages.push(rule(IPV4, name, chain.name, name, steps, true));
        }
    }
    socket.transaction(messages)
}

pub fn delete_table(socket: &mut Socket, name: &str) -> Result<(), Error> {
    let message = message("remove the firewall table", DELTABLE, 0, IPV4).text(1, name);
    match socket.transaction(vec![message]) {
        Err(Error::Refused { errno, .. }) if errno == Errno::NOENT => Ok(()),
        other => other,
    }
}

/// A chain of somebody's that packets meet at a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    pub family: u8,
    pub table: String,
    pub chain: String,
    /// Its policy: what no rule accepts is dropped.
    pub drops: bool,
}

/// The filtering chains at this hook, in tables whose name does not begin with `ours`.
pub fn foreign_chains(socket: &mut Socket, hook: Hook, ours: &str) -> Result<Vec<Base>, Error> {
    let mut found = Vec::new();
    for family in [INET, IPV4] {
        let listed = socket.dump(message("list the firewall chains", GETCHAIN, 0, family))?;
        for reply in listed.iter().filter(|r| r.kind == NEWCHAIN) {
            let Some(body) = reply.body.get(4..) else {
                continue;
            };
            let table = attr(body, 1).map(text).unwrap_or_default();
            let at = attr(body, 4).and_then(|h| attr(h, 1)).map(be_u32);
            let filters = attr(body, 7).map(text).as_deref() == Some("filter");
            if at == Some(hook as u32) && filters && !table.starts_with(ours) {
                let drops = attr(body, 5).map(be_u32) == Some(0);
                found.push(Base { family, table, chain: attr(body, 3).map(text).unwrap_or_default(), drops });
            }
        }
    }
    Ok(found)
}

/// Puts marked rules at the head of a foreign chain, unless rules so marked are there.
pub fn mark_chain(socket: &mut Socket, base: &Base, mark: &str, rules: &[Vec<Step>]) -> Result<(), Error> {
    if marked(socket, base, mark)?.len() >= rules.len() {
        return Ok(());
    }
    unmark_chain(socket, base, mark)?;
    let messages =
        rules.iter().rev().map(|steps| rule(base.family, &base.table, &base.chain, mark, steps, false)).collect();
    socket.transaction(messages)
}

pub fn unmark_chain(socket: &mut Socket, base: &Base, mark: &str) -> Result<(), Error> {
    let messages: Vec<Message> = marked(socket, base, mark)?
        .into_iter()
        .map(|handle| {
            message("remove a firewall rule", DELRULE, 0, base.family)
                .text(1, &base.table)
                .text(2, &base.chain)
                .attr(3, &handle)
        })
        .collect();
    if messages.is_empty() {
        return Ok(());
    }
    socket.transaction(messages)
}

/// Whether rules of ours stand in a foreign chain.
pub fn is_marked(socket: &mut Socket, base: &Base, mark: &str) -> Result<bool, Error> {
    Ok(!marked(socket, base, mark)?.is_empty())
}

/// The handles of the rules of a chain that bear the mark.
fn marked(socket: &mut Socket, base: &Base, mark: &str) -> Result<Vec<Vec<u8>>, Error> {
    let ask = message("list the firewall rules", GETRULE, 0, base.family).text(1, &base.table).text(2, &base.chain);
    let listed = socket.dump(ask)?;
    Ok(listed
        .iter()
        .filter(|r| r.kind == NEWRULE)
        .filter_map(|r| {
            let fields = attrs(r.body.get(4..)?);
            let field = |kind| fields.iter().find(|(k, _)| *k == kind).map(|(_, v)| *v);
            let here = field(1).map(text)? == base.table && field(2).map(text)? == base.chain;
            let comment = field(7).filter(|c| c.len() > 2).map(|c| text(&c[2..]))?;
            (here && comment == mark).then(|| field(3).map(<[u8]>::to_vec))?
        })
        .collect())
}

/// Every table, chain and rule of IPv4, a line each, for comparing.
pub fn everything(socket: &mut Socket) -> Result<Vec<String>, Error> {
    let mut lines = Vec::new();
    for family in [INET, IPV4] {
        for reply in socket.dump(message("list the firewall chains", GETCHAIN, 0, family))? {
            let Some(body) = reply.body.get(4..) else {
                continue;
            };
            let (Some(table), Some(chain)) = (attr(body, 1).map(text), attr(body, 3).map(text)) else {
                continue;
            };
            lines.push(format!("chain {table} {chain}"));
        }
        for reply in socket.dump(message("list the firewall rules", GETRULE, 0, family))? {
            let Some(body) = reply.body.get(4..) else {
                continue;
            };
            let field = |kind| attr(body, kind).map(text).unwrap_or_default();
            let handle = attr(body, 3).unwrap_or_default();
            lines.push(format!("rule {} {} {handle:?}", field(1), field(2)));
        }
    }
    Ok(lines)
}
