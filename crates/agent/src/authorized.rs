//! The model's ssh keys on the machine: a file of our own, which our ssh server reads, and the login user's `authorized_keys`,
//! which an sshd reads.
//! It must not know who logs in. The surprise: the user's file is shared. Lines of ours have a comment that begins with `Juju:`;
//! before our first time every line there is one that the cloud put there for us, and the model's keys replace it. Lines that are
//! not ours stay byte for byte.

use std::io;
use std::path::Path;

use host::Account;
use host::home::{self, Folder};

const FOLDER: &str = ".ssh";
const FILE: &str = "authorized_keys";

const OURS: &str = "Juju:";

/// Of whoever took a host in: no list of the model's changes these.
const THEIRS: &str = "Manual:";

/// Makes both files say `keys`. What says so already is not written. On a host that was there before (`taken_in`) no line is the cloud's.
pub fn keep(data_dir: &Path, user: &str, keys: &[String], taken_in: bool) -> io::Result<()> {
    let file = data_dir.join("ssh/authorized_keys");
    let before = std::fs::read_to_string(&file).ok();
    let text: String = keys.iter().map(|k| format!("{}\n", k.trim())).collect();
    if let Ok(account) = Account::find(user) {
        keep_for(&account, keys, before.is_none() && !taken_in)?;
    }
    // Last: that it is there says that the other has been done once.
    if before.as_deref() != Some(&text) {
        std::fs::create_dir_all(data_dir.join("ssh"))?;
        host::files::write(&file, text.as_bytes(), 0o644)?;
    }
    Ok(())
}

/// How a user's file was before anything of ours came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Before {
    pub file: bool,
    pub folder: bool,
}

/// Fails where the user's keys could not be kept: through a link, say.
pub fn look(account: &Account) -> io::Result<Before> {
    match Folder::open(account, FOLDER)? {
        Some(folder) => Ok(Before { file: folder.read(FILE)?.is_some(), folder: true }),
        None => Ok(Before { file: false, folder: false }),
    }
}

/// Adds keys that no list of the model's changes.
pub fn add(account: &Account, lines: &str) -> io::Result<()> {
    let keys = lines.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    // At the end: a line may begin with options.
    let marked: String = keys.map(|key| format!("{key} {THEIRS}\n")).collect();
    edit(account, |before| match marked.is_empty() {
        true => before.to_vec(),
        false => [&ended(before.to_vec()), marked.as_bytes()].concat(),
    })
}

/// Takes every line of ours out. A file and a folder that were not there `before` go, when nothing else is in them.
pub fn take_out(account: &Account, before: Before) -> io::Result<()> {
    edit(account, |text| lines(text).filter(|line| !is_marked(line, &[OURS, THEIRS])).flatten().copied().collect())?;
    if let Some(folder) = Folder::open(account, FOLDER)?
        && !before.file
        && folder.read(FILE)?.is_some_and(|found| found.data.is_empty())
    {
        folder.remove(FILE)?;
    }
    if !before.folder {
        // With anything else in it, it stays.
        home::remove_empty(account, FOLDER)?;
    }
    Ok(())
}

/// Leaves a user's file as if the keys in it were the user's own: nobody keeps them any more, and whoever could log in still can.
pub fn let_go(user: &str) -> io::Result<()> {
    let Ok(account) = Account::find(user) else { return Ok(()) };
    edit(&account, |before| lines(before).flat_map(unmarked).collect())
}

fn keep_for(account: &Account, keys: &[String], first: bool) -> io::Result<()> {
    edit(account, |before| merged(if first { b"" } else { before }, keys))
}

/// What would stay as it is is not written: nothing is made for no key. Without a home there is nothing to keep.
fn edit(account: &Account, how: impl FnOnce(&[u8]) -> Vec<u8>) -> io::Result<()> {
    let found = match Folder::open(account, FOLDER)? {
        Some(folder) => folder.read(FILE)?,
        None => None,
    };
    let before = found.as_ref().map_or(&b""[..], |found| &found.data);
    let text = how(before);
    if text == before {
        return Ok(());
    }
    let Some(folder) = Folder::open_or_make(account, FOLDER)? else { return Ok(()) };
    folder.write(FILE, &text, found.map_or(0o600, |found| found.mode))
}

/// Lines with their ends.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n')
}

