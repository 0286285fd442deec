//! The proxies of a model's machines (`wire/commands-controllers.md` 9.2).
//! The surprise: apt's fall back to those of all programs, each to its own; those that begin with `juju-` are for charms, and count for neither.

use crate::beliefs::InModel;
use crate::settings;

/// URLs by the schemes that go through them, empty for none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    pub http: String,
    pub https: String,
    pub ftp: String,
    /// Hosts that are asked themselves, separated by commas.
    pub no_proxy: String,
}

/// Of all programs.
pub fn proxies(within: &InModel) -> Proxies {
    Proxies {
        http: settings::text(within, "http-proxy"),
        https: settings::text(within, "https-proxy"),
        ftp: settings::text(within, "ftp-proxy"),
        no_proxy: settings::text(within, "no-proxy"),
    }
}

pub fn apt_proxies(within: &InModel) -> Proxies {
    let all = proxies(within);
    let or = |own: String, of_all: String| if own.is_empty() { of_all } else { own };
    Proxies {
        http: or(settings::text(within, "apt-http-proxy"), all.http),
        https: or(settings::text(within, "apt-https-proxy"), all.https),
        ftp: or(settings::text(within, "apt-ftp-proxy"), all.ftp),
        no_proxy: or(settings::text(within, "apt-no-proxy"), all.no_proxy),
    }
}
