//! The script that finds or installs a server, run here: what it would touch is in a folder of the test's, and so are the programs that it finds.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use super::INSTALL;

/// A machine with such programs, by name and text; what the script says in it.
fn said(programs: &[(&str, &str)], prepare: impl Fn(&Path)) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    for path in ["bin", "etc", "proc", "var/lib/lxd", "run"] {
        std::fs::create_dir_all(root.join(path)).expect("a folder");
    }
    for tool in ["grep", "tail", "mkdir", "mv", "cat"] {
        let place =
            ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(tool)).into_iter().find(|path| path.exists());
        symlink(place.expect("a tool of every system"), root.join("bin").join(tool)).expect("a link");
    }
    let write = |path: &str, text: &str| std::fs::write(root.join(path), text).expect("a file");
    write("proc/uid_map", "0 1000000 1000000000\n");
    write("proc/route", "Iface\tDestination\tGateway\nens3\t0011A8C0\t0\nens3\t00000000\t0111A8C0\n");
    write("etc/os-release", "ID=testos\n");
    for (name, text) in programs.iter().chain(&[("sleep", "")]) {
        let text = format!("#!/bin/sh\n{text}\n").replace("ROOT", &root.display().to_string());
        write(&format!("bin/{name}"), &text);
        let path = root.join("bin").join(name);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    let _listener = UnixListener::bind(root.join("ready.socket")).expect("a socket");
    prepare(root);
    let at = root.display().to_string();
    let script = INSTALL
        .replace("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin", "PATH=/bin-of-it")
        .replace("/proc/self/uid_map", "/proc/uid_map")
        .replace("/proc/net/route", "/proc/route");
    let script = ["/bin-of-it", "/etc/", "/var/", "/run/", "/proc/"].iter().fold(script, |script, path| {
        let there = format!("{at}{}", if *path == "/bin-of-it" { "/bin" } else { path });
        script
            .replace(&format!(" {path}"), &format!(" {there}"))
            .replace(&format!("={path}"), &format!("={there}"))
            .replace(&format!(">{path}"), &format!(">{there}"))
            .replace(&format!("<{path}"), &format!("<{there}"))
    });
    let done = Command::new("/bin/sh").args(["-c", &script, "test", "lxd"]).output().expect("a shell");
    assert_eq!(String::from_utf8_lossy(&done.stderr), "", "nothing goes wrong in the script itself");
    String::from_utf8_lossy(&done.stdout).replace(&at, "").lines().map(str::to_owned).collect()
}

fn nothing(_: &Path) {}

#[test]
fn a_server_that_is_there_is_taken() {
    let there =
        |root: &Path| std::fs::rename(root.join("ready.socket"), root.join("var/lib/lxd/unix.socket")).expect("moved");
    assert_eq!(said(&[], there), ["at /var/lib/lxd/unix.socket ens3"]);
}

#[test]
fn one_is_installed_where_none_is() {
    let apt = ("apt-get", "mv ROOT/ready.socket ROOT/var/lib/lxd/unix.socket");
    let cache = ("apt-cache", r#"[ "$2" = lxd ]"#);
    assert_eq!(
        said(&[apt, cache, ("dpkg", "")], nothing),
        ["say installing lxd", "say starting the server", "at /var/lib/lxd/unix.socket ens3"]
    );
    let apk = ("apk", r#"[ "$2" = lxd ] && mv ROOT/ready.socket ROOT/var/lib/lxd/unix.socket"#);
    assert_eq!(
        said(&[apk], nothing),
        ["say installing incus", "say installing lxd", "say starting the server", "at /var/lib/lxd/unix.socket ens3"]
    );
}

#[test]
fn a_package_that_is_in_no_list_yet_is_found_in_new_ones() {
    let apt = (
        "apt-get",
        "case \"$*\" in *update) : >ROOT/lists ;; *) mv ROOT/ready.socket ROOT/var/lib/lxd/unix.socket ;; esac",
    );
    let cache = ("apt-cache", r#"[ -e ROOT/lists ] && [ "$2" = lxd ]"#);
    assert_eq!(
        said(&[apt, cache, ("dpkg", "")], nothing),
        [
            "say reading the lists of packages",
            "say installing lxd",
            "say starting the server",
            "at /var/lib/lxd/unix.socket ens3"
        ]
    );
}

#[test]
fn what_cannot_be_is_said_with_its_cure() {
    let check = |programs: &[(&str, &str)], words: &str| {
        let said = said(programs, nothing);
        assert!(said.last().is_some_and(|last| last.starts_with("no ") && last.contains(words)), "{said:?}");
    };
    check(&[], "its system (testos) has no package manager that is known here");
    let cache = ("apt-cache", r#"[ "$2" = lxd ]"#);
    let away = ("apt-get", "echo \"E: Failed to fetch http://a/b  Temporary failure resolving 'a'\"; exit 100");
    check(&[away, cache, ("dpkg", "")], "it does not reach an archive of packages");
    let silent = ("apt-get", "echo \"Temporary failure resolving 'a'\"; exit 100");
    check(&[silent, cache, ("dpkg", "")], "to one, or install LXD or Incus in it by hand");
    let ends = said(&[silent, cache, ("dpkg", "")], nothing);
    assert!(
        ends.last().is_some_and(|last| last.ends_with("by hand")),
        "nothing is announced that does not come: {ends:?}"
    );
    let broken = ("apt-get", "echo 'E: Unable to correct problems'; exit 100");
    check(&[broken, cache, ("dpkg", "")], "it cannot be installed: E: Unable to correct problems");
    check(&[("apt-get", ""), cache, ("dpkg", "")], "the server is installed and does not start");
    let few = |root: &Path| std::fs::write(root.join("proc/uid_map"), "0 100000 65536\n").expect("a file");
    assert!(said(&[], few)[0].starts_with("no it has only 65536 user ids"));
}
