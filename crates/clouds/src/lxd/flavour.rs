//! In what LXD and Incus differ, all of it. Both grew from one program, and most of their API is the same to the letter.

use std::path::PathBuf;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    Lxd,
    Incus,
}

impl Flavour {
    /// By the type of a cloud.
    pub fn of(kind: &str) -> Option<Flavour> {
        [Flavour::Lxd, Flavour::Incus].into_iter().find(|flavour| flavour.kind() == kind)
    }

    /// As the server calls itself, and as clouds of it are typed.
    pub fn kind(self) -> &'static str {
        match self {
            Flavour::Lxd => "lxd",
            Flavour::Incus => "incus",
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Flavour::Lxd => "LXD",
            Flavour::Incus => "Incus",
        }
    }

    /// Of what a file in an instance is told about itself.
    pub fn header(self, name: &str) -> String {
        match self {
            Flavour::Lxd => format!("X-LXD-{name}"),
            Flavour::Incus => format!("X-Incus-{name}"),
        }
    }

    /// Where its socket may be on this host, by preference; `variable` reads the environment.
    pub fn sockets(self, variable: impl Fn(&str) -> Option<String>) -> Vec<PathBuf> {
        let (named, usual): (&str, &[&str]) = match self {
            Flavour::Lxd => ("LXD_DIR", &["/var/snap/lxd/common/lxd", "/var/lib/lxd"]),
            Flavour::Incus => ("INCUS_DIR", &["/var/lib/incus", "/run/incus"]),
        };
        let folders = match variable(named).filter(|folder| !folder.is_empty()) {
            Some(folder) => vec![PathBuf::from(folder)],
            None => usual.iter().map(PathBuf::from).collect(),
        };
        folders.into_iter().map(|folder| folder.join("unix.socket")).collect()
    }

    /// Simplestreams servers for images that the server itself has not.
    pub fn image_server(self, os: &str) -> &'static str {
        match (os, self) {
            ("ubuntu", _) => "https://cloud-images.ubuntu.com/releases",
            (_, Flavour::Lxd) => "https://images.lxd.canonical.com",
            (_, Flavour::Incus) => "https://images.linuxcontainers.org",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_where_the_environment_says_or_where_they_usually_are() {
        let found = Flavour::Lxd.sockets(|name| (name == "LXD_DIR").then(|| "/x".to_owned()));
        assert_eq!(found, [PathBuf::from("/x/unix.socket")]);
        assert_eq!(Flavour::Incus.sockets(|_| None)[0], PathBuf::from("/var/lib/incus/unix.socket"));
        assert_eq!((Flavour::of("incus"), Flavour::of("ec2")), (Some(Flavour::Incus), None));
    }
}
