//! The accounts of an image: root and the login user, both without passwords, and the host's system accounts that packages' files belong to.
//! No person of the host appears in it, no password, no real name.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::{Error, adopt, at, tree};

/// The user that people log in as, with every right by `sudo`.
const LOGIN: &str = "ubuntu";
const LOGIN_ID: u32 = 1000;
/// Groups that the login user is in.
const MEMBER_OF: &[&str] = &["adm", "sudo", "users"];

struct Accounts {
    passwd: String,
    shadow: String,
    group: String,
    gshadow: String,
    shadow_gid: u32,
}

fn system(id: u32) -> bool {
    (1..1000).contains(&id) || id == 65534
}

fn fine(field: &str) -> bool {
    !field.is_empty() && !field.contains([':', '\n']) && !field.contains(char::is_control)
}

impl Accounts {
    fn from(passwd: &str, group: &str) -> Accounts {
        let mut all = Accounts {
            passwd: "root:x:0:0:root:/root:/bin/bash\n".into(),
            shadow: "root:*:19000:0:99999:7:::\n".into(),
            group: "root:x:0:\n".into(),
            gshadow: "root:*::\n".into(),
            shadow_gid: 0,
        };
        for line in passwd.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            let [name, _, uid, gid, _, home, shell] = fields.as_slice() else {
                continue;
            };
            let (Ok(uid), Ok(gid)) = (uid.parse(), gid.parse::<u32>()) else {
                continue;
            };
            if !system(uid) || !fine(name) || *name == LOGIN {
                continue;
            }
            let shell = match *shell {
                "/bin/sync" | "/bin/false" | "/usr/bin/false" => shell,
                _ => "/usr/sbin/nologin",
            };
            all.passwd.push_str(&format!("{name}:x:{uid}:{gid}::{home}:{shell}\n"));
            all.shadow.push_str(&format!("{name}:*:19000:0:99999:7:::\n"));
        }
        let mut seen = Vec::new();
        for line in group.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            let [name, _, gid, _] = fields.as_slice() else {
                continue;
            };
            let Ok(gid) = gid.parse::<u32>() else {
                continue;
            };
            if system(gid) && fine(name) && *name != LOGIN {
                all.add_group(name, gid);
                seen.push(*name);
                if *name == "shadow" {
                    all.shadow_gid = gid;
                }
            }
        }
        if !seen.contains(&"sudo") {
            all.add_group("sudo", 27);
        }
        all.passwd.push_str(&format!("{LOGIN}:x:{LOGIN_ID}:{LOGIN_ID}:Ubuntu:/home/{LOGIN}:/bin/bash\n"));
        all.shadow.push_str(&format!("{LOGIN}:!:19000:0:99999:7:::\n"));
        all.group.push_str(&format!("{LOGIN}:x:{LOGIN_ID}:\n"));
        all.gshadow.push_str(&format!("{LOGIN}:!::\n"));
        all
    }

    fn add_group(&mut self, name: &str, gid: u32) {
        let member = if MEMBER_OF.contains(&name) { LOGIN } else { "" };
        self.group.push_str(&format!("{name}:x:{gid}:{member}\n"));
        self.gshadow.push_str(&format!("{name}:*::{member}\n"));
    }
}

pub fn write(image: &Path) -> Result<(), Error> {
    let read = |path: &str| fs::read_to_string(path).map_err(at("read", Path::new(path)));
    let all = Accounts::from(&read("/etc/passwd")?, &read("/etc/group")?);
    let files = [
        ("etc/passwd", all.passwd, 0o644, 0),
        ("etc/group", all.group, 0o644, 0),
        ("etc/shadow", all.shadow, 0o640, all.shadow_gid),
        ("etc/gshadow", all.gshadow, 0o640, all.shadow_gid),
    ];
    for (file, text, mode, gid) in files {
        let path = image.join(file);
        let _ = fs::remove_file(&path);
        fs::write(&path, text).map_err(at("write", &path))?;
        tree::set(&path, mode, 0, gid)?;
    }
    homes(image)
}

