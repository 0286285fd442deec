//! The private network of one controller on this host: a subnet of its own, one cable for each machine, no bridge, NAT to the outside.
//! It knows no instance records. The surprise: every machine is alone on its cable (an address of 32 bits, the gateway at the near end), so neither
//! a bridge's 1,024 ports nor the neighbour table limits their number, and a machine cannot pretend to be another.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use link::Subnet;

use crate::files::{self, Lock};
use crate::netlink::{self, Socket};

mod firewall;
mod forwarding;
pub mod link;
pub mod nft;
pub mod orphan;

/// Where the host's controllers tell each other what they use; gone at a reboot, as are the things themselves.
pub const RUN: &str = "/run/grigri";
/// Links of every controller begin so.
pub const LINKS: &str = "gg-";
/// Tables of every controller begin so.
pub const TABLES: &str = "grigri-";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{what}")]
    Io {
        what: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("{what}")]
    Netlink {
        what: &'static str,
        #[source]
        source: netlink::Error,
    },
    #[error(
        "no free private network: every /16 of 10.0.0.0/8, 100.64.0.0/10 and 172.16.0.0/12 overlaps a route of this host"
    )]
    NoSubnet,
    #[error("network {subnet} is used by another controller or route of this host")]
    Taken { subnet: Subnet },
    #[error(
        "the firewall of this host is kept by iptables-legacy, and the program iptables is missing: install the package iptables"
    )]
    NoIptables,
    #[error("iptables: {0}")]
    Iptables(String),
}

fn io_error(what: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Io { what, source }
}

fn net_error(what: &'static str) -> impl FnOnce(netlink::Error) -> Error {
    move |source| Error::Netlink { what, source }
}

/// What is written down of a controller's network; it never changes once chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Five hexadecimal digits that are in the name of each link, table and cgroup.
    pub key: String,
    pub subnet: String,
}

/// A machine's place in the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub link: String,
    pub address: Ipv4Addr,
    pub gateway: Ipv4Addr,
    pub mtu: u32,
}

impl Place {
    fn mac(&self, first: u8) -> [u8; 6] {
        let [a, b, c, d] = self.address.octets();
        [first, 0x67, a, b, c, d]
    }
}

fn host_lock() -> Result<Lock, Error> {
    Lock::take(&Path::new(RUN).join("lock")).map_err(io_error("lock /run/grigri"))
}

fn note(key: &str) -> PathBuf {
    Path::new(RUN).join(format!("network-{key}"))
}

impl Network {
    /// Chooses what no other controller and no route of this host uses, and holds it from now on.
    pub fn choose(controller: &str) -> Result<Network, Error> {
        let _lock = host_lock()?;
        let mut socket = Socket::route().map_err(net_error("choose a network"))?;
        let taken = taken(&mut socket)?;
        let digits: u64 = controller
            .chars()
            .filter_map(|c| c.to_digit(16))
            .take(12)
            .fold(0, |sum, digit| sum << 4 | u64::from(digit));
        let free = |key: &String| match fs::read_to_string(note(key)) {
            Ok(owner) => owner == controller,
            Err(_) => true,
        };
        let key = (0..).map(|n: u64| format!("{:05x}", (digits + n) & 0xfffff)).find(free).ok_or(Error::NoSubnet)?;
        let candidates = candidates();
        let start = digits as usize % candidates.len();
        let subnet = (0..candidates.len())
            .map(|n| candidates[(start + n) % candidates.len()])
            .find(|subnet| !taken.iter().any(|other| other.overlaps(subnet)))
            .ok_or(Error::NoSubnet)?;
        files::replace(&note(&key), controller.as_bytes(), 0o600).map_err(io_error("note the network"))?;
        link::close_network(&mut socket, subnet).map_err(net_error("reserve the network"))?;
        Ok(Network { key, subnet: subnet.to_string() })
    }

    pub fn subnet(&self) -> Result<Subnet, Error> {
        self.subnet.parse().map_err(|detail: String| io_error("read the network's record")(io::Error::other(detail)))
    }

    pub fn gateway(&self) -> Result<Ipv4Addr, Error> {
        Ok(self.subnet()?.host(1))
    }

    fn links(&self) -> String {
        format!("{LINKS}{}-", self.key)
    }

    fn table(&self) -> String {
        format!("{TABLES}{}", self.key)
    }

