//! Links, addresses, routes and neighbours by rtnetlink.
//! It knows no machine and no controller. The surprise: a cable's both ends are made in one message, the far end straight in its own namespace.

use std::net::Ipv4Addr;

use rustix::io::Errno;

use crate::netlink::{CREATE, EXCL, Error, Message, REPLACE, Socket, attr, attrs, ne_u32, text};

const NEWLINK: u16 = 16;
const DELLINK: u16 = 17;
const GETLINK: u16 = 18;
const NEWADDR: u16 = 20;
const DELADDR: u16 = 21;
const GETADDR: u16 = 22;
const NEWROUTE: u16 = 24;
const DELROUTE: u16 = 25;
const GETROUTE: u16 = 26;
const NEWNEIGH: u16 = 28;

const INET: u8 = 2;
const UP: u32 = 1;

const UNICAST: u8 = 1;
const UNREACHABLE: u8 = 7;
const UNIVERSE: u8 = 0;
const LINK: u8 = 253;

/// An IPv4 network, `10.64.0.0/16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subnet {
    pub address: Ipv4Addr,
    pub bits: u8,
}

impl Subnet {
    pub fn new(address: Ipv4Addr, bits: u8) -> Self {
        let bits = bits.min(32);
        Subnet { address: Ipv4Addr::from(u32::from(address) & mask(bits)), bits }
    }

    pub fn contains(&self, address: Ipv4Addr) -> bool {
        u32::from(address) & mask(self.bits) == u32::from(self.address)
    }

    pub fn overlaps(&self, other: &Subnet) -> bool {
        self.contains(other.address) || other.contains(self.address)
    }

    /// The address of this number in the network.
    pub fn host(&self, number: u32) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.address) | (number & !mask(self.bits)))
    }
}

impl std::fmt::Display for Subnet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl std::str::FromStr for Subnet {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("{text:?} is no IPv4 network");
        let (address, bits) = text.split_once('/').ok_or_else(bad)?;
        let bits: u8 = bits.parse().map_err(|_| bad())?;
        let address: Ipv4Addr = address.parse().map_err(|_| bad())?;
        if bits > 32 {
            return Err(bad());
        }
        Ok(Subnet::new(address, bits))
    }
}

fn mask(bits: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0)
}

/// The end of a cable.
pub struct End<'a> {
    pub name: &'a str,
    pub mac: [u8; 6],
}

fn ifinfo(index: u32, flags: u32, change: u32) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[4..8].copy_from_slice(&index.to_ne_bytes());
    bytes[8..12].copy_from_slice(&flags.to_ne_bytes());
    bytes[12..16].copy_from_slice(&change.to_ne_bytes());
    bytes
}

/// Makes a pair of links, the far one in the network namespace of process `pid`, where it has the index 2.
pub fn cable(socket: &mut Socket, near: &End<'_>, far: &End<'_>, pid: u32, mtu: u32) -> Result<(), Error> {
    let peer = |m: Message| m.raw(&ifinfo(2, 0, 0)).text(3, far.name).attr(1, &far.mac).u32(4, mtu).u32(19, pid);
    socket.ask(
        Message::new("make a network cable", NEWLINK, CREATE | EXCL)
            .raw(&ifinfo(0, 0, 0))
            .text(3, near.name)
            .attr(1, &near.mac)
            .u32(4, mtu)
            .nest(18, |m| m.text(1, "veth").nest(2, |m| m.nest(1, peer))),
    )
}

/// No IPv6 address by itself: what has no address has nothing to listen on.
pub fn quiet_ipv6(socket: &mut Socket, index: u32) -> Result<(), Error> {
    let none = |m: Message| m.nest(10, |m| m.attr(8, &[1]));
    socket.ask(Message::new("switch IPv6 off on a link", NEWLINK, 0).raw(&ifinfo(index, 0, 0)).nest(26, none))
}

pub fn up(socket: &mut Socket, index: u32) -> Result<(), Error> {
    socket.ask(Message::new("switch a link on", NEWLINK, 0).raw(&ifinfo(index, UP, UP)))
}

/// That there is no such link is fine.
pub fn delete(socket: &mut Socket, name: &str) -> Result<(), Error> {
    socket.ask_unless(Message::new("remove a link", DELLINK, 0).raw(&ifinfo(0, 0, 0)).text(3, name), &[Errno::NODEV])
}

