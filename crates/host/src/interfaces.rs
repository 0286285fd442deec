//! Network interfaces and their addresses, from the kernel's route socket and `/sys`; and a watch that wakes when they change.
//! It must not know which addresses matter to whom. The surprise: nothing polls, the kernel tells.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use tokio::io::unix::AsyncFd;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interface {
    pub name: String,
    pub index: u32,
    pub mac: String,
    pub mtu: u32,
    pub up: bool,
    pub loopback: bool,
    /// In CIDR form, as set: `10.0.0.5/24`.
    pub addresses: Vec<String>,
    /// Of a default route through it.
    pub gateway: Option<IpAddr>,
}

const RTM_GETADDR: u16 = 22;
const RTM_NEWADDR: u16 = 20;
const NLMSG_DONE: u16 = 3;
const NLMSG_ERROR: u16 = 2;
const NLM_F_REQUEST_DUMP: u16 = 0x301;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
/// IPv4 and IPv6 addresses: RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR.
const ADDRESS_GROUPS: u32 = 0x10 | 0x100;
/// IFA_F_TENTATIVE | IFA_F_DADFAILED: not usable (yet).
const UNUSABLE: u8 = 0x40 | 0x08;

/// All interfaces, by index.
pub fn read() -> io::Result<Vec<Interface>> {
    let mut found = links(Path::new("/sys/class/net"))?;
    for (index, address) in addresses()? {
        if let Some(interface) = found.iter_mut().find(|i| i.index == index) {
            interface.addresses.push(address);
        }
    }
    let v4 = fs::read_to_string("/proc/net/route").unwrap_or_default();
    let v6 = fs::read_to_string("/proc/net/ipv6_route").unwrap_or_default();
    for interface in &mut found {
        interface.gateway = gateway_v4(&v4, &interface.name)
            .map(IpAddr::V4)
            .or_else(|| gateway_v6(&v6, &interface.name).map(IpAddr::V6));
    }
    found.sort_by_key(|i| i.index);
    Ok(found)
}

fn links(dir: &Path) -> io::Result<Vec<Interface>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let read = |file: &str| fs::read_to_string(entry.path().join(file)).unwrap_or_default().trim().to_owned();
        // `bonding_masters` and its like are files among the links.
        let Ok(index) = read("ifindex").parse() else { continue };
        let flags = u32::from_str_radix(read("flags").trim_start_matches("0x"), 16).unwrap_or(0);
        found.push(Interface {
            name: entry.file_name().to_string_lossy().into_owned(),
            index,
            mac: read("address"),
            mtu: read("mtu").parse().unwrap_or(0),
            up: flags & 1 != 0,
            loopback: flags & 8 != 0,
            addresses: Vec::new(),
            gateway: None,
        });
    }
    Ok(found)
}

fn addresses() -> io::Result<Vec<(u32, String)>> {
    let socket = route_socket(0, SocketFlags::CLOEXEC)?;
    let mut request = Vec::with_capacity(24);
    request.extend_from_slice(&24u32.to_ne_bytes());
    request.extend_from_slice(&RTM_GETADDR.to_ne_bytes());
    request.extend_from_slice(&NLM_F_REQUEST_DUMP.to_ne_bytes());
    request.extend_from_slice(&[0; 16]);
    rustix::net::send(&socket, &request, SendFlags::empty())?;
    let mut found = Vec::new();
    let mut buffer = vec![0u8; 32 << 10];
    loop {
        let (n, _) = rustix::net::recv(&socket, &mut buffer[..], RecvFlags::empty())?;
        if n == 0 || parse(&buffer[..n], &mut found)? {
            return Ok(found);
        }
    }
}

/// Reads one datagram's messages; true: it was the last.
fn parse(mut data: &[u8], found: &mut Vec<(u32, String)>) -> io::Result<bool> {
    while let Some((kind, body, rest)) = message(data) {
        match kind {
            NLMSG_DONE => return Ok(true),
            NLMSG_ERROR => {
                let code = body.get(..4).map_or(0, |b| i32::from_ne_bytes([b[0], b[1], b[2], b[3]]));
                return Err(io::Error::from_raw_os_error(-code));
            }
            RTM_NEWADDR => found.extend(address(body)),
            _ => {}
        }
        data = rest;
    }
    Ok(false)
}

fn message(data: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let length = u32::from_ne_bytes(data.get(..4)?.try_into().ok()?) as usize;
    let kind = u16::from_ne_bytes(data.get(4..6)?.try_into().ok()?);
    let body = data.get(16..length)?;
    Some((kind, body, data.get(length.next_multiple_of(4)..).unwrap_or_default()))
}

