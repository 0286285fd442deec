//! `[user@]host[:port]` as people type it.
//! The surprise: an IPv6 address needs no brackets, unless a port stands behind it.

use crate::error::{Error, Result};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub user: Option<String>,
    /// Without brackets.
    pub host: String,
    pub port: Option<u16>,
}

impl Place {
    /// Reads it; whether the host is one, ssh says.
    pub(crate) fn read(text: &str) -> Result<Place> {
        let (user, rest) = match text.split_once('@') {
            Some((user, rest)) => (Some(user.to_owned()), rest),
            None => (None, text),
        };
        // What begins with a dash would be taken for an option.
        if text.starts_with('-') || rest.starts_with('-') {
            return Err(Error::failed(format!("host name {rest:?} not valid")));
        }
        let (host, port) = match rest.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, port)) => (host, Some(port.strip_prefix(':').unwrap_or("?"))),
            None if rest.matches(':').count() == 1 => {
                rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port)))
            }
            None => (rest, None),
        };
        let port = match port {
            None => None,
            Some(text) => match text.parse::<u16>() {
                Ok(port) if port > 0 && text.bytes().all(|byte| byte.is_ascii_digit()) => Some(port),
                _ => return Err(Error::failed(format!("port of host {rest:?} not valid"))),
            },
        };
        Ok(Place { user, host: host.to_owned(), port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type() {
        let check = |text: &str, user: Option<&str>, host: &str, port: Option<u16>| {
            let expected = Place { user: user.map(str::to_owned), host: host.to_owned(), port };
            assert_eq!(Place::read(text).expect("read"), expected, "{text}");
        };
        check("box", None, "box", None);
        check("root@10.0.0.7", Some("root"), "10.0.0.7", None);
        check("root@box:2222", Some("root"), "box", Some(2222));
        check("fd00::7", None, "fd00::7", None);
        check("me@fd00::7", Some("me"), "fd00::7", None);
        check("me@[fd00::7]", Some("me"), "fd00::7", None);
        check("me@[fd00::7]:22", Some("me"), "fd00::7", Some(22));
        check("", None, "", None);
        check("root@", Some("root"), "", None);
    }

    #[test]
    fn what_is_refused() {
        let check = |text: &str, words: &str| {
            assert_eq!(Place::read(text).expect_err("refused").message(), words, "{text}");
        };
        check("-oProxyCommand=x", "host name \"-oProxyCommand=x\" not valid");
        check("root@-x", "host name \"-x\" not valid");
        check("box:", "port of host \"box:\" not valid");
        check("box:0", "port of host \"box:0\" not valid");
        check("box:+1", "port of host \"box:+1\" not valid");
        check("box:99999", "port of host \"box:99999\" not valid");
        check("[fd00::7]22", "port of host \"[fd00::7]22\" not valid");
    }
}
