//! The model's proxies on the machine: for logins, for apt, for whoever links systemd's file into place, and for commands. The files have the
//! names that Juju gives them (`wire/commands-controllers.md` 4).
//! It must not know who sets them. The surprise: a file that does not begin with our mark is somebody else's, and stays as it is; and none is
//! written where there is no folder for it.

use std::io;
use std::path::Path;

use base::shell;
use wire::agent::{Proxies, ProxySettings};

const MARK: &str = "The proxies of this machine's model, written anew when they change.";

/// Below `/etc`: for shells, and for whoever reads them.
const SHELL: &str = "juju-proxy.conf";
const LOGIN: &str = "profile.d/juju-proxy.sh";
const SYSTEMD: &str = "juju-proxy-systemd.conf";
const APT: &str = "apt/apt.conf.d/95-juju-proxy-settings";

/// Makes the files below `etc` say them; those that would say nothing go. Goes on where one cannot be written, and fails with the first.
pub fn keep(etc: &Path, wanted: &ProxySettings) -> io::Result<()> {
    let mut outcome = Ok(());
    for (name, text) in files(wanted) {
        let done = write(&etc.join(name), text.as_deref());
        outcome = outcome.and(done.map_err(|error| io::Error::new(error.kind(), format!("{name}: {error}"))));
    }
    outcome
}

/// Takes away what was written.
pub fn let_go(etc: &Path) -> io::Result<()> {
    keep(etc, &ProxySettings::default())
}

/// As programs look for them.
pub fn environment(proxies: &Proxies) -> Vec<(String, String)> {
    let all = [
        ("http_proxy", &proxies.http),
        ("https_proxy", &proxies.https),
        ("ftp_proxy", &proxies.ftp),
        ("no_proxy", &proxies.no_proxy),
    ];
    let is_none = proxies.http.is_empty() && proxies.https.is_empty() && proxies.ftp.is_empty();
    let set = all.into_iter().filter(|(_, value)| !is_none && is_plain(value));
    set.flat_map(|(name, value)| [(name.to_owned(), value.clone()), (name.to_uppercase(), value.clone())]).collect()
}

/// Something, and in no file more than a value.
fn is_plain(value: &str) -> bool {
    !value.is_empty() && !value.chars().any(char::is_control)
}