/// Whether one of the marks begins a word of the line.
fn is_marked(line: &[u8], marks: &[&str]) -> bool {
    // What is no UTF-8 is no mark.
    let line = String::from_utf8_lossy(line);
    line.split_whitespace().any(|word| marks.iter().any(|mark| word.starts_with(mark)))
}

/// With an end to its last line.
fn ended(mut text: Vec<u8>) -> Vec<u8> {
    if text.last().is_some_and(|last| *last != b'\n') {
        text.push(b'\n');
    }
    text
}

fn unmarked(line: &[u8]) -> Vec<u8> {
    let as_it_was = || line.to_vec();
    let Some(text) = std::str::from_utf8(line).ok().map(|text| text.trim_end_matches(['\n', '\r'])) else {
        return as_it_was();
    };
    let mut words = text.splitn(3, ' ');
    let (kind, body, comment) =
        (words.next(), words.next(), words.next().and_then(|comment| comment.strip_prefix(OURS)));
    match (kind, body, comment) {
        (Some(kind), Some(body), Some("")) => format!("{kind} {body}\n").into_bytes(),
        (Some(kind), Some(body), Some(comment)) => format!("{kind} {body} {comment}\n").into_bytes(),
        _ => as_it_was(),
    }
}

fn merged(before: &[u8], keys: &[String]) -> Vec<u8> {
    let theirs = ended(lines(before).filter(|line| !is_marked(line, &[OURS])).flatten().copied().collect());
    let ours: String = keys.iter().map(|key| marked(key, OURS) + "\n").collect();
    [theirs.as_slice(), ours.as_bytes()].concat()
}

