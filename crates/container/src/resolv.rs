//! The host's name servers, as far as a machine on its own network can reach them.
//! It must not know what asks. The surprise: a server on loopback (systemd-resolved) is this host's alone, and the real ones stand in another file.

use std::fs;
use std::net::IpAddr;

const FILES: [&str; 2] = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];

/// Servers of a `resolv.conf` that others than the host can ask.
pub fn usable(text: &str) -> Vec<IpAddr> {
    lines(text, "nameserver")
        .filter_map(|value| value.split('%').next()?.parse().ok())
        .filter(|address: &IpAddr| {
            let far = match address {
                // A machine has no IPv6 way out.
                IpAddr::V4(address) => !address.is_link_local(),
                IpAddr::V6(_) => false,
            };
            far && !address.is_loopback() && !address.is_unspecified()
        })
        .collect()
}

fn lines<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines()
        .filter_map(move |line| line.trim().strip_prefix(word))
        .filter(|rest| rest.starts_with([' ', '\t']))
        .map(str::trim)
}

pub fn servers() -> Vec<IpAddr> {
    FILES
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .map(|text| usable(&text))
        .find(|servers| !servers.is_empty())
        .unwrap_or_default()
}

/// What a machine's `/etc/resolv.conf` says.
pub fn for_machine() -> String {
    let host = fs::read_to_string(FILES[0]).unwrap_or_default();
    render(&servers(), &host)
}

fn render(servers: &[IpAddr], host: &str) -> String {
    let mut text = String::new();
    if servers.is_empty() {
        text.push_str("# the host has no name server that can be asked from here\n");
    }
    for server in servers {
        text.push_str(&format!("nameserver {server}\n"));
    }
    for word in ["search", "options"] {
        for value in lines(host, word) {
            text.push_str(&format!("{word} {value}\n"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_of_the_host_alone_are_left_out() {
        let check = |text: &str, expected: &[&str]| {
            let found: Vec<String> = usable(text).iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{text:?}");
        };
        check("nameserver 127.0.0.53\nnameserver 10.0.0.2\n", &["10.0.0.2"]);
        check("nameserver ::1\nnameserver fe80::1%eth0\n", &[]);
        check("#nameserver 10.0.0.2\nnameserverx 1.1.1.1\n", &[]);
        check("nameserver\t9.9.9.9\n", &["9.9.9.9"]);
        check("", &[]);
    }

    #[test]
    fn a_machine_searches_where_its_host_does() {
        let host = "nameserver 127.0.0.53\nsearch example.com\noptions edns0\n";
        assert_eq!(
            render(&["10.0.0.2".parse().expect("ip")], host),
            "nameserver 10.0.0.2\nsearch example.com\noptions edns0\n"
        );
    }
}
