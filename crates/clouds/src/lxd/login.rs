//! The login user's account, written into the files of an image that has none.
//! It runs no program of the image, so that it works before the first boot.

use super::image_files::ImageFiles;

pub const LOGIN: &str = "ubuntu";
/// As Juju has it; those that the image has.
const GROUPS: &[&str] =
    &["adm", "audio", "cdrom", "dialout", "dip", "floppy", "netdev", "plugdev", "sudo", "video", "wheel"];
const FIRST_ID: u32 = 1000;
const LAST_ID: u32 = 60000;

/// The account, and what the files with it are then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    pub uid: u32,
    pub gid: u32,
    pub home: String,
    /// Path and content of what has to be written.
    pub files: Vec<(&'static str, String)>,
}

fn field(line: &str, number: usize) -> Option<&str> {
    line.split(':').nth(number)
}

fn find<'a>(file: &'a str, name: &str) -> Option<&'a str> {
    file.lines().find(|line| field(line, 0) == Some(name))
}

fn number(line: &str, place: usize) -> Option<u32> {
    field(line, place)?.parse().ok()
}

/// A number that neither users nor groups have.
fn free_id(image: &ImageFiles) -> Option<u32> {
    let taken = |id: u32| image.passwd.lines().chain(image.group.lines()).any(|line| number(line, 2) == Some(id));
    (FIRST_ID..LAST_ID).find(|id| !taken(*id))
}

fn with_line(file: &str, line: &str) -> String {
    let joint = if file.is_empty() || file.ends_with('\n') { "" } else { "\n" };
    format!("{file}{joint}{line}\n")
}

/// None: the image has no number left.
pub fn login(image: &ImageFiles) -> Option<Login> {
    if let Some(line) = find(&image.passwd, LOGIN) {
        let (uid, gid) = (number(line, 2)?, number(line, 3)?);
        let home = field(line, 5).filter(|home| home.starts_with('/')).unwrap_or("/home/ubuntu").to_owned();
        return Some(Login { uid, gid, home, files: Vec::new() });
    }
    let uid = free_id(image)?;
    let gid = find(&image.group, LOGIN).and_then(|line| number(line, 2)).unwrap_or(uid);
    let home = format!("/home/{LOGIN}");
    let shell = if image.programs.contains("bash") { "/bin/bash" } else { "/bin/sh" };
    let passwd = with_line(&image.passwd, &format!("{LOGIN}:x:{uid}:{gid}::{home}:{shell}"));
    let mut files = vec![("/etc/passwd", passwd), ("/etc/group", groups(&image.group, gid))];
    if !image.shadow.is_empty() && find(&image.shadow, LOGIN).is_none() {
        // No password fits, and yet the account is not locked: some ssh servers let nobody in whose account is.
        files.push(("/etc/shadow", with_line(&image.shadow, &format!("{LOGIN}:*:19000:0:99999:7:::"))));
    }
    Some(Login { uid, gid, home, files })
}

/// The user's own group, and the user in those that are there.
fn groups(file: &str, gid: u32) -> String {
    let joined = |line: &str| {
        let name = field(line, 0).unwrap_or_default();
        if !GROUPS.contains(&name) || line.split(':').count() != 4 {
            return line.to_owned();
        }
        let joint = if line.ends_with(':') { "" } else { "," };
        format!("{line}{joint}{LOGIN}")
    };
    let mut all: String = file.lines().map(|line| joined(line) + "\n").collect();
    if find(file, LOGIN).is_none() {
        all += &format!("{LOGIN}:x:{gid}:\n");
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> ImageFiles {
        ImageFiles {
            passwd: "root:x:0:0:root:/root:/bin/sh\nme:x:1000:1000::/home/me:/bin/sh".into(),
            group: "root:x:0:\nsudo:x:27:me\nadm:x:4:\nme:x:1000:\n".into(),
            shadow: "root:*:1::::::\n".into(),
            ..ImageFiles::default()
        }
    }

    #[test]
    fn an_image_without_the_user_gets_it() {
        let login = login(&image()).expect("room");
        assert_eq!((login.uid, login.gid, login.home.as_str()), (1001, 1001, "/home/ubuntu"));
        let file = |path: &str| login.files.iter().find(|(one, _)| *one == path).map(|(_, text)| text.as_str());
        assert!(
            file("/etc/passwd").is_some_and(|text| text.ends_with("sh\nubuntu:x:1001:1001::/home/ubuntu:/bin/sh\n"))
        );
        assert_eq!(
            file("/etc/group"),
            Some("root:x:0:\nsudo:x:27:me,ubuntu\nadm:x:4:ubuntu\nme:x:1000:\nubuntu:x:1001:\n")
        );
        assert_eq!(file("/etc/shadow"), Some("root:*:1::::::\nubuntu:*:19000:0:99999:7:::\n"));
    }

    #[test]
    fn an_image_with_the_user_is_left_as_it_is() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nubuntu:x:1000:1000::/srv/u:/bin/bash\n".into();
        let login = login(&ImageFiles { passwd, ..image() }).expect("there");
        assert_eq!((login.uid, login.home.as_str(), login.files.len()), (1000, "/srv/u", 0));
    }
}