/// An `ifaddrmsg` and its attributes. Of a point-to-point link IFA_LOCAL is ours and IFA_ADDRESS the other's.
fn address(body: &[u8]) -> Option<(u32, String)> {
    let (prefix, flags) = (*body.get(1)?, *body.get(2)?);
    let index = u32::from_ne_bytes(body.get(4..8)?.try_into().ok()?);
    if flags & UNUSABLE != 0 {
        return None;
    }
    let mut best: Option<(u16, IpAddr)> = None;
    let mut data = body.get(8..)?;
    while data.len() >= 4 {
        let length = usize::from(u16::from_ne_bytes([data[0], data[1]]));
        let kind = u16::from_ne_bytes([data[2], data[3]]);
        let Some(value) = data.get(4..length) else { break };
        if matches!(kind, IFA_ADDRESS | IFA_LOCAL)
            && let Some(ip) = ip(value)
            && best.is_none_or(|(had, _)| kind > had)
        {
            best = Some((kind, ip));
        }
        data = data.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    best.map(|(_, ip)| (index, format!("{ip}/{prefix}")))
}

fn ip(value: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(value).map(|b| IpAddr::V4(Ipv4Addr::from(b)));
    v4.ok().or_else(|| <[u8; 16]>::try_from(value).map(|b| IpAddr::V6(Ipv6Addr::from(b))).ok())
}

fn gateway_v4(routes: &str, name: &str) -> Option<Ipv4Addr> {
    routes.lines().skip(1).find_map(|line| {
        let f: Vec<&str> = line.split_whitespace().collect();
        if f.len() < 8 || f[0] != name || f[1] != "00000000" || f[7] != "00000000" {
            return None;
        }
        let raw = u32::from_str_radix(f[2], 16).ok().filter(|raw| *raw != 0)?;
        Some(Ipv4Addr::from(raw.to_ne_bytes()))
    })
}

fn gateway_v6(routes: &str, name: &str) -> Option<Ipv6Addr> {
    routes.lines().find_map(|line| {
        let f: Vec<&str> = line.split_whitespace().collect();
        if f.len() < 10 || f[9] != name || f[1] != "00" || f[0].bytes().any(|b| b != b'0') {
            return None;
        }
        let raw = u128::from_str_radix(f[4], 16).ok().filter(|raw| *raw != 0)?;
        Some(Ipv6Addr::from(raw))
    })
}

fn route_socket(groups: u32, flags: SocketFlags) -> io::Result<OwnedFd> {
    let socket = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
    rustix::net::bind(&socket, &SocketAddrNetlink::new(0, groups))?;
    Ok(socket)
}

/// Wakes when an address comes or goes.
#[derive(Debug)]
pub struct Watch {
    socket: AsyncFd<OwnedFd>,
}

impl Watch {
    /// Needs a tokio runtime.
    pub fn new() -> io::Result<Self> {
        let socket = route_socket(ADDRESS_GROUPS, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)?;
        #[allow(unsafe_code)]
        // The socket is owned, never given out, and closed only with its registration.
        let socket = unsafe { AsyncFd::register(socket)? };
        Ok(Self { socket })
    }

    /// Ready after a change, all that is queued taken together. An overrun queue is a change too.
    pub async fn changed(&mut self) -> io::Result<()> {
        let mut buffer = [0u8; 8 << 10];
        let mut seen = false;
        loop {
            let mut guard = self.socket.readable_mut().await?;
            loop {
                match rustix::net::recv(guard.get_inner(), &mut buffer[..], RecvFlags::empty()) {
                    Ok(_) | Err(rustix::io::Errno::NOBUFS) => seen = true,
                    Err(rustix::io::Errno::AGAIN) => {
                        guard.clear_ready();
                        break;
                    }
                    Err(rustix::io::Errno::INTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            if seen {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gateways_are_those_of_default_routes() {
        let v4 = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n\
                  eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\neth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\n";
        assert_eq!(gateway_v4(v4, "eth0"), Some(Ipv4Addr::new(192, 168, 0, 1)));
        assert_eq!(gateway_v4(v4, "eth1"), None);
        let v6 = "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003 eth0\n";
        assert_eq!(gateway_v6(v6, "eth0"), Some("fe80::1".parse().expect("an address")));
    }

    #[test]
    fn loopback_is_here_with_its_address() {
        let all = read().expect("the kernel answers");
        let lo = all.iter().find(|i| i.loopback).expect("every network namespace has one");
        if lo.up {
            assert!(lo.addresses.contains(&"127.0.0.1/8".to_owned()), "{lo:?}");
        }
    }

    #[test]
    fn torn_messages_are_not_read_beyond_their_end() {
        let mut found = Vec::new();
        for data in [
            &[][..],
            &[255, 0, 0, 0, 20, 0, 0, 0][..],
            &[16, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..],
            &[0; 64][..],
        ] {
            assert!(!parse(data, &mut found).expect("no error message in it"));
        }
        assert!(found.is_empty());
    }
}