/// A key's line with a mark before its comment.
fn marked(key: &str, mark: &str) -> String {
    let key = key.trim();
    // Blanks between the words may be many, or tabs.
    let (kind, rest) = key.split_once(char::is_whitespace).unwrap_or((key, ""));
    let rest = rest.trim_start();
    let (body, comment) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    format!("{kind} {body} {mark}{comment}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(home: &Path) -> Account {
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        Account { name: "x".into(), uid, gid, groups: vec![gid], home: home.into(), shell: "/bin/sh".into() }
    }

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn what_was_added_is_taken_out_again() {
        let dir = tempfile::tempdir().expect("a directory");
        let account = account(dir.path());
        let file = dir.path().join(".ssh/authorized_keys");
        let read = || std::fs::read_to_string(&file).expect("there");
        std::fs::create_dir(dir.path().join(".ssh")).expect("made");
        std::fs::write(&file, "ssh-rsa USER x\n").expect("written");
        add(&account, "# mine\nssh-rsa EXTRA me\n\n").expect("added");
        keep_for(&account, &["ssh-rsa MODEL m".into()], false).expect("kept");
        keep_for(&account, &["ssh-rsa NEWER m".into()], false).expect("kept");
        assert_eq!(read(), "ssh-rsa USER x\nssh-rsa EXTRA me Manual:\nssh-rsa NEWER Juju:m\n");
        take_out(&account, Before { file: false, folder: false }).expect("taken out");
        assert_eq!(read(), "ssh-rsa USER x\n");
    }

    #[test]
    fn where_nothing_was_nothing_is_left() {
        let dir = tempfile::tempdir().expect("a directory");
        let account = account(dir.path());
        let before = look(&account).expect("looked");
        add(&account, "").expect("nothing to add");
        assert_eq!(look(&account).expect("looked"), before, "nothing is made for no key");
        add(&account, "ssh-rsa EXTRA me").expect("added");
        assert_eq!(look(&account).expect("looked"), Before { file: true, folder: true });
        take_out(&account, before).expect("taken out");
        assert_eq!(std::fs::read_dir(dir.path()).expect("there").count(), 0);
        add(&account, "ssh-rsa EXTRA me").expect("added");
        std::fs::write(dir.path().join(".ssh/id"), "theirs").expect("written");
        take_out(&account, before).expect("taken out");
        let left: Vec<_> = std::fs::read_dir(dir.path().join(".ssh")).expect("there").flatten().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn no_byte_and_no_permission_of_theirs_is_changed() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a directory");
        let account = account(dir.path());
        let file = dir.path().join(".ssh/authorized_keys");
        std::fs::create_dir(dir.path().join(".ssh")).expect("made");
        let theirs = b"ssh-rsa CCCC caf\xe9\r\n\r\n  ssh-rsa DDDD d";
        std::fs::write(&file, theirs).expect("written");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).expect("set");
        keep_for(&account, &["ssh-rsa AAAA a".into()], false).expect("kept");
        let expected = [&theirs[..], b"\nssh-rsa AAAA Juju:a\n"].concat();
        assert_eq!(std::fs::read(&file).expect("there"), expected);
        assert_eq!(std::fs::metadata(&file).expect("there").permissions().mode() & 0o7777, 0o640);
        take_out(&account, Before { file: true, folder: true }).expect("taken out");
        assert_eq!(std::fs::read(&file).expect("there"), [&theirs[..], b"\n"].concat());
    }

    #[test]
    fn a_link_of_the_users_is_told_and_nothing_behind_it_is_touched() {
        let dir = tempfile::tempdir().expect("a directory");
        let (home, roots) = (dir.path().join("home"), dir.path().join("roots"));
        std::fs::create_dir_all(home.join(".ssh")).expect("made");
        std::fs::write(&roots, "ssh-rsa ROOT r\n").expect("written");
        std::os::unix::fs::symlink(&roots, home.join(".ssh/authorized_keys")).expect("linked");
        let account = account(&home);
        assert!(look(&account).is_err() && add(&account, "ssh-rsa EXTRA me").is_err());
        assert!(keep_for(&account, &["ssh-rsa AAAA a".into()], true).is_err());
        assert!(take_out(&account, Before { file: false, folder: false }).is_err());
        assert_eq!(std::fs::read_to_string(&roots).expect("there"), "ssh-rsa ROOT r\n");
        assert!(home.join(".ssh/authorized_keys").is_symlink());
    }

    #[test]
    fn the_users_own_lines_stay() {
        let keys = ["ssh-rsa AAAA juju-client-key".to_owned(), "ssh-ed25519 BBBB".to_owned()];
        let before = "# mine\nssh-rsa CCCC me@home\nssh-rsa DDDD Juju:gone key\n";
        let text = text(merged(before.as_bytes(), &keys));
        assert_eq!(text, "# mine\nssh-rsa CCCC me@home\nssh-rsa AAAA Juju:juju-client-key\nssh-ed25519 BBBB Juju:\n");
        assert_eq!(merged(text.as_bytes(), &keys), text.as_bytes());
        assert_eq!(merged(text.as_bytes(), &[]), b"# mine\nssh-rsa CCCC me@home\n");
    }

    #[test]
    fn what_the_cloud_put_there_goes_at_our_first_time_only() {
        let dir = tempfile::tempdir().expect("a directory");
        let account = account(dir.path());
        let file = dir.path().join(".ssh/authorized_keys");
        keep_for(&account, &["ssh-rsa AAAA a".into()], true).expect("written");
        assert_eq!(std::fs::read_to_string(&file).expect("there"), "ssh-rsa AAAA Juju:a\n");
        std::fs::write(&file, "ssh-rsa CLOUD x\n").expect("written");
        keep_for(&account, &["ssh-rsa AAAA a".into()], true).expect("written");
        assert_eq!(std::fs::read_to_string(&file).expect("there"), "ssh-rsa AAAA Juju:a\n");
        std::fs::write(&file, "ssh-rsa USER x\nssh-rsa AAAA Juju:a\n").expect("written");
        keep_for(&account, &[], false).expect("written");
        assert_eq!(std::fs::read_to_string(&file).expect("there"), "ssh-rsa USER x\n");
    }

    #[test]
    fn keys_that_are_let_go_are_the_users_own() {
        let mine = "# mine\nssh-rsa CCCC me@home\n";
        let keys =
            ["ssh-rsa AAAA juju-client-key".to_owned(), "ssh-ed25519 BBBB".to_owned(), "ssh-rsa DDDD a b".into()];
        let expected = format!("{mine}ssh-rsa AAAA juju-client-key\nssh-ed25519 BBBB\nssh-rsa DDDD a b\n");
        let let_go = |before: &[u8]| text(lines(before).flat_map(unmarked).collect());
        assert_eq!(let_go(&merged(mine.as_bytes(), &keys)), expected);
        assert_eq!(let_go(expected.as_bytes()), expected, "once is enough");
    }
}