/// Of a root file system that somebody else packed: the login user is added, `sudo`'s group with it, and every account loses its password.
pub fn adopt(root: &Path) -> Result<(), Error> {
    let read = |path: &str| adopt::read(root, path).unwrap_or_default();
    let adopted = Adopted::from(&read("/etc/passwd"), &read("/etc/group"), &read("/etc/shadow"));
    adopt::write(root, "/etc/passwd", 0o644, (0, 0), adopted.passwd.as_bytes())?;
    adopt::write(root, "/etc/group", 0o644, (0, 0), adopted.group.as_bytes())?;
    adopt::write(root, "/etc/shadow", 0o600, (0, 0), adopted.shadow.as_bytes())?;
    let home = format!("home/{LOGIN}");
    let made = adopt::make_dir(root, &home, 0o750)?;
    tree::set(&made, 0o750, LOGIN_ID, LOGIN_ID)?;
    for file in [".bashrc", ".profile", ".bash_logout"] {
        let to = format!("/{home}/{file}");
        if let Some(text) = adopt::read(root, &format!("/etc/skel/{file}")).filter(|_| adopt::read(root, &to).is_none())
        {
            adopt::write(root, &to, 0o644, (LOGIN_ID, LOGIN_ID), text.as_bytes())?;
        }
    }
    Ok(())
}

/// The accounts of an adopted root.
struct Adopted {
    passwd: String,
    group: String,
    shadow: String,
}

impl Adopted {
    fn from(passwd: &str, group: &str, shadow: &str) -> Adopted {
        let mut adopted = Adopted { passwd: String::new(), group: String::new(), shadow: String::new() };
        let shell = "/bin/sh";
        if !passwd.lines().any(|line| line.starts_with("root:")) {
            adopted.passwd.push_str("root:x:0:0:root:/root:/bin/sh\n");
        }
        // The first of several with one number is the one that the number is called by.
        let own = passwd.lines().find(|line| line.starts_with(&format!("{LOGIN}:")));
        let own_shell = own.and_then(|line| line.rsplit(':').next()).filter(|path| path.starts_with('/'));
        let root_shell = passwd.lines().find(|line| line.starts_with("root:")).and_then(|line| line.rsplit(':').next());
        let chosen = own_shell
            .or(root_shell)
            .filter(|path| path.starts_with('/') && !path.ends_with("nologin"))
            .unwrap_or(shell);
        let login = format!("{LOGIN}:x:{LOGIN_ID}:{LOGIN_ID}:Ubuntu:/home/{LOGIN}:{chosen}\n");
        for line in passwd.lines() {
            let mut fields: Vec<&str> = line.split(':').collect();
            if fields.len() != 7 || fields[0] == LOGIN {
                continue;
            }
            if fields[0] != "root" && !adopted.passwd.contains(&login) && fields[2].parse() == Ok(LOGIN_ID) {
                adopted.passwd.push_str(&login);
            }
            fields[1] = "x";
            adopted.passwd.push_str(&format!("{}\n", fields.join(":")));
        }
        if !adopted.passwd.contains(&login) {
            adopted.passwd.push_str(&login);
        }
        let mut has_sudo = false;
        for line in group.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            let [name, _, gid, members] = fields.as_slice() else { continue };
            if *name == LOGIN {
                continue;
            }
            let mut members: Vec<&str> =
                members.split(',').filter(|member| !member.is_empty() && *member != LOGIN).collect();
            if MEMBER_OF.contains(name) {
                members.push(LOGIN);
            }
            has_sudo |= *name == "sudo";
            adopted.group.push_str(&format!("{name}:x:{gid}:{}\n", members.join(",")));
        }
        if !has_sudo {
            adopted.group.push_str(&format!("sudo:x:27:{LOGIN}\n"));
        }
        adopted.group.push_str(&format!("{LOGIN}:x:{LOGIN_ID}:\n"));
        for line in adopted.passwd.lines() {
            let name = line.split(':').next().unwrap_or_default();
            let known = shadow.lines().find(|line| line.split(':').next() == Some(name));
            let rest = known.and_then(|line| line.splitn(3, ':').nth(2)).unwrap_or("19000:0:99999:7:::");
            adopted.shadow.push_str(&format!("{name}:*:{rest}\n"));
        }
        adopted
    }
}