fn files(wanted: &ProxySettings) -> [(&'static str, Option<String>); 4] {
    let environment = environment(&wanted.all);
    let of_shells: String =
        environment.iter().map(|(name, value)| format!("export {name}={}\n", shell::word(value))).collect();
    let of_systemd: Vec<String> = environment
        .iter()
        .map(|(name, value)| {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
            format!("\"{name}={value}\"")
        })
        .collect();
    let some = |text: String| (!environment.is_empty()).then_some(text);
    [
        (SHELL, some(format!("# {MARK}\n{of_shells}"))),
        (LOGIN, some(format!("# {MARK}\nif [ -r /etc/{SHELL} ]; then\n    . /etc/{SHELL}\nfi\n"))),
        (
            SYSTEMD,
            some(format!(
                "# {MARK}\n# Services have them where this file is linked into /etc/systemd/system.conf.d and user.conf.d.\n\
                 [Manager]\nDefaultEnvironment={}\n",
                of_systemd.join(" ")
            )),
        ),
        (APT, of_apt(&wanted.apt)),
    ]
}

fn of_apt(proxies: &Proxies) -> Option<String> {
    let all = [("http", &proxies.http), ("https", &proxies.https), ("ftp", &proxies.ftp)];
    // Its files know no quote in a value.
    let set = all.into_iter().filter(|(_, value)| is_plain(value) && !value.contains('"'));
    let lines: String = set.clone().map(|(scheme, url)| format!("Acquire::{scheme}::Proxy \"{url}\";\n")).collect();
    // It compares whole names, and takes no colon in one.
    let is_name = |host: &&str| {
        !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
    };
    let direct: String = proxies
        .no_proxy
        .split(',')
        .map(str::trim)
        .filter(is_name)
        .flat_map(|host| {
            let schemes = set.clone().map(|(scheme, _)| scheme);
            schemes.map(move |scheme| format!("Acquire::{scheme}::Proxy::{host} \"DIRECT\";\n"))
        })
        .collect();
    (!lines.is_empty()).then(|| format!("// {MARK}\n{lines}{direct}"))
}

fn write(path: &Path, text: Option<&str>) -> io::Result<()> {
    let before = match std::fs::read(path) {
        Ok(before) => Some(before),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let first = |content: &[u8]| {
        content.split(|byte| *byte == b'\n').next().is_some_and(|line| line.ends_with(MARK.as_bytes()))
    };
    match (before, text) {
        (None, None) => Ok(()),
        (Some(before), _) if !first(&before) => match text {
            Some(_) => Err(io::Error::new(io::ErrorKind::AlreadyExists, "somebody else wrote it, it stays as it is")),
            None => Ok(()),
        },
        (Some(before), Some(text)) if before == text.as_bytes() => Ok(()),
        (_, Some(text)) => match path.parent().is_some_and(Path::is_dir) {
            true => host::files::write(path, text.as_bytes(), 0o644),
            false => Ok(()),
        },
        (Some(_), None) => std::fs::remove_file(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> ProxySettings {
        let all = Proxies {
            http: "http://me:it's@p:3128".into(),
            no_proxy: "localhost, 10.0.0.0/8,::1,near.example".into(),
            ..Proxies::default()
        };
        ProxySettings { apt: Proxies { https: "http://q%20:1".into(), ..all.clone() }, all }
    }

    fn read(etc: &Path) -> Vec<String> {
        [SHELL, LOGIN, SYSTEMD, APT].iter().filter_map(|name| std::fs::read_to_string(etc.join(name)).ok()).collect()
    }

    #[test]
    fn programs_find_them_and_they_go_again() {
        let etc = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(etc.path().join("profile.d")).expect("made");
        // No apt here.
        keep(etc.path(), &some()).expect("kept");
        assert_eq!(read(etc.path()).len(), 3);
        std::fs::create_dir_all(etc.path().join("apt/apt.conf.d")).expect("made");
        keep(etc.path(), &some()).expect("kept");
        let apt = std::fs::read_to_string(etc.path().join(APT)).expect("there");
        let (mark, said) = apt.split_once('\n').expect("lines");
        assert_eq!(mark, format!("// {MARK}"));
        assert_eq!(
            said,
            "Acquire::http::Proxy \"http://me:it's@p:3128\";\nAcquire::https::Proxy \"http://q%20:1\";\n\
             Acquire::http::Proxy::localhost \"DIRECT\";\nAcquire::https::Proxy::localhost \"DIRECT\";\n\
             Acquire::http::Proxy::near.example \"DIRECT\";\nAcquire::https::Proxy::near.example \"DIRECT\";\n"
        );
        let script = format!(". {}; echo $http_proxy $HTTP_PROXY $no_proxy", etc.path().join(SHELL).display());
        let said = std::process::Command::new("sh").args(["-c", &script]).output().expect("a shell");
        let both = "http://me:it's@p:3128 http://me:it's@p:3128 localhost, 10.0.0.0/8,::1,near.example\n";
        assert_eq!(String::from_utf8_lossy(&said.stdout), both);
        let_go(etc.path()).expect("gone");
        assert_eq!(read(etc.path()), Vec::<String>::new());
        let_go(etc.path()).expect("twice alike");
    }

    #[test]
    fn what_somebody_else_wrote_stays() {
        let etc = tempfile::tempdir().expect("a folder");
        std::fs::write(etc.path().join(SHELL), "mine\n").expect("written");
        let refused = keep(etc.path(), &some()).expect_err("it is not ours");
        assert!(refused.to_string().starts_with("juju-proxy.conf: "), "{refused}");
        // The others are written all the same.
        assert_eq!(read(etc.path()).len(), 2);
        let_go(etc.path()).expect("gone");
        assert_eq!(read(etc.path()), ["mine\n"]);
    }

    #[test]
    fn a_value_is_never_more_than_a_value() {
        let bad = |text: &str| Proxies { http: text.into(), ..Proxies::default() };
        for text in ["", "http://p\nexport X=1", "http://p\u{0}"] {
            assert_eq!(environment(&bad(text)), [], "{text:?}");
            assert_eq!(of_apt(&bad(text)), None, "{text:?}");
        }
        assert_eq!(of_apt(&bad("http://p\"; Evil \"1")), None);
        let files = files(&ProxySettings { all: bad("http://%n\"\\'$(x)"), ..ProxySettings::default() });
        let text = |at: usize| files[at].1.clone().unwrap_or_default();
        assert!(text(0).contains("export http_proxy='http://%n\"\\'\\''$(x)'\n"), "{}", text(0));
        assert!(text(2).contains("\"http_proxy=http://%%n\\\"\\\\'$(x)\""), "{}", text(2));
    }
}