    /// Where the machine with this number is; numbers begin at 2 and end before the subnet does.
    pub fn place(&self, number: u32) -> Result<Place, Error> {
        let subnet = self.subnet()?;
        Ok(Place {
            link: format!("{}{number:04x}", self.links()),
            address: subnet.host(number),
            gateway: subnet.host(1),
            mtu: uplink_mtu(),
        })
    }

    /// Makes what is missing of the network; asked for at every start of the controller and before machines are started.
    /// `port`: where machines reach the controller on this host.
    pub fn ensure(&self, controller: &str, port: Option<u16>) -> Result<(), Error> {
        let _lock = host_lock()?;
        let subnet = self.subnet()?;
        let mut socket = Socket::route().map_err(net_error("set up the network"))?;
        let owner = fs::read_to_string(note(&self.key)).ok();
        if owner.as_deref() != Some(controller) {
            // After a reboot of the host: somebody else may have come first.
            let taken = taken(&mut socket)?;
            if owner.is_some() || taken.iter().any(|other| other.overlaps(&subnet)) {
                return Err(Error::Taken { subnet });
            }
            files::replace(&note(&self.key), controller.as_bytes(), 0o600).map_err(io_error("note the network"))?;
        }
        link::close_network(&mut socket, subnet).map_err(net_error("reserve the network"))?;
        let lo = link::index("lo").unwrap_or(1);
        link::add_address(&mut socket, lo, subnet.host(1), Some(&format!("lo:{LINKS}{}", self.key)))
            .map_err(net_error("set the gateway's address"))?;
        forwarding::need(Path::new(RUN), &self.key).map_err(io_error("switch forwarding on"))?;
        firewall::set(&self.table(), &self.links(), subnet, port)
    }

    /// Puts the host back; machines must be gone.
    pub fn remove(&self) -> Result<(), Error> {
        let lock = host_lock()?;
        let subnet = self.subnet()?;
        let mut socket = Socket::route().map_err(net_error("remove the network"))?;
        let prefix = self.links();
        for link in link::links(&mut socket).map_err(net_error("list the links"))? {
            if link.name.starts_with(&prefix) {
                link::delete(&mut socket, &link.name).map_err(net_error("remove a cable"))?;
            }
        }
        firewall::remove(&self.table(), &prefix)?;
        let lo = link::index("lo").unwrap_or(1);
        link::delete_address(&mut socket, lo, subnet.host(1)).map_err(net_error("remove the gateway's address"))?;
        link::open_network(&mut socket, subnet).map_err(net_error("release the network"))?;
        forwarding::release(Path::new(RUN), &self.key).map_err(io_error("switch forwarding back"))?;
        files::remove(&note(&self.key)).map_err(io_error("remove the network's note"))?;
        lock.remove().map_err(io_error("unlock /run/grigri"))
    }
}

/// A filtering chain of somebody else's that forwarded packets meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// `ip filter FORWARD`
    pub name: String,
    /// What no rule accepts is dropped, as Docker and firewalld have it.
    pub drops: bool,
    /// Our rules for a network stand in it.
    pub open: bool,
}

/// The gates of this host, as seen by one network's machines, if there is one.
pub fn gates(network: Option<&Network>) -> Result<Vec<Gate>, Error> {
    let mut socket = Socket::netfilter().map_err(net_error("open nf_tables"))?;
    let chains = nft::foreign_chains(&mut socket, nft::Hook::Forward, TABLES);
    let mut gates = Vec::new();
    for base in chains.map_err(net_error("list the firewall's chains"))? {
        let open = match network {
            Some(network) => nft::is_marked(&mut socket, &base, &network.table()),
            None => Ok(false),
        };
        let family = if base.family == nft::IPV4 { "ip" } else { "inet" };
        gates.push(Gate {
            name: format!("{family} {} {}", base.table, base.chain),
            drops: base.drops,
            open: open.map_err(net_error("list the firewall's rules"))?,
        });
    }
    Ok(gates)
}

