//! Settings and databases that an image needs and no package owns: what was generated on the host, and what must be new.
//! It brings nothing that is not named here, and of that only what everyone may read.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use super::{Error, at, tree};

/// Generated files that programs need; a directory stands for what is in it.
const GENERATED: &[&str] = &[
    "/etc/alternatives",
    "/etc/apt",
    "/etc/ca-certificates.conf",
    "/etc/default/locale",
    "/etc/ld.so.cache",
    "/etc/locale.gen",
    "/etc/localtime",
    "/etc/nsswitch.conf",
    "/etc/pam.d",
    "/etc/profile",
    "/etc/shells",
    "/etc/ssl/certs",
    "/etc/timezone",
    "/usr/lib/locale/locale-archive",
    "/usr/share/keyrings",
    "/var/lib/apt/extended_states",
    "/var/lib/apt/lists",
    "/var/lib/dpkg",
    "/var/lib/pam",
    "/var/lib/ucf",
];

/// Files that a program may write into rather than replace: these are copied, whatever file system they are on.
const COPIED: &[&str] = &["/var/lib/apt/extended_states", "/var/lib/dpkg", "/var/lib/pam", "/var/lib/ucf"];
/// Of those, files that are only ever replaced.
const LINKED: &[&str] = &["/var/lib/dpkg/info"];

/// Directories that every system has.
const DIRS: &[(&str, u32)] = &[
    ("dev", 0o755),
    ("home", 0o755),
    ("media", 0o755),
    ("mnt", 0o755),
    ("opt", 0o755),
    ("proc", 0o555),
    ("root", 0o700),
    ("run", 0o755),
    ("srv", 0o755),
    ("sys", 0o555),
    ("tmp", 0o1777),
    ("var/tmp", 0o1777),
    ("etc", 0o755),
    ("etc/ssh", 0o755),
    ("etc/sudoers.d", 0o750),
    ("etc/ssl/private", 0o700),
    ("var/lib/apt/lists/partial", 0o700),
    ("var/lib/dpkg/updates", 0o755),
    ("var/lib/dpkg/parts", 0o755),
    ("etc/apt/auth.conf.d", 0o755),
    ("usr/local/bin", 0o755),
    ("usr/local/sbin", 0o755),
];

const FILES: &[(&str, u32, &str)] = &[
    ("etc/environment", 0o644, "PATH=\"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"\n"),
    ("etc/fstab", 0o644, ""),
    ("etc/machine-id", 0o444, ""),
    ("etc/hostname", 0o644, "localhost\n"),
    ("etc/hosts", 0o644, "127.0.0.1 localhost\n::1 localhost\n"),
    (
        "etc/ssh/ssh_config",
        0o644,
        "Include /etc/ssh/ssh_config.d/*.conf\nHost *\n    SendEnv LANG LC_*\n    HashKnownHosts yes\n",
    ),
    (
        "etc/ssh/sshd_config",
        0o644,
        "Include /etc/ssh/sshd_config.d/*.conf\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM yes\nPrintMotd no\nAcceptEnv LANG LC_*\nSubsystem sftp /usr/lib/openssh/sftp-server\n",
    ),
    (
        "etc/sudoers",
        0o440,
        "Defaults env_reset\nDefaults secure_path=\"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"\nroot ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n",
    ),
    ("etc/sudoers.d/90-ubuntu", 0o440, "ubuntu ALL=(ALL) NOPASSWD:ALL\n"),
    // Services are not started by packages: process 1 is no init system that knows them.
    ("usr/sbin/policy-rc.d", 0o755, "#!/bin/sh\nexit 101\n"),
];

pub fn settle(image: &Path) -> Result<(), Error> {
    for (dir, mode) in DIRS {
        let path = image.join(dir);
        fs::create_dir_all(&path).map_err(at("make", &path))?;
        tree::set(&path, *mode, 0, 0)?;
    }
    for place in GENERATED {
        bring_all(image, Path::new(place))?;
    }
    for (file, mode, text) in FILES {
        let path = image.join(file);
        let _ = fs::remove_file(&path);
        fs::write(&path, text).map_err(at("write", &path))?;
        tree::set(&path, *mode, 0, 0)?;
    }
    let mtab = image.join("etc/mtab");
    if fs::symlink_metadata(&mtab).is_err() {
        symlink("../proc/self/mounts", &mtab).map_err(at("make the link", &mtab))?;
    }
    Ok(())
}

/// Brings what is at a place, and below; what is not there is fine.
fn bring_all(image: &Path, place: &Path) -> Result<(), Error> {
    let Ok(meta) = fs::symlink_metadata(place) else {
        return Ok(());
    };
    if tree::left_out(place) {
        return Ok(());
    }
    if meta.is_dir() {
        // What others cannot enter they cannot read.
        if meta.mode() & 0o005 != 0o005 {
            return Ok(());
        }
        let Ok(entries) = fs::read_dir(place) else {
            return Ok(());
        };
        tree::make_parents(image, &place.join("x"))?;
        for entry in entries.flatten() {
            bring_all(image, &entry.path())?;
        }
        return Ok(());
    }
    tree::make_parents(image, place)?;
    let among = |places: &[&str]| places.iter().any(|p| place.starts_with(p));
    let to = tree::inside(image, place);
    if meta.is_file() && among(COPIED) && !among(LINKED) {
        // Locks, and copies of what was.
        let name = place.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        if meta.mode() & 0o004 != 0 && !name.starts_with("lock") && !name.ends_with("-old") {
            tree::copy(place, &to, &meta, false)?;
        }
        return Ok(());
    }
    tree::bring(image, place, &meta).map(drop)
}
