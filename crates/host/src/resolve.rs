//! Names to addresses: literal, from the hosts file, or asked of the name servers. A static binary must not ask the C library.
//! It must not know what the addresses are for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(15);

/// The addresses of `host`, a name or a literal address, in brackets or without; none when the name is unknown.
pub async fn addresses(host: &str) -> Vec<IpAddr> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(ip) = host.parse() {
        return vec![ip];
    }
    if host == "localhost" {
        return vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    }
    let Ok(resolver) = hickory_resolver::TokioResolver::builder_tokio().and_then(|builder| builder.build()) else {
        return Vec::new();
    };
    match tokio::time::timeout(PATIENCE, resolver.lookup_ip(host)).await {
        Ok(Ok(found)) => found.iter().collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::addresses;

    #[tokio::test]
    async fn what_needs_no_server() {
        for (host, expected) in [
            ("192.0.2.1", vec!["192.0.2.1"]),
            ("[2001:db8::1]", vec!["2001:db8::1"]),
            ("localhost", vec!["127.0.0.1", "::1"]),
            ("", vec![]),
        ] {
            let found: Vec<String> = addresses(host).await.iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{host:?}");
        }
    }
}
