//! How much of what an agent says is kept: texts are cut, lists are cut short. An agent is a program on a machine that may be in others' hands.

use crate::text::head;
use base::clock::Time;
use rpc::tls::AgentIdentity;
use store::append::{Level, Line};
use wire::agent::{Facts, Interface};

/// Bytes of names, addresses, versions and other words.
const WORD: usize = 256;
/// Bytes of what is said of a status or of a failure.
const SENTENCE: usize = 1024;
/// Bytes of a line of the log.
const LINE: usize = 4096;
const INTERFACES: usize = 256;
/// Of all interfaces.
const ADDRESSES: usize = 1024;
const HOST_KEYS: usize = 16;
const HOST_KEY: usize = 4096;

/// The text, or as much as fits of it and the bytes that do not.
fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let head = head(text, most);
    format!("{head} ({} bytes cut)", text.len() - head.len())
}

pub fn word(text: &str) -> String {
    head(text, WORD).to_owned()
}

pub fn sentence(text: &str) -> String {
    cut(text, SENTENCE)
}

pub fn facts(said: &Facts) -> Facts {
    let mut left = ADDRESSES;
    let interfaces = said.interfaces.iter().take(INTERFACES).map(|one| {
        let addresses: Vec<String> = one.addresses.iter().take(left).map(|address| word(address)).collect();
        left -= addresses.len();
        Interface {
            name: word(&one.name),
            mac: word(&one.mac),
            gateway: one.gateway.as_deref().map(word),
            addresses,
            ..*one
        }
    });
    let interfaces = interfaces.collect();
    // Half a key is none; and of two lines, clients would take the second for a key of another host.
    let is_key = |key: &&String| key.len() <= HOST_KEY && !key.contains(['\n', '\r']);
    let keys = said.ssh_host_keys.iter().filter(is_key).take(HOST_KEYS);
    Facts {
        hostname: word(&said.hostname),
        arch: word(&said.arch),
        base: word(&said.base),
        boot_id: word(&said.boot_id),
        interfaces,
        ssh_host_keys: keys.cloned().collect(),
        ..*said
    }
}

/// A line of a machine's log; never of the future, or it would outlive all others. `at`: microseconds.
pub fn line(who: &AgentIdentity, at: i64, now: Time, level: Level, module: &str, message: &str) -> Line {
    let now = i64::try_from(now.unix_nanos() / 1000).unwrap_or(i64::MAX);
    Line {
        at: at.clamp(0, now),
        entity: format!("machine-{}", who.machine.dashed()),
        level,
        module: word(module),
        location: String::new(),
        message: cut(message, LINE),
        labels: Default::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_letters() {
        let check = |text: &str, expected: &str| assert_eq!(cut(text, 5), expected, "{text}");
        check("", "");
        check("12345", "12345");
        check("123456", "12345 (1 bytes cut)");
        check("1234ü6", "1234 (3 bytes cut)");
    }

    #[test]
    fn facts_have_their_size() {
        let one = Interface { name: "x".repeat(9999), addresses: vec!["y".repeat(9999); 300], ..Interface::default() };
        let said = Facts {
            hostname: "h".repeat(9999),
            interfaces: vec![one; 1000],
            ssh_host_keys: [vec!["k".repeat(9999); 5], vec!["ssh-ed25519 AAAA".into(); 100]].concat(),
            cores: 4,
            ..Facts::default()
        };
        let kept = facts(&said);
        assert_eq!((kept.hostname.len(), kept.cores, kept.interfaces.len()), (256, 4, 256));
        assert_eq!(kept.interfaces.iter().map(|one| one.addresses.len()).sum::<usize>(), 1024);
        assert_eq!(kept.ssh_host_keys, vec!["ssh-ed25519 AAAA"; 16]);
        let bytes = serde_json::to_string(&kept).expect("plain data").len();
        assert!(bytes < 600 << 10, "{bytes} bytes, more than half of what a value may have");
    }
}