/// A link as the kernel lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub index: u32,
    pub name: String,
    pub mtu: u32,
}

pub fn links(socket: &mut Socket) -> Result<Vec<Link>, Error> {
    let replies = socket.dump(Message::new("list the links", GETLINK, 0).raw(&ifinfo(0, 0, 0)))?;
    Ok(replies
        .iter()
        .filter(|r| r.kind == NEWLINK && r.body.len() >= 16)
        .map(|r| Link {
            index: ne_u32(&r.body[4..8]),
            name: attr(&r.body[16..], 3).map(text).unwrap_or_default(),
            mtu: attr(&r.body[16..], 4).map(ne_u32).unwrap_or(0),
        })
        .collect())
}

pub fn index(name: &str) -> Option<u32> {
    let text = std::fs::read_to_string(format!("/sys/class/net/{name}/ifindex")).ok()?;
    text.trim().parse().ok()
}

/// Puts one address (of 32 bits: no network with it) on a link; there already: fine.
pub fn add_address(socket: &mut Socket, index: u32, address: Ipv4Addr, label: Option<&str>) -> Result<(), Error> {
    let message = Message::new("set an address", NEWADDR, CREATE | REPLACE)
        .raw(&ifaddr(index, UNIVERSE))
        .attr(2, &address.octets())
        .attr(1, &address.octets());
    let message = match label {
        Some(label) => message.text(3, label),
        None => message,
    };
    socket.ask_unless(message, &[Errno::EXIST])
}

pub fn delete_address(socket: &mut Socket, index: u32, address: Ipv4Addr) -> Result<(), Error> {
    socket.ask_unless(
        Message::new("remove an address", DELADDR, 0).raw(&ifaddr(index, UNIVERSE)).attr(2, &address.octets()),
        &[Errno::ADDRNOTAVAIL, Errno::NODEV],
    )
}

fn ifaddr(index: u32, scope: u8) -> [u8; 8] {
    let mut bytes = [INET, 32, 0, scope, 0, 0, 0, 0];
    bytes[4..8].copy_from_slice(&index.to_ne_bytes());
    bytes
}

/// Every IPv4 network that an address of this host lies in, by link name.
pub fn addresses(socket: &mut Socket) -> Result<Vec<(Ipv4Addr, Subnet)>, Error> {
    let replies = socket.dump(Message::new("list the addresses", GETADDR, 0).raw(&[INET, 0, 0, 0, 0, 0, 0, 0]))?;
    Ok(replies
        .iter()
        .filter(|r| r.kind == NEWADDR && r.body.len() >= 8)
        .filter_map(|r| {
            let local = attr(&r.body[8..], 2).and_then(ipv4)?;
            Some((local, Subnet::new(local, r.body[1])))
        })
        .collect())
}

/// The addresses whose label this is.
pub fn labelled(socket: &mut Socket, label: &str) -> Result<Vec<Ipv4Addr>, Error> {
    let replies = socket.dump(Message::new("list the addresses", GETADDR, 0).raw(&[INET, 0, 0, 0, 0, 0, 0, 0]))?;
    let named =
        |body: &[u8]| attr(body, 3).is_some_and(|text| text.strip_suffix(&[0]).unwrap_or(text) == label.as_bytes());
    let found = replies.iter().filter(|r| r.kind == NEWADDR && r.body.len() >= 8 && named(&r.body[8..]));
    Ok(found.filter_map(|r| attr(&r.body[8..], 2).and_then(ipv4)).collect())
}

fn ipv4(bytes: &[u8]) -> Option<Ipv4Addr> {
    <[u8; 4]>::try_from(bytes).ok().map(Ipv4Addr::from)
}

fn rtmsg(bits: u8, scope: u8, kind: u8) -> [u8; 12] {
    const MAIN: u8 = 254;
    const STATIC: u8 = 4;
    [INET, bits, 0, 0, MAIN, STATIC, scope, kind, 0, 0, 0, 0]
}