fn homes(image: &Path) -> Result<(), Error> {
    let home = image.join("home").join(LOGIN);
    fs::create_dir_all(&home).map_err(at("make", &home))?;
    tree::set(&home, 0o750, LOGIN_ID, LOGIN_ID)?;
    let root = image.join("root");
    let sources = [
        (image.join("etc/skel"), ".bashrc", &home, ".bashrc", LOGIN_ID),
        (image.join("etc/skel"), ".profile", &home, ".profile", LOGIN_ID),
        (image.join("etc/skel"), ".bash_logout", &home, ".bash_logout", LOGIN_ID),
        (image.join("usr/share/base-files"), "dot.bashrc", &root, ".bashrc", 0),
        (image.join("usr/share/base-files"), "dot.profile", &root, ".profile", 0),
    ];
    for (dir, from, to, name, id) in sources {
        if let Ok(text) = fs::read(dir.join(from)) {
            let path = to.join(name);
            fs::write(&path, text).map_err(at("write", &path))?;
            tree::set(&path, 0o644, id, id)?;
        }
    }
    Ok(())
}

/// On a host without `sudo`: this program itself, a copy of its own because of the mode, under that name.
pub fn stand_in_for_sudo(image: &Path, program: &Path) -> Result<(), Error> {
    let dir = image.join("usr/lib/grigri");
    fs::create_dir_all(&dir).map_err(at("make", &dir))?;
    let copy = dir.join("sudo");
    fs::copy(program, &copy).map_err(at("copy", program))?;
    tree::set(&copy, 0o4755, 0, 0)?;
    let link = image.join("usr/bin/sudo");
    symlink("../lib/grigri/sudo", &link).map_err(at("make the link", &link))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_person_and_no_password_of_the_host_is_taken() {
        let passwd = "root:hash:0:0:Alice Admin:/root:/bin/zsh\n\
                      www-data:x:33:33:www:/var/www:/bin/bash\n\
                      alice:x:1000:1000:Alice,,,:/home/alice:/bin/bash\n\
                      nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n\
                      broken\n";
        let group = "root:x:0:alice\nadm:x:4:alice\nshadow:x:42:\nalice:x:1000:\n";
        let all = Accounts::from(passwd, group);
        let everything = format!("{}{}{}{}", all.passwd, all.shadow, all.group, all.gshadow);
        for secret in ["alice", "Alice", "hash", "zsh"] {
            assert!(!everything.contains(secret), "{secret}: {everything}");
        }
        assert!(all.passwd.contains("www-data:x:33:33::/var/www:/usr/sbin/nologin\n"));
        assert!(all.group.contains("adm:x:4:ubuntu\n") && all.group.contains("sudo:x:27:ubuntu\n"));
        assert_eq!(all.shadow_gid, 42);
        assert_eq!(all.passwd.matches("\nubuntu:x:1000:1000:").count(), 1);
    }

    #[test]
    fn who_packed_a_root_gets_in_by_no_password() {
        let passwd = "root::0:0:root:/root:/bin/ash\npacker:hash:1000:1000::/home/packer:/bin/ash\nbroken\n";
        let shadow = "root::19000:0:::::\npacker:$6$x:1::::::\n";
        let adopted = Adopted::from(passwd, "root:x:0:root\nadm:x:4:packer\nsudo:!:27:\n", shadow);
        assert_eq!(
            adopted.passwd,
            "root:x:0:0:root:/root:/bin/ash\nubuntu:x:1000:1000:Ubuntu:/home/ubuntu:/bin/ash\npacker:x:1000:1000::/home/packer:/bin/ash\n"
        );
        assert_eq!(adopted.group, "root:x:0:root\nadm:x:4:packer,ubuntu\nsudo:x:27:ubuntu\nubuntu:x:1000:\n");
        assert_eq!(adopted.shadow, "root:*:19000:0:::::\nubuntu:*:19000:0:99999:7:::\npacker:*:1::::::\n");
        let bare = Adopted::from("", "", "");
        assert_eq!(bare.passwd, "root:x:0:0:root:/root:/bin/sh\nubuntu:x:1000:1000:Ubuntu:/home/ubuntu:/bin/sh\n");
        let own = Adopted::from(
            "root:x:0:0::/root:/bin/bash\nubuntu:x:1000:1000:U:/home/ubuntu:/bin/bash\n",
            "ubuntu:x:1000:\n",
            "",
        );
        assert_eq!(own.passwd.matches("ubuntu:x:").count(), 1);
    }
}
