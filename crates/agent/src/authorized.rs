//! The model's ssh keys on the machine: a file of our own, which our ssh server reads, and the login user's `authorized_keys`,
//! which an sshd reads.
//! It must not know who logs in. The surprise: the user's file is shared. Lines of ours have a comment that begins with `Juju:`;
//! before our first time every line there is one that the cloud put there for us, and the model's keys replace it.

use std::io;
use std::path::Path;

use host::Account;
use host::files::Owner;

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

/// Adds keys that no list of the model's changes.
pub fn add(account: &Account, lines: &str) -> io::Result<()> {
    let keys = lines.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    // At the end: a line may begin with options.
    let marked: String = keys.map(|key| format!("{key} {THEIRS}\n")).collect();
    edit(account, |before| match before.is_empty() || before.ends_with('\n') {
        true => format!("{before}{marked}"),
        false if marked.is_empty() => before.to_owned(),
        false => format!("{before}\n{marked}"),
    })
}

/// Takes out every line of ours.
pub fn take_out(account: &Account) -> io::Result<()> {
    edit(account, |before| {
        let ours = |line: &&str| line.split_whitespace().any(|word| word.starts_with(OURS) || word.starts_with(THEIRS));
        before.split_inclusive('\n').filter(|line| !ours(line)).collect()
    })
}

fn keep_for(account: &Account, keys: &[String], first: bool) -> io::Result<()> {
    edit(account, |before| merged(if first { "" } else { before }, keys))
}

fn edit(account: &Account, how: impl FnOnce(&str) -> String) -> io::Result<()> {
    let directory = account.home.join(".ssh");
    let file = directory.join("authorized_keys");
    let before = match std::fs::read_to_string(&file) {
        Ok(before) => before,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        // One that cannot be read (a comment that is no UTF-8) is not empty: the user's keys are in it.
        Err(error) => return Err(error),
    };
    let text = how(&before);
    if text == before {
        return Ok(());
    }
    if !directory.is_dir() {
        if !account.home.is_dir() {
            return Ok(());
        }
        std::fs::create_dir(&directory)?;
        std::os::unix::fs::chown(&directory, Some(account.uid), Some(account.gid))?;
        std::fs::set_permissions(&directory, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    }
    host::files::write_owned(&file, text.as_bytes(), 0o600, Some(Owner { uid: account.uid, gid: account.gid }))
}

/// Leaves a user's file as if the keys in it were the user's own: nobody keeps them any more, and whoever could log in still can.
pub fn let_go(user: &str) -> io::Result<()> {
    let Ok(account) = Account::find(user) else { return Ok(()) };
    let file = account.home.join(".ssh/authorized_keys");
    let before = match std::fs::read_to_string(&file) {
        Ok(before) => before,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let text = unmarked(&before);
    if text == before {
        return Ok(());
    }
    host::files::write_owned(&file, text.as_bytes(), 0o600, Some(Owner { uid: account.uid, gid: account.gid }))
}

fn unmarked(before: &str) -> String {
    let plain = |line: &str| {
        let mut words = line.splitn(3, ' ');
        match (words.next(), words.next(), words.next().and_then(|comment| comment.strip_prefix(OURS))) {
            (Some(kind), Some(body), Some("")) => format!("{kind} {body}\n"),
            (Some(kind), Some(body), Some(comment)) => format!("{kind} {body} {comment}\n"),
            _ => format!("{line}\n"),
        }
    };
    before.lines().map(plain).collect()
}

fn merged(before: &str, keys: &[String]) -> String {
    let theirs = before.lines().filter(|l| !l.split_whitespace().any(|word| word.starts_with(OURS)));
    let ours = keys.iter().map(|key| marked(key, OURS));
    theirs.map(str::to_owned).chain(ours).map(|line| line + "\n").collect()
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

    #[test]
    fn what_was_added_is_taken_out_again() {
        let dir = tempfile::tempdir().expect("a directory");
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        let account =
            Account { name: "x".into(), uid, gid, groups: vec![gid], home: dir.path().into(), shell: "/bin/sh".into() };
        let file = dir.path().join(".ssh/authorized_keys");
        let read = || std::fs::read_to_string(&file).expect("there");
        std::fs::create_dir(dir.path().join(".ssh")).expect("made");
        std::fs::write(&file, "ssh-rsa USER x\n").expect("written");
        add(&account, "# mine\nssh-rsa EXTRA me\n\n").expect("added");
        keep_for(&account, &["ssh-rsa MODEL m".into()], false).expect("kept");
        keep_for(&account, &["ssh-rsa NEWER m".into()], false).expect("kept");
        assert_eq!(read(), "ssh-rsa USER x\nssh-rsa EXTRA me Manual:\nssh-rsa NEWER Juju:m\n");
        take_out(&account).expect("taken out");
        assert_eq!(read(), "ssh-rsa USER x\n");
    }

    #[test]
    fn the_users_own_lines_stay() {
        let keys = ["ssh-rsa AAAA juju-client-key".to_owned(), "ssh-ed25519 BBBB".to_owned()];
        let before = "# mine\nssh-rsa CCCC me@home\nssh-rsa DDDD Juju:gone key\n";
        let text = merged(before, &keys);
        assert_eq!(text, "# mine\nssh-rsa CCCC me@home\nssh-rsa AAAA Juju:juju-client-key\nssh-ed25519 BBBB Juju:\n");
        assert_eq!(merged(&text, &keys), text);
        assert_eq!(merged(&text, &[]), "# mine\nssh-rsa CCCC me@home\n");
    }

    #[test]
    fn what_the_cloud_put_there_goes_at_our_first_time_only() {
        let dir = tempfile::tempdir().expect("a directory");
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        let account =
            Account { name: "x".into(), uid, gid, groups: vec![gid], home: dir.path().into(), shell: "/bin/sh".into() };
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
        assert_eq!(unmarked(&merged(mine, &keys)), expected);
        assert_eq!(unmarked(&expected), expected, "once is enough");
    }
}