/// One address is reached straight over this link.
pub fn route_to(socket: &mut Socket, address: Ipv4Addr, index: u32, source: Option<Ipv4Addr>) -> Result<(), Error> {
    let message = Message::new("set a route", NEWROUTE, CREATE | REPLACE)
        .raw(&rtmsg(32, LINK, UNICAST))
        .attr(1, &address.octets())
        .u32(4, index);
    socket.ask(match source {
        Some(source) => message.attr(7, &source.octets()),
        None => message,
    })
}

pub fn default_route(socket: &mut Socket, gateway: Ipv4Addr, index: u32) -> Result<(), Error> {
    socket.ask(
        Message::new("set the default route", NEWROUTE, CREATE | REPLACE)
            .raw(&rtmsg(0, UNIVERSE, UNICAST))
            .attr(5, &gateway.octets())
            .u32(4, index),
    )
}

/// What has no better route in this network is answered with "unreachable", and does not leave by the default route.
pub fn close_network(socket: &mut Socket, subnet: Subnet) -> Result<(), Error> {
    socket.ask_unless(
        Message::new("reserve a network", NEWROUTE, CREATE | EXCL)
            .raw(&rtmsg(subnet.bits, UNIVERSE, UNREACHABLE))
            .attr(1, &subnet.address.octets()),
        &[Errno::EXIST],
    )
}

pub fn open_network(socket: &mut Socket, subnet: Subnet) -> Result<(), Error> {
    socket.ask_unless(
        Message::new("release a network", DELROUTE, 0)
            .raw(&rtmsg(subnet.bits, UNIVERSE, UNREACHABLE))
            .attr(1, &subnet.address.octets()),
        &[Errno::SRCH],
    )
}

/// A route as the kernel lists it: its network, and the link it goes by.
pub fn routes(socket: &mut Socket) -> Result<Vec<(Subnet, Option<u32>)>, Error> {
    let replies = socket.dump(Message::new("list the routes", GETROUTE, 0).raw(&rtmsg(0, 0, 0)))?;
    Ok(replies
        .iter()
        .filter(|r| r.kind == NEWROUTE && r.body.len() >= 12 && r.body[0] == INET)
        .map(|r| {
            let mut network = Ipv4Addr::UNSPECIFIED;
            let mut link = None;
            for (kind, value) in attrs(&r.body[12..]) {
                match kind {
                    1 => network = ipv4(value).unwrap_or(network),
                    4 => link = Some(ne_u32(value)),
                    _ => {}
                }
            }
            (Subnet::new(network, r.body[1]), link)
        })
        .collect())
}

/// The far end's hardware address is known, not asked for: entries of this kind do not fill the neighbour table.
pub fn neighbour(socket: &mut Socket, index: u32, address: Ipv4Addr, mac: [u8; 6]) -> Result<(), Error> {
    const PERMANENT: u16 = 0x80;
    let mut bytes = [0u8; 12];
    bytes[0] = INET;
    bytes[4..8].copy_from_slice(&index.to_ne_bytes());
    bytes[8..10].copy_from_slice(&PERMANENT.to_ne_bytes());
    socket.ask(
        Message::new("set a neighbour", NEWNEIGH, CREATE | REPLACE)
            .raw(&bytes)
            .attr(1, &address.octets())
            .attr(2, &mac),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_overlap_or_not() {
        let check = |a: &str, b: &str, expected: bool| {
            let (a, b): (Subnet, Subnet) = (a.parse().expect("a"), b.parse().expect("b"));
            assert_eq!(a.overlaps(&b), expected, "{a} {b}");
            assert_eq!(b.overlaps(&a), expected, "{b} {a}");
        };
        check("10.64.0.0/16", "10.64.3.0/24", true);
        check("10.64.0.0/16", "10.65.0.0/16", false);
        check("10.0.0.0/8", "10.200.0.0/16", true);
        check("192.168.1.1/32", "192.168.1.0/24", true);
        check("0.0.0.0/0", "10.64.0.0/16", true);
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "10.0.0.0", "10.0.0.0/33", "10.0.0/8", "x/8"] {
            assert!(text.parse::<Subnet>().is_err(), "{text}");
        }
    }

    #[test]
    fn hosts_are_numbered_inside() {
        let subnet: Subnet = "10.64.0.0/16".parse().expect("subnet");
        assert_eq!(subnet.host(1), Ipv4Addr::new(10, 64, 0, 1));
        assert_eq!(subnet.host(259), Ipv4Addr::new(10, 64, 1, 3));
    }
}
