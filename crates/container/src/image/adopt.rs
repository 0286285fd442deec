//! Making a machine's image of a root file system that somebody else packed: the login user, who may become root, and nothing of
//! whoever packed it that lets in.
//!
//! Every path is looked up inside the root: a link in it that leads to `/etc` means its own. What is written replaces what was
//! there, never what a link leads to. The surprise: settings that are there stay; only what opens doors (passwords, host keys,
//! the machine's identity) is taken out.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use super::{Error, accounts, at, base_of};
use crate::layer;

/// Links followed at most on the way to one file.
const LINKS: usize = 40;
/// Files of settings that are read at most, bytes.
const SETTINGS: u64 = 4 << 20;

/// Directories that every machine has. Those that are there keep their modes.
const DIRS: &[(&str, u32)] = &[
    ("dev", 0o755),
    ("etc", 0o755),
    ("etc/ssh", 0o755),
    ("etc/sudoers.d", 0o750),
    ("home", 0o755),
    ("mnt", 0o755),
    ("opt", 0o755),
    ("proc", 0o555),
    ("root", 0o700),
    ("run", 0o755),
    ("srv", 0o755),
    ("sys", 0o555),
    ("tmp", 0o1777),
    ("usr/bin", 0o755),
    ("usr/lib", 0o755),
    ("usr/local/bin", 0o755),
    ("usr/sbin", 0o755),
    ("var/lib", 0o755),
    ("var/log", 0o755),
    ("var/tmp", 0o1777),
];

/// Whether what the root says of itself agrees with the base it is to be.
pub fn check(root: &Path, base: &str) -> Result<(), String> {
    if find(root, "/bin/sh").is_none_or(|shell| !shell.is_file()) {
        return Err("it holds no root file system: there is no /bin/sh in it".to_owned());
    }
    let says = read(root, "/etc/os-release").or_else(|| read(root, "/usr/lib/os-release")).unwrap_or_default();
    let Some(is) = base_of(&says) else { return Ok(()) };
    let (named, of) = (base.split_once('@').unwrap_or((base, "")), is.split_once('@').unwrap_or((&is, "")));
    // `3.20.1` is a `3.20`; a system that has no version may be called any.
    let versions_agree = of.1 == "rolling" || of.1 == named.1 || of.1.starts_with(&format!("{}.", named.1));
    if named.0 == of.0 && versions_agree { Ok(()) } else { Err(format!("it holds {is}, not {base}")) }
}