/// Lays the cable of a machine whose first process is `pid`. To be called in a process of one thread: it ends up in the machine's namespace.
pub fn connect(place: &Place, pid: u32) -> Result<(), Error> {
    let what = net_error("connect the machine");
    let mut near = Socket::route().map_err(what)?;
    let run = |near: &mut Socket| -> Result<(), netlink::Error> {
        // One that an interrupted start left over.
        link::delete(near, &place.link)?;
        link::cable(
            near,
            &link::End { name: &place.link, mac: place.mac(0x06) },
            &link::End { name: "eth0", mac: place.mac(0x02) },
            pid,
            place.mtu,
        )
    };
    run(&mut near).map_err(net_error("lay the machine's cable"))?;
    let index = link::index(&place.link)
        .ok_or(Error::Io { what: "find the machine's cable", source: io::ErrorKind::NotFound.into() })?;
    // A host without IPv6 has nothing to switch off.
    let _ = link::quiet_ipv6(&mut near, index);
    // Our rule of the firewall says the same; this one needs no firewall.
    let _ = fs::write(format!("/proc/sys/net/ipv4/conf/{}/rp_filter", place.link), "1");
    let mut far_end = || -> Result<(), netlink::Error> {
        link::up(&mut near, index)?;
        link::neighbour(&mut near, index, place.address, place.mac(0x02))?;
        link::route_to(&mut near, place.address, index, Some(place.gateway))
    };
    far_end().map_err(net_error("set up the near end of the machine's cable"))?;

    let namespace = fs::File::open(format!("/proc/{pid}/ns/net")).map_err(io_error("open the machine's network"))?;
    rustix::thread::move_into_link_name_space(
        std::os::fd::AsFd::as_fd(&namespace),
        Some(rustix::thread::LinkNameSpaceType::Network),
    )
    .map_err(|errno| io_error("enter the machine's network")(errno.into()))?;
    let inside = || -> Result<(), netlink::Error> {
        let mut far = Socket::route()?;
        link::up(&mut far, 1)?;
        link::add_address(&mut far, 2, place.address, None)?;
        link::up(&mut far, 2)?;
        link::neighbour(&mut far, 2, place.gateway, place.mac(0x06))?;
        link::route_to(&mut far, place.gateway, 2, None)?;
        link::default_route(&mut far, place.gateway, 2)
    };
    inside().map_err(net_error("set up the far end of the machine's cable"))
}

/// Takes the cable of a machine away.
pub fn disconnect(place: &Place) -> Result<(), Error> {
    let mut socket = Socket::route().map_err(net_error("remove a cable"))?;
    link::delete(&mut socket, &place.link).map_err(net_error("remove a cable"))
}

fn candidates() -> Vec<Subnet> {
    let net = |a, b| Subnet::new(Ipv4Addr::new(a, b, 0, 0), 16);
    // The crowded ends of 10/8 come last by not coming at all.
    let ten = (64..=250).map(|b| net(10, b));
    let shared = (64..=127).map(|b| net(100, b));
    let twelve = (20..=31).map(|b| net(172, b));
    ten.chain(shared).chain(twelve).collect()
}

/// Networks that a route or an address of this host lies in; the default route is none of them. Neither is a route as wide as 10/8 that
/// goes the same way as the default route: it says nothing about who uses what in there, but it is respected all the same.
fn taken(socket: &mut Socket) -> Result<Vec<Subnet>, Error> {
    let routes = link::routes(socket).map_err(net_error("list the routes"))?;
    let addresses = link::addresses(socket).map_err(net_error("list the addresses"))?;
    Ok(routes
        .into_iter()
        .map(|(subnet, _)| subnet)
        .chain(addresses.into_iter().map(|(_, subnet)| subnet))
        .filter(|subnet| subnet.bits > 0)
        .chain(resolvers())
        .collect())
}

/// The host's name servers must stay reachable from inside, wherever they are.
fn resolvers() -> Vec<Subnet> {
    crate::resolv::servers()
        .into_iter()
        .filter_map(|address| match address {
            std::net::IpAddr::V4(address) => Some(Subnet::new(address, 32)),
            std::net::IpAddr::V6(_) => None,
        })
        .collect()
}

/// The smallest size of packets on the way out, that machines need not find it out by loss.
fn uplink_mtu() -> u32 {
    let find = || -> Result<Option<u32>, netlink::Error> {
        let mut socket = Socket::route()?;
        let out: Vec<u32> = link::routes(&mut socket)?
            .into_iter()
            .filter(|(subnet, _)| subnet.bits == 0)
            .filter_map(|(_, link)| link)
            .collect();
        Ok(link::links(&mut socket)?.into_iter().filter(|link| out.contains(&link.index)).map(|link| link.mtu).min())
    };
    find().ok().flatten().unwrap_or(1500).clamp(576, 65535)
}

/// Whether this kernel has what the firewall's rules need; nothing stays.
pub fn probe() -> Result<(), Error> {
    let mut socket = Socket::netfilter().map_err(net_error("open nf_tables"))?;
    nft::foreign_chains(&mut socket, nft::Hook::Forward, TABLES).map_err(net_error("list the firewall's chains"))?;
    Ok(())
}