/// Settles a root file system as an image. `sudo`: what stands in for `sudo` where there is none.
pub fn settle(root: &Path, sudo: Option<&Path>) -> Result<(), Error> {
    for (dir, mode) in DIRS {
        make_dir(root, dir, *mode)?;
    }
    accounts::adopt(root)?;
    let put = |path: &str, mode: u32, text: &str| write(root, path, mode, (0, 0), text.as_bytes());
    // The machine's own, made when it starts.
    put("/etc/machine-id", 0o444, "")?;
    put("/etc/sudoers.d/90-ubuntu", 0o440, "ubuntu ALL=(ALL) NOPASSWD:ALL\n")?;
    let absent = |path: &str| fs::symlink_metadata(root.join(path)).is_err();
    if absent("etc/environment") {
        put("/etc/environment", 0o644, "PATH=\"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"\n")?;
    }
    if !absent("var/lib/dpkg") && absent("usr/sbin/policy-rc.d") {
        // Process 1 is no init system that packages could start services by.
        put("/usr/sbin/policy-rc.d", 0o755, "#!/bin/sh\nexit 101\n")?;
    }
    // Whoever has the archive has these too.
    let ssh = make_dir(root, "etc/ssh", 0o755)?;
    for entry in fs::read_dir(&ssh).map_err(at("list", &ssh))?.flatten() {
        if entry.file_name().to_string_lossy().starts_with("ssh_host_") {
            fs::remove_file(entry.path()).map_err(at("remove", &entry.path()))?;
        }
    }
    if let Some(program) = sudo
        && absent("usr/bin/sudo")
        && absent("bin/sudo")
    {
        stand_in_for_sudo(root, program)?;
    }
    Ok(())
}

/// This program under the name of `sudo`.
fn stand_in_for_sudo(root: &Path, program: &Path) -> Result<(), Error> {
    let copy = Path::new("usr/lib/grigri/sudo");
    let to = root.join(copy);
    layer::parents(root, copy, &[]).map_err(at("make what leads to", &to))?;
    // What an archive has there may be a link.
    crate::files::remove(&to).map_err(at("remove", &to))?;
    fs::copy(program, &to).map_err(at("copy", program))?;
    super::tree::set(&to, 0o4755, 0, 0)?;
    let link = make_dir(root, "usr/bin", 0o755)?.join("sudo");
    std::os::unix::fs::symlink("/usr/lib/grigri/sudo", &link).map_err(at("make the link", &link))
}

/// Makes a directory and those that lead to it, through no link; where it really is.
pub(super) fn make_dir(root: &Path, dir: &str, mode: u32) -> Result<PathBuf, Error> {
    let to = root.join(dir);
    layer::parents(root, Path::new(dir), &[]).map_err(at("make what leads to", &to))?;
    if fs::symlink_metadata(&to).is_err() {
        fs::create_dir(&to).map_err(at("make", &to))?;
        super::tree::set(&to, mode, 0, 0)?;
    }
    // `/usr/sbin -> bin` and its like: never by the link, which may mean the host's.
    let real = find(root, dir).filter(|real| real.is_dir());
    real.ok_or_else(|| at("make", &to)(io::Error::other("is no directory in the archive")))
}

/// Writes a file in place of whatever is there.
pub(super) fn write(root: &Path, path: &str, mode: u32, owner: (u32, u32), bytes: &[u8]) -> Result<(), Error> {
    layer::write(root, &[], path, mode, owner, bytes).map_err(at("write", &root.join(path.trim_start_matches('/'))))
}

/// A file's text, as a machine would read it; `None` if there is none, or none that is read.
pub(super) fn read(root: &Path, path: &str) -> Option<String> {
    let real = find(root, path)?;
    let meta = fs::symlink_metadata(&real).ok()?;
    let bytes = if meta.is_file() && meta.size() <= SETTINGS { fs::read(real).ok()? } else { return None };
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Where a path of the machine lies on the host, all links followed as they would be inside. It is no link itself, and below the root.
pub(super) fn find(root: &Path, path: &str) -> Option<PathBuf> {
    let mut waiting: Vec<PathBuf> = vec![PathBuf::from(path)];
    let mut inside = PathBuf::new();
    let mut links = 0;
    while let Some(next) = waiting.pop() {
        let mut parts = next.components();
        let Some(first) = parts.next() else { continue };
        let rest = parts.as_path().to_owned();
        if !rest.as_os_str().is_empty() {
            waiting.push(rest);
        }
        match first {
            Component::RootDir => inside.clear(),
            Component::CurDir | Component::Prefix(_) => {}
            Component::ParentDir => {
                inside.pop();
            }
            Component::Normal(name) => {
                let place = root.join(&inside).join(name);
                if fs::symlink_metadata(&place).ok()?.is_symlink() {
                    links += 1;
                    if links > LINKS {
                        return None;
                    }
                    waiting.push(fs::read_link(place).ok()?);
                } else {
                    inside.push(name);
                }
            }
        }
    }
    Some(root.join(inside))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn root() -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a directory");
        for sub in ["etc", "usr/bin", "usr/lib", "a/b"] {
            fs::create_dir_all(dir.path().join(sub)).expect("made");
        }
        symlink("usr/bin", dir.path().join("bin")).expect("linked");
        fs::write(dir.path().join("usr/bin/dash"), "#!").expect("written");
        symlink("dash", dir.path().join("usr/bin/sh")).expect("linked");
        dir
    }

    #[test]
    fn links_are_followed_inside_only() {
        let dir = root();
        let link = |to: &str, at: &str| symlink(to, dir.path().join(at)).expect("linked");
        link("/usr/bin/dash", "a/absolute");
        link("../../../../../../usr/bin/dash", "a/b/up");
        link("loop", "a/loop");
        link("/etc/passwd", "a/outside");
        for (path, expected) in [
            ("/bin/sh", Some("usr/bin/dash")),
            ("a/absolute", Some("usr/bin/dash")),
            ("/a/b/up", Some("usr/bin/dash")),
            ("/a/b/../absolute", Some("usr/bin/dash")),
            ("/", Some("")),
            ("/../..", Some("")),
            ("/a/loop", None),
            // The host has one; the root has none.
            ("/a/outside", None),
            ("/nothing", None),
        ] {
            assert_eq!(find(dir.path(), path), expected.map(|below| dir.path().join(below)), "{path}");
        }
    }

    #[test]
    fn an_archive_is_what_it_says_it_is() {
        let dir = root();
        let says = |text: &str| fs::write(dir.path().join("usr/lib/os-release"), text).expect("written");
        symlink("../usr/lib/os-release", dir.path().join("etc/os-release")).expect("linked");
        for (text, base, expected) in [
            ("ID=debian\nVERSION_ID=\"13\"\n", "debian@13", Ok(())),
            ("ID=debian\nVERSION_ID=\"13\"\n", "debian@12", Err("it holds debian@13, not debian@12")),
            ("ID=alpine\nVERSION_ID=3.20.1\n", "alpine@3.20", Ok(())),
            ("ID=alpine\nVERSION_ID=3.20.1\n", "alpine@3.2", Err("it holds alpine@3.20.1, not alpine@3.2")),
            ("ID=debian\n", "debian@14", Ok(())),
            ("ID=arch\n", "debian@14", Err("it holds arch@rolling, not debian@14")),
            ("", "own@1", Ok(())),
        ] {
            says(text);
            assert_eq!(check(dir.path(), base), expected.map_err(str::to_owned), "{text:?} {base}");
        }
        fs::remove_file(dir.path().join("usr/bin/dash")).expect("removed");
        assert_eq!(
            check(dir.path(), "own@1"),
            Err("it holds no root file system: there is no /bin/sh in it".to_owned())
        );
    }

    #[test]
    fn it_is_settled_without_touching_the_host() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let (dir, outside) = (root(), tempfile::tempdir().expect("a directory"));
        let victim = outside.path().join("victim");
        fs::write(&victim, "untouched").expect("written");
        fs::create_dir(dir.path().join("etc/ssh")).expect("made");
        for file in ["etc/machine-id", "etc/environment", "etc/passwd", "etc/ssh/ssh_host_rsa_key"] {
            symlink(&victim, dir.path().join(file)).expect("linked");
        }
        fs::write(dir.path().join("etc/shadow"), "root::0:0:::::\n").expect("written");
        settle(dir.path(), None).expect("settled");
        assert_eq!(fs::read_to_string(&victim).expect("there"), "untouched");
        let text = |file: &str| fs::read_to_string(dir.path().join(file)).expect(file);
        assert!(text("etc/passwd").contains("ubuntu:x:1000:1000:") && text("etc/passwd").starts_with("root:x:0:0:"));
        assert!(text("etc/shadow").starts_with("root:*:"), "{}", text("etc/shadow"));
        assert_eq!(text("etc/machine-id"), "");
        assert!(!dir.path().join("etc/ssh/ssh_host_rsa_key").exists());
        // An absolute link means the root's own directory, whatever the host has there.
        let linked = root();
        fs::create_dir(linked.path().join("etc/keys")).expect("made");
        fs::create_dir_all(linked.path().join(outside.path().strip_prefix("/").expect("absolute"))).expect("made");
        symlink(outside.path(), linked.path().join("etc/ssh")).expect("linked");
        fs::write(outside.path().join("ssh_host_x_key"), "the host's").expect("written");
        fs::create_dir(linked.path().join("usr/lib/grigri")).expect("made");
        symlink(&victim, linked.path().join("usr/lib/grigri/sudo")).expect("linked");
        settle(linked.path(), Some(Path::new("/etc/os-release"))).expect("settled");
        assert_eq!(fs::read_to_string(&victim).expect("there"), "untouched");
        assert!(outside.path().join("ssh_host_x_key").exists());
        fs::remove_file(outside.path().join("ssh_host_x_key")).expect("removed");
        // A directory that is a link out is refused, and nothing is written through it.
        let bad = root();
        fs::remove_dir(bad.path().join("etc")).expect("removed");
        symlink(outside.path(), bad.path().join("etc")).expect("linked");
        settle(bad.path(), None).expect_err("etc leads out");
        assert_eq!(fs::read_dir(outside.path()).expect("there").count(), 1);
    }
}
